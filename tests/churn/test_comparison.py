"""Comparison of churn models: by hand, against a naive recomputation and an exact bootstrap, and with a known truth."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from kam.churn.comparison import ChurnComparisonResult, score_forecasts
from kam.churn.comparison_frames import LESS, MORE, SAME, difference_frame
from kam.churn.comparison_scores import AUC, LOG_LOSS, MONEY_FOUND, NAMED, draw_scores, interval_of
from kam.churn.scored_forecasts import AT_RISK, POPULATIONS, read_scored
from kam.columns import GLOSSARY
from kam.errors import DataError, EmptyDataError, MissingColumnError, NoEventError, ParameterError
from kam.results import Context, load_results, save_results
from kam.stats.forecast_scores import auc, called, top_buyers_named
from kam.stats.resampling import bootstrap_weights
from tests.churn.forecasts import some_forecasts

EUR = Context(currency="EUR")
DAY = pd.Timestamp("2024-01-01")


def _score(forecasts, rows, **options):
    return score_forecasts(forecasts, rows, **{"n_resamples": 50, "context": EUR, **options})


def _verdict(result, about):
    return next(check for check in result.checks if about in check.assumption).verdict


@pytest.fixture(scope="module")
def data():
    return some_forecasts()


@pytest.fixture(scope="module")
def result(data):
    return _score(*data, n_resamples=300)


# -- by hand ---------------------------------------------------------------------------------------------------------


def _by_hand(origins=(DAY,)):
    """Five accounts: a and b are lost (with 400 and 100), e is not at risk."""
    one = pd.DataFrame(
        {
            "customer_id": list("abcde"),
            "at_risk": [True, True, True, True, False],
            "revenue_year": [400.0, 100.0, 200.0, 50.0, 10.0],
            "revenue_next": [0.0, 0.0, 80.0, 20.0, 0.0],
            "no_order": [True, True, False, False, True],
        }
    )
    rows = pd.concat([one.assign(origin=day) for day in origins], ignore_index=True)
    said = {"regression": [0.4, 0.8, 0.6, 0.2, 0.9], "recency": [0.5, 0.5, 0.5, 0.5, 0.5]}
    bring = {"regression": [30.0, 5.0, 60.0, 10.0, 0.0], "recency": [9.0, 9.0, 5.0, 1.0, 0.0]}
    forecasts = pd.concat(
        [
            one[["customer_id"]].assign(origin=day, model=name, p_no_order=said[name], expected_revenue=bring[name])
            for day in origins
            for name in said
        ],
        ignore_index=True,
    )
    return forecasts, rows


def test_scores_by_hand():
    result = _score(*_by_hand())
    own = {name: result.score("regression", name)["estimate"] for name in result.scores["measure"].unique()}
    assert own["AUC"] == pytest.approx(3 / 4)  # b above c and d, a above d alone
    assert own["log loss"] == pytest.approx(-np.log([0.4, 0.8, 0.4, 0.8]).mean())
    assert own["Brier"] == pytest.approx((0.36 + 0.04 + 0.36 + 0.04) / 4)
    assert own["observed / expected"] == pytest.approx(2 / 2)
    assert own["top buyers named"] == 1  # one of two buyers is the top fifth: c, which also has the highest forecast
    assert own["money found"] == pytest.approx(0.8 * 400 / 500)  # 0.8 of the first of four: a, 0.4 × 400
    assert result.score("recency", "top buyers named")["estimate"] == 0
    assert result.score("regression", "AUC", population="all")["estimate"] == pytest.approx(5 / 6)
    lift = result.lift[(result.lift["population"] == "at risk") & (result.lift["model"] == "regression")]
    at = lift.set_index("share_called")
    # a (160), c (120), b (80), d (10): half are a and c, of which a is lost.
    assert at.loc[[0.25, 0.5, 0.75], "share_money_found"].tolist() == pytest.approx([0.8, 0.8, 1])
    assert at.loc[[0.25, 0.5, 0.75], "share_lost_found"].tolist() == pytest.approx([0.5, 0.5, 1])
    assert (result.n_forecasts, result.n_events, result.n_expected) == (4, 2, pytest.approx(2))
    row = result.score("regression", "AUC")
    assert (row["n_customers"], row["n_events"], row["n_origins"]) == (4, 2, 1)
    bins = result.calibration[
        (result.calibration["model"] == "recency") & (result.calibration["population"] == "at risk")
    ]
    assert bins[["predicted", "observed", "n_customers"]].to_numpy().tolist() == [[0.5, 0.5, 4]]


def test_a_score_without_value_is_a_missing_cell_and_said():
    result = _score(*_by_hand())
    assert np.isnan(result.score("recency", "calibration slope")["estimate"])  # the same of all
    check = next(check for check in result.checks if "every score has a value" in check.assumption)
    assert check.verdict == "handled"
    assert check.statistic > 0


# -- naive recomputation ---------------------------------------------------------------------------------------------


def test_scores_as_scikit_learn_by_origin_and_their_mean(data, result):
    forecasts, rows = data
    merged = forecasts.merge(rows, on=["origin", "customer_id"])
    merged["no_order"] = merged["no_order"].astype(int)
    for population, part in ((AT_RISK, merged[merged["at_risk"]]), ("all", merged)):
        for name, of_model in part.groupby("model"):
            single = {
                str(day.date()): (
                    roc_auc_score(g["no_order"], g["p_no_order"]),
                    log_loss(g["no_order"], g["p_no_order"]),
                    top_buyers_named(g["revenue_next"], g["expected_revenue"]).item(),
                )
                for day, g in of_model.groupby("origin")
            }
            single["pooled"] = tuple(np.mean(list(single.values()), axis=0))
            for origin, values in single.items():
                ours = [
                    result.score(name, m, population=population, origin=origin)["estimate"]
                    for m in (AUC, LOG_LOSS, NAMED)
                ]
                assert ours == pytest.approx(values)
            pooled = result.score(name, "observed / expected", population=population)["estimate"]
            assert pooled == pytest.approx(of_model["no_order"].sum() / of_model["p_no_order"].sum())
            orders = result.score(name, "observed / expected, orders", population=population)["estimate"]
            assert orders == pytest.approx((1 - of_model["no_order"]).sum() / (1 - of_model["p_no_order"]).sum())


def test_pooled_scores_in_one_row_per_model(result):
    pooled = result.pooled()
    assert pooled["population"].is_monotonic_decreasing, "at risk first"
    first = pooled.iloc[0]
    assert first["log_loss"] == pooled.query("population == 'at risk'")["log_loss"].min()
    for column, measure in (
        ("auc", "AUC"),
        ("brier", "Brier"),
        ("slope", "calibration slope"),
        ("share_named", "top buyers named"),
    ):
        assert first[column] == result.score(first["model"], measure)["estimate"]
    assert first["slope_low"] == result.score(first["model"], "calibration slope")["ci_low"]


def test_draws_are_those_of_an_exact_bootstrap():
    forecasts, rows = some_forecasts(1200, 1, seed=2)
    scored = read_scored(forecasts, rows, reference="regression", not_fitted=None)
    draws = draw_scores(scored, n_resamples=200, seed=3)
    weights = np.concatenate(list(bootstrap_weights(1200, 200, 3)))
    at = scored.rows(AT_RISK)
    w, event, i = weights[:, scored.customer[at]], scored.event[at], POPULATIONS.index(AT_RISK)
    lost = scored.money[at] * event
    for m in range(2):
        found = called(scored.p[m, at] * scored.money[at], 0.2 * w.sum(axis=1), w)
        exact = {
            AUC: auc(event, scored.p[m, at], w),
            LOG_LOSS: (w * -np.log(np.where(event == 1, scored.p[m, at], 1 - scored.p[m, at]))).sum(1) / w.sum(1),
            NAMED: top_buyers_named(scored.revenue[at], scored.expected[m, at], w),
            MONEY_FOUND: (w * lost * found).sum(axis=1) / (w * lost).sum(axis=1),
        }
        for name, values in exact.items():
            ours = draws.single(name)[1:, i, m, 0]
            assert np.corrcoef(ours, values)[0, 1] > (0.8 if name == NAMED else 0.9)
            assert ours.std() == pytest.approx(values.std(), rel=0.15)
            assert ours.mean() == pytest.approx(values.mean(), abs=0.35 * values.std())


def test_few_top_buyers_are_named_anew_in_every_resample():
    forecasts, rows = some_forecasts(120, 1, seed=2)
    scored = read_scored(forecasts, rows, reference="regression", not_fitted=None)
    weights = np.concatenate(list(bootstrap_weights(120, 50, 3)))
    exact = top_buyers_named(scored.revenue, scored.expected[0], weights[:, scored.customer])
    assert draw_scores(scored, n_resamples=50, seed=3).single(NAMED)[1:, 1, 0, 0] == pytest.approx(exact)


# -- intervals -------------------------------------------------------------------------------------------------------


def test_the_wider_interval_counts():
    draws = np.linspace(-1, 1, 2001)
    alike = interval_of(0.0, draws, np.array([0.01, -0.01, 0.0, 0.0]), level=0.95)
    assert (alike.low, alike.high, alike.spread_over) == (pytest.approx(-0.95), pytest.approx(0.95), "accounts")
    # Four origins 0, 2, 4, 6: mean 3, standard error sd / 2 = 1.291, Student's t with 3 degrees of freedom 3.182.
    values = np.array([0.0, 2, 4, 6])
    deleted = np.array([np.delete(values, i).mean() for i in range(4)])
    differ = interval_of(3.0, 3 + draws, deleted, level=0.95)
    assert (differ.low, differ.high) == (pytest.approx(3 - 3.1824 * 1.29099, abs=1e-3), pytest.approx(7.1085, abs=1e-3))
    assert (differ.accounts_low, differ.accounts_high, differ.spread_over) == (
        pytest.approx(2.05),
        pytest.approx(3.95),
        "origins",
    )
    assert interval_of(3.0, 3 + draws, deleted[:2], level=0.95).spread_over == "accounts"
    assert interval_of(3.0, 3 + draws, deleted, level=0.95, bounds=(0, 4)).high == 4
    assert interval_of(3.0, np.full(100, np.nan), deleted, level=0.95).spread_over == ""


def test_paired_intervals_cover_the_difference():
    """Two models in 16 small ledgers of four origins that are alike; the truth is that of a large one."""
    two = ("regression", "recency")
    large = _difference(*some_forecasts(6000, 4, seed=99, models=two))
    inside, wider = 0, []
    for seed in range(16):
        row = _difference(*some_forecasts(200, 4, seed=seed, models=two))
        inside += row["ci_low"] <= large["estimate"] <= row["ci_high"]
        wider.append((row["ci_high"] - row["ci_low"]) / (row["accounts_high"] - row["accounts_low"]))
    assert inside >= 14
    assert min(wider) >= 1
    assert np.median(wider) < 1.8


def _difference(forecasts, rows):
    scored = read_scored(forecasts, rows, reference="regression", not_fitted=None)
    frame = difference_frame(scored, draw_scores(scored, n_resamples=100, seed=1), 0.95)
    of_loss = frame[(frame["measure"] == LOG_LOSS) & (frame["population"] == AT_RISK)]
    return of_loss[of_loss["origin"] == "pooled"].iloc[0]


def test_pairs_are_narrower_than_the_scores_alone(result):
    rows = result.differences.set_index(["model", "population", "origin", "measure"])
    row = rows.loc[("twin", AT_RISK, "2023-01-02", LOG_LOSS)]
    own = result.score("regression", LOG_LOSS, origin="2023-01-02")
    assert row["ci_high"] - row["ci_low"] < 0.5 * (own["ci_high"] - own["ci_low"])


# -- what it says ----------------------------------------------------------------------------------------------------


def test_the_verdict_is_that_of_the_truth(result):
    standing = result.verdicts.set_index("model")["standing"]
    assert standing.to_dict() == {"twin": SAME, "BG/NBD": MORE, "recency": MORE}
    assert result.verdicts["model"].tolist() == ["twin", "BG/NBD", "recency"]
    assert (result.believed, result.rivals) == ("regression", ("twin",))
    assert result.verdicts["n_better"].tolist()[1:] == [4, 4]
    assert "regression and twin cannot be told apart" in result.answer()
    assert "the days since the last order alone in" in result.answer()
    assert 3 <= len(result.answer().key_figures) <= 5


def test_a_better_model_is_believed(data):
    result = _score(*data, reference="recency")
    assert result.believed in ("regression", "twin")
    assert result.verdicts["standing"].tolist() == [LESS] * 3
    assert f"believe {result.believed}, not recency" in result.answer()


def test_the_next_best_is_named_if_all_others_are_worse(data):
    forecasts, rows = data
    result = _score(forecasts[forecasts["model"] != "twin"], rows)
    assert "believe regression" in result.answer() and "next best, BG/NBD" in result.answer()
    alone = _score(forecasts[forecasts["model"] == "regression"], rows)
    assert alone.verdicts.empty and "no other model to compare regression with" in alone.answer()
    assert alone.differences.empty


def test_a_season_that_the_models_do_not_know_shows(data, result):
    forecasts, rows = some_forecasts(season=1.0)
    off = _score(forecasts, rows)
    assert off.off_origins()["origin"].tolist() == ["2023-10-02"]
    assert _verdict(off, "single origins") == "does not hold"
    assert "2 October 2023 alone" in off.answer()
    assert _verdict(result, "single origins") == "holds"
    assert off.score("regression", "observed / expected")["spread_over"] == "origins"


def test_checks(data, result):
    forecasts, rows = data
    forecasts = forecasts[forecasts["model"] == "regression"]
    assert _verdict(result, "before the outcome") == "not testable"
    assert _verdict(result, "same accounts") == "holds"
    assert _verdict(result, "slope") == "holds"
    assert _verdict(result, "as expected") == "holds"
    assert _verdict(result, "enough origins") == "holds"
    assert _verdict(result, "enough accounts") == "holds"
    assert _verdict(_score(*_by_hand()), "enough accounts") == "does not hold"
    early = forecasts.assign(as_of=forecasts["origin"] - pd.Timedelta(days=1))
    assert _verdict(_score(early, rows), "before the outcome") == "holds"
    assert _verdict(_score(early.assign(as_of=early["origin"]), rows), "before the outcome") == "does not hold"
    sure = forecasts.assign(p_no_order=1 / (1 + (1 / forecasts["p_no_order"].clip(1e-9, 1 - 1e-9) - 1) ** 3))
    assert _verdict(_score(sure, rows), "slope") == "does not hold"
    high = forecasts.assign(p_no_order=forecasts["p_no_order"] ** 0.5)
    assert _verdict(_score(high, rows), "as expected") == "does not hold"
    one = forecasts["origin"] == forecasts["origin"].min()
    assert _verdict(_score(forecasts[one], rows), "enough origins") == "does not hold"


def test_models_are_compared_where_both_have_forecasts(data, result):
    forecasts, rows = data
    last = forecasts["origin"].max()
    gone = (forecasts["model"] == "BG/NBD") & (forecasts["origin"] == last)
    listed = pd.DataFrame(
        {"model": ["BG/NBD", "Pareto/NBD"], "origin": [last, last], "reason": ["did not converge", "boundary"]}
    )
    partial = _score(forecasts[~gone], rows, not_fitted=listed, n_resamples=300)
    verdicts = partial.verdicts.set_index("model")
    assert verdicts.loc["BG/NBD", "n_origins"] == 3
    assert verdicts.loc["Pareto/NBD", "standing"] == "not compared"
    assert verdicts.loc["Pareto/NBD", "reason"] == "boundary"
    assert _verdict(partial, "same accounts") == "handled"
    assert partial.not_fitted["reason"].tolist() == ["did not converge", "boundary"]
    single = result.differences
    single = single[(single["model"] == "BG/NBD") & (single["measure"] == LOG_LOSS) & (single["population"] == AT_RISK)]
    expected = single[~single["origin"].isin(["pooled", str(last.date())])]["estimate"].mean()
    assert verdicts.loc["BG/NBD", "estimate"] == pytest.approx(expected)
    with pytest.raises(DataError, match=r"BG/NBD.*no forecasts from an origin"):
        _score(forecasts[~gone], rows)
    with pytest.raises(DataError, match="though not_fitted"):
        _score(forecasts, rows, not_fitted=listed)


def test_order_of_rows_and_seed(data, result):
    forecasts, rows = data
    before = forecasts.copy(), rows.copy()
    again = _score(forecasts.sample(frac=1, random_state=1), rows.sample(frac=1, random_state=2), n_resamples=300)
    pd.testing.assert_frame_equal(
        again.scores.sort_values(["model", "population", "origin", "measure"], ignore_index=True),
        result.scores.sort_values(["model", "population", "origin", "measure"], ignore_index=True),
    )
    pd.testing.assert_frame_equal(forecasts, before[0])
    pd.testing.assert_frame_equal(rows, before[1])


def test_it_travels(result, tmp_path):
    save_results(result, to=tmp_path)
    back = load_results(tmp_path)["churn_comparison"]
    assert isinstance(back, ChurnComparisonResult)
    assert back.answer() == result.answer()
    for name, frame in result.tables().items():
        pd.testing.assert_frame_equal(back.tables()[name], frame)
        assert set(frame.columns) <= set(GLOSSARY)


# -- bad input -------------------------------------------------------------------------------------------------------


def test_bad_forecasts():
    forecasts, rows = _by_hand()
    with pytest.raises(MissingColumnError, match="p_no_order"):
        _score(forecasts.drop(columns="p_no_order"), rows)
    with pytest.raises(EmptyDataError):
        _score(forecasts[:0], rows)
    with pytest.raises(ParameterError, match=r"'boosting'.*regression, recency"):
        _score(forecasts, rows, reference="boosting")
    with pytest.raises(DataError, match=r"1\.2.*regression.*2024-01-01.*account a"):
        _score(forecasts.assign(p_no_order=[1.2, *forecasts["p_no_order"][1:]]), rows)
    with pytest.raises(DataError, match="expected_revenue"):
        _score(forecasts.assign(expected_revenue=np.nan), rows)
    with pytest.raises(DataError, match=r"two forecasts.*model regression.*account b"):
        _score(pd.concat([forecasts, forecasts.iloc[[1]]]), rows)
    with pytest.raises(DataError, match=r"'recency' has no forecast of some accounts.*account e"):
        _score(forecasts[:-1], rows)
    with pytest.raises(DataError, match=r"does not have|do not have"):
        _score(forecasts, rows[rows["customer_id"] != "c"])
    with pytest.raises(DataError, match="lack an origin"):
        _score(forecasts.assign(origin=DAY + pd.Timedelta(days=1)), rows)


def test_bad_snapshots():
    forecasts, rows = _by_hand()
    with pytest.raises(MissingColumnError, match="revenue_year"):
        _score(forecasts, rows.drop(columns="revenue_year"))
    with pytest.raises(DataError, match=r"not known yet.*account a"):
        _score(forecasts, rows.assign(no_order=pd.array([None, True, False, False, True], dtype="boolean")))
    with pytest.raises(DataError, match="twice in the snapshots"):
        _score(forecasts, pd.concat([rows, rows.iloc[[0]]]))
    with pytest.raises(NoEventError, match=r"Every account placed an order.*at risk"):
        _score(forecasts, rows.assign(no_order=rows["customer_id"] == "e"))
    with pytest.raises(NoEventError, match="No account"):
        _score(forecasts, rows.assign(no_order=True))
    with pytest.raises(EmptyDataError, match="at risk"):
        _score(forecasts, rows.assign(at_risk=False))


@pytest.mark.parametrize("options", [{"n_resamples": 10}, {"level": 1.0}, {"seed": -1}])
def test_bad_parameters(options):
    with pytest.raises(ParameterError):
        _score(*_by_hand(), **options)
