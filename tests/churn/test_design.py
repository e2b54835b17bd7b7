import numpy as np
import pandas as pd
import pytest

from kam.churn.design import build_design
from kam.churn.terms import DEFAULT, OUTCOMES, TERMS, default_terms
from kam.errors import DataError, LeakageError, MissingColumnError, ModelError, ParameterError


def frame(**columns):
    n = len(next(iter(columns.values())))
    return pd.DataFrame(
        {"customer_id": [f"C{i:03d}" for i in range(n)], "origin": pd.Timestamp("2025-01-01"), **columns}
    )


def test_steps_are_natural_units():
    rows = frame(
        gap_ratio=[0.5, 1.0, 4.0],
        days_since_contact=[0.0, 30.0, 75.0],
        share_late=[0.0, 0.05, 0.3],
        T=[365, 730, 0],
        handover=[True, False, True],
    )
    terms = ["gap_ratio", "days_since_contact", "share_late", "T", "handover"]
    rng = np.random.default_rng(1)
    wide = frame(**{name: rng.random(20) for name in terms[:-1]}, handover=rng.random(20) < 0.5)
    assert build_design(wide, terms=terms).apply(rows) == pytest.approx(
        np.array([[-1, 0, 0, 1, 1], [0, 1, 0.5, 2, 0], [2, 2.5, 3, 0, 1]])
    )


def test_trend_is_that_of_purchase_days():
    rows = frame(n_days_recent=[3, 0, 1], n_days_before=[1, 3, 1])
    assert build_design(rows, terms=["trend"]).apply(rows)[:, 0].tolist() == [1.0, -2.0, 0.0]


def test_unknown_numbers_are_per_standard_deviation_and_all_are_if_asked():
    rows = frame(credit=[1.0, 2.0, 3.0, 6.0], share_late=[0.0, 0.1, 0.2, 0.5])
    (column,) = build_design(rows, terms=["credit"]).columns
    assert (column.unit, column.more) == ("per standard deviation (1.87)", "1.87 more of credit")
    assert build_design(rows, terms=["credit"]).apply(rows)[:, 0] == pytest.approx(
        rows["credit"] / rows["credit"].std(ddof=0)
    )
    scaled = build_design(rows, terms=["credit", "share_late"][:1], scaling="sd").apply(rows)
    assert (scaled.mean(), scaled.std()) == (pytest.approx(0), pytest.approx(1))


def test_a_missing_number_is_the_mean_with_an_indicator_also_later():
    rows = frame(satisfaction=[1.0, 3.0, np.nan, 5.0] * 20)
    design = build_design(rows, terms=["satisfaction"])
    assert design.names == ("satisfaction", "satisfaction: not known")
    assert design.apply(rows.head(4)).tolist() == [[1, 0], [3, 0], [3, 1], [5, 0]]
    assert design.apply(frame(satisfaction=[np.nan, 9.0])).tolist() == [[3, 1], [9, 0]]
    assert design.missing.to_numpy().tolist() == [["satisfaction", 20]]
    complete = build_design(rows.fillna({"satisfaction": 4.0}), terms=["satisfaction"])
    assert complete.apply(frame(satisfaction=[np.nan])).tolist() == [[3.25]]
    few = build_design(rows.head(60), terms=["satisfaction"])  # 15 lack it
    assert few.names == ("satisfaction",) and few.missing["n_missing"].item() == 15


@pytest.mark.parametrize("name", ["share_late", "share_returned", "discount_share"])
def test_what_is_missing_where_nothing_was_ordered_is_no_indicator(name):
    rows = frame(**{name: [0.1, 0.3, np.nan, np.nan] * 20})
    design = build_design(rows, terms=[name])
    assert design.names == (name,) and design.missing["n_missing"].item() == 40
    assert design.apply(rows.head(4))[:, 0] == pytest.approx([1, 3, 2, 2])  # the mean, in steps of 10 points


def test_raw_names_are_not_in_the_words():
    rows = frame(paper_price=[1.0, 2.0, 3.0, 6.0], margin_year=[1.0, 2.0, 4.0, 6.0], n_days_year_before=[1, 2, 5, 6])
    rows["key_account"] = [True, False, True, False]
    rows["price_list"] = [*"aabb"]
    terms = ["paper_price", "margin_year", "n_days_year_before", "key_account", "price_list"]
    columns = [build_design(rows, terms=[term]).columns[0] for term in terms]
    assert columns[0].more == "1.87 more of paper price" and columns[0].name == "paper_price"
    assert not [column.more for column in columns if "_" in column.more or "n days" in column.more]
    assert columns[2].more.endswith(" more of purchase days in the year before the latest")


def levels(*counts):
    return [name for name, n in counts for _ in range(n)]


def test_levels_are_against_the_most_frequent_and_rare_ones_are_pooled():
    rows = frame(region=levels(("east", 30), ("west", 50), ("isle", 9), ("cape", 14), (None, 25)))
    design = build_design(rows, terms=["region"])
    assert design.names == ("region: east", "region: not known", "region: other levels")
    assert design.columns[0].unit == "east against west"
    assert design.pooled.to_numpy().tolist() == [["region", 2]]
    later = design.apply(frame(region=["west", "east", None, "isle", "never seen"]))
    assert later.tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1]]


