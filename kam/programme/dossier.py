"""The dossier of one account: who they are, how it went, where they stand and head, what they say, who decides, what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from kam.disclosure import RestsOn
from kam.errors import ParameterError
from kam.programme.account_files import AccountFilesResult
from kam.programme.actions import action_list
from kam.programme.dossier_facts import FACTS, tell_facts
from kam.programme.dossier_words import say_account, say_decides, say_voice
from kam.programme.dossier_years import sum_years
from kam.results import Check, Context, KeyFigure, Result
from kam.wording import N_, Wording

SECTIONS: dict[str, tuple[str, ...]] = {
    "who": ("accounts",),
    "history": ("events", "deliveries", "tiers"),
    "products": ("products",),
    "standing": ("tiers", "scorecard", "types", "flags", "targets", "mix", "gaps"),
    "heading": ("forecast", "value", "wallet"),
    "voice": ("answers",),
    "decides": ("contacts",),
    "actions": (),
}
"""Sections of a dossier, and the parts of the account files whose absence each mentions."""
NOTABLE = ("complaint", "tender", "offer", "handover", "lost")
"""What a timeline marks; visits and contacts are counted by year."""

RISK_FROM = {N_("high"): 0.25, N_("medium"): 0.1, N_("low"): 0.0}
"""Chance of loss from which on the index calls the risk so."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class DossierResult(Result):
    """Result of :func:`account_dossier`: one account on two pages.

    Attributes
    ----------
    account : pandas.DataFrame
        The row of the account, as :class:`AccountFilesResult` has it.
    facts : pandas.DataFrame
        What is said of it, in order: ``section`` (who, history, standing, heading) ``, term`` (what it is about) ``, finding``
        (with unit) ``, reason`` (how sure it is, or why).
    years : pandas.DataFrame
        One row per twelve months, counted back from the last complete month: ``year_from, n_orders, revenue, margin,
        n_deliveries, n_late, n_complaints, n_visits, n_won, n_not_won`` (tenders) ``, tier`` (at the end). A column that is known
        of no year is not there.
    months, deliveries, events, products, mix, answers, contacts : pandas.DataFrame
        The rows of the account, as :class:`AccountFilesResult` has them; ``events`` without contacts and visits; ``answers`` of
        the last wave that it answered, satisfaction overall first, then what lies furthest below all others.
    actions : pandas.DataFrame
        What to do next: ``rank, action, reason, guarantee, priority, at_stake, stake, due``.
    lacks : pandas.DataFrame
        What could not be said: ``section, part, reason``.
    customer_id, name : str
        The account.
    manager, tier : str, optional
        Who looks after it; its tier in force.
    is_key_account : bool
        Whether it is on the list.
    is_lost : bool, optional
        Whether it is lost by the rule of the run; None: not known.
    p_churn, p_churn_low, p_churn_high : float, optional
        Its chance of loss with interval.
    horizon_days, value_periods : int, optional
        How far the chance of loss and the value ahead look.
    value_freq : str, optional
        Length of the periods of the value ahead.
    """

    main: ClassVar[str] = "facts"
    rests_on: ClassVar[dict[str, RestsOn | None]] = {
        **dict.fromkeys(
            (
                "account",
                "facts",
                "years",
                "months",
                "deliveries",
                "events",
                "products",
                "mix",
                "contacts",
                "actions",
                "lacks",
            )
        ),
        "answers": RestsOn(people=("n_respondents",)),
    }

    account: pd.DataFrame
    facts: pd.DataFrame
    years: pd.DataFrame
    months: pd.DataFrame
    deliveries: pd.DataFrame
    events: pd.DataFrame
    products: pd.DataFrame
    mix: pd.DataFrame
    answers: pd.DataFrame
    contacts: pd.DataFrame
    actions: pd.DataFrame
    lacks: pd.DataFrame
    customer_id: str
    name: str
    manager: str | None
    tier: str | None
    is_key_account: bool
    is_lost: bool | None
    p_churn: float | None = None
    p_churn_low: float | None = None
    p_churn_high: float | None = None
    horizon_days: int | None = None
    value_periods: int | None = None
    value_freq: str | None = None

    def part(self, section: str) -> pd.DataFrame:
        """The facts of a section: ``term, finding, reason``."""
        own = self.facts[self.facts["section"] == section]
        return own[["term", "finding", "reason"]].reset_index(drop=True)

    def lines(self, section: str) -> list[str]:
        """The facts of a section, a line each."""
        say = self.context.wording
        return [
            say.sentence("{term}: {finding}", term=term, finding=f"{finding} ({reason})" if reason else finding)
            for term, finding, reason in self.part(section).itertuples(index=False, name=None)
        ]

    def line(self, section: str) -> str:
        """The facts of a section in one line."""
        say = self.context.wording
        return say.join(say.close(text) for text in self.lines(section))

    def missing(self, section: str) -> str:
        """What a section cannot say, and why, in one line; empty where nothing is missing."""
        say = self.context.wording
        own = self.lacks[self.lacks["section"] == section]
        if own.empty:
            return ""
        said = [
            say.sentence("{parts} ({reason})", parts=say.listing([say.text(part) for part in parts]), reason=reason)
            for reason, parts in own.groupby("reason", sort=False)["part"]
        ]
        return say.sentence("Not said here: {parts}.", parts=say.join(said, ";"))

    def idle(self) -> str:
        """A line in the place of actions, where no rule holds; empty where there are any."""
        return (
            "" if len(self.actions) else self.context.wording.sentence("No rule of the table holds for this account.")
        )

    def voice(self) -> str:
        """What its people say of us, against the people of all others, in a sentence."""
        return say_voice(self)

    def decides(self) -> str:
        """Who decides, how many stand with us, and whom we have not met, in a sentence."""
        return say_decides(self)

    def labels(self) -> dict[str, str]:
        """By what the index finds the dossier: account, manager, tier, and risk by :data:`RISK_FROM`."""
        say = self.context.wording
        named = self.name and self.name != self.customer_id
        if self.is_lost:
            risk = say.sentence("lost")
        elif self.p_churn is None:
            risk = say.sentence("not known")
        else:
            risk = next(say.sentence(word) for word, least in RISK_FROM.items() if self.p_churn >= least)
        return {
            say.sentence("account"): f"{self.name} ({self.customer_id})" if named else self.customer_id,
            say.sentence("manager"): self.manager or "",
            say.sentence("tier"): self.tier or "",
            say.sentence("risk"): risk,
        }

    def _sentence(self) -> str:
        return say_account(self)

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        row = self.account.iloc[0]
        figures = [
            KeyFigure(
                value=say.money_short(row["revenue_year"]) if row["revenue_year"] == row["revenue_year"] else "–",
                label=say.sentence("net revenue, last twelve months"),
                note=say.sentence("{share} of ours; counted", share=say.share(row["share_our_revenue"]))
                if row["share_our_revenue"] == row["share_our_revenue"]
                else say.sentence("counted, not estimated"),
            ),
            KeyFigure(
                value=self.tier or _text(row["abc_class"]) or "–",
                label=say.sentence("tier") if self.tier else say.sentence("class"),
                note=say.sentence("the same class again in {p} of re-runs", p=say.share(row["p_same_class"], 0))
                if row["p_same_class"] == row["p_same_class"]
                else say.sentence("how stable it is, no run says"),
            ),
            KeyFigure(
                value=say.share(self.p_churn) if self.p_churn is not None else "–",
                label=say.sentence("chance of loss within {n} days", n=say.count(self.horizon_days or 0))
                if self.horizon_days
                else say.sentence("chance of loss"),
                note=say.interval(say.share(self.p_churn_low or 0.0), say.share(self.p_churn_high or 1.0))
                if self.p_churn is not None
                else say.sentence("lost already") if self.is_lost else say.sentence("no forecast in this run"),
            ),
        ]  # fmt: skip
        if row["value_ahead"] == row["value_ahead"]:
            figures.append(
                KeyFigure(
                    value=say.money_short(row["value_ahead"]),
                    label=say.sentence(
                        "value ahead, {periods}",
                        periods=say.periods(self.value_periods or 0, self.value_freq or "quarter"),
                    ),
                    note=say.interval(say.money_short(row["ahead_low"]), say.money_short(row["ahead_high"])),
                )
            )
        overall = self.answers[(self.answers["item"] == "overall") & self.answers["answer_mean"].notna()]
        if len(overall):
            said = overall.iloc[0]
            figures.append(
                KeyFigure(
                    value=say.number(said["answer_mean"], 1),
                    label=say.plural(
                        "satisfaction, by one person", "satisfaction, by {n} people", said["n_respondents"]
                    ),
                    note=say.sentence(
                        "all others {mean}; too few people for an interval", mean=say.number(said["mean_others"], 1)
                    ),
                )
            )
        return tuple(figures)


