"""Errors of estimates where answering is a second phase: by hand, against R's twophase() and postStratify(), by simulation."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks.survey_weights import WORLDS, build_population, cover, draw_once, frame_of, truths
from kam.errors import DataError, EmptyDataError, MissingColumnError, ParameterError
from kam.survey import collect_responses
from kam.survey.design import Design, answer_weights, one_phase_design, one_phase_designs

REFERENCE: dict[str, Any] = json.loads((Path(__file__).parents[1] / "reference/survey.json").read_text("utf-8"))


def make_design(y: list[float], *, drawn: int, population: float, people: int = 1) -> Design:
    """One stratum; of the accounts drawn the first ones answered, each with as many people as asked."""
    n = len(y) // people
    answers = pd.DataFrame({"respondent_id": range(len(y)), "customer_id": [str(i // people) for i in range(len(y))]})
    responses = collect_responses(answers.astype("str").assign(overall=3))
    answered = np.arange(drawn) < n
    units = pd.DataFrame({"customer_id": [str(i) for i in range(drawn)], "stratum": "", "n_population": population})
    units = units.assign(psu=units["customer_id"], base_weight=population / drawn, answered=answered)
    units = units.assign(p_response=n / drawn, weight=np.where(answered, population / n, 0.0), n_people=float(people))
    return Design(responses=responses, units=units, response_terms=None if n == drawn else np.ones((drawn, 1)))


def test_a_simple_random_sample_by_hand() -> None:
    design = make_design([1, 2, 3, 6], drawn=4, population=10)
    mean = design.mean([1, 2, 3, 6])
    assert (mean.estimate, mean.n_accounts, mean.n_effective, design.df) == (3.0, 4, 4.0, 3)
    assert design.variance(mean)[0] == pytest.approx((1 - 4 / 10) * np.var([1, 2, 3, 6], ddof=1) / 4)


def test_missing_at_random_is_a_smaller_simple_random_sample() -> None:
    """Half of those drawn answer: to first order as if half as many had been drawn, with the correction of 4 of 40."""
    y = np.random.default_rng(1).normal(size=60)
    design = make_design(list(y), drawn=120, population=200)
    expected = (1 - 60 / 200) * y.var(ddof=1) / 60
    assert design.variance(design.mean(y))[0] == pytest.approx(expected, rel=0.02)


def test_the_correction_never_applies_to_answering() -> None:
    y = np.random.default_rng(2).normal(size=100)
    whole = make_design(list(y), drawn=200, population=200)
    assert whole.variance(whole.mean(y))[0] == pytest.approx((1 - 100 / 200) * y.var(ddof=1) / 100, rel=0.02)
    everybody = make_design(list(y), drawn=100, population=100)
    assert everybody.variance(everybody.mean(y))[0] == pytest.approx(0.0, abs=1e-12)


def test_an_unlikely_answer_that_was_trimmed_does_not_blow_up_the_error() -> None:
    """Seed 88 of the benchmark: p = 0.008, weight cut to 5; the derivative of the estimate is by the weight that it has."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=120)
    design = make_design(list(rng.normal(size=60)), drawn=120, population=240)
    units, y = design.units.copy(), rng.normal(size=60)
    units.loc[0, "p_response"] = 0.001
    x[0] = -6.0
    terms = np.column_stack([np.ones(120), x])
    likely = replace(design, units=design.units, response_terms=terms)
    unlikely = replace(design, units=units, response_terms=terms)
    before, after = (float(one.variance(one.mean(y))[0]) for one in (likely, unlikely))
    assert after < 2 * before


def test_two_phases_as_in_r() -> None:
    given = REFERENCE["two_phases"]
    frame = pd.DataFrame(given["frame"])
    who = frame[frame["answered"]]
    responses = collect_responses(pd.DataFrame({"respondent_id": who["id"].astype(str), "overall": 3}))
    n = frame.groupby("stratum")["id"].transform("size")
    p = frame.groupby("cell")["answered"].transform("mean")
    units = pd.DataFrame({"customer_id": frame["id"].astype(str), "stratum": frame["stratum"], "psu": frame["id"]})
    units = units.assign(n_population=frame["fpc"].astype(float), base_weight=frame["fpc"] / n, p_response=p)
    units = units.assign(answered=frame["answered"], n_people=np.nan)
    units["weight"] = np.where(frame["answered"], units["base_weight"] / p, 0.0)
    terms = pd.get_dummies(frame["cell"]).to_numpy(dtype=float)
    design = Design(responses=responses, units=units, response_terms=terms)
    mean = design.mean(who["y"])
    assert mean.estimate == pytest.approx(given["mean"]["estimate"], rel=1e-9)
    assert design.variance(mean)[0] ** 0.5 == pytest.approx(
        given["mean"]["se"], rel=0.02
    )  # R corrects otherwise in small n


