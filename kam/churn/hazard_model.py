"""The discrete-time hazard as numbers: its design with a spline of tenure, both ways to fit it, and its averages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from statsmodels.genmod import families
from statsmodels.genmod.generalized_linear_model import GLM

from kam.churn.design import Design, build_design
from kam.churn.hidden_departures import BOUNDARY, HiddenFit, Link, Silences, describe_rhythm, fit_hidden, probabilities
from kam.errors import ModelError, NoEventError, NotConvergedError
from kam.wording import Wording

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Departures = Literal["estimated", "silence"]

QUANTILES = {3: (0.10, 0.50, 0.90), 4: (0.05, 0.35, 0.65, 0.95), 5: (0.05, 0.275, 0.5, 0.725, 0.95)}
"""Where knots lie among the tenures of events, by their number (Harrell 2015, table 2.3)."""
MIN_EVENTS = 10
"""Events for each parameter, below which estimates are biased and intervals too short (Peduzzi et al. 1996)."""
_UNSURE = 50.0  # the standard error of a coefficient that cannot be estimated
_HARDLY = 1e-6  # an account that is hardly there
_AVERAGED = 2000  # rows over which hazards are averaged


@dataclass(frozen=True, eq=False, kw_only=True)
class TenureSpline:
    """A restricted cubic spline of tenure in columns that are uncorrelated and of variance 1 over the rows it was made of.

    Attributes
    ----------
    knots : tuple of float
        Two make a line, none nothing.
    mean, turn : numpy.ndarray
        The columns are those of :func:`restricted_spline` less their mean, times this matrix.
    """

    knots: tuple[float, ...]
    mean: Floats
    turn: Floats

    @classmethod
    def of(cls, tenure: Ints, knots: tuple[float, ...]) -> TenureSpline:
        """From the tenures of the rows; columns that say nothing new are left out."""
        plain = restricted_spline(tenure, knots)
        if not plain.size:
            return cls(knots=(), mean=np.zeros(0), turn=np.zeros((0, 0)))
        mean, scale = plain.mean(axis=0), np.maximum(plain.std(axis=0), 1e-12)
        _, size, axes = np.linalg.svd((plain - mean) / scale, full_matrices=False)
        kept = size > 1e-6 * size[0]
        return cls(knots=knots, mean=mean, turn=(axes[kept].T / size[kept] * np.sqrt(len(plain))) / scale[:, None])

    def columns(self, tenure: npt.ArrayLike) -> Floats:
        """The columns for some tenures."""
        if not self.knots:
            return np.zeros((len(np.asarray(tenure)), 0))
        return np.asarray((restricted_spline(tenure, self.knots) - self.mean) @ self.turn)


@dataclass(frozen=True, eq=False, kw_only=True)
class HazardModel:
    """A fitted hazard.

    Attributes
    ----------
    design : Design or None
        Of the terms; None: there are none.
    tenure : numpy.ndarray
        By row.
    knows_start : numpy.ndarray of bool
        By row: whether the tenure is known; where it is not, a constant of its own takes the place of the spline.
    spline : TenureSpline
    x : numpy.ndarray, shape (rows, P)
        Intercept, spline, unknown start, calendar, terms.
    first_term : int
        Column in which the terms begin.
    beta, cov : numpy.ndarray
        Coefficients and their covariance, clustered by account.
    events, at_risk : numpy.ndarray
        By row: (expected) events, and accounts (expected to be) at risk.
    account : numpy.ndarray
        By row: number of the account.
    link : {"cloglog", "logit"}
    hidden : HiddenFit or None
        With estimated departures.
    """

    design: Design | None
    tenure: Ints
    knows_start: Flags
    spline: TenureSpline
    x: Floats
    first_term: int
    beta: Floats
    cov: Floats
    events: Floats
    at_risk: Floats
    account: Ints
    link: Link
    hidden: HiddenFit | None

    def average(
        self, level: float, *, put: Mapping[int, float] | None = None, add: Mapping[int, float] | None = None
    ) -> tuple[float, float, float]:
        """The hazard averaged over rows at risk, after some columns were set or added to: mean, low, high.

        The interval is that of the mean, by the delta method on the scale of the complementary log-log.
        """
        chosen = np.flatnonzero(self.at_risk > _HARDLY)
        chosen = chosen[:: max(1, len(chosen) // _AVERAGED)]
        x, weight = self.x[chosen].copy(), self.at_risk[chosen]
        for column, value in (put or {}).items():
            x[:, column] = value
        for column, value in (add or {}).items():
            x[:, column] += value
        p, slope = probabilities(x @ self.beta, self.link)
        weight = weight / weight.sum()
        mean, gradient = float(weight @ p), (weight * slope) @ x
        error = float(np.sqrt(gradient @ self.cov @ gradient))
        rate = -np.log1p(-mean)
        reach = NormalDist().inv_cdf((1 + level) / 2) * error / ((1 - mean) * rate)
        low, high = -np.expm1(-rate * np.exp([-reach, reach]))
        return mean, float(low), float(high)


def fit_model(
    rows: pd.DataFrame,
    *,
    terms: Sequence[str],
    departures: Departures,
    link: Link,
    n_knots: int,
    calendar: bool,
    say: Wording,
    interactions: bool = False,
) -> HazardModel:
    """Fit a hazard to the rows of person-periods; ``interactions``: of each term with the logarithm of tenure, for a test.

    Raises
    ------
    NoEventError
        Nobody left, or all did at once.
    NotConvergedError
        A coefficient has no finite estimate.
    ModelError
        There is one account, or there are too few events for the terms.
    """
    if departures == "silence":
        rows = rows[rows["at_risk"].to_numpy()]
    account = pd.factorize(rows["customer_id"])[0].astype(np.int64)
    event = rows["event"].to_numpy(dtype=np.float64)
    if not len(rows) or account[-1] == 0:
        raise ModelError("There are fewer than two accounts.", hint="A hazard compares accounts; use more of them.")
    if departures == "silence" or not rows["ordered"].to_numpy(dtype=bool).any():
        _require_events(rows, event)
    start = np.flatnonzero(np.append(True, account[1:] != account[:-1]))
    tenure, knows_start = rows["tenure"].to_numpy(dtype=np.int64), rows["start_known"].to_numpy(dtype=bool)
    knots = place_knots(tenure[(event > 0) & knows_start], n_knots) if knows_start.any() else ()
    spline = TenureSpline.of(tenure[knows_start], knots)
    parts = [np.ones((len(rows), 1)), spline.columns(tenure) * knows_start[:, None]]
    if knots and not knows_start.all():
        parts.append((~knows_start[:, None]).astype(np.float64))
    if calendar:
        season = rows["period"].dt.month.to_numpy()
        parts.append((season[:, None] == np.unique(season)[1:]).astype(np.float64))
    first_term = sum(part.shape[1] for part in parts)
    design = build_design(rows, terms=terms, say=say) if terms else None
    if design is not None:
        columns = design.apply(rows)
        parts.append(columns)
        if interactions:
            late = np.log1p(np.maximum(tenure, 0)) * knows_start
            parts.append(columns * (late - late[knows_start].mean() * knows_start)[:, None])
    x = np.column_stack(parts)
    names = _names(first_term, design, x.shape[1])
    hidden = None
    if departures == "silence":
        _refuse_few(event, x.shape[1])
        _refuse_separation(x, event, names, first_term)
        beta, cov = _fit_seen(x, event, account, link, names)
        events, at_risk = event, np.ones(len(rows))
    else:
        hidden = fit_hidden(_silences(rows, account, start), x, link=link)
        beta, cov, events, at_risk = hidden.hazard, hidden.cov, hidden.left, hidden.there
        if events.sum() < 1:
            raise NoEventError(
                "Nobody seems to have left: no silence is longer than the rhythm of its account allows.",
                hint="Use more periods.",
            )
        _refuse_few(events, x.shape[1])
    _refuse_boundary(beta, cov, names, first_term)
    return HazardModel(
        design=design,
        tenure=tenure,
        knows_start=knows_start,
        spline=spline,
        x=x,
        first_term=first_term,
        beta=beta,
        cov=cov,
        events=events,
        at_risk=at_risk,
        account=account,
        link=link,
        hidden=hidden,
    )


def place_knots(tenures: Ints, n_knots: int) -> tuple[float, ...]:
    """Knots at quantiles of the tenures of events; with fewer than three different ones the ends of what is there, or none.

    >>> place_knots(np.arange(101), 4)
    (5.0, 35.0, 65.0, 95.0)
    >>> place_knots(np.array([3, 3, 3]), 4)
    ()
    """
    if not len(tenures) or n_knots == 0:
        return ()
    knots = tuple(float(knot) for knot in np.unique(np.quantile(tenures, QUANTILES[n_knots])))
    return knots if len(knots) > 1 else ()


def restricted_spline(x: npt.ArrayLike, knots: Sequence[float]) -> Floats:
    """Columns of a restricted (natural) cubic spline: linear beyond the outer knots; two knots make a line, none no column.

    Notes
    -----
    Harrell (2015), Regression Modeling Strategies, section 2.4.5: x, and k − 2 truncated cubics over (t_k − t_1)².

    Examples
    --------
    >>> restricted_spline([0, 1, 2, 3, 4, 5], [1, 2, 4]).round(4)[:, 1].tolist()
    [0.0, 0.0, 0.1111, 0.7222, 1.6667, 2.6667]
    """
    values = np.asarray(x, dtype=np.float64)
    if len(knots) < 2:
        return np.zeros((len(values), 0))
    columns = [values]
    *inner, before, last = knots
    for knot in inner:
        cubes = [np.maximum(values - at, 0) ** 3 for at in (knot, before, last)]
        weights = (1.0, -(last - knot) / (last - before), (before - knot) / (last - before))
        cubic = np.tensordot(weights, np.array(cubes), axes=1)
        columns.append(cubic / (last - knots[0]) ** 2)
    return np.column_stack(columns)


# -- inside ----------------------------------------------------------------------------------------------------------


def _names(first_term: int, design: Design | None, n: int) -> list[str]:
    names = ["intercept", *("tenure" for _ in range(first_term - 1)), *(design.names if design else ())]
    return names + [f"{name} by tenure" for name in names[first_term:]][: n - len(names)]


def _silences(rows: pd.DataFrame, account: Ints, start: Ints) -> Silences:
    ordered = rows["ordered"].to_numpy(dtype=bool)
    total = np.cumsum(ordered)
    end = np.append(start[1:], len(rows)) - 1
    return Silences(
        start=start,
        account=account,
        is_open=(total == total[end][account]) & ~ordered,
        ordered=ordered,
        rhythm=describe_rhythm(
            account,
            rows["n_silent"].to_numpy(dtype=np.int64),
            ordered,
            rows["period"].dt.month.to_numpy(),
        ),
    )


def _require_events(rows: pd.DataFrame, event: Floats) -> None:
    if not event.any():
        raise NoEventError(
            f"None of {rows['customer_id'].nunique():,} accounts was lost.",
            where=f"{len(rows):,} account-periods at risk",
            hint="Use a smaller k or more periods.",
        )
    if event.all():
        raise NoEventError(
            f"All of {len(event):,} account-periods end with a loss: nothing tells one from another.",
            hint="Use shorter periods or more data.",
        )


def _fit_seen(x: Floats, event: Floats, account: Ints, link: Link, names: Sequence[str]) -> tuple[Floats, Floats]:
    """Maximum likelihood with errors clustered by account."""
    family = families.Binomial(families.links.CLogLog() if link == "cloglog" else families.links.Logit())
    fitted = GLM(event, x, family=family).fit(
        maxiter=100, cov_type="cluster", cov_kwds={"groups": account, "use_correction": True}
    )
    if not fitted.converged:
        raise NotConvergedError("The hazard did not settle.", where=", ".join(names[1:]), hint="Use fewer terms.")
    return np.asarray(fitted.params), np.asarray(fitted.cov_params())


def _refuse_few(event: Floats, n_parameters: int) -> None:
    if event.sum() < n_parameters:
        raise ModelError(
            f"There are {event.sum():.0f} losses, fewer than the {n_parameters} parameters of the hazard.",
            hint="Use fewer terms, n_knots=0, or more data.",
        )


def _refuse_separation(x: Floats, event: Floats, names: Sequence[str], first_term: int) -> None:
    """Raise if nobody was lost on one side of a column that says yes or no, or everybody was."""
    for column in range(first_term, x.shape[1]):
        values = x[:, column]
        if not np.isin(values, (0.0, 1.0)).all():
            continue
        for side in (0.0, 1.0):
            of_side = event[values == side]
            if len(of_side) and (not of_side.any() or of_side.all()):
                raise NotConvergedError(
                    f"{'Nobody' if not of_side.any() else 'Everybody'} was lost among the {len(of_side):,} account-periods "
                    f"{'with' if side else 'without'} {names[column]!r}: its coefficient has no finite estimate.",
                    hint="Leave the term out, or pool its levels.",
                )


def _refuse_boundary(beta: Floats, cov: Floats, names: Sequence[str], first_term: int) -> None:
    errors = np.sqrt(np.maximum(np.diag(cov), 0))
    if np.isfinite(errors).all() and np.abs(beta).max() < BOUNDARY and errors[first_term:].max(initial=0.0) < _UNSURE:
        return
    worst = int(np.argmax(np.where(np.arange(len(beta)) > 0, np.abs(beta) + errors, 0.0)))
    raise NotConvergedError(
        f"The coefficient of {names[worst]!r} has no finite estimate: it tells all losses from the rest, or none.",
        hint="Leave the term out, pool its levels, or use fewer knots.",
    )
