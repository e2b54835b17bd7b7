import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kam.columns import GLOSSARY
from kam.errors import (
    ColumnTypeError,
    DataError,
    EmptyDataError,
    MissingColumnError,
    ParameterError,
    UndefinedMeasureError,
)
from kam.identify.abc_xyz import ABC, XYZ, abc_classes, classify_abc_xyz
from kam.identify.value_classes import customer_values
from kam.results import Context, load_results, save_results

AS_OF = pd.Timestamp("2024-12-31")


def customer(name, revenue, *, n_orders=12, first="2024-01-10", silent=10, gap=30.0, gap_cv=0.3, demand_cv=0.3):
    return {
        "customer_id": name,
        "revenue": float(revenue),
        "n_orders": n_orders,
        "first_order": pd.Timestamp(first),
        "last_order": AS_OF - pd.Timedelta(days=silent),
        "tenure_days": float((AS_OF - pd.Timestamp(first)).days),
        "days_since_last_order": float(silent),
        "median_gap_days": gap,
        "gap_cv": gap_cv,
        "demand_cv": demand_cv,
    }


def book(*customers):
    """Summary and a panel in which every customer spends the same each month since the first order."""
    summary = pd.DataFrame(list(customers))
    rows = []
    for row in summary[summary["n_orders"] > 0].itertuples():
        months = pd.date_range(row.first_order.replace(day=1), row.last_order, freq="MS")
        rows += [(row.customer_id, month, row.revenue / len(months), 1) for month in months]
    return summary, pd.DataFrame(rows, columns=["customer_id", "period", "revenue", "n_orders"])


def classify(*customers, **options):
    return classify_abc_xyz(*book(*customers), **{"n_resamples": 50, **options})


def check(result, words):
    return next(c for c in result.checks if words in c.assumption)


# -- ABC


def letters(values, **options):
    return "".join(abc_classes(pd.Series(values, index=[f"{i:06d}" for i in range(len(values))]), **options))


def test_share_before_decides():
    assert letters([80, 15, 5]) == "ABC"  # before: 0, 80 %, 95 %
    assert letters([79, 16, 5]) == "AAC"
    assert letters([5, 80, 15]) == "CAB"
    assert letters([100, 0, -5]) == "ACC"
    assert letters([7]) == "A"
    assert letters([50, 30, 15, 5], cuts=(0.5, 0.8)) == "ABCC"


def test_base():
    values = [60, 25, 15, -20]  # positive sum 100, net 80: 80 % are 80 or 64, 95 % are 95 or 76
    assert letters(values) == "AABC"
    assert letters(values, base="net") == "AACC"


def test_rounding_of_sums_moves_nobody():
    # In floats 8 × 0.1 is less than 0.8, which would make the ninth an A.
    assert sum([0.1] * 8) < 0.8
    assert letters([0.1] * 10) == "AAAAAAAABB"
    assert letters([1e-7] * 10) == "AAAAAAAABB"
    assert letters([0.01] * 100_000) == "A" * 80_000 + "B" * 15_000 + "C" * 5_000


def test_ties_follow_the_id_whatever_the_order_of_rows():
    values = pd.Series({"b": 40.0, "c": 40.0, "a": 20.0, "d": 40.0})
    assert abc_classes(values, cuts=(0.5, 0.8)).to_dict() == {"b": "A", "c": "A", "d": "B", "a": "C"}
    assert abc_classes(values[::-1], cuts=(0.5, 0.8)).to_dict() == abc_classes(values, cuts=(0.5, 0.8)).to_dict()
    result = classify(*(customer(name, 40) for name in "bcd"), customer("a", 20), abc_cuts=(0.5, 0.8))
    assert check(result, "equal value").verdict == "handled"
    assert check(result, "equal value").finding.startswith("3 customers")
    assert check(classify(customer("a", 9), customer("b", 1)), "equal value").verdict == "holds"


