import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.survey_drivers import responses_of as responses_of_company
from kam.errors import (
    ColumnTypeError,
    DataError,
    EmptyDataError,
    MissingColumnError,
    ParameterError,
    UndefinedMeasureError,
)
from kam.results import load_results, save_results
from kam.samples import simulate_company
from kam.samples.files import SAMPLE_SEED
from kam.survey.alpha import (
    Covariances,
    alpha_gradient,
    cronbach_alpha,
    item_total,
    mean_correlation,
    mean_correlation_gradient,
)
from kam.survey.omega import fit_one_factor
from kam.survey.reliability import reliability
from kam.survey.responses import collect_responses

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "psych.json").read_text(encoding="utf-8"))
REAL = Path(os.environ.get("KAM_REAL_DATA") or "/nowhere") / "sfo_survey" / "sfo_2013_2018_harmonised.parquet"

_ATTITUDE = {
    "rating": "43 63 71 61 81 43 58 71 72 67 64 67 69 68 77 81 74 65 65 50 50 64 53 40 63 66 78 48 85 82",
    "complaints": "51 64 70 63 78 55 67 75 82 61 53 60 62 83 77 90 85 60 70 58 40 61 66 37 54 77 75 57 85 82",
    "privileges": "30 51 68 45 56 49 42 50 72 45 53 47 57 83 54 50 64 65 46 68 33 52 52 42 42 66 58 44 71 39",
    "learning": "39 54 69 47 66 44 56 55 67 47 58 39 42 45 72 72 69 75 57 54 34 62 50 58 48 63 74 45 71 59",
    "raises": "61 63 76 54 71 54 66 70 71 62 58 59 55 59 79 60 79 55 75 64 43 66 63 50 66 88 80 51 77 64",
    "critical": "92 73 86 84 83 49 68 66 83 80 67 74 63 77 77 54 79 80 85 78 64 80 80 57 75 76 78 83 74 78",
    "advance": "45 47 48 35 47 34 35 41 31 41 34 41 25 35 46 36 63 60 46 52 33 41 37 49 33 72 49 38 55 39",
}
ATTITUDE = pd.DataFrame({name: [int(x) for x in text.split()] for name, text in _ATTITUDE.items()})
"""R's ``attitude`` (Chatterjee & Price 1977): 30 departments, seven questions."""


def draw(n, weights, seed, *, sizes=(1,), account_sd=0.0, levels=True):
    """Answers of n accounts to questions of one factor, and the account of each row."""
    rng = np.random.default_rng(seed)
    size = rng.choice(sizes, n)
    account = np.repeat(np.arange(n), size)
    true = (account_sd * rng.normal(size=n))[account] + np.sqrt(1 - account_sd**2) * rng.normal(size=len(account))
    weights = np.asarray(weights)
    latent = true[:, None] * weights + rng.normal(size=(len(account), len(weights))) * np.sqrt(1 - weights**2)
    values = np.clip(np.rint(3.2 + 1.1 * latent), 1, 5) if levels else latent
    return pd.DataFrame(values, columns=[f"q{j}" for j in range(len(weights))]), account


def responses_of(answers, account, *, overall=None, items=None, **columns):
    frame = answers.assign(
        respondent_id=[f"r{i}" for i in range(len(answers))],
        customer_id=[f"a{i:03}" for i in account],
        **columns,
    )
    if overall is not None:
        frame["overall"] = overall
    return collect_responses(frame, items=items if items is not None else list(answers.columns), groups=[*columns])


def value(result, measure, *, basis="complete", theme="all questions", column="estimate"):
    rows = result.coefficients.set_index(["theme", "basis", "measure"])
    return rows.loc[(theme, basis, measure), column]


# -- what must come out ----------------------------------------------------------------------------------------------


def test_attitude_as_published():
    result = reliability(ATTITUDE)
    assert value(result, "alpha") == pytest.approx(0.84314, abs=5e-6)
    assert [value(result, "alpha", column=end) for end in ("feldt_low", "feldt_high")] == pytest.approx(
        [0.7394, 0.9158], abs=5e-5
    )
    assert value(result, "standardized alpha") == pytest.approx(0.83908, abs=5e-6)
    assert value(result, "mean correlation") == pytest.approx(0.42691, abs=5e-6)
    assert value(result, "omega total") == pytest.approx(0.85099, abs=5e-6)
    assert value(reliability(ATTITUDE, estimator="ml"), "omega total") == pytest.approx(0.84054, abs=5e-6)
    assert result.n_complete == result.n_respondents == 30
    assert ATTITUDE.to_numpy().tolist() == REFERENCE["attitude"]["data"]


