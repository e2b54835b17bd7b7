import numpy as np
import pandas as pd
import pytest

from kam.errors import DataError, EmptyDataError, MissingColumnError
from kam.identify import compare_plan
from kam.ledger import open_ledger
from kam.results import Context

EUR = Context(currency="EUR")


def orders(*rows, **more):
    frame = pd.DataFrame(rows, columns=["customer_id", "order_date", "amount"])
    return frame.assign(**more)


def targets(*rows, freq="year", **more):
    frame = pd.DataFrame(rows, columns=["customer_id", "period", "revenue_target"])
    return frame.assign(period=pd.to_datetime(frame["period"]), freq=freq, **more)


@pytest.fixture(scope="module")
def two_years():
    return open_ledger(
        orders(
            ("a", "2022-02-01", 90.0),
            ("a", "2023-02-01", 100.0),
            ("a", "2023-08-01", -20.0),
            ("b", "2022-05-01", 10.0),
            ("b", "2023-12-31", 50.0),
            ("c", "2023-03-03", 70.0),
            ("a", "2024-01-15", 500.0),
        ),
        as_of="2024-01-31",
    )


def test_worked_by_hand(two_years):
    plan = targets(
        ("a", "2022-01-01", 90), ("b", "2022-01-01", 20), ("a", "2023-01-01", 100), ("b", "2023-01-01", 40),
        ("stranger", "2023-01-01", 30), ("a", "2024-01-01", 100),
    )  # fmt: skip
    names = pd.DataFrame({"customer_id": ["a"], "name": ["Ahorn & Co"]})
    result = compare_plan(two_years, plan, accounts=names, context=EUR)
    assert (result.freq, result.period, result.n_ahead) == ("year", "2023-01-01", 1)
    columns = ["customer_id", "name", "revenue_target", "revenue", "target_gap", "share_of_target"]
    assert result.accounts[columns].to_numpy().tolist() == [
        ["stranger", "stranger", 30, 0, -30, 0],
        ["a", "Ahorn & Co", 100, 80, -20, 0.8],
        ["b", "b", 40, 50, 10, 1.25],
    ]
    assert result.periods.drop(columns="period").round(4).to_numpy().tolist() == [
        [2, 1, 110, 100, -10, 0.9091],
        [3, 1, 170, 130, -40, 0.7647],
    ]
    assert result.without_target[["customer_id", "revenue"]].to_numpy().tolist() == [["c", 70]]
    assert (result.target, result.actual, result.n_accounts, result.n_reached) == (170, 130, 3, 1)
    assert result.share_without_target == pytest.approx(70 / 200)
    assert [check.verdict for check in result.checks] == ["handled", "handled"]
    assert result.checks[0].finding == "one has none (35.0% of the revenue)"
    assert result.checks[1].finding == "one is for an account that never bought, and counts with nothing sold"
    assert result.answer() == (
        "In 2023 the 3 accounts with a target brought €130.00 of €170.00 planned (76%): €40.00 below plan. "
        "One reached its target; the one furthest behind lacks €30.00."
    )
    assert "margin" not in result.accounts


def test_a_higher_target_changes_the_answer(two_years):
    low, high = (compare_plan(two_years, targets(("b", "2023-01-01", x)), context=EUR) for x in (50, 51))
    assert low.answer() == (
        "In 2023 the account with a target brought €50.00 of €50.00 planned (100%): €0.00 above plan. It reached its target."
    )
    assert (low.n_reached, high.n_reached) == (1, 0)
    assert high.answer().endswith("€1.00 below plan. 0 reached their target; the one furthest behind lacks €1.00.")


def test_a_target_of_nothing_has_no_share(two_years):
    result = compare_plan(two_years, targets(("b", "2023-01-01", 0)), context=EUR)
    assert result.accounts["share_of_target"].isna().all() and result.periods["share_of_target"].isna().all()
    assert "of €0.00 planned (–): €50.00 above plan" in result.answer()
    assert result.answer().key_figures[0].value == "–"


@pytest.mark.parametrize(("freq", "start", "expected"), [("quarter", "2023-10-01", 50), ("month", "2023-12-01", 50)])
def test_quarters_and_months(two_years, freq, start, expected):
    later = "2024-01-01"
    result = compare_plan(two_years, targets(("b", start, 60), ("b", later, 60), freq=freq), context=EUR)
    if freq == "month":  # January 2024 is complete
        assert (result.period, result.n_ahead, result.actual) == (later, 0, 0)
        assert result.periods["revenue"].tolist() == [expected, 0]
    else:
        assert (result.period, result.n_ahead, result.actual) == (start, 1, expected)


