"""Target against actual: who is behind plan, by how much, and whether the plan as a whole is reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import pandas as pd

from kam.columns import require_columns
from kam.dataset.names import name_accounts
from kam.errors import DataError, EmptyDataError
from kam.ledger import Ledger, activity_panel
from kam.ledger.periods import period_start
from kam.results import Assumed, Check, Context, KeyFigure, Result
from kam.wording import N_

Freq = Literal["month", "quarter", "year"]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class PlanResult(Result):
    """Result of :func:`compare_plan`.

    Attributes
    ----------
    accounts : pandas.DataFrame
        One row per account with a target in the last complete period, the furthest behind first: ``customer_id, name,
        period, revenue_target, revenue, target_gap`` (actual less target) ``, share_of_target`` (missing where the target is
        not above 0) and, where margin has targets and the ledger has cost, ``margin_target`` (missing where there is none)
        ``, margin``.
    periods : pandas.DataFrame
        One row per complete period with targets, earliest first: ``period, n_accounts, n_reached`` (accounts at or above their
        target) ``, revenue_target, revenue`` (of these accounts) ``, target_gap, share_of_target``.
    without_target : pandas.DataFrame
        Accounts that bought in the last complete period and have no target, the largest first: ``customer_id, name,
        revenue``.
    freq : str
        Length of the periods.
    period : str
        First day of the last complete period with targets.
    target, actual : float
        Of the accounts with a target in it, together.
    n_accounts, n_reached, n_ahead : int
        Accounts with a target in it; those that reached it; periods with targets that are not complete yet.
    share_without_target : float or None
        Share of the period's revenue that has no target; None: the revenue is not above 0.
    """

    main: ClassVar[str] = "accounts"

    accounts: pd.DataFrame
    periods: pd.DataFrame
    without_target: pd.DataFrame
    freq: str
    period: str
    target: float
    actual: float
    n_accounts: int
    n_reached: int
    n_ahead: int
    share_without_target: float | None

    def _sentence(self) -> str:
        say = self.context.wording
        gap = self.actual - self.target
        below, above = (
            N_("In {period} the account with a target brought {actual} of {target} planned ({share}): {gap} below plan.",
             "In {period} the {n} accounts with a target brought {actual} of {target} planned ({share}): {gap} below plan."),
            N_("In {period} the account with a target brought {actual} of {target} planned ({share}): {gap} above plan.",
             "In {period} the {n} accounts with a target brought {actual} of {target} planned ({share}): {gap} above plan."),
        )  # fmt: skip
        first = say.plural(
            *(below if gap < 0 else above),
            self.n_accounts,
            period=say.period(pd.Timestamp(self.period), self.freq),
            actual=say.money_short(self.actual),
            target=say.money_short(self.target),
            share=say.share(self.actual / self.target, 0) if self.target > 0 else "–",
            gap=say.money_short(abs(gap)),
        )
        worst = float(self.accounts["target_gap"].iloc[0])
        if worst >= 0:
            return say.join(
                [first, say.plural("It reached its target.", "All {n} reached their target.", self.n_accounts)]
            )
        return say.join(
            [
                first,
                say.plural(
                    "One reached its target; the one furthest behind lacks {gap}.",
                    "{n} reached their target; the one furthest behind lacks {gap}.",
                    self.n_reached,
                    gap=say.money_short(-worst),
                ),
            ]
        )

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say, counted = self.context.wording, self.context.wording.sentence("counted, not estimated")
        behind = self.accounts[self.accounts["target_gap"] < 0]
        return (
            KeyFigure(
                value=say.share(self.actual / self.target, 0) if self.target > 0 else "–",
                label=say.sentence("of the target was reached"),
                note=counted,
            ),
            KeyFigure(
                value=say.count(self.n_reached),
                label=say.sentence("accounts reached their target"),
                note=say.sentence("of {n} with a target", n=say.count(self.n_accounts)),
            ),
            KeyFigure(
                value=say.money_short(abs(behind["target_gap"].sum())),
                label=say.sentence("missing at the accounts behind"),
                note=say.plural("one account", "{n} accounts", len(behind)),
            ),
        )


def compare_plan(
    ledger: Ledger, targets: pd.DataFrame, *, accounts: pd.DataFrame | None = None, context: Context | None = None
) -> PlanResult:
    """Compare targets with what was sold, per account and period.

    Only complete periods are compared: a year that still runs is behind any plan.

    Assumes (1) that a target is for the whole period; (2) that an account without a line in the period sold nothing in it.

    Parameters
    ----------
    ledger : Ledger
        See :func:`kam.open_ledger`.
    targets : pandas.DataFrame
        ``customer_id, period`` (first day) ``, revenue_target, freq`` and perhaps ``margin_target``; of more than one length of
        period the one with most rows is compared (the longer one where two have as many).
    accounts : pandas.DataFrame, optional
        The account file, for names.
    context : Context, optional
        Currency, language and dataset.

    Returns
    -------
    PlanResult

    Raises
    ------
    MissingColumnError
        The targets lack a column.
    EmptyDataError
        There is no target, or none for a complete period.
    DataError
        A period does not begin as those of the ledger do, or an account has two targets for a period.

    Examples
    --------
    >>> from kam.ledger import open_ledger
    >>> days = ["2023-01-02", "2023-12-31"]
    >>> orders = pd.DataFrame({"customer_id": ["a", "b"], "order_date": days, "amount": [80.0, 50.0]})
    >>> targets = pd.DataFrame({"customer_id": ["a", "b"], "period": pd.Timestamp("2023-01-01"), "freq": "year",
    ...     "revenue_target": [100.0, 40.0]})
    >>> found = compare_plan(open_ledger(orders, as_of="2023-12-31"), targets)
    >>> found.accounts[["customer_id", "target_gap"]].values.tolist()
    [['a', -20.0], ['b', 10.0]]
    """
    context = context or Context()
    needed = ("customer_id", "period", "revenue_target", "freq")
    require_columns(targets, needed, where="the targets", hint="Give what the dataset reads.")
    rows = targets[targets["revenue_target"].notna() & targets["period"].notna()]
    if rows.empty:
        raise EmptyDataError("There is no target.", where="targets", hint="Fill in revenue_target and period.")
    freq: Freq = rows["freq"].mode().iloc[-1]  # of those with most rows the last by name, which is the longest
    n_other = int((rows["freq"] != freq).sum())
    rows = rows[rows["freq"] == freq].assign(customer_id=lambda f: f["customer_id"].astype("str"))
    _check_periods(rows, freq, ledger.fiscal_year_start)
    panel = activity_panel(ledger, freq=freq)
    last = panel["period"].max()
    done = rows[(rows["period"] <= last) & (rows["period"] >= panel["period"].min())]
    if done.empty:
        raise EmptyDataError(
            f"No {freq} with a target is complete.",
            where=f"targets from {rows['period'].min():%Y-%m-%d}, ledger complete to the {freq} of {last:%Y-%m-%d}",
            hint="Look at the periods of the targets, or wait until the first is over.",
        )
    has_margin = "margin" in panel and "margin_target" in done and bool(done["margin_target"].notna().any())
    wanted = ["revenue_target", *(["margin_target"] if has_margin else [])]
    actual = ["revenue", *(["margin"] if has_margin else [])]
    both = done[["customer_id", "period", *wanted]].merge(
        panel[["customer_id", "period", *actual]], on=["customer_id", "period"], how="left"
    )
    both[actual] = both[actual].fillna(0.0)
    both["target_gap"] = both["revenue"] - both["revenue_target"]
    both["share_of_target"] = both["revenue"] / both["revenue_target"].where(both["revenue_target"] > 0)
    both["reached"] = both["target_gap"] >= 0
    period = both["period"].max()
    now = both[both["period"] == period].sort_values(["target_gap", "customer_id"], ignore_index=True)
    periods = both.groupby("period", as_index=False).agg(
        n_accounts=("revenue", "size"),
        n_reached=("reached", "sum"),
        revenue_target=("revenue_target", "sum"),
        revenue=("revenue", "sum"),
        target_gap=("target_gap", "sum"),
    )
    periods["share_of_target"] = periods["revenue"] / periods["revenue_target"].where(periods["revenue_target"] > 0)
    sold = panel[panel["period"] == period]
    others = sold[~sold["customer_id"].isin(now["customer_id"]) & (sold["revenue"] != 0)]
    total = float(sold["revenue"].sum())
    columns = ["customer_id", "period", "revenue_target", "revenue", "target_gap", "share_of_target"]
    return PlanResult(
        context=context,
        checks=_checks(context, done, panel, n_other, others, total),
        assumed=(
            Assumed(
                what=context.wording.sentence("a target is for the whole period"),
                value=context.wording.sentence("yes"),
                would_change=context.wording.sentence("a target from mid-year on is judged too hard"),
            ),
        ),
        accounts=name_accounts(now[[*columns, *(["margin_target", "margin"] if has_margin else [])]], accounts),
        periods=periods.astype({"n_reached": "int64"}),
        without_target=name_accounts(
            others.sort_values(["revenue", "customer_id"], ascending=[False, True], ignore_index=True)[
                ["customer_id", "revenue"]
            ],
            accounts,
        ),
        freq=freq,
        period=f"{period:%Y-%m-%d}",
        target=float(now["revenue_target"].sum()),
        actual=float(now["revenue"].sum()),
        n_accounts=len(now),
        n_reached=int(now["reached"].sum()),
        n_ahead=int(rows.loc[rows["period"] > last, "period"].nunique()),
        share_without_target=float(others["revenue"].sum() / total) if total > 0 else None,
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _check_periods(rows: pd.DataFrame, freq: Freq, fiscal_year_start: int) -> None:
    """The targets stand at the first days of periods, one per account and period."""
    for start in rows["period"].drop_duplicates():
        first = period_start(start.date(), freq, fiscal_year_start=fiscal_year_start)
        if start != pd.Timestamp(first):
            raise DataError(
                f"A target is for a {freq} from {start:%Y-%m-%d}, but the {freq}s of the ledger begin otherwise.",
                where=f"targets, account {rows.loc[rows['period'] == start, 'customer_id'].iloc[0]}",
                hint=f"Give the first day, here {first:%Y-%m-%d}, or set fiscal_year_start of the ledger.",
            )
    twice = rows[rows.duplicated(["customer_id", "period"])]
    if len(twice):
        raise DataError(
            "An account has two targets for a period.",
            where=f"account {twice['customer_id'].iloc[0]}, {twice['period'].iloc[0]:%Y-%m-%d}",
            hint="Keep one, or sum them.",
        )


def _checks(
    context: Context, done: pd.DataFrame, panel: pd.DataFrame, n_other: int, others: pd.DataFrame, total: float
) -> tuple[Check, ...]:
    say = context.wording
    n_strangers = len(set(done["customer_id"]) - set(panel["customer_id"]))
    all_have = say.sentence("all have")
    if len(others):
        all_have = say.plural("one has none", "{n} have none", len(others))
        if total > 0:
            all_have = say.join(
                [all_have, say.sentence("({share} of the revenue)", share=say.share(others["revenue"].sum() / total))]
            )
    checks = [
        Check(
            assumption=say.sentence("accounts with revenue have a target"),
            finding=all_have,
            verdict="handled" if len(others) else "holds",
        ),
        Check(
            assumption=say.sentence("targets are for accounts that buy"),
            finding=say.plural(
                "one is for an account that never bought, and counts with nothing sold",
                "{n} accounts with a target never bought, and count with nothing sold",
                n_strangers,
            )
            if n_strangers
            else say.sentence("every account with a target has bought"),
            verdict="handled" if n_strangers else "holds",
        ),
    ]
    if n_other:
        checks.append(
            Check(
                assumption=say.sentence("targets are for periods of one length"),
                finding=say.plural(
                    "one is for a period of another length and is left out",
                    "{n} are for periods of another length and are left out",
                    n_other,
                ),
                verdict="handled",
            )
        )
    if "margin_target" in done and done["margin_target"].notna().any() and "margin" not in panel:
        checks.append(
            Check(
                assumption=say.sentence("margin can be compared with its targets"),
                finding=say.sentence("the ledger has no cost: only revenue is compared"),
                verdict="not testable",
            )
        )
    return tuple(checks)
