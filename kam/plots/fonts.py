r"""The fonts of figures: names in Chinese, Japanese and Korean from what Python packages carry, other scripts without a crash.

DejaVu Sans, which comes with matplotlib, draws Latin, Greek, Cyrillic, Arabic, Hebrew and more. Where a text needs characters
that it lacks, the characters used are cut out of Noto Sans CJK (the package ``manimgx-fonts-cjk``; an installed "Noto Sans CJK"
serves too), in a regular and a bold weight, and kept in matplotlib's cache folder; this takes a second, once, and nothing at
all for figures that do not need it. Chinese, Japanese and Korean share code points but not shapes:
:func:`kam.wording.name_language` decides for each text.

>>> one_line("Müller & Söhne\n(Export)"), one_line("x" * 400, width=8)
('Müller & Söhne (Export)', 'xxxxxxx…')
>>> one_line("\u0e1a\u0e23\u0e34\u0e29\u0e31\u0e17", fallback="C0042")
'C0042'
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import os
import re
import time
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from tempfile import NamedTemporaryFile

import matplotlib
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text
from matplotlib.textpath import text_to_path

from kam.wording import name_language

BASE = "DejaVu Sans"
_FACES = {"ja": "JP", "ko": "KR", "zh": "SC"}  # any other language: SC
_IDEOGRAPH = re.compile("[\u2e80-\u2fdf\u3005-\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_NUMBERS = {"JP": 0, "KR": 1, "SC": 2}  # in the collection
_WEIGHTS = (400, 700)
_MANY = 1000  # a cached font with more characters than this is not added to: a new one begins
_KEEP_DAYS = 30
_JOINERS = "\u200c\u200d"  # these shape Arabic


def one_line(text: str, *, fallback: str | None = None, width: int = 28) -> str:
    """A text from the data as one line that figures can draw.

    White space becomes single blanks; control, direction and other invisible characters go; symbols that no font here has
    (most emoji) go. If a *letter* is in no font here (Thai, Devanagari, …), the fallback stands for the whole text, or, without
    one, a box for the letter. What is longer than ``width`` ends in an ellipsis.

    Parameters
    ----------
    text : str
        A name or an id.
    fallback : str, optional
        What to show instead, usually the customer id.
    width : int
        Longest result, in columns; Chinese, Japanese and Korean characters take two.

    Returns
    -------
    str
        Never empty: a dash, where nothing is left.
    """
    line = " ".join(unicodedata.normalize("NFC", text).split())
    line = "".join(c for c in line if c in _JOINERS or not _is_invisible(c))
    missing = {c for c in line if ord(c) not in _base_characters() and ord(c) not in _cjk_characters()}
    letters = {c for c in missing if unicodedata.category(c)[0] in "LMN"}
    if letters and fallback is not None:
        return one_line(fallback, width=width)
    line = "".join("□" if c in letters else c for c in line if c not in missing - letters)
    line = " ".join(line.split())
    if not line:
        return "–" if fallback is None else one_line(fallback, width=width)
    return _shorten(line, width)


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Cn", "Co", "Cs") or "\ufe00" <= character <= "\ufe0f"


def columns(text: str) -> int:
    """Columns a text takes: two for a wide character, none for a combining one."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _shorten(line: str, width: int) -> str:
    if columns(line) <= width:
        return line
    while columns(line) > width - 1:
        line = line[:-1]
    return line.rstrip() + "…"


def width_in_points(text: str, font: FontProperties) -> float:
    """How wide a line of text is drawn; a character that :data:`BASE` lacks counts as a square."""
    plain = "".join(c for c in text if ord(c) in _base_characters())
    width = float(text_to_path.get_text_width_height_descent(plain, font, False)[0])
    return width + (len(text) - len(plain)) * font.get_size_in_points()


def set_fonts(texts: Iterable[Text], *, language: str) -> None:
    """Give those texts a second font that need one.

    Parameters
    ----------
    texts : iterable of matplotlib.text.Text
        Texts of a figure, already filled in.
    language : str
        Language of the report: decides on the shapes of Chinese characters where a text itself does not.
    """
    needy: dict[str, list[Text]] = {}
    for text in texts:
        if _needed(text.get_text()):
            needy.setdefault(_face(text.get_text(), language), []).append(text)
    for face, own in needy.items():
        wanted = frozenset[int]().union(*(_needed(text.get_text()) for text in own)) & _cjk_characters()
        if wanted:
            family = [BASE, _family(wanted, face)]
            for text in own:
                text.set_fontfamily(family)


def _face(text: str, language: str) -> str:
    """Only the shapes of ideographs differ; for others one font serves all, and fewer are cut out."""
    shaped = _IDEOGRAPH.search(text)
    return _FACES.get(name_language(text, language) if shaped else language, "SC")


