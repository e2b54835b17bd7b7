import dataclasses
import importlib.util
import os
import time
import unicodedata
import warnings
from concurrent.futures import ThreadPoolExecutor

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.textpath import TextPath

from kam.plots import fonts, style


@pytest.fixture(scope="session")
def built():
    """A font with four characters, as it is cut out."""
    return fonts._cut_out(fonts._collection(), "SC", frozenset(map(ord, "东和商事")))


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache folder, and a process that has looked nothing up."""
    monkeypatch.setattr(mpl, "get_cachedir", lambda: str(tmp_path))
    fonts._family.cache_clear()
    yield tmp_path / "kam-fonts"
    fonts._family.cache_clear()


@pytest.fixture
def cuts(monkeypatch, built):
    """Which fonts were asked for; cutting takes a second, so all get the same."""
    asked = []

    def cut(_, face, characters):
        asked.append((face, characters))
        return built

    monkeypatch.setattr(fonts, "_cut_out", cut)
    return asked


def _draw(text, language="en", **settings):
    with style.applied():
        _, ax = plt.subplots(figsize=(2, 1))
        drawn = ax.text(0.1, 0.5, text, **settings)
        fonts.set_fonts([drawn], language=language)
        ax.figure.savefig(os.devnull, format="png")  # a missing glyph warns, and so fails
    return drawn


# -- one line --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Müller & Söhne", "Müller & Söhne"),
        ("two\nlines\tand   blanks \u2028", "two lines and blanks"),
        ("e\u0301cole", "école"),
        ("\u1112\u1161\u11ab", "한"),
        ("\u202eevil\u2066 \u0007bell \0 nul", "evil bell nul"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("Acme 🎁 Gifts", "Acme Gifts"),
        ("❤\ufe0f shop", "❤ shop"),
        ("$x^2$ _a {b} %s", "$x^2$ _a {b} %s"),
        ("한빛포장 유통", "한빛포장 유통"),
        ("שלום", "שלום"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("บริษัท", "□□□□□□"),
        ("🎁", "–"),
        ("", "–"),
        (" \n ", "–"),
    ],
)
def test_one_line(text, line):
    assert fonts.one_line(text) == line


def test_a_letter_that_no_font_has_brings_the_fallback():
    assert fonts.one_line("บริษัท Ltd", fallback="C0042") == "C0042"
    assert fonts.one_line("", fallback="C0042") == "C0042"
    assert fonts.one_line("Acme 🎁", fallback="C0042") == "Acme"
    assert fonts.one_line("ไทย", fallback="ไ") == "□"


def test_long_texts_end_in_an_ellipsis():
    assert fonts.one_line("x" * 400) == "x" * 27 + "…"
    assert fonts.one_line("x" * 28) == "x" * 28
    assert fonts.one_line("大" * 400, width=9) == "大" * 4 + "…"
    assert fonts.one_line("大" * 5, width=10) == "大" * 5


@given(st.text(st.characters(), max_size=40))
def test_any_text_becomes_one_line_that_can_be_drawn(text):
    line = fonts.one_line(text)
    assert line
    assert fonts.columns(line) <= 28
    assert line == " ".join(line.split())
    drawable = fonts._base_characters() | fonts._cjk_characters()
    assert all(ord(c) in drawable or unicodedata.category(c) == "Cf" for c in line)


# -- fonts -----------------------------------------------------------------------------------------------------------


def test_text_without_need_pays_nothing(monkeypatch):
    def refuse(*_):
        raise AssertionError("no font is needed")

    monkeypatch.setattr(fonts, "_family", refuse)
    monkeypatch.setattr(fonts, "_cjk_characters", refuse)
    assert _draw("Müller, שלום, €5").get_fontfamily() == ["DejaVu Sans"]
    assert fonts.one_line("Müller, שלום, €5") == "Müller, שלום, €5"


@pytest.mark.parametrize("text", ["华远礼品商贸", "한빛포장 유통", "東和商事", "￥12万", "カタカナ・ひらがな"])
def test_characters_come_from_the_second_font(text):
    drawn = _draw(text)
    first, second = drawn.get_fontfamily()
    assert first == "DejaVu Sans"
    file = findfont(second, fallback_to_default=False)
    have = get_font(file).get_charmap()
    assert {ord(c) for c in text} - set(get_font(findfont(first)).get_charmap()) <= set(have)


def test_the_bold_weight_is_bold():
    _, family = _draw("한빛포장").get_fontfamily()

    regular, bold = (FontProperties(family=family, weight=weight) for weight in ("normal", "bold"))
    assert findfont(regular, fallback_to_default=False) != findfont(bold, fallback_to_default=False)
    with style.applied():
        images = []
        for weight in ("normal", "bold"):
            figure, ax = plt.subplots(figsize=(2, 1))
            ax.set_axis_off()
            fonts.set_fonts([ax.text(0.1, 0.4, "한빛포장", size=20, weight=weight)], language="ko")
            figure.canvas.draw()
            images.append(255.0 - np.asarray(figure.canvas.buffer_rgba())[..., 0])
    assert images[1].sum() > 1.25 * images[0].sum()
    assert images[0].sum() > 0


def test_the_language_decides_the_shape():
    shapes = {}
    for language in ("zh", "ja", "ko", "en"):
        _, family = _draw("骨直角", language).get_fontfamily()
        shapes[language] = TextPath((0, 0), "骨直角", size=10, prop=FontProperties(family=family)).vertices
    assert shapes["zh"].shape != shapes["ja"].shape or not np.allclose(shapes["zh"], shapes["ja"])
    np.testing.assert_array_equal(shapes["zh"], shapes["en"])


# -- cache -----------------------------------------------------------------------------------------------------------


def _characters(text):
    return frozenset(map(ord, text))


def test_a_cached_font_is_used_and_not_built(cache, cuts):
    first = fonts._family(_characters("东和商事"), "SC")
    fonts._family.cache_clear()
    assert fonts._family(_characters("商事"), "SC") == first
    assert cuts == [("SC", _characters("东和商事"))]
    (file,) = cache.iterdir()
    assert fonts._cached_characters(file) >= _characters("东和商事")


def test_a_cached_font_grows_until_it_is_large(cache, cuts, monkeypatch):
    fonts._family(_characters("东和商事"), "SC")
    fonts._family(_characters("华"), "SC")
    assert cuts[1][1] >= _characters("东和商事华")
    monkeypatch.setattr(fonts, "_MANY", 3)
    fonts._family(_characters("远"), "SC")
    assert cuts[2][1] == _characters("远")


def test_faces_do_not_share(cache, cuts):
    fonts._family(_characters("东和商事"), "SC")
    fonts._family(_characters("商事"), "JP")
    assert cuts == [("SC", _characters("东和商事")), ("JP", _characters("商事"))]
    assert len(list(cache.iterdir())) == 2


@pytest.mark.parametrize("damage", ["empty", "no font", "cut off", "one bit"])
def test_a_broken_cached_font_is_built_again(cache, cuts, damage, built):
    name = fonts._family(_characters("商事"), "SC")
    (file,) = cache.iterdir()
    bit = bytes([built[-9] ^ 1])
    broken = {
        "empty": b"",
        "no font": b"x" * 99,
        "cut off": built[: len(built) // 2],
        "one bit": built[:-9] + bit + built[-8:],
    }
    file.write_bytes(broken[damage])
    fonts._family.cache_clear()
    assert fonts._family(_characters("商事"), "SC") == name
    assert len(cuts) == 2
    assert file.read_bytes() == built


def test_a_font_in_use_stays(cache, cuts):
    fonts._family(_characters("商事"), "SC")
    (file,) = cache.iterdir()
    os.utime(file, (time.time() - 40 * 86400,) * 2)
    fonts._family.cache_clear()
    fonts._family(_characters("商事"), "SC")
    fonts._family(_characters("商事"), "KR")
    assert file.exists()


def test_the_same_characters_give_the_same_file(built):
    time.sleep(1.1 - time.time() % 1)  # fonts carry times in seconds
    assert fonts._cut_out(fonts._collection(), "SC", _characters("东和商事")) == built


def test_runs_at_the_same_time(cache, cuts):
    with ThreadPoolExecutor(4) as pool:
        names = set(pool.map(lambda _: fonts._family.__wrapped__(_characters("商事"), "SC"), range(8)))
    assert len(names) == 1
    (file,) = cache.iterdir()
    assert fonts._cached_characters(file) >= _characters("商事")


def test_fonts_that_nobody_used_for_a_month_go(cache, cuts):
    cache.mkdir()
    old, new = cache / "KR-0000000000000000.ttc", cache / "JP-0000000000000000.ttc"
    for file in (old, new):
        file.write_bytes(b"x")
    os.utime(old, (time.time() - 40 * 86400,) * 2)
    fonts._family(_characters("商事"), "SC")
    assert not old.exists()
    assert new.exists()


def test_without_any_font_the_fallback_stands(monkeypatch):
    monkeypatch.setattr(fonts, "_collection", lambda: None)
    monkeypatch.setattr(fonts, "_installed", lambda face: None)
    fonts._cjk_characters.cache_clear()
    try:
        assert fonts.one_line("한빛포장", fallback="C0042") == "C0042"
        assert _draw("C0042").get_fontfamily() == ["DejaVu Sans"]
    finally:
        fonts._cjk_characters.cache_clear()


def test_an_installed_font_serves(cache, cuts, monkeypatch):
    family = fonts._family(_characters("商事"), "SC")
    entries = [entry for entry in mpl.font_manager.fontManager.ttflist if entry.name == family]
    assert {entry.weight for entry in entries} == {400, 700}
    installed = [dataclasses.replace(entry, name="Noto Sans CJK SC") for entry in entries]
    others = [e for e in mpl.font_manager.fontManager.ttflist if not e.name.startswith("Noto Sans CJK")]
    monkeypatch.setattr(mpl.font_manager.fontManager, "ttflist", [*others, *installed])
    monkeypatch.setattr(fonts, "_collection", lambda: None)
    for cached in (fonts._installed, fonts._cjk_characters, fonts._family):
        cached.cache_clear()
    try:
        assert fonts._family(_characters("商"), "JP") == "Noto Sans CJK SC"
        assert fonts.one_line("商事", fallback="C1") == "商事"
    finally:
        for cached in (fonts._installed, fonts._cjk_characters, fonts._family):
            cached.cache_clear()


def test_the_collection_is_carried_by_a_package():
    assert importlib.util.find_spec("manimgx_fonts_cjk")
    assert fonts._collection() is not None


def test_each_name_is_drawn_in_the_shapes_of_its_language():
    with style.applied():
        _, ax = plt.subplots()
        texts = [ax.text(0, 0, name) for name in ("骨粉ヤマダ", "骨粉한빛", "骨粉商贸", "Müller")]
        fonts.set_fonts(texts, language="en")
    families = [text.get_fontfamily()[1:] for text in texts]
    assert [family[0].split()[2] for family in families[:3]] == ["JP", "KR", "SC"]
    assert families[3] == []


def test_names_without_ideographs_need_no_font_of_their_own():
    assert {fonts._face(name, "en") for name in ("한빛포장", "カタカナ・ひらがな", "华远")} == {"SC"}
    assert [fonts._face("한빛", language) for language in ("zh", "ja", "ko")] == ["SC", "JP", "KR"]


@pytest.mark.parametrize(
    "name",
    ["한빛포장", "华远礼品", "東和ヤマダ", "㈜라온", "Müller 株式会社", "שלום", "مرحبا", "Ελλάς", "Привет", "Tiệm"],
)
def test_a_name_is_drawn_and_not_as_boxes(name):
    """Each character's pixels differ from those of the box that stands for a missing one."""
    line = fonts.one_line(name, fallback="none")
    assert line == name
    with style.applied():
        for character in set(line) - {" "}:
            assert not np.array_equal(_pixels(character), _pixels("\ue123")), character


def test_what_no_font_has_is_seen_as_a_box_or_an_id():
    with style.applied():
        assert _pixels(fonts.one_line("ไ")).sum() > 0, "a box to be seen"
    assert fonts.one_line("บริษัท", fallback="C7") == "C7"
    assert _draw(fonts.one_line("Acme 🎁 Ltd")).get_text() == "Acme Ltd"


def _pixels(character):
    """How a character is drawn; of one that no font has, what matplotlib draws in its place."""
    figure, ax = plt.subplots(figsize=(0.6, 0.6))
    ax.set_axis_off()
    drawn = ax.text(0.2, 0.3, character, size=24)
    fonts.set_fonts([drawn], language="en")
    with warnings.catch_warnings():
        if character == "\ue123":
            warnings.simplefilter("ignore")
        figure.canvas.draw()
    pixels = 255 - np.asarray(figure.canvas.buffer_rgba())[..., 0]
    plt.close(figure)
    return pixels