@settings(max_examples=50)
@given(st.lists(st.integers(-1000, 10_000), min_size=1, max_size=40).filter(lambda v: max(v) > 0), st.randoms())
def test_invariants(values, random):
    classes = letters(values)
    pairs = sorted(zip(values, classes, strict=True), reverse=True)
    ordered = "".join(c for _, c in sorted(pairs, key=lambda pair: -pair[0]))
    assert sorted(ordered) == sorted(classes)
    by_class = {c: [v for v, k in pairs if k == c] for c in ABC}
    assert max(by_class["B"] + by_class["C"], default=-1e9) <= min(by_class["A"])
    assert max(by_class["C"], default=-1e9) <= min(by_class["A"] + by_class["B"])
    assert all(v > 0 for v in by_class["A"] + by_class["B"])
    total = sum(v for v in values if v > 0)
    assert sum(by_class["A"]) >= 0.8 * total
    assert sum(by_class["A"]) - min(by_class["A"]) < 0.8 * total
    assert letters([v / 4 for v in values]) == classes  # another currency
    shuffled = list(enumerate(values))
    random.shuffle(shuffled)
    series = pd.Series([v for _, v in shuffled], index=[f"{i:06d}" for i, _ in shuffled])
    assert "".join(abc_classes(series).sort_index()) == classes


def test_online_retail(real_data):
    lines = pd.read_parquet(real_data("online_retail_ii/lines_2009_2011.parquet"))
    lines = lines[lines["customer_id"].notna()].drop_duplicates()
    units = lines["quantity"].astype("int64") * np.rint(lines["unit_price"] * 1e4).astype("int64")
    lines = lines.assign(amount=units)[units != 0]
    values = lines.groupby(lines["customer_id"].astype(str))["amount"].sum() / 1e4
    assert len(values) == 5939
    assert abc_classes(values, base="net").value_counts().to_dict() == {"A": 1353, "B": 1795, "C": 2791}
    assert abc_classes(values).value_counts().to_dict() == {"A": 1384, "B": 1887, "C": 2668}


# -- XYZ


def test_regularity_by_hand():
    result = classify(
        customer("x", 900, gap_cv=0.5),
        customer("y", 800, gap_cv=1.0),
        customer("z", 700, gap_cv=1.01),
        customer("few orders", 600, n_orders=3, gap_cv=0.1),
        customer("one day only", 500, n_orders=5, gap_cv=np.nan, gap=np.nan),
        customer("silent", 400, silent=181, gap=30.0),
        customer("rare but alive", 300, silent=240, gap=80.0, gap_cv=0.2),
        customer("one order, long ago", 200, n_orders=1, silent=200, gap=np.nan, gap_cv=np.nan),
    )
    assert result.customers.set_index("customer_id")["xyz_class"].to_dict() == {
        "x": "X",
        "y": "Y",
        "z": "Z",
        "few orders": "new",
        "one day only": "new",
        "silent": "ended",
        "rare but alive": "X",
        "one order, long ago": "ended",
    }


def test_who_has_no_gap_of_its_own_is_judged_by_the_median_of_all():
    once = customer("once", 5, n_orders=1, silent=250, gap=np.nan, gap_cv=np.nan)
    slow = [customer(f"slow {i}", 9, gap=100.0) for i in range(3)]
    quick = [customer(f"quick {i}", 9, gap=20.0) for i in range(3)]
    assert classify(once, *slow).customers.set_index("customer_id").at["once", "xyz_class"] == "new"
    assert classify(once, *quick).customers.set_index("customer_id").at["once", "xyz_class"] == "ended"
    assert classify(once).customers["xyz_class"].tolist() == ["ended"]


def test_a_clockwork_quarterly_buyer_is_regular_by_gaps_and_irregular_by_months():
    quarterly = customer("q", 100, gap=91.0, gap_cv=0.02, demand_cv=2**0.5)
    assert classify(quarterly).customers["xyz_class"].tolist() == ["X"]
    assert classify(quarterly, xyz="demand_cv").customers["xyz_class"].tolist() == ["Z"]


def test_limits_can_be_set():
    late = customer("a", 100, silent=100, gap_cv=0.6, n_orders=6)
    assert classify(late).customers["xyz_class"].tolist() == ["Y"]
    assert classify(late, ended_after=99).customers["xyz_class"].tolist() == ["ended"]
    assert classify(late, xyz_cuts=(0.7, 1.0)).customers["xyz_class"].tolist() == ["X"]
    assert classify(late, min_orders=7).customers["xyz_class"].tolist() == ["new"]
    said = " ".join(f"{a.what} {a.value}" for a in classify(late, ended_after=99, min_orders=7).assumed)
    assert "more than 99 days" in said
    assert "from 7 orders on" in said


