"""Variances of totals and raked weights against R's survey (tests/reference/survey.R) and by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kam.errors import NotConvergedError
from kam.survey.taylor import rake_weights, total_variance

REFERENCE: dict[str, Any] = json.loads((Path(__file__).parents[1] / "reference/survey.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def api(real_data: Callable[[str], Path]) -> dict[str, pd.DataFrame]:
    return {
        name: pd.read_parquet(real_data(f"survey_api/{name}.parquet")) for name in ("apistrat", "apiclus1", "apiclus2")
    }


def mean_scores(y: pd.Series, w: pd.Series, where: pd.Series | None = None) -> tuple[float, np.ndarray]:
    inside = w if where is None else w * np.asarray(where, dtype=float)
    mean = float((inside * y).sum() / inside.sum())
    return mean, (inside * (y - mean) / inside.sum()).to_numpy()[:, None]


def close(found: tuple[float, float], reference: dict[str, float]) -> None:
    assert found == pytest.approx((reference["estimate"], reference["se"]), rel=1e-6)


def test_strata_with_a_correction_as_in_r(api: dict[str, pd.DataFrame]) -> None:
    rows, expected = api["apistrat"], REFERENCE["designs"]["stratified"]
    design = {
        "stratum": rows["stype"].to_numpy(str),
        "psu": rows.index.to_numpy(),
        "population": rows["fpc"].to_numpy(float),
    }
    mean, scores = mean_scores(rows["api00"], rows["pw"])
    close((mean, total_variance(scores, **design)[0] ** 0.5), expected["mean_api00"])
    total = (rows["pw"] * rows["enroll"]).to_numpy()
    close((total.sum(), total_variance(total[:, None], **design)[0] ** 0.5), expected["total_enroll"])
    assert round(mean, 2) == 662.29
    domain, scores = mean_scores(rows["api00"], rows["pw"], rows["yr.rnd"] == "Yes")
    close((domain, total_variance(scores, **design)[0] ** 0.5), expected["year_round"])


def test_clusters_and_domains_as_in_r(api: dict[str, pd.DataFrame]) -> None:
    rows, expected = api["apiclus1"], REFERENCE["designs"]["clusters"]
    design = {
        "stratum": np.zeros(len(rows)), "psu": rows["dnum"].to_numpy(), "population": rows["fpc"].to_numpy(float)
    }  # fmt: skip
    mean, scores = mean_scores(rows["api00"], rows["pw"])
    close((mean, total_variance(scores, **design)[0] ** 0.5), expected["mean_api00"])
    by = expected["by_stype"]
    for level, estimate, se in zip(by["level"], by["estimate"], by["se"], strict=True):
        mean, scores = mean_scores(rows["api00"], rows["pw"], rows["stype"] == level)
        close((mean, total_variance(scores, **design)[0] ** 0.5), {"estimate": estimate, "se": se})


def test_two_stages_as_in_r(api: dict[str, pd.DataFrame]) -> None:
    rows, expected = api["apiclus2"], REFERENCE["designs"]["two_stages"]
    design = {
        "stratum": np.zeros(len(rows)),
        "psu": rows["dnum"].to_numpy(),
        "ssu": rows["snum"].to_numpy(),
        "population": rows["fpc1"].to_numpy(float),
        "population_in_psu": rows["fpc2"].to_numpy(float),
    }
    mean, scores = mean_scores(rows["api00"], rows["pw"])
    close((mean, total_variance(scores, **design)[0] ** 0.5), expected["mean_api00"])
    total = (rows["pw"] * rows["enroll"].fillna(0)).to_numpy()
    close((total.sum(), total_variance(total[:, None], **design)[0] ** 0.5), expected["total_enroll"])


@pytest.mark.parametrize("kind", ["post_stratified", "raked"])
def test_margins_as_in_r(api: dict[str, pd.DataFrame], kind: str) -> None:
    rows, expected = api["apiclus1"], REFERENCE["margins"]
    cells = pd.DataFrame({"stype": rows["stype"].astype(str), "wide": rows["sch.wide"].astype(str)})
    totals = {"stype": expected["stype"], "wide": expected["sch_wide"]}
    if kind == "post_stratified":
        cells, totals = cells[["stype"]], {"stype": expected["stype"]}
    weights = rake_weights(rows["pw"].to_numpy(float), cells, totals)
    if kind == "raked":
        np.testing.assert_allclose(weights, expected["raked"]["weights"], rtol=1e-6)
    mean, _ = mean_scores(rows["api00"], pd.Series(weights, index=rows.index))
    assert mean == pytest.approx(expected[kind]["mean_api00"]["estimate"], rel=1e-6)
    total = float((weights * rows["enroll"]).sum())
    assert total == pytest.approx(expected[kind]["total_enroll"]["estimate"], rel=1e-6)


def test_a_single_unit_is_centred_at_the_mean_of_all() -> None:
    scores = np.array([[1.0], [2.0], [3.0], [7.0]])
    stratum = np.array(["a", "a", "a", "b"])
    found = total_variance(scores, stratum=stratum, psu=np.arange(4))
    assert found[0] == pytest.approx(3.0 + (7.0 - scores.mean()) ** 2)


def test_a_stratum_drawn_whole_has_no_error_and_infinite_means_no_correction() -> None:
    scores, stratum = np.array([[1.0], [2.0], [3.0], [5.0]]), np.array(["a", "a", "b", "b"])
    whole = total_variance(scores, stratum=stratum, psu=np.arange(4), population=np.array([2.0, 2, np.inf, np.inf]))
    assert whole[0] == pytest.approx(4.0)
    none = total_variance(scores, stratum=stratum, psu=np.arange(4))
    assert none[0] == pytest.approx(5.0)


def test_equal_names_of_units_in_two_strata_are_two_units() -> None:
    scores, stratum = np.array([[1.0], [2.0], [1.0], [2.0]]), np.array([1, 1, 2, 2])
    assert total_variance(scores, stratum=stratum, psu=np.array([1, 2, 1, 2]))[0] == pytest.approx(2.0)


def test_margins_that_cannot_be_met() -> None:
    cells = pd.DataFrame({"a": ["x", "y"], "b": ["p", "q"]})
    with pytest.raises(NotConvergedError, match="a, b"):
        rake_weights(np.ones(2), cells, {"a": {"x": 1, "y": 3}, "b": {"p": 3, "q": 1}})


@settings(max_examples=15)
@given(st.lists(st.tuples(st.sampled_from("xy"), st.sampled_from("pqr"), st.floats(0.5, 5)), min_size=12, max_size=40))
def test_raked_weights_meet_every_margin(rows: list[tuple[str, str, float]]) -> None:
    every = [(a, b, 1.0) for a in "xy" for b in "pqr"] + rows
    cells = pd.DataFrame([(a, b) for a, b, _ in every], columns=["a", "b"])
    totals = {"a": {"x": 60.0, "y": 40.0}, "b": {"p": 20.0, "q": 50.0, "r": 30.0}}
    weights = rake_weights(np.array([w for *_, w in every]), cells, totals)
    for name, levels in totals.items():
        assert pd.Series(weights).groupby(cells[name]).sum().to_dict() == pytest.approx(levels, rel=1e-6)
