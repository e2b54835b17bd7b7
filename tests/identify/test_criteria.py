import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kam.dataset.schema import Criterion
from kam.errors import ColumnTypeError, DataError, DatasetError, EmptyDataError, MissingColumnError, ParameterError
from kam.identify.criteria import DEFAULT, MEASURED, criteria_table, name_criterion
from kam.wording import Wording

N = 24
IDS = [f"{i:03d}" for i in range(N)]


def summary(n=N, **changes):
    """Customers whose every measure differs, none of them at an end for customer 005."""
    i = np.arange(n)
    other = (7 * i + 3) % n
    frame = pd.DataFrame(
        {
            "customer_id": [f"{k:03d}" for k in i],
            "first_order": pd.Timestamp("2024-12-31") - pd.to_timedelta(400 + 10 * i, unit="D"),
            "n_orders": 10 + other,
            "revenue": 1000.0 + 50 * other,
            "margin": 100.0 + 9 * ((5 * i + 1) % n),
            "returns": 20.0 + 3 * i,
            "discount": 30.0 + 2 * other,
            "days_since_last_order": 10.0 + i,
            "tenure_days": 400.0 + 10 * i,
            "gap_cv": 0.2 + 0.01 * other,
            "demand_cv": 0.5 + 0.01 * i,
        }
    )
    return frame.assign(**changes)


def accounts(**changes):
    i = np.arange(N)
    frame = pd.DataFrame(
        {
            "customer_id": IDS,
            "name": [f"Account {k}" for k in i],
            "since": pd.NaT,
            "overdue": 10.0 + i,
            "receivable": 200.0,
            "payment_days": 30.0 + i,
            "reputation": 1.0 + i % 5,
        }
    )
    return frame.assign(**changes)


def contribution():
    i = np.arange(N)
    return pd.DataFrame({"customer_id": IDS, "contribution": 50.0 + i, "cost_to_serve": 5.0 + i})


def facts():
    i = np.arange(N)
    return pd.DataFrame({"customer_id": IDS, "share_wallet": 0.2 + 0.01 * i, "growth": -0.1 + 0.01 * i})


def measured(name, **given):
    return Criterion(name=name, kind="measured", **given)


def judged(name, **given):
    return Criterion(name=name, kind="judged", **given)


def levels(table, criterion):
    return table[table["criterion"] == criterion].set_index("customer_id")["criterion_level"]


# -- scales ----------------------------------------------------------------------------------------------------------


def test_percentiles_by_hand():
    """Twenty values 1 to 20: the share below plus half of the equal ones; three equal ones share a level."""
    x = np.arange(1.0, 21)
    x[4:7] = 6.0
    frame = summary(20, revenue=x)
    got = levels(criteria_table(frame, None, declared=[measured("revenue")]), "revenue")
    assert got["000"] == pytest.approx(0.5 / 20)
    assert got["019"] == pytest.approx(19.5 / 20)
    np.testing.assert_allclose(got[["004", "005", "006"]], 5.5 / 20)
    lower = levels(criteria_table(frame, None, declared=[measured("revenue", direction="lower")]), "revenue")
    np.testing.assert_allclose(lower, 1 - got)


def test_ranges_by_hand_and_beyond_them():
    frame = summary(20, revenue=np.linspace(0, 1900, 20))
    table = criteria_table(frame, None, declared=[measured("revenue", range=(100, 1100))])
    got = levels(table, "revenue")
    assert got[["000", "001", "006", "011", "015"]].tolist() == [0.0, 0.0, 0.5, 1.0, 1.0]
    assert table["is_clipped"].sum() == 1 + 8
    assert set(table["scale"]) == {"range"}


