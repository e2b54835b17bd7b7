"""The regression as a user meets it: truth by hand, recovery, bad input, words."""

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from firthmodels import FirthLogisticRegression
from scipy.special import expit
from statsmodels.stats.outliers_influence import variance_inflation_factor

from kam.churn import firth, fit_churn_regression
from kam.churn.firth import fit_firth
from kam.churn.logit import fit_logit
from kam.churn.regression_checks import variance_inflation
from kam.churn.score_tests import fitted_rows, score_of, score_test, scores_by_group
from kam.churn.separation import find_separation, finite_estimates
from kam.churn.unadjusted_odds import fit_within
from kam.errors import (
    ColumnTypeError,
    DataError,
    EmptyDataError,
    LeakageError,
    MissingColumnError,
    ModelError,
    NoEventError,
    NotConvergedError,
    ParameterError,
)
from kam.results import Context, load_results, save_results

TERMS = ["origin", "gap_ratio", "share_late", "n_complaints", "handover", "region"]
TRUE = {"gap_ratio": 0.5, "share_late": 0.2, "n_complaints": 0.8, "handover": 0.7}


@dataclass(frozen=True)
class Few:
    """What a regression reads of snapshots."""

    rows: pd.DataFrame
    horizon_days: int
    covariates: pd.DataFrame


def simulated(n, *, seed=1, n_origins=4, spread=0.7):
    """Customers at several origins whose log-odds are those of TRUE, with a level of their own."""
    rng = np.random.default_rng(seed)
    size = n * n_origins
    rows = pd.DataFrame(
        {
            "customer_id": np.tile([f"C{i:04d}" for i in range(n)], n_origins),
            "origin": np.repeat(pd.date_range("2024-01-01", periods=n_origins, freq="91D"), n),
            "at_risk": True,
            "gap_ratio": np.exp2(rng.normal(0, 1, size)),
            "share_late": rng.choice([0.0, 0.1, 0.25, 0.5], size),
            "n_complaints": rng.poisson(0.3, size),
            "handover": rng.random(size) < 0.15,
            "region": np.tile(rng.choice(["north", "south", "west"], n, p=[0.5, 0.3, 0.2]), n_origins),
        }
    )
    log_odds = (
        -1.6
        + np.tile(rng.normal(0, spread, n), n_origins)
        + 0.5 * np.log2(rows["gap_ratio"])
        + 2.0 * rows["share_late"]
        + 0.8 * rows["n_complaints"]
        + 0.7 * rows["handover"]
    )
    rows["no_order"] = pd.array(rng.random(size) < expit(log_odds), dtype="boolean")
    return rows


@pytest.fixture(scope="module")
def rows():
    return simulated(400)


@pytest.fixture(scope="module")
def result(rows):
    covariates = pd.DataFrame({"term": ["region"], "source": ["accounts"]})
    return fit_churn_regression(Few(rows, 91, covariates), context=Context(currency="EUR"))


def by_name(result, name):
    table = result.coefficients
    return table.set_index(table["term"].where(table["level"] == "", table["term"] + ": " + table["level"]))[name]


# -- truth -----------------------------------------------------------------------------------------------------------


def test_two_by_two_by_hand():
    rows = pd.DataFrame({"customer_id": range(100), "origin": 0, "x": [1] * 40 + [0] * 60})
    rows["no_order"] = [1] * 30 + [0] * 10 + [1] * 20 + [0] * 40
    row = fit_churn_regression(rows, formula="x").coefficients.iloc[1]
    assert row["odds_ratio"] == pytest.approx((30 / 10) / (20 / 40))
    woolf = np.sqrt(
        1 / 30 + 1 / 10 + 1 / 20 + 1 / 40
    )  # of independent rows; HC1 of a saturated model has two factors more
    assert row["std_error"] == pytest.approx(woolf * np.sqrt(100 / 99 * 99 / 98))
    flag = fit_churn_regression(rows.assign(handover=rows["x"] == 1), terms=["handover"]).coefficients.iloc[1]
    assert [flag["p_with"], flag["p_without"]] == pytest.approx([0.75, 1 / 3])
    assert flag["marginal_effect"] == pytest.approx(0.75 - 1 / 3)
    half = (flag["effect_high"] - flag["effect_low"]) / 2 / 1.959963984540054
    assert half == pytest.approx(np.sqrt((0.75 * 0.25 / 40 + 2 / 9 / 60) * 100 / 98))


