import numpy as np
import pandas as pd
import pytest

from benchmarks.survey_loyalty import WORLDS, table_of, try_once
from kam.errors import (
    ColumnTypeError,
    DataError,
    EmptyDataError,
    MissingColumnError,
    ParameterError,
    UndefinedMeasureError,
)
from kam.results import Context, load_results, save_results
from kam.survey import collect_responses, satisfaction_loyalty
from kam.survey.loyalty import failed_in_words
from kam.survey.loyalty_reading import CONDITIONS
from tests.survey.loyal_respondents import answers, respondents

STEPS = (2.2, 2.2, 3.4, 3.4, 4.6)


@pytest.fixture(scope="module")
def in_steps():
    return satisfaction_loyalty(answers(STEPS), None, n_resamples=200)


@pytest.fixture(scope="module")
def behaved():
    """400 accounts of one wave: 60, 30, 30 and 10 % of levels 2 to 5 are lost, whatever their revenue."""
    rng = np.random.default_rng(8)
    level = rng.choice([2, 3, 4, 5], 400)
    frame = pd.DataFrame(
        {"respondent_id": range(400), "customer_id": [f"c{i}" for i in range(400)], "wave": "2024", "overall": level}
    )
    revenue = rng.lognormal(8, 1, 400)
    behavior = frame[["wave", "customer_id"]].assign(
        churned=pd.array(rng.random(400) < np.array([0.6, 0.3, 0.3, 0.1])[level - 2], dtype="boolean"),
        no_order=False,
        revenue=revenue,
        revenue_next=revenue * (0.5 + 0.2 * (level - 2)),
        days_since_last_order=rng.integers(1, 90, 400),
        n_days_next=rng.poisson(2 * level),
    )
    return collect_responses(frame), behavior


def test_two_thresholds_are_claimed_where_they_are(in_steps):
    assert in_steps.shape == "two thresholds"
    steps = in_steps.of(in_steps.steps)
    assert steps[["score_from", "score_to"]].to_numpy().tolist() == [[1, 2], [3, 4], [5, 5]]
    assert steps["estimate"].to_numpy() == pytest.approx([2.2, 3.4, 4.5], abs=0.15)
    claimed = in_steps.partitions[in_steps.partitions["is_claimed"]]
    assert claimed["partition"].tolist() == ["1 2 | 3 4 | 5", "1 2 | 4 | 5"]
    assert not in_steps.is_changed
    assert in_steps.answer().startswith(
        "Loyalty moves with satisfaction in steps: the intention to buy again (1 to 5) is 2.3 up to level 2, 3.3 at levels 3 to 4"
    )


def test_the_curve_is_the_mean_of_each_level(in_steps):
    rows = answers(STEPS).rows
    curve = in_steps.of(in_steps.curve)
    expected = rows.groupby("overall")["repurchase"].agg(["mean", "size"])
    assert curve["estimate"].to_numpy() == pytest.approx(expected["mean"].to_numpy())
    assert curve["n_respondents"].tolist() == expected["size"].tolist()
    n = rows.groupby("overall")["customer_id"].nunique()
    assert curve["n_accounts"].tolist() == n.tolist()
    assert (curve["ci_low"] < curve["estimate"]).all() and (curve["estimate"] < curve["ci_high"]).all()


def test_without_opinion_there_are_four_points_and_three_partitions(in_steps):
    other = in_steps.of(in_steps.curve, "no opinion")
    assert other["score"].tolist() == [1, 2, 4, 5]
    partitions = in_steps.of(in_steps.partitions, "no opinion")
    assert partitions["n_thresholds"].value_counts().to_dict() == {1: 3, 2: 3}


@pytest.mark.parametrize(
    ("means", "shape", "cuts"),
    [
        ((1.8, 2.4, 3.0, 3.6, 4.2), "line", []),
        ((2.5, 2.5, 2.5, 3.9, 3.9), "one threshold", [3]),
        ((3.0, 3.0, 3.0, 3.0, 3.0), "line", []),
    ],
)
def test_no_threshold_is_claimed_that_is_not_there(means, shape, cuts):
    result = satisfaction_loyalty(answers(means), None, n_resamples=200)
    steps = result.of(result.steps)
    assert result.shape == shape
    assert steps["is_claimed"].all() == bool(cuts)
    assert not cuts or steps["score_to"].tolist()[:-1] == cuts


