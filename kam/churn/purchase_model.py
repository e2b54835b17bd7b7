"""What the models of "buy till you die" share: histories of purchases in, probabilities and expectations out.

A customer's history is three numbers, all counted from the first purchase and in one unit of time of the caller's choice
(days, weeks): ``frequency``, how many purchases followed the first; ``recency``, the time of the last of them (0 without one);
``T``, how long the customer has been observed. Every such model says that a customer buys for a while and then, unseen, stops.
The likelihood of a history is therefore a sum of two: still buying at T, or stopped before.
"""

# ruff: noqa: N803

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, TypeVar

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from kam.churn.likelihood import approach, maximize
from kam.errors import EmptyDataError, NoEventError, ParameterError

Floats = npt.NDArray[np.float64]
Model = TypeVar("Model", bound="PurchaseModel")

_FEW = 2000  # customers on whom a fit comes near before it looks at all


@dataclass(frozen=True)
class Histories:
    """Different histories and how many customers have each: ``x`` (frequency), ``t_x`` (recency), ``t`` (T), ``n``, all (H,)."""

    x: Floats
    t_x: Floats
    t: Floats
    n: Floats

    def in_unit(self, unit: float) -> Histories:
        """The same with times counted in a longer or shorter unit."""
        return Histories(self.x, self.t_x / unit, self.t / unit, self.n)

    def per_longest(self) -> float:
        """Repeat purchases of a customer in the time of the longest T, on average."""
        return float(self.n @ self.x / (self.n @ self.t) * self.t.max())

    def thinned(self, n_customers: int) -> Histories:
        """At most so many customers, evenly from all in the order of their histories; all if there are no more."""
        step = max(1.0, self.n.sum() / n_customers)
        upto = np.floor(np.cumsum(self.n) / step + 0.5)
        n = np.diff(upto, prepend=0)
        kept = n > 0
        return Histories(self.x[kept], self.t_x[kept], self.t[kept], n[kept])


def distinct_histories(frequency: npt.ArrayLike, recency: npt.ArrayLike, T: npt.ArrayLike) -> Histories:
    """Check the histories of customers, shape (N,) each, and count equal ones once.

    Raises
    ------
    ParameterError
        The arrays differ in shape, or a history is impossible; the first such customer is named by position.
    EmptyDataError
        There is no customer.
    NoEventError
        Nobody bought a second time.
    """
    columns = [np.asarray(column, dtype=np.float64) for column in (frequency, recency, T)]
    shapes = [column.shape for column in columns]
    if len(shapes[0]) != 1 or len(set(shapes)) > 1:
        raise ParameterError(
            f"frequency, recency and T have the shapes {', '.join(map(str, shapes))}.",
            hint="Give one number per customer in each.",
        )
    if not len(columns[0]):
        raise EmptyDataError("There is no customer to fit a model of purchases on.")
    x, t_x, t = checked_histories(*columns)
    if not x.any():
        raise NoEventError(
            "No customer bought a second time: how often customers buy is not known.", hint="Take a longer history."
        )
    order = np.lexsort((t, t_x, x))
    rows = np.column_stack([x, t_x, t])[order]
    first = np.flatnonzero(np.r_[True, (rows[1:] != rows[:-1]).any(axis=1)])
    x, t_x, t = rows[first].T
    return Histories(x, t_x, t, np.diff(np.r_[first, len(rows)]).astype(np.float64))


def checked_histories(
    frequency: npt.ArrayLike, recency: npt.ArrayLike, T: npt.ArrayLike
) -> tuple[Floats, Floats, Floats]:
    """The three as arrays of one shape; raise ParameterError unless each history is possible."""
    x, t_x, t = np.broadcast_arrays(*(np.asarray(column, dtype=np.float64) for column in (frequency, recency, T)))
    for bad, what in (
        (~(np.isfinite(x) & (x >= 0) & (x == np.floor(x))), "a frequency that is no whole number of 0 or more"),
        (~(np.isfinite(t_x) & np.isfinite(t) & (t_x >= 0)), "a recency or T that is missing, infinite or below 0"),
        (t_x > t, "a recency above T"),
        ((x == 0) != (t_x == 0), "a recency of 0 with repeat purchases, or above 0 without"),
    ):
        if bad.any():
            i = int(np.flatnonzero(bad)[0])
            raise ParameterError(
                f"{int(bad.sum()):,} of {bad.size:,} customers have {what}.",
                where=f"position {i}, counted from 0: frequency {x.flat[i]:g}, recency {t_x.flat[i]:g}, T {t.flat[i]:g}",
                hint="Count purchases on one day as one, and times from the first purchase: recency to the last, T to now.",
            )
    return x, t_x, t


