"""What else was known of a customer on a day: account facts, events, answers and the market around."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.errors import ColumnTypeError, DataError, LeakageError, MissingColumnError, ParameterError
from kam.ledger.purchase_windows import RECENT_DAYS

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

NEEDED = {
    "accounts": ("customer_id",),
    "events": ("customer_id", "date", "kind"),
    "external": ("series", "month", "value"),
    "survey": ("customer_id", "wave", "overall"),
}
_DATES = {
    "accounts": ("since", "manager_since"),
    "events": ("date",),
    "external": ("month", "known_on"),
    "survey": ("answered_on",),
}
_TODAY = ("overdue", "receivable")
"""Balances: nobody can declare them static."""

_DATED = ("customer_id", "since", "manager", "manager_since", "name")


@dataclass(frozen=True, eq=False, kw_only=True)
class Covariates:
    """Tables from which covariates are taken, in the columns of :mod:`kam.dataset.dictionary`; None: there is none.

    Attributes
    ----------
    accounts : pandas.DataFrame or None
        ``customer_id`` and facts; ``since``, ``manager`` and ``manager_since`` are used as they are dated, others if static.
    static : tuple of str
        Undated columns of `accounts` that were the same in the past.
    events : pandas.DataFrame or None
        ``customer_id``, ``date``, ``kind``.
    external : pandas.DataFrame or None
        ``series``, ``month`` (its first day), ``value``, ``known_on`` and perhaps ``region``, ``industry``.
    survey : pandas.DataFrame or None
        ``customer_id``, ``wave``, ``answered_on``, ``overall``.

    Raises
    ------
    MissingColumnError
        A table lacks a column, or a static one is not in `accounts`.
    ColumnTypeError
        A table is no data frame, or a date is not of a date type.
    DataError
        A customer stands twice in `accounts`.
    LeakageError
        A balance of today is declared static.
    ParameterError
        What is declared static is dated, or named twice.
    """

    accounts: pd.DataFrame | None = None
    static: Sequence[str] = ()
    events: pd.DataFrame | None = None
    external: pd.DataFrame | None = None
    survey: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        for name in NEEDED:
            frame = getattr(self, name)
            if frame is not None:
                _check_frame(name, frame)
        if isinstance(self.static, str) or not all(isinstance(column, str) for column in self.static):
            raise ParameterError(f"static is {self.static!r}.", hint="Give the names of columns, as ('industry',).")
        self._check_static(() if self.accounts is None else tuple(self.accounts.columns))
        if self.accounts is not None and self.accounts["customer_id"].duplicated().any():
            twice = self.accounts.loc[self.accounts["customer_id"].duplicated(), "customer_id"].iloc[0]
            raise DataError(f"The customer {twice!r} stands twice in accounts.", hint="Give one row per customer.")

    def _check_static(self, columns: tuple[str, ...]) -> None:
        for column in self.static:
            if column not in columns:
                there = f"columns of accounts: {', '.join(columns)}" if columns else "there are no accounts"
                raise MissingColumnError(f"The column {column!r} is declared static and not there.", where=there)
            if column in _TODAY:
                raise leakage(column)
            if column in _DATED:
                raise ParameterError(
                    f"The column {column!r} of accounts cannot be static.",
                    hint="Leave it out: since, manager and manager_since are used by their dates.",
                )
        if len(set(self.static)) < len(self.static):
            raise ParameterError(f"A column is named twice in static: {', '.join(self.static)}.")

    @property
    def undated(self) -> tuple[str, ...]:
        """Columns of accounts that are known only as of today, so that they are no covariates."""
        if self.accounts is None:
            return ()
        return tuple(name for name in self.accounts.columns if name not in (*_DATED, *self.static))


def leakage(column: str, *, is_outcome: bool = False) -> LeakageError:
    """The error for an outcome, or for an account fact without a date."""
    if is_outcome:
        return LeakageError(f"{column!r} lies on or after the origin: it is an outcome.", hint="Leave it out.")
    return LeakageError(
        f"The column {column!r} of accounts is known only as of today: at an origin in the past it would know the future.",
        hint="Leave it out, or, if it never changes, declare it under tables.accounts.static.",
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class Places:
    """Where covariates are looked up: one entry per row of snapshots.

    Attributes
    ----------
    ids : pandas.Index
        Identifiers of all customers of the ledger, by number.
    customer, origin, first : numpy.ndarray
        Number of the customer; day numbers of the origin and of the first order.
    """

    ids: pd.Index[Any]
    customer: Ints
    origin: Ints
    first: Ints


class Gathered:
    """Columns of covariates with where each is from, and what was left out."""

    def __init__(self) -> None:
        self.columns: dict[str, Any] = {}
        self._sources: list[tuple[str, str, str, int, str]] = []
        self._left_out: list[tuple[str, str, int, str]] = []

    def add(self, term: str, values: Any, *, source: str, unit: str, why: str = "") -> None:
        """Take in a column; `why` some of its values are missing."""
        if term in self.columns:
            raise ParameterError(f"Two covariates are called {term!r}.", hint="Rename the column or the series.")
        values = pd.Series(values)
        n_missing = int(values.isna().sum())
        self.columns[term] = values.array
        self._sources.append((term, source, unit, n_missing, why if n_missing else ""))

    def leave_out(self, term: str, n: int, *, source: str, why: str) -> None:
        """Note what is in no row."""
        if n:
            self._left_out.append((term, source, int(n), why))

    @property
    def sources(self) -> pd.DataFrame:
        """``term, source, unit, n_missing, why``: one row per column."""
        frame = pd.DataFrame(self._sources, columns=["term", "source", "unit", "n_missing", "why"])
        return frame.astype({"n_missing": "int64"} | dict.fromkeys(["term", "source", "unit", "why"], "str"))

    @property
    def left_out(self) -> pd.DataFrame:
        """``term, source, n_cases, why``: what is in no row."""
        frame = pd.DataFrame(self._left_out, columns=["term", "source", "n_cases", "why"])
        return frame.astype({"n_cases": "int64"} | dict.fromkeys(["term", "source", "why"], "str"))


class History:
    """Dated things of some owners, to be counted before a day: days sorted within owner."""

    _SPAN = 2**22

    def __init__(self, owner: Ints, day: Ints) -> None:
        self.order = np.argsort(self._key(owner, day), kind="stable")
        self._keys = self._key(owner, day)[self.order]

    def _key(self, owner: Ints, day: Ints) -> Ints:
        return owner * self._SPAN + np.clip(day + self._SPAN // 2, 0, self._SPAN - 1)

    def count(self, owner: Ints, start: Ints, end: Ints) -> Ints:
        """How many lie in [start, end)."""
        return self._before(owner, end) - self._before(owner, start)

    def last(self, owner: Ints, day: Ints) -> Ints:
        """Position in ``order`` of the last one before a day; −1: none."""
        i = self._before(owner, day) - 1
        return np.where((i >= 0) & (i >= self._before(owner, np.full_like(day, -(2**20)))), i, -1)

    def _before(self, owner: Ints, day: Ints) -> Ints:
        return np.searchsorted(self._keys, self._key(owner, day)).astype(np.int64)


def day_numbers(dates: pd.Series) -> Ints:
    """Days since 1970-01-01; the dates are complete."""
    return dates.to_numpy().astype("datetime64[D]").astype(np.int64)


def tenure_of(covariates: Covariates | None, at: Places, *, start: int, horizon: int) -> tuple[Ints, Bools]:
    """Days as a customer up to the origin, and whether they may be more: bought when the ledger began, `since` not known."""
    since = at.first
    known = np.zeros(len(at.first), dtype=bool)
    if covariates is not None and covariates.accounts is not None and "since" in covariates.accounts.columns:
        given = _dates_of(covariates.accounts, "since", at)
        known = given <= at.first
        since = np.where(known, given, at.first)
    return at.origin - since, (at.first < start + horizon) & ~known


def gather(covariates: Covariates, at: Places, into: Gathered) -> None:
    """Add the columns of all tables that are there."""
    if covariates.events is not None or _has_manager_dates(covariates):
        _add_events(covariates, at, into)
    if covariates.accounts is not None:
        _add_accounts(covariates, covariates.accounts, at, into)
    if covariates.survey is not None:
        _add_survey(covariates.survey, at, into)
    if covariates.external is not None:
        _add_external(covariates.external, covariates, at, into)


# -- inside ----------------------------------------------------------------------------------------------------------


def _check_frame(name: str, frame: object) -> None:
    if not isinstance(frame, pd.DataFrame):
        raise ColumnTypeError(f"{name} is a {type(frame).__name__}, no data frame.", hint="Take Dataset.covariates.")
    for column in NEEDED[name]:
        if column not in frame.columns:
            raise MissingColumnError(f"{name} has no column {column!r}.", where=f"columns {list(frame.columns)}")
    for column in _DATES[name]:
        if column in frame.columns and not pd.api.types.is_datetime64_dtype(frame[column]):
            raise ColumnTypeError(
                f"The column {column!r} of {name} holds no dates.",
                where=f"type {frame[column].dtype}",
                hint="Convert it with pandas.to_datetime, without a time zone.",
            )
    for column in ("value", "overall"):
        if column in NEEDED[name] and not pd.api.types.is_numeric_dtype(frame[column]):
            raise ColumnTypeError(
                f"The column {column!r} of {name} holds no numbers.", where=f"type {frame[column].dtype}"
            )


def _has_manager_dates(covariates: Covariates) -> bool:
    return covariates.accounts is not None and "manager_since" in covariates.accounts.columns


def _positions(accounts: pd.DataFrame, at: Places) -> Ints:
    """Row of accounts for every customer of the ledger; −1: none."""
    return pd.Index(accounts["customer_id"].astype("str")).get_indexer(at.ids).astype(np.int64)


def _values_of(accounts: pd.DataFrame, column: str, at: Places) -> pd.Series:
    row = _positions(accounts, at)[at.customer]
    return accounts[column].reset_index(drop=True).reindex(row).reset_index(drop=True)


def _dates_of(accounts: pd.DataFrame, column: str, at: Places) -> Ints:
    """Day numbers; beyond any day where there is none."""
    dates = _values_of(accounts, column, at)
    days = np.full(len(dates), 2**20, dtype=np.int64)
    days[dates.notna()] = day_numbers(dates.dropna())
    return days


def _known_rows(frame: pd.DataFrame, name: str, date: str, at: Places, into: Gathered) -> tuple[pd.DataFrame, Ints]:
    """The rows of customers of the ledger that have a date, and the number of the customer."""
    number = at.ids.get_indexer(pd.Index(frame["customer_id"].astype("str"))).astype(np.int64)
    dated = frame[date].notna().to_numpy() if date in frame.columns else np.zeros(len(frame), dtype=bool)
    into.leave_out("rows", int((number < 0).sum()), source=name, why="the customer is not in the ledger")
    into.leave_out("rows", int(((number >= 0) & ~dated).sum()), source=name, why=f"{date} is not known")
    kept = (number >= 0) & dated
    return frame[kept], number[kept]


def _add_events(covariates: Covariates, at: Places, into: Gathered) -> None:
    handover = np.zeros(len(at.origin), dtype=bool)
    start = at.origin - RECENT_DAYS
    if _has_manager_dates(covariates):
        assert covariates.accounts is not None
        came = _dates_of(covariates.accounts, "manager_since", at)
        handover = (came >= start) & (came < at.origin) & (came > at.first)
    if covariates.events is None:
        into.add("handover", handover, source="accounts", unit="yes or no")
        return
    events, customer = _known_rows(covariates.events, "events", "date", at, into)
    day, kind = day_numbers(events["date"]), events["kind"].to_numpy()

    def of(*kinds: str) -> tuple[History, Ints]:
        chosen = np.isin(kind.astype(str), kinds)
        return History(customer[chosen], day[chosen]), day[chosen]

    complaints, _ = of("complaint")
    into.add(
        "n_complaints", complaints.count(at.customer, start, at.origin), source="events", unit=f"{RECENT_DAYS} days"
    )
    contacts, days = of("contact", "visit")
    last = contacts.last(at.customer, at.origin)
    since = np.full(len(last), np.nan)
    since[last >= 0] = at.origin[last >= 0] - days[contacts.order[last[last >= 0]]]
    into.add("days_since_contact", since, source="events", unit="days", why="no contact and no visit before the origin")
    handovers, _ = of("handover")
    handover |= handovers.count(at.customer, start, at.origin) > 0
    into.add("handover", handover, source="events", unit="yes or no")
    offers, _ = of("offer")
    into.add("n_offers", offers.count(at.customer, start, at.origin), source="events", unit=f"{RECENT_DAYS} days")


def _add_accounts(covariates: Covariates, accounts: pd.DataFrame, at: Places, into: Gathered) -> None:
    for column in covariates.static:
        into.add(
            column,
            _values_of(accounts, column, at),
            source="accounts",
            unit="as given",
            why="no row in accounts, or no value there",
        )
    for column in covariates.undated:
        n = int(accounts[column].notna().sum())
        into.leave_out(column, n, source="accounts", why="known only as of today, not declared static")
    if "manager" not in accounts.columns:
        return
    if "manager_since" not in accounts.columns:
        why = "without manager_since nobody knows since when"
        into.leave_out("manager", int(accounts["manager"].notna().sum()), source="accounts", why=why)
        return
    manager = _values_of(accounts, "manager", at)
    into.add(
        "manager",
        manager.where(_dates_of(accounts, "manager_since", at) < at.origin),
        source="accounts",
        unit="name",
        why="no manager, or one who came later: that it is missing knows of a later handover, so it is no indicator",
    )


def _add_survey(survey: pd.DataFrame, at: Places, into: Gathered) -> None:
    answers, customer = _known_rows(survey, "survey", "answered_on", at, into)
    scored = answers["overall"].notna().to_numpy()
    into.leave_out("rows", int((~scored).sum()), source="survey", why="overall is not answered")
    answers, customer = answers[scored], customer[scored]
    satisfaction, since = (np.full(len(at.origin), np.nan) for _ in range(2))
    if len(answers):
        day = day_numbers(answers["answered_on"])
        found = History(customer, day)
        last = found.last(at.customer, at.origin)
        has = last >= 0
        latest = found.order[last[has]]
        since[has] = at.origin[has] - day[latest]
        wave = pd.factorize(answers["wave"])[0].astype(np.int64)
        group = customer * (wave.max() + 2) + wave
        of_wave = History(group, day)
        total = np.append(0.0, np.cumsum(answers["overall"].to_numpy(np.float64)[of_wave.order]))
        end = of_wave.last(group[latest], at.origin[has]) + 1
        n = of_wave.count(group[latest], np.full(len(latest), -(2**20)), at.origin[has])
        satisfaction[has] = (total[end] - total[end - n]) / n
    why = "no answer before the origin"
    into.add("satisfaction", satisfaction, source="survey", unit="1 to 5, 5 is best", why=why)
    into.add("days_since_survey", since, source="survey", unit="days", why=why)


def _add_external(external: pd.DataFrame, covariates: Covariates, at: Places, into: Gathered) -> None:
    undated = external["known_on"].isna() if "known_on" in external.columns else pd.Series(True, external.index)
    why = "known_on is missing: nobody knows from when it was known"
    into.leave_out("rows", int(undated.sum()), source="external", why=why)
    external = external[~undated.to_numpy()]
    scopes = [name for name in ("region", "industry") if name in external.columns]
    facts = {name: _values_of(covariates.accounts, name, at) for name in scopes if name in covariates.static}  # type: ignore[arg-type]
    for series, rows in external.groupby("series", sort=True):
        for name in scopes:
            if name not in facts:
                bound = rows[name].notna().to_numpy()
                why = f"it is given by {name}, which is no static column of accounts"
                into.leave_out(str(series), int(bound.sum()), source="external", why=why)
                rows = rows[~bound]
        if rows.empty:
            continue
        used = [name for name in scopes if name in facts and rows[name].notna().any()]
        changes = np.full(len(at.origin), np.nan)
        parts: list[tuple[Any, pd.DataFrame]] = [((), rows)]
        if used:
            parts = list(rows.groupby(used, dropna=False))
        # From what holds everywhere to what holds for one region and industry.
        for scope, part in sorted(parts, key=lambda pair: sum(pd.notna(value) for value in pair[0])):
            here = np.ones(len(at.origin), dtype=bool)
            for name, value in zip(used, scope, strict=True):
                if pd.notna(value):
                    here &= (facts[name] == value).fillna(False).to_numpy(dtype=bool)
            for origin in np.unique(at.origin[here]):
                change = _yearly_change(part, int(origin))
                changes[here & (at.origin == origin)] = change
        into.add(
            str(series),
            changes,
            source="external",
            unit="log change over a year",
            why="no value a year apart was known before the origin, or none for the account's region or industry",
        )


def _yearly_change(part: pd.DataFrame, origin: int) -> float:
    """Log change over a year up to the latest month known before a day; NaN: not known.

    Of a month that was published more than once, the latest vintage known by then counts.
    """
    known = part[(day_numbers(part["known_on"]) < origin) & part["value"].notna().to_numpy()]
    known = known.sort_values("known_on", kind="stable").drop_duplicates("month", keep="last")
    values = known[known["value"] > 0].set_index("month")["value"]
    if values.empty:
        return float("nan")
    month = values.index.max()
    before = values.get(month - pd.DateOffset(years=1))
    return float("nan") if before is None else float(np.log(values[month] / before))
