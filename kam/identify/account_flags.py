"""Flags of accounts: a figure, what it is held against, a test, and a size that matters; together a false-alarm rate.

A flag is raised where three things hold: the account could be judged, the figure is off by an amount that matters, and its
p-value survives the step-up procedure of Benjamini & Hochberg (1995) over all accounts judged by this flag, so that among the
accounts that carry a flag the expected share of those to which nothing happened is at most ``false_alarms``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from kam.dataset.names import name_accounts
from kam.errors import DataError, MissingColumnError, ParameterError
from kam.identify.level_shift import MIN_ORDERS
from kam.identify.order_blocks import OrderBlocks
from kam.identify.value_classes import abc_classes
from kam.results import Assumed, Check, Context, KeyFigure
from kam.wording import Wording

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

FALSE_ALARMS = 0.1
"""Of the accounts that carry a flag, the share that is expected to carry it by chance."""


MOST_FLAGGED = 0.2
"""If more accounts than this carry a flag, it says something of the portfolio and not of accounts."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Judgment:
    """One flag, judged for every account; arrays have shape (n_accounts,).

    Attributes
    ----------
    flag : str
        Its name.
    measure : str
        What its figure is, in words.
    judged : numpy.ndarray of bool
        Whether the account has enough data.
    matters : numpy.ndarray of bool
        Whether the figure is off by an amount that matters.
    figure, reference : numpy.ndarray
        What was measured, and what it is held against; missing where not judged.
    p_value : numpy.ndarray or None
        Of the test; None where a figure is counted and there is nothing to test.
    since : pandas.DatetimeIndex or None
        Since when, one entry per account, missing where not dated.
    finding : callable
        The words for one account (its position).
    not_judged : str
        Why accounts were not judged, in words; empty if all were.
    """

    flag: str
    measure: str
    judged: Flags
    matters: Flags
    figure: Floats
    reference: Floats
    p_value: Floats | None
    since: pd.DatetimeIndex | None
    finding: Callable[[int], str]
    not_judged: str = ""

    def raised(self, false_alarms: float) -> Flags:
        """Which accounts carry the flag."""
        if self.p_value is None or not self.judged.any():
            return self.judged & self.matters
        sure = np.zeros(len(self.judged), dtype=bool)
        sure[self.judged] = stats.false_discovery_control(self.p_value[self.judged]) <= false_alarms
        flags: Flags = sure & self.matters
        return flags


@dataclass(frozen=True)
class Unknown:
    """A flag that this ledger cannot show, and why."""

    flag: str
    reason: str


@dataclass(frozen=True, eq=False)
class FlagTables:
    """The frames that a result of flags holds."""

    flags: pd.DataFrame
    facts: pd.DataFrame
    counts: pd.DataFrame


