"""The answers of a survey: codes told apart from answers, long form turned wide, and every answer as a row of its own."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from kam.dataset.dictionary import TABLES
from kam.dataset.folding import fold
from kam.dataset.frame_checks import Findings, shorten
from kam.dataset.level_texts import Range, find_code, is_blank, is_plain_number, read_levels
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

    A code counts only where it is no answer: 8 is one on the scale from 0 to 10. Beside those declared, texts count that say so
    by themselves (:data:`kam.dataset.level_words.NOT_APPLICABLE`, :data:`kam.dataset.level_words.NO_ANSWER`).

    Returns
    -------
    frame, raw : pandas.DataFrame
        Copies in which a coded cell is missing.
    """
    frame, raw = frame.copy(), raw.copy()
    limits = scales(survey)
    for column in answer_columns(frame, survey):
        low, high = _limits(frame, column, limits)
        coded = _codes_of(raw[column], survey).notna() & ~((frame[column] >= low) & (frame[column] <= high))
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
        codes = _codes_of(raw[column], survey)
        status = status.where(codes.isna(), codes)
        status[frame[column].notna()] = ANSWERED
        part = frame[["respondent_id", "wave"]].assign(item=column, answer=frame[column], status=status)
        parts.append(part)
    if not parts:
        return pd.DataFrame(columns=["respondent_id", "wave", "item", "answer", "status"])
    return pd.concat(parts, ignore_index=True)


def _codes_of(texts: pd.Series, survey: SurveyFile) -> pd.Series:
    """What each text says of itself that is no answer, ``not applicable`` or ``no answer``; missing: nothing."""
    meanings = {text: _code_of(text, survey) for text in texts.dropna().unique()}
    return texts.map({text: meaning for text, meaning in meanings.items() if meaning}).astype("str")


def _code_of(text: str, survey: SurveyFile) -> str | None:
    """The meaning of one text that is a code: as declared, else by what it says."""
    folded = text.strip().casefold()
    try:
        number = float(folded)
    except ValueError:
        number = None
    for codes, meaning in ((survey.not_applicable, NOT_APPLICABLE), (survey.no_answer, NO_ANSWER)):
        for code in codes:
            if folded == str(code).strip().casefold() or (isinstance(code, int) and number == code):
                return meaning
    declared = {fold(level) for level in survey.levels}
    return find_code(text) if number is None and fold(text) not in declared else None


# -- answers written as texts ----------------------------------------------------------------------------------------


def needs_reading(texts: Sequence[str], survey: SurveyFile) -> bool:
    """Whether the different texts of a column of answers are more than numbers, and so have to be read one by one."""
    declared = {fold(level) for level in survey.levels}
    return any(
        not is_blank(text) and (not is_plain_number(text) or fold(text) in declared)
        for text in texts
        if text is not None
    )


def read_answers(
    frame: pd.DataFrame, raw: pd.DataFrame, columns: Sequence[str], survey: SurveyFile, found: Findings
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Turn answers that are written as texts into numbers; what no level is known for is a problem.

    Parameters
    ----------
    frame, raw : pandas.DataFrame
        The survey, in its own form, and what stands in the source.
    columns : sequence of str
        Columns of answers to be read.
    survey : SurveyFile
        Its levels, codes and ranges.
    found : Findings
        Where what was not read, or not for certain, is noted.

    Returns
    -------
    frame, raw : pandas.DataFrame
        Copies: numbers in these columns; in ``raw`` a text that nobody knows is missing, since it was named.
    """
    frame, raw = frame.copy(), raw.copy()
    limits, texts = scales(survey), {}
    for column in columns:
        low, high = _limits(frame, column, limits)
        cells = pd.DataFrame({"low": low, "high": high, "text": raw[column].str.strip()}, index=frame.index)
        is_answer = cells["text"].notna() & ~cells["text"].map(is_blank, na_action="ignore").eq(True)
        texts[column] = cells[is_answer & _codes_of(cells["text"], survey).isna()].fillna({"low": 1.0, "high": 5.0})
    pairs = pd.concat([part.drop_duplicates() for part in texts.values()]).drop_duplicates()
    keys: list[tuple[Range, str]] = [
        ((low, high), text) for low, high, text in pairs.itertuples(index=False, name=None)
    ]
    reading = read_levels(keys, survey.levels)
    numbers = {(low, high, text): value for ((low, high), text), value in reading.values.items()}
    for column, cells in texts.items():
        values = [numbers.get(cell) for cell in cells.itertuples(index=False, name=None)]
        frame[column] = pd.Series(values, index=cells.index, dtype="float64").reindex(frame.index)
        unknown = frame[column].isna() & frame.index.isin(cells.index)
        if unknown.any():
            _name_unknown(column, raw.loc[unknown, column], survey, found)
            raw.loc[unknown, column] = None
        _name_against(column, frame, cells, reading.against, survey, found)
    if reading.guessed:
        named = [
            f"{shorten(text)} = {value:g}" for (_, text), value in sorted(reading.guessed.items(), key=lambda x: -x[1])
        ]
        found.warn(
            "No other text says which levels these are, so they are read as is usual: {named}. Write levels: to be sure.",
            named=found.list_some(named, len(named)),
        )
    if reading.says_no_opinion and "level_3" not in survey.model_fields_set:
        found.warn("The level in the middle is written as no opinion. Write level_3: no_opinion, or level_3: neutral.")
    return frame, raw


def _name_unknown(column: str, texts: pd.Series, survey: SurveyFile, found: Findings) -> None:
    counts = texts.str.strip().value_counts()
    named = [
        found.say.plural("{text} ({n} row)", "{text} ({n} rows)", int(n), text=shorten(text))
        for text, n in counts.items()
    ]
    found.problem(
        "{column} holds texts that are no known level: {named}. Expected: numbers of the scale, or texts such as 'very "
        "satisfied', '非常满意', '매우 만족', '非常に満足', each on one level only. Write what they mean, as "
        "levels: {{{example}: 4}}, or put them under no_answer: or not_applicable:.",
        column=column,
        named=found.list_some(named, len(named)),
        example=shorten(counts.index[0]),
    )


def _name_against(
    column: str,
    frame: pd.DataFrame,
    cells: pd.DataFrame,
    against: set[tuple[Range, str]],
    survey: SurveyFile,
    found: Findings,
) -> None:
    """Labels whose number is low where their words are good: unless the item is declared reversed, all of it is upside down."""
    turned = {item.name for item in survey.items if item.reversed}
    items = frame.loc[cells.index, "item"] if survey.form == "long" else pd.Series(column, index=cells.index)
    is_against = pd.Series(
        [((low, high), text) in against for low, high, text in cells.itertuples(index=False, name=None)],
        index=cells.index,
        dtype=bool,
    )
    for item in items[is_against & ~items.isin(turned)].unique():
        text = cells.loc[is_against & (items == item), "text"].iloc[0]
        found.problem(
            "{item}: in {text} the number is low where the words are good, or high where they are bad. Declare the item with "
            "reversed: true, or the levels: as they are meant.",
            item=item,
            text=shorten(text),
        )


# -- long form -------------------------------------------------------------------------------------------------------


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
