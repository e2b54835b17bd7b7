"""What other k change: each row against a fit of its own, the interval of the change, and what is left out."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kam.churn.customer_value import customer_value
from kam.churn.definition import churn_definition
from kam.churn.markov import fit_markov_churn
from kam.churn.sensitivity import KSensitivityResult, sensitivity_to_k
from kam.columns import GLOSSARY
from kam.errors import KamError, NoAbsorbingStateError, ParameterError
from kam.ledger import Ledger, open_ledger
from kam.ledger.states import state_panel
from kam.results import Context, load_results, save_results
from kam.samples import simulate_chain

N = 40


@pytest.fixture(scope="module")
def orders() -> pd.DataFrame:
    """Two kinds of customers; those who are gone never come back, but three get a credit note long after."""
    states = ["large", "small", "pause", "gone"]
    p = [[0.7, 0.1, 0.15, 0.05], [0.05, 0.6, 0.3, 0.05], [0.1, 0.2, 0.65, 0.05], [0, 0, 0, 1]]
    chain = pd.DataFrame(p, index=states, columns=states)
    ledger, _ = simulate_chain(chain, {"large": 1000, "small": 100, "pause": 0, "gone": 0}, seed=1, n_customers=200)
    last = ledger.groupby("customer_id")["order_date"].max()
    gone = last.index[last < "2025-01-01"][:3]
    notes = pd.DataFrame(
        {"customer_id": gone, "order_id": "CN", "order_date": pd.Timestamp("2025-11-20"), "amount": -300}
    )
    return pd.concat([ledger.astype({"amount": float}), notes.astype({"amount": float})], ignore_index=True)


@pytest.fixture(scope="module")
def ledger(orders: pd.DataFrame) -> Ledger:
    return open_ledger(orders, as_of="2025-12-31", currency="EUR")


@pytest.fixture(scope="module")
def result(ledger: Ledger) -> KSensitivityResult:
    return sensitivity_to_k(ledger, k=4, discount_rate=0.1, horizon=24, n_resamples=N)


def test_about_half_to_twice_k_is_tried(result: KSensitivityResult, ledger: Ledger) -> None:
    assert result.sensitivity["k"].tolist() == [2, 3, 4, 6, 8]
    assert result.k_left_out == ()
    few = sensitivity_to_k(ledger, k=1, discount_rate=0.1, horizon=6, n_resamples=5, states="recency")
    assert few.sensitivity["k"].tolist() == [1, 2]


@pytest.mark.parametrize("returns", ["kept", "cut"])
def test_every_row_is_a_fit_of_its_own(ledger: Ledger, returns: str) -> None:
    result = sensitivity_to_k(
        ledger, k=4, ks=[8], returns=returns, discount_rate=0.1, horizon=24, n_resamples=N, level=0.9
    )
    for k in (4, 8):
        row = result.sensitivity.set_index("k").loc[k]
        panel = state_panel(ledger, states="value", k=k)
        markov = fit_markov_churn(panel, returns=returns, chain=result.chain, n_resamples=N, level=0.9)
        value = customer_value(markov, None, discount_rate=0.1, horizon=24, n_paths=100)
        whole = value.portfolio.set_index("term").loc["all"]
        assert row["value_ahead"] == pytest.approx(whole["value_ahead"], rel=1e-9)
        assert (row["ahead_low"], row["ahead_high"]) == pytest.approx((whole["ci_low"], whole["ci_high"]), rel=1e-9)
        states = markov.states.set_index("state")
        assert row["n_lost"] == states["n_customers"]["lost"]
        assert row["share_lost"] == pytest.approx(states["n_customers"]["lost"] / states["n_customers"].sum())
        assert row["p_loss"] == markov.p_loss
        assert (row["p_loss_low"], row["p_loss_high"]) == (markov.p_loss_low, markov.p_loss_high)
        assert result.best_state == markov.names[0] == "A"
        assert row["periods_to_loss"] == states["periods_to_loss"]["A"]
        alive = states.drop(index="lost")
        mean = np.average(alive["periods_to_loss"], weights=alive["n_customers"])
        assert row["mix_to_loss"] == pytest.approx(mean)
        assert row["mix_low"] <= mean <= row["mix_high"]


def test_rows_agree_with_the_definition(ledger: Ledger, result: KSensitivityResult) -> None:
    for row in result.sensitivity.itertuples():
        definition = churn_definition(ledger, k=row.k, n_resamples=1)
        assert row.n_lost == definition.n_lost
        assert (row.n_at_risk, row.return_share) == (definition.n_followed, pytest.approx(definition.return_share))
        losses = definition.losses
        assert row.p_loss_seen == pytest.approx(losses["n_lost"].sum() / losses["n_at_risk"].sum())


def test_changes_are_against_the_k_in_use(result: KSensitivityResult) -> None:
    table = result.sensitivity.set_index("k")
    base = table["value_ahead"][4]
    np.testing.assert_allclose(table["value_change"], table["value_ahead"] - base)
    np.testing.assert_allclose(table["share_change"], table["value_ahead"] / base - 1, atol=1e-12)
    assert table.loc[4, ["value_change", "share_change", "share_low", "share_high"]].eq(0).all()
    assert result.max_share_change == table["share_change"].abs().max()
    others = table.drop(index=4)
    assert (others["share_low"] < others["share_high"]).all()
    assert ((others["share_low"] <= others["share_change"]) & (others["share_change"] <= others["share_high"])).all()


def test_the_interval_is_of_the_change_alone(ledger: Ledger) -> None:
    """The same customers are drawn for every k: what all k have in common is not in the interval of the change."""
    table = sensitivity_to_k(
        ledger, k=4, ks=[2, 6], states="recency", discount_rate=0.1, horizon=24, n_resamples=N
    ).sensitivity
    others = table[table["k"] != 4]
    width = (others["share_high"] - others["share_low"]).to_numpy()
    of_value = ((others["ahead_high"] - others["ahead_low"]) / others["value_ahead"]).to_numpy()
    assert (width < of_value).all()  # of two values drawn apart it would be 1.4 times as wide
    np.testing.assert_allclose(table["share_same"], table["share_change"])  # recency states have all periods
    assert table["n_transitions"].nunique() == 1


def test_from_the_same_periods(ledger: Ledger, result: KSensitivityResult) -> None:
    """With a longer k fewer periods are left to learn from; what moves then is not k alone."""
    table = result.sensitivity.set_index("k")
    assert table["n_transitions"].is_monotonic_decreasing and table["n_transitions"].nunique() == 5
    assert (table["share_same"] - table["share_change"]).abs().max() > 0.005
    start = state_panel(ledger, states="value", k=8).rows["period"].min()
    values = {}
    for k in (4, 2):
        panel = state_panel(ledger, states="value", k=k)
        markov = fit_markov_churn(panel.rows[panel.rows["period"] >= start], n_resamples=10, chain="pooled")
        value = customer_value(markov, None, discount_rate=0.1, horizon=24, n_paths=100)
        values[k] = value.portfolio.set_index("term")["value_ahead"]["all"]
    assert table["share_same"][2] == pytest.approx(values[2] / values[4] - 1)
    assert result.n_common == 24 - 7
    assert result.max_share_same == table["share_same"].abs().max()
    assert (
        f"If all are estimated from the same 17 months, it is at most {result.max_share_same:.1%}." in result.answer()
    )
    assert result.checks[1].verdict == "handled"


def test_without_returns_more_is_to_come_the_later_one_is_called_lost(ledger: Ledger) -> None:
    cut = sensitivity_to_k(ledger, k=4, ks=[2, 8], returns="cut", discount_rate=0.1, horizon=24, n_resamples=N)
    assert cut.sensitivity["share_same"].is_monotonic_increasing
    assert cut.sensitivity["value_ahead"].is_monotonic_increasing


def test_a_chain_that_forgets_does_not_depend_on_k() -> None:
    """Who buys with .3 in every month whatever was before: all k see the same money."""
    chain = pd.DataFrame([[0.3, 0.7], [0.3, 0.7]], index=["buys", "silent"], columns=["buys", "silent"])
    orders, _ = simulate_chain(chain, {"buys": 100, "silent": 0}, seed=2, n_customers=300)
    same = sensitivity_to_k(
        open_ledger(orders, as_of="2025-12-31"), k=4, states="recency", discount_rate=0.1, horizon=12, n_resamples=N
    )
    assert same.max_share_change is not None and same.max_share_change < 0.05
    assert same.checks[0].verdict == "holds"
    assert "hardly depends on when one is called lost" in same.answer()
    assert same.sensitivity["n_lost"].max() > 2 * same.sensitivity["n_lost"].min()


def test_the_chain_is_compared_with_the_losses_that_were_seen(orders: pd.DataFrame, result: KSensitivityResult) -> None:
    """Many who bought for the first time last month cannot be lost in the next one, which the chain knows."""
    assert result.checks[2].verdict == "holds"
    row = result.sensitivity.set_index("k").loc[4]
    assert result.checks[2].finding == (
        f"in the 20 months in which a loss can be seen, {row['p_loss_seen']:.2%} of the customers at risk were lost per month; "
        f"the chain says {row['p_loss']:.2%} for those of today"
    )
    new = pd.DataFrame({"customer_id": [f"n{i}" for i in range(400)], "order_id": [f"n{i}" for i in range(400)]})
    more = pd.concat([orders, new.assign(order_date=pd.Timestamp("2025-12-05"), amount=50.0)], ignore_index=True)
    ledger = open_ledger(more, as_of="2025-12-31")
    grown = sensitivity_to_k(ledger, k=4, ks=[2], states="recency", discount_rate=0.1, horizon=12, n_resamples=N)
    assert grown.checks[2].verdict == "does not hold"
    assert grown.checks[2].statistic < 0


def test_margin_is_the_money_where_it_is_known(orders: pd.DataFrame) -> None:
    ledger = open_ledger(orders.assign(cost=0.75 * orders["amount"].astype(float)), as_of="2025-12-31")
    margin = sensitivity_to_k(ledger, k=4, ks=[8], discount_rate=0.1, horizon=12, n_resamples=N)
    revenue = sensitivity_to_k(ledger, k=4, ks=[8], money="revenue", discount_rate=0.1, horizon=12, n_resamples=N)
    assert (margin.money, revenue.money) == ("margin", "revenue")
    np.testing.assert_allclose(4 * margin.sensitivity["value_ahead"], revenue.sensitivity["value_ahead"], rtol=1e-4)


# -- what it says ----------------------------------------------------------------------------------------------------


def test_the_answer_says_what_the_table_holds(result: KSensitivityResult) -> None:
    table = result.sensitivity.set_index("k")
    far = table["share_change"].abs().idxmax()
    row = table.loc[far]
    depends = "hardly depends" if result.max_share_change <= 0.05 else "depends"
    answer = result.answer()
    assert answer.startswith(
        f"What the customers of today are worth {depends} on when one is called lost: with 2, 3, 6 and 8 in place of 4 months "
    )
    assert (
        f"({far} months: {abs(row['share_change']):.1%} {'more' if row['share_change'] > 0 else 'less'}, "
        f"95% interval {row['share_low']:.1%} to {row['share_high']:.1%})."
    ) in answer
    assert answer.endswith(f"Of 200 customers {table['n_lost'].min()} to {table['n_lost'].max()} count as lost.")
    assert len(answer.key_figures) == 3 and all(figure.note for figure in answer.key_figures)


def test_it_travels_and_keeps_the_rules_of_results(ledger: Ledger, result: KSensitivityResult, tmp_path: Path) -> None:
    korean = sensitivity_to_k(
        ledger,
        k=3,
        ks=[6],
        discount_rate=0.1,
        horizon=None,
        n_resamples=20,
        context=Context(language="ko", currency="KRW"),
    )
    for one in (result, korean):
        folder = tmp_path / one.context.language
        save_results(one, to=folder)
        loaded = load_results(folder)["k_sensitivity"]
        assert loaded.answer() == one.answer()
        table = one.sensitivity
        assert table.index.equals(pd.RangeIndex(len(table)))
        assert set(table.columns) <= set(GLOSSARY)
        assert all(pd.api.types.is_numeric_dtype(table[name]) for name in table)
        assert not table.isna().any(axis=None)
        assert one.checks and one.assumed


def test_the_same_seed_gives_the_same(ledger: Ledger, result: KSensitivityResult) -> None:
    again, other = (
        sensitivity_to_k(ledger, k=4, ks=[8], discount_rate=0.1, horizon=24, n_resamples=N, seed=seed).sensitivity
        for seed in (1, 2)
    )
    first = result.sensitivity[result.sensitivity["k"].isin([4, 8])].reset_index(drop=True)
    pd.testing.assert_frame_equal(again, first)
    assert other["value_change"].iloc[1] == pytest.approx(first["value_change"].iloc[1])
    assert other["share_low"].iloc[1] != first["share_low"].iloc[1]


# -- bad input -------------------------------------------------------------------------------------------------------


def test_what_lies_beyond_the_data_is_left_out_and_named(ledger: Ledger) -> None:
    result = sensitivity_to_k(ledger, k=6, ks=[3, 23, 24, 40], discount_rate=0.1, horizon=12, n_resamples=20)
    assert result.sensitivity["k"].tolist() == [3, 6, 23]
    assert result.k_left_out == (24, 40)
    assert result.checks[-1].verdict == "handled"
    assert result.checks[-1].finding == "left out: 24: longer than the data; 40: longer than the data"
    assert result.sensitivity["return_share"].isna().tolist() == [False, False, True]  # nobody was followed beyond 23
    assert result.checks[3].verdict == "does not hold"


def test_a_k_without_a_chain_is_left_out_and_named() -> None:
    days = [f"2024-{month:02d}-05" for month in range(1, 11)]
    rows = [(f"c{i}", day) for i in range(12) for t, day in enumerate(days) if (t + i) % 3 or t == 9]
    rows += [("gone", "2024-01-05"), ("gone", "2024-02-05"), ("late", "2024-02-05")]
    orders = pd.DataFrame(rows, columns=["customer_id", "order_date"]).assign(amount=10.0)
    ledger = open_ledger(orders, as_of="2024-10-31")
    result = sensitivity_to_k(ledger, k=1, ks=[2, 9], states="recency", discount_rate=0.1, horizon=6, n_resamples=20)
    assert result.k_left_out == (9,)
    assert "9: No customer is ever in the state 'lost'" in result.checks[-1].finding
    with pytest.raises(NoAbsorbingStateError):
        sensitivity_to_k(ledger, k=9, discount_rate=0.1, horizon=6)


def test_without_a_value_above_zero_there_is_no_share(orders: pd.DataFrame) -> None:
    ledger = open_ledger(orders.assign(cost=2 * orders["amount"].astype(float)), as_of="2025-12-31", currency="EUR")
    result = sensitivity_to_k(ledger, k=4, ks=[8], discount_rate=0.1, horizon=12, n_resamples=20)
    assert result.max_share_change is None
    assert result.sensitivity["share_change"].isna().all() and result.sensitivity["value_change"].notna().all()
    assert result.checks[0].verdict == "not testable"
    assert result.answer().startswith("With 8 silent periods in place of 4 the customers of today are worth up to €")


@pytest.mark.parametrize(
    "argument",
    [
        {"k": 0},
        {"k": 2.5},
        {"ks": [2, -1]},
        {"ks": [4]},
        {"k": 30},
        {"freq": "week"},
        {"discount_rate": -0.1},
        {"horizon": -1},
        {"returns": "maybe"},
        {"states": "colour"},
        {"money": "gold"},
        {"n_resamples": 0},
    ],
)
def test_bad_arguments(ledger: Ledger, argument: dict[str, object]) -> None:
    with pytest.raises(KamError):
        sensitivity_to_k(
            ledger, **{"k": 4, "ks": [6], "discount_rate": 0.1, "horizon": 6, "n_resamples": 5, **argument}
        )


def test_no_other_k_is_an_error(ledger: Ledger) -> None:
    with pytest.raises(ParameterError, match="no k other than 4 within the data"):
        sensitivity_to_k(ledger, k=4, ks=[4, 99], discount_rate=0.1, horizon=6, n_resamples=5)


def test_online_retail(real_data: Callable[[str], Path]) -> None:
    orders = pd.read_parquet(real_data("online_retail_ii/orders_2009_2011.parquet"))
    orders = orders[(orders["amount"] > 0) & ~orders["cancelled"]]
    ledger = open_ledger(orders, columns={"order_id": "invoice", "order_date": "date"}, currency="GBP")
    result = sensitivity_to_k(ledger, k=19, discount_rate=0.1, horizon=36, n_resamples=50)
    table = result.sensitivity.set_index("k")
    assert table["n_lost"].to_dict() == {10: 1774, 14: 963, 19: 418}
    assert result.k_left_out == (29, 38)
    assert table["p_loss_seen"].round(4).to_dict() == {10: 0.0435, 14: 0.0234, 19: 0.0170}
    assert result.checks[2].verdict == "holds"  # a chain that had the first 18 months in it said .0051 for k = 19
    np.testing.assert_allclose(table["p_loss"], table["p_loss_seen"], rtol=0.1)


def test_a_chain_with_seasons_stays_one_for_every_k() -> None:
    """Customers who buy in the fourth quarter and hardly else; six years of quarters."""
    rng = np.random.default_rng(1)
    quarters = pd.date_range("2019-01-01", periods=24, freq="QS")
    buys = rng.random((300, 24)) < np.where(quarters.quarter == 4, 0.9, 0.15) * rng.choice([1, 0.5], 300)[:, None]
    customer, period = np.nonzero(buys)
    orders = pd.DataFrame({"customer_id": [f"c{i}" for i in customer], "order_date": quarters[period], "amount": 10.0})
    ledger = open_ledger(orders, as_of="2024-12-31")
    result = sensitivity_to_k(
        ledger, k=4, ks=[2], freq="quarter", states="recency", discount_rate=0.1, horizon=9, n_resamples=20
    )
    assert result.chain == "cyclic"
    panel = state_panel(ledger, states="recency", k=2, freq="quarter")
    markov = fit_markov_churn(panel, chain="cyclic", n_resamples=20)
    value = customer_value(markov, None, discount_rate=0.1, horizon=9, n_paths=100).portfolio.set_index("term")
    assert result.sensitivity["value_ahead"].iloc[0] == pytest.approx(value["value_ahead"]["all"], rel=1e-9)
