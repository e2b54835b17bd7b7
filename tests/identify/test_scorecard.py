import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from benchmarks.scorecard import by_band, compare_company
from kam.dataset.schema import Criterion
from kam.errors import (
    ColumnTypeError,
    DataError,
    DuplicateColumnError,
    EmptyDataError,
    MissingColumnError,
    ParameterError,
)
from kam.identify.criteria import criteria_table
from kam.identify.scorecard import score_accounts
from kam.ledger import open_ledger, summarize_customers
from kam.results import Context
from kam.samples import simulate_company


def tidy(levels, weights, *, errors=0.0, names=None):
    """The table of criteria c0, c1, … with these levels, accounts × criteria."""
    levels = np.asarray(levels, dtype=float)
    n, m = levels.shape
    return pd.DataFrame(
        {
            "customer_id": np.repeat([f"{i:03d}" for i in range(n)], m),
            "criterion": np.tile(names or [f"c{j}" for j in range(m)], n),
            "weight": np.tile(np.asarray(weights, dtype=float), n),
            "criterion_level": levels.ravel(),
            "level_error": np.broadcast_to(errors, (n, m)).ravel(),
        }
    )


def quick(table, **options):
    return score_accounts(table, **({"n_draws": 200, "n_rank_draws": 50} | options))


def by_id(result):
    return result.accounts.set_index("customer_id").sort_index()


LEVELS = np.random.default_rng(4).random((60, 4))
WEIGHTS = [0.4, 0.3, 0.2, 0.1]


@pytest.fixture(scope="module")
def result():
    return quick(tidy(LEVELS, WEIGHTS, errors=[0, 0, 0.1, 0.1]), n_draws=1000)


@pytest.fixture(scope="module")
def company():
    """A simulated company whose account file lacks every third customer."""
    made = simulate_company(seed=11, n_accounts=150)
    ledger = open_ledger(made.ledger, as_of="2025-12-31")
    summary = summarize_customers(ledger)
    ledger.close()
    return summary, made.accounts.iloc[np.arange(len(made.accounts)) % 3 > 0]


DECLARED = [
    Criterion(name="revenue", kind="measured", weight=0.4),
    Criterion(name="gap_cv", kind="measured", direction="lower", weight=0.2),
    Criterion(name="partnership_wish", kind="judged", weight=0.2),
    Criterion(name="price_sensitivity", kind="judged", direction="lower", weight=0.2),
]


# -- scores and tiers ------------------------------------------------------------------------------------------------


def test_scores_by_hand_with_missing_levels_re_weighted():
    table = tidy([[1.0, 0.5, 0.0], [1.0, np.nan, 0.0], [np.nan, np.nan, 0.4], [np.nan] * 3], [2, 1, 1])
    accounts = by_id(quick(table, tiers=(1, 1)))
    assert accounts["weighted_score"].tolist()[:3] == pytest.approx([0.625, 2 / 3, 0.4])
    assert accounts["n_criteria_missing"].tolist() == [0, 1, 2, 3]
    assert accounts["tier"].tolist()[:3] == ["B", "A", "C"]
    assert accounts.loc["003", ["rank", "weighted_score", "tier", "p_tier", "p_tier_a"]].isna().all()
    assert accounts.at["003", "why"] == "no score: not one criterion is known"
    assert accounts.at["001", "why"].endswith("not known: c1")


def test_why_names_what_lifts_and_what_lowers_the_score():
    table = tidy([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]], [2, 1, 1], names=["volume", "wish_to_stay", "credit"])
    assert by_id(quick(table, tiers=(1, 1)))["why"].tolist() == [
        "for it: volume and wish to stay; against it: credit",
        "for it: credit; against it: volume",
    ]


def test_tiers_take_shares_rounded_up_or_whole_numbers():
    table = tidy(LEVELS[:11], WEIGHTS)
    assert quick(table, tiers=(0.2, 0.3)).tiers["n_accounts"].tolist() == [3, 3, 5]
    assert quick(table, tiers=(4, 2)).tiers["n_accounts"].tolist() == [4, 2, 5]
    assert quick(table, tiers=(20, 2)).tiers["n_accounts"].tolist() == [11, 0, 0]
    assert quick(table, tiers=(0.5, 0.5)).tiers["n_accounts"].tolist() == [6, 5, 0]