def test_everything_equals_psych_on_complete_answers():
    figures, result = REFERENCE["attitude"]["figures"], reliability(ATTITUDE)
    items = result.items.set_index("item").loc[REFERENCE["attitude"]["items"]]
    assert items["item_total"].tolist() == pytest.approx(figures["item_total"], abs=1e-9)
    assert items["alpha_if_dropped"].tolist() == pytest.approx(figures["alpha_if_dropped"], abs=1e-9)
    assert items["loading"].tolist() == pytest.approx(figures["loadings_minres"], abs=2e-5)
    assert value(result, "omega total") == pytest.approx(figures["omega_minres"], abs=1e-6)
    ml = reliability(ATTITUDE, estimator="ml").items.set_index("item").loc[REFERENCE["attitude"]["items"]]
    assert ml["loading"].tolist() == pytest.approx(figures["loadings_ml"], abs=2e-5)


def test_pairwise_answers_equal_psych():
    part = REFERENCE["missing"]
    answers, figures = pd.DataFrame(part["data"], columns=part["items"], dtype="float64"), part["figures"]
    result = reliability(answers)
    assert value(result, "alpha", basis="pairwise") == pytest.approx(figures["alpha"], abs=1e-9)
    assert value(result, "standardized alpha", basis="pairwise") == pytest.approx(figures["standardized"], abs=1e-9)
    assert value(result, "mean correlation", basis="pairwise") == pytest.approx(figures["mean_r"], abs=1e-9)
    assert value(result, "omega total", basis="pairwise") == pytest.approx(figures["omega_minres"], abs=1e-6)
    assert value(result, "alpha") == pytest.approx(part["complete"], abs=1e-9)
    assert result.n_complete == value(result, "alpha", column="n_respondents") == part["n_complete"]
    both = answers.notna().astype(int)
    assert value(result, "alpha", basis="pairwise", column="n_respondents") == (both.T @ both).to_numpy().min()


def test_minres_is_the_minimum_of_the_squared_residuals():
    fit = fit_one_factor(ATTITUDE.corr())
    rest = fit.correlations - np.outer(fit.loadings, fit.loadings)
    np.fill_diagonal(rest, 0)
    assert np.abs(rest @ fit.loadings).max() < 1e-6, "the derivative of unweighted least squares"


# -- how sure --------------------------------------------------------------------------------------------------------


def test_errors_over_accounts_equal_the_jackknife():
    answers, account = draw(150, [0.8, 0.7, 0.6, 0.7], 3, sizes=(1, 2, 3), account_sd=0.7)
    answers = answers.mask(np.random.default_rng(1).random(answers.shape) < 0.15)
    values = answers.to_numpy()
    cov = Covariances.of(values, account)

    def jackknife(measure):
        without = np.array(
            [measure(Covariances.of(values[account != a], account[account != a])) for a in range(account.max() + 1)]
        )
        return np.sqrt((len(without) - 1) / len(without) * ((without - without.mean()) ** 2).sum())

    factor = fit_one_factor(cov.correlations)
    for measure, gradient in (
        (lambda c: cronbach_alpha(c.matrix), alpha_gradient(cov.matrix)),
        (lambda c: fit_one_factor(c.correlations).omega, cov.by_correlations(factor.gradient)),
        (lambda c: item_total(c.matrix, 2)[0], item_total(cov.matrix, 2)[1]),
        (lambda c: mean_correlation(c.correlations), cov.by_correlations(mean_correlation_gradient(4))),
    ):
        assert cov.std_error(gradient) == pytest.approx(jackknife(measure), rel=0.05)


def test_covariances_are_those_of_pandas():
    answers, account = draw(60, [0.8, 0.7, 0.6], 1)
    answers = answers.mask(np.random.default_rng(2).random(answers.shape) < 0.2)
    np.testing.assert_allclose(Covariances.of(answers.to_numpy(), account).matrix, answers.cov().to_numpy(), atol=1e-12)


