"""Every sentence, number, sum and date that a person reads.

English sentences are the message ids: ``Wording.sentence("{n} customers …", n=…)`` looks the template up in the catalog of the
language (``kam/locale/<language>/LC_MESSAGES/kam.mo``; without one the English stands) and fills in values that were formatted
by the methods below, which are Babel's. Nothing is escaped here: who writes HTML escapes.

>>> say = Wording("en", "EUR")
>>> say.sentence("{n} customers bring {share} of {total}.", n=say.count(1353), share=say.share(0.8), total=say.money(16289973.29))
'1,353 customers bring 80.0% of €16,289,973.'
>>> say.money_short(2566093.08), say.date(date(2011, 12, 9)), say.period(date(2011, 12, 1))
('€2.57M', '9 December 2011', 'December 2011')
>>> say.interval(say.share(0.746), say.share(0.801))
'95% interval 74.6% to 80.1%'
"""

from __future__ import annotations

import gettext
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from kam.columns import GLOSSARY, Format
from kam.errors import ParameterError

if TYPE_CHECKING:
    from babel import Locale

LANGUAGES = {"en": "en_001", "zh": "zh_Hans_CN", "ko": "ko_KR", "ja": "ja_JP"}
"""Languages of reports and the locale that formats their numbers and dates."""

Day = date | datetime
_LOCALE_DIR = Path(__file__).parent / "locale"


@lru_cache
def _locale(language: str) -> Locale:
    from babel import Locale

    return Locale.parse(LANGUAGES[language])


@lru_cache
def _catalog(language: str) -> gettext.NullTranslations:
    return gettext.translation("kam", _LOCALE_DIR, languages=[language], fallback=True)