def test_one_class_for_all_fails_the_check():
    same = [customer(f"c{i}", 100 + i) for i in range(9)]
    assert check(classify(*same, customer("z", 5, gap_cv=2.0)), "tell customers apart").verdict == "does not hold"
    varied = [customer(f"d{i}", 100 + i, gap_cv=2.0) for i in range(3)]
    assert check(classify(*same, *varied), "tell customers apart").verdict == "holds"


# -- the result


@pytest.fixture(scope="module")
def result():
    rng = np.random.default_rng(1)
    shapes = [(f"{i:04d}", v, 1 + i % 15, 0.2 + i % 5 / 4) for i, v in enumerate(rng.lognormal(5, 1.5, 200))]
    customers = [customer(name, v, n_orders=n, gap_cv=cv, silent=5 + n * 20) for name, v, n, cv in shapes]
    customers += [customer("below", -50), customer("zero", 0)]
    summary, panel = book(*customers)
    credit_only = {**customer("credit note", -5, n_orders=0), "first_order": pd.NaT, "last_order": pd.NaT}
    nothing = dict.fromkeys(("tenure_days", "days_since_last_order", "median_gap_days", "gap_cv", "demand_cv"), np.nan)
    summary = pd.concat([summary, pd.DataFrame([{**credit_only, **nothing}])], ignore_index=True)
    return classify_abc_xyz(summary, panel, n_resamples=100, context=Context(currency="EUR"))


def test_tables_add_up(result):
    customers, n = result.customers, 203
    assert len(customers) == result.n_customers == n
    assert customers["value"].is_monotonic_decreasing
    assert result.n_not_positive == 3
    assert result.total == pytest.approx(customers["value"].clip(lower=0).sum())
    assert customers["share_value"].sum() == pytest.approx(1)
    assert np.allclose(customers["cum_share_value"], customers["share_value"].cumsum())
    assert list(result.classes["abc_class"]) == list(ABC)
    assert len(result.matrix) == len(ABC) * len(XYZ)
    for table in (result.classes, result.matrix):
        assert table["n_customers"].sum() == n
        assert table["share_customers"].sum() == pytest.approx(1)
        assert table["share_value"].sum() == pytest.approx(1)
        assert table["value"].sum() == pytest.approx(customers["value"].sum())
    recount = customers.groupby(["abc_class", "xyz_class"]).size()
    for row in result.matrix.itertuples():
        assert row.n_customers == recount.get((row.abc_class, row.xyz_class), 0)
    assert (customers["abc_class"] == abc_classes(customers.set_index("customer_id")["value"]).to_numpy()).all()


def test_probabilities_are_probabilities_and_summed_up_right(result):
    p = result.customers[["p_class_a", "p_class_b", "p_class_c"]]
    assert np.allclose(p.sum(axis=1), 1)
    assert ((p >= 0) & (p <= 1)).all(axis=None)
    own = [row[f"p_class_{row['abc_class'].lower()}"] for _, row in result.customers.iterrows()]
    assert (result.customers["p_same_class"] == own).all()
    for row in result.stability.itertuples():
        same = result.customers.loc[result.customers["abc_class"] == row.abc_class, "p_same_class"]
        assert row.n_customers == len(same)
        assert row.p_same_class == pytest.approx(same.mean())
        assert (row.p_low, row.p_median, row.p_high) == pytest.approx(tuple(np.quantile(same, [0.25, 0.5, 0.75])))
        assert row.n_sure == (same >= 0.95).sum()
    assert np.allclose(result.classes["p_same_class"], result.stability["p_same_class"])


def test_orders_per_year(result):
    long = classify(customer("a", 1, n_orders=30, first="2022-12-31"), customer("b", 1, n_orders=3, first="2024-12-01"))
    assert long.customers.set_index("customer_id")["orders_per_year"].to_dict() == pytest.approx(
        {"a": 30 / (731 / 365.25), "b": 3}
    )
    assert result.customers.set_index("customer_id").at["credit note", "orders_per_year"] == 0


