"""What R says (tests/reference/churn_regression.json, made by churn_regression.R beside it), and published values."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from kam.churn import fit_churn_regression

FOLDER = Path(__file__).parents[1] / "reference"
R = json.loads((FOLDER / "churn_regression.json").read_text())


@pytest.fixture(scope="module")
def rows():
    return pd.read_csv(FOLDER / "churn_regression.csv", dtype={"customer_id": "str"}, parse_dates=["origin"])


@pytest.fixture(scope="module")
def result(rows):
    return fit_churn_regression(rows, terms=["share_late", "n_complaints", "handover", "region"], method="ml")


def column(result, name):
    return result.coefficients[name].to_numpy(dtype=float)


def test_where_the_figures_come_from():
    assert R["made_by"] == "Rscript tests/reference/churn_regression.R"
    assert {"R", "sandwich", "lmtest"} == set(R["versions"])
    assert R["ml"]["call"] and R["firth"]["call"]


def test_glm_with_sandwich_clustered_errors(result):
    part = R["ml"]
    assert [f"{t}{level}" for t, level in result.coefficients[["term", "level"]].to_numpy()] == [
        "intercept", "share_late", "n_complaints", "handover", "regionsouth", "regionwest",
    ]  # fmt: skip
    names = {"estimate": "estimate", "std_error": "std_error", "statistic": "z", "p_value": "p_value"}
    for ours, theirs in (names | {"ci_low": "ci_low", "ci_high": "ci_high"}).items():
        assert column(result, ours) == pytest.approx(part[theirs], rel=1e-7), ours
    assert result.fit["log_likelihood"].item() == pytest.approx(part["log_likelihood"], rel=1e-10)
    assert column(result, "odds_ratio")[1:] == pytest.approx(np.exp(part["estimate"][1:]), rel=1e-8)
    assert column(result, "odds_high")[1:] == pytest.approx(np.exp(part["ci_high"][1:]), rel=1e-7)
    assert column(result, "vif")[1:] == pytest.approx(part["vif"], rel=1e-8)


def test_the_default_of_vcov_cl_lacks_a_factor(result):
    n, k = result.n_cases, len(result.coefficients)
    factor = np.sqrt((n - 1) / (n - k))
    assert column(result, "std_error") == pytest.approx(factor * np.array(R["ml"]["std_error_default"]), rel=1e-7)


def test_marginal_effects_with_delta_method_errors(result):
    part, half = R["ml"], 1.959963984540054
    assert column(result, "marginal_effect")[1:] == pytest.approx(part["effect"], rel=1e-7)
    std_error = (column(result, "effect_high") - column(result, "effect_low"))[1:] / (2 * half)
    assert std_error == pytest.approx(part["effect_std_error"], rel=1e-6)


def test_firth_by_hand(rows):
    few = rows[rows["origin"] == rows["origin"].min()].head(40)
    flag = ((few["no_order"] == 1) & (few["n_complaints"] > 0)).astype(int)
    few = few.assign(flag=flag)
    result = fit_churn_regression(few, formula="no_order ~ I(share_late / 0.1) + flag")
    part = R["firth"]
    assert result.method == "firth"
    assert column(result, "estimate") == pytest.approx(part["estimate"], abs=1e-5)
    assert column(result, "ci_low") == pytest.approx(part["ci_low"], abs=2e-4)
    assert column(result, "ci_high") == pytest.approx(part["ci_high"], abs=2e-4)
    assert column(result, "p_value") == pytest.approx(part["p_value"], abs=1e-5)
    assert result.intercept == pytest.approx(part["flic_intercept"], abs=1e-5)
    assert part["flic_mean"] == pytest.approx(result.share)


def test_spector_and_mazzeo():
    data = sm.datasets.spector.load_pandas().data.assign(customer_id=range(32), origin=0)
    result = fit_churn_regression(data, formula="GRADE ~ GPA + TUCE + PSI", method="ml")
    estimate = result.coefficients.set_index("term")["estimate"].round(4).to_dict()
    assert estimate == {"intercept": -13.0213, "GPA": 2.8261, "TUCE": 0.0952, "PSI": 2.3787}
    assert round(result.fit["log_likelihood"].item(), 4) == -12.8896
    by_terms = fit_churn_regression(data, terms=["GPA", "TUCE", "PSI"], event="GRADE", method="ml")
    spread = data[["GPA", "TUCE", "PSI"]].std(ddof=0).to_numpy()  # a term kam does not know is per standard deviation
    assert column(by_terms, "estimate")[1:] == pytest.approx(column(result, "estimate")[1:] * spread, rel=1e-7)
    assert fit_churn_regression(data, formula="GRADE ~ GPA + TUCE + PSI").method == "firth"  # 11 with, 4 estimates
