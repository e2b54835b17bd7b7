"""The frames of a hazard: its terms, the baseline by tenure, silences that ended, and who has left."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pandas as pd
from scipy.special import ndtr

from kam.churn.hazard_model import HazardModel

MIN_AT_RISK = 30
"""The hazard is shown for tenures at which at least this many accounts were at risk."""


def terms_frame(model: HazardModel, level: float) -> pd.DataFrame:
    """Ratios of the terms, and how many leave with and without."""
    columns = model.design.columns if model.design else ()
    reach = NormalDist().inv_cdf((1 + level) / 2)
    found = []
    for number, column in enumerate(columns):
        at = model.first_term + number
        estimate, error = float(model.beta[at]), float(np.sqrt(model.cov[at, at]))
        if column.kind == "number":
            without, with_it = model.average(level), model.average(level, add={at: 1.0})
        else:
            alike = [other.term == column.term and other.kind == column.kind for other in columns]
            reference = {model.first_term + int(i): 0.0 for i in np.flatnonzero(alike)}
            without, with_it = model.average(level, put=reference), model.average(level, put=reference | {at: 1.0})
        found.append(
            {
                "term": column.term,
                "level": column.level,
                "step": column.more,
                "estimate": estimate,
                "std_error": error,
                "statistic": estimate / error,
                "p_value": float(2 * ndtr(-abs(estimate / error))),
                "hazard_ratio": float(np.exp(estimate)),
                "ci_low": float(np.exp(estimate - reach * error)),
                "ci_high": float(np.exp(estimate + reach * error)),
                "hazard": without[0],
                "hazard_with": with_it[0],
                "hazard_low": with_it[1],
                "hazard_high": with_it[2],
            }
        )
    names = ["term", "level", "step", "estimate", "std_error", "statistic", "p_value", "hazard_ratio"]
    names += ["ci_low", "ci_high", "hazard", "hazard_with", "hazard_low", "hazard_high"]
    texts = dict.fromkeys(names[:3], "str")
    return pd.DataFrame(found, columns=names).astype(texts | dict.fromkeys(names[3:], "float64"))


def by_tenure_frame(model: HazardModel, level: float) -> pd.DataFrame:
    """The hazard of accounts of each tenure, the other terms as they are on average."""
    names = ["tenure", "n_at_risk", "n_left", "hazard", "ci_low", "ci_high"]
    known = model.knows_start
    if not model.spline.knots:
        return pd.DataFrame(columns=names).astype({"tenure": "int64"} | dict.fromkeys(names[1:], "float64"))
    tenure = model.tenure[known]
    at_risk = np.bincount(tenure, weights=model.at_risk[known])
    left = np.bincount(tenure, weights=model.events[known])
    shown = np.flatnonzero(at_risk >= MIN_AT_RISK)
    spline = model.spline.columns(shown)
    found = []
    for i, at in enumerate(shown):
        put = {1 + j: float(value) for j, value in enumerate(spline[i])}
        if not known.all():
            put[1 + spline.shape[1]] = 0.0
        found.append((int(at), at_risk[at], left[at], *model.average(level, put=put)))
    return pd.DataFrame(found, columns=names).astype({"tenure": "int64"})


def returns_frame(rows: pd.DataFrame, model: HazardModel) -> pd.DataFrame:
    """How many silences of each length ended in the next period, and how many should have by the fit."""
    names = ["n_silent", "n_at_risk", "n_returned", "n_expected"]
    if model.hidden is None:
        return pd.DataFrame(columns=names).astype("int64").astype({"n_expected": "float64"})
    frame = pd.DataFrame(
        {
            "n_silent": rows["n_silent"].to_numpy(),
            "n_returned": rows["ordered"].to_numpy(dtype=np.int64),
            "n_expected": model.hidden.p_order,
        }
    )
    by = frame[frame["n_silent"] > 0].groupby("n_silent", sort=True)
    summed = by.sum().assign(n_at_risk=by.size()).reset_index()
    return summed[names]


def customers_frame(rows: pd.DataFrame, model: HazardModel) -> pd.DataFrame:
    """Who has left, as far as the silence tells."""
    if model.hidden is None and "at_risk" in rows:
        rows = rows[rows["at_risk"].to_numpy()]
    last = np.flatnonzero(np.append(model.account[1:] != model.account[:-1], True))
    silent = rows["n_silent"].to_numpy()[last] + 1
    return pd.DataFrame(
        {
            "customer_id": rows["customer_id"].astype("str").to_numpy()[last],
            "n_silent": np.where(rows["ordered"].to_numpy(dtype=bool)[last], 0, silent).astype(np.int64),
            "p_left": np.clip(np.bincount(model.account, weights=model.events), 0, 1),
        }
    )