def test_a_smooth_curve_is_no_line_and_no_steps():
    result = satisfaction_loyalty(
        answers((1.6, 1.7, 2.1, 2.9, 4.2), n_accounts=800, shares=(0.2,) * 5), None, n_resamples=100
    )
    assert result.shape == "curve"
    assert "not along a straight line" in result.answer()
    figure = next(f for f in result._key_figures() if "of the resamples" in f.label)
    assert figure.note.startswith("not claimed: ") and "a smooth curve explains as much as they do" in figure.note
    assert result.of(result.readings)["why"].iloc[0] in figure.note


def test_each_condition_that_fails_is_named(in_steps):
    assert in_steps.of(in_steps.readings)["why"].iloc[0] == ""
    assert "a threshold is claimed from 80% on" in [f.note for f in in_steps._key_figures()]
    line = satisfaction_loyalty(answers((1.8, 2.4, 3.0, 3.6, 4.2)), None, n_resamples=100)
    assert "the best steps fit no better than a straight line" in line.of(line.readings)["why"].iloc[0]
    say = Context().wording
    for condition in CONDITIONS[1:]:
        assert failed_in_words(say, (condition,))
    assert failed_in_words(say, ("second", "flat")) == (
        "a second threshold does not fit better than one, and of one: loyalty is not flat within the best steps"
    )
    assert failed_in_words(say, ()) == ""


def test_intervals_stay_on_the_scale_of_the_question():
    """Six at level 1, of whom five answer 0 and one 3 of 10: mean 0.5, and t reaches below 0."""
    frame = respondents((2, 2, 3, 4, 5), each=1).drop(columns="repurchase")
    frame["recommend"] = 2.0 * frame["overall"]
    frame = frame[frame["overall"] > 1]
    lowest = frame.iloc[:6].assign(
        overall=1, recommend=[0, 0, 0, 0, 0, 3], customer_id=list("uvwxyz"), respondent_id=list("uvwxyz")
    )
    result = satisfaction_loyalty(
        collect_responses(pd.concat([frame, lowest])), None, outcome="recommend", n_resamples=20
    )
    for table in (result.curve, result.steps):
        assert table["ci_low"].ge(0).all() and table["ci_high"].le(10).all()
    first = result.of(result.curve).iloc[0]
    assert (first["estimate"], first["ci_low"]) == (0.5, 0.0) and first["ci_high"] > 1


def test_a_changed_conclusion_is_flagged():
    """With level 3 in between there is a line; without it the rest falls into two."""
    frame = respondents((2, 2, 3, 4, 4), accounts=0.0, noise=0.3, shares=(0.25, 0.25, 0.02, 0.24, 0.24))
    frame.loc[frame["overall"] == 3, "repurchase"] = 5.0
    result = satisfaction_loyalty(collect_responses(frame), None, n_resamples=100)
    shapes = result.readings.set_index("level_3")["shape"]
    assert shapes["no opinion"] == "one threshold" != shapes["neutral"]
    assert result.is_changed
    assert "With level 3 read as no opinion the conclusion is another: one threshold." in result.answer()
    check = next(c for c in result.checks if "neutral or no opinion" in c.assumption)
    assert check.verdict == "does not hold"
    led = satisfaction_loyalty(collect_responses(frame, level_3="no_opinion"), None, n_resamples=100)
    assert led.leading == "no opinion" and led.shape == "one threshold"


def test_accounts_are_kept_together():
    frame = respondents((3,) * 5, each=1, noise=0.5, accounts=0.0)
    four = pd.concat([frame.assign(respondent_id=frame["respondent_id"] + f"-{k}") for k in range(4)])
    one, copied = (satisfaction_loyalty(collect_responses(f), None, n_resamples=50).curve for f in (frame, four))
    assert copied["std_error"].to_numpy() == pytest.approx(one["std_error"].to_numpy())


def test_each_account_counts_alike():
    frame = respondents(STEPS, each=1)
    extra = pd.concat([frame.iloc[[0]].assign(respondent_id=f"extra{i}") for i in range(50)])
    level = int(frame["overall"].iloc[0])
    a, b = (
        satisfaction_loyalty(collect_responses(f), None, n_resamples=20).curve.set_index(["level_3", "score"])[
            "estimate"
        ]
        for f in (frame, pd.concat([frame, extra]))
    )
    assert a["neutral", level] == pytest.approx(b["neutral", level])


