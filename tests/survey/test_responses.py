"""Answers made ready: by hand on a few rows, and on the sample."""

import pandas as pd
import pytest

import kam
from kam.errors import DataError, EmptyDataError, MissingColumnError, ParameterError
from kam.survey import answer_weights, collect_responses, one_phase_design, one_phase_designs, read_survey
from kam.survey.responses import SCORES
from kam.wording import Wording


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "respondent_id": ["a1", "a2", "b1", "c1"],
            "wave": ["w2", "w2", "w2", "w1"],
            "customer_id": ["A", "A", None, "A"],
            "answered_on": pd.to_datetime(["2024-05-03", "2024-05-01", "2024-05-09", "2023-05-02"]),
            "weight": [2.0, 4.0, 1.0, 1.0],
            "overall": [5, 3, 1, None],
            "recommend": [10, 7, 0, 8],
            "slow": [1, 2, 5, 3],
            "role": ["x", "y", "y", "x"],
        }
    )


def collect(frame, **options):
    items = pd.DataFrame({"item": ["slow"], "text": ["They are slow."], "reversed": [True]})
    return collect_responses(frame, items=items, groups=["role"], **options)


def test_reversed_items_are_turned_and_the_input_is_left_alone(frame):
    before = frame.copy()
    responses = collect(frame)
    assert responses.rows["slow"].tolist() == [5, 4, 1, 3]
    pd.testing.assert_frame_equal(frame, before)
    assert responses.items[["low", "high"]].values.tolist() == [[1, 5]]


def test_who_has_no_account_is_one(frame):
    assert collect(frame).rows["customer_id"].tolist() == ["A", "A", "b1", "A"]
    assert not collect(frame.drop(columns="customer_id")).has_accounts


def test_waves_come_in_the_order_of_their_days(frame):
    responses = collect(frame.replace({"wave": {"w1": "z"}}))
    assert responses.waves == ("z", "w2")
    assert [str(day) for day in responses.origins] == ["2023-05-02", "2024-05-01"]
    assert responses.of_wave("w2").rows["respondent_id"].tolist() == ["a1", "a2", "b1"]
    with pytest.raises(ParameterError, match="no wave 'w9'"):
        responses.of_wave("w9")
    assert collect(frame.drop(columns="answered_on")).waves == ("w1", "w2")


def test_level_3_as_no_opinion_is_no_answer(frame):
    responses = collect(frame, level_3="no_opinion")
    assert (responses.level_3, responses.declared_level_3) == ("neutral", "no_opinion")
    without = responses.read_level_3_as("no_opinion")
    assert without.rows["overall"].isna().tolist() == [False, True, False, True]
    assert without.rows["slow"].isna().tolist() == [False, False, False, True]
    assert without.rows["recommend"].tolist() == [10, 7, 0, 8], "no five levels"
    with pytest.raises(ParameterError, match="taken out already"):
        without.read_level_3_as("neutral")


def test_who_answers_nothing_is_named(frame):
    frame.loc[1, ["overall", "recommend", "slow"]] = None
    responses = collect(frame)
    assert responses.left_out.values.tolist() == [["a2", "w2", "answered nothing on a scale"]]
    assert "a2" not in set(responses.rows["respondent_id"]) | set(responses.status["respondent_id"])


@pytest.mark.parametrize(
    ("column", "value", "error", "match"),
    [
        ("overall", 6, DataError, r"'overall' are out of the scale from 1 to 5.*respondent a1 in wave w2 \(6"),
        ("recommend", -1, DataError, r"'recommend' are out of the scale from 0 to 10.*a1"),
        ("slow", 0, DataError, r"'slow' are out of the scale.*a1"),
        ("weight", 0, DataError, r"Weights are missing or not above 0.*a1 in wave w2 \(0"),
        ("weight", None, DataError, "Weights are missing"),
        ("respondent_id", "a2", DataError, "answers twice in one wave.*respondent a2 in wave w2"),
        ("respondent_id", None, DataError, "no respondent_id"),
    ],
)
def test_what_cannot_be_used_is_named_with_its_rows(frame, column, value, error, match):
    frame.loc[0, column] = value
    with pytest.raises(error, match=match):
        collect(frame)


