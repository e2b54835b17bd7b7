"""Weights for who did not answer: what each account that did stands for, and what that costs.

Weights make who answered look like who was drawn in what the ledger knows. Against what it does not know they can do nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, get_args

import numpy as np
import pandas as pd

from kam.disclosure import AS_IT_IS
from kam.errors import DataError, EmptyDataError, MissingColumnError, ParameterError
from kam.results import Context, KeyFigure, Result
from kam.survey.design import Design
from kam.survey.frame import ANSWERS_ONLY, TAKEN_AS_ASKED
from kam.survey.response_model import Method
from kam.survey.responses import Responses
from kam.survey.stored_terms import restore_terms
from kam.survey.wave_weights import UNITS, WaveWeights, take_weights, weigh_wave
from kam.survey.weighting_checks import assumed_of_weights, check_weights
from kam.wording import N_

_LEAST_KNOWN = 0.5
"""Where nobody knows who was asked, accounts are weighed from the ledger only if it knows as many of those that answered."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class WeightsResult(Result):
    """Result of :func:`weigh_responses`.

    Attributes
    ----------
    waves : pandas.DataFrame
        One row per wave, the earliest first: ``wave, n_drawn, n_answered`` (accounts) ``, share_answered`` (of those drawn)
        ``, share_answered_weighted`` (by design weights: of the population; what is of the drawn, and ``p_lowest``, is missing
        where the weights are given, since nobody knows who was asked) ``, n_effective`` (Kish: (Σw)² / Σw²)
        ``, design_effect`` (of unequal weights: n_answered / n_effective) ``, weight_ratio`` (largest factor, weight over design
        weight, to the median one) ``, n_trimmed, p_lowest`` (smallest response probability) ``, difference_before,
        difference_after`` (largest standardized difference, without sign; missing where nothing is known).
    accounts : pandas.DataFrame
        One row per wave and account drawn: ``wave, customer_id, stratum, psu, n_population, base_weight, answered, p_response,
        response_class`` (the class, or the fifth of the propensities) ``, weight`` (0: did not answer) ``, trimmed, n_people,
        revenue`` (the last two missing where not known).
    balance : pandas.DataFrame
        One row per wave, term and level ("": a number): ``mean_drawn, mean_answered, mean_weighted`` (of the accounts drawn; of
        those that answered, by design weights and by final weights; of a level the share; of money and days the logarithm of one
        more) ``, difference_before, difference_after`` (from the drawn, in standard deviations of the drawn).
    coefficients : pandas.DataFrame
        One row per wave and column of the response model by propensities: ``wave, term, level, estimate, std_error`` (log-odds of
        answering per standard deviation).
    response_terms, calibration_terms : pandas.DataFrame
        What response probabilities were estimated from, and the cells that weights were brought to: ``wave, customer_id, term,
        level, term_value``. :meth:`designs` needs them.
    left_out : pandas.DataFrame
        Accounts that answered and have no weight, and waves that were drawn but not answered: ``wave, customer_id, n_respondents,
        why``.
    method : str
        ``propensity``, ``classes``, ``none``, or ``given`` where the weights are those of the survey in all waves.
    max_ratio : float
        Largest factor allowed, in medians; None: nothing was trimmed.
    supposed : tuple of str
        Waves of which nobody knows who was asked: every account active in the ledger is supposed to have been.
    """

    main: ClassVar[str] = "waves"
    rests_on: ClassVar = {
        "waves": AS_IT_IS,
        "accounts": AS_IT_IS,
        "balance": AS_IT_IS,
        "coefficients": AS_IT_IS,
        "response_terms": AS_IT_IS,
        "calibration_terms": AS_IT_IS,
        "left_out": AS_IT_IS,
    }

    waves: pd.DataFrame
    accounts: pd.DataFrame
    balance: pd.DataFrame
    coefficients: pd.DataFrame
    response_terms: pd.DataFrame
    calibration_terms: pd.DataFrame
    left_out: pd.DataFrame
    method: str
    max_ratio: float | None
    supposed: tuple[str, ...]

    def designs(self, responses: Responses) -> dict[str, Design]:
        """The design of each wave, for the errors of estimates.

        Parameters
        ----------
        responses : Responses
            Those that were weighed, also with level 3 read otherwise. Answers of accounts in ``left_out`` are taken out.

        Returns
        -------
        dict of str to Design

        Raises
        ------
        DataError
            A wave was not weighed.
        """
        found = {}
        for wave in responses.waves:
            units = self.accounts[self.accounts["wave"] == wave].reset_index(drop=True)
            if units.empty:
                raise DataError(
                    f"Wave {wave} was not weighed.", where="responses", hint="Give the responses that were weighed."
                )
            found[wave] = Design(
                responses=_of_accounts(responses.of_wave(wave), units["customer_id"]),
                units=units[[*UNITS, *(["revenue"] if units["revenue"].notna().any() else [])]],
                response_terms=restore_terms(self.response_terms, wave, units["customer_id"]),
                calibration_terms=restore_terms(self.calibration_terms, wave, units["customer_id"]),
            )
        return found

    def _sentence(self) -> str:
        say = self.context.wording
        last = self.waves.iloc[-1]
        if self.method == "given" and (self.accounts["weight"] == 1).all():
            first = say.plural(
                "One account answered in wave {wave}.",
                "{n} accounts answered in wave {wave}; each counts alike.",
                int(last["n_answered"]),
                wave=last["wave"],
            )
        elif self.method == "given":
            first = say.plural(
                "One account answered in wave {wave}; its weight is that of the survey.",
                "{n} accounts answered in wave {wave}; their weights are those of the survey.",
                int(last["n_answered"]),
                wave=last["wave"],
            )
        elif last["wave"] in self.supposed:
            first = say.sentence(
                "In wave {wave}, {n} of {n_drawn} accounts active in the year before answered ({share}); who was asked is not "
                "known, and they are weighed as if all had been.",
                wave=last["wave"],
                n=say.count(last["n_answered"]),
                n_drawn=say.count(last["n_drawn"]),
                share=say.share(last["share_answered"]),
            )
        else:
            first = say.sentence(
                "In wave {wave}, {n} of {n_drawn} accounts asked answered ({share}).",
                wave=last["wave"],
                n=say.count(last["n_answered"]),
                n_drawn=say.count(last["n_drawn"]),
                share=say.share(last["share_answered"]),
            )
        second = say.sentence(
            "With their weights they tell as much as {n_effective} of equal weight.",
            n_effective=say.count(last["n_effective"]),
        )
        gone = self.left_out[(self.left_out["wave"] == last["wave"]) & (self.left_out["n_respondents"] > 0)]
        if len(gone):
            first = say.join(
                [
                    first,
                    say.plural(
                        "One more account answered and is not counted: it was not among those asked.",
                        "{n} more accounts answered and are not counted: they were not among those asked.",
                        len(gone),
                    ),
                ]
            )
        if last["difference_before"] != last["difference_before"]:
            return say.join([first, second])
        words = (
            N_(
                "In what was known before, who answered differs from the accounts active in the year before by up to {before} "
                "standard deviations, and by {after} with their weights; what was not, no weight repairs."
            )
            if self.method == "given"
            else N_(
                "In what was known before, who answered differs from who was asked by up to {before} standard deviations, "
                "and by {after} after weighting; what was not, no weight repairs."
            )
        )
        third = say.sentence(
            words, before=say.number(last["difference_before"]), after=say.number(last["difference_after"])
        )
        return say.join([first, third, second])

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        last = self.waves.iloc[-1]
        counted = say.sentence("counted, not estimated")
        known = last["difference_before"] == last["difference_before"]
        return (
            KeyFigure(
                value=say.share(last["share_answered"]) if last["share_answered"] == last["share_answered"] else "–",
                label=say.sentence("of the accounts active in the year before answered")
                if last["wave"] in self.supposed
                else say.sentence("of the accounts asked answered"),
                note=say.sentence("wave {wave}; {counted}", wave=last["wave"], counted=counted)
                if last["share_answered"] == last["share_answered"]
                else say.sentence("who was asked is not known"),
            ),
            KeyFigure(
                value=say.number(last["difference_after"]) if known else "–",
                label=say.sentence("standard deviations, largest difference after weighting"),
                note=say.sentence(
                    "{before} before; below 0.10 is balanced", before=say.number(last["difference_before"])
                )
                if known
                else say.sentence("nothing is known of those who did not answer"),
            ),
            KeyFigure(
                value=say.count(last["n_effective"]),
                label=say.sentence("answers of equal weight would tell as much"),
                note=say.plural("one account answered", "{n} accounts answered", int(last["n_answered"])),
            ),
        )


