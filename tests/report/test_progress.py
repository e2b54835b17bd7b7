import io
import sys
from dataclasses import replace
from pathlib import Path

from kam.report.manifest import Step
from kam.report.progress import watch_run

GOOD = Step(
    name="10_who",
    title="Who?",
    notebook_sha256="",
    status="succeeded",
    seconds=12.4,
    warnings=("The report has 2 MB.",),
)
BAD = Step(name="20_why", title="Why?", notebook_sha256="", status="failed", seconds=3, error="The file [red] is gone.")


def watch(watcher):
    watcher.started("10_who")
    watcher.started("20_why")
    watcher.advanced("10_who", 1, 7)
    watcher.ended(GOOD, Path("reports/r/10_who/report.html"))
    watcher.ended(BAD, Path("unused"))


def test_without_a_terminal_there_are_plain_lines(capsys):
    with watch_run() as watcher:
        watch(watcher)
    assert capsys.readouterr().out.splitlines() == [
        "10_who: started",
        "20_why: started",
        "10_who: done in 12 s → reports/r/10_who/report.html",
        "10_who: note: The report has 2 MB.",
        "20_why: FAILED after 3 s: The file [red] is gone.",
    ]


def test_on_a_terminal_there_are_bars_and_the_lines_of_what_has_ended(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with watch_run() as watcher:
        watch(watcher)
    shown = terminal.getvalue()
    assert "\x1b[" in shown, "bars move"
    assert "10_who: done in 12 s → reports/r/10_who/report.html" in shown
    assert "20_why: FAILED after 3 s: The file [red] is gone." in shown


def test_what_data_have_put_into_an_error_moves_no_cursor(capsys):
    error = "ValueError: \x1b]0;owned\x07 \x1b[2J \u202ex\n20_why: done in 1 s"
    with watch_run() as watcher:
        watcher.ended(replace(BAD, error=error), Path("unused"))
    assert capsys.readouterr().out == ("20_why: FAILED after 3 s: ValueError:  ]0;owned   [2J  x 20_why: done in 1 s\n")
