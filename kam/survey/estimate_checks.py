"""What estimates of a survey assume, whether the data bear it out, and which conclusions hang on the reading of level 3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from kam.results import Assumed, Check
from kam.survey.cells import ALL, READINGS, measure_columns
from kam.survey.design import Design, Each
from kam.survey.intervals import t_interval
from kam.survey.linearization import linearize, match_answers, stratum_and_psu
from kam.survey.responses import Responses
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
        *_check_readings(say, together, responses.waves),
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


# -- level 3 ---------------------------------------------------------------------------------------------------------


def _check_readings(say: Wording, together: pd.DataFrame, waves: Sequence[str]) -> tuple[Check, ...]:
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
    turned = compare_means(say, means, waves)
    share = Check(
        assumption=say.sentence("the share of 4 and 5 is the same, whether level 3 is neutral or no opinion"),
        finding=_say_tops(say, tops),
        verdict="does not hold" if tops["moves"].any() else "holds",
        statistic=float((tops["no opinion"] - tops["neutral"]).abs().max()),
    )
    mean = Check(
        assumption=say.sentence("conclusions from means are the same, whether level 3 is neutral or no opinion"),
        finding="; ".join(turned)
        if turned
        else say.sentence(
            "the side of the middle, clear changes between waves and the highest and lowest question are the same"
        ),
        verdict="does not hold" if turned else "holds",
        statistic=float(len(turned)),
    )
    return mean, share


def _both_readings(together: pd.DataFrame, measure: str) -> pd.DataFrame:
    """One row per wave and question estimated in both readings; ``moves``: the second is outside the interval of the first."""
    found = together[(together["measure"] == measure) & together["estimate"].notna()]
    first, second = (found[found["level_3"] == reading].set_index(["wave", "item"]) for reading in READINGS)
    both = first[["estimate", "std_error", "ci_low", "ci_high"]].join(
        second[["estimate", "std_error"]].add_suffix("_second"), how="inner"
    )
    both = both.rename(columns={"estimate": READINGS[0], "estimate_second": READINGS[1]}).reset_index()
    both["moves"] = (both["no opinion"] < both["ci_low"]) | (both["no opinion"] > both["ci_high"])
    return both


def compare_means(say: Wording, means: pd.DataFrame, waves: Sequence[str]) -> list[str]:
    """Each conclusion from means that changes with the reading of level 3, in words.

    Parameters
    ----------
    say : Wording
    means : pandas.DataFrame
        One row per wave and question: ``wave, item, neutral, no opinion``, means on 1 to 5, and their errors, ``std_error,
        std_error_second``. A change between waves counts as turned where it points the other way and is beyond twice its error
        (that of independent waves) in one of the readings.
    waves : sequence of str
        Earliest first.
    """
    found = []
    crossing = means[np.sign(means["neutral"] - 3) * np.sign(means["no opinion"] - 3) < 0]
    if len(crossing):
        found.append(say.sentence("the mean changes sides of the middle: {items}", items=_name(say, crossing["item"])))
    order = []
    for item, of_item in means.groupby("item", sort=False):
        table = of_item.set_index("wave").reindex([w for w in waves if w in set(of_item["wave"])])
        steps = table[list(READINGS)].diff().iloc[1:].to_numpy()
        squares = table[["std_error", "std_error_second"]].to_numpy() ** 2
        clear = (np.abs(steps) > 2 * np.sqrt(squares[1:] + squares[:-1])).any(axis=1)
        if ((steps[:, 0] * steps[:, 1] < 0) & clear).any():
            order.append(str(item))
    if order:
        found.append(say.sentence("a change between waves turns: {items}", items=_name(say, pd.Series(order))))
    last = means[means["wave"] == waves[-1]].set_index("item")
    for label, ends in (
        (say.sentence("highest"), [last[r].idxmax() for r in READINGS] if len(last) > 1 else []),
        (say.sentence("lowest"), [last[r].idxmin() for r in READINGS] if len(last) > 1 else []),
    ):
        if ends and ends[0] != ends[1]:
            found.append(
                say.sentence(
                    "the {label} question is {first} with 3 as neutral, {second} without",
                    label=label,
                    first=ends[0],
                    second=ends[1],
                )
            )
    return found


def _say_tops(say: Wording, tops: pd.DataFrame) -> str:
    moved = tops[tops["moves"]]
    if moved.empty:
        return say.sentence("without level 3 every share stays within its interval")
    largest = moved.iloc[int((moved["no opinion"] - moved["neutral"]).abs().argmax())]
    return say.sentence(
        "of {n_all} shares, by wave and question, {n} leave their interval without level 3; most of all {item} in wave {wave}, "
        "from {first} to {second}",
        n_all=say.count(len(tops)),
        n=say.count(len(moved)),
        item=largest["item"],
        wave=largest["wave"],
        first=say.share(largest["neutral"]),
        second=say.share(largest["no opinion"]),
    )


def _name(say: Wording, items: pd.Series) -> str:
    names = list(dict.fromkeys(str(item) for item in items))
    rest = len(names) - _MAX_NAMED
    shown = names[:_MAX_NAMED] + ([say.plural("one more", "{n} more", rest)] if rest > 0 else [])
    return say.listing(shown)


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
    return (
        Check(
            assumption=assumption,
            finding=say.sentence(
                "by revenue the mean of {item} is {second}, by account {first}: {difference} ({interval})",
                item=item,
                first=say.number(by_account.estimate[0]),
                second=say.number(by_revenue.estimate[0]),
                difference=say.number(difference),
                interval=say.interval(say.number(low), say.number(high), level),
            ),
            verdict="holds" if low <= 0 <= high else "does not hold",
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