def collect_flags(
    judgments: Sequence[Judgment | Unknown],
    facts: pd.DataFrame,
    *,
    false_alarms: float,
    accounts: pd.DataFrame | None,
) -> FlagTables:
    """Raise the flags and count them.

    Parameters
    ----------
    judgments : sequence of Judgment or Unknown
    facts : pandas.DataFrame
        One row per account in the order of the judgments: ``customer_id``, ``revenue``, ``is_large``, measured figures.
    false_alarms : float
    accounts : pandas.DataFrame or None
        For the names.

    Returns
    -------
    FlagTables
        Largest accounts first.
    """
    facts = _named(facts, accounts)
    n, large = len(facts), facts["is_large"].to_numpy(dtype=bool)
    n_flags = np.zeros(n, dtype=np.int64)
    parts, counts = [], []
    for one in judgments:
        if isinstance(one, Unknown):
            counts.append((one.flag, 0, 0, 0, n, False, one.reason))
            continue
        raised = one.raised(false_alarms)
        n_flags += raised
        at = np.flatnonzero(raised)
        counts.append(
            (
                one.flag,
                len(at),
                int(large[at].sum()),
                int(one.judged.sum()),
                int((~one.judged).sum()),
                one.p_value is not None,
                one.not_judged if not one.judged.all() else "",
            )
        )
        parts.append(
            pd.DataFrame(
                {
                    "customer_id": facts["customer_id"].to_numpy()[at],
                    "name": facts["name"].to_numpy()[at],
                    "flag": one.flag,
                    "measure": one.measure,
                    "figure": one.figure[at],
                    "reference": one.reference[at],
                    "finding": [one.finding(int(i)) for i in at],
                    "since": pd.DatetimeIndex([pd.NaT] * len(at)) if one.since is None else one.since[at],
                    "p_value": np.nan if one.p_value is None else one.p_value[at],
                    "revenue": facts["revenue"].to_numpy()[at],
                    "is_large": large[at],
                }
            )
        )
    flags = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    flags = flags.sort_values(["revenue", "customer_id"], ascending=[False, True], kind="stable", ignore_index=True)
    facts = facts.assign(n_flags=n_flags)
    facts = facts.sort_values(["revenue", "customer_id"], ascending=[False, True], ignore_index=True)
    columns = ["flag", "n_flagged", "n_flagged_large", "n_judged", "n_not_judged", "is_tested", "reason"]
    return FlagTables(flags, facts, pd.DataFrame(counts, columns=columns))


def base_facts(blocks: OrderBlocks) -> pd.DataFrame:
    """``customer_id, revenue`` (net, all complete months), ``n_orders``, ``is_large`` (class A by revenue)."""
    gross, returns, orders = (
        np.bincount(blocks.account, blocks.facts[name].to_numpy(dtype=np.float64), minlength=len(blocks))
        for name in ("gross", "returns", "n_orders")
    )
    revenue = pd.Series(gross - returns, index=blocks.customers)
    large = abc_classes(revenue) == "A" if (revenue > 0).any() else pd.Series(False, index=blocks.customers)
    return pd.DataFrame(
        {
            "customer_id": blocks.customers,
            "revenue": revenue.to_numpy(),
            "n_orders": orders.astype(np.int64),
            "is_large": large.to_numpy(dtype=bool),
        }
    )


def checked_accounts(accounts: pd.DataFrame | None, customers: pd.Index) -> pd.DataFrame:
    """The rows of the account file in the order of the customers; all missing for who has none, no columns without a file.

    Raises
    ------
    MissingColumnError
        The file has no ``customer_id``.
    DataError
        An account stands twice.
    """
    if accounts is None:
        return pd.DataFrame(index=customers)
    if "customer_id" not in accounts:
        raise MissingColumnError("The account file has no customer_id.", where=f"columns {list(accounts.columns)}")
    twice = accounts.loc[accounts["customer_id"].duplicated(), "customer_id"]
    if len(twice):
        raise DataError(
            "An account stands twice in the account file.",
            where=f"accounts {twice.head(3).tolist()}",
            hint="Keep one row per account.",
        )
    return accounts.set_index("customer_id").reindex(customers)


def first_accounts(flags: pd.DataFrame) -> pd.Series:
    """The largest 50 accounts of these flags: whose evidence over time is shown."""
    return flags["customer_id"].drop_duplicates().head(50)


def flag_history(
    blocks: OrderBlocks, flags: pd.DataFrame, chosen: pd.Series, figures: Mapping[str, Floats]
) -> pd.DataFrame:
    """The evidence over time of some accounts, for the flags that each carries.

    Parameters
    ----------
    blocks : OrderBlocks
    flags : pandas.DataFrame
        Who carries what: ``customer_id, flag``.
    chosen : pandas.Series
        Identifiers of the accounts.
    figures : mapping of str to numpy.ndarray, shape (n_chosen, n_blocks)
        By flag, those of the accounts chosen.

    Returns
    -------
    pandas.DataFrame
        ``customer_id, period`` (first day of three months), ``flag, figure``, those that are known.
    """
    parts = [
        pd.DataFrame(
            {
                "customer_id": np.repeat(chosen.to_numpy(), blocks.n_blocks),
                "period": np.tile(blocks.block_starts.to_numpy(), len(chosen)),
                "flag": flag,
                "figure": values.ravel(),
            }
        )
        for flag, values in figures.items()
    ]
    carried = flags[["customer_id", "flag"]].drop_duplicates()
    history = pd.concat(parts, ignore_index=True).merge(carried, on=["customer_id", "flag"])
    return history.dropna(subset="figure").reset_index(drop=True)


