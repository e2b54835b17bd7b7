"""The answers of a survey, made ready: reversed items turned, level 3 declared, rows that cannot count named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from kam.errors import DataError, EmptyDataError, MissingColumnError, ParameterError
from kam.results import Context
from kam.survey.shown_names import name_first
from kam.wording import N_, Wording

if TYPE_CHECKING:
    from kam.dataset import Dataset

Level3 = Literal["neutral", "no_opinion"]
READING_NAMES: dict[Level3, str] = {"neutral": N_("neutral"), "no_opinion": N_("no opinion")}
"""What frames call the ways to read the third of five levels."""
SCORES = {"overall": (1.0, 5.0), "recommend": (0.0, 10.0), "repurchase": (1.0, 5.0)}
"""The three questions every survey of ours knows, with their lowest and highest answer."""

_ITEM_COLUMNS = ("item", "text", "theme", "reversed", "low", "high")


@dataclass(frozen=True, eq=False, kw_only=True)
class Responses:
    """The answers of one or more waves, ready for analysis.

    Attributes
    ----------
    rows : pandas.DataFrame
        One row per respondent and wave, in the order given, with a RangeIndex: ``respondent_id, wave, customer_id`` (where the
        account is not known, each respondent is one of its own), ``weight`` (1 where none was given), what is there of
        ``answered_on, stratum, psu, fpc, overall, recommend, repurchase``, the groups and the items. **Reversed items are
        turned**, so that high is good everywhere. Missing: not answered, for whatever reason.
    status : pandas.DataFrame
        One row per respondent, wave and item (the three scores included): ``respondent_id, wave, item, answer, status``; status
        is ``answered``, ``not applicable``, ``no answer`` or ``blank``.
    items : pandas.DataFrame
        One row per declared item: ``item, text, theme, reversed, low, high``.
    level_3, declared_level_3 : {"neutral", "no_opinion"}
        How the third of five levels is read here, and what the dataset says that it means.
    groups : tuple of str
        Columns that tell groups of respondents apart.
    has_accounts, has_weights : bool
        Whether accounts, and weights, were given.
    left_out : pandas.DataFrame
        Rows that were given and are not in ``rows``: ``respondent_id, wave, why``.
    context : Context
        Dataset, currency, language.
    """

    rows: pd.DataFrame
    status: pd.DataFrame
    items: pd.DataFrame
    level_3: Level3
    declared_level_3: Level3
    groups: tuple[str, ...]
    has_accounts: bool
    has_weights: bool
    left_out: pd.DataFrame
    context: Context

    @property
    def waves(self) -> tuple[str, ...]:
        """The waves, earliest first: by the day of the first answer if days are known, else by name."""
        if "answered_on" in self.rows.columns:
            first = self.rows.groupby("wave")["answered_on"].min()
            return tuple(first.reset_index().sort_values(["answered_on", "wave"])["wave"])
        return tuple(sorted(self.rows["wave"].unique()))

    @property
    def field(self) -> pd.DataFrame:
        """One row per wave with known days: ``wave, first_answer, last_answer``."""
        if "answered_on" not in self.rows.columns:
            return pd.DataFrame({"wave": [], "first_answer": [], "last_answer": []})
        days = self.rows.groupby("wave")["answered_on"].agg(["min", "max"]).dropna()
        days = days.set_axis(["first_answer", "last_answer"], axis=1).reset_index()
        return days.sort_values(["first_answer", "wave"], ignore_index=True)

    @property
    def origins(self) -> tuple[date, ...]:
        """The first day of answers of each wave: before it lie the facts, from it on what customers do."""
        return tuple(sorted({day.date() for day in self.field["first_answer"]}))

    @property
    def answer_columns(self) -> list[str]:
        """The scores and items that are there."""
        return [c for c in [*SCORES, *self.items["item"]] if c in self.rows.columns]

    @property
    def five_level_columns(self) -> list[str]:
        """``overall`` and the items on 1 to 5: those that have a level 3 in the middle."""
        five = self.items.loc[(self.items["low"] == 1) & (self.items["high"] == 5), "item"]
        return [c for c in ["overall", *five] if c in self.rows.columns]

    @property
    def readings(self) -> tuple[Level3, ...]:
        """How level 3 can be read: both ways, until the threes are taken out."""
        return ("neutral", "no_opinion") if self.level_3 == "neutral" else ("no_opinion",)

    @property
    def leading_reading(self) -> Level3:
        """How level 3 is read in answers: as the dataset declares it, as far as it still can be."""
        return self.declared_level_3 if self.level_3 == "neutral" else "no_opinion"

    @property
    def loyalty_question(self) -> str:
        """What stands for loyalty among the answers: the intention to buy again, or else the readiness to recommend."""
        return "repurchase" if "repurchase" in self.rows.columns else "recommend"

    def spread(self, question: str = "overall") -> float | None:
        """Standard deviation of the accounts' mean answers in the last wave, in points; None: fewer than two answered."""
        if question not in self.rows.columns:
            return None
        last = self.rows[self.rows["wave"] == self.waves[-1]]
        spread = last.groupby("customer_id")[question].mean().std()
        return float(spread) if spread > 0 else None

    def lines(self, say: Wording) -> list[str]:
        """What there is, in sentences; the first is the whole of it in one line."""
        rows = self.rows
        lines = [
            say.sentence(
                "{n} answers of {accounts} accounts in {waves}.",
                n=say.count(len(rows)),
                accounts=say.count(rows["customer_id"].nunique()),
                waves=say.plural(
                    "the wave {named}", "the waves {named}", len(self.waves), named=self._count_waves(say)
                ),
            )
        ]
        if not self.has_accounts:
            lines.append(say.sentence("The survey names no accounts: each respondent counts as one of its own."))
        if len(self.left_out):
            lines.append(
                say.sentence(
                    "Left out: {n}, in which nothing on a scale was answered.",
                    n=say.plural("{n} row", "{n} rows", len(self.left_out)),
                )
            )
        return lines

    def _count_waves(self, say: Wording) -> str:
        counts = self.rows["wave"].value_counts()
        return say.listing([f"{wave} ({say.count(int(counts[wave]))})" for wave in self.waves])

    def of_wave(self, wave: str) -> Responses:
        """One wave.

        Raises
        ------
        ParameterError
            There is no such wave.
        """
        if wave not in set(self.rows["wave"]):
            raise ParameterError(f"There is no wave {wave!r}.", hint=f"Waves there: {', '.join(self.waves)}.")
        return replace(
            self,
            rows=self.rows[self.rows["wave"] == wave].reset_index(drop=True),
            status=self.status[self.status["wave"] == wave].reset_index(drop=True),
            left_out=self.left_out[self.left_out["wave"] == wave].reset_index(drop=True),
        )

    def read_level_3_as(self, level_3: Level3) -> Responses:
        """The same answers with the third of five levels read as neutral, or as no opinion: then it is no answer."""
        if level_3 not in READING_NAMES:
            raise ParameterError(f"level_3 is {level_3!r}.", hint="Take 'neutral' or 'no_opinion'.")
        if level_3 == self.level_3:
            return self
        if level_3 == "neutral":
            raise ParameterError(
                "Answers of level 3 are taken out already.",
                hint="Read them as neutral from the responses as collected.",
            )
        rows = self.rows.copy()
        for column in self.five_level_columns:
            rows[column] = rows[column].mask(rows[column] == 3)
        return replace(self, rows=rows, level_3=level_3)


