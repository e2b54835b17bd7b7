"""Which items matter most: R's Attitude, a naive recomputation, planted weights, what changes the answer, SFO, bad input."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.survey_drivers import NAMES, WEIGHTS, draw, fit_knowing, responses_of
from kam.errors import MissingColumnError, ModelError, ParameterError
from kam.results import load_results, save_results
from kam.survey import collect_responses, driver_draws
from kam.survey.driver_draws import bias_corrected_interval, moments_of, resample
from kam.survey.driver_waves import compare_waves
from kam.survey.drivers import DriversResult, drivers
from kam.survey.importance import lmg
from kam.survey.importance_performance import QUADRANTS, gather_themes, map_of, place_on_map
from kam.survey.not_used import collect_drivers

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "drivers.json").read_text(encoding="utf-8"))["rating"]
SFO = [
    "q7_art", "q7_food", "q7_store", "q7_sign", "q7_walkways", "q7_screens", "q7_infodown", "q7_infoup", "q7_wifi",
    "q7_roads", "q7_park", "q7_airtrain", "q7_ltparking", "q7_rental",
]  # fmt: skip
SOME = {"n_resamples": 60}


def make_frame(n=300, seed=1, slopes=(0.6, 0.25, 0.1)):
    rng = np.random.default_rng(seed)
    base = rng.normal(3.4, 0.9, n)
    items = {name: np.clip(np.rint(base + rng.normal(0, 0.8, n)), 1, 5) for name in "abc"}
    total = np.column_stack(list(items.values())) @ slopes + rng.normal(0.2, 0.3, n)
    frame = pd.DataFrame({"respondent_id": [f"r{i}" for i in range(n)], **items})
    return frame.assign(overall=np.clip(np.rint(total), 1, 5), customer_id=[f"c{i // 2}" for i in range(n)])


def collect(frame, **options):
    return collect_responses(frame, items=["a", "b", "c"], **options)


def find_check(result, start):
    return next(check for check in result.checks if check.assumption.startswith(start))


@pytest.fixture(scope="module", autouse=True)
def few_refits():
    """What is missing is filled anew in 12 resamples instead of 60: most of the time goes there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(driver_draws, "N_REFITS", 12)
        yield


@pytest.fixture(scope="module")
def found():
    return drivers(collect(make_frame()), **SOME)


@pytest.fixture(scope="module")
def company():
    """A simulated one: the survey, what stands behind its answers, the judgment before rounding."""
    return draw(301)


@pytest.fixture(scope="module")
def of_company(company):
    return drivers(responses_of(company[0]), n_resamples=100)


# -- numbers ---------------------------------------------------------------------------------------------------------


def test_equal_to_r():
    frame = pd.DataFrame(REFERENCE["columns"]).assign(respondent_id=range(30))
    items = pd.DataFrame({"item": list(REFERENCE["columns"]), "low": 0, "high": 100})
    result = drivers(collect_responses(frame, items=items), outcome="rating", **SOME)
    table = result.items.set_index("item").loc[REFERENCE["drivers"]]
    np.testing.assert_allclose(table["lmg"], REFERENCE["lmg"])
    np.testing.assert_allclose(table["share_johnson"] * result.r_squared, REFERENCE["johnson"])
    np.testing.assert_allclose(table["points"], REFERENCE["slopes"])
    np.testing.assert_allclose(table["beta"], REFERENCE["betas"])
    assert result.r_squared == pytest.approx(REFERENCE["r_squared"])
    assert result.ordinal.empty  # 24 levels
    assert find_check(result, "levels may be").verdict == "not testable"
    weighted = drivers(
        collect_responses(frame.assign(weight=REFERENCE["weights"]), items=items), outcome="rating", **SOME
    )
    found = weighted.items.set_index("item").loc[REFERENCE["drivers"], "lmg"]
    np.testing.assert_allclose(found, REFERENCE["lmg_weighted"])