def test_intervals_hold_the_truth():
    """40 surveys of 100 accounts: alpha and omega are known for congeneric items; people of one account answer alike."""
    weights = np.array([0.8, 0.7, 0.6, 0.7])
    truth = weights.sum() ** 2 / (weights.sum() ** 2 + (1 - weights**2).sum())
    implied = np.outer(weights, weights) + np.diag(1 - weights**2)
    held = {"omega total": 0, "alpha": 0}
    for seed in range(40):
        answers, account = draw(100, weights, seed, sizes=(1, 2, 4), account_sd=0.8, levels=False)
        wide = Covariances.of(answers.to_numpy(), account)
        factor = fit_one_factor(wide.correlations)
        for measure, estimate, error, known in (
            ("omega total", factor.omega, wide.std_error(wide.by_correlations(factor.gradient)), truth),
            (
                "alpha",
                cronbach_alpha(wide.matrix),
                wide.std_error(alpha_gradient(wide.matrix)),
                cronbach_alpha(implied),
            ),
        ):
            held[measure] += abs(estimate - known) < 1.98 * error
    assert min(held.values()) >= 35, held


# -- questions -------------------------------------------------------------------------------------------------------


def test_a_reversed_question_that_is_not_declared_is_found():
    answers, account = draw(120, [0.8, 0.7, 0.8, 0.7, 0.8], 5)
    answers["q3"] = 6 - answers["q3"]
    result = reliability(responses_of(answers, account))
    item = result.items[(result.items["theme"] == "all questions")].set_index("item")
    assert item["runs_against"].tolist() == [False, False, False, True, False]
    assert item.loc["q3", "alpha_if_turned"] > 0.8 > value(result, "alpha")
    assert item["alpha_if_turned"].notna().sum() == 1
    assert "q3" in result.answer() and "reversed" in result.answer()
    declared = pd.DataFrame({"item": answers.columns, "reversed": [False, False, False, True, False]})
    turned = reliability(responses_of(answers, account, items=declared))
    assert not turned.items["runs_against"].any()
    assert value(turned, "alpha") == pytest.approx(item.loc["q3", "alpha_if_turned"])


def test_themes_are_sets_of_their_own():
    answers, account = draw(80, [0.8, 0.7, 0.8, 0.7, 0.8, 0.8], 6)
    items = pd.DataFrame({"item": answers.columns, "theme": ["a", "a", "a", "b", "b", "c"]})
    result = reliability(responses_of(answers, account, items=items))
    alone = reliability(answers[["q0", "q1", "q2"]])
    assert value(result, "alpha", theme="a") == pytest.approx(value(alone, "alpha"))
    assert value(result, "omega total", theme="a") == pytest.approx(value(alone, "omega total"))
    reasons = result.coefficients.set_index(["theme", "measure"])["reason"]
    assert "two questions" in reasons["b", "omega total"] and value(result, "alpha", theme="b") > 0
    assert "one question" in reasons["c", "alpha"]
    assert result.items.set_index("theme").loc["b", "alpha_if_dropped"].isna().all(), "one question is no set"


def test_dropping_a_question_is_counting_without_it():
    result = reliability(ATTITUDE)
    without = value(reliability(ATTITUDE.drop(columns="critical")), "alpha")
    row = result.items.set_index("item").loc["critical"]
    assert row["alpha_if_dropped"] == pytest.approx(without)
    assert row["alpha_change"] == pytest.approx(without - value(result, "alpha"))
    assert row["change_low"] < row["alpha_change"] < row["change_high"]


def test_questions_hardly_anybody_uses_are_read_in_pairs():
    answers, account = draw(400, [0.8, 0.7, 0.8, 0.7, 0.8, 0.8, 0.7, 0.7], 8)
    answers = answers.mask(np.random.default_rng(3).random(answers.shape) < 0.5)
    result = reliability(responses_of(answers, account))
    assert result.n_complete < 20
    assert "only" in value(result, "alpha", column="reason") and "all 8 questions" in value(
        result, "alpha", column="reason"
    )
    assert np.isnan(value(result, "alpha"))
    assert 0.8 < value(result, "alpha", basis="pairwise") < 0.95
    assert "each pair" in result.answer()
    assert (result.items["basis"] == "pairwise").all()


