import numpy as np
import pandas as pd
import pytest

from kam.errors import DataError, EmptyDataError, MissingColumnError, ParameterError, UndefinedMeasureError
from kam.results import Context
from kam.samples import simulate_company
from kam.survey import share_of_wallet

ACCOUNTS = pd.DataFrame(
    {
        "customer_id": ["a", "b", "c", "d", "e", "x"],
        "name": ["Ann", "Bob", "Cem", "Dee", "Eve", "Xi"],
        "potential": [100.0, 300.0, np.nan, 50.0, 0.0, 10.0],
        "region": ["north", "north", "north", "south", None, "south"],
    }
)
FACTS = pd.DataFrame({"customer_id": ["a", "b", "c", "d", "e"], "revenue": [80.0, 120.0, 50.0, 75.0, -5.0]})


def portfolio(n, seed, *, slope=0.0):
    """Demand is skewed; the share is that of a beta(4, 3), higher with satisfaction by a planted slope."""
    rng = np.random.default_rng(seed)
    satisfaction = rng.integers(1, 6, n).astype(float)
    demand = rng.lognormal(9, 1, n)
    share = np.clip(rng.beta(4, 3, n) * 0.8 + slope * (satisfaction - 3), 0.01, 1)
    ids = [f"{i:05d}" for i in range(n)]
    accounts = pd.DataFrame({"customer_id": ids, "potential": demand, "industry": rng.choice(["food", "print"], n)})
    facts = pd.DataFrame({"customer_id": ids, "revenue": demand * share})
    return accounts, facts, pd.Series(satisfaction, index=ids)


def finding(result, words):
    return next(check for check in result.checks if words in check.assumption)


def test_five_accounts_by_hand():
    result = share_of_wallet(ACCOUNTS, FACTS, by=["region"], min_accounts=2, context=Context(currency="EUR"))
    # d bought 75 of a demand of 50, and counts with 75; e buys nothing anywhere; c is not known; x is not ours
    assert result.share == pytest.approx((80 + 120 + 75) / (100 + 300 + 75))
    assert (result.gap, result.n_accounts, result.n_unknown, result.n_outdated) == (200, 3, 1, 1)
    assert result.share_unknown == pytest.approx(50 / 325)
    accounts = result.accounts.set_index("customer_id")
    assert accounts.index.tolist() == ["b", "a", "d"]
    assert accounts["elsewhere"].tolist() == [180, 20, 0]
    assert accounts["share_wallet"].tolist() == [0.4, 0.8, 1.0]
    assert accounts["is_outdated"].tolist() == [False, False, True]
    assert result.outdated[["customer_id", "name", "revenue", "potential"]].values.tolist() == [["d", "Dee", 75, 50]]
    groups = result.groups.set_index("group_name")
    assert groups.loc["north", ["n_accounts", "revenue", "potential", "elsewhere"]].tolist() == [2, 200, 400, 200]
    assert groups.loc["north", "share_wallet"] == 0.5
    assert (groups.loc["south", "reason"], groups["share_wallet"].isna()["south"]) == ("fewer than 2 accounts", True)
    assert result.answer().startswith(
        "On the 3 accounts whose demand is known we have 57.9% of what they buy (95% interval "
    )
    assert result.answer().endswith("€200.00 a year goes elsewhere.")


def test_what_is_named():
    result = share_of_wallet(ACCOUNTS, FACTS)
    assert finding(result, "demand of every account").finding == (
        "not that of 1 of 5 accounts with 15.4% of the revenue; nothing is said of them"
    )
    assert finding(result, "nobody buys more").finding == (
        "one does, so that its figure must be out of date: Dee; it counts with what it bought; without them the share would be "
        "50.0%"
    )
    assert finding(result, "nobody buys more").verdict == "does not hold"  # one of three
    assert finding(result, "buys something").finding.startswith(
        "1 have a revenue below 0, which counts as 0; 1 buy nothing"
    )
    assert finding(result, "same accounts").finding.startswith("one account of the file is not in the portfolio")
    full = share_of_wallet(*portfolio(50, 1)[:2])
    assert [check.verdict for check in full.checks] == ["holds", "holds", "not testable"]
    many = ACCOUNTS.assign(potential=[100.0, 300, np.nan, np.nan, np.nan, np.nan])
    assert finding(share_of_wallet(many, FACTS), "demand of every account").verdict == "does not hold"


