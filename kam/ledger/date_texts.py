"""Dates that are text: in which of the world's orders day, month and year stand, and their values.

A column has one format, with or without a time of day. Where day-month and month-day both read the column and differ, nothing
is guessed: without enough days above 12 it is an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import ibis
import ibis.expr.types as ir

from kam.errors import ColumnTypeError
from kam.ledger.cell_texts import tidy_columns, try_strptime
from kam.ledger.engines import local_time

ISO = "%Y-%m-%d"
_LAYOUTS = (
    ISO, "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y%m%d%H%M%S", "%d.%m.%Y", "%m.%d.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y",
    "%m-%d-%Y", "%d.%m.%y", "%m.%d.%y", "%y.%m.%d", "%d/%m/%y", "%m/%d/%y", "%y/%m/%d", "%d-%m-%y", "%m-%d-%y", "%y-%m-%d",
    "%d-%b-%Y", "%d %b %Y", "%d/%b/%Y", "%d-%b-%y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y",
    "%Y年%m月%d日", "%Y년 %m월 %d일", "%Y년%m월%d일", "%Y. %m. %d.", "%Y. %m. %d",
)  # fmt: skip
_HALF_OF_DAY = "오전|오후|上午|下午|午前|午後"
_WHOLE_DAYS = ("%H:%M:%S", "%H:%M", "%H:%M:%S.%f")
_HALF_DAYS = ("%I:%M:%S %p", "%I:%M %p")
_ISO_SHAPE = r"^\d{4}-\d{1,2}-\d{1,2}([T ]\d{1,2}:\d\d(:\d\d([.,]\d+)?)?)?$"
_ZONED_SHAPE = r"^\d{4}-\d{1,2}-\d{1,2}[T ]\d{1,2}:\d\d(:\d\d(\.\d+)?)? ?(Z|UTC|GMT|[+-]\d\d(:?\d\d)?)$"
_LIKE_DATES = r"\d{1,4}\D{1,3}\d{1,2}\D{1,3}\d{1,4}|^\d{8}(\d{6})?$|[A-Za-z]{3}.*\d{2}"
_DIGITS = {"%Y%m%d": r"^\d{8}$", "%Y%m%d%H%M%S": r"^\d{14}$"}
_SAMPLE = 20_000
# Fewer days above 12 than this share of the rows that could be read both ways may be slips of the pen.
_ENOUGH_EVIDENCE = 0.01
_MIXED_SHARE = 0.05
_MOSTLY = 0.8


@dataclass(frozen=True)
class DateReading:
    """The format of a column of dates, and what it reads.

    Attributes
    ----------
    date_format : str or None
        None: no format reads any value.
    n, n_read : int
        Values, and those that the format reads.
    ambiguous : str or None
        Why the format is not certain.
    others : dict of str to int
        Values that other formats read and this one does not.
    """

    date_format: str | None
    n: int
    n_read: int
    ambiguous: str | None = None
    others: dict[str, int] | None = None


def read_dates(text: ir.StringValue, date_format: str, time_zone: str = "UTC") -> ir.TimestampValue:
    """The moments that a tidied text column holds, naive in the time zone; null where the format does not fit.

    Parameters
    ----------
    text : ibis string column
        Of DuckDB, tidied.
    date_format : str
        As for strptime. A format without a time of day reads times as well; the ISO format also fractions and offsets from
        UTC, with which a moment is moved to ``time_zone``.
    time_zone : str
        Name of the zone.
    """
    if date_format == ISO:
        return ibis.cases(
            (text.re_search(_ISO_SHAPE), text.replace(",", ".").try_cast("timestamp")),
            (text.re_search(_ZONED_SHAPE), _read_zoned(text, time_zone)),
            (text.re_search("[mM]$"), try_strptime(text, [f"{ISO} {time}" for time in _HALF_DAYS])),
            else_=ibis.null("timestamp"),
        )
    if "%z" in date_format:
        return local_time(time_zone, try_strptime(text, [date_format]).cast("timestamp('UTC')"))
    if any(code in date_format for code in ("%H", "%I", "%T", "%X", "%c")):
        moment = try_strptime(text, [date_format])
    else:
        with_time = text.re_replace(r"(\d)T(\d)", r"\1 \2")
        moment = ibis.cases(
            (~text.contains(":"), try_strptime(text, [date_format])),
            (text.re_search("[mM]$"), try_strptime(text, [f"{date_format} {time}" for time in _HALF_DAYS])),
            else_=try_strptime(with_time, [f"{date_format} {time}" for time in _WHOLE_DAYS]),
        )
    # "24" is no year of four digits, and 2024035 is no day.
    shape = _DIGITS.get(date_format, r"\d{4}" if "%Y" in date_format else None)
    return text.re_search(shape).ifelse(moment, ibis.null("timestamp")) if shape else moment


def _read_zoned(text: ir.StringValue, time_zone: str) -> ir.TimestampValue:
    zoned = text.re_replace(r" ?(UTC|GMT|Z)$", "+00").re_replace(r" ([+-])", r"\1")
    zoned = zoned.re_replace(r"^([^:]*:\d\d)([+-])", r"\1:00\2")
    return local_time(time_zone, zoned.try_cast("timestamp('UTC')"))


def tidy_dates(table: ir.Table, column: ir.StringValue) -> ir.StringValue:
    """The column in plain letters; Korean, Chinese and Japanese halves of the day as AM and PM behind the time."""
    text = tidy_columns(table, {"text": column})["text"]
    if text is column:  # in plain letters, which these words are not
        return text
    if not table.aggregate(found=text.re_search(_HALF_OF_DAY).any()).to_pyarrow()["found"][0].as_py():
        return text
    for words, half in (("오전|上午|午前", "AM"), ("오후|下午|午後", "PM")):
        text = text.re_replace(rf"({words}) *(\d{{1,2}}:\d\d(:\d\d)?)", rf"\2 {half}")
    return text


def find_date_format(table: ir.Table, column: ir.StringValue, *, is_tidy: bool = False) -> DateReading:
    """Find the format of a text column of DuckDB over all its rows.

    The formats that the first rows look like are counted over the whole column; what none of them reads is sampled again.
    A column that is known to be tidy is not looked through for signs to tidy.
    """
    values = table.select(text=column).group_by("text").aggregate(n=lambda t: t.count())
    texts = values if is_tidy else values.select("n", text=tidy_dates(values, values.text))
    texts = texts.filter(texts.text.notnull())
    formats = _formats_in(texts)
    n, reading = _judge(texts, formats)
    if formats and n and reading.n_read < n:  # without a format the sample would be the same
        unread = texts
        for date_format in formats:
            unread = unread.filter(read_dates(unread.text, date_format).isnull())
        more = [name for name in _formats_in(unread) if name not in formats]
        if more:
            n, reading = _judge(texts, [*formats, *more])
    return reading


def _formats_in(texts: ir.Table) -> list[str]:
    """Formats that may read some of the first texts that look like dates."""
    like_dates = texts.filter(texts.text.re_search(_LIKE_DATES)).limit(_SAMPLE)
    shapes = {re.sub(r"\d", "9", text) for text in like_dates.to_pyarrow()["text"].to_pylist()}
    return [name for name in _LAYOUTS if any(map(_pattern(name).fullmatch, shapes))]


@lru_cache
def _pattern(date_format: str) -> re.Pattern[str]:
    """What a text must look like for the format to read it, wider rather than narrower."""
    codes = {"%Y": r"\d{4}", "%y": r"\d\d", "%b": "[A-Za-z]{3}", "%B": "[A-Za-z]{3,9}"}
    other = r"\d\d" if date_format in _DIGITS else r"\d{1,2}"
    parts = (
        codes.get(part, other) if part.startswith("%") else re.escape(part).replace(r"\ ", " *")
        for part in re.split("(%.)", date_format)
    )
    pattern = "".join(parts)
    return re.compile(pattern + r"([T ] *\d{1,2}:.*)?", re.DOTALL)


def _year_place(date_format: str) -> int:
    return date_format.find("%y")


def _judge(texts: ir.Table, formats: Sequence[str]) -> tuple[int, DateReading]:
    keys = {name: f"f{position}" for position, name in enumerate(formats)}
    read = texts.select("n", **{key: read_dates(texts.text, name) for name, key in keys.items()})
    facts: dict[str, ir.Scalar] = {"n": read.n.sum()}
    for key in keys.values():
        facts |= {f"n {key}": read.n.sum(where=read[key].notnull()), f"years {key}": read[key].year().nunique()}
        facts |= {f"days {key}": read[key].day().nunique()}
    pairs = list(combinations(keys.values(), 2))
    for one, two in pairs:
        facts[f"both {one} {two}"] = read.n.sum(where=read[one].notnull() & read[two].notnull())
        facts[f"differ {one} {two}"] = read.n.sum(where=read[one] != read[two])
    row = {key: int(value or 0) for key, value in read.aggregate(**facts).to_pyarrow().to_pylist()[0].items()}
    n = row["n"]
    counts = {name: row[f"n {key}"] for name, key in keys.items() if row[f"n {key}"]}
    if not counts:
        return n, DateReading(None, n, 0)
    # Where a year has two digits: days are many and years are few, not the other way round.
    plausible = {_year_place(name) for name in counts if 2 * row[f"years {keys[name]}"] <= row[f"days {keys[name]}"]}
    likely = {name: count for name, count in counts.items() if "%y" not in name or _year_place(name) in plausible}
    best = max(likely or counts, key=lambda name: (counts[name], -formats.index(name)))
    ambiguous = None
    others: dict[str, int] = {}
    for rival in counts:
        if rival == best or (likely and rival not in likely):
            continue
        pair = next(f"{one} {two}" for one, two in pairs if {one, two} == {keys[best], keys[rival]})
        both, differ = row[f"both {pair}"], row[f"differ {pair}"]
        for_best, for_rival = counts[best] - both, counts[rival] - both
        if differ and (for_best < _ENOUGH_EVIDENCE * differ or for_best == 0):
            both_ways = f"{differ:,} values can be read as {best} and as {rival} with different results"
            ambiguous = f"{both_ways}, and {for_best:,} tell which"
        elif differ and for_rival > _MIXED_SHARE * for_best:
            ambiguous = f"{for_best:,} values can only be read as {best}, {for_rival:,} only as {rival}"
        elif for_rival:
            others[rival] = for_rival
    if ambiguous is None and counts[best] < _MOSTLY * n and sum(others.values()) > _MIXED_SHARE * n:
        listed = ", ".join(f"{count:,} as {name}" for name, count in others.items())
        ambiguous = f"{counts[best]:,} of {n:,} values can be read as {best}, {listed}"
    return n, DateReading(best, n, counts[best], ambiguous, others)


def require_one_format(
    reading: DateReading, *, column: str, name: str, where: str, examples: Callable[[], Iterable[str]]
) -> str:
    """The format, or an error that shows values and says what to set.

    Raises
    ------
    ColumnTypeError
        No value is a date, or day and month cannot be told apart, or several formats are mixed.
    """
    if reading.date_format is not None and not reading.ambiguous:
        return reading.date_format
    shown = ", ".join(repr(example) for example in examples())
    place = f"{where}, column {column!r}"
    if reading.date_format is None:
        raise ColumnTypeError(
            f"No value of {column!r} can be read as a date, for instance {shown}.",
            where=place,
            hint=f"Map {name} to another column, or give options: date_format:, such as %d.%m.%Y.",
        )
    raise ColumnTypeError(
        f"The dates of {column!r} are not certain: {reading.ambiguous}, for instance {shown}.",
        where=place,
        hint=f"Set date_format: for this table, for instance {reading.date_format}; what it does not read counts as missing.",
    )
