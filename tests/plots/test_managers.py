import dataclasses
import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from kam.errors import UndefinedMeasureError
from kam.identify import ManagerEffectResult, staffing
from kam.identify.manager_model import funnel_limits
from kam.plots import describe, plot_manager_funnel, plot_manager_load, to_png
from tests.plots.conftest import CONTEXT, NAMES


def _title(ax):
    return ax.get_title(loc="left").replace("\n", " ")


@pytest.fixture(scope="module")
def load():
    """Thirteen managers with names to be careful with; the first holds 13 key accounts, the next 12, and so on."""
    held = [name for i, name in enumerate(NAMES) for _ in range(13 - i)]
    accounts = pd.DataFrame({"customer_id": [f"c{i:03}" for i in range(len(held))], "manager": held})
    return staffing(accounts, accounts[["customer_id"]], context=CONTEXT)


def effect(outcome="churn", out=(0, 1), n=10):
    """A result with the fields that the figure reads: ten managers with long names, some beyond the limits."""
    size = np.linspace(2.0, 30.0, n)
    raw = np.full(n, 1.0 if outcome == "churn" else 0.0)
    raw[list(out)] += 3.0
    grid = np.geomspace(1.0, 32.0, 30)
    funnel = []
    for level in (0.95, 0.998):
        low, high = funnel_limits(outcome, grid, 4.0, level)
        funnel.append(pd.DataFrame({"funnel_size": grid, "limit_level": level, "ci_low": low, "ci_high": high}))
    managers = pd.DataFrame(
        {
            "manager": [f"{NAMES[i % len(NAMES)]} {i}" for i in range(n)],
            "funnel_size": size,
            "unshrunken": raw,
            "is_ranked": True,
            "stands_out": [i in out for i in range(n)],
        }
    )
    blank = dict.fromkeys((field.name for field in dataclasses.fields(ManagerEffectResult)), 0.0)
    facts = {"context": CONTEXT, "checks": (), "assumed": (), "managers": managers, "funnel": pd.concat(funnel)}
    counts = {"outcome": outcome, "n_ranked": n, "n_stand_out": len(out), "min_accounts": 5}
    return ManagerEffectResult(**{**blank, **facts, **counts})


def test_load_colors_who_carries_more_than_one_can(load):
    ax = plot_manager_load(load)
    assert _title(ax) == "4 of 13 managers carry more than one can"
    assert [bar.get_width() for bar in ax.patches[:13]] == list(range(13, 0, -1))
    colors = [bar.get_facecolor() for bar in ax.patches[:13]]
    assert len(set(colors[:4])) == len(set(colors[4:])) == 1
    assert colors[0] != colors[4]
    assert ax.lines[-1].get_xdata()[0] == 9
    assert "Harrington Wholesale 13" in describe(ax)


@pytest.mark.parametrize("outcome", ["churn", "margin"])
def test_funnel_names_who_stands_out(outcome):
    result = effect(outcome)
    ax = plot_manager_funnel(result)
    assert _title(ax) == "2 of 10 managers stand out beyond chance"
    inside, outside = (group.get_offsets() for group in ax.collections)
    np.testing.assert_allclose(np.vstack([outside, inside]), result.managers[["funnel_size", "unshrunken"]])
    assert {text.get_text() for text in ax.texts} == {"Harrington Wholesale 0", "한빛포장 유통 1"}


def test_funnel_without_anyone_beyond_chance():
    ax = plot_manager_funnel(effect(out=()))
    assert _title(ax) == "No manager stands out beyond chance"
    assert "all lie within the inner limits" in describe(ax)
    assert not ax.texts


@pytest.mark.parametrize("outcome", ["churn", "margin"])
def test_everything_lies_inside_and_no_two_names_overlap(load, outcome):
    for ax in (plot_manager_funnel(effect(outcome, out=tuple(range(10)))), plot_manager_load(load)):
        figure = ax.figure
        figure.draw_without_rendering()
        inside = figure.get_tightbbox()
        width, height = figure.get_size_inches()
        assert min(inside.x0, inside.y0) >= -0.01
        assert inside.x1 <= width + 0.01
        assert inside.y1 <= height + 0.01
        boxes = sorted((Text.get_window_extent(text) for text in ax.texts), key=lambda box: box.y0)
        assert all(above.y0 >= below.y1 - 2.5 for below, above in itertools.pairwise(boxes))
    assert to_png(ax)[:4] == b"\x89PNG"


def test_nothing_to_draw_is_an_error(load):
    with pytest.raises(UndefinedMeasureError, match="no load"):
        plot_manager_load(dataclasses.replace(load, managers=load.managers.head(0)))
    few = effect()
    with pytest.raises(UndefinedMeasureError, match="5 accounts"):
        plot_manager_funnel(dataclasses.replace(few, managers=few.managers.assign(is_ranked=False)))
