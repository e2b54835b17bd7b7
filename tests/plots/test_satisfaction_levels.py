from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from kam.errors import ParameterError
from kam.plots import describe, plot_satisfaction_levels
from kam.plots.satisfaction_levels import COLORS
from kam.results import Context
from kam.survey import collect_responses, estimate

LONG = "Our account manager answers questions about deliveries, invoices and complaints within the promised working day, always."


def answered(n=60, language="en", few=0):
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"respondent_id": range(2 * n), "wave": ["2023"] * n + ["2024"] * n})
    frame["overall"] = rng.integers(1, 6, 2 * n)
    names = [f"item {i}" for i in range(10)]
    for i, name in enumerate(names):
        frame[name] = np.minimum(rng.integers(1, 6, 2 * n) + (i > 6), 5)
    frame.loc[frame.index[6:], "item 9"] = np.nan  # too few in 2023, nobody in 2024
    frame.loc[frame.index[2 * n - few :], "item 9"] = 4
    frame["repurchase"] = rng.integers(1, 6, 2 * n)
    texts = [LONG, "品質に満足しています。", "가격이 적정합니다.", "交货准时。", *names[4:]]
    items = pd.DataFrame({"item": names, "text": texts})
    return collect_responses(frame, items=items, context=Context(language=language))


@pytest.fixture(scope="module")
def result():
    return estimate(answered())


@pytest.fixture(scope="module")
def no_opinion():
    return estimate(replace(answered(), declared_level_3="no_opinion"))


def parts(ax, place):
    """Colors and (left, width) of the parts of a bar, from left to right."""
    found = [p for p in ax.patches if isinstance(p, Rectangle) and abs(p.get_y() + 0.36 - place) < 1e-9]
    found.sort(key=lambda p: p.get_x())
    return [to_hex(p.get_facecolor()) for p in found], [(p.get_x(), p.get_width()) for p in found]


def test_bars_are_the_levels_around_the_middle_and_sorted_by_mean(result):
    ax = plot_satisfaction_levels(result)
    asked = result.questions.query("wave == '2024' and n_answered > 0 and item not in ('recommend', 'repurchase')")
    order = asked.sort_values(["mean", "item"], ascending=[False, True])["item"].tolist()
    assert len(ax.get_yticks()) == len(order) == 10
    for place, item in enumerate(order):
        levels = result.levels.query("wave == '2024'")
        levels = levels.loc[levels["item"] == item, "estimate"].tolist()
        colors, places = parts(ax, place)
        assert colors == list(COLORS)
        assert [width for _, width in places] == pytest.approx(levels)
        assert places[2][0] + places[2][1] / 2 == pytest.approx(0)  # neutral lies across the middle
    means = [t.get_text() for t in ax.texts if t.get_text().startswith(("2.", "3.", "4."))]
    assert means == [f"{m:.2f}" for m in asked.sort_values("mean", ascending=False)["mean"]]


def test_no_opinion_stands_apart_at_the_right(no_opinion):
    ax = plot_satisfaction_levels(no_opinion)
    colors, places = parts(ax, 0)
    assert colors == [COLORS[k] for k in (0, 1, 3, 4, 2)]
    assert places[2][0] == pytest.approx(0)  # 4 begins at the middle
    assert places[4][0] > places[3][0] + places[3][1] + 0.05
    assert "3 no opinion" in [t.get_text() for t in ax.texts]


def test_one_bar_per_wave_and_the_title_says_what_the_answer_says(result, no_opinion):
    ax = plot_satisfaction_levels(result, bars="waves")
    assert [label.get_text() for label in ax.get_yticklabels()] == ["2023", "2024"]
    tops = result.find("overall", "top two")["estimate"]
    title = ax.get_title(loc="left").replace("\n", " ")
    assert title == f"{tops[1]:.0%} answer 4 or 5 in wave 2024, after {tops[0]:.0%} in wave 2023"
    tops = no_opinion.find("overall", "top two")["estimate"]
    title = plot_satisfaction_levels(no_opinion, bars="waves").get_title(loc="left").replace("\n", " ")
    assert title.startswith(f"Of those with an opinion, {tops[1]:.0%} answer 4 or 5 in wave 2024")


def test_what_has_too_few_answers_is_named_without_a_bar():
    ax = plot_satisfaction_levels(estimate(answered(few=4)))
    assert ax.get_yticklabels()[-1].get_text() == "item 9"
    assert "  fewer than 10 answers" in [t.get_text() for t in ax.texts] and parts(ax, 10) == ([], [])
    assert "item 9: fewer than 10 answers" in describe(ax)


@pytest.mark.parametrize("level_3", ["neutral", "no_opinion"])
def test_texts_do_not_overlap(level_3):
    """Ten items with long names; labels, key and numbers stand apart."""
    ax = plot_satisfaction_levels(estimate(replace(answered(), declared_level_3=level_3)))
    figure = ax.get_figure()
    figure.draw_without_rendering()
    texts = [t for t in [*ax.texts, *ax.get_yticklabels()] if t.get_text()]
    boxes = [t.get_window_extent() for t in texts]
    for i, box in enumerate(boxes):
        for j in range(i):
            apart = box.shrunk(0.98, 0.8).overlaps(boxes[j].shrunk(0.98, 0.8))
            assert not apart, (texts[i].get_text(), texts[j].get_text())
    assert all(box.x0 >= 0 and box.x1 <= figure.bbox.width for box in boxes)


@pytest.mark.parametrize("language", ["zh", "ko", "ja"])
def test_other_languages_draw(language):
    assert describe(plot_satisfaction_levels(estimate(answered(language=language))))


def test_bad_input(result):
    with pytest.raises(ParameterError, match="bars is 'items'"):
        plot_satisfaction_levels(result, bars="items")
    scores = estimate(collect_responses(pd.DataFrame({"respondent_id": range(20), "recommend": 9})))
    with pytest.raises(ParameterError, match="no five levels"):
        plot_satisfaction_levels(scores)
