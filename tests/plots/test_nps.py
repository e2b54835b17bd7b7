import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from kam.errors import ParameterError
from kam.plots import describe, plot_nps, style
from kam.results import Context
from kam.survey import collect_responses, estimate


def answered(language="en"):
    rng = np.random.default_rng(6)
    frame = pd.DataFrame({"respondent_id": range(300), "wave": ["2023"] * 150 + ["2024"] * 150})
    frame["role"] = np.where(frame.index % 150 < 4, "one with few answers", np.where(frame.index % 2, "buyer", "user"))
    frame["recommend"] = np.clip(rng.integers(4, 11, 300) + 4 * (frame["role"] == "user"), 0, 10)
    return collect_responses(frame, groups=["role"], context=Context(language=language))


@pytest.fixture(scope="module")
def result():
    return estimate(answered(), by="role")


def marks(ax):
    points = [line for line in ax.lines if line.get_marker() == "o"]
    lines = [line for line in ax.lines if len(line.get_xdata()) == 2 and line.get_ydata()[0] == line.get_ydata()[1]]
    return points, lines


def test_waves_are_points_with_lines_and_the_last_is_in_color(result):
    ax = plot_nps(result)
    rows = result.find("recommend", "NPS")
    points, lines = marks(ax)
    assert [p.get_xdata()[0] for p in points] == rows["estimate"].tolist()
    assert [list(line.get_xdata()) for line in lines] == rows[["ci_low", "ci_high"]].values.tolist()
    assert [to_hex(p.get_color()) for p in points] == [style.SOFT, style.ACCENT]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["2023\n150 answers", "2024\n150 answers"]
    title = ax.get_title(loc="left").replace("\n", " ")
    first, last = rows["estimate"]
    assert title == f"The net promoter score is {last:.1f} points in wave 2024, after {first:.1f} in wave 2023"


def test_groups_are_sorted_and_small_ones_named_last(result):
    ax = plot_nps(result, by="role")
    names = [label.get_text().replace("\n", " ") for label in ax.get_yticklabels()]
    assert names == ["user 73 answers", "buyer 73 answers", "one with few answers 4 answers"]
    assert len(marks(ax)[0]) == 2 and "fewer than 10 answers" in [t.get_text() for t in ax.texts]
    whole = result.find("recommend", "NPS", wave="2024")["estimate"].iloc[0]
    assert any(line.get_linestyle() != "-" and line.get_xdata()[0] == whole for line in ax.lines)
    assert "overlap" not in ax.get_title(loc="left") and "“buyer”" in ax.get_title(loc="left")
    assert "one with few answers: fewer than 10 answers" in describe(ax)


def test_groups_that_may_be_alike_are_not_told_apart():
    responses = answered()
    rows = responses.rows.assign(role=np.where(responses.rows.index % 2, "a", "b"))
    rows["recommend"] = np.where(rows.index % 3, 9.0, 5.0)
    found = estimate(collect_responses(rows, groups=["role"]), by="role")
    assert plot_nps(found, by="role").get_title(loc="left").replace("\n", " ").endswith("but their intervals overlap")


@pytest.mark.parametrize("language", ["zh", "ko", "ja"])
def test_other_languages_draw(language):
    assert describe(plot_nps(estimate(answered(language=language))))


def test_bad_input(result):
    with pytest.raises(ParameterError, match=r"No groups were formed by 'region'.*role"):
        plot_nps(result, by="region")
    with pytest.raises(ParameterError, match="no net promoter score"):
        plot_nps(estimate(collect_responses(pd.DataFrame({"respondent_id": range(20), "overall": 4}))))
