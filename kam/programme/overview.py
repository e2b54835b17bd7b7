"""The programme as a whole, on one page: the key accounts with value, risk, satisfaction and actions, and what has moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.errors import ParameterError
from kam.programme.actions import ActionListResult, action_facts, action_list
from kam.results import Assumed, Check, Context, KeyFigure, Result

if TYPE_CHECKING:
    from kam.programme.account_files import AccountFilesResult
    from kam.wording import Wording

Floats = npt.NDArray[np.float64]

LEVEL = 0.95
_PORTFOLIO = (
    *("customer_id", "name", "manager", "tier", "revenue", "share_value", "revenue_year", "revenue_year_before"),
    *("share_revenue_change", "days_since_last_order", "p_churn", "p_churn_low", "p_churn_high", "expected_loss"),
    *("value_ahead", "ahead_low", "ahead_high", "satisfaction", "n_respondents"),
)
_TEXTS = ("customer_id", "name", "manager", "tier")


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class OverviewResult(Result):
    """Result of :func:`programme_overview`.

    Attributes
    ----------
    accounts : pandas.DataFrame
        One row per key account, the largest first: ``rank, customer_id, name, manager, tier, revenue`` (all years)
        ``, share_value, revenue_year, revenue_year_before, share_revenue_change, days_since_last_order, p_churn, p_churn_low,
        p_churn_high, expected_loss, value_if_stays`` (the expected loss over the chance of it) ``, value_ahead, ahead_low,
        ahead_high, satisfaction, n_respondents, n_flags, n_actions, priority`` (of its most urgent action) ``, action`` (the
        first). What is not known is missing.
    measures : pandas.DataFrame
        One row per figure of the programme: ``term, estimate, ci_low, ci_high, reason`` (what the interval covers, or why there
        is none): ``n_key_accounts, share_value, revenue_year, value_ahead, n_expected`` (key accounts expected to be lost within
        the horizon of the forecast), ``expected_loss, share_top_two`` (of the answers of the last wave).
    managers : pandas.DataFrame
        One row per manager of a key account, the highest expected loss first, and one for those without: ``manager,
        n_key_accounts, revenue_year, expected_loss, share_capacity, n_actions, n_first``.
    movements : pandas.DataFrame
        Accounts that entered the top tier or left it within a year, the largest change first: ``customer_id, name, manager,
        from_tier, to_tier, value_before, value_after, value_change, why, is_key_account``. Empty without tiers over time.
    win_back : pandas.DataFrame
        Lost accounts, the one worth asking first on top: ``rank, customer_id, name, manager, days_since_last_order, p_return,
        return_low, return_high, value_if_returns, expected_value``. Empty without a win-back list.
    n_key_accounts : int
        Key accounts.
    n_at_risk : int
        Key accounts whose chance of loss is known.
    n_entered, n_left : int or None
        Accounts that entered and left the top tier; None: not known.
    n_first : int
        Urgent actions.
    horizon_days : int or None
        Days that the churn forecast looks ahead.
    level : float
        Of the intervals.
    """

    main: ClassVar[str] = "accounts"

    accounts: pd.DataFrame
    measures: pd.DataFrame
    managers: pd.DataFrame
    movements: pd.DataFrame
    win_back: pd.DataFrame
    n_key_accounts: int
    n_at_risk: int
    n_entered: int | None
    n_left: int | None
    n_first: int
    horizon_days: int | None
    level: float

    def _measure(self, term: str) -> pd.Series | None:
        found = self.measures[self.measures["term"] == term]
        return None if found.empty or found["estimate"].isna().all() else found.iloc[0]

    def _sentence(self) -> str:
        say = self.context.wording
        if not self.n_key_accounts:
            return say.sentence("There are {n} key accounts: no account meets every criterion.", n=say.count(0))
        share, year = self._measure("share_value"), self._measure("revenue_year")
        first = say.plural("One key account brings", "{n} key accounts bring", self.n_key_accounts)
        if share is not None:
            first = say.sentence("{first} {share} of net revenue", first=first, share=say.share(share["estimate"]))
            if year is not None:
                money = say.money_short(year["estimate"])
                first = say.sentence("{first}, {money} in the last twelve months", first=first, money=money)
        elif year is not None:
            money = say.money_short(year["estimate"])
            first = say.sentence("{first} {money} in the last twelve months", first=first, money=money)
        parts = [say.close(first)]
        lost, loss = self._measure("n_expected"), self._measure("expected_loss")
        if lost is not None and self.horizon_days is not None:
            parts.append(
                say.plural(
                    "About one of them is lost, or will be, within {days} days ({interval}){money}.",
                    "About {n} of them are lost, or will be, within {days} days ({interval}){money}.",
                    round(lost["estimate"]),
                    days=say.count(self.horizon_days),
                    interval=say.interval(say.count(lost["ci_low"]), say.count(lost["ci_high"]), self.level),
                    money=""
                    if loss is None
                    else say.sentence(", an expected loss of {money}", money=say.money_short(loss["estimate"])),
                )
            )
        moved = (
            []
            if self.n_entered is None or self.n_left is None
            else [
                say.plural("one account has entered the top tier", "{n} accounts have entered the top tier", self.n_entered),
                say.plural("one has left it", "{n} have left it", self.n_left),
            ]
        )  # fmt: skip
        urgent = (
            say.plural("one action is urgent", "{n} actions are urgent", self.n_first)
            if self.n_first
            else say.sentence("no action is urgent")
        )
        last = say.listing([*moved, urgent])
        return say.join([*parts, say.close(f"{last[0].upper()}{last[1:]}")])

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        counted = say.sentence("counted, not estimated")
        figures = [KeyFigure(value=say.count(self.n_key_accounts), label=say.sentence("key accounts"), note=counted)]
        labels = {
            "share_value": say.sentence("of net revenue, all years"),
            "value_ahead": say.sentence("value ahead of the key accounts"),
            "expected_loss": say.sentence("expected loss at the key accounts"),
            "share_top_two": say.sentence("satisfied: 4 or 5 of five, all accounts"),
        }
        for term, label in labels.items():
            found = self._measure(term)
            if found is None or len(figures) == 4:
                continue
            spell = say.share if term.startswith("share_") else say.money_short
            interval = (
                say.interval(spell(found["ci_low"]), spell(found["ci_high"]), self.level)
                if found["ci_low"] == found["ci_low"]
                else ""
            )
            note = say.join((part for part in (interval, str(found["reason"])) if part), ";")
            figures.append(KeyFigure(value=spell(found["estimate"]), label=label, note=note))
        figures.append(KeyFigure(value=say.count(self.n_first), label=say.sentence("urgent actions"), note=counted))
        if len(figures) < 3:
            year = self._measure("revenue_year")
            busy = int((self.accounts["n_actions"] > 0).sum())
            figures.append(
                KeyFigure(value=say.count(busy), label=say.sentence("key accounts with an action"), note=counted)
                if year is None
                else KeyFigure(
                    value=say.money_short(year["estimate"]),
                    label=say.sentence("net revenue of the key accounts, last twelve months"),
                    note=counted,
                )
            )
        return tuple(figures)


def programme_overview(
    files: AccountFilesResult,
    results: Mapping[str, Result],
    *,
    actions: ActionListResult | None = None,
    accounts: pd.DataFrame | None = None,
    n_draws: int = 10_000,
    seed: int = 1,
    context: Context | None = None,
) -> OverviewResult:
    """The programme on one page: the key accounts with value, risk, satisfaction and actions, by manager, and what has moved.

    Assumes (1) that the files and the results are of one run on one dataset; (2) for how many will be lost, that the chances of
    the forecast are right and that accounts leave independently of one another; the interval is that of chance alone, by
    draws; (3) for the interval of the value ahead of all, that the values err together: the ends of all are added up, which
    is wider than if they erred apart.

    Parameters
    ----------
    files : AccountFilesResult
        From :func:`kam.programme.gather_accounts`.
    results : mapping of str to Result
        Of the run so far, by key; ``tier_migration``, ``win_back``, ``staffing``, ``estimates`` and ``churn_forecast`` are read,
        and any may be missing.
    actions : ActionListResult, optional
        From :func:`kam.programme.action_list`; by default made here.
    accounts : pandas.DataFrame, optional
        The account file, ``customer_id, name, manager``: for the names of accounts that have moved or are lost, and are not
        among the files.
    n_draws : int
        Draws for the interval of the losses.
    seed : int
        Of the draws.
    context : Context, optional
        By default that of the files.

    Returns
    -------
    OverviewResult

    Raises
    ------
    ParameterError
        ``n_draws`` is below 100.
    DataError
        An account stands twice.
    """
    if n_draws < 100:
        raise ParameterError(f"n_draws is {n_draws}.", hint="Give at least 100.")
    context = context or files.context
    actions = action_list(files, context=context) if actions is None else actions
    facts = action_facts(files)
    portfolio = _portfolio(facts[_is_yes(facts, "is_key_account")], files.flags, actions.actions)
    known = _directory(facts, accounts)
    forecast, moved = results.get("churn_forecast"), results.get("tier_migration")
    return OverviewResult(
        context=context,
        checks=_check(portfolio, results, files.context, context.wording),
        assumed=_assume(context.wording),
        accounts=portfolio,
        measures=_measures(portfolio, results, n_draws, seed, context.wording),
        managers=_managers(portfolio, actions.actions, results.get("staffing"), context.wording),
        movements=_movements(moved, facts, known),
        win_back=_win_back(results.get("win_back"), known),
        n_key_accounts=len(portfolio),
        n_at_risk=int(portfolio["p_churn"].notna().sum()),
        n_entered=None if moved is None else len(moved.tables()["entrants"]),
        n_left=None if moved is None else len(moved.tables()["leavers"]),
        n_first=actions.n_first,
        horizon_days=getattr(forecast, "horizon_days", None),
        level=LEVEL,
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _portfolio(keys: pd.DataFrame, flags: pd.DataFrame, actions: pd.DataFrame) -> pd.DataFrame:
    frame = pd.DataFrame(index=keys.index)
    for name in _PORTFOLIO:
        if name in _TEXTS:
            values = keys[name].astype("object") if name in keys else pd.Series(None, index=keys.index, dtype="object")
            frame[name] = values.where(values.notna(), None)
        else:
            frame[name] = pd.to_numeric(keys[name], errors="coerce").astype("float64") if name in keys else np.nan
    frame = frame.sort_values(["revenue", "customer_id"], ascending=[False, True], ignore_index=True)
    frame.insert(0, "rank", np.arange(1, len(frame) + 1))
    worth = frame["expected_loss"] / frame["p_churn"].where(frame["p_churn"] > 0)
    frame.insert(list(frame.columns).index("expected_loss") + 1, "value_if_stays", worth)
    ids = frame["customer_id"]
    carried = flags.groupby("customer_id").size() if len(flags) else pd.Series(dtype="int64")
    by_account = actions.groupby("customer_id")
    frame["n_flags"] = ids.map(carried).fillna(0).astype("int64")
    frame["n_actions"] = ids.map(by_account.size()).fillna(0).astype("int64")
    frame["priority"] = ids.map(by_account["priority"].min()).astype("float64")
    frame["action"] = ids.map(by_account["action"].first()).astype("object")
    return frame


def _measures(
    accounts: pd.DataFrame, results: Mapping[str, Result], n_draws: int, seed: int, say: Wording
) -> pd.DataFrame:
    counted = say.sentence("counted, not estimated")
    rows: list[tuple[str, float, float, float, str]] = []
    sums = {name: _sum(accounts[name]) for name in ("share_value", "revenue_year")}
    rows += [(name, x, np.nan, np.nan, counted) for name, x in {"n_key_accounts": float(len(accounts)), **sums}.items()]
    low, high = _sum(accounts["ahead_low"]), _sum(accounts["ahead_high"])
    added = say.sentence("the ends of all accounts added up, wider than needed")
    rows.append(("value_ahead", _sum(accounts["value_ahead"]), low, high, added))
    chances = accounts[accounts["p_churn"].notna()]
    p = chances["p_churn"].to_numpy(dtype=float)
    loss = chances["expected_loss"].fillna(0.0).to_numpy(dtype=float)
    chance = say.sentence("of chance alone, if the forecast is right")
    none = say.sentence("no chance of loss is known")
    if len(p):
        gone = np.random.default_rng(seed).random((n_draws, len(p))) < p
        numbers, money = gone.sum(axis=1), gone @ np.divide(loss, p, out=np.zeros_like(loss), where=p > 0)
        rows.append(("n_expected", float(p.sum()), *_ends(numbers), chance))
        known = bool(chances["expected_loss"].notna().any())
        rows.append(("expected_loss", float(loss.sum()), *_ends(money), chance) if known else
                    ("expected_loss", np.nan, np.nan, np.nan, none))  # fmt: skip
    else:
        rows += [(name, np.nan, np.nan, np.nan, none) for name in ("n_expected", "expected_loss")]
    rows.append(_satisfied(results.get("estimates"), say))
    return pd.DataFrame(rows, columns=["term", "estimate", "ci_low", "ci_high", "reason"])


def _ends(draws: npt.NDArray[np.float64] | npt.NDArray[np.int64]) -> tuple[float, float]:
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _satisfied(estimates: Result | None, say: Wording) -> tuple[str, float, float, float, str]:
    """Share of the satisfied in the last wave, every account counted alike, as the survey's own analysis has it."""
    term = "share_top_two"
    if estimates is None:
        return term, np.nan, np.nan, np.nan, say.sentence("no survey in this run")
    rows = estimates.tables()["measures"]
    rows = rows[(rows["by"] == "all") & (rows["item"] == "overall") & (rows["measure"] == "top two")]
    rows = rows[(rows["each"] == "account") & (rows["level_3"] == rows["level_3"].min())] if len(rows) else rows
    rows = rows[rows["wave"] == rows["wave"].max()]
    if rows.empty or rows["estimate"].isna().all():
        return term, np.nan, np.nan, np.nan, say.sentence("too few answers")
    row = rows.iloc[0]
    wave = say.sentence("wave {wave}, all accounts alike", wave=row["wave"])
    return term, float(row["estimate"]), float(row["ci_low"]), float(row["ci_high"]), wave


