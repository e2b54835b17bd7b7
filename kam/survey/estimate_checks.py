"""What estimates of a survey assume, whether the data bear it out, and which conclusions hang on the reading of level 3."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from kam.results import Assumed, Check, Verdict
from kam.survey.cells import ALL, READINGS, measure_columns, scale_of
from kam.survey.design import Design, Each
from kam.survey.intervals import t_interval
from kam.survey.linearization import linearize, match_answers, stratum_and_psu
from kam.survey.questions import name_question
from kam.survey.responses import Responses
from kam.survey.shown_names import list_first
from kam.wording import Wording

_MAX_NAMED = 3
FEW = 30
"""With fewer degrees of freedom an error is itself not well known."""


def check_estimates(
    say: Wording,
    responses: Responses,
    designs: Mapping[str, Design],
    cells: pd.DataFrame,
    *,
    item: str,
    each: Sequence[Each],
    lead_level_3: str,
    min_n: int,
    level: float,
) -> tuple[Check, ...]:
    """Say of each assumption of estimates whether the data bear it out.

    Parameters
    ----------
    say : Wording
    responses : Responses
    designs : mapping of str to Design
    cells : pandas.DataFrame
        From :func:`kam.survey.cells.estimate_cells`.
    item : str
        The question of the answer.
    each : sequence of str
        What counts alike, the one to lead with first.
    lead_level_3 : str
        The reading of level 3 to lead with.
    min_n : int
        Least number of answers of a cell.
    level : float
        Of intervals.
    """
    together = cells[(cells["by"] == ALL) & (cells["each"] == each[0])]
    return (
        *_check_readings(say, together, responses.waves, name_questions(say, responses)),
        *_check_revenue(say, responses, designs, item, each, lead_level_3, level),
        _check_cells(say, cells, min_n),
        _check_strata(say, designs),
        _check_freedom(say, designs),
        _check_silent(say, designs),
        *_check_unmatched(say, responses, designs),
    )


def assumed_of_estimates(
    say: Wording, responses: Responses, reading: str, one_phase: bool, each: Sequence[Each], min_n: int
) -> tuple[Assumed, ...]:
    """What estimates take for given."""
    found = [
        Assumed(
            what=say.sentence("the third of five levels"),
            value=say.sentence("neutral") if reading == "neutral" else say.sentence("no opinion"),
            would_change=say.sentence("the other reading stands in the table of measures; checks say what changes"),
        ),
        Assumed(
            what=say.sentence("answers, and accounts, below which a cell has no estimate"),
            value=say.count(min_n),
            would_change=say.sentence(
                "a smaller number shows more cells, which say less; a single hidden group can be worked out from the others"
            ),
        ),
    ]
    if one_phase:
        found.append(
            Assumed(
                what=say.sentence("weights"),
                value=say.sentence("those that the survey has")
                if responses.has_weights
                else say.sentence("all count alike"),
                would_change=say.sentence("weights for who did not answer move every estimate and widen its interval"),
            )
        )
    if each[0] == "account" and not one_phase:
        found.append(
            Assumed(
                what=say.sentence("people of one account"),
                value=say.sentence("share its weight"),
                would_change=say.sentence("by respondent, accounts with many people count for more"),
            )
        )
    return tuple(found)


# -- differences -----------------------------------------------------------------------------------------------------


def margin_of(responses: Responses, item: str, measure: str) -> float:
    """A difference below which two groups, or two estimates, count as alike: 5 points of a share, 10 of NPS, 0.2 of five levels.

    On other scales the margin of a mean is the same part of the scale, a twentieth.
    """
    if measure == "mean":
        low, high = scale_of(responses, item)
        return (high - low) / 20
    return 10.0 if measure == "NPS" else 0.05


def judge_difference(
    say: Wording, measure: str, low: float, high: float, margin: float, level: float | None = None
) -> tuple[Verdict, str]:
    """Whether a difference is none that counts, is one, or cannot be told, with its interval in words.

    Parameters
    ----------
    say : Wording
    measure : str
        ``mean``, ``top two`` or ``NPS``.
    low, high : float
        Interval of the difference, in the unit of the measure. Within the margin on both sides the assumption holds, even where
        it leaves out 0; else it does not where it leaves out 0, and too few are there to tell where it does not.
    margin : float
        From :func:`margin_of`.
    level : float, optional
        Of the interval; None: bounds, of no level.
    """
    ends = [in_unit(say, measure, end) for end in (low, high)]
    between = (
        say.sentence("between {low} and {high}", low=ends[0], high=ends[1])
        if level is None
        else say.interval(ends[0], ends[1], level)
    )
    width = in_unit(say, measure, margin)
    if -margin <= low and high <= margin:
        return "holds", say.sentence("{between}: within {width} either way", between=between, width=width)
    if low > 0 or high < 0:
        return "does not hold", say.sentence("{between}: not the same", between=between)
    return "not testable", say.sentence(
        "{between}: too few to tell within {width} either way", between=between, width=width
    )


def in_unit(say: Wording, measure: str, difference: float) -> str:
    """A difference of means, or in points of a share or of the net promoter score."""
    if measure == "mean":
        return say.number(difference + 0.0)
    return say.sentence("{x} points", x=say.number((1 if measure == "NPS" else 100) * difference + 0.0, 1))


def name_questions(say: Wording, responses: Responses) -> dict[str, str]:
    """What each question that was answered on a scale is called in a sentence."""
    texts = dict(zip(responses.items["item"], responses.items["text"], strict=True))
    return {item: name_question(say, item, texts.get(item)) for item in responses.answer_columns}


# -- level 3 ---------------------------------------------------------------------------------------------------------


def _check_readings(
    say: Wording, together: pd.DataFrame, waves: Sequence[str], names: Mapping[str, str]
) -> tuple[Check, ...]:
    means = _both_readings(together, "mean")
    tops = _both_readings(together, "top two")
    if means.empty and tops.empty:
        return (
            Check(
                assumption=say.sentence("the reading of level 3 changes no conclusion"),
                finding=say.sentence("no question is there in both readings"),
                verdict="not testable",
            ),
        )
    of_means = compare_readings(say, means, waves, names, middle=3.0)
    of_shares = compare_readings(say, tops, waves, names)
    return (
        _say_turned(
            say,
            say.sentence("conclusions from means are the same, whether level 3 is neutral or no opinion"),
            of_means,
            say.sentence(
                "the side of the middle, clear changes between waves and the highest and lowest question are the same"
            ),
        ),
        _say_turned(
            say,
            say.sentence("conclusions from shares of 4 and 5 are the same, whether level 3 is neutral or no opinion"),
            of_shares,
            say.sentence("clear changes between waves and the highest and lowest question are the same"),
        ),
    )


def _say_turned(say: Wording, assumption: str, of: tuple[list[str], int], calm: str) -> Check:
    turned, n = of
    if not n:
        return Check(
            assumption=assumption,
            finding=say.sentence("there is one question, and no clear change between waves"),
            verdict="not testable",
        )
    return Check(
        assumption=assumption,
        finding=say.join(turned, ";") or calm,
        verdict="does not hold" if turned else "holds",
        statistic=float(len(turned)),
    )


def _both_readings(together: pd.DataFrame, measure: str) -> pd.DataFrame:
    """One row per wave and question estimated in both readings, as :func:`compare_readings` wants them."""
    found = together[(together["measure"] == measure) & together["estimate"].notna()]
    first, second = (found[found["level_3"] == reading].set_index(["wave", "item"]) for reading in READINGS)
    columns = ["estimate", "std_error"]
    both = first[columns].join(second[columns].add_suffix("_second"), how="inner")
    return both.rename(columns={"estimate": READINGS[0], "estimate_second": READINGS[1]}).reset_index()


def compare_readings(
    say: Wording, table: pd.DataFrame, waves: Sequence[str], names: Mapping[str, str], *, middle: float | None = None
) -> tuple[list[str], int]:
    """Each conclusion from means, or from shares, that changes with the reading of level 3, in words; and of how many.

    Parameters
    ----------
    say : Wording
    table : pandas.DataFrame
        One row per wave and question: ``wave, item, neutral, no opinion``, estimates, and their errors, ``std_error,
        std_error_second``. A change between waves counts as turned where it points the other way and is beyond twice its error
        (that of independent waves) in one of the readings. That a share is higher without level 3 is no conclusion: it cannot
        be otherwise.
    waves : sequence of str
        Earliest first.
    names : mapping of str to str
        What each question is called.
    middle : float, optional
        Of the scale; without, nothing is said of the side of it.
    """
    found: list[str] = []
    last = table[table["wave"] == waves[-1]].set_index("item")
    n = 2 * (len(last) > 1)
    if middle is not None:
        n += len(table)
        crossing = table[np.sign(table[READINGS[0]] - middle) * np.sign(table[READINGS[1]] - middle) < 0]
        if len(crossing):
            items = _name(say, crossing["item"], names)
            found.append(say.sentence("the mean changes sides of the middle: {items}", items=items))
    order: list[str] = []
    for item, of_item in table.groupby("item", sort=False):
        by_wave = of_item.set_index("wave").reindex([w for w in waves if w in set(of_item["wave"])])
        steps = by_wave[list(READINGS)].diff().iloc[1:].to_numpy()
        squares = by_wave[["std_error", "std_error_second"]].to_numpy() ** 2
        clear = (np.abs(steps) > 2 * np.sqrt(squares[1:] + squares[:-1])).any(axis=1)
        n += int(clear.sum())
        if ((steps[:, 0] * steps[:, 1] < 0) & clear).any():
            order.append(str(item))
    if order:
        found.append(say.sentence("a change between waves turns: {items}", items=_name(say, order, names)))
    for label, ends in (
        (say.sentence("highest"), [last[r].idxmax() for r in READINGS] if len(last) > 1 else []),
        (say.sentence("lowest"), [last[r].idxmin() for r in READINGS] if len(last) > 1 else []),
    ):
        if ends and ends[0] != ends[1]:
            found.append(
                say.sentence(
                    "the {label} question is {first} with 3 as neutral, {second} without",
                    label=label,
                    first=names[str(ends[0])],
                    second=names[str(ends[1])],
                )
            )
    return found, n


def _name(say: Wording, items: Iterable[str], names: Mapping[str, str]) -> str:
    return list_first(say, [names[item] for item in dict.fromkeys(items)], _MAX_NAMED)


# -- the rest --------------------------------------------------------------------------------------------------------


def _check_revenue(
    say: Wording,
    responses: Responses,
    designs: Mapping[str, Design],
    item: str,
    each: Sequence[Each],
    lead_level_3: str,
    level: float,
) -> tuple[Check, ...]:
    """Whether large accounts answer as small ones do: the mean by revenue less the mean by account, in the last wave."""
    if not {"account", "revenue"} <= set(each):
        return ()
    design = designs[responses.waves[-1]]
    answers = match_answers(responses, design)[item].to_numpy(dtype=np.float64)
    of_reading = {
        reading: y for measure, reading, _, y in measure_columns(responses, item, answers) if measure == "mean"
    }
    values = of_reading.get(lead_level_3, next(iter(of_reading.values())))[:, None]
    by_account, by_revenue = (linearize(design, values, each=way) for way in ("account", "revenue"))
    assumption = say.sentence("accounts that bring more answer as those that bring less")
    if np.isnan(by_revenue.estimate[0]) or by_account.df[0] < 1:
        return (Check(assumption=assumption, finding=say.sentence("too few answered to tell"), verdict="not testable"),)
    difference = float(by_revenue.estimate[0] - by_account.estimate[0])
    variance = design.variance_of(by_revenue.scores - by_account.scores, by_revenue.within + by_account.within)
    low, high = (float(end[0]) for end in t_interval(difference, variance, df=by_account.df[0], level=level))
    verdict, judged = judge_difference(say, "mean", low, high, margin_of(responses, item, "mean"), level)
    return (
        Check(
            assumption=assumption,
            finding=say.sentence(
                "by revenue the mean of {item} is {second}, by account {first}: {difference}, {judged}",
                item=name_questions(say, responses)[item],
                first=say.number(by_account.estimate[0]),
                second=say.number(by_revenue.estimate[0]),
                difference=in_unit(say, "mean", difference),
                judged=judged,
            ),
            verdict=verdict,
            statistic=difference,
        ),
    )


def _check_cells(say: Wording, cells: pd.DataFrame, min_n: int) -> Check:
    n = int(cells["estimate"].isna().sum())
    return Check(
        assumption=say.sentence("every cell has at least {n} answers and accounts", n=say.count(min_n)),
        finding=say.plural(
            "one of {n_all} has not, or nothing to count, and is not given",
            "{n} of {n_all} have not, or nothing to count, and are not given",
            n,
            n_all=say.count(len(cells)),
        )
        if n
        else say.sentence("all have"),
        verdict="handled" if n else "holds",
        statistic=float(n),
    )


def _check_strata(say: Wording, designs: Mapping[str, Design]) -> Check:
    """Strata of which a single primary sampling unit was drawn: no variance can be taken within them."""
    alone, n_all = 0, 0
    for design in designs.values():
        strata, psus = stratum_and_psu(design)
        units = pd.DataFrame({"stratum": strata, "psu": psus}).drop_duplicates()["stratum"].value_counts()
        alone, n_all = alone + int((units == 1).sum()), n_all + len(units)
    return Check(
        assumption=say.sentence("at least two units of every stratum are there"),
        finding=say.plural(
            "in one of {n_all} there is one; its variance is taken about the mean of all units",
            "in {n} of {n_all} there is one; their variance is taken about the mean of all units",
            alone,
            n_all=say.count(n_all),
        )
        if alone
        else say.sentence("in all there are"),
        verdict="handled" if alone else "holds",
        statistic=float(alone),
    )


def _check_freedom(say: Wording, designs: Mapping[str, Design]) -> Check:
    least = min(designs, key=lambda wave: designs[wave].df)
    df = designs[least].df
    return Check(
        assumption=say.sentence("there are enough units to know an error by"),
        finding=say.plural(
            "one more unit than strata in wave {wave}",
            "{n} more units than strata in wave {wave}",
            df,
            wave=least,
        ),
        verdict="holds" if df >= FEW else "does not hold",
        statistic=float(df),
    )


def _check_silent(say: Wording, designs: Mapping[str, Design]) -> Check:
    drawn = sum(len(design.units) for design in designs.values())
    answered = sum(int(design.units["answered"].sum()) for design in designs.values())
    return Check(
        assumption=say.sentence("those who did not answer think as those who did"),
        finding=say.sentence("who was asked and did not answer is not known here")
        if drawn == answered
        else say.sentence(
            "of {drawn} drawn, over all waves, {answered} answered; weights mend what the ledger explains, nothing else",
            drawn=say.count(drawn),
            answered=say.count(answered),
        ),
        verdict="not testable",
    )


def _check_unmatched(say: Wording, responses: Responses, designs: Mapping[str, Design]) -> tuple[Check, ...]:
    n = len(responses.rows) - sum(len(design.responses.rows) for design in designs.values())
    if n <= 0:
        return ()
    return (
        Check(
            assumption=say.sentence("everybody who answered was drawn"),
            finding=say.plural(
                "one answer is from outside, and left out", "{n} answers are from outside, and left out", n
            ),
            verdict="handled",
            statistic=float(n),
        ),
    )
