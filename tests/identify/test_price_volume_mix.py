import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kam.errors import DataError, EmptyDataError, MissingColumnError
from kam.identify import price_volume_mix
from kam.identify.price_volume_mix import PARTS
from kam.ledger import open_ledger, summarize_mix
from kam.results import Context

YEARS = pd.to_datetime(["2023-01-01", "2024-01-01"])


def mix(*rows):
    """Rows of account, year (0, 1), product, revenue, quantity."""
    frame = pd.DataFrame(rows, columns=["customer_id", "year", "group", "revenue", "quantity"])
    frame.insert(1, "period", YEARS[frame.pop("year").to_numpy(dtype=int)])
    return frame


def parts(result, customer="a"):
    row = result.accounts.set_index("customer_id").loc[customer, list(PARTS)]
    return {name: round(float(value), 6) for name, value in row.items() if value}


def effects(result):
    return result.effects.set_index("revenue_part")["revenue_change"].to_dict()


def test_two_products_by_hand():
    # tape: 10 at 10, then 12 at 11; film: 10 at 20, then 18 at 20. Quantity 20, then 30.
    result = price_volume_mix(
        mix(("a", 0, "tape", 100, 10), ("a", 1, "tape", 132, 12), ("a", 0, "film", 200, 10), ("a", 1, "film", 360, 18))
    )
    # price 12 × (11 − 10); volume (30/20 − 1) × 300; mix (10 × 12 + 20 × 18) − 1.5 × 300
    assert parts(result) == {"price": 12, "volume": 150, "mix": 30}
    assert result.price_change == pytest.approx(12 / 480)
    assert result.accounts["share_price_change"].tolist() == pytest.approx([12 / 480])
    assert (result.change, result.revenue, result.revenue_before, result.share_matched) == (192, 492, 300, 1)
    assert (result.year_before, result.year) == ("2023-01-01", "2024-01-01")


def test_only_the_composition_changes():
    rows = [("a", 0, "tape", 100, 10), ("a", 1, "tape", 50, 5), ("a", 0, "film", 200, 10), ("a", 1, "film", 300, 15)]
    assert parts(price_volume_mix(mix(*rows))) == {"mix": 50}


def test_new_and_dropped_products_and_accounts():
    result = price_volume_mix(
        mix(
            ("a", 0, "tape", 100, 10), ("a", 1, "tape", 100, 10), ("a", 0, "film", 30, 1), ("a", 1, "glue", 50, 2),
            ("new", 1, "tape", 70, 7), ("lost", 0, "tape", 90, 9),
        ),
        context=Context(currency="EUR"),
    )  # fmt: skip
    assert parts(result) == {"new_products": 50, "dropped_products": -30}
    assert result.accounts["customer_id"].tolist() == ["a"]
    expected = {"new products": 50, "dropped products": -30, "not there before": 70, "lost accounts": -90}
    assert {name: value for name, value in effects(result).items() if value} == expected
    by = result.effects.set_index("revenue_part")
    assert by.loc[list(expected), "n_customers"].tolist() == [1, 1, 1, 1]
    assert by.loc["lost accounts", "share_of_year_before"] == pytest.approx(-90 / 220)
    assert result.answer() == (
        "Revenue went from €220.00 to €220.00 within a year (€0.00). The largest parts: lost accounts -€90.00, accounts "
        "without an order the year before +€70.00 and change of what accounts buy, net +€20.00."
    )


@pytest.mark.parametrize(
    ("revenue", "quantity"), [(80.0, 0.0), (80.0, -2.0), (-20.0, -2.0), (-20.0, 3.0), (0.0, 5.0)],
    ids=["no quantity", "returns in pieces", "returns", "returns in money", "for nothing"],
)  # fmt: skip
def test_without_a_price_in_both_years_nothing_is_split(revenue, quantity):
    result = price_volume_mix(mix(("a", 0, "tape", 100, 10), ("a", 1, "tape", revenue, quantity)))
    assert parts(result) == {"without_quantity": revenue - 100}
    assert result.price_change is None
    assert result.accounts["share_price_change"].isna().all()
    assert result.checks[0].verdict == "does not hold"
    assert result.answer().key_figures[1].value == "–"


def test_lines_that_name_no_product_have_no_price():
    rows = mix(("a", 0, None, 100, 10), ("a", 1, None, 300, 10), ("a", 0, "tape", 10, 1), ("a", 1, "tape", 30, 2))
    result = price_volume_mix(rows)
    assert parts(result) == {"without_quantity": 200, "price": 10, "volume": 10}
    assert result.checks[0].finding.startswith("90.9%")


def test_what_was_bought_and_returned_in_a_year_was_not_bought():
    result = price_volume_mix(
        mix(
            ("a", 0, "tape", 0, 0),
            ("a", 1, "tape", 50, 5),
            ("b", 0, "tape", 9, 1),
            ("c", 0, "x", 0, 0),
            ("c", 1, "x", 0, 0),
        )
    )
    by = result.effects.set_index("revenue_part")["n_customers"]
    assert (by["not there before"], by["lost accounts"]) == (1, 1)  # c is neither
    assert result.accounts.empty