def test_no_opinion_read_as_no_answer_leaves_fewer():
    answers, account = draw(150, [0.8, 0.7, 0.8], 9)
    responses = responses_of(answers, account)
    fewer = reliability(responses.read_level_3_as("no_opinion"))
    assert fewer.n_complete < reliability(responses).n_complete
    assert any("no opinion" in entry.value for entry in fewer.assumed)


# -- invariants ------------------------------------------------------------------------------------------------------


@given(st.integers(0, 10**6), st.integers(2, 5), st.floats(0.5, 20), st.floats(-50, 50))
@settings(max_examples=10, deadline=None)
def test_neither_unit_nor_order_counts(seed, k, factor, shift):
    answers, _ = draw(40, np.linspace(0.5, 0.8, k), seed)
    if (answers.nunique() < 2).any():
        return
    one = reliability(answers)
    other = reliability((answers * factor + shift).sample(frac=1, random_state=1)[list(answers.columns[::-1])])
    for measure in ("alpha", "standardized alpha", "mean correlation"):
        assert value(other, measure) == pytest.approx(value(one, measure), rel=1e-6, abs=1e-9)
        if "alpha" in measure:
            assert value(one, measure) <= 1 + 1e-12


def test_inputs_stay_as_they_are():
    before = ATTITUDE.copy()
    reliability(ATTITUDE)
    pd.testing.assert_frame_equal(ATTITUDE, before)


# -- people of one account -------------------------------------------------------------------------------------------


def test_accounts_that_disagree_with_themselves_are_listed_with_their_people():
    answers, account = draw(60, [0.8, 0.7, 0.8], 4, sizes=(2,))
    overall = np.repeat(np.arange(60) % 3 + 2.0, 2)
    overall[1::2] += np.arange(60) % 2
    overall[2], overall[3] = 1, 4
    overall[10], overall[11] = 5, np.nan
    result = reliability(responses_of(answers, account, overall=overall, role=["buyer", "warehouse"] * 60))
    assert result.disagreeing["customer_id"].tolist() == ["a001"]
    row = result.disagreeing.iloc[0]
    assert (row["answer_low"], row["answer_high"]) == (1, 4)
    assert "3 levels apart" in row["reason"]
    assert result.people[["customer_id", "role", "answer"]].values.tolist() == [
        ["a001", "buyer", 1.0],
        ["a001", "warehouse", 4.0],
    ]
    assert result.n_shared == 59
    assert "they disagree once" in result.answer()


def test_a_spread_beyond_chance_is_a_disagreement_too():
    answers, account = draw(60, [0.8, 0.7, 0.8], 4, sizes=(4,))
    overall = np.repeat(np.arange(60) % 3 + 2.0, 4)
    overall[::12] += 1
    overall[40:44] = [2, 4, 2, 4]
    result = reliability(responses_of(answers, account, overall=overall))
    assert result.disagreeing[["customer_id", "reason"]].values.tolist() == [["a010", "spread beyond chance"]]
    assert result.disagreeing.loc[0, "p_value"] < 0.05


@pytest.fixture(scope="module")
def of_sample():
    """The answers of the sample, without its ledger: opening that takes most of the time."""
    return reliability(responses_of_company(simulate_company(seed=SAMPLE_SEED).survey))


def test_agreement_is_said_by_wave_and_only_with_enough_accounts(of_sample):
    rows = of_sample.agreement.set_index(["wave", "measure"])
    assert set(rows.index.get_level_values("wave")) == {"2023-11", "2024-11"}
    found = rows.loc[("2024-11", "overall")]
    assert found["ci_low"] < found["estimate"] < found["ci_high"]
    assert found["design_effect"] == pytest.approx(1.8, abs=0.1)
    answers, account = draw(60, [0.8, 0.7, 0.8], 4)
    account[:8] = account[8:16]
    few = reliability(responses_of(answers, account, overall=np.arange(60) % 5 + 1.0)).agreement
    assert few["estimate"].isna().all() and few["reason"].str.startswith("8 accounts have two").all()


def test_the_planted_reversed_item_of_the_sample_goes_with_the_others(of_sample):
    result = of_sample
    assert not result.items["runs_against"].any()
    assert 0.85 < value(result, "alpha") < 0.95
    assert {check.verdict for check in result.checks} <= {"holds", "handled"}
    assert "chasing" in set(result.items["item"])