def test_answer_and_figures(result):
    a, sure = result.stability.loc[0, ["n_customers", "n_sure"]]
    assert result.answer() == (
        f"{a} of 203 accounts make class A (80% of the positive net revenue); {sure} of them would be class A again with at "
        "least 95% probability if the same period ran again."
    )
    assert 3 <= len(result.answer().key_figures) <= 5
    assert classify(customer("a", 5)).answer() == "The only account makes class A: one account always does."
    two = classify(customer("a", 990), customer("b", 10), base="net").answer()
    assert two.startswith(
        "One of 2 accounts makes class A (99% of the net revenue); one of them would be class A again"
    )
    equal = [customer(f"c{i}", 10, n_orders=1) for i in range(40)]
    assert "; none of them would be class A again" in classify(*equal).answer()


def test_every_column_is_in_the_glossary_and_results_come_back_from_disk(result, tmp_path):
    assert {c for frame in result.tables().values() for c in frame} <= set(GLOSSARY)
    save_results(result, to=tmp_path)
    again = load_results(tmp_path)["abc_xyz"]
    assert again.answer() == result.answer()
    pd.testing.assert_frame_equal(again.customers, result.customers, check_dtype=False)


def test_checks_say_what_happened(result):
    assert check(result, "positive value").finding == "3 have not, and are in class C"
    assert check(result, "orders enough").verdict == "handled"
    assert "1 without an order" in check(result, "how often and how much").finding
    assert {c.verdict for c in result.checks} <= {"holds", "handled", "does not hold", "not testable"}


def test_what_lies_outside_complete_months_counts_and_is_said():
    summary, panel = book(customer("a", 900), customer("b", 100))
    result = classify_abc_xyz(summary.assign(revenue=[1800.0, 200.0]), panel, n_resamples=50)
    assert result.customers["value"].tolist() == [1800, 200]
    outside = check(result, "all value lies")
    assert outside.verdict == "handled"
    assert outside.statistic == pytest.approx(0.5)
    assert outside.finding.startswith("50.0% of the value")
    assert check(classify_abc_xyz(summary, panel, n_resamples=50), "all value lies").verdict == "holds"
    moved = classify_abc_xyz(summary.assign(revenue=[1000.0, 0.0]), panel, n_resamples=50)  # +100 here, -100 there
    assert check(moved, "all value lies").statistic == pytest.approx(0.2)


def test_margin_is_ranked_under_its_own_name():
    summary, panel = book(customer("a", 900), customer("b", 100), customer("c", 50))
    summary, panel = summary.assign(margin=[-5.0, 30.0, 10.0]), panel.assign(margin=panel["revenue"] / 10)
    result = classify_abc_xyz(summary, panel, value="margin", n_resamples=50)
    assert result.customers["customer_id"].tolist() == ["b", "c", "a"]
    assert result.key == "abc_xyz_margin"
    assert "positive margin" in result.answer()


def test_inputs_stay_as_they_are_and_the_seed_decides():
    summary, panel = book(*(customer(f"c{i}", 10 + i) for i in range(30)))
    before = summary.copy(), panel.copy()
    first = classify_abc_xyz(summary, panel, n_resamples=60)
    pd.testing.assert_frame_equal(summary, before[0])
    pd.testing.assert_frame_equal(panel, before[1])
    pd.testing.assert_frame_equal(first.customers, classify_abc_xyz(summary, panel, n_resamples=60).customers)
    other = classify_abc_xyz(summary, panel, n_resamples=60, seed=2)
    assert not first.customers["p_same_class"].equals(other.customers["p_same_class"])
    shuffled = classify_abc_xyz(
        summary.sample(frac=1, random_state=1), panel.sample(frac=1, random_state=1), n_resamples=60
    )
    pd.testing.assert_frame_equal(first.customers, shuffled.customers)


def test_leading_zeros_and_number_ids_survive():
    assert classify(customer("007", 5), customer("07", 4)).customers["customer_id"].tolist() == ["007", "07"]


