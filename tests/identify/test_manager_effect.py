from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import poisson

from kam.errors import (
    ColumnTypeError,
    DataError,
    DuplicateColumnError,
    EmptyDataError,
    MissingColumnError,
    NoEventError,
    ParameterError,
    UndefinedMeasureError,
)
from kam.identify import manager_effect, manager_model
from kam.identify.manager_model import NAMED_BELOW, fit_managers, funnel_limits, variances
from kam.identify.manager_rows import ManagerRows, loss_rows, margin_rows, read_portfolio
from kam.ledger import activity_panel, open_ledger
from kam.results import Context
from kam.stats.multiplicity import holm

EURO = Context(currency="EUR")
NAMES = [f"Manager {i}" for i in range(10)]


def make(seed=1, *, worse=0.12, dearer=-0.06, n=280, n_months=36):
    """Accounts that order every month until they leave; under manager 0 more leave, and margins are lower."""
    rng = np.random.default_rng(seed)
    manager = np.append(rng.integers(0, 9, n - 3), [9, 9, 9])
    hazard = np.where(manager == 0, worse, 0.02)
    left = np.minimum(rng.geometric(hazard) + 2, n_months)
    months = pd.date_range("2022-01-01", periods=n_months, freq="MS") + pd.Timedelta(days=4)
    account = np.repeat(np.arange(n), left)
    month = np.arange(len(account)) - np.repeat(np.cumsum(left) - left, left)
    amount = rng.lognormal(6, 0.4, len(account)).round(2)
    share = 0.3 + np.where(manager == 0, dearer, 0.0)[account] + rng.normal(0, 0.03, n)[account]
    orders = pd.DataFrame(
        {
            "customer_id": [f"c{i:03}" for i in account],
            "order_date": months[month],
            "amount": amount,
            "cost": (amount * (1 - share)).round(2),
        }
    )
    accounts = pd.DataFrame(
        {
            "customer_id": [f"c{i:03}" for i in range(n)],
            "manager": [NAMES[i] for i in manager],
            "manager_since": pd.Timestamp("2020-01-01"),
            "region": np.where(rng.random(n) < 0.5, "North", "South"),
        }
    )
    return orders, accounts


@pytest.fixture(scope="module")
def world():
    orders, accounts = make()
    with_ledger = open_ledger(orders, as_of="2024-12-31")
    yield with_ledger, accounts
    with_ledger.close()


@pytest.fixture(scope="module")
def churn(world):
    return manager_effect(*world, k=6, context=EURO)


@pytest.fixture(scope="module")
def margin(world):
    return manager_effect(*world, outcome="margin", context=EURO)


