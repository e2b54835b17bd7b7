"""Does answering depend on more than the ledger knows? What earlier answers, complaints and later orders say about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.stats.multiplicity import holm
from kam.survey.design import Design
from kam.survey.fact_effects import Effect, effect_beside, fact_matrix, joint_p_value
from kam.survey.late_answers import facts_and_waves
from kam.survey.nonresponse_checks import EARLIER, LATE, signed
from kam.survey.suppression import few_accounts
from kam.wording import N_, Wording

Floats = npt.NDArray[np.float64]

AFTERWARDS = {"no_order": "share_no_order", "churned": "share_lost", "revenue_next": "share_revenue_kept"}
"""What an account did after the field, in a survey frame."""
ALL_WAVES = N_("all waves")


def earlier_scores(designs: Mapping[str, Design], outcome: str) -> pd.DataFrame:
    """The mean answer of each account in each wave: ``wave, customer_id, score``."""
    parts = []
    for wave, design in designs.items():
        rows = design.responses.rows
        mean = rows.dropna(subset=[outcome]).groupby("customer_id")[outcome].mean()
        parts.append(pd.DataFrame({"wave": wave, "customer_id": mean.index, "score": mean.to_numpy()}))
    return pd.concat(parts, ignore_index=True)


def answered_before(drawn: pd.DataFrame, scores: pd.DataFrame, waves: Sequence[str]) -> pd.DataFrame:
    """Drawn accounts with their last answer of an earlier wave: the columns of ``drawn``, ``score``, ``scored_in``.

    An account that answered in no earlier wave has neither.
    """
    number = {wave: i for i, wave in enumerate(waves)}
    left = drawn.assign(_wave=drawn["wave"].map(number))
    right = scores.assign(_wave=scores["wave"].map(number)).rename(columns={"wave": "scored_in"})
    both = left[["customer_id", "_wave"]].merge(right, on="customer_id", suffixes=("", "_then"))
    both = both[both["_wave_then"] < both["_wave"]].sort_values("_wave_then")
    last = both.drop_duplicates(["customer_id", "_wave"], keep="last")[["customer_id", "_wave", "score", "scored_in"]]
    return left.merge(last, on=["customer_id", "_wave"], how="left").drop(columns="_wave")


def effect_of_earlier_answers(before: pd.DataFrame, *, level: float) -> Effect | None:
    """Change of the share that answers again per point of the earlier answer, among accounts alike in the facts.

    ``before`` is :func:`answered_before`; accounts that answered in no earlier wave are left out.
    """
    table = before[before["score"].notna()].reset_index(drop=True)
    if table.empty:
        return None
    return _effect_on_answering(table, table["score"].to_numpy(dtype=np.float64), level=level)


def effect_of_complaints(drawn: pd.DataFrame, *, level: float) -> Effect | None:
    """Change of the share that answers per complaint before the field, among accounts alike in the other facts."""
    if "n_complaints" not in drawn.columns:
        return None
    table = drawn[drawn["n_complaints"].notna()].reset_index(drop=True)
    term = table["n_complaints"].to_numpy(dtype=np.float64)
    return _effect_on_answering(table, term, level=level, without=("n_complaints",))


def response_by_facts(drawn: pd.DataFrame) -> tuple[float | None, int, int]:
    """p of the test that answering has nothing to do with the facts; number of accounts and of columns of facts."""
    facts = fact_matrix(drawn)
    clusters = drawn["customer_id"].to_numpy(dtype=object).astype(str)
    p = joint_p_value(
        drawn["answered"].to_numpy(dtype=np.float64), facts, weights=np.ones(len(drawn)), clusters=clusters
    )
    return p, np.unique(clusters).size, facts.shape[1]


def compare_afterwards(say: Wording, drawn: pd.DataFrame, *, min_n: int, level: float) -> pd.DataFrame:
    """What accounts did after the field: those who answered against the silent, and against silent ones alike in the ledger.

    Accounts count by their design weight, for ``share_revenue_kept`` (revenue after the field over revenue before) times
    their revenue before. The difference is silent less answered; *alike* holds the facts fixed (:func:`effect_beside`). That of
    shares lies within −1 and 1.

    Parameters
    ----------
    say : Wording
    drawn : pandas.DataFrame
        The drawn accounts of all waves: ``wave, customer_id, answered, base_weight``, facts, and what is there of
        ``no_order, churned, revenue_next``.
    min_n : int
        Where fewer accounts answered, or stayed silent, nothing is compared.
    level : float
        Of the intervals.

    Returns
    -------
    pandas.DataFrame
        One row per measure and wave in which it is known, and, with several, one for all waves:
        ``term`` (``share_no_order``, ``share_lost``, ``share_revenue_kept``); ``wave``;
        ``n_accounts``, ``n_unanswered``; ``of_answered``, ``of_silent``, shares; ``difference_raw, ci_low, ci_high``;
        ``difference_alike, alike_low, alike_high, p_value`` (missing where too few accounts are left); ``why`` nothing is
        compared (else empty).
    """
    rows = []
    for term in AFTERWARDS:
        if term not in drawn.columns:
            continue
        known = drawn[drawn[term].notna()].reset_index(drop=True)
        weights = known["base_weight"].to_numpy(dtype=np.float64)
        if term == "revenue_next":
            before = known["revenue"].to_numpy(dtype=np.float64) if "revenue" in known.columns else np.zeros(len(known))
            some = before > 0
            known, weights, before = known[some].reset_index(drop=True), (weights * before)[some], before[some]
            known = known.assign(_y=known[term].to_numpy(dtype=np.float64) / before)
        else:
            known = known.assign(_y=known[term].astype("float64"))
        waves = list(dict.fromkeys(known["wave"]))
        for wave in [*waves, *([ALL_WAVES] if len(waves) > 1 else [])]:
            here = np.ones(len(known), dtype=bool) if wave == ALL_WAVES else (known["wave"] == wave).to_numpy()
            limit = np.inf if term == "revenue_next" else 1.0
            row = _afterwards(say, known[here].reset_index(drop=True), weights[here], min_n, level, limit)
            if row is not None:
                rows.append((AFTERWARDS[term], wave, *row))
    columns = [
        "term", "wave", "n_accounts", "n_unanswered", "of_answered", "of_silent", "difference_raw", "ci_low", "ci_high",
        "difference_alike", "alike_low", "alike_high", "p_value", "why",
    ]  # fmt: skip
    kinds = dict.fromkeys(columns[4:-1], "float64") | {"n_accounts": "int64", "n_unanswered": "int64", "why": "str"}
    return pd.DataFrame(rows, columns=columns).astype(kinds)


def signs_of_dependence(say: Wording, effects: Mapping[str, Effect | None], level: float) -> pd.DataFrame:
    """One row per sign that could be tested, with Holm's correction over them."""
    found = {term: effect for term, effect in effects.items() if effect is not None}
    p_values = [effect.p_value for effect in found.values()]
    rows = []
    for (term, effect), corrected in zip(found.items(), holm(np.array(p_values)), strict=True):
        meaning, unit = _words_of(say, term, effect)
        rows.append(
            (
                *(term, meaning, unit, effect.n_accounts, effect.estimate, effect.low, effect.high),
                *(effect.p_value, float(corrected), bool(corrected < 1 - level)),
            )
        )
    columns = [
        "term", "meaning", "unit", "n_accounts", "estimate", "ci_low", "ci_high", "p_value", "p_holm", "stands_out",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns).astype({"n_accounts": "int64", "stands_out": "bool"})


