"""Maximum likelihood for models whose parameters are all above 0: the estimates, their errors, and a refusal at a boundary."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import NoReturn

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from kam.errors import NotConvergedError, ParameterError

Floats = npt.NDArray[np.float64]
#: Parameters in, log-likelihood and its gradient out.
LogLikelihood = Callable[[Floats], tuple[float, Floats]]

_EDGE = 12.0  # logarithms of the parameters beyond which they are taken to run to 0 or to infinity
_LOOSE = 10.0  # standard error of a logarithm above which the likelihood is flat in that parameter
_SETTLED = 1e-10  # what a further Newton step may still add to the mean log-likelihood
_FAR = 3.0  # logarithm of a parameter from which on "no best value" is said as "runs to 0" or "to infinity"
_STEPS = 50
_HINT = "Take a longer history or more customers, or a model that fits how they buy."


@dataclass(frozen=True)
class Estimates:
    """Where the (penalized) likelihood is highest: ``names``, ``values`` and ``std_errors``, shape (P,).

    The standard error of a parameter that is held at 0 is missing.
    """

    names: tuple[str, ...]
    values: Floats
    std_errors: Floats

    def named(self, units: Floats) -> tuple[dict[str, float], dict[str, float]]:
        """Estimates and standard errors by name, times the unit of each parameter; without the errors that are missing."""
        values, errors = (
            dict(zip(self.names, (of * units).tolist(), strict=True)) for of in (self.values, self.std_errors)
        )
        return values, {name: error for name, error in errors.items() if isfinite(error)}


def maximize(
    log_likelihood: LogLikelihood,
    start: Mapping[str, float],
    *,
    n: float,
    penalty: float = 0.0,
    model: str,
) -> Estimates:
    """Find the parameters, all above 0, with the highest log-likelihood less n × penalty × the sum of their squares.

    Works on the logarithms of the parameters: L-BFGS, then Newton steps until nothing is gained. Standard errors are those of
    the curvature there (delta method).

    Parameters
    ----------
    log_likelihood : callable
        Takes the parameters, shape (P,), and returns the log-likelihood of all customers and its gradient, shape (P,). Times
        must be in a unit in which parameters between exp(−12) and exp(12) say all there is to say.
    start : mapping
        Parameters by name to begin at.
    n : float
        Number of customers.
    penalty : float
        0 or more. It keeps parameters from running to infinity. With one, a parameter that runs to 0 is held there (at
        exp(−12)), so that there is an answer in either case; without, both are refused.
    model : str
        Its name in errors.

    Raises
    ------
    NotConvergedError
        The likelihood has no highest point inside: names the parameter and where it runs to.
    ParameterError
        The penalty is negative.

    Examples
    --------
    >>> five_in_two_years = lambda v: (5 * np.log(v[0]) - 2 * v[0], 5 / v - 2)
    >>> maximize(five_in_two_years, {"rate": 1.0}, n=5, model="a rate")
    Estimates(names=('rate',), values=array([2.5]), std_errors=array([1.118...]))
    """
    near = approach(log_likelihood, start, n=n, penalty=penalty)
    return _settled(
        _objective(log_likelihood, n, penalty), np.log(list(near.values())), list(near), n, model, penalty > 0
    )


def approach(
    log_likelihood: LogLikelihood, start: Mapping[str, float], *, n: float, penalty: float = 0.0
) -> dict[str, float]:
    """Come near the highest point, by L-BFGS, without asking whether there is one; as :func:`maximize`."""
    found = minimize(
        _objective(log_likelihood, n, penalty),
        np.log(list(start.values())),
        jac=True,
        method="L-BFGS-B",
        bounds=[(-_EDGE, _EDGE)] * len(start),
        options={"maxiter": 40, "ftol": 1e-9, "gtol": 1e-5},
    )
    return dict(zip(start, np.exp(found.x).tolist(), strict=True))


def _objective(log_likelihood: LogLikelihood, n: float, penalty: float) -> LogLikelihood:
    """What is made small: of the logarithms of the parameters, per customer."""
    if not (np.isfinite(penalty) and penalty >= 0):
        raise ParameterError(f"The penalty is {penalty}.", hint="Give 0 for none, or a small number such as 0.001.")

    def objective(u: Floats) -> tuple[float, Floats]:
        values = np.exp(u)
        value, gradient = log_likelihood(values)
        return -value / n + penalty * float(values @ values), -gradient * values / n + 2 * penalty * values**2

    return objective


def _settled(objective: LogLikelihood, u: Floats, names: list[str], n: float, model: str, hold: bool) -> Estimates:
    """Newton steps to the top, and standard errors there; raises where there is no top."""
    free = np.ones(len(u), dtype=bool)
    for _ in range(_STEPS):
        value, gradient = objective(u)
        curvature = _curvature(objective, u, free)
        if not (np.isfinite(curvature).all() and np.isfinite(value)):
            break
        eigenvalues, vectors = np.linalg.eigh(curvature)
        step = np.zeros(len(u))
        step[free] = -vectors @ ((vectors.T @ gradient[free]) / np.maximum(np.abs(eigenvalues), 1e-12))
        gain = -float(gradient @ step) / 2
        inside = eigenvalues[0] > 0 and np.abs(u[free]).max() < _EDGE
        flat = inside and n * eigenvalues[0] < _LOOSE**-2 and n * gain < _LOOSE**-2
        if inside and gain < _SETTLED and not flat:
            values = np.exp(u + step)
            errors = np.full(len(u), np.nan)
            errors[free] = values[free] * np.sqrt(np.diag(vectors @ np.diag(1 / (n * eigenvalues)) @ vectors.T))
            return Estimates(tuple(names), values, errors)
        step *= min(1.0, 2 / np.abs(step).max())
        ahead = (np.clip(u + step / 2**halvings, -_EDGE, _EDGE) for halvings in range(30))
        better = None if flat else next((v for v in ahead if objective(v)[0] < value), None)
        if better is not None and np.abs(better[free]).max() < _EDGE:
            u = better
            continue
        at = u if better is None else better
        direction = np.zeros(len(u))
        direction[free] = np.abs(vectors[:, 0])
        worst = int((np.abs(at) * free if np.abs(at[free]).max() >= _EDGE else direction).argmax())
        if not (hold and at[worst] < -_FAR and free.sum() > 1):
            _refuse(names[worst], at[worst], model)
        u, free[worst] = at.copy(), False
        u[worst] = -_EDGE
    raise NotConvergedError(f"The estimates of {model} do not settle.", hint=_HINT)


def _curvature(objective: LogLikelihood, u: Floats, free: npt.NDArray[np.bool_]) -> Floats:
    """Second derivatives by the free parameters, from central differences of the gradient."""
    step = 1e-4
    rows = [(objective(u + step * e)[1] - objective(u - step * e)[1]) / (2 * step) for e in np.eye(len(u))[free]]
    curvature = np.array(rows)[:, free]
    return (curvature + curvature.T) / 2


def _refuse(name: str, at: float, model: str) -> NoReturn:
    what = "has no best value" if abs(at) < _FAR else f"runs to {'infinity' if at > 0 else '0'}"
    hint = _HINT if at < -_FAR else f"Give a penalty such as 0.001. {_HINT}"
    raise NotConvergedError(f"{model} cannot be estimated on these customers: the parameter {name} {what}.", hint=hint)
