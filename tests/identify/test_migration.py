import json
from math import fsum

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kam.churn import fit_markov_churn
from kam.errors import (
    ColumnTypeError,
    DataError,
    EmptyDataError,
    MissingColumnError,
    ParameterError,
    UndefinedMeasureError,
)
from kam.identify import abc_classes, tier_migration
from kam.identify.tiers import hold_tiers
from kam.results import Context, load_results, save_results
from kam.samples import simulate_company

EUR = Context(currency="EUR")


def panel_of(rows, *, freq="YS", start="2022-01-01"):
    """Rows of customer, number of the period, orders, revenue."""
    frame = pd.DataFrame(rows, columns=["customer_id", "t", "n_orders", "revenue"])
    starts = pd.date_range(start, periods=int(frame["t"].max()) + 1, freq=freq)
    return frame.assign(period=starts[frame["t"]]).drop(columns="t")


HAND = panel_of(
    [
        ("big", 0, 10, 600.0), ("big", 1, 10, 600.0),
        ("rises", 0, 2, 50.0), ("rises", 1, 8, 200.0),
        ("falls", 0, 5, 250.0), ("falls", 1, 5, 30.0),
        ("gone", 0, 1, 60.0),
        ("new", 1, 1, 55.0),
        ("back", 2, 3, 10.0),  # so that there is a third year
        ("notes", 1, 0, -5.25),
    ]
)  # fmt: skip
TWO_YEARS = HAND[HAND["customer_id"] != "back"]


@pytest.fixture(scope="module")
def company():
    return simulate_company(seed=5, n_accounts=300)


@pytest.fixture(scope="module")
def panel(company):
    lines = company.ledger.dropna(subset="customer_id")
    quarter = lines["order_date"].dt.to_period("Q").dt.to_timestamp().astype("datetime64[us]")
    orders = lines["order_id"].where(lines["amount"] > 0)
    lines = lines.assign(period=quarter, order_id=orders)
    sums = lines.groupby(["customer_id", "period"]).agg(revenue=("amount", "sum"), n_orders=("order_id", "nunique"))
    return sums.reset_index()


@pytest.fixture(scope="module")
def migrated(company, panel):
    return tier_migration(panel, overrides=company.overrides, context=EUR)


# -- worked by hand --------------------------------------------------------------------------------------------------


def test_two_years_worked_by_hand():
    # 2022: 600 of 960 (0), falls 250 (.625) → A; gone 60 (.885), rises 50 (.948) → B. 2023: 600 of 885 (0) → A, rises 200 (.678)
    # → A, new 55 (.904) → B, falls 30 (.966) → C
    result = tier_migration(TWO_YEARS, context=EUR)
    assert result.freq == "year" and (result.window, result.compare) == (1, 1)
    tiers = result.tiers.pivot(index="customer_id", columns="period", values="tier_computed")
    assert tiers.loc["big"].tolist() == ["A", "A"]
    assert tiers.loc["rises"].tolist() == ["B", "A"]
    assert tiers.loc["falls"].tolist() == ["A", "C"]
    assert tiers.loc["gone"].tolist() == ["B", "none"]
    assert tiers.loc["new"].isna().tolist() == [True, False] and "notes" not in tiers.index
    entrants, leavers = (frame.to_dict("records") for frame in (result.entrants, result.leavers))
    assert entrants == [
        {"customer_id": "rises", "from_tier": "B", "to_tier": "A", "value_before": 50.0, "value_after": 200.0,
         "value_change": 150.0, "n_orders_before": 2, "n_orders_after": 8, "why": "more orders"}
    ]  # fmt: skip
    assert [(row["customer_id"], row["to_tier"], row["why"]) for row in leavers] == [("falls", "C", "smaller orders")]
    bridge = result.bridge.set_index("movement")[["n_customers", "value_change"]].to_dict("index")
    assert {name: tuple(row.values()) for name, row in bridge.items() if row["n_customers"]} == {
        "new accounts": (1, 55.0),
        "moved up": (1, 150.0),
        "same tier, grew": (1, 0.0),
        "moved down": (1, -220.0),
        "lost accounts": (1, -60.0),
        "no order in either": (1, -5.25),
    }
    assert (result.total_before, result.total_after) == (960.0, 879.75)
    assert result.answer() == (
        "2 accounts are in tier A in the year to 2023, 2 a year earlier: 1 entered and 1 left. The net revenue of those who"
        " entered changed by +€150.00, that of those who left by -€220.00; that of all accounts by -€80.25, from €960.00 to"
        " €879.75."
    )


