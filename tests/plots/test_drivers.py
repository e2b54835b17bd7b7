from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from kam.plots import describe, plot_drivers, plot_importance_performance, style
from kam.results import Context
from kam.survey import collect_responses
from kam.survey.drivers import drivers
from tests.plots.chains import texts_of, title_of

LONG = [
    "Deliveries arrive on the promised day and at the promised hour of that day.", "Prices are fair.",
    "Our account manager knows our business, our plans and the people who decide.", "약속한 날짜에 납품됩니다.",
    "The range covers what we need.", "Complaints are settled quickly and without asking twice for the same papers.",
    "<script>alert(1)</script>", "Ordering is easy.", "We are told in time when something changes in a delivery.",
    "包装能很好地保护产品。",
]  # fmt: skip


def analyze(texts, seed=1, language="en"):
    rng = np.random.default_rng(seed)
    names = [f"i{k}" for k in range(len(texts))]
    base = rng.normal(3.6, 0.8, 250)
    answers = {name: np.clip(np.rint(base + rng.normal(-k % 3 * 0.2, 0.8, 250)), 1, 5) for k, name in enumerate(names)}
    slopes = np.linspace(1, 0.2, len(texts)) / np.linspace(1, 0.2, len(texts)).sum()
    judged = np.clip(np.rint(np.column_stack(list(answers.values())) @ slopes + rng.normal(0, 0.3, 250)), 1, 5)
    frame = pd.DataFrame({"respondent_id": range(250), **answers, "overall": judged})
    items = pd.DataFrame({"item": names, "text": texts})
    context = Context(dataset="test", language=language)
    return drivers(collect_responses(frame, items=items, context=context), n_resamples=100)


@pytest.fixture(scope="module")
def result():
    return analyze(LONG)


@pytest.fixture(scope="module")
def ax(result):
    return plot_drivers(result)


@pytest.fixture(scope="module")
def map_ax(result):
    return plot_importance_performance(result)


def boxes_of(ax):
    figure = ax.get_figure()
    figure.draw_without_rendering()
    return [text.get_window_extent() for text in ax.texts if text.get_text()], ax.get_tightbbox()


def apart(boxes):
    return all(
        min(a.x1, b.x1) - max(a.x0, b.x0) < 2 or min(a.y1, b.y1) - max(a.y0, b.y0) < 2
        for i, a in enumerate(boxes)
        for b in boxes[:i]
    )


def test_points_and_lines_are_the_shares(result, ax):
    dots = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(dots, result.items["share_importance"])
    assert dots == sorted(dots, reverse=True)
    spans = [line.get_xdata() for line in ax.lines if len(line.get_xdata()) == 2 and line.get_linestyle() == "-"]
    np.testing.assert_allclose(spans, result.items[["importance_low", "importance_high"]])
    dashed = next(line for line in ax.lines if line.get_linestyle() == "--")
    assert dashed.get_xdata()[0] == result.cut_share


def test_the_texts_are_there_and_stand_apart(result, ax):
    labels = [label.get_text().replace("\n", " ") for label in ax.get_yticklabels()]
    for label, text in zip(labels, result.items["question"], strict=True):
        assert text.startswith(label.rstrip("…")[:25])
    assert apart([label.get_window_extent() for label in ax.get_yticklabels()])
    means = [f"{mean:.2f}" for mean in result.items["mean_answer"]]
    assert set(means) <= set(texts_of(ax)) and {"share", "mean"} <= set(texts_of(ax))
    assert apart(boxes_of(ax)[0])
    assert f"{100 * result.items['share_importance'][0]:.1f}%" in describe(ax)


def test_the_title_says_how_sure_the_first_is(result, ax):
    sure = result.share_first_held >= 0.8
    assert ("more than any other" in title_of(ax)) == sure != ("not surely" in title_of(ax))


def test_marks_of_the_map_are_hollow_where_not_sure(result, map_ax):
    marks = [line for line in map_ax.lines if line.get_marker() == "o"]
    assert len(marks) == len(result.quadrants) == 10
    for mark, row in zip(marks, result.quadrants.to_dict("records"), strict=True):
        assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (row["share_importance"], row["mean_answer"])
        assert (to_hex(mark.get_markerfacecolor()) == "#ffffff") == (not row["is_called"])
        if row["quadrant"] == "improve first":
            assert to_hex(mark.get_color()) == style.WARN
    assert {True, False} == set(result.quadrants["is_called"]), "both kinds are drawn"


def test_labels_of_the_map_do_not_cover_each_other(result, map_ax):
    boxes, whole = boxes_of(map_ax)
    assert len(boxes) == 10 + 4
    assert apart(boxes)
    window = map_ax.get_window_extent()
    assert all(box.x0 > window.x0 - 3 and box.x1 < window.x1 + 3 for box in boxes)
    for name in ("improve first", "keep up", "low priority", "possible overkill"):
        assert name in texts_of(map_ax)
    for row in result.quadrants.to_dict("records"):
        shown = next(t.replace("\n", " ") for t in texts_of(map_ax) if t.startswith(row["question"][:8]))
        assert (f"({row['p_quadrant']:.0%})" in shown) == (not row["is_called"])
    assert describe(map_ax).count("% of resamples") == 10 and whole is not None


def test_cut_lines_are_the_means(result, map_ax):
    lines = [line for line in map_ax.lines if line.get_marker() != "o"]
    assert [lines[0].get_xdata()[0], lines[1].get_ydata()[0]] == [result.cut_share, result.cut_mean]


def test_few_and_many_items(result):
    few = analyze(["Deliveries", "Prices"], seed=2)
    assert len(plot_drivers(few).get_yticklabels()) == 2
    plot_importance_performance(few)
    many = replace(result, items=pd.concat([result.items, result.items.head(8)], ignore_index=True))
    ax = plot_drivers(many)
    assert len(ax.get_yticklabels()) == 16
    assert "2 more are not drawn" in ax.get_xlabel()
