"""What "lost" means: return shares by hand, by loops, from statsmodels and from real data; who is lost, and when."""

import json
from collections.abc import Callable
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kam.churn.definition import ChurnDefinitionResult, churn_definition
from kam.columns import GLOSSARY
from kam.errors import (
    ParameterError,
)
from kam.ledger import Ledger, activity_panel, open_ledger
from kam.results import Context, load_results, save_results
from kam.samples import simulate_chain
from tests.churn.purchases import HAND, MONTHS, find_check, make_panel, simulate_panel

# -- by hand ---------------------------------------------------------------------------------------------------------


def test_worked_by_hand() -> None:
    result = churn_definition(make_panel(HAND), k=2)
    # Length: at risk, ended → S:  1: 10, 3 → 7/10;  2: 6, 2 → 7/15;  3: 4, 1 → 7/20;  4: 2, 0;  5: 2, 1 → 7/40.
    table = result.return_shares
    assert table["k"].tolist() == [1, 2, 3, 4]
    assert table["n_at_risk"].tolist() == [6, 4, 2, 2]
    np.testing.assert_allclose(table["survival"], [7 / 10, 7 / 15, 7 / 20, 7 / 20])
    np.testing.assert_allclose(table["return_share"], [3 / 4, 5 / 8, 1 / 2, 1 / 2])
    np.testing.assert_allclose(table["share_naive"], [4 / 6, 2 / 4, 1 / 2, 1 / 2])
    assert (result.k, result.k_data, result.longest_wait, result.n_waits, result.n_open) == (2, None, 5, 12, 5)
    assert (result.n_followed, result.n_ahead, result.return_share) == (4, 3, 5 / 8)
    # Lost after two silent months: d and e in the third, a in the fourth, b in the fifth; a is back in the fifth, e in the sixth.
    losses = result.losses
    assert losses["period"].tolist() == MONTHS[2:6].tolist()
    assert losses["n_at_risk"].tolist() == [5, 3, 2, 2]
    assert losses["n_lost"].tolist() == [2, 1, 1, 0]
    assert losses["n_returned"].tolist() == [0, 0, 1, 1]
    customers = result.customers.set_index("customer_id")
    assert customers["n_silent"].to_dict() == {"a": 1, "b": 3, "c": 0, "d": 5, "e": 0}
    assert customers.index[customers["is_lost"]].tolist() == ["b", "d"]
    assert customers["last_active"].tolist() == MONTHS[[4, 2, 5, 0, 5]].tolist()
    assert result.n_lost == 2


def test_k_periods_are_silent_before_a_customer_is_lost() -> None:
    panel = make_panel({"a": [0], "b": [1], "c": [2], "z": [5]})
    silent = churn_definition(panel, k=3).customers.set_index("customer_id")
    assert silent["n_silent"].to_dict() == {"a": 5, "b": 4, "c": 3, "z": 0}
    assert silent["is_lost"].to_dict() == {"a": True, "b": True, "c": True, "z": False}
    assert not churn_definition(panel, k=4).customers.set_index("customer_id")["is_lost"]["c"]


def test_money_of_the_lost_in_the_year_before() -> None:
    panel = make_panel({"a": [0, 1, 13, 14], "b": [0, 2], "z": list(range(20))})
    panel["revenue"] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0] + [1000.0] * 20
    refund = pd.DataFrame(
        {"customer_id": ["a", "a"], "period": MONTHS[[12, 15]], "n_orders": 0, "revenue": [-0.5, -99.0]}
    )
    losses = churn_definition(pd.concat([panel, refund]), k=4).losses.set_index("period")["revenue_before"]
    expected = {
        MONTHS[5]: 3.0,
        MONTHS[6]: 48.0,
        MONTHS[18]: 4 + 8 - 0.5,
    }  # a after month 1, b, a after month 14 (from month 3 on)
    assert {when: worth for when, worth in losses.items() if worth} == expected


def test_without_revenue_no_money_is_made_up() -> None:
    result = churn_definition(make_panel(HAND), k=2)
    assert "revenue_before" not in result.losses
    assert "their last year" not in str(result.answer().key_figures)


# -- by other means --------------------------------------------------------------------------------------------------