@dataclass(frozen=True, eq=False, kw_only=True)
class PurchaseModel(ABC):
    """A fitted model of purchases; times are in the unit of the histories that it was fitted on.

    Attributes
    ----------
    label : str
        The name of the model.
    times : frozenset of str
        The parameters that are times.
    params : dict of float
        The estimates by name.
    std_errors : dict of float
        Their standard errors, from the curvature of the (penalized) log-likelihood at the estimates; none for a parameter
        that a penalized fit holds at 0 because nothing in the histories speaks for it (nobody seems to stop).
    log_likelihood : float
        Of all customers, in the caller's unit of time, without the penalty.
    n_customers : int
        Customers fitted on.
    penalty : float
        What was added to the mean negative log-likelihood, times the sum of squared parameters; 0: nothing.
    """

    label: ClassVar[str]
    times: ClassVar[frozenset[str]]
    params: dict[str, float]
    std_errors: dict[str, float]
    log_likelihood: float
    n_customers: int
    penalty: float

    def p_alive(self, frequency: npt.ArrayLike, recency: npt.ArrayLike, T: npt.ArrayLike) -> Floats:
        """Probability that the customer still buys at T, given the history; the inputs are broadcast against each other."""
        alive, stopped = self._log_terms(*checked_histories(frequency, recency, T))
        return np.asarray(expit(alive - stopped))

    def p_no_order(
        self,
        t: npt.ArrayLike,
        frequency: npt.ArrayLike,
        recency: npt.ArrayLike,
        T: npt.ArrayLike,
    ) -> Floats:
        """Probability of no purchase in (T, T + t], given the history: exactly, whether stopped or only waiting.

        It is L(x, t_x, T + t) / L(x, t_x, T), with L the likelihood of the history: a customer who buys nothing in
        (T, T + t] has at T + t the same frequency and recency as at T.
        """
        x, t_x, now, ahead = self._checked(t, frequency, recency, T)
        alive, stopped = self._log_terms(x, t_x, now)
        later_alive, later_stopped = self._log_terms(x, t_x, now + ahead)
        ratio = np.logaddexp(later_alive, later_stopped) - np.logaddexp(alive, stopped)
        return np.asarray(np.exp(np.minimum(ratio, 0.0)))

    def expected_purchases(
        self,
        t: npt.ArrayLike,
        frequency: npt.ArrayLike,
        recency: npt.ArrayLike,
        T: npt.ArrayLike,
    ) -> Floats:
        """Expected number of purchases in (T, T + t], given the history."""
        x, t_x, now, ahead = self._checked(t, frequency, recency, T)
        return self.p_alive(x, t_x, now) * self._expected_if_alive(x, t_x, now, ahead)

    def _checked(self, t: npt.ArrayLike, *history: npt.ArrayLike) -> tuple[Floats, Floats, Floats, Floats]:
        ahead = np.asarray(t, dtype=np.float64)
        if not (np.isfinite(ahead) & (ahead >= 0)).all():
            raise ParameterError(
                "The time ahead is below 0, missing or infinite.", hint="Give 0 or more, such as 13 weeks."
            )
        x, t_x, now, ahead = np.broadcast_arrays(*checked_histories(*history), ahead)
        return x, t_x, now, ahead

    @abstractmethod
    def _log_terms(self, x: Floats, t_x: Floats, t: Floats) -> tuple[Floats, Floats]:
        """Logarithms of the likelihood together with "still buys at t" and with "stopped before", up to a factor without t."""

    @abstractmethod
    def _expected_if_alive(self, x: Floats, t_x: Floats, t: Floats, ahead: Floats) -> Floats:
        """Expected number of purchases in (t, t + ahead] of one who still buys at t."""


def fit_purchases(
    kind: type[Model],
    log_likelihood: Callable[[Floats, Histories], tuple[float, Floats]],
    histories: Histories,
    start: Mapping[str, float],
    *,
    penalty: float,
) -> Model:
    """Fit a model of purchases by maximum likelihood, with times counted in units of the longest T.

    Parameters
    ----------
    kind : type
        The model.
    log_likelihood : callable
        Takes parameters, shape (P,), and histories; returns the log-likelihood of all customers and its gradient.
    histories : Histories
        In the caller's unit.
    start : mapping
        Parameters by name to begin at, times as shares of the longest T.
    penalty : float
        See :func:`kam.churn.likelihood.maximize`.

    Raises
    ------
    NotConvergedError, ParameterError
        See there.
    """
    unit = float(histories.t.max())
    scaled = histories.in_unit(unit)
    few = scaled.thinned(_FEW)
    near = approach(lambda values: log_likelihood(values, few), start, n=float(few.n.sum()), penalty=penalty)
    found = maximize(
        lambda values: log_likelihood(values, scaled),
        near,
        n=float(scaled.n.sum()),
        penalty=penalty,
        model=kind.label,
    )
    back = np.array([unit if name in kind.times else 1.0 for name in found.names])
    params, std_errors = found.named(back)
    return kind(
        params=params,
        std_errors=std_errors,
        log_likelihood=log_likelihood(found.values * back, histories)[0],
        n_customers=int(histories.n.sum()),
        penalty=penalty,
    )
