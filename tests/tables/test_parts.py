import pandas as pd
import pytest

from kam.results import Context
from kam.tables import show_part

FRAME = pd.DataFrame({"term": ["tier", "class"], "finding": ["A", "B"], "reason": ["", None], "revenue": [None, None]})


@pytest.fixture
def shown(monkeypatch):
    found = []
    monkeypatch.setattr("IPython.display.display", lambda one: found.append(one._repr_html_()))
    return found


def test_a_table_with_the_columns_that_have_a_value_and_a_line_below(shown):
    wanted = ["term", "finding", "reason", "not there"]
    show_part(FRAME, "Not said here: <b>target</b>.", context=Context(), columns=wanted)
    table, line = shown
    assert "tier" in table and ">A<" in table and "reason" not in table
    assert "&lt;b&gt;target" in line


@pytest.mark.parametrize("frame", [None, FRAME.iloc[:0]])
def test_without_rows_only_lines_and_without_lines_nothing(shown, frame):
    show_part(frame, "", " ", context=Context())
    assert shown == []
    show_part(frame, "a", "", "b", context=Context())
    assert len(shown) == 1 and shown[0].count("<li>") == 2
