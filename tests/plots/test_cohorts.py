import numpy as np
import pytest

from kam.plots import describe, plot_cohorts
from kam.plots.cohorts import LATEST
from tests.churn.test_cohorts import HAND, follow


@pytest.fixture(scope="module")
def result():
    return follow(HAND)


def test_cells_are_the_shares(result):
    ax = plot_cohorts(result)
    (mesh,) = ax.collections
    table = result.cohorts[result.cohorts["n_since_first"] > 0]
    expected = table.pivot(index="cohort", columns="n_since_first", values="share_active").to_numpy()
    np.testing.assert_array_equal(mesh.get_array(), np.nan_to_num(expected))
    assert [label.get_text() for label in ax.get_yticklabels()] == ["Q1 2022 (4)", "Q3 2022 (2)"]
    assert [label.get_text() for label in ax.get_xticklabels()] == [str(age) for age in range(1, 12)]
    texts = [text.get_text() for text in ax.texts]
    assert texts[:2] == ["75", "3"], "three of the four accounts of the first cohort, a quarter later"
    assert texts.count("–") == 2, "the second cohort is two quarters shorter"


def test_the_title_says_the_share(result):
    assert describe(plot_cohorts(result)).startswith("4 quarters after the first order 67% still order")


def test_the_youngest_cohorts_are_drawn():
    orders = {"old": range(16)} | {f"m{t}": (t,) for t in range(3, 16)}
    ax = plot_cohorts(follow(orders))
    assert len(ax.get_yticklabels()) == LATEST
    assert ax.get_yticklabels()[-1].get_text() == "Q3 2024 (1)"