def read_survey(dataset: Dataset) -> Responses:
    """Make the survey of a dataset ready.

    Raises
    ------
    DataError
        The dataset has no survey, or its answers cannot be used.
    """
    survey, frame, answers = dataset.file.tables.survey, dataset.survey, dataset.answers
    if survey is None or frame is None:
        raise DataError(
            "The dataset has no survey.", where=str(dataset.path), hint="Name its file under tables: survey: source:."
        )
    items = pd.DataFrame(
        [[i.name, i.text or i.name, i.theme or "", i.reversed, *i.range] for i in survey.items], columns=_ITEM_COLUMNS
    )
    return collect_responses(
        frame, items=items, groups=survey.groups, level_3=survey.level_3, answers=answers, context=dataset.context
    )


def collect_responses(
    frame: pd.DataFrame,
    *,
    items: Sequence[str] | pd.DataFrame = (),
    groups: Sequence[str] = (),
    level_3: Level3 = "neutral",
    answers: pd.DataFrame | None = None,
    context: Context | None = None,
) -> Responses:
    """Check the answers of a survey and make them ready.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per respondent and wave: **respondent_id**, what is there of ``wave, customer_id, answered_on, weight, stratum,
        psu, fpc, overall`` (1–5) ``, recommend`` (0–10) ``, repurchase`` (1–5), the items and groups. Codes for "not
        applicable" and "no answer" are missing.
    items : sequence of str or pandas.DataFrame
        Items on 1 to 5; or ``item`` with what is there of ``text, theme, reversed, low, high``.
    groups : sequence of str
        Columns that tell groups of respondents apart.
    level_3 : {"neutral", "no_opinion"}
        What the third of five levels means. The answers are read as neutral in any case, until
        :meth:`Responses.read_level_3_as` takes the threes out.
    answers : pandas.DataFrame, optional
        Why answers are missing: ``respondent_id, wave, item, answer, status`` (:attr:`kam.Dataset.answers`). By default what is
        missing is blank.
    context : Context, optional
        Dataset, currency, language.

    Returns
    -------
    Responses

    Raises
    ------
    MissingColumnError
        A column that is named is not there, or nothing was asked on a scale.
    EmptyDataError
        There is no row.
    DataError
        A respondent answers twice in one wave, an answer is out of its scale, or a weight is missing or not above 0; the first
        rows are named.

    Examples
    --------
    >>> frame = pd.DataFrame({"respondent_id": ["a", "b"], "overall": [4, 2], "slow": [1, 5]})
    >>> items = pd.DataFrame({"item": ["slow"], "reversed": [True]})
    >>> collect_responses(frame, items=items).rows[["customer_id", "overall", "slow"]].values.tolist()
    [['a', 4.0, 5.0], ['b', 2.0, 1.0]]
    """
    declared = _declare(items)
    _require(frame, ["respondent_id", *declared["item"], *groups])
    if frame.empty:
        raise EmptyDataError("The survey has no row.", hint="Check the source of the survey.")
    rows = frame.reset_index(drop=True).copy()
    if "wave" not in rows.columns:
        rows["wave"] = "1"
    limits = SCORES | {
        str(name): (float(low), float(high))
        for name, low, high in zip(declared["item"], declared["low"], declared["high"], strict=True)
    }
    asked = [column for column in limits if column in rows.columns]
    if not asked:
        raise MissingColumnError(
            "The survey has no answers: neither overall, recommend, repurchase nor an item.",
            hint="Name a column of answers.",
        )
    _check_unique(rows)
    for column in asked:
        rows[column] = _checked_scale(rows, column, *limits[column])
    for name in declared.loc[declared["reversed"].astype(bool), "item"]:
        rows[name] = sum(limits[name]) - rows[name]
    has_accounts = "customer_id" in rows.columns
    own = rows["respondent_id"].astype("str")
    rows["customer_id"] = (
        rows["customer_id"].astype("str").where(rows["customer_id"].notna(), own) if has_accounts else own
    )
    has_weights = "weight" in rows.columns
    rows["weight"] = _checked_weights(rows) if has_weights else 1.0
    silent = rows[asked].isna().all(axis=1)
    left_out = rows.loc[silent, ["respondent_id", "wave"]].assign(why="answered nothing on a scale")
    rows = rows[~silent].reset_index(drop=True)
    if rows.empty:
        raise EmptyDataError("Nobody answered anything on a scale.", hint="Check the codes for no answer.")
    kept = [c for c in ("answered_on", "stratum", "psu", "fpc") if c in rows.columns]
    columns = list(dict.fromkeys(["respondent_id", "wave", "customer_id", "weight", *kept, *groups, *asked]))
    return Responses(
        rows=rows[columns],
        status=_statuses(rows, asked, answers),
        items=declared,
        level_3="neutral",
        declared_level_3=level_3,
        groups=tuple(groups),
        has_accounts=has_accounts,
        has_weights=has_weights,
        left_out=left_out.reset_index(drop=True),
        context=context or Context(),
    )


