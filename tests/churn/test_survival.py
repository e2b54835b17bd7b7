import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kam.churn import fit_survival, person_periods
from kam.churn.survival import _horizon
from kam.errors import MissingColumnError, ModelError, NoEventError, NotConvergedError, ParameterError
from kam.ledger import Covariates

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "survival.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def accounts():
    frame = pd.DataFrame(REFERENCE["accounts"]).rename(columns={"lost": "is_lost"})
    return frame.assign(early=frame["early"] == 1)


@pytest.fixture(scope="module")
def cox(accounts):
    return fit_survival(accounts, terms=["score", "early"])


def test_the_curve_by_hand():
    # 5 accounts: lost after 1, 2 and 2, open after 2 and 3: 4/5, then 2/4 of it
    result = fit_survival(pd.DataFrame({"duration": [1, 2, 2, 2, 3], "is_lost": [True, True, True, False, False]}))
    assert result.curves["survival"].round(3).tolist() == [1.0, 0.8, 0.4]
    assert result.median_time == 2


@pytest.mark.parametrize(("name", "entry"), [("all", True), ("plain", False)])
def test_kaplan_meier_is_that_of_r(accounts, name, entry):
    expected = REFERENCE["kaplan_meier"][name]
    result = fit_survival(accounts if entry else accounts.drop(columns="entry"))
    curve = result.curves[result.curves["n_lost"] > 0]
    lost = np.array(expected["n_lost"]) > 0
    for column, theirs in {
        "tenure": "time",
        "n_at_risk": "n_at_risk",
        "survival": "survival",
        "ci_low": "low",
        "ci_high": "high",
    }.items():
        np.testing.assert_allclose(curve[column], np.array(expected[theirs], dtype=float)[lost], rtol=1e-6)
    assert [result.median_time, result.median_low, result.median_high] == expected["median"]


def test_log_rank_is_that_of_r(accounts):
    result = fit_survival(accounts.drop(columns="entry"), group="region")
    assert result.log_rank == pytest.approx(REFERENCE["kaplan_meier"]["log_rank"], rel=1e-6)
    assert result.log_rank_df == 2
    assert "which may be chance (p = 0.729)" in result.answer()
    assert result.groups["n_customers"].tolist() == [120, *accounts["region"].value_counts().sort_index()]


def test_cox_and_the_test_of_proportionality_are_those_of_r(cox, accounts):
    expected = REFERENCE["cox"]
    step = np.array([accounts["score"].std(ddof=0), 1.0])
    np.testing.assert_allclose(cox.terms["estimate"], expected["estimate"] * step, rtol=1e-5)
    np.testing.assert_allclose(cox.terms["std_error"], expected["std_error"] * step, rtol=1e-5)
    np.testing.assert_allclose(cox.terms["time_statistic"], expected["zph"][:2], rtol=1e-4)
    assert cox.global_time_statistic == pytest.approx(expected["zph"][2], rel=1e-4)


def test_what_is_not_proportional_has_a_ratio_for_each_part(cox):
    """The early effect is 1.2 before month 6 and −0.6 after."""
    assert cox.parts["term"].tolist() == ["early", "early"]
    early, late = cox.parts["hazard_ratio"]
    assert early > 1.5 and late < 0.8
    check = next(check for check in cox.checks if check.assumption.startswith("ratios"))
    assert check.verdict == "does not hold" and "early" in check.finding


def test_proportional_terms_have_no_parts(accounts):
    result = fit_survival(accounts, terms=["score"])
    assert result.parts.empty and result.split is None
    assert next(check for check in result.checks if check.assumption.startswith("ratios")).verdict == "holds"


