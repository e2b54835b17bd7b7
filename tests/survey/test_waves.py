"""Waves compared: covariance of samples that overlap, accounts in both, and who did not answer again."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from kam.errors import ParameterError, UndefinedMeasureError
from kam.survey import Design, collect_responses, compare_waves, one_phase_designs
from kam.survey.estimate_checks import judge_difference, margin_of
from kam.survey.linearization import linearize
from kam.survey.overlap import covariance
from kam.wording import Wording

FULL, BOTH = "all who answered", "accounts in both"


def waves_of(first, second, **columns):
    """Answers by account in two waves: mappings of account to ``overall``."""
    rows = [
        {"customer_id": a, "respondent_id": a, "wave": w, "overall": y}
        for w, wave in (("2023", first), ("2024", second))
        for a, y in wave.items()
    ]
    return collect_responses(pd.DataFrame(rows).assign(**columns))


def change(result, compared=FULL, measure="mean", level_3="neutral", each="account"):
    c = result.changes
    chosen = (c["compared"] == compared) & (c["measure"] == measure) & (c["level_3"] == level_3) & (c["each"] == each)
    return c[chosen].iloc[-1]


@pytest.fixture(scope="module")
def panel():
    rng = np.random.default_rng(3)
    first = {f"a{i}": int(y) for i, y in enumerate(rng.integers(1, 6, 60))}
    second = {a: int(np.clip(y + rng.integers(-1, 3), 1, 5)) for a, y in first.items()}
    return first, second


# -- accounts in both ------------------------------------------------------------------------------------------------


def test_accounts_in_both_are_a_paired_t_test(panel):
    first, second = panel
    others = {f"b{i}": 1 + i % 5 for i in range(20)}
    result = compare_waves(waves_of(first | others, second))
    row = change(result, BOTH)
    paired = stats.ttest_rel(list(second.values()), list(first.values()))
    interval = paired.confidence_interval()
    assert row["std_error"] == pytest.approx(row["estimate"] / paired.statistic)
    assert [row["ci_low"], row["ci_high"]] == pytest.approx([interval.low, interval.high])
    assert (row["n_both"], row["n_accounts_from"], row["df"]) == (60, 80, 59)


def test_a_full_panel_says_the_same_twice(panel):
    result = compare_waves(waves_of(*panel))
    full, both = change(result), change(result, BOTH)
    assert [full[c] for c in ("estimate", "std_error", "ci_low")] == pytest.approx(
        [both[c] for c in ("estimate", "std_error", "ci_low")]
    )
    answers = np.array([list(wave.values()) for wave in panel])
    assert full["error_correlation"] == pytest.approx(np.corrcoef(answers)[0, 1])


def test_accounts_in_both_are_not_weighed_but_by_revenue():
    """Nine go up by one and one down by one, which has six times the weight, and three times the revenue, of each other."""
    first, second = dict.fromkeys("abcdefghij", 3), dict.fromkeys("abcdefghi", 4) | {"j": 2}
    weight = [1.0] * 9 + [6.0]
    responses = waves_of(first, second, weight=weight * 2)
    designs = one_phase_designs(responses)
    revenue = [100.0] * 9 + [300.0]
    designs = {wave: replace(d, units=d.units.assign(revenue=revenue)) for wave, d in designs.items()}
    result = compare_waves(responses, designs=designs)
    assert change(result)["estimate"] == pytest.approx((9 - 6) / 15)  # all who answered are weighed
    row, by_revenue = change(result, BOTH), change(result, BOTH, each="revenue")
    assert row["estimate"] == pytest.approx(0.8)
    assert row["std_error"] == pytest.approx(((9 * 0.2**2 + 1.8**2) / 9 / 10) ** 0.5)
    mean = (9 - 3) / 12
    assert by_revenue["estimate"] == pytest.approx(mean)
    variance = (9 * (1 - mean) ** 2 + 9 * (-1 - mean) ** 2) / 12**2 * 10 / 9
    assert by_revenue["std_error"] == pytest.approx(variance**0.5)
    assert "these alone and not weighed" in result.answer()
    assert any("not weighed" in assumed.value for assumed in result.assumed)
    assert "alone and weighed by revenue only" in compare_waves(responses, designs=designs, each=["revenue"]).answer()


def test_people_of_an_account_are_one():
    rows = [
        (f"a{i}", f"a{i}{p}", w, 4 + (w == "2024") * (p == "x"))
        for i in range(12)
        for p in "xy"
        for w in ("2023", "2024")
    ]
    frame = pd.DataFrame(rows, columns=["customer_id", "respondent_id", "wave", "overall"])
    row = change(compare_waves(collect_responses(frame)), BOTH)
    assert row["estimate"] == 0.5 and row["n_both"] == 12
    assert row["why"] == "all are alike: no interval" and np.isnan(row["ci_low"])


# -- covariance ------------------------------------------------------------------------------------------------------


def design_of(accounts, *, population, answered=None, stratum="s"):
    answered = np.ones(len(accounts), dtype=bool) if answered is None else np.asarray(answered)
    frame = pd.DataFrame({"respondent_id": np.asarray(accounts)[answered], "overall": 4})
    frame["customer_id"] = frame["respondent_id"]
    units = pd.DataFrame({"customer_id": accounts, "stratum": stratum, "psu": accounts})
    units = units.assign(
        n_population=float(population), base_weight=1.0, answered=answered, p_response=1.0,
        weight=answered.astype(float), n_people=np.nan,
    )  # fmt: skip
    return Design(responses=collect_responses(frame), units=units)


def test_covariance_by_hand():
    """Tam: (n_c − n₁ n₂ / N) s₁₂; four drawn of twenty in each wave, three in both."""
    first, second = design_of(list("abcd"), population=20), design_of(list("bcde"), population=20)
    u1, u2 = np.array([0.0, 1.0, 2.0, 5.0]), np.array([3.0, 1.0, 2.0, 6.0])
    product = ((u1 - 2)[1:] * (u2 - 3)[:3]).sum()  # b, c, d
    expected = (3 - 4 * 4 / 20) / 3 * (4 / 3) * product
    assert covariance(first, second, u1[:, None], u2[:, None]) == pytest.approx([expected])


def test_a_panel_has_the_whole_variance():
    design = design_of([f"a{i}" for i in range(30)], population=90)
    scores = np.random.default_rng(1).normal(size=(30, 2))
    assert covariance(design, design, scores, scores) == pytest.approx(design.variance_of(scores))


def test_strangers_and_a_stratum_drawn_whole_have_none():
    scores = np.arange(4.0)[:, None]
    first, second = design_of(list("abcd"), population=20), design_of(list("efgh"), population=20)
    assert covariance(first, second, scores, scores) == 0
    whole = design_of(list("abcd"), population=4)
    assert covariance(whole, whole, scores, scores) == 0


N, DRAWN, P = (60, 240), (60, 80), 0.7


def draw_waves(rng, everybody, *, kind, same_people):
    """Two waves of two strata, the first drawn whole; who answers is drawn anew, or the same in both.

    ``everybody``: what each account would answer in either wave.
    """
    strata = np.repeat([0, 1], N)
    fate = rng.random(len(strata)) < P
    picks = [[], []]
    for h in (0, 1):
        ids = np.flatnonzero(strata == h)
        first = rng.choice(ids, DRAWN[h], replace=False)
        picks[0].append(first)
        picks[1].append(first if kind == "panel" else rng.choice(ids, DRAWN[h], replace=False))
    designs = []
    for t in (0, 1):
        drawn = np.concatenate(picks[t])
        answered = (fate if same_people else rng.random(len(strata)) < P)[drawn]
        h = strata[drawn]
        base = np.array(N)[h] / np.array(DRAWN)[h]
        rate = pd.Series(answered).groupby(h).transform("mean").to_numpy()
        units = pd.DataFrame(
            {
                "customer_id": drawn.astype(str), "stratum": h.astype(str), "psu": drawn.astype(str),
                "n_population": np.array(N, dtype=float)[h], "base_weight": base, "answered": answered,
                "p_response": rate, "weight": np.where(answered, base / rate, 0.0), "n_people": np.nan,
            }
        )  # fmt: skip
        rows = everybody[t].rows.iloc[drawn[answered]].reset_index(drop=True)
        responses = replace(everybody[t], rows=rows)
        designs.append(Design(responses=responses, units=units, response_terms=np.eye(2)[h]))
    return designs


def covariance_of_repeated_surveys(rng, answers, *, kind, same_people, times=2000):
    """Variances and covariance of the two waves' means over many surveys of one population, drawn plainly."""
    means, at = np.zeros((2, times)), 0
    for size, n in zip(N, DRAWN, strict=True):
        order = [rng.random((times, size)) for _ in (0, 1)]
        drawn = [u <= np.partition(u, n - 1, axis=1)[:, [n - 1]] for u in order]
        answering = [rng.random((times, size)) < P for _ in (0, 1)]
        for t in (0, 1):
            there = drawn[0 if kind == "panel" else t] & answering[0 if same_people else t]
            means[t] += size / sum(N) * (there @ answers[t][at : at + size]) / there.sum(axis=1)
        at += size
    return np.cov(means)


