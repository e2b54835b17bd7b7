import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from kam.errors import DataError, EmptyDataError, MissingColumnError, ParameterError
from kam.samples import simulate_company
from kam.survey import collect_responses, draw_sample, survey_frame, track_responses
from kam.survey.frame import ANSWERS_ONLY, TAKEN_AS_ASKED


def field(wave, stratum, n_all, n_drawn, n_answered, n_refused=0, n_not_reached=0):
    """One stratum of a wave, as a frame has it; the rest is open."""
    status = ["answered"] * n_answered + ["refused"] * n_refused + ["not_reached"] * n_not_reached
    return pd.DataFrame(
        {
            "customer_id": [f"{stratum}{i}" for i in range(n_drawn)],
            "wave": wave,
            "drawn": True,
            "stratum": stratum,
            "probability": n_drawn / n_all,
            "status": status + [None] * (n_drawn - len(status)),
            "answered": [True] * n_answered + [False] * (n_drawn - n_answered),
        }
    )


def fields(*rows):
    return pd.concat([field(*row) for row in rows], ignore_index=True)


HAND = fields(
    ("2024", "key", 20, 20, 15, 1, 2),
    ("2024", "small", 400, 100, 60, 10, 30),
    ("2025", "small", 500, 100, 30, 20, 10),
    ("2025", "key", 20, 20, 14, 4, 2),
)


def finding(result, words):
    return next(check for check in result.checks if words in check.assumption)


def test_counts_by_hand():
    result = track_responses(HAND)
    strata = result.strata
    assert strata["wave"].tolist() == ["2024", "2024", "2025", "2025"]
    assert strata["stratum"].tolist() == ["key", "small"] * 2  # the one drawn most fully first
    assert strata["n_population"].tolist() == [20, 400, 20, 500]
    assert strata[["n_drawn", "n_answered", "n_refused", "n_not_reached", "n_open"]].to_numpy().tolist() == [
        [20, 15, 1, 2, 2],
        [100, 60, 10, 30, 0],
        [20, 14, 4, 2, 0],
        [100, 30, 20, 10, 40],
    ]
    assert strata["n_to_remind"].tolist() == [4, 30, 2, 50]
    for row in strata.itertuples():
        low, high = proportion_confint(row.n_answered, row.n_drawn, method="wilson")
        assert (row.share_answered, row.ci_low, row.ci_high) == pytest.approx((row.n_answered / row.n_drawn, low, high))
    waves = result.waves
    assert waves["n_drawn"].tolist() == [120, 120] and waves["n_answered"].tolist() == [75, 44]
    assert waves.loc[1, "share_answered"] == pytest.approx(44 / 120)
    assert result.wave == "2025"


def test_expected_is_the_wave_before():
    strata = track_responses(HAND).strata
    assert strata["share_expected"].isna().tolist() == [True, True, False, False]
    assert strata["n_expected"].tolist()[2:] == [15, 60]
    assert strata["standing"].tolist() == ["nothing expected", "nothing expected", "as expected", "below"]
    assert strata["n_short"].tolist()[2:] == [1, 30]
    check = finding(track_responses(HAND), "as many answer")
    assert (check.verdict, check.finding) == ("does not hold", "fewer do, beyond chance, in small in 2025")


@pytest.mark.parametrize("n_answered", range(40, 61, 2))
def test_below_the_wave_before_is_newcombes_interval(n_answered):
    frame = fields(("a", "s", 400, 100, 60), ("b", "s", 400, 100, n_answered))
    low, high = confint_proportions_2indep(n_answered, 100, 60, 100, method="newcomb", compare="diff")
    standing = track_responses(frame).strata["standing"].iloc[-1]
    assert standing == ("below" if high < 0 else "above" if low > 0 else "as expected")


def test_expected_as_given():
    result = track_responses(HAND, expected_response={"key": 0.85, "small": 0.3})
    assert result.strata["standing"].tolist() == ["as expected", "above", "as expected", "as expected"]
    assert result.strata["n_short"].tolist() == [2, 0, 3, 0]
    assert result.waves["n_short"].tolist() == [0, 3]  # of 47 expected 75 and 44 have come
    assert result.answer() == (
        "Of 120 accounts drawn for wave 2025, 44 have answered (36.7%, 95% interval 28.6% to 45.6%), fewest in small: 30 of 100. "
        "For the 47 that were expected, 3 more are needed of the 52 that neither answered nor refused."
    )
    assert track_responses(HAND, expected_response=0.2).strata["standing"].iloc[2] == "above"
    assert "That is as many as expected (24) or more." in track_responses(HAND, expected_response=0.2).answer()
    assert "are missing, and only 52 can be reminded" in track_responses(HAND, expected_response=0.95).answer()
    first = track_responses(HAND[HAND["wave"] == "2024"])
    assert finding(first, "as many answer").verdict == "not testable"
    assert first.answer().endswith("fewest in small: 60 of 100.")