def account_dossier(
    files: AccountFilesResult,
    customer_id: str,
    *,
    rules: pd.DataFrame | None = None,
    context: Context | None = None,
) -> DossierResult:
    """Say of one account what is known of it, with the reason for each, and what to do next.

    Assumes (1) what the analyses assume from which the account files were put together; (2) what
    :func:`kam.programme.action_list` assumes of its rules.

    Parameters
    ----------
    files : AccountFilesResult
        From :func:`gather_accounts` or :func:`read_account_files`; the account must be in it.
    customer_id : str
        Which account; empty: the largest key account of the files, or else the largest account.
    rules : pandas.DataFrame, optional
        In place of the rules of :func:`kam.programme.action_list`.
    context : Context, optional
        By default that of the files.

    Returns
    -------
    DossierResult

    Raises
    ------
    ParameterError
        The account has no file; it names the nearest.
    """
    if not len(files.accounts):
        raise ParameterError("No account has a file.", where="files", hint="Gather the files of at least one account.")
    context = context or files.context
    say = context.wording
    own = files.of(customer_id)
    row = own.accounts.iloc[0]
    todo = action_list(own, rules=rules, context=context)
    shown = ["rank", "action", "reason", "guarantee", "priority", "at_stake", "stake", "due"]
    years = sum_years(own)
    facts = tell_facts(own, say)
    return DossierResult(
        context=context,
        checks=(*files.checks, *_checks(row, say)),
        assumed=(*files.assumed, *todo.assumed),
        account=own.accounts,
        facts=pd.DataFrame(facts, columns=list(FACTS), dtype="str"),
        years=years,
        months=own.months,
        deliveries=own.deliveries,
        events=own.events[own.events["event"].isin(NOTABLE)].reset_index(drop=True),
        products=own.products,
        mix=own.mix,
        answers=_order_answers(own.answers),
        contacts=own.contacts,
        actions=todo.actions[shown],
        lacks=_lacks(own, say),
        customer_id=str(row["customer_id"]),
        name=str(row["name"]),
        manager=_text(row["manager"]),
        tier=_text(row["tier"]),
        is_key_account=bool(row["is_key_account"]) if not pd.isna(row["is_key_account"]) else False,
        is_lost=None if pd.isna(row["is_lost"]) else bool(row["is_lost"]),
        p_churn=_number(row["p_churn"]),
        p_churn_low=_number(row["p_churn_low"]),
        p_churn_high=_number(row["p_churn_high"]),
        horizon_days=files.horizon_days,
        value_periods=files.value_periods,
        value_freq=files.value_freq,
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _text(value: object) -> str | None:
    return None if pd.isna(value) or not str(value) else str(value)  # type: ignore[call-overload]


def _number(value: float) -> float | None:
    return None if pd.isna(value) else float(value)


def _order_answers(answers: pd.DataFrame) -> pd.DataFrame:
    """Of the last wave: satisfaction overall first, then what lies furthest below all others."""
    if answers.empty:
        return answers
    last = answers[answers["wave"] == answers["wave"].iloc[-1]]
    gap = (last["answer_mean"] - last["mean_others"]).where(last["item"] != "overall", -float("inf"))
    return last.iloc[gap.argsort(kind="stable")].reset_index(drop=True)


def _lacks(own: AccountFilesResult, say: Wording) -> pd.DataFrame:
    """By section, what the run or the dataset does not have, and what this account alone lacks."""
    reasons = dict(zip(own.lacks["part"], own.lacks["reason"], strict=True))
    row = own.accounts.iloc[0]
    alone = {
        "answers": (own.answers.empty, say.sentence("nobody of the account answered")),
        "contacts": (not row["n_contacts"] > 0, say.sentence("none is on file")),
        "targets": (pd.isna(row["revenue_target"]), say.sentence("the account has none")),
        "wallet": (pd.isna(row["potential"]), say.sentence("its demand is not known")),
        "forecast": (pd.isna(row["p_no_order"]), say.sentence("the forecast does not have the account")),
        "value": (pd.isna(row["value_ahead"]), say.sentence("not known of the account")),
        "products": (own.products.empty, say.sentence("nothing bought in the last two years")),
        "deliveries": (own.deliveries.empty, say.sentence("none is known of the account")),
    }
    rows = [
        (section, _name_part(part, say), reasons[part] if part in reasons else alone[part][1])
        for section, parts in SECTIONS.items()
        for part in parts
        if part in reasons or (part in alone and alone[part][0])
    ]
    return pd.DataFrame(rows, columns=["section", "part", "reason"], dtype="str")


def _name_part(part: str, say: Wording) -> str:
    return {
        "accounts": say.sentence("account file"),
        "answers": say.sentence("answers to the survey"),
        "contacts": say.sentence("contacts"),
        "deliveries": say.sentence("deliveries"),
        "events": say.sentence("complaints, tenders and other events"),
        "flags": say.sentence("flags"),
        "forecast": say.sentence("chance of loss"),
        "gaps": say.sentence("what like accounts buy"),
        "mix": say.sentence("price, volume and mix"),
        "products": say.sentence("products"),
        "scorecard": say.sentence("scorecard"),
        "targets": say.sentence("target"),
        "tiers": say.sentence("tier over time"),
        "types": say.sentence("type"),
        "value": say.sentence("value ahead"),
        "wallet": say.sentence("share of wallet"),
    }[part]


def _checks(row: pd.Series, say: Wording) -> tuple[Check, ...]:
    n_orders = 0 if pd.isna(row["n_orders"]) else int(row["n_orders"])
    enough = n_orders >= _FEW_ORDERS
    return (
        Check(
            assumption=say.sentence("the account ordered often enough for a rhythm"),
            finding=say.plural("one order", "{n} orders", n_orders),
            verdict="holds" if enough else "does not hold",
            statistic=float(n_orders),
        ),
    )


_FEW_ORDERS = 4
"""With fewer orders three gaps are not known: no rhythm."""
