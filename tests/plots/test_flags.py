import numpy as np
import pandas as pd
import pytest

from kam.errors import EmptyDataError, ParameterError
from kam.identify.sales_quality import SalesQualityResult
from kam.plots import describe, plot_flag_evidence, plot_flags, to_png
from tests.plots.conftest import CONTEXT, NAMES


def result_of(flags):
    facts = pd.DataFrame(
        {"customer_id": [f"K{i:02d}" for i in range(20)], "is_large": True, "n_flags": 0, "revenue": 1.0}
    )
    kinds = ["discount depth", "order spike", "period-end loading", "shipping elsewhere"]
    history = pd.DataFrame(
        {
            "customer_id": "K00",
            "period": pd.date_range("2022-01-01", periods=12, freq="QS"),
            "flag": "discount depth",
            "figure": [0.1] * 8 + [0.25] * 4,
        }
    )
    return SalesQualityResult(
        context=CONTEXT,
        flags=flags,
        facts=facts,
        counts=pd.DataFrame({"flag": kinds}),
        history=history,
        false_alarms=0.1,
    )


@pytest.fixture
def flags():
    rows = [
        (f"K{i:02d}", name, flag, figure)
        for i, name in enumerate(NAMES)
        for flag, figure in (("discount depth", 0.25), ("order spike", 12.4))
        if i != 1 or flag == "order spike"
    ]
    frame = pd.DataFrame(rows, columns=["customer_id", "name", "flag", "figure"])
    return frame.assign(
        reference=0.1, finding="discount 25.0% since January 2024", since=pd.Timestamp("2024-01-01"), p_value=0.001,
        is_large=True, revenue=np.arange(len(rows), 0, -1.0),
    )  # fmt: skip


def test_the_matrix_shows_who_carries_what(flags):
    ax = plot_flags(result_of(flags))
    assert ax.get_title(loc="left").startswith("13 of 20 large accounts carry a flag")
    assert len(ax.get_yticklabels()) == 12  # not the thirteenth
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["discount depth", "order spike"]
    cells = [text.get_text() for text in ax.texts]
    assert cells.count("25%") == 11 and cells.count("12×") == 12
    assert "discount 25.0%" in describe(ax)
    assert to_png(ax)


def test_the_evidence_is_colored_since_the_change(flags):
    ax = plot_flag_evidence(result_of(flags))
    assert ax.get_title(loc="left").replace("\n", " ") == "Harrington Wholesale: discount 25.0% since January 2024"
    heights = [bar.get_height() for bar in ax.patches]
    assert heights == [0.1] * 8 + [0.25] * 4
    assert len({bar.get_facecolor() for bar in ax.patches[:8]}) == 1
    assert ax.patches[7].get_facecolor() != ax.patches[8].get_facecolor()
    assert [text.get_text() for text in ax.texts] == ["held against 10.0%"]


def test_nothing_to_draw(flags):
    with pytest.raises(EmptyDataError):
        plot_flags(result_of(flags.head(0)))
    with pytest.raises(EmptyDataError):
        plot_flag_evidence(result_of(flags.head(0)))
    with pytest.raises(ParameterError, match="K05"):
        plot_flag_evidence(result_of(flags), customer_id="K05")
