"""What stands where nothing was answered: filled by hand, by regressions; which items are in; what cannot be told apart."""

import numpy as np
import pandas as pd
import pytest

from kam.errors import MissingColumnError, ModelError, ParameterError
from kam.survey import collect_responses
from kam.survey.driver_draws import moments_of
from kam.survey.not_used import choose_items, collect_drivers, fill

ITEMS = ["a", "b", "c"]


def make_frame(n=120, seed=1):
    rng = np.random.default_rng(seed)
    base = rng.normal(3, 1, n)
    frame = pd.DataFrame({name: np.clip(np.rint(base + rng.normal(0, 0.8, n)), 1, 5) for name in [*ITEMS, "overall"]})
    frame.insert(0, "respondent_id", [f"r{i}" for i in range(n)])
    return frame


def collect(frame, items=ITEMS, *, beside=(), **options):
    responses = collect_responses(frame, items=[*items, *beside], **options)
    weights = responses.rows["weight"].to_numpy()
    return collect_drivers(responses, weights, outcome="overall", items=items, beside=beside)


def test_filled_by_the_regression_on_the_others():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(200, 3)) + rng.normal(size=(200, 1))
    weights = rng.uniform(0.5, 2, 200)
    answers = x.copy()
    answers[-1, 2] = np.nan  # of 200: the covariance of pairs is that of the others, but for one row
    covariance = np.cov(x.T, aweights=weights)
    slopes = np.linalg.solve(covariance[:2, :2], covariance[:2, 2])
    mean = np.average(x, axis=0, weights=weights)
    assert fill(answers, weights)[-1, 2] == pytest.approx(mean[2] + (x[-1, :2] - mean[:2]) @ slopes, abs=0.03)
    np.testing.assert_array_equal(fill(answers, weights)[:-1], x[:-1])


def test_who_answered_nothing_gets_the_means():
    answers = np.array([[1.0, 2.0], [3.0, 5.0], [np.nan, np.nan]])
    np.testing.assert_allclose(fill(answers, np.array([1.0, 3.0, 1.0]))[2], [2.5, 4.25])