@pytest.mark.parametrize(
    ("kind", "same_people", "least", "most"),
    [("fresh", False, -0.05, 0.05), ("panel", False, 0.2, 0.5), ("panel", True, 0.6, 0.9)],
)
def test_the_covariance_is_that_of_repeated_surveys(kind, same_people, least, most):
    """Fresh draws: none; a panel: much, and more where the same accounts answer."""
    rng = np.random.default_rng(4)
    taste = rng.normal(size=sum(N))
    answers = [
        np.clip(np.rint(3.4 + shift + 0.9 * taste + 0.45 * rng.normal(size=sum(N))), 1, 5) for shift in (0.0, 0.1)
    ]
    truth = covariance_of_repeated_surveys(rng, answers, kind=kind, same_people=same_people)
    scale = (truth[0, 0] * truth[1, 1]) ** 0.5
    who = np.arange(sum(N)).astype(str)
    everybody = [
        collect_responses(pd.DataFrame({"respondent_id": who, "customer_id": who, "overall": y})) for y in answers
    ]
    said = []
    for _ in range(16):
        designs = draw_waves(rng, everybody, kind=kind, same_people=same_people)
        found = [linearize(d, d.responses.rows[["overall"]].to_numpy(), each="account") for d in designs]
        said.append(covariance(*designs, *(f.scores for f in found))[0] / scale)
    assert least < truth[0, 1] / scale < most
    assert np.mean(said) == pytest.approx(truth[0, 1] / scale, abs=0.1)