def test_dearer_and_more_change_different_parts():
    base = [("a", 0, "tape", 100, 10)]
    assert parts(price_volume_mix(mix(*base, ("a", 1, "tape", 110, 10)))) == {"price": 10}
    assert parts(price_volume_mix(mix(*base, ("a", 1, "tape", 200, 20)))) == {"volume": 100}


@settings(max_examples=20)
@given(
    st.dictionaries(
        st.tuples(st.sampled_from("abc"), st.integers(0, 1), st.sampled_from(["x", "y", "z", None])),
        st.tuples(st.integers(-50, 500), st.integers(-3, 20)),
        min_size=2,
    ).filter(lambda d: len({year for _, year, _ in d}) == 2)
)
def test_all_parts_add_up(cells):
    result = price_volume_mix(mix(*[(*key, float(r), float(q)) for key, (r, q) in cells.items()]))
    scale = 1 + sum(abs(r) for r, _ in cells.values()) * 20
    assert result.effects["revenue_change"].sum() == pytest.approx(result.change, abs=1e-12 * scale)
    by_part = result.accounts[list(PARTS)].sum(axis=1)
    np.testing.assert_allclose(by_part, result.accounts["revenue_change"], atol=1e-12 * scale)
    assert np.isfinite(result.effects["revenue_change"]).all()


def test_the_sample_from_its_order_lines(sample_company):
    data = sample_company
    result = price_volume_mix(summarize_mix(data.ledger, by="product_id", freq="last_years"), context=data.context)
    lines = data.ledger.table.select("customer_id", "order_day", "product_id", "amount", "quantity").to_pandas()
    lines["year"] = pd.to_datetime(lines["order_day"]).dt.year
    lines["amount"] = lines["amount"].astype(float)
    sums = lines[lines["year"] >= 2024].groupby(["customer_id", "product_id", "year"])[["amount", "quantity"]].sum()
    wide = sums.unstack("year")
    matched = wide[(wide > 0).all(axis=1)]
    r0, r1 = matched["amount", 2024], matched["amount", 2025]
    q0, q1 = matched["quantity", 2024].astype(float), matched["quantity", 2025].astype(float)
    by = [series.groupby("customer_id").sum() for series in (q0, q1, r0)]
    volume = ((by[1] / by[0] - 1) * by[2]).sum()
    found = effects(result)
    assert found["price"] == pytest.approx(((r1 / q1 - r0 / q0) * q1).sum())
    assert found["volume"] == pytest.approx(volume)
    assert found["mix"] == pytest.approx((r0 / q0 * q1).sum() - r0.sum() - volume)
    yearly = lines.groupby("year")["amount"].sum()
    assert result.change == pytest.approx(yearly[2025] - yearly[2024])
    assert sum(found.values()) == pytest.approx(result.change)
    assert [check.verdict for check in result.checks] == ["handled", "holds", "holds"]


def test_from_a_ledger_of_two_years():
    days = ["2022-05-01", "2023-05-01", "2023-05-02"]
    lines = pd.DataFrame({"customer_id": "a", "order_date": days, "amount": [100.0, 330.0, -110.0]})
    ledger = open_ledger(lines.assign(product_id="tape", quantity=[10, 30, -10]), as_of="2023-12-31")
    result = price_volume_mix(summarize_mix(ledger, by="product_id", freq="last_years"))
    assert parts(result) == {"price": 20, "volume": 100}
    assert result.checks[-1].verdict == "not testable"  # the ledger begins within the first year


def test_bad_input_is_named():
    good = mix(("a", 0, "tape", 100, 10), ("a", 1, "tape", 110, 10))
    with pytest.raises(MissingColumnError, match="no quantity: price and volume"):
        price_volume_mix(good.drop(columns="quantity"))
    with pytest.raises(MissingColumnError, match="'group'"):
        price_volume_mix(good.drop(columns="group"))
    with pytest.raises(DataError, match=r"stands twice.*account a, group 'tape', 2023-01-01"):
        price_volume_mix(pd.concat([good, good]))
    with pytest.raises(DataError, match=r"revenue is missing.*account a"):
        price_volume_mix(good.assign(revenue=[np.nan, 1.0]))
    with pytest.raises(DataError, match="no years"):
        price_volume_mix(pd.concat([good, good.assign(period=pd.Timestamp("2023-07-01"))]).drop_duplicates())
    with pytest.raises(EmptyDataError, match="no year"):
        price_volume_mix(good.iloc[:0])
    for rows in (good.iloc[:1], good.assign(period=pd.to_datetime(["2021-01-01", "2024-01-01"]))):
        with pytest.raises(EmptyDataError, match="not two years"):
            price_volume_mix(rows)


def test_nothing_given_is_changed():
    rows = mix(("a", 0, None, 100, 10), ("a", 1, "tape", 110, 10))
    before = rows.copy()
    price_volume_mix(rows)
    pd.testing.assert_frame_equal(rows, before)