def naive_waits(panel: pd.DataFrame) -> list[tuple[str, int, int, bool]]:
    """Customer, start, length, ended: a loop."""
    index = {month: t for t, month in enumerate(MONTHS)}
    offset, last = index[panel["period"].min()], index[panel["period"].max()]
    waits = []
    for customer, rows in panel[panel["n_orders"] > 0].groupby("customer_id"):
        periods = sorted(index[p] for p in rows["period"])
        waits += [(str(customer), a - offset, b - a, True) for a, b in pairwise(periods)]
        waits.append((str(customer), periods[-1] - offset, last - periods[-1], False))
    return waits


def test_losses_and_customers_equal_a_loop_over_periods() -> None:
    panel = simulate_panel(120, 2)
    k, n_periods = 3, 24
    result = churn_definition(panel, k=k, n_resamples=1)
    index = {month: t for t, month in enumerate(MONTHS)}
    bought = {c: {index[p] for p in rows["period"]} for c, rows in panel.groupby("customer_id")}
    money = {(r.customer_id, index[r.period]): r.revenue for r in panel.itertuples()}
    before: set[str] = set()
    rows = []
    for t in range(n_periods):
        seen = {c for c, periods in bought.items() if min(periods) < t}
        lost = {c for c in bought if any(p <= t for p in bought[c]) and t - max(p for p in bought[c] if p <= t) >= k}
        new = lost - before
        worth = 0.0
        for c in new:
            last = max(p for p in bought[c] if p <= t)
            worth += sum(money.get((c, p), 0.0) for p in range(last - 11, last + 1))
        rows.append((len(seen - before), len(new), len(before - lost), worth))
        before = lost
    expected = pd.DataFrame(rows[k:], columns=["n_at_risk", "n_lost", "n_returned", "revenue_before"])
    pd.testing.assert_frame_equal(result.losses[expected.columns.tolist()], expected, check_dtype=False)
    assert set(result.customers.loc[result.customers["is_lost"], "customer_id"]) == before


def test_own_rhythm_equals_a_loop() -> None:
    panel = simulate_panel(150, 4)
    result = churn_definition(panel, k=9, gap_multiple=2.5, n_resamples=1)
    gaps: dict[str, list[int]] = {}
    silent = {}
    for customer, _, length, ended in naive_waits(panel):
        gaps.setdefault(customer, [])
        if ended:
            gaps[customer].append(length)
        else:
            silent[customer] = length
    assert result.rule == "own rhythm"
    assert any(len(g) >= 3 for g in gaps.values()) and any(len(g) < 3 for g in gaps.values())
    for row in result.customers.itertuples():
        own = gaps[row.customer_id]
        k_own = max(1, int(np.ceil(2.5 * np.median(own)))) if len(own) >= 3 else 9
        assert (row.n_gaps, row.k_own, row.n_silent) == (len(own), k_own, silent[row.customer_id])
        assert (row.is_lost, row.is_lost_own) == (silent[row.customer_id] >= 9, silent[row.customer_id] >= k_own)
        assert (row.median_gap == np.median(own)) if own else np.isnan(row.median_gap)
    assert result.n_lost == result.customers["is_lost_own"].sum() != result.customers["is_lost"].sum()
    assert result.losses["n_lost"].sum() - result.losses["n_returned"].sum() == result.n_lost


def test_rounding_up_is_of_the_product_and_not_of_its_rounding_error() -> None:
    panel = make_panel({"a": [0, 25, 50], "b": [0, 55]})
    panel = pd.concat([panel, make_panel({"a": [54]})])
    k_own = churn_definition(panel, k=5, gap_multiple=2.2).customers["k_own"]
    assert k_own.tolist() == [55, 5]  # 2.2 × 25 is 55.00000000000001
    assert churn_definition(panel, k=5, gap_multiple=1e-12).customers["k_own"].tolist() == [1, 5]


