import numpy as np
import pandas as pd
import pytest

from kam.errors import EmptyDataError
from kam.plots import describe, plot_flow
from tests.plots.chains import columns_of, fitted, moves_of, of_counts, texts_of, ticks_of, title_of


def test_columns_are_counted_from_the_panel(panel, drawn):
    ax = drawn("four", plot_flow)
    periods = sorted(panel["period"].unique())
    base = np.zeros(len(periods))
    for columns, name in zip(columns_of(ax, len(periods)), "ABC", strict=True):  # the lost are not in the stack
        size = np.array([((panel["period"] == t) & (panel["state"] == name)).sum() for t in periods])
        np.testing.assert_allclose(columns[0], size)
        np.testing.assert_allclose(columns[1][size > 0], base[size > 0])
        base = base + size
        assert f"{name} {size[-1]}" in texts_of(ax)


def test_flows_are_counted_from_the_panel_and_add_up(panel, drawn):
    ax = drawn("four", plot_flow)
    (below,) = ax.child_axes
    moves = moves_of(panel)
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
    flows = columns_of(below, n)
    for (name, size), columns in zip(expected.items(), flows, strict=True):
        assert size.sum() > 0
        np.testing.assert_allclose(columns[0], size if name.startswith("came") else -size)
        assert f"{size.sum()} {name}" in texts_of(below)
    total = sum(columns[0] for columns in columns_of(ax, n))
    np.testing.assert_allclose(np.diff(total), sum(columns[0] for columns in flows)[1:])
    assert title_of(ax) == (
        f"Customers went from {total[0]:.0f} in January 2024 to {total[-1]:.0f} in December 2025: "
        f"{expected['came'].sum()} came, {expected['came back'].sum()} came back, {expected['lost'].sum()} were lost and "
        f"{expected['no longer seen'].sum()} were no longer seen"
    )
    most = expected["lost"].argmax()
    assert f"most were lost in {sorted(place)[most]:%B %Y}: {expected['lost'][most]}." in describe(ax)


def test_flows_stand_on_one_another(drawn):
    (below,) = drawn("four", plot_flow).child_axes
    back, came, lost, gone = columns_of(below, 24)
    for one, second in ((back, came), (lost, gone)):
        np.testing.assert_array_equal(one[1][one[0] != 0], 0)
        np.testing.assert_allclose(second[1][second[0] != 0], one[0][second[0] != 0])
    low, high = below.get_ylim()
    assert low < (lost[0] + gone[0]).min() and high > (back[0] + came[0]).max()
    assert all("-" not in text and "−" not in text for text in ticks_of(below.yaxis))


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
    assert ticks_of(ax.xaxis) == shown
    periods = sorted(result.mix["period"].unique())
    assert result.context.wording.text(result.freq) in ax.child_axes[0].get_ylabel()
    for tick, text in zip(ax.get_xticks(), shown, strict=True):
        assert str(getattr(periods[int(tick)], "year", periods[int(tick)])) in text
    assert ("numbered periods" in ax.get_xlabel()) == (name == "numbers")


def test_without_loss_the_title_says_what_grew(results, drawn):
    result = results["no loss"]
    ax = drawn("no loss", plot_flow)
    mix = result.mix.pivot(index="period", columns="state", values="n_customers")
    share = mix.div(mix.sum(axis=1), axis=0)
    most = (share.iloc[-1] - share.iloc[0]).abs().idxmax()
    assert len(columns_of(ax, 24)) == 3
    assert title_of(ax) == (
        f"{100 * share[most].iloc[-1]:.0f}% of customers are in {most} in December 2025, "
        f"after {100 * share[most].iloc[0]:.0f}% in January 2024"
    )
    assert [text.split(" ", 1)[1] for text in texts_of(ax.child_axes[0])] == ["no longer seen", "came"]


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
    back, lost = columns_of(ax.child_axes[0], 6)
    assert back[0].tolist() == [0, 13, 16, 19, 22, 25]
    assert lost[0].tolist() == [0, -13, -16, -19, -22, -25]


def test_one_period_does_not_flow():
    with pytest.raises(EmptyDataError, match="one period"):
        plot_flow(of_counts([("A", "A", 98), ("A", "lost", 2), ("lost", "lost", 5)], ["A", "lost"]))