def test_filling_leaves_a_straight_line_where_it_is():
    """If what is missing is missing at random, the slopes of who answered all come out, with all answers."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(20_000, 3)) + 1.2 * rng.normal(size=(20_000, 1))
    y = x @ [0.5, 0.3, 0.2] + rng.normal(0, 0.3, 20_000)
    gone = x.copy()
    gone[rng.random(20_000) < 0.4, 1] = np.nan
    filled = np.column_stack([np.ones(20_000), fill(gone, np.ones(20_000))])
    np.testing.assert_allclose(np.linalg.lstsq(filled, y, rcond=None)[0][1:], [0.5, 0.3, 0.2], atol=0.01)
    at_mean = np.column_stack([np.ones(20_000), np.where(np.isnan(gone), np.nanmean(gone, axis=0), gone)])
    assert (np.linalg.lstsq(at_mean, y, rcond=None)[0][[1, 3]] > [0.53, 0.23]).all()


def test_not_used_has_an_indicator_and_no_answer_has_none():
    frame = make_frame()
    frame.loc[:29, "b"] = np.nan
    frame.loc[60:89, "c"] = np.nan
    status = frame.melt(["respondent_id"], [*ITEMS, "overall"], var_name="item", value_name="answer").assign(wave="1")
    status["status"] = "answered"
    missing = status["answer"].isna()
    status.loc[missing, "status"] = status.loc[missing, "item"].map({"b": "not applicable", "c": "no answer"})
    given = collect(frame, answers=status)
    assert given.unused_items == ("b",)
    assert (given.n_unused, given.n_no_answer) == (30, 30)
    assert given.unused[:, 0].tolist() == [1.0] * 30 + [0.0] * 90
    assert not np.isnan(given.filled).any() and given.complete.sum() == 60
    assert collect(frame).unused_items == ("b", "c")  # without a reason it is blank: taken for not used


def test_an_indicator_needs_accounts_and_news():
    frame = make_frame()
    frame.loc[:8, "a"] = np.nan
    frame.loc[20:49, ["b", "c"]] = np.nan  # who does not use one does not use the other
    assert collect(frame).unused_items == ("b",)


def test_items_that_few_answered_are_left_out_and_named():
    frame = make_frame()
    frame.loc[:59, "b"] = np.nan
    frame["c"] = 4.0
    responses = collect_responses(frame, items=ITEMS)
    chosen, left = choose_items(responses, outcome="overall", items=None, min_share_answered=0.6)
    assert chosen == ["a"]
    assert left[["item", "n_given", "share_given", "reason"]].values.tolist() == [
        ["b", 60, 0.5, "too few answered"],
        ["c", 120, 1.0, "all answers are equal"],
    ]
    assert left["correlation"][0] == pytest.approx(frame["b"].corr(frame["overall"]))
    assert np.isnan(left["correlation"][1])
    assert choose_items(responses, outcome="overall", items=None, min_share_answered=0.5)[0] == ["a", "b"]


def test_items_that_few_answered_take_no_credit_and_lend_none():
    """y = .3 a + .3 b, where b goes with a and is answered by half: held beside, it does not lend its part to a."""
    rng = np.random.default_rng(1)
    n = 1000
    a = rng.normal(3, 0.7, n)
    b = 0.6 * a + rng.normal(0, 0.8, n)
    frame = pd.DataFrame(
        {"respondent_id": range(n), "a": a, "b": b, "overall": 0.3 * (a + b) + 1.5 + rng.normal(0, 0.03, n)}
    )
    frame.loc[rng.random(n) < 0.5, "b"] = np.nan
    scale = pd.DataFrame({"item": ["a", "b"], "low": -9.0, "high": 9.0})
    responses = collect_responses(frame, items=scale)
    chosen, left = choose_items(responses, outcome="overall", items=None, min_share_answered=0.6)
    assert chosen == ["a"] and left["is_beside"].tolist() == [True]
    weights = responses.rows["weight"].to_numpy()
    slopes = {
        beside: moments_of(collect_drivers(responses, weights, outcome="overall", items=chosen, beside=beside))
        .estimate(np.ones((1, n)))
        .slopes[0]
        for beside in ((), ("b",))
    }
    assert slopes[()] == pytest.approx([0.48], abs=0.02)
    assert slopes["b",] == pytest.approx([0.30], abs=0.02)
    few = frame.assign(b=frame["b"].where(frame.index < 390))
    left = choose_items(
        collect_responses(few, items=scale),
        outcome="overall",
        items=None,
        min_share_answered=0.6,
    )[1]
    assert left["is_beside"].tolist() == [False]


def test_what_says_the_same_does_not_stand_beside():
    frame = make_frame().assign(same=lambda f: f["a"], flat=3.0)
    given = collect(frame.assign(c=frame["c"].where(frame.index < 80)), ["a", "b"], beside=["same", "flat", "c"])
    assert (given.items, given.beside, given.answers.shape) == (("a", "b"), ("c",), (120, 3))
    assert given.complete.all() and given.fewest_accounts == 8
    assert collect(frame.head(6), ["a", "b"], beside=["c"]).beside == ()  # six accounts: for no third item


def test_bad_input():
    frame = make_frame()
    responses = collect_responses(frame, items=ITEMS)
    with pytest.raises(MissingColumnError, match="no outcome 'repurchase'"):
        choose_items(responses, outcome="repurchase", items=None, min_share_answered=0.6)
    with pytest.raises(MissingColumnError, match="'d' is not an item"):
        choose_items(responses, outcome="overall", items=["a", "d"], min_share_answered=0.6)
    with pytest.raises(ParameterError, match="named twice"):
        choose_items(responses, outcome="overall", items=["a", "a"], min_share_answered=0.6)
    with pytest.raises(ParameterError, match="'a' is the outcome"):
        choose_items(responses, outcome="a", items=["a", "b"], min_share_answered=0.6)
    alike = collect_responses(frame.assign(overall=4), items=ITEMS)
    with pytest.raises(ModelError, match="All answers to 'overall' are 4"):
        choose_items(alike, outcome="overall", items=None, min_share_answered=0.6)
    unanswered = collect_responses(frame.assign(overall=np.nan), items=ITEMS)
    with pytest.raises(ModelError, match="Nobody answered 'overall'"):
        choose_items(unanswered, outcome="overall", items=None, min_share_answered=0.6)
    with pytest.raises(ModelError, match="3 items for 4 answers of 4 accounts"):
        collect(frame.head(4))
    with pytest.raises(ModelError, match="'a' does not vary among those"):
        collect(frame.assign(a=4.0))
    with pytest.raises(ModelError, match="'a' and 'c' say the same"):
        collect(frame.assign(c=6 - frame["a"]))
    frame["d"] = (frame["a"] + frame["b"]) / 2
    with pytest.raises(ModelError, match="'a', 'b', 'd' are combinations"):
        collect(frame, [*ITEMS, "d"])
