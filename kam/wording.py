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
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar, overload

from kam.columns import GLOSSARY, Format
from kam.errors import ParameterError

if TYPE_CHECKING:
    from babel import Locale

LANGUAGES = {"en": "en_001", "zh": "zh_Hans_CN", "ko": "ko_KR", "ja": "ja_JP"}
"""Languages of reports and the locale that formats their numbers and dates."""

_HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u206f\ufdd0-\ufdef\ufff9-\ufffb\ufffe\uffff\ud800-\udfff"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0x10000, 0x110000, 0x10000))
    + "]"
)

_ASIAN = (
    "\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U00020000-\U0003ffff"
)
ASIAN_RUN = rf"[{_ASIAN}](?:[{_ASIAN}\d\s().·&+-]*[{_ASIAN}])?"
"""Pattern of a piece of text in Chinese, Japanese or Korean characters, with what stands between them."""

Day = date | datetime
Mark = Literal["", ",", ";"]
_MARKS: dict[Mark, str] = {"": "", ",": "、", ";": "；"}
"""What stands between texts in Chinese and Japanese, which set no space behind a mark."""

_SPACELESS = ("zh", "ja")
_STATES = ("state", "from_state", "to_state", "taken_from")
_LOCALE_DIR = Path(__file__).parent / "locale"


_Text = TypeVar("_Text", bound=str)


@overload
def N_(message: _Text, /) -> _Text: ...


@overload
def N_(one: str, many: str, /) -> tuple[str, str]: ...


def N_(one: str, many: str | None = None, /) -> str | tuple[str, str]:  # noqa: N802 (gettext's name for it)
    """Mark a message where it is defined, so that it is collected; it is said elsewhere, by :class:`Wording`.

    >>> N_("lost"), N_("{n} account", "{n} accounts")
    ('lost', ('{n} account', '{n} accounts'))
    """
    return one if many is None else (one, many)