def test_a_level_unseen_in_training_stands_midway_where_none_are_pooled():
    rows = frame(region=levels(("east", 25), ("west", 75)))
    assert build_design(rows, terms=["region"]).apply(frame(region=["south", None])).tolist() == [[0.25], [0.25]]


def test_pooling_counts_customers_not_rows():
    rows = frame(region=levels(("east", 40), ("west", 40), ("south", 40)))
    rows.loc[rows["region"] == "east", "customer_id"] = "one"
    design = build_design(rows, terms=["region"])
    assert design.names == ("region: west",)  # what is rare has too few together for a column
    assert design.apply(frame(region=["south", "west", "east"])).tolist() == [[0], [1], [0.5]]


def test_that_a_manager_is_missing_is_no_indicator():
    rows = frame(manager=levels(("Ada", 30), ("Bo", 20), (None, 50)))
    design = build_design(rows, terms=["manager"])
    assert design.names == ("manager: Bo",)
    assert design.apply(frame(manager=["Ada", "Bo", None])).tolist() == [[0], [1], [0.4]]


def test_constant_and_collinear_columns_are_left_out_and_named():
    x = np.arange(8.0)
    rows = frame(a=x, b=x**2, c=3 * x - x**2, d=[7.0] * 8, gone=[np.nan] * 8)
    design = build_design(rows, terms=["a", "b", "c", "d", "gone"])
    assert design.names == ("a", "b")
    assert design.left_out.to_numpy().tolist() == [
        ["c", "", "says the same as a and b"],
        ["d", "", "has one value only"],
        ["gone", "", "has one value only"],
    ]
    assert design.apply(rows).shape == (8, 2)
    with pytest.raises(ModelError, match=r"each has one value only.*d"):
        build_design(rows, terms=["d"])


def test_default_terms_are_those_that_are_there_and_the_declared():
    rows = frame(gap_ratio=[1.0, 2.0], handover=[True, False], rating=["a", "b"], manager=["x", "y"])
    terms = default_terms(rows, {"rating": "account", "manager": "account", "not there": "market"})
    assert [term.name for term in terms] == ["origin", "gap_ratio", "handover", "rating"]
    assert terms[-1].group == "account"
    assert not {"frequency", "manager", "n_offers", "trend"} & set(DEFAULT) and "trend" in TERMS
    assert {term.group for term in TERMS.values()} <= {
        "rhythm", "money", "deliveries", "events", "survey", "account", "origin",
    }  # fmt: skip


@pytest.mark.parametrize("name", [*OUTCOMES, "anything_next"])
def test_what_is_known_only_afterwards_is_refused(name):
    rows = frame(**{name: [0.0, 1.0], "x": [1.0, 2.0]})
    with pytest.raises(LeakageError, match=name):
        build_design(rows, terms=["x", name])
    with pytest.raises(LeakageError, match=name):
        build_design(rows, formula=f"x + np.log({name} + 1)")


def test_a_column_that_is_not_there_is_named_with_similar_ones():
    rows = frame(n_complaints=[0, 1], satisfaction=[1.0, 2.0])
    for arguments in ({"terms": ["n_complaint"]}, {"formula": "n_complaint + satisfaction"}):
        with pytest.raises(MissingColumnError, match=r"'n_complaint'.*n_complaints"):
            build_design(rows, **arguments)
    design = build_design(rows, terms=["satisfaction"])
    with pytest.raises(MissingColumnError, match="satisfaction"):
        design.apply(rows.drop(columns="satisfaction"))
    with pytest.raises(MissingColumnError, match="n_days_recent"):
        build_design(rows, terms=["trend"])


def test_bad_arguments():
    rows = frame(x=[1.0, 2.0])
    for arguments, message in (
        ({"terms": ["x"], "formula": "x"}, "terms and a formula"),
        ({"terms": ["x", "x"]}, "twice"),
        ({"terms": ["customer_id"]}, "no term"),
        ({"formula": "x +* y"}, "cannot be read"),
        ({"formula": "np.no_such(x)"}, "cannot be used"),
    ):
        with pytest.raises(ParameterError, match=message):
            build_design(rows, **arguments)
    with pytest.raises(ModelError, match="no term"):
        build_design(rows, terms=[])


def test_a_formula_keeps_what_it_learnt():
    rows = frame(x=[1.0, 2.0, 3.0, 5.0, 8.0, 9.0], g=[*"babaab"], y=[0.0, 1.0, 0.0, 3.0, 3.0, 9.0])
    design = build_design(rows, formula="x + I(x**2) + C(g) + y")
    assert design.names == ("x", "I(x ** 2)", "C(g): [T.b]", "y")
    assert [column.alone for column in design.columns] == [False, False, True, True]
    later = frame(x=[4.0, 4.0], g=["a", "b"], y=[0.0, 0.0])
    assert design.apply(later).tolist() == [[4, 16, 0, 0], [4, 16, 1, 0]]
    with pytest.raises(DataError, match="unseen"):
        design.apply(later.assign(g=["a", "unseen"]))
    with pytest.raises(DataError, match="'y' lacks 1 values"):
        design.apply(frame(x=[4.0], g=["a"], y=[np.nan]))


def test_the_rows_are_not_changed():
    rows = frame(region=levels(("east", 30), ("west", 50), (None, 2)), satisfaction=[np.nan] * 2 + [1.0] * 80)
    before = rows.copy(deep=True)
    build_design(rows, terms=["region", "satisfaction"]).apply(rows)
    pd.testing.assert_frame_equal(rows, before)