def test_judged_criteria_run_from_1_to_5_unless_a_range_is_given():
    file = accounts(reputation=[1, 2, 5, None] * 6, trust=[0, 5, 10, 10] * 6)
    declared = [judged("reputation"), judged("trust", range=(0, 10), direction="lower")]
    table = criteria_table(summary(), file, declared=declared)
    np.testing.assert_allclose(levels(table, "reputation")[:4], [0, 0.25, 1, np.nan])
    assert levels(table, "trust")[:3].tolist() == [1.0, 0.5, 0.0]
    assert table.loc[table["criterion_level"].notna(), "level_error"].tolist() == [0.125] * (18 + 24)
    half = criteria_table(summary(), file, declared=declared, judged_error=0.25)
    np.testing.assert_allclose(half["level_error"], table["level_error"] / 2)


def test_with_few_accounts_levels_lie_between_the_lowest_and_the_highest():
    frame = summary(3, revenue=[100.0, 400.0, 200.0])
    table = criteria_table(frame, None, declared=[measured("revenue")])
    assert set(table["scale"]) == {"lowest to highest"}
    np.testing.assert_allclose(table["criterion_level"], [0, 1, 1 / 3])


@pytest.mark.parametrize("n", [1, 3, 30])
def test_what_is_the_same_for_all_is_the_middle(n):
    table = criteria_table(summary(n, revenue=7.0), None, declared=[measured("revenue")])
    assert table["criterion_level"].tolist() == [0.5] * n


def test_standard_errors_are_carried_over_to_the_scale():
    frame = summary(20, revenue=np.arange(1.0, 21))
    given = {"std_errors": {"revenue": 2.0}}
    by_range = criteria_table(frame, None, declared=[measured("revenue", range=(0, 20))], **given)
    assert by_range["level_error"].tolist() == [0.1] * 20
    by_rank = criteria_table(frame, None, declared=[measured("revenue")], **given)
    assert by_rank["level_error"].iloc[10] == pytest.approx(0.1)  # 2 of 20 accounts to each side
    assert by_rank["level_error"].iloc[0] == pytest.approx(0.05)  # nobody is below


@settings(max_examples=25)
@given(st.floats(0.01, 1e6), st.integers(0, 10**6))
def test_with_percentiles_the_unit_does_not_matter(unit, seed):
    x = np.random.default_rng(seed).integers(1, 50, N).astype(float)
    one = criteria_table(summary(revenue=x), None, declared=[measured("revenue")])
    other = criteria_table(summary(revenue=np.log(x) * unit), None, declared=[measured("revenue")])
    np.testing.assert_allclose(one["criterion_level"], other["criterion_level"])


# -- what is measured ------------------------------------------------------------------------------------------------

BETTER = {
    "revenue": ("summary", "revenue", 5000.0),
    "margin": ("summary", "margin", 900.0),
    "share_margin": ("summary", "margin", 900.0),
    "contribution": ("contribution", "contribution", 900.0),
    "share_cost_to_serve": ("contribution", "cost_to_serve", 0.0),
    "orders_per_year": ("summary", "n_orders", 500),
    "gap_cv": ("summary", "gap_cv", 0.01),
    "demand_cv": ("summary", "demand_cv", 0.01),
    "days_since_last_order": ("summary", "days_since_last_order", 1.0),
    "tenure_years": ("accounts", "since", pd.Timestamp("2000-01-01")),
    "share_returns": ("summary", "returns", 0.0),
    "share_discount": ("summary", "discount", 0.0),
    "share_overdue": ("accounts", "overdue", 0.0),
    "payment_days": ("accounts", "payment_days", 1.0),
    "share_wallet": ("facts", "share_wallet", 0.99),
    "growth": ("facts", "growth", 2.0),
}


def table_of(frames, name):
    declared = [measured(name, direction=MEASURED[name].direction)]
    return criteria_table(
        frames["summary"],
        frames["accounts"],
        declared=declared,
        contribution=frames["contribution"],
        facts=frames["facts"],
    )


@pytest.mark.parametrize("name", MEASURED)
def test_a_better_value_of_one_account_lifts_its_level_to_the_top(name):
    frames = {"summary": summary(), "accounts": accounts(), "contribution": contribution(), "facts": facts()}
    before = levels(table_of(frames, name), name)
    assert before.notna().all()
    assert before["005"] < before.max()
    where, column, value = BETTER[name]
    frames[where].loc[5, column] = value
    after = levels(table_of(frames, name), name)
    assert after["005"] == after.max() > before["005"]