def test_who_comes_back_is_not_new():
    rows = panel_of([("a", 0, 1, 5.0), ("a", 2, 1, 5.0), *(("b", t, 1, 9.0) for t in range(3))])
    bridge = tier_migration(rows).bridge.set_index("movement")["n_customers"]
    assert bridge["came back"] == 1 and bridge["new accounts"] == 0


def test_who_came_between_two_windows_that_lie_apart_is_new():
    rows = panel_of([("a", 2, 1, 5.0), ("a", 3, 1, 5.0), *(("b", t, 1, 9.0) for t in range(4))])
    bridge = tier_migration(rows, window=1, compare=2).bridge.set_index("movement")["n_customers"]
    assert bridge["new accounts"] == 1 and bridge["came back"] == 0
    shared = tier_migration(rows, window=3, compare=1)
    assert shared.bridge.set_index("movement")["n_customers"][["moved up", "same tier, grew"]].tolist() == [1, 1]
    assert shared.checks[0].verdict == "does not hold" and "share 2 years" in shared.checks[0].finding


def test_an_account_near_the_border_does_not_flicker():
    """600 is A throughout; x and y take turns around the border of 200."""
    money = np.array([[600, 205, 195], [600, 195, 205], [600, 205, 195], [600, 195, 205], [600, 195, 205]])
    tiers = hold_tiers(money, money, base="positive", cuts=(0.8, 0.95), hysteresis=0.1, patience=2)
    assert tiers.plain[:, 1].tolist() == [0, 1, 0, 1, 1]
    assert tiers.held[:, 1].tolist() == [0, 0, 0, 0, 1], "only the second period in a row counts"
    assert tiers.delays.tolist() == [1, 1] and (tiers.n_moves, tiers.n_moves_plain) == (2, 6)
    clear = hold_tiers(money, money, base="positive", cuts=(0.8, 0.95), hysteresis=0.01, patience=9)
    assert (clear.held == clear.plain).all(), "2.5 % past the border is past it by 1 %"


def test_patience_of_one_is_no_hysteresis(panel):
    result = tier_migration(panel, patience=1)
    assert (result.tiers["tier_computed"] == result.tiers["tier_plain"]).all()
    assert result.n_moves == result.n_moves_plain and result.mean_delay == 0


def test_hysteresis_makes_fewer_moves_and_says_what_it_costs(migrated):
    assert migrated.n_moves < 0.9 * migrated.n_moves_plain
    assert 0 < migrated.mean_delay < 2
    finding = next(check.finding for check in migrated.checks if "back and forth" in check.assumption)
    assert "without hysteresis" in finding and "later on average" in finding


# -- recomputed naively ----------------------------------------------------------------------------------------------


def test_classes_of_the_last_window_are_the_abc_classes(panel, migrated):
    window = panel[panel["period"] > migrated.period_after - pd.DateOffset(months=12)]
    window = window[window.groupby("customer_id")["n_orders"].transform("sum") > 0]
    expected = abc_classes(window.groupby("customer_id")["revenue"].sum())
    last = migrated.tiers[migrated.tiers["period"] == migrated.period_after].set_index("customer_id")
    ordered = last[last["tier_plain"] != "none"]
    assert ordered["tier_plain"].to_dict() == expected.to_dict()
    naive = panel[panel["period"] == migrated.period_after].set_index("customer_id")["revenue"]
    pd.testing.assert_series_equal(ordered["revenue"][naive.index], naive, check_names=False)


def test_counts_add_up(panel, migrated):
    n = panel["customer_id"].nunique()
    assert migrated.matrix["n_customers"].sum() == migrated.bridge["n_customers"].sum() == migrated.n_customers == n
    cells = migrated.matrix.set_index(["from_tier", "to_tier"])["n_customers"]
    assert cells["A"].sum() == migrated.n_key_before
    assert cells[:, "A"].sum() == migrated.n_key
    assert migrated.n_key - migrated.n_key_before == len(migrated.entrants) - len(migrated.leavers)
    year, before = (
        panel[panel["period"].between(end - pd.DateOffset(months=9), end)]["revenue"]
        for end in (migrated.period_after, migrated.period_before)
    )
    assert migrated.total_after == pytest.approx(year.sum(), abs=1e-6)
    assert migrated.total_before == pytest.approx(before.sum(), abs=1e-6)
    assert round(fsum(migrated.bridge["value_change"]), 4) == round(migrated.total_after - migrated.total_before, 4)


