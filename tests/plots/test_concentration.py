import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from kam.identify import concentration
from kam.plots import describe, plot_largest, plot_lorenz, style, to_png
from kam.results import Context


def _titles(ax):
    return ax.get_title(loc="left").replace("\n", " ")


def _texts(ax):
    return [text.get_text() for text in ax.texts]


def test_lorenz_draws_the_curve_of_the_result(concentrated, values):
    ax = plot_lorenz(concentrated)
    curve = max(ax.lines, key=lambda line: len(line.get_xdata()))
    held = np.cumsum(sorted(values, reverse=True)) / values.sum()
    np.testing.assert_allclose(curve.get_xdata(), np.arange(11) / 10)
    np.testing.assert_allclose(curve.get_ydata(), [0, *held])


def test_lorenz_names_the_point_and_shades_up_to_it(concentrated):
    ax = plot_lorenz(concentrated)
    assert _titles(ax) == "5 of 10 customers bring 80% of positive net revenue"
    label = next(text for text in _texts(ax) if "hold" in text)
    assert label.startswith("20% of customers\nhold 51% of positive net revenue\n95% interval ")
    shaded = ax.collections[0].get_paths()[0].get_extents()
    assert (shaded.x0, shaded.x1, shaded.y0) == (0, 0.2, 0)
    assert shaded.y1 == pytest.approx(34165 / 66586)


def test_lorenz_says_everything_in_words(concentrated):
    text = describe(plot_lorenz(concentrated))
    assert "5 of 10 customers bring 80%" in text
    assert "the largest 20% of customers hold 51.3%" in text
    assert f"the largest half {5401 + 6392 + 8304 + 11904 + 22261:,}" not in text
    assert "the largest half 81.5%" in text


@pytest.mark.parametrize(
    "numbers",
    [[5.0], [1.0] * 40, [1e7, *range(1, 500)], [3.0, 2.0, 1.0, -4.0], [1e-3, 2e-3, 4e-3]],
    ids=["one customer", "equals", "one giant", "one below zero", "pennies"],
)
@pytest.mark.parametrize("plot", [plot_lorenz, plot_largest])
def test_unusual_portfolios_are_drawn_inside_the_figure(numbers, plot):
    for base in ("positive", "net"):
        ax = plot(concentration(numbers, base=base, n_resamples=20))
        figure = ax.figure
        figure.draw_without_rendering()
        inside = figure.get_tightbbox()
        width, height = figure.get_size_inches()
        assert inside.x0 >= -0.01
        assert inside.y0 >= -0.01
        assert inside.x1 <= width + 0.01
        assert inside.y1 <= height + 0.01


def test_many_customers_are_thinned_out_but_the_ends_stay():
    result = concentration(1 / np.arange(1.0, 50_001), n_resamples=2)
    ax = plot_lorenz(result)
    curve = max(ax.lines, key=lambda line: len(line.get_xdata()))
    x, y = curve.get_xdata(), curve.get_ydata()
    assert len(x) < 5000
    assert (x[0], y[0]) == (0, 0)
    assert (x[-1], y[-1]) == pytest.approx((1, 1))
    truth = result.curve.set_index("cum_share_customers")["cum_share_value"]
    np.testing.assert_allclose(y[1:], truth.loc[x[1:]].to_numpy())


def test_largest_of_a_concentration(concentrated, values):
    ax = plot_largest(concentrated)
    assert [bar.get_width() for bar in ax.patches] == sorted(values, reverse=True)
    assert [label.get_text() for label in ax.get_yticklabels()] == [f"C{i}" for i in range(9, -1, -1)]
    assert _texts(ax)[0] == "22,261 · 33.4%"
    assert ax.get_xlabel() == "net revenue (EUR)"
    assert _titles(ax) == "The 10 largest customers hold 100.0% of positive net revenue"
    assert ax.get_ylim()[0] > ax.get_ylim()[1], "the largest is on top"


def test_largest_key_accounts_are_in_color_where_their_class_is_sure(key_accounts):
    ax = plot_largest(key_accounts)
    colors = [mpl.colors.to_hex(bar.get_facecolor()) for bar in ax.patches]
    assert len(colors) == 12
    assert [i for i, color in enumerate(colors) if color == style.GREY] == [1, 3]
    assert {color for i, color in enumerate(colors) if i not in (1, 3)} == {style.ACCENT}
    assert [bar.get_width() for bar in ax.patches] == [1_300_000 - 100_000 * i for i in range(12)]
    assert _titles(ax) == "10 of the 12 largest accounts are surely class A"
    assert _texts(ax)[0] == "1.3M · 13.0%"


def test_largest_key_accounts_go_by_names_that_can_be_drawn(key_accounts):
    ax = plot_largest(key_accounts)
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        "Harrington Wholesale",
        "한빛포장 유통",
        "华远礼品商贸",
        "東和商事",
        "<script>alert(1)</script>",
        "_$hop $ale$",
        "Nguyễn & Söhne",
        "שלום עולם",
        "K08",
        "Acme Gifts",
        "two lines and more",
        "x" * 27 + "…",
    ]
    to_png(ax)  # a missing glyph or a failing formula would be an error here


def test_chinese_korean_japanese_names_have_a_font_for_them(key_accounts):
    ax = plot_largest(key_accounts)
    labels = {label.get_text(): label for label in ax.get_yticklabels()}
    assert labels["Harrington Wholesale"].get_fontfamily() == ["DejaVu Sans"]
    for name in ("한빛포장 유통", "华远礼品商贸", "東和商事"):
        _, second = labels[name].get_fontfamily()
        drawn = mpl.font_manager.get_font(mpl.font_manager.findfont(second)).get_charmap()
        assert {ord(c) for c in name if c != " "} <= set(drawn)


def test_a_dollar_sign_is_no_formula(key_accounts):
    for ax in (None, plt.subplots()[1]):
        labels = plot_largest(key_accounts, ax=ax).get_yticklabels()
        (hostile,) = [label for label in labels if "$" in label.get_text()]
        assert hostile.get_text() == "_$hop $ale$"
        assert not hostile.get_parse_math()


def test_figures_of_other_languages(values):
    for language in ("zh", "ko", "ja"):
        result = concentration(values * 1000, n_resamples=2, context=Context(currency="JPY", language=language))
        assert to_png(plot_largest(result)).startswith(b"\x89PNG")


def test_nothing_that_was_given_is_changed(concentrated, key_accounts):
    before = {name: frame.copy() for r in (concentrated, key_accounts) for name, frame in r.tables().items()}
    plot_lorenz(concentrated)
    plot_largest(concentrated)
    plot_largest(key_accounts)
    for result in (concentrated, key_accounts):
        for name, frame in result.tables().items():
            pd.testing.assert_frame_equal(frame, before[name])


def test_given_axes_are_used(concentrated):
    _, (left, right) = plt.subplots(1, 2, layout="constrained")
    assert plot_lorenz(concentrated, ax=left) is left
    assert plot_largest(concentrated, ax=right) is right
    assert len(plt.get_fignums()) == 1
    assert "Lorenz" in describe(left)
    assert "Bars" in describe(left)
