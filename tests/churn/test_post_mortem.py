"""What moved before large accounts were lost: by hand, against scipy, and what was planted in the sample company."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from kam.churn import churn_definition, post_mortem
from kam.churn.movements import count_risen, share_risen
from kam.churn.post_mortem_words import say_how_many
from kam.errors import MissingColumnError, NoEventError, ParameterError
from kam.ledger import Covariates, open_ledger
from kam.samples import simulate_company
from kam.wording import Wording
from tests.churn.purchases import find_check
from tests.churn.troubles import judge, open_company

LEFT = pd.Timestamp("2024-06-01")
START = LEFT - pd.Timedelta(days=121)
"""About where the window begins: the last order of account 00 is on 2024-05-25."""


def late(frame):
    return frame["promised_date"] + pd.Timedelta(days=3)


CHANGES = {
    "00": None,
    "01": ("delivered_date", late),
    "02": ("amount", lambda frame: 0.3 * frame["amount"]),
    "03": ("product_group", lambda frame: "film"),
    "04": ("discount", lambda frame: 0.02 * frame["amount"]),
}
"""What is done to the last 120 days of the accounts that leave."""


def orders(changes=CHANGES):
    """Forty accounts order every ten days for three years; those with an entry stop."""
    rng = np.random.default_rng(1)
    day = pd.date_range("2022-01-05", "2024-12-28", freq="10D")
    rows = [(f"{i:02d}", d) for i in range(40) for d in day if f"{i:02d}" not in changes or d < LEFT]
    frame = pd.DataFrame(rows, columns=["customer_id", "order_date"])
    frame["amount"] = rng.uniform(90, 110, len(frame))
    frame["discount"] = 0.1 / 0.9 * frame["amount"] * rng.uniform(0.9, 1.1, len(frame))
    frame["product_group"] = np.array(["film", "tape", "labels"])[np.arange(len(frame)) % 3]
    frame["promised_date"] = frame["order_date"] + pd.Timedelta(days=4)
    frame["delivered_date"] = frame["promised_date"]
    for customer, change in changes.items():
        near = (frame["customer_id"] == customer) & (frame["order_date"] > START)
        if change:
            frame.loc[near, change[0]] = change[1](frame.loc[near])
    return frame


def examine(frame, **options):
    ledger = open_ledger(frame, as_of="2024-12-31", currency="EUR")
    return post_mortem(ledger, 5, **({"min_revenue": 100} | options))


def found(result, customer="00"):
    rows = result.movements[result.movements["is_notable"] & (result.movements["customer_id"] == customer)]
    return set(rows["term"])


@pytest.fixture(scope="module")
def frame():
    return orders()


@pytest.fixture(scope="module")
def changed(frame):
    return examine(frame)


def test_nothing_moved(changed):
    assert set(changed.accounts["customer_id"]) == set(CHANGES)
    assert found(changed) == set()
    reason = changed.accounts.set_index("customer_id").loc["00", "reason"]
    assert reason == "nothing of what was looked at moved more than usual"
    missing = find_check(changed, "everything that may have moved")
    assert missing.verdict == "does not hold" and "complaints (no complaint is logged)" in missing.finding
    assert changed.looked_at.set_index("term").loc["contacts", "why"] == "no contact or visit is logged"


@pytest.mark.parametrize(
    ("customer", "term", "words"),
    [
        ("01", "late deliveries", "late deliveries rose from 0% to 100%"),
        ("02", "spend", "spend fell by 7"),
        ("03", "product groups bought", "2 of 3 product groups given up: "),
        ("04", "discount", "the discount fell from 10.0% to 2.0%"),
    ],
)
def test_what_moved_is_found_and_nothing_else(changed, customer, term, words):
    assert found(changed, customer) == {term}
    assert words in changed.accounts.set_index("customer_id").loc[customer, "reason"]
    row = changed.movements.set_index(["customer_id", "term"]).loc[(customer, term)]
    assert row["n_peers"] == 35 and row["share_peers"] <= 0.05 and row["p_value"] < 0.05
    patterns = changed.patterns.set_index("term")
    assert not changed.patterns[
        "stands_out"
    ].any()  # one of five is no pattern, even if none of those that stayed has it
    assert (patterns.loc[term, "n_customers"], patterns.loc[term, "n_notable"]) == (5, 1)


def test_late_deliveries_and_spend_by_hand(frame, changed):
    own = frame[frame["customer_id"] == "01"]
    end = own["order_date"].max() + pd.Timedelta(days=1 + 5)  # half the usual gap of ten days
    middle, start = end - pd.Timedelta(days=120), end - pd.Timedelta(days=848)
    window = own[(own["order_date"] >= middle) & (own["order_date"] < end)]
    level = own[(own["order_date"] >= start) & (own["order_date"] < middle)]
    n_late = [(part["delivered_date"] > part["promised_date"]).sum() for part in (window, level)]
    rows = changed.movements.set_index(["customer_id", "term"])
    row = rows.loc[("01", "late deliveries")]
    assert (row["before"], row["usual"]) == (n_late[0] / len(window), n_late[1] / len(level))
    table = stats.hypergeom(len(window) + len(level), sum(n_late), len(window))
    assert row["p_value"] == pytest.approx(table.sf(n_late[0]) + table.pmf(n_late[0]) / 2)
    spend = rows.loc[("01", "spend")]
    assert spend["before"] == pytest.approx(window["amount"].sum(), rel=1e-6)
    assert spend["usual"] == pytest.approx(level["amount"].sum() * 120 / 728, rel=1e-6)


def test_what_all_suffer_is_no_reason():
    frame = orders({"00": None})
    all_late = (frame["order_date"] > START) & (frame["order_date"] < LEFT)
    frame.loc[all_late, "delivered_date"] += pd.Timedelta(days=3)
    result = examine(frame)
    row = result.movements.set_index("term").loc["late deliveries"]
    assert row["p_value"] < 0.01 and row["share_peers"] == 1 and not row["is_notable"]
    assert row["typical_change"] > 0.8


def test_events_and_managers(frame):
    days = pd.date_range("2024-04-01", periods=6, freq="9D")
    log = [("00", d, "complaint", None, None) for d in days] + [("07", days[0], "complaint", None, None)]
    log += [
        (f"{i:02d}", d, "visit", None, None)
        for i in range(40)
        for d in pd.date_range("2022-02-01", "2024-01-20", freq="20D")
    ]
    log += [
        (f"{i:02d}", d, "contact", None, None)
        for i in range(1, 40)
        for d in pd.date_range("2024-02-01", "2024-09-01", freq="20D")
    ]
    log += [
        ("00", pd.Timestamp("2024-03-01"), "handover", None, None),
        ("00", pd.Timestamp("2024-08-01"), "lost", "price", "Boxmere"),
    ]
    events = pd.DataFrame(log, columns=["customer_id", "date", "kind", "reason", "competitor"])
    accounts = pd.DataFrame({"customer_id": [f"{i:02d}" for i in range(40)], "region": "north", "manager": "Ann"})
    accounts["manager_since"] = pd.Timestamp("2024-03-01")
    frame = frame[frame["customer_id"].isin(["00"]) | (frame["customer_id"] > "04")]
    result = examine(frame, covariates=Covariates(accounts=accounts, events=events))
    assert found(result) == {"complaints", "contacts", "manager handover"}
    row = result.accounts.iloc[0]
    assert (row["logged_reason"], row["competitor"], row["region"], row["manager"]) == (
        "price",
        "Boxmere",
        "north",
        "Ann",
    )
    assert (
        "a new manager within the half year before; 6 complaints within 120 days, where 0.0 were usual" in row["reason"]
    )
    assert "0 contacts or visits within 120 days, where " in row["reason"]
    groups = result.groups.set_index(["by", "group_name", "term"])
    assert groups.loc[("logged reason", "price", "complaints"), "n_notable"] == 1
    only_accounts = examine(frame, covariates=Covariates(accounts=accounts))
    assert found(only_accounts) == {"manager handover"}
    with pytest.raises(MissingColumnError, match="kind"):
        examine(frame, covariates=Covariates(events=events.drop(columns="kind")))


def test_an_account_with_a_rhythm_is_lost_before_the_definition_says():
    frame = orders({"00": None})
    frame = frame[(frame["customer_id"] != "01") | (frame["order_date"] < "2024-11-01")]
    result = examine(frame)
    assert result.accounts.set_index("customer_id")["is_lost"].to_dict() == {"00": True, "01": False}
    status = result.accounts.set_index("customer_id")["status"].to_dict()
    assert status == {"00": "lost", "01": "silent beyond its rhythm"}
    assert (result.n_lost, result.n_rhythm) == (1, 1)
    money = result.accounts.set_index("customer_id")["revenue_before"]
    assert (result.money_lost, result.money_rhythm) == (money["00"], money["01"])
    answer = result.answer()
    assert answer.startswith(
        "One large account is lost and one more is silent beyond its own rhythm; the lost brought "
        f"€{money['00']:,.0f} in their last year, the silent €{money['01']:,.0f}. At 0 of these 2 something stands out"
    )
    assert [figure.value for figure in answer.key_figures[:2]] == ["1", "1"]
    assert "silent beyond their own rhythm" in answer.key_figures[1].label
    alone = examine(frame, gap_multiple=None).answer()
    assert alone.startswith("One large account is lost; it brought €") and "Before its last order: nothing" in alone
    assert examine(frame, gap_multiple=None).accounts["customer_id"].tolist() == ["00"]
    ledger = open_ledger(frame, as_of="2024-12-31")
    definition = churn_definition(ledger, k=5, n_resamples=10)
    again = post_mortem(ledger, definition, min_revenue=100)
    assert again.accounts["reason"].tolist() == result.accounts["reason"].tolist()


def test_the_lost_and_the_silent_are_counted_apart():
    said = {pair: say_how_many(Wording(), *pair) for pair in ((2, 0), (1, 3), (0, 1), (0, 4))}
    assert said == {
        (2, 0): "2 large accounts are lost",
        (1, 3): "One large account is lost and 3 more are silent beyond their own rhythm",
        (0, 1): "No large account is lost, but one is silent beyond its own rhythm",
        (0, 4): "No large account is lost, but 4 are silent beyond their own rhythm",
    }
    only = orders({})
    only = examine(only[(only["customer_id"] != "01") | (only["order_date"] < "2024-11-01")])
    assert (only.n_lost, only.n_rhythm, only.money_lost) == (0, 1, 0.0)
    assert only.answer().startswith("No large account is lost, but one is silent beyond its own rhythm; it brought €")


def test_scores_and_p_values_are_those_of_scipy():
    rng = np.random.default_rng(1)
    n, n_then = rng.integers(1, 9, (2, 50)).astype(float)
    x, x_then = np.minimum(rng.integers(0, 6, 50), n), np.minimum(rng.integers(0, 4, 50), n_then)
    _, p = share_risen(x, n, x_then, n_then)
    exact = [
        stats.fisher_exact([[a, b - a], [c, d - c]], alternative="greater")[1]
        for a, b, c, d in zip(x, n, x_then, n_then, strict=True)
    ]
    point = stats.hypergeom(n + n_then, x + x_then, n).pmf(x)
    np.testing.assert_allclose(p, np.array(exact) - point / 2, atol=1e-9)
    _, p = count_risen(x, x_then, np.full(50, 0.3))
    exact = [
        stats.binomtest(int(a), int(a + b), 0.3, alternative="greater").pvalue if a + b else 1.0
        for a, b in zip(x, x_then, strict=True)
    ]
    np.testing.assert_allclose(p, np.array(exact) - stats.binom(x + x_then, 0.3).pmf(x) / 2, atol=1e-9)


def test_at_an_unchanged_habit_few_changes_are_notable():
    """Counts at one rate and shares of one probability: the one-sided mid-p value keeps its level."""
    rng = np.random.default_rng(1)
    _, p = share_risen(
        rng.binomial(8, 0.1, 20_000), np.full(20_000, 8.0), rng.binomial(40, 0.1, 20_000), np.full(20_000, 40.0)
    )
    assert (p <= 0.05).mean() <= 0.055
    _, p = count_risen(
        rng.poisson(1.0, 20_000).astype(float), rng.poisson(6.0, 20_000).astype(float), np.full(20_000, 1 / 7)
    )
    assert (p <= 0.05).mean() <= 0.055


def test_the_planted_key_accounts_are_found_and_explained():
    """A company that was not looked at while the limits were chosen; the benchmark shows more."""
    counts = []
    for seed in (301,):
        company = simulate_company(seed=seed)
        ledger, covariates = open_company(company)
        counts.append(judge(company, post_mortem(ledger, 13, covariates=covariates), seed))
        ledger.close()
    total = pd.DataFrame(counts).sum()
    assert total["n_planted_listed"] / total["n_planted"] >= 0.9
    assert total["n_planted_explained"] / total["n_planted"] >= 0.75
    assert total["n_listed_left"] / total["n_listed"] >= 0.7
    assert total["n_flagged_true"] / total["n_flagged"] >= 0.7
    assert total["n_handed_found"] == total["n_handed"] and total["n_handed_true"] == total["n_handed_flagged"]


def test_bad_input(frame):
    ledger = open_ledger(frame[frame["customer_id"] > "04"], as_of="2024-12-31")
    for name, value, message in [
        ("window_days", 0, "window_days is 0"),
        ("level_days", 30, "level_days is 30"),
        ("alpha", 1.0, "alpha is 1.0"),
        ("gap_multiple", 0.5, "gap_multiple is 0.5"),
        ("min_revenue", float("nan"), "min_revenue is nan"),
    ]:
        with pytest.raises(ParameterError, match=message):
            post_mortem(ledger, 5, **{name: value})
    with pytest.raises(NoEventError, match="No large account is lost"):
        post_mortem(ledger, 5)
    with pytest.raises(ParameterError, match="definition is 0"):
        post_mortem(ledger, 0)
