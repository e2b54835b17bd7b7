import numpy as np
import pandas as pd
import pytest

from kam.identify import score_rfm
from kam.plots import describe, plot_rfm_fm, plot_rfm_fr


def _cells(ax):
    return np.asarray(ax.collections[0].get_array()).reshape(5, 5)


@pytest.mark.parametrize(
    ("plot", "across", "table"), [(plot_rfm_fm, "m_score", "fm_table"), (plot_rfm_fr, "r_score", "fr_table")]
)
def test_cells_are_the_sums_of_the_customers(rfm, plot, across, table):
    ax = plot(rfm)
    customers = rfm.customers
    expected = np.zeros((5, 5))
    counts = np.zeros((5, 5), dtype=int)
    for row in customers.itertuples():
        i, j = 5 - row.f_score, getattr(row, across) - 1  # the most frequent on top
        expected[i, j] += row.value
        counts[i, j] += 1
    np.testing.assert_allclose(_cells(ax), expected)
    texts = [text.get_text() for text in ax.texts]
    shown = iter(texts)
    for count, value in zip(counts.ravel(), expected.ravel(), strict=True):
        if count:
            assert next(shown) == str(count)
            worth = next(shown)
            assert worth.startswith("€")
            assert float(worth[1:].replace("K", "000")) == pytest.approx(value, abs=500)
        else:
            assert next(shown) == "–"


def test_titles_count_what_is_framed(rfm):
    customers = rfm.customers
    best = customers[(customers["f_score"] >= 4) & (customers["m_score"] >= 4)]
    gone = customers[(customers["f_score"] >= 4) & (customers["r_score"] <= 2)]
    assert len(best) > 1
    assert len(gone) > 1
    title = plot_rfm_fm(rfm).get_title(loc="left").replace("\n", " ")
    assert title.startswith(
        f"{len(best)} accounts order often and buy much: they bring €{best['value'].sum() / 1000:.0f}K of "
    )
    title = plot_rfm_fr(rfm).get_title(loc="left").replace("\n", " ")
    assert title.startswith(
        f"{len(gone)} frequent buyers ordered longer ago than most: €{gone['value'].sum() / 1000:.0f}K"
    )
    pd.testing.assert_frame_equal(rfm.slipping, gone.reset_index(drop=True))


def test_frames_stand_where_the_titles_say(rfm):
    best = plot_rfm_fm(rfm).patches[0]
    assert (best.get_x(), best.get_y(), best.get_width(), best.get_height()) == (3, 0, 2, 2)
    gone = plot_rfm_fr(rfm).patches[0]
    assert (gone.get_x(), gone.get_y(), gone.get_width(), gone.get_height()) == (0, 0, 2, 2)


def test_scores_are_labelled_with_their_range(rfm):
    ax = plot_rfm_fr(rfm)
    rows = [label.get_text() for label in ax.get_yticklabels()]
    columns = [label.get_text() for label in ax.get_xticklabels()]
    frequency = rfm.customers.groupby("f_score")["n_orders"]
    assert rows[0] == f"5\n{frequency.min()[5]}–{frequency.max()[5]} orders"
    assert columns[0].startswith("1\n")
    assert columns[-1] == "5\n0–50"


def test_nobody_slipping(summary):
    ax = plot_rfm_fr(score_rfm(summary.assign(days_since_last_order=range(30, 0, -1), n_orders=range(1, 31))))
    assert ax.get_title(loc="left") == "No frequent buyer ordered longer ago than most"


def test_described_in_words(rfm):
    text = describe(plot_rfm_fm(rfm))
    cell = rfm.fm_table.nlargest(1, "value").iloc[0]
    assert (
        f"frequency {cell['f_score']:.0f} and monetary {cell['m_score']:.0f}: {cell['n_customers']:.0f} accounts"
        in text
    )


def test_nothing_that_was_given_is_changed(rfm):
    before = {name: frame.copy() for name, frame in rfm.tables().items()}
    plot_rfm_fm(rfm)
    plot_rfm_fr(rfm)
    for name, frame in rfm.tables().items():
        pd.testing.assert_frame_equal(frame, before[name])
