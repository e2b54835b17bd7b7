import dataclasses
import functools
import re

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from kam.churn.markov import fit_markov_churn
from kam.errors import EmptyDataError, NoAbsorbingStateError
from kam.plots import describe, style, to_png
from kam.plots.markov import plot_flow, plot_survival, plot_transitions
from kam.results import Context
from kam.samples import simulate_chain

EVERY = [plot_transitions, plot_flow, plot_survival]
ABC = ["A", "B", "C", "lost"]
P_ABC = [[0.90, 0.07, 0.01, 0.02], [0.10, 0.78, 0.07, 0.05], [0, 0.14, 0.66, 0.20], [0, 0.02, 0.08, 0.90]]
LONG = [
    "value class A, bought this quarter",
    "value class A, silent",
    "Großkundenbetreuungsvertragspartnerschaft",
    "potential loyalists",
    "need attention",
    "_$hop $ale$ <b>",
    "hibernating",
    "lost",
]
KOREAN = ["대형 고객사", "핵심 거래처", "성장 가능", "신규 고객", "유망 거래처", "주의 필요", "휴면 상태", "이탈"]
CHINESE = ["重点客户", "普通客户", "小客户", "流失"]
JAPANESE = ["大口の取引先", "休眠中の取引先"]


def simulated(names, p, *, n_customers=250, n_months=24, seed=1):
    """A panel of a known chain in which a third of the customers come later and a tenth are no longer seen at the end."""
    transitions = pd.DataFrame(p, index=names, columns=names)
    amounts = {name: float(i == 0) * 100 for i, name in enumerate(names)}
    _, panel = simulate_chain(transitions, amounts, seed=seed, n_customers=n_customers, n_months=n_months)
    panel = panel.rename(columns={"month": "period"})
    number, month = panel["customer_id"].astype(int), panel.groupby("customer_id").cumcount()
    seen = (month >= (number % 3 == 0) * (number % (n_months // 2))) & ~(
        (number % 10 == 1) & (month > number % n_months)
    )
    return panel[seen].reset_index(drop=True)


def ladder(n):
    """Neighbors are reached, the last state is the end of each, the later the more often."""
    p = np.zeros((n, n))
    for i in range(n - 1):
        for j in range(n - 1):
            p[i, j] = 0.08 * (abs(i - j) == 1)
        p[i, -1] = 0.01 + 0.02 * i
    p[-1, -1], p[-1, -2] = 0.9, 0.1
    np.fill_diagonal(p, 0)
    p[-1, -1] = 0.9
    return p + np.diag(1 - p.sum(axis=1))


def fitted(panel, names, *, lost="last", language="en", **settings):
    return fit_markov_churn(
        panel,
        states=names,
        absorbing=names[-1] if lost == "last" else lost,
        n_resamples=40,
        context=Context(dataset="test", currency=None, language=language),
        **settings,
    )


def counts(rows):
    return pd.DataFrame(rows, columns=["from_state", "to_state", "n_transitions"])


def of_counts(rows, names, **settings):
    return fitted(counts(rows), names, **settings)


@pytest.fixture(scope="module")
def panel():
    return simulated(ABC, P_ABC)


@pytest.fixture(scope="module")
def four(panel):
    return fitted(panel, ABC)


@pytest.fixture(scope="module")
def results(four):
    """Two, four and eight states; twelve and 48 months, quarters, years and numbers; with and without a lost state."""
    two = ["active", "lost"]
    quarters = simulated(ABC, P_ABC, n_customers=400, n_months=16, seed=3)
    numbered = quarters.assign(period=quarters["period"].rank(method="dense").astype(int))
    starts = {n + 1: start for n, start in enumerate(pd.date_range("2022-01-01", periods=16, freq="QS"))}
    years = {n + 1: start for n, start in enumerate(pd.date_range("2010-01-01", periods=16, freq="YS"))}
    return {
        "four": four,
        "two": fitted(simulated(two, [[0.95, 0.05], [0.1, 0.9]], n_months=12), two),
        "48 months": fitted(simulated(ABC, P_ABC, n_months=48), ABC),
        "quarters, cyclic": fitted(
            numbered.assign(period=numbered["period"].map(starts)), ABC, chain="cyclic", returns="cut"
        ),
        "years": fitted(numbered.assign(period=numbered["period"].map(years)), ABC, chain="pooled"),
        "numbers": fitted(numbered, ABC),
        "eight": fitted(simulated(LONG, ladder(8), n_months=48, n_customers=500), LONG),
        "no loss": fitted(simulated(ABC[:3], ladder(3)), ABC[:3], lost=None),
        "ko": fitted(simulated(KOREAN, ladder(8), n_months=12, n_customers=500), KOREAN, language="ko"),
        "zh": fitted(simulated(CHINESE, P_ABC), CHINESE, language="zh"),
        "ja": fitted(simulated(JAPANESE, ladder(2)), JAPANESE, language="ja"),
    }


@pytest.fixture(scope="module")
def drawn(results):
    """A figure of a result, by name; drawn once, so do not change it."""
    return functools.cache(lambda name, plot: plot(results[name]))


def _title(ax):
    return ax.get_title(loc="left").replace("\n", " ")


def _texts(ax):
    return [text.get_text().replace("\n", " ") for text in ax.texts]


def _ticks(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def _moves(panel):
    """Where each customer was in one month and in the next; missing: not seen."""
    after = panel.assign(period=panel["period"] - pd.DateOffset(months=1))
    return panel.merge(after, on=["customer_id", "period"], how="outer", suffixes=("", "_next"))


def _columns(ax, n):
    """Height and base of the columns of each color, shape (2, n); NaN as the base of one that is not there."""
    found = []
    for collection in ax.collections:
        if isinstance(collection, mpl.collections.PolyCollection):
            columns = np.array([np.zeros(n), np.full(n, np.nan)])
            for path in collection.get_paths():
                (left, base), (_, end), (right, _) = path.vertices[:3]
                columns[:, round((left + right) / 2)] = end - base, base
            found.append(columns)
    return found


# -- transitions -----------------------------------------------------------------------------------------------------


def test_cells_are_counted_from_the_panel(panel, drawn):
    ax = drawn("four", plot_transitions)
    moves = _moves(panel).dropna()
    table = pd.crosstab(moves["state"], moves["state_next"]).reindex(index=ABC, columns=ABC, fill_value=0).to_numpy()
    p = table / table.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(np.asarray(ax.collections[0].get_array()).reshape(4, 4), p)
    assert table.min() == 0
    shown = iter(_texts(ax))
    for n, share in zip(table.ravel(), p.ravel(), strict=True):
        if n:
            assert next(shown) == f"{100 * share:.1f}%"
            assert next(shown) == f"{n:,}"
        else:
            assert next(shown) == "–"
    assert _ticks(ax.xaxis) == ABC
    assert _ticks(ax.yaxis) == [f"{name}\n{n:,} transitions" for name, n in zip(ABC, table.sum(axis=1), strict=True)]


def test_the_lost_state_is_marked(drawn):
    ax = drawn("four", plot_transitions)
    (frame,) = ax.patches
    assert (frame.get_x(), frame.get_y(), frame.get_width(), frame.get_height()) == (3, 0, 1, 4)
    assert mpl.colors.to_hex(frame.get_edgecolor()) == style.WARN
    assert "lost by the next month" in _texts(ax)
    for axis in (ax.xaxis, ax.yaxis):
        assert [label.get_color() == style.WARN for label in axis.get_ticklabels()] == [False, False, False, True]
    first = plot_transitions(
        of_counts([("lost", "lost", 9), ("A", "A", 9), ("A", "lost", 1)], ["lost", "A"], lost="lost")
    )
    assert (first.patches[0].get_x(), first.patches[0].get_width()) == (0, 1)
    assert not drawn("no loss", plot_transitions).patches


@pytest.mark.parametrize(
    ("rows", "lost", "title"),
    [
        (
            [("A", "A", 98), ("A", "lost", 2), ("C", "C", 76), ("C", "lost", 24), ("lost", "lost", 5)],
            "lost",
            "Of 100 customers in A, 2 are lost by the next period; of 100 in C, 24",
        ),
        (
            [("A", "A", 997), ("A", "lost", 3), ("C", "C", 76), ("C", "lost", 24), ("lost", "lost", 5)],
            "lost",
            "Of 1,000 customers in A, 3 are lost by the next period; of 1,000 in C, 240",
        ),
        (
            [("A", "A", 50), ("A", "C", 50), ("C", "A", 70), ("C", "lost", 30), ("lost", "lost", 5)],
            "lost",
            "Of 100 customers in C, 30 are lost by the next period",
        ),
        (
            [("A", "A", 96), ("A", "lost", 4), ("C", "C", 480), ("C", "lost", 20), ("lost", "lost", 5)],
            "lost",
            "Of 100 customers in any state, 4 are lost by the next period",
        ),
        (
            [("A", "A", 88), ("A", "C", 12), ("C", "C", 45), ("C", "A", 55)],
            None,
            "Of 100 customers in A, 88 are still there in the next period; of 100 in C, 45",
        ),
    ],
    ids=["least and most", "a few of a thousand", "from one state only", "alike", "no lost state"],
)
def test_titles_say_who_is_lost(rows, lost, title):
    names = list(dict.fromkeys(row[0] for row in rows))
    assert _title(plot_transitions(of_counts(rows, names, lost=lost))) == title


def test_shares_are_0_or_100_only_where_they_are():
    rows = [("A", "A", 99_999), ("A", "lost", 1), ("lost", "lost", 123_456)]
    ax = plot_transitions(of_counts(rows, ["A", "lost"]))
    assert _texts(ax)[:-1] == [">99.9%", "100K", "<0.1%", "1", "–", "100%", "123K"]
    assert _title(ax) == "Of 10,000 customers in A, 0 are lost by the next period"


def test_a_chain_in_use_that_is_another_is_named(results, drawn):
    ax, other = (drawn(name, plot_transitions) for name in ("quarters, cyclic", "four"))
    for words in ("all seasons together; the chain in use differs by season", "lost is the end: returns do not count"):
        assert words in ax.get_xlabel().replace("\n", " ")
        assert words[1:] in describe(ax)
        assert words not in other.get_xlabel().replace("\n", " ")
    table = results["quarters, cyclic"].transitions
    np.testing.assert_allclose(np.asarray(ax.collections[0].get_array()).ravel(), table["probability"])


def test_long_names_are_broken_turned_and_cut(drawn):
    ax = drawn("eight", plot_transitions)
    labels = ax.get_xticklabels()
    assert {label.get_rotation() for label in labels} == {90}
    assert labels[1].get_text() == "value class A,\nsilent"
    assert labels[2].get_text().startswith("Großkunden")
    assert labels[2].get_text().endswith("…")
    assert [label.get_color() == style.WARN for label in labels] == [False] * 7 + [True]
    upright = drawn("ko", plot_transitions).get_xticklabels()
    assert {label.get_rotation() for label in upright} == {0}
    assert ax.figure.get_figheight() > upright[0].figure.get_figheight()  # what is turned needs room
    assert [label.get_text().split() for label in upright] == [name.split() for name in KOREAN]


# -- flow ------------------------------------------------------------------------------------------------------------


def test_columns_are_counted_from_the_panel(panel, drawn):
    ax = drawn("four", plot_flow)
    periods = sorted(panel["period"].unique())
    base = np.zeros(len(periods))
    for columns, name in zip(_columns(ax, len(periods)), "ABC", strict=True):  # the lost are not in the stack
        size = np.array([((panel["period"] == t) & (panel["state"] == name)).sum() for t in periods])
        np.testing.assert_allclose(columns[0], size)
        np.testing.assert_allclose(columns[1][size > 0], base[size > 0])
        base = base + size
        assert f"{name} {size[-1]}" in _texts(ax)


def test_flows_are_counted_from_the_panel_and_add_up(panel, drawn):
    ax = drawn("four", plot_flow)
    (below,) = ax.child_axes
    moves = _moves(panel)
    place = {t: i for i, t in enumerate(sorted(panel["period"].unique()))}
    n = len(place)
    at = (moves["period"].map(place) + 1).fillna(0).astype(int)  # where they arrive; seen in the first month: 0
    was, now = moves["state"], moves["state_next"]
    kinds = {
        "came back": was.eq("lost") & now.isin(["A", "B", "C"]),
        "came": was.isna() & now.isin(["A", "B", "C"]) & (at > 0),
        "lost": was.isin(["A", "B", "C"]) & now.eq("lost"),
        "no longer seen": was.isin(["A", "B", "C"]) & now.isna() & (at < n),
    }
    expected = {name: np.bincount(at[which], minlength=n) for name, which in kinds.items()}
    flows = _columns(below, n)
    for (name, size), columns in zip(expected.items(), flows, strict=True):
        assert size.sum() > 0
        np.testing.assert_allclose(columns[0], size if name.startswith("came") else -size)
        assert f"{size.sum()} {name}" in _texts(below)
    total = sum(columns[0] for columns in _columns(ax, n))
    np.testing.assert_allclose(np.diff(total), sum(columns[0] for columns in flows)[1:])
    assert _title(ax) == (
        f"Customers went from {total[0]:.0f} in January 2024 to {total[-1]:.0f} in December 2025: "
        f"{expected['came'].sum()} came, {expected['came back'].sum()} came back, {expected['lost'].sum()} were lost and "
        f"{expected['no longer seen'].sum()} were no longer seen"
    )
    most = expected["lost"].argmax()
    assert f"most were lost in {sorted(place)[most]:%B %Y}: {expected['lost'][most]}." in describe(ax)


def test_flows_stand_on_one_another(drawn):
    (below,) = drawn("four", plot_flow).child_axes
    back, came, lost, gone = _columns(below, 24)
    for one, second in ((back, came), (lost, gone)):
        np.testing.assert_array_equal(one[1][one[0] != 0], 0)
        np.testing.assert_allclose(second[1][second[0] != 0], one[0][second[0] != 0])
    low, high = below.get_ylim()
    assert low < (lost[0] + gone[0]).min() and high > (back[0] + came[0]).max()
    assert all("-" not in text and "−" not in text for text in _ticks(below.yaxis))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("two", ["Jan 2025", "Apr 2025", "Jul 2025", "Oct 2025"]),
        ("48 months", ["2022", "2023", "2024", "2025"]),
        ("quarters, cyclic", ["2022", "2023", "2024", "2025"]),
        ("years", [str(year) for year in range(2010, 2026, 2)]),
        ("numbers", [str(number) for number in range(2, 17, 2)]),
        ("zh", ["2024年1月", "2024年7月", "2025年1月", "2025年7月"]),
    ],
)
def test_periods_are_labelled(results, drawn, name, shown):
    result = results[name]
    ax = drawn(name, plot_flow)
    assert _ticks(ax.xaxis) == shown
    periods = sorted(result.mix["period"].unique())
    assert result.freq in ax.child_axes[0].get_ylabel()
    for tick, text in zip(ax.get_xticks(), shown, strict=True):
        assert str(getattr(periods[int(tick)], "year", periods[int(tick)])) in text
    assert ("numbered periods" in ax.get_xlabel()) == (name == "numbers")


def test_without_loss_the_title_says_what_grew(results, drawn):
    result = results["no loss"]
    ax = drawn("no loss", plot_flow)
    mix = result.mix.pivot(index="period", columns="state", values="n_customers")
    share = mix.div(mix.sum(axis=1), axis=0)
    most = (share.iloc[-1] - share.iloc[0]).abs().idxmax()
    assert len(_columns(ax, 24)) == 3
    assert _title(ax) == (
        f"{100 * share[most].iloc[-1]:.0f}% of customers are in {most} in December 2025, "
        f"after {100 * share[most].iloc[0]:.0f}% in January 2024"
    )
    assert [text.split(" ", 1)[1] for text in _texts(ax.child_axes[0])] == ["no longer seen", "came"]


def test_without_any_flow_there_is_a_stack_only():
    rows = [(f"C{i}", t, "A" if (i + t) % 3 else "B") for i in range(12) for t in range(1, 7)]
    ax = plot_flow(fitted(pd.DataFrame(rows, columns=["customer_id", "period", "state"]), ["A", "B"], lost=None))
    assert not ax.child_axes
    assert ax.get_ylim()[0] == 0


def test_counts_without_beginnings_and_ends_do_not_add_up_and_say_so():
    rows = [
        (t, was, now, 10 + 3 * t)
        for t in range(1, 6)
        for was, now in (("A", "A"), ("A", "lost"), ("lost", "A"), ("lost", "lost"))
    ]
    result = fitted(pd.DataFrame(rows, columns=["period", "from_state", "to_state", "n_transitions"]), ["A", "lost"])
    ax = plot_flow(result)
    assert "do not add up" in ax.get_xlabel()
    back, lost = _columns(ax.child_axes[0], 6)
    assert back[0].tolist() == [0, 13, 16, 19, 22, 25]
    assert lost[0].tolist() == [0, -13, -16, -19, -22, -25]


def test_one_period_does_not_flow():
    with pytest.raises(EmptyDataError, match="one period"):
        plot_flow(of_counts([("A", "A", 98), ("A", "lost", 2), ("lost", "lost", 5)], ["A", "lost"]))


# -- survival --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["four", "quarters, cyclic", "two", "eight"])
def test_lines_and_bands_are_the_survival(results, drawn, name):
    result = results[name]
    ax = drawn(name, plot_survival)
    curves = dict(list(result.survival.groupby("state", sort=False)))
    lines = [line for line in ax.lines if line.get_linestyle() == "-" and len(line.get_xdata()) > 2]
    assert len(lines) == len(ax.collections) == len(curves) == len(result.names) - 1
    by_end = sorted(curves.values(), key=lambda curve: curve["probability"].iloc[-1])
    for line, band, curve in zip(lines, ax.collections, by_end, strict=True):
        np.testing.assert_array_equal(line.get_xdata(), curve["n_ahead"])
        np.testing.assert_array_equal(line.get_ydata(), curve["probability"])
        vertices = band.get_paths()[0].vertices
        for low_or_high in ("ci_low", "ci_high"):
            points = curve[["n_ahead", low_or_high]].to_numpy()
            assert all(np.isclose(vertices, point).all(axis=1).any() for point in points)


def test_half_lives_are_marked_on_the_lines(results, drawn):
    for name in ("four", "quarters, cyclic"):
        result, ax = results[name], drawn(name, plot_survival)
        horizon = result.survival["n_ahead"].max()
        half = result.states.set_index("state")["half_life"].drop("lost")
        dots = sorted(line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o")
        assert dots == sorted(half[half <= horizon])
        assert dots
        for state, at in half[half <= horizon].items():
            curve = result.survival[result.survival["state"] == state]
            assert np.interp(at, curve["n_ahead"], curve["probability"]) == pytest.approx(0.5)


def test_survival_says_the_answer(four, drawn):
    survival = four.survival.pivot(index="n_ahead", columns="state", values="probability")
    ax = drawn("four", plot_survival)
    within = (survival["C"] <= 0.5).idxmax()
    left = survival.iloc[-1]
    assert _title(ax) == (
        f"Half of the customers in C are lost within {within} months; "
        f"of those in A, {100 * left['A']:.0f}% are still there after 36"
    )
    assert _texts(ax) == [f"{name} {100 * left[name]:.0f}%" for name in left.sort_values().index]
    assert [text.get_color() for text in ax.texts] == [style.WARN, style.SOFT, style.ACCENT]
    assert ax.get_xlabel() == "months from now\ndot: half are lost; shaded: 95% interval"
    assert drawn("quarters, cyclic", plot_survival).get_xlabel().startswith("quarters from now")
    assert re.fullmatch(
        r"Half of the customers in active are lost within \d+ months; \d+% are still there after 36",
        _title(drawn("two", plot_survival)),
    )
    end = four.survival[four.survival["state"] == "C"].iloc[-1]
    half_life = four.states.set_index("state")["half_life"]["C"]
    assert (
        f"C: {100 * end['probability']:.1f}% after 36 months (95% interval {100 * end['ci_low']:.1f}% to "
        f"{100 * end['ci_high']:.1f}%), half are lost after {half_life:.1f}"
    ) in describe(ax)


@pytest.mark.parametrize(
    ("rows", "title"),
    [
        (
            [("A", "A", 99), ("A", "lost", 1), ("C", "C", 98), ("C", "lost", 2), ("lost", "lost", 5)],
            "67% of the customers in C are still there after 20 periods; of those in A, 82%",
        ),
        (
            [("A", "A", 99), ("A", "lost", 1), ("lost", "lost", 5)],
            "82% of the customers in A are still there after 20 periods",
        ),
    ],
    ids=["two", "one"],
)
def test_where_fewer_than_half_are_lost_the_title_says_how_many_are_left(rows, title):
    ax = plot_survival(of_counts(rows, list(dict.fromkeys(row[0] for row in rows))))  # .98^20 = .668, .99^20 = .818
    assert _title(ax) == title
    assert not [line for line in ax.lines if line.get_marker() == "o"]


def test_without_a_lost_state_there_is_no_survival(results):
    with pytest.raises(NoAbsorbingStateError, match=r"no lost state.*A, B, C"):
        plot_survival(results["no loss"])


# -- all -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "plots"),
    [
        ("two", EVERY),
        ("48 months", [plot_flow]),
        ("quarters, cyclic", EVERY),
        ("eight", EVERY),
        ("no loss", [plot_flow]),
        ("ko", [plot_transitions, plot_flow]),
    ],
)
def test_nothing_is_cut_off_overlaps_or_is_small(drawn, name, plots):
    for plot in plots:
        ax = drawn(name, plot)
        figure = ax.figure
        figure.set_dpi(style.DPI)
        figure.draw_without_rendering()  # a missing glyph warns, and so fails
        texts = [text for text in ax.findobj(mpl.text.Text) if text.get_text() and text.get_visible()]
        boxes = [(text.get_text(), mpl.text.Text.get_window_extent(text)) for text in texts]
        assert min(text.get_fontsize() for text in texts) >= 11
        for words, box in boxes:
            assert box.x0 >= 0 and box.y0 >= 0, (plot, words)
            assert box.x1 <= figure.bbox.width and box.y1 <= figure.bbox.height, (plot, words)
        for i, (words, box) in enumerate(boxes):
            for other, second in boxes[i + 1 :]:
                assert not box.overlaps(second), (plot, words, other)


@pytest.mark.parametrize("plot", EVERY)
def test_labels_of_states_that_end_alike_stand_apart(plot):
    names = [f"state {i}" for i in range(7)] + ["lost"]
    rows = [(t, name, name, 90) for t in range(1, 9) for name in names]
    rows += [(t, name, "lost", 10) for t in range(1, 9) for name in names[:-1]]
    result = fitted(pd.DataFrame(rows, columns=["period", "from_state", "to_state", "n_transitions"]), names)
    ax = plot(result)
    ax.figure.draw_without_rendering()
    boxes = [mpl.text.Text.get_window_extent(text) for text in ax.texts]
    assert not any(box.overlaps(other) for i, box in enumerate(boxes) for other in boxes[i + 1 :])


@pytest.mark.parametrize("plot", EVERY)
def test_the_same_figure_has_the_same_bytes(four, drawn, plot):
    png = to_png(drawn("four", plot))
    with plt.style.context("dark_background"), mpl.rc_context({"font.size": 31, "axes.grid": True}):
        assert to_png(plot(four)) == png
    assert len(png) < 60_000


@pytest.mark.parametrize("plot", EVERY)
def test_drawn_into_axes_that_are_given(four, drawn, plot):
    _, (left, right) = plt.subplots(1, 2, figsize=(16, 6), layout="constrained")
    assert plot(four, ax=right) is right
    assert _title(right) == _title(drawn("four", plot))
    assert not left.texts and not left.patches


def test_described_in_words(four, drawn):
    table = four.transitions.set_index(["from_state", "to_state"])
    n = four.states.set_index("state")["n_transitions"]
    text = describe(drawn("four", plot_transitions))
    for name in "ABC":
        stay, lost = table["probability"][name, name], table["probability"][name, "lost"]
        assert (
            f"{name}: {n[name]:,} transitions, {100 * stay:.1f}% stay, {100 * lost:.1f}% are lost by the next month"
            in text
        )
    mix = four.mix.pivot(index="period", columns="state", values="n_customers")
    text = describe(drawn("four", plot_flow))
    for name in ABC:
        assert f"{name} {mix[name].iloc[0]}, then {mix[name].iloc[-1]}" in text


def test_names_in_any_script_are_drawn(drawn):
    for language, names in (("ko", KOREAN), ("zh", CHINESE), ("ja", JAPANESE)):
        assert [text.split("\n")[0] for text in _ticks(drawn(language, plot_transitions).yaxis)] == names
        for plot in (plot_flow, plot_survival):
            shown = " ".join(_texts(drawn(language, plot)))
            assert all(name in shown for name in names[:-1])


@pytest.mark.parametrize("plot", EVERY)
def test_nothing_that_was_given_is_changed(four, plot):
    before = {name: frame.copy() for name, frame in four.tables().items()}
    scalars = {field.name: getattr(four, field.name) for field in dataclasses.fields(four) if field.name not in before}
    plot(four)
    for name, frame in four.tables().items():
        pd.testing.assert_frame_equal(frame, before[name])
    assert {name: getattr(four, name) for name in scalars} == scalars
