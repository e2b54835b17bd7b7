"""Weights: by hand, on the sample company with known truth, and what bad input does to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.survey_weights import MEASURES, ask_company
from kam.errors import DataError, EmptyDataError, LeakageError, MissingColumnError, ParameterError
from kam.results import load_results, save_results
from kam.survey import Responses, WeightsResult, collect_responses, survey_frame, weigh_responses
from kam.survey.calibration import calibrate, trim


def make(n: int = 200, *, seed: int = 1, whole: bool = False) -> tuple[Responses, pd.DataFrame]:
    """Two strata, one drawn whole; large accounts answer more often and are more satisfied."""
    rng = np.random.default_rng(seed)
    customer = [f"{i:04d}" for i in range(n)]
    z, key = rng.normal(size=n), np.arange(n) < n // 4
    answered = rng.random(n) < 1 / (1 + np.exp(-0.3 - z)) if not whole else np.ones(n, dtype=bool)
    overall = np.clip(np.rint(3.3 + 0.8 * z + 0.4 * rng.normal(size=n)), 1, 5)
    survey = pd.DataFrame({"respondent_id": customer, "customer_id": customer, "wave": "1", "overall": overall})
    responses = collect_responses(survey[answered])
    sample = pd.DataFrame({"customer_id": customer, "wave": "1", "stratum": np.where(key, "key", "rest")})
    sample["probability"] = np.where(key, 1.0, 0.25)
    frame = survey_frame(responses, sample=sample)
    region = rng.choice(["north", "south"], n)
    return responses, frame.assign(revenue=np.exp(8 + z), region=region)


@pytest.fixture(scope="module")
def survey() -> tuple[Responses, pd.DataFrame]:
    return make()


@pytest.fixture(scope="module")
def weighed(survey: tuple[Responses, pd.DataFrame]) -> WeightsResult:
    return weigh_responses(*survey)


def mean_of(result: WeightsResult, responses: Responses) -> tuple[float, float]:
    design = result.designs(responses)["1"]
    mean = design.mean(design.responses.rows["overall"])
    return mean.estimate, float(design.variance(mean)[0])


def verdict(result: WeightsResult, words: str) -> tuple[str, str]:
    check = next(check for check in result.checks if words in check.assumption)
    return check.verdict, check.finding


def test_classes_by_hand() -> None:
    answers = pd.DataFrame({"respondent_id": list("abcd"), "customer_id": list("abcd"), "overall": [5, 5, 5, 1]})
    sample = pd.DataFrame({"customer_id": list("abcdefgh"), "wave": "1", "stratum": ["k"] * 4 + ["r"] * 4})
    responses = collect_responses(answers)
    sample["stratum"] = ["k", "k", "k", "r", "k", "r", "r", "r"]
    sample["probability"] = [1.0, 1, 1, 0.5, 1, 0.5, 0.5, 0.5]
    result = weigh_responses(responses, survey_frame(responses, sample=sample), method="classes", min_class=1)
    # key: 3 of 4 answered, each stands for 4/3; rest: 1 of 4, drawn with ½, stands for 8
    assert result.accounts["weight"].tolist() == pytest.approx([4 / 3] * 3 + [8, 0, 0, 0, 0])
    wave = result.waves.iloc[0]
    assert wave["share_answered"] == 0.5
    assert wave["share_answered_weighted"] == pytest.approx(5 / 12)
    assert wave["n_effective"] == pytest.approx(12**2 / (3 * 16 / 9 + 64))
    assert mean_of(result, responses)[0] == pytest.approx((3 * 5 * 4 / 3 + 8) / 12)
    joined = weigh_responses(responses, survey_frame(responses, sample=sample), method="classes", min_class=2)
    assert joined.accounts["weight"].tolist() == pytest.approx([12 / 5] * 3 + [24 / 5, 0, 0, 0, 0])
    assert "k + r" in verdict(joined, "stand for itself")[1]
    assert verdict(joined, "stand for itself")[0] == "handled"


def test_weights_balance_what_goes_with_answering(
    survey: tuple[Responses, pd.DataFrame], weighed: WeightsResult
) -> None:
    balance = weighed.balance.set_index(["term", "level"])
    assert balance.loc[("log_revenue", ""), "difference_before"] > 0.3
    assert abs(balance.loc[("log_revenue", ""), "difference_after"]) < 0.1
    rows = survey[1].merge(weighed.accounts[["customer_id", "base_weight", "weight"]], on="customer_id")
    x = np.log1p(rows["revenue"])
    assert balance.loc[("log_revenue", ""), "mean_drawn"] == pytest.approx(np.average(x, weights=rows["base_weight"]))
    assert balance.loc[("log_revenue", ""), "mean_weighted"] == pytest.approx(np.average(x, weights=rows["weight"]))
    plain = weigh_responses(*survey, method="none")
    assert mean_of(weighed, survey[0])[0] < mean_of(plain, survey[0])[0] - 0.1
    by = weighed.accounts.groupby("stratum")["weight"].sum()
    assert by.to_dict() == pytest.approx({"key": 50, "rest": 600})


def test_saved_and_loaded_the_designs_are_the_same(
    survey: tuple[Responses, pd.DataFrame], weighed: WeightsResult, tmp_path: Path
) -> None:
    save_results(weighed, to=tmp_path)
    (loaded,) = load_results(tmp_path).values()
    assert isinstance(loaded, WeightsResult)
    assert mean_of(loaded, survey[0]) == pytest.approx(mean_of(weighed, survey[0]), rel=1e-12)


@pytest.mark.parametrize("method", ["propensity", "classes", "none"])
def test_all_answered_is_a_plain_sample(method: str) -> None:
    responses, frame = make(80, whole=True)
    result = weigh_responses(responses, frame, method=method)  # type: ignore[arg-type]
    assert np.allclose(result.accounts["weight"], result.accounts["base_weight"])
    assert (result.accounts["p_response"] == 1).all()
    assert result.response_terms.empty


def test_without_facts_strata_are_the_classes(survey: tuple[Responses, pd.DataFrame]) -> None:
    frame = survey[1].drop(columns=["revenue", "region"])
    for method in ("classes", "propensity"):
        accounts = weigh_responses(survey[0], frame, method=method).accounts  # type: ignore[arg-type]
        rate = accounts.groupby("stratum")["answered"].mean()
        assert np.allclose(accounts["p_response"], accounts["stratum"].map(rate), atol=1e-4)


def test_margins_are_met_and_bad_ones_named(survey: tuple[Responses, pd.DataFrame]) -> None:
    margins = pd.DataFrame(
        [("region", "north", 200), ("region", "south", 450), ("stratum", "key", 50), ("stratum", "rest", 600)],
        columns=["term", "level", "n_population"],
    )
    result = weigh_responses(*survey, margins=margins, max_ratio=50)
    region = survey[1].set_index("customer_id")["region"]
    by = result.accounts.groupby(result.accounts["customer_id"].map(region))["weight"].sum()
    assert by.to_dict() == pytest.approx({"north": 200, "south": 450}, rel=1e-6)
    shares = margins.assign(share=margins["n_population"] / 650).drop(columns="n_population")
    again = weigh_responses(*survey, margins=shares, max_ratio=50)
    assert np.allclose(again.accounts["weight"], result.accounts["weight"])
    with pytest.raises(DataError, match=r"'stratum'.*add up to 750"):
        weigh_responses(*survey, margins=margins.assign(n_population=[200, 450, 50, 700]))
    with pytest.raises(DataError, match=r"add up to 1\.1"):
        weigh_responses(*survey, margins=shares.assign(share=[0.5, 0.6, 0.1, 0.9]))
    with pytest.raises(DataError, match="miss south"):
        weigh_responses(*survey, margins=margins.iloc[[0]])
    with pytest.raises(DataError, match="Nobody answered in east"):
        weigh_responses(
            *survey, margins=pd.concat([margins, pd.DataFrame([("region", "east", 5)], columns=margins.columns)])
        )
    with pytest.raises(ParameterError, match="not above 0"):
        weigh_responses(*survey, margins=margins.assign(n_population=[0, 650, 50, 600]))
    with pytest.raises(ParameterError, match="stands twice"):
        weigh_responses(*survey, margins=pd.concat([margins, margins.head(1)]))
    with pytest.raises(MissingColumnError, match="'sector'"):
        weigh_responses(*survey, margins=margins.assign(term="sector"))


def test_strata_with_nobody_and_with_one_answer_are_named() -> None:
    responses, frame = make(120)
    silent = frame["stratum"].eq("rest") & ~frame["answered"]
    frame.loc[frame.index[silent][:5], "stratum"] = "empty"
    frame.loc[frame["stratum"] == "empty", "n_population"] = 20.0
    frame.loc[frame["stratum"] == "rest", "n_population"] -= 20.0
    one = frame.index[frame["answered"] & frame["stratum"].eq("rest")][0]
    frame.loc[one, ["stratum", "n_population"]] = ["single", 4.0]
    result = weigh_responses(responses, frame)
    how, finding = verdict(result, "stand for itself")
    assert how == "handled"
    assert "nobody answered in empty (1)" in finding
    assert "single (1): its variance is taken from the mean of all strata" in finding
    assert mean_of(result, responses)[1] > 0


def test_accounts_that_were_not_drawn_are_kept_apart_and_named() -> None:
    responses, frame = make(80)
    gone = frame.index[frame["answered"]][:2]
    frame.loc[gone, "drawn"] = False
    result = weigh_responses(responses, frame)
    assert result.left_out["customer_id"].tolist() == frame.loc[gone, "customer_id"].tolist()
    how, finding = verdict(result, "was drawn")
    assert how == "handled"
    assert frame.loc[gone[0], "customer_id"] in finding
    design = result.designs(responses)["1"]
    assert len(design.responses.rows) == len(responses.rows) - 2
    assert design.responses.left_out["why"].tolist() == ["the account was not drawn"] * 2


def test_separation_is_shrunk_and_said() -> None:
    responses, frame = make(120)
    frame = frame.assign(revenue=np.where(frame["answered"], 1e6, 10.0) * np.linspace(1, 2, len(frame)))
    result = weigh_responses(responses, frame, terms=["revenue"])
    assert verdict(result, "estimate who answers")[0] == "handled"
    assert np.isfinite(result.accounts["weight"]).all()
    assert result.accounts["p_response"].between(0, 1, inclusive="neither").all()


def test_weights_of_the_survey_stay() -> None:
    survey = pd.DataFrame({"respondent_id": list("abc"), "weight": [1.0, 2.0, 3.0], "overall": [1, 3, 5]})
    responses = collect_responses(survey)
    result = weigh_responses(responses, survey_frame(responses))
    assert result.method == "given"
    assert result.accounts["weight"].tolist() == [1.0, 2.0, 3.0]
    assert mean_of(result, responses)[0] == pytest.approx(22 / 6)
    assert "weights are those of the survey" in result.answer()


def test_bad_arguments(survey: tuple[Responses, pd.DataFrame]) -> None:
    responses, frame = survey
    with pytest.raises(ParameterError, match="method"):
        weigh_responses(responses, frame, method="magic")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="max_ratio"):
        weigh_responses(responses, frame, max_ratio=0.5)
    with pytest.raises(ParameterError, match="min_class"):
        weigh_responses(responses, frame, min_class=0)
    with pytest.raises(MissingColumnError, match="'height'"):
        weigh_responses(responses, frame, terms=["height"])
    with pytest.raises(LeakageError, match="no_order"):
        weigh_responses(responses, frame.assign(no_order=True), terms=["no_order"])
    with pytest.raises(DataError, match="other responses"):
        weigh_responses(make(80, seed=2)[0], frame)
    with pytest.raises(EmptyDataError):
        weigh_responses(responses, frame.assign(drawn=False))


def test_trimming_keeps_the_sum_and_the_limit() -> None:
    base, weights = np.array([1.0, 1, 2, 2, 4]), np.array([1.0, 2, 2, 4, 40])
    cut = trim(base, weights, 3.0)
    assert cut.sum() == pytest.approx(weights.sum())
    found = calibrate(base, weights, pd.DataFrame({"h": list("aabbb")}), {"h": {"a": 5.0, "b": 30.0}}, 3.0)
    assert found.weights[:2].sum() == pytest.approx(5)
    assert found.trimmed.tolist() == [False] * 4 + [True]


@settings(max_examples=30)
@given(st.lists(st.floats(0.1, 50), min_size=3, max_size=30), st.floats(1.5, 10))
def test_trimming_never_changes_the_sum_or_the_order(weights: list[float], ratio: float) -> None:
    base, before = np.ones(len(weights)), np.array(weights)
    after = trim(base, before, ratio)
    assert after.sum() == pytest.approx(before.sum())
    assert (np.diff(after[np.argsort(before, kind="stable")]) >= -1e-9).all()


def test_the_design_effect_is_kish(weighed: WeightsResult) -> None:
    w = weighed.accounts.loc[weighed.accounts["answered"], "weight"].to_numpy()
    assert weighed.waves["design_effect"].item() == pytest.approx(1 + (w.std() / w.mean()) ** 2)


def test_without_a_sample_it_is_said_that_nobody_knows_who_was_asked() -> None:
    ids = [f"{i:02d}" for i in range(40)]
    survey = pd.DataFrame({"respondent_id": ids[:20], "customer_id": ids[:20], "overall": [4, 5] * 10})
    responses = collect_responses(survey.assign(answered_on=pd.Timestamp("2024-05-01")))
    facts = pd.DataFrame({"customer_id": ids, "origin": pd.Timestamp("2024-05-01"), "revenue_year": 100.0})
    facts = facts.assign(n_days_year=3, days_since_last_order=range(40), tenure_days=500)
    result = weigh_responses(responses, survey_frame(responses, facts=facts))
    assert result.supposed == ("1",) and "20 of 40 accounts active in the year before" in result.answer()
    few = weigh_responses(responses, survey_frame(responses, facts=facts.tail(23)))
    assert few.method == "given" and "each counts alike" in few.answer(), "the ledger knows 3 of 20 that answered"


def test_other_sampling_units_than_accounts_are_said_not_to_be_used(survey: tuple[Responses, pd.DataFrame]) -> None:
    responses, frame = survey
    clustered = replace(responses, rows=responses.rows.assign(psu="city"))
    assert verdict(weigh_responses(clustered, frame), "drawn one by one")[0] == "not testable"
    assert not [c for c in weigh_responses(responses, frame).checks if "one by one" in c.assumption]


def test_weights_remove_the_bias_that_the_ledger_explains() -> None:
    """The small version of benchmarks/survey_weights.py: one company, two waves; 200 are in docs/survey_weights.md."""
    found = ask_company(1, ("none", "propensity"))[..., 0].mean(axis=0)
    satisfied = [name for name, *_ in MEASURES].index("share satisfied, by respondent")
    before, after = found
    assert abs(after[satisfied]) < 0.5 * abs(before[satisfied])


def test_sfo_has_weights_and_no_accounts(real_data: Callable[[str], Path]) -> None:
    rows = pd.read_parquet(real_data("sfo_survey/sfo_2013_2018_harmonised.parquet"))
    rows = rows[rows["year"].isin([2017, 2018]) & (rows["weight"] > 0)]
    survey = pd.DataFrame({"respondent_id": rows.index.astype(str), "wave": rows["year"].astype(str)})
    survey = survey.assign(weight=rows["weight"].to_numpy(), recommend=rows["nps"].astype(float).to_numpy())
    responses = collect_responses(survey)
    designs = weigh_responses(responses, survey_frame(responses)).designs(responses)
    for wave, expected in (("2017", 40.40), ("2018", 35.11)):
        score = designs[wave].responses.rows["recommend"]
        nps = designs[wave].mean((100.0 * (score >= 9) - 100.0 * (score <= 6)).where(score.notna()), each="respondent")
        assert round(nps.estimate, 2) == pytest.approx(expected)