# -- behavior --------------------------------------------------------------------------------------------------------


def test_behavior_is_counted_by_account_and_wave(behaved):
    responses, behavior = behaved
    result = satisfaction_loyalty(responses, behavior, outcome="churned", n_resamples=100)
    level = responses.rows["overall"]
    expected = behavior["churned"].astype(float).groupby(level.to_numpy()).mean()
    curve = result.of(result.curve)
    assert result.is_share
    assert curve["estimate"].to_numpy() == pytest.approx(expected.to_numpy())
    assert curve["ci_low"].between(0, 1).all() and curve["ci_high"].between(0, 1).all()
    assert "The share of accounts lost in the time after falls by 13.6 points per level" in result.answer()
    assert {"never rises"} <= set(result.tests["test"])


def test_an_account_has_the_mean_of_its_people(behaved):
    _, behavior = behaved
    frame = pd.DataFrame(
        {
            "respondent_id": range(60),
            "customer_id": [f"c{i // 2}" for i in range(60)],
            "wave": "2024",
            "overall": [2, 3] * 15 + [4, 5] * 15,  # 2.5 and 4.5 round up
        }
    )
    result = satisfaction_loyalty(collect_responses(frame), behavior, outcome="n_days_next", n_resamples=20)
    assert result.of(result.curve)["score"].tolist() == [3, 5]
    assert result.of(result.curve)["n_accounts"].tolist() == [15, 15]


def test_answers_without_later_behavior_are_counted(behaved):
    responses, behavior = behaved
    cut = behavior.iloc[30:].reset_index(drop=True)
    cut.loc[:9, "churned"] = pd.NA
    result = satisfaction_loyalty(responses, cut, outcome="churned", n_resamples=20)
    assert (result.n_unknown, result.n_unobserved) == (30, 10)
    assert next(c for c in result.checks if "known of all" in c.assumption).verdict == "handled"


def test_later_behavior_stands_beside_an_attitude(behaved):
    _, behavior = behaved
    frame = respondents(STEPS, n_accounts=400, each=1).assign(customer_id=[f"c{i}" for i in range(400)])
    result = satisfaction_loyalty(collect_responses(frame), behavior, n_resamples=20)
    assert set(result.later["term"]) == {"share_no_order", "share_lost", "share_revenue_change"}
    assert result.later["group_name"].tolist()[:3] == ["low", "middle", "high"]
    assert result.min_n == 10 and result.later["estimate"].notna().all()


def test_later_behavior_of_few_accounts_is_not_shown(behaved):
    result = satisfaction_loyalty(*behaved, outcome="churned", n_resamples=20, min_n=399)
    assert result.later["estimate"].isna().all() and set(result.later["why"]) == {"fewer than 399 accounts"}
    with pytest.raises(ParameterError, match="min_n is 0"):
        satisfaction_loyalty(*behaved, outcome="churned", n_resamples=20, min_n=0)


# -- several items ---------------------------------------------------------------------------------------------------


def test_a_score_of_several_items_bends():
    rng = np.random.default_rng(3)
    base = rng.uniform(1, 5, 500)
    items = np.clip(np.rint(base[:, None] + rng.normal(0, 0.7, (500, 5))), 1, 5)
    frame = pd.DataFrame(items, columns=list("abcde")).assign(respondent_id=range(500))
    score = items.mean(axis=1)
    frame["repurchase"] = np.clip(np.clip(score, 2, 4) + rng.normal(0, 0.3, 500), 1, 5)
    result = satisfaction_loyalty(
        collect_responses(frame, items=list("abcde")), None, satisfaction=list("abcde"), n_resamples=60
    )
    bends = result.of(result.bends).set_index("term")
    for term, truth in (("breakpoint 1", 2), ("breakpoint 2", 4), ("slope 2", 1)):
        assert bends.loc[term, "ci_low"] - 0.15 <= truth <= bends.loc[term, "ci_high"] + 0.15
    assert bends.loc["p-value of the bends", "estimate"] <= 0.05
    assert result.satisfaction == tuple("abcde")


# -- few and bad -----------------------------------------------------------------------------------------------------


