import numpy as np
import pandas as pd
import pytest

from kam.churn import person_periods
from kam.errors import EmptyDataError, ParameterError
from kam.ledger import Covariates, open_ledger

MONTH = pd.date_range("2024-01-01", periods=12, freq="MS")


def panel_of(**bought):
    rows = [(name, MONTH[t]) for name, months in bought.items() for t in months]
    return pd.DataFrame(rows, columns=["customer_id", "period"]).assign(n_orders=1)


@pytest.fixture(scope="module")
def made():
    """a orders in month 0, 1 and 2 and comes back in 8; b every second month; c begins in month 6; d orders in the last alone."""
    return person_periods(panel_of(a=(0, 1, 2, 8), b=range(0, 12, 2), c=(6, 7, 8, 9, 10), d=(11,)), k=3)


def test_rows_by_hand(made):
    rows = made.rows
    assert rows.groupby("customer_id", observed=False).size().to_dict() == {"a": 11, "b": 11, "c": 5, "d": 0}
    a = rows[rows["customer_id"] == "a"]
    assert a["period"].tolist() == MONTH[1:].tolist()
    assert a["tenure"].tolist() == list(range(1, 12))
    assert a.loc[a["ordered"], "tenure"].tolist() == [1, 2, 8]
    assert a["n_silent"].tolist() == [0, 0, 0, 1, 2, 3, 4, 5, 0, 1, 2]
    assert a.loc[a["at_risk"], "tenure"].tolist() == [1, 2, 3], "the first spell only"
    assert a.loc[a["event"], "tenure"].tolist() == [3], "dated at the beginning of the silence"


def test_the_last_periods_are_not_at_risk_since_only_who_stays_is_known_there(made):
    last = made.rows[made.rows["at_risk"]].groupby("customer_id", observed=True)["period"].max()
    assert last["b"] == last["c"] == MONTH[9]  # a silence that begins in it is complete in month 11
    assert not made.rows.loc[made.rows["customer_id"] != "a", "event"].any()


def test_customers_by_hand(made):
    c = made.customers.set_index("customer_id")
    assert c["duration"].to_dict() == {"a": 5, "b": 11, "c": 5, "d": 0}  # a: last order in 2, three silent months
    assert c["is_lost"].to_dict() == {"a": True, "b": False, "c": False, "d": False}
    assert c["start_known"].to_dict() == {"a": False, "b": False, "c": True, "d": True}


def test_since_makes_the_beginning_known_and_the_entry_late():
    accounts = pd.DataFrame({"customer_id": ["a", "b"], "since": pd.to_datetime(["2023-10-20", "2024-05-01"])})
    made = person_periods(panel_of(a=(0, 1, 2), b=(1, 2, 9)), k=3, covariates=Covariates(accounts=accounts))
    c = made.customers.set_index("customer_id")
    assert c["start_known"].to_dict() == {"a": True, "b": False}, "since after the first order is no beginning"
    assert c.loc["a", ["entry", "duration"]].tolist() == [3 + 2, 3 + 5], "nobody can be seen lost before k periods"
    assert made.rows.loc[made.rows["customer_id"] == "a", "tenure"].iloc[0] == 4
    assert c.loc["b", "entry"] == 0


def test_own_rhythm_takes_longer_for_slow_accounts():
    panel = panel_of(a=(0, 3, 6, 9), b=(0, 1, 2, 3))
    plain, own = (person_periods(panel, k=2, gap_multiple=multiple).customers for multiple in (None, 2))
    assert plain["is_lost"].tolist() == [True, True]
    assert own["is_lost"].tolist() == [False, True]  # a: 6 months, b: 2


@pytest.fixture(scope="module")
def known():
    """Three orders, two with a delivery, and what happened at the account; all of it dated."""
    orders = pd.DataFrame(
        {
            "customer_id": "a",
            "order_date": pd.to_datetime(["2024-01-05", "2024-02-05", "2024-03-05", "2024-08-30"]),
            "amount": 10.0,
            "promised_date": pd.to_datetime(["2024-01-10", "2024-02-10", "2024-03-31", None]),
            "delivered_date": pd.to_datetime(["2024-01-10", "2024-02-20", None, None]),
        }
    )
    events = pd.DataFrame(
        {
            "customer_id": "a",
            "date": pd.to_datetime(["2024-02-15", "2024-04-01", "2024-03-10"]),
            "kind": ["complaint", "complaint", "handover"],
        }
    )
    survey = pd.DataFrame(
        {
            "customer_id": "a",
            "wave": ["1", "2"],
            "answered_on": pd.to_datetime(["2024-03-31", "2024-06-01"]),
            "overall": [2.0, 5.0],
        }
    )
    accounts = pd.DataFrame({"customer_id": ["a"], "region": "north"})
    covariates = Covariates(accounts=accounts, static=("region",), events=events, survey=survey)
    made = person_periods(open_ledger(orders, as_of="2024-09-30"), k=2, covariates=covariates)
    return made.rows.set_index(made.rows["period"].dt.month)


def test_deliveries_count_when_they_come_and_none_is_not_late(known):
    share = known["share_late"]
    # came before February: 1 on time; before March: 1 of 2 late; before April one more that did not come by 31 March
    assert share.loc[2:4].round(3).tolist() == [0.0, 0.5, 0.667]
    assert share.loc[5] == 1.0 and share.loc[7] == 0.0 and not share.isna().any()


def test_what_happens_in_a_period_is_known_only_in_the_next(known):
    assert known["n_complaints"].loc[2:6].tolist() == [0, 1, 1, 2, 1]
    assert known["satisfaction_band"].isna().loc[2:3].all()
    assert known["satisfaction_band"].loc[4:6].tolist() == ["low", "low", "low"], "answered on 1 June: not before June"
    assert known["satisfaction_band"].loc[7] == "high"
    assert (known["region"] == "north").all()


def test_a_handover_counts_for_half_a_year(known):
    assert known["handover"].tolist() == [False, False, True, True, True, True, True, True]


@pytest.mark.parametrize("seed", [1, 2])
def test_losses_are_those_of_the_churn_definition(seed):
    from kam.churn import churn_definition
    from tests.churn.purchases import simulate_panel

    panel = simulate_panel(200, seed)
    made = person_periods(panel, k=4)
    losses = churn_definition(panel, k=4, n_resamples=1).losses.set_index("period")
    lost = made.rows[made.rows["event"]].groupby("period").size()
    first_spells = lost.rename(index=lambda day: day + pd.DateOffset(months=3))
    assert (first_spells <= losses["n_lost"].reindex(first_spells.index)).all()
    assert made.rows["event"].sum() == made.customers["is_lost"].sum()
    assert first_spells.iloc[0] == losses["n_lost"].reindex(first_spells.index).iloc[0]


@pytest.mark.parametrize(
    ("panel", "k", "error", "words"),
    [
        (panel_of(a=(0, 1)), 2, ParameterError, "k is 2; the data have 2 months"),
        (panel_of(a=(0, 1)), 0, ParameterError, "k is 0"),
        (panel_of(a=(0,)), 1, EmptyDataError, "one month"),
    ],
)
def test_bad_input(panel, k, error, words):
    with pytest.raises(error, match=words):
        person_periods(panel, k=k)


def test_inputs_are_not_changed_and_columns_have_whole_numbers(made):
    panel = panel_of(a=(0, 1, 5), b=(2, 3))
    before = panel.copy()
    rows = person_periods(panel, k=2).rows
    pd.testing.assert_frame_equal(panel, before)
    assert all(np.issubdtype(rows[name].dtype, np.integer) for name in ("tenure", "n_silent"))
