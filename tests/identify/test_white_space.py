import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student

from kam.errors import DataError, EmptyDataError, MissingColumnError, ParameterError, UndefinedMeasureError
from kam.identify import white_space
from kam.identify.like_accounts import choose_pairs, compare_like_accounts, purchases_of_year
from kam.ledger import Cleaning, open_ledger, summarize_mix
from kam.results import Context
from kam.stats.proportions import wilson_interval

YEARS = pd.to_datetime(["2023-01-01", "2024-01-01"])
EUR = Context(currency="EUR")


def year(baskets, which=1):
    """One row per account and product group of ``{account: {group: money}}``."""
    rows = [(c, YEARS[which], g, float(x)) for c, basket in baskets.items() for g, x in basket.items()]
    return pd.DataFrame(rows, columns=["customer_id", "period", "group", "revenue"])


HAND = {
    "a": {"film": 60, "tape": 40, "labels": 100},  # 50 % on labels
    "b": {"film": 30, "tape": 20, "labels": 12.5},  # 20 %
    "c": {"film": 3, "tape": 2, "labels": 5 / 3},  # 25 %
    "d": {"film": 600, "tape": 400},
    **{f"z{i}": {"glue": 10 - i} for i in range(6)},
}


def test_worked_by_hand():
    # a, b, c and d are equal without labels; three of the three like accounts of d buy labels, at a median share of 25 %
    result = white_space(year(HAND), n_like=3, context=EUR)
    (row,) = result.gaps.to_dict("records")
    low, high = (float(end) for end in wilson_interval(3, 3))
    assert (row["customer_id"], row["group_name"], row["n_like"], row["n_like_buy"]) == ("d", "labels", 3, 3)
    assert (row["share_like"], row["share_all"], row["value"]) == pytest.approx((1, 0.3, 250))
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((low, high))
    assert (result.n_accounts, result.n_with_gaps, result.n_gaps, result.n_groups) == (10, 1, 1, 4)
    assert result.value == pytest.approx(250)
    assert result.accounts.iloc[:2].to_numpy().tolist() == [["d", 1, pytest.approx(250)], ["a", 0, 0]]
    assert result.better_than_chance is None and result.backtest.empty and pd.isna(row["bought_before"])
    assert result.answer() == (
        "Like accounts of their size spend €250.00 a year on what 1 of 10 accounts do not buy: one pair of account and product "
        "group. Whether such a list comes true could not be tried on the year before."
    )
    verdicts = {check.assumption: check.verdict for check in result.checks}
    assert verdicts["the list is better than chance"] == "not testable"
    assert verdicts["what is listed is new to the account"] == "not testable"


def test_the_group_in_question_does_not_count():
    # With labels, a (half of whose money goes there) would be less like d than e is, which buys none
    baskets = HAND | {"e": {"film": 6, "tape": 4, "glue": 2}}
    now = purchases_of_year(year(baskets), pd.Index(["film", "glue", "labels", "tape"]))
    table = compare_like_accounts(now, np.arange(4), n_accounts=3, n_like=3)
    d = list(now.customers).index("d")
    assert table.n_like_buy[d, 2] == 3


def test_the_answer_follows_the_input():
    more = {c: dict(basket) for c, basket in HAND.items()}
    more["d"] = {g: 2 * x for g, x in more["d"].items()}
    assert white_space(year(more), n_like=3).value == pytest.approx(500)
    more["d"]["labels"] = 1.0
    nothing = white_space(year(more), n_like=3, context=EUR)
    assert (nothing.n_gaps, nothing.value) == (0, 0)
    assert nothing.answer().startswith(
        "No product group is missing at any of 10 accounts that at least 50% of like accounts"
    )
    returned = pd.concat(
        [year(more).query("not (customer_id == 'd' and group == 'labels')"), year({"d": {"labels": -5}})]
    )
    assert white_space(returned, n_like=3).n_gaps == 1


def random_mix(seed, n=60, n_groups=9):
    rng = np.random.default_rng(seed)
    tastes = rng.dirichlet(np.full(n_groups, 0.5), 4)[rng.integers(4, size=n)]
    frames = []
    for which in (0, 1):
        buys = rng.random((n, n_groups)) < np.clip(3 * tastes, 0.03, 0.95)
        money = np.round(rng.lognormal(4, 1, (n, n_groups)) * buys, 2)
        frames.append(
            year({f"k{i:02d}": {f"g{j}": money[i, j] for j in np.flatnonzero(buys[i])} for i in range(n)}, which)
        )
    return pd.concat(frames, ignore_index=True)


