"""The accounts that were asked and did not answer: how many by group, and each of them with what is known of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from kam.stats.proportions import wilson_interval
from kam.survey.fact_effects import fact_columns
from kam.wording import Wording

LONG_SILENCE = 0.75
"""Who has not ordered for longer than this share of the accounts drawn has a warning sign."""
MANY_LATE = 0.25
"""A larger share of late deliveries is a warning sign."""
_PARTS = 3


def response_rates(say: Wording, drawn: pd.DataFrame, *, level: float) -> pd.DataFrame:
    """How many of the drawn answered, by stratum, thirds of revenue and of days since the last order, and facts in words.

    Parameters
    ----------
    say : Wording
    drawn : pandas.DataFrame
        The drawn accounts: ``wave, answered``, facts.
    level : float
        Of the intervals (Wilson).

    Returns
    -------
    pandas.DataFrame
        One row per wave, fact and group: ``wave, by, group_name, n_drawn, n_answered, share_answered, ci_low, ci_high``, and
        ``revenue_silent`` (money; if revenue is known) of who did not answer; the first ``by`` is ``all``.
    """
    words = [c for c in fact_columns(drawn)[1] if c != "stratum"]
    groups = {"all": pd.Series(say.sentence("all"), index=drawn.index)}
    if drawn["stratum"].nunique() > 1:
        groups["stratum"] = drawn["stratum"].astype("object")
    names = {
        "revenue": (
            say.sentence("smallest third by revenue"),
            say.sentence("middle third by revenue"),
            say.sentence("largest third by revenue"),
        ),
        "days_since_last_order": (
            say.sentence("ordered most recently"),
            say.sentence("neither recently nor long ago"),
            say.sentence("ordered longest ago"),
        ),
    }
    for column, labels in names.items():
        if column in drawn.columns and drawn[column].notna().any():
            rank = drawn.groupby("wave")[column].rank(method="first", pct=True)
            part = np.ceil(rank * _PARTS - 1e-9).clip(1, _PARTS)
            groups[column] = part.map(dict(enumerate(labels, start=1)))
    groups |= {c: drawn[c].astype("object") for c in words}
    parts = []
    for by, group in groups.items():
        table = drawn.assign(group_name=group.where(group.notna(), say.sentence("not known")), by=by)
        silent = ~table["answered"]
        table["revenue_silent"] = table["revenue"].fillna(0.0) * silent if "revenue" in table.columns else np.nan
        found = table.groupby(["wave", "by", "group_name"], sort=False).agg(
            n_drawn=("answered", "size"), n_answered=("answered", "sum"), revenue_silent=("revenue_silent", "sum")
        )
        parts.append(found.reset_index())
    made = pd.concat(parts, ignore_index=True).astype({"n_drawn": "int64", "n_answered": "int64"})
    made["share_answered"] = made["n_answered"] / made["n_drawn"]
    made["ci_low"], made["ci_high"] = wilson_interval(made["n_answered"], made["n_drawn"], level)
    columns = ["wave", "by", "group_name", "n_drawn", "n_answered", "share_answered", "ci_low", "ci_high"]
    return made[[*columns, *(["revenue_silent"] if "revenue" in drawn.columns else [])]]


def list_silent(say: Wording, before: pd.DataFrame, *, wave: str, waves: Sequence[str], middle: float) -> pd.DataFrame:
    """The accounts drawn in a wave that did not answer, the largest revenue first, with what speaks for a closer look.

    Parameters
    ----------
    say : Wording
    before : pandas.DataFrame
        The drawn accounts of all waves with their last answer of an earlier wave (:func:`answered_before`).
    wave : str
        The wave.
    waves : sequence of str
        All waves, earliest first.
    middle : float
        An earlier answer below it is a warning sign.

    Returns
    -------
    pandas.DataFrame
        One row per account: ``rank, customer_id, wave, stratum, status``; what is known of ``revenue`` (money),
        ``days_since_last_order``; ``last_score`` of an earlier wave and ``scored_in`` (missing: none); ``n_signs``, warning
        signs; ``why``, in words; ``no_order`` (yes or no, missing: not known), whether it then placed none.
    """
    here = before[before["wave"] == wave]
    silent = here[~here["answered"]].copy()
    if "revenue" in silent.columns:
        silent = silent.sort_values(["revenue", "customer_id"], ascending=[False, True], na_position="last")
    else:
        silent = silent.sort_values("customer_id")
    earlier = before[before["wave"].isin(waves[: list(waves).index(wave)]) & ~before["answered"]]
    not_then = earlier.groupby("customer_id")["wave"].agg(list)
    days = here["days_since_last_order"] if "days_since_last_order" in here.columns else pd.Series(dtype="float64")
    long = float(days.quantile(LONG_SILENCE)) if days.notna().any() else np.inf
    texts, counts = [], []
    for row in silent.to_dict("records"):
        signs = []
        if row.get("days_since_last_order", np.nan) > long:
            signs.append(
                say.sentence(
                    "no order for {n} days, longer than {share} of the accounts drawn",
                    n=say.count(row["days_since_last_order"]),
                    share=say.share(LONG_SILENCE, 0),
                )
            )
        if row["score"] < middle:
            signs.append(
                say.sentence("said {score} in {wave}", score=say.number(row["score"], 1), wave=row["scored_in"])
            )
        if row["customer_id"] in not_then.index:
            signs.append(
                say.sentence("did not answer in {waves} either", waves=say.listing(not_then[row["customer_id"]]))
            )
        if row.get("n_complaints", np.nan) > 0:
            signs.append(say.plural("one complaint before", "{n} complaints before", int(row["n_complaints"])))
        if row.get("share_late", np.nan) > MANY_LATE:
            signs.append(say.sentence("{share} of its deliveries came late", share=say.share(row["share_late"], 0)))
        texts.append(say.join([_status(say, str(row["status"])), *signs], ";"))
        counts.append(len(signs))
    made = silent.rename(columns={"score": "last_score"}).assign(
        rank=np.arange(1, len(silent) + 1),
        n_signs=np.array(counts, dtype=np.int64),
        why=pd.Series(texts, index=silent.index, dtype="str"),
    )
    known = [c for c in ("revenue", "days_since_last_order") if c in made.columns]
    after = ["no_order"] if "no_order" in made.columns else []
    first = ["rank", "customer_id", "wave", "stratum", "status"]
    return made[[*first, *known, "last_score", "scored_in", "n_signs", "why", *after]].reset_index(drop=True)


# -- inside ----------------------------------------------------------------------------------------------------------


def _status(say: Wording, status: str) -> str:
    words = {"refused": say.sentence("refused"), "not_reached": say.sentence("was not reached")}
    return words.get(status, say.sentence("did not answer"))