def test_resampled_accounts_are_the_regression_on_their_rows():
    """Weights times sums of products against the rows themselves, repeated; with indicators, people and weights."""
    frame = make_frame(240).assign(weight=np.random.default_rng(2).uniform(0.5, 2, 240))
    frame.loc[:59, "b"] = np.nan
    frame.loc[100:119, "c"] = np.nan
    responses = collect(frame)
    given = collect_drivers(responses, responses.rows["weight"].to_numpy(), outcome="overall", items=["a", "b", "c"])
    assert given.unused_items == ("b", "c") and given.n_accounts == 120
    counts = np.random.default_rng(3).multinomial(120, np.full(120, 1 / 120), size=2)
    estimate = moments_of(given).estimate(counts)
    for draw_at, times in enumerate(counts):
        rows = np.repeat(np.arange(240), times[given.account])
        w = given.weights[rows]
        x, y = given.terms[rows], given.y[rows]
        root = np.sqrt(w)[:, None]
        theta = np.linalg.lstsq(x * root, y * root[:, 0], rcond=None)[0]
        total = np.average((y - np.average(y, weights=w)) ** 2, weights=w)
        np.testing.assert_allclose(estimate.slopes[draw_at], theta[1:4], rtol=1e-6)
        r_squared = 1 - np.average((y - x @ theta) ** 2, weights=w) / total
        assert estimate.r_squared[draw_at] == pytest.approx(r_squared, rel=1e-6)
        z = x[:, [0, 4, 5]]
        apart = np.column_stack([x[:, 1:4], y])
        apart = apart - z @ np.linalg.lstsq(z * root, apart * root, rcond=None)[0]
        unused = 1 - np.average(apart[:, 3] ** 2, weights=w) / total
        assert estimate.r_squared_unused[draw_at] == pytest.approx(unused, rel=1e-5)
        parts = lmg((apart * w[:, None]).T @ apart) * (1 - unused)
        np.testing.assert_allclose(estimate.lmg[draw_at], parts, rtol=1e-5)
        there = ~np.isnan(given.answers[rows, 1])
        assert estimate.means[draw_at, 1] == pytest.approx(np.average(given.answers[rows, 1][there], weights=w[there]))


def test_accounts_are_resampled_not_people():
    frame = make_frame(200, seed=4).drop(columns="customer_id")
    twice = pd.concat([frame, frame.assign(respondent_id=frame["respondent_id"] + "x")], ignore_index=True)
    twice["customer_id"] = twice["respondent_id"].str.rstrip("x")
    one, people = drivers(collect(frame), **SOME), drivers(collect(twice), **SOME)
    columns = ["share_importance", "importance_low", "importance_high", "points", "points_low", "points_high"]
    pd.testing.assert_frame_equal(one.items[columns], people.items[columns])
    assert (people.n_respondents, people.n_accounts) == (400, 200)


def test_thousands_of_accounts_are_pooled_without_changing_the_error():
    responses = collect(make_frame(6000).drop(columns="customer_id"))
    given = collect_drivers(responses, np.ones(6000), outcome="overall", items=["a", "b", "c"])
    pooled = moments_of(given).bootstrap(400, 1).slopes.std(axis=0)
    small = collect_drivers(responses, (np.arange(6000) < 1500) * 1.0, outcome="overall", items=["a", "b", "c"])
    np.testing.assert_allclose(pooled, moments_of(small).bootstrap(400, 1).slopes.std(axis=0) / 2, rtol=0.2)


def test_bias_correction_moves_the_ends():
    draws = np.random.default_rng(1).normal(size=(4000, 1))
    low, high = bias_corrected_interval(draws, np.zeros(1), 0.95)
    np.testing.assert_allclose([low[0], high[0]], [-1.96, 1.96], atol=0.15)
    assert bias_corrected_interval(draws, np.array([-0.3]), 0.95)[1] < high - 0.3


