"""Waits: read from panels and ledgers, counted, and their Kaplan–Meier curve, by hand, by loops and from statsmodels."""

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.duration.survfunc import SurvfuncRight

from kam.churn.waiting import (
    count_losses,
    count_waits,
    kaplan_meier,
    median_gaps,
    read_activity,
    resample_waits,
    return_shares,
)
from kam.errors import ColumnTypeError, DataError, EmptyDataError, KamError, MissingColumnError, ParameterError

MONTHS = pd.date_range("2023-01-01", periods=60, freq="MS")


def make_panel(active: Mapping[str, Iterable[int]]) -> pd.DataFrame:
    rows = [(customer, MONTHS[t]) for customer, periods in active.items() for t in sorted(periods)]
    return pd.DataFrame(rows, columns=["customer_id", "period"]).assign(n_orders=1)


HAND = {"a": [0, 1, 4], "b": [0, 2], "c": [1, 2, 3, 5], "d": [0], "e": [0, 5]}
"""Six months. Waits that ended: 1 3 | 2 | 1 1 2 | – | 5. Open in the sixth: a 1, b 3, c 0, d 5, e 0."""


def test_waits_by_hand() -> None:
    activity = read_activity(make_panel(HAND), "month")
    waits = activity.waits
    assert waits.customer.tolist() == [0, 0, 0, 1, 1, 2, 2, 2, 2, 3, 4, 4]
    assert waits.start.tolist() == [0, 1, 4, 0, 2, 1, 2, 3, 5, 0, 0, 5]
    assert waits.length.tolist() == [1, 3, 1, 2, 3, 1, 1, 2, 0, 5, 5, 0]
    assert waits.ended.astype(int).tolist() == [1, 1, 0, 1, 0, 1, 1, 1, 0, 0, 1, 0]
    counts = count_waits(waits, activity)  # by half, open or ended, length
    assert counts[0].tolist() == [[0, 0, 0, 1, 0, 1], [0, 3, 1, 1, 0, 1]]
    assert counts[1].tolist() == [[2, 1, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0]]
    assert (activity.n_periods, activity.middle, activity.first) == (6, 3, MONTHS[0])
    assert activity.days.tolist() == MONTHS[:6].tolist()
    survival, share, followed = return_shares(counts.sum(axis=0))
    np.testing.assert_allclose(survival, [1, 7 / 10, 7 / 15, 7 / 20, 7 / 20])
    np.testing.assert_allclose(share, [33 / 40, 3 / 4, 5 / 8, 1 / 2, 1 / 2])
    assert followed.tolist() == [10, 6, 4, 2, 2]


def test_what_is_left_of_waits_and_what_was_known_of_them() -> None:
    waits = read_activity(make_panel(HAND), "month").waits
    rest = waits.beyond(np.array([1, 3, 1, 9, 2]))
    assert list(zip(rest.customer.tolist(), rest.length.tolist(), rest.ended.tolist(), strict=True)) == [
        (0, 2, True),
        (2, 1, True),
        (4, 3, True),
    ]
    known = rest.followed_for(2)
    assert known.length.tolist() == [2, 1, 2]
    assert known.ended.tolist() == [True, True, False]


def test_the_curve_equals_statsmodels() -> None:
    rng = np.random.default_rng(1)
    panel = make_panel({f"c{i}": np.flatnonzero(rng.random(30) < rng.uniform(0.03, 0.5)).tolist() for i in range(300)})
    activity = read_activity(panel, "month")
    waits = activity.waits.take(activity.waits.length > 0)  # 0: nobody waited yet
    reference = SurvfuncRight(waits.length, waits.ended.astype(int))
    counts = count_waits(activity.waits, activity).sum(axis=0)
    survival, at_risk = kaplan_meier(counts[1], counts[0])
    times = reference.surv_times.astype(int)
    np.testing.assert_allclose(survival[times], reference.surv_prob, rtol=1e-12)
    assert at_risk[times].tolist() == reference.n_risk.tolist()
    _, share, _ = return_shares(counts)
    np.testing.assert_allclose(share[times[:-1]], 1 - reference.surv_prob[-1] / reference.surv_prob[:-1], rtol=1e-9)


def test_resamples_are_of_customers() -> None:
    """Every customer's waits are drawn together, so that totals are those of some ten customers."""
    panel = make_panel({f"c{i}": [0] * (i == 0) + list(range(1, 2 + i)) for i in range(10)})
    activity = read_activity(panel, "month")
    draws = resample_waits(activity.waits, activity, n_resamples=200, seed=1)
    assert draws.shape == (200, 2, 2, activity.n_periods)
    assert (draws[:, :, 0].sum(axis=(1, 2)) == 10).all()  # one open wait per customer drawn
    total = draws.sum(axis=(1, 2, 3))
    expected = len(panel)
    assert abs(total.mean() - expected) < 3 and total.std() > 3
    again = resample_waits(activity.waits, activity, n_resamples=200, seed=1)
    np.testing.assert_array_equal(draws, again)


