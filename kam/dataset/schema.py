"""What may stand in ``dataset.yaml``: its keys, their types, allowed values and meaning.

The models are the shape only. What one key says about another is checked in :mod:`kam.dataset.conflicts`; errors are
put into words in :mod:`kam.dataset.parsing`; tables and columns are declared in :mod:`kam.dataset.dictionary`.
"""

from __future__ import annotations

import codecs
import zoneinfo
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from kam.dataset.dictionary import LONG_SURVEY, TABLES
from kam.dataset.yaml_files import Section, nearest

COMMON_ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "gb18030", "cp949", "cp932", "cp1252", "latin-1", "big5")
"""Encodings that an error message names; any text codec of Python is allowed."""

_CURRENCY_SIGNS = {
    "€": "EUR",
    "$": "USD",
    "£": "GBP",
    "¥": "JPY",
    "￥": "CNY",
    "元": "CNY",
    "円": "JPY",
    "₩": "KRW",
    "원": "KRW",
}
_SEPARATORS = {",": ",", ";": ";", "|": "|", "\t": "\t", "tab": "\t"}


# -- types of single values ------------------------------------------------------------------------------------------


def _check_currency(code: str) -> str:
    from babel.numbers import list_currencies

    known = list_currencies()
    if code in known:
        return code
    sign = _CURRENCY_SIGNS.get(code.strip())
    guess = f"Did you mean {sign!r}? " if sign else nearest(code, known) if len(code.strip()) == 3 else ""
    raise ValueError(
        f"is no currency code. {guess}Allowed: a code of ISO 4217 such as EUR, USD, GBP, CNY, KRW, JPY; or null."
    )


def _check_time_zone(name: str) -> str:
    known = zoneinfo.available_timezones()
    if name in known or name == "UTC":
        return name
    ends = {zone.rpartition("/")[2]: zone for zone in sorted(known)}
    city = ends.get(name.strip().title().replace(" ", "_"))
    guess = f"Did you mean {city!r}? " if city else nearest(name, known)
    raise ValueError(
        f"is no time zone. {guess}Allowed: a name of the IANA database such as Europe/Berlin, Asia/Seoul, UTC."
    )


def _check_encoding(name: str) -> str:
    try:
        codec = codecs.lookup(name)
    except (LookupError, ValueError):
        codec = None
    if codec is None or not getattr(codec, "_is_text_encoding", True):
        raise ValueError(
            f"is no encoding. {nearest(name, COMMON_ENCODINGS)}Allowed: {', '.join(COMMON_ENCODINGS)}, … or null."
        )
    return name


def _check_date_format(pattern: str) -> str:
    directives = {pattern[i + 1] for i in range(len(pattern) - 1) if pattern[i] == "%"}
    if not directives & set("Yy") or not directives & set("mbBj") or not directives & set("dj"):
        raise ValueError(
            "does not name year, month and day. "
            "Allowed: a strptime format in quotes such as '%Y-%m-%d', '%d.%m.%Y', '%m/%d/%Y %H:%M'."
        )
    return pattern


def _check_delimiter(sign: str) -> str:
    if sign not in _SEPARATORS:
        raise ValueError("is no delimiter. Allowed, in quotes: ',', ';', '|', 'tab'.")
    return _SEPARATORS[sign]


def _to_date(value: Any) -> Any:
    try:
        if isinstance(value, str) and len(value) == 10:
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise ValueError("is no day. Allowed: a day that exists, written as 2025-12-31, or null.")


def _to_decimal(value: Any) -> Any:
    try:
        number = None if isinstance(value, bool) else Decimal(str(value))
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite():
        raise ValueError(
            "is no sum of money. Allowed: digits with a point and without thousands separators, as 1234567.89; or null."
        )
    return number


def _check_text_or_number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
        raise ValueError("cannot be used. Allowed: a text, or a whole number.")
    return value


