import dataclasses

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from kam.identify import classify_abc_xyz
from kam.plots import describe, plot_abc_xyz, plot_class_stability, style, to_png
from tests.plots.conftest import CONTEXT


@pytest.fixture(scope="module")
def classes():
    """120 customers over two years, the value falling by a steady factor, a third of them with a single order."""
    months = pd.date_range("2023-01-01", periods=24, freq="MS")
    rows, summary = [], []
    for i in range(120):
        mine = months[:: 1 + i % 4] if i % 3 else months[20:21]
        rows += [(f"C{i:03d}", month, 1000 * 0.96**i * (1 + (month.month + i) % 5), 1) for month in mine]
        days = np.diff([day.toordinal() for day in mine])
        summary.append(
            {
                "customer_id": f"C{i:03d}",
                "n_orders": len(mine),
                "first_order": mine[0],
                "last_order": mine[-1],
                "days_since_last_order": (pd.Timestamp("2024-12-31") - mine[-1]).days,
                "tenure_days": (pd.Timestamp("2024-12-31") - mine[0]).days,
                "median_gap_days": float(np.median(days)) if days.size else np.nan,
                "gap_cv": float(days.std() / days.mean()) if days.size > 2 else np.nan,
                "demand_cv": 1.0,
            }
        )
    panel = pd.DataFrame(rows, columns=["customer_id", "period", "revenue", "n_orders"])
    frame = pd.DataFrame(summary).merge(panel.groupby("customer_id", as_index=False)["revenue"].sum())
    return classify_abc_xyz(frame, panel, n_resamples=50, context=CONTEXT)


def _scatters(ax):
    return [one for one in ax.collections if isinstance(one, mpl.collections.PathCollection) and len(one.get_offsets())]


def _title(ax):
    return ax.get_title(loc="left").replace("\n", " ")


def test_cells_are_the_shares_of_the_customers(classes):
    ax = plot_abc_xyz(classes)
    customers = classes.customers
    groups = customers.groupby(["abc_class", "xyz_class"])["share_value"]
    drawn = np.asarray(ax.collections[0].get_array()).reshape(3, 5)
    texts = iter(text.get_text() for text in ax.texts)
    for i, abc in enumerate("ABC"):
        for j, xyz in enumerate(["X", "Y", "Z", "new", "ended"]):
            members = groups.get_group((abc, xyz)) if (abc, xyz) in groups.groups else pd.Series(dtype=float)
            assert drawn[i, j] == pytest.approx(members.sum())
            if len(members):
                assert next(texts) == str(len(members))
                assert next(texts) == f"{members.sum():.1%}"
            else:
                assert next(texts) == "–"


def test_rows_say_how_many_and_the_title_counts_the_regular(classes):
    ax = plot_abc_xyz(classes)
    n = classes.customers["abc_class"].value_counts()
    assert [label.get_text() for label in ax.get_yticklabels()] == [f"{name}\n{n[name]} accounts" for name in "ABC"]
    best = classes.customers.query("abc_class == 'A' and xyz_class == 'X'")
    assert len(best) > 1
    assert _title(ax) == (
        f"{len(best)} of {n['A']} class A accounts order regularly (X): {best['share_value'].sum():.1%} of the value"
    )
    assert "the cells worth most are A " in describe(ax)


def test_points_are_the_probabilities_in_order_of_value(classes):
    ax = plot_class_stability(classes, sure=0.7)
    points = np.vstack([scatter.get_offsets() for scatter in _scatters(ax)])
    points = points[np.argsort(points[:, 0])]
    customers = classes.customers.sort_values("value", ascending=False)
    np.testing.assert_allclose(points[:, 0], np.arange(1, 121))
    np.testing.assert_allclose(points[:, 1], customers["p_same_class"])


def test_color_and_title_tell_the_sure_from_the_others(classes):
    ax = plot_class_stability(classes, sure=0.7)
    scatters = _scatters(ax)
    colors = [mpl.colors.to_hex(one.get_facecolor()[0]) for one in scatters]
    assert colors == [style.ACCENT, style.WARN]
    assert scatters[0].get_offsets()[:, 1].min() >= 0.7 > scatters[1].get_offsets()[:, 1].max()
    a = classes.customers.query("abc_class == 'A'")["p_same_class"]
    assert _title(ax).startswith(
        f"{(a >= 0.7).sum()} of {len(a)} class A accounts are sure of their class: A again in at least 70%"
    )
    kept = classes.customers.groupby("abc_class")["p_same_class"].mean()
    assert [text.get_text() for text in ax.texts] == [f"class {name}\n{kept[name]:.0%} keep it" for name in "ABC"]


def test_borders_stand_between_the_classes(classes):
    ax = plot_class_stability(classes)
    lines = next(one for one in ax.collections if isinstance(one, mpl.collections.LineCollection))
    n = classes.customers["abc_class"].value_counts()
    assert [segment[0, 0] for segment in lines.get_segments()] == [n["A"] + 0.5, n["A"] + n["B"] + 0.5]


@pytest.mark.parametrize("sizes", [(2, 3, 995), (990, 8, 2), (1, 1, 1), (1000, 0, 0)])
def test_names_of_narrow_classes_do_not_overlap(classes, sizes):
    names = [name for name, n in zip("ABC", sizes, strict=True) for _ in range(n)]
    n = len(names)
    customers = pd.DataFrame(
        {"value": np.arange(n, 0, -1.0), "abc_class": names, "p_same_class": np.linspace(0.3, 1, n)}
    )
    table = pd.DataFrame(
        {"abc_class": list("ABC"), "n_customers": sizes, "p_same_class": [0.9 if k else np.nan for k in sizes]}
    )
    ax = plot_class_stability(dataclasses.replace(classes, customers=customers, classes=table))
    ax.figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in ax.texts]
    assert len(boxes) == sum(k > 0 for k in sizes)
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[i + 1 :])
    assert all(box.x0 >= 0 and box.x1 <= ax.figure.bbox.width for box in boxes)


def test_many_accounts_are_thinned_out_evenly(classes):
    n = 30_000
    customers = pd.DataFrame({"value": np.arange(n, 0, -1.0), "abc_class": "C", "p_same_class": np.linspace(0, 1, n)})
    table = pd.DataFrame({"abc_class": ["C"], "n_customers": [n], "p_same_class": [0.5]})
    ax = plot_class_stability(dataclasses.replace(classes, customers=customers, classes=table))
    points = np.vstack([scatter.get_offsets() for scatter in _scatters(ax)])
    assert 2000 < len(points) <= 2500
    np.testing.assert_allclose(points[:, 1], (points[:, 0] - 1) / (n - 1), atol=1e-9)


def test_nothing_that_was_given_is_changed_and_bytes_are_the_same(classes):
    before = {name: frame.copy() for name, frame in classes.tables().items()}
    for plot in (plot_abc_xyz, plot_class_stability):
        png = to_png(plot(classes))
        assert png == to_png(plot(classes))
        assert len(png) < 60_000
    for name, frame in classes.tables().items():
        pd.testing.assert_frame_equal(frame, before[name])