# -- who did not answer again ----------------------------------------------------------------------------------------


def test_dropouts_are_profiled():
    """Those who stay say 3, 4 or 5, those who go 2 to 4."""
    stay, go = {f"s{i}": 3 + i % 3 for i in range(21)}, {f"g{i}": 2 + i % 3 for i in range(18)}
    result = compare_waves(waves_of(stay | go, stay))
    rows = result.dropouts.query("measure == 'mean' and level_3 == 'neutral'").set_index("group_name")
    assert rows["estimate"].to_dict() == {"answered again": 4.0, "no answer again": 3.0}
    gone = rows.loc["no answer again"]
    assert (gone["gap"], gone["n_accounts"]) == (-1.0, 18)
    welch = stats.ttest_ind(list(go.values()), list(stay.values()), equal_var=False)
    assert gone["gap_high"] - gone["gap_low"] == pytest.approx(2 * 2.11 / -welch.statistic, rel=0.05)
    assert result.checks[1].verdict == "does not hold"
    assert "Those who did not answer again had been at 33.3%, −33.3 percentage points against those" in result.answer()
    assert result.checks[1].assumption.startswith("those who did not answer again")


def test_who_was_asked_and_kept_silent_is_told_from_who_was_not_asked():
    names = [f"a{i}" for i in range(40)]
    first = dict.fromkeys(names[:30], 4) | dict.fromkeys(names[30:], 2)
    responses = waves_of(first, dict.fromkeys(names[:14], 5))
    designs = {
        "2023": design_of(names, population=400),
        "2024": design_of(names[:26], population=400, answered=[i < 14 for i in range(26)]),
    }
    designs = {wave: replace(d, responses=responses.of_wave(wave)) for wave, d in designs.items()}
    result = compare_waves(responses, designs=designs)
    rows = result.dropouts.query("measure == 'mean' and level_3 == 'neutral'")
    assert dict(zip(rows["group_name"], rows["n_accounts"], strict=True)) == {
        "answered again": 14,
        "asked, no answer": 12,
        "not asked again": 14,
    }
    assert result.checks[1].assumption.startswith("those who were asked again and did not answer")