def _check_level(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("is no level. Allowed: a number on the scale of the answers, as 4.")
    return float(value)


def _check_range(limits: tuple[float, float]) -> tuple[float, float]:
    low, high = limits
    if not low < high:
        raise ValueError("is no range. Allowed: two numbers, the smaller first, as [1, 5].")
    return limits


Text = Annotated[
    str,
    StringConstraints(
        min_length=1, max_length=1000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*\S[^\x00-\x08\x0b-\x1f\x7f]*$"
    ),
]
Name = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^[\p{L}\p{N}][\p{L}\p{N}\p{M}_.-]*$")]
Label = Annotated[
    str,
    StringConstraints(
        min_length=1, max_length=100, pattern=r"^[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?$"
    ),
]
Currency = Annotated[str, AfterValidator(_check_currency)]
TimeZone = Annotated[str, AfterValidator(_check_time_zone)]
Encoding = Annotated[str, AfterValidator(_check_encoding)]
DateFormat = Annotated[str, AfterValidator(_check_date_format)]
Delimiter = Annotated[str, AfterValidator(_check_delimiter)]
Day = Annotated[date, BeforeValidator(_to_date)]
Money = Annotated[Decimal, BeforeValidator(_to_decimal)]
TextOrNumber = Annotated[str | int, BeforeValidator(_check_text_or_number)]
LevelNumber = Annotated[float, BeforeValidator(_check_level)]
Range = Annotated[tuple[float, float], Field(strict=False), AfterValidator(_check_range)]


# -- tables ----------------------------------------------------------------------------------------------------------


class TableFile(Section):
    """Where a table lies, how it is read, and which of its columns is which."""

    source: Text = Field(
        description="Path of a CSV, Excel or Parquet file, or a glob of several, from the folder of dataset.yaml; or the "
        "address of a database, as postgresql://user:${env:PGPASSWORD}@host/database or spark://active; ${env:NAME} and "
        "${keyring:service/user} in it are resolved."
    )
    relation: Text | None = Field(
        default=None,
        description="Table or view of the database, as schema.table; only with an address, and needed there.",
        exclude_if=lambda relation: relation is None,
    )
    columns: dict[str, Text | None] = Field(
        default_factory=dict,
        description="Canonical name: name in the source. A column not named here is taken by its canonical name where "
        "the source has it; null leaves it out.",
    )
    encoding: Encoding | None = Field(default=None, description="Encoding of a text file; null: detected.")
    delimiter: Delimiter | None = Field(
        default=None, description="What stands between two values of a text file; null: detected."
    )
    decimal: Literal[".", ","] | None = Field(default=None, description="Decimal mark of a text file; null: detected.")
    thousands: Literal[".", ",", " ", "'"] | None = Field(
        default=None, description="Thousands separator; null: detected."
    )
    date_format: DateFormat | None = Field(
        default=None, description="Format of the dates, as for strptime; null: detected."
    )
    sheet: TextOrNumber | list[TextOrNumber] | None = Field(
        default=None,
        description="Sheet of a workbook, by name, or by position from 1; a list: sheets with the same columns, one below the "
        "other; null: the one with the largest table.",
    )
    header_row: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Row with the column names, from 1; null: detected."
    )


class LedgerFile(TableFile):
    """The ledger: order lines or orders."""


class AccountsFile(TableFile):
    """The account file: one row per customer."""

    static: Annotated[tuple[str, ...], Field(strict=False)] = Field(
        default=(),
        description="Undated columns that were the same in the past, and so may explain it (industry, region, …).",
    )


class Item(Section):
    """One question of the survey."""

    name: Label = Field(
        description="Short name of the item; also its column in the source unless columns: says otherwise."
    )
    text: Text | None = Field(default=None, description="The question as it was asked.")
    theme: Label | None = Field(default=None, description="Theme the item belongs to.")
    reversed: bool = Field(default=False, description="Whether a low answer is the good one.")
    range: Range = Field(default=(1.0, 5.0), description="Lowest and highest answer.")


class SurveyFile(TableFile):
    """The survey: one row per respondent and wave, a column per item; or in long form a row per answer."""

    form: Literal["wide", "long"] = Field(
        default="wide", description="A column per item (wide), or a row per item (long: item, answer)."
    )
    level_3: Literal["neutral", "no_opinion"] = Field(
        default="neutral", description="What the third of five levels means: between the others, or no opinion."
    )
    items: Annotated[tuple[Item, ...], Field(strict=False)] = Field(default=(), description="The questions on a scale.")
    levels: dict[Text, LevelNumber] = Field(
        default_factory=dict,
        description="Level as it is written: its number, as `rather happy: 4`; goes before the texts known by themselves.",
        exclude_if=lambda levels: not levels,
    )
    groups: Annotated[tuple[Label, ...], Field(strict=False)] = Field(
        default=(), description="Columns that tell groups of respondents apart."
    )
    not_applicable: Annotated[tuple[TextOrNumber, ...], Field(strict=False)] = Field(
        default=(),
        description="Codes that mean: does not apply to me. For recommend (0 to 10) only codes outside 0 to 10 count.",
    )
    no_answer: Annotated[tuple[TextOrNumber, ...], Field(strict=False)] = Field(
        default=(), description="Codes that mean: not answered; likewise."
    )


class PlainFile(TableFile):
    """A table without options of its own."""


class TargetsFile(TableFile):
    """Targets per customer and period."""

    freq: Literal["month", "quarter", "year"] | None = Field(
        default=None, description="What a period is; needed only where periods are given by their first day."
    )