def test_ranks_are_by_score_and_frames_add_up(result):
    scores = LEVELS @ WEIGHTS
    accounts = by_id(result)
    np.testing.assert_allclose(accounts["weighted_score"], scores)
    assert (accounts["rank"].astype(int) == pd.Series(-scores, accounts.index).rank()).all()
    np.testing.assert_allclose(accounts[["p_tier_a", "p_tier_b", "p_tier_c"]].sum(axis=1), 1)
    assert accounts["p_tier_a"].sum() == pytest.approx(12, abs=0.02)
    own = [row[f"p_tier_{row['tier'].lower()}"] for _, row in accounts.iterrows()]
    assert accounts["p_tier"].tolist() == own
    assert result.tiers["n_accounts"].sum() == 60
    assert result.accounts["rank"].is_monotonic_increasing


def test_who_stands_far_from_the_border_is_sure_and_who_stands_on_it_is_not(result):
    p = result.accounts["p_tier_a"].to_numpy()
    assert p[0] > 0.95 and p[-1] == 0
    assert 0.2 < p[11] < 0.8


def test_a_large_concentration_without_errors_gives_back_the_tiers():
    exact = quick(tidy(LEVELS, WEIGHTS), concentration=1e9)
    assert (exact.accounts["p_tier"] == 1).all()
    loose = quick(tidy(LEVELS, WEIGHTS), concentration=5)
    assert loose.accounts["p_tier"].mean() < quick(tidy(LEVELS, WEIGHTS)).accounts["p_tier"].mean() < 1


def test_flat_weights_do_not_depend_on_the_given_ones():
    one = by_id(quick(tidy(LEVELS, [1, 1, 1, 1]), concentration=4.0, n_draws=4000))
    np.testing.assert_allclose(one["p_tier"], one["p_tier_flat"], atol=0.05)  # Dirichlet(4 × 1/4) is the flat one


def test_errors_make_tiers_less_sure():
    sure = quick(tidy(LEVELS, WEIGHTS)).accounts["p_tier"].mean()
    assert quick(tidy(LEVELS, WEIGHTS, errors=0.2)).accounts["p_tier"].mean() < sure - 0.02


def test_tier_of_two_criteria_by_the_beta_distribution():
    """The first has the weight itself as its score, the second 0.45: A if the weight exceeds it."""
    got = by_id(score_accounts(tidy([[1.0, 0.0], [0.45, 0.45]], [0.4, 0.6]), tiers=(1, 1), n_draws=5_000))
    assert got.at["000", "p_tier_a"] == pytest.approx(beta(20, 30).sf(0.45), abs=0.02)
    assert got.at["000", "p_tier_flat"] == pytest.approx(0.45, abs=0.02)  # its tier is B: weight below 0.45


def test_equal_scores_at_the_border_stand_by_id_and_share_the_chance():
    result = quick(tidy([[0.5, 0.5]] * 4, [1, 1]), tiers=(1, 1), n_draws=2000)
    accounts = by_id(result)
    assert accounts["tier"].tolist() == ["A", "B", "C", "C"]
    np.testing.assert_allclose(accounts["p_tier_a"], 0.25, atol=0.04)
    ties = next(check for check in result.checks if "border" in check.assumption)
    assert ties.verdict == "handled" and ties.finding.startswith("4 accounts")


@settings(max_examples=8)
@given(st.integers(0, 10**6), st.floats(0, 1), st.booleans())
def test_a_better_level_never_lowers_the_score_the_rank_or_the_chance_of_tier_a(seed, gain, missing):
    rng = np.random.default_rng(seed)
    levels = rng.random((15, 3))
    if missing:
        levels[rng.random(levels.shape) < 0.2] = np.nan
        levels[:, 0] = rng.random(15)
    i, j = rng.integers(15), 0
    better = levels.copy()
    better[i, j] += gain * (1 - better[i, j])
    options = {"n_draws": 60, "n_rank_draws": 1, "seed": seed}
    before, after = (by_id(score_accounts(tidy(u, [3, 2, 1], errors=0.1), **options)).iloc[i] for u in (levels, better))
    assert after["weighted_score"] >= before["weighted_score"]
    assert after["rank"] <= before["rank"]
    assert after["p_tier_a"] >= before["p_tier_a"]