def checked_share(name: str, share: object) -> float:
    """A share between 0 and 1 that a caller gave.

    Raises
    ------
    ParameterError
        It is none.
    """
    if isinstance(share, Real) and 0 < float(share) < 1:
        return float(share)
    raise ParameterError(f"{name} is {share!r}.", hint=f"Give {name} as a share between 0 and 1, such as 0.1.")


def _named(facts: pd.DataFrame, accounts: pd.DataFrame | None) -> pd.DataFrame:
    return name_accounts(facts, accounts)


def too_few(say: Wording) -> str:
    """Why a change of level was not judged."""
    return say.sentence("fewer than {n} orders", n=say.count(MIN_ORDERS))


# -- words that both results share -----------------------------------------------------------------------------------


def worst_account(flags: pd.DataFrame) -> pd.DataFrame:
    """The flags of the large account with most of them, the larger one among equals; of any account if no large one has one."""
    flags = flags[flags["is_large"]] if flags["is_large"].any() else flags
    if flags.empty:
        return flags
    n_flags = flags.groupby("customer_id", sort=False).size()
    return flags[flags["customer_id"] == n_flags.index[int(n_flags.to_numpy().argmax())]]


def say_flags(say: Wording, flags: pd.DataFrame, facts: pd.DataFrame, one: str, many: str, none: str) -> str:
    """How many of the large accounts carry one of the flags, and the worst of them with its figures."""
    n_large = int(facts["is_large"].sum())
    if flags.empty:
        return say.sentence(none, n_all=say.count(len(facts)), n_large=say.count(n_large))
    large = facts[facts["is_large"] & facts["customer_id"].isin(flags["customer_id"])]
    total = facts["revenue"].clip(lower=0).sum()
    share = large["revenue"].clip(lower=0).sum() / total if total > 0 else 0.0
    worst = worst_account(flags)
    tested, counted = _with_flag(flags, facts)
    return say.join(
        [
            say.plural(one, many, len(large), n_large=say.count(n_large), share=say.share(share)),
            say.sentence(
                "A tested flag is carried by {tested}, one that is only counted (a limit) by {counted}.",
                tested=say.count(tested),
                counted=say.count(counted),
            )
            if counted
            else "",
            say.sentence(
                "{name} carries most of them: {findings}.",
                name=worst["name"].iloc[0],
                findings=say.join(worst["finding"].head(3), ";"),
            ),
        ]
    )


def _with_flag(flags: pd.DataFrame, facts: pd.DataFrame) -> tuple[int, int]:
    """Large accounts that carry a flag with a test, and one that is counted; who carries both is in both."""
    carried = [flags.loc[kind, "customer_id"] for kind in (flags["p_value"].notna(), flags["p_value"].isna())]
    tested, counted = (int((facts["is_large"] & facts["customer_id"].isin(ids)).sum()) for ids in carried)
    return tested, counted


