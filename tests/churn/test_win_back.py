from datetime import date

import numpy as np
import pandas as pd
import pytest

from kam.churn.win_back import build_win_back_list
from kam.errors import EmptyDataError, MissingColumnError, ParameterError, UndefinedMeasureError
from kam.ledger import Snapshots, open_ledger, snapshots
from kam.results import Context, load_results, save_results
from kam.stats.proportions import wilson_interval
from tests.churn.accounts_at_risk import STRANGE

NOW, BEFORE, EARLIER = pd.Timestamp("2025-01-01"), pd.Timestamp("2024-07-01"), pd.Timestamp("2024-01-01")


def rows_of(origin, n, *, silent, returned=0, at_risk=False, churned=None, first="K", **columns):
    """Rows of n customers at an origin, the first of whom returned."""
    is_now = origin == NOW
    standard = {
        "customer_id": [f"{first}{i:03d}" for i in range(n)],
        "origin": origin,
        "at_risk": at_risk,
        "days_since_last_order": silent,
        "frequency": 9,
        "recency": 730,
        "monetary_value": 100.0,
        "revenue_year": 0.0,
        "n_days_next": np.nan if is_now else (np.arange(n) < returned).astype(float),
        "churned": np.nan if churned is None else (np.arange(n) < churned).astype(float),
    }
    return pd.DataFrame({**standard, **columns}, index=pd.RangeIndex(n))


def snaps(*parts, horizon_days=91, k=3, freq="month"):
    rows = pd.concat(parts, ignore_index=True).sort_values(["origin", "customer_id"], ignore_index=True)
    nothing = pd.DataFrame()
    origins = tuple(day.date() for day in rows["origin"].drop_duplicates())
    return Snapshots(rows=rows, horizon_days=horizon_days, k=k, freq=freq, as_of=date(2024, 12, 31), origins=origins,
                     covariates=nothing, left_out=nothing)  # fmt: skip


def build(*parts, **terms):
    return build_win_back_list(snaps(*parts), **({"discount_rate": 0.0, "yearly_loss": 0.0} | terms))


PAST = (rows_of(EARLIER, 40, silent=120, returned=12), rows_of(BEFORE, 50, silent=400, returned=5, first="L"))


def test_worked_by_hand():
    """Ten purchase days of 100 over two years: 500 a year (730 days: 500.34), 30 % of it margin, five years without loss.

    Silent for 120 days, 12 of 40 returned; for 400 days, 5 of 50.
    """
    found = build(*PAST, rows_of(NOW, 2, silent=[130, 420]))
    assert found.accounts["customer_id"].tolist() == ["K000", "K001"]
    yearly = 1000 / (730 / 365.25) * 0.3
    np.testing.assert_allclose(found.accounts["margin_active"], yearly)
    np.testing.assert_allclose(found.accounts["value_if_returns"], 5 * yearly)
    assert found.accounts["p_return"].tolist() == [0.3, 0.1]
    np.testing.assert_allclose(found.accounts["expected_value"], [1.5 * yearly, 0.5 * yearly])
    assert found.returns["n_returned"].tolist() == [12, 5] and found.returns["days_from"].tolist() == [91, 365]
    low, high = wilson_interval([12, 5], [40, 50])
    np.testing.assert_allclose(found.returns[["return_low", "return_high"]].to_numpy(), np.column_stack([low, high]))
    assert found.expected == pytest.approx(2 * yearly)
    assert found.expected_low == pytest.approx((low * 5 * yearly).sum())


def test_ranked_by_value_times_chance_and_cut():
    found = build(*PAST, rows_of(NOW, 3, silent=[420, 130, 130], monetary_value=[400.0, 100.0, 200.0]), capacity=2)
    assert found.accounts["customer_id"].tolist() == ["K002", "K000"]  # 0.3 × 200 > 0.1 × 400 > 0.3 × 100
    assert found.n_lost == found.n_worth == 3


def test_accounts_at_risk_are_not_on_it():
    now = rows_of(NOW, 3, silent=130, at_risk=[True, False, True])
    assert build(*PAST, now).accounts["customer_id"].tolist() == ["K001"]
    with pytest.raises(EmptyDataError, match="No account is lost"):
        build(*PAST, rows_of(NOW, 2, silent=10, at_risk=True))


def test_a_customer_at_several_origins_counts_once_in_the_interval():
    again = rows_of(BEFORE, 40, silent=120, returned=12)
    found = build(PAST[0], again, rows_of(NOW, 1, silent=130))
    assert found.returns["n_cases"][0] == 80 and found.returns["n_customers"][0] == 40
    assert found.returns["return_low"][0] == pytest.approx(float(wilson_interval(12, 40)[0]))


def test_bands_with_few_customers_are_joined():
    few = rows_of(EARLIER, 5, silent=500, returned=5, first="M")
    found = build(*PAST, few, rows_of(NOW, 2, silent=[510, 30]))
    assert found.returns["n_cases"].tolist() == [40, 50 + 5]
    assert found.accounts.set_index("customer_id")["p_return"].tolist() == [0.3, 10 / 55]  # 30 days: with the shortest
    assert next(c for c in found.checks if "seen before" in c.assumption).verdict == "handled"
    alone = build(rows_of(EARLIER, 3, silent=500, returned=1), rows_of(NOW, 1, silent=510))
    assert len(alone.returns) == 1 and alone.accounts["p_return"][0] == pytest.approx(1 / 3)
    assert next(c for c in alone.checks if "enough lost" in c.assumption).verdict == "does not hold"