def _managers(accounts: pd.DataFrame, actions: pd.DataFrame, staffing: Result | None, say: Wording) -> pd.DataFrame:
    nobody = say.sentence("no manager")
    columns = ["manager", "n_key_accounts", "revenue_year", "expected_loss", "share_capacity", "n_actions", "n_first"]
    if accounts["manager"].isna().all():
        return pd.DataFrame(columns=columns).astype(dict.fromkeys(columns[1:], "float64"))
    held = accounts.assign(manager=accounts["manager"].fillna(nobody)).groupby("manager")
    table = held[["revenue_year", "expected_loss"]].sum(min_count=1)
    table.insert(0, "n_key_accounts", held.size())
    own = actions[actions["customer_id"].isin(accounts["customer_id"])]
    urgent = (own["priority"] == 1).groupby(own["manager"].fillna(nobody))
    names = pd.Series(table.index, index=table.index)
    loads = None if staffing is None else staffing.tables()["managers"].set_index("manager")["share_capacity"]
    table["share_capacity"] = np.nan if loads is None else names.map(loads).astype("float64")
    table["n_actions"] = names.map(urgent.size()).fillna(0).astype("int64")
    table["n_first"] = names.map(urgent.sum()).fillna(0).astype("int64")
    table = table.reset_index().astype({"manager": object})[columns]
    return table.sort_values(
        ["expected_loss", "revenue_year", "manager"], ascending=[False, False, True], ignore_index=True
    )


