import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from kam.churn.chain import as_cycle, discounted_value
from kam.churn.remaining_value import YEAR, ValueTerms, remaining_value, shift_together, spread_of_log_odds
from kam.errors import ColumnTypeError, DataError, EmptyDataError, MissingColumnError, ParameterError
from tests.churn.accounts_at_risk import STRANGE, departing, forecast

COVERED = 91 + YEAR / 4
TERMS = {"horizon_days": 91, "k": 3, "discount_rate": 0.1}


def value(frame, **terms):
    return remaining_value(frame, **(TERMS | terms))


def test_worked_by_hand():
    """p covers 91 days and 3 months; p such that the yearly loss is 1 − e⁻¹, no discount, two years.

    There for 91 / 365.25 years, then shrinking at rate 1: 0.24914 + (1 − e^−1.75086) = 1.07552 years of 1,000.
    """
    p = 1 - math.exp(-COVERED / YEAR)
    found = value(forecast(p_churn=[p], margin_year=1000.0), discount_rate=0, horizon_years=2)
    assert found["yearly_loss"][0] == pytest.approx(1 - math.exp(-1))
    assert found["value_if_stays"][0] == pytest.approx(1075.52, abs=0.02)


def test_is_the_integral_that_it_says():
    found = value(forecast(p_churn=[0.2, 0.6], margin_year=[500.0, 80.0]), horizon_years=4)
    sure, force = 91 / YEAR, math.log(1.1)
    for row in found.itertuples():
        rate = -math.log(1 - 0.4) * YEAR / COVERED  # of the mean of both
        first = quad(lambda t: math.exp(-force * t), 0, sure)[0]
        later = quad(lambda t, r=rate: math.exp(-(r + force) * t), 0, 4 - sure)[0]
        assert row.value_if_stays == pytest.approx(row.margin_year * (first + math.exp(-force * sure) * later))


def test_agrees_with_a_markov_chain_of_short_periods():
    """With constant retention, money per period = margin × worth of a period: the same to the last digit."""
    terms, n = ValueTerms(**TERMS, freq="month", horizon_years=5), 60
    step = 5 / n
    loss = 0.3
    stays = (1 - loss) ** step
    per_period = 100 * (1 - ((1 - loss) / 1.1) ** step) / -math.log((1 - loss) / 1.1)
    chain = as_cycle([[stays, 1 - stays], [0, 1]])
    markov = discounted_value(chain, np.array([per_period, 0]), 1.1**step - 1, horizon=n - 1)[0, 0]
    assert 100 * float(terms.annuity(loss)) == pytest.approx(markov)


@pytest.mark.parametrize(
    ("k", "freq", "days"), [(3, "month", COVERED), (1, "month", 91 + YEAR / 12), (2, "year", 91 + 2 * YEAR)]
)
def test_a_probability_covers_silences_that_run_and_that_begin(k, freq, days):
    assert ValueTerms(**(TERMS | {"k": k, "freq": freq})).loss_days == pytest.approx(days)


def test_those_who_stay_are_lost_later_as_often_as_the_portfolio_is():
    """An account's own probability plays no part in what it is worth if it stays."""
    found = value(forecast(p_churn=[0.0, 0.1, 0.8], margin_year=100.0))
    assert found["yearly_loss"].nunique() == 1 and found["value_if_stays"].nunique() == 1
    assert found["yearly_loss"][0] == pytest.approx(1 - 0.7 ** (YEAR / COVERED))
    less = value(forecast(p_churn=[0.0, 0.1, 0.2], margin_year=100.0))
    assert less["value_if_stays"][0] > found["value_if_stays"][0]


def test_is_what_those_who_stay_bring_in_a_company_with_a_known_loss():
    people = departing(20_000)
    found = value(people.frame, discount_rate=0)
    stays = people.left > 91 / YEAR
    assert found["yearly_loss"][0] == pytest.approx(1 - math.exp(-people.rate), rel=0.03)
    assert found["value_if_stays"][stays].sum() == pytest.approx(np.minimum(people.left, 5)[stays].sum(), rel=0.01)


def test_spread_of_log_odds_gives_the_interval_back():
    p = np.array([0.02, 0.5, 0.9])
    odds = np.log(p / (1 - p))
    ends = {name: 1 / (1 + np.exp(-(odds + side * 0.8))) for name, side in (("p_churn_low", -1), ("p_churn_high", 1))}
    frame = forecast(p_churn=p, margin_year=1.0, **ends)
    spread = spread_of_log_odds(frame, 0.95)
    np.testing.assert_allclose(spread, 0.8 / 1.959964, rtol=1e-6)
    np.testing.assert_allclose(shift_together(p, spread, np.array([-1.959964, 0])), [ends["p_churn_low"], p])
    assert spread_of_log_odds(frame.drop(columns="p_churn_low"), 0.95) is None
    with pytest.raises(DataError, match=r"does not hold its estimate.*\['b'\]"):
        spread_of_log_odds(frame.assign(p_churn_high=[0.1, 0.4, 1.0]), 0.95)