def test_measures_by_hand():
    frames = {"summary": summary(), "accounts": accounts(), "contribution": contribution(), "facts": facts()}

    def value(name, k=2):
        return table_of(frames, name)["criterion_value"].iloc[k]

    one = frames["summary"].iloc[2]
    assert value("share_margin") == one["margin"] / one["revenue"]
    assert value("orders_per_year") == pytest.approx(one["n_orders"] / (420 / 365.25))
    assert value("tenure_years") == pytest.approx(420 / 365.25)
    assert value("share_returns") == 26 / (one["revenue"] + 26)
    assert value("share_discount") == one["discount"] / (one["revenue"] + one["discount"])
    assert value("share_overdue") == 12 / 200
    assert value("share_cost_to_serve") == 7 / one["revenue"]


def test_the_default_is_measured_with_equal_weights():
    table = criteria_table(summary(), accounts(), declared=[])
    assert tuple(table["criterion"].unique()) == DEFAULT
    assert set(table["weight"]) == {1.0} and not table["is_declared"].any()
    assert table.groupby("criterion", observed=True)["direction"].first()["gap_cv"] == "lower"
    without = criteria_table(summary().drop(columns="margin"), None, declared=[])
    assert "share_margin" not in set(without["criterion"])


def test_names_that_people_read():
    say = Wording()
    assert name_criterion("gap_cv", "measured", say) == "regularity"
    assert name_criterion("price_sensitivity", "judged", say) == "price sensitivity"


# -- what is missing -------------------------------------------------------------------------------------------------


def test_every_missing_value_has_its_reason():
    file = accounts().drop(index=[0, 1])
    file.loc[2, "reputation"] = np.nan
    frame = summary().drop(columns="margin")
    frame.loc[3, "gap_cv"] = np.nan
    declared = [measured("margin"), measured("gap_cv"), judged("reputation"), judged("trust"), measured("growth")]
    table = criteria_table(frame, file, declared=declared)
    assert (table["criterion_level"].isna() == (table["why"] != "")).all()
    why = table.set_index(["customer_id", "criterion"])["why"].astype("str")
    assert why["000", "reputation"] == "not in the account file"
    assert why["002", "reputation"] == "not judged"
    assert why["003", "gap_cv"] == "too few orders"
    assert why["005", "margin"] == "the ledger has no cost"
    assert why["005", "trust"] == "the account file has no such column"
    assert why["005", "growth"] == "the account facts have no growth"
    none = criteria_table(frame, None, declared=[judged("reputation")])
    assert set(none["why"]) == {"there is no account file"}


def test_customers_are_those_of_the_ledger_in_order_of_their_id():
    file = pd.concat([accounts(), pd.DataFrame({"customer_id": ["prospect"], "reputation": [5.0]})], ignore_index=True)
    shuffled = criteria_table(
        summary().sample(frac=1, random_state=1), file.sample(frac=1, random_state=2), declared=[]
    )
    table = criteria_table(summary(), accounts(), declared=[])
    pd.testing.assert_frame_equal(shuffled, table)
    assert table["customer_id"].unique().tolist() == IDS
    assert table["name"].iloc[0] == "Account 0"


def test_inputs_are_not_changed():
    frame, file = summary(), accounts()
    criteria_table(frame, file, declared=[judged("reputation")], contribution=contribution(), facts=facts())
    pd.testing.assert_frame_equal(frame, summary())
    pd.testing.assert_frame_equal(file, accounts())


# -- what cannot be used ---------------------------------------------------------------------------------------------


def test_an_unknown_measure_is_named_with_those_there_are():
    with pytest.raises(DatasetError, match=r"'turnover' is not known.*revenue, margin, share_margin"):
        criteria_table(summary(), None, declared=[measured("turnover")])
    with pytest.raises(DatasetError, match="'revenue' is declared twice"):
        criteria_table(summary(), None, declared=[measured("revenue"), measured("revenue")])


