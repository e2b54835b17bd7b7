"""Satisfaction as states of customers, wave by wave, and as covariates: frames for the analyses of churn."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from kam.errors import EmptyDataError, MissingColumnError, ParameterError
from kam.survey.design import one_phase_designs
from kam.survey.lost_accounts import dated_losses
from kam.survey.loyalty_rows import BANDS, account_scores, band_of, satisfaction_items
from kam.survey.responses import Responses
from kam.wording import N_

NOT_ANSWERED, LOST = N_("not answered"), N_("lost")


def survey_covariates(responses: Responses) -> pd.DataFrame:
    """The answers as ``kam.ledger.Covariates(survey=…)`` takes them, for churn regression and person-periods.

    There an account has the mean overall judgment of its people in the last wave *before* a day, and the days since.

    Parameters
    ----------
    responses : Responses
        Answers with accounts and days.

    Returns
    -------
    pandas.DataFrame
        One row per respondent and wave with an overall judgment: ``customer_id, wave, answered_on, overall``.

    Raises
    ------
    MissingColumnError
        The answers have no accounts, no days or no overall judgment.
    """
    _require_accounts(responses)
    for column in ("answered_on", "overall"):
        if column not in responses.rows.columns:
            raise MissingColumnError(f"The answers have no {column!r}.", where="responses", hint="Map it to a column.")
    columns = ["customer_id", "wave", "answered_on", "overall"]
    return responses.rows.loc[responses.rows["overall"].notna(), columns].reset_index(drop=True)


def satisfaction_states(
    responses: Responses,
    *,
    waves: Sequence[str] | None = None,
    losses: pd.DataFrame | None = None,
    satisfaction: str | Sequence[str] = "overall",
) -> pd.DataFrame:
    """The state of each account in each wave: low, middle or high satisfaction, not answered, or lost.

    Assumes (1) that an account that answered any wave, or is in ``losses``, was a customer from the first wave on, unless
    ``first_order`` of ``losses`` says otherwise; (2) that silence is a state of its own, not the state of the last answer.

    Parameters
    ----------
    responses : Responses
        Answers with accounts.
    waves : sequence of str, optional
        Which waves, by default all; at least two.
    losses : pandas.DataFrame, optional
        As :func:`satisfaction_of_the_lost` takes it. An account whose loss lies before the first answer of a wave is lost there
        and later, unless it answers again; one lost before the first wave is not in the panel. None: nobody is lost.
    satisfaction : str or sequence of str
        A question on five levels, or several whose mean counts; the mean over the people of an account is low below 2.5 and high
        from 4.5 on.

    Returns
    -------
    pandas.DataFrame
        One row per account and wave, by account: ``customer_id``; ``period``, the first day of the month in which the wave began
        if waves lie evenly apart, else the number of the wave; ``state`` (ordered categorical of those that occur). It is what
        ``kam.churn.fit_markov_churn`` takes.

    Raises
    ------
    MissingColumnError, ColumnTypeError, DataError
        The answers have no accounts, or with losses no days; ``losses`` cannot be used.
    ParameterError
        There are fewer than two waves, or one is not known.
    EmptyDataError
        Every account was lost before the first wave.

    Examples
    --------
    >>> from kam.survey import collect_responses
    >>> frame = pd.DataFrame({"respondent_id": ["1", "2", "1"], "customer_id": ["a", "b", "a"], "overall": [5, 2, 4],
    ...     "wave": ["2023", "2023", "2024"]})
    >>> satisfaction_states(collect_responses(frame)).astype({"state": "str"}).values.tolist()
    [['a', 1, 'high'], ['a', 2, 'middle'], ['b', 1, 'low'], ['b', 2, 'not answered']]
    """
    _require_accounts(responses)
    chosen = _chosen_waves(responses, waves)
    items = satisfaction_items(responses, satisfaction)
    scores = account_scores(responses, items, one_phase_designs(responses))
    scores = scores[scores["wave"].isin(chosen)]
    band = band_of(scores["score"]).astype("object").where(scores["score"].notna(), NOT_ANSWERED)
    known = sorted(set(scores["customer_id"]))
    accounts = None if losses is None else dated_losses(losses)
    if accounts is not None:
        known = sorted(set(known) | set(accounts["customer_id"]))
    grid = pd.MultiIndex.from_product([known, chosen], names=["customer_id", "wave"]).to_frame(index=False)
    answers = pd.Series(band.to_numpy(), index=pd.MultiIndex.from_frame(scores[["customer_id", "wave"]]))
    grid["state"] = answers.reindex(pd.MultiIndex.from_frame(grid[["customer_id", "wave"]])).to_numpy()
    if accounts is not None:
        grid = _with_losses(grid, accounts, responses)
    grid["state"] = grid["state"].fillna(NOT_ANSWERED)
    if grid.empty:
        raise EmptyDataError("Every account was lost before the first wave.", hint="Take earlier waves.")
    seen = set(grid["state"])
    names = [name for name in (*BANDS, NOT_ANSWERED, LOST) if name in seen]
    grid["state"] = pd.Categorical(grid["state"], names, ordered=True)
    grid["period"] = grid["wave"].map(_periods(responses, chosen))
    return grid[["customer_id", "period", "state"]].reset_index(drop=True)


# -- inside ----------------------------------------------------------------------------------------------------------


def _require_accounts(responses: Responses) -> None:
    if not responses.has_accounts:
        raise MissingColumnError(
            "The answers do not say of which account they are.", where="customer_id", hint="Map it to a column."
        )


def _chosen_waves(responses: Responses, waves: Sequence[str] | None) -> list[str]:
    unknown = [wave for wave in waves or () if wave not in responses.waves]
    if unknown:
        raise ParameterError(f"There is no wave {unknown[0]!r}.", hint=f"Waves there: {', '.join(responses.waves)}.")
    chosen = [wave for wave in responses.waves if waves is None or wave in waves]
    if len(chosen) < 2:
        raise ParameterError(
            f"There is one wave, {', '.join(chosen)}: nobody can be seen to move.", hint="Take at least two."
        )
    return chosen


def _with_losses(grid: pd.DataFrame, accounts: pd.DataFrame, responses: Responses) -> pd.DataFrame:
    """Mark the lost, and leave out who is not yet there or was lost before the first wave."""
    field = responses.field
    if field.empty:
        raise MissingColumnError("The answers have no days.", where="answered_on", hint="Give each answer its day.")
    begins = grid["wave"].map(field.set_index("wave")["first_answer"])
    accounts = accounts.set_index("customer_id")
    lost = grid["customer_id"].map(accounts["lost_on"]) < begins
    silent = grid["state"].isna()
    grid["state"] = grid["state"].mask(lost & silent, LOST)
    there = pd.Series(True, index=grid.index)
    if "first_order" in accounts.columns:
        there = ~(grid["customer_id"].map(accounts["first_order"]) > begins) | ~silent
    state = grid["state"].fillna(NOT_ANSWERED).where(there, LOST)
    was_there = (state != LOST).groupby(grid["customer_id"]).cummax()
    return grid[was_there].reset_index(drop=True)


def _periods(responses: Responses, waves: Sequence[str]) -> dict[str, pd.Timestamp] | dict[str, int]:
    """First days of months if the waves lie evenly apart by months, quarters or years; else 1, 2, …"""
    numbers = {wave: i + 1 for i, wave in enumerate(waves)}
    field = responses.field
    if not set(waves) <= set(field["wave"]):
        return numbers
    first = pd.to_datetime(field.set_index("wave")["first_answer"]).loc[list(waves)]
    months = (first.dt.year * 12 + first.dt.month).diff().dropna()
    if months.nunique() != 1 or int(months.iloc[0]) not in (1, 3, 12):
        return numbers
    return {wave: day.replace(day=1).normalize() for wave, day in zip(waves, first, strict=True)}