def test_the_order_of_the_rows_does_not_matter():
    table = tidy(LEVELS, WEIGHTS, errors=0.1)
    one, other = quick(table), quick(table.sample(frac=1, random_state=1))
    np.testing.assert_allclose(by_id(one)["p_tier_a"], by_id(other)["p_tier_a"], atol=0.15)
    assert by_id(one)["tier"].tolist() == by_id(other)["tier"].tolist()
    pd.testing.assert_frame_equal(one.accounts, quick(table).accounts)


def test_the_stated_chance_is_the_true_one_in_simulated_companies():
    """The small version of benchmarks/scorecard.py."""
    bands = by_band(pd.concat([compare_company(seed) for seed in range(3)]))
    wide = bands[bands["n"] >= 60]
    assert len(wide) >= 4
    assert (wide["stated"] - wide["truly"]).abs().max() < 0.09


# -- weights ---------------------------------------------------------------------------------------------------------


def test_weights_moved_by_a_fifth_equal_a_plain_recomputation(result):
    def tiers(w):
        order = np.argsort(-(LEVELS @ w), kind="stable")
        names = np.full(60, "C", dtype=object)
        names[order[:30]] = "B"
        names[order[:12]] = "A"
        return names

    base = tiers(np.array(WEIGHTS))
    moved = set()
    tornado = result.tornado.set_index(["criterion", "weight_change"])
    for j in range(4):
        for change in (-0.2, 0.2):
            w = np.array(WEIGHTS)
            w[j] *= 1 + change
            w[np.arange(4) != j] *= (1 - w[j]) / (1 - WEIGHTS[j])
            assert w.sum() == pytest.approx(1)
            new = tiers(w)
            changed = np.flatnonzero(new != base)
            moved |= {f"{i:03d}" for i in changed}
            row = tornado.loc[(f"c{j}", change)]
            assert row["n_tier_changes"] == len(changed)
            assert row["n_left_a"] == ((base == "A") & (new != "A")).sum() == row["n_entered_a"]
            moves = result.tier_changes
            listed = moves[(moves["criterion"] == f"c{j}") & (moves["weight_change"] == change)]
            assert listed["customer_id"].tolist() == [f"{i:03d}" for i in changed]
            assert listed["from_tier"].tolist() == base[changed].tolist()
            assert listed["to_tier"].tolist() == new[changed].tolist()
    assert moved and set(result.hanging()["customer_id"]) == moved
    assert result.tiers["n_hanging"].sum() == len(moved)


def test_weights_can_be_given_in_place_of_those_of_the_table():
    table = tidy(LEVELS, WEIGHTS)
    given = quick(table, weights={"c0": 0, "c3": 1.4})
    np.testing.assert_allclose(given.weights["weight"], np.array([0, 0.3, 0.2, 1.4]) / 1.9)
    np.testing.assert_allclose(by_id(given)["weighted_score"], LEVELS @ given.weights["weight"])
    assert set(given.tornado["criterion"]) == {"c1", "c2", "c3"}
    scaled = quick(table, weights={f"c{j}": 10 * w for j, w in enumerate(WEIGHTS)})
    pd.testing.assert_frame_equal(scaled.accounts, quick(table).accounts, atol=0.02)


def test_the_range_of_the_drawn_weights_is_told(result):
    weights = result.weights.set_index("criterion")
    assert weights.at["c0", "weight_low"] == pytest.approx(beta(20, 30).ppf(0.025))
    assert weights.at["c0", "weight_high"] == pytest.approx(beta(20, 30).ppf(0.975))


def test_one_criterion_alone_has_all_the_weight():
    result = quick(tidy(LEVELS[:, :1], [3.0]))
    assert (result.accounts["p_tier"] == 1).all()
    assert result.tornado["n_tier_changes"].tolist() == [0, 0]
    assert result.weights["weight_low"].tolist() == [1.0]


# -- ranks -----------------------------------------------------------------------------------------------------------