def test_revenue_times_an_assumed_share_only_where_there_is_no_margin():
    without = value(forecast(p_churn=[0.1], revenue_year=1000.0), margin_share=0.25)
    both = value(forecast(p_churn=[0.1], revenue_year=1000.0, margin_year=70.0), margin_share=0.25)
    assert without["margin_year"][0] == 250 and both["margin_year"][0] == 70


def test_who_is_lost_already_plays_no_part():
    frame = forecast(p_churn=[0.1, np.nan], margin_year=[100.0, np.nan], at_risk=[True, False])
    alone = value(forecast(p_churn=[0.1], margin_year=100.0))
    pd.testing.assert_frame_equal(value(frame), alone)


def test_certain_loss_of_all_leaves_the_days_of_the_forecast():
    found = value(forecast(p_churn=[1.0], margin_year=1000.0), discount_rate=0)
    assert found["value_if_stays"][0] == pytest.approx(1000 * 91 / YEAR)
    short = value(forecast(p_churn=[1.0], margin_year=1000.0), discount_rate=0, horizon_years=0.1)
    assert short["value_if_stays"][0] == pytest.approx(100)


@given(
    p=st.lists(st.floats(0, 1), min_size=2, max_size=6),
    rate=st.floats(0, 1),
    years=st.floats(0.1, 30),
)
def test_never_more_than_the_margin_of_all_years_and_less_the_more_are_lost(p, rate, years):
    found = value(forecast(p_churn=p, margin_year=1.0), discount_rate=rate, horizon_years=years)
    values = found["value_if_stays"].to_numpy()
    assert ((values > 0) & (values <= years + 1e-9)).all()
    more = value(forecast(p_churn=[*p, 1.0], margin_year=1.0), discount_rate=rate, horizon_years=years)
    assert more["value_if_stays"][0] <= values[0] + 1e-9
    if rate == 0 and max(p) == 0:
        np.testing.assert_allclose(values, years)


def test_identifiers_go_through_untouched():
    found = value(forecast(customer_id=STRANGE, p_churn=0.1, margin_year=1.0))
    assert found["customer_id"].tolist() == STRANGE


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"customer_id": ["a", "a"]}, DataError, r"twice.*\['a'\]"),
        ({"customer_id": ["a", 7]}, ColumnTypeError, "7, which is no text"),
        ({"p_churn": [0.1, 1.2]}, DataError, r"p_churn.*\['b'\]"),
        ({"p_churn": [0.1, None]}, DataError, r"p_churn.*\['b'\]"),
        ({"margin_year": [np.inf, 1]}, DataError, r"margin_year.*\['a'\]"),
        ({"at_risk": False}, EmptyDataError, "nobody|No account is at risk"),
        ({"at_risk": [True, None]}, DataError, r"at_risk.*\['b'\]"),
        ({"origin": pd.to_datetime(["2025-01-01", "2025-02-01"])}, DataError, "2025-02-01"),
    ],
)
def test_bad_frames_say_what_is_wrong(change, error, says):
    frame = forecast(**({"p_churn": [0.1, 0.2], "margin_year": 1.0} | change))
    with pytest.raises(error, match=says):
        value(frame)


def test_a_missing_column_and_an_empty_frame():
    frame = forecast(p_churn=[0.1], margin_year=1.0)
    with pytest.raises(MissingColumnError, match="lacks p_churn"):
        value(frame.drop(columns="p_churn"))
    with pytest.raises(MissingColumnError, match="lacks revenue_year"):
        value(frame.drop(columns="margin_year"))
    with pytest.raises(EmptyDataError):
        value(frame[:0])


@pytest.mark.parametrize(
    "terms",
    [
        {"horizon_days": 0}, {"horizon_days": 9.5}, {"k": 0}, {"freq": "week"}, {"discount_rate": -0.1},
        {"discount_rate": math.nan}, {"horizon_years": 0}, {"horizon_years": math.inf}, {"margin_share": 1.5},
        {"margin_share": True},
    ],
)  # fmt: skip
def test_parameters_out_of_range(terms):
    with pytest.raises(ParameterError, match=next(iter(terms))):
        value(forecast(p_churn=[0.1], margin_year=1.0), **terms)


def test_nothing_is_changed():
    frame = forecast(p_churn=[0.1, 0.2], margin_year=1.0)
    before = frame.copy()
    value(frame)
    pd.testing.assert_frame_equal(frame, before)
