"""Cox regression of the time until an account is lost, with a ratio for each part of the time where one for all does not hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtr
from statsmodels.duration.hazard_regression import PHReg

from kam.churn.design import build_design
from kam.churn.hidden_departures import BOUNDARY
from kam.churn.proportionality import Proportionality, check_proportionality
from kam.errors import ModelError, NoEventError, NotConvergedError
from kam.wording import Wording

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

ALPHA = 0.05
_ESTIMATES = ("estimate", "std_error", "statistic", "p_value", "hazard_ratio", "ci_low", "ci_high")
_NAMES = ("term", "level", "step", *_ESTIMATES, "time_statistic", "time_p_value")
_PART_NAMES = ("term", "level", "part", "estimate", "std_error", "hazard_ratio", "ci_low", "ci_high")


@dataclass(frozen=True, eq=False, kw_only=True)
class CoxFit:
    """A Cox regression: ``terms`` and ``parts`` as in :class:`kam.churn.SurvivalResult`, the test, and where time is split."""

    terms: pd.DataFrame
    parts: pd.DataFrame
    test: Proportionality | None
    split: float | None


def fit_cox(accounts: pd.DataFrame, terms: Sequence[str], *, named: bool, level: float, say: Wording) -> CoxFit:
    """Fit by Efron's partial likelihood; accounts have ``entry``, ``duration`` and ``is_lost``.

    Parameters
    ----------
    accounts : pandas.DataFrame
    terms : sequence of str
        Columns; none: an empty fit.
    named : bool
        Whether the user named the terms: then one that says nothing is an error.
    level : float
    say : Wording

    Raises
    ------
    ModelError
        A term that was named cannot be used, or there are fewer losses than terms.
    NotConvergedError
        A ratio has no finite estimate.
    """
    nothing = _typed([], _PART_NAMES)
    if not terms:
        return CoxFit(terms=_typed([], _NAMES), parts=nothing, test=None, split=None)
    entry, duration = (accounts[name].to_numpy(dtype=np.float64) for name in ("entry", "duration"))
    event = accounts["is_lost"].to_numpy(dtype=bool)
    design = build_design(accounts, terms=terms, say=say)
    x = design.apply(accounts)
    there = {column.term for column in design.columns}
    for _, row in design.left_out.iterrows():
        if named and row["term"] not in there:
            raise ModelError(f"The term {row['term']!r} cannot be used: {row['reason']}.", hint="Leave it out.")
    if event.sum() < x.shape[1]:
        raise ModelError(f"There are {event.sum()} losses for {x.shape[1]} terms.", hint="Use fewer terms.")
    beta, error = _fit(x, entry, duration, event, design.names)
    test = check_proportionality(x, entry, duration, event, beta)
    values = dict(zip(_ESTIMATES, _row(beta, error, level), strict=True))
    values |= {"time_statistic": test.statistic, "time_p_value": test.p_value}
    found = [
        {"term": column.term, "level": column.level, "step": column.more} | {name: v[i] for name, v in values.items()}
        for i, column in enumerate(design.columns)
    ]
    failing = np.flatnonzero(test.p_value < ALPHA)
    if not len(failing):
        return CoxFit(terms=_typed(found, _NAMES), parts=nothing, test=test, split=None)
    split = float(np.median(duration[event]))
    before, after = np.minimum(duration, split), np.maximum(entry, split)
    halves = {
        "early": (entry, before, event & (duration <= split), before > entry),
        "late": (after, duration, event & (duration > split), duration > after),
    }
    parts = []
    for part, (begin, end, lost, seen) in halves.items():
        try:
            own = _row(*_fit(x[seen], begin[seen], end[seen], lost[seen], design.names), level)
        except (NotConvergedError, NoEventError):
            own = tuple(np.full(len(beta), np.nan) for _ in _ESTIMATES)
        by_name = dict(zip(_ESTIMATES, own, strict=True))
        parts += [
            {"term": design.columns[i].term, "level": design.columns[i].level, "part": part}
            | {name: by_name[name][i] for name in _PART_NAMES[3:]}
            for i in failing
        ]
    return CoxFit(terms=_typed(found, _NAMES), parts=_typed(parts, _PART_NAMES), test=test, split=split)


# -- inside ----------------------------------------------------------------------------------------------------------


def _typed(rows: list[dict[str, object]], names: Sequence[str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(names))
    return frame.astype(dict.fromkeys(names[:3], "str") | dict.fromkeys(names[3:], "float64"))


def _fit(x: Floats, entry: Floats, duration: Floats, event: Flags, names: Sequence[str]) -> tuple[Floats, Floats]:
    """Coefficients and standard errors by Efron's partial likelihood."""
    if not event.any():
        raise NoEventError("Nobody was lost in this part of the time.")
    spread = x.std(axis=0)
    for i in map(int, np.flatnonzero(np.isin(x, (0.0, 1.0)).all(axis=0))):
        lost = x[event, i]
        if spread[i] == 0 or lost.all() or not lost.any():
            raise NotConvergedError(
                f"{'Nobody' if not lost.any() else 'Everybody who'} was lost{' with' if not lost.any() else ' has'} "
                f"{names[i]!r}: its ratio has no finite estimate.",
                hint="Leave the term out, or pool its levels.",
            )
    after = entry + 0.5 if entry.any() else None  # PHReg counts who enters at a time among those at risk at it
    fitted = PHReg(duration, x, status=event.astype(int), entry=after, ties="efron").fit(disp=0)
    beta, error = np.asarray(fitted.params), np.asarray(fitted.bse)
    worst = int(np.argmax(np.abs(beta)))
    if not np.isfinite(error).all() or np.abs(beta).max() >= BOUNDARY or error.max() > 50:
        raise NotConvergedError(
            f"The ratio of {names[worst]!r} has no finite estimate: it tells all losses from the rest.",
            hint="Leave the term out, or pool its levels.",
        )
    return beta, error


def _row(beta: Floats, error: Floats, level: float) -> tuple[Floats, ...]:
    reach = NormalDist().inv_cdf((1 + level) / 2) * error
    statistic = beta / error
    return (
        beta,
        error,
        statistic,
        np.asarray(2 * ndtr(-np.abs(statistic))),
        np.exp(beta),
        np.exp(beta - reach),
        np.exp(beta + reach),
    )