def naive(rows, *, n_accounts, n_like, min_share):
    """The list of one year, in loops."""
    spent = {c: {r.group: r.revenue for r in f.itertuples() if r.revenue > 0} for c, f in rows.groupby("customer_id")}
    spent = {c: basket for c, basket in spent.items() if basket}
    total = {c: sum(basket.values()) for c, basket in spent.items()}
    ordered = sorted(spent, key=lambda c: (-total[c], c))
    found = {}
    for one in ordered[:n_accounts]:
        for group in {g for basket in spent.values() for g in basket} - set(spent[one]):
            share_all = sum(group in basket for basket in spent.values()) / len(spent)
            if share_all < 0.05:
                continue
            likeness = []
            for place, other in enumerate(ordered):
                common = (set(spent[one]) & set(spent[other])) - {group}
                if other == one or not common:
                    continue
                p, q = ({g: x / total[c] for g, x in spent[c].items() if g != group} for c in (one, other))
                dot = sum(np.sqrt(p[g] * q[g]) for g in common)
                likeness.append((-round(dot / np.sqrt(sum(p.values()) * sum(q.values())), 9), place, other))
            like = [other for *_, other in sorted(likeness)[:n_like]]
            buyers = [spent[c][group] / total[c] for c in like if group in spent[c]]
            low = wilson_interval(len(buyers), len(like))[0] if like else 0
            if like and len(buyers) / len(like) >= min_share and low > share_all:
                found[one, group] = (len(like), len(buyers), share_all, float(np.median(buyers)) * total[one])
    return found


@pytest.mark.parametrize(
    "options", [{"n_accounts": 40, "n_like": 7, "min_share": 0.5}, {"n_accounts": 60, "n_like": 12, "min_share": 0.3}]
)
def test_against_loops(options):
    rows = random_mix(1)
    result = white_space(rows, **options)
    now = naive(rows[rows["period"] == YEARS[1]], **options)
    found = result.gaps.set_index(["customer_id", "group_name"])
    assert set(found.index) == set(now) and len(now) >= 5
    for pair, expected in now.items():
        assert tuple(found.loc[pair, ["n_like", "n_like_buy", "share_all", "value"]]) == pytest.approx(expected), pair
    # the back-test: the list of the year before, and what was bought of it since
    then = naive(rows[rows["period"] == YEARS[0]], **options)
    bought = [{(r.customer_id, r.group) for r in rows[rows["period"] == y].itertuples()} for y in YEARS]
    on_list = {c for c, _ in then}
    others = {(c, f"g{j}") for c in on_list for j in range(9)} - bought[0] - set(then)
    table = result.backtest.set_index("pair_set")
    assert (table.loc["listed", "n_pairs"], table.loc["listed", "n_bought"]) == (len(then), len(set(then) & bought[1]))
    assert (table.loc["all others", "n_pairs"], table.loc["all others", "n_bought"]) == (
        len(others),
        len(others & bought[1]),
    )
    assert table.loc["most bought", "n_pairs"] == len(then)
    n_buyers = rows[rows["period"] == YEARS[0]].groupby("group").size()
    named = set()
    for customer in on_list:
        free = sorted((-n_buyers[f"g{j}"], f"g{j}") for j in range(9) if (customer, f"g{j}") not in bought[0])
        named |= {(customer, group) for _, group in free[: sum(c == customer for c, _ in then)]}
    assert table.loc["most bought", "n_bought"] == len(named & bought[1])
    assert result.n_accounts_backtest == len(on_list)
    lapsed = {pair for pair in now if pair in bought[0]}
    assert {pair for pair, was in found["bought_before"].items() if was} == lapsed