FREQUENCIES = (N_("month"), N_("quarter"), N_("year"), N_("period"))
"""What a period is, in a word."""


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

    def join(self, texts: Iterable[str], mark: Mark = "") -> str:
        """Sentences one after the other or, with a mark, parts of one; texts that are empty are left out.

        >>> Wording("en").join(["One.", "", "Two."]), Wording("zh").join(["一。", "二。"])
        ('One. Two.', '一。二。')
        >>> Wording("ko").join(["하나", "둘"], ";"), Wording("ja").join(["一", "二"], ";")
        ('하나; 둘', '一；二')
        """
        return self.mark(mark).join(text for text in texts if text)

    def mark(self, mark: Mark) -> str:
        """What stands between texts: the mark and a space, or in Chinese and Japanese their own mark."""
        return _MARKS[mark] if _locale(self.language).language in _SPACELESS else f"{mark} "

    def quote(self, text: str) -> str:
        """What somebody said or was asked, on one line, in quotation marks, without its full stop.

        >>> Wording("en").quote("Orders arrive on time.")
        '“Orders arrive on time”'
        """
        return self.sentence("“{text}”", text=" ".join(text.split()).rstrip(".。"))

    def close(self, text: str) -> str:
        """Words with the full stop of the language.

        >>> Wording("en").close("It is."), Wording("zh").close("是")
        ('It is.', '是。')
        """
        spaceless = _locale(self.language).language in _SPACELESS
        return f"{text.rstrip('.。')}{'。' if spaceless else '.'}"

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
        if _locale(self.language).language == "en":
            digits = 2 if abs(x) >= 1e6 else 0
        elif abs(x) < 10_000:
            return self.money(x)
        else:  # in ten thousands and hundred millions
            digits = 2 if abs(x) >= 1e8 else 0 if abs(x) >= 1e6 else 1
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
        from babel.dates import format_skeleton

        skeleton = {"year": "y", "quarter": "yQQQ"}.get(freq, "yMMMM")
        return format_skeleton(skeleton, start, locale=_locale(self.language))

    def periods(self, n: float, freq: str, digits: int = 0) -> str:
        """A length of time in months, quarters, years or (``freq`` = ``"period"``) numbered periods: ``6.5 quarters``."""
        from babel.units import format_unit

        if freq == "period":
            shown = self.number(n, digits)
            return self.sentence("{n} period" if n == 1 else "{n} periods", n=shown)
        long = _locale(self.language).language == "en"  # Babel lacks the long forms of other languages
        return format_unit(
            round(n, digits),
            f"duration-{freq}",
            length="long" if long else "short",
            format=_pattern("#,##0", digits),
            locale=_locale(self.language),
        )

    def duration(self, seconds: float | None) -> str:
        """How long something took; unknown is a dash.

        >>> [Wording().duration(s) for s in (None, 4.26, 59.6, 200, 7322, 200000)]
        ['–', '4.3 s', '1 min 00 s', '3 min 20 s', '2 h 02 min', '55 h 33 min']
        """
        if seconds is None:
            return "–"
        whole = round(seconds)
        if seconds < 10 or whole < 60:
            return self.sentence("{n} s", n=f"{seconds:.1f}" if seconds < 10 else whole)
        if whole < 3600:
            return self.sentence("{m} min {s} s", m=whole // 60, s=f"{whole % 60:02d}")
        return self.sentence("{h} h {m} min", h=whole // 3600, m=f"{whole % 3600 // 60:02d}")

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

    def state(self, name: str) -> str:
        """A state of the chain: the names that kam gives in the language of the report, any other as it is.

        >>> Wording().state("silent 3"), Wording().state("A silent"), Wording().state("gold")
        ('silent 3', 'A silent', 'gold')
        """
        if found := re.fullmatch(r"silent (\d+)", name):
            return self.sentence("silent {n}", n=found[1])
        ours = any(name in GLOSSARY[column].words for column in ("state", "segment"))
        return self.text(name) if ours else name

    def word(self, word: str, column: str = "") -> str:
        """One of kam's own words as it stands in a frame, or several, parted by ``"; "``, in the language of the report.

        In a column whose values come from the data, too, only the words that the glossary names for it are kam's own.
        """
        if column in _STATES:
            return self.state(word)
        entry = GLOSSARY.get(column)
        if entry is not None and entry.format != "word":
            return self.text(word) if word in entry.words else word
        whole = self.text(word)
        return whole if whole != word else "; ".join(self.text(part) for part in word.split("; "))

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
        if format == "word":
            return self.word(str(value))
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


def name_language(name: str, language: str) -> str:
    """The language, of :data:`LANGUAGES`, by whose habits the Chinese characters of a name are drawn.

    Kana are Japanese and Hangul is Korean. Chinese characters alone are read in the language of the report if it writes with
    them. Otherwise they are simplified Chinese if they can be, as the character set GB 2312 has it, and else Japanese, whose
    shapes are also the nearest to traditional Chinese.

    >>> [name_language(name, "en") for name in ("株式会社ヤマダ", "한빛포장", "华远礼品商贸", "東和商事", "Müller")]
    ['ja', 'ko', 'zh', 'ja', 'en']
    >>> name_language("東和商事", "zh")
    'zh'
    """
    if re.search("[\u3040-\u30ff\uff66-\uff9d]", name):
        return "ja"
    if re.search("[\u1100-\u11ff\u3130-\u318f\u3200-\u321e\ua960-\ua97f\uac00-\ud7ff]", name):
        return "ko"
    ideographs = re.sub("[^\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]", "", name)
    if not ideographs or language != "en":
        return language
    try:
        ideographs.encode("gb2312")
    except UnicodeEncodeError:
        return "ja"
    return "zh"


def show_hidden(text: str) -> str:
    r"""A text from the data with its control characters to be seen, so that none hides, moves or breaks what stands around it.

    Control characters except tab and line ends, separators of lines and paragraphs, everything that sets or overrides the
    direction of writing, and code points that are no characters stand as ``⟨U+202E⟩``. Marks that scripts need (joiners, zero
    width spaces, left-to-right and right-to-left marks) stay.

    >>> show_hidden("a\x00b"), show_hidden("\u202egpj.exe"), show_hidden("می\u200cخواهم")
    ('a⟨U+0000⟩b', '⟨U+202E⟩gpj.exe', 'می\u200cخواهم')
    """
    return _HIDDEN.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", text)
