from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from kam.churn.comparison import compare_churn_models
from kam.churn.rolling import REGRESSION, roll_forecasts, rolling_origins, rolling_snapshots
from kam.errors import NoEventError, ParameterError
from kam.ledger import open_ledger
from tests.churn.seasonal_buyers import simulate_orders


def of(rolled, model, origin=None):
    rows = rolled.forecasts[rolled.forecasts["model"] == model]
    return rows if origin is None else rows[rows["origin"] == origin]


def shortened(taken, keep):
    """The snapshots with fewer origins."""
    rows = taken.rows[taken.rows["origin"].isin(keep)].reset_index(drop=True)
    return replace(taken, rows=rows, origins=tuple(pd.Timestamp(o).date() for o in keep))


def test_origins_by_hand():
    found = rolling_origins(date(2024, 1, 1), date(2024, 12, 30), horizon_days=90, n_windows=2, per_window=3)
    after = date(2024, 12, 31)
    assert found == tuple(after - timedelta(days=d) for d in (240, 210, 180, 150, 120, 90, 0))
    short = rolling_origins(date(2024, 6, 1), date(2024, 12, 30), horizon_days=90, n_windows=2, per_window=3)
    assert short == (after - timedelta(days=120), after - timedelta(days=90), after)


def test_every_model_forecasts_every_account_once(seasonal):
    taken, rolled = seasonal
    forecasts = rolled.forecasts
    assert set(forecasts["model"]) | set(rolled.not_fitted["model"]) == {
        REGRESSION, "BG/NBD", "Pareto/NBD", "rhythm", "recency", "Markov chain",
    }  # fmt: skip
    assert not forecasts.duplicated(["model", "origin", "customer_id"]).any()
    assert forecasts["p_no_order"].between(0, 1).all()
    assert (forecasts["expected_revenue"] >= 0).all()
    last = taken.rows["origin"].max()
    accounts = set(taken.rows.loc[taken.rows["origin"] == last, "customer_id"])
    assert set(of(rolled, REGRESSION, last)["customer_id"]) == accounts


def test_knows_more_than_each_of_its_peers(seasonal):
    taken, rolled = seasonal
    truth = taken.rows[["origin", "customer_id", "no_order", "days_since_last_order"]]
    joined = rolled.forecasts.merge(truth, on=["origin", "customer_id"]).dropna(subset=["no_order"])
    joined = joined[(joined["days_since_last_order"] <= 182) & (joined["origin"] >= joined["origin"].unique()[-4])]
    event = joined["no_order"].astype(float)
    loss = {m: log_loss(event[g.index], g["p_no_order"]) for m, g in joined.groupby("model")}
    ranked = {m: roc_auc_score(event[g.index], g["p_no_order"]) for m, g in joined.groupby("model")}
    assert loss[REGRESSION] < min(loss["recency"], loss["Markov chain"])
    assert loss[REGRESSION] < min(loss.get(m, 1) for m in ("BG/NBD", "Pareto/NBD")) + 0.005
    assert ranked[REGRESSION] > max(ranked["recency"], ranked["Markov chain"])
    own = joined[joined["model"] == REGRESSION]
    assert own["no_order"].astype(float).sum() / own["p_no_order"].sum() == pytest.approx(1, abs=0.1)


def test_nothing_from_the_window_or_later_is_used(seasonal):
    taken, rolled = seasonal
    grid = sorted(of(rolled, REGRESSION)["origin"].unique())
    origin = grid[2]
    known = [o for o in taken.rows["origin"].unique() if o <= origin]
    cut = shortened(taken, known)
    # Outcomes that were not known at the origin, turned around.
    later = cut.rows["origin"] + pd.Timedelta(days=91) > origin
    cut.rows.loc[later, "no_order"] = ~cut.rows.loc[later, "no_order"]
    cut.rows.loc[later, "revenue_next"] = 1e6
    again = of(roll_forecasts(cut, n_forecasts=2), REGRESSION, origin)
    before = of(rolled, REGRESSION, origin)
    for name in ("p_no_order", "expected_revenue", "level_error"):
        assert again[name].to_numpy() == pytest.approx(before[name].to_numpy(), rel=1e-9), name


