"""Notebook 10 on the sample, in a kernel, beside plain pandas."""

import pytest

NOTEBOOK = "10_customer_identification"
EVERYTHING = [
    "key_accounts", "concentration", "dependence", "profitability", "relationship_levels", "scorecard", "profile", "typology",
    "growth", "prospects", "white_space", "release", "tier_migration", "price_volume_mix", "plan", "sales_quality", "risks",
    "staffing", "manager_effect", "manager_effect_margin", "abc_xyz", "rfm", "duplicates",
]  # fmt: skip
"""What the sample allows: all of it."""


def test_every_cell_completes_silently_and_every_figure_has_alternative_text(sample_run):
    sample_run.check(n_figures=17)


def test_the_results_are_those_of_plain_pandas(sample_run, sample_lines):
    results = sample_run.results
    assert list(results) == EVERYTHING
    lines = sample_lines.drop_duplicates()
    revenue = lines.groupby("customer_id")["amount"].sum()  # an order and its cancellation add up to nothing
    curve = results["concentration"].curve.set_index("customer_id")["value"]
    assert curve.to_dict() == pytest.approx(revenue[curve.index].to_dict())
    assert set(curve.index) == set(revenue.index)
    ranked = revenue.sort_values(ascending=False)
    before = ranked.cumsum().shift(fill_value=0) / ranked.sum()
    classes = results["abc_xyz"].customers.set_index("customer_id")["abc_class"]
    assert (classes == "A").sum() == (before < 0.8).sum()
    listed = results["key_accounts"].accounts
    assert set(listed.loc[listed["abc_class"] == "A", "customer_id"]) == set(before.index[before < 0.8])
    by_hand = listed[listed["abc_class"] != "A"]
    assert by_hand["is_key_account"].all() and by_hand["why"].str.startswith("tier A set by hand").all()
    paid = lines["cost"].fillna(lines["amount"]).astype("float64")  # a line without a cost earns nothing
    costs = paid.groupby(lines["customer_id"]).sum()
    profit = results["profitability"].accounts.set_index("customer_id")
    goods = profit["revenue"] - profit["cost"]
    without_returns = lines.groupby("customer_id")["amount"].min() > 0  # whose lines are all kept by cleaning
    goods = goods[without_returns[goods.index].to_numpy()]
    assert len(goods) > 500 and goods.to_dict() == pytest.approx((revenue - costs)[goods.index].to_dict())
