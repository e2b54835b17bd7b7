"""Groups that ended: a case worked by hand, the same by counting, and what chance alone flags."""

from math import comb

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from kam.identify import own_brand
from kam.identify.order_blocks import OrderBlocks
from kam.identify.own_brand import CERTAIN, MONTHS_GONE, find_dropped_groups

MIN_ORDERS = 8
MONTHS = pd.date_range("2022-01-01", periods=24, freq="MS")


def found(orders, bought):
    """From the orders of each account by month, and the months in which each of its groups was in an order."""
    facts = pd.DataFrame(
        [(account, MONTHS[m], n) for account, row in orders.items() for m, n in enumerate(row) if n],
        columns=["customer_id", "month", "n_orders"],
    )
    mix = pd.DataFrame(
        [(account, group, MONTHS[m]) for (account, group), months in bought.items() for m in months],
        columns=["customer_id", "group", "period"],
    ).assign(n_orders=1, revenue=10.0)
    mix = mix.groupby(["customer_id", "group", "period"], as_index=False).sum()
    return find_dropped_groups(OrderBlocks.of(facts), mix, min_orders=MIN_ORDERS)


def naive_p_values(orders, bought):
    """The definition, group by group and month by month."""
    possible = {}
    for (account, group), months in bought.items():
        so_far, n = np.cumsum(orders[account]), len(months)
        total = int(so_far[-1])
        chances = {m: comb(int(so_far[m]), n) / comb(total, n) for m in range(len(MONTHS) - MONTHS_GONE)
                   if MIN_ORDERS <= so_far[m] <= total - MIN_ORDERS and so_far[m] >= n}  # fmt: skip
        possible.setdefault(account, {})[group] = chances

    def at_most(values, limit):
        return max((v for v in values if v <= limit * (1 + 1e-9)), default=0.0)

    def summed(account, p):
        return sum(at_most(chances.values(), p) for chances in possible[account].values())

    own, sums = {}, {}
    for account, groups in possible.items():
        ends = {p for chances in groups.values() for p in chances.values() if p <= CERTAIN}
        sums[account] = [summed(account, p) for p in ends]
        happened = [groups[g].get(max(months)) for (a, g), months in bought.items() if a == account]
        own[account] = min((summed(account, p) for p in happened if p is not None and p <= CERTAIN), default=1.0)
    judged = [account for account, row in orders.items() if sum(row) >= 2 * MIN_ORDERS]
    return [
        min(sum(at_most(sums.get(a, []), own[account]) for a in judged) / len(judged) / (1 - CERTAIN), 1.0)
        if own.get(account, 1.0) <= CERTAIN
        else 1.0
        for account in sorted(orders)
    ]


