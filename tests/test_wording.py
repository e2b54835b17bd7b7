import gettext
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kam import wording
from kam.columns import GLOSSARY
from kam.errors import ParameterError
from kam.wording import LANGUAGES, N_, Wording


def test_numbers_of_each_kind():
    say = Wording("en", "GBP")
    assert say.count(1044847) == "1,044,847"
    assert say.number(0.46209, 2) == "0.46"
    assert say.share(0.7739) == "77.4%"
    assert say.money(570380.61) == "£570,381"
    assert say.money(12.5) == "£12.50"
    assert say.money(-1540783.31) == "-£1,540,783"
    assert say.money_short(2566093.08) == "£2.57M"
    assert say.date(date(2011, 12, 9)) == "9 December 2011"
    assert say.period(date(2011, 10, 1), "quarter") == "Q4 2011"
    assert say.listing(["a", "b", "c"]) == "a, b and c"


def test_currencies_without_decimals_and_no_currency():
    assert Wording("en", "JPY").money(500) == "JP¥500"
    assert Wording("en", "KRW").money(999.4) == "₩999"
    assert Wording("en").money(12.5) == "12.5"
    assert Wording("en").money(1234.5) == "1,234"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_numbers_dates_and_heads(language):
    say = Wording(language, "EUR")
    for text in (say.money(1234567), say.share(0.5), say.date(date(2024, 2, 29)), say.period(date(2024, 2, 1))):
        assert any(character.isdigit() for character in text)
    for name in GLOSSARY:
        assert say.label(name)


def test_plural_takes_the_formatted_number():
    say = Wording()
    assert say.plural("{n} customer of {of}", "{n} customers of {of}", 1, of="9") == "1 customer of 9"
    assert say.plural("{n} customer of {of}", "{n} customers of {of}", 1200, of="9") == "1,200 customers of 9"


def test_braces_in_a_value_are_text():
    assert Wording().sentence("{name} left", name="{0} {x}") == "{0} {x} left"


def test_a_paragraph_may_hold_braces():
    assert Wording().text("a {b} c") == "a {b} c"
    assert Wording().text("") == ""


def test_cells_of_a_table():
    say = Wording("en", "GBP")
    assert say.value(None, "money") == say.value(float("nan"), "number") == "–"
    assert say.value(570380.61, "money") == "570,381"
    assert say.value(0.0351, "share") == "3.5"
    assert say.value(True, "flag") == "yes"
    assert say.value(date(2011, 12, 9), "date") == "9 Dec 2011"
    assert say.value("007", "text") == "007"
    assert (say.value(0.749, "number"), say.value(0.00436, "number")) == ("0.75", "0.0044")


def test_heads_carry_their_unit():
    assert Wording("en", "GBP").label("revenue") == "net revenue (GBP)"
    assert Wording("en").label("revenue") == "net revenue"
    assert Wording("en").label("share_value") == "share (%)"


def test_an_unknown_language_is_named():
    with pytest.raises(ParameterError, match=r"'xx'.*en, ja, ko, zh"):
        Wording("xx")


@given(st.floats(-1e12, 1e12))
def test_money_never_fails_and_keeps_its_sign(x):
    text = Wording("en", "EUR").money(x)
    assert "€" in text
    assert ("-" in text) == (x < 0) or abs(x) < 0.01


@pytest.mark.parametrize(
    ("p", "shown"), [(0.0123, "p = 0.012"), (0.0004, "p < 0.001"), (0.0, "p < 0.001"), (1.0, "p = 1.000")]
)
def test_a_p_value_is_never_shown_as_nothing(p, shown):
    assert Wording("en").p_value(p) == shown


@pytest.mark.parametrize(
    ("language", "shown"),
    [("en", ["1 month", "6.5 quarters", "3 years", "1 period"]), ("ko", ["1개월", "6.5분기", "3년"])],
)
def test_lengths_of_time_have_their_unit(language, shown):
    say = Wording(language)
    cases = [(1, "month", 0), (6.52, "quarter", 1), (3, "year", 0), (1, "period", 0)]
    assert [say.periods(n, freq, digits) for n, freq, digits in cases][: len(shown)] == shown


@pytest.mark.parametrize(
    ("x", "shown"), [(463.7218488, "€463.72"), (0.5, "€0.50"), (-12.345, "-€12.34"), (46372, "€46K")]
)
def test_small_sums_are_rounded_in_short_too(x, shown):
    assert Wording("en", "EUR").money_short(x) == shown


@pytest.mark.parametrize(
    ("language", "short", "periods"),
    [
        ("zh", ["€1,235", "€4.6万", "€257万", "€1.23亿"], ["2011年10月", "2011年第4季度", "2011年"]),
        ("ko", ["€1,235", "€4.6만", "€257만", "€1.23억"], ["2011년 10월", "2011년 4분기", "2011년"]),
        ("ja", ["€1,235", "€4.6万", "€257万", "€1.23億"], ["2011年10月", "2011/Q4", "2011年"]),
    ],
)
def test_sums_count_in_ten_thousands_and_periods_have_their_order(language, short, periods):
    say = Wording(language, "EUR")
    assert [say.money_short(x) for x in (1234.5678, 46372, 2566093.08, 1.23e8)] == short
    assert [say.period(date(2011, 10, 1), freq) for freq in ("month", "quarter", "year")] == periods


def test_sentences_stand_together_as_the_language_has_it():
    assert Wording("en").join(["One.", "", "Two."]) == "One. Two."
    assert Wording("zh").join(["一。", "", "二。"]) == "一。二。"
    assert Wording("ja").join(["一", "二"], ",") == "一、二" and Wording("ko").join(["일", "이"], ";") == "일; 이"
    assert [Wording(language).close(text) for language, text in (("en", "It is"), ("zh", "是。"))] == ["It is.", "是。"]


def test_a_marked_message_stays_as_it_is():
    assert N_("lost") == "lost" and N_("one", "many") == ("one", "many")


def test_words_of_kam_are_translated_and_those_of_users_are_not(monkeypatch):
    class Upper(gettext.NullTranslations):
        def gettext(self, message):
            return message.upper().replace("{N}", "{n}")

    monkeypatch.setattr(wording, "_catalog", lambda language: Upper())
    say = Wording("zh")
    assert say.value("returns; own brand", "word") == "RETURNS; OWN BRAND"
    assert say.word("champions", "segment") == "CHAMPIONS" and say.word("my segment", "segment") == "my segment"
    assert say.word("none", "tier") == "NONE" and say.word("A", "tier") == "A"
    assert [say.state(name) for name in ("A silent", "silent 3", "gold")] == ["A SILENT", "SILENT 3", "gold"]
    assert say.word("lost", "to_state") == "LOST" and say.word("lost", "name") == "lost"