def test_intervals_are_those_of_a_plain_bootstrap_and_cover():
    accounts, facts, _ = portfolio(300, 2)
    result = share_of_wallet(accounts, facts, by=["industry"], n_resamples=2000)
    rng = np.random.default_rng(5)
    r, p = facts["revenue"].to_numpy(), accounts["potential"].to_numpy()
    draws = []
    for _ in range(2000):
        i = rng.integers(300, size=300)
        draws.append((r[i].sum() / p[i].sum(), p[i].sum() - r[i].sum()))
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    assert (result.share_low, result.share_high) == pytest.approx((low[0], high[0]), abs=0.004)
    assert (result.gap_low, result.gap_high) == pytest.approx((low[1], high[1]), rel=0.04)
    food = accounts["industry"] == "food"
    group = result.groups.set_index("group_name").loc["food"]
    assert group["share_wallet"] == pytest.approx(r[food].sum() / p[food].sum())
    assert group["ci_low"] < group["share_wallet"] < group["ci_high"]
    covered = [
        (w.share_low < 0.8 * 4 / 7 < w.share_high)
        for w in (share_of_wallet(*portfolio(200, seed)[:2], n_resamples=200) for seed in range(20))
    ]
    assert sum(covered) >= 16


def test_satisfaction_goes_with_the_share():
    accounts, facts, satisfaction = portfolio(800, 3, slope=0.06)
    result = share_of_wallet(accounts, facts, satisfaction=satisfaction)
    assert result.slope_low < 0.06 < result.slope_high
    share = facts["revenue"] / accounts["potential"]
    line = np.polyfit(satisfaction.to_numpy(), share.to_numpy(), 1)
    assert result.slope == pytest.approx(line[0])
    assert result.levels["satisfaction"].tolist() == [1, 2, 3, 4, 5]
    means = share.groupby(satisfaction.to_numpy()).mean()
    np.testing.assert_allclose(result.levels["estimate"], means)
    width = (result.levels["ci_high"] - result.levels["ci_low"]) / 2
    spread = share.groupby(satisfaction.to_numpy()).std() / np.sqrt(result.levels["n_accounts"].to_numpy())
    np.testing.assert_allclose(width, 1.96 * spread, rtol=0.1)
    assert "Accounts one level more satisfied have a share 6." in result.answer()
    none = share_of_wallet(*portfolio(800, 4)[:2], satisfaction=satisfaction)
    assert "With satisfaction it does not go beyond chance" in none.answer()
    less = share_of_wallet(accounts, facts, satisfaction=6 - satisfaction)
    assert "points lower" in less.answer()
    few = share_of_wallet(accounts, facts, satisfaction=satisfaction.head(15).reset_index(name="satisfaction").rename(
        columns={"index": "customer_id"}
    ))  # fmt: skip
    assert few.slope is None and few.n_satisfaction == 15
    assert (few.levels["reason"] == "fewer than 10 accounts").all() and few.levels["estimate"].isna().all()


def test_a_share_that_was_asked_for():
    facts = FACTS.assign(said=[0.5, 0.4, 0.0, np.nan, 0.2])
    result = share_of_wallet(ACCOUNTS, facts, stated="said")
    # c says 0, d says nothing, e buys nothing: their demand is not known
    assert (result.n_accounts, result.n_unknown, result.measure) == (2, 3, "stated")
    assert result.share == pytest.approx(200 / (160 + 300))
    with pytest.raises(DataError, match=r"said lies outside 0 to 1.*customer 'a' \(50\).*Divide"):
        share_of_wallet(ACCOUNTS, facts.assign(said=[50.0] * 5), stated="said")


