"""Customer share instead of market share: how much of what accounts buy they buy from us, and what goes elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.disclosure import AS_IT_IS, RestsOn
from kam.errors import DataError, EmptyDataError, MissingColumnError, UndefinedMeasureError
from kam.results import Context, KeyFigure, Result
from kam.stats.resampling import check_whole, percentile_interval
from kam.survey.intervals import check_level
from kam.survey.shown_names import name_first
from kam.survey.suppression import few_accounts
from kam.survey.wallet_checks import assumed_of_wallet, check_wallet
from kam.survey.wallet_tables import add_intervals, average_levels, fit_slope, resample, sum_groups
from kam.wording import N_

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class WalletResult(Result):
    """Result of :func:`share_of_wallet`.

    Attributes
    ----------
    accounts : pandas.DataFrame
        One row per account whose demand is known, the largest gap first: ``customer_id``, ``name`` (if the accounts have it);
        ``revenue``, money a year from us; ``potential``, its whole demand a year, at least what we sell; ``share_wallet``;
        ``elsewhere``, money a year that goes elsewhere; ``is_outdated``, it bought more than its demand was said to be.
    groups : pandas.DataFrame
        One row per column of ``by`` and value, the largest gap first: ``by, group_name, n_accounts, revenue, potential,
        share_wallet`` with ``ci_low, ci_high``, ``elsewhere``; ``reason`` why there is no share or interval (empty: there is).
    levels : pandas.DataFrame
        One row per level of satisfaction, where satisfaction is given: ``satisfaction``, rounded to a whole level;
        ``n_accounts``; ``estimate``, mean share of wallet of its accounts, with ``ci_low, ci_high``; ``reason`` why there is
        none.
    outdated : pandas.DataFrame
        Accounts that bought more than their demand was said to be: ``customer_id``, ``name``, ``revenue``; ``potential`` as said.
    share, share_low, share_high : float
        What these accounts buy from us over all that they buy, and its interval.
    gap, gap_low, gap_high : float
        Money a year that they spend elsewhere, and its interval.
    measure : str
        ``potential`` (demand from the accounts) or ``stated`` (a share that was asked for).
    slope, slope_low, slope_high : float or None
        By how much the share of wallet is higher per level of satisfaction, as a share; None: satisfaction is not given or
        known of too few.
    n_accounts, n_unknown, n_outdated, n_satisfaction : int
        Accounts whose demand is known and is not, whose demand must be out of date, and whose satisfaction is known, too.
    share_unknown : float
        Share of the revenue that the accounts bring whose demand is not known.
    min_accounts : int
        Groups of fewer accounts get no estimate.
    level : float
        Level of the intervals.
    n_resamples, seed : int
        Resamples of the accounts, and their seed.
    """

    main: ClassVar[str] = "groups"
    rests_on: ClassVar = {
        "accounts": AS_IT_IS,
        "groups": AS_IT_IS,
        "levels": RestsOn(people=("n_accounts",), parts="satisfaction", labels=("satisfaction",)),
        "outdated": AS_IT_IS,
    }

    accounts: pd.DataFrame
    groups: pd.DataFrame
    levels: pd.DataFrame
    outdated: pd.DataFrame
    share: float
    share_low: float
    share_high: float
    gap: float
    gap_low: float
    gap_high: float
    measure: str
    slope: float | None
    slope_low: float | None
    slope_high: float | None
    n_accounts: int
    n_unknown: int
    n_outdated: int
    n_satisfaction: int
    share_unknown: float
    min_accounts: int
    level: float
    n_resamples: int
    seed: int

    def _interval(self) -> str:
        say = self.context.wording
        return say.interval(say.share(self.share_low), say.share(self.share_high), self.level)

    def _sentence(self) -> str:
        say = self.context.wording
        first = say.sentence(
            "On the {n} accounts whose demand is known we have {share} of what they buy ({interval}); {gap} a year goes "
            "elsewhere.",
            n=say.count(self.n_accounts),
            share=say.share(self.share),
            interval=self._interval(),
            gap=say.money_short(self.gap),
        )
        if self.slope is None or self.slope_low is None or self.slope_high is None:
            return first
        words = {
            "points": say.number(100 * abs(self.slope), 1),
            "interval": say.interval(
                say.number(100 * self.slope_low, 1), say.number(100 * self.slope_high, 1), self.level
            ),
        }
        if self.slope_low <= 0 <= self.slope_high:
            second = N_("With satisfaction it does not go beyond chance ({interval} points a level).")
        elif self.slope > 0:
            second = N_("Accounts one level more satisfied have a share {points} points higher ({interval}).")
        else:
            second = N_("Accounts one level more satisfied have a share {points} points lower ({interval}).")
        return say.join([first, say.sentence(second, **words)])

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        return (
            KeyFigure(
                value=say.share(self.share),
                label=say.sentence("of what they buy, they buy from us"),
                note=self._interval(),
            ),
            KeyFigure(
                value=say.money_short(self.gap),
                label=say.sentence("a year goes elsewhere"),
                note=say.interval(say.money_short(self.gap_low), say.money_short(self.gap_high), self.level),
            ),
            KeyFigure(
                value=say.count(self.n_unknown),
                label=say.sentence("accounts whose demand is not known"),
                note=say.sentence("{share} of the revenue; not estimated", share=say.share(self.share_unknown)),
            ),
            KeyFigure(
                value=say.count(self.n_outdated),
                label=say.sentence("bought more than their demand was said to be"),
                note=say.sentence("counted; they count with what they bought"),
            ),
        )


def share_of_wallet(
    accounts: pd.DataFrame | None,
    facts: pd.DataFrame | None,
    *,
    revenue: str = "revenue",
    stated: str | None = None,
    by: Sequence[str] = (),
    satisfaction: pd.Series | pd.DataFrame | None = None,
    min_accounts: int = 10,
    level: float = 0.95,
    n_resamples: int = 1000,
    seed: int = 1,
    context: Context | None = None,
) -> WalletResult:
    """Set what accounts buy from us beside all that they buy.

    The share of the whole is Σ revenue / Σ demand over the accounts whose demand is known, so that each unit of demand counts
    alike. An account that bought more than its demand was said to be is named, and counts with a demand of what it bought.
    Intervals resample accounts: they say how much hangs on which accounts these are, not how good the figures of demand are.

    Assumes (1) that demand is that of a year, in the same goods and money as revenue, and that revenue is that of the last year;
    (2) that the figures of demand are right: they are judged or asked for, and an error in them is an error here; (3) that
    accounts are independent of one another.

    Parameters
    ----------
    accounts : pandas.DataFrame
        One row per account: ``customer_id``, ``potential`` (demand a year, money) and what is named by ``by``; ``name`` is shown.
    facts : pandas.DataFrame
        One row per account, the portfolio: ``customer_id`` and the revenue of a year (money); a survey frame or snapshots of one
        origin will do. Revenue below 0 counts as 0.
    revenue : str
        Column of ``facts`` that is the revenue of the last year.
    stated : str, optional
        Column of ``facts`` or ``accounts`` with the share of its demand that an account says it buys from us, 0 to 1; takes the
        place of ``potential``: demand is then revenue over that share.
    by : sequence of str
        Columns of ``facts`` or ``accounts`` whose values make groups, such as class, industry, region.
    satisfaction : pandas.Series or pandas.DataFrame, optional
        By account: a series indexed by customer, or ``customer_id, satisfaction`` (1 to 5, one row per account).
    min_accounts : int
        Groups of fewer accounts get no estimate, at least 2.
    level : float
        Level of the intervals, between 0 and 1.
    n_resamples, seed : int
        Resamples of the accounts, and their seed.
    context : Context, optional
        Currency, language and dataset.

    Returns
    -------
    WalletResult

    Raises
    ------
    MissingColumnError
        A table lacks a column that is needed or named.
    EmptyDataError
        Demand is known of fewer than two accounts.
    UndefinedMeasureError
        These accounts buy nothing from anybody.
    DataError
        An account stands twice, has no revenue, a demand below 0, or a stated share outside 0 to 1.
    ParameterError
        An argument is out of range.

    References
    ----------
    Efron, B. & Tibshirani, R. (1993), chapters 10 and 13. Cochran (1977), section 2.11, on ratios.

    Examples
    --------
    >>> accounts = pd.DataFrame({"customer_id": ["a", "b", "c"], "potential": [100.0, 300.0, None]})
    >>> facts = pd.DataFrame({"customer_id": ["a", "b", "c"], "revenue": [80.0, 120.0, 50.0]})
    >>> result = share_of_wallet(accounts, facts)
    >>> result.share, result.gap, result.n_unknown
    (0.5, 200.0, 1)
    """
    context = context or Context()
    check_whole("min_accounts", min_accounts, at_least=2)
    check_whole("n_resamples", n_resamples, at_least=1)
    check_level(level)
    if accounts is None or facts is None:
        raise EmptyDataError(
            "What accounts need, or what they bought, is not known.",
            hint="Give the dataset a ledger, and accounts with a column potential.",
        )
    table = _join(accounts, facts, revenue, stated, by)
    n_negative = int((table["revenue"] < 0).sum())
    table["revenue"] = table["revenue"].clip(lower=0.0)
    table["said"] = _demand(table, stated)
    known = table[table["said"].notna()].reset_index(drop=True)
    if len(known) < 2:
        raise EmptyDataError(
            f"The demand of {len(known)} of {len(table)} accounts is known.",
            where=stated or "potential",
            hint="Fill potential, the demand a year, in the account file, or ask for the share.",
        )
    known["potential"] = known[["said", "revenue"]].max(axis=1)
    known["is_outdated"] = known["revenue"] > known["said"] * (1 + 1e-9)
    nothing = known["potential"] == 0
    n_nothing, known = int(nothing.sum()), known[~nothing].reset_index(drop=True)
    if known.empty:
        raise UndefinedMeasureError("These accounts buy nothing from anybody.", hint="Check revenue and potential.")
    known["share_wallet"] = known["revenue"] / known["potential"]
    known["elsewhere"] = known["potential"] - known["revenue"]
    known["satisfaction"] = _satisfaction(known["customer_id"], satisfaction)
    few = few_accounts(context.wording, min_accounts)
    groups = sum_groups(known, by, min_accounts, few)
    levels = average_levels(known, min_accounts, few)
    drawn = resample(known, groups, levels, n_resamples, seed)
    money, demand = float(known["revenue"].sum()), float(known["potential"].sum())
    ratio = drawn["revenue"][:, 0] / drawn["potential"][:, 0]
    low, high = percentile_interval(ratio, level)
    gap_low, gap_high = percentile_interval(drawn["potential"][:, 0] - drawn["revenue"][:, 0], level)
    groups = add_intervals(groups, drawn["revenue"][:, 1:], drawn["potential"][:, 1:], "share_wallet", level)
    levels = add_intervals(levels, drawn["shares"], drawn["counts"], "estimate", level)
    n_satisfaction = int(known["satisfaction"].notna().sum())
    slope = fit_slope(known, drawn["slope"], min_accounts, level)
    shown = ["customer_id", *(["name"] if "name" in known.columns else [])]
    outdated = known[known["is_outdated"]].sort_values("revenue", ascending=False, kind="stable")
    total, unknown = float(table["revenue"].sum()), table["said"].isna()
    share_unknown = float(table.loc[unknown, "revenue"].sum() / total) if total > 0 else 0.0
    say = context.wording
    return WalletResult(
        context=context,
        checks=check_wallet(
            say,
            known,
            n_all=len(table),
            n_unknown=int(unknown.sum()),
            share_unknown=share_unknown,
            n_negative=n_negative,
            n_nothing=n_nothing,
            n_elsewhere=int((~accounts["customer_id"].isin(set(table["customer_id"]))).sum()),
            has_satisfaction=satisfaction is not None,
        ),
        assumed=assumed_of_wallet(say, stated, min_accounts),
        accounts=known.sort_values(["elsewhere", "customer_id"], ascending=[False, True])[
            [*shown, "revenue", "potential", "share_wallet", "elsewhere", "is_outdated"]
        ].reset_index(drop=True),
        groups=groups.sort_values(["by", "elsewhere"], ascending=[True, False], kind="stable").reset_index(drop=True),
        levels=levels,
        outdated=outdated[[*shown, "revenue", "said"]].rename(columns={"said": "potential"}).reset_index(drop=True),
        share=money / demand,
        share_low=low,
        share_high=high,
        gap=demand - money,
        gap_low=gap_low,
        gap_high=gap_high,
        measure="potential" if stated is None else "stated",
        slope=slope[0],
        slope_low=slope[1],
        slope_high=slope[2],
        n_accounts=len(known),
        n_unknown=int(unknown.sum()),
        n_outdated=len(outdated),
        n_satisfaction=n_satisfaction,
        share_unknown=share_unknown,
        min_accounts=min_accounts,
        level=level,
        n_resamples=n_resamples,
        seed=seed,
    )


# -- the tables ------------------------------------------------------------------------------------------------------


def _join(
    accounts: pd.DataFrame, facts: pd.DataFrame, revenue: str, stated: str | None, by: Sequence[str]
) -> pd.DataFrame:
    """One row per account of the facts, with its revenue, what is said of its demand, and its groups."""
    for name, frame, needed in (("accounts", accounts, ["customer_id"]), ("facts", facts, ["customer_id", revenue])):
        for column in needed:
            _require(column, frame.columns, name)
        twice = frame["customer_id"].duplicated()
        if twice.any():
            raise DataError(
                f"An account stands twice in the {name}.",
                where=f"customers {name_first([repr(c) for c in frame.loc[twice, 'customer_id']])}",
                hint="Take the rows of one wave or origin." if name == "facts" else "Keep one row of each.",
            )
    if facts.empty:
        raise EmptyDataError("There is no account.", where="facts", hint="Give the accounts of the last year.")
    said = stated or "potential"
    table = pd.DataFrame({"customer_id": facts["customer_id"].to_numpy()})
    table["revenue"] = pd.to_numeric(facts[revenue], errors="coerce").to_numpy(dtype=np.float64)
    if not np.isfinite(table["revenue"]).all():
        lost = table.loc[~np.isfinite(table["revenue"]), "customer_id"]
        raise DataError(
            f"{len(lost)} accounts have no {revenue}.",
            where=f"customers {name_first([repr(c) for c in lost])}",
            hint="Give 0 to those that bought nothing.",
        )
    columns = list(dict.fromkeys([said, *by, *(["name"] if "name" in accounts.columns else [])]))
    for column in columns:
        _require(column, [*facts.columns, *accounts.columns], "accounts")
        source = facts if column in facts.columns and column != "potential" else accounts
        found = source.set_index("customer_id")[column].reindex(table["customer_id"]).to_numpy()
        table[f"of {column}" if column in by else column] = found
    table["said"] = pd.to_numeric(table[said], errors="coerce").astype("float64")
    return table


def _require(column: str, columns: Sequence[str] | pd.Index, where: str) -> None:
    if column not in columns:
        raise MissingColumnError(
            f"There is no column {column!r}.", where=where, hint=f"There are {', '.join(map(str, columns))}."
        )


def _demand(table: pd.DataFrame, stated: str | None) -> pd.Series:
    """Demand a year as it is said; missing: not known."""
    said = table["said"]
    bad = ~np.isfinite(said) & said.notna() | (said < 0) | ((said > 1) if stated else False)
    if bad.any():
        raise DataError(
            f"{stated} lies outside 0 to 1." if stated else "A demand is below 0, or is not finite.",
            where=name_first(
                [f"customer {i!r} ({x:g})" for i, x in zip(table.loc[bad, "customer_id"], said[bad], strict=True)]
            ),
            hint="Divide percentages by 100." if stated else "Correct the account file.",
        )
    if stated is None:
        return said
    told = (said > 0) & (table["revenue"] > 0)  # who says 0 %, or buys nothing, tells nothing of the demand
    return (table["revenue"] / said.where(told)).where(told)


def _satisfaction(customers: pd.Series, given: pd.Series | pd.DataFrame | None) -> Floats:
    if given is None:
        return np.full(len(customers), np.nan)
    if isinstance(given, pd.DataFrame):
        for column in ("customer_id", "satisfaction"):
            _require(column, given.columns, "satisfaction")
        given = given.set_index("customer_id")["satisfaction"]
    if given.index.duplicated().any():
        raise DataError(
            "An account stands twice in the satisfaction.",
            where=f"customer {given.index[given.index.duplicated()][0]!r}",
            hint="Take the mean of its people in one wave.",
        )
    return np.asarray(pd.to_numeric(given, errors="coerce").reindex(customers), dtype=np.float64)
