import matplotlib.pyplot as plt
import pandas as pd
import pytest

from kam.errors import EmptyDataError
from kam.plots import describe, draw_beside, plot_account_timeline, plot_contact_map, plot_product_change, to_png
from kam.programme import account_dossier
from tests.plots.conftest import NAMES
from tests.programme.account_by_hand import by_hand, months


def events(*rows):
    return pd.DataFrame(rows, columns=["event_date", "event", "outcome"]).assign(customer_id="a1")


def people(n, **given):
    frame = {
        "contact_id": [f"p{i}" for i in range(n)],
        "name": (NAMES * 3)[:n],
        "influence": 3,
        "support": 1,
        "decides": False,
    }
    return pd.DataFrame(frame | given).assign(customer_id="a1")


@pytest.fixture
def busy():
    """Three years, late in the first quarter of 2025, with a complaint, tenders, a handover and a loss; eight products."""
    late = pd.DataFrame(
        {"customer_id": "a1", "period": pd.to_datetime(["2025-01-01"]), "n_deliveries": [4], "n_late": [3]}
    )
    happened = events(
        ("2025-02-10", "complaint", "open"), ("2024-05-01", "tender", "won"), ("2024-08-01", "tender", "lost"),
        ("2023-03-01", "handover", "Ada"), ("2025-11-02", "lost", None), ("2025-01-03", "visit", None),
    )  # fmt: skip
    products = pd.DataFrame({"group_name": NAMES[:8], "revenue_year": range(8), "revenue_year_before": range(8, 0, -1)})
    files = by_hand(
        months=months(silent=5),
        deliveries=late,
        events=happened,
        products=products.assign(customer_id="a1"),
        contacts=people(13),
    )
    return account_dossier(files, "a1")


def inside(ax):
    ax.figure.draw_without_rendering()
    box, (width, height) = ax.figure.get_tightbbox(), ax.figure.get_size_inches()
    return box.x0 >= -0.01 and box.y0 >= -0.01 and box.x1 <= width + 0.01 and box.y1 <= height + 0.01


def test_timeline_has_a_bar_per_quarter_and_a_lane_per_kind_of_event(busy):
    ax = plot_account_timeline(busy)
    assert [bar.get_height() for bar in ax.patches] == [30.0] * 10 + [10.0, 0.0]
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels[-5:] == ["late deliveries", "complaints", "tenders, offers", "handover", "logged as lost"]
    assert ax.get_title(loc="left") == "No order since July 2025"
    assert len(ax.collections) == 5 and inside(ax)
    assert [place for lane in ax.collections for place, _ in lane.get_offsets()] == [8, 8, 5, 6, 0, 11]
    assert [lane.get_facecolor()[-1][:3].tolist() == [1, 1, 1] for lane in ax.collections] == [False] * 2 + [True] + [
        False
    ] * 2
    assert "late deliveries" in describe(ax)


def test_few_months_are_shown_by_month():
    ax = plot_account_timeline(account_dossier(by_hand(months=months(n=7)), ""))
    assert len(ax.patches) == 7 and "by month" in ax.get_xlabel()


def test_products_of_this_year_beside_those_of_the_year_before(busy):
    ax = plot_product_change(busy)
    assert [bar.get_width() for bar in ax.patches] == list(range(8))
    assert "moved most: -€8.00" in ax.get_title(loc="left").replace("\n", " ") and inside(ax)


@pytest.mark.parametrize(
    ("rest", "said"), [(-40.0, "B moved most: +€20.00"), (-90.0, "all others moved most: -€90.00")]
)
def test_many_products_together_are_said_to_have_moved_where_the_named_ones_moved_less(rest, said):
    products = pd.DataFrame(
        {
            "customer_id": "a1",
            "group_name": ["A", "B", "C", "all others"],
            "revenue_year": [10.0, 40.0, 30.0, 100.0 + rest],
            "revenue_year_before": [20.0, 20.0, 45.0, 100.0],
        }
    )
    assert plot_product_change(account_dossier(by_hand(products=products), "a1")).get_title(loc="left") == said


def test_map_shows_everybody_and_names_as_many_as_fit(busy):
    ax = plot_contact_map(busy)
    assert len(ax.collections) == 13 and inside(ax)
    assert [text.get_text() for text in ax.texts] == ["Harrington Wholesale"[:17] + "…\nand 12 more"]
    unknown = people(2, influence=[None, 5], decides=True)
    ax = plot_contact_map(account_dossier(by_hand(contacts=unknown), ""))
    assert len(ax.collections) == 1 and "2 deciders not met" in ax.get_title(loc="left").replace("\n", " ")


def test_what_there_is_not_is_not_drawn():
    bare = account_dossier(by_hand(), "")
    for plot in (plot_account_timeline, plot_product_change, plot_contact_map):
        with pytest.raises(EmptyDataError):
            plot(bare)


def test_side_by_side_leaves_out_what_there_is_not(busy, monkeypatch):
    shown = []
    monkeypatch.setattr(
        "kam.plots.style.show", lambda ax: shown.append((len(ax.figure.axes), describe(ax), to_png(ax)))
    )
    draw_beside(busy, plot_product_change, plot_contact_map)
    draw_beside(account_dossier(by_hand(contacts=people(1)), ""), plot_product_change, plot_contact_map)
    draw_beside(account_dossier(by_hand(), ""), plot_product_change, plot_contact_map)
    assert [n for n, *_ in shown] == [2, 1]
    assert "Bars by product" in shown[0][1] and "Map of contacts" in shown[0][1]
    plt.close("all")