def test_the_frames_hang_together(found):
    items = found.items
    assert items["item"].tolist() == ["a", "b", "c"]
    assert items["rank"].tolist() == [1, 2, 3]
    assert items["share_importance"].sum() == pytest.approx(1) == items["share_johnson"].sum()
    assert items["lmg"].sum() == pytest.approx(found.r_squared - found.r_squared_unused)
    assert found.orders[["item", "other_item"]].values.tolist() == [["a", "b"], ["a", "c"], ["b", "c"]]
    assert (found.orders["share_before"] >= 0.5).all()
    assert found.share_first_held == items["share_rank_held"][0] == 1
    assert items["share_top_3"].tolist() == [1, 1, 1]
    assert found.quadrants["item"].tolist() == items["item"].tolist() == found.penalty_reward["item"].tolist()
    assert set(found.quadrants["quadrant"]) <= set(QUADRANTS)
    assert found.cut_share == pytest.approx(1 / 3)
    assert found.themes.empty and found.left_out.empty
    assert found.n_complete == found.n_complete_all == found.n_respondents == 300
    np.testing.assert_allclose(items["points"], [0.6, 0.25, 0.1], atol=0.1)
    for name in ("points", "beta"):
        assert (items[f"{name}_low"] < items[name]).all() and (items[name] < items[f"{name}_high"]).all()


# -- importance and performance --------------------------------------------------------------------------------------


def test_quadrants_by_hand():
    importance, means = np.array([0.5, 0.3, 0.15, 0.05]), np.array([3.0, 4.0, 3.0, 4.5])
    assert [QUADRANTS[i] for i in place_on_map(importance, means)] == [
        "look at first", "keep up", "low priority", "possible overkill",
    ]  # fmt: skip
    draws = np.tile(importance, (10, 1)), np.tile(means, (10, 1))
    draws[1][:3, 0] = 4.6  # in three of ten the first is strong, and the mean is 4.025: the second then weak
    table = map_of(importance, means, draws)
    assert table["p_quadrant"].tolist() == [0.7, 0.7, 1.0, 1.0]
    assert table["is_called"].tolist() == [False, False, True, True]


def test_themes_are_sums_of_importance_and_means_of_means():
    names, importance, means = gather_themes(["x", "y", "x"], np.array([0.5, 0.3, 0.2]), np.array([3.0, 4.0, 5.0]))
    assert names == ["x", "y"]
    np.testing.assert_allclose(importance, [0.7, 0.3])
    np.testing.assert_allclose(means, [4.0, 4.0])


def test_a_weak_important_item_is_the_one_to_look_at(found):
    frame = make_frame()
    frame["a"] = np.clip(frame["a"] - 1, 1, 5)
    items = pd.DataFrame(
        {"item": ["a", "b", "c"], "text": ["Deliveries.", "Prices", "People"], "theme": ["x", "y", "y"]}
    )
    result = drivers(collect_responses(frame, items=items), **SOME)
    assert result.to_improve()["item"].tolist() == ["a"]
    assert "Look at first “Deliveries” (mean" in result.answer()
    assert "important and rated below the average" in result.answer() and "mprove" not in result.answer()
    assert result.themes["theme"].tolist() == ["x", "y"] and result.themes["n_items"].tolist() == [1, 2]
    assert result.themes["share_importance"].sum() == pytest.approx(1)
    assert "None is surely both" in found.answer()


# -- what changes the answer -----------------------------------------------------------------------------------------


def test_weights_change_the_answer():
    one, other = make_frame(200, seed=1), make_frame(200, seed=2, slopes=(0.1, 0.25, 0.6))
    other["respondent_id"] += "x"
    both = pd.concat([one, other], ignore_index=True).drop(columns="customer_id")
    first = [
        drivers(collect(both.assign(weight=np.repeat(w, 200))), **SOME).items["item"][0] for w in ([9.0, 1], [1, 9.0])
    ]
    assert first == ["a", "c"]


def of_waves(n, *slopes):
    """As many people in each wave, whose judgment goes by its slopes."""
    parts = [make_frame(n, seed=i, slopes=s).assign(wave=str(i)) for i, s in enumerate(slopes, start=1)]
    frame = pd.concat(parts, ignore_index=True).drop(columns="customer_id")
    return collect(frame.assign(respondent_id=frame["wave"] + frame["respondent_id"]))


