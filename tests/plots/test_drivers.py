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


def marks_of(ax, kind):
    return [line for line in ax.lines if str(line.get_label()).startswith(f"{kind} ")]


def centers_of(ax, kind):
    ax.get_figure().draw_without_rendering()
    return np.array([line.get_transform().transform(line.get_xydata())[0] for line in marks_of(ax, kind)])


def test_marks_of_the_map_are_hollow_where_not_sure(result, map_ax):
    marks, keys = marks_of(map_ax, "item"), marks_of(map_ax, "key")
    assert len(marks) == len(keys) == len(result.quadrants) == 10
    for mark, key, row in zip(marks, keys, result.quadrants.to_dict("records"), strict=True):
        assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (row["share_importance"], row["mean_answer"])
        assert (to_hex(mark.get_markerfacecolor()) == "#ffffff") == (not row["is_called"])
        assert mark.get_markerfacecolor() == key.get_markerfacecolor() and mark.get_color() == key.get_color()
        if row["quadrant"] == "look at first":
            assert to_hex(mark.get_color()) == style.WARN
    assert {True, False} == set(result.quadrants["is_called"]), "both kinds are drawn"


def test_each_point_of_the_map_has_its_number_and_key(result, map_ax):
    shown = texts_of(map_ax)
    for rank, row in enumerate(result.quadrants.to_dict("records"), start=1):
        assert shown.count(str(rank)) == 2, "in the map and in the key"
        entry = next(text for text in map_ax.texts if text.get_text().startswith(row["question"][:8]))
        assert entry.get_text().endswith(f" ({row['p_quadrant']:.0%})")
        assert to_hex(entry.get_color()) == to_hex(marks_of(map_ax, "item")[rank - 1].get_color())
        height = entry.get_window_extent().get_points().mean(axis=0)[1]
        assert abs(height - centers_of(map_ax, "key")[rank - 1][1]) < 5, "beside its mark"
        assert row["question"] in describe(map_ax)
    for name in ("look at first", "keep up", "low priority", "possible overkill"):
        assert name in shown
    assert describe(map_ax).count("% of resamples") == 10


def stands_apart(ax):
    boxes, _ = boxes_of(ax)
    assert apart([*boxes, ax.xaxis.label.get_window_extent(), ax.yaxis.label.get_window_extent()])
    picture = ax.get_figure().bbox
    assert all(box.x0 >= 0 and box.x1 <= picture.x1 and box.y0 >= 0 for box in boxes)
    marks = centers_of(ax, "item") * 72 / ax.get_figure().dpi
    between = np.hypot(*(marks[:, None] - marks[None]).transpose(2, 0, 1)) + 99 * np.eye(len(marks))
    assert between.min() > 18, "points: marks do not touch"


def test_texts_and_marks_of_the_map_stand_apart(map_ax):
    stands_apart(map_ax)


def test_a_crowd_of_points_is_told_apart_and_small_differences_look_small(result):
    rows = result.quadrants.loc[[*range(10), *range(4)]].reset_index(drop=True)
    rng = np.random.default_rng(3)
    rows["share_importance"] = np.append(0.2, 0.8 / 13 + np.sort(rng.normal(0, 0.003, 13))[::-1])
    rows["mean_answer"] = 3.7 + rng.normal(0, 0.01, 14)
    means = rows[["share_importance", "mean_answer"]].mean()
    crowd = replace(result, quadrants=rows, cut_share=means.iloc[0], cut_mean=means.iloc[1])
    ax = plot_importance_performance(crowd)
    stands_apart(ax)
    low, high = ax.get_ylim()
    assert high - low >= 0.5 - 1e-9 and ax.get_ylabel() == "mean answer (1 to 5)"
    places, dots = ax.transData.transform(rows[["share_importance", "mean_answer"]]), centers_of(ax, "place")
    moved = np.hypot(*(centers_of(ax, "item") - places).T) > 1
    assert moved.sum() == len(dots) > 5
    np.testing.assert_allclose(dots, places[moved])
    lines = [text for text in ax.texts if not text.get_text() and text.arrow_patch is not None]
    assert len(lines) == len(dots), "a line ties each moved mark to its place"


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