def random_accounts(rng, n_accounts, n_groups=4):
    """Accounts that buy each group in any of their orders alike."""
    orders, bought = {}, {}
    for i in range(n_accounts):
        account = f"{i:03d}"
        row = rng.poisson(rng.uniform(0.5, 3), len(MONTHS))
        row[0] += 1
        month_of = np.repeat(np.arange(len(MONTHS)), row)
        orders[account] = row.tolist()
        for group in range(n_groups):
            n = int(rng.integers(1, len(month_of) // 2 + 2))
            bought[account, f"g{group}"] = sorted(rng.choice(month_of, min(n, len(month_of)), replace=False).tolist())
    return orders, bought


def test_a_case_by_hand():
    """24 orders, one a month; tape in the first ten, film in every one, labels in one of them.

    Tape ended with the tenth order: C(10, 10) / C(24, 10) = 1 / 1961256, and no end of it is less probable. Film cannot have
    ended at all, labels not with less than 8 / 24: both count for nothing, where Bonferroni would take three times.
    """
    bought = {("a", "tape"): range(10), ("a", "film"): range(24), ("a", "labels"): [20]}
    result = found({"a": [1] * 24}, bought)
    assert result.p_value[0] == pytest.approx(1 / 1961256 / 0.95)
    assert result.groups == [["tape"]]
    assert result.start[0] == 10


def test_another_group_counts_with_what_it_could_have_shown():
    """Tape in 7 of the first 10 of 24 orders, film in 8, the last of them the 22nd.

    Tape: C(10, 7) / C(24, 7) = 120 / 346104 = 0.000347. Film could have ended with order 10 at C(10, 8) / C(24, 8) = 45 / 735471,
    with order 11 at 165 / 735471 = 0.000224, with order 12 at 495 / 735471 = 0.000673: 0.000224 is added, not 0.000347.
    """
    bought = {("a", "tape"): [0, 1, 2, 3, 4, 5, 9], ("a", "film"): [0, 2, 4, 6, 8, 12, 16, 21]}
    p = 120 / 346104 + 165 / 735471
    assert found({"a": [1] * 24}, bought).p_value[0] == pytest.approx(p / 0.95)


def test_an_account_that_could_not_show_it_counts_for_nothing():
    """Two accounts were judged; the second bought its group once, which cannot end with less than 8 / 24."""
    bought = {("a", "tape"): range(10), ("b", "tape"): [20]}
    result = found({"a": [1] * 24, "b": [1] * 24}, bought)
    assert result.p_value.tolist() == pytest.approx([1 / 1961256 / 2 / 0.95, 1.0])
    alone = found({"a": [1] * 24}, {("a", "tape"): range(10)})
    assert result.p_value[0] == pytest.approx(alone.p_value[0] / 2)


@pytest.mark.parametrize("at_once", [7, 50_000])
def test_against_the_definition(at_once, monkeypatch):
    monkeypatch.setattr(own_brand, "PAIRS_AT_ONCE", at_once)
    orders, bought = random_accounts(np.random.default_rng(3), 60)
    for account in list(orders)[:20]:  # some groups that do end
        first_half = [m for m, n in enumerate(orders[account][:12]) for _ in range(n)]
        bought[account, "g0"] = first_half[: len(first_half) // 2 + 1]
    expected = naive_p_values(orders, bought)
    assert sum(p < 1 for p in expected) >= 10
    assert found(orders, bought).p_value.tolist() == pytest.approx(expected)


def test_ends_that_are_as_probable_count_together():
    """C(N, n) / C(T, n) = C(T - n, T - N) / C(T, T - N): film, in T - N orders, could have ended as improbably as tape did."""
    orders, bought = {}, {}
    for last in range(10, 17):
        for n in range(8, last):
            account = f"{last}-{n:02d}"
            orders[account] = [1] * 24
            bought[account, "tape"] = [*range(n - 1), last - 1]
            bought[account, "film"] = [*range(23 - last), 23]
    p_values = found(orders, bought).p_value
    assert p_values.tolist() == pytest.approx(naive_p_values(orders, bought))
    assert (p_values < CERTAIN).sum() > len(p_values) / 2


def test_chance_flags_no_more_than_promised():
    """40 portfolios in which nothing happened, groups bought together or apart: at most a tenth carries any flag.

    With a true rate of 0.1, more than 9 of 40 come in 1 of 200 tries (binomial).
    """
    rng = np.random.default_rng(11)
    n_any, p_values = 0, []
    for together in (False, True):
        for _ in range(20):
            orders, bought = random_accounts(rng, 25)
            if together:
                bought |= {(account, "g1"): bought[account, "g0"] for account in orders}
            result = found(orders, bought)
            p_values += result.p_value[result.judged].tolist()
            n_any += bool((stats.false_discovery_control(result.p_value[result.judged]) <= 0.1).any())
    assert n_any <= 9
    assert np.mean(np.array(p_values) <= 0.03) <= 0.045


def test_an_order_that_spans_two_months_ends_with_the_first():
    """The tenth order is counted in October; its tape came in November, in which no order is counted."""
    orders = [1] * 10 + [0] + [1] * 14
    months = pd.date_range("2022-01-01", periods=25, freq="MS")
    facts = pd.DataFrame({"customer_id": "a", "month": months, "n_orders": orders})
    mix = pd.DataFrame({"customer_id": "a", "group": "tape", "period": [*months[:9], months[10]]})
    result = find_dropped_groups(OrderBlocks.of(facts), mix.assign(n_orders=1, revenue=1.0), min_orders=MIN_ORDERS)
    assert result.p_value[0] == pytest.approx(1 / 1961256 / 0.95)
    assert result.start[0] == 11


def test_without_a_group_nothing_is_told():
    orders = {"a": [1] * 24}
    result = found(orders, {("a", "tape"): range(24)})
    assert result.p_value.tolist() == [1.0]
    assert result.groups == [[]]
    facts = pd.DataFrame({"customer_id": "a", "month": MONTHS, "n_orders": 1})
    mix = pd.DataFrame({"customer_id": "a", "group": pd.Series([None] * 24, dtype="str"), "period": MONTHS,
                        "n_orders": 1, "revenue": 1.0})  # fmt: skip
    assert find_dropped_groups(OrderBlocks.of(facts), mix, min_orders=MIN_ORDERS).p_value.tolist() == [1.0]