# -- inside ----------------------------------------------------------------------------------------------------------


def _effect_on_answering(
    table: pd.DataFrame, term: Floats, *, level: float, without: tuple[str, ...] = ()
) -> Effect | None:
    return effect_beside(
        table["answered"].to_numpy(dtype=np.float64),
        term,
        facts_and_waves(table, beside_facts=True, without=without),
        weights=np.ones(len(table)),
        clusters=table["customer_id"].to_numpy(dtype=object).astype(str),
        level=level,
        limit=1.0,
    )


def _afterwards(
    say: Wording, known: pd.DataFrame, weights: Floats, min_n: int, level: float, limit: float
) -> tuple[object, ...] | None:
    y = known["_y"].to_numpy(dtype=np.float64)
    silent = ~known["answered"].to_numpy(dtype=bool)
    if not silent.any() or silent.all() or not (weights[silent].sum() > 0 and weights[~silent].sum() > 0):
        return None
    clusters = known["customer_id"].to_numpy(dtype=object).astype(str)
    counts = (np.unique(clusters).size, int(silent.sum()))
    if min(np.unique(clusters[who]).size for who in (silent, ~silent)) < min_n:
        return (*counts, *(np.nan,) * 9, few_accounts(say, min_n))
    facts = facts_and_waves(known.drop(columns="_y"), beside_facts=True)
    raw, alike = (
        effect_beside(
            y, silent.astype(np.float64), beside, weights=weights, clusters=clusters, level=level, limit=limit
        )
        for beside in (facts[:, :0], facts)
    )
    if raw is None:
        return None
    of = [float(np.average(y[who], weights=weights[who])) for who in (~silent, silent)]
    held = (np.nan,) * 4 if alike is None else (alike.estimate, alike.low, alike.high, alike.p_value)
    return (*counts, *of, raw.estimate, raw.low, raw.high, *held, "")


def _words_of(say: Wording, term: str, effect: Effect) -> tuple[str, str]:
    x = effect.estimate
    if term == LATE:
        words = say.sentence("answers that came ten days later are {x} points different", x=signed(say, x))
        return words, say.sentence("points per ten days")
    x = 100 * x
    if term == EARLIER:
        words = say.sentence(
            "for each point that an account was more satisfied in an earlier wave, {x} points more of 100 answer again",
            x=signed(say, x, 1),
        )
        return words, say.sentence("share that answers, per point")
    words = say.sentence("with each complaint before, {x} points more of 100 answer", x=signed(say, x, 1))
    return words, say.sentence("share that answers, per complaint")
