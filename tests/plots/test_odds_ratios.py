from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from kam.churn import fit_churn_regression
from kam.errors import ParameterError
from kam.plots import describe, plot_odds_ratios, style
from kam.plots.odds_ratios import MOST, REACH
from kam.results import Context
from tests.churn.test_regression import TERMS, simulated, suppressed


@pytest.fixture(scope="module")
def result():
    return fit_churn_regression(simulated(300), terms=TERMS, context=Context(language="en"))


def marks(ax):
    lines = [line for line in ax.lines if len(line.get_xdata()) == 2 and line.get_ydata()[0] == line.get_ydata()[1]]
    return lines, [line for line in ax.lines if line.get_marker() == "o"]


def test_points_and_lines_are_those_of_the_table(result):
    ax = plot_odds_ratios(result)
    table = result.coefficients
    table = table[table["odds_ratio"].notna() & (table["group"] != "origin")].set_index("step")
    lines, points = marks(ax)
    labels = [label.get_text().replace("\n", " ") for label in ax.get_yticklabels()]
    assert sorted(labels) == sorted(table.index)
    named = set(result.named()["step"])
    for label, place, line, point in zip(labels, ax.get_yticks(), lines, points, strict=True):
        row = table.loc[label]
        assert list(line.get_xdata()) == [row["odds_low"], row["odds_high"]]
        assert (point.get_xdata()[0], point.get_ydata()[0]) == (row["odds_ratio"], place)
        color = style.SOFT if label not in named else style.WARN if row["odds_ratio"] > 1 else style.ACCENT
        assert to_hex(point.get_color()) == color
        text = f"{row['odds_ratio']:.2f} ({row['odds_low']:.2f}–{row['odds_high']:.2f})"
        assert text in [one.get_text() for one in ax.texts] and text.split(" ")[0] in describe(ax)
    assert len(named) == 4
    assert ax.get_xscale() == "log"


def test_rows_stand_under_their_group(result):
    ax = plot_odds_ratios(result)
    heads = {one.get_text(): one.get_position()[1] for one in ax.texts if one.get_text().isalpha()}
    assert list(heads) == ["rhythm", "deliveries", "events", "account"]
    at = dict(
        zip([label.get_text().replace("\n", " ") for label in ax.get_yticklabels()], ax.get_yticks(), strict=True)
    )
    assert heads["deliveries"] < at["10 points more delivered late"] < heads["events"] < at["a change of manager"]
    assert heads["account"] < at["region south instead of north"]


def test_the_title_names_the_surest_and_the_ratio(result):
    first = result.named().iloc[0]
    title = plot_odds_ratios(result).get_title(loc="left").replace("\n", " ")
    assert title == (
        f"{first['step'][0].upper()}{first['step'][1:]}: the odds of no order are {first['odds_ratio']:.2f} times as high"
    )


def test_the_odds_alone_are_open_diamonds_and_what_turns_is_grey():
    result = fit_churn_regression(suppressed(), terms=["origin", "rise", "quiet"])
    ax = plot_odds_ratios(result)
    table = result.coefficients.set_index("term").loc[["quiet", "rise"]]
    alone = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "D"]
    assert sorted(alone) == sorted(table["odds_alone"])
    grey = {point.get_xdata()[0] for point in marks(ax)[1] if to_hex(point.get_color()) == style.SOFT}
    assert grey == {table.loc["rise", "odds_ratio"]}
    assert "quiet" in ax.get_title(loc="left") and "rise" not in ax.get_title(loc="left")
    assert "or the other way alone" in ax.get_xlabel() and f"alone {table.loc['rise', 'odds_alone']:.2f}" in describe(
        ax
    )
    both = replace(result, coefficients=result.coefficients.assign(odds_alone=1 / result.coefficients["odds_ratio"]))
    title = "What goes with no order beyond chance points the other way on its own"
    assert plot_odds_ratios(both).get_title(loc="left").replace("\n", " ") == title


def test_where_nothing_is_sure_the_title_says_so_and_all_is_grey():
    rows = simulated(120).assign(no_order=np.random.default_rng(8).random(480) < 0.4)
    result = fit_churn_regression(rows, terms=["gap_ratio", "share_late"])
    ax = plot_odds_ratios(result)
    assert ax.get_title(loc="left").startswith("None of 2 covariates goes with no order")
    assert {to_hex(point.get_color()) for point in marks(ax)[1]} == {style.SOFT}
    assert "rhythm" in [one.get_text() for one in ax.texts]


def test_a_line_that_goes_on_ends_in_an_arrow():
    rows = pd.DataFrame({"customer_id": range(40), "origin": 0, "x": [1] * 15 + [0] * 25})
    rows["no_order"] = [1] * 15 + [1] * 5 + [0] * 20
    result = fit_churn_regression(rows, formula="x")
    assert result.coefficients["odds_high"].iloc[1] > REACH
    ax = plot_odds_ratios(result)
    assert [line.get_marker() for line in ax.lines if line.get_marker() in ("<", ">")] == [">"]
    assert ax.get_xlim()[1] == pytest.approx(REACH * 1.12)
    assert "other" not in [one.get_text() for one in ax.texts]  # one group needs no name


def test_the_surest_of_many_are_drawn_and_the_rest_counted():
    rows = simulated(300, n_origins=1)
    rng = np.random.default_rng(1)
    many = rows.assign(**{f"x{i}": rng.normal(size=300) for i in range(MOST + 2)})
    result = fit_churn_regression(many, terms=[f"x{i}" for i in range(MOST + 2)], n_resamples=60)
    ax = plot_odds_ratios(result)
    assert len(ax.get_yticks()) == MOST
    assert ax.get_xlabel().endswith("2 that are less sure are not shown")


def test_origins_alone_are_no_picture():
    with pytest.raises(ParameterError, match="origins and indicators only"):
        plot_odds_ratios(fit_churn_regression(simulated(100), terms=["origin"]))


@pytest.mark.parametrize("language", ["zh", "ko", "ja"])
def test_other_languages_draw(language):
    rows = simulated(100).assign(region=lambda r: r["region"].map({"north": "北部", "south": "한국", "west": "日本"}))
    ax = plot_odds_ratios(fit_churn_regression(rows, terms=["region"], context=Context(language=language)))
    assert "한국" in " ".join(label.get_text() for label in ax.get_yticklabels())
