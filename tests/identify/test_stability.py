"""The probabilities are judged by what they claim: how often accounts get their class again when their ordering runs again."""

import numpy as np
import pandas as pd
import pytest

from kam.identify.abc_xyz import classify_abc_xyz
from kam.identify.stability import rerun_classes
from kam.identify.value_classes import class_limits
from tests.identify.ordering_processes import (
    PROCESSES,
    by_decile,
    compare_process,
    compare_sample,
    draw_company,
    frames,
    plain_classes,
    run,
)


def state(summary, panel):
    result = classify_abc_xyz(summary, panel, n_resamples=200)
    return result.customers.set_index("customer_id")["p_same_class"].sort_index()


def accounts_of(summary, **columns):
    return summary.assign(**{"value": summary["revenue"], "ended": False, **columns})


def rerun(summary, panel, **options):
    return rerun_classes(accounts_of(summary), panel.assign(value=panel["revenue"]), **{"n_resamples": 300, **options})


# -- calibration


@pytest.mark.parametrize(
    "name", ["pure chance", "regular", "few orders", "heavy sizes", "coming and going", "300 accounts"]
)
def test_stated_stability_is_that_of_re_runs(name):
    companies = 6 if name == "300 accounts" else 2
    compared = [compare_process(PROCESSES[name](seed), state, n_reruns=12, seed=seed) for seed in range(companies)]
    table = by_decile(pd.concat(compared, ignore_index=True))
    assert (table["n"] >= 100).all()
    assert table["off"].abs().max() <= 5, table


def test_stated_stability_is_that_of_re_runs_of_the_sample_company():
    table = by_decile(pd.concat([compare_sample(state, n_reruns=8, seed=seed) for seed in (1, 2)], ignore_index=True))
    assert table["off"].abs().max() <= 5, table


def test_each_class_is_right_on_average():
    compared = compare_process(PROCESSES["mixed"](1), state, n_reruns=12, seed=1)
    by_class = compared.groupby("abc_class")[["stated", "observed"]].mean()
    assert (by_class["stated"] - by_class["observed"]).abs().max() < 0.03


# -- what it depends on


def test_clocks_are_sure_and_chance_is_not():
    means = []
    for shape in (1.0, 30.0):
        company = draw_company(3, n=300, regularity=(shape, shape + 0.01), spread=(0.1, 0.1001), ended=0.0)
        means.append(state(*frames(run(company, 1))).mean())
    assert means[1] > means[0] + 0.05


def test_longer_ledgers_are_surer():
    means = [
        state(*frames(run(draw_company(4, n=300, n_months=months, new=0.0, ended=0.0), 1))).mean()
        for months in (12, 60)
    ]
    assert means[1] > means[0] + 0.05


def test_the_middle_of_a_class_is_surer_than_its_border():
    summary, panel = frames(run(draw_company(5, n=600), 1))
    customers = classify_abc_xyz(summary, panel, n_resamples=200).customers
    b = customers[customers["abc_class"] == "B"]["p_same_class"].to_numpy()
    third = len(b) // 3
    assert b[third : 2 * third].mean() > b[:third].mean() + 0.05
    assert b[third : 2 * third].mean() > b[-third:].mean() + 0.05
    assert customers["p_class_a"].iloc[:20].min() > 0.95


def test_a_trend_that_all_share_is_no_noise():
    summary, panel = frames(run(draw_company(6, n=400, n_months=36, regularity=(20.0, 30.0), spread=(0.05, 0.1)), 1))
    factor = 1.03 ** ((panel["period"].dt.year - 2021) * 12 + panel["period"].dt.month)
    growing = panel.assign(revenue=panel["revenue"] * factor)
    total = growing.groupby("customer_id")["revenue"].sum()
    grown = summary.assign(revenue=summary["customer_id"].map(total).to_numpy())
    assert rerun(summary, panel).size_dispersion < 0.02
    assert (
        rerun(grown, growing).size_dispersion < 0.05
    )  # deviations from the mean of three years would say more than 0.3


def test_dispersions_are_recovered():
    chance = rerun(*frames(run(draw_company(7, n=1500, regularity=(1.0, 1.001), spread=(0.5, 0.501), ended=0.0), 1)))
    assert chance.order_dispersion == pytest.approx(1, abs=0.12)  # Poisson
    assert chance.size_dispersion == pytest.approx(np.exp(0.25) - 1, abs=0.08)  # of log-normal sizes
    clocks = rerun(*frames(run(draw_company(7, n=1500, regularity=(9.0, 9.01), spread=(0.1, 0.101), ended=0.0), 1)))
    assert clocks.order_dispersion == pytest.approx(1 / 9, abs=0.08)