def test_yearly_loss_is_that_observed_unless_given():
    risk = rows_of(EARLIER, 100, silent=10, at_risk=True, churned=10, first="R")
    found = build(*PAST, risk, rows_of(NOW, 1, silent=130), yearly_loss=None)
    assert found.yearly_loss == pytest.approx(1 - 0.9 ** (365.25 / (91 + 365.25 / 4))) and not found.loss_given
    some = rows_of(BEFORE, 100, silent=10, at_risk=True, churned=0, first="R")  # only those who ordered again are known
    some.loc[:49, "churned"] = np.nan
    assert build(*PAST, risk, some, rows_of(NOW, 1, silent=130), yearly_loss=None).yearly_loss == found.yearly_loss
    assert build(*PAST, rows_of(NOW, 1, silent=130)).loss_given
    with pytest.raises(UndefinedMeasureError, match="No loss can be seen"):
        build(*PAST, rows_of(NOW, 1, silent=130), yearly_loss=None)


def test_nobody_was_lost_before():
    with pytest.raises(UndefinedMeasureError, match="Nobody was lost at an earlier origin"):
        build(rows_of(EARLIER, 9, silent=9, at_risk=True), rows_of(NOW, 1, silent=130))


def test_margin_from_the_ledger_where_it_has_cost():
    now = rows_of(NOW, 2, silent=[130, 9], at_risk=[False, True], revenue_year=[0.0, 1000.0], margin_year=[0.0, 400.0])
    found = build(*PAST, now)
    assert found.accounts["margin_active"][0] == pytest.approx(1000 / (730 / 365.25) * 0.4)
    assert not any("no cost" in a.what for a in found.assumed)
    assert any("no cost" in a.what for a in build(*PAST, rows_of(NOW, 1, silent=130)).assumed)


def events(*rows):
    frame = pd.DataFrame(rows, columns=["customer_id", "date", "kind", "outcome"])
    return frame.assign(date=pd.to_datetime(frame["date"]))


def test_without_logged_offers_nothing_is_invented():
    now = rows_of(NOW, 1, silent=130)
    for log in (None, events(("K000", "2024-12-01", "visit", "fine")), events()):
        found = build(*PAST, now, events=log)
        assert found.offers.empty and found.accounts["n_offers"].tolist() == [0]
        assert "No offer to a lost account is logged, so nothing is known" in found.answer()


def test_only_offers_to_lost_accounts_count_by_their_outcome():
    log = events(
        ("K000", "2024-02-01", "offer", "accepted"),  # lost on 2024-01-01
        ("K001", "2024-03-01", "offer", "declined"),
        ("K002", "2024-03-02", "offer", None),
        ("K003", "2024-03-02", "offer", "declined"),
        ("R000", "2024-02-01", "offer", "accepted"),  # at risk
        ("K000", "2023-12-01", "offer", "accepted"),  # before the first origin: not known
        ("K000", "2025-06-01", "offer", "accepted"),  # after the origin
        ("unknown", "2024-02-01", "offer", "accepted"),
    )
    risk = rows_of(EARLIER, 2, silent=10, at_risk=True, first="R")
    found = build(*PAST, risk, rows_of(NOW, 1, silent=400), events=log)
    assert found.offers[["outcome", "n_cases"]].to_numpy().tolist() == [
        ["declined", 2],
        ["accepted", 1],
        ["not logged", 1],
    ]
    assert found.offers["share_cases"].sum() == pytest.approx(1)
    assert "Of 4 offers to lost accounts that are logged, 50.0% had the outcome declined." in found.answer()
    own = found.accounts.iloc[0]  # since its last order, 2023-11-28: the one of December 2023, too
    assert own["n_offers"] == 2 and own["last_outcome"] == "accepted"
    with pytest.raises(MissingColumnError, match="lack kind"):
        build(*PAST, rows_of(NOW, 1, silent=400), events=log.drop(columns="kind"))


def test_on_snapshots_of_a_ledger_and_back_with_strange_names(tmp_path):
    names = [*STRANGE, "fresh"]
    days = pd.to_datetime(["2022-03-01", "2022-06-01", "2022-09-01"])
    orders = pd.DataFrame({"customer_id": np.repeat(names, 3), "order_date": np.tile(days, 6), "amount": 100.0})
    extra = pd.DataFrame({"customer_id": ["fresh", "007"], "order_date": pd.to_datetime(["2024-12-31", "2024-02-01"]),
                          "amount": 50.0})  # fmt: skip
    ledger = open_ledger(pd.concat([orders, extra], ignore_index=True))
    rows = snapshots(ledger, origins=[date(2024, 1, 1)], k=3, score=True)
    found = build_win_back_list(rows, discount_rate=0.1, yearly_loss=0.2, context=Context(currency="EUR"))
    assert set(found.accounts["customer_id"]) == set(STRANGE)
    assert found.accounts["p_return"].unique().tolist() == [pytest.approx(1 / 6)]  # one of six returned in 91 days
    save_results(found, to=tmp_path)
    back = load_results(tmp_path)["win_back"]
    assert back.accounts["customer_id"].tolist() == found.accounts["customer_id"].tolist()
    assert back.answer() == found.answer()
    assert 3 <= len(found.answer().key_figures) <= 5 and all(f.note for f in found.answer().key_figures)


def test_nothing_worth_asking():
    found = build(*PAST, rows_of(NOW, 1, silent=130, monetary_value=0.0))
    assert found.accounts.empty and found.expected == 0 and found.answer()


def test_bad_input():
    with pytest.raises(MissingColumnError, match="lack frequency"):
        build(*(part.drop(columns="frequency") for part in PAST))
    for terms in ({"capacity": 0}, {"yearly_loss": 2}, {"level": 0}, {"discount_rate": -1}):
        with pytest.raises(ParameterError, match=next(iter(terms))):
            build(*PAST, rows_of(NOW, 1, silent=130), **terms)