def test_own_rhythm_return_share_is_the_same_formula_from_the_own_loss_on() -> None:
    """With a multiple that gives every account the same k, both rules say the same."""
    active = {
        f"a{i}": [0, 2, 4, 6, 8, *([12, 14] if i % 3 == 0 else []), *([17] if i % 7 == 0 else [])] for i in range(90)
    }
    panel = pd.concat([make_panel(active), make_panel({"z": [*list(range(0, 30, 2)), 29]})])
    own = churn_definition(panel, k=2, gap_multiple=1.0, n_resamples=50)
    same = churn_definition(panel, k=2, n_resamples=50)
    assert own.customers["k_own"].eq(2).all()
    assert own.return_share == pytest.approx(same.return_share, rel=1e-9)
    assert (own.return_low, own.return_high) == pytest.approx((same.return_low, same.return_high), rel=1e-9)
    assert (own.n_followed, own.n_lost) == (same.n_followed, same.n_lost)
    pd.testing.assert_frame_equal(own.losses, same.losses)


# -- real data -------------------------------------------------------------------------------------------------------

MUST_EQUAL = {3: 0.7335, 6: 0.5737, 9: 0.4468, 12: 0.2865, 13: 0.2344, 15: 0.1889, 18: 0.1188}


def test_online_retail(real_data: Callable[[str], Path]) -> None:
    """All invoices with a customer, an amount above zero and no cancellation; nothing else is cleaned away."""
    orders = pd.read_parquet(real_data("online_retail_ii/orders_2009_2011.parquet"))
    orders = orders[(orders["amount"] > 0) & ~orders["cancelled"]]
    ledger = open_ledger(orders, columns={"order_id": "invoice", "order_date": "date"}, currency="GBP")
    result = churn_definition(ledger)
    table = result.return_shares.set_index("k")
    assert {k: round(table["return_share"][k], 4) for k in MUST_EQUAL} == MUST_EQUAL
    assert round(table["share_naive"][13], 3) == 0.132
    assert (result.k, result.n_customers, result.last_period) == (19, 5850, date(2011, 11, 1))
    assert result.k_low is not None and result.k_high is not None
    assert result.k_low < 19 < result.k_high
    follow_up, late = result.checks[0], find_check(result, "every period is complete")
    assert follow_up.verdict == "does not hold"  # four months more, at 2.4 % a month
    assert late.verdict == "handled" and late.finding.startswith("615 customers ordered after November 2011")

    panel = orders.dropna(subset="customer_id").assign(period=lambda f: f["date"].dt.to_period("M").dt.to_timestamp())
    panel = (
        panel[panel["period"] <= "2011-11-01"]
        .groupby(["customer_id", "period"])
        .size()
        .rename("n_orders")
        .reset_index()
    )
    again = churn_definition(panel)
    np.testing.assert_allclose(again.return_shares["return_share"], result.return_shares["return_share"], rtol=1e-12)
    silent = panel.groupby("customer_id")["period"].max().rsub(pd.Timestamp("2011-11-01")).dt.days / 30.44
    assert result.n_lost == again.n_lost == (silent.round() >= 19).sum()


def test_online_retail_lines_give_the_same(online_retail_lines: Ledger) -> None:
    """Order lines, with credit notes in: they are no orders. (Netting cancelled orders away would give .2848 at k = 12.)"""
    result = churn_definition(online_retail_lines, n_resamples=1)
    table = result.return_shares.set_index("k")["return_share"]
    assert {k: round(table[k], 4) for k in MUST_EQUAL} == MUST_EQUAL
    assert result.n_customers + result.n_without_order == activity_panel(online_retail_lines)["customer_id"].nunique()


# -- intervals -------------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same(simulated: ChurnDefinitionResult) -> None:
    panel = simulate_panel(1500, 3)
    before = panel.copy()
    again = churn_definition(panel, max_return_share=0.2, n_resamples=200)
    pd.testing.assert_frame_equal(again.return_shares, simulated.return_shares)
    pd.testing.assert_frame_equal(panel, before)
    other = churn_definition(panel.sample(frac=1, random_state=1), max_return_share=0.2, n_resamples=200, seed=2)
    np.testing.assert_allclose(other.return_shares["return_share"], simulated.return_shares["return_share"])
    assert not other.return_shares["ci_low"].equals(simulated.return_shares["ci_low"])


def test_few_customers_have_no_interval() -> None:
    result = churn_definition(make_panel(HAND), k=2)
    assert result.return_shares[["ci_low", "ci_high"]].isna().all(axis=None)
    assert (result.k_low, result.k_high, result.return_low, len(result.choices)) == (None, None, None, 0)
    assert "no interval: too few customers" in result.answer()
    assert find_check(result, "resample").verdict == "does not hold"