def test_a_level_that_nobody_or_hardly_anybody_chose():
    frame = respondents(STEPS, shares=(0.0, 0.2, 0.25, 0.3, 0.25))
    frame.loc[:2, "overall"] = 1
    result = satisfaction_loyalty(collect_responses(frame), None, n_resamples=50)
    lowest = result.of(result.curve).iloc[0]
    assert np.isnan(lowest["estimate"]) and lowest["why"] == "fewer than 5 accounts"
    assert result.of(result.curve)["why"].iloc[1:].eq("").all()
    without = satisfaction_loyalty(collect_responses(frame.iloc[3:]), None, n_resamples=50)
    assert without.of(without.curve)["score"].tolist() == [2, 3, 4, 5]
    assert "nobody is at level 1" in next(c for c in without.checks if "enough accounts" in c.assumption).finding


def test_bad_input_is_named(behaved):
    responses, behavior = behaved
    frame = respondents(STEPS)
    with pytest.raises(UndefinedMeasureError, match="All answers are at level 4"):
        satisfaction_loyalty(collect_responses(frame.assign(overall=4)), None)
    with pytest.raises(UndefinedMeasureError, match="the same 'repurchase', 3"):
        satisfaction_loyalty(collect_responses(frame.assign(repurchase=3)), None)
    with pytest.raises(EmptyDataError, match="known of 1 accounts"):
        satisfaction_loyalty(collect_responses(frame.assign(customer_id="one")), None)
    with pytest.raises(MissingColumnError, match="'recommend'"):
        satisfaction_loyalty(collect_responses(frame), None, outcome="recommend")
    with pytest.raises(MissingColumnError, match="there is no frame of it"):
        satisfaction_loyalty(responses, None, outcome="churned")
    with pytest.raises(MissingColumnError, match="'lost'"):
        satisfaction_loyalty(responses, behavior, outcome="lost")
    with pytest.raises(EmptyDataError, match="No account of the survey"):
        satisfaction_loyalty(responses, behavior.assign(customer_id="x" + behavior["customer_id"]), outcome="churned")
    with pytest.raises(DataError, match="stands twice"):
        satisfaction_loyalty(responses, pd.concat([behavior, behavior]), outcome="churned")
    with pytest.raises(ColumnTypeError, match="neither numbers"):
        satisfaction_loyalty(responses, behavior.assign(churned="yes"), outcome="churned")
    with pytest.raises(MissingColumnError, match="no answers to 'price'"):
        satisfaction_loyalty(responses, behavior, outcome="churned", satisfaction="price")
    with pytest.raises(ParameterError, match="no question on five levels"):
        satisfaction_loyalty(responses, behavior, outcome="churned", satisfaction=["overall", "overall"])
    with pytest.raises(ParameterError, match="n_resamples"):
        satisfaction_loyalty(responses, behavior, outcome="churned", n_resamples=0)


def test_inputs_stay_as_they_are_and_the_seed_decides(behaved):
    responses, behavior = behaved
    before = responses.rows.copy(), behavior.copy()
    one, two = (satisfaction_loyalty(responses, behavior, outcome="churned", n_resamples=30) for _ in range(2))
    pd.testing.assert_frame_equal(responses.rows, before[0])
    pd.testing.assert_frame_equal(behavior, before[1])
    for name, frame in one.tables().items():
        pd.testing.assert_frame_equal(frame, two.tables()[name])


def test_it_travels(in_steps, tmp_path):
    save_results(in_steps, to=tmp_path)
    back = load_results(tmp_path)["loyalty"]
    assert back.answer() == in_steps.answer() and back.shape == in_steps.shape


def test_money_speaks_the_currency(behaved):
    responses, behavior = behaved
    context = Context(currency="EUR")
    result = satisfaction_loyalty(responses, behavior, outcome="revenue_next", n_resamples=20, context=context)
    assert "€" in result.answer()


# -- recovery --------------------------------------------------------------------------------------------------------


def test_planted_thresholds_of_the_sample_company_are_recovered():
    """A small version of ``make bench ARGS=survey_loyalty``."""
    worlds = (WORLDS[0], WORLDS[6])
    found = np.array([try_once(seed, worlds) for seed in (1, 2)])
    table = table_of(found, worlds)
    assert table.loc[WORLDS[0].name, "true steps"] == 100
    assert table.loc["a line", ["true steps", "other steps"]].eq(0).all()
    assert table["held"].between(70, 100).all()