def test_firth_of_a_table_adds_half_an_event_to_each_cell():
    rows = pd.DataFrame({"customer_id": range(20), "origin": 0, "x": [1] * 8 + [0] * 12})
    rows["no_order"] = [1] * 8 + [1] * 3 + [0] * 9
    result = fit_churn_regression(rows, formula="x")
    assert result.method == "firth"
    assert result.coefficients["estimate"].tolist() == pytest.approx(
        [np.log(3.5 / 9.5), np.log(8.5 / 0.5) - np.log(3.5 / 9.5)], abs=1e-5
    )
    assert result.checks[0].verdict == result.checks[1].verdict == "handled"
    assert "x would have an infinite estimate" in result.checks[0].finding


def test_flic_predicts_as_many_as_there_were():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(60, 2))
    y = (rng.random(60) < 0.1).astype(float)
    fit = fit_firth(x, y, np.arange(60))
    assert fit.predict(x).mean() == pytest.approx(y.mean(), abs=1e-9)
    assert expit(fit.params[0] + x @ fit.params[1:]).mean() > y.mean()  # Firth's own predictions are drawn to a half


def test_what_was_planted_is_found(result):
    assert result.method == "ml"
    low, high = by_name(result, "ci_low"), by_name(result, "ci_high")
    for name, value in TRUE.items():
        slack = 0.15 * value  # the odds within accounts of one level are larger than those over all
        assert low[name] - slack < value < high[name] + slack, name
    for level in ("region: south", "region: west"):
        assert low[level] < 0 < high[level]
    assert result.named()["term"].tolist() == sorted(TRUE, key=lambda name: -by_name(result, "statistic")[name])


def test_clustered_intervals_cover_where_others_do_not():
    covered = {"clustered": 0, "independent": 0}
    for seed in range(40):
        rng = np.random.default_rng(seed)
        x = np.tile(rng.normal(size=80), 6)
        cluster = np.tile(np.arange(80), 6)
        y = (rng.random(480) < expit(np.tile(rng.normal(0, 1.5, 80), 6))).astype(float)
        for name, groups in (("clustered", cluster), ("independent", np.arange(480))):
            fit = fit_logit(x[:, None], y, groups)
            covered[name] += fit.low[1] < 0 < fit.high[1]
    assert covered["clustered"] >= 35
    assert covered["independent"] <= 32


def test_firth_resamples_customers_where_rows_repeat():
    rng = np.random.default_rng(5)
    x, level = rng.normal(size=30), rng.normal(0, 3, 30)
    one = (rng.random(30) < expit(level)).astype(float)
    alone = fit_firth(x[:, None], one, np.arange(30), n_resamples=100)
    twice = fit_firth(np.tile(x, 4)[:, None], np.tile(one, 4), np.tile(np.arange(30), 4), n_resamples=100)
    naive = fit_firth(np.tile(x, 4)[:, None], np.tile(one, 4), np.arange(120), n_resamples=100)
    width = [fit.high[1] - fit.low[1] for fit in (alone, twice, naive)]
    assert width[2] < 0.6 * width[0]  # four copies are no more than one, which profiles do not know
    assert 0.75 * width[0] < width[1] < 1.6 * width[0]
    again = fit_firth(np.tile(x, 4)[:, None], np.tile(one, 4), np.tile(np.arange(30), 4), n_resamples=100)
    assert again.low.tolist() == twice.low.tolist()


def test_resamples_have_the_estimates_of_the_library():
    rng = np.random.default_rng(7)
    x = rng.normal(size=(80, 3))
    y, weight = (rng.random(80) < expit(x[:, 0] - 1)).astype(float), rng.integers(1, 4, 80).astype(float)
    library = FirthLogisticRegression(backend="numpy", max_iter=200, gtol=1e-8, xtol=1e-8).fit(
        x, y, sample_weight=weight
    )
    ours = firth._newton(np.column_stack([np.ones(80), x]), y, weight, np.zeros(4))
    assert ours == pytest.approx([library.intercept_, *library.coef_], abs=1e-6)
    assert firth._newton(np.ones((80, 2)), y, weight, np.zeros(2)) is None