def test_stratified_and_post_stratified_as_in_r(real_data: Callable[[str], Path]) -> None:
    rows = pd.read_parquet(real_data("survey_api/apistrat.parquet"))
    answers = pd.DataFrame({"respondent_id": rows["cds"], "stratum": rows["stype"].astype(str), "weight": rows["pw"]})
    design = one_phase_design(collect_responses(answers.assign(fpc=rows["fpc"], overall=3)))
    mean, expected = design.mean(rows["api00"]), REFERENCE["designs"]["stratified"]
    found = (mean.estimate, design.variance(mean)[0] ** 0.5)
    assert found == pytest.approx((expected["mean_api00"]["estimate"], expected["mean_api00"]["se"]), rel=1e-6)
    assert design.df == expected["df"]


def test_a_calibrated_mean_has_the_error_of_its_residuals(real_data: Callable[[str], Path]) -> None:
    """Post-stratified clusters 642.31 (23.921), enroll 3680893 (406293)."""
    rows = pd.read_parquet(real_data("survey_api/apiclus1.parquet"))
    answers = pd.DataFrame({"respondent_id": rows["cds"], "psu": rows["dnum"].astype(str), "weight": rows["pw"]})
    plain = one_phase_design(collect_responses(answers.assign(fpc=rows["fpc"], overall=3)))
    stype = rows["stype"].astype(str)
    sizes = stype.map(REFERENCE["margins"]["stype"]).astype(float)
    weight = rows["pw"] * sizes / rows.groupby(stype)["pw"].transform("sum")
    cells = pd.get_dummies(stype).to_numpy(dtype=float)
    design = replace(plain, units=plain.units.assign(weight=weight.to_numpy()), calibration_terms=cells)
    mean, expected = design.mean(rows["api00"]), REFERENCE["margins"]["post_stratified"]
    found = (mean.estimate, design.variance(mean)[0] ** 0.5)
    assert found == pytest.approx((expected["mean_api00"]["estimate"], expected["mean_api00"]["se"]), rel=1e-6)
    total = design.variance_of(rows["enroll"].to_numpy(dtype=float)[:, None])[0] ** 0.5
    assert total == pytest.approx(expected["total_enroll"]["se"], rel=1e-6)


def test_people_who_were_not_asked_widen_the_interval() -> None:
    y = [1.0, 3.0, 2.0, 4.0, 3.0, 5.0]
    asked = make_design(y, drawn=3, population=3, people=2)
    assert asked.variance(asked.mean(y))[0] == pytest.approx(0.0, abs=1e-12)
    more = replace(asked, units=asked.units.assign(n_people=4.0))
    # each account: deviations ±1, pooled variance 2; (1 − 2/4) · 2 / 2 per account, of three accounts
    assert more.variance(more.mean(y))[0] == pytest.approx(0.5 * 2 / 2 / 3)


def test_what_counts_alike() -> None:
    responses = collect_responses(
        pd.DataFrame({"respondent_id": list("abc"), "customer_id": ["1", "1", "2"], "overall": [1, 2, 5]})
    )
    design = one_phase_design(responses)
    assert design.mean([1, 2, 5]).estimate == pytest.approx((1.5 + 5) / 2)
    assert design.mean([1, 2, 5], each="respondent").estimate == pytest.approx(8 / 3)
    known = replace(design, units=design.units.assign(revenue=[30.0, 10.0], n_people=[2.0, 4.0]))
    assert known.mean([1, 2, 5], each="revenue").estimate == pytest.approx((3 * 1.5 + 5) / 4)
    assert known.mean([1, 2, 5], each="respondent").estimate == pytest.approx((1 + 2 + 4 * 5) / 6)
    assert answer_weights(responses, {"1": known}).tolist() == [1.0, 1.0, 4.0]
    with pytest.raises(MissingColumnError):
        design.mean([1, 2, 5], each="revenue")
    with pytest.raises(ParameterError):
        design.mean([1, 2, 5], each="euro")  # type: ignore[arg-type]
    with pytest.raises(EmptyDataError):
        design.mean([1, 2, 5], where=[False] * 3)


def test_bad_designs() -> None:
    design = make_design([1, 2], drawn=2, population=4)
    with pytest.raises(DataError, match="not among the accounts drawn"):
        replace(design, units=design.units.iloc[:1])
    rows = pd.DataFrame({"respondent_id": ["a", "b"], "wave": ["1", "2"], "overall": 3})
    with pytest.raises(ParameterError, match="2 waves"):
        one_phase_design(collect_responses(rows))
    assert list(one_phase_designs(collect_responses(rows))) == ["1", "2"]


def test_a_certainty_stratum_with_half_its_answers_missing_is_covered() -> None:
    """The small version of benchmarks/survey_weights.py: 16 draws; more are in docs/survey_weights.md."""
    world = WORLDS["certainty stratum, half missing"]
    population = build_population(world)
    census = frame_of(population, world)
    found = np.array([draw_once(seed, population, census, world, ("propensity",)) for seed in range(16)])
    held, ratio, bias = cover(found, truths(population))
    assert held[0, 0] >= 75
    assert 0.6 < ratio[0, 0] < 1.6
    assert abs(bias[0, 0]) < 0.08
