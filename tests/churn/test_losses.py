"""Number, trend and direction of losses: worked by hand, known rates recovered, groups that differ found."""

import numpy as np
import pandas as pd
import pytest

from kam.churn import churn_definition, describe_losses
from kam.churn.loss_trend import fit_trend
from kam.errors import DataError, MissingColumnError, NoEventError, ParameterError
from tests.churn.purchases import HAND, MONTHS, find_check, make_panel


def counts_of(rates, n=1000, seed=1, freq="MS", spread=0.0):
    rng = np.random.default_rng(seed)
    rates = np.asarray(rates) * (rng.gamma(1 / spread, spread, len(rates)) if spread else 1.0)
    lost = rng.binomial(n, rates)
    period = pd.date_range("2020-01-01", periods=len(rates), freq=freq)
    frame = pd.DataFrame({"period": period, "n_at_risk": n, "n_lost": lost, "share_lost": lost / n})
    return frame.assign(ci_low=0.0, ci_high=1.0)


def test_by_hand():
    panel = make_panel(HAND, revenue=10.0)
    definition = churn_definition(panel, k=2)
    result = describe_losses(definition, panel)
    # Waits longer than 2 or open for 2 and more: a 1→4, b 2→(open), d 0→(open), e 0→5.
    assert result.n_lost == 4 == result.n_lost_year
    assert result.periods["n_lost"].tolist() == definition.losses["n_lost"].tolist()
    year = result.years.iloc[0]
    exposed = definition.losses["n_at_risk"].sum()
    assert year["share_year"] == pytest.approx(1 - (1 - 4 / exposed) ** 12)
    assert result.money_lost_year == definition.losses["revenue_before"].sum()
    assert result.ratio is None and find_check(result, "enough losses").verdict == "does not hold"
    assert "cannot be told from 4 losses" in result.answer()
    assert result.groups.empty and result.went_to.empty


def test_the_trend_is_that_of_statsmodels():
    import statsmodels.api as sm

    counts = counts_of(np.linspace(0.01, 0.03, 36))
    trend = fit_trend(counts, "month", 0.95)
    years = np.arange(36) / 12
    design = np.column_stack([np.ones(36), years, np.cos(2 * np.pi * years), np.sin(2 * np.pi * years)])
    model = sm.GLM(counts["n_lost"], design, family=sm.families.Poisson(), exposure=counts["n_at_risk"])
    fit = model.fit(scale="X2", use_t=True)
    assert trend.ratio == pytest.approx(np.exp(fit.params.iloc[1]))
    if trend.dispersion > 1:
        assert np.log([trend.ratio_low, trend.ratio_high]) == pytest.approx(fit.conf_int().iloc[1].tolist(), rel=1e-6)
    assert trend.has_season and trend.ratio_low > 1


def test_a_season_is_no_trend():
    months = np.arange(30)
    counts = counts_of(0.02 * (1 + 0.8 * np.sin(2 * np.pi * months / 12)), n=20_000)
    assert fit_trend(counts, "month", 0.95).ratio == pytest.approx(1, abs=0.08)
    short = fit_trend(counts.head(20), "month", 0.95)
    assert not short.has_season


def test_intervals_of_the_trend_cover():
    """Sixty ledgers whose rate rises by a fifth a year, and sixty where it does not, with shocks of a third in each month."""
    truth = 1.2
    rates = 0.015 * truth ** (np.arange(36) / 12)
    hits, false = 0, 0
    for seed in range(60):
        trend = fit_trend(counts_of(rates, n=800, seed=seed, spread=0.1), "month", 0.95)
        hits += trend.ratio_low <= truth <= trend.ratio_high
        flat = fit_trend(counts_of(np.full(36, 0.015), n=800, seed=seed + 1000, spread=0.1), "month", 0.95)
        false += not flat.ratio_low <= 1 <= flat.ratio_high
    assert 0.90 <= hits / 60 <= 1.0
    assert false / 60 <= 0.10