def _movements(moved: Result | None, facts: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    columns = ["from_tier", "to_tier", "value_before", "value_after", "value_change", "why"]
    if moved is None:
        empty = pd.DataFrame(columns=["customer_id", "name", "manager", *columns, "is_key_account"])
        return empty.astype(dict.fromkeys(columns[2:5], "float64"))
    tables = moved.tables()
    both = pd.concat([tables["entrants"], tables["leavers"]], ignore_index=True)[["customer_id", *columns]]
    order = both["value_change"].abs().sort_values(ascending=False, kind="stable").index
    both = _named(both.loc[order], known)
    keys = facts.loc[_is_yes(facts, "is_key_account"), "customer_id"]
    return both.assign(is_key_account=both["customer_id"].isin(keys))


def _win_back(win_back: Result | None, known: pd.DataFrame) -> pd.DataFrame:
    columns = ["days_since_last_order", "p_return", "return_low", "return_high", "value_if_returns", "expected_value"]
    if win_back is None:
        empty = pd.DataFrame(columns=["rank", "customer_id", "name", "manager", *columns])
        return empty.astype(dict.fromkeys(["rank", *columns], "float64"))
    return _named(win_back.tables()["accounts"][["rank", "customer_id", *columns]], known)


def _directory(facts: pd.DataFrame, accounts: pd.DataFrame | None) -> pd.DataFrame:
    """Name and manager of every account that the files or the account file know, by ``customer_id``."""
    columns = ["customer_id", "name", "manager"]
    both = [frame.reindex(columns=columns) for frame in (facts, accounts) if frame is not None]
    known = (
        pd.concat([frame.astype("object") for frame in both]).drop_duplicates("customer_id").set_index("customer_id")
    )
    return known.where(known.notna(), None)


def _named(frame: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """The rows with name (else the identifier) and manager of the account behind its number."""
    frame = frame.reset_index(drop=True)
    ids = frame["customer_id"].astype("object")
    at = list(frame.columns).index("customer_id") + 1
    for name, instead in (("manager", pd.Series(None, index=ids.index, dtype="object")), ("name", ids)):
        values = ids.map(known[name]).astype("object")
        frame.insert(at, name, values.where(values.notna(), instead))
    return frame


def _is_yes(facts: pd.DataFrame, name: str) -> pd.Series:
    if name not in facts:
        return pd.Series(False, index=facts.index)
    return facts[name].astype("boolean").fillna(False).astype(bool)


def _sum(values: pd.Series) -> float:
    """The sum of what is known; missing where nothing is."""
    return float(values.sum(min_count=1))


def _check(accounts: pd.DataFrame, results: Mapping[str, Result], files: Context, say: Wording) -> tuple[Check, ...]:
    other = [key for key, result in results.items() if result.context.fingerprint != files.fingerprint]
    same = Check(
        assumption=say.sentence("files and results are of the same data"),
        finding=say.sentence("they are")
        if not other
        else say.plural("one result is of other data: {names}", "{n} results are of other data: {names}", len(other),
                        names=say.listing(sorted(other)[:3])),
        verdict="holds" if not other else "does not hold",
    )  # fmt: skip
    n_unknown = int(accounts["p_churn"].isna().sum())
    known = Check(
        assumption=say.sentence("the chance of loss of every key account is known"),
        finding=say.plural("that of one is not: it is left out of the losses", "that of {n} is not: they are left out of "
                           "the losses", n_unknown)
        if n_unknown
        else say.sentence("it is"),
        verdict="holds" if not n_unknown else "not testable" if n_unknown == len(accounts) else "handled",
    )  # fmt: skip
    apart = Check(
        assumption=say.sentence("accounts leave independently of one another"),
        finding=say.sentence("a common cause, such as a new competitor, would make the interval of the losses wider"),
        verdict="not testable",
    )
    return same, known, apart


def _assume(say: Wording) -> tuple[Assumed, ...]:
    return (
        Assumed(
            what=say.sentence("the key accounts"),
            value=say.sentence("as the list of this run has them"),
            would_change=say.sentence("other criteria make another programme"),
        ),
        Assumed(
            what=say.sentence("what is lost with an account"),
            value=say.sentence("where there is a call list, its value if the account stays; else the value ahead"),
            would_change=say.sentence(
                "the call list counts over the account's remaining life, the value ahead over its own horizon: the two sums are "
                "not parts of one another"
            ),
        ),
    )