def weigh_responses(
    responses: Responses,
    frame: pd.DataFrame,
    *,
    method: Method = "propensity",
    terms: Sequence[str] | None = None,
    margins: pd.DataFrame | None = None,
    max_ratio: float = 5.0,
    min_class: int = 10,
    context: Context | None = None,
) -> WeightsResult:
    """Weigh who answered so that they stand for the population, in every wave.

    The design weight (one over the probability of being drawn) is divided by the probability of answering, which is estimated
    from what the frame knows (``method``); weights are brought to the sizes of the strata (post-stratification) or to margins
    that are given (raking), and trimmed. Where a wave has no sample but the survey has weights, these are taken as they are.

    - ``propensity``: a logit, weighted by design weights, on stratum, revenue, days since the last order, region, purchase days,
      tenure, late deliveries, complaints, industry and other static texts, as far as they are there, differ, and there are ten
      accounts that answered (or, if fewer, that did not) per estimate. Estimates that run off are shrunk by a normal prior with
      standard deviation 2.5 (Gelman, Jakulin, Pittau & Su 2008).
    - ``classes``: the response rate of fifths of these propensities (Little 1986), of strata where nothing else is known, or of
      the combinations of ``terms`` (numbers in thirds). Classes with fewer than ``min_class`` answers join the neighbor.
    - ``none``: one rate for all, and no post-stratification unless margins are given.

    Assumes (1) that given the terms, whether an account answers has nothing to do with what it would say; (2) that every account
    could have answered; (3) that the sample lists everybody drawn, with the probability.

    Parameters
    ----------
    responses : Responses
        All waves.
    frame : pandas.DataFrame
        From :func:`kam.survey.survey_frame`, of the same responses.
    method : {"propensity", "classes", "none"}
        How the probability of answering is estimated.
    terms : sequence of str, optional
        Columns of the frame; by default chosen as above.
    margins : pandas.DataFrame, optional
        One row per level: ``term`` (a text column of the frame), ``level``, ``n_population`` (accounts) or ``share``, and
        ``wave`` where waves differ. They take the place of the strata.
    max_ratio : float
        Largest factor, weight over design weight, in medians of the wave; at least 1.
    min_class : int
        Accounts that answered per class and per stratum; below, they are joined.
    context : Context, optional
        By default that of the responses.

    Returns
    -------
    WeightsResult

    Raises
    ------
    ParameterError
        An argument is unknown or out of range.
    MissingColumnError
        The frame, or the margins, lack a column.
    LeakageError
        A term lies after the answers.
    EmptyDataError
        Nobody who was drawn answered in any wave.
    DataError
        The frame is of other responses; or margins do not add up, miss a level, or have a level in which nobody answered.
    NotConvergedError
        The margins cannot be met together.

    References
    ----------
    Little, R. J. A. (1986). Survey nonresponse adjustments for estimates of means. International Statistical Review 54, 139–157.
    Kim, J. K. & Kim, J. J. (2007). Nonresponse weighting adjustment using estimated response probability. Canadian Journal of
    Statistics 35, 501–514. Kish, L. (1965). Survey Sampling.

    Examples
    --------
    Of four accounts drawn half answered; each stands for one that did not, and was drawn with probability ½.

    >>> from kam.survey import collect_responses, survey_frame
    >>> answers = pd.DataFrame({"respondent_id": ["1", "2"], "customer_id": ["a", "b"], "wave": "2024", "overall": [4, 5]})
    >>> drawn = pd.DataFrame({"customer_id": list("abcd"), "wave": "2024", "stratum": "all", "probability": 0.5})
    >>> responses = collect_responses(answers)
    >>> weighed = weigh_responses(responses, survey_frame(responses, sample=drawn))
    >>> weighed.accounts["weight"].tolist()
    [4.0, 4.0, 0.0, 0.0]
    """
    _check_arguments(method, max_ratio, min_class, frame, responses)
    parts: list[WaveWeights] = []
    left_out: list[tuple[str, str | None, int, str]] = []
    for wave in dict.fromkeys(frame["wave"]):
        rows = frame[frame["wave"] == wave].reset_index(drop=True)
        if wave not in responses.waves or not (rows["drawn"] & rows["answered"]).any():
            left_out.append((wave, None, 0, "drawn, but nobody answered"))
            continue
        few_known = (rows["drawn"] & rows["answered"]).sum() < _LEAST_KNOWN * rows["answered"].sum()
        is_given = rows["status"].eq(ANSWERS_ONLY).any() or (
            (responses.has_weights or few_known) and rows["status"].eq(TAKEN_AS_ASKED).any()
        )
        answers = responses.of_wave(wave)
        parts.append(
            take_weights(answers, rows, margins, max_ratio)
            if is_given
            else weigh_wave(answers, rows, method, terms, margins, max_ratio, min_class)
        )
        left_out += parts[-1].left_out
    if not parts:
        raise EmptyDataError(
            "Nobody who was drawn answered.", where="frame", hint="Check the accounts of the sample and of the survey."
        )
    context = context or responses.context
    waves = pd.concat([part.summary() for part in parts], ignore_index=True)
    accounts = pd.concat([part.accounts for part in parts], ignore_index=True)
    accounts = accounts.astype({"n_people": "float64", "revenue": "float64", "n_population": "float64"})
    balance = pd.concat([part.balance for part in parts], ignore_index=True)
    given = [part.wave for part in parts if part.is_given]
    gone = pd.DataFrame(left_out, columns=["wave", "customer_id", "n_respondents", "why"])
    gone = gone.astype({"wave": "str", "customer_id": "str", "n_respondents": "int64", "why": "str"})
    return WeightsResult(
        context=context,
        checks=check_weights(
            context.wording,
            waves,
            accounts,
            balance,
            gone,
            frame[frame["wave"].isin(waves["wave"]) & frame["drawn"]],
            given=given,
            models={part.wave: part.model for part in parts},
            joined={part.wave: part.joined for part in parts},
            settled={part.wave: part.settled for part in parts},
            max_ratio=max_ratio,
            has_clusters=_has_clusters(responses),
        ),
        assumed=assumed_of_weights(
            context.wording, frame, method=method, given=given, margins=margins, max_ratio=max_ratio
        ),
        waves=waves,
        accounts=accounts,
        balance=balance,
        coefficients=pd.concat([part.coefficients() for part in parts], ignore_index=True),
        response_terms=pd.concat([part.terms() for part in parts], ignore_index=True),
        calibration_terms=pd.concat([part.cells for part in parts], ignore_index=True),
        left_out=gone,
        method="given" if len(given) == len(parts) else method,
        max_ratio=float(max_ratio) if np.isfinite(max_ratio) else None,
        supposed=tuple(
            part.wave
            for part in parts
            if not part.is_given and frame.loc[frame["wave"] == part.wave, "status"].eq(TAKEN_AS_ASKED).any()
        ),
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _check_arguments(method: str, max_ratio: float, min_class: int, frame: pd.DataFrame, responses: Responses) -> None:
    if method not in get_args(Method):
        raise ParameterError(f"method is {method!r}.", hint=f"Take {', '.join(get_args(Method))}.")
    if not max_ratio >= 1:
        raise ParameterError(f"max_ratio is {max_ratio!r}.", hint="Give a number, at least 1.")
    if isinstance(min_class, bool) or not isinstance(min_class, int) or min_class < 1:
        raise ParameterError(f"min_class is {min_class!r}.", hint="Give a whole number, at least 1.")
    needed = (
        "wave", "customer_id", "drawn", "answered", "stratum", "n_population", "probability", "status", "n_people",
    )  # fmt: skip
    for column in needed:
        if column not in frame.columns:
            raise MissingColumnError(f"The frame has no column {column!r}.", where="frame", hint="Use survey_frame.")
    said = pd.MultiIndex.from_frame(responses.rows[["wave", "customer_id"]].drop_duplicates())
    marked = pd.MultiIndex.from_frame(frame.loc[frame["answered"], ["wave", "customer_id"]])
    if set(said) != set(marked):
        other = sorted(set(said) ^ set(marked))[:3]
        raise DataError(
            "The frame is of other responses.",
            where=", ".join(f"customer {customer} in wave {wave}" for wave, customer in other),
            hint="Make it by survey_frame from the responses that are to be weighed.",
        )


def _of_accounts(responses: Responses, customers: pd.Series) -> Responses:
    rows = responses.rows
    inside = rows["customer_id"].isin(set(customers))
    if inside.all():
        return responses
    gone = rows.loc[~inside, ["respondent_id", "wave"]].assign(why="the account was not drawn")
    kept = set(rows.loc[inside, "respondent_id"])
    return replace(
        responses,
        rows=rows[inside].reset_index(drop=True),
        status=responses.status[responses.status["respondent_id"].isin(kept)].reset_index(drop=True),
        left_out=pd.concat([responses.left_out, gone], ignore_index=True),
    )


def _has_clusters(responses: Responses) -> bool:
    rows = responses.rows
    return "psu" in rows.columns and bool((rows["psu"].notna() & (rows["psu"] != rows["customer_id"])).any())