def test_waves_that_are_taken_together_are_named_and_compared():
    same = drivers(of_waves(3000, (0.6, 0.25, 0.1), (0.6, 0.25, 0.1)), **SOME)
    assert same.waves == ("1", "2")
    assert same.answer().startswith("“a” goes with the overall judgment most over the waves 1 and 2: ")
    check = find_check(same, "what matters is the same in all waves")
    assert check.verdict == "holds" and check.finding.startswith("“a” comes first in each; no share of the first three")
    apart = find_check(drivers(of_waves(300, (0.6, 0.25, 0.1), (0.1, 0.25, 0.6)), **SOME), "what matters is the same")
    assert apart.verdict == "does not hold" and apart.finding.startswith("first is “a” in 1 and “c” in 2; ")
    few = find_check(drivers(of_waves(60, (0.6, 0.25, 0.1), (0.6, 0.25, 0.1)), **SOME), "what matters is the same")
    assert few.verdict == "not testable" and few.finding.startswith("too few to tell: ")


def test_a_wave_alone_is_the_analysis_of_that_wave(found):
    responses = of_waves(300, (0.6, 0.25, 0.1), (0.1, 0.25, 0.6))
    together = drivers(responses, **SOME)
    given = collect_drivers(responses, np.ones(600), outcome="overall", items=["a", "b", "c"])
    errors = np.array([0.1, 0.2, 0.3])
    table = compare_waves(given, ["1", "2"], responses.rows["wave"].to_numpy(), together.items, errors, 0.95)
    first = table[table["wave"] == "1"].reset_index(drop=True)  # the first 300 are those of the fixture
    np.testing.assert_allclose(first["share_importance"], found.items["share_importance"])
    all_of = together.items.set_index("item")["share_importance"][first["item"]].to_numpy()
    np.testing.assert_allclose(first["difference"], found.items["share_importance"] - all_of)
    half = dict(zip("abc", 1.959964 * errors, strict=True))  # a half of all answers: √(2 − 1)
    np.testing.assert_allclose(first["ci_high"] - first["difference"], first["item"].map(half), rtol=1e-6)
    third = compare_waves(
        given, ["1", "2"], np.repeat(["1", "2", "2"], 200).astype(object), together.items, errors, 0.95
    )
    third = third[third["wave"] == "1"]
    half = {name: reach * np.sqrt(2) for name, reach in half.items()}
    np.testing.assert_allclose(third["ci_high"] - third["difference"], third["item"].map(half), rtol=1e-6)
    assert found.waves and not any(c.assumption.startswith("what matters is the same") for c in found.checks)


def test_halo_is_never_ruled_out(found):
    check = find_check(found, "what goes with the judgment would also move it")
    assert check.verdict == "not testable" and "halo" in check.finding and "one sheet" in check.finding
    assert any(a.what.startswith("what goes with the judgment would also move it") for a in found.assumed)


def test_level_3_both_ways():
    frame = make_frame(600, seed=6)
    result = drivers(collect(frame, level_3="neutral"), **SOME)
    assert result.readings["level_3"].drop_duplicates().tolist() == ["neutral", "no opinion"]
    assert result.readings["n_respondents"].iloc[-1] == (frame["overall"] != 3).sum()
    assert find_check(result, "how level 3").verdict == "holds"
    other = drivers(collect(frame, level_3="no_opinion"), **SOME)
    assert other.level_3 == "no opinion" == other.readings["level_3"][0]
    np.testing.assert_allclose(other.items["share_importance"], result.readings["share_importance"][3:])
    taken = drivers(collect(frame).read_level_3_as("no_opinion"), **SOME)
    np.testing.assert_allclose(taken.items["share_importance"], other.items["share_importance"])
    assert find_check(taken, "how level 3").verdict == "not testable"


def test_an_order_that_rests_on_the_threes_is_flagged():
    rng = np.random.default_rng(1)
    a, b, c = rng.integers(3, 6, 400), rng.integers(1, 6, 400), rng.integers(1, 6, 400)
    judged = 1.6 + 1.8 * (a > 3) + 0.3 * (b - 3) + 0.1 * (c - 3) + rng.normal(0, 0.4, 400)  # 4 and 5 are alike
    frame = pd.DataFrame(
        {"respondent_id": range(400), "a": a, "b": b, "c": c, "overall": np.clip(np.rint(judged), 1, 5)}
    )
    result = drivers(collect(frame), **SOME)
    assert result.readings["item"].tolist() == ["a", "b", "c", "b", "c", "a"]
    check = find_check(result, "how level 3")
    assert check.verdict == "does not hold" and "changed: as no opinion" in check.finding


