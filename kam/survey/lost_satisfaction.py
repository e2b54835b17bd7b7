"""How satisfied had they said they were, who then left? Always beside those who stayed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

import numpy as np
import pandas as pd

from kam.disclosure import AS_IT_IS, RestsOn
from kam.errors import EmptyDataError, MissingColumnError, ParameterError
from kam.results import Context, KeyFigure, Result
from kam.survey.design import Design, one_phase_designs
from kam.survey.intervals import check_level
from kam.survey.lost_accounts import (
    NEVER,
    NOT_ASKED,
    SILENT,
    accounts_at_risk,
    add_answers,
    add_revenue,
    check_events,
    checked_asked,
    dated_losses,
    end_of,
    followed_waves,
    is_known_who_was_asked,
    status_of,
)
from kam.survey.lost_checks import SOURCE_RANGE, assumed_of_lost, check_lost
from kam.survey.lost_shares import (
    BY_PEOPLE,
    FEW_ACCOUNTS,
    answering_shares,
    asked_shares,
    differs,
    loss_rates,
    rule_shares,
    satisfied_shares,
)
from kam.survey.loyalty_rows import account_scores, satisfaction_items
from kam.survey.responses import READING_NAMES, Responses
from kam.survey.suppression import few_accounts


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class LostSatisfactionResult(Result):
    """Result of :func:`satisfaction_of_the_lost`.

    Attributes
    ----------
    shares : pandas.DataFrame
        Of the accounts that answered, the mean share of their people that were satisfied, one row per reading of level 3, wave
        (and ``all``) and group: ``level_3, wave, each`` (``account`` or ``revenue``: what counts alike) ``, group_name``
        (``lost``, ``stayed``, ``difference``) ``, estimate, ci_low, ci_high, n_accounts, why`` (why there is none: fewer than 5
        accounts).
    rules : pandas.DataFrame
        The same over all waves by account, whichever way an account with divided people counts, one row per reading, ``rule``
        and group: ``level_3, rule, group_name, estimate, ci_low, ci_high, n_accounts, why``.
    rates : pandas.DataFrame
        The other way round, one row per reading and group: ``level_3, group_name`` (``satisfied``: more than half of the
        account's people; ``not satisfied``: fewer; ``divided``: exactly half, if there are any; ``difference`` of satisfied less
        not; and, counted without weights, those without an answer) ``, estimate``, share lost, ``ci_low, ci_high, n_accounts,
        n_lost, why``.
    answering : pandas.DataFrame
        Who among all lost and stayed accounts had said anything, one row per group and ``status``: ``group_name, status,
        n_accounts`` (one that stayed counts in every wave) ``, estimate`` (share of the group) ``, ci_low, ci_high``. Counted,
        without weights.
    asked : pandas.DataFrame
        Of those that had been asked, who had answered, by group: ``group_name, n_accounts, n_answered, estimate, ci_low,
        ci_high, why``; empty where it is not known who was asked.
    left_out : pandas.DataFrame
        ``why, n_accounts``: account-waves with an answer that are not compared.
    waves : tuple of str
        The waves that were followed long enough.
    horizon_days : int
        Days after a wave's last answer within which a loss counts.
    followed_to : datetime.date
        Day to which losses are known.
    satisfied_from : int
        Answer from which a person is satisfied.
    n_lost, n_stayed : int
        Accounts lost within the horizon, and account-waves that stayed, with an answer or without.
    n_left_out : int
        Account-waves with an answer that are not compared.
    leading : str
        The reading of level 3 that leads, as the dataset declares it.
    is_changed : bool
        Whether the other reading comes to another conclusion.
    level : float
        Level of the intervals.
    """

    main: ClassVar[str] = "shares"
    rests_on: ClassVar = {
        "shares": RestsOn(people=("n_accounts",), parts="group_name", contrasts=("difference",)),
        "rules": RestsOn(people=("n_accounts",), parts="group_name", contrasts=("difference",)),
        "rates": RestsOn(people=("n_accounts",), parts="group_name", contrasts=("difference",)),
        "answering": AS_IT_IS,
        "asked": AS_IT_IS,
        "left_out": AS_IT_IS,
    }

    shares: pd.DataFrame
    rules: pd.DataFrame
    rates: pd.DataFrame
    answering: pd.DataFrame
    asked: pd.DataFrame
    left_out: pd.DataFrame
    waves: tuple[str, ...]
    horizon_days: int
    followed_to: date
    satisfied_from: int
    n_lost: int
    n_stayed: int
    n_left_out: int
    leading: str
    is_changed: bool
    level: float

    def share_of(self, group: str, *, each: str = "account") -> pd.Series:
        """The row of all waves of a group in the leading reading."""
        shares = self.shares
        chosen = (shares["level_3"] == self.leading) & (shares["wave"] == "all") & (shares["each"] == each)
        return shares[chosen & (shares["group_name"] == group)].iloc[0]

    @property
    def is_asked_known(self) -> bool:
        """Whether it is known who was asked."""
        return not self.asked.empty

    def part_of(self, group: str, status: str) -> float:
        """Share of a group (``lost``, ``stayed``) with a status of ``answering``; 0 if nobody has it."""
        chosen = (self.answering["group_name"] == group) & (self.answering["status"] == status)
        return float(self.answering.loc[chosen, "estimate"].sum())

    def _interval(self, row: pd.Series) -> str:
        say = self.context.wording
        return say.interval(say.share(row["ci_low"], 0), say.share(row["ci_high"], 0), self.level)

    def _points(self, row: pd.Series) -> str:
        say = self.context.wording
        low, high = (say.number(100 * row[end], 0) for end in ("ci_low", "ci_high"))
        return say.interval(low, high, self.level)

    def _sentence(self) -> str:
        say = self.context.wording
        lost, stayed, difference = (self.share_of(group) for group in ("lost", "stayed", "difference"))
        days = say.count(self.horizon_days)
        if np.isnan(lost["estimate"]) or np.isnan(stayed["estimate"]):
            first = say.sentence(
                "Of the accounts lost within {days} days after a wave {n} had answered it: too few to say how satisfied they "
                "had been.",
                days=days,
                n=say.count(lost["n_accounts"]),
            )
        else:
            first = say.sentence(
                "In the accounts that were lost within {days} days after they answered, {lost} of the people who answered had "
                "said they were satisfied ({interval}), beside {stayed} in those that stayed: a difference of {points} points "
                "({points_interval}), every account counted alike.",
                lost=say.share(lost["estimate"], 0),
                days=days,
                interval=self._interval(lost),
                stayed=say.share(stayed["estimate"], 0),
                points=say.number(100 * difference["estimate"], 0),
                points_interval=self._points(difference),
            )
        second = self._silence()
        if not self.is_changed:
            return say.join([first, second])
        other = next(name for name in self.shares["level_3"].unique() if name != self.leading)
        third = say.sentence("With level 3 read as {other} the conclusion is another.", other=say.sentence(other))
        return say.join([first, second, third])

    def _silence(self) -> str:
        say = self.context.wording

        def shares_of(status: str) -> tuple[str, str]:
            return say.share(self.part_of("lost", status), 0), say.share(self.part_of("stayed", status), 0)

        if not self.is_asked_known:
            lost, stayed = shares_of(NEVER)
            return say.sentence(
                "Of the {n} lost, {lost} had not answered ({stayed} of those that stayed); who of them was asked is not known.",
                n=say.count(self.n_lost),
                lost=lost,
                stayed=stayed,
            )
        (not_asked, stayed_not_asked), (silent, stayed_silent) = shares_of(NOT_ASKED), shares_of(SILENT)
        return say.sentence(
            "Of the {n} lost, {not_asked} were never asked and {silent} were asked and stayed silent ({stayed_not_asked} and "
            "{stayed_silent} of those that stayed).",
            n=say.count(self.n_lost),
            not_asked=not_asked,
            silent=silent,
            stayed_not_asked=stayed_not_asked,
            stayed_silent=stayed_silent,
        )

    def _silent_figure(self) -> KeyFigure:
        """How many of the asked had not answered; where it is not known who was asked, of all."""
        say = self.context.wording
        if self.is_asked_known:
            groups, n_asked, n_answered = (self.asked[name] for name in ("group_name", "n_accounts", "n_answered"))
            n = dict(zip(groups, n_asked, strict=True))
            n_silent = dict(zip(groups, n_asked - n_answered, strict=True))
            label = say.sentence("of the lost that were asked had not answered")
            note = say.sentence(
                "beside {silent} of {n} of the stayed",
                silent=say.count(n_silent["stayed"]),
                n=say.count(n["stayed"]),
            )
            silent, all_lost = n_silent["lost"], n["lost"]
        else:
            silent, all_lost = round(self.part_of("lost", NEVER) * self.n_lost), self.n_lost
            label = say.sentence("of the lost had not answered")
            note = say.sentence("who was asked is not known")
        value = say.sentence("{part} of {whole}", part=say.count(silent), whole=say.count(all_lost))
        return KeyFigure(value=value, label=label, note=note)

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        figures = []
        for group, label in (
            ("lost", say.sentence("of the people of the lost had said they were satisfied")),
            ("stayed", say.sentence("of the people of those that stayed had")),
        ):
            row = self.share_of(group)
            known = not np.isnan(row["estimate"])
            source = say.sentence(
                "; the sources say {low} to {high}",
                low=say.share(SOURCE_RANGE[0], 0),
                high=say.share(SOURCE_RANGE[1], 0),
            )
            figures.append(
                KeyFigure(
                    value=say.share(row["estimate"], 0) if known else say.sentence("not known"),
                    label=label,
                    note=(self._interval(row) if known else row["why"]) + (source if group == "lost" else ""),
                )
            )
        rates = self.rates[self.rates["level_3"] == self.leading]
        for group, label in (
            ("satisfied", say.sentence("of the accounts with most people satisfied were lost")),
            ("not satisfied", say.sentence("of those with most people not satisfied were")),
        ):
            row = rates[rates["group_name"] == group].iloc[0]
            known = not np.isnan(row["estimate"])
            figures.append(
                KeyFigure(
                    value=say.share(row["estimate"], 0) if known else say.sentence("not known"),
                    label=label,
                    note=self._interval(row) if known else row["why"],
                )
            )
        figures.append(self._silent_figure())
        return tuple(figures)


def satisfaction_of_the_lost(
    responses: Responses,
    losses: pd.DataFrame | None,
    *,
    asked: pd.DataFrame | None = None,
    designs: Mapping[str, Design] | None = None,
    satisfaction: str | Sequence[str] = "overall",
    satisfied_from: int = 4,
    horizon_days: int | None = None,
    followed_to: date | None = None,
    level: float = 0.95,
    context: Context | None = None,
) -> LostSatisfactionResult:
    """Compare how satisfied accounts had said they were that were then lost, and that stayed.

    Only an account that is still there can be asked, and the longer it stays the more often it is: to compare the last answers
    of the lost with those of all who ever stayed would mix satisfaction with time. So accounts are compared **within a wave**:
    of all that were not lost when its field ended, those lost within the horizon against those not, by the answer of that wave,
    which is the last one before the loss. How satisfied an account is, is the share of its people that answer ``satisfied_from``
    or more, the figure of :func:`kam.survey.estimate` by account; other rules stand in ``rules``. All waves are followed for the
    same time; waves that were not followed that long are left out.

    A loss is dated ``lost_on``; without it, at the last order of an account that is lost by now (with ``last_active``, at the
    beginning of the period of that order). What an account says after it is then no answer before the loss: it is left out and
    counted.

    Assumes (1) that accounts are independent of one another; (2) that all accounts of ``losses`` were customers at every wave
    before their loss, unless ``first_order`` says otherwise; (3) that losses are known up to ``followed_to``; (4) that those who
    answered speak for those who did not: how many did not is shown; (5) nothing about why they left.

    Parameters
    ----------
    responses : Responses
        Answers with days and accounts.
    losses : pandas.DataFrame
        One row per account that could have been lost: ``customer_id`` and ``lost_on`` (date; missing: stayed), or ``is_lost``
        with ``last_order`` or ``last_active`` (dates), as in ``churn_definition(…).customers``; if known ``first_order`` (date)
        and ``revenue`` (money).
    asked : pandas.DataFrame, optional
        Who was asked: ``wave, customer_id``, and if there ``drawn`` (only these were asked) and ``revenue`` before the wave
        (money): the table ``sample``, or from :func:`survey_frame`. Where ``status`` says that who was asked is only supposed
        (``taken as asked``, ``answers only``), or a wave is missing, it counts as not known.
    designs : mapping of str to Design, optional
        By wave; by default that of who answered.
    satisfaction : str or sequence of str
        A question on five levels, or several whose mean counts, person by person.
    satisfied_from : int
        A person is satisfied from this answer (or mean) on; an account's satisfaction is the share of its people that are.
    horizon_days : int, optional
        Default: as long as every wave followed for 91 days or more was followed and no next wave came in between, at most 364.
    followed_to : datetime.date, optional
        Day to which losses are known. Default: that of the latest loss.
    level : float
        Level of the intervals.
    context : Context, optional
        Currency, language and dataset; by default that of the responses.

    Returns
    -------
    LostSatisfactionResult

    Raises
    ------
    MissingColumnError
        The answers have no accounts or no days; ``losses`` or ``asked`` lacks a column.
    ColumnTypeError, DataError
        A date is none; an account stands twice in ``losses``.
    EmptyDataError
        No account of the survey is in ``losses``, or no wave was followed long enough.
    NoEventError
        Nobody was lost within the horizon, or everybody.
    ParameterError
        A number is out of range, or ``satisfaction`` is no question on five levels.

    References
    ----------
    Korn, E. L. & Graubard, B. I. (1998). Confidence intervals for proportions. Survey Methodology 24.
    Newcombe, R. G. (1998). Interval estimation for the difference between independent proportions. Statistics in Medicine 17,
    method 10.
    Suissa, S. (2008). Immortal time bias in pharmaco-epidemiology. American Journal of Epidemiology 167.

    Examples
    --------
    Ten accounts answer; the five who leave within the year are two satisfied and three not.

    >>> from kam.survey import collect_responses
    >>> frame = pd.DataFrame({"respondent_id": list("abcdefghij"), "customer_id": list("abcdefghij"),
    ...     "overall": [4, 5, 2, 2, 1, 4, 4, 5, 4, 2], "answered_on": pd.Timestamp("2024-01-10")})
    >>> lost_on = [pd.Timestamp("2024-12-31")] * 5 + [pd.NaT] * 5
    >>> losses = pd.DataFrame({"customer_id": list("abcdefghij"), "lost_on": lost_on})
    >>> result = satisfaction_of_the_lost(collect_responses(frame), losses)
    >>> [float(result.share_of(group)["estimate"].round(2)) for group in ("lost", "stayed", "difference")]
    [0.4, 0.8, -0.4]
    """
    check_level(level)
    if satisfied_from not in (2, 3, 4, 5):
        raise ParameterError(f"satisfied_from is {satisfied_from!r}.", hint="Give a level from 2 to 5.")
    if horizon_days is not None and horizon_days < 1:
        raise ParameterError(f"horizon_days is {horizon_days!r}.", hint="Give a number of days.")
    if losses is None:
        raise EmptyDataError("Who was lost is not known.", hint="Give the dataset a ledger.")
    if not responses.has_accounts:
        raise MissingColumnError("The answers do not say of which account they are.", where="customer_id")
    if responses.field.empty:
        raise MissingColumnError("The answers have no days.", where="answered_on", hint="Give each answer its day.")
    context = context or responses.context
    items = satisfaction_items(responses, satisfaction)
    designs = one_phase_designs(responses) if designs is None else designs
    accounts = dated_losses(losses)
    if not set(accounts["customer_id"]) & set(responses.rows["customer_id"]):
        raise EmptyDataError(
            "No account of the survey is in losses.", hint="Check that customer_id is the same text in both."
        )
    was_asked = None if asked is None else checked_asked(asked)
    end = end_of(accounts, followed_to)
    waves, horizon = followed_waves(responses, end, horizon_days)
    at_risk = accounts_at_risk(responses, accounts, waves, horizon)
    check_events(at_risk, horizon)
    at_risk = add_revenue(at_risk, was_asked)
    so_far = responses.waves[: responses.waves.index(waves[-1]) + 1]
    is_known = is_known_who_was_asked(was_asked, so_far)
    at_risk = at_risk.assign(status=status_of(at_risk, responses, was_asked if is_known else None))

    scored = {
        READING_NAMES[way]: add_answers(at_risk, responses.read_level_3_as(way), items, satisfied_from, designs)
        for way in responses.readings
    }
    leading = READING_NAMES[responses.leading_reading]
    few = few_accounts(context.wording, FEW_ACCOUNTS)
    shares = {name: satisfied_shares(rows, level, few) for name, rows in scored.items()}
    rates = {name: loss_rates(rows, at_risk, level, few) for name, rows in scored.items()}
    rules = {name: rule_shares(rows, satisfied_from, level, few) for name, rows in scored.items()}
    verdicts = {name: _ways(frame)[BY_PEOPLE] for name, frame in rules.items()}
    answering, was_answered = answering_shares(at_risk, level), asked_shares(at_risk, level, few)
    was_answered = was_answered if is_known else was_answered.iloc[:0]
    left_out = _left_out(context, responses, accounts, waves, scored[leading], items, designs)
    return LostSatisfactionResult(
        context=context,
        checks=check_lost(
            context.wording,
            asked=was_answered,
            n_lost=scored[leading].loc[scored[leading]["is_lost"], "customer_id"].nunique(),
            left_out=left_out,
            readings=verdicts,
            rules=_ways(rules[leading]),
        ),
        assumed=assumed_of_lost(
            context.wording,
            is_dated="lost_on" in losses.columns,
            horizon_days=horizon,
            satisfied_from=satisfied_from,
            followed_to=end,
        ),
        shares=_together(shares),
        rules=_together(rules),
        rates=_together(rates),
        answering=answering,
        asked=was_answered,
        left_out=left_out,
        waves=waves,
        horizon_days=horizon,
        followed_to=end,
        satisfied_from=satisfied_from,
        n_lost=int(at_risk["is_lost"].sum()),
        n_stayed=int((~at_risk["is_lost"]).sum()),
        n_left_out=int(left_out["n_accounts"].sum()),
        leading=leading,
        is_changed=len(set(verdicts.values())) > 1,
        level=level,
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _together(by_reading: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    return pd.concat([frame.assign(level_3=name) for name, frame in by_reading.items()], ignore_index=True)


def _ways(rules: pd.DataFrame) -> dict[str, str]:
    """Which way the lost differ from the stayed, by rule."""
    rows = rules[rules["group_name"] == "difference"]
    return {str(row["rule"]): differs(row) for _, row in rows.iterrows()}


def _left_out(
    context: Context,
    responses: Responses,
    accounts: pd.DataFrame,
    waves: Sequence[str],
    compared: pd.DataFrame,
    items: Sequence[str],
    designs: Mapping[str, Design],
) -> pd.DataFrame:
    """Account-waves with an answer that are not compared, each with one reason."""
    say = context.wording
    scores = account_scores(responses, items, designs)[["wave", "customer_id", "score"]]
    used = pd.MultiIndex.from_frame(compared[["wave", "customer_id"]])
    rest = scores[~pd.MultiIndex.from_frame(scores[["wave", "customer_id"]]).isin(used)]
    is_known = rest["customer_id"].isin(set(accounts["customer_id"]))
    reasons = np.select(
        [~is_known, ~rest["wave"].isin(waves), rest["score"].isna()],
        [
            say.sentence("the account is not among those that could have been lost"),
            say.sentence("the wave was not followed long enough"),
            say.sentence("satisfaction was not answered"),
        ],
        say.sentence("lost before the field ended, not yet there, or without weight"),
    )
    counts = pd.Series(reasons, dtype="str").value_counts(sort=False)
    return pd.DataFrame({"why": counts.index.astype("str"), "n_accounts": counts.to_numpy(dtype="int64")})