@settings(max_examples=15)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 3), st.integers(-20, 200)), min_size=3))
def test_whatever_is_bought_the_bridge_sums_exactly(rows):
    frame = pd.DataFrame(rows, columns=["c", "t", "n", "x"]).drop_duplicates(["c", "t"])
    anchor = [("anchor", t, 1, 100.0) for t in range(6)]
    panel = panel_of([*anchor, *((f"c{c}", t, n, x / 7) for c, t, n, x in frame.itertuples(index=False))])
    result = tier_migration(panel, window=2, compare=2)
    n = panel["customer_id"].nunique()
    assert result.matrix["n_customers"].sum() == result.bridge["n_customers"].sum() == n
    assert round(fsum(result.bridge["value_change"]), 4) == round(result.total_after - result.total_before, 4)
    assert not result.tiers.duplicated(["customer_id", "period"]).any()
    held = result.tiers["tier_computed"] == "none"
    assert (held == (result.tiers["state"] == "lost")).all()


# -- the panel of states ---------------------------------------------------------------------------------------------


def test_the_tiers_feed_the_markov_model_unchanged(migrated):
    chain = fit_markov_churn(migrated.tiers, n_resamples=20, context=migrated.context)
    assert chain.names == ("A", "B", "C", "lost") and chain.freq == "quarter" and chain.money == "revenue"
    tiers = migrated.tiers.assign(to=migrated.tiers.groupby("customer_id")["state"].shift(-1)).dropna(subset="to")
    counted = tiers.groupby(["state", "to"], observed=True).size()
    seen = chain.transitions.set_index(["from_state", "to_state"])["n_transitions"]
    assert all(seen[pair] == n for pair, n in counted.items()) and seen.sum() == counted.sum()


def test_a_silent_account_is_lost_when_its_window_is_empty_and_there_are_no_gaps():
    rows = [("a", 0, 1, 50.0), *(("b", t, 1, 20.0) for t in range(8))]
    tiers = tier_migration(panel_of(rows, freq="QS"), window=2, compare=2).tiers
    states = tiers[tiers["customer_id"] == "a"]["state"].astype(str).tolist()
    assert states == ["A", *6 * ["lost"]], "the window of the second quarter is the first that is full"


# -- tiers set by hand -----------------------------------------------------------------------------------------------


def override(customer, tier, set_on, until=None, reason="reference", set_by="Kim"):
    row = {"customer_id": customer, "tier": tier, "reason": reason, "set_on": set_on, "set_by": set_by, "until": until}
    return {name: pd.Timestamp(value) if name in ("set_on", "until") else value for name, value in row.items()}


def test_a_tier_set_by_hand_holds_from_set_on_until():
    set_by_hand = pd.DataFrame(
        [
            override("gone", "A", "2023-06-30"),
            override("rises", "C", "2022-03-01", "2022-12-31"),
            override("rises", "B", "2021-01-01", "2022-06-01"),
            override("falls", "A", "2023-01-01"),
            override("falls", "B", "2023-12-31"),
            override("new", "A", "2024-01-01"),
            override("nobody", "A", "2022-01-01"),
            override("notes", "A", "2022-01-01"),
        ]
    )
    result = tier_migration(TWO_YEARS, overrides=set_by_hand, context=EUR)
    tiers = result.tiers.pivot(index="customer_id", columns="period", values="tier")
    assert tiers.loc["gone"].tolist() == ["B", "A"], "silent, but an A by hand"
    assert tiers.loc["rises"].tolist() == ["C", "A"], "over on the last day of 2022, which counts"
    assert tiers.loc["falls"].tolist() == ["A", "B"], "of two the one set last"
    log = result.overrides.set_index(["customer_id", "tier_set"])["status"].to_dict()
    assert log == {
        ("gone", "A"): "holds", ("rises", "C"): "expired", ("rises", "B"): "expired", ("falls", "A"): "replaced",
        ("falls", "B"): "holds", ("new", "A"): "not yet", ("nobody", "A"): "unknown account",
        ("notes", "A"): "no order so far",
    }  # fmt: skip
    gone = result.overrides[result.overrides["customer_id"] == "gone"].iloc[0]
    assert (gone["tier_computed"], gone["reason"], gone["set_by"]) == ("none", "reference", "Kim")
    assert result.overrides["tier_computed"].isna().sum() == 1
    check = result.checks[-1]
    assert check.verdict == "handled" and "unknown account 1" in check.finding and "(nobody)" in check.finding
    entered = result.entrants.set_index("customer_id")["why"]
    assert entered["gone"] == "set by hand"
    plain = tier_migration(TWO_YEARS)
    assert (result.tiers["state"] == plain.tiers["state"]).all(), "what the account did stays as it is"
    assert len(result.entrants) != len(plain.entrants), "and who entered changes with the override"


