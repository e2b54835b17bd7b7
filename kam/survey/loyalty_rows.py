"""Satisfaction and what goes with it, row by row: respondents with what they intend, or accounts with what they then did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.errors import (
    ColumnTypeError,
    DataError,
    EmptyDataError,
    MissingColumnError,
    ParameterError,
    UndefinedMeasureError,
)
from kam.survey.design import Design, answer_weights
from kam.survey.partitions import LevelRows
from kam.survey.responses import SCORES, Responses

Floats = npt.NDArray[np.float64]

ATTITUDES = ("repurchase", "recommend")
"""What a respondent intends; every other outcome is what an account then did."""
BANDS = {"low": (-np.inf, 2.5), "middle": (2.5, 4.5), "high": (4.5, np.inf)}
"""Satisfaction of an account in three bands, from (inclusive) and to: the bands of ``person_periods``."""
MIN_ACCOUNTS = 10
"""With fewer accounts there is no curve."""


@dataclass(frozen=True, eq=False, kw_only=True)
class LoyaltyRows:
    """What is compared, one row per respondent (attitudes) or per account and wave (behavior).

    Attributes
    ----------
    frame : pandas.DataFrame
        ``wave, customer_id, score`` (1 to 5, of an account the mean of its people) ``, level`` (the score rounded, halves up),
        ``y, weight, cluster, stratum``; for behavior also the other columns of the frame of behavior.
    n_unknown : int
        Account-waves with answers that the frame of behavior does not know.
    n_unobserved : int
        Rows whose outcome is not known, or whose account counts for nothing.
    """

    frame: pd.DataFrame
    n_unknown: int
    n_unobserved: int

    def by_level(self) -> LevelRows:
        """The same by level, accounts numbered."""
        frame = self.frame
        level, at = np.unique(frame["level"].to_numpy(dtype=np.float64), return_inverse=True)
        cluster, first = pd.factorize(frame["cluster"])
        stratum = frame.drop_duplicates("cluster").set_index("cluster")["stratum"].reindex(first)
        return LevelRows(
            level=level,
            at=at.astype(np.int64),
            y=frame["y"].to_numpy(dtype=np.float64),
            weight=frame["weight"].to_numpy(dtype=np.float64),
            cluster=cluster.astype(np.int64),
            stratum=pd.factorize(stratum)[0].astype(np.int64),
        )


def level_of(score: npt.ArrayLike) -> Floats:
    """The level nearest to a score, halves up, so that 2.5 is no longer low and 4.5 is high."""
    return np.asarray(np.floor(np.asarray(score, dtype=np.float64) + 0.5))


def band_of(score: pd.Series) -> pd.Series:
    """Band of satisfaction of each score; missing where there is none."""
    edges = [low for low, _ in BANDS.values()] + [np.inf]
    return pd.cut(score, edges, right=False, labels=list(BANDS))


def satisfaction_items(responses: Responses, satisfaction: str | Sequence[str]) -> list[str]:
    """The columns whose mean is the satisfaction of a respondent.

    Raises
    ------
    ParameterError
        One is no answer on five levels.
    """
    items = [satisfaction] if isinstance(satisfaction, str) else list(satisfaction)
    unknown = [item for item in items if item not in responses.five_level_columns]
    absent = [item for item in items if item not in responses.answer_columns]
    if absent:
        raise MissingColumnError(
            f"The survey has no answers to {absent[0]!r}.",
            where="survey",
            hint="Name the question under columns: or items:.",
        )
    if unknown or not items or len(set(items)) < len(items):
        named = repr(unknown[0]) if unknown else repr(satisfaction)
        raise ParameterError(
            f"satisfaction is {named}, which is no question on five levels, or is named twice.",
            hint=f"Take among {', '.join(responses.five_level_columns) or 'none: the survey has no such question'}.",
        )
    return items


def account_scores(
    responses: Responses, items: Sequence[str], designs: Mapping[str, Design], *, satisfied_from: int | None = None
) -> pd.DataFrame:
    """Satisfaction of each account and wave: ``wave, customer_id, score`` (missing: nobody answered these) ``, weight``.

    With ``satisfied_from`` also ``share_satisfied``, the share of its people (as they weigh in it) whose own mean is that level
    or more, and ``n_people``, how many answered these.
    """
    rows = responses.rows
    weight = answer_weights(responses, designs, each="account")
    score = rows[list(items)].mean(axis=1)
    counted = pd.DataFrame(
        {
            "wave": rows["wave"],
            "customer_id": rows["customer_id"],
            "weight": weight,
            "own": rows["weight"].where(score.notna(), 0.0),
            "sum": (rows["weight"] * score).fillna(0.0),
        }
    )
    names = ["wave", "customer_id", "score", "weight"]
    if satisfied_from is not None:
        counted["satisfied"] = rows["weight"].where(score >= satisfied_from, 0.0)
        counted["n_people"] = score.notna() & (rows["weight"] > 0)
        names += ["share_satisfied", "n_people"]
    accounts = counted.groupby(["wave", "customer_id"], as_index=False, sort=False).sum()
    accounts["score"] = (accounts["sum"] / accounts["own"]).where(accounts["own"] > 0)
    if satisfied_from is not None:
        accounts["share_satisfied"] = (accounts["satisfied"] / accounts["own"]).where(accounts["own"] > 0)
    return accounts[names]


def respondent_rows(
    responses: Responses, items: Sequence[str], outcome: str, designs: Mapping[str, Design]
) -> LoyaltyRows:
    """One row per respondent who answered both; each account's people share its weight.

    Raises
    ------
    MissingColumnError
        The outcome was not asked.
    EmptyDataError, UndefinedMeasureError
        See :func:`checked`.
    """
    if outcome not in responses.rows.columns:
        raise MissingColumnError(
            f"The survey has no answers to {outcome!r}.",
            where="responses",
            hint=f"There are {', '.join(c for c in SCORES if c in responses.rows.columns)}; or give behavior.",
        )
    rows = responses.rows
    frame = rows[["wave", "customer_id"]].assign(
        score=rows[list(items)].mean(axis=1),
        y=rows[outcome],
        weight=answer_weights(responses, designs, each="account"),
    )
    answered = frame["score"].notna()
    kept = answered & frame["y"].notna() & (frame["weight"] > 0)
    return checked(_with_clusters(frame[kept], responses, designs), 0, int((answered & ~kept).sum()), outcome)


def account_rows(
    responses: Responses,
    items: Sequence[str],
    outcome: str,
    behavior: pd.DataFrame,
    designs: Mapping[str, Design],
) -> LoyaltyRows:
    """One row per account and wave with answers whose later behavior is known.

    Raises
    ------
    EmptyDataError
        No account is in both, or the outcome is known of none.
    """
    accounts = account_scores(responses, items, designs).dropna(subset="score")
    joined = accounts.merge(behavior.drop(columns=["weight", "score"], errors="ignore"), on=["wave", "customer_id"])
    if joined.empty:
        raise EmptyDataError(
            "No account of the survey is in the frame of behavior.",
            where=f"behavior has the waves {', '.join(behavior['wave'].unique()[:5])}, the survey {', '.join(responses.waves)}",
            hint="Check that customer_id and wave are the same texts in both.",
        )
    known = joined[outcome].notna() & (joined["weight"] > 0)
    frame = joined[known].assign(y=joined.loc[known, outcome].astype("float64"))
    found = _with_clusters(frame, responses, designs)
    return checked(found, len(accounts) - len(joined), int((~known).sum()), outcome)


def checked(frame: pd.DataFrame, n_unknown: int, n_unobserved: int, outcome: str) -> LoyaltyRows:
    """Refuse rows from which no curve can be drawn.

    Raises
    ------
    EmptyDataError
        There are fewer than 10 accounts.
    UndefinedMeasureError
        All are equally satisfied, or all have the same outcome.
    """
    n = frame["cluster"].nunique()
    if n < MIN_ACCOUNTS:
        raise EmptyDataError(
            f"Satisfaction and {outcome!r} are known of {n} accounts; a curve takes {MIN_ACCOUNTS}.",
            hint="Take more waves or another outcome.",
        )
    frame = frame.assign(level=level_of(frame["score"]))
    if frame["level"].nunique() < 2:
        raise UndefinedMeasureError(
            f"All answers are at level {frame['level'].iloc[0]:g}: loyalty cannot be compared between levels.",
            hint="Take another question for satisfaction.",
        )
    if frame["y"].nunique() < 2:
        raise UndefinedMeasureError(
            f"All have the same {outcome!r}, {frame['y'].iloc[0]:g}: it goes with nothing.",
            hint="Take another outcome.",
        )
    return LoyaltyRows(frame=frame.reset_index(drop=True), n_unknown=n_unknown, n_unobserved=n_unobserved)


def checked_behavior(behavior: pd.DataFrame, outcome: str | None) -> pd.DataFrame:
    """The frame of behavior with texts as keys; None: its outcomes are not what the curve is about.

    Raises
    ------
    MissingColumnError
        There is no wave, account or outcome.
    ColumnTypeError
        The outcome is neither a number nor yes or no.
    DataError
        An account stands twice in a wave.
    """
    for column in ("wave", "customer_id", outcome):
        if column is not None and column not in behavior.columns:
            raise MissingColumnError(
                f"There is no column {column!r}.",
                where=f"behavior, which has {', '.join(map(str, behavior.columns))}",
                hint="Give the frame of survey_frame, or wave, customer_id and what came after.",
            )
    if outcome is not None and not pd.api.types.is_numeric_dtype(behavior[outcome]):
        raise ColumnTypeError(
            f"The outcome {outcome!r} holds neither numbers nor yes or no.", where=f"type {behavior[outcome].dtype}"
        )
    behavior = behavior.assign(wave=behavior["wave"].astype("str"), customer_id=behavior["customer_id"].astype("str"))
    twice = behavior.duplicated(["wave", "customer_id"])
    if twice.any():
        first = behavior[twice].iloc[0]
        raise DataError(
            "An account stands twice in a wave of behavior.",
            where=f"customer {first['customer_id']}, wave {first['wave']}",
            hint="Give one row per account and wave.",
        )
    return behavior


def _with_clusters(frame: pd.DataFrame, responses: Responses, designs: Mapping[str, Design]) -> pd.DataFrame:
    """Add primary sampling unit and stratum of each account, those of its latest wave: one account is in one cluster."""
    units = pd.concat([designs[w].units[["customer_id", "stratum", "psu"]] for w in responses.waves])
    units = units.drop_duplicates("customer_id", keep="last").set_index("customer_id")
    stratum = units["stratum"].astype("object").where(units["stratum"].notna(), "").astype(str)
    psu = units["psu"].astype("object").where(units["psu"].notna(), units.index.to_series()).astype(str)
    keys = pd.DataFrame({"cluster": stratum + "\x1f" + psu, "stratum": stratum})
    return frame.drop(columns=["cluster", "stratum"], errors="ignore").join(keys, on="customer_id")