def test_complete_cases_that_differ_are_flagged():
    frame = make_frame(400, seed=7).drop(columns="customer_id")
    other = make_frame(400, seed=8, slopes=(0.05, 0.25, 0.65)).drop(columns="customer_id")
    other["respondent_id"] += "x"
    other["b"] = np.nan  # who does not use b goes by c
    rows = pd.concat([frame, other], ignore_index=True)
    result = drivers(collect(rows), min_share_answered=0.4, **SOME)
    assert result.n_complete == 400
    check = find_check(result, "those who answered every item")
    assert check.verdict == "does not hold" and "changed: 400 of 800" in check.finding
    methods = result.handlings["method"].drop_duplicates().tolist()
    assert methods == ["filled from the other answers", "set to the mean", "only who answered all"]
    complete = result.handlings[result.handlings["method"] == "only who answered all"].set_index("item")
    alone = drivers(collect(frame), **SOME)
    pd.testing.assert_series_equal(complete["share_importance"], alone.items.set_index("item")["share_importance"])
    assert find_check(alone, "those who answered every").verdict == "holds"


def test_not_using_something_is_told_apart_from_the_item():
    frame = make_frame(400, seed=9)
    frame.loc[:149, "b"] = np.nan
    frame.loc[:149, "overall"] = np.clip(frame.loc[:149, "overall"] - 1, 1, 5)
    result = drivers(collect(frame), **SOME)
    assert result.r_squared_unused > 0.1
    assert find_check(result, "not using something").verdict == "handled"
    assert result.items["lmg"].sum() == pytest.approx(result.r_squared - result.r_squared_unused)
    np.testing.assert_allclose(result.items.set_index("item")["points"][["a", "b"]], [0.6, 0.25], atol=0.12)


def test_an_item_in_reverse_that_nobody_declared_is_named():
    frame = make_frame().assign(a=lambda f: 6 - f["a"])
    check = find_check(drivers(collect(frame), **SOME), "a better answer to every item")
    assert check.verdict == "does not hold" and "“a”" in check.finding
    items = pd.DataFrame({"item": ["a", "b", "c"], "reversed": [True, False, False]})
    turned = drivers(collect_responses(frame, items=items), **SOME)
    assert find_check(turned, "a better answer to every item").verdict == "holds"


def test_the_ordinal_logit_agrees(found):
    assert found.ordinal["item"].tolist() == ["a", "b", "c"]
    assert (found.ordinal["odds_low"] > 1).all()
    assert find_check(found, "levels may be").verdict == "holds"
    assert found.ordinal["p_value"].notna().all()


def test_the_same_seed_gives_the_same_answer(found):
    again = drivers(collect(make_frame()), **SOME)
    other = drivers(collect(make_frame()), seed=2, **SOME)
    pd.testing.assert_frame_equal(found.items, again.items)
    assert not found.items.equals(other.items)


def test_the_rows_are_not_changed():
    responses = collect(make_frame())
    before = responses.rows.copy()
    drivers(responses, **SOME)
    pd.testing.assert_frame_equal(responses.rows, before)


def test_one_item_and_another_outcome():
    frame = make_frame().assign(recommend=lambda f: np.rint(2 * f["overall"]))
    result = drivers(collect(frame), items=["b"], outcome="recommend", **SOME)
    assert result.n_items == 1 and "the readiness to recommend" in result.answer()
    assert result.orders.empty


def test_there_and_back(found, tmp_path):
    save_results(found, to=tmp_path)
    loaded = load_results(tmp_path)["drivers"]
    assert isinstance(loaded, DriversResult)
    assert loaded.answer() == found.answer()
    pd.testing.assert_frame_equal(loaded.items, found.items)


# -- words -----------------------------------------------------------------------------------------------------------


def test_the_answer(found):
    first = found.items.iloc[0]
    assert found.answer().startswith(
        f"“a” goes with the overall judgment most: {100 * first['share_importance']:.1f}% of what these 3 questions explain "
        f"(95% interval {100 * first['importance_low']:.1f}% to {100 * first['importance_high']:.1f}%), and first in 100%"
    )
    for word in ("drives", "because", "leads to", "cause"):
        texts = [
            found.answer(),
            *(c.finding + c.assumption for c in found.checks),
            *(a.would_change for a in found.assumed),
        ]
        assert not any(word in text for text in texts)