def test_only_accounts_that_are_not_dominated_are_ranked():
    table = tidy([[1.0, 0.0], [0.0, 1.0], [0.6, 0.6], [0.5, 0.5]], [1, 1])
    result = quick(table, tiers=(1, 1), n_rank_draws=20_000, concentration=2.0)
    assert set(result.ranks["customer_id"]) == {"000", "001", "002"}
    assert result.n_dominated == 1 and result.all_examined
    first = result.ranks.set_index("customer_id")["p_first"]
    np.testing.assert_allclose(first[["000", "001", "002"]], [0.4, 0.4, 0.2], atol=0.012)
    central = result.central_weights.set_index(["customer_id", "criterion"])["weight"]
    assert central["000", "c0"] == pytest.approx(0.8, abs=0.01)
    taken = result.rank_acceptability.groupby("customer_id")["p_rank"].sum()
    np.testing.assert_allclose(taken, 1)


# -- what cannot be used ---------------------------------------------------------------------------------------------


def test_weights_that_cannot_be_used_are_named():
    table = tidy(LEVELS, WEIGHTS)
    for bad in (-0.1, np.nan, np.inf):
        with pytest.raises(ParameterError, match="weight of 'c1'"):
            quick(table, weights={"c1": bad})
    with pytest.raises(ParameterError, match="sum to 0"):
        quick(tidy(LEVELS, [0, 0, 0, 0]))
    with pytest.raises(ParameterError, match=r"no criterion 'x'.*c0, c1"):
        quick(table, weights={"x": 1})


@pytest.mark.parametrize("tiers", [(0.0, 0.5), (0.6, 0.6), (-1, 2), (0.2,), (True, 1), (np.nan, 0.1)])
def test_tiers_that_cannot_be_are_refused(tiers):
    with pytest.raises(ParameterError, match="tiers is"):
        quick(tidy(LEVELS, WEIGHTS), tiers=tiers)


@pytest.mark.parametrize(
    "options", [{"concentration": 0}, {"concentration": np.inf}, {"n_draws": 0}, {"n_rank_draws": 0}, {"seed": -1}]
)
def test_parameters_out_of_range_are_named(options):
    with pytest.raises(ParameterError, match=next(iter(options))):
        quick(tidy(LEVELS, WEIGHTS), **options)


def test_tables_that_cannot_be_used_are_named():
    table = tidy(LEVELS, WEIGHTS)
    with pytest.raises(MissingColumnError, match="'criterion_level'"):
        quick(table.drop(columns="criterion_level"))
    with pytest.raises(EmptyDataError):
        quick(table.head(0))
    with pytest.raises(EmptyDataError, match="No criterion"):
        quick(table.assign(criterion_level=np.nan))
    with pytest.raises(DataError, match=r"'c1' stands twice.*'000'"):
        quick(pd.concat([table, table.iloc[[1]]]))
    with pytest.raises(DataError, match="not between 0 and 1"):
        quick(table.assign(criterion_level=2.0))
    with pytest.raises(DataError, match="error of a level"):
        quick(table.assign(level_error=-1.0))
    with pytest.raises(DataError, match="two weights"):
        quick(table.assign(weight=np.arange(len(table))))


# -- what a report says ----------------------------------------------------------------------------------------------


def checks_of(result):
    return {check.assumption: check for check in result.checks}


def test_a_company_whose_account_file_lacks_a_third(company):
    summary, accounts = company
    result = quick(criteria_table(summary, accounts, declared=DECLARED), context=Context(currency="EUR"))
    assert result.n_accounts == result.n_scored == len(summary)
    missing = checks_of(result)["every criterion is known of every account"]
    n_lacking = (~summary["customer_id"].isin(accounts["customer_id"])).sum()
    assert missing.verdict == "handled" and f"not in the account file: {n_lacking}" in missing.finding
    n_a = int(result.tiers["n_accounts"].iloc[0])
    assert result.answer().startswith(f"{n_a} of {len(summary)} accounts make score group A by 4 weighted criteria;")
    figures = result.answer().key_figures
    assert len(figures) == 5 and figures[0].label == "accounts in score group A"
    said = [result.answer(), *(f"{one.label} {one.note}" for one in figures)]
    said += [f"{check.assumption} {check.finding}" for check in result.checks]
    assert not any("tier" in text for text in said)  # the word is that of the tier in force


