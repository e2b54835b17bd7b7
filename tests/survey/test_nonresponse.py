"""What the silent may hide: bands worked by hand, the variance by its closed form, planted dependence found, no wolf cried."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student

from kam.errors import EmptyDataError, MissingColumnError, ParameterError
from kam.results import load_results, save_results
from kam.samples import simulate_company
from kam.survey import Design, assess_nonresponse, collect_responses, weigh_responses
from kam.survey.delta_adjustment import Measure, deltas_up_to, measures, share_silent, shift
from kam.survey.nonresponse_checks import (
    DEPENDS,
    NO_SIGN,
    NOT_TESTABLE,
    REVERSED,
    _check_afterwards,
    _check_conclusions,
    _check_facts,
    judge_signs,
)
from kam.wording import Wording

SATISFACTION_CHECK = "among accounts alike in the ledger, who answers does not depend on satisfaction"


def frame_of(company):
    """The survey frame from the truth of a company, so that no ledger need be opened."""
    truth, sample = company.truth.responses, company.sample[["customer_id", "wave", "status"]]
    frame = truth[truth["drawn"]].merge(sample, on=["customer_id", "wave"])
    frame = frame.rename(columns={"p_drawn": "probability"})
    frame["n_population"] = (
        (1 / frame["probability"]).groupby([frame["wave"], frame["stratum"]]).transform("sum").round()
    )
    frame["certainty"], frame["in_ledger"], frame["n_people"] = frame["probability"] == 1, True, np.nan
    return frame.drop(columns=["p_ledger", "p_satisfaction", "mean_overall"]).reset_index(drop=True)


def assess_world(world, seed, *, waves=("2023-11", "2024-11")):
    """Small, and for what needs no more in one wave: every measure of a wave costs."""
    company = simulate_company(seed=seed, n_accounts=700, n_months=36, non_response=world)
    survey, frame = company.survey, frame_of(company)
    responses = collect_responses(survey[survey["wave"].isin(waves)])
    frame = frame[frame["wave"].isin(waves)].reset_index(drop=True)
    designs = weigh_responses(responses, frame).designs(responses)
    return company, responses, frame, designs, assess_nonresponse(responses, frame, designs=designs)


@pytest.fixture(scope="module")
def satisfaction():
    return assess_world("satisfaction", 11)


@pytest.fixture(scope="module")
def ledger():
    return assess_world("ledger", 11, waves=["2024-11"])


@pytest.fixture(scope="module")
def asked():
    """Eight accounts asked, one of them four times as large; four answered: 5, 4, 4, 3."""
    ids = list("abcdefgh")
    frame = pd.DataFrame({"wave": "1", "customer_id": ids, "drawn": True, "answered": [True] * 4 + [False] * 4})
    return frame.assign(
        revenue=[1.0, 1, 1, 1, 4, 1, 1, 2], status=["answered"] * 4 + ["refused"] * 2 + ["not_reached"] * 2
    )


@pytest.fixture(scope="module")
def answers():
    return collect_responses(
        pd.DataFrame({"respondent_id": list("abcd"), "customer_id": list("abcd"), "overall": [5, 4, 4, 3]})
    )


@pytest.fixture(scope="module")
def small(answers, asked):
    rows, frame = answers.rows.copy(), asked.copy()
    result = assess_nonresponse(answers, asked, largest_delta=0.6)
    pd.testing.assert_frame_equal(answers.rows, rows)
    pd.testing.assert_frame_equal(asked, frame)
    return result


def test_four_answers_conclude_nothing_unless_asked_to(small, answers, asked):
    assert set(small.tipping["why"]) == {"fewer than 10 answers"} and small.tipping["estimate"].isna().all()
    shown = assess_nonresponse(answers, asked, min_n=4).tipping
    assert (shown.loc[shown["level_3"] == "neutral", "why"] == "").all() and shown["estimate"].notna().any()
    with pytest.raises(ParameterError, match="min_n is 0"):
        assess_nonresponse(answers, asked, min_n=0)


# -- the band --------------------------------------------------------------------------------------------------------


def test_a_band_worked_by_hand(small):
    result, band = small, small.band()
    se = np.sqrt(2 / 3 / 4)  # the variance of 5, 4, 4, 3 is 2/3
    half = 3.182446 * se  # t with 3 degrees of freedom
    assert band[["share_silent", "estimate"]].tolist() == [0.5, 4.0]
    assert band["band_low"] == pytest.approx(4 - 0.5 * 0.6 - half)
    assert 4 + half > 5 and band["band_high"] == 5, "no mean is beyond the scale"
    assert result.band(each="revenue")["share_silent"] == pytest.approx(8 / 12)
    # of 5, 4, 4, 3 half say 4: with delta 0.6 six in ten of these are no longer satisfied, among the silent half
    shares = result.deltas.query("each == 'account' and term == 'share satisfied' and level_3 == 'neutral'")
    assert shares["estimate"].iloc[[0, -1]].tolist() == pytest.approx([0.75, 0.75 - 0.5 * 0.6 * 0.5])
    without_3 = result.deltas.query("each == 'account' and term == 'mean' and level_3 == 'no opinion'")
    assert without_3["estimate"].iloc[0] == pytest.approx(13 / 3)


def test_answers_are_lowered_by_whole_levels_whose_mean_is_delta():
    rows = pd.DataFrame({"overall": [3.0, 4, 5, 4], "recommend": [5.0, 7, 9, np.nan]})  # two points of it per point
    found = {
        m.name: m
        for m in measures(rows, "overall", deltas=np.array([0, 0.3, 0.75]), five_levels=True, opinion_only=False)
    }
    assert found["share satisfied"].lowered[:, 1].tolist() == pytest.approx([0, 0.7, 1, 0.7])
    # 0.75 × 2 = 1.5 points lower: 7 becomes 6 or 5, both detractors; 9 becomes 8 or 7, neither
    np.testing.assert_allclose(found["NPS"].lowered[:, 2], [-100, -100, 0, np.nan])
    np.testing.assert_allclose(found["NPS"].values, [-100, 0, 100, np.nan])
    assert [m.name for m in measures(rows, "overall", deltas=np.array([0.0]), five_levels=True, opinion_only=True)] == [
        "mean",
        "share satisfied",
    ]


def test_the_error_of_the_share_that_is_silent_is_in_the_interval():
    """All drawn, one response rate: V = s² (1 − p) / r + delta² p (1 − p) / n, since the mean and the rate are independent."""
    rng = np.random.default_rng(2)
    n, r = 300, 180
    ids = [str(i) for i in range(n)]
    y = rng.integers(1, 6, r).astype(float)
    responses = collect_responses(pd.DataFrame({"respondent_id": ids[:r], "customer_id": ids[:r], "overall": y}))
    units = pd.DataFrame(
        {
            "customer_id": ids, "stratum": "", "psu": ids, "n_population": float(n), "base_weight": 1.0,
            "answered": np.arange(n) < r, "p_response": r / n, "weight": np.where(np.arange(n) < r, n / r, 0.0),
            "n_people": np.nan,
        }
    )  # fmt: skip
    design = Design(responses=responses, units=units, response_terms=np.ones((n, 1)))
    deltas = np.array([0.0, 0.75, 2.0])
    silence = share_silent(design, pd.DataFrame(), "account")
    found = shift(design, Measure(name="mean", values=y, lowered=y[:, None] - deltas), silence, deltas, each="account")
    p = r / n
    expected = y.var(ddof=1) * (1 - p) / r + deltas**2 * p * (1 - p) / n
    np.testing.assert_allclose(found.std_error**2, expected, rtol=0.01)
    np.testing.assert_allclose(found.estimate, y.mean() - 0.4 * deltas)


def test_at_delta_0_it_is_the_estimate_of_the_design(satisfaction):
    _, _, _, designs, result = satisfaction
    for wave, design in designs.items():
        for each in ("account", "revenue"):
            mean = design.mean(design.responses.rows["overall"], each=each)
            band = result.band(wave=wave, each=each)
            assert band["estimate"] == pytest.approx(mean.estimate)
            low_of = result.deltas.query("wave == @wave and each == @each and term == 'mean' and level_3 == 'neutral'")
            half = low_of["estimate"].iloc[0] - low_of["ci_low"].iloc[0]
            assert half == pytest.approx(student.ppf(0.975, design.df) * np.sqrt(design.variance(mean)[0]), rel=1e-6)


@settings(max_examples=3)
@given(st.lists(st.integers(1, 5), min_size=3, max_size=12), st.integers(1, 9), st.floats(0.05, 2))
def test_bands_hold_their_estimates_and_fall_with_delta(scores, n_silent, largest):
    ids = [str(i) for i in range(len(scores) + n_silent)]
    rows = pd.DataFrame({"respondent_id": ids[: len(scores)], "customer_id": ids[: len(scores)], "overall": scores})
    frame = pd.DataFrame(
        {"wave": "1", "customer_id": ids, "drawn": True, "answered": [i < len(scores) for i in range(len(ids))]}
    )
    result = assess_nonresponse(collect_responses(rows), frame, largest_delta=largest)
    table = result.bands
    assert (table["band_low"] <= table["ci_low"] + 1e-9).all() and (table["band_high"] >= table["ci_high"] - 1e-9).all()
    for _, curve in result.deltas.groupby(["level_3", "each", "term"]):
        assert (curve["estimate"].diff().dropna() <= 1e-9).all()
    band = result.band()
    width = band["band_high"] - band["band_low"]
    assert width <= largest * band["share_silent"] + (band["ci_high"] - band["ci_low"]) + 1e-6


def test_the_largest_delta_is_in_the_table():
    assert deltas_up_to(0.33)[-1] == 2 and 0.33 in deltas_up_to(0.33)
    assert deltas_up_to(3.0)[-1] == 3


# -- truth known -----------------------------------------------------------------------------------------------------


def test_where_answering_depends_on_satisfaction_the_band_holds_the_truth_and_nothing_is_corrected(satisfaction):
    company, _, _, _, result = satisfaction
    truth = company.truth.population.set_index("wave")["mean_overall"]
    for wave in truth.index:
        band = result.band(wave=wave)
        assert not band["ci_low"] <= truth[wave] <= band["ci_high"], "the weights do not repair it"
        assert band["band_low"] <= truth[wave] <= band["band_high"]
        assert band["band_high"] - band["band_low"] <= 0.75 + band["ci_high"] - band["ci_low"]
    check = next(c for c in result.checks if c.assumption == SATISFACTION_CHECK)
    assert result.verdict == DEPENDS and check.verdict == "does not hold"
    assert "no weight repairs that, and nothing here is corrected for it" in result.answer()
    assert result.signs.set_index("term")["stands_out"]["late answers"]
    assert result.delta_hint is not None and result.delta_hint > 0


def test_where_the_ledger_explains_answering_no_wolf_is_cried_and_it_is_not_said_to_hold(ledger):
    *_, result = ledger
    check = next(c for c in result.checks if c.assumption == SATISFACTION_CHECK)
    assert result.verdict == NO_SIGN and check.verdict == "not testable" and "no proof" in check.finding
    assert "no proof" in result.answer()
    assert result.checks[0].verdict == "handled" and result.checks[0].p_value < 0.001


def test_signs_are_judged_by_those_that_stand_out():
    def signs(*rows):
        return pd.DataFrame(rows, columns=["term", "estimate", "p_holm", "stands_out"])

    assert judge_signs(signs()) == NOT_TESTABLE
    assert judge_signs(signs(("late answers", -0.4, 0.2, False))) == NO_SIGN
    assert judge_signs(signs(("late answers", -0.4, 0.01, True))) == DEPENDS
    assert judge_signs(signs(("late answers", 0.4, 0.01, True))) == REVERSED
    assert judge_signs(signs(("earlier answers", 0.1, 0.04, True), ("complaints", 0.1, 0.01, True))) == REVERSED


# -- the rest --------------------------------------------------------------------------------------------------------


def test_the_answer_and_the_figures_say_the_band(satisfaction):
    *_, result = satisfaction
    band = result.band()
    assert f"lies between {band['band_low']:.2f} and {band['band_high']:.2f}" in result.answer()
    assert 3 <= len(result.answer().key_figures) <= 5 and all(f.note for f in result.answer().key_figures)
    assert result.answer().key_figures[0].value == f"{band['band_low']:.2f} to {band['band_high']:.2f}"


def test_who_was_asked_is_counted_and_what_they_stand_for_is_weighted(satisfaction):
    _, _, frame, _, result = satisfaction
    last = frame[frame["wave"] == "2024-11"]
    n, n_silent = len(last), int((~last["answered"]).sum())
    weight = 1 / last["probability"]
    weighted = weight[~last["answered"]].sum() / weight.sum()
    assert f"{n_silent / n:.0%}" != f"{weighted:.0%}", "else nothing is told apart"
    assert result.answer().startswith(
        f"In 2024-11 {n_silent} of {n} accounts asked ({n_silent / n:.0%}) stayed silent; they stand for {weighted:.0%} of "
        "the accounts. If they are 0 to 0.75 points less satisfied than comparable accounts that answered, the mean"
    )
    figure = result.answer().key_figures[1]
    assert (figure.value, figure.label) == (f"{n_silent / n:.0%}", "of the accounts asked stayed silent")
    assert figure.note.startswith(f"{n_silent} of {n}, ") and figure.note.endswith(
        f"stand for {weighted:.0%} of the accounts"
    )


def test_only_what_is_beyond_chance_is_a_conclusion_and_each_counts_once(satisfaction):
    *_, result = satisfaction
    check = next(c for c in result.checks if c.assumption.startswith("conclusions stand"))
    table = result.tipping.query("level_3 == 'neutral' and is_sure")
    sure = {row[:4]: False for row in table[["each", "term", "wave", "conclusion"]].itertuples(index=False, name=None)}
    for row in table[["each", "term", "wave", "conclusion", "tips"]].itertuples(index=False, name=None):
        sure[row[:4]] |= row[4]
    assert check.finding.startswith(
        f"{sum(sure.values())} of {len(sure)} conclusions that are beyond chance would change"
    )
    rows = pd.DataFrame(
        [
            ("account", "mean", "2", "the mean rose from 1 to 2", True, True),
            ("account", "mean", "2", "the mean rose from 1 to 2", True, False),
            ("account", "mean", "2", "the mean is above 3.5", True, False),
            ("account", "NPS", "2", "promoters outnumber detractors", False, True),
        ],
        columns=["each", "term", "wave", "conclusion", "is_sure", "tips"],
    ).assign(why="")
    found = _check_conclusions(Wording(), rows)
    assert found.finding.startswith("1 of 2 conclusions") and found.verdict == "does not hold"
    assert _check_conclusions(Wording(), rows.tail(1)).verdict == "not testable"
    assert _check_conclusions(Wording(), rows.iloc[[2]]).verdict == "holds"
    few = _check_conclusions(Wording(), rows.tail(1).assign(why="fewer than 10 answers"))
    assert (few.verdict, few.finding) == ("not testable", "too few answered to conclude anything")


@pytest.mark.parametrize(
    ("low", "high", "verdict", "start"),
    [
        (-0.03, 0.04, "holds", "+0.5 points more of them then placed no order (from -3.0 to +4.0): within 5 points"),
        (
            -0.03,
            0.06,
            "not testable",
            "too few to tell: +1.5 points more of them then placed no order (from -3.0 to +6.0)",
        ),
        (-0.2, 0.04, "not testable", "too few to tell"),
        (0.01, 0.2, "does not hold", "+10.5 points more"),
        (-0.2, -0.01, "does not hold", "-10.5 points more"),
        (0.01, 0.03, "does not hold", "+2.0 points more"),
    ],
)
def test_that_the_silent_stay_as_often_takes_an_interval_near_0(low, high, verdict, start):
    row = {"term": "share_no_order", "difference_alike": (low + high) / 2, "alike_low": low, "alike_high": high}
    (check,) = _check_afterwards(Wording(), pd.DataFrame([row | {"p_value": 0.5}]))
    assert check.verdict == verdict and check.finding.startswith(start)


def test_facts_that_do_not_go_with_answering_prove_nothing():
    weighted = _check_facts(Wording(), (0.4, 300, 5), {"1": 0.02})
    plain = _check_facts(Wording(), (0.4, 300, 5), {"1": 0.0})
    assert (weighted.verdict, plain.verdict) == ("handled", "not testable") and "no proof" in plain.finding


def test_it_travels(small, tmp_path):
    result = small
    save_results(result, to=tmp_path)
    loaded = load_results(tmp_path)["nonresponse"]
    assert loaded.answer() == result.answer()
    pd.testing.assert_frame_equal(loaded.silent, result.silent, check_dtype=False)


def test_level_3_is_read_both_ways_and_the_declared_one_leads(small, asked):
    declared = collect_responses(
        pd.DataFrame({"respondent_id": list("abcd"), "customer_id": list("abcd"), "overall": [5, 4, 4, 3]}),
        level_3="no_opinion",
    )
    result = assess_nonresponse(declared, asked)
    assert result.level_3 == "no opinion" and result.band()["estimate"] == pytest.approx(13 / 3)
    assert set(result.bands["level_3"]) == {"neutral", "no opinion"}
    taken_out = assess_nonresponse(declared.read_level_3_as("no_opinion"), asked)
    assert set(taken_out.bands["level_3"]) == {"no opinion"}
    assert small.level_3 == "neutral"


def test_bad_input_is_named(small, answers, asked):
    with pytest.raises(MissingColumnError, match="no answers to 'sunshine'"):
        assess_nonresponse(answers, asked, outcome="sunshine")
    with pytest.raises(MissingColumnError, match="no column 'drawn'"):
        assess_nonresponse(answers, asked.drop(columns="drawn"))
    with pytest.raises(EmptyDataError, match="asked and did not answer"):
        assess_nonresponse(answers, asked[asked["answered"]])
    for wrong in (0, -1, np.inf):
        with pytest.raises(ParameterError, match="largest_delta"):
            assess_nonresponse(answers, asked, largest_delta=wrong)
    with pytest.raises(ParameterError, match="level"):
        assess_nonresponse(answers, asked, level=95)
    with pytest.raises(ParameterError, match="no band"):
        small.band(wave="2")


def test_who_was_not_drawn_and_waves_without_silent_are_said(answers, asked):
    both = collect_responses(
        pd.DataFrame(
            {
                "respondent_id": list("abcdx"),
                "customer_id": list("abcdx"),
                "wave": ["1"] * 4 + ["2"],
                "overall": [5, 4, 4, 3, 4],
            }
        )
    )
    later = pd.DataFrame({"wave": ["2", "1"], "customer_id": ["x", "y"], "drawn": [True, False], "answered": True})
    result = assess_nonresponse(both, pd.concat([asked, later], ignore_index=True))
    assert result.wave == "1"
    findings = [c.finding for c in result.checks]
    assert "not of 2: left out" in findings
    assert any(f.startswith("one account answered without") for f in findings)