# -- known truth -----------------------------------------------------------------------------------------------------


def test_planted_weights_are_recovered(company):
    """A small version of benchmarks/survey_drivers.py: one company, all ten items."""
    table, behind, total = company
    known, error = fit_knowing(behind, total)
    assert (np.abs(known - WEIGHTS) < 4.5 * error).all()
    responses = responses_of(table)
    given = collect_drivers(responses, responses.rows["weight"].to_numpy(), outcome="overall", items=NAMES)
    estimate, draws = resample(given, 150, 1)
    low, high = bias_corrected_interval(draws.slopes, estimate.slopes[0], 0.95)
    assert ((low <= WEIGHTS) & (high >= WEIGHTS)).sum() >= 8  # of 10 that are not independent
    assert 0.8 < np.median((high - low) / (2 * 1.96 * error)) < 1.6


def test_the_two_items_that_few_use_are_held_beside(of_company):
    assert of_company.left_out["item"].tolist() == ["web_shop", "complaint_handling"]
    assert of_company.items["item"][0] in ("on_time", "quality")
    assert (of_company.left_out["correlation"] > 0.3).all()
    check = find_check(of_company, "every item is in")
    assert check.verdict == "handled" and check.finding.startswith("not ranked, but held beside the others")
    assert of_company.left_out["is_beside"].all() and of_company.items["share_importance"].sum() == pytest.approx(1)
    parts = of_company.items["lmg"].sum() + of_company.r_squared_beside + of_company.r_squared_unused
    assert of_company.r_squared_beside > 0.02 and parts == pytest.approx(of_company.r_squared)
    assert of_company.n_complete_all < of_company.n_complete < of_company.n_respondents


# -- real data -------------------------------------------------------------------------------------------------------


def test_san_francisco_airport(real_data):
    frame = pd.read_parquet(real_data("sfo_survey/sfo_2013_2018_harmonised.parquet"))
    frame = frame.rename(columns={"q7_all": "overall", "year": "wave"}).astype({"wave": "str"})
    frame["respondent_id"] = frame["wave"] + "-" + frame["respnum"].astype("str") + "-" + frame.index.astype("str")
    frame[[*SFO, "overall"]] = frame[[*SFO, "overall"]].astype("float64")
    responses = collect_responses(frame, items=SFO)
    result = drivers(responses)
    assert len(responses.rows) + len(responses.left_out) == 18_038
    assert (result.n_complete_all, result.n_respondents) == (2_447, 17_053)
    assert result.left_out["item"].tolist() == [
        "q7_infodown", "q7_infoup", "q7_park", "q7_airtrain", "q7_ltparking", "q7_rental",
    ]  # fmt: skip
    assert result.items["item"].iloc[0] == "q7_food" and result.items["item"].iloc[-1] == "q7_wifi"
    assert result.to_improve()["item"].tolist() == ["q7_food", "q7_store"]
    assert find_check(result, "how level 3").verdict == "does not hold"


# -- bad input -------------------------------------------------------------------------------------------------------


def test_bad_input():
    frame = make_frame()
    responses = collect(frame)
    with pytest.raises(ParameterError, match="level"):
        drivers(responses, level=1.0)
    with pytest.raises(ParameterError, match="min_share_answered"):
        drivers(responses, min_share_answered=0)
    with pytest.raises(ParameterError, match="n_resamples"):
        drivers(responses, n_resamples=5)
    with pytest.raises(MissingColumnError, match="no outcome 'nps'"):
        drivers(responses, outcome="nps")
    with pytest.raises(ModelError, match="3 items for 5 answers"):
        drivers(collect(frame.head(5)))
    with pytest.raises(ModelError, match="'a' and 'b' say the same"):
        drivers(collect(frame.assign(b=frame["a"])))
    with pytest.raises(ModelError, match="nothing to explain"):
        drivers(collect(frame.assign(overall=5)))
    with pytest.raises(ModelError, match="No item is left"):
        drivers(collect(frame.assign(a=3.0, b=3.0, c=3.0)))