@pytest.fixture(scope="module")
def two_regions():
    """600 customers; those of the south are lost four times as fast."""
    rng = np.random.default_rng(3)
    south = np.arange(600) % 3 == 0
    gone = rng.geometric(np.where(south, 0.08, 0.02))
    rows = [(f"{i:04d}", MONTHS[t]) for i in range(600) for t in range(min(gone[i], 30))]
    panel = pd.DataFrame(rows, columns=["customer_id", "period"]).assign(n_orders=1, revenue=5.0)
    ids = [f"{i:04d}" for i in range(600)]
    accounts = pd.DataFrame({"customer_id": ids, "region": np.where(south, "south", "north"), "industry": "other"})
    accounts.loc[:9, "region"] = None
    return panel, accounts, churn_definition(panel, k=2, n_resamples=20)


def test_regions_that_differ_stand_out(two_regions):
    panel, accounts, definition = two_regions
    events = pd.DataFrame(
        {
            "customer_id": accounts["customer_id"][:50],
            "date": pd.Timestamp("2026-01-01"),
            "kind": "lost",
            "reason": "price",
            "competitor": ["Boxmere"] * 20 + [None] * 30,
        }
    )
    result = describe_losses(definition, panel, accounts=accounts, events=events)
    groups = result.groups.set_index(["by", "group_name"])
    assert groups.loc[("region", "south"), "stands_out"] and groups.loc[("region", "north"), "stands_out"]
    south = groups.loc[("region", "south")]
    rate = 0.08 / 1.08  # who has stopped is still at risk for one more period, until the second silent one
    assert south["ci_low"] <= 1 - (1 - rate) ** 12 <= south["ci_high"]
    assert groups.loc[("region", "not known"), "n_customers"] == 10
    assert np.isnan(groups.loc[("region", "not known"), "p_value"])
    assert not groups.loc[("industry", "other"), "stands_out"] and np.isnan(groups.loc[("industry", "other"), "p_holm"])
    assert groups.groupby("by")["n_lost"].sum().nunique() == 1 and result.n_lost == groups.loc["region", "n_lost"].sum()
    assert "More are lost in region south" in result.answer()
    lost = set(definition.customers.loc[definition.customers["is_lost"], "customer_id"])
    to = result.went_to.set_index(["by", "group_name"])["n_lost"]
    assert to[("logged reason", "price")] == len(lost & set(accounts["customer_id"][:50]))
    assert to[("competitor", "Boxmere")] == len(lost & set(accounts["customer_id"][:20]))
    assert to["competitor"].sum() == len(lost)


def test_a_manager_counts_from_the_day_on_which_he_came(two_regions):
    panel, accounts, definition = two_regions
    with_manager = accounts.assign(manager="Ann", manager_since=MONTHS[12])
    groups = describe_losses(definition, panel, accounts=with_manager).groups.set_index(["by", "group_name"])
    at_risk = definition.losses.set_index("period")["n_at_risk"]
    assert groups.loc[("manager", "Ann"), "n_at_risk"] == at_risk[MONTHS[12] :].sum()
    lost = definition.losses.set_index("period")["n_lost"]
    assert groups.loc[("manager", "Ann"), "n_lost"] == lost[MONTHS[12] :].sum()
    assert groups.loc[("manager", "not known"), "n_lost"] == lost[: MONTHS[11]].sum()


def test_bad_input(two_regions):
    panel, accounts, definition = two_regions
    with pytest.raises(ParameterError, match="other data"):
        describe_losses(definition, panel[panel["customer_id"] < "0300"])
    with pytest.raises(ParameterError, match="level is 2"):
        describe_losses(definition, panel, level=2)
    with pytest.raises(DataError, match=r"stands twice.*'0003'"):
        describe_losses(definition, panel, accounts=pd.concat([accounts, accounts.loc[[3]]]))
    with pytest.raises(MissingColumnError, match="events lack kind"):
        describe_losses(definition, panel, events=pd.DataFrame({"customer_id": ["1"], "date": [MONTHS[0]]}))
    always = make_panel({"a": list(range(6)), "b": [0, 1, 2, 3, 5]})
    with pytest.raises(NoEventError, match="Nobody was lost"):
        describe_losses(churn_definition(always, k=3), always)