def test_years_that_begin_in_april():
    lines = orders(
        ("a", "2022-03-31", 5.0), ("a", "2022-04-01", 100.0), ("a", "2023-03-31", 10.0), ("a", "2023-04-01", 7.0)
    )
    ledger = open_ledger(lines, as_of="2023-04-30", fiscal_year_start=4)
    result = compare_plan(ledger, targets(("a", "2022-04-01", 100)))
    assert (result.period, result.actual) == ("2022-04-01", 110)
    with pytest.raises(DataError, match=r"a year from 2023-01-01.*account a.*here 2022-04-01"):
        compare_plan(ledger, targets(("a", "2023-01-01", 100)))


def test_margin_where_the_ledger_has_cost(two_years):
    lines = orders(("a", "2023-01-02", 100.0), ("b", "2023-12-31", 50.0), cost=[60.0, 45.0])
    plan = targets(("a", "2023-01-01", 90), ("b", "2023-01-01", 60), margin_target=[50.0, np.nan])
    with_cost = compare_plan(open_ledger(lines, as_of="2023-12-31"), plan).accounts
    assert with_cost[["customer_id", "margin"]].to_numpy().tolist() == [["b", 5], ["a", 40]]
    assert with_cost["margin_target"].isna().tolist() == [True, False]
    without = compare_plan(open_ledger(lines.drop(columns="cost"), as_of="2023-12-31"), plan)
    assert "margin" not in without.accounts
    assert without.checks[-1].finding == "the ledger has no cost: only revenue is compared"


def test_targets_of_another_length_are_left_out_and_counted(two_years):
    plan = pd.concat(
        [targets(("b", "2023-01-01", 40), ("a", "2023-01-01", 40)), targets(("b", "2023-01-01", 4), freq="month")]
    )
    result = compare_plan(two_years, plan)
    assert (result.freq, result.target) == ("year", 80)
    assert result.checks[-1].finding == "one is for a period of another length and is left out"


def test_a_period_without_revenue_has_no_share_without_target():
    ledger = open_ledger(orders(("a", "2023-01-02", 100.0), ("b", "2023-12-31", -100.0)), as_of="2023-12-31")
    result = compare_plan(ledger, targets(("a", "2023-01-01", 40)))
    assert result.share_without_target is None
    assert result.checks[0].finding == "one has none"


def test_bad_input_is_named(two_years):
    good = targets(("b", "2023-01-01", 40))
    for name in good:
        with pytest.raises(MissingColumnError, match=f"no column {name!r}"):
            compare_plan(two_years, good.drop(columns=name))
    with pytest.raises(EmptyDataError, match="There is no target"):
        compare_plan(two_years, good.assign(revenue_target=np.nan))
    with pytest.raises(EmptyDataError, match=r"No year with a target is complete.*from 2024-01-01.*year of 2023-01-01"):
        compare_plan(two_years, targets(("b", "2024-01-01", 40)))
    with pytest.raises(DataError, match=r"two targets for a period.*account b, 2023-01-01"):
        compare_plan(two_years, pd.concat([good, good]))


def test_the_sample_against_plain_pandas(sample_company):
    data = sample_company
    before = data.targets.copy()
    result = compare_plan(data.ledger, data.targets, accounts=data.accounts, context=data.context)
    pd.testing.assert_frame_equal(data.targets, before)
    lines = data.ledger.table.select("customer_id", "order_day", "amount").to_pandas()
    day = pd.to_datetime(lines["order_day"])
    sold = lines[day.dt.year == 2025].groupby("customer_id")["amount"].sum().astype(float)
    plan = data.targets[data.targets["period"] == "2025-01-01"].set_index("customer_id")["revenue_target"]
    gap = (sold.reindex(plan.index).fillna(0) - plan).sort_values()
    assert result.accounts["customer_id"].tolist() == gap.index.tolist()
    np.testing.assert_allclose(result.accounts["target_gap"], gap)
    assert result.n_reached == (gap >= 0).sum()
    assert result.share_without_target == pytest.approx(1 - sold.reindex(plan.index).sum() / sold.sum())