# -- checks ----------------------------------------------------------------------------------------------------------


def test_silence_at_the_end_of_the_ledger_counts() -> None:
    """Nobody bought in the last complete months: with the ledger they are silent ones, a panel cannot know of them."""
    orders = pd.DataFrame(
        {"customer_id": list("aab"), "order_date": ["2024-01-05", "2024-03-05", "2024-02-05"], "amount": 9}
    )
    ledger = open_ledger(orders, as_of="2024-06-30")
    assert churn_definition(ledger, k=2).customers["n_silent"].tolist() == [3, 4]
    assert churn_definition(activity_panel(ledger), k=2).customers["n_silent"].tolist() == [0, 1]


@pytest.mark.parametrize(("freq", "n_silent"), [("month", 12), ("quarter", 4), ("year", 1)])
def test_periods_of_the_fiscal_year(freq: str, n_silent: int) -> None:
    orders = pd.DataFrame(
        {"customer_id": list("aab"), "order_date": ["2022-04-05", "2023-03-05", "2024-02-25"], "amount": 9}
    )
    ledger = open_ledger(orders, as_of="2024-03-31", fiscal_year_start=4)
    result = churn_definition(ledger, freq=freq, k=1)
    assert result.customers["n_silent"].tolist() == [n_silent, 1 if freq == "month" else 0]
    assert result.first_period == date(2022, 4, 1)
    assert result.freq == freq


def test_a_known_chain_is_recovered() -> None:
    """Active stays active with .7; silent becomes active with .2 in the first two months, then is gone with certainty."""
    states = ["active", "silent 1", "silent 2", "gone"]
    p = [[0.7, 0.3, 0, 0], [0.2, 0, 0.8, 0], [0.2, 0, 0, 0.8], [0, 0, 0, 1]]
    chain = pd.DataFrame(p, index=states, columns=states)
    orders, _ = simulate_chain(
        chain, dict(zip(states, [100, 0, 0, 0], strict=True)), seed=1, n_customers=4000, n_months=30
    )
    result = churn_definition(open_ledger(orders, as_of="2025-12-31"), n_resamples=100)
    table = result.return_shares.set_index("k")
    assert table["return_share"][1] == pytest.approx(1 - 0.8**2, abs=0.02)
    assert table["return_share"][2] == pytest.approx(0.2, abs=0.02)
    assert (result.k, result.return_share) == (3, 0.0)
    share = result.losses["share_lost"].iloc[0]  # in the fourth month, of all who bought in the first
    assert share == pytest.approx(0.3 * 0.64, abs=0.02)


# -- what it says ----------------------------------------------------------------------------------------------------


def test_the_answer_says_what_the_frames_hold(simulated: ChurnDefinitionResult) -> None:
    row = simulated.return_shares.set_index("k").loc[simulated.k]
    recent = simulated.losses.tail(3)
    answer = str(simulated.answer())
    assert answer.startswith(
        f"A customer who has been silent for {simulated.k} months is lost: {row['return_share']:.1%} of such customers come back "
        f"within {23 - simulated.k} months more, as far as the data follow them "
        f"(95% interval {row['ci_low']:.1%} to {row['ci_high']:.1%})."
    )
    assert answer.endswith(
        f"By that rule {simulated.n_lost:,} of 1,500 customers are lost ({simulated.n_lost / 1500:.1%}); in the 3 months to "
        f"December 2024 {recent['n_lost'].sum()} were lost and {recent['n_returned'].sum()} came back."
    )
    assert len(simulated.answer().key_figures) == 4
    assert all(figure.note for figure in simulated.answer().key_figures)


def test_a_given_k_is_said_to_be_given(simulated: ChurnDefinitionResult) -> None:
    given = churn_definition(simulate_panel(1500, 3), k=2, max_return_share=0.2, n_resamples=20)
    assert given.answer().startswith("By the rule given, a customer who has been silent for 2 months is lost: ")
    assert given.answer().key_figures[0].note == f"given; the data say {simulated.k} months"
    assert (given.k, given.k_data) == (2, simulated.k)
    assert find_check(given, "at most 20.0% of the lost come back").verdict == "does not hold"
    assert given.assumed[0].value == "2 months"