def test_what_is_not_there_is_named(frame):
    with pytest.raises(MissingColumnError, match="'slow'"):
        collect(frame.drop(columns="slow"))
    with pytest.raises(MissingColumnError, match="no answers"):
        collect_responses(frame[["respondent_id", "wave"]])
    with pytest.raises(EmptyDataError, match="no row"):
        collect(frame.iloc[:0])
    with pytest.raises(EmptyDataError, match="Nobody answered"):
        collect_responses(pd.DataFrame({"respondent_id": ["a"], "overall": [None]}))
    with pytest.raises(ParameterError, match="twice"):
        collect_responses(frame, items=["slow", "slow"])


def test_the_sample_comes_with_its_items_and_statuses(sample_company):
    dataset = sample_company
    responses = read_survey(dataset)
    assert responses.waves == ("2023-11", "2024-11") and responses.groups == ("role",)
    assert set(responses.answer_columns) == {*SCORES, *responses.items["item"]}
    assert set(responses.status["status"]) == {"answered", "not applicable", "no answer"}
    raw = dataset.survey
    assert (responses.rows["chasing"].dropna() == 6 - raw["chasing"].dropna()).all(), "declared as reversed"


def test_the_spread_is_of_accounts_in_the_last_wave(frame):
    assert collect(frame).spread() == pytest.approx(pd.Series([4.0, 1.0]).std())
    assert collect(frame.assign(overall=3)).spread() is None, "all equal"
    assert collect(frame.drop(columns="overall")).spread() is None
    assert collect(frame).loyalty_question == "recommend"


def test_what_there_is_in_sentences(frame):
    frame.loc[1, ["overall", "recommend", "slow"]] = None
    say = Wording("en")
    assert collect(frame).lines(say) == [
        "3 answers of 2 accounts in the waves w1 (1) and w2 (2).",
        "Left out: 1 row, in which nothing on a scale was answered.",
    ]
    assert "names no accounts" in collect(frame.drop(columns="customer_id")).lines(say)[1]


def test_a_survey_that_is_not_there_is_named(tmp_path):
    (tmp_path / "orders.csv").write_text("customer_id,order_date,amount\na,2024-01-01,5\n", encoding="utf-8")
    (tmp_path / "dataset.yaml").write_text("name: x\ntables:\n  ledger: {source: orders.csv}\n", encoding="utf-8")
    with pytest.raises(DataError, match="no survey"):
        read_survey(kam.open_dataset(tmp_path / "dataset.yaml"))


def test_weights_of_answers_by_hand(frame):
    """Account A of wave w2 has the mean weight 3 and two people with weights 2 and 4; b1 is alone."""
    responses = collect(frame)
    designs = one_phase_designs(responses)
    assert answer_weights(responses, designs).tolist() == pytest.approx([2, 4, 1, 1])
    assert answer_weights(responses, each="account").tolist() == pytest.approx([3 * 2 / 6, 3 * 4 / 6, 1, 1])
    with pytest.raises(ParameterError, match="2 waves"):
        one_phase_design(responses)


def test_level_3_leads_as_declared_as_far_as_it_can_still_be_read_so():
    frame = pd.DataFrame({"respondent_id": ["a", "b", "c"], "overall": [4, 3, 2]})
    neutral, declared = (collect_responses(frame, level_3=level_3) for level_3 in ("neutral", "no_opinion"))
    assert neutral.readings == declared.readings == ("neutral", "no_opinion")
    assert (neutral.leading_reading, declared.leading_reading) == ("neutral", "no_opinion")
    taken_out = neutral.read_level_3_as("no_opinion")
    assert taken_out.readings == ("no_opinion",) and taken_out.leading_reading == "no_opinion"
