"""Signs that answering depends on satisfaction, what came after, tipping points, and the list of the silent."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kam.survey import collect_responses, one_phase_designs
from kam.survey.delta_adjustment import Shifted
from kam.survey.fact_effects import effect_beside, fact_columns, fact_matrix, joint_p_value
from kam.survey.late_answers import compare_early_late, trend_of_answers
from kam.survey.response_signs import (
    answered_before,
    compare_afterwards,
    earlier_scores,
    effect_of_complaints,
    effect_of_earlier_answers,
)
from kam.survey.silent_accounts import list_silent, response_rates
from kam.survey.tipping import tipping_points
from kam.wording import Wording

SAY = Wording()


# -- effects beside facts --------------------------------------------------------------------------------------------


def test_an_effect_is_that_of_least_squares_with_accounts_left_out_in_turn():
    rng = np.random.default_rng(1)
    n = 80
    clusters = np.arange(n) // 2
    term, fact, w = rng.normal(size=n), rng.normal(size=(n, 1)), rng.uniform(0.5, 2, n)
    y = 0.4 * term + fact[:, 0] + rng.normal(size=40)[clusters] + rng.normal(size=n)
    found = effect_beside(y, term, fact, weights=w, clusters=clusters, level=0.95)
    x = np.column_stack([np.ones(n), term, fact]) * np.sqrt(w)[:, None]
    beta = np.linalg.lstsq(x, y * np.sqrt(w))[0][1]
    without = [np.linalg.lstsq(x[clusters != c], (y * np.sqrt(w))[clusters != c])[0][1] for c in range(40)]
    error = np.sqrt(39 / 40 * ((np.array(without) - beta) ** 2).sum())
    assert found.estimate == pytest.approx(beta)
    assert (found.high - found.low) / 2 == pytest.approx(2.026192 * error, rel=1e-5)  # t with 40 - 3
    assert found.n_accounts == 40


def test_what_follows_from_facts_or_does_not_vary_has_no_effect():
    rng = np.random.default_rng(1)
    fact = rng.normal(size=(60, 1))
    about = {"weights": np.ones(60), "clusters": np.arange(60), "level": 0.95}
    assert effect_beside(rng.normal(size=60), 2 * fact[:, 0] + 1, fact, **about) is None
    assert effect_beside(np.ones(60), rng.normal(size=60), fact, **about) is None
    few = {"weights": np.ones(20), "clusters": np.arange(20), "level": 0.95}
    assert effect_beside(rng.normal(size=20), rng.normal(size=20), fact[:20], **few) is None


def test_the_joint_test_keeps_its_level_and_finds_what_is_there():
    rng = np.random.default_rng(4)
    n, p = 150, []
    for _ in range(100):
        facts = rng.normal(size=(n, 4))
        p.append(joint_p_value(rng.integers(0, 2, n).astype(float), facts, weights=np.ones(n), clusters=np.arange(n)))
    assert 0.0 <= np.mean(np.array(p) < 0.05) <= 0.12
    facts = rng.normal(size=(n, 4))
    assert joint_p_value(facts[:, 1] * 1.0, facts[:, :2] + 0.5, weights=np.ones(n), clusters=np.arange(n)) < 1e-6


def test_facts_are_what_was_known_before_and_no_more():
    frame = pd.DataFrame(
        {
            "customer_id": [str(i) for i in range(200)], "wave": "1", "status": ["refused", "answered"] * 100,
            "stratum": ["a"] * 100 + ["b"] * 100, "revenue": np.arange(200.0), "revenue_next": 5.0, "no_order": True,
            "share_late": [np.nan, 0.2] * 100, "region": ["N", "S", "W", "E"] * 50,
        }
    )  # fmt: skip
    assert fact_columns(frame) == (["revenue", "share_late"], ["stratum", "region"])
    # log revenue and its square; share late is either 0.2 or not known: one column; a stratum; three regions, of which one
    # pair is told apart by share late being known
    matrix = fact_matrix(frame)
    assert np.linalg.matrix_rank(np.column_stack([np.ones(200), matrix])) == matrix.shape[1] + 1
    assert matrix.shape[1] == 2 + 1 + 1 + 2
    assert fact_matrix(frame, without=("revenue", "region", "share_late")).shape[1] == 1
    assert fact_matrix(frame.head(12)).shape[1] < fact_matrix(frame).shape[1]


# -- late answers ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def waited():
    """120 accounts of two regions: those of the north answer early and are a point more satisfied, and that is all."""
    rng = np.random.default_rng(3)
    north = np.arange(120) % 2 == 0
    days = rng.integers(0, 10, 120) + np.where(north, 0, 10)
    rows = pd.DataFrame(
        {
            "respondent_id": [str(i) for i in range(120)], "wave": "1", "customer_id": [str(i) for i in range(120)],
            "answered_on": pd.Timestamp("2024-03-01") + pd.to_timedelta(days, "D"),
            "overall": np.where(north, rng.choice([4, 5], 120), rng.choice([3, 4], 120)),
        }
    )  # fmt: skip
    frame = rows[["wave", "customer_id"]].assign(region=np.where(north, "N", "S"))
    return rows, one_phase_designs(collect_responses(rows)), frame


def test_early_and_late_are_the_halves_by_day(waited):
    rows, designs, _ = waited
    table = compare_early_late(designs, "overall", level=0.95).set_index("part")
    day = rows["answered_on"]
    early = day <= day.median()
    assert table["estimate"]["early"] == pytest.approx(rows.loc[early, "overall"].mean())
    assert table["estimate"]["late"] == pytest.approx(rows.loc[~early, "overall"].mean())
    assert table["n_respondents"].tolist() == [early.sum(), (~early).sum(), 120]
    y, a, b = rows["overall"], rows.loc[early, "overall"], rows.loc[~early, "overall"]
    both = (a.var(ddof=0) / len(a) + b.var(ddof=0) / len(b)) * 120 / 119
    width = table["ci_high"] - table["ci_low"]
    assert width["late less early"] / 2 == pytest.approx(1.9801 * np.sqrt(both), rel=1e-3)
    assert len(y) == 120


def test_a_trend_that_the_ledger_explains_is_no_sign(waited):
    _, designs, frame = waited
    plain = trend_of_answers(designs, "overall", frame, level=0.95, beside_facts=False)
    beside = trend_of_answers(designs, "overall", frame, level=0.95, beside_facts=True)
    assert plain.p_value < 0.001 and plain.estimate < -0.4
    assert beside.p_value > 0.05


def test_without_days_there_is_no_trend(waited):
    rows, _, frame = waited
    designs = one_phase_designs(collect_responses(rows.drop(columns="answered_on")))
    assert compare_early_late(designs, "overall", level=0.95).empty
    assert trend_of_answers(designs, "overall", frame, level=0.95, beside_facts=True) is None


# -- earlier answers, complaints -------------------------------------------------------------------------------------


def test_the_last_earlier_answer_counts():
    rows = pd.DataFrame(
        {
            "respondent_id": ["1", "2", "3", "4"], "customer_id": ["a", "a", "b", "a"],
            "wave": ["w1", "w1", "w1", "w2"], "overall": [2, 4, 5, 1],
        }
    )  # fmt: skip
    scores = earlier_scores(one_phase_designs(collect_responses(rows)), "overall")
    drawn = pd.DataFrame({"wave": ["w1", "w2", "w3", "w3"], "customer_id": ["a", "a", "a", "b"], "answered": True})
    before = answered_before(drawn, scores, ["w1", "w2", "w3"])
    assert before["score"].tolist()[1:] == [3, 1, 5] and np.isnan(before["score"][0])
    assert before["scored_in"].tolist()[1:] == ["w1", "w2", "w1"]


def test_who_was_dissatisfied_and_answers_less_is_found():
    rng = np.random.default_rng(5)
    n = 300
    score = rng.integers(1, 6, n).astype(float)
    answered = rng.random(n) < 0.1 + 0.15 * score
    before = pd.DataFrame(
        {"wave": "2", "customer_id": [str(i) for i in range(n)], "answered": answered, "score": score, "scored_in": "1"}
    )
    found = effect_of_earlier_answers(before, level=0.95)
    assert found.low < 0.15 < found.high and found.p_value < 0.001
    assert effect_of_earlier_answers(before.assign(score=np.nan), level=0.95) is None
    complained = before.drop(columns=["score", "scored_in"]).assign(n_complaints=(score <= 2) * 1.0)
    assert effect_of_complaints(complained, level=0.95).high < 0
    assert effect_of_complaints(complained.drop(columns="n_complaints"), level=0.95) is None


# -- what came after -------------------------------------------------------------------------------------------------


def test_what_came_after_is_the_difference_of_weighted_shares():
    rng = np.random.default_rng(6)
    n = 400
    large = np.arange(n) % 2 == 0
    answered = rng.random(n) < np.where(large, 0.8, 0.3)
    no_order = rng.random(n) < np.where(large, 0.1, 0.5)  # by size alone
    drawn = pd.DataFrame(
        {
            "wave": "1", "customer_id": [str(i) for i in range(n)], "answered": answered, "stratum": "",
            "base_weight": np.where(large, 1.0, 3.0), "region": np.where(large, "N", "S"),
            "revenue": np.where(large, 100.0, 10.0), "revenue_next": np.where(no_order, 0.0, 50.0),
            "no_order": pd.array(no_order, dtype="boolean"),
        }
    )  # fmt: skip
    table = compare_afterwards(SAY, drawn, min_n=10, level=0.95).set_index("term")
    row = table.loc["share_no_order"]
    of = [np.average(no_order[a], weights=drawn["base_weight"][a]) for a in (answered, ~answered)]
    assert row[["of_answered", "of_silent"]].tolist() == pytest.approx(of)
    assert row["difference_raw"] == pytest.approx(of[1] - of[0]) and row["ci_low"] > 0
    assert row["alike_low"] <= 0 <= row["alike_high"], "among accounts alike nothing is left of it"
    assert row["n_unanswered"] == (~answered).sum()
    kept = table.loc["share_revenue_kept"]
    w = drawn["base_weight"]
    assert kept["of_silent"] == pytest.approx(
        (w * drawn["revenue_next"])[~answered].sum() / (w * drawn["revenue"])[~answered].sum()
    )
    assert compare_afterwards(SAY, drawn.drop(columns=["no_order", "revenue_next"]), min_n=10, level=0.95).empty


def test_a_silence_that_tells_something_is_found():
    rng = np.random.default_rng(7)
    n = 400
    answered = rng.random(n) < 0.5
    gone = rng.random(n) < np.where(answered, 0.1, 0.4)
    drawn = pd.DataFrame(
        {
            "wave": ["1", "2"] * 200, "customer_id": [str(i // 2) for i in range(n)], "answered": answered,
            "stratum": "", "base_weight": 1.0, "revenue": rng.lognormal(size=n), "no_order": gone,
        }
    )  # fmt: skip
    table = compare_afterwards(SAY, drawn, min_n=10, level=0.95)
    assert table["wave"].tolist() == ["1", "2", "all waves"]
    assert table["alike_low"].iloc[-1] > 0 and table["alike_low"].iloc[-1] < 0.3 < table["alike_high"].iloc[-1]


def test_few_that_answered_or_stayed_silent_are_not_compared():
    n = 60
    drawn = pd.DataFrame(
        {
            "wave": "1", "customer_id": [str(i) for i in range(n)], "answered": np.arange(n) < 9, "stratum": "",
            "base_weight": 1.0, "no_order": np.arange(n) % 3 == 0,
        }
    )  # fmt: skip
    for few in (drawn, drawn.assign(answered=~drawn["answered"])):
        row = compare_afterwards(SAY, few, min_n=10, level=0.95).iloc[0]
        assert row["why"] == "fewer than 10 accounts" and row["n_accounts"] == n
        assert row[["of_answered", "of_silent", "difference_raw", "ci_low", "difference_alike", "p_value"]].isna().all()
    shown = compare_afterwards(SAY, drawn, min_n=9, level=0.95).iloc[0]
    assert shown["why"] == "" and shown["of_answered"] == pytest.approx(1 / 3)


def test_no_difference_of_shares_is_beyond_1():
    """Small accounts are silent and all of them left: the line through the shares leads beyond 100 %."""
    rng = np.random.default_rng(2)
    n = 40
    answered = np.arange(n) % 2 == 0
    fact = np.where(answered, 1.0, -1.0) + rng.normal(size=n) / 3
    gone = (~answered).astype(float)
    about = {"weights": np.ones(n), "clusters": np.arange(n), "level": 0.95}
    y = np.where(rng.random(n) < 0.05, 1 - gone, gone)
    free = effect_beside(y, gone, fact[:, None], **about)
    held = effect_beside(y, gone, fact[:, None], **about, limit=1.0)
    assert free.high > 1 and held.high == 1
    assert (held.low, held.p_value) == (free.low, free.p_value) and held.estimate == min(free.estimate, 1)
    drawn = pd.DataFrame(
        {
            "wave": "1", "customer_id": [str(i) for i in range(n)], "answered": answered, "stratum": "",
            "base_weight": 1.0, "revenue": np.exp(fact), "no_order": y == 1,
        }
    )  # fmt: skip
    row = compare_afterwards(SAY, drawn, min_n=10, level=0.95).iloc[0]
    assert (
        row[["difference_raw", "ci_low", "ci_high", "difference_alike", "alike_low", "alike_high"]].abs() <= 1
    ).all()


# -- tipping points --------------------------------------------------------------------------------------------------


def shifted(start, slope, error=0.05, n=90):
    deltas = np.arange(0, 2.01, 0.05).round(9)
    return Shifted(
        deltas=deltas, estimate=start - slope * deltas, std_error=np.full(deltas.size, error), df=10**6,
        n_respondents=n, n_accounts=n,
    )  # fmt: skip


def tip(found, **options):
    given = {"waves": ("1", "2"), "threshold": 3.5, "largest_delta": 0.75, "min_n": 10, "level": 0.95} | options
    return tipping_points(SAY, found, **given)


def test_tipping_points_worked_by_hand():
    table = tip({("1", "neutral", "account", "mean"): shifted(3.7, 0.5)})
    row = table.iloc[0]
    assert len(table) == 1 and row["conclusion"] == "the mean is above 3.5" and row["is_sure"]
    assert row["delta_turned"] == pytest.approx(0.2 / 0.5)
    assert row["delta_unsure"] == pytest.approx((0.2 - 1.959964 * 0.05) / 0.5, abs=1e-6) and row["tips"]
    far = tip({("1", "neutral", "account", "mean"): shifted(4.2, 0.5)}).iloc[0]
    assert far["delta_turned"] == pytest.approx(1.4) and not far["tips"]
    assert tip({("1", "neutral", "account", "mean"): shifted(3.4, 0.5)}).empty, "lower still is no change"
    assert tip({("1", "neutral", "account", "mean"): shifted(3.7, 0.5)}, threshold=None).empty


def test_a_rise_tips_by_the_later_wave_and_a_fall_by_the_earlier():
    rise = {
        ("1", "neutral", "account", "mean"): shifted(3.0, 0.4),
        ("2", "neutral", "account", "mean"): shifted(3.3, 0.6),
    }
    table = tip(rise, threshold=None)
    assert table["conclusion"].unique().tolist() == ["the mean rose from 1 to 2"]
    assert table["lower_in"].tolist() == ["2 alone", "both waves"]
    assert table["delta_turned"].tolist() == pytest.approx([0.3 / 0.6, 0.3 / 0.2])
    assert table["estimate"].tolist() == pytest.approx([0.3, 0.3]) and table["is_sure"].all()
    half = 1.959964 * np.hypot(0.05, 0.05)
    assert table["ci_low"].iloc[0] == pytest.approx(0.3 - half, abs=1e-5)
    fall = {
        ("1", "neutral", "account", "mean"): shifted(3.3, 0.6),
        ("2", "neutral", "account", "mean"): shifted(3.0, 0.4),
    }
    table = tip(fall, threshold=None)
    assert table["conclusion"].iloc[0] == "the mean fell from 1 to 2" and table["lower_in"].iloc[0] == "1 alone"
    assert table["delta_turned"].tolist() == pytest.approx([0.3 / 0.6, 0.3 / 0.2])
    assert table["estimate"].iloc[0] == pytest.approx(-0.3) and table["ci_high"].iloc[0] == pytest.approx(
        half - 0.3, abs=1e-5
    )


def test_a_change_within_chance_is_neither_a_rise_nor_a_fall():
    level = ("neutral", "account", "mean")
    for later in (3.1, 3.0, 2.9):  # the half width of a change is 0.139
        table = tip({("1", *level): shifted(3.0, 0.4), ("2", *level): shifted(later, 0.6)}, threshold=None)
        assert table["conclusion"].tolist() == ["the mean did not change beyond chance from 1 to 2"]
        row = table.iloc[0]
        assert not row["is_sure"] and not row["tips"] and np.isnan(row["delta_turned"])
        assert row["estimate"] == pytest.approx(later - 3) and row["ci_low"] < 0 < row["ci_high"]


def test_more_satisfied_than_not_and_promoters():
    found = {
        ("1", "neutral", "account", "share satisfied"): shifted(0.6, 0.2),
        ("1", "neutral", "account", "NPS"): shifted(8, 20),
    }
    table = tip(found).set_index("term")
    assert table["delta_turned"].to_dict() == pytest.approx({"share satisfied": 0.5, "NPS": 0.4})
    assert table["conclusion"].tolist() == ["more than half are satisfied", "promoters outnumber detractors"]


def test_of_what_too_few_answered_nothing_is_concluded():
    key = ("neutral", "account")
    found = {
        ("1", *key, "mean"): shifted(3.0, 0.4),
        ("2", *key, "mean"): shifted(3.7, 0.5, n=9),
        ("2", *key, "share satisfied"): shifted(0.4, 0.2, n=9),
        ("2", *key, "NPS"): shifted(8, 20, n=9),
    }
    table = tip(found)
    assert table["conclusion"].tolist() == [
        "whether the mean is above 3.5",
        "how the mean changed from 1 to 2",
        "whether more than half are satisfied",
        "whether promoters outnumber detractors",
    ], "the question stands there whatever the answer would be"
    assert set(table["why"]) == {"fewer than 10 answers"}
    assert table[["estimate", "ci_low", "ci_high", "delta_unsure", "delta_turned"]].isna().all(axis=None)
    assert not table["is_sure"].any() and not table["tips"].any()
    few_accounts = replace(shifted(3.7, 0.5), n_accounts=9)
    assert tip({("2", *key, "mean"): few_accounts})["why"].tolist() == ["fewer than 10 accounts"]
    assert tip(found, min_n=9)["conclusion"].tolist() == [
        "the mean is above 3.5",
        "the mean rose from 1 to 2",
        "the mean rose from 1 to 2",
        "promoters outnumber detractors",
    ]


def test_the_interval_of_a_share_stays_within_0_and_1():
    found = replace(shifted(0.95, 0.2), limits=(0, 1))
    row = tip({("1", "neutral", "account", "share satisfied"): found}).iloc[0]
    assert row["ci_low"] == pytest.approx(0.95 - 1.959964 * 0.05, abs=1e-6) and row["ci_high"] == 1


# -- the list --------------------------------------------------------------------------------------------------------


@pytest.fixture
def before():
    return pd.DataFrame(
        {
            "wave": ["1", "1", "2", "2", "2", "2", "2"], "customer_id": ["c", "d", "a", "b", "c", "d", "e"],
            "answered": [False, True, True, False, False, False, True], "stratum": "all",
            "status": ["refused", "answered", "answered", "refused", "not_reached", "quarreled", "answered"],
            "revenue": [1.0, 1, 50, 10, 90, 40, 5], "days_since_last_order": [1, 1, 5, 300, 6, 7, 8],
            "score": [np.nan] * 5 + [2.0, np.nan], "scored_in": [None] * 5 + ["1", None],
            "n_complaints": [0, 0, 0, 2, 0, 0, 0],
            "no_order": pd.array([False] * 3 + [True, False, pd.NA, False], dtype="boolean"),
        }
    )  # fmt: skip


def test_the_silent_of_the_wave_are_listed_by_revenue_with_reasons(before):
    table = list_silent(SAY, before, wave="2", waves=("1", "2"), middle=3.0)
    assert table["customer_id"].tolist() == ["c", "d", "b"] and table["rank"].tolist() == [1, 2, 3]
    assert table["why"].tolist() == [
        "was not reached; did not answer in 1 either",
        "did not answer; said 2.0 in 1",
        "refused; no order for 300 days, longer than 75% of the accounts drawn; 2 complaints before",
    ]
    assert table["n_signs"].tolist() == [1, 1, 2]
    assert table["no_order"].isna().tolist() == [False, True, False]
    bare = before.drop(columns=["revenue", "days_since_last_order", "n_complaints", "no_order"])
    assert list_silent(SAY, bare, wave="2", waves=("1", "2"), middle=3.0)["customer_id"].tolist() == ["b", "c", "d"]


def test_rates_count_each_account_once_in_each_block(before):
    table = response_rates(SAY, before, level=0.95)
    counts = table[table["wave"] == "2"].groupby("by")[["n_drawn", "n_answered"]].sum()
    assert (counts["n_drawn"] == 5).all() and (counts["n_answered"] == 2).all()
    row = table[(table["wave"] == "2") & (table["by"] == "all")].iloc[0]
    assert row["share_answered"] == 0.4 and row["revenue_silent"] == 140
    assert row["ci_low"] == pytest.approx(0.1176, abs=1e-4) and row["ci_high"] == pytest.approx(0.7693, abs=1e-4)
    thirds = table[(table["wave"] == "2") & (table["by"] == "revenue")].set_index("group_name")
    assert thirds["n_drawn"].to_dict() == {
        "largest third by revenue": 2, "smallest third by revenue": 1, "middle third by revenue": 2,
    }  # fmt: skip
