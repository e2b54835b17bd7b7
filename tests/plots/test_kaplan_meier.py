import numpy as np
import pandas as pd
import pytest

from kam.churn import fit_survival
from kam.plots import describe, plot_kaplan_meier, style

NAMES = ("Korea", "한빛포장 유통", "$5 & <b>", "a", "b")


def accounts_of(hazards, n=80):
    rng = np.random.default_rng(2)
    frames = []
    for name, hazard in hazards.items():
        time = rng.geometric(hazard, n)
        end = rng.integers(10, 30, n)
        frames.append(pd.DataFrame({"kind": name, "duration": np.minimum(time, end), "is_lost": time <= end}))
    return pd.concat(frames, ignore_index=True)


@pytest.fixture(scope="module")
def two():
    return fit_survival(accounts_of({"east": 0.15, "west": 0.02}), group="kind")


def title_of(ax):
    return ax.get_title(loc="left").replace("\n", " ")


def test_steps_and_bands_are_the_curves(two):
    ax = plot_kaplan_meier(two)
    steps = [line for line in ax.lines if line.get_drawstyle() == "steps-post"]
    curves = {name: curve for name, curve in two.curves.groupby("segment") if name != "all"}
    assert len(steps) == len(ax.collections) == 2
    for line, name in zip(steps, ("east", "west"), strict=True):  # the one that ends lowest first
        np.testing.assert_array_equal(line.get_xdata()[:-1], curves[name]["tenure"])
        np.testing.assert_array_equal(line.get_ydata()[:-1], curves[name]["survival"])
    assert [line.get_color() for line in steps] == [style.WARN, style.ACCENT]


def test_labels_numbers_at_risk_and_title(two):
    ax = plot_kaplan_meier(two)
    texts = [text.get_text() for text in ax.texts]
    ends = {name: curve["survival"].iloc[-1] for name, curve in two.curves.groupby("segment")}
    assert f"east {100 * ends['east']:.0f}%" in texts and f"west {100 * ends['west']:.0f}%" in texts
    assert texts.count("80") == 2, "80 of each are followed from the beginning"
    share = two.groups.set_index("segment")["share_left"]
    assert title_of(ax) == (
        f"After {two.horizon} periods {100 * share['west']:.0f}% are left in west, {100 * share['east']:.0f}% in east"
    )
    assert "east: " in describe(ax) and "95% interval" in describe(ax)


def test_a_difference_by_chance_is_no_title():
    result = fit_survival(accounts_of({"east": 0.05, "west": 0.05}), group="kind")
    assert result.log_rank_p > 0.05
    assert "may be chance" in title_of(plot_kaplan_meier(result))


def test_all_accounts_have_one_line():
    result = fit_survival(accounts_of({"east": 0.1}))
    ax = plot_kaplan_meier(result)
    assert title_of(ax) == f"Half of the accounts are lost within {result.median_time:.0f} periods"
    rare = fit_survival(accounts_of({"east": 0.01}))
    assert "of the accounts are still there" in title_of(plot_kaplan_meier(rare))


def test_many_groups_have_two_bands_and_any_name_is_drawn():
    hazards = dict(zip(NAMES, (0.02, 0.05, 0.08, 0.1, 0.2), strict=True))
    ax = plot_kaplan_meier(fit_survival(accounts_of(hazards, n=40), group="kind"))
    assert len([line for line in ax.lines if line.get_drawstyle() == "steps-post"]) == 5
    assert len(ax.collections) == 2
    assert any("$5 & <b>" in text.get_text() for text in ax.texts)