def test_those_asked_again_who_kept_silent_are_called_so():
    names = [f"a{i}" for i in range(40)]
    responses = waves_of({a: 2 + i % 4 for i, a in enumerate(names)}, {a: 3 + i % 3 for i, a in enumerate(names[:20])})
    designs = {
        "2023": design_of(names, population=400),
        "2024": design_of(names[:36], population=400, answered=[i < 20 for i in range(36)]),
    }
    designs = {wave: replace(d, responses=responses.of_wave(wave)) for wave, d in designs.items()}
    answer = compare_waves(responses, designs=designs).answer()
    assert "Those who were asked again and did not answer had been at 50.0%, 0.0 percentage points" in answer
    assert "did not answer again" not in answer


# -- answers, checks, bad input --------------------------------------------------------------------------------------


def test_three_waves_are_compared_in_turn_and_first_to_last(panel):
    rows = waves_of(*panel).rows
    third = rows[rows["wave"] == "2024"].assign(wave="2025", overall=lambda r: np.minimum(r["overall"] + 1, 5))
    result = compare_waves(collect_responses(pd.concat([rows, third])), each=["account"])
    pairs = result.changes[["from_wave", "to_wave"]].drop_duplicates().values.tolist()
    assert pairs == [["2023", "2024"], ["2024", "2025"], ["2023", "2025"]]
    assert (result.from_wave, result.to_wave) == ("2024", "2025")
    assert "From wave 2024 to wave 2025" in result.answer()


def test_a_change_that_hangs_on_level_3_is_flagged():
    first = {f"a{i}": y for i, y in enumerate([5] * 60 + [3] * 200 + [1] * 10)}
    second = {f"b{i}": y for i, y in enumerate([5] * 100 + [3] * 60 + [1] * 30)}
    check = compare_waves(waves_of(first, second), each=["account"]).checks[2]
    assert check.verdict == "does not hold" and "of the overall judgment" in check.finding
    assert compare_waves(waves_of(dict.fromkeys("abcdefghijkl", 4), dict.fromkeys("abcdefghijkl", 5))).checks[
        2
    ].verdict == ("not testable")


def test_few_accounts_have_no_change_and_a_reason(panel):
    first, second = panel
    few = dict(list(second.items())[:6]) | {f"n{i}": 4 - i % 3 for i in range(20)}
    row = change(compare_waves(waves_of(first, few), each=["account"]), BOTH)
    assert row["n_both"] == 6 and np.isnan(row["estimate"]) and row["why"] == "fewer than 10 accounts"
    result = compare_waves(waves_of(first, dict(list(second.items())[:5])), each=["account"])
    assert result.answer().endswith("nothing can be said of “overall”: fewer than 10 accounts.")
    assert all(figure.note for figure in result.answer().key_figures)


