from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kam.identify import tier_migration
from kam.plots import describe, plot_revenue_bridge, plot_tier_migration, style
from kam.results import Context

YEARS = pd.to_datetime(["2023-01-01", "2024-01-01"])
ROWS = [
    ("big", 0, 10, 600.0), ("big", 1, 10, 640.0),
    ("rises", 0, 2, 50.0), ("rises", 1, 8, 200.0),
    ("falls", 0, 5, 250.0), ("falls", 1, 5, 30.0),
    ("gone", 0, 1, 60.0),
    ("new", 1, 1, 55.0),
]  # fmt: skip


def migrate(rows=ROWS, scale=1.0, **context):
    panel = pd.DataFrame(rows, columns=["customer_id", "t", "n_orders", "revenue"])
    panel = panel.assign(period=YEARS[panel["t"]], revenue=panel["revenue"] * scale)
    return tier_migration(panel, freq="year", context=Context(**{"currency": "EUR"} | context))


@pytest.fixture(scope="module")
def result():
    return migrate()


def _title(ax):
    return ax.get_title(loc="left").replace("\n", " ")


def _texts(ax):
    return [text.get_text() for text in ax.texts if text.get_text()]


def _boxes(ax):
    figure = ax.get_figure()
    figure.draw_without_rendering()
    texts = [*ax.texts, *ax.get_yticklabels(), *ax.get_xticklabels()]
    return [text.get_window_extent() for text in texts if text.get_text().strip()], figure.bbox


def test_the_matrix_has_the_counts_and_the_money_of_the_result(result):
    ax = plot_tier_migration(result)
    assert _title(ax) == "Tier A: 1 entered and 1 left, 2 accounts after 2"
    # from A: big stayed, falls → C; from B: rises → A, gone → no order; from no order: new → B
    assert _texts(ax) == [
        "1",
        "640",
        "–",
        "1",
        "30",
        "–",
        "1",
        "200",
        "–",
        "–",
        "1",
        "0",
        "–",
        "–",
        "–",
        "–",
        "–",
        "1",
        "55",
        "–",
        "–",
    ]
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        "tier A\n2 accounts", "tier B\n2 accounts", "tier C\n0 accounts", "no order\n1 account",
    ]  # fmt: skip
    assert ax.get_ylabel() == "in the year to 2023"
    assert ax.get_xlabel().startswith("in the year to 2024\nin each cell: accounts, and their net revenue (EUR) now")
    assert "1 of 4 kept their tier, 1 no longer order, 1 did not order before" in describe(ax)


def test_the_bridge_goes_from_one_total_to_the_other(result):
    ax = plot_revenue_bridge(result)
    assert _title(ax) == "Net revenue fell by €35.00 to €925.00"
    bars = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in ax.patches]
    # 960; +55 new, +150 moved up, +40 grew, −220 moved down, −60 lost; 925
    assert bars == [(0, 960), (960, 1015), (1015, 1165), (1165, 1205), (985, 1205), (925, 985), (0, 925)]
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        "to 2023", "new accounts", "moved up", "same tier, grew", "moved down", "lost accounts", "to 2024",
    ]  # fmt: skip
    assert _texts(ax) == [
        "960", "+55 · 1 account", "+150 · 1 account", "+40 · 1 account", "-220 · 1 account", "-60 · 1 account", "925",
    ]  # fmt: skip
    colors = [bar.get_facecolor() for bar in ax.patches]
    assert colors[1] == colors[2] == colors[3] and colors[4] == colors[5] != colors[1] and colors[0] == colors[-1]
    assert "Waterfall from €960.00 to €925.00: new accounts +55 · 1 account" in describe(ax)
    assert ax.get_xlabel() == "net revenue (EUR)\neach total is of 1 year"


@pytest.mark.parametrize("plot", [plot_tier_migration, plot_revenue_bridge])
@pytest.mark.parametrize(("scale", "language"), [(1.0, "en"), (1e6, "en"), (1e-3, "ko"), (1234.5, "ja"), (1.0, "zh")])
def test_all_texts_stand_inside_and_apart(plot, scale, language):
    ax = plot(migrate(scale=scale, language=language))
    boxes, figure = _boxes(ax)
    for box in boxes:
        assert box.x0 >= -1 and box.y0 >= -1 and box.x1 <= figure.width + 1 and box.y1 <= figure.height + 1
    for i, one in enumerate(boxes):
        assert not any(one.overlaps(other) for other in boxes[i + 1 :])


def test_money_below_zero_is_drawn_to_the_left_of_zero():
    rows = [("big", 0, 1, 100.0), ("big", 1, 1, 60.0), ("notes", 1, 0, -90.0)]
    ax = plot_revenue_bridge(migrate(rows))
    assert [bar.get_x() for bar in ax.patches] == [0, 60, -30, -30] and ax.get_xlim()[0] < -30
    assert _title(ax) == "Net revenue fell by €130.00 to -€30.00"


def test_all_movements_fit_and_given_axes_are_used(result):
    bridge = result.bridge.assign(value_change=np.array([5, 4, 3, 2, -2, -3, -4, 1]) * 1e3)
    full = replace(result, bridge=bridge, total_before=5e4, total_after=5.6e4)
    boxes, _ = _boxes(plot_revenue_bridge(full))
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[i + 1 :])
    with style.applied():
        ax = style.take_axes(None, height=5)
    assert plot_tier_migration(result, ax=ax) is ax
