"""The messages that reports are made of, and their catalogs: ``python -m kam.messages`` brings the catalogs up to date.

A message is a constant in a call of :meth:`kam.wording.Wording.sentence`, ``text`` or ``plural``, a constant marked by
:func:`kam.wording.N_`, one that a template of a page says, the label of a column or one of its words, or a markdown cell of a
notebook. Each language has one catalog,
``kam/locale/<language>/LC_MESSAGES/kam.po`` (gettext; any editor of translations opens it), and its compiled form beside it.
"""

from __future__ import annotations

import ast
import io
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.catalog import Message as BabelMessage
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from kam.columns import GLOSSARY
from kam.report.workspace import find_carried
from kam.wording import LANGUAGES

PACKAGE = Path(__file__).parent
LOCALE = PACKAGE / "locale"
SAID_BY = {"sentence": 1, "text": 1, "plural": 2, "N_": 2}
"""What says a message, and how many of its first arguments may be one."""

Message = str | tuple[str, str]


def find_in_code(source: str) -> Iterator[Message]:
    """The messages of a module, in the order of the text; of ``a if x else b`` both.

    >>> list(find_in_code('say.sentence("{n} of {m}", n=1); say.plural("{n} day", "{n} days", 2); say.text("a" if x else "b")'))
    ['{n} of {m}', ('{n} day', '{n} days'), 'a', 'b']
    """
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", None)
        texts = [list(_constants(one)) for one in node.args[: SAID_BY.get(str(name), 0)]]
        if name in ("plural", "N_") and len(texts) == 2:
            n = max(map(len, texts)) if all(texts) else 0
            yield from zip(*((text * n)[:n] for text in texts), strict=True)
        elif texts:
            yield from texts[0]


def find_in_template(source: str) -> Iterator[Message]:
    """The messages of a page's template.

    >>> list(find_in_template("{{ say('Runs') }} {{ plural('{n} report', '{n} reports', n) }} {{ say(name) }}"))
    ['Runs', ('{n} report', '{n} reports')]
    """
    for name, one, many in re.findall(r"\b(say|plural)\('([^']*)'(?:, '([^']*)')?", source):
        yield (one, many) if name == "plural" else one


def _constants(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _constants(node.body)
        yield from _constants(node.orelse)


class _Translations(Catalog):
    """A catalog that says no more of itself than its readers need: the same messages are the same bytes."""

    @property
    def mime_headers(self) -> list[tuple[str, str]]:
        """The lines at the head of the file."""
        return [
            ("Project-Id-Version", "kam"),
            ("Language", str(self.locale_identifier)),
            ("Plural-Forms", self.plural_forms),
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit"),
        ]


def collect() -> Catalog:
    """All messages, without translations, each with the files in which it stands."""
    messages = Catalog(project="kam", charset="utf-8")
    for path in sorted(PACKAGE.rglob("*.py")):
        for message in find_in_code(path.read_text(encoding="utf-8")):
            if message:
                messages.add(message, locations=[(_place(path), 0)])
    for path in sorted(PACKAGE.rglob("*.j2")):
        for message in find_in_template(path.read_text(encoding="utf-8")):
            messages.add(message, locations=[(_place(path), 0)])
    for column in GLOSSARY.values():
        for text in (column.label, *column.words):
            messages.add(text, locations=[("kam/columns.py", 0)])
    for path in sorted(find_carried("notebooks").glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            text = "".join(cell["source"])
            if cell["cell_type"] == "markdown" and text.strip():
                messages.add(text, locations=[(f"notebooks/{path.name}", 0)])
    return messages


def _place(path: Path) -> str:
    return path.relative_to(PACKAGE.parent).as_posix()


def names_in(message: str) -> set[str]:
    """The names of the values that a message is filled with.

    >>> sorted(names_in("{n} of {total}, {{not}} this"))
    ['n', 'total']
    """
    return set(re.findall(r"(?<!\{)\{(\w+)[^{}]*\}", message))


def path_of(language: str) -> Path:
    """Where the catalog of a language lies."""
    return LOCALE / language / "LC_MESSAGES" / "kam.po"


def read_catalog(language: str) -> Catalog:
    """The catalog of a language; empty if there is none yet."""
    path = path_of(language)
    if not path.is_file():
        return Catalog(locale=LANGUAGES[language])
    with path.open("rb") as file:
        return read_po(file, locale=LANGUAGES[language], charset="utf-8")


def translated(language: str, messages: Catalog) -> Catalog:
    """The messages with the translations that the catalog of a language has for them; what is no longer said is dropped."""
    known = read_catalog(language)
    catalog = _Translations(
        locale=LANGUAGES[language], header_comment="# Translations of kam's reports.", charset="utf-8", fuzzy=False
    )
    for message in messages:
        if message.id:
            old = known.get(message.id)
            said = old.string if old and _is_translated(old) else None
            catalog.add(message.id, said, message.locations, message.flags)
    return catalog


def as_po(catalog: Catalog) -> bytes:
    """The catalog as a file for translators."""
    file = io.BytesIO()
    write_po(file, catalog, width=120, include_lineno=False)
    return file.getvalue()


def as_mo(catalog: Catalog) -> bytes:
    """The catalog as it is read: what is translated, since the rest stands in English in the code."""
    ready = _Translations(locale=catalog.locale, charset="utf-8", fuzzy=False)
    for message in catalog:
        if message.id and _is_translated(message):
            ready.add(message.id, message.string)
    file = io.BytesIO()
    write_mo(file, ready)
    return file.getvalue()


def write(catalog: Catalog, language: str) -> None:
    """Write a catalog, and its compiled form beside it."""
    path = path_of(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(as_po(catalog))
    path.with_suffix(".mo").write_bytes(as_mo(catalog))


def untranslated(catalog: Catalog) -> list[str]:
    """The messages of a catalog that have no translation, of those for one and for many the first."""
    return [one.id if isinstance(one.id, str) else one.id[0] for one in catalog if one.id and not _is_translated(one)]


def _is_translated(message: BabelMessage) -> bool:
    forms = [message.string] if isinstance(message.string, str) else list(message.string or ())
    return bool(forms) and all(forms)


def main() -> int:
    """Bring the catalogs up to date, and say how much is not translated."""
    messages = collect()
    for language in LANGUAGES:
        if language != "en":
            catalog = translated(language, messages)
            write(catalog, language)
            sys.stdout.write(
                f"{language}: {len(untranslated(catalog))} of {len(catalog)} messages are not translated\n"
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
