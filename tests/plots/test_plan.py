import dataclasses

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from kam.identify import compare_plan, price_volume_mix
from kam.ledger import open_ledger
from kam.plots import describe, plot_plan, plot_price_volume_mix, style, to_png
from kam.results import Context
from tests.plots.conftest import CONTEXT, NAMES

YEARS = pd.to_datetime(["2023-01-01", "2024-01-01"])


@pytest.fixture(scope="module")
def plan():
    """Twenty accounts: k00 to k09 lack 1,000 to 100, k10 is on target, k11 to k19 have 100 to 900 more."""
    customers = [f"k{i:02d}" for i in range(20)]
    sold = [2000.0 - 1000 + 100 * i for i in range(20)]
    lines = pd.DataFrame({"customer_id": customers, "order_date": ["2023-01-02"] + ["2023-12-31"] * 19, "amount": sold})
    aims = pd.DataFrame({"customer_id": customers, "period": YEARS[0], "freq": "year", "revenue_target": 2000.0})
    file = pd.DataFrame({"customer_id": customers[: len(NAMES)], "name": NAMES})
    return compare_plan(open_ledger(lines, as_of="2023-12-31"), aims, accounts=file, context=CONTEXT)


def mix(*rows):
    frame = pd.DataFrame(rows, columns=["customer_id", "year", "group", "revenue", "quantity"])
    return frame.assign(period=YEARS[frame.pop("year").to_numpy()])


@pytest.fixture(scope="module")
def bridge():
    rows = [
        ("a", 0, "tape", 100.0, 10),
        ("a", 1, "tape", 132.0, 12),
        ("a", 0, "film", 200.0, 10),
        ("a", 1, "film", 360.0, 18),
    ]
    rows += [("a", 0, "glue", 40.0, 1), ("new", 1, "tape", 70.0, 7), ("lost", 0, "tape", 90.0, 9)]
    return price_volume_mix(mix(*rows), context=CONTEXT)


def title(ax):
    return ax.get_title(loc="left").replace("\n", " ")


def inside(ax):
    figure = ax.figure
    figure.draw_without_rendering()
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    return box.x0 >= -0.01 and box.y0 >= -0.01 and box.x1 <= width + 0.01 and box.y1 <= height + 0.01


def test_plan_shows_those_furthest_behind_and_ahead(plan):
    ax = plot_plan(plan)
    assert [bar.get_width() for bar in ax.patches] == [
        1000,
        1100,
        1200,
        1300,
        1400,
        1500,
        2400,
        2500,
        2600,
        2700,
        2800,
        2900,
    ]
    colors = [mpl.colors.to_hex(bar.get_facecolor()) for bar in ax.patches]
    assert colors == 6 * [style.WARN] + 6 * [style.ACCENT]
    strokes = ax.collections[0].get_segments()
    assert {x for stroke in strokes for x, _ in stroke} == {2000.0} and len(strokes) == 12
    assert [text.get_text() for text in ax.texts] == [
        "-1,000", "-900", "-800", "-700", "-600", "-500", "+400", "+500", "+600", "+700", "+800", "+900",
    ]  # fmt: skip
    assert title(ax) == "10 of 20 accounts are behind their target: 98% of the whole reached"
    assert ax.get_ylim()[0] > ax.get_ylim()[1], "the furthest behind is on top"
    assert "Harrington Wholesale €1,000 of €2,000" in describe(ax)
    assert inside(ax)


def test_plan_goes_by_names_that_can_be_drawn(plan):
    labels = [label.get_text() for label in plot_plan(plan).get_yticklabels()]
    assert labels[:6] == [
        "Harrington Wholesale", "한빛포장 유통", "华远礼品商贸", "東和商事", "<script>alert(1)</script>", "_$hop $ale$",
    ]  # fmt: skip
    to_png(plot_plan(plan))