def test_how_many_more_for_a_half_width():
    last = HAND[HAND["wave"] == "2025"]
    result = track_responses(last, half_width=0.15, std_dev=0.9)
    z, size, answered, left = norm.ppf(0.975), np.array([20, 500]), np.array([14, 30]), np.array([2, 50])

    def half_width(n):
        return z * np.sqrt(((size / 520) ** 2 * 0.81 * (1 / n - 1 / size)).sum())

    assert result.waves.loc[0, "half_width"] == pytest.approx(half_width(answered))
    assert result.waves.loc[0, "half_width_all"] == pytest.approx(half_width(answered + left))
    assert half_width(answered) > 0.25
    impossible = track_responses(last, half_width=0.15, std_dev=0.9)
    assert impossible.strata["n_short"].isna().all()
    assert impossible.answer().endswith(
        f"Even if all 52 that neither answered nor refused still did, the half width would be {half_width(answered + left):.3f}, "
        "not 0.150."
    )
    result = track_responses(last, half_width=0.25, std_dev=0.9)
    share = next(q for q in np.linspace(0, 1, 100_001) if half_width(answered + q * left) <= 0.25)
    assert result.strata["n_short"].tolist() == np.ceil(share * left).tolist()
    assert result.waves.loc[0, "share_needed"] == pytest.approx(result.strata["n_short"].sum() / 52)
    assert "For a half width of 0.250," in result.answer()
    assert half_width(answered + result.strata["n_short"].to_numpy()) <= 0.25
    reached = track_responses(last, half_width=0.4, std_dev=0.9)
    assert reached.strata["n_short"].tolist() == [0, 0]
    assert "The half width of 0.400 is reached." in reached.answer()


def test_a_stratum_of_which_nothing_can_be_said():
    frame = fields(("w", "key", 10, 10, 6), ("w", "middle", 50, 10, 1), ("w", "small", 90, 10, 0))
    result = track_responses(frame)
    assert result.answer().endswith("Nobody or one only has answered in middle and small: of that nothing can be said.")
    check = finding(result, "two accounts or more")
    assert (check.verdict, check.finding) == ("does not hold", "nobody or one only in middle in w and small in w")
    assert track_responses(frame, half_width=0.3, std_dev=1.0).waves["half_width"].isna().all()
    refused = fields(("w", "key", 10, 10, 6), ("w", "small", 90, 10, 0, 10))
    assert (
        "cannot be reached: a stratum has nobody left" in track_responses(refused, half_width=0.3, std_dev=1.0).answer()
    )
    whole = track_responses(fields(("w", "one", 1, 1, 1), ("w", "rest", 9, 3, 2)))
    assert finding(whole, "two accounts or more").verdict == "holds"


def test_statuses_as_people_write_them():
    frame = field("w", "s", 40, 10, 2)
    frame["status"] = [
        "answered",
        "Refused",
        "DECLINED",
        "Not reached",
        "no-answer",
        "answered",
        "on holiday",
        "",
        None,
        "open",
    ]
    result = track_responses(frame)
    row = result.strata.iloc[0]
    assert row[["n_answered", "n_refused", "n_not_reached", "n_open"]].tolist() == [2, 1, 2, 5]
    check = finding(result, "agree")
    assert check.verdict == "handled"
    assert check.finding.startswith(
        "1 are said to have answered and have no answer here (they count as open), 1 have one"
    )
    assert finding(result, "what a status means").finding == "not of on holiday: 1 accounts count as open"
    assert finding(track_responses(HAND), "agree").verdict == "holds"


def test_who_was_not_drawn_is_not_counted():
    extra = field("2025", "small", 1, 3, 3).assign(drawn=False, customer_id=["x", "y", "z"], stratum=None)
    result = track_responses(pd.concat([HAND, extra]))
    pd.testing.assert_frame_equal(result.strata, track_responses(HAND).strata)
    assert finding(result, "only accounts that were drawn").finding == (
        "3 answered without having been drawn, and are not counted"
    )
    unknown = field("2023", "small", 1, 3, 3).assign(status=ANSWERS_ONLY)
    result = track_responses(pd.concat([unknown, HAND]))
    assert finding(result, "of every wave").finding == "not of 2023: there is no rate"
    assert set(result.strata["wave"]) == {"2024", "2025"}
    with pytest.raises(EmptyDataError, match=r"not known who was drawn.*waves 2023"):
        track_responses(unknown)
    with pytest.raises(EmptyDataError, match="not known who was drawn"):
        track_responses(HAND.assign(status=TAKEN_AS_ASKED))