def test_with_many_rows_only_what_separates_has_a_profile(monkeypatch):
    rng = np.random.default_rng(2)
    x = np.column_stack([rng.normal(size=120), np.arange(120) < 6])
    y = ((rng.random(120) < 0.4) | (x[:, 1] > 0)).astype(float)
    every = fit_firth(x, y, np.arange(120))
    monkeypatch.setattr(firth, "MAX_PROFILED", 0)
    few = fit_firth(x, y, np.arange(120), separated=[1])
    assert (few.low[2], few.high[2], few.p_value[2]) == (every.low[2], every.high[2], every.p_value[2])
    assert few.low[1] != every.low[1] and few.low[1] == pytest.approx(every.low[1], abs=0.1)
    cluster = np.arange(120) // 2
    resampled = fit_firth(x, y, cluster, separated=[1], n_resamples=60)
    monkeypatch.setattr(firth, "MAX_RESAMPLED", 0)
    sandwich = fit_firth(x, y, cluster, separated=[1], n_resamples=60)
    assert resampled.high[2] >= few.high[2] - 1e-9
    assert sandwich.std_error[1] == pytest.approx(resampled.std_error[1], rel=0.3)


def test_vif_is_that_of_statsmodels():
    x = np.random.default_rng(1).normal(size=(50, 3))
    x[:, 2] += x[:, 0]
    full = np.column_stack([np.ones(50), x])
    assert variance_inflation(x) == pytest.approx([variance_inflation_factor(full, j) for j in (1, 2, 3)])


