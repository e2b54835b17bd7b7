import numpy as np
import pytest

from kam.errors import UndefinedMeasureError
from kam.plots import describe, to_png
from kam.plots.portfolio import MOST_NAMED, plot_movements, plot_portfolio
from kam.programme import programme_overview
from tests.plots.conftest import NAMES
from tests.programme.some_files import account, some_files
from tests.programme.test_overview import moved  # noqa: F401


def overview(n=40, results=None):
    accounts = [
        account(
            f"c{i}",
            name=NAMES[i % len(NAMES)],
            p_churn=0.01 * (i + 1),
            value_ahead=100.0 * (i + 1),
            days_since_last_order=74.0 if i % 4 == 0 else 5.0,
        )
        for i in range(n)
    ]
    return programme_overview(some_files([*accounts, account("gone", p_churn=None)]), results or {})


def test_each_key_account_has_a_mark_and_the_urgent_stand_out():
    result = overview()
    ax = plot_portfolio(result)
    grey, urgent = (np.asarray(collection.get_offsets()) for collection in ax.collections)
    hurry = result.accounts[(result.accounts["priority"] == 1) & result.accounts["p_churn"].notna()]
    assert len(grey) + len(urgent) == 40 and len(urgent) == len(hurry) >= 10
    np.testing.assert_allclose(sorted(urgent[:, 0]), sorted(hurry["p_churn"]))
    np.testing.assert_allclose(sorted(urgent[:, 1]), sorted(hurry["value_if_stays"]))
    assert "one key account is not drawn" in ax.get_xlabel()


def test_those_with_the_highest_expected_loss_are_named_within_the_axes():
    result = overview()
    ax = plot_portfolio(result)
    assert len(ax.texts) == MOST_NAMED
    worst = result.accounts.nlargest(MOST_NAMED, "expected_loss")
    assert f"{MOST_NAMED} of 41 key accounts" in describe(ax)
    share = worst["expected_loss"].sum() / result.accounts["expected_loss"].sum()
    assert f"{share:.0%}" in describe(ax)
    ax.figure.draw_without_rendering()
    box = ax.figure.bbox
    for text in ax.texts:
        assert box.containsx(text.get_window_extent().x0) and box.containsx(text.get_window_extent().x1)
    assert to_png(ax)


def test_without_a_forecast_there_is_nothing_to_draw_and_it_says_so():
    with pytest.raises(UndefinedMeasureError, match="20_churn_regression"):
        plot_portfolio(programme_overview(some_files([account(p_churn=None)]), {}))


def test_movements_are_the_money_of_those_that_entered_and_left(moved):  # noqa: F811
    result = overview(results={"tier_migration": moved})
    ax = plot_movements(result)
    drawn = [patch.get_width() for patch in ax.patches]
    changes = result.movements.set_index("customer_id")["value_change"]
    assert drawn[0] == pytest.approx(changes.loc[list(moved.entrants["customer_id"])].max())
    assert drawn[-1] == pytest.approx(changes.loc[list(moved.leavers["customer_id"])].min())
    assert f"{result.n_entered} entered the top tier" in describe(ax)


def test_movements_that_are_not_known_are_not_drawn():
    with pytest.raises(UndefinedMeasureError, match="10_customer_identification"):
        plot_movements(overview(3))
