"""Scores of forecasts by population, model and origin, and what resampling accounts and leaving out origins does to them.

Every score is a smooth function of sums over accounts. A resample of accounts changes the sums, so that all scores of all models
on all resamples are one matrix product per origin: AUC by its placements, what the highest scores find by the cut that moves
along when the weights do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from kam.churn.scored_forecasts import POPULATIONS, Scored
from kam.stats.forecast_scores import TOP_SHARE, called, log_losses, placements, top_buyers_named
from kam.stats.resampling import bootstrap_weights
from kam.wording import N_

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

AUC, LOG_LOSS, BRIER, NAMED = "AUC", "log loss", "Brier", "top buyers named"
MONEY_FOUND = N_("money found")
OBSERVED, OBSERVED_ORDERS = N_("observed / expected"), N_("observed / expected, orders")
SLOPE, INTERCEPT, ICI = N_("calibration slope"), N_("calibration intercept"), N_("ICI")
AVERAGED = (AUC, LOG_LOSS, BRIER, NAMED)
"""Scores whose pooled value is the mean over origins; those of sums are ratios of sums over origins."""
OF_SUMS = (MONEY_FOUND, OBSERVED, OBSERVED_ORDERS)
COMPARED = (LOG_LOSS, AUC, BRIER, NAMED, MONEY_FOUND)
"""Scores of which differences between models are taken."""
BOUNDS: Mapping[str, tuple[float, float]] = {
    AUC: (0, 1),
    LOG_LOSS: (0, np.inf),
    BRIER: (0, 1),
    NAMED: (0, 1),
    MONEY_FOUND: (0, 1),
    OBSERVED: (0, np.inf),
    OBSERVED_ORDERS: (0, np.inf),
    ICI: (0, 1),
}
CALLED = 0.2
"""Share of the accounts that is called, where the money found is one number."""
MIN_ORIGINS = 3
"""From so many origins on, their own differences may make an interval wider."""
MAX_UNDEFINED = 0.02
"""An interval may leave out at most this share of the resamples, those in which the score has no value."""

FEW = 50
"""Fewer top buyers than this are named anew in every resample: a cut does not move smoothly through so few."""

_SHARED, _PER_MODEL = 4, 7


@dataclass(frozen=True, eq=False)
class Draws:
    """Scores by resample, population, model and origin, each as a ratio; the first resample is the data themselves.

    Attributes
    ----------
    above, below : dict of str to numpy.ndarray, shape (1 + n_resamples, n_populations, n_models, n_origins)
        Numerator and denominator by score.
    """

    above: dict[str, Floats]
    below: dict[str, Floats]

    def single(self, measure: str) -> Floats:
        """The score at each origin, in the shape of its parts."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.above[measure] / self.below[measure])

    def pooled(self, measure: str, population: int, model: int, origins: Ints) -> Floats:
        """The score over some origins, by resample."""
        above, below = (part[measure][:, population, model, origins] for part in (self.above, self.below))
        with np.errstate(divide="ignore", invalid="ignore"):
            if measure in AVERAGED:
                return np.asarray((above / below).mean(axis=-1))
            return np.asarray(above.sum(axis=-1) / below.sum(axis=-1))


def draw_scores(scored: Scored, *, n_resamples: int, seed: int) -> Draws:
    """Take every score on the data and on resampled accounts.

    Parameters
    ----------
    scored : Scored
    n_resamples, seed : int
        Resamples of the accounts, each with all its origins.
    """
    measures = (*AVERAGED, *OF_SUMS)
    shape = (1 + n_resamples, len(POPULATIONS), len(scored.models), len(scored.origins))
    above, below = ({name: np.full(shape, np.nan) for name in measures} for _ in range(2))
    cells = [
        (i, o, _Cell(scored, rows, np.flatnonzero(scored.covered[:, o])))
        for i, population in enumerate(POPULATIONS)
        for o in range(len(scored.origins))
        for rows in [scored.rows(population, o)]
    ]
    at = 0
    for drawn in chain([np.ones((1, scored.n_customers))], bootstrap_weights(scored.n_customers, n_resamples, seed)):
        chunk = drawn.astype(np.float64)
        for i, o, cell in cells:
            for name, (over, under) in cell.scores(chunk[:, cell.customers]).items():
                above[name][at : at + len(chunk), i, cell.models, o] = over
                below[name][at : at + len(chunk), i, cell.models, o] = under
        at += len(chunk)
    return Draws(above, below)


@dataclass(frozen=True)
class Interval:
    """Interval of a score, or of a difference: the wider of the one over accounts and the one over origins.

    Attributes
    ----------
    estimate, low, high : float
        Not a number where there is none.
    accounts_low, accounts_high : float
        From resampled accounts alone.
    spread_over : str
        ``accounts`` or ``origins``: which of them makes the interval; empty: there is none.
    """

    estimate: float
    low: float
    high: float
    accounts_low: float
    accounts_high: float
    spread_over: str


