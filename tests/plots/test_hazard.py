import numpy as np
import pandas as pd
import pytest

from kam.churn import fit_hazard
from kam.errors import UndefinedMeasureError
from kam.plots import describe, plot_hazard_by_tenure


def rows_of(hazard, n=400, longest=20):
    """Accounts that leave with a hazard by tenure."""
    rng = np.random.default_rng(1)
    found = []
    for i in range(n):
        for t in range(1, longest + 1):
            leaves = rng.random() < hazard(t)
            found.append((f"{i:04d}", t, leaves))
            if leaves:
                break
    return pd.DataFrame(found, columns=["customer_id", "tenure", "event"])


@pytest.fixture(scope="module")
def falling():
    return fit_hazard(rows_of(lambda t: 0.25 if t < 4 else 0.03), terms=[])


def test_line_band_and_dot_are_the_hazard(falling):
    ax = plot_hazard_by_tenure(falling)
    curve = falling.by_tenure
    line = ax.lines[0]
    np.testing.assert_array_equal(line.get_xdata(), curve["tenure"])
    np.testing.assert_array_equal(line.get_ydata(), curve["hazard"])
    vertices = ax.collections[0].get_paths()[0].vertices
    for point in curve[["tenure", "ci_low"]].to_numpy(dtype=float):
        assert np.isclose(vertices, point).all(axis=1).any()
    dot = next(line for line in ax.lines if line.get_marker() == "o")
    assert dot.get_xdata()[0] == falling.riskiest_tenure <= 3
    assert dot.get_ydata()[0] == curve["hazard"].max()


def test_the_title_says_when(falling):
    ax = plot_hazard_by_tenure(falling)
    title = ax.get_title(loc="left").replace("\n", " ")
    assert title.startswith(f"Accounts leave most often {falling.riskiest_tenure} period")
    assert f"{100 * falling.hazard:.1f} on average" in title
    assert "95% interval" in describe(ax)


def test_a_level_hazard_has_no_peak_in_its_title():
    result = fit_hazard(rows_of(lambda t: 0.08), terms=[])
    assert "however long the relationship has lasted" in plot_hazard_by_tenure(result).get_title(loc="left").replace(
        "\n", " "
    )


def test_without_tenure_there_is_nothing_to_draw():
    with pytest.raises(UndefinedMeasureError, match="no hazard by tenure"):
        plot_hazard_by_tenure(fit_hazard(rows_of(lambda t: 0.08), terms=[], n_knots=0))