@pytest.mark.parametrize("language", ["zh", "ko", "ja"])
def test_other_languages_speak(language):
    assert classify(customer("a", 5), context=Context(language=language, currency="EUR")).answer()


# -- bad input


def test_no_customer():
    summary, panel = book(customer("a", 5))
    with pytest.raises(EmptyDataError):
        classify_abc_xyz(summary.iloc[:0], panel.iloc[:0])
    with pytest.raises(EmptyDataError):
        abc_classes(pd.Series(dtype=float))


@pytest.mark.parametrize(("frame", "column"), [("summary", "gap_cv"), ("summary", "revenue"), ("panel", "period")])
def test_missing_column(frame, column):
    frames = dict(zip(("summary", "panel"), book(customer("a", 5)), strict=True))
    frames[frame] = frames[frame].drop(columns=column)
    with pytest.raises(MissingColumnError, match=f"'{column}'.*{frame}"):
        classify_abc_xyz(**frames)


def test_bad_values_name_the_customer():
    with pytest.raises(DataError, match=r"stands twice.*'a'"):
        classify(customer("a", 5), customer("a", 6))
    with pytest.raises(DataError, match=r"not finite.*'b'"):
        classify(customer("a", 5), customer("b", np.nan))
    with pytest.raises(DataError, match=r"not finite.*'b'"):
        abc_classes(pd.Series({"a": 1.0, "b": np.inf}))
    summary, panel = book(customer("a", 5), customer("b", 4))
    with pytest.raises(DataError, match=r"no first or last order.*'a'"):
        classify_abc_xyz(summary.assign(first_order=[pd.NaT, summary.at[1, "first_order"]]), panel)
    with pytest.raises(DataError, match=r"month stands twice.*'a'"):
        classify_abc_xyz(summary, pd.concat([panel, panel.head(1)]))
    with pytest.raises(DataError, match=r"not in the summary.*'b'"):
        classify_abc_xyz(summary.head(1), panel)
    with pytest.raises(ColumnTypeError, match="'period' holds no dates"):
        classify_abc_xyz(summary, panel.assign(period=panel["period"].astype(str)))


def test_a_quarterly_panel_is_refused():
    summary, panel = book(*(customer(f"c{i}", 5 + i) for i in range(5)))
    summary["n_active_periods"] = panel.groupby("customer_id").size().to_numpy()
    quarter = panel["period"].dt.to_period("Q").dt.to_timestamp()
    by_quarter = panel.assign(period=quarter).groupby(["customer_id", "period"], as_index=False).sum()
    assert classify_abc_xyz(summary, panel, n_resamples=20)
    with pytest.raises(DataError, match="not by month"):
        classify_abc_xyz(summary, by_quarter)
    with pytest.raises(DataError, match="not by month"):
        classify_abc_xyz(summary, panel.assign(period=panel["period"] + pd.Timedelta(days=3)))


def test_shares_of_nothing_are_undefined():
    with pytest.raises(UndefinedMeasureError, match="No customer has a positive value"):
        classify(customer("a", 0), customer("b", -5))
    with pytest.raises(UndefinedMeasureError, match=r"net total is -10\.00"):
        classify(customer("a", 10), customer("b", -20), base="net")
    assert classify(customer("a", 10), customer("b", -20)).customers["abc_class"].tolist() == ["A", "C"]


@pytest.mark.parametrize(
    "options",
    [
        {"base": "gross"},
        {"abc_cuts": (0.95, 0.8)},
        {"abc_cuts": (0.8, 1.0)},
        {"xyz": "cv"},
        {"xyz_cuts": (1.0, 0.5)},
        {"min_orders": 1},
        {"ended_after": 0},
        {"n_resamples": 0},
    ],
)
def test_parameters_out_of_range(options):
    with pytest.raises(ParameterError):
        classify(customer("a", 5), **options)


def test_values_by_name_or_a_named_error():
    summary = pd.DataFrame({"customer_id": ["a"], "revenue": [1.0]})
    assert customer_values(summary).to_dict() == {"a": 1.0}
    with pytest.raises(ParameterError, match="no margin in this ledger"):
        customer_values(summary, "margin")
    with pytest.raises(ParameterError, match="'profit'"):
        customer_values(summary, "profit")
