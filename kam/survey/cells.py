"""The cells of a survey: one estimate with its interval for each wave, group, question, measure, reading and way to count."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from kam.errors import DataError, MissingColumnError, ParameterError
from kam.survey.design import Design, Each
from kam.survey.intervals import (
    adjusted_wald_interval,
    effective_number,
    korn_graubard_interval,
    t_interval,
)
from kam.survey.linearization import Linearizations, linearize, match_answers, variances
from kam.survey.nps import net
from kam.survey.responses import READING_NAMES, SCORES, Responses
from kam.survey.suppression import few_accounts, few_answers, first_reason, no_revenue
from kam.wording import N_, Wording

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

READINGS = tuple(READING_NAMES.values())
EITHER = N_("either")
"""The reading of a question that has no level 3 in the middle."""
ALL = N_("all")
_NONE = 1e-12


@dataclass(frozen=True, eq=False, kw_only=True)
class Grouping:
    """What cells are formed by: all together, then each way to form groups; and who of a wave is in a group.

    Attributes
    ----------
    by : tuple of str
        Groups of the responses, ``stratum``, or columns of ``accounts``.
    accounts : pandas.DataFrame or None
        One row per account: ``customer_id`` and what groups may be formed by.
    """

    by: tuple[str, ...]
    accounts: pd.DataFrame | None

    def domains(self, design: Design, rows: pd.DataFrame, say: Wording) -> list[tuple[str, str, Flags]]:
        """``by``, ``group_name`` and who is in it, shape (respondents,), of one wave."""
        found: list[tuple[str, str, Flags]] = [(ALL, ALL, np.ones(len(rows), dtype=bool))]
        for by in self.by:
            names = self._names(by, design, rows)
            known = names.notna().to_numpy()
            found += [(by, name, (names == name).to_numpy()) for name in sorted(names[known].unique())]
            if not known.all():
                found.append((by, say.sentence("not known"), ~known))
        return found

    def _names(self, by: str, design: Design, rows: pd.DataFrame) -> pd.Series:
        if by in design.responses.groups:
            return _texts(rows[by])
        if by == "stratum":
            return _texts(design.units["stratum"].iloc[design.unit_of].reset_index(drop=True))
        if self.accounts is not None and by in self.accounts.columns:
            return _texts(rows["customer_id"].map(self.accounts.set_index("customer_id")[by]))
        there = [*design.responses.groups, "stratum", *([] if self.accounts is None else self.accounts.columns)]
        raise MissingColumnError(
            f"There is nothing called {by!r} to form groups by.",
            where="by",
            hint=f"There are {', '.join(str(name) for name in there if name != 'customer_id')}.",
        )


def require_grouping(by: Sequence[str] | str, accounts: pd.DataFrame | None) -> Grouping:
    """Check what groups are to be formed by.

    Raises
    ------
    MissingColumnError
        The accounts have no customer_id.
    DataError
        An account stands twice.
    """
    if accounts is not None:
        if "customer_id" not in accounts.columns:
            raise MissingColumnError("The accounts have no column 'customer_id'.", where="accounts")
        twice = accounts.loc[accounts["customer_id"].duplicated(), "customer_id"]
        if len(twice):
            raise DataError("An account stands twice.", where=f"customers {twice.head(3).tolist()}")
    names = (by,) if isinstance(by, str) else tuple(by)
    return Grouping(by=tuple(dict.fromkeys(names)), accounts=accounts)


def require_questions(responses: Responses, questions: Sequence[str] | None) -> list[str]:
    """The questions to be read, by default all that were answered on a scale.

    Raises
    ------
    ParameterError
        There is no such question.
    """
    if questions is None:
        return responses.answer_columns
    unknown = [name for name in questions if name not in responses.answer_columns]
    if unknown or not questions:
        raise ParameterError(
            f"There is no question {unknown[0]!r}." if unknown else "No question is named.",
            where="questions",
            hint=f"There are {', '.join(responses.answer_columns)}.",
        )
    return list(dict.fromkeys(questions))


def ways_to_count(responses: Responses, designs: Mapping[str, Design]) -> tuple[Each, ...]:
    """Which of account, revenue and respondent may count alike, the one to lead with first."""
    if not responses.has_accounts:
        return ("respondent",)
    known = all(
        "revenue" in design.units.columns and (design.units["revenue"] > 0).any() for design in designs.values()
    )
    return ("account", "revenue", "respondent") if known else ("account", "respondent")


def scale_of(responses: Responses, item: str) -> tuple[float, float]:
    """Lowest and highest answer to a question."""
    if item in SCORES:
        return SCORES[item]
    row = responses.items.loc[responses.items["item"] == item].iloc[0]
    return float(row["low"]), float(row["high"])


def measure_columns(responses: Responses, item: str, answers: Floats) -> list[tuple[str, str, str, Floats]]:
    """``measure``, ``level_3``, kind (mean, share or nps) and values, shape (respondents,), of the answers to a question."""
    low, high = scale_of(responses, item)
    readings: list[tuple[str, Floats]] = [(EITHER, answers)]
    if item in responses.five_level_columns:
        without = np.where(answers == 3, np.nan, answers)
        readings = [(READING_NAMES[way], answers if way == "neutral" else without) for way in responses.readings]
    found = []
    for reading, y in readings:
        found.append(("mean", reading, "mean", y))
        if (low, high) == (1, 5):
            found.append(("top two", reading, "share", _is(y, y >= 4)))
            found.append(("bottom two", reading, "share", _is(y, y <= 2)))
        if item == "recommend":
            found.append(("NPS", reading, "nps", net(y)))
    return found


def estimate_cells(
    responses: Responses,
    designs: Mapping[str, Design],
    *,
    questions: Sequence[str],
    grouping: Grouping,
    grouped: Collection[str],
    each: Sequence[Each],
    min_n: int,
    level: float,
    say: Wording,
) -> pd.DataFrame:
    """Estimate every cell.

    Returns
    -------
    pandas.DataFrame
        One row per ``wave, by, group_name, item, measure, each, level_3`` with ``answer_level`` (0 unless the measure is
        ``level``), ``estimate, std_error, ci_low, ci_high, df, n_respondents, n_accounts, n_effective, why``.
    """
    parts = []
    for wave, design in designs.items():
        rows = match_answers(responses, design)
        specs, columns = [], []
        domains = grouping.domains(design, rows, say)
        for item in questions:
            answers = rows[item].to_numpy(dtype=np.float64)
            low, high = scale_of(responses, item)
            for measure, reading, kind, values in measure_columns(responses, item, answers):
                for by, group, inside in domains if item in grouped and measure != "bottom two" else domains[:1]:
                    specs.append((by, group, item, measure, reading, 0, kind, low, high))
                    columns.append(np.where(inside, values, np.nan))
            if (low, high) == (1, 5):
                for k in range(1, 6):
                    specs.append((ALL, ALL, item, "level", EITHER, k, "share", low, high))
                    columns.append(_is(answers, answers == k))
        names = ["by", "group_name", "item", "measure", "level_3", "answer_level", "kind", "low", "high"]
        table = pd.DataFrame(specs, columns=names)
        values = np.column_stack(columns)
        for way in each:
            found = linearize(design, values, each=way)
            variance = variances(design, found)
            cells = table.assign(wave=wave, each=way)
            parts.append(with_intervals(cells, found, variance, level))
    cells = pd.concat(parts, ignore_index=True)
    return _suppress(cells, say, min_n, responses.has_accounts).drop(columns=["kind", "low", "high"])


def with_intervals(cells: pd.DataFrame, found: Linearizations, variance: Floats, level: float) -> pd.DataFrame:
    """Put estimates and their intervals beside the cells that they are of.

    Parameters
    ----------
    cells : pandas.DataFrame
        One row per estimate: ``kind`` (``share``: Korn–Graubard; ``mean``: t; ``nps``: adjusted Wald, in points), and ``low,
        high``, the ends of the scale.
    found : Linearizations
        The estimates, shape (k,).
    variance : numpy.ndarray
        Shape (k,).
    level : float
        Of the intervals.
    """
    kind = cells["kind"].to_numpy()
    estimate, spread, df = found.estimate, found.spread, found.df
    n_effective = effective_number(spread, variance, found.n_kish)
    low, high = np.full(len(cells), np.nan), np.full(len(cells), np.nan)
    known = ~np.isnan(estimate) & (df > 0)

    share = known & (kind == "share")
    low[share], high[share] = korn_graubard_interval(
        estimate[share], n_effective[share], n=found.n_respondents[share], df=df[share], level=level
    )
    score = known & (kind == "nps")
    both = spread[score] + estimate[score] ** 2
    low[score], high[score] = adjusted_wald_interval(
        (both + estimate[score]) / 2,
        (both - estimate[score]) / 2,
        n_effective[score] * _shrink(df[score], level),
        level=level,
    )
    mean = known & (kind == "mean") & (spread > _NONE)
    ends = t_interval(estimate[mean], variance[mean], df=df[mean], level=level)
    scale = cells[["low", "high"]].to_numpy(dtype=np.float64)[mean]
    low[mean], high[mean] = np.clip(ends[0], *scale.T), np.clip(ends[1], *scale.T)

    exact = known & (spread > _NONE) & (variance <= _NONE * spread)  # all of a population answered
    low[exact], high[exact] = estimate[exact], estimate[exact]
    error = np.where(known & (spread > _NONE), np.sqrt(variance), np.nan)
    unit = np.where(kind == "nps", 100.0, 1.0)
    return cells.assign(
        estimate=unit * estimate,
        std_error=unit * error,
        ci_low=unit * low,
        ci_high=unit * high,
        df=df,
        n_respondents=found.n_respondents,
        n_accounts=found.n_accounts,
        n_effective=n_effective,
    )


def in_percent(
    say: Wording, measures: pd.DataFrame, columns: Sequence[str] = ("estimate", "ci_low", "ci_high")
) -> pd.DataFrame:
    """Rows of measures with ``term`` in words and shares in percent."""
    words = {
        "mean": say.sentence("mean answer (points)"),
        "top two": say.sentence("answer 4 or 5 (%)"),
        "bottom two": say.sentence("answer 1 or 2 (%)"),
        "NPS": say.sentence("net promoter score (points)"),
    }
    unit = np.where(measures["measure"].isin(["top two", "bottom two"]), 100.0, 1.0)
    scaled = {column: unit * measures[column] for column in columns}
    return measures.assign(term=measures["measure"].map(words), **scaled)


# -- inside ----------------------------------------------------------------------------------------------------------


def _texts(values: pd.Series) -> pd.Series:
    return values.map(lambda v: None if pd.isna(v) else f"{v:g}" if isinstance(v, float) else str(v)).astype("object")


def _is(answers: Floats, which: Flags) -> Floats:
    return np.where(np.isnan(answers), np.nan, which.astype(np.float64))


def _shrink(df: npt.NDArray[np.int64], level: float) -> Floats:
    """(z / t_df)²: what few degrees of freedom take off an effective number that a normal quantile is to be used with."""
    tail = (1 - level) / 2
    return np.asarray((stats.norm.isf(tail) / stats.t.isf(tail, np.maximum(df, 1))) ** 2)


def _suppress(cells: pd.DataFrame, say: Wording, min_n: int, has_accounts: bool) -> pd.DataFrame:
    """Take out the estimates of small cells, and say why an estimate or an interval is not there."""
    nobody = cells["n_respondents"] == 0
    few = cells["n_respondents"] < min_n
    of_few = has_accounts & (cells["n_accounts"] < min_n)
    nothing = cells["estimate"].isna()
    without = cells["ci_low"].isna()
    reasons = [
        (nobody, say.sentence("nobody answered")),
        (few, few_answers(say, min_n)),
        (of_few, few_accounts(say, min_n)),
        (nothing, no_revenue(say)),
        (without & (cells["df"] > 0), say.sentence("all answered alike: no interval")),
        (without, say.sentence("one account alone: no interval")),
    ]
    hidden = (nobody | few | of_few | nothing).to_numpy()
    numbers = ["estimate", "std_error", "ci_low", "ci_high", "n_effective"]
    cells = cells.assign(why=first_reason(reasons))
    cells[numbers] = cells[numbers].mask(np.repeat(hidden[:, None], len(numbers), axis=1))
    return cells
