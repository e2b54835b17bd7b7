"""How many managers the key accounts need, who carries how much, and which accounts have nobody.

About nine key accounts per manager is the practice. Each key account has a sponsor, too, a "focused executive"
(Xerox had 250 of both).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from kam.columns import is_number, read_numbers, require_columns, require_distinct
from kam.errors import DataError, EmptyDataError, MissingColumnError, ParameterError
from kam.results import Assumed, Check, Context, KeyFigure, Result
from kam.wording import N_, Wording

ACCOUNTS_PER_MANAGER = 9
_EFFORTS = ("hours", "visits")
_SHOWN = ("name", "value", "tier")


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class StaffingResult(Result):
    """Result of :func:`staffing`.

    Attributes
    ----------
    managers : pandas.DataFrame
        One row per manager of the account file, the highest load first: ``manager, n_accounts, n_key_accounts, revenue`` (of all
        accounts, where it was given)``, load, manager_capacity, share_capacity, is_above``. ``load`` is in key accounts, or in
        hours or visits a year of all accounts whose effort is known.
    unassigned : pandas.DataFrame
        Key accounts without a manager: ``customer_id``, those of ``name, value, tier`` that were given, and ``why``.
    unsponsored : pandas.DataFrame
        Key accounts without a sponsor: the same with ``manager``; empty where the account file knows no sponsors.
    measured_in : str
        ``accounts``, ``hours`` or ``visits``.
    capacity : float
        What one manager can carry, in key accounts, or hours or visits a year.
    n_key_accounts : int
        Key accounts.
    n_needed : int
        Managers that the key accounts need.
    n_managers, n_with_key_accounts : int
        Managers in the account file, and those of them who hold a key account.
    n_unassigned : int
        Key accounts without a manager.
    n_unsponsored : int or None
        Key accounts without a sponsor; None: the account file has no column for it.
    n_above : int
        Managers whose load is above the capacity.
    n_not_on_file : int
        Key accounts that the account file lacks.
    n_without_effort : int
        Key accounts whose effort is not given; they count with the mean of the others.
    value_unassigned : float or None
        Value of the key accounts without a manager; None: no values were given.
    """

    main: ClassVar[str] = "managers"

    managers: pd.DataFrame
    unassigned: pd.DataFrame
    unsponsored: pd.DataFrame
    measured_in: str
    capacity: float
    n_key_accounts: int
    n_needed: int
    n_managers: int
    n_with_key_accounts: int
    n_unassigned: int
    n_unsponsored: int | None
    n_above: int
    n_not_on_file: int
    n_without_effort: int
    value_unassigned: float | None

    def _per_manager(self) -> str:
        return _say_load(self.context.wording, self.capacity, self.measured_in)

    def _sentence(self) -> str:
        say = self.context.wording
        key = say.plural("One key account needs", "{n} key accounts need", self.n_key_accounts)
        first = say.plural(
            "{key} one manager at {each} a manager; {have} of the {all} managers hold key accounts today.",
            "{key} {n} managers at {each} a manager; {have} of the {all} managers hold key accounts today.",
            self.n_needed,
            key=key,
            each=self._per_manager(),
            have=say.count(self.n_with_key_accounts),
            all=say.count(self.n_managers),
        )
        worth = "" if not self.value_unassigned else f" ({say.money_short(self.value_unassigned)})"
        parts = [
            say.plural("one manager carries more than that", "{n} managers carry more than that", self.n_above),
            say.plural("one key account{worth} has no manager", "{n} key accounts{worth} have no manager",
                       self.n_unassigned, worth=worth),
        ]  # fmt: skip
        if self.n_unsponsored is not None:
            parts.append(say.plural("one has no sponsor", "{n} have no sponsor", self.n_unsponsored))
        second = say.close(say.listing(parts))
        return say.join([first, f"{second[0].upper()}{second[1:]}"])

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        counted = say.sentence("counted, not estimated")
        figures = [
            KeyFigure(
                value=say.count(self.n_needed),
                label=say.sentence("managers needed"),
                note=say.sentence("at {each} each; no estimate", each=self._per_manager()),
            ),
            KeyFigure(
                value=say.count(self.n_unassigned),
                label=say.sentence("key accounts without a manager"),
                note=counted
                if self.value_unassigned is None
                else say.sentence("worth {value}", value=say.money_short(self.value_unassigned)),
            ),
            KeyFigure(value=say.count(self.n_above), label=say.sentence("managers above capacity"), note=counted),
        ]
        if self.n_unsponsored is not None:
            figures.append(
                KeyFigure(
                    value=say.count(self.n_unsponsored),
                    label=say.sentence("key accounts without a sponsor"),
                    note=counted,
                )
            )
        return tuple(figures)


def staffing(
    accounts: pd.DataFrame,
    key_accounts: pd.DataFrame,
    *,
    accounts_per_manager: float = ACCOUNTS_PER_MANAGER,
    effort: pd.DataFrame | None = None,
    effort_per_manager: float | None = None,
    summary: pd.DataFrame | None = None,
    context: Context | None = None,
) -> StaffingResult:
    """How many managers the key accounts need, the load of each manager, and the accounts that nobody holds or sponsors.

    Assumes (1) that a key account takes as much time as another, or, with ``effort``, the time given; (2) that the manager of
    the account file is the one of today; (3) by count, that ordinary accounts take no time beside key accounts: they
    are counted, and no part of the load.

    Parameters
    ----------
    accounts : pandas.DataFrame
        The account file, one row per account: ``customer_id``, ``manager``, and ``sponsor`` where known.
    key_accounts : pandas.DataFrame
        One row per key account: ``customer_id``, and of ``name, value, tier`` what is known.
    accounts_per_manager : float
        Key accounts that one manager can hold; 9 is the practice.
    effort : pandas.DataFrame, optional
        One row per account: ``customer_id`` and ``hours`` or ``visits`` a year. Then load and need are in these.
    effort_per_manager : float, optional
        Hours or visits a year that one manager has for accounts; needed with ``effort``.
    summary : pandas.DataFrame, optional
        ``customer_id, revenue`` of every account, for the revenue that each manager answers for.
    context : Context, optional
        Currency, language and dataset.

    Returns
    -------
    StaffingResult

    Raises
    ------
    MissingColumnError
        The account file has no column ``manager``, or a frame lacks a column.
    EmptyDataError
        There is no key account.
    DataError
        An account stands twice, or an effort is missing or negative.
    ColumnTypeError
        An effort, value or revenue is not a number.
    ParameterError
        The capacity is not positive, or an effort comes without it.

    Examples
    --------
    >>> accounts = pd.DataFrame({"customer_id": list("abcd"), "manager": ["Ito", "Ito", None, "Berg"]})
    >>> result = staffing(accounts, pd.DataFrame({"customer_id": list("abc")}), accounts_per_manager=1)
    >>> result.n_needed, result.unassigned["customer_id"].tolist()
    (3, ['c'])
    >>> result.managers[["manager", "n_key_accounts", "is_above"]].to_dict("records")[0]
    {'manager': 'Ito', 'n_key_accounts': 2, 'is_above': True}
    """
    context = context or Context()
    check_accounts(accounts)
    measured_in, capacity = _capacity(accounts_per_manager, effort, effort_per_manager)
    _check_ids(key_accounts, "key accounts")
    if key_accounts.empty:
        raise EmptyDataError(
            "There is no key account to staff.", hint="Choose the key accounts first, or set tiers by hand."
        )
    known = accounts[["customer_id"]].assign(manager=clean_names(accounts["manager"])).set_index("customer_id")
    known["sponsor"] = clean_names(accounts["sponsor"]).to_numpy() if "sponsor" in accounts else None
    shown = ["customer_id", *(column for column in _SHOWN if column in key_accounts)]
    key = key_accounts[shown].reset_index(drop=True)
    if "value" in key:
        key["value"] = read_numbers(key["value"], "value", where="key accounts", hint="Give money, or leave it out.")
    key["manager"] = key["customer_id"].map(known["manager"])
    on_file = key["customer_id"].isin(known.index)
    say = context.wording
    why = np.where(on_file, say.sentence("no manager in the account file"), say.sentence("not in the account file"))
    unassigned = key.loc[key["manager"].isna(), shown].assign(why=why[key["manager"].isna()])
    has_sponsor = key["customer_id"].map(known["sponsor"]).notna()
    unsponsored = key.loc[~has_sponsor] if "sponsor" in accounts else key.iloc[:0]
    per_account, n_without = _load_of(key, effort, measured_in)
    managers = _by_manager(known, key, per_account, capacity, summary)
    total = float(len(key)) if effort is None else float(per_account.reindex(key["customer_id"]).sum())
    return StaffingResult(
        context=context,
        checks=_checks(say, key, on_file, n_without, "sponsor" in accounts, accounts),
        assumed=_assumed(say, capacity, measured_in),
        managers=managers,
        unassigned=_largest_first(unassigned),
        unsponsored=_largest_first(unsponsored),
        measured_in=measured_in,
        capacity=capacity,
        n_key_accounts=len(key),
        n_needed=max(1, math.ceil(total / capacity - 1e-9)),
        n_managers=len(managers),
        n_with_key_accounts=int((managers["n_key_accounts"] > 0).sum()),
        n_unassigned=len(unassigned),
        n_unsponsored=len(unsponsored) if "sponsor" in accounts else None,
        n_above=int(managers["is_above"].sum()),
        n_not_on_file=int((~on_file).sum()),
        n_without_effort=n_without,
        value_unassigned=float(unassigned["value"].sum()) if "value" in unassigned else None,
    )


def check_accounts(accounts: pd.DataFrame) -> None:
    """Refuse an account file without managers, or with an account that stands twice.

    Raises
    ------
    MissingColumnError
        There is no column ``manager`` or ``customer_id``.
    DataError
        An account stands twice, or has no number.
    """
    require_columns(accounts, (), where="accounts")
    if "manager" not in accounts:
        raise MissingColumnError(
            "The account file does not say who manages an account: there is no column 'manager'.",
            where=f"accounts, which has {', '.join(map(str, accounts.columns))}",
            hint="Add a column with the name of the account's manager, and 'manager_since' with the day it began, and "
            "name them under accounts: columns: in dataset.yaml.",
        )
    require_columns(accounts, ["manager"], where="accounts")
    _check_ids(accounts, "accounts")


def clean_names(names: pd.Series) -> pd.Series:
    """Names without blanks around them; an empty one is missing."""
    texts = names.astype("string").str.strip()
    return texts.mask(texts == "").astype(object).where(lambda s: s.notna(), None)


# -- inside ----------------------------------------------------------------------------------------------------------


def _check_ids(frame: pd.DataFrame, name: str) -> None:
    require_columns(frame, ["customer_id"], where=name, hint="Name the account's number.")
    ids = frame["customer_id"]
    if ids.isna().any():
        raise DataError(
            "An account has no number.", where=f"{name}, {int(ids.isna().sum())} rows", hint="Fill in customer_id."
        )
    require_distinct(ids, where=name)


def _capacity(
    accounts_per_manager: float, effort: pd.DataFrame | None, effort_per_manager: float | None
) -> tuple[str, float]:
    """What load is measured in, and what one manager can carry of it."""
    if effort is None:
        if not (is_number(accounts_per_manager) and 0 < accounts_per_manager < math.inf):
            raise ParameterError(
                f"accounts_per_manager is {accounts_per_manager}.", hint="Give a positive number; about 9 is usual."
            )
        return "accounts", float(accounts_per_manager)
    require_columns(effort, (), where="effort")
    given = [name for name in _EFFORTS if name in effort]
    if len(given) != 1:
        raise MissingColumnError(
            "The effort has no column 'hours' or 'visits', or both.",
            where=f"effort, which has {', '.join(map(str, effort.columns))}",
            hint="Give customer_id and one of them, a year.",
        )
    if effort_per_manager is None or not is_number(effort_per_manager) or not 0 < effort_per_manager < math.inf:
        raise ParameterError(
            f"effort_per_manager is {effort_per_manager}.",
            hint=f"Give the {given[0]} a year that one manager has for accounts.",
        )
    _check_ids(effort, "effort")
    amount = read_numbers(effort[given[0]], given[0], where="effort", hint="Give numbers a year.")
    bad = ~(np.isfinite(amount) & (amount >= 0))
    if bad.any():
        raise DataError(
            f"A number of {given[0]} is missing or negative.",
            where=f"effort, customers {effort.loc[bad, 'customer_id'].head(3).tolist()}",
            hint="Leave out the accounts whose effort is not known.",
        )
    return given[0], float(effort_per_manager)


def _load_of(key: pd.DataFrame, effort: pd.DataFrame | None, measured_in: str) -> tuple[pd.Series, int]:
    """Load of every account that has one, by customer; and the key accounts that take the mean of the others."""
    if effort is None:
        return pd.Series(1.0, index=key["customer_id"]), 0
    given = effort.set_index("customer_id")[measured_in].astype(float)
    of_key = given.reindex(key["customer_id"])
    missing = of_key.index[of_key.isna()]
    if len(missing) == len(key):
        raise DataError(
            "The effort of no key account is known.", where="effort", hint="Give a row for each key account."
        )
    return pd.concat([given, pd.Series(float(of_key.mean()), index=missing)]), len(missing)


def _by_manager(
    known: pd.DataFrame, key: pd.DataFrame, load: pd.Series, capacity: float, summary: pd.DataFrame | None
) -> pd.DataFrame:
    held = known[known["manager"].notna()]
    table = held.groupby("manager").size().rename("n_accounts").astype("int64").to_frame()
    table["n_key_accounts"] = key.groupby("manager").size().reindex(table.index, fill_value=0).astype("int64")
    if summary is not None:
        require_columns(
            summary, ("customer_id", "revenue"), where="the summary", hint="Use kam.ledger.summarize_customers."
        )
        require_distinct(summary["customer_id"], where="the summary")
        revenue = pd.Series(
            read_numbers(summary["revenue"], "revenue", where="the summary"), index=pd.Index(summary["customer_id"])
        )
        by_manager = revenue.groupby(held["manager"].reindex(revenue.index)).sum()
        table["revenue"] = by_manager.reindex(table.index, fill_value=0.0).astype("float64")
    by_manager = load.groupby(held["manager"].reindex(load.index)).sum()
    table["load"] = by_manager.reindex(table.index, fill_value=0.0).astype("float64")
    table["manager_capacity"] = capacity
    table["share_capacity"] = table["load"] / capacity
    table["is_above"] = table["load"] > capacity * (1 + 1e-12)
    table = table.reset_index()
    table["manager"] = table["manager"].astype(str)
    return table.sort_values(["load", "n_accounts", "manager"], ascending=[False, False, True], ignore_index=True)


def _largest_first(frame: pd.DataFrame) -> pd.DataFrame:
    if "value" not in frame:
        return frame.reset_index(drop=True)
    return frame.sort_values(["value", "customer_id"], ascending=[False, True], ignore_index=True)


def _say_load(say: Wording, load: float, measured_in: str) -> str:
    n = say.number(load, 0 if load == round(load) else 1)
    words = {"accounts": N_("{n} key accounts"), "hours": N_("{n} hours a year"), "visits": N_("{n} visits a year")}
    return say.sentence(N_("{n} key account") if load == 1 and measured_in == "accounts" else words[measured_in], n=n)


def _checks(
    say: Wording,
    key: pd.DataFrame,
    on_file: pd.Series,
    n_without_effort: int,
    has_sponsors: bool,
    accounts: pd.DataFrame,
) -> tuple[Check, ...]:
    lacking = key.loc[~on_file, "customer_id"].tolist()
    file = Check(
        assumption=say.sentence("every key account is in the account file"),
        finding=say.sentence("all are")
        if not lacking
        else say.plural(
            "one is not ({names}); it counts as without a manager",
            "{n} are not ({names}); they count as without a manager",
            len(lacking),
            names=say.listing([*lacking[:3], *(["…"] if len(lacking) > 3 else [])]),
        ),
        verdict="handled" if lacking else "holds",
    )
    since = clean_names(accounts["manager"]).notna()
    n_undated = (
        int((since & accounts["manager_since"].isna()).sum()) if "manager_since" in accounts else int(since.sum())
    )
    dated = Check(
        assumption=say.sentence("the account file names the manager of today"),
        finding=say.sentence("every assignment is dated; whether it is up to date the data cannot say")
        if not n_undated
        else say.plural(
            "one account with a manager does not say since when",
            "{n} accounts with a manager do not say since when",
            n_undated,
        ),
        verdict="not testable",
    )
    sponsors = Check(
        assumption=say.sentence("sponsors of key accounts are on file"),
        finding=say.sentence("they are")
        if has_sponsors
        else say.sentence("the account file has no column 'sponsor': who lacks one cannot be said"),
        verdict="holds" if has_sponsors else "not testable",
    )
    if not n_without_effort:
        return file, dated, sponsors
    effort = Check(
        assumption=say.sentence("the effort of every key account is known"),
        finding=say.plural(
            "that of one is not; it counts with the mean of the others",
            "that of {n} is not; they count with the mean of the others",
            n_without_effort,
        ),
        verdict="handled",
    )
    return file, dated, sponsors, effort


def _assumed(say: Wording, capacity: float, measured_in: str) -> tuple[Assumed, ...]:
    load = Assumed(
        what=say.sentence("what one manager can carry"),
        value=_say_load(say, capacity, measured_in),
        would_change=say.sentence("half as much for each doubles the managers needed")
        if measured_in != "accounts"
        else say.sentence("accounts that take unlike time: give the hours or visits of each"),
    )
    ordinary = Assumed(
        what=say.sentence("the time that ordinary accounts take"),
        value=say.sentence("none beside key accounts")
        if measured_in == "accounts"
        else say.sentence("that of the accounts whose effort is given"),
        would_change=say.sentence("managers who also hold many ordinary accounts carry more than is shown"),
    )
    return load, ordinary