# -- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "options", "kind", "fragment"),
    [
        (ATTITUDE, {"items": ["rating", "nothing"]}, MissingColumnError, "no question 'nothing'"),
        (ATTITUDE, {"items": ["rating", "rating"]}, ParameterError, "named twice"),
        (ATTITUDE, {"items": ["rating"]}, UndefinedMeasureError, "there are 1"),
        (ATTITUDE, {"items": []}, UndefinedMeasureError, "there are 0"),
        (ATTITUDE, {"level": 1.0}, ParameterError, "level of an interval"),
        (ATTITUDE, {"min_n": 2}, ParameterError, "min_n is 2"),
        (ATTITUDE, {"estimator": "pca"}, ParameterError, "minres or ml"),
        (ATTITUDE.head(0), {}, EmptyDataError, "no respondents"),
        (ATTITUDE.head(5), {}, UndefinedMeasureError, "rating: only 5 answered it; 20 are needed"),
        (ATTITUDE.assign(rating="x"), {}, ColumnTypeError, "'rating' are not numbers"),
        (ATTITUDE.assign(raises=np.inf), {}, DataError, "'raises' is infinite"),
        (ATTITUDE * 0 + 3, {}, UndefinedMeasureError, "all answers are equal"),
        (
            pd.DataFrame({"a": [1.0, 2] * 15 + [np.nan] * 30, "b": [np.nan] * 30 + [1.0, 2] * 15}),
            {},
            UndefinedMeasureError,
            "only 0 answered all 2 questions",
        ),
        (
            pd.DataFrame({"a": [1.0, 2, 3] * 10, "b": [3.0, 2, 1] * 10}),
            {},
            UndefinedMeasureError,
            "they cancel out",
        ),
    ],
)
def test_what_is_wrong_is_named(answers, options, kind, fragment):
    with pytest.raises(kind) as caught:
        reliability(answers, **options)
    assert fragment in str(caught.value)


def test_a_question_that_all_answer_alike_is_left_out_and_said_so():
    result = reliability(ATTITUDE.assign(raises=3))
    row = result.items.set_index("item").loc["raises"]
    assert "all answers are equal" in row["reason"] and np.isnan(row["item_total"])
    assert result.n_items == 6
    assert value(result, "alpha") == pytest.approx(value(reliability(ATTITUDE.drop(columns="raises")), "alpha"))


def test_the_same_question_twice_is_told():
    result = reliability(ATTITUDE.assign(copy=ATTITUDE["raises"]))
    check = next(check for check in result.checks if "same as another" in check.assumption)
    assert check.verdict == "does not hold" and "raises and copy" in check.finding
    assert "Heywood" in value(result, "omega total", column="reason") or value(result, "omega total") > 0.8


def test_fewer_rows_than_questions_can_be_read():
    answers, _ = draw(25, np.full(30, 0.7), 2)
    result = reliability(answers)
    assert 0 < value(result, "alpha") < 1
    assert value(result, "alpha", column="n_respondents") == 25


def test_a_result_travels(of_sample, tmp_path):
    save_results(of_sample, to=tmp_path)
    back = load_results(tmp_path)["reliability"]
    assert back.answer() == of_sample.answer()
    pd.testing.assert_frame_equal(back.items, of_sample.items, check_dtype=False)


# -- real data -------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not REAL.is_file(), reason="KAM_REAL_DATA has no SFO survey")
def test_airport_survey():
    frame = pd.read_parquet(REAL)
    items = [name for name in frame.columns if name.startswith("q7_") and not name.endswith("_na") and name != "q7_all"]
    frame["respondent_id"] = [str(i) for i in range(len(frame))]
    responses = collect_responses(
        frame[["respondent_id", *items]].assign(wave=frame["year"].astype("str")), items=items
    )
    result = reliability(responses)
    complete = frame[items].dropna()
    assert result.n_complete == len(complete) == value(result, "alpha", column="n_respondents")
    k, cov = len(items), complete.astype("float64").cov().to_numpy()
    assert value(result, "alpha") == pytest.approx(k / (k - 1) * (1 - np.trace(cov) / cov.sum()))
    wide = frame[items].astype("float64").cov().to_numpy()
    assert value(result, "alpha", basis="pairwise") == pytest.approx(k / (k - 1) * (1 - np.trace(wide) / wide.sum()))
    check = next(check for check in result.checks if "stands for who answered some" in check.assumption)
    assert check.verdict == "does not hold", "who used everything answers more alike"