def test_overrides_that_cannot_be_read():
    with pytest.raises(DataError, match=r"does not exist.*'X' of customer 'big'"):
        tier_migration(TWO_YEARS, overrides=pd.DataFrame([override("big", "X", "2022-01-01")]))
    both = pd.DataFrame([override("big", "A", "2022-01-01"), override("big", "B", "2022-01-01")])
    with pytest.raises(DataError, match=r"Two different tiers.*big"):
        tier_migration(TWO_YEARS, overrides=both)
    with pytest.raises(DataError, match="day on which"):
        tier_migration(TWO_YEARS, overrides=pd.DataFrame([override("big", "A", None)]))
    with pytest.raises(MissingColumnError, match="lack reason"):
        tier_migration(TWO_YEARS, overrides=both.drop(columns="reason"))
    for column, day in (("set_on", "soon"), ("set_on", 45_000), ("until", "05/01/2024")):
        with pytest.raises(ColumnTypeError, match=f"day of {column}"):
            tier_migration(TWO_YEARS, overrides=both.iloc[:1].assign(**{column: day}))
    as_text = tier_migration(TWO_YEARS, overrides=both.iloc[:1].assign(set_on="2022-01-01")).overrides
    pd.testing.assert_frame_equal(as_text, tier_migration(TWO_YEARS, overrides=both.iloc[:1]).overrides)
    alike = pd.DataFrame([override("big", " a ", "2022-01-01")]).drop(columns=["set_by", "until"])
    assert tier_migration(TWO_YEARS, overrides=alike).overrides["status"].tolist() == ["holds"]


# -- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda p: p[p["period"] == p["period"].min()], EmptyDataError, "There are 1 periods"),
        (lambda p: p.iloc[:0], EmptyDataError, "no rows"),
        (lambda p: p.drop(columns="n_orders"), MissingColumnError, "no column 'n_orders'"),
        (lambda p: ["a", "b"], ColumnTypeError, "A list is no data frame"),
        (lambda p: p.assign(period=1), ColumnTypeError, "no dates"),
        (lambda p: p.assign(revenue="1.200,00"), ColumnTypeError, "revenue of the panel are no numbers"),
        (lambda p: p.assign(n_orders="many"), ColumnTypeError, "n_orders"),
        (lambda p: p.assign(revenue=np.nan), DataError, "missing or not finite"),
        (lambda p: pd.concat([p, p]), DataError, "stands twice"),
        (lambda p: p.assign(revenue=-1.0), UndefinedMeasureError, "not above zero"),
    ],
)
def test_panels_that_cannot_be_used(change, error, message):
    with pytest.raises(error, match=message):
        tier_migration(change(TWO_YEARS), freq="year")


@pytest.mark.parametrize(
    "options",
    [
        {"cuts": (0.95, 0.8)}, {"hysteresis": 1.0}, {"hysteresis": -0.1}, {"patience": 0}, {"window": 0.5}, {"compare": True},
        {"freq": "week"}, {"base": "gross"},
    ],
)  # fmt: skip
def test_parameters_out_of_range(options):
    with pytest.raises(ParameterError):
        tier_migration(TWO_YEARS, **options)


def test_a_panel_of_another_frequency():
    months = panel_of([("a", t, 1, 1.0) for t in range(24)], freq="MS")
    assert tier_migration(months).freq == "month"
    with pytest.raises(ParameterError, match="no years"):
        tier_migration(months, freq="year")


def test_inputs_stay_and_results_travel(company, panel, migrated, tmp_path):
    before, overrides = panel.copy(), company.overrides
    kept = overrides.copy()
    tier_migration(panel, overrides=overrides)
    pd.testing.assert_frame_equal(panel, before)
    pd.testing.assert_frame_equal(overrides, kept)
    save_results(migrated, to=tmp_path)
    assert json.loads((tmp_path / "results.json").read_text())["results"]["tier_migration"]["fields"]["n_key"]
    again = load_results(tmp_path)["tier_migration"]
    assert again.answer() == migrated.answer()
    assert again.tiers["state"].dtype == migrated.tiers["state"].dtype
