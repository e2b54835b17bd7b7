"""Tables and facts on standard output: drawn on a terminal, plain aligned lines elsewhere, JSON for machines.

What is printed comes from data, too: whatever is not printable is left out, and nothing in it is markup.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.text import Text

_ENDLESS = 10_000
_STYLES = {
    "succeeded": "green",
    "failed": "bold red",
    "cut off": "bold red",
    "unreadable": "bold red",
    "at work": "cyan",
    "skipped": "yellow",
}


def print_table(
    heads: Sequence[str], rows: Sequence[Sequence[str]], *, right: Collection[str] = (), blocks: bool = False
) -> None:
    """One line per row; columns with these heads are aligned to the right.

    With ``blocks``, where the table is wider than the terminal, each row is a line with its first cell and one with the others.
    """
    if sys.stdout.isatty():
        from rich import box
        from rich.console import Console
        from rich.measure import Measurement
        from rich.padding import Padding
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for head in heads:
            table.add_column(head, justify="right" if head in right else "left", overflow="fold")
        for row in rows:
            table.add_row(*map(_text, row))
        console = Console(highlight=False)
        if blocks and Measurement.get(console, console.options.update(width=_ENDLESS), table).maximum > console.width:
            for first, *others in rows:
                console.print(_text(first), style="bold", soft_wrap=True)
                console.print(Padding(Text(" · ").join(map(_text, others)), (0, 0, 0, 2)))
        else:
            console.print(table)
        return
    print_lines(align_lines([heads, *rows], right=[i for i, head in enumerate(heads) if head in right]))


def print_facts(facts: Sequence[tuple[str, str]], *, indent: int = 0) -> None:
    """One line per fact, what it is in front."""
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.padding import Padding
        from rich.table import Table

        table = Table.grid(padding=(0, 2))
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        for label, text in facts:
            table.add_row(_text(label), _text(text))
        Console(highlight=False).print(Padding(table, (0, 0, 0, indent)))
        return
    print_lines(" " * indent + line for line in align_lines(facts))


def print_head(text: str) -> None:
    """A line that stands out on a terminal."""
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.text import Text

        Console(highlight=False).print(Text(printable(text), style="bold"))
        return
    print_lines([printable(text)])


def print_lines(lines: Iterable[str], *, errors: bool = False) -> None:
    """Plain lines at once, on standard output or on that of errors; of each the beginning stays where it is."""
    for line in lines:
        print(_without_controls(line).rstrip(), file=sys.stderr if errors else sys.stdout, flush=True)


def print_json(content: object) -> None:
    """The content as JSON, in a form that any encoding of standard output can take."""
    print(write_json(content, ascii_only=_is_narrow()))  # noqa: T201


def write_json(content: object, *, ascii_only: bool = False) -> str:
    """The content as JSON; times are ISO 8601, and letters that no encoding has are escaped.

    >>> from datetime import UTC
    >>> write_json({"day": date(2026, 11, 22), "at": datetime(2026, 11, 22, 7, tzinfo=UTC)}).replace(chr(10), "")
    '{ "day": "2026-11-22", "at": "2026-11-22T07:00:00Z"}'
    """
    text = json.dumps(content, indent=1, ensure_ascii=ascii_only, default=_plain)
    return text.encode("utf-8", "backslashreplace").decode()


def align_lines(rows: Sequence[Sequence[str]], *, right: Collection[int] = ()) -> list[str]:
    r"""Rows of cells as lines; a Chinese letter is two wide.

    >>> align_lines([["run", "n"], ["한국", "12"], ["x\n\x1b[2J", "3"]], right=[1])
    ['run      n', '한국    12', 'x  [2J   3']
    """
    from rich.cells import cell_len

    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]

    def pad(cell: str, i: int) -> str:
        space = " " * (widths[i] - cell_len(cell))
        return space + cell if i in right else cell + space

    return ["  ".join(pad(cell, i) for i, cell in enumerate(row)).rstrip() for row in cells]


def printable(text: str) -> str:
    r"""The text on one line, a space for whatever is not printable: controls, and marks that turn the direction of writing.

    >>> printable("a\x1b]0;x\x07b\u202ec\n")
    'a ]0;x b c'
    """
    return _without_controls(text).strip()


def _without_controls(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _text(cell: str) -> Text:
    from rich.text import Text

    text = printable(cell)
    return Text(text, style=_STYLES.get(text, ""))


def _plain(value: object) -> object:
    if isinstance(value, (date, datetime)):
        return value.isoformat().replace("+00:00", "Z")
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return str(value)


def _is_narrow() -> bool:
    """Whether standard output cannot take every letter."""
    return (sys.stdout.encoding or "").lower().replace("-", "") not in ("utf8", "utf16", "utf32")
