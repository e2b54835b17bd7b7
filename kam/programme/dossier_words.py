"""The sentences of a dossier that a manager repeats: the account, what its people say, and who decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kam.programme.dossier_facts import known, row_of, say_reasons_of
from kam.wording import Wording

if TYPE_CHECKING:
    from kam.programme.dossier import DossierResult

SILENT_GAPS, SILENT_DAYS = 3.0, 30
"""Who has not ordered for so many of its gaps, and so many days, is silent."""


def say_account(dossier: DossierResult) -> str:
    """What it brings or brought, what threatens it, and what to do first: at most three sentences.

    Parameters
    ----------
    dossier : DossierResult
    """
    say, row = dossier.context.wording, row_of(dossier.account)
    if not known(row["n_orders"]) or not row["n_orders"]:
        first = say.sentence("{name} has not ordered in the time that the ledger covers: 0 orders.", name=_name(row))
    elif dossier.is_lost:
        first = _say_lost(row, dossier, say)
    elif is_silent(row):
        first = _say_silent(row, dossier, say)
    else:
        first = _say_active(row, say)
    return say.join(text for text in (first, _say_risk(dossier, row, say), _say_next(dossier, say)) if text)


def is_silent(row: dict[str, Any]) -> bool:
    """Whether an account has not ordered for three of its gaps and a month."""
    days, gap = row["days_since_last_order"], row["mean_gap_days"]
    return bool(known(days) and known(gap) and days > SILENT_DAYS and days > SILENT_GAPS * gap)


def say_voice(dossier: DossierResult) -> str:
    """What its people say of us, against all others.

    Parameters
    ----------
    dossier : DossierResult
    """
    say = dossier.context.wording
    answers = dossier.answers
    if answers.empty:
        return ""
    overall = answers[answers["item"] == "overall"]
    first = (overall if len(overall) else answers).iloc[0]
    if not known(first["answer_mean"]):
        return say.sentence("Too few people answered for a shared report.")
    people = say.plural("one person", "{n} people", int(first["n_respondents"]))
    return say.sentence(
        "{people} of the account gave {mean} for {question} in the wave {wave}; all others gave {others} ({n} people). "
        "A difference of so few people may be chance.",
        people=people[0].upper() + people[1:],
        mean=say.number(first["answer_mean"], 1),
        question=say.sentence("satisfaction overall") if first["item"] == "overall" else first["question"],
        wave=first["wave"],
        others=say.number(first["mean_others"], 1) if known(first["mean_others"]) else "–",
        n=say.count(first["n_other_people"]),
    )


def say_decides(dossier: DossierResult) -> str:
    """Allies, deciders and whom nobody has met, in numbers.

    Parameters
    ----------
    dossier : DossierResult
    """
    say, row = dossier.context.wording, row_of(dossier.account)
    if not known(row["n_contacts"]) or not row["n_contacts"]:
        return ""
    people = say.plural("One contact is known", "{n} contacts are known", int(row["n_contacts"]))
    allies = (
        say.plural("one of them stands for us", "{n} of them stand for us", int(row["n_allies"]))
        if row["n_allies"]
        else say.sentence("none of them stands for us")
    )
    if not row["n_deciders"]:
        return say.sentence("{people}, {allies}; none of them decides.", people=people, allies=allies)
    missing = int(row["n_deciders_not_met"])
    met = (
        say.plural("one of them nobody of us has met", "{n} of them nobody of us has met", missing)
        if missing
        else say.sentence("all of them we have met")
    )
    deciders = say.plural("one decides", "{n} decide", int(row["n_deciders"]))
    return say.sentence(
        "{people}, {allies}; {deciders}, and {met}.", people=people, allies=allies, deciders=deciders, met=met
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _name(row: dict[str, Any]) -> str:
    return str(row["name"]).rstrip(".")


def _say_active(row: dict[str, Any], say: Wording) -> str:
    values = {"name": _name(row), "money": say.money_short(row["revenue_year"])}
    if known(row["share_our_revenue"]):
        said = say.sentence(
            "{name} brings {money} a year, {share} of our revenue", share=say.share(row["share_our_revenue"]), **values
        )
    else:
        said = say.sentence("{name} brings {money} a year", **values)
    if known(row["revenue_year_before"]) and row["revenue_year_before"] > 0:
        change = row["revenue_year"] / row["revenue_year_before"] - 1
        p = say.share(abs(change), 0)
        if abs(change) < 0.005:
            said += say.sentence(", as much as the year before")
        elif change > 0:
            said += say.sentence(", {p} more than the year before", p=p)
        else:
            said += say.sentence(", {p} less than the year before", p=p)
    if known(row["share_of_target"]):
        said += say.sentence(", and {p} of its target", p=say.share(row["share_of_target"], 0))
    return say.close(said)


def _say_silent(row: dict[str, Any], dossier: DossierResult, say: Wording) -> str:
    said = say.sentence(
        "{name} has not ordered for {n} days, where {gap} are usual",
        name=_name(row), n=say.count(row["days_since_last_order"]), gap=say.count(row["mean_gap_days"]),
    )  # fmt: skip
    return _with_reason(said, row, dossier, say)


def _say_lost(row: dict[str, Any], dossier: DossierResult, say: Wording) -> str:
    said = say.sentence(
        "{name} is lost: no order for {n} days, after {money} in all",
        name=_name(row), n=say.count(row["days_since_last_order"]), money=say.money_short(row["revenue"]),
    )  # fmt: skip
    return _with_reason(said, row, dossier, say)


def _with_reason(said: str, row: dict[str, Any], dossier: DossierResult, say: Wording) -> str:
    """What moved before it went silent, and what was logged as the reason."""
    logged = dossier.events[dossier.events["event"] == "lost"].tail(1)
    why = say_reasons_of(logged, say)
    if known(row["reason"]):
        said = say.sentence("{said}; before, {reason}", said=said, reason=row["reason"])
    if why:
        said = say.sentence("{said}; logged as lost: {why}", said=said, why=why)
    return say.close(said)


def _say_risk(dossier: DossierResult, row: dict[str, Any], say: Wording) -> str:
    if dossier.p_churn is not None and dossier.horizon_days:
        interval = say.interval(say.share(dossier.p_churn_low or 0.0, 0), say.share(dossier.p_churn_high or 1.0, 0))
        return say.sentence(
            "Its chance of loss within {n} days is {p} ({interval}).",
            n=say.count(dossier.horizon_days), p=say.share(dossier.p_churn, 0), interval=interval,
        )  # fmt: skip
    if known(row["p_return"]):
        return say.sentence("Of accounts silent for as long {p} return.", p=say.share(row["p_return"]))
    return ""


def _say_next(dossier: DossierResult, say: Wording) -> str:
    if dossier.actions.empty:
        return ""
    first = dossier.actions.iloc[0]
    action = str(first["action"]).rstrip(".")
    return say.sentence("Next: {action}.", action=action[0].lower() + action[1:])