def planted(seed, *, comes=0.6, n=150):
    """Three kinds of accounts with six groups of their own, of which each account does not yet buy one; later some do."""
    rng = np.random.default_rng(seed)
    frames, missing = [], {}
    for i in range(n):
        kind, size = i % 3, rng.lognormal(6, 1)
        lacks = [f"k{kind}g{j}" for j in rng.permutation(6)[: rng.integers(0, 2)]]
        for which in (0, 1):
            basket = {f"k{kind}g{j}": size * rng.uniform(0.5, 1.5) for j in range(6)}
            basket |= {f"k{(kind + 1) % 3}g{rng.integers(6)}": size * 0.05} if rng.random() < 0.3 else {}
            for group in lacks:
                if which == 0 or rng.random() > comes:
                    basket.pop(group)
                    missing.setdefault((which, f"c{i:03d}"), set()).add(group)
            frames.append(year({f"c{i:03d}": basket}, which))
    return pd.concat(frames, ignore_index=True), missing


def test_planted_gaps_are_found_and_the_back_test_says_so():
    rows, missing = planted(3)
    result = white_space(rows, n_like=20, context=EUR)
    truth = {(c, g) for (which, c), groups in missing.items() if which == 1 for g in groups}
    found = set(zip(result.gaps["customer_id"], result.gaps["group_name"], strict=True))
    assert len(found & truth) >= 0.9 * len(truth) and len(found & truth) >= 0.9 * len(found)
    table = result.backtest.set_index("pair_set")
    assert table.loc["listed", "share_bought"] == pytest.approx(0.6, abs=0.15)
    assert table.loc["all others", "ci_low"] > 0.3
    assert (result.better_than_chance, result.better_than_most_bought) == (True, True)
    assert "better than chance by" in result.answer() and "not surely" not in result.answer()
    verdicts = [check.verdict for check in result.checks if "better than" in check.assumption]
    assert verdicts == ["holds", "holds"]
    assert result.gaps["bought_before"].sum() == 0


def test_a_list_that_does_not_come_true_is_called_so():
    rows, _ = planted(4, comes=0.0)
    result = white_space(rows, n_like=20)
    assert result.better_than_chance is False
    assert "not better than chance" in result.answer()
    assert [c.verdict for c in result.checks if "better than" in c.assumption] == ["does not hold", "does not hold"]


@pytest.mark.parametrize("seed", range(3))
def test_where_tastes_do_not_differ_likeness_adds_nothing(seed):
    rng = np.random.default_rng(seed)
    popular, size = rng.beta(1.2, 2, 30), rng.lognormal(5, 1, 200)
    frames = []
    for which in (0, 1):
        buys = rng.random((200, 30)) < popular
        frames.append(
            year({f"c{i:03d}": {f"g{j}": size[i] for j in np.flatnonzero(buys[i])} for i in range(200)}, which)
        )
    result = white_space(pd.concat(frames), n_accounts=100)
    assert not result.better_than_most_bought
    if result.better_than_chance:
        assert result.answer().endswith("but not surely better than naming what most accounts buy.")


def test_the_interval_of_the_back_test_is_that_over_accounts():
    rows, _ = planted(5)
    result = white_space(rows, n_like=20)
    row = result.backtest.set_index("pair_set").loc["all others"]
    # jackknife over accounts: leave one out of the sums of both sets; who is like whom stays
    groups = pd.Index(rows["group"].unique()).sort_values()
    then, now = (purchases_of_year(rows[rows["period"] == y], groups) for y in YEARS)
    table = compare_like_accounts(then, then.choose_groups(), n_accounts=500, n_like=20)
    listed = choose_pairs(then, table, 0.5)
    on_list = listed.any(axis=1)
    others, came = ~table.bought & ~listed & on_list[:, None], now.bought(then.customers, table.groups)

    def difference(stays):
        return came[listed & stays[:, None]].mean() - came[others & stays[:, None]].mean()

    assert row["listed_less"] == pytest.approx(difference(on_list))
    k = on_list.sum()
    without = [difference(np.arange(len(on_list)) != i) for i in np.flatnonzero(on_list)]
    std_error = np.sqrt((k - 1) / k * np.square(np.array(without) - np.mean(without)).sum())
    assert (row["ci_high"] - row["ci_low"]) / 2 == pytest.approx(student.ppf(0.975, k - 1) * std_error, rel=0.05)


def test_few_accounts_on_the_list_of_the_year_before_tell_nothing():
    rows = pd.concat([year(HAND, 0), year(HAND, 1)])
    result = white_space(rows, n_like=3)
    assert (result.n_accounts_backtest, result.better_than_chance) == (1, None)
    assert "too few accounts to tell" in result.answer()
    assert result.backtest["ci_low"].isna().all()
    assert result.gaps["bought_before"].tolist() == [False]