def test_answers_without_a_sample_have_no_rate():
    answers = pd.DataFrame({"respondent_id": ["1", "2"], "overall": [4, 5], "wave": "2018"})
    with pytest.raises(EmptyDataError, match="there is no rate of response"):
        track_responses(survey_frame(collect_responses(answers)))


def test_the_sample():
    data = simulate_company(seed=3)
    frame = survey_frame(collect_responses(data.survey), sample=data.sample)
    result = track_responses(frame)
    naive = data.sample.groupby(["wave", "stratum"])["status"].value_counts().unstack()
    mine = result.strata.set_index(["wave", "stratum"])
    for column, status in (("n_answered", "answered"), ("n_refused", "refused"), ("n_not_reached", "not_reached")):
        assert mine[column].to_dict() == naive[status].to_dict()
    assert result.strata["stratum"].tolist() == ["key", "middle", "small"] * 2
    assert result.waves["n_drawn"].tolist() == [420, 420]
    population = data.survey.groupby(["wave", "stratum"])["fpc"].first()
    np.testing.assert_allclose(mine["n_population"], population.loc[mine.index], rtol=1e-4)
    assert [check.verdict for check in result.checks] == ["holds", "holds", "holds"]


def test_a_draw_is_tracked():
    frame = pd.DataFrame({"customer_id": [f"{i:03d}" for i in range(60)], "revenue": np.arange(60.0)})
    draw = draw_sample(frame, n=25, wave="2026", certainty=5)
    who = draw.call_list.groupby("stratum").head(3)["customer_id"].tolist()
    answers = pd.DataFrame({"respondent_id": who, "customer_id": who, "wave": "2026", "overall": 4})
    strata = track_responses(survey_frame(collect_responses(answers), sample=draw.drawn)).strata
    assert strata["stratum"].tolist() == draw.strata["stratum"].tolist() == ["largest", "all"]
    assert strata["n_population"].tolist() == pytest.approx(draw.strata["n_population"].tolist())
    assert strata["n_drawn"].tolist() == [5, 20] and strata["n_answered"].tolist() == [3, 3]
    assert strata["n_open"].tolist() == [2, 17]


def test_nothing_is_changed_and_one_stratum_is_enough():
    frame = HAND.drop(columns=["stratum", "status", "probability"])
    before = frame.copy()
    frame["customer_id"] = [f"{i}" for i in range(len(frame))]
    before["customer_id"] = frame["customer_id"]
    result = track_responses(frame)
    pd.testing.assert_frame_equal(frame, before)
    assert result.strata["stratum"].tolist() == ["all", "all"]
    assert result.strata["n_population"].isna().all()
    with pytest.raises(DataError, match=r"population of a stratum is not known.*stratum all in wave 2024"):
        track_responses(frame, half_width=0.1, std_dev=1.0)


@pytest.mark.parametrize(
    ("change", "options", "error", "message"),
    [
        (lambda f: f.drop(columns="drawn"), {}, MissingColumnError, "no column 'drawn'"),
        (lambda f: f.drop(columns="answered"), {}, MissingColumnError, "no column 'answered'"),
        (lambda f: pd.concat([f, f.tail(1)]), {}, DataError, "drawn twice in a wave.*'key19' in wave 2025"),
        (lambda f: f.assign(drawn=False), {}, EmptyDataError, "not known who was drawn"),
        (lambda f: f, {"expected_response": 60}, ParameterError, "response rate of 'key' is 60"),
        (lambda f: f, {"expected_response": {"key": 0.5}}, ParameterError, "response rate of 'small' is not given"),
        (lambda f: f, {"half_width": 0.1}, ParameterError, "std_dev is not given"),
        (lambda f: f, {"half_width": -0.1, "std_dev": 1}, ParameterError, "half_width is -0.1"),
        (lambda f: f, {"std_dev": 0}, ParameterError, "std_dev is 0"),
        (lambda f: f, {"level": 95}, ParameterError, "level of an interval is 95"),
    ],
)
def test_bad_input(change, options, error, message):
    with pytest.raises(error, match=message):
        track_responses(change(HAND), **options)
