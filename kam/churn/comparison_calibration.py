"""Calibration of each model of a comparison: slope, intercept and ICI with intervals, and what a picture needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.churn.comparison_scores import BOUNDS, ICI, INTERCEPT, SLOPE, Interval, interval_of, without_each
from kam.churn.scored_forecasts import POPULATIONS, Scored
from kam.errors import ModelError, UndefinedMeasureError
from kam.stats.calibration import (
    CalibrationFit,
    calibration_curve,
    calibration_index,
    calibration_index_interval,
    recalibrate,
)
from kam.stats.proportions import wilson_interval

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

BINS = 20
"""Bins of equal width of the probabilities."""
CURVE_POINTS = 41
"""Points of a calibration curve, from the 1st to the 99th percentile of the probabilities."""
CALIBRATION = (SLOPE, INTERCEPT, ICI)


def calibration_scores(
    scored: Scored, *, n_resamples: int, level: float, seed: int
) -> Iterator[tuple[int, int, int | None, str, Interval]]:
    """Take slope, intercept and ICI by population, model and origin (None: pooled over the origins of the model).

    Accounts are the clusters; pooled over three origins or more, the interval over origins counts where it is wider. A score that
    has no value is not a number.
    """
    for i, population in enumerate(POPULATIONS):
        for m in range(len(scored.models)):
            origins = np.flatnonzero(scored.covered[m])
            for o in (None, *origins):
                rows = _rows(scored, population, origins if o is None else np.array([o]))
                left = [] if o is not None else [_rows(scored, population, kept) for kept in without_each(origins)]
                values = _values(scored, m, rows, n_draws=n_resamples, level=level, seed=seed)
                deleted = [_values(scored, m, kept) for kept in left]
                for name, (estimate, low, high) in values.items():
                    yield (
                        i,
                        m,
                        None if o is None else int(o),
                        name,
                        interval_of(
                            estimate,
                            (low, high),
                            np.array([one[name][0] for one in deleted]),
                            level=level,
                            bounds=BOUNDS.get(name, (-np.inf, np.inf)),
                        ),
                    )


def calibration_bins(scored: Scored, level: float) -> pd.DataFrame:
    """What happened to accounts whose probabilities lie close together, over all origins, by model and population.

    The interval is Wilson's, with as many independent accounts as the clusters leave.
    """
    frames = []
    for population in POPULATIONS:
        for m, name in enumerate(scored.models):
            rows = _rows(scored, population, np.flatnonzero(scored.covered[m]))
            p, event, customer = scored.p[m, rows], scored.event[rows], scored.customer[rows]
            group = np.minimum((p * BINS).astype(np.int64), BINS - 1)
            n = np.bincount(group, minlength=BINS)
            shown = np.flatnonzero(n)
            n_events = np.bincount(group, event, BINS)[shown]
            observed, n = n_events / n[shown], n[shown]
            residual = (
                event - (np.bincount(group, event, BINS) / np.maximum(np.bincount(group, minlength=BINS), 1))[group]
            )
            sums = np.bincount(group * scored.n_customers + customer, residual, BINS * scored.n_customers)
            clustered = (sums.reshape(BINS, -1) ** 2).sum(axis=1)[shown]
            alone = n * observed * (1 - observed)
            effect = np.maximum(np.divide(clustered, alone, out=np.ones(len(n)), where=alone > 0), 1)
            low, high = wilson_interval(n_events / effect, n / effect, level)
            frames.append(
                pd.DataFrame(
                    {
                        "model": name,
                        "population": population,
                        "predicted": np.bincount(group, p, BINS)[shown] / n,
                        "observed": observed,
                        "ci_low": low,
                        "ci_high": high,
                        "n_customers": n.astype(np.int64),
                        "n_events": n_events.astype(np.int64),
                    }
                )
            )
    return pd.concat(frames, ignore_index=True)


def calibration_curves(scored: Scored, level: float) -> pd.DataFrame:
    """The smooth calibration curve over all origins, with pointwise intervals, by model and population; none where undefined."""
    frames = []
    for population in POPULATIONS:
        for m, name in enumerate(scored.models):
            rows = _rows(scored, population, np.flatnonzero(scored.covered[m]))
            curve = _fit(calibration_curve, scored, m, rows)
            if curve is None:
                continue
            low, high = np.quantile(scored.p[m, rows], [0.01, 0.99])
            said = np.linspace(float(low), float(high), CURVE_POINTS)
            observed, ci_low, ci_high = curve.at(said, level)
            frames.append(
                pd.DataFrame(
                    {
                        "model": name,
                        "population": population,
                        "predicted": said,
                        "observed": observed,
                        "ci_low": ci_low,
                        "ci_high": ci_high,
                    }
                )
            )
    columns = ["model", "population", "predicted", "observed", "ci_low", "ci_high"]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)


# -- inside ----------------------------------------------------------------------------------------------------------


def _rows(scored: Scored, population: str, origins: Ints) -> Ints:
    rows = scored.rows(population)
    return rows[np.isin(scored.origin[rows], origins)]


def _fit(
    kind: Callable[[Floats, Floats, Ints], CalibrationFit], scored: Scored, m: int, rows: Ints
) -> CalibrationFit | None:
    try:
        return kind(scored.event[rows], scored.p[m, rows], scored.customer[rows])
    except (UndefinedMeasureError, ModelError):
        return None


def _values(
    scored: Scored, m: int, rows: Ints, *, n_draws: int = 0, level: float = 0.95, seed: int = 0
) -> dict[str, tuple[float, float, float]]:
    """Slope, intercept and ICI, with the ends of their intervals over accounts if there are draws."""
    nothing = (np.nan, np.nan, np.nan)
    straight, curve = (_fit(kind, scored, m, rows) for kind in (recalibrate, calibration_curve))
    values = dict.fromkeys(CALIBRATION, nothing)
    if straight is not None:
        for j, name in ((0, INTERCEPT), (1, SLOPE)):
            values[name] = (float(straight.coefficients[j]), *straight.interval(j, level))
    if curve is not None:
        p = scored.p[m, rows]
        ends = calibration_index_interval(curve, p, n_draws=n_draws, seed=seed, level=level) if n_draws else nothing[1:]
        values[ICI] = (calibration_index(curve, p), *ends)
    return values
