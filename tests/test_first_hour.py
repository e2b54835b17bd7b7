"""The lines of docs/first_hour.md are typed here, and what they print is what the page shows.

The runs of notebooks and the database are in tests/real/test_first_hour.py.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kam.cli import main
from tests.stranger_files import write_text_file, write_workbook

PAGE = (Path(__file__).parents[1] / "docs" / "first_hour.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks() -> Iterator[tuple[str, str]]:
    """Language and text of each fenced block, and ``quote`` and text of each quoted answer, in the order of the page."""
    pieces = BLOCK.split(PAGE)
    for index, piece in enumerate(pieces):
        if index % 3 == 0:
            yield from (("quote", line[2:]) for line in piece.splitlines() if line.startswith("> "))
        elif index % 3 == 1:
            yield piece or "typed", pieces[index + 1]


def follow(folder: Path, kam: Callable[[list[str]], str], quoted: Callable[[str], None]) -> int:
    """Type the page: each line goes to `kam` without its first word, each answer to `quoted`; how many outputs were compared."""
    printed, dataset, n_compared = "", Path(), 0
    for kind, text in blocks():
        if kind == "typed":
            printed = ""
            for line in text.splitlines():
                words = shlex.split(line)
                if words[0] == "kam":
                    printed += kam(words[1:])
                elif words[0] == "cd":
                    folder = folder / words[1]
                    assert folder.is_dir()
                else:
                    assert words[:2] in (["python3", "-m"], [".", "kam-venv/bin/activate"], ["pip", "install"])
            if name := re.search(r"Wrote (\S+)\. Read", printed):
                dataset = folder / name[1]
        elif kind == "yaml":
            for line in text.splitlines():
                key = line.partition(":")[0]
                before = dataset.read_text(encoding="utf-8")
                after, n = re.subn(rf"^{key}:.*$", line, before, flags=re.MULTILINE)
                assert n == 1 and after != before, "a guess of the file is corrected"
                dataset.write_text(after, encoding="utf-8")
        elif kind == "text":
            for line in text.splitlines():
                assert line in printed.splitlines(), line
                n_compared += 1
        else:
            quoted(text)
    return n_compared


def test_the_lines_of_the_page(tmp_path, monkeypatch, capsys):
    answers = []

    def kam(words: list[str]) -> str:
        if words[0] == "run" or any(word.startswith("postgresql:") for word in words) or words[1] == "warehouse":
            return ""
        monkeypatch.setattr("sys.argv", ["kam", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
        if words[0] == "new":
            monkeypatch.chdir(tmp_path / words[1])
            write_text_file(Path("매출내역.csv"))
            write_workbook(Path("sales.xlsx"))
        return capsys.readouterr().out

    monkeypatch.chdir(tmp_path)
    assert follow(tmp_path, kam, answers.append) == 23
    assert len(answers) == 2


def test_the_first_report_takes_ten_lines_at_most():
    first = next(text for kind, text in blocks() if kind == "typed").splitlines()
    assert first[-1] == "kam run 10" and len(first) <= 10
