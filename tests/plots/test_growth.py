import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from kam.errors import EmptyDataError
from kam.identify import growth
from kam.plots import describe, plot_growth_backtest, plot_growth_candidates
from tests.identify.test_growth import company
from tests.plots.conftest import CONTEXT, NAMES


@pytest.fixture(scope="module")
def result():
    panel = company(n=200)
    ids = sorted(panel["customer_id"].unique())
    names = [NAMES[i % len(NAMES)] for i in range(len(ids))]
    accounts = pd.DataFrame({"customer_id": ids, "name": names, "potential": 1e6})
    return growth(panel, accounts=accounts, n_resamples=200, context=CONTEXT)


def test_candidates_stand_at_their_chance(result):
    ax = plot_growth_candidates(result)
    named = result.candidates[result.candidates["is_named"]].head(10)
    x, _ = ax.lines[0].get_data()
    np.testing.assert_allclose(x, named["p_become_a"])
    assert len(ax.get_yticklabels()) == 10
    assert "likely to be class A within 12 months" in ax.get_title(loc="left").replace("\n", " ")
    assert "Chances with intervals" in describe(ax)


def test_no_texts_overlap(result):
    for plot in (plot_growth_candidates, plot_growth_backtest):
        ax = plot(result)
        ax.figure.draw_without_rendering()
        texts = [*ax.texts, *ax.get_yticklabels(), ax.xaxis.label]
        boxes = [Text.get_window_extent(text) for text in texts if text.get_text()]
        assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
        whole = ax.figure.bbox
        assert all(box.x0 >= whole.x0 - 2 and box.x1 <= whole.x1 + 2 for box in boxes)


def test_bars_are_the_shares_found(result):
    ax = plot_growth_backtest(result)
    widths = [bar.get_width() for bar in ax.patches]
    lists = result.lists
    expected = [*(lists["n_by_model"] / lists["n_all_named"]), *(lists["n_by_revenue"] / lists["n_all_named"])]
    np.testing.assert_allclose(widths, expected)
    assert "named by forecast" in ax.get_title(loc="left").replace("\n", " ") and "by chance" not in describe(ax)


def test_nothing_to_draw_is_said():
    short = growth(company(n=60, n_months=20))
    for plot in (plot_growth_candidates, plot_growth_backtest):
        with pytest.raises(EmptyDataError):
            plot(short)