def _declare(items: Sequence[str] | pd.DataFrame) -> pd.DataFrame:
    declared = items.copy() if isinstance(items, pd.DataFrame) else pd.DataFrame({"item": list(items)}, dtype="str")
    if "item" not in declared.columns:
        raise MissingColumnError("The items have no column 'item'.", where="items", hint="Name each item there.")
    if declared["item"].duplicated().any():
        twice = declared.loc[declared["item"].duplicated(), "item"].iloc[0]
        raise ParameterError(f"The item {twice!r} is declared twice.", where="items", hint="Declare each item once.")
    defaults: dict[str, Any] = {"text": declared["item"], "theme": "", "reversed": False, "low": 1.0, "high": 5.0}
    declared = declared.assign(**{name: value for name, value in defaults.items() if name not in declared.columns})
    return declared[list(_ITEM_COLUMNS)].astype({"low": "float64", "high": "float64"}).reset_index(drop=True)


def _require(frame: pd.DataFrame, columns: Sequence[str]) -> None:
    for column in columns:
        if column not in frame.columns:
            raise MissingColumnError(
                f"There is no column {column!r}.",
                where="survey",
                hint=f"There are {', '.join(map(str, frame.columns))}.",
            )


def _name_rows(rows: pd.DataFrame, which: pd.Series, column: str | None = None) -> str:
    """``respondent 17 in wave 2024 (9), … and 3 more``: the first rows, with what stands there."""
    bad = rows[which]
    named = [f"respondent {i} in wave {w}" for i, w in zip(bad["respondent_id"], bad["wave"], strict=True)]
    if column:
        named = [f"{name} ({value})" for name, value in zip(named, bad[column], strict=True)]
    return name_first(named)


