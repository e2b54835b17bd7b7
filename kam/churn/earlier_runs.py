"""What earlier runs forecast: the churn forecasts and call lists that a reports folder holds, read with suspicion.

A reports folder has one folder per run, and in it one per step with a ``results.json`` beside ``tables/``. Files may be damaged,
cut off, or written by another version: whatever cannot be read is listed with its reason, and stops nothing.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kam.errors import KamError
from kam.results import published_runs, read_results_json

FORECAST, CALL_LIST = "ChurnForecastResult", "CallListResult"
_COLUMNS = ("customer_id", "origin", "at_risk", "p_no_order", "expected_revenue")
_BROKEN = (KamError, OSError, ValueError, KeyError, TypeError, AttributeError, NotImplementedError, RecursionError)


@dataclass(frozen=True, eq=False, kw_only=True)
class EarlierForecast:
    """One churn forecast of an earlier run.

    Attributes
    ----------
    run : str
        The run's folder.
    origin : datetime.date
        Day from which it looks ahead.
    horizon_days : int
    customers : pandas.DataFrame
        ``customer_id, origin, at_risk, p_no_order, expected_revenue`` and more.
    stated : (float, float, float) or None
        Where the number of accounts at risk without an order lies, as the forecast stated it, and the level of that; None: it
        stated none.
    calls : pandas.DataFrame or None
        ``customer_id, list_part, called_before`` of the call list of the same step.
    """

    run: str
    origin: date
    horizon_days: int
    customers: pd.DataFrame
    stated: tuple[float, float, float] | None
    calls: pd.DataFrame | None

    @property
    def until(self) -> pd.Timestamp:
        """The first day on which all of the horizon is over."""
        return pd.Timestamp(self.origin) + pd.Timedelta(days=self.horizon_days)


@dataclass(frozen=True, eq=False, kw_only=True)
class EarlierRuns:
    """What a reports folder holds of one dataset.

    Attributes
    ----------
    forecasts : tuple of EarlierForecast
        Oldest run first.
    problems : tuple of (str, str)
        Run and step that could not be read, or not wholly, and why.
    n_other : int
        Forecasts of other datasets.
    is_there : bool
        Whether there is such a folder.
    """

    forecasts: tuple[EarlierForecast, ...]
    problems: tuple[tuple[str, str], ...]
    n_other: int
    is_there: bool


def read_earlier_runs(history: str | os.PathLike[str], dataset: str) -> EarlierRuns:
    """Read the churn forecasts of a dataset from a reports folder.

    Runs that are still at work (``.part-…``) are left aside.

    Parameters
    ----------
    history : path
        The reports folder; empty: none.
    dataset : str
        Name of the dataset.
    """
    root = Path(history)
    if not os.fspath(history) or not root.is_dir():
        return EarlierRuns(forecasts=(), problems=(), n_other=0, is_there=False)
    forecasts, problems, n_other = [], [], 0
    for file in (file for run in published_runs(root) for file in sorted(run.glob("*/results.json"))):
        run = file.parent.parent.name
        place = f"{run}/{file.parent.name}"
        try:
            results = read_results_json(file)["results"]
            entry = _find(results, FORECAST)
            if entry is None:
                continue
            if entry["context"]["dataset"] != dataset:
                n_other += 1
                continue
            forecast = _read_forecast(run, entry, file.parent / "tables")
        except _BROKEN as error:
            problems.append((place, _why(error)))
            continue
        try:
            forecast = replace(forecast, calls=_read_calls(_find(results, CALL_LIST), file.parent / "tables"))
        except _BROKEN as error:
            problems.append((place, f"call list: {_why(error)}"))
        forecasts.append(forecast)
    return EarlierRuns(forecasts=tuple(forecasts), problems=tuple(problems), n_other=n_other, is_there=True)


# -- inside ----------------------------------------------------------------------------------------------------------


def _find(results: Mapping[str, Any], kind: str) -> Mapping[str, Any] | None:
    """The entry of a class among the results of a step."""
    found = [entry for entry in results.values() if str(entry["type"]).rpartition(":")[2] == kind]
    return found[0] if found else None


def _read_forecast(run: str, entry: Mapping[str, Any], tables: Path) -> EarlierForecast:
    horizon = entry["fields"]["horizon_days"]
    if isinstance(horizon, bool) or not isinstance(horizon, int) or not 1 <= horizon <= 364:
        raise ValueError(f"horizon_days is {horizon!r}")
    customers = _read_table(entry, "customers", tables)
    missing = [name for name in _COLUMNS if name not in customers.columns]
    if missing:
        raise ValueError(f"the forecast lacks {', '.join(missing)}")
    if customers.empty:
        raise ValueError("the forecast has no customer")
    if not pd.api.types.is_datetime64_dtype(customers["origin"]):
        raise ValueError("the origin of the forecast is no day")
    if customers["origin"].isna().any() or customers["origin"].nunique() != 1:
        raise ValueError("the forecast has no single origin")
    _check_ids(customers["customer_id"])
    p, money = (customers[name].to_numpy(dtype=float, na_value=np.nan) for name in ("p_no_order", "expected_revenue"))
    if not ((p >= 0) & (p <= 1)).all() or not np.isfinite(money).all() or customers["at_risk"].isna().any():
        raise ValueError("a forecast is missing or out of range")
    return EarlierForecast(
        run=run,
        origin=customers["origin"].iloc[0].date(),
        horizon_days=horizon,
        customers=customers.assign(p_no_order=p, expected_revenue=money, at_risk=customers["at_risk"].astype(bool)),
        stated=_read_stated(entry["fields"]),
        calls=None,
    )


def _read_stated(fields: Mapping[str, Any]) -> tuple[float, float, float] | None:
    found = [fields.get(name) for name in ("n_low", "n_high", "level")]
    if any(one is None for one in found):
        return None
    if any(isinstance(one, bool) or not isinstance(one, int | float) for one in found):
        raise ValueError("the interval that the forecast states is no number")
    low, high, level = (float(one) for one in found if one is not None)
    if not (0 <= low <= high < np.inf and 0 < level < 1):
        raise ValueError(f"the forecast states an interval from {low} to {high} at level {level}")
    return low, high, level


def _read_calls(entry: Mapping[str, Any] | None, tables: Path) -> pd.DataFrame | None:
    if entry is None:
        return None
    calls = _read_table(entry, "calls", tables)
    _check_ids(calls["customer_id"])
    if not calls["list_part"].isin(("call", "hold-out")).all():
        raise ValueError("an account is neither to call nor held out")
    if "called_before" not in calls.columns:  # written before lists knew of one another
        return calls[["customer_id", "list_part"]].assign(called_before=False)
    if not pd.api.types.is_bool_dtype(calls["called_before"]) or calls["called_before"].isna().any():
        raise ValueError("called_before is not yes or no")
    return calls[["customer_id", "list_part", "called_before"]]


def _read_table(entry: Mapping[str, Any], name: str, tables: Path) -> pd.DataFrame:
    file = entry["tables"][name]
    if file != Path(file).name:
        raise ValueError(f"table {name!r} lies outside its folder")
    return pd.read_parquet(tables / file)


def _check_ids(ids: pd.Series) -> None:
    if not ids.map(lambda one: isinstance(one, str)).all() or ids.duplicated().any():
        raise ValueError("a customer has no identifier, or stands twice")


def _why(error: BaseException) -> str:
    if isinstance(error, KamError):
        return error.what
    if isinstance(error, KeyError):
        return f"there is no {error}"
    return f"{type(error).__name__}: {error}".splitlines()[0][:200].rstrip(": ")