def test_losses_by_hand() -> None:
    """Lost after two silent months: d and e in the third, a in the fourth, b in the fifth; a returns in the fifth, e later."""
    activity = read_activity(make_panel(HAND).assign(revenue=[1.0, 2, 4, 8, 16, 0, 0, 0, 0, 32, 64, 0]), "month")
    losses = count_losses(activity, np.full(5, 2))
    assert losses.n_at_risk.tolist() == [0, 4, 5, 3, 2, 2]
    assert losses.n_lost.tolist() == [0, 0, 2, 1, 1, 0]
    assert losses.n_returned.tolist() == [0, 0, 0, 0, 1, 1]
    assert losses.money_before is not None
    assert losses.money_before.tolist() == [0, 0, 96, 3, 24, 0]
    own = count_losses(activity, np.array([1, 9, 9, 5, 9]))  # a after one silent month, d after five
    assert own.n_lost.tolist() == [0, 0, 1, 0, 0, 2]
    assert own.n_returned.tolist() == [0, 0, 0, 0, 1, 0]


def test_credit_notes_from_long_before_belong_to_no_loss_but_to_no_other_customer_either() -> None:
    panel = make_panel({"a": [40, 45], "b": [40]}).assign(revenue=[1.0, 2.0, 4.0])
    early = make_panel({"b": range(38)}).assign(n_orders=0, revenue=[-100.0] * 29 + [-0.5] + [0.0] * 8)
    losses = count_losses(read_activity(pd.concat([panel, early]), "month"), np.array([2, 2]))
    assert losses.money_before is not None
    assert losses.money_before.tolist() == [0, 0, 1 + 4 - 0.5, 0, 0, 0]  # the year up to month 40 begins with month 29


# -- reading ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda p: p.drop(columns="n_orders"), MissingColumnError, "lacks n_orders"),
        (lambda p: p.iloc[:0], EmptyDataError, "no rows"),
        (lambda p: p.assign(n_orders=0), EmptyDataError, "Nobody has an order"),
        (lambda p: p[p["period"] == MONTHS[0]], EmptyDataError, "one month with orders, 2023-01-01"),
        (lambda p: pd.concat([p, p.tail(1)]), DataError, "twice in a period. Where: customer 'e', period 2023-06-01"),
        (lambda p: p.assign(period=p["period"].astype(str)), ColumnTypeError, "no dates"),
        (
            lambda p: p.assign(period=p["period"] + pd.Timedelta(days=3)),
            ColumnTypeError,
            "begin with a month.*2023-01-04",
        ),
        (lambda p: p.assign(n_orders="many"), ColumnTypeError, "n_orders is no number"),
        (lambda p: p.assign(n_orders=[-1, *p["n_orders"][1:]]), DataError, "n_orders is below 0.*customer 'a'"),
        (lambda p: p.assign(n_orders=[np.nan, *p["n_orders"][1:]]), DataError, "n_orders is missing"),
        (lambda p: p.assign(revenue=np.inf), DataError, "revenue is not finite"),
        (lambda p: p.assign(customer_id=[None, *p["customer_id"][1:]]), DataError, "customer_id is missing"),
        (lambda p: p.assign(period=[pd.NaT, *p["period"][1:]]), DataError, "period is missing"),
    ],
)
def test_bad_panels(change: Callable[[pd.DataFrame], pd.DataFrame], error: type[KamError], message: str) -> None:
    with pytest.raises(error, match=message):
        read_activity(change(make_panel(HAND)), "month")


def test_monthly_rows_are_no_quarters() -> None:
    with pytest.raises(
        DataError, match=r"not a whole number of quarters apart\. Where: customer 'a', period 2023-02-01"
    ):
        read_activity(make_panel(HAND), "quarter")


def test_frequencies_are_named() -> None:
    for freq in ("week", "period", ""):
        with pytest.raises(ParameterError, match="Use one of month, quarter, year"):
            read_activity(make_panel(HAND), freq)


def test_ids_and_periods_of_other_types() -> None:
    panel = make_panel(HAND)
    reference = read_activity(panel, "month")
    for other in (
        panel.assign(customer_id=panel["customer_id"].astype("category")),
        panel.assign(customer_id=panel["customer_id"].map(ord)),
        panel.assign(period=panel["period"].dt.to_period("M")),
        panel.sample(frac=1, random_state=1),
    ):
        activity = read_activity(other, "month")
        assert activity.waits.length.tolist() == reference.waits.length.tolist()
        assert all(type(name) is str for name in activity.names)


# -- invariants ------------------------------------------------------------------------------------------------------

panels = st.dictionaries(
    st.sampled_from([f"c{i:02d}" for i in range(14)]), st.sets(st.integers(0, 11), min_size=1), min_size=1, max_size=14
)


@settings(max_examples=40)
@given(active=panels)
def test_medians_of_gaps(active: dict[str, set[int]]) -> None:
    panel = make_panel(active)
    if panel["period"].nunique() < 2:
        return
    activity = read_activity(panel, "month")
    n, median = median_gaps(activity)
    for i, customer in enumerate(activity.names):
        gaps = np.diff(sorted(active[customer]))
        assert n[i] == len(gaps)
        assert median[i] == np.median(gaps) if len(gaps) else np.isnan(median[i])
