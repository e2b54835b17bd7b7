"""One chain for all periods, or one per season: which of them forecast better before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.churn.estimation import ratio
from kam.churn.mix_history import MIN_ORIGINS, MixHistory, follow_customers, past_origins, read_history
from kam.churn.sequences import Sequences
from kam.churn.varying_chain import CYCLIC, POOLED, fit_at
from kam.errors import ParameterError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class ChainChoice:
    """Which chain forecasts better, see :func:`choose_chain`.

    Attributes
    ----------
    chain : str
        ``pooled`` or ``cyclic``.
    reason : str
        Why, in words.
    errors : pandas.DataFrame
        ``term, n_ahead, error, n_cases`` of both chains at the origins where both could forecast; empty where they were not
        compared.
    """

    chain: Literal["pooled", "cyclic"]
    reason: str
    errors: pd.DataFrame


def choose_chain(sequences: Sequences, *, lost: str | None, n_origins: int | None = None) -> ChainChoice:
    """Decide by back-test whether one chain for all periods or one per season forecasts better.

    At each held-out origin both chains are estimated from what was known there and forecast the states of the customers then
    present, for every period up to a year ahead; errors are summed over the states that are not lost. The cyclic chain is chosen
    only if it misses by less one period ahead, and up to a year ahead by more than one standard error (over origins) of the
    difference: chance does not choose the larger model (the one-standard-error rule of Breiman et al. 1984, section 3.4.3).

    Assumes (1) that what forecast better before will do so again; (2) that customers who are not seen at the end of a forecast
    went where the others did.

    Parameters
    ----------
    sequences : Sequences
        From :func:`~kam.churn.sequences.read_sequences`; gaps are allowed.
    lost : str or None
        Name of the lost state.
    n_origins : int, optional
        How many of the last origins; default: a third of the periods, at least 3.

    Returns
    -------
    ChainChoice
        Pooled, with the reason, where the two cannot be compared: before the origin the cyclic chain needs transitions of every
        season in two years, and of every state in every season.

    Raises
    ------
    ParameterError
        The lost state is not known, or so many origins are not possible.
    """
    history = read_history(sequences, lost)
    origins = past_origins(history, n_origins)
    return decide_chain("auto", history, follow_customers(sequences, origins, history.n_seasons), origins)


def decide_chain(chain: str, history: MixHistory, followed: Ints, origins: Ints) -> ChainChoice:
    """The chain that was asked for or, with ``auto``, the one that forecast better from some origins.

    ``followed`` is that of :func:`~kam.churn.mix_history.follow_customers`, a year ahead or more.
    """
    if chain == "pooled":
        return _no_choice("it was asked for")
    possible = history.can_cycle(history.last)
    if chain == "cyclic":
        if not possible:
            raise ParameterError(
                "A chain with seasons needs transitions of every season in two years, and of every state in every season.",
                where=f"{len(history.mix)} periods, {history.n_seasons} in a year",
                hint="Use chain='pooled', or more data.",
            )
        return ChainChoice(chain="cyclic", reason="it was asked for", errors=_errors_frame({}))
    if history.n_seasons == 1:
        return _no_choice("the periods have no seasons")
    if not possible:
        return _no_choice("not every season and state was seen in two years")
    return _choose(history, followed, origins)


# -- inside ----------------------------------------------------------------------------------------------------------


def _choose(history: MixHistory, followed: Ints, origins: Ints) -> ChainChoice:
    both = [o for o in origins if history.can_cycle(o)]
    if len(both) < MIN_ORIGINS:
        return _no_choice("too few periods were held out to compare it with a chain for each season")
    year, alive = history.n_seasons, history.alive
    actual = followed[both].sum(axis=2)[..., alive].astype(float)
    starts = followed[both].sum(axis=3)
    actual[starts.sum(axis=2) == 0] = np.nan
    error = {}
    for term in (POOLED, CYCLIC):
        forecast = np.empty_like(actual)
        for k, o in enumerate(both):
            p, step = fit_at(history, o, term).p, np.eye(len(history.states))
            for h in range(year):
                step = step @ p[(history.season[o] + h) % len(p)]
                forecast[k, h] = (starts[k, h] @ step)[alive]
        error[term] = np.abs(forecast - actual)
    difference = np.nansum(error[CYCLIC] - error[POOLED], axis=(1, 2))
    standard_error = difference.std(ddof=1) / np.sqrt(len(both))
    sooner = np.nansum(error[CYCLIC][:, 0]) < np.nansum(error[POOLED][:, 0])
    better = sooner and difference.mean() + standard_error < 0
    frame = _errors_frame({term: (values, actual) for term, values in error.items()})
    if better:
        return ChainChoice(
            chain="cyclic", reason="a chain for each season missed by less in the back-test", errors=frame
        )
    return ChainChoice(
        chain="pooled", reason="a chain for each season did not miss by clearly less in the back-test", errors=frame
    )


def _no_choice(reason: str) -> ChainChoice:
    return ChainChoice(chain="pooled", reason=reason, errors=_errors_frame({}))


def _errors_frame(errors: Mapping[str, tuple[Floats, Floats]]) -> pd.DataFrame:
    rows = [
        {
            "term": term,
            "n_ahead": h + 1,
            "error": float(ratio(np.nansum(error[:, h]), np.nansum(actual[:, h]))),
            "n_cases": int(np.isfinite(actual[:, h]).sum()),
        }
        for term, (error, actual) in errors.items()
        for h in range(actual.shape[1])
        if np.isfinite(actual[:, h]).any()
    ]
    columns = {"term": str, "n_ahead": int, "error": float, "n_cases": int}
    return pd.DataFrame(rows, columns=list(columns)).astype(columns)