def interval_of(
    estimate: float,
    draws: Floats | tuple[float, float],
    deleted: Floats,
    *,
    level: float,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> Interval:
    """Take the wider of two intervals: over accounts, and over origins.

    The first says what other accounts like these would give at the same origins. It does not hold what all accounts share in a
    period; the second does: the jackknife that leaves out one origin after the other, with Student's t on G − 1 degrees of
    freedom. With G of a few it is rough, and either alone can be too short, so the wider counts.

    Parameters
    ----------
    estimate : float
    draws : numpy.ndarray, or (low, high)
        The value on resampled accounts, or the ends of an interval over accounts already taken.
    deleted : numpy.ndarray, shape (n_origins,)
        The value without each origin; fewer than three make no interval.
    level : float
    bounds : (float, float)
        What the value cannot leave.

    Notes
    -----
    Efron & Tibshirani (1993), chapters 11 and 13; t with G − 1 degrees of freedom for few clusters as in Cameron & Miller (2015),
    Journal of Human Resources 50.
    """
    if isinstance(draws, tuple):
        low, high = draws
    else:
        finite = draws[np.isfinite(draws)]
        enough = len(draws) and len(finite) >= (1 - MAX_UNDEFINED) * len(draws)
        tail = round((1 - level) / 2, 12)
        low, high = (float(end) for end in np.quantile(finite, [tail, 1 - tail])) if enough else (np.nan, np.nan)
    if not np.isfinite([estimate, low, high]).all():
        return Interval(estimate, np.nan, np.nan, np.nan, np.nan, "")
    accounts = max(low, bounds[0]), min(high, bounds[1])
    n = len(deleted)
    if n >= MIN_ORIGINS and np.isfinite(deleted).all():
        error = float(np.sqrt((n - 1) / n * ((deleted - deleted.mean()) ** 2).sum()))
        reach = float(stdtrit(n - 1, 0.5 + level / 2)) * error
        if 2 * reach > high - low:
            ends = max(estimate - reach, bounds[0]), min(estimate + reach, bounds[1])
            return Interval(estimate, *ends, *accounts, "origins")
    return Interval(estimate, *accounts, *accounts, "accounts")


def without_each(origins: Ints) -> list[Ints]:
    """The origins without the first, without the second, and so on; nothing if there are too few."""
    return [np.delete(origins, i) for i in range(len(origins))] if len(origins) >= MIN_ORIGINS else []


# -- inside ----------------------------------------------------------------------------------------------------------


class _Cell:
    """The accounts of one population and origin: what each adds to the sums of which the scores are made."""

    def __init__(self, scored: Scored, rows: Ints, models: Ints) -> None:
        self.customers, self.models = scored.customer[rows], models
        event, revenue = scored.event[rows], scored.revenue[rows]
        buys = (revenue > 0).astype(np.float64)
        lost = scored.money[rows] * event
        n, n_buyers = len(rows), float(buys.sum())
        columns = [np.ones(n), event, buys, lost]
        n_top = float(np.ceil(TOP_SHARE * n_buyers))
        self.top_per_buyer = n_top / n_buyers if n_buyers else np.nan
        top = called(revenue, n_top)
        self.auc, self.both, self.at_cut = (np.zeros(len(models)) for _ in range(3))
        for j, m in enumerate(models):
            p, expected = scored.p[m, rows], scored.expected[m, rows]
            placed = placements(event, p)
            self.auc[j] = placed[event == 1].mean()
            named, found = called(expected, n_top), called(p * scored.money[rows], CALLED * n)
            # Who stands at a cut moves in or out when the weights change: the cut is where it takes as many as it should.
            at_named, at_top = _near(expected, n_top, top), _near(revenue, n_top, named)
            at_found = _near(p * scored.money[rows], CALLED * n, lost)
            self.both[j], self.at_cut[j] = at_named + at_top, at_found
            columns += [
                event * placed,
                (1 - event) * placed,
                log_losses(event, p),
                (event - p) ** 2,
                p,
                top * named - at_named * named - at_top * top,
                (lost - at_found) * found,
            ]
        self.columns = np.column_stack(columns)
        self.exact = (revenue, [scored.expected[m, rows] for m in models]) if 0 < n_top < FEW else None

    def scores(self, weights: Floats) -> dict[str, tuple[Floats, Floats]]:
        """Numerators and denominators of the scores, each of shape (resamples, models)."""
        sums = weights @ self.columns
        n, n_events, n_buyers, lost = (sums[:, [i]] for i in range(_SHARED))
        placed, placed_not, loss, square, p, named, found = (
            sums[:, _SHARED + i :: _PER_MODEL] for i in range(_PER_MODEL)
        )
        one = np.ones(p.shape)
        n_top = self.top_per_buyer * n_buyers
        with np.errstate(divide="ignore", invalid="ignore"):
            area = placed / n_events + placed_not / (n - n_events) - self.auc
            of_top = named / n_top + self.both
        if self.exact is not None:
            revenue, expected = self.exact
            drawn = n_buyers[:, 0] > 0
            of_top = np.full(p.shape, np.nan)
            for j, one_model in enumerate(expected):
                of_top[drawn, j] = top_buyers_named(revenue, one_model, weights[drawn])
        return {
            AUC: (area, one),
            LOG_LOSS: (loss, n * one),
            BRIER: (square, n * one),
            NAMED: (of_top, one),
            MONEY_FOUND: (found + self.at_cut * CALLED * n, np.where(lost > 0, lost, np.nan) * one),
            OBSERVED: (n_events * one, p),
            OBSERVED_ORDERS: ((n - n_events) * one, n - p),
        }


def _near(score: Floats, n_called: float, amount: Floats) -> float:
    """The mean amount of those who stand at the cut: a fifth as many as are called on either side, at least ten."""
    if not n_called > 0:
        return np.nan
    reach = max(10, int(0.2 * n_called))
    first, last = max(int(n_called) - reach, 0), min(int(np.ceil(n_called)) + reach, len(score))
    ordered = np.sort(score)[::-1]
    return float(amount[(score <= ordered[first]) & (score >= ordered[last - 1])].mean())