# -- mechanics


def test_limits_agree_with_classes_written_for_the_eye():
    rng = np.random.default_rng(8)
    values = np.round(rng.lognormal(3, 1.5, (50, 40)) - 5, 2)
    a, b = class_limits(values, base="positive", cuts=(0.8, 0.95))
    for row, limit_a, limit_b in zip(values, a, b, strict=True):
        assert (np.where(row >= limit_a, "A", np.where(row >= limit_b, "B", "C")) == plain_classes(row)).all()
    net_a, net_b = class_limits(np.array([[60.0, 25, 15, -20], [5, 0, -9, 0]]), base="net", cuts=(0.8, 0.95))
    assert (net_a.tolist(), net_b.tolist()) == ([25, np.inf], [25, np.inf])


def test_same_seed_same_probabilities():
    data = frames(run(draw_company(9, n=50), 1))
    assert (rerun(*data, seed=3).probabilities == rerun(*data, seed=3).probabilities).all()
    assert (rerun(*data, seed=3).probabilities != rerun(*data, seed=4).probabilities).any()


def test_one_account_is_always_class_a():
    found = rerun(*frames(run(draw_company(10, n=1, new=0.0, ended=0.0), 1)))
    assert found.probabilities.tolist() == [[1, 0, 0]]
    assert not found.is_shrunk


def test_one_month_falls_back_visibly():
    summary, panel = frames(run(draw_company(11, n=60, n_months=1, rate=(6.0, 0.5), new=0.0, ended=0.0), 1))
    found = rerun(summary, panel)
    assert (found.n_pooled, found.order_dispersion, found.size_dispersion) == (0, 1, 1)
    assert 0.5 < found.probabilities.max(axis=1).mean() < 1
    said = [
        c
        for c in classify_abc_xyz(summary, panel, n_resamples=50).checks
        if "enough to measure the noise" in c.assumption
    ]
    assert [c.verdict for c in said] == ["does not hold"]


def test_no_complete_month_falls_back_too():
    summary, panel = frames(run(draw_company(11, n=60, n_months=1, rate=(6.0, 0.5)), 1))
    found = rerun(summary, panel.iloc[:0])
    assert found.n_pooled == 0
    assert np.isfinite(found.probabilities).all()


def test_accounts_below_zero_or_without_orders():
    summary, panel = frames(run(draw_company(12, n=200, n_months=24), 1))
    big = summary["revenue"].sum()
    summary.loc[0, "revenue"] = -big  # far below zero for sure
    taken_back = panel["customer_id"] == summary.at[0, "customer_id"]
    panel.loc[taken_back, "revenue"] = -big / taken_back.sum()
    summary.loc[1, ["n_orders", "revenue"]] = [0, -3.0]
    summary.loc[1, ["first_order", "last_order"]] = pd.NaT
    summary.loc[1, ["tenure_days", "days_since_last_order"]] = np.nan
    panel = panel[panel["customer_id"] != summary.at[1, "customer_id"]]
    found = rerun(summary, panel)
    assert (found.n_additive, found.n_fixed) == (1, 1)
    assert found.probabilities[:2].tolist() == [[0, 0, 1], [0, 0, 1]]
    assert np.allclose(found.probabilities.sum(axis=1), 1)


def test_an_account_that_may_be_on_either_side_of_zero():
    # +10,000 and -9,500 by turns: their sum says little about what the next two years would bring.
    summary, panel = frames(
        run(draw_company(13, n=50, n_months=24, rate=(3.0, 0.1), size_spread=0.1, new=0, ended=0), 1)
    )
    own = panel["customer_id"] == summary.at[0, "customer_id"]
    panel.loc[own, "revenue"] = np.where(np.arange(own.sum()) % 2, -9500.0, 10000.0)
    summary.loc[0, "revenue"] = panel.loc[own, "revenue"].sum()
    found = rerun(summary, panel)
    assert found.n_additive == 1
    assert found.probabilities[0].max() < 0.95


def test_value_outside_complete_months_keeps_its_relative_noise():
    summary, panel = frames(run(draw_company(14, n=300), 1))
    doubled = rerun(summary.assign(revenue=summary["revenue"] * 2), panel)
    assert np.allclose(doubled.probabilities, rerun(summary, panel).probabilities, atol=0.02)


def test_the_unit_of_money_does_not_matter():
    summary, panel = frames(run(draw_company(15, n=300), 1))
    in_millions = rerun(summary.assign(revenue=summary["revenue"] * 1e9), panel.assign(revenue=panel["revenue"] * 1e9))
    assert np.allclose(in_millions.probabilities, rerun(summary, panel).probabilities, atol=0.01)