def test_the_same_seed_gives_the_same(seasonal):
    taken, _ = seasonal
    grid = list(taken.rows["origin"].unique())[:6]
    one, two = (roll_forecasts(shortened(taken, grid)).forecasts for _ in range(2))
    pd.testing.assert_frame_equal(one, two)


def test_the_season_makes_part_of_the_level_once_it_has_been_seen(seasonal):
    _, rolled = seasonal
    recent = rolled.levels[rolled.levels["group"] == "recent"]
    seen = recent[recent["forecast"] == "season"]
    assert recent["origin"].min() < seen["origin"].min()
    by_origin = recent.groupby(["origin", "group"])["weight"].sum()
    assert by_origin.to_numpy() == pytest.approx(1)


def test_too_little_to_learn_from(seasonal):
    taken, _ = seasonal
    rows = taken.rows
    with pytest.raises(ParameterError, match="nothing to learn from"):
        roll_forecasts(shortened(taken, [rows["origin"].max()]))
    all_ordered = replace(taken, rows=rows.assign(no_order=rows["no_order"].where(rows["no_order"].isna(), False)))
    with pytest.raises(NoEventError, match="Every account placed an order"):
        roll_forecasts(all_ordered)


def test_many_rows_are_thinned_by_customer(seasonal, monkeypatch):
    taken, rolled = seasonal
    monkeypatch.setattr("kam.churn.rolling.MOST_ROWS", 400)
    grid = sorted(of(rolled, REGRESSION)["origin"].unique())
    origins = [o for o in taken.rows["origin"].unique() if o <= grid[2]]
    thinned = of(roll_forecasts(shortened(taken, origins)), REGRESSION, origins[-1])
    full = of(rolled, REGRESSION, origins[-1])
    assert len(thinned) == len(full)
    assert np.corrcoef(thinned["p_no_order"], full["p_no_order"])[0, 1] > 0.9
    assert (thinned["p_no_order"].to_numpy() != full["p_no_order"].to_numpy()).any()


def test_the_comparison_takes_the_last_windows_that_are_over(seasonal):
    taken, rolled = seasonal
    result = compare_churn_models(taken, rolled=rolled, n_origins=3, n_resamples=50)
    grid = sorted(of(rolled, REGRESSION)["origin"].unique())
    assert result.n_origins == 3
    days = set(result.scores["origin"]) - {"pooled"}
    assert days == {f"{origin:%Y-%m-%d}" for origin in grid[-4:-1]}
    rows = taken.rows
    silent = rows["origin"] == grid[-3]
    one_kind = replace(taken, rows=rows.assign(no_order=rows["no_order"].where(~silent, False)))
    without = compare_churn_models(one_kind, rolled=rolled, n_origins=3, n_resamples=50)
    assert without.n_origins == 2
    assert without.checks[-1].verdict == "handled" and "left out" in without.checks[-1].finding


def test_the_comparison_of_a_ledger_needs_k():
    with pytest.raises(ParameterError, match="k, the silent periods"):
        compare_churn_models(open_ledger(simulate_orders(20, days=400)))


def test_snapshots_to_roll_over_end_the_day_after_the_data():
    orders = simulate_orders(20, days=400)
    ledger = open_ledger(orders)
    taken = rolling_snapshots(ledger, k=3)
    assert taken.origins[-1] == ledger.as_of + timedelta(days=1)
    assert taken.origins == rolling_origins(orders["order_date"].min().date(), ledger.as_of, horizon_days=91)
    with pytest.raises(ParameterError, match="needs 800 days of data"):
        rolling_snapshots(ledger, k=3, horizon_days=400)
    with pytest.raises(ParameterError, match="horizon_days is 0"):
        rolling_snapshots(ledger, k=3, horizon_days=0)
