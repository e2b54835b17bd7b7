"""What has changed since an earlier run: what the customers did, and, kept apart, what only the method or the data did.

Two runs are held against one another result by result. A change is told as one of the customers only where the later run counts
the data up to a later day, and where neither parameters, notebook, versions nor the data of the past stand in the way.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, ClassVar

import pandas as pd

from kam.errors import DataError, ParameterError
from kam.programme import movements as move
from kam.programme.ledger_accounts import (
    WITH_ALL,
    account_ids,
    account_names,
    compare_accounts,
    find_renumbered,
    rename,
)
from kam.programme.making import (
    NAMED,
    SETTINGS,
    cause_again,
    cause_of,
    find_comparable,
    find_differences,
    other_versions,
)
from kam.programme.movements import COLUMNS, Movement, Setting
from kam.programme.run_results import find_steps
from kam.programme.saved_runs import SavedRun, find_previous_run, read_run
from kam.results import Assumed, Check, Context, KeyFigure, Result

if TYPE_CHECKING:
    from kam.wording import Wording


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class ChangesResult(Result):
    """Result of :func:`changes`.

    Attributes
    ----------
    moved : pandas.DataFrame
        What the customers did, or may have done: ``customer_id, name, measure`` (key-account list, tier, lost, chance of loss,
        value ahead, twelve months, flag, satisfaction) ``, told_before, told_now, figure_before, figure_after, why, cause,
        value`` (of twelve months, now). ``cause`` is ``customers``, or ``customers or method``, ``customers or data`` where they
        cannot be told apart. Largest accounts first within each measure.
    recomputed : pandas.DataFrame
        The same columns: what moved without the customers. ``cause`` is ``method`` (parameters, notebook or versions), ``data``
        (the past was cleaned or corrected), ``method or data``, or ``not known``.
    accounts : pandas.DataFrame
        Accounts that only one of the runs has, or has under another name: ``customer_id, name, movement`` (new, gone, renamed,
        other identifier) ``, told_before, told_now, why, value``.
    conditions : pandas.DataFrame
        In what the runs differ: ``setting, touches`` (which results) ``, told_before, told_now``.
    not_compared : pandas.DataFrame
        ``measure, reason``.
    run_before : str
        Folder of the earlier run; empty: not known.
    day_before : datetime.date or None
        The day up to which the earlier run counts the data.
    n_entered, n_left : int or None
        Accounts that entered the key-account list, and left it; None here and below: not compared.
    n_tiers : int or None
        Changes of tier.
    n_risk : int or None
        Accounts whose chance of loss moved beyond its interval, or that are lost now, or buy again.
    n_raised, n_cleared : int or None
        Flags.
    n_recomputed : int
        Rows of ``recomputed``.
    """

    main: ClassVar[str] = "moved"

    moved: pd.DataFrame
    recomputed: pd.DataFrame
    accounts: pd.DataFrame
    conditions: pd.DataFrame
    not_compared: pd.DataFrame
    run_before: str
    day_before: date | None
    n_entered: int | None
    n_left: int | None
    n_tiers: int | None
    n_risk: int | None
    n_raised: int | None
    n_cleared: int | None
    n_recomputed: int

    def _sentence(self) -> str:
        say = self.context.wording
        since = say.sentence("Since the earlier run,")
        if self.day_before is not None and self.day_before == self.context.as_of:
            since = say.sentence("Since the earlier run, of the same day,")
        elif self.day_before is not None:
            since = say.sentence("Since {day},", day=say.date(self.day_before))
        told = []
        if self.n_entered is not None and self.n_left is not None:
            told += [
                say.plural("one account has entered the key-account list",
                           "{n} accounts have entered the key-account list", self.n_entered),
                say.plural("one has left it", "{n} have left it", self.n_left),
            ]  # fmt: skip
        if self.n_risk is not None:
            told.append(
                say.plural("the risk of loss has moved at one", "the risk of loss has moved at {n}", self.n_risk)
            )
        if self.n_raised is not None and self.n_cleared is not None:
            told.append(say.plural("one flag was raised", "{n} flags were raised", self.n_raised))
            told.append(say.plural("one cleared", "{n} cleared", self.n_cleared))
        told = told or [say.plural("one thing has moved", "{n} things have moved", len(self.moved))]
        first = say.close(say.join([since, say.listing(told)]))
        if not self.n_recomputed:
            return first
        more = say.plural(
            "One more change says nothing of the customers: it comes from the method or from other data of the past.",
            "{n} more changes say nothing of the customers: they come from the method or from other data of the past.",
            self.n_recomputed,
        )
        return say.join([first, more])

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        apart = say.sentence("their intervals do not touch")
        shown = (
            (say.sentence("on the key-account list"), (self.n_entered, self.n_left), self._certainty(move.LIST)),
            (say.sentence("changes of tier"), (self.n_tiers,), self._certainty(move.TIER)),
            (say.sentence("accounts whose risk of loss has moved"), (self.n_risk,), apart),
            (say.sentence("flags"), (self.n_raised, self.n_cleared), self._certainty(move.FLAG)),
            (say.sentence("changes without the customers"), (self.n_recomputed,), say.sentence("kept apart")),
        )
        return tuple(_figure(label, numbers, note, say) for label, numbers, note in shown)

    def _certainty(self, kind: str) -> str:
        """How many movements of a kind may be of method or data."""
        say = self.context.wording
        unsure = int(((self.moved["measure"] == say.text(kind)) & (self.moved["cause"] != move.CUSTOMERS)).sum())
        if not unsure:
            return say.sentence("counted, not estimated")
        return say.plural("one may be of method or data", "{n} may be of method or data", unsure)


def _figure(label: str, numbers: tuple[int | None, ...], note: str, say: Wording) -> KeyFigure:
    told = [say.count(n) for n in numbers if n is not None]
    if not told:
        return KeyFigure(value="–", label=label, note=say.sentence("not compared"))
    return KeyFigure(value=f"+{told[0]} −{told[1]}" if len(told) == 2 else told[0], label=label, note=note)


def changes(
    now: Mapping[str, Result] | SavedRun,
    before: Mapping[str, Result] | SavedRun,
    *,
    n_movers: int = 20,
    context: Context | None = None,
) -> ChangesResult:
    """Say what moved between two runs, and keep apart what moved only because the method or the data did.

    Assumes (1) that two intervals that do not touch tell a change from chance: of estimates that err independently, normally and
    equally, at level 0.95, about one of 180 would be told wrongly; (2) that a version of kam stands for its code; (3) that a
    month that both runs know is told alike by both unless its data or the method changed: so tiers and money are taken apart.

    Parameters
    ----------
    now, before : mapping of str to Result, or SavedRun
        The results of two runs by key, as from :func:`kam.results.load_results`; from :func:`kam.programme.read_run` also how
        each was made, without which a changed parameter or version can only be seen where a result carries it.
    n_movers : int
        So many of the largest changes of the money of twelve months.
    context : Context, optional
        By default that of the later results.

    Returns
    -------
    ChangesResult

    Raises
    ------
    DataError
        The runs have no result in common, of the same dataset, for the same readers and in the same currency.
    ParameterError
        ``before`` counts the data up to a later day than ``now``; or ``n_movers`` is below 1.
    """
    if n_movers < 1:
        raise ParameterError(f"n_movers is {n_movers}.", hint="Give at least 1.")
    new, old = (one if isinstance(one, SavedRun) else _bare(one) for one in (now, before))
    keys, refused = find_comparable(new, old)
    context = context or new.results[keys[0]].context
    say = context.wording
    reasons = [(say.text(NAMED.get(key, key)), reason) for key, reason in refused.items()]
    reasons += [(name, reason) for run in (old, new) for name, reason in run.problems]
    then, today = old.results[keys[0]].context, new.results[keys[0]].context
    if then.as_of is not None and today.as_of is not None and then.as_of > today.as_of:
        raise ParameterError(
            f"The run that is called the earlier one counts the data up to {then.as_of}, the other up to {today.as_of}.",
            hint="Give the earlier run first.",
        )
    results, earlier = ({key: run.results[key] for key in keys} for run in (new, old))
    renumbered = find_renumbered(results, earlier)
    earlier = rename(earlier, {was: one for one, was in renumbered.items()})
    ids, ids_before = (account_ids(one) for one in (results, earlier))
    differ = {key: find_differences(key, new, old) for key in keys}
    again_other = _restated(results, earlier)
    names_before, names_now = (account_names(one) for one in (earlier, results))
    setting = Setting(
        names=names_before | names_now,
        values=_values(results),
        common=frozenset(ids & ids_before) if ids and ids_before else _listed(results) | _listed(earlier),
        cause=lambda key, one: cause_of(results[key].context, earlier[key].context, bool(differ[key]), one in again_other),
        again=lambda key: cause_again(results[key].context, earlier[key].context, bool(differ[key]), bool(again_other)),
        say=say,
    )  # fmt: skip
    rows, more = _compare(results, earlier, setting, n_movers)
    moves = _movements(rows)
    from_customers = moves["cause"].str.startswith(move.CUSTOMERS)
    moved, recomputed = (moves[at].reset_index(drop=True) for at in (from_customers, ~from_customers))
    return ChangesResult(
        context=context,
        checks=_checks(new, old, differ, again_other, renumbered, results, say),
        assumed=_assumed(n_movers, say),
        moved=moved,
        recomputed=recomputed,
        accounts=compare_accounts(ids, ids_before, names_before, names_now, renumbered, results, earlier, setting),
        conditions=_conditions(new, old, differ, then, today, say),
        not_compared=pd.DataFrame([*reasons, *more], columns=["measure", "reason"], dtype="object"),
        run_before=old.run,
        day_before=then.as_of,
        n_recomputed=len(recomputed),
        n_entered=_count(moved, keys, "key_accounts", {move.LIST}, say, told_now=say.text("on it")),
        n_left=_count(moved, keys, "key_accounts", {move.LIST}, say, told_now=say.text("not on it")),
        n_tiers=_count(moved, keys, "tier_migration", {move.TIER}, say),
        n_risk=_count(moved, keys, "churn_forecast", {move.LOSS, move.LOST, move.NO_ORDER}, say),
        n_raised=_count(moved, keys, "risks", {move.FLAG}, say, told_before=move.NONE),
        n_cleared=_count(moved, keys, "risks", {move.FLAG}, say, told_now=move.NONE),
    )


def _count(
    moved: pd.DataFrame,
    keys: list[str],
    key: str,
    kinds: set[str],
    say: Wording,
    *,
    told_before: str = "",
    told_now: str = "",
) -> int | None:
    """Movements of these kinds; None where the result that tells them was not compared."""
    if key not in keys and not (key == "risks" and "sales_quality" in keys):
        return None
    found = moved[moved["measure"].isin([say.text(kind) for kind in kinds])]
    if told_before:
        found = found[found["told_before"] == told_before]
    if told_now:
        found = found[found["told_now"] == told_now]
    return len(found)


def changes_since(
    history: str | os.PathLike[str], run_dir: str | os.PathLike[str], *, n_movers: int = 20, context: Context
) -> ChangesResult:
    """Say what has changed since the previous run of the same notebooks on the same dataset.

    Assumes what :func:`changes` assumes; and that the previous run is the one to compare with: the newest that counts the data up
    to an earlier day, see :func:`kam.programme.find_previous_run`.

    Parameters
    ----------
    history : path
        The reports folder; empty: none.
    run_dir : path
        The run, published or at work; empty: none.
    n_movers : int
        As for :func:`changes`.
    context : Context
        Dataset, readers and as-of day.

    Returns
    -------
    ChangesResult

    Raises
    ------
    DataError
        There is no such run, or nothing of it can be compared.
    ParameterError
        As for :func:`changes`.
    ResultsError
        The results of the run itself cannot be read.
    """
    steps = find_steps(run_dir, dataset=context.dataset, audience=context.audience)
    now = read_run(run_dir, context=context) if steps else None
    if now is None or not now.results:
        raise DataError("no notebook before this one has left a result to compare.")
    before = find_previous_run(history, now=now, context=context)
    if before is None:
        raise DataError("there is no earlier run of these notebooks on this dataset.")
    return changes(now, before, n_movers=n_movers, context=context)


# -- inside ----------------------------------------------------------------------------------------------------------


def _bare(results: Mapping[str, Result]) -> SavedRun:
    return SavedRun(run="", results={key: one for key, one in results.items() if key in SETTINGS or _is_register(key)},
                    steps={}, versions={})  # fmt: skip


def _is_register(key: str) -> bool:
    return any(key == name for name, _ in WITH_ALL)


def _compare(
    now: Mapping[str, Result], before: Mapping[str, Result], setting: Setting, n_movers: int
) -> tuple[list[Movement], list[tuple[str, str]]]:
    """All movements, and what else could not be compared."""
    say, rows, more = setting.say, [], []
    both = {key: (now[key], before[key]) for key in now}
    if "key_accounts" in both:
        rows += move.move_list(*both["key_accounts"], setting)
    if "tier_migration" in both:
        rows += move.move_tiers(*both["tier_migration"], setting)
    if "churn_forecast" in both:
        one, other = both["churn_forecast"]
        by_loss = all(getattr(one, name, None) == getattr(other, name, None) for name in ("k", "freq"))
        rows += move.move_chances(one, other, setting, by_loss=by_loss)
        if not by_loss:
            reason = say.text(
                "an account counts as lost after another time of silence: the chance of no order is compared instead"
            )
            more.append((say.text(NAMED["churn_forecast"]), reason))
    if "customer_value" in both:
        rows += move.move_value(*both["customer_value"], setting)
    if "tier_migration" in both:
        rows += move.move_money(*both["tier_migration"], setting, n_movers)
    for key in ("sales_quality", "risks"):
        if key in both:
            found, one_sided = move.move_flags(key, *both[key], setting)
            rows += found
            more += [(flag, say.text("only one of the runs looked for this flag")) for flag in one_sided]
    if "estimates" in both:
        rows += move.move_satisfaction(*both["estimates"], setting)
    return rows, more


def _movements(rows: list[Movement]) -> pd.DataFrame:
    """In the order of the kinds, the largest accounts first."""
    frame = pd.DataFrame(rows, columns=COLUMNS)
    for name in ("figure_before", "figure_after", "value"):
        frame[name] = frame[name].astype("float64")
    kinds = {kind: i for i, kind in enumerate(dict.fromkeys(frame["measure"]))}
    order = frame.assign(kind=frame["measure"].map(kinds), size=-frame["value"].fillna(0.0))
    frame = frame.loc[order.sort_values(["kind", "size"], kind="stable").index].reset_index(drop=True)
    return frame.astype({name: "object" for name in COLUMNS if frame[name].dtype != "float64"})


def _values(results: Mapping[str, Result]) -> dict[str, float]:
    """Money of twelve months by account."""
    if "tier_migration" in results:
        tiers = results["tier_migration"].tables()["tiers"]
        last = tiers[tiers["period"] == tiers["period"].max()]
        return dict(zip(last["customer_id"], last["value"].astype(float), strict=True))
    if "churn_forecast" in results:
        frame = results["churn_forecast"].tables()["customers"]
        return dict(zip(frame["customer_id"], frame["revenue_year"].astype(float), strict=True))
    return {}


def _listed(results: Mapping[str, Result]) -> frozenset[str]:
    """Accounts that any result names, where none names all of the ledger."""
    frames = [frame for one in results.values() for frame in one.tables().values() if "customer_id" in frame]
    return frozenset(str(one) for frame in frames for one in frame["customer_id"].unique())


def _restated(now: Mapping[str, Result], before: Mapping[str, Result]) -> set[str]:
    if "tier_migration" not in now:
        return set()
    return move.restated(now["tier_migration"], before["tier_migration"])


# -- what is said of it ----------------------------------------------------------------------------------------------


def _conditions(
    new: SavedRun,
    old: SavedRun,
    differ: Mapping[str, list[tuple[str, str, str]]],
    then: Context,
    today: Context,
    say: Wording,
) -> pd.DataFrame:
    everything = say.text("everything")
    rows = [
        (say.text(what), everything, str(getattr(then, name)), str(getattr(today, name)))
        for name, what in (("as_of", "as of"), ("fingerprint", "fingerprint of the data"))
        if getattr(then, name) != getattr(today, name)
    ]
    versions = other_versions(new, old)
    rows += [(name, everything, *both) for name, both in versions.items()]
    touched: dict[tuple[str, str, str], list[str]] = {}
    for key, found in differ.items():
        for one in found:
            if one[0] not in versions and key in NAMED:
                touched.setdefault(one, []).append(say.text(NAMED[key]))
    rows += [(name, say.listing(what), a, b) for (name, a, b), what in touched.items()]
    return pd.DataFrame(rows, columns=["setting", "touches", "told_before", "told_now"], dtype="object")


def _checks(
    new: SavedRun,
    old: SavedRun,
    differ: Mapping[str, list[tuple[str, str, str]]],
    again_other: set[str],
    renumbered: Mapping[str, str],
    results: Mapping[str, Result],
    say: Wording,
) -> tuple[Check, ...]:
    others = sorted({name for found in differ.values() for name, _, _ in found})
    known = bool(new.versions and old.versions and new.steps and old.steps)
    alike = Check(
        assumption=say.text("both runs were made in the same way"),
        finding=say.plural("one setting differs: {names}; what it touches is kept apart, or marked",
                           "{n} settings differ: {names}; what they touch is kept apart, or marked",
                           len(others), names=say.listing(others[:5]))
        if others
        else say.text("notebooks, parameters and versions are the same")
        if known
        else say.text("the record of a run is missing: only what the results carry was compared"),
        verdict="handled" if others else "holds" if known else "not testable",
    )  # fmt: skip
    has_months = "tier_migration" in results
    past = Check(
        assumption=say.text("months that were over are told alike by both runs"),
        finding=say.text("no run of notebook 10 says what each month brought")
        if not has_months
        else say.plural("one account has other sums now, which is kept apart",
                        "{n} accounts have other sums now, which is kept apart", len(again_other))
        if again_other
        else say.text("they are"),
        verdict="not testable" if not has_months else "handled" if again_other else "holds",
    )  # fmt: skip
    same = Check(
        assumption=say.text("accounts keep their identifiers"),
        finding=say.plural("one is known again under another", "{n} are known again under others", len(renumbered))
        if renumbered
        else say.text("none was found again under another"),
        verdict="handled" if renumbered else "holds",
    )  # fmt: skip
    return alike, past, same


def _assumed(n_movers: int, say: Wording) -> tuple[Assumed, ...]:
    return (
        Assumed(
            what=say.text("what counts as moved beyond its interval"),
            value=say.text("the intervals of both runs do not touch"),
            would_change=say.text("a test of each difference would find more, and more by chance"),
        ),
        Assumed(
            what=say.text("how many changes of the money of twelve months are told"),
            value=say.count(n_movers),
            would_change=say.text("a larger number tells smaller changes, too"),
        ),
    )