def test_a_question_of_one_wave_is_named(panel):
    rows = waves_of(*panel).rows
    rows["recommend"] = np.where(rows["wave"] == "2024", 9, np.nan)
    result = compare_waves(collect_responses(rows))
    score = result.changes.query("measure == 'NPS' and compared == 'all who answered'").iloc[0]
    assert score["why"] == "nobody answered in one of the waves"
    assert result.checks[4].verdict == "handled" and "readiness to recommend" in result.checks[4].finding


@pytest.mark.parametrize(
    ("low", "high", "verdict", "said"),
    [
        (-0.01, 0.04, "holds", "-1.0 points to 4.0 points: within 5.0 points either way"),
        (0.01, 0.04, "holds", "within 5.0 points"),
        (0.01, 0.09, "does not hold", "not the same"),
        (-0.09, -0.06, "does not hold", "not the same"),
        (-0.01, 0.09, "not testable", "too few to tell within 5.0 points either way"),
        (-0.3, 0.3, "not testable", "-30.0 points to 30.0 points: too few"),
    ],
)
def test_want_of_evidence_does_not_make_an_assumption_hold(low, high, verdict, said):
    found, words = judge_difference(Wording(), "top two", low, high, 0.05, 0.95)
    assert found == verdict and said in words


def test_margins_are_parts_of_the_scale(panel):
    rows = waves_of(*panel).rows.assign(recommend=8)
    responses = collect_responses(rows)
    margins = [margin_of(responses, *of) for of in (("overall", "mean"), ("overall", "top two"), ("recommend", "NPS"))]
    assert margins == [0.2, 0.05, 10.0] and margin_of(responses, "recommend", "mean") == 0.5


def test_few_accounts_cannot_tell_whether_both_changes_are_alike(panel):
    """All answered as those in both did, but neither change is known well; a large panel knows; other accounts turn it."""
    assert compare_waves(waves_of(*panel), each=["account"]).checks[0].verdict == "not testable"
    many = [{f"{a}-{i}": y for a, y in wave.items() for i in range(60)} for wave in panel]
    calm = compare_waves(waves_of(*many), each=["account"]).checks[0]
    assert calm.verdict == "holds" and "within 5.0 points either way" in calm.finding
    rising = dict.fromkeys([f"s{i}" for i in range(150)], 2), {f"s{i}": 2 + 2 * (i % 4 > 0) for i in range(150)}
    falling = {f"g{i}": 5 for i in range(300)}, {f"n{i}": 2 + 2 * (i % 9 == 0) for i in range(300)}
    turned = compare_waves(waves_of(rising[0] | falling[0], rising[1] | falling[1]), each=["account"]).checks[0]
    assert turned.verdict == "does not hold" and "down over all, up over the accounts in both" in turned.finding


def test_changes_that_are_clear_in_neither_reading_test_nothing():
    first = {f"a{i}": 1 + i % 5 for i in range(40)}
    check = compare_waves(waves_of(first, {a: 6 - y for a, y in first.items()})).checks[2]
    assert check.verdict == "not testable" and "too few to tell" in check.finding


def test_checks_call_a_question_by_its_text(panel):
    rows = waves_of(*panel).rows
    rows["on_time"] = np.where(rows["wave"] == "2024", 4, np.nan)
    items = pd.DataFrame({"item": ["on_time"], "text": ["Deliveries arrive on the day."], "theme": ["delivery"]})
    result = compare_waves(collect_responses(rows, items=items), outcomes=["overall", "on_time"], each=["account"])
    assert result.checks[4].finding == "not answered in some: “Deliveries arrive on the day”"


def test_bad_input(panel):
    responses = waves_of(*panel)
    with pytest.raises(UndefinedMeasureError, match="one wave"):
        compare_waves(responses.of_wave("2023"))
    with pytest.raises(ParameterError, match="no question 'price'"):
        compare_waves(responses, outcomes=["price"])
    with pytest.raises(ParameterError, match="min_n"):
        compare_waves(responses, min_n=0)
    with pytest.raises(ParameterError, match="level"):
        compare_waves(responses, level=2)
    with pytest.raises(ParameterError, match="no design"):
        compare_waves(responses, designs={})
