"""The growth list: features from before the origin alone, chances recovered, lists held against naming by revenue."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from kam.errors import (
    ColumnTypeError,
    DataError,
    DuplicateColumnError,
    MissingColumnError,
    ParameterError,
    UndefinedMeasureError,
)
from kam.identify import abc_classes, growth
from kam.identify.growth_backtest import PastForecast, compare_lists, decide_leader, run_backtest, score_past
from kam.identify.growth_features import TERMS, read_history, snapshot
from kam.identify.growth_model import fit_growth, level_missed, level_variance
from kam.results import Context
from kam.stats.forecast_scores import auc

CUTS = (0.80, 0.95)


def company(n=300, n_months=48, seed=1, *, climbing=True):
    """Accounts of steady size, half of which at some time grow by 10 % a month for two years."""
    rng = np.random.default_rng(seed)
    size = rng.lognormal(5, 1.2, n)
    months = np.arange(n_months)
    begins = rng.integers(0, n_months, n)
    grows = (rng.random(n) < 0.5) & climbing
    level = np.where(grows[:, None], 1.1 ** np.clip(months - begins[:, None], 0, 24), 1.0)
    orders = rng.poisson(3, (n, n_months))
    revenue = orders * size[:, None] * level * rng.lognormal(0, 0.2, (n, n_months))
    row, month = np.nonzero(orders)
    start = pd.date_range("2021-01-01", periods=n_months, freq="MS")
    return pd.DataFrame(
        {
            "customer_id": [f"{i:04d}" for i in row],
            "period": start[month],
            "revenue": revenue[row, month],
            "n_orders": orders[row, month],
        }
    )


@pytest.fixture(scope="module")
def panel():
    return company(n=500)


@pytest.fixture(scope="module")
def accounts(panel):
    ids = panel["customer_id"].unique()
    last = panel[panel["period"] >= "2024-01-01"].groupby("customer_id")["revenue"].sum().reindex(ids)
    frame = pd.DataFrame({"customer_id": ids, "name": [f"Firm {one}" for one in ids]})
    frame["potential"] = np.where(np.arange(len(ids)) % 3 == 0, np.nan, last * 2)
    frame.loc[frame.index % 7 == 1, "potential"] = last.to_numpy()[frame.index % 7 == 1] / 2
    return frame


@pytest.fixture(scope="module")
def result(panel, accounts):
    return growth(panel, accounts=accounts, context=Context(currency="EUR"))


def flat(values, n_months=24):
    """Every account brings the same every month."""
    months = pd.date_range("2023-01-01", periods=n_months, freq="MS")
    return pd.DataFrame(
        {
            "customer_id": np.repeat(list(values), n_months),
            "period": np.tile(months, len(values)),
            "revenue": np.repeat(list(values.values()), n_months).astype(float),
            "n_orders": 1,
        }
    )


# -- features --------------------------------------------------------------------------------------------------------


def test_features_by_hand():
    panel = flat({"a": 90, "b": 10})
    late = panel["period"] >= "2024-10-01"
    panel.loc[(panel["customer_id"] == "b") & late, "revenue"] = 20.0  # b doubles in the last three months
    at = snapshot(read_history(panel, None, CUTS), 24)
    assert at.is_a.tolist() == [True, False]
    assert at.value.tolist() == [1080, 150]
    assert at.limit == 1080
    names = list(TERMS)[:8]
    b = dict(zip(names, at.x[1], strict=True))
    size = np.log(150 / 1080 + 0.02)
    half = np.log(90 / 630 * 1230 / 1080 + 0.02)
    quarter = np.log(60 / 330 * 1230 / 1080 + 0.02)
    assert b["size"] == pytest.approx(size)
    assert b["trend_6"] == pytest.approx(half - size)
    assert b["trend_3"] == pytest.approx(quarter - half)
    assert b["orders"] == pytest.approx(np.log(13))
    assert (b["active_months"], b["months_silent"], b["tenure"]) == (1, 0, 12)
    assert b["largest_month"] == pytest.approx(20 / 150)
    # 90 of 630 in the last half-year, 60 of 600 in the one before
    assert at.pace[1] == pytest.approx(60 / 330 * 1230 / 1080)
    assert at.trend[1] == pytest.approx((90 / 630) / (60 / 600) - 1)


def test_nothing_after_the_origin_changes_a_feature(panel):
    rng = np.random.default_rng(2)
    mix = panel.assign(group=rng.choice(list("xyz"), len(panel)))
    before = read_history(panel, mix, CUTS)
    after = panel.copy()
    later = after["period"] >= before.month(30)
    after.loc[later, "revenue"] *= rng.lognormal(0, 2, int(later.sum()))
    after.loc[later, "n_orders"] += 7
    changed = mix.copy()
    changed.loc[mix["period"] >= before.month(30), "group"] = "w"
    old, new = snapshot(before, 30), snapshot(read_history(after, changed, CUTS), 30)
    np.testing.assert_array_equal(old.x, new.x)
    np.testing.assert_array_equal(old.is_a, new.is_a)
    np.testing.assert_array_equal(old.trend, new.trend)
    assert (snapshot(before, 33).x != snapshot(read_history(after, changed, CUTS), 33).x).any()


def test_classes_are_those_of_the_whole_package(panel):
    history = read_history(panel, None, CUTS)
    at = snapshot(history, 48)
    classes = abc_classes(pd.Series(at.value, index=history.customer_id))
    assert (classes == "A").to_numpy().tolist() == at.is_a.tolist()
    assert (classes == "B").to_numpy().tolist() == at.is_b.tolist()


def test_breadth_counts_groups_bought_in_the_year():
    panel = flat({"a": 90, "b": 10})
    mix = pd.concat([panel.assign(group="x"), panel[panel["period"] == "2024-05-01"].assign(group="y")])
    mix = pd.concat([mix, panel[panel["period"] == "2023-05-01"].assign(group="z")])
    at = snapshot(read_history(panel, mix, CUTS), 24)
    assert at.x[:, 8].tolist() == pytest.approx([np.log(3)] * 2)


# -- the model -------------------------------------------------------------------------------------------------------


def test_known_log_odds_come_back():
    rng = np.random.default_rng(3)
    x = rng.standard_normal((8000, 2)) * [2.0, 5.0] + 1
    truth = -2 + 0.8 * x[:, 0] - 0.3 * x[:, 1]
    event = rng.random(8000) < expit(truth)
    model = fit_growth(x, event, np.arange(8000), seed=1)
    off = model.log_odds(x) - truth
    assert np.abs(off).max() < 0.6
    covered = np.abs(off) <= 1.96 * model.std_error(x)
    assert covered.mean() > 0.5  # one fit: the errors of all rows hang together
    naive = LogisticRegression(C=1.0, max_iter=5000, tol=1e-10).fit((x - x.mean(axis=0)) / x.std(axis=0), event)
    np.testing.assert_allclose(model.coefficients[1:], naive.coef_[0], rtol=1e-3)


def test_intervals_cover_over_many_companies():
    held, point = [], np.array([[1.0, -1.0]])
    for seed in range(200):
        rng = np.random.default_rng(seed)
        x = np.repeat(rng.standard_normal((250, 2)), 4, axis=0)  # each account at four origins, with one outcome
        event = np.repeat(rng.random(250) < expit(-1 + 0.7 * x[::4, 0]), 4)
        model = fit_growth(x, event, np.repeat(np.arange(250), 4), seed=1)
        held.append(abs(model.log_odds(point)[0] - (-1 + 0.7)) <= 1.96 * model.std_error(point)[0])
    assert 0.90 <= np.mean(held) <= 0.98


def test_rows_that_are_left_out_are_weighed_up(monkeypatch):
    rng = np.random.default_rng(4)
    x = rng.standard_normal((6000, 1))
    event = rng.random(6000) < expit(-2 + x[:, 0])
    whole = fit_growth(x, event, np.arange(6000), seed=1)
    monkeypatch.setattr("kam.identify.growth_model.MOST_ROWS", 1500)
    part = fit_growth(x, event, np.arange(6000), seed=1)
    assert part.coefficients[0] == pytest.approx(whole.coefficients[0], abs=0.15)
    assert expit(part.log_odds(x)).mean() == pytest.approx(event.mean(), rel=0.05)


def test_too_few_events_give_no_model():
    event = np.arange(50) < 4
    assert fit_growth(np.arange(50.0)[:, None], event, np.arange(50), seed=1) is None


def test_the_level_by_hand():
    zeros = np.zeros(10)  # ten chances of a half
    came = np.arange(10) < 8
    assert level_missed(zeros, came) == pytest.approx(np.log(4))
    assert level_variance([zeros], [came]) == 0
    assert level_variance([zeros, zeros], [came, ~came]) == pytest.approx(np.log(4) ** 2 - 1 / 2.5)


def test_the_interval_of_the_number_covers_how_many_come():
    """Held against counts drawn anew, in years whose level differs: 95 of 100 lie within, and without the level fewer."""
    rng = np.random.default_rng(7)
    x = rng.standard_normal((1500, 2))
    model = fit_growth(x, rng.random(1500) < expit(-2 + x[:, 0]), np.arange(1500), seed=1)
    new = rng.standard_normal((400, 2))
    log_odds = -2 + new[:, 0] + rng.normal(0, 0.4, 2000)[:, None]
    counts = (rng.random((2000, 400)) < expit(log_odds)).sum(axis=1)
    (low, high), (near, far) = model.sum_interval(new, 0.16), model.sum_interval(new, 0.0)
    assert 0.92 <= np.mean((counts >= low) & (counts <= high)) <= 0.98
    assert np.mean((counts >= near) & (counts <= far)) < 0.85
    assert 0 < low < near < expit(model.log_odds(new)).sum() < far < high < 400


# -- the back-test ---------------------------------------------------------------------------------------------------


def test_lists_by_hand():
    event = np.array([True, True, False, False, True])
    one = PastForecast(12, np.arange(5), np.array([5.0, 4, 3, 2, 1]), np.array([3.0, -1, 0, -2, 2]), event)
    lists = compare_lists([one], 2, n_accounts=5, n_resamples=500, seed=1).set_index("n_named")
    row = lists.loc[2]
    assert (row["n_by_model"], row["n_by_revenue"], row["n_became"], row["difference"]) == (2, 2, 3, 0)
    assert row["ci_low"] < 0 < row["ci_high"]  # one found by each alone
    assert lists.loc[10, "n_by_model"] == 3
    assert np.isnan(lists.loc[10, "ci_low"])  # both name everybody


def test_the_auc_is_that_of_the_statistics(result, panel):
    rng = np.random.default_rng(5)
    value, log_odds = rng.lognormal(0, 1, 300), rng.standard_normal(300)
    event = rng.random(300) < expit(log_odds)
    scores = score_past([PastForecast(12, np.arange(300), value, log_odds, event)]).set_index("term")
    assert scores.loc["auc", "estimate"] == pytest.approx(auc(event, log_odds).item())
    assert scores.loc["auc_revenue", "estimate"] == pytest.approx(auc(event, value).item())
    assert scores.loc["auc", "ci_low"] < scores.loc["auc", "estimate"] < scores.loc["auc", "ci_high"]
    assert scores.loc["brier", "estimate"] == pytest.approx(np.mean((expit(log_odds) - event) ** 2))


def test_the_backtest_knows_nothing_of_the_future(panel, result):
    """An earlier run saw the same at the origins that were over by then."""
    cut = growth(panel[panel["period"] < "2024-10-01"], horizon=12)
    both = result.backtest.merge(cut.backtest, on="origin", suffixes=("", "_cut"))
    assert len(both) >= 3
    for name in ("n_accounts", "n_became", "n_by_model", "n_by_revenue"):
        assert both[name].tolist() == both[f"{name}_cut"].tolist()
    np.testing.assert_allclose(both["n_expected"], both["n_expected_cut"])


def test_climbers_are_found_before_they_are_large(result):
    assert result.tested_on == "later origins"
    assert (result.named_by, result.named_since) == ("forecast", "list")
    test = result.tested
    assert test["n_by_model"] > 1.2 * test["n_by_revenue"]
    assert "named by this forecast became class A" in result.answer()
    assert result.candidates["p_become_a"].dropna().is_monotonic_decreasing


def test_where_the_forecast_is_not_surely_better_it_says_so_and_names_by_revenue():
    result = growth(company(n=150, seed=8, climbing=False), n_named=10)
    assert result.named_by == "revenue"
    assert "was not surely better than naming by revenue" in result.answer()
    buys = result.candidates["p_become_a"].notna()
    assert result.candidates.loc[buys, "value"].is_monotonic_decreasing
    assert result.candidates.loc[result.candidates["is_named"], "value"].min() >= result.candidates["value"][10:].max()


def test_what_older_forecasts_missed_moves_no_chance(panel, result):
    """They had learned from fewer origins: today's sum is the model's own, however far off they were."""
    history = read_history(panel, None, CUTS)
    tested = run_backtest(history, horizon=12, seed=1)
    raw = expit(tested.model.log_odds(tested.now.x[tested.now.candidate])).sum()
    missed = level_missed(
        np.concatenate([o.log_odds for o in tested.past]), np.concatenate([o.event for o in tested.past])
    )
    assert abs(missed) > 0.05
    assert result.n_expected == pytest.approx(raw)
    interval = f"95% interval {result.n_expected_low:.0f} to {result.n_expected_high:.0f}"
    assert result.n_expected_low < raw < result.n_expected_high and interval in result.answer()


def rows(low, high, difference_low):
    lists = pd.DataFrame({"n_named": [10, 20], "ci_low": [5.0, low], "ci_high": [9.0, high]})
    return lists, pd.DataFrame({"term": ["auc_difference"], "ci_low": [difference_low]})


@pytest.mark.parametrize(
    ("low", "high", "difference_low", "n_events", "expected"),
    [
        (1, 9, -0.1, 50, "list"),
        (-4, 22, 0.02, 50, "ranking"),
        (-4, 22, 0.02, 9, "too few"),
        (-4, 22, -0.01, 50, "not sure"),
        (-9, -1, 0.02, 50, "worse"),
        (np.nan, np.nan, 0.02, 50, "ranking"),
    ],
)
def test_who_leads_the_list(low, high, difference_low, n_events, expected):
    event = np.arange(100) < n_events
    past = [PastForecast(12, np.arange(100), np.ones(100), np.zeros(100), event)]
    lists, scores = rows(low, high, difference_low)
    assert decide_leader(past, "later origins", lists, scores, 20) == expected
    assert decide_leader(past, "other accounts", lists, scores, 20) == "other accounts"
    # nine accounts at two origins are nine accounts
    assert decide_leader(past * 2, "later origins", lists, scores, 20) == expected


def test_by_chance_is_never_said_where_by_forecast_is_meant(result):
    said = [result.answer(), *(f"{figure.label} {figure.note}" for figure in result.answer().key_figures)]
    said += [f"{check.assumption} {check.finding}" for check in result.checks]
    assert not any("by chance" in text or "the chance" in text for text in said)
    assert any("by forecast and by revenue" in text for text in said)


# -- the list --------------------------------------------------------------------------------------------------------


def test_candidates_are_all_below_class_a(panel, result):
    history = read_history(panel, None, CUTS)
    at = snapshot(history, 48)
    assert set(result.candidates["customer_id"]) == set(history.customer_id[~at.is_a])
    frame = result.candidates
    assert (frame["p_become_low"] <= frame["p_become_a"]).all() and (
        frame["p_become_a"] <= frame["p_become_high"]
    ).all()
    assert frame["likeness"].between(0, 1).all()
    assert frame["is_named"].sum() == 20
    assert frame["why"].str.contains("of what class A takes").all()
    assert result.n_expected == pytest.approx(frame["p_become_a"].sum())


def test_the_gap_is_demand_less_what_is_bought(accounts, result):
    frame = result.candidates.merge(accounts[["customer_id", "potential"]], on="customer_id")
    known = frame["potential"].notna()
    expected = (frame["potential"] - frame["value"]).clip(lower=0)
    np.testing.assert_allclose(frame.loc[known, "elsewhere"], expected[known])
    assert frame.loc[~known, ["elsewhere", "share_wallet"]].isna().all(axis=None)
    above = frame[frame["potential"] < frame["value"]]
    assert set(result.outdated["customer_id"]) == set(above["customer_id"]) and len(above)
    assert any("their gap is taken as none" in check.finding for check in result.checks)


def test_demand_changes_the_gap_and_no_chance(panel, accounts, result):
    again = growth(panel, accounts=accounts.assign(potential=accounts["potential"] * 3))
    merged = result.candidates.merge(again.candidates, on="customer_id")
    np.testing.assert_array_equal(merged["p_become_a_x"], merged["p_become_a_y"])
    known = merged["elsewhere_x"] > 0
    assert (merged.loc[known, "elsewhere_y"] > merged.loc[known, "elsewhere_x"]).all()


def test_who_has_not_ordered_for_a_year_gets_no_chance_and_the_reason(panel):
    silent = panel[(panel["customer_id"] != "0005") | (panel["period"] < "2023-06-01")]
    result = growth(silent)
    row = result.candidates[result.candidates["customer_id"] == "0005"].iloc[0]
    assert np.isnan(row["p_become_a"]) and "no order in the last twelve months" in row["why"]
    assert not row["is_named"]
    assert result.n_silent == 1


def test_key_accounts_are_left_out_counted_and_said(panel, result):
    keys = [*result.candidates["customer_id"][:3], "not a customer"]
    left = growth(panel, key_accounts=keys)
    assert not left.candidates["customer_id"].isin(keys).any()
    assert left.n_key_accounts == 3 and left.n_candidates == result.n_candidates - 3
    assert left.n_expected == pytest.approx(left.candidates["p_become_a"].sum())
    assert left.n_expected_high < result.n_expected_high
    assert any(check.finding == "3 key accounts are below class A now and are left out" for check in left.checks)
    assert any("it is not known who is one" in check.finding for check in result.checks)
    with pytest.raises(ParameterError, match="key_accounts is the text"):
        growth(panel, key_accounts="0001")


def test_who_loses_money_is_said(panel, result):
    named = result.candidates["customer_id"][:20]
    profit = pd.Series(100.0, index=named)
    profit.iloc[:2] = -5.0
    again = growth(panel, profit=profit)
    assert again.candidates["profit"][:20].tolist() == [-5.0, -5.0] + [100.0] * 18
    assert again.answer().endswith("2 of the 20 named lose money.")
    assert again.candidates["why"].str.contains("loses money").sum() == 2
    assert any(c.finding == "2 of the named lose money" and c.verdict == "does not hold" for c in again.checks)
    assert result.candidates["profit"].isna().all() and "money" not in result.answer()
    with pytest.raises(DataError, match="stands twice"):
        growth(panel, profit=pd.concat([profit, profit.head(1)]))
    with pytest.raises(DataError, match="not a finite number"):
        growth(panel, profit=pd.Series(["dear"], index=["0001"]))


def test_scale_of_money_and_order_of_rows_do_not_matter(panel, result):
    other = growth(panel.sample(frac=1, random_state=1).assign(revenue=lambda f: f["revenue"] * 1000))
    np.testing.assert_allclose(other.candidates["p_become_a"], result.candidates["p_become_a"], rtol=1e-4)
    assert other.lists["n_by_model"].tolist() == result.lists["n_by_model"].tolist()


def test_inputs_are_not_changed(panel, accounts):
    before, facts = panel.copy(), accounts.copy()
    growth(panel, accounts=accounts, n_resamples=100)
    pd.testing.assert_frame_equal(panel, before)
    pd.testing.assert_frame_equal(accounts, facts)


# -- short and bad input ---------------------------------------------------------------------------------------------


def test_a_history_too_short_for_an_origin_gives_trend_and_gap_alone(panel, accounts):
    result = growth(panel[panel["period"] >= "2023-06-01"], accounts=accounts)
    assert result.tested_on == "none" and result.n_expected is None
    assert result.candidates["p_become_a"].isna().all()
    assert result.candidates["why"].str.contains("no chance given: 19 months of history, 24 months are needed").all()
    assert result.candidates["trend"].notna().all() and result.candidates["elsewhere"].notna().any()
    assert result.candidates["value"].is_monotonic_decreasing
    assert result.lists.empty and "too short" in result.answer()
    with pytest.raises(DataError, match="too short for a back-test"):
        _ = result.tested


def test_between_one_and_two_horizons_it_is_tested_on_other_accounts_and_said(panel):
    result = growth(panel[panel["period"] >= "2022-09-01"])
    assert result.tested_on == "other accounts" and result.named_by == "revenue"
    assert "too short for a test at a later time, so the list still names the largest by revenue" in result.answer()
    assert "without how much years differ" in result.answer()
    assert "does not decide" in result.answer().key_figures[-1].note
    assert result.checks[0].verdict == "does not hold"
    assert result.candidates["p_become_a"].notna().all()


def test_bad_input_is_named(panel, accounts):
    with pytest.raises(MissingColumnError, match="n_orders"):
        growth(panel.drop(columns="n_orders"))
    with pytest.raises(DataError, match="There are 11 months"):
        growth(panel[panel["period"] >= "2024-02-01"])
    with pytest.raises(DataError, match="stands twice"):
        growth(pd.concat([panel, panel.head(1)]))
    with pytest.raises(DataError, match="not by month"):
        growth(panel[panel["period"].dt.month % 3 == 1])
    with pytest.raises(DataError, match="0002"):
        growth(panel, accounts=accounts.assign(potential=np.where(accounts["customer_id"] == "0002", -1.0, 5.0)))
    with pytest.raises(DataError, match=r"stands twice.*the account file"):
        growth(panel, accounts=pd.concat([accounts, accounts.head(1)]))
    with pytest.raises(ParameterError, match="horizon"):
        growth(panel, horizon=0)
    with pytest.raises(UndefinedMeasureError, match="positive revenue"):
        growth(panel.assign(revenue=-1.0))
    with pytest.raises(DataError, match="not finite"):
        growth(panel.assign(revenue=np.where(panel.index == 3, np.nan, 1.0)))


@pytest.mark.parametrize("values", [{"a": 5.0}, {"a": 5.0, "b": 5.0}, {"a": 90.0, "b": 8.0, "c": 2.0}])
def test_few_accounts_that_never_move_give_no_chance_and_the_reason(values):
    result = growth(flat(values, 48))
    assert result.n_expected is None and result.tested_on == "none"
    assert result.candidates["p_become_a"].isna().all()
    assert result.candidates["why"].str.contains("too few accounts have become class A").all()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"revenue": "dear"}, "'revenue' holds no numbers"),
        ({"revenue": "12.5"}, "'revenue' holds no numbers"),
        ({"n_orders": pd.Timestamp("2024-01-01")}, "'n_orders' holds no numbers"),
        ({"period": "2024-01"}, "'period' holds no dates"),
    ],
)
def test_panels_of_wrong_types_are_named(panel, change, says):
    with pytest.raises(ColumnTypeError, match=says):
        growth(panel.assign(**change))


def test_inputs_of_wrong_types_are_named(panel, accounts):
    for wrong in (None, [1]):
        with pytest.raises(ColumnTypeError, match=r"no data frame.*panel"):
            growth(wrong)
    with pytest.raises(DuplicateColumnError, match="'revenue' stands twice"):
        growth(pd.concat([panel, panel[["revenue"]]], axis=1))
    with pytest.raises(ColumnTypeError, match=r"'potential' holds no numbers.*account file"):
        growth(panel, accounts=accounts.assign(potential="much"))
    mix = panel.assign(group="tape")
    with pytest.raises(ColumnTypeError, match=r"'revenue' holds no numbers.*mix"):
        growth(panel, mix=mix.assign(revenue="dear"))
    for profit in ({"0001": 1.0}, accounts, pd.Series([pd.Timestamp("2024-01-01")], index=["0001"])):
        with pytest.raises(ColumnTypeError, match="profit"):
            growth(panel, profit=profit)
    for keys in (5, accounts):
        with pytest.raises(ParameterError, match="key_accounts"):
            growth(panel, key_accounts=keys)
    for cuts in ("ab", ("0.8", "0.95"), None, (0.95, 0.8), (0.5, 0.8, 0.9)):
        with pytest.raises(ParameterError, match="ABC limits"):
            growth(panel, cuts=cuts)


def test_the_order_of_the_rows_of_the_panel_does_not_matter(panel):
    a, b = read_history(panel, None, CUTS), read_history(panel.sample(frac=1, random_state=1), None, CUTS)
    np.testing.assert_array_equal(a.revenue, b.revenue)
    np.testing.assert_array_equal(a.customer_id, b.customer_id)