@pytest.mark.parametrize("seed", [1, 2])
def test_the_planted_share_is_recovered(seed):
    company = simulate_company(seed=seed, n_accounts=500, n_months=36)
    accounts = company.accounts
    known = accounts["potential"].notna()
    rng = np.random.default_rng(seed)  # planted: demand a year over a beta(4, 3), mean 4 / 7
    demand = accounts["potential"] * rng.beta(4, 3, len(accounts))
    facts = pd.DataFrame({"customer_id": accounts["customer_id"], "revenue": demand.fillna(0)})
    result = share_of_wallet(accounts, facts, by=["industry"], n_resamples=200)
    assert result.n_unknown == (~known).sum() > 0
    assert result.share_low < 4 / 7 < result.share_high
    assert result.groups["n_accounts"].sum() == known.sum()


def test_same_seed_same_intervals_and_nothing_is_changed():
    accounts, facts, satisfaction = portfolio(60, 6)
    copies = accounts.copy(), facts.copy(), satisfaction.copy()
    first = share_of_wallet(accounts, facts, satisfaction=satisfaction, seed=3)
    again = share_of_wallet(accounts, facts, satisfaction=satisfaction, seed=3)
    assert (first.share_low, first.gap_high) == (again.share_low, again.gap_high)
    assert share_of_wallet(accounts, facts, seed=4).share_low != first.share_low
    pd.testing.assert_frame_equal(accounts, copies[0])
    pd.testing.assert_frame_equal(facts, copies[1])
    pd.testing.assert_series_equal(satisfaction, copies[2])


TWICE = pd.concat([FACTS, FACTS.head(1)])


@pytest.mark.parametrize(
    ("accounts", "facts", "options", "error", "message"),
    [
        (ACCOUNTS.drop(columns="potential"), FACTS, {}, MissingColumnError, "no column 'potential'"),
        (ACCOUNTS, FACTS.drop(columns="revenue"), {}, MissingColumnError, "no column 'revenue'.*facts"),
        (ACCOUNTS, FACTS, {"by": ["industry"]}, MissingColumnError, "no column 'industry'"),
        (ACCOUNTS, TWICE, {}, DataError, "stands twice in the facts.*'a'.*one wave or origin"),
        (pd.concat([ACCOUNTS] * 2), FACTS, {}, DataError, "stands twice in the accounts"),
        (ACCOUNTS, FACTS.head(0), {}, EmptyDataError, "no account"),
        (ACCOUNTS, FACTS.assign(revenue=[np.nan, 1, 1, 1, 1]), {}, DataError, "1 accounts have no revenue.*'a'"),
        (ACCOUNTS.assign(potential=np.nan), FACTS, {}, EmptyDataError, "demand of 0 of 5 accounts"),
        (ACCOUNTS.assign(potential=-1.0), FACTS, {}, DataError, "demand is below 0"),
        (ACCOUNTS.assign(potential=0.0), FACTS.assign(revenue=0.0), {}, UndefinedMeasureError, "nothing from anybody"),
        (ACCOUNTS, FACTS, {"min_accounts": 1}, ParameterError, "min_accounts is 1"),
        (ACCOUNTS, FACTS, {"level": 2}, ParameterError, "level of an interval is 2"),
        (ACCOUNTS, FACTS, {"seed": -1}, ParameterError, "seed is -1"),
        (ACCOUNTS, FACTS, {"satisfaction": pd.DataFrame({"customer_id": ["a"]})}, MissingColumnError, "'satisfaction'"),
        (ACCOUNTS, FACTS, {"satisfaction": pd.Series([1, 2], index=["a", "a"])}, DataError, "twice in the satisfaction"),
    ],
)  # fmt: skip
def test_bad_input(accounts, facts, options, error, message):
    with pytest.raises(error, match=message):
        share_of_wallet(accounts, facts, **options)
