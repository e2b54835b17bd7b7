"""Three dossiers of the sample against plain pandas that reads the sample's files itself, and awkward accounts."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kam.errors import ParameterError
from kam.programme import account_dossier
from kam.results import load_results, save_results
from tests.programme.account_by_hand import CONTEXT, by_hand, months, sample_files

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
LARGEST, LOST, ASKED = "001073", "002046", "000149"
END = pd.Timestamp("2026-01-01")  # the day after the last complete month


def read(table, **options):
    return pd.read_csv(SAMPLE / f"{table}.csv", dtype={"customer_id": str, "contact_id": str, "wave": str}, **options)


@pytest.fixture(scope="module")
def lines():
    """Order lines without services and doubled rows, money as numbers."""
    frame = pd.read_parquet(SAMPLE / "ledger.parquet").drop_duplicates()
    frame = frame[~frame["product_id"].isin(["BANK CHARGES", "MANUAL", "POSTAGE", "SAMPLES"])]
    frame[["amount", "cost"]] = frame[["amount", "cost"]].astype(float)
    for day in ("order_date", "promised_date", "delivered_date"):
        frame[day] = pd.to_datetime(frame[day])
    return frame


def without_cancelled(lines):
    """Each cancelling line takes with it the last line before it of the same product and money."""
    gone = set()
    for place, line in lines[lines["order_id"].str.startswith("C")].iterrows():
        same = lines[(lines["product_id"] == line["product_id"]) & np.isclose(lines["amount"], -line["amount"])]
        same = same[(same["order_date"] <= line["order_date"]) & ~same.index.isin(gone)]
        if len(same):
            gone |= {place, same.index[-1]}
    return lines.drop(index=list(gone))


@pytest.fixture(scope="module", params=[LARGEST, LOST, ASKED])
def customer(request):
    return request.param


@pytest.fixture(scope="module")
def dossier(customer):
    return account_dossier(sample_files(), customer)


@pytest.fixture(scope="module")
def own(lines, customer):
    return lines[lines["customer_id"] == customer]


def year(frame, back, column="order_date"):
    """The rows of the twelve months that ended so many years ago."""
    until = END - pd.DateOffset(years=back)
    return frame[frame[column].between(until - pd.DateOffset(years=1), until, inclusive="left")]


def test_money_and_orders_are_those_of_the_ledger(dossier, own):
    row, kept = dossier.account.iloc[0], without_cancelled(own)
    assert row["revenue"] == pytest.approx(own["amount"].sum())
    assert row["revenue_year"] == pytest.approx(year(own, 0)["amount"].sum())
    assert row["revenue_year_before"] == pytest.approx(year(own, 1)["amount"].sum())
    assert row["margin_year"] == pytest.approx((year(own, 0)["amount"] - year(own, 0)["cost"]).sum())
    bought = kept[kept["amount"] > 0]
    days = bought["order_date"].dt.normalize().drop_duplicates().sort_values()
    assert row["n_orders"] == bought["order_id"].nunique()
    assert row["days_since_last_order"] == (END - days.max()).days - 1
    assert row["mean_gap_days"] == pytest.approx(days.diff().dt.days.mean())


def test_the_share_of_our_revenue_is_of_the_last_twelve_months(dossier, lines, own):
    ours = year(lines[lines["customer_id"].fillna("").str.strip() != ""], 0)["amount"].sum()
    share = year(own, 0)["amount"].sum() / ours
    assert dossier.account["share_our_revenue"].iloc[0] == pytest.approx(
        share, rel=1e-4
    )  # cleaning takes a few lines more


def test_years_sum_orders_deliveries_and_events(dossier, own, customer):
    kept = without_cancelled(own)
    bought = kept[kept["amount"] > 0]
    late = bought["delivered_date"] > bought["promised_date"]
    late |= bought["delivered_date"].isna() & (bought["promised_date"] < END - pd.Timedelta(days=1))
    due = bought["promised_date"].notna() & (late | bought["delivered_date"].notna())
    events = read("events", parse_dates=["date"])
    events = events[events["customer_id"] == customer]
    assert len(dossier.years) == 4
    for back, row in enumerate(dossier.years.iloc[::-1].itertuples()):
        assert row.revenue == pytest.approx(year(own, back)["amount"].sum())
        assert row.n_orders == year(bought, back)["order_id"].nunique()
        deliveries = year(bought[due], back).assign(late=late)
        assert row.n_deliveries == deliveries["order_id"].nunique()
        assert row.n_late == deliveries.groupby("order_id")["late"].any().sum()
        happened = year(events, back, "date")["kind"]
        assert row.n_complaints == (happened == "complaint").sum()
        assert row.n_visits == (happened == "visit").sum()


def test_products_are_those_of_the_last_two_years(dossier, own):
    groups = {
        group: (year(part, 0)["amount"].sum(), year(part, 1)["amount"].sum())
        for group, part in own.groupby("product_group")
    }
    found = dossier.products.set_index("group_name")[["revenue_year", "revenue_year_before"]]
    for group, (now, before) in groups.items():
        if now or before:
            assert found.loc[group].to_list() == pytest.approx([now, before], abs=1e-6)


def test_who_they_are_and_what_was_aimed_at(dossier, customer):
    file, targets = read("accounts").set_index("customer_id").loc[customer], read("targets")
    aim = targets[(targets["customer_id"] == customer) & (targets["period"] == 2025)]
    row, who = dossier.account.iloc[0], dossier.line("who")
    assert dossier.name == file["name"] and file["industry"] in who and file["manager"] in who
    assert ("no sponsor" in who) == (file["sponsor"] != file["sponsor"])
    assert row["revenue_target"] == float(aim["revenue_target"].iloc[0])
    assert row["share_of_target"] == pytest.approx(row["revenue_year"] / row["revenue_target"])


def test_contacts_are_counted(dossier, customer):
    people = read("contacts")
    people = people[people["customer_id"] == customer]
    counts = dossier.account.iloc[0][["n_contacts", "n_allies", "n_deciders", "n_deciders_not_met"]].to_list()
    decides = people["decides"].astype(str) == "True"
    assert counts == [
        len(people),
        (people["support"] >= 1).sum(),
        decides.sum(),
        (decides & people["last_met"].isna()).sum(),
    ]
    assert set(dossier.contacts["person"]) == set(people["name"])


def test_answers_stand_beside_those_of_all_others(dossier, customer):
    survey = read("survey")
    wave = survey[(survey["wave"] == "2024-11")]
    own, others = wave[wave["customer_id"] == customer], wave[wave["customer_id"] != customer]
    said = dossier.answers.set_index("item").loc["overall"]
    answered = others.dropna(subset=["overall"])
    assert said["answer_mean"] == pytest.approx(own["overall"].mean())
    assert said["n_respondents"] == own["overall"].notna().sum() and said["n_other_people"] == len(answered)
    assert said["mean_others"] == pytest.approx(np.average(answered["overall"], weights=answered["weight"]))
    below = (dossier.answers["answer_mean"] - dossier.answers["mean_others"])[1:]
    assert dossier.answers["item"].iloc[0] == "overall" and below.is_monotonic_increasing
    chasing = dossier.answers.set_index("item").loc["chasing"]  # asked the other way round, so turned
    raw = own["chasing"].where(own["chasing"].between(1, 5))
    assert chasing["answer_mean"] == pytest.approx((6 - raw).mean())


def test_the_lost_account_tells_its_story():
    """Late deliveries, then complaints, then silence: what kam.samples planted."""
    dossier = account_dossier(sample_files(), LOST)
    last = dossier.years.iloc[-1]
    assert last["n_late"] >= 5 and last["n_complaints"] >= 4
    assert "has not ordered for 196 days, where 25 are usual" in dossier.answer()
    assert "missed deliveries" in dossier.answer()
    assert "late delivery" in dossier.line("history") and "Logged as lost" in dossier.line("history")
    assert "late" in " ".join(dossier.actions["reason"])


# -- by hand ---------------------------------------------------------------------------------------------------------


def test_the_answer_of_an_account_that_buys():
    files = by_hand(
        {"p_churn": 0.12, "p_churn_low": 0.05, "p_churn_high": 0.22, "share_of_target": 0.9}, horizon_days=91
    )
    answer = account_dossier(files, "a1").answer()
    assert answer.startswith(
        "Alba Boxes brings €120.00 a year, 25.0% of our revenue, 20% more than the year before, and 90% of its target. "
        "Its chance of loss within 91 days is 12% (95% interval 5% to 22%)."
    )
    assert 3 <= len(answer.key_figures) <= 5 and all(figure.note for figure in answer.key_figures)


def test_one_order_and_no_order():
    one = account_dossier(by_hand({"n_orders": 1, "mean_gap_days": None}, months=months(n=3)), "a1")
    assert "not" in {check.verdict[:8].split()[-1] for check in one.checks} and one.years["n_orders"].tolist() == [3]
    none = account_dossier(
        by_hand(
            {
                "n_orders": None,
                "revenue": None,
                "revenue_year": None,
                "days_since_last_order": None,
                "first_order": None,
            }
        ),
        "a1",
    )
    assert "has not ordered" in none.answer() and none.years.empty
    same = account_dossier(by_hand({"revenue_year": 100.1, "tier": None, "abc_class": None, "mean_gap_days": 1.2}), "")
    assert "as much as the year before" in same.answer() and "nan" not in repr(same.answer().key_figures)
    assert "usual gap one day" in same.line("standing")


def test_years_are_counted_back_from_the_last_month():
    dossier = account_dossier(by_hand(months=months(n=30, silent=6)), "")
    assert dossier.years["year_from"].dt.strftime("%Y-%m").tolist() == ["2023-01", "2024-01", "2025-01"]
    assert dossier.years["revenue"].tolist() == [60.0, 120.0, 60.0]
    assert "margin" not in dossier.years


def test_what_is_missing_is_one_line_for_each_section():
    lacks = pd.DataFrame(
        {"part": ["contacts", "forecast", "value"], "reason": ["not in the dataset", "no run", "no run"]}
    )
    dossier = account_dossier(by_hand(lacks=lacks), "")
    assert dossier.missing("decides") == "Not said here: contacts (not in the dataset)."
    assert (
        dossier.missing("heading")
        == "Not said here: chance of loss and value ahead (no run); share of wallet (its demand is not known)."
    )
    assert dossier.missing("who") == "" and dossier.voice() == "" and dossier.decides() == ""


@pytest.mark.parametrize("strange", ["../../x", "a/b", "CON", "x" * 300, "مرحبا", "<script>alert(1)</script>", "=1+1"])
def test_strange_identifiers(strange, tmp_path):
    dossier = account_dossier(by_hand({"customer_id": strange, "name": strange}, {}), strange)
    assert dossier.customer_id == strange and strange in dossier.answer()
    save_results(dossier, to=tmp_path)
    assert load_results(tmp_path)["dossier"].answer() == dossier.answer()


def test_an_unknown_account_names_the_nearest():
    files = by_hand({"customer_id": "000149"}, {"customer_id": "000194", "name": "Müller & Söhne"})
    with pytest.raises(ParameterError, match=r"'000148'.*000149 .Alba Boxes"):
        account_dossier(files, "000148")
    with pytest.raises(ParameterError, match=r"000194 .Müller"):
        account_dossier(files, "müller")
    with pytest.raises(ParameterError, match=r"no account 'x{60}…'"):
        account_dossier(files, "x" * 300)
    with pytest.raises(ParameterError, match="No account has a file"):
        account_dossier(by_hand().__class__(**(by_hand().__dict__ | {"accounts": files.accounts.iloc[:0]})), "")


def test_rules_of_ones_own():
    rules = pd.DataFrame(
        {
            "rule": ["r"], "field": ["n_orders"], "operator": [">="], "limit": ["10"], "action": ["Send flowers"],
            "reason": ["{n_orders} orders"], "priority": [1],
        }
    )  # fmt: skip
    dossier = account_dossier(by_hand(), "", rules=rules)
    assert dossier.actions[["action", "reason"]].to_numpy().tolist() == [["Send flowers", "20 orders"]]
    assert dossier.answer().endswith("Next: send flowers.") and dossier.idle() == ""
    idle = account_dossier(by_hand(), "", rules=rules.assign(limit="100"))
    assert idle.actions.empty and idle.idle() == "No rule of the table holds for this account."


def test_a_shared_dossier_names_no_contact_and_shows_no_few_answers():
    answers = pd.DataFrame(
        {
            "customer_id": "a1", "wave": "w", "item": ["overall", "price"], "question": ["overall", "Fair?"],
            "answer_mean": [1.5, 2.5], "n_respondents": [2, 6], "mean_others": [3.5, 3.5], "n_other_people": [100, 100],
        }
    )  # fmt: skip
    people = pd.DataFrame({"customer_id": ["a1"], "contact_id": ["p"], "name": ["Ada Secret"], "decides": [True]})
    shared = CONTEXT.__class__(**(CONTEXT.__dict__ | {"audience": "shared"}))
    given = {"answers": answers, "contacts": people}
    row = {
        "satisfaction": 1.5,
        "n_respondents": 2,
        "n_contacts": 1,
        "n_allies": 0,
        "n_deciders": 1,
        "n_deciders_not_met": 1,
    }
    dossier = account_dossier(by_hand(row, context=shared, **given), "")
    assert dossier.contacts.empty and "Ada Secret" not in repr(vars(dossier))
    assert dossier.answers.set_index("item")["answer_mean"].isna().to_dict() == {"overall": True, "price": False}
    assert (
        dossier.account["satisfaction"].isna().all()
        and dossier.voice() == "Too few people answered for a shared report."
    )
    assert (
        dossier.decides()
        == "One contact is known, none of them stands for us; one decides, and one of them nobody of us has met."
    )
    named = account_dossier(by_hand(row, **given), "")
    assert named.contacts["person"].tolist() == ["Ada Secret"] and "2 people of the account gave 1.5" in named.voice()


def test_the_index_finds_it_by_account_manager_tier_and_risk(dossier):
    labels = dossier.labels()
    assert list(labels) == ["account", "manager", "tier", "risk"]
    assert labels["account"] == f"{dossier.name} ({dossier.customer_id})" and labels["manager"] == dossier.manager
    assert replace(dossier, tier="B").labels()["tier"] == "B"
    assert replace(dossier, is_lost=True).labels()["risk"] == "lost"
    assert replace(dossier, is_lost=None, p_churn=0.25).labels()["risk"] == "high"
    assert replace(dossier, is_lost=False, p_churn=0.2499).labels()["risk"] == "medium"
    assert replace(dossier, is_lost=False, p_churn=0.0999).labels()["risk"] == "low"
    assert replace(dossier, is_lost=False, p_churn=None, tier=None).labels() | {"account": ""} == {
        "account": "", "manager": dossier.manager, "tier": "", "risk": "not known",
    }  # fmt: skip