def flag_figures(
    say: Wording, flags: pd.DataFrame, facts: pd.DataFrame, counts: pd.DataFrame, rate: float
) -> tuple[KeyFigure, ...]:
    """The large accounts with a flag, the most frequent flag that is tested, what could not be judged."""
    flagged = int((facts["is_large"] & facts["customer_id"].isin(flags["customer_id"])).sum())
    tested, counted = _with_flag(flags, facts) if len(flags) else (0, 0)
    by_chance = say.sentence(
        "at most {share} of the tested flags of a kind are expected by chance", share=say.share(rate, 0)
    )
    most = counts.sort_values(["is_tested", "n_flagged_large"], ascending=False, kind="stable").iloc[0]
    is_carried = bool(most["is_tested"] and most["n_flagged_large"])
    unknown = counts[counts["n_judged"] == 0]
    return (
        KeyFigure(
            value=say.sentence("{n} of {n_all}", n=say.count(flagged), n_all=say.count(facts["is_large"].sum())),
            label=say.sentence("large accounts (class A by revenue) carry a flag"),
            note=say.sentence(
                "{tested} a tested flag, {counted} one that is only counted (a limit), {by_chance}",
                tested=say.count(tested),
                counted=say.count(counted),
                by_chance=by_chance,
            )
            if counted
            else by_chance,
        ),
        KeyFigure(
            value=say.count(most["n_flagged_large"] if is_carried else 0),
            label=say.sentence("of them: {flag}, the most frequent tested flag", flag=say.text(most["flag"]))
            if is_carried
            else say.sentence("of them carry a tested flag"),
            note=say.sentence(
                "{n} of all {n_all} accounts", n=say.count(most["n_flagged"]), n_all=say.count(len(facts))
            )
            if is_carried
            else say.sentence("large accounts"),
        ),
        KeyFigure(
            value=say.sentence("{n} of {n_all}", n=say.count(len(counts) - len(unknown)), n_all=say.count(len(counts))),
            label=say.sentence("flags could be judged"),
            note=say.join(unknown["reason"], ";") if len(unknown) else say.sentence("all columns are there"),
        ),
    )


def flag_checks(context: Context, counts: pd.DataFrame, n_accounts: int) -> tuple[Check, ...]:
    """What could not be judged, flag by flag."""
    say = context.wording
    judged = counts[(counts["n_judged"] > 0) & counts["is_tested"]]
    shares = judged["n_flagged"] / judged["n_judged"]
    checks = []
    if len(judged):
        most = judged.iloc[int(shares.to_numpy().argmax())]
        checks.append(
            Check(
                assumption=say.sentence("most accounts are free of what is looked for"),
                finding=say.sentence(
                    "of the tested flags, {flag} is carried by the largest share of the accounts judged: {share}",
                    flag=say.text(str(most["flag"])),
                    share=say.share(shares.max()),
                ),
                verdict="holds" if shares.max() <= MOST_FLAGGED else "does not hold",
                statistic=float(shares.max()),
            )
        )
    for row in counts.to_dict("records"):
        if row["n_judged"] == 0:
            finding, verdict = row["reason"] or say.sentence("no account could be judged"), "not testable"
        elif row["n_not_judged"]:
            finding = say.sentence(
                "{n} of {n_all} accounts not judged: {why}",
                n=say.count(row["n_not_judged"]),
                n_all=say.count(n_accounts),
                why=row["reason"],
            )
            verdict = "handled"
        else:
            finding, verdict = say.sentence("all accounts were judged"), "holds"
        checks.append(
            Check(
                assumption=say.sentence("there is enough to judge: {flag}", flag=say.text(row["flag"])),
                finding=finding,
                verdict=verdict,  # type: ignore[arg-type]
            )
        )
    return tuple(checks)


def flag_assumed(context: Context, false_alarms: float, sizes: Sequence[tuple[str, str]]) -> tuple[Assumed, ...]:
    """The false-alarm rate, and from which size on a figure matters."""
    say = context.wording
    return (
        Assumed(
            what=say.sentence("false alarms"),
            value=say.sentence("at most {share} of the tested flags of a kind", share=say.share(false_alarms, 0)),
            would_change=say.sentence("a lower rate flags fewer accounts and misses more"),
        ),
        *(
            Assumed(what=what, value=value, would_change=say.sentence("a lower limit flags smaller changes"))
            for what, value in sizes
        ),
    )
