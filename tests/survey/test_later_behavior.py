import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kam.survey.later_behavior import ADJUSTED_FOR, _sandwich, later_behavior
from kam.wording import Wording
from tests.survey.loyal_respondents import reference_data

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "survey_loyalty.json").read_text(encoding="utf-8"))
SAY = Wording("en")


def accounts(n=3000, seed=1, hidden=0.0):
    """Recency decides who is lost; with ``hidden`` the satisfied have ordered more recently."""
    rng = np.random.default_rng(seed)
    score = rng.choice([2.0, 3.5, 5.0], n)
    recency = np.exp(rng.normal(3, 0.5, n) - hidden * (score - 3.5))
    p = 1 / (1 + np.exp(-(np.log(recency) - 3) * 2))
    revenue = rng.lognormal(8, 1, n)
    return pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(n)],
            "cluster": [f"c{i}" for i in range(n)],
            "score": score,
            "weight": rng.uniform(0.5, 2, n),
            "churned": rng.random(n) < p,
            "revenue": revenue,
            "revenue_next": revenue * np.where(score > 4, 1.2, 0.9),
            "days_since_last_order": recency,
        }
    )


def test_raw_values_are_weighted_means_and_sums():
    frame = accounts(300)
    found = later_behavior(frame, SAY, min_n=10, level=0.95).set_index(["term", "group_name"])
    for name, low, high in (("low", 0, 2.5), ("middle", 2.5, 4.5), ("high", 4.5, 9)):
        part = frame[(frame["score"] >= low) & (frame["score"] < high)]
        share = np.average(part["churned"], weights=part["weight"])
        assert found.loc[("share_lost", name), "estimate"] == pytest.approx(share)
        change = (part["weight"] * part["revenue_next"]).sum() / (part["weight"] * part["revenue"]).sum() - 1
        assert found.loc[("share_revenue_change", name), "estimate"] == pytest.approx(change)
        assert found.loc[("share_lost", name), "n_accounts"] == len(part)


def test_what_only_recency_explains_is_gone_when_adjusted():
    found = later_behavior(accounts(hidden=0.4), SAY, min_n=10, level=0.95)
    churned = found[found["term"] == "share_lost"].set_index("group_name")
    assert churned.loc["low", "estimate"] - churned.loc["high", "estimate"] > 0.3
    assert abs(churned.loc["low", "adjusted"] - churned.loc["high", "adjusted"]) < 0.06
    assert (churned["adjusted_low"] < churned["adjusted"]).all()
    assert (churned["adjusted"] < churned["adjusted_high"]).all()


def test_standard_errors_are_those_of_r_survey():
    data = reference_data()
    band = np.select([data["level"] < 3, data["level"] < 5], [0, 1], 2)
    x = np.column_stack([*(np.eye(3)[band].T), data["x"]])
    beta = np.array(REFERENCE["logit"]["coefficients"])
    mu = 1 / (1 + np.exp(-x @ beta))
    w = data["w"].to_numpy(float)
    assert (w * (data["event"] - mu)) @ x == pytest.approx(0, abs=1e-4), "R's coefficients solve the same equations"
    covariance = _sandwich(x, w, (data["event"] - mu).to_numpy(), mu * (1 - mu), data["cluster"].to_numpy())
    assert np.sqrt(np.diag(covariance)) == pytest.approx(REFERENCE["logit"]["std_error"], rel=1e-5)


def test_what_cannot_be_said_has_a_reason():
    frame = accounts(60).assign(churned=lambda f: f["score"] < 4)
    frame = frame[(frame["score"] != 2.0) | (frame.groupby("score").cumcount() < 9)]
    found = later_behavior(frame, SAY, min_n=10, level=0.95)
    churned = found[found["term"] == "share_lost"].set_index("group_name")
    assert np.isnan(churned.loc["low", "estimate"]) and churned.loc["low", "why"] == "fewer than 10 accounts"
    assert np.isnan(churned.loc["high", "adjusted"]) and "happened to nobody" in churned.loc["high", "why"]
    bare = later_behavior(frame.drop(columns=list(ADJUSTED_FOR)), SAY, min_n=10, level=0.95)
    assert set(bare["term"]) == {"share_lost"}
    assert "not adjusted: revenue and days_since_last_order not known" in set(bare["why"])
    assert later_behavior(frame[["score", "weight"]].iloc[:0], SAY, min_n=10, level=0.95).empty


def test_bands_below_min_n_have_no_figures():
    frame = accounts(90)
    frame = frame[(frame["score"] != 2.0) | (frame.groupby("score").cumcount() < 9)]
    shown = ["estimate", "ci_low", "ci_high", "adjusted", "adjusted_low", "adjusted_high"]
    found = later_behavior(frame, SAY, min_n=10, level=0.95).set_index(["term", "group_name"])
    low = found.xs("low", level="group_name")
    assert low[shown].isna().all(axis=None) and set(low["why"]) == {"fewer than 10 accounts"}
    assert (low["n_accounts"] == 9).all() and found.loc[("share_lost", "high"), shown].notna().all()
    fewer = later_behavior(frame, SAY, min_n=9, level=0.95).set_index(["term", "group_name"])
    assert fewer.xs("low", level="group_name")["estimate"].notna().all()
    nobody = later_behavior(frame, SAY, min_n=1000, level=0.95)
    assert nobody[shown].isna().all(axis=None) and len(nobody) == len(found)


def test_no_more_than_all_of_the_revenue_is_lost():
    frame = accounts(36, seed=3).assign(weight=1.0)
    kept = np.where(frame.groupby("score").cumcount() == 0, 0.6, 0.0)
    frame["revenue_next"] = frame["revenue"] * np.where(frame["score"] == 2.0, kept, 1.0)
    found = later_behavior(frame, SAY, min_n=5, level=0.95).set_index(["term", "group_name"])
    low = found.loc[("share_revenue_change", "low")]
    assert low["ci_low"] == -1 and low["adjusted_low"] == -1 and low["estimate"] > -1