def test_a_k_beyond_all_that_was_followed_says_so() -> None:
    result = churn_definition(make_panel({"a": [0, 1, 5], "b": [0], "c": [0, 5]}), k=5)
    assert (result.return_share, result.n_followed, result.n_ahead) == (None, 0, 0)
    assert "is not known, since nobody was followed for longer" in result.answer()
    assert result.n_lost == 1
    assert [check.verdict for check in result.checks[:2]] == ["not testable", "not testable"]


def test_own_rhythm_is_said(simulated: ChurnDefinitionResult) -> None:
    result = churn_definition(simulate_panel(1500, 3), gap_multiple=3, max_return_share=0.2, n_resamples=20)
    assert result.k == simulated.k
    assert result.answer().startswith(
        "A customer is lost after 3 times its own median gap without an order, or after "
        f"{result.k} months while fewer than 3 gaps are known: "
    )
    assert [one.value for one in result.assumed] == ["20.0%", "month", "3.0"]


def test_it_travels_and_keeps_the_rules_of_results(simulated: ChurnDefinitionResult, tmp_path: Path) -> None:
    own = churn_definition(
        simulate_panel(300, 3), k=4, gap_multiple=2, n_resamples=5, context=Context(currency="EUR", language="ko")
    )
    for result in (simulated, own):
        folder = tmp_path / result.rule
        save_results(result, to=folder)
        loaded = load_results(folder)["churn_definition"]
        assert loaded.answer() == result.answer()
        assert isinstance(loaded, ChurnDefinitionResult) and loaded.last_period == result.last_period
        json.dumps([figure.value for figure in result.answer().key_figures])
        for frame in result.tables().values():
            assert frame.index.equals(pd.RangeIndex(len(frame)))
            assert set(frame.columns) <= set(GLOSSARY)
            for name in frame:
                if GLOSSARY[name].format in ("count", "money", "share", "number"):
                    assert pd.api.types.is_numeric_dtype(frame[name])


# -- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "argument",
    [
        {"freq": "week"},
        {"freq": "period"},
        {"max_return_share": 0.0},
        {"max_return_share": 1.0},
        {"max_return_share": float("nan")},
        {"gap_multiple": 0.0},
        {"gap_multiple": -1.0},
        {"gap_multiple": float("inf")},
        {"n_resamples": 0},
        {"level": 95.0},
        {"k": 0},
        {"k": 2.5},
        {"k": 6},
    ],
)
def test_bad_arguments(argument: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        churn_definition(make_panel(HAND), **{"k": 2, **argument})


# -- invariants ------------------------------------------------------------------------------------------------------

panels = st.dictionaries(
    st.sampled_from([f"c{i:02d}" for i in range(14)]), st.sets(st.integers(0, 11), min_size=1), min_size=1, max_size=14
)


@settings(max_examples=60)
@given(active=panels, k=st.integers(1, 6), multiple=st.one_of(st.none(), st.floats(0.3, 5)))
def test_invariants(active: dict[str, set[int]], k: int, multiple: float | None) -> None:
    panel = make_panel({c: sorted(periods) for c, periods in active.items()}, revenue=7.0)
    n_periods = (panel["period"].max().to_period("M") - panel["period"].min().to_period("M")).n + 1
    if k >= n_periods or n_periods < 2:
        return
    result = churn_definition(panel, k=k, gap_multiple=multiple, n_resamples=20)
    table = result.return_shares
    assert table["return_share"].between(0, 1).all() and (table["return_share"].diff().dropna() <= 1e-12).all()
    assert (table["n_at_risk"].diff().dropna() <= 0).all() and (table["survival"].diff().dropna() <= 1e-12).all()
    known = table.dropna(subset="ci_low")
    assert (known["ci_low"] <= known["return_share"] + 1e-12).all()
    assert (known["return_share"] <= known["ci_high"] + 1e-12).all()
    losses = result.losses
    assert (
        losses["n_lost"].sum() - losses["n_returned"].sum() == result.n_lost
    )  # who is lost now was lost and is not back
    assert (losses["n_lost"] <= losses["n_at_risk"]).all()
    assert result.n_open == result.n_customers == len(result.customers) == len(active)
    assert result.n_waits == len(panel)
    assert 0 <= losses["revenue_before"].sum() <= 7.0 * 12 * losses["n_lost"].sum()
    assert result.answer()