@dataclass(frozen=True)
class Wording:
    """How things are said in one language and one currency.

    Parameters
    ----------
    language : {"en", "zh", "ko", "ja"}
        Language of sentences, numbers and dates.
    currency : str, optional
        ISO 4217 code; without one sums of money are plain numbers.

    Raises
    ------
    ParameterError
        The language is not one of :data:`LANGUAGES`.
    """

    language: str = "en"
    currency: str | None = None

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            raise ParameterError(
                f"Language {self.language!r} is not known.", hint=f"Use one of {', '.join(sorted(LANGUAGES))}."
            )

    # -- sentences ---------------------------------------------------------------------------------------------------

    def sentence(self, message: str, /, **values: object) -> str:
        """The message in this language, its ``{names}`` filled with values that were formatted before."""
        return _catalog(self.language).gettext(message).format(**values)

    def text(self, message: str, /) -> str:
        """A message without values, such as a paragraph of a notebook: braces in it are text."""
        return _catalog(self.language).gettext(message) if message else ""

    def plural(self, one: str, many: str, n: int, /, **values: object) -> str:
        """The message for one or for many; ``{n}`` is the number, formatted."""
        return _catalog(self.language).ngettext(one, many, n).format(n=self.count(n), **values)

    def listing(self, texts: Sequence[str]) -> str:
        """``a, b and c``."""
        from babel.lists import format_list

        return format_list(list(texts), locale=_locale(self.language))

    # -- numbers -----------------------------------------------------------------------------------------------------

    def count(self, n: float) -> str:
        """A whole number with thousands separators."""
        return self.number(round(n), 0)

    def number(self, x: float, digits: int = 2) -> str:
        """A number with a fixed number of decimals."""
        from babel.numbers import format_decimal

        return format_decimal(x, format=_pattern("#,##0", digits), locale=_locale(self.language))

    def share(self, p: float, digits: int = 1) -> str:
        """A share between 0 and 1 in percent."""
        from babel.numbers import format_percent

        return format_percent(p, format=_pattern("#,##0", digits) + "%", locale=_locale(self.language))

    def money(self, x: float) -> str:
        """A sum of money: whole units from 1,000 on, else with the currency's decimals; without a currency a plain number."""
        from babel.numbers import format_currency, format_decimal

        large = abs(x) >= 1000
        if self.currency is None:
            return format_decimal(x, format="#,##0" if large else "#,##0.##", locale=_locale(self.language))
        if large:
            return format_currency(
                round(x), self.currency, format="¤#,##0", locale=_locale(self.language), currency_digits=False
            )
        return format_currency(x, self.currency, format="¤#,##0.00", locale=_locale(self.language))

    def money_short(self, x: float) -> str:
        """A sum of money in a few characters: €2.57M."""
        from babel.numbers import format_compact_currency, format_compact_decimal

        if abs(x) < 1000:
            return self.money(x)
        digits = 2 if abs(x) >= 1e6 else 0
        if self.currency is None:
            return format_compact_decimal(x, locale=_locale(self.language), fraction_digits=digits)
        return format_compact_currency(x, self.currency, locale=_locale(self.language), fraction_digits=digits)

    def interval(self, low: str, high: str, level: float = 0.95) -> str:
        """``95% interval 74.6% to 80.1%``; the ends come formatted."""
        return self.sentence("{level} interval {low} to {high}", level=self.share(level, 0), low=low, high=high)

    def p_value(self, p: float) -> str:
        """``p = 0.012``; what would be shown as 0 is ``p < 0.001``."""
        return f"p < {self.number(0.001, 3)}" if p < 0.001 else f"p = {self.number(p, 3)}"

    # -- dates -------------------------------------------------------------------------------------------------------

    def date(self, day: Day) -> str:
        """A day, written out."""
        from babel.dates import format_date

        return format_date(day, format="long", locale=_locale(self.language))

    def period(self, start: Day, freq: str = "month") -> str:
        """A month, quarter or year by its start."""
        from babel.dates import format_date, format_skeleton

        if freq == "year":
            return str(start.year)
        if freq == "quarter":
            return format_date(start, format="QQQ yyyy", locale=_locale(self.language))
        return format_skeleton("yMMMM", start, locale=_locale(self.language))

    def periods(self, n: float, freq: str, digits: int = 0) -> str:
        """A length of time in months, quarters, years or (``freq`` = ``"period"``) numbered periods: ``6.5 quarters``."""
        from babel.units import format_unit

        if freq == "period":
            shown = self.number(n, digits)
            return self.sentence("{n} period" if n == 1 else "{n} periods", n=shown)
        return format_unit(
            round(n, digits),
            f"duration-{freq}",
            length="long" if self.language == "en" else "short",  # Babel lacks the long forms of other languages
            format=_pattern("#,##0", digits),
            locale=_locale(self.language),
        )

    # -- columns -----------------------------------------------------------------------------------------------------

    def label(self, column: str, *, like: Format | None = None) -> str:
        """The head of a table column: its label and, in brackets, its unit (currency or percent), by its format or another."""
        entry = GLOSSARY[column]
        label = _catalog(self.language).gettext(entry.label)
        unit = self._unit(like or entry.format)
        return f"{label} ({unit})" if unit else label

    def base(self, measure: str, base: str) -> str:
        """What shares are shares of, by measure and base: ``positive net revenue``, ``margin``."""
        name = self.text(GLOSSARY[measure].label) if measure in GLOSSARY else measure
        return self.sentence("positive {measure}", measure=name) if base == "positive" else name

    def _unit(self, format: Format) -> str:
        if format == "money":
            return self.currency or ""
        return "%" if format == "share" else ""

    def value(self, value: object, format: Format) -> str:
        """One cell of a table: money and shares without their unit, which stands in the head; missing is a dash."""
        if value is None or value != value:
            return "–"
        if format == "flag":
            return self.sentence("yes") if value else self.sentence("no")
        if format == "date" and isinstance(value, date):
            from babel.dates import format_date

            return format_date(value, format="medium", locale=_locale(self.language))
        if format == "period" and isinstance(value, date):
            return self.period(value)
        if isinstance(value, str) or format == "text":
            return str(value)
        x = float(value)  # type: ignore[arg-type]
        if format in ("count", "money", "days"):
            return self.count(x)
        if format == "share":
            return self.number(100 * x, 1)
        return self.number(x, 2 if abs(x) >= 0.1 or x == 0 else 4)


def _pattern(whole: str, digits: int) -> str:
    return whole + ("." + "0" * digits if digits else "")
