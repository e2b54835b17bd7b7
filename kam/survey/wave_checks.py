"""What a comparison of waves assumes, and whether the data bear it out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from kam.results import Assumed, Check, Verdict
from kam.survey.cells import EITHER, READINGS
from kam.survey.changes import BASES, GONE, SILENT
from kam.survey.estimate_checks import in_unit, judge_difference, margin_of, name_questions
from kam.survey.responses import Responses
from kam.wording import Wording


def check_waves(
    say: Wording,
    responses: Responses,
    changes: pd.DataFrame,
    dropouts: pd.DataFrame,
    *,
    each: str,
    lead: tuple[str, str],
    level_3: str,
    level: float,
) -> tuple[Check, ...]:
    """Say of each assumption of a comparison of waves whether the data bear it out.

    Parameters
    ----------
    say : Wording
    responses : Responses
        The answers that were compared.
    changes, dropouts : pandas.DataFrame
        Of :class:`kam.survey.WavesResult`.
    each, level_3 : str
        What counts alike, and the reading of level 3, to lead with.
    lead : tuple of str
        Question and measure of the answer.
    level : float
        Of intervals.
    """
    waves, names = responses.waves, name_questions(say, responses)
    margin = margin_of(responses, *lead)
    alike = changes[changes["each"] == each]
    read = alike[alike["level_3"].isin([level_3, EITHER])]
    last = read[(read["from_wave"] == waves[-2]) & (read["to_wave"] == waves[-1])]
    of_lead = last[(last["item"] == lead[0]) & (last["measure"] == lead[1])].set_index("compared")
    gone = dropouts[(dropouts["from_wave"] == waves[-2]) & (dropouts["to_wave"] == waves[-1])]
    return (
        _check_bases(say, of_lead, lead[1], margin),
        _check_dropouts(say, gone, lead, level_3, level, margin),
        _check_readings(say, alike[alike["compared"] == BASES[0]], names),
        _check_overlap(say, of_lead),
        _check_asked(say, read[read["compared"] == BASES[0]], names),
    )


def assumed_of_waves(say: Wording, reading: str, min_n: int, has_accounts: bool) -> tuple[Assumed, ...]:
    """What a comparison of waves takes for given."""
    level_3 = Assumed(
        what=say.sentence("the third of five levels"),
        value=say.sentence("neutral") if reading == "neutral" else say.sentence("no opinion"),
        would_change=say.sentence("the other reading stands in the table; a check says what changes"),
    )
    least = Assumed(
        what=say.sentence("accounts below which a change is not given"),
        value=say.count(min_n),
        would_change=say.sentence("a smaller number shows more changes, which say less"),
    )
    shared = Assumed(
        what=say.sentence("who answered in two waves"),
        value=say.sentence("known by the account's number")
        if has_accounts
        else say.sentence("nobody: waves are independent samples"),
        would_change=say.sentence("accounts in both make the error of a change smaller, as a rule"),
    )
    if not has_accounts:
        return level_3, least, shared
    alone = Assumed(
        what=say.sentence("weights of the accounts in both"),
        value=say.sentence("these accounts alone, not weighed; by revenue, weighed by revenue only"),
        would_change=say.sentence("weights would let them speak for accounts that did not answer both times"),
    )
    common = Assumed(
        what=say.sentence("accounts that are in the population of both waves"),
        value=say.sentence("all of the smaller of the two, in each stratum"),
        would_change=say.sentence(
            "where accounts came and went there are fewer; the correlation of the errors is then larger and the interval of a "
            "change over all who answered narrower, as a rule: this errs to the safe side"
        ),
    )
    return level_3, least, shared, alone, common


# -- inside ----------------------------------------------------------------------------------------------------------


def _check_bases(say: Wording, of_lead: pd.DataFrame, measure: str, margin: float) -> Check:
    """Whether the two changes are alike: their difference lies between the least and the most that the two intervals allow."""
    assumption = say.sentence("all who answered and the accounts in both say the same")
    rows = [of_lead.loc[[basis]].iloc[0] for basis in BASES if basis in of_lead.index]
    if len(rows) < 2 or any(np.isnan(row["ci_low"]) for row in rows):
        return Check(
            assumption=assumption,
            finding=say.sentence("of one of the two changes, or both, there is no interval"),
            verdict="not testable",
        )
    full, both = rows
    verdict, finding = judge_difference(
        say, measure, both["ci_low"] - full["ci_high"], both["ci_high"] - full["ci_low"], margin
    )
    words = {1: say.sentence("up"), -1: say.sentence("down"), 0: say.sentence("not clear")}
    return Check(
        assumption=assumption,
        finding=say.sentence(
            "the change is {first} over all, {second} over the accounts in both; by the two intervals the second less the "
            "first is {finding}",
            first=words[_conclusion(full)],
            second=words[_conclusion(both)],
            finding=finding,
        ),
        verdict=verdict,
        statistic=float(both["estimate"] - full["estimate"]),
    )


def _check_dropouts(
    say: Wording, gone: pd.DataFrame, lead: tuple[str, str], level_3: str, level: float, margin: float
) -> Check:
    rows = gone[gone["group_name"].isin([SILENT, GONE]) & (gone["item"] == lead[0]) & (gone["measure"] == lead[1])]
    rows = rows[rows["level_3"].isin([level_3, EITHER])]
    assumption = (
        say.sentence("those who were asked again and did not answer were as satisfied as those who did")
        if SILENT in set(rows["group_name"])
        else say.sentence("those who did not answer again were as satisfied as those who did")
    )
    rows = rows.dropna(subset=["gap"])
    if rows.empty:
        return Check(
            assumption=assumption, finding=say.sentence("too few to tell, or not known"), verdict="not testable"
        )
    row = rows.iloc[0]
    verdict, finding = judge_difference(say, lead[1], row["gap_low"], row["gap_high"], margin, level)
    return Check(
        assumption=assumption,
        finding=say.sentence(
            "in the wave before, the {n} accounts were {gap} from those who did, {finding}",
            n=say.count(row["n_accounts"]),
            gap=in_unit(say, lead[1], row["gap"]),
            finding=finding,
        ),
        verdict=verdict,
        statistic=float(row["gap"]),
    )


def _check_readings(say: Wording, full: pd.DataFrame, names: Mapping[str, str]) -> Check:
    """Whether a change that is clear in one reading of level 3 is clear, and the same, in the other."""
    assumption = say.sentence("the same changes are clear, whether level 3 is neutral or no opinion")
    key = ["from_wave", "to_wave", "item", "measure"]
    both = full[full["level_3"].isin(READINGS) & full["ci_low"].notna()]
    sign = both.assign(estimate=[_conclusion(row) for _, row in both.iterrows()])
    table = sign.pivot_table(index=key, columns="level_3", values="estimate").dropna()
    if table.empty or len(table.columns) < 2:
        return Check(assumption=assumption, finding=say.sentence("no change is there in both"), verdict="not testable")
    n_clear = int((table != 0).any(axis=1).sum())
    if not n_clear:
        return Check(
            assumption=assumption,
            finding=say.plural(
                "the one change is clear in neither reading: too few to tell",
                "none of {n} changes is clear in either reading: too few to tell",
                len(table),
            ),
            verdict="not testable",
            statistic=0.0,
        )
    turned = table[table[READINGS[0]] != table[READINGS[1]]].reset_index()
    if turned.empty:
        finding = say.plural(
            "the one change that is clear in a reading is in both",
            "all {n} changes that are clear in a reading are in both",
            n_clear,
        )
    else:
        first = turned.iloc[0]
        finding = say.sentence(
            "{n} of {n_all} are clear in one reading only, or point the other way; first {measure} of {item}, {a} to {b}",
            n=say.count(len(turned)),
            n_all=say.count(len(table)),
            measure=say.text(str(first["measure"])),
            item=names[first["item"]],
            a=first["from_wave"],
            b=first["to_wave"],
        )
    return Check(
        assumption=assumption,
        finding=finding,
        verdict="does not hold" if len(turned) else "holds",
        statistic=float(len(turned)),
    )


def _check_overlap(say: Wording, of_lead: pd.DataFrame) -> Check:
    assumption = say.sentence("the two waves are independent samples")
    row = of_lead.loc[BASES[0]]
    if pd.isna(row["n_both"]):
        return Check(assumption=assumption, finding=say.sentence("the accounts are not known"), verdict="not testable")
    n, r = int(row["n_both"]), 0.0 if pd.isna(row["error_correlation"]) else float(row["error_correlation"])
    return Check(
        assumption=assumption,
        finding=say.plural(
            "one account is in both; the errors of the two have the correlation {r}, which is taken into account",
            "{n} accounts are in both; the errors of the two have the correlation {r}, which is taken into account",
            n,
            r=say.number(r),
        ),
        verdict="handled" if n else "holds",
        statistic=r,
    )


def _check_asked(say: Wording, full: pd.DataFrame, names: Mapping[str, str]) -> Check:
    missing = full[(full["n_accounts_from"] == 0) | (full["n_accounts_to"] == 0)]
    items = [names[item] for item in dict.fromkeys(missing["item"])]
    verdict: Verdict = "handled" if items else "holds"
    return Check(
        assumption=say.sentence("every question was asked in every wave"),
        finding=say.sentence("not answered in some: {items}", items=say.listing(items))
        if items
        else say.sentence("every one was answered in all"),
        verdict=verdict,
        statistic=float(len(items)),
    )


def _conclusion(row: pd.Series) -> int:
    """1: up beyond chance; −1: down; 0: not clear."""
    return 1 if row["ci_low"] > 0 else -1 if row["ci_high"] < 0 else 0
