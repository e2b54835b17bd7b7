"""Agreement of the people of each account, wave by wave, and the accounts that disagree with themselves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from kam.errors import UndefinedMeasureError
from kam.survey.agreement import MIN_SHARED, agree_within, spread_beyond_chance
from kam.survey.reliability_checks import LEVELS_APART, RISK
from kam.survey.reliability_frames import AGREEMENT, DISAGREEING, PEOPLE, typed_frame
from kam.survey.responses import SCORES, Responses
from kam.wording import Wording


def agree_by_wave(
    responses: Responses, scale: pd.Series, *, level: float, say: Wording
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, int]:
    """Say how alike people of one account answer in each wave, and which accounts disagree with themselves.

    Parameters
    ----------
    responses : Responses
        Answers; without accounts there is nothing to say.
    scale : pandas.Series
        Mean of the questions of each respondent, in the order of ``responses.rows``; missing where there is none.
    level : float
        Level of the intervals.
    say : Wording

    Returns
    -------
    agreement, disagreeing, people : pandas.DataFrame
        As in :class:`kam.survey.reliability.ReliabilityResult`.
    n_shared : int
        Accounts, counted in each wave, with two respondents or more who answered ``overall``.
    """
    if not responses.has_accounts:
        return typed_frame([], AGREEMENT), typed_frame([], DISAGREEING), typed_frame([], PEOPLE), 0
    rows, scores = responses.rows, {name: responses.rows[name] for name in SCORES if name in responses.rows.columns}
    scores["mean of the questions"] = scale
    found, apart, people, n_shared = [], [], [], 0
    for wave in responses.waves:
        here = rows["wave"] == wave
        for measure, values in scores.items():
            answered = here & values.notna()
            found.append(_agreement_row(wave, measure, values[answered], rows.loc[answered, "customer_id"], level, say))
            if measure != "overall":
                continue
            accounts, shared = _disagree(values[answered], rows.loc[answered, "customer_id"], wave, say)
            n_shared += shared
            apart.append(accounts)
            theirs = rows[here & rows["customer_id"].isin(accounts["customer_id"])]
            people.append(
                pd.DataFrame(
                    {
                        "wave": wave,
                        "customer_id": theirs["customer_id"],
                        "respondent_id": theirs["respondent_id"],
                        "role": _roles(theirs, responses.groups),
                        "answer": theirs["overall"],
                    }
                )
            )
    disagreeing = pd.concat(apart, ignore_index=True) if apart else typed_frame([], DISAGREEING)
    listed = pd.concat(people, ignore_index=True) if people else typed_frame([], PEOPLE)
    order = pd.MultiIndex.from_frame(disagreeing[["wave", "customer_id"]])
    listed = listed.assign(at=order.get_indexer(pd.MultiIndex.from_frame(listed[["wave", "customer_id"]])))
    listed = listed.sort_values(["at", "answer"], kind="stable", ignore_index=True)[PEOPLE]
    return typed_frame(found, AGREEMENT), disagreeing, listed, n_shared


def _roles(rows: pd.DataFrame, groups: Sequence[str]) -> pd.Series:
    if not groups:
        return pd.Series("", index=rows.index, dtype="str")
    texts = rows[list(groups)].astype("str").where(rows[list(groups)].notna(), "")
    joined = [", ".join(part for part in row if part) for row in texts.itertuples(index=False, name=None)]
    return pd.Series(joined, index=rows.index, dtype="str")


def _agreement_row(
    wave: str, measure: str, values: pd.Series, accounts: pd.Series, level: float, say: Wording
) -> dict[str, object]:
    sizes = accounts.value_counts()
    row: dict[str, object] = {
        "wave": wave, "measure": measure, "n_respondents": len(values), "n_accounts": len(sizes),
        "n_shared": int((sizes > 1).sum()), "reason": "",
    }  # fmt: skip
    if (sizes > 1).sum() < MIN_SHARED:
        row["reason"] = say.plural(
            "one account has two respondents or more; {least} are needed",
            "{n} accounts have two respondents or more; {least} are needed",
            int((sizes > 1).sum()),
            least=say.count(MIN_SHARED),
        )
        return row
    try:
        found = agree_within(values.to_numpy(), accounts.to_numpy(), level=level)
    except UndefinedMeasureError as error:
        return row | {"reason": error.what}
    return row | {
        "estimate": found.icc, "ci_low": found.low, "ci_high": found.high, "design_effect": found.design_effect,
        "within_sd": float(np.sqrt(found.within_variance)) if measure in SCORES else np.nan,
    }  # fmt: skip


def _disagree(values: pd.Series, accounts: pd.Series, wave: str, say: Wording) -> tuple[pd.DataFrame, int]:
    """Accounts of one wave that disagree with themselves, widest first, and how many accounts could."""
    code, names = pd.factorize(accounts)
    if not len(names):
        return typed_frame([], DISAGREEING), 0
    table = spread_beyond_chance(values.to_numpy(dtype=np.float64), code.astype(np.int64))
    table["customer_id"] = np.asarray(names, dtype=object)
    table["wave"] = wave
    shared = table["n_respondents"] > 1
    far = shared & (table["answer_high"] - table["answer_low"] >= LEVELS_APART)
    beyond = shared & (table["p_value"] < RISK)
    levels = say.sentence("answers {n} levels apart or more", n=say.count(LEVELS_APART))
    spread = say.sentence("spread beyond chance")
    table["reason"] = np.select([far & beyond, far, beyond], [say.join([levels, spread], ";"), levels, spread], "")
    width = (table["answer_high"] - table["answer_low"]).where(far | beyond)
    order = table.assign(width=width)[far | beyond].sort_values(
        ["width", "answer_sd", "customer_id"], ascending=[False, False, True]
    )
    return order[DISAGREEING].reset_index(drop=True).astype({"customer_id": "str"}), int(shared.sum())