def test_an_account_with_few_alike_is_compared_with_these_and_nobody_with_strangers():
    result = white_space(year(HAND), n_like=30)
    assert result.gaps["n_like"].tolist() == [3]
    (check,) = [c for c in result.checks if "accounts alike" in c.assumption]
    assert (check.verdict, check.finding) == ("handled", "one has 3; its intervals are wider for that")


def test_rare_groups_and_small_accounts_are_left_out_and_said():
    baskets = {f"c{i:02d}": {"film": 100.0 + i, "tape": 50.0} for i in range(50)} | {"x": {"film": 9.0, "rare": 1.0}}
    result = white_space(year(baskets), n_accounts=10, n_like=5)
    assert (result.n_groups, result.n_accounts) == (2, 10)
    findings = [check.finding for check in result.checks]
    assert findings[0].startswith("2 of 3: those that at least 5% of the accounts buy, at most 200")
    assert findings[1] == "the 10 largest of 51, each against the 51 largest"


def test_lines_without_a_group_are_left_out_and_said():
    rows = pd.concat([year(HAND), year({"d": {None: 1000.0}})])
    result = white_space(rows, n_like=3)
    assert result.value == pytest.approx(250)
    (check,) = [c for c in result.checks if "names a product group" in c.assumption]
    total = sum(sum(basket.values()) for basket in HAND.values())
    assert check.statistic == pytest.approx(1000 / (1000 + total))


def test_bad_input_is_named():
    good = year(HAND)
    for name in good:
        with pytest.raises(MissingColumnError, match=f"'{name}'"):
            white_space(good.drop(columns=name))
    with pytest.raises(EmptyDataError, match="no year"):
        white_space(good.iloc[:0])
    with pytest.raises(EmptyDataError, match="Nobody bought"):
        white_space(good.assign(revenue=-1.0))
    with pytest.raises(EmptyDataError, match="Nobody bought"):
        white_space(good.drop_duplicates("customer_id").assign(group=None))
    with pytest.raises(UndefinedMeasureError, match="only one product group, 'film'"):
        white_space(good[good["group"] == "film"])
    with pytest.raises(UndefinedMeasureError, match="Only one account, a"):
        white_space(good[good["customer_id"] == "a"])
    with pytest.raises(UndefinedMeasureError, match="No product group is bought by 5%"):
        white_space(year({f"c{i}": {f"g{i}": 1.0} for i in range(21)}))
    with pytest.raises(DataError, match=r"stands twice.*account a, group 'film', 2024-01-01"):
        white_space(pd.concat([good, good]))
    with pytest.raises(DataError, match=r"revenue is missing.*account a"):
        white_space(good.assign(revenue=np.nan))
    with pytest.raises(DataError, match="no years"):
        white_space(pd.concat([good, good.assign(period=pd.Timestamp("2023-12-01"))]))
    for options in ({"n_accounts": 0}, {"n_like": 1}, {"min_share": 0.0}, {"min_share": 1.1}):
        with pytest.raises(ParameterError, match=next(iter(options))):
            white_space(good, **options)


def test_nothing_given_is_changed_and_order_does_not_matter():
    rows = random_mix(2)
    before = rows.copy()
    result = white_space(rows, n_like=7)
    pd.testing.assert_frame_equal(rows, before)
    again = white_space(rows.sample(frac=1, random_state=1), n_like=7)
    for name, frame in result.tables().items():
        pd.testing.assert_frame_equal(frame, again.tables()[name])


def test_online_retail(real_data):
    ledger = open_ledger(
        real_data("online_retail_ii/lines_2009_2011.parquet"),
        columns={"order_id": "invoice", "order_date": "invoice_date", "product_id": "stock_code"},
        currency="GBP",
        cleaning=Cleaning(),
    )
    result = white_space(summarize_mix(ledger, by="product_id", freq="last_years"))
    assert (result.better_than_chance, result.better_than_most_bought) == (True, True)
    table = result.backtest.set_index("pair_set")
    assert table.loc["listed", "share_bought"] == pytest.approx(0.1636, abs=5e-4)
    assert table.loc["all others", "share_bought"] == pytest.approx(0.0582, abs=5e-4)