def test_each_criterion_of_the_sources_changes_the_answer(company):
    """DOMAIN.md I8: a better value of an account in the middle, measured or judged, lifts its score and its chance of tier A."""
    summary, accounts = company
    customer = accounts["customer_id"].iloc[25]
    before = by_id(quick(criteria_table(summary, accounts, declared=DECLARED))).loc[customer]
    for frame, column, value in (
        ("summary", "revenue", 1e9),
        ("summary", "gap_cv", 0.0),
        ("accounts", "partnership_wish", 5),
        ("accounts", "price_sensitivity", 1),
    ):
        frames = {"summary": summary.copy(), "accounts": accounts.copy()}
        frames[frame].loc[frames[frame]["customer_id"] == customer, column] = value
        after = by_id(quick(criteria_table(frames["summary"], frames["accounts"], declared=DECLARED))).loc[customer]
        assert after["weighted_score"] > before["weighted_score"], column
        assert after["p_tier_c"] <= before["p_tier_c"], column


def test_a_judged_criterion_that_the_account_file_lacks_gives_its_weight_to_the_others(company):
    summary, accounts = company
    declared = [*DECLARED, Criterion(name="trust", kind="judged", weight=1.0)]
    result = quick(criteria_table(summary, accounts, declared=declared))
    check = checks_of(result)["every criterion that counts is in the data"]
    assert check.verdict == "handled" and "trust (the account file has no such column)" in check.finding
    row = result.weights.set_index("criterion").loc["trust"]
    assert row["weight"] == 0 and row["weight_given"] == pytest.approx(0.5)
    without = quick(criteria_table(summary, accounts, declared=DECLARED))
    pd.testing.assert_series_equal(by_id(result)["weighted_score"], by_id(without)["weighted_score"])


def test_a_constant_criterion_is_kept_and_flagged():
    levels = LEVELS.copy()
    levels[:, 2] = 0.5
    result = quick(tidy(levels, WEIGHTS))
    assert result.weights["is_constant"].tolist() == [False, False, True, False]
    assert result.weights["weight"].iloc[2] == pytest.approx(0.2)
    check = checks_of(result)["every criterion tells accounts apart"]
    assert check.verdict == "handled" and check.finding.endswith(": c2")


def test_two_criteria_that_say_the_same_are_named():
    levels = np.column_stack([LEVELS[:, 0], LEVELS[:, 0] ** 2, LEVELS[:, 1]])
    check = checks_of(quick(tidy(levels, [1, 1, 1])))["no two criteria say the same thing, which would count it twice"]
    assert check.verdict == "does not hold" and "c0 and c1" in check.finding and check.statistic == pytest.approx(1)


def test_the_answer_says_which_criteria_are_nearly_the_same():
    """c0 and its square have the same ranks, c3 nearly; 0.4 + 0.2 + 0.1 of the weight."""
    mixed = LEVELS[:, 0] + 0.02 * LEVELS[:, 3]
    levels = np.column_stack([LEVELS[:, 0], LEVELS[:, 1], LEVELS[:, 0] ** 2, np.clip(mixed, 0, 1)])
    result = quick(tidy(levels, [0.4, 0.3, 0.2, 0.1]))
    assert result.alike == ("c0", "c2", "c3")
    assert result.answer().endswith("c0, c2 and c3 are nearly the same here, and have 70% of the weight together.")
    pair = quick(tidy(levels[:, :3], [0.4, 0.3, 0.3]))
    assert pair.alike == ("c0", "c2") and "have 70% of the weight together" in pair.answer()
    apart = quick(tidy(LEVELS, WEIGHTS))
    assert apart.alike == () and "nearly the same" not in apart.answer()
    against = quick(tidy(np.column_stack([LEVELS[:, 0], 1 - LEVELS[:, 0]]), [1, 1]))
    assert against.alike == ()  # opposite is not the same


def test_the_best_accounts_that_lose_money_are_told():
    table = tidy([[0.9], [0.8], [0.2], [0.1]], [1.0])
    assumption = "accounts in score group A earn money"
    profit = pd.Series([-30.0, 5.0, -99.0, 1.0], index=["000", "001", "002", "003"])
    check = checks_of(quick(table, tiers=(2, 1), profit=profit))[assumption]
    assert (check.verdict, check.statistic) == ("does not hold", 0.5) and check.finding == "one of 2 loses money: 30"
    assert checks_of(quick(table, tiers=(2, 1), profit=profit.abs()))[assumption].verdict == "holds"
    assert checks_of(quick(table, tiers=(2, 1)))[assumption].verdict == "not testable"
    with pytest.raises(DataError, match=r"stands twice.*'000'"):
        quick(table, profit=pd.concat([profit, profit]))
    measured = table.assign(criterion="margin", criterion_kind="measured", criterion_value=profit.to_numpy())
    assert checks_of(quick(measured, tiers=(2, 1)))[assumption].statistic == 0.5
    judged = measured.assign(criterion_kind="judged")
    assert checks_of(quick(judged, tiers=(2, 1)))[assumption].verdict == "not testable"


