"""The answers of a survey: codes told apart from answers, long form turned wide, and every answer as a row of its own."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from kam.dataset.dictionary import TABLES
from kam.dataset.frame_checks import Findings, shorten
from kam.dataset.schema import SurveyFile
from kam.errors import MissingColumnError

ANSWERED, NOT_APPLICABLE, NO_ANSWER, BLANK = "answered", "not applicable", "no answer", "blank"

SCORES = tuple(name for name, spec in TABLES["survey"].columns.items() if spec.high is not None)
"""The columns of a survey that are answers on a scale beside its items: overall, recommend, repurchase."""


def scales(survey: SurveyFile) -> dict[str, tuple[float, float]]:
    """Lowest and highest answer of every score and every declared item."""
    scores = {name: TABLES["survey"].columns[name] for name in SCORES}
    own = {name: (spec.low or 0.0, spec.high or 0.0) for name, spec in scores.items()}
    return own | {item.name: item.range for item in survey.items}


def hide_codes(frame: pd.DataFrame, raw: pd.DataFrame, survey: SurveyFile) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Take the codes for "not applicable" and "no answer" out of scores and items, in the typed frame and in the text.

    A code counts only where it is no answer: 8 is one on the scale from 0 to 10.

    Returns
    -------
    frame, raw : pandas.DataFrame
        Copies in which a coded cell is missing.
    """
    frame, raw = frame.copy(), raw.copy()
    codes = [*survey.not_applicable, *survey.no_answer]
    limits = scales(survey)
    for column in answer_columns(frame, survey):
        low, high = _limits(frame, column, limits)
        coded = _is_coded(raw[column], codes) & ~((frame[column] >= low) & (frame[column] <= high))
        frame.loc[coded, column] = None
        raw.loc[coded, column] = None
    return frame, raw


def _limits(
    frame: pd.DataFrame, column: str, limits: dict[str, tuple[float, float]]
) -> tuple[pd.Series | float, pd.Series | float]:
    """The range of a column; of the answers in long form, row by row, that of their item."""
    if column in limits:
        return limits[column]
    low = frame["item"].map({name: pair[0] for name, pair in limits.items()}).astype("float64")
    high = frame["item"].map({name: pair[1] for name, pair in limits.items()}).astype("float64")
    return low, high


def answer_columns(frame: pd.DataFrame, survey: SurveyFile) -> list[str]:
    """The columns of a survey that hold answers on a scale."""
    names = [*SCORES, *(item.name for item in survey.items), *(["answer"] if survey.form == "long" else [])]
    return [name for name in names if name in frame.columns]


def tidy_answers(frame: pd.DataFrame, raw: pd.DataFrame, survey: SurveyFile) -> pd.DataFrame:
    """One row per respondent, wave and item, with the answer or the reason why there is none.

    Parameters
    ----------
    frame : pandas.DataFrame
        The survey in wide form, codes taken out.
    raw : pandas.DataFrame
        The same rows as they stood in the source, codes included.
    survey : SurveyFile
        What ``dataset.yaml`` says about the survey.

    Returns
    -------
    pandas.DataFrame
        ``respondent_id, wave, item, answer, status``; status is ``answered``, ``not applicable``, ``no answer`` or ``blank``.
    """
    parts = []
    for column in answer_columns(frame, survey):
        status = pd.Series(BLANK, index=frame.index, dtype="str")
        status[_is_coded(raw[column], survey.no_answer)] = NO_ANSWER
        status[_is_coded(raw[column], survey.not_applicable)] = NOT_APPLICABLE
        status[frame[column].notna()] = ANSWERED
        part = frame[["respondent_id", "wave"]].assign(item=column, answer=frame[column], status=status)
        parts.append(part)
    if not parts:
        return pd.DataFrame(columns=["respondent_id", "wave", "item", "answer", "status"])
    return pd.concat(parts, ignore_index=True)


def _is_coded(texts: pd.Series, codes: Sequence[str | int]) -> pd.Series:
    numbers = {float(code) for code in codes if isinstance(code, int)}
    words = {str(code).strip().casefold() for code in codes}
    folded = texts.str.strip().str.casefold()
    return folded.isin(words) | pd.to_numeric(folded, errors="coerce").isin(numbers)


def check_long(frame: pd.DataFrame, raw: pd.DataFrame, survey: SurveyFile, found: Findings) -> None:
    """Check the answers of a survey in long form by the range of their item, and that each was given once."""
    limits = scales(survey)
    unknown = frame["item"].notna() & ~frame["item"].isin(list(limits))
    if unknown.any():
        named = [shorten(item) for item in frame.loc[unknown, "item"].unique()]
        message = "The source has items that are not declared under items: {named}."
        found.problem(message, named=found.list_some(named, len(named)))
    low, high = _limits(frame, "answer", limits)
    outside = (frame["answer"] < low) | (frame["answer"] > high)
    if outside.any():
        shown = frame["item"] + "=" + raw["answer"]
        found.problem("answer is out of the range of its item in {rows}.", rows=found.rows(outside, shown))
    missing = [item.name for item in survey.items if not (frame["item"] == item.name).any()]
    if missing:
        named = [shorten(item) for item in missing]
        found.problem("No row answers these declared items: {named}.", named=found.list_some(named, len(named)))


def spread_long(
    frame: pd.DataFrame, raw: pd.DataFrame, survey: SurveyFile, found: Findings
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Turn a survey in long form wide: one row per respondent and wave, one column per item.

    What is no answer (weight, stratum, groups, …) has to be the same in all rows of a respondent and wave.

    Returns
    -------
    frame, raw : pandas.DataFrame
        Both wide, with the same rows.
    """
    key = ["respondent_id", "wave"]
    facts = [column for column in frame.columns if column not in (*key, "item", "answer")]
    groups = frame.groupby(key, sort=False)
    for column in facts:
        differs = groups[column].transform("nunique") > 1
        if differs.any():
            found.problem(
                "{column} differs between the rows of one respondent and wave: {rows}.",
                column=column,
                rows=found.rows(differs, frame["respondent_id"]),
            )
    origin = raw.assign(**{name: frame[name] for name in [*key, "item"]})
    names = answer_columns(pd.DataFrame(columns=frame["item"].dropna().unique()), survey)
    wide, wide_raw = (
        part.drop_duplicates(key)[[*key, *facts]].merge(
            part.drop_duplicates([*key, "item"]).pivot(index=key, columns="item", values="answer")[names].reset_index(),
            on=key,
        )
        for part in (frame, origin)
    )
    return wide, wide_raw


def require_items(frame: pd.DataFrame, survey: SurveyFile) -> None:
    """Raise unless something was answered on a scale.

    Raises
    ------
    MissingColumnError
        Neither an item nor overall, recommend or repurchase is there.
    """
    if not answer_columns(frame, survey):
        raise MissingColumnError(
            "The survey has no answers: neither overall, recommend, repurchase nor an item.",
            hint="Name overall, recommend or repurchase under columns:, or declare the questions under items:.",
        )