def _needed(text: str) -> frozenset[int]:
    return frozenset(map(ord, text)) - _base_characters() - {ord("\n")}


@lru_cache
def _base_characters() -> frozenset[int]:
    return frozenset(get_font(findfont(BASE)).get_charmap())


# -- Chinese, Japanese, Korean ----------------------------------------------------------------------------------------


@lru_cache
def _collection() -> Path | None:
    """The variable collection that the package carries."""
    spec = importlib.util.find_spec("manimgx_fonts_cjk")
    places = spec.submodule_search_locations if spec else None
    file = Path(places[0]) / "NotoSansCJK-VF.otf.ttc" if places else None
    return file if file and file.is_file() else None


@lru_cache
def _installed(face: str) -> str | None:
    """The name of an installed Noto Sans CJK with a regular and a bold weight, of this face if there is one."""
    names = [
        entry.name
        for entry in fontManager.ttflist
        if entry.name.startswith("Noto Sans CJK") and entry.weight in _WEIGHTS
    ]
    complete = sorted({name for name in names if names.count(name) >= len(_WEIGHTS)})
    return next((name for name in complete if name.endswith(face)), complete[0] if complete else None)


@lru_cache
def _cjk_characters() -> frozenset[int]:
    """What the collection, or the installed font, can draw; nothing when there is neither."""
    if _collection():
        return frozenset(FT2Font(str(_collection())).get_charmap())
    name = _installed("SC")
    return frozenset(get_font(findfont(name)).get_charmap()) if name else frozenset()


@lru_cache
def _family(wanted: frozenset[int], face: str) -> str:
    """The name of a font that matplotlib knows and that has the wanted characters."""
    collection = _collection()
    if collection is None:
        return str(_installed(face))
    folder = Path(matplotlib.get_cachedir()) / "kam-fonts"
    folder.mkdir(parents=True, exist_ok=True)
    known: frozenset[int] = frozenset()
    for file in sorted(folder.glob(f"{face}-*.ttc")):
        characters = _cached_characters(file)
        if wanted <= characters:
            os.utime(file)
            return _register(file)
        if len(known) < len(characters) <= _MANY:
            known = characters
    content = _cut_out(collection, face, wanted | known)
    file = folder / f"{face}-{_digest(content)}.ttc"
    _write(file, content)
    _sweep(folder)
    return _register(file)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _cached_characters(file: Path) -> frozenset[int]:
    """The characters of a cached font; of one whose content is not what its name says, none."""
    try:
        if file.stem.endswith(_digest(file.read_bytes())):
            return frozenset(FT2Font(str(file)).get_charmap())
    except (OSError, RuntimeError):
        pass
    return frozenset()


def _register(file: Path) -> str:
    name = FT2Font(str(file)).family_name
    if not any(entry.name == name for entry in fontManager.ttflist):
        fontManager.addfont(file)
    return name


def _write(file: Path, content: bytes) -> None:
    with NamedTemporaryFile(dir=file.parent, suffix=".part", delete=False) as part:
        part.write(content)
    os.replace(part.name, file)


def _sweep(folder: Path) -> None:
    """Remove what no run has used for a while; a font in use was touched when it was looked up."""
    for file in folder.iterdir():
        try:
            if time.time() - file.stat().st_mtime > _KEEP_DAYS * 86400:
                file.unlink()
        except OSError:  # another run was faster
            continue


def _cut_out(collection: Path, face: str, characters: frozenset[int]) -> bytes:
    """A collection of the two weights with these characters. Subset first: instantiating all glyphs takes minutes."""
    from fontTools import subset
    from fontTools.ttLib import TTCollection, TTFont
    from fontTools.varLib.instancer import instantiateVariableFont

    options = subset.Options(
        layout_features=[], hinting=False, name_IDs=[1, 2], notdef_outline=True, recalc_timestamp=False
    )
    options.drop_tables += ["BASE", "STAT", "VORG", "VVAR", "vhea", "vmtx"]
    variable = io.BytesIO()
    with TTFont(collection, fontNumber=_NUMBERS[face], lazy=True, recalcTimestamp=False) as font:
        cutter = subset.Subsetter(options)
        cutter.populate(unicodes=characters)
        cutter.subset(font)
        font.save(variable)
    name = f"kam CJK {face} {hashlib.sha256(repr(sorted(characters)).encode()).hexdigest()[:12]}"
    weights = TTCollection()
    for weight in _WEIGHTS:
        one = instantiateVariableFont(TTFont(io.BytesIO(variable.getvalue()), recalcTimestamp=False), {"wght": weight})
        one["name"].names = []
        one["name"].setName(name, 1, 3, 1, 0x409)
        one["name"].setName("Bold" if weight > 400 else "Regular", 2, 3, 1, 0x409)
        weights.fonts.append(one)
    content = io.BytesIO()
    weights.save(content)
    return content.getvalue()