def test_no_declared_criteria_few_accounts_and_an_unusual_direction_are_told(company):
    few = quick(criteria_table(company[0].head(12), None, declared=[]))
    assert few.assumed[0].what == "criteria and weights, none being declared"
    assert checks_of(few)["accounts are enough for percentiles"].verdict == "handled"
    odd = [Criterion(name="gap_cv", kind="measured"), Criterion(name="revenue", kind="measured", range=(0, 100))]
    table = criteria_table(company[0], None, declared=odd)
    checks = checks_of(quick(table))
    assert checks["what is measured is better in the usual direction"].finding == "regularity: here higher is better"
    assert checks["values lie within the ranges given"].verdict == "does not hold"


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_few_accounts_make_tiers_too(company, n):
    result = quick(criteria_table(company[0].head(n), None, declared=[]))
    assert result.accounts["tier"].tolist()[0] == "A"
    assert result.tiers["n_accounts"].sum() == n
    assert result.answer().endswith(".")
    if n == 1:
        assert result.answer() == "The only account with a score makes score group A: 1 of 1 always does."


def test_what_is_given_is_not_changed():
    table = tidy(LEVELS, WEIGHTS)
    quick(table, weights={"c0": 2})
    pd.testing.assert_frame_equal(table, tidy(LEVELS, WEIGHTS))


@pytest.mark.parametrize("column", ["weight", "criterion_level", "level_error"])
@pytest.mark.parametrize("value", ["heavy", "0.5", pd.Timestamp("2024-01-01")])
def test_texts_and_dates_in_the_table_are_named(column, value):
    with pytest.raises(ColumnTypeError, match=f"'{column}' holds no numbers"):
        quick(tidy(LEVELS, WEIGHTS).assign(**{column: value}))


def test_tables_that_are_none_or_have_gaps_are_named():
    table = tidy(LEVELS, WEIGHTS)
    for wrong in (None, [1]):
        with pytest.raises(ColumnTypeError, match=r"no data frame.*table of criteria"):
            quick(wrong)
    with pytest.raises(DuplicateColumnError, match="'weight' stands twice"):
        quick(pd.concat([table, table[["weight"]]], axis=1))
    for column in ("customer_id", "criterion"):
        with pytest.raises(DataError, match=rf"'{column}' has no value in 1 rows"):
            quick(table.assign(**{column: table[column].where(table.index > 0)}))
    measured = table.assign(criterion=table["criterion"].replace("c0", "margin"), criterion_kind="measured")
    with pytest.raises(ColumnTypeError, match="'criterion_value' holds no numbers"):
        quick(measured.assign(criterion_value="dear"))


@pytest.mark.parametrize("weights", [{"c1": "0.5"}, {"c1": None}, {"c1": [1]}, {"c1": True}, {"c1": pd.NA}])
def test_weights_that_are_no_numbers_are_named(weights):
    with pytest.raises(ParameterError, match="weight of 'c1'"):
        quick(tidy(LEVELS, WEIGHTS), weights=weights)


def test_options_of_wrong_types_are_named():
    table = tidy(LEVELS, WEIGHTS)
    for weights in ([1, 2], "c1", 5):
        with pytest.raises(ParameterError, match="weights is"):
            quick(table, weights=weights)
    for tiers in ("ab", None, 5, ("0.2", "0.3"), (None, 1), (pd.NA, 1)):
        with pytest.raises(ParameterError, match="tiers is"):
            quick(table, tiers=tiers)
    for concentration in ("50", None, pd.NA, [50]):
        with pytest.raises(ParameterError, match="concentration is"):
            quick(table, concentration=concentration)
    for profit in ({"000": 1.0}, [1], pd.Series(["dear"], index=["000"]), table):
        with pytest.raises(ColumnTypeError, match="profit"):
            quick(table, profit=profit)