def panel_of(*rows):
    """A month panel from ``(customer, months with an order, counted from January 2022)``."""
    parts = [
        pd.DataFrame({"customer_id": customer, "period": [pd.Timestamp(2022 + m // 12, m % 12 + 1, 1) for m in months]})
        for customer, months in rows
    ]
    return pd.concat(parts, ignore_index=True).assign(revenue=100.0, margin=30.0, n_orders=1)


def held_by(**since):
    return pd.DataFrame(
        {"customer_id": list(since), "manager": "Ito", "manager_since": pd.to_datetime(list(since.values()))}
    )


# -- rows, by hand ---------------------------------------------------------------------------------------------------


def rows_of(panel, accounts, k=3, handovers=None):
    portfolio = read_portfolio(panel, accounts, handovers, ())
    return loss_rows(portfolio, k), portfolio


def test_a_loss_is_dated_half_a_usual_gap_after_the_last_order_and_once():
    panel = panel_of(("a", [0, 1, 2, 3]), ("b", [0, 4, 8]), ("c", range(24)))
    rows, _ = rows_of(panel, held_by(a="2020-01-01", b="2020-01-01", c="2020-01-01"), k=5)
    frame = rows.frame
    assert frame.groupby("account").size().tolist() == [4, 10, 19]  # to month 4; to month 8 + 2; to 24 - 5
    assert frame.groupby("account")["y"].sum().tolist() == [1, 1, 0]
    assert frame.groupby("account")["y"].last().tolist() == [1, 1, 0]
    assert (rows.n_lost, rows.n_returned, rows.n_unknown) == (2, 0, 0)


def test_a_silence_that_has_not_lasted_is_no_loss_and_one_that_ended_is_counted():
    panel = panel_of(("a", range(22)), ("b", [*range(5), *range(12, 24)]), ("c", range(24)))
    accounts = held_by(a="2020-01-01", b="2020-01-01", c="2020-01-01")
    rows, _ = rows_of(panel, accounts)
    assert rows.frame.groupby("account")["y"].sum().tolist() == [0, 1, 0]  # a: two silent months, three would be needed
    assert (rows.n_lost, rows.n_returned) == (1, 1)


@pytest.mark.parametrize(("since", "n_rows", "n_unknown"), [("2022-07-01", 15, 5), ("2022-07-02", 14, 6)])
def test_rows_before_the_manager_are_left_out_and_counted(since, n_rows, n_unknown):
    """At risk in the months 1 to 20 of 0 to 23; the manager counts from month 6, or from the month after."""
    rows, _ = rows_of(panel_of(("a", range(24)), ("z", [0, 1, 2])), held_by(a=since, z="2020-01-01"), k=4)
    assert (int((rows.frame["account"] == 0).sum()), rows.n_unknown) == (n_rows, n_unknown)


def test_a_handover_is_recent_for_the_six_months_after_it_and_new_accounts_have_none():
    panel = panel_of(("a", range(24)), ("b", range(6, 24)), ("c", range(24)), ("z", [0]))
    accounts = held_by(a="2022-07-01", b="2022-07-01", c="2020-01-01", z="2020-01-01")
    events = pd.DataFrame(
        {"customer_id": ["c", "c"], "date": pd.to_datetime(["2023-02-10", "2023-04-01"]), "kind": ["handover", "visit"]}
    )
    rows, portfolio = rows_of(panel, accounts, handovers=events)
    recent = {name: np.flatnonzero(portfolio.handed_over[i]).tolist() for i, name in enumerate(portfolio.customer_id)}
    assert recent["a"] == [7, 8, 9, 10, 11, 12]
    assert recent["b"] == []
    assert recent["c"] == [14, 15, 16, 17, 18, 19]
    assert portfolio.n_handovers == 2
    assert rows.frame["handover"].sum() == 12


def test_nothing_after_a_month_changes_its_covariates():
    panel = panel_of(("a", range(30)), ("b", [0, 1, 2]))
    accounts = held_by(a="2020-01-01", b="2020-01-01")
    changed = panel.assign(revenue=np.where(panel["period"] >= "2023-06-01", 9e6, panel["revenue"]))
    one, two = (rows_of(frame, accounts)[0].frame for frame in (panel, changed))
    names = ["account", "size", "frequency", "tenure", "handover"]
    until = one["account"].ne(0) | (one.groupby("account").cumcount() < 17)  # rows 1 to 17, before month 17 = June 2023
    pd.testing.assert_frame_equal(one.loc[until, names], two.loc[until, names])
    assert not one["size"].equals(two["size"])


def test_margin_rows_are_years_of_twelve_months_under_the_manager():
    panel = panel_of(("a", range(24)), ("b", range(24)))
    panel.loc[(panel["customer_id"] == "b") & (panel["period"] >= "2023-01-01"), "margin"] = 10.0
    rows = margin_rows(read_portfolio(panel, held_by(a="2022-07-01", b="2020-01-01"), None, ()))
    assert rows.frame.groupby("account")["weight"].apply(list).tolist() == [[12.0, 6.0], [12.0, 12.0]]
    np.testing.assert_allclose(rows.frame.groupby("account")["y"].apply(list).tolist(), [[30, 30], [10, 30]], atol=0.31)


# -- what comes out --------------------------------------------------------------------------------------------------


def test_the_manager_who_loses_more_stands_out(churn):
    worst = churn.managers[churn.managers["is_ranked"]].iloc[-1]
    assert worst["manager"] == "Manager 0"
    assert worst["stands_out"]
    assert worst["ci_low"] > 0
    planted = np.log(0.12 / 0.88) - np.log(0.02 / 0.98)  # against the others
    others = churn.managers.query("is_ranked and manager != 'Manager 0'")["effect"].mean()
    assert worst["effect"] - others == pytest.approx(planted, abs=0.5)
    assert churn.n_stand_out == 1
    assert churn.p_value < 0.001
    assert worst["in_points"] > 30
    assert worst["money_year"] <= 0
    assert "Beyond chance stand out Manager 0 (+" in churn.answer()
    assert "not given to managers at random" in churn.answer()


def test_the_manager_who_earns_less_stands_out(margin):
    worst = margin.managers[margin.managers["is_ranked"]].iloc[-1]
    assert worst["manager"] == "Manager 0"
    others = margin.managers.query("is_ranked and manager != 'Manager 0'")["effect"].mean()
    assert worst["effect"] - others == pytest.approx(-6, abs=1.5)
    assert worst["observed"] == pytest.approx(0.24, abs=0.02)
    assert worst["stands_out"]
    assert margin.sigma_low > 0


def test_managers_with_few_accounts_are_listed_without_figures(churn, margin):
    for result in (churn, margin):
        few = result.managers.iloc[-1]
        assert few["manager"] == "Manager 9"
        assert (few["n_accounts"], few["is_ranked"], few["stands_out"]) == (3, False, False)
        assert few["why"] == "fewer than 5 accounts: not compared by name"
        hidden = [
            "observed",
            "expected",
            "effect",
            "ci_low",
            "ci_high",
            "in_points",
            "money_year",
            "unshrunken",
            "p_value",
        ]
        assert few[hidden].isna().all()
        assert result.managers.loc[result.managers["is_ranked"], hidden].notna().all().all()


def test_managers_who_do_not_differ_cannot_be_told_from_chance():
    orders, accounts = make(seed=4, worse=0.02, dearer=0.0)
    opened = open_ledger(orders, as_of="2024-12-31")
    result = manager_effect(opened, accounts, k=6, context=EURO)
    opened.close()
    assert result.n_stand_out == 0
    assert result.sigma_low == 0
    assert "cannot be told from chance (p = " in result.answer()
    assert "None of the 9 managers with 5 accounts or more stands out beyond chance." in result.answer()
    money = result._key_figures()[1]
    assert money.value == "–" and money.note.startswith("whether managers differ cannot be told from chance (p = ")


def test_the_money_is_the_points_of_all_revenue_held_with_its_interval(churn, margin):
    for result in (churn, margin):
        for end in ("", "_low", "_high"):
            points, money = getattr(result, f"swing{end}"), getattr(result, f"swing_money{end}")
            assert money == pytest.approx(points / 100 * result.revenue_held)
        assert result.p_value < 0.05
    say, figure = EURO.wording, margin._key_figures()[1]
    ends = say.interval(say.money_short(margin.swing_money_low), say.money_short(margin.swing_money_high))
    assert margin.revenue_held > 0 and figure.value == say.money_short(margin.swing_money)
    assert figure.note.startswith(ends) and f"({ends}), no forecast." in margin.answer()


def test_the_margin_is_said_to_be_of_the_average_account_year(margin):
    said = f"around {EURO.wording.share(margin.base)} in the average account-year"
    assert said in margin.answer() and said in margin._key_figures()[0].label


def test_the_margin_names_nobody_whom_only_5_percent_would_name():
    """An adjusted p-value between 0.005 and 0.05 names on churn, not on the margin."""
    orders, accounts = make(seed=2, worse=0.02, dearer=-0.02)
    opened = open_ledger(orders, as_of="2024-12-31")
    table = manager_effect(opened, accounts, outcome="margin").managers
    opened.close()
    adjusted = np.nanmin(holm(table["p_value"].where(table["is_ranked"]).to_numpy(dtype=float)))
    assert 0.005 < adjusted < 0.05
    assert not table["stands_out"].any()
    assert NAMED_BELOW == {"churn": 0.05, "margin": 0.005}


def test_the_limit_of_naming_is_said(churn, margin):
    assert [one.value for result in (churn, margin) for one in result.assumed if "stands out" in one.what] == [
        "an adjusted p-value below 0.05",
        "an adjusted p-value below 0.005",
    ]


def test_what_goes_with_a_handover_is_of_the_accounts_handed_over_in_six_months(world):
    """The fit gives back the losses of the rows it was made from: so many a month, six times over, and not twelve."""
    ledger, accounts = world
    events = pd.DataFrame({"customer_id": accounts["customer_id"].iloc[::3], "date": pd.Timestamp("2022-06-10")})
    result = manager_effect(ledger, accounts, k=6, handovers=events, context=EURO)
    row = result.handover.iloc[0]
    assert row["n_events"] >= 5
    assert row["share_lost_handover"] == pytest.approx(1 - (1 - row["n_events"] / row["n_rows"]) ** 6, rel=0.15)
    assert row["in_points"] == pytest.approx(100 * (row["share_lost_handover"] - row["share_lost_without"]))
    assert row["points_low"] < row["in_points"] < row["points_high"]
    figure = result._key_figures()[-1]
    assert "in six months without a handover" in figure.note and "a year" not in figure.label


def test_figures_are_those_of_a_plain_recomputation(world, churn):
    ledger, accounts = world
    portfolio = read_portfolio(activity_panel(ledger, freq="month"), accounts, None, ("region",))
    frame = loss_rows(portfolio, 6).frame
    naive = frame.groupby("manager").agg(n_rows=("y", "size"), n_events=("y", "sum"), n_accounts=("account", "nunique"))
    naive.index = [portfolio.names[code] for code in naive.index]
    table = churn.managers.set_index("manager")
    for name in naive:
        assert (
            table[name].astype(float).sort_index().equals(naive[name].astype(float).sort_index().rename_axis("manager"))
        )
    ranked = table[table["is_ranked"]]
    rate = ranked["n_events"] / ranked["n_rows"]
    np.testing.assert_allclose(ranked["observed"], 1 - (1 - rate) ** 12)
    np.testing.assert_allclose(ranked["unshrunken"], ranked["n_events"] / ranked["n_expected"])


def test_the_answer_of_an_unlike_portfolio_is_adjusted_for_it():
    """Who holds a region in which more leave is not worse: the region explains it."""
    orders, accounts = make(seed=2, worse=0.06)
    accounts["region"] = np.where(accounts["manager"].isin(["Manager 0", "Manager 1"]), "East", "West")
    kept = orders[~((orders["customer_id"].map(accounts.set_index("customer_id")["manager"]) == "Manager 1")
                    & (orders["order_date"] > "2023-03-01"))]  # fmt: skip
    opened = open_ledger(kept, as_of="2024-12-31")
    plain, fair = (manager_effect(opened, accounts, k=6, static=static) for static in ((), ("region",)))
    opened.close()
    effect = [r.managers.set_index("manager").loc["Manager 0", "effect"] for r in (plain, fair)]
    assert effect[1] < effect[0]
    assert any("region: East" in term for term in fair.fit["term"])


def sized_portfolios(seed, n=400, n_years=4):
    """Nobody differs, but managers hold accounts by size, margins fall with it, and a year says imperfectly what it is."""
    rng = np.random.default_rng(seed)
    size = np.sort(rng.standard_normal(n))
    account = np.repeat(np.arange(n), n_years)
    frame = pd.DataFrame(
        {
            "account": account,
            "manager": account // 40,
            "y": 20 - 2 * size[account] + rng.normal(0, 3, n)[account] + rng.normal(0, 2, n * n_years),
            "weight": 1.0,
            "size": size[account] + rng.normal(0, 0.4, n * n_years),
            "frequency": rng.standard_normal(n)[account],
            "tenure": 0.0,
            "handover": 0.0,
        }
    )
    return ManagerRows(frame=frame, n_unknown=0, n_lost=0, n_returned=0)


def test_who_holds_the_large_accounts_is_not_dearer_for_it(monkeypatch):
    """A year's size alone leaves part of the size to the manager; with the mean of the account's years it does not."""

    def tell():
        held, found, terms = [], [], []
        for seed in range(10):
            fitted = fit_managers(sized_portfolios(seed), SimpleNamespace(facts=pd.DataFrame()), "margin", 1)
            held.append((fitted.fit.low <= 0) & (fitted.fit.high >= 0))
            found.append(fitted.fit.p_value < 0.05)
            terms.append(tuple(fitted.terms))
        return np.mean(held), sum(found), set(terms)

    held, found, terms = tell()
    assert terms == {("intercept", "size", "size_squared", "frequency", "size_account")}  # the frequency does not vary
    assert held > 0.93 and found <= 2
    monkeypatch.setattr(manager_model, "MEANS", {})
    held, found, _ = tell()
    assert held < 0.8 and found >= 8


@pytest.mark.parametrize(
    ("change", "options", "error", "says"),
    [
        (lambda a: [a], {}, ColumnTypeError, "list is no data frame"),
        (lambda a: a.assign(since="2020"), {}, ColumnTypeError, "'since' holds no dates"),
        (lambda a: pd.concat([a, a[["region"]]], axis=1), {}, DuplicateColumnError, "'region'"),
        (lambda a: pd.concat([a, a[["manager"]]], axis=1), {}, DuplicateColumnError, "'manager'"),
        (lambda a: a, {"static": "region"}, ParameterError, "static is 'region'"),
        (lambda a: a, {"static": ("manager",)}, ParameterError, "static"),
        (lambda a: a, {"static": ("region", "region")}, ParameterError, "static"),
        (lambda a: a, {"static": 5}, ParameterError, "static is 5"),
        (lambda a: a, {"k": "6"}, ParameterError, "k is '6'"),
        (lambda a: a, {"handovers": ["c000"]}, ColumnTypeError, "handovers"),
        (lambda a: a.drop(columns="manager"), {}, MissingColumnError, "who manages"),
        (lambda a: a.drop(columns="manager_since"), {}, MissingColumnError, "since when"),
        (lambda a: a.assign(manager_since="soon"), {}, ColumnTypeError, "manager_since"),
        (lambda a: a.assign(manager_since=pd.NaT), {}, EmptyDataError, "first day"),
        (lambda a: a.assign(manager_since=pd.Timestamp("2030-01-01")), {}, EmptyDataError, "known"),
        (lambda a: a.assign(manager="Ito"), {}, UndefinedMeasureError, "one manager"),
        (lambda a: pd.concat([a, a.head(1)]), {}, DataError, "c000"),
        (lambda a: a, {"static": ("colour",)}, MissingColumnError, "colour"),
        (lambda a: a, {"k": 40}, EmptyDataError, "36 complete months"),
        (lambda a: a, {"k": 0}, ParameterError, "k is 0"),
        (lambda a: a, {"min_accounts": 2}, ParameterError, "min_accounts"),
        (lambda a: a, {"outcome": "luck"}, ParameterError, "luck"),
        (lambda a: a, {"handovers": pd.DataFrame({"customer_id": ["c000"]})}, MissingColumnError, "'date'"),
        (lambda a: a, {"handovers": pd.DataFrame({"customer_id": ["c000"], "date": ["x"]})}, ColumnTypeError, "date"),
    ],
)
def test_bad_input_is_named(world, change, options, error, says):
    with pytest.raises(error, match=says):
        manager_effect(world[0], change(world[1]), **({"k": 6} | options))


def test_order_lines_in_place_of_a_ledger_are_refused(world):
    with pytest.raises(ParameterError, match="ledger is a DataFrame"):
        manager_effect(make(n=10)[0], world[1])


def test_nobody_lost_and_no_cost_are_errors():
    accounts = make(n=30)[1]
    months = pd.date_range("2022-01-01", periods=36, freq="MS").repeat(30)
    steady = pd.DataFrame({"customer_id": [f"c{i:03}" for i in range(30)] * 36, "order_date": months, "amount": 10.0})
    opened = open_ledger(steady, as_of="2024-12-31")
    with pytest.raises(NoEventError, match="No account was lost"):
        manager_effect(opened, accounts, k=6)
    with pytest.raises(MissingColumnError, match="cost"):
        manager_effect(opened, accounts, outcome="margin")
    opened.close()


def test_inputs_stay_as_they_were_and_the_order_of_accounts_does_not_matter(world, margin):
    ledger, accounts = world
    before = accounts.copy()
    again = manager_effect(ledger, accounts.iloc[::-1].reset_index(drop=True), outcome="margin", context=EURO)
    pd.testing.assert_frame_equal(accounts, before)
    pd.testing.assert_frame_equal(again.managers, margin.managers)


# -- parts -----------------------------------------------------------------------------------------------------------


def test_funnel_limits_hold_what_they_say():
    """Between whole numbers the distribution is a line: at the limit it is what was asked; normal limits are symmetric."""
    size = np.array([0.5, 2.0, 10.0, 40.0])
    low, high = funnel_limits("churn", size, 0.0, 0.95)
    for limit, p in ((high, 0.975), (low[2:], 0.025)):
        expected = size[-len(limit) :]
        whole = np.ceil(limit * expected)
        between = limit * expected - (whole - 1)
        np.testing.assert_allclose(poisson.cdf(whole - 1, expected) + between * poisson.pmf(whole, expected), p)
    assert low[0] == 0
    wide = funnel_limits("churn", size, 0.0, 0.998)
    assert (wide[0] <= low).all()
    assert (wide[1] > high).all()
    low, high = funnel_limits("margin", np.array([4.0]), 3.0, 0.95)
    assert high[0] == -low[0] == pytest.approx(1.959964 * 3 / 2)


def test_variances_are_found_again():
    rng = np.random.default_rng(1)
    account = np.repeat(np.arange(600), 4)
    weight = rng.integers(1, 12, 2400).astype(float)
    y = rng.normal(0, 2, 600)[account] + rng.normal(0, 5, 2400) / np.sqrt(weight)
    within, between = variances(y, np.ones((2400, 1)), account % 7, account, weight)
    assert within == pytest.approx(25, rel=0.1)
    assert between == pytest.approx(4, rel=0.2)
