import numpy as np
import pandas as pd
import pytest

from kam.churn.definition import churn_definition
from kam.plots import describe, to_png
from kam.plots.churn_definition import plot_return_share
from kam.results import Context

MONTHS = pd.date_range("2023-01-01", periods=20, freq="MS")


@pytest.fixture(scope="module")
def panel():
    """Twenty buy again in the third month after, four in the sixth, one in the ninth, fifteen never do."""
    active = {f"a{i}": [0, 3] for i in range(20)} | {f"b{i}": [0, 6] for i in range(4)} | {"c": [0, 9], "end": [19]}
    active |= {f"d{i}": [0] for i in range(15)}
    rows = [(customer, MONTHS[t]) for customer, periods in active.items() for t in periods]
    return pd.DataFrame(rows, columns=["customer_id", "period"]).assign(n_orders=1)


@pytest.fixture(scope="module")
def definition(panel):
    return churn_definition(panel, max_return_share=0.12, n_resamples=50, context=Context(currency="EUR"))


def _line(ax, n):
    return [line for line in ax.lines if len(line.get_xdata()) > 2][n]


def test_the_curves_are_the_table(definition):
    ax = plot_return_share(definition)
    table = definition.return_shares
    for n, name in enumerate(["share_naive", "return_share"]):
        np.testing.assert_allclose(_line(ax, n).get_xdata(), table["k"])
        np.testing.assert_allclose(_line(ax, n).get_ydata(), table[name])
    band = ax.collections[0].get_paths()[0].vertices
    ends = {(int(k), round(float(y), 9)) for k, y in band}
    for row in table.itertuples():
        assert (row.k, round(row.ci_low, 9)) in ends and (row.k, round(row.ci_high, 9)) in ends


def test_what_is_lost_and_the_limit_are_marked(definition):
    ax = plot_return_share(definition)
    short = [line for line in ax.lines if len(line.get_xdata()) <= 2]
    limit, lost, point = (list(zip(*line.get_data(), strict=True)) for line in short)
    assert {y for _, y in limit} == {0.12}
    assert {x for x, _ in lost} == {definition.k} == {3}
    assert point == [(3, pytest.approx(5 / 45))]
    texts = [text.get_text() for text in ax.texts]
    low, high = definition.return_low, definition.return_high
    assert f"3 months: 11.1% come back\n95% interval {low:.1%} to {high:.1%}" in texts
    assert "at most 12% may come back" in texts
    assert "as far as the data follow them" in texts
    assert "counting those silent now as gone" not in texts  # no room between the curve and the limit
    assert ax.get_xlabel() == "silent months"
    assert [label.get_text() for label in ax.get_yticklabels()] == ["0", "20", "40", "60", "80", "100"]


def test_the_biased_curve_is_named_where_there_is_room():
    rng = np.random.default_rng(1)
    rows = [(f"c{i}", MONTHS[t]) for i in range(60) for t in np.flatnonzero(rng.random(20) < rng.uniform(0.05, 0.4))]
    result = churn_definition(
        pd.DataFrame(rows, columns=["customer_id", "period"]).assign(n_orders=1), k=9, n_resamples=5
    )
    texts = [text.get_text() for text in plot_return_share(result).texts]
    assert "counting those silent now as gone" in texts


def test_the_title_says_the_answer(definition, panel):
    assert _title(definition) == "Silent for 3 months means lost: 11.1% of them still come back"
    assert _title(churn_definition(panel, k=19)) == "Silent for 19 months means lost: nobody was followed for longer"
    own = churn_definition(panel, k=3, gap_multiple=2, n_resamples=20)
    assert _title(own) == "Where no own rhythm is known: silent for 3 months means lost: 11.1% of them still come back"


def _title(result):
    return plot_return_share(result).get_title(loc="left").replace("\n", " ")


def test_without_intervals_and_without_a_curve(panel):
    few = churn_definition(panel[panel["customer_id"].isin(["a1", "a2", "b1", "d1", "end"])], k=3)
    texts = [text.get_text() for text in plot_return_share(few).texts]
    assert any(text.startswith("3 months: ") and "interval" not in text for text in texts)
    always = panel[panel["customer_id"] == "end"].iloc[[0] * 4].assign(period=MONTHS[:4])
    bare = churn_definition(pd.concat([always, always.assign(customer_id="b")]), k=2)
    assert bare.return_shares.empty
    assert describe(plot_return_share(bare))


def test_described_in_words(definition):
    text = describe(plot_return_share(definition))
    table = definition.return_shares
    assert f"{table['return_share'].iloc[0]:.1%} after 1 month" in text
    assert (
        f"{table['return_share'].iloc[-1]:.1%} after {table['k'].iloc[-1]} months. The dashed line is the limit, 12%."
        in text
    )


def test_it_becomes_a_picture_and_changes_nothing(definition):
    before = {name: frame.copy() for name, frame in definition.tables().items()}
    assert to_png(plot_return_share(definition)).startswith(b"\x89PNG")
    for name, frame in definition.tables().items():
        pd.testing.assert_frame_equal(frame, before[name])
