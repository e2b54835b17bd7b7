"""Long steps are announced, short ones are not, and never where a notebook would show it."""

import io
import logging
import sys
import time

import pytest

from kam.ledger import progress
from kam.ledger.progress import step


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "__stderr__", stream)
    monkeypatch.setattr(progress, "PATIENCE", 0.01)
    return stream


def test_a_long_step_is_announced_and_its_end_told(stream: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
    with step("cleaning orders"):
        time.sleep(0.1)
    begun, done = stream.getvalue().splitlines()
    assert begun == "kam: cleaning orders ..."
    assert done.startswith("kam: cleaning orders: ")
    assert capsys.readouterr() == ("", "")


def test_a_short_step_is_not(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 60)
    with step("cleaning orders"):
        pass
    assert not stream.getvalue()


def test_the_log_has_it_instead_where_it_is_wanted(stream: io.StringIO, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="kam.ledger"), step("cleaning orders"):
        time.sleep(0.1)
    assert caplog.records[0].message == "cleaning orders ..."
    assert not stream.getvalue()


def test_an_error_passes(stream: io.StringIO) -> None:
    with pytest.raises(ZeroDivisionError), step("dividing"):
        1 / 0  # noqa: B018
