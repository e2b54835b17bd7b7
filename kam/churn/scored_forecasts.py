"""Forecasts of several models set against what then happened, as arrays: checked, and of the same accounts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.errors import DataError, EmptyDataError, MissingColumnError, NoEventError, ParameterError
from kam.wording import N_

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

AT_RISK, ALL = N_("at risk"), N_("all")
POPULATIONS = (AT_RISK, ALL)

_KEY = ["origin", "customer_id"]
_FORECAST = ["model", *_KEY, "p_no_order", "expected_revenue"]
_ROW = [*_KEY, "at_risk", "revenue_year", "revenue_next", "no_order"]


@dataclass(frozen=True, eq=False)
class Scored:
    """What was forecast of n accounts, counted once per origin, and what then happened.

    Attributes
    ----------
    models : tuple of str
        The reference first.
    origins : tuple of pandas.Timestamp
        Ascending.
    customer, origin : numpy.ndarray, shape (n,)
        Codes of the account and of the origin.
    n_customers : int
        Different accounts.
    at_risk : numpy.ndarray of bool, shape (n,)
        Not yet churned at the origin.
    event : numpy.ndarray, shape (n,)
        1: no order after the origin.
    revenue, money : numpy.ndarray, shape (n,)
        Gross revenue after the origin, and in the year before it.
    p, expected : numpy.ndarray, shape (n_models, n)
        Probability of no order, and expected revenue; not a number where the model has no forecast from the origin.
    covered : numpy.ndarray of bool, shape (n_models, n_origins)
        Which model has forecasts from which origin.
    missing : pandas.DataFrame
        ``model, origin, reason`` of the forecasts that there are not.
    made_before : numpy.ndarray of bool, shape (n_forecasts,), or None
        Whether each forecast was made from data before its origin; None: the forecasts do not say.
    """

    models: tuple[str, ...]
    origins: tuple[pd.Timestamp, ...]
    customer: Ints
    origin: Ints
    n_customers: int
    at_risk: Flags
    event: Floats
    revenue: Floats
    money: Floats
    p: Floats
    expected: Floats
    covered: Flags
    missing: pd.DataFrame
    made_before: Flags | None

    def rows(self, population: str, origin: int | None = None) -> Ints:
        """Which accounts belong to a population, at one origin or at all."""
        inside = self.at_risk if population == AT_RISK else np.ones(len(self.event), dtype=bool)
        return np.flatnonzero(inside if origin is None else inside & (self.origin == origin))


def read_scored(
    forecasts: pd.DataFrame, rows: pd.DataFrame, *, reference: str, not_fitted: pd.DataFrame | None
) -> Scored:
    """Set forecasts against the snapshots of their origins.

    Parameters
    ----------
    forecasts : pandas.DataFrame
        ``model, origin, customer_id, p_no_order, expected_revenue``, and if known ``as_of``, the last day whose data a forecast
        knew.
    rows : pandas.DataFrame
        ``origin, customer_id, at_risk, revenue_year, revenue_next, no_order``; other origins than those of the forecasts are left
        aside.
    reference : str
        The model with which the others are compared.
    not_fitted : pandas.DataFrame, optional
        ``model, origin, reason``.

    Raises
    ------
    MissingColumnError, EmptyDataError, DataError, ParameterError, NoEventError
        As :func:`kam.churn.comparison.score_forecasts`.
    """
    _need("forecasts", forecasts, _FORECAST)
    _need("snapshots", rows, _ROW)
    if forecasts.empty:
        raise EmptyDataError("There are no forecasts to score.")
    models = list(dict.fromkeys(forecasts["model"].astype(str)))
    if reference not in models:
        raise ParameterError(
            f"There is no model {reference!r}.",
            where=f"models {', '.join(models)}",
            hint="Name a model of the forecasts as reference.",
        )
    models = [reference, *(name for name in models if name != reference)]
    made = pd.to_datetime(forecasts["origin"])
    days = pd.to_datetime(rows["origin"])
    origins = sorted(made.unique())
    rows = rows.assign(origin=days).loc[days.isin(origins), _ROW].sort_values(_KEY, ignore_index=True)
    _check_rows(rows, origins)

    names, customer = np.unique(rows["customer_id"].astype(str).to_numpy(dtype=object), return_inverse=True)
    place = np.full((len(origins), len(names)), -1)
    origin = pd.DatetimeIndex(origins).get_indexer(pd.DatetimeIndex(rows["origin"]))
    if rows.duplicated(_KEY).any():
        raise DataError(
            "An account stands twice in the snapshots of an origin.", where=_who(rows[rows.duplicated(_KEY)])
        )
    place[origin, customer] = np.arange(len(rows))

    model = pd.Index(models).get_indexer(pd.Index(forecasts["model"].astype(str)))
    account = pd.Index(names).get_indexer(pd.Index(forecasts["customer_id"].astype(str)))
    at = pd.DatetimeIndex(origins).get_indexer(pd.DatetimeIndex(made))
    row = np.where(account >= 0, place[at, account], -1)
    if (row < 0).any():
        raise DataError(
            "A forecast is of an account that the snapshots do not have at its origin.",
            where=_who(forecasts.assign(origin=made)[row < 0]),
            hint="Score forecasts with the snapshots that they were made from.",
        )
    times = np.bincount(model * len(rows) + row, minlength=len(models) * len(rows)).reshape(len(models), -1)
    if (times > 1).any():
        twice = forecasts.assign(origin=made)[times[model, row] > 1]
        raise DataError("A model has two forecasts of the same account and origin.", where=_who(twice, model=True))
    p, expected = (_spread(forecasts.assign(origin=made), name, model, row, times.shape) for name in _FORECAST[-2:])
    covered = np.stack([[times[m, origin == o].any() for o in range(len(origins))] for m in range(len(models))])
    for m, name in enumerate(models):
        holes = covered[m][origin] & (times[m] == 0)
        if holes.any():
            raise DataError(
                f"The model {name!r} has no forecast of some accounts.",
                where=_who(rows[holes]),
                hint="All models are scored on the same accounts: forecast all of an origin or none.",
            )
    return Scored(
        models=tuple(models),
        origins=tuple(pd.Timestamp(day) for day in origins),
        customer=customer.astype(np.int64),
        origin=origin,
        n_customers=len(names),
        at_risk=rows["at_risk"].to_numpy(dtype=bool),
        event=rows["no_order"].to_numpy(dtype=np.float64),
        revenue=rows["revenue_next"].to_numpy(dtype=np.float64),
        money=np.maximum(rows["revenue_year"].to_numpy(dtype=np.float64), 0.0),
        p=p,
        expected=expected,
        covered=covered,
        missing=_missing(models, origins, covered, not_fitted),
        made_before=(pd.to_datetime(forecasts["as_of"]) < made).to_numpy(dtype=bool) if "as_of" in forecasts else None,
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _need(what: str, frame: pd.DataFrame, columns: Sequence[str]) -> None:
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise MissingColumnError(
            f"The {what} lack {', '.join(missing)}.",
            where=f"columns {list(frame.columns)[:20]}",
            hint="Take the rows of kam.ledger.snapshots." if what == "snapshots" else f"Give {', '.join(columns)}.",
        )


def _check_rows(rows: pd.DataFrame, origins: Sequence[pd.Timestamp]) -> None:
    """What happened is known of every account, and at every origin some placed an order and some did not."""
    known = set(rows["origin"])
    lacking = [day for day in origins if day not in known]
    if lacking:
        raise DataError(
            "The snapshots lack an origin of the forecasts.",
            where=f"origin {_day(lacking[0])}",
            hint="Make the snapshots at the origins of the forecasts.",
        )
    unknown = rows[["at_risk", "revenue_year", "revenue_next", "no_order"]].isna()
    for name in unknown.columns[unknown.any()]:
        raise DataError(
            f"{name} is missing for some accounts: what happened is not known yet."
            if name in ("revenue_next", "no_order")
            else f"{name} is missing for some accounts.",
            where=_who(rows[unknown[name]]),
            hint="Score origins whose horizon is over.",
        )
    for day, of_day in rows.groupby("origin"):
        if not of_day["at_risk"].any():
            raise EmptyDataError("Nobody was at risk.", where=f"origin {_day(day)}", hint="Leave this origin out.")
        for population, part in ((AT_RISK, of_day[of_day["at_risk"].astype(bool)]), (ALL, of_day)):
            n_events = int(part["no_order"].astype(bool).sum())
            if n_events in (0, len(part)):
                raise NoEventError(
                    "Every account placed an order." if n_events == 0 else "No account placed an order.",
                    where=f"origin {_day(day)}, {population}: {len(part)} accounts",
                    hint="Take a longer or a shorter horizon, or leave this origin out.",
                )


def _spread(forecasts: pd.DataFrame, name: str, model: Ints, row: Ints, shape: tuple[int, ...]) -> Floats:
    """A column of the forecasts by model and account; refused if out of range."""
    values = pd.to_numeric(forecasts[name], errors="coerce").to_numpy(dtype=np.float64)
    wrong = ~np.isfinite(values)
    if name == "p_no_order":
        wrong |= (values < 0) | (values > 1)
    if wrong.any():
        first = forecasts[wrong].iloc[[0]]
        what = "a probability between 0 and 1" if name == "p_no_order" else "a sum of money"
        raise DataError(f"{name} is {first[name].iloc[0]}, which is not {what}.", where=_who(first, model=True))
    spread = np.full(shape, np.nan)
    spread[model, row] = values
    return spread


def _missing(
    models: Sequence[str], origins: Sequence[pd.Timestamp], covered: Flags, not_fitted: pd.DataFrame | None
) -> pd.DataFrame:
    """Which forecasts there are not, and why; each must have been accounted for."""
    columns = ["model", "origin", "reason"]
    if not_fitted is None:
        given = pd.DataFrame({name: pd.Series(dtype=str) for name in columns})
    else:
        _need("failures", not_fitted, columns)
        given = not_fitted[columns].astype({"model": str, "reason": str}).reset_index(drop=True)
    given = given.assign(origin=pd.to_datetime(given["origin"]).astype("datetime64[ns]"))
    listed = set(zip(given["model"], given["origin"], strict=True))
    for m, name in enumerate(models):
        for o, day in enumerate(origins):
            if not covered[m, o] and (name, pd.Timestamp(day)) not in listed:
                raise DataError(
                    f"The model {name!r} has no forecasts from an origin of the others.",
                    where=f"origin {_day(day)}",
                    hint="Say why in not_fitted: model, origin, reason.",
                )
            if covered[m, o] and (name, pd.Timestamp(day)) in listed:
                raise DataError(
                    f"The model {name!r} has forecasts, though not_fitted says that it was not fitted.",
                    where=f"origin {_day(day)}",
                )
    return given


def _day(day: object) -> str:
    return str(pd.Timestamp(day).date())  # type: ignore[arg-type]


def _who(rows: pd.DataFrame, *, model: bool = False) -> str:
    first = rows.iloc[0]
    who = f"model {first['model']}, " if model else ""
    more = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
    return f"{who}origin {_day(first['origin'])}, account {first['customer_id']}{more}"