@pytest.fixture(scope="module")
def renewed():
    """Who has begun at any time in 20 years leaves with 3 % a month and orders monthly; the ledger knows the last three years."""
    rng, n, n_months = np.random.default_rng(1), 3000, 48
    begin = rng.integers(-120, 20, n)
    end = begin + rng.geometric(0.03, n) - 1  # last order
    rows = [(f"{i:04d}", t) for i in range(n) for t in range(max(begin[i], 0), min(end[i], n_months - 1) + 1)]
    panel = pd.DataFrame(rows, columns=["customer_id", "t"])
    start = pd.Period("2023-01", "M")
    panel["period"] = [(start + t).to_timestamp() for t in panel["t"]]
    since = pd.DataFrame({"customer_id": [f"{i:04d}" for i in range(n)]})
    since["since"] = pd.to_datetime([(start + int(t)).to_timestamp() for t in begin]).astype("datetime64[us]")
    return person_periods(panel.assign(n_orders=1), k=8, covariates=Covariates(accounts=since))


def test_late_entry_finds_the_true_curve(renewed):
    result = fit_survival(renewed)
    at = np.array([12, 24, 48, 72])
    curve = result.curves.set_index("tenure")["survival"]
    found = [curve[curve.index <= t].iloc[-1] for t in at]
    np.testing.assert_allclose(found, 0.97 ** (at - 7.0), atol=0.05)  # lost seven months after the one in which it left
    assert result.k == 8 and "counting the 8 months of silence" in result.answer()
    entered = next(check for check in result.checks if "before the data begin" in check.assumption)
    assert entered.verdict == "handled"


def test_without_a_known_beginning_accounts_are_left_out():
    days = pd.date_range("2024-01-01", periods=12, freq="MS")
    bought = [(name, days[t]) for name in "abc" for t in range(12)] + [(name, days[t]) for name in "de" for t in (5, 6)]
    panel = pd.DataFrame(bought, columns=["customer_id", "period"]).assign(n_orders=1)
    result = fit_survival(person_periods(panel, k=2))
    assert (result.n_customers, result.n_left_out, result.n_lost) == (2, 3, 2)
    assert result.checks[0].verdict == "does not hold"


FEW = pd.DataFrame({"duration": [1, 2, 3, 4], "is_lost": True, "kind": list("abab"), "same": 1.0})


@pytest.mark.parametrize(
    ("frame", "options", "error", "words"),
    [
        (FEW.assign(is_lost=False), {}, NoEventError, "None of 4 accounts was lost"),
        (FEW.head(1), {}, ModelError, "Of 1 accounts 1 can be followed"),
        (FEW, {"group": "nothing"}, MissingColumnError, "'nothing'"),
        (FEW, {"group": "same"}, ModelError, "'same'"),
        (FEW, {"terms": ["same"]}, ModelError, "same"),
        (FEW, {"terms": ["nothing"]}, MissingColumnError, "nothing"),
        (FEW, {"terms": ["is_lost"]}, ParameterError, "is_lost"),
        (FEW, {"level": 2}, ParameterError, "level"),
        (FEW.drop(columns="duration"), {}, MissingColumnError, "duration"),
    ],
)
def test_bad_input(frame, options, error, words):
    with pytest.raises(error, match=words):
        fit_survival(frame, **options)


def test_separation_names_the_level(accounts):
    frame = accounts.assign(kind=np.where(accounts["is_lost"], "plain", np.where(accounts.index % 2, "plain", "safe")))
    with pytest.raises(NotConvergedError, match="kind: safe"):
        fit_survival(frame, terms=["kind"])


def test_all_lost_is_no_error_for_a_curve():
    result = fit_survival(FEW)
    np.testing.assert_allclose(result.curves["survival"], [1.0, 0.75, 0.5, 0.25, 0.0])


def test_groups_are_compared_where_accounts_can_have_been_lost():
    """Lost after 15 silent months: at 12 months everybody is still there, which says nothing."""
    curves, duration = pd.DataFrame({"tenure": [3]}), np.array([10.0, 20, 23, 24])
    assert _horizon(curves, duration, "month", 0) == 12
    assert 15 < _horizon(curves, duration, "month", 15) <= 24