def _check_unique(rows: pd.DataFrame) -> None:
    unnamed = rows["respondent_id"].isna() | rows["wave"].isna()
    if unnamed.any():
        raise DataError(
            f"{int(unnamed.sum())} rows have no respondent_id or no wave.",
            where="survey",
            hint="Give every respondent an identifier.",
        )
    twice = rows.duplicated(["respondent_id", "wave"], keep=False)
    if twice.any():
        raise DataError(
            "A respondent answers twice in one wave.",
            where=_name_rows(rows, twice),
            hint="Keep one row of each, or give the rows different waves.",
        )


def _checked_scale(rows: pd.DataFrame, column: str, low: float, high: float) -> pd.Series:
    values = pd.to_numeric(rows[column], errors="coerce").astype("float64")
    bad = (values.isna() & rows[column].notna()) | (values < low) | (values > high)
    if bad.any():
        raise DataError(
            f"Answers to {column!r} are out of the scale from {low:g} to {high:g}.",
            where=_name_rows(rows, bad, column),
            hint="Declare the range of the item, or the codes that are no answer.",
        )
    return values


def _checked_weights(rows: pd.DataFrame) -> pd.Series:
    weights = pd.to_numeric(rows["weight"], errors="coerce").astype("float64")
    bad = ~((weights > 0) & (weights < float("inf")))
    if bad.any():
        raise DataError(
            "Weights are missing or not above 0.",
            where=_name_rows(rows, bad, "weight"),
            hint="Give every answer a weight, or leave the column out: then all count alike.",
        )
    return weights


def _statuses(rows: pd.DataFrame, asked: list[str], answers: pd.DataFrame | None) -> pd.DataFrame:
    columns = ["respondent_id", "wave", "item", "answer", "status"]
    if answers is not None:
        kept = pd.MultiIndex.from_frame(rows[["respondent_id", "wave"]])
        given = pd.MultiIndex.from_frame(answers[["respondent_id", "wave"]])
        return answers.loc[given.isin(kept), columns].reset_index(drop=True)
    long = rows.melt(["respondent_id", "wave"], asked, var_name="item", value_name="answer")
    return long.assign(status=long["answer"].isna().map({True: "blank", False: "answered"}))[columns]