def test_frames_that_cannot_be_used_are_named():
    with pytest.raises(MissingColumnError, match="'gap_cv'"):
        criteria_table(summary().drop(columns="gap_cv"), None, declared=[])
    with pytest.raises(EmptyDataError):
        criteria_table(summary().head(0), None, declared=[])
    with pytest.raises(DataError, match=r"stands twice.*summary.*'003'"):
        criteria_table(pd.concat([summary(), summary().iloc[[3]]]), None, declared=[])
    with pytest.raises(DataError, match=r"stands twice.*account file.*'003'"):
        criteria_table(summary(), pd.concat([accounts(), accounts().iloc[[3]]]), declared=[])
    for judgment in ("good", "4"):
        with pytest.raises(ColumnTypeError, match=r"'reputation' holds no numbers.*account file.*Judge from 1 to 5"):
            criteria_table(summary(), accounts(reputation=judgment), declared=[judged("reputation")])


@pytest.mark.parametrize("error", [-0.1, np.nan, np.inf])
def test_errors_are_no_less_than_zero(error):
    with pytest.raises(ParameterError, match="judged_error"):
        criteria_table(summary(), accounts(), declared=[], judged_error=error)
    with pytest.raises(ParameterError, match="'revenue'"):
        criteria_table(summary(), accounts(), declared=[], std_errors={"revenue": error})


def test_errors_belong_to_what_is_measured():
    with pytest.raises(ParameterError, match="no measured criterion 'reputation'"):
        criteria_table(summary(), accounts(), declared=[judged("reputation")], std_errors={"reputation": 1.0})


@pytest.mark.parametrize("column", ["revenue", "margin", "n_orders", "tenure_days", "gap_cv", "returns", "discount"])
@pytest.mark.parametrize("value", ["dear", "12"])
def test_measures_that_are_texts_are_named(column, value):
    with pytest.raises(ColumnTypeError, match=rf"'{column}' holds no numbers.*summary"):
        criteria_table(summary(**{column: value}), None, declared=[])


def test_other_frames_of_wrong_types_are_named():
    for column in ("overdue", "receivable", "payment_days"):
        with pytest.raises(ColumnTypeError, match=rf"'{column}' holds no numbers.*account file"):
            criteria_table(summary(), accounts(**{column: "much"}), declared=[])
    with pytest.raises(ColumnTypeError, match=r"'since' holds no dates.*account file"):
        criteria_table(summary(), accounts(since="long ago"), declared=[])
    with pytest.raises(ColumnTypeError, match=r"'contribution' holds no numbers"):
        criteria_table(summary(), None, declared=[], contribution=contribution().assign(contribution="x"))
    with pytest.raises(ColumnTypeError, match=r"'growth' holds no numbers.*facts"):
        criteria_table(summary(), None, declared=[], facts=facts().assign(growth="x"))
    with pytest.raises(MissingColumnError, match=r"'customer_id'.*account file"):
        criteria_table(summary(), accounts().drop(columns="customer_id"), declared=[])
    with pytest.raises(ColumnTypeError, match=r"no data frame.*account file"):
        criteria_table(summary(), [1], declared=[])
    with pytest.raises(DataError, match="has no number"):
        criteria_table(summary(customer_id=[None, *IDS[1:]]), None, declared=[])


@pytest.mark.parametrize("declared", ["revenue", ["revenue"], None])
def test_criteria_are_declared_as_criteria(declared):
    with pytest.raises(ParameterError, match="declared is"):
        criteria_table(summary(), None, declared=declared)


@pytest.mark.parametrize("error", ["0.5", None, [1]])
def test_errors_are_numbers(error):
    with pytest.raises(ParameterError, match="judged_error"):
        criteria_table(summary(), accounts(), declared=[], judged_error=error)
    with pytest.raises(ParameterError, match="'revenue'"):
        criteria_table(summary(), accounts(), declared=[], std_errors={"revenue": error})