# -- separation ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [10, 200])
@pytest.mark.parametrize("gap", [0, 3])
def test_finite_estimates_are_those_without_separation(n, gap):
    rng = np.random.default_rng(n)
    x = np.sort(rng.normal(size=n))
    y = (np.arange(n) >= n // 2).astype(float)
    y[[n // 2 - gap, n // 2]] = y[[n // 2, n // 2 - gap]]  # gap 0: all of one side; else two are exchanged
    y = y if gap else (np.arange(n) >= n // 2).astype(float)
    found = find_separation(x[:, None], y, ["x"])
    assert bool(found) == (gap == 0)
    finite = finite_estimates(x[:, None], y)
    assert not (found and finite is not None)
    assert finite is not None or gap == 0 or n == 200  # nearly separated: the linear program decides


def test_separation_of_one_level_among_many_is_named(rows):
    odd = rows.assign(flag=(rows["customer_id"] < "C0005") & rows["no_order"].astype(bool))
    result = fit_churn_regression(odd, terms=["gap_ratio", "flag"], n_resamples=60)
    assert result.method == "firth"
    assert "flag" in result.checks[0].finding and "gap_ratio" not in result.checks[0].finding
    table = by_name(result, "estimate")
    assert 1 < table["flag"] < 8
    with pytest.raises(NotConvergedError, match=r"flag are infinite.*separation"):
        fit_churn_regression(odd, terms=["gap_ratio", "flag"], method="ml")


# -- checks ----------------------------------------------------------------------------------------------------------


def check(result, words):
    (found,) = [one for one in result.checks if words in one.assumption]
    return found


def test_checks_hold_where_the_model_does(result):
    for words in ("straight line", "fitted shares", "all origins", "no single customer", "told apart", "per estimate"):
        assert check(result, words).verdict == "holds", words
    assert check(result, "independent").verdict == "handled"
    assert check(result, "brings it about").verdict == "not testable"


def test_a_bend_is_seen(rows):
    rng = np.random.default_rng(2)
    bent = rows.assign(no_order=rng.random(len(rows)) < expit(-1.5 + 0.9 * np.log2(rows["gap_ratio"]) ** 2))
    result = fit_churn_regression(bent, terms=TERMS)
    found = check(result, "straight line")
    assert found.verdict == "does not hold" and "gap_ratio" in found.finding and "share_late" not in found.finding
    assert check(result, "fitted shares").verdict == "does not hold"


def test_a_covariate_that_turns_between_origins_is_seen(rows):
    rng = np.random.default_rng(2)
    sign = np.where(rows["origin"] == rows["origin"].max(), -1.0, 1.0)
    turned = rows.assign(no_order=rng.random(len(rows)) < expit(-1 + sign * np.log2(rows["gap_ratio"])))
    found = check(fit_churn_regression(turned, terms=TERMS), "all origins")
    assert found.verdict == "does not hold" and "gap_ratio" in found.finding


def test_one_customer_who_decides_is_named(rows):
    odd = rows.assign(
        far=np.where(rows["customer_id"] == "C0007", 50.0, np.random.default_rng(1).normal(size=len(rows)))
    )
    odd.loc[odd["customer_id"] == "C0007", "no_order"] = True
    found = check(fit_churn_regression(odd, terms=["far", "gap_ratio"]), "no single customer")
    assert found.verdict == "does not hold" and "C0007" in found.finding and "far" in found.finding


def test_covariates_that_cannot_be_told_apart_are_named(rows):
    noise = np.random.default_rng(99).normal(0, 0.02, len(rows))
    found = check(
        fit_churn_regression(rows.assign(twin=rows["share_late"] + noise), terms=[*TERMS, "twin"]), "told apart"
    )
    assert found.verdict == "does not hold" and ("twin" in found.finding or "share_late" in found.finding)


def test_scores_by_group_are_those_of_products(rows):
    x = np.column_stack([np.log2(rows["gap_ratio"]), rows["share_late"]])
    y, cluster = rows["no_order"].to_numpy(float), pd.factorize(rows["customer_id"])[0]
    origin = pd.factorize(rows["origin"])[0]
    data = fitted_rows(fit_logit(x, y, cluster), x, y, cluster)
    for j, (score, covariance) in enumerate(scores_by_group(data, origin)):
        products = (origin[:, None] == np.arange(1, 4)) * data.full[:, [j]]
        by_hand = score_of(data, products)
        assert score == pytest.approx(by_hand[0], abs=1e-9)
        assert covariance == pytest.approx(by_hand[1], rel=1e-9)
    assert score_test(np.zeros(1), np.zeros((1, 1))) == (0.0, 0, 1.0)


def test_what_is_missing_or_says_nothing_has_a_line(rows):
    rng = np.random.default_rng(1)
    worse = rows.assign(
        satisfaction=np.where(rng.random(len(rows)) < 0.3, np.nan, rng.integers(1, 6, len(rows))),
        constant=1.0,
        region=rows["region"].where(rows.index != 5, "tiny"),
    )
    result = fit_churn_regression(worse, terms=[*TERMS, "satisfaction", "constant"])
    n = int(worse["satisfaction"].isna().sum())
    assert f"satisfaction in {n} of 1,600 rows" in check(result, "is known").finding
    assert "constant (has one value only)" in check(result, "of its own").finding
    assert "one of region" in check(result, "enough customers").finding
    assert result.left_out.to_numpy().tolist() == [["constant", "", "has one value only"]]


# -- rows ------------------------------------------------------------------------------------------------------------


def test_population_and_unknown_outcomes(rows):
    later = rows.assign(at_risk=rows["n_complaints"] == 0)
    later.loc[later["origin"] == later["origin"].max(), "no_order"] = pd.NA
    at_risk = fit_churn_regression(later, terms=["gap_ratio"])
    everybody = fit_churn_regression(later, terms=["gap_ratio"], population="all")
    before = later["origin"] < later["origin"].max()
    assert at_risk.n_cases == int((before & later["at_risk"]).sum())
    assert (everybody.n_cases, everybody.n_origins) == (int(before.sum()), 3)
    assert (at_risk.population, everybody.population) == ("at risk", "all")
    n = int((~before & later["at_risk"]).sum())
    assert f"the outcome of {n} rows is not known yet" in check(at_risk, "can be used").finding


def test_churned_takes_origins_where_it_is_known_of_all(rows):
    churned = rows["no_order"].copy()
    last, before = rows["origin"].max(), rows["origin"].unique()[-2]
    churned[(rows["origin"] == last) & ~churned] = pd.NA
    churned[rows["origin"] == before] = pd.NA
    result = fit_churn_regression(rows.assign(churned=churned), terms=["gap_ratio"], event="churned")
    assert result.n_origins == 2 and result.event == "churned"
    assert "some only, who are a selection" in check(result, "can be used").finding
    assert "lost" in result.answer()


def test_a_formula_leaves_out_rows_that_lack_a_value(rows):
    lacking = rows.assign(x=np.where(np.arange(len(rows)) % 4 == 0, np.nan, rows["share_late"]))
    result = fit_churn_regression(lacking, formula="no_order ~ x")
    assert result.n_cases == 1200
    assert "400 rows lack a value" in check(result, "can be used").finding


def test_nothing_is_changed_and_it_can_be_repeated(rows, result, tmp_path):
    before = rows.copy(deep=True)
    again = fit_churn_regression(rows, terms=TERMS)
    pd.testing.assert_frame_equal(rows, before)
    shuffled = fit_churn_regression(rows.sample(frac=1, random_state=1), terms=TERMS)
    assert shuffled.coefficients["estimate"].tolist() == pytest.approx(
        again.coefficients["estimate"].tolist(), rel=1e-6
    )
    assert again.coefficients["estimate"].tolist() == pytest.approx(result.coefficients["estimate"].tolist(), rel=1e-9)
    save_results(result, to=tmp_path)
    pd.testing.assert_frame_equal(load_results(tmp_path)["churn_regression"].coefficients, result.coefficients)


# -- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "arguments", "error", "message"),
    [
        (lambda r: r.assign(no_order=False), {}, NoEventError, "Nobody had the event"),
        (lambda r: r.assign(no_order=True), {}, NoEventError, "Everybody had the event"),
        (lambda r: r.assign(no_order=pd.NA), {}, EmptyDataError, "No row"),
        (lambda r: r.assign(at_risk=False), {}, EmptyDataError, "No row"),
        (lambda r: r[r["customer_id"] == "C0000"], {}, EmptyDataError, "one customer"),
        (lambda r: r[r["customer_id"] < "C0005"], {}, ModelError, "estimates and 5 customers"),
        (lambda r: r.assign(no_order=2), {}, ColumnTypeError, "not 0 or 1"),
        (lambda r: r.assign(no_order="yes"), {}, ColumnTypeError, "not 0 or 1"),
        (lambda r: r.assign(origin=r["origin"].min()), {}, DataError, "'C0000' stands twice"),
        (lambda r: r.assign(customer_id=None), {}, DataError, "'customer_id' lacks"),
        (lambda r: r, {"terms": ["no_order"]}, LeakageError, "'no_order' is known only"),
        (lambda r: r, {"terms": ["revenue_next"]}, LeakageError, "'revenue_next'"),
        (lambda r: r, {"formula": "no_order ~ gap_ratio + n_days_next"}, LeakageError, "'n_days_next'"),
        (lambda r: r, {"formula": "handover ~ np.log(handover + 1)"}, LeakageError, "'handover'"),
        (lambda r: r, {"terms": ["gap_ration"]}, MissingColumnError, "gap_ratio"),
        (lambda r: r, {"formula": "gap_ration"}, MissingColumnError, "gap_ratio"),
        (lambda r: r, {"event": "lost"}, MissingColumnError, "'lost'"),
        (lambda r: r.drop(columns="origin"), {}, MissingColumnError, "'origin'"),
        (lambda r: r, {"population": "some"}, ParameterError, "some"),
        (lambda r: r, {"method": "bayes"}, ParameterError, "bayes"),
        (lambda r: r, {"level": 95}, ParameterError, "95"),
        (lambda r: r, {"n_resamples": 0}, ParameterError, "n_resamples"),
        (lambda r: r.assign(x=1.0), {"terms": ["x"]}, ModelError, "one value only"),
    ],
)
def test_bad_input(rows, change, arguments, error, message):
    with pytest.raises(error, match=message):
        fit_churn_regression(
            change(rows), **({"terms": TERMS} | arguments if "formula" not in arguments else arguments)
        )


def test_snapshots_know_two_events(rows):
    with pytest.raises(ParameterError, match="region"):
        fit_churn_regression(Few(rows, 91, pd.DataFrame({"term": [], "source": []})), event="region")


# -- on their own --------------------------------------------------------------------------------------------------------


def suppressed(n=1500, seed=1):
    """A trend that goes with fewer orders at the same silence, and with more on its own, since it goes with less silence."""
    rng = np.random.default_rng(seed)
    trend = rng.normal(size=n)
    silence = -0.8 * trend + 0.6 * rng.normal(size=n)
    rows = pd.DataFrame({"customer_id": range(n), "origin": rng.integers(0, 3, n), "rise": trend, "quiet": silence})
    rows["no_order"] = rng.random(n) < expit(-0.5 + 2.0 * silence + 1.0 * trend + 0.3 * rows["origin"])
    return rows


def test_odds_alone_are_those_of_small_regressions(rows, result):
    origins = pd.get_dummies(rows["origin"], drop_first=True).to_numpy(float)
    cluster, event = pd.factorize(rows["customer_id"])[0], rows["no_order"].to_numpy(float)
    regions = pd.get_dummies(rows["region"])[["south", "west"]].to_numpy(float)
    alone = by_name(result, "odds_alone")
    for names, own in (
        (["gap_ratio"], np.log2(rows[["gap_ratio"]].to_numpy())),
        (["share_late"], 10 * rows[["share_late"]].to_numpy()),
        (["handover"], rows[["handover"]].to_numpy(float)),
        (["region: south", "region: west"], regions),
    ):
        fit = fit_logit(np.column_stack([own, origins]), event, cluster)
        assert alone[names].tolist() == pytest.approx(np.exp(fit.params[1 : 1 + len(names)]), rel=1e-7)
    assert alone[result.coefficients["group"].isin(["", "origin"]).to_numpy()].isna().all()


def test_what_turns_is_never_named():
    result = fit_churn_regression(suppressed(), terms=["origin", "rise", "quiet"])
    rise = result.coefficients.set_index("term").loc["rise"]
    assert rise["odds_low"] > 1 > rise["odds_alone"] and rise["p_value"] < 1e-6
    assert result.named()["term"].tolist() == ["quiet"] and result.n_turned() == 1
    answer = result.answer()
    assert "more of quiet" in answer and "more of rise" not in answer
    assert not [figure for figure in answer.key_figures if "rise" in figure.label]
    found = check(result, "point the same way")
    assert found.verdict == "handled"
    assert f"rise ({rise['odds_ratio']:.2f}, alone {rise['odds_alone']:.2f})" in found.finding


def test_where_all_that_is_sure_turns_the_answer_says_so():
    result = fit_churn_regression(suppressed(), terms=["origin", "rise", "quiet"])
    turned = result.coefficients.assign(odds_alone=1 / result.coefficients["odds_ratio"])
    result = replace(result, coefficients=turned)
    assert result.named().empty
    assert "2 covariates go with that beyond chance, but the other way than on their own" in result.answer()


def test_odds_alone_are_missing_where_they_are_infinite_or_make_no_sense(rows):
    assert (
        "all that are beyond chance do" in check(fit_churn_regression(rows, terms=TERMS), "point the same way").finding
    )
    x = np.repeat([1.0, 0.0], [8, 12])
    separated = pd.DataFrame({"customer_id": range(20), "origin": 0, "x": x, "no_order": [1] * 11 + [0] * 9})
    assert fit_churn_regression(separated, formula="x").coefficients["odds_alone"].isna().all()
    bent = fit_churn_regression(rows, formula="share_late + I(share_late**2) + n_complaints").coefficients
    assert bent["odds_alone"].isna().tolist() == [True, True, True, False]
    one = np.append(np.zeros(10), np.ones(10)).astype(int)  # an origin where all had it says nothing
    y = np.append([1.0, 0, 1, 0, 0, 1, 0, 0, 1, 0], np.ones(10))
    z = np.append([1.0, 0, 0, 1, 0, 1, 0, 1, 1, 0], np.arange(10.0))[:, None]
    assert fit_within(z, y, one) == pytest.approx(fit_logit(z[:10], y[:10], np.arange(10)).params[1:])
    assert np.isnan(fit_within(z, np.ones(20), one)).all() and np.isnan(fit_within(0 * z, y, one)).all()


# -- words -----------------------------------------------------------------------------------------------------------


def test_the_answer_says_what_the_table_says(result, rows):
    answer = str(result.answer())
    first = result.named().iloc[0]
    assert answer.startswith(
        f"400 accounts at risk looked at on 4 days, 1,600 cases in all: in {rows['no_order'].mean():.1%} of the cases "
        "there was no order in the next 91 days. Of 100 accounts alike in all else, this many did not order: "
        f"{100 * first['p_with']:.0f} instead of {100 * first['p_without']:.0f} with {first['step']} "
        f"(odds ratio {first['odds_ratio']:.2f}, 95% interval {first['odds_low']:.2f} to {first['odds_high']:.2f})"
    )
    for word in ("cause", "because", "drive", "lead to", "effect", "impact", "influence"):
        assert word not in answer.lower()
    assert 3 <= len(result.answer().key_figures) <= 5


def test_nothing_is_named_that_may_be_chance(rows):
    rng = np.random.default_rng(11)
    result = fit_churn_regression(rows.assign(no_order=rng.random(len(rows)) < 0.3), terms=TERMS)
    assert result.named().empty
    assert "None of 9 covariates goes with that more than chance among so many would have it." in result.answer()
    assert len(result.answer().key_figures) == 3


def test_units_are_in_words(result):
    unit, step = by_name(result, "unit"), by_name(result, "step")
    assert unit["gap_ratio"] == "per doubling" and step["n_complaints"] == "one complaint more"
    assert unit["share_late"] == "per 10 points" and unit["handover"] == "yes against no"
    assert unit["region: south"] == "south against north"
    assert date.fromisoformat(result.coefficients["level"].iloc[1])  # origins are days
