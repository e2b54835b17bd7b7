import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from kam.errors import UndefinedMeasureError
from kam.identify.scorecard import score_accounts
from kam.plots import describe, plot_tier_acceptability, plot_weight_tornado, to_png
from tests.plots.conftest import CONTEXT, NAMES

CRITERIA = [
    "revenue",
    "gap_cv",
    "wish_for_a_long_term_partnership_of_equals",
    "价格敏感度",
    *(f"criterion_{k}" for k in range(6)),
]


def scorecard(criteria, n=80):
    rng = np.random.default_rng(2)
    m = len(criteria)
    levels = np.clip(0.4 * rng.random((n, 1)) + 0.6 * rng.random((n, m)), 0, 1)
    table = pd.DataFrame(
        {
            "customer_id": np.repeat([f"{i:03d}" for i in range(n)], m),
            "name": np.repeat([NAMES[i % len(NAMES)] for i in range(n)], m),
            "criterion": np.tile(criteria, n),
            "criterion_kind": np.tile(
                ["measured" if name in ("revenue", "gap_cv") else "judged" for name in criteria], n
            ),
            "weight": np.tile(np.arange(m, 0, -1.0), n),
            "criterion_level": levels.ravel(),
            "level_error": 0.05,
        }
    )
    return score_accounts(table, n_draws=300, n_rank_draws=10, context=CONTEXT)


@pytest.fixture(scope="module")
def result():
    return scorecard(CRITERIA)


def _title(ax):
    return ax.get_title(loc="left").replace("\n", " ")


def _overlaps(texts):
    boxes = [text.get_window_extent() for text in texts if text.get_text()]
    return [(i, j) for i, one in enumerate(boxes) for j, other in enumerate(boxes[:i]) if one.overlaps(other)]


def test_bars_are_the_chances_of_the_tiers_near_the_border(result):
    ax = plot_tier_acceptability(result)
    bars = [[bar.get_width() for bar in group] for group in ax.containers]
    accounts = result.accounts
    near = accounts[accounts["p_tier_a"].between(0.05, 0.95, inclusive="neither")]
    assert len(bars) == 3 and len(bars[0]) == 12
    np.testing.assert_allclose(np.sum(bars, axis=0), 1)
    assert set(np.round(bars[0], 9)) <= set(np.round(near["p_tier_a"], 9))
    assert _title(ax).startswith(f"{len(near)} of 80 accounts are near the border")
    assert "12 of those near the border" in ax.get_xlabel()
    assert "score group A in" in describe(ax)
    assert "score group\nA ends here" in [text.get_text() for text in ax.texts]
    assert "tier" not in _title(ax) + describe(ax) + ax.get_xlabel()


def test_without_an_unsure_account_the_last_of_a_and_the_first_of_b_are_drawn(result):
    table = pd.DataFrame(
        {"customer_id": list("abcd"), "criterion": "c", "weight": 1.0, "criterion_level": [1.0, 0.8, 0.4, 0.1]}
    )
    ax = plot_tier_acceptability(score_accounts(table, tiers=(2, 1), n_draws=50, n_rank_draws=10, context=CONTEXT))
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b", "c", "d"]
    assert _title(ax).startswith("0 of 4 accounts")


def test_the_tornado_has_a_bar_to_each_side(result):
    ax = plot_weight_tornado(result)
    rows = result.tornado.set_index(["criterion", "weight_change"])["n_tier_changes"]
    order = list(dict.fromkeys(result.tornado["criterion"]))
    widths = [bar.get_width() for group in ax.containers for bar in group]
    assert widths == [sign * rows[name, change] for name in order for sign, change in ((-1, -0.2), (1, 0.2))]
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert any(label.startswith("regularity, ") for label in labels)
    assert _title(ax).startswith(f"At most {rows.max()} of 80 accounts change score group")
    assert "tier" not in ax.get_xlabel() + describe(ax)


def test_no_texts_overlap(result):
    for plot in (plot_tier_acceptability, plot_weight_tornado):
        ax = plot(result)
        ax.figure.draw_without_rendering()
        assert not _overlaps([*ax.texts, *ax.get_yticklabels()])
        assert not _overlaps(ax.get_xticklabels())


def test_axes_that_are_given_are_drawn_on(result):
    ax = plt.subplots()[1]
    assert plot_weight_tornado(result, ax=ax) is ax


def test_one_criterion_has_no_tornado():
    with pytest.raises(UndefinedMeasureError, match="one criterion only"):
        plot_weight_tornado(scorecard(["revenue"], n=10))


def test_nothing_is_changed_and_bytes_are_the_same(result):
    before = {name: frame.copy() for name, frame in result.tables().items()}
    png = to_png(plot_weight_tornado(result))
    assert png == to_png(plot_weight_tornado(result))
    assert len(png) < 80_000
    plot_tier_acceptability(result)
    for name, frame in result.tables().items():
        pd.testing.assert_frame_equal(frame, before[name])