class Tables(Section):
    """The tables of the dataset; a ledger or a survey is required."""

    ledger: LedgerFile | None = Field(default=None, description="Order lines or orders.")
    accounts: AccountsFile | None = Field(default=None, description="One row per customer.")
    contacts: PlainFile | None = Field(default=None, description="People at the customers.")
    survey: SurveyFile | None = Field(default=None, description="Answers of respondents.")
    sample: PlainFile | None = Field(default=None, description="Accounts drawn for the survey.")
    events: PlainFile | None = Field(
        default=None, description="Complaints, visits, tenders, offers, handovers, losses."
    )
    targets: TargetsFile | None = Field(default=None, description="Revenue and margin aimed at.")
    overrides: PlainFile | None = Field(default=None, description="Tiers set by hand.")
    programmes: PlainFile | None = Field(default=None, description="What could be done, its effect and cost.")
    external: PlainFile | None = Field(default=None, description="Monthly series from outside.")


# -- the rest --------------------------------------------------------------------------------------------------------


class CleaningRules(Section):
    """Which of the cleaning rules apply to the ledger; the others always do."""

    non_product_codes: Annotated[tuple[str, ...], Field(strict=False)] = Field(
        default=(), description="Products that are none (postage, fees): their rows are removed. Each in quotes."
    )
    duplicates: bool = Field(default=True, description="Remove rows that equal another in every column of the source.")
    zero_amounts: bool = Field(default=True, description="Remove rows with the amount 0.")
    cancellations: bool = Field(default=True, description="Remove an order line together with its own cancellation.")
    ledger_total: Money | None = Field(
        default=None, description="Net revenue by the general ledger, to reconcile with."
    )


class Criterion(Section):
    """One criterion by which accounts are judged."""

    name: Label = Field(description="Name of the criterion; if judged, a column of the accounts.")
    kind: Literal["judged", "measured"] = Field(description="Judged by people, or measured from the data.")
    direction: Literal["higher", "lower"] = Field(default="higher", description="Which is better.")
    range: Range | None = Field(
        default=None, description="Worst and best value in reach; judged: 1 to 5; null: percentiles."
    )
    weight: Annotated[float, Field(ge=0)] = Field(
        default=1.0, description="Weight beside the other criteria; they need not add up to 1."
    )


class Assumptions(Section):
    """Numbers that are assumed, not estimated; a report prints each one it used. Null: the report's own parameter."""

    discount_rate: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None, description="Discount rate, a year."
    )
    saving_rate: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None, description="Share of the customers lost or leaving that an offer keeps."
    )
    cost_of_visit: Annotated[float, Field(ge=0)] | None = Field(
        default=None, description="Cost of one visit or call, in money."
    )
    credit_rate: Annotated[float, Field(ge=0, le=1)] | None = Field(default=None, description="Cost of credit, a year.")
    accounts_per_manager: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="Key accounts one manager can look after."
    )
    holdout_share: Annotated[float, Field(ge=0, lt=1)] | None = Field(
        default=None, description="Share of a call list left uncalled, so that its effect can be seen."
    )
    response_rate: Annotated[float, Field(gt=0, le=1)] | None = Field(
        default=None, description="Share of the asked who answer a survey."
    )


class DatasetFile(Section):
    """The whole ``dataset.yaml``."""

    name: Name = Field(description="Name of the dataset; the same dataset keeps its name from run to run.")
    title: Text | None = Field(default=None, description="Name for people; null: the name.")
    currency: Currency | None = Field(
        default=None, description="Currency of all money (ISO 4217); null: plain numbers without a unit."
    )
    language: Literal["en", "zh", "ko", "ja"] = Field(default="en", description="Language of reports.")
    time_zone: TimeZone = Field(default="UTC", description="Time zone in which a day begins and ends.")
    fiscal_year_start: Annotated[int, Field(ge=1, le=12)] = Field(
        default=1, description="First month of the fiscal year."
    )
    as_of: Day | None = Field(
        default=None,
        description="Day up to which the data count; null: the last order date not after the day of the run.",
    )
    cleaning: CleaningRules = Field(default=CleaningRules(), description="Cleaning of the ledger.")
    criteria: Annotated[tuple[Criterion, ...], Field(strict=False)] = Field(
        default=(), description="Criteria by which accounts are scored."
    )
    assumptions: Assumptions = Field(default=Assumptions(), description="What is assumed.")
    tables: Tables = Field(description="The tables, at least a ledger or a survey.")

    @property
    def judged(self) -> tuple[str, ...]:
        """Names of the judged criteria: columns of the accounts."""
        return tuple(criterion.name for criterion in self.criteria if criterion.kind == "judged")

    def columns_of(self, table: str) -> tuple[str, ...]:
        """The canonical columns that a table may have: the dictionary's and those that are declared here."""
        columns = list(TABLES[table].columns)
        if table == "accounts":
            columns += self.judged
        if table == "survey" and (survey := self.tables.survey) is not None:
            columns += survey.groups
            columns += LONG_SURVEY if survey.form == "long" else ()
            columns += (item.name for item in survey.items)
        return tuple(columns)
