import numpy as np
import pytest
from matplotlib.text import Text

from kam.churn.call_list import build_call_list
from kam.plots import describe, to_png
from kam.plots.risk_value import MOST_LABELS, plot_risk_value_map
from kam.results import Context
from kam.wording import LANGUAGES, Wording
from tests.churn.accounts_at_risk import forecast, simulated
from tests.plots.conftest import CONTEXT, NAMES

TERMS = {"horizon_days": 91, "k": 3, "saving_rate": 0.2, "cost_of_visit": 150.0, "discount_rate": 0.1, "n_draws": 100}


@pytest.fixture(scope="module")
def calls():
    frame = simulated(3000)
    frame.loc[:9, "margin_year"] = -5.0
    return build_call_list(frame, **TERMS, context=CONTEXT)


def marks(ax):
    """Places of the grey, the called and the held out."""
    return [np.asarray(collection.get_offsets()) for collection in ax.collections]


def names(ax):
    lines = {Wording(language).sentence("above the line a call pays") for language in LANGUAGES}
    return [text.get_text() for text in ax.texts if text.get_text() not in lines]


def test_marks_are_the_accounts(calls):
    grey, called, out = marks(plot_risk_value_map(calls))
    assert (len(called), len(out)) == (20, 2)
    shown = calls.accounts[calls.accounts["value_if_stays"] > 0]
    assert len(grey) == len(shown) - 22
    first = calls.calls[calls.calls["list_part"] == "call"]
    np.testing.assert_allclose(called, first[["p_churn", "value_if_stays"]].to_numpy())


def test_the_line_parts_those_for_whom_a_call_pays(calls):
    ax = plot_risk_value_map(calls)
    x, y = ax.lines[0].get_data()
    np.testing.assert_allclose(np.asarray(x) * np.asarray(y) * 0.2, 150)


def test_names_stand_in_the_axes_and_apart(calls):
    ax = plot_risk_value_map(calls)
    assert names(ax) == calls.calls["customer_id"].head(MOST_LABELS).tolist()
    ax.figure.draw_without_rendering()
    boxes = [Text.get_window_extent(text) for text in ax.texts if "the line" not in text.get_text()]
    whole = ax.get_window_extent()
    assert all(box.x0 >= whole.x0 - 2 and box.x1 <= whole.x1 + 2 for box in boxes)
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_says_how_much_the_calls_reach_and_who_is_not_drawn(calls):
    ax = plot_risk_value_map(calls)
    share = calls.calls.loc[calls.calls["list_part"] == "call", "expected_loss"].sum() / calls.loss_at_risk
    title = ax.get_title(loc="left").replace("\n", " ")
    assert title.startswith(f"20 calls of {calls.n_at_risk:,} at risk reach {100 * share:.0f}% of the €")
    n = int((calls.accounts["value_if_stays"] <= 0).sum())
    assert f"{n} accounts that bring nothing are not drawn" in ax.get_xlabel()
    assert calls.calls["customer_id"][0] in describe(ax)
    assert to_png(ax).startswith(b"\x89PNG")


@pytest.mark.parametrize("n", [1, 5, 13])
def test_few_accounts_with_names_to_be_careful_with(n):
    frame = forecast(
        customer_id=[f"{i}" for i in range(n)], name=NAMES[:n], p_churn=np.linspace(0.1, 0.9, n), margin_year=1e5
    )
    ax = plot_risk_value_map(build_call_list(frame, **TERMS, context=Context(currency="KRW", language="ko")))
    assert len(names(ax)) == min(n, MOST_LABELS)
    assert to_png(ax).startswith(b"\x89PNG")


@pytest.mark.parametrize("change", [{"margin_year": 1.0}, {"margin_year": -1.0}, {"p_churn": 0.0}])
def test_no_call_pays(change):
    frame = forecast(**({"p_churn": [0.1, 0.2], "margin_year": 1e5} | change))
    ax = plot_risk_value_map(build_call_list(frame, **TERMS))
    assert "No call pays" in ax.get_title(loc="left") and not names(ax)
    assert to_png(ax)


def test_in_axes_that_are_given(calls):
    import matplotlib.pyplot as plt

    _, axes = plt.subplots(1, 2, figsize=(15, 5))
    assert plot_risk_value_map(calls, ax=axes[1]) is axes[1]


def test_no_cost_no_line():
    found = build_call_list(simulated(20), **(TERMS | {"cost_of_visit": 0.0}))
    assert not plot_risk_value_map(found).lines