@pytest.mark.parametrize(
    "rows", [slice(0, 3), slice(10, 11), slice(14, 20), slice(9, 12)], ids=["behind", "on", "ahead", "all"]
)
def test_other_plans_are_drawn_inside_the_figure(plan, rows):
    accounts = plan.accounts.iloc[rows].reset_index(drop=True)
    n_reached = int((accounts["target_gap"] >= 0).sum())
    part = dataclasses.replace(
        plan, accounts=accounts, n_accounts=len(accounts), n_reached=n_reached, target=0.0 if n_reached else 1.0
    )
    ax = plot_plan(part)
    assert inside(ax)
    assert ("of the whole reached" in title(ax)) == (not n_reached)


def test_a_negative_revenue_is_drawn_to_the_left_of_zero(plan):
    accounts = plan.accounts.head(2).assign(revenue=[-500.0, 100.0])
    ax = plot_plan(dataclasses.replace(plan, accounts=accounts))
    assert ax.get_xlim()[0] < -500
    assert inside(ax)


def test_bridge_goes_from_one_sum_to_the_next(bridge):
    ax = plot_price_volume_mix(bridge)
    spans = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in ax.patches]
    expected = [(0, 430), (430, 442), (442, 592), (592, 622), (582, 622), (582, 652), (562, 652), (0, 562)]
    np.testing.assert_allclose(spans, expected)
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        "year from January 2023", "price", "volume", "mix", "products that the account no\nlonger bought",
        "accounts without an order the\nyear before", "lost accounts",
        "year from January 2024",
    ]  # fmt: skip
    texts = [text.get_text() for text in ax.texts]
    assert texts[0] == "430" and texts[2] == "+150 · 1 account" and texts[-2:] == ["-90 · 1 account", "562"]
    colors = [mpl.colors.to_hex(bar.get_facecolor()) for bar in ax.patches]
    assert colors == [style.GREY, *3 * [style.ACCENT], style.WARN, style.ACCENT, style.WARN, style.GREY]
    assert title(ax) == "Revenue went from €430.00 to €562.00 (+€132.00)"
    assert "lost accounts -90 · 1 account" in describe(ax)
    assert "not at 0" not in ax.get_xlabel()
    assert inside(ax)


def test_small_parts_of_large_sums_are_seen_and_the_cut_is_said():
    result = price_volume_mix(mix(("a", 0, "tape", 1e6, 1000), ("a", 1, "tape", 1.03e6, 1010)), context=CONTEXT)
    ax = plot_price_volume_mix(result)
    assert ax.get_xlim()[0] > 900_000
    assert "the axis begins at €980K, not at 0" in ax.get_xlabel()
    assert inside(ax)


@pytest.mark.parametrize(
    "cells", [(100.0, 100.0), (100.0, -50.0), (-50.0, 100.0), (-50.0, -60.0), (1e9, 2e9)],
    ids=["nothing changed", "to below zero", "from below zero", "below zero", "large"],
)  # fmt: skip
def test_unusual_bridges_are_drawn_inside_the_figure(cells):
    result = price_volume_mix(mix(*[("a", i, "tape", x, 10) for i, x in enumerate(cells)]), context=CONTEXT)
    assert inside(plot_price_volume_mix(result))


def test_figures_of_other_languages(plan, bridge):
    for language in ("zh", "ko", "ja"):
        context = Context(currency="JPY", language=language)
        assert to_png(plot_plan(dataclasses.replace(plan, context=context))).startswith(b"\x89PNG")
        assert to_png(plot_price_volume_mix(dataclasses.replace(bridge, context=context))).startswith(b"\x89PNG")


def test_given_axes_are_used_and_nothing_given_is_changed(plan, bridge):
    before = [{name: frame.copy() for name, frame in result.tables().items()} for result in (plan, bridge)]
    _, (left, right) = plt.subplots(1, 2, layout="constrained")
    assert plot_plan(plan, ax=left) is left
    assert plot_price_volume_mix(bridge, ax=right) is right
    assert len(plt.get_fignums()) == 1
    for result, frames in zip((plan, bridge), before, strict=True):
        for name, frame in result.tables().items():
            pd.testing.assert_frame_equal(frame, frames[name])
