"""Who was asked, who answered, what was known before and what came after."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from kam.errors import DataError, EmptyDataError, MissingColumnError
from kam.ledger import open_ledger, snapshots
from kam.survey import Responses, collect_responses, survey_frame


@pytest.fixture(scope="module")
def responses() -> Responses:
    return collect_responses(
        pd.DataFrame(
            {
                "respondent_id": ["a1", "a2", "x1"],
                "customer_id": ["a", "a", "x"],
                "wave": "2024",
                "answered_on": pd.to_datetime(["2024-06-01", "2024-06-20", "2024-06-05"]),
                "overall": [4, 5, 2],
            }
        )
    )


@pytest.fixture(scope="module")
def sample() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": ["a", "b", "c", "new"],
            "wave": "2024",
            "stratum": ["key", "key", "rest", "rest"],
            "probability": [1.0, 1.0, 0.25, 0.25],
            "status": [None, "refused", "not_reached", None],
        }
    )


@pytest.fixture(scope="module")
def facts() -> pd.DataFrame:
    days = [
        "2022-01-01",
        "2023-12-01",
        "2024-05-31",
        "2024-06-10",
        "2023-10-01",
        "2022-02-01",
        "2024-03-01",
        "2025-07-01",
    ]
    orders = pd.DataFrame(
        {
            "customer_id": ["old", "a", "a", "a", "b", "c", "d", "z"],
            "order_date": days,
            "amount": [10.0, 100, 50, 7, 80, 60, 40, 1],
        }
    )
    return snapshots(
        open_ledger(orders), origins=[date(2024, 6, 1), date(2024, 6, 21)], horizon_days=364, k=12
    ).rows  # fmt: skip


def test_the_sample_alone(responses: Responses, sample: pd.DataFrame) -> None:
    frame = survey_frame(responses, sample=sample, contacts=pd.DataFrame({"customer_id": ["a", "a", "b"]}))
    assert frame["customer_id"].tolist() == ["a", "b", "c", "new", "x"]
    assert frame["drawn"].tolist() == [True] * 4 + [False]
    assert frame["answered"].tolist() == [True, False, False, False, True]
    assert frame["status"].tolist() == ["answered", "refused", "not_reached", "not answered", "unknown account"]
    assert frame["n_population"].tolist()[:4] == [2, 2, 8, 8]
    assert frame["certainty"].tolist()[:4] == [True, True, False, False]
    assert frame["n_people"].tolist()[:2] == [2, 1]
    assert frame["n_people"].isna().tolist()[2:] == [True] * 3
    assert not frame["in_ledger"].any()


def test_facts_lie_before_the_first_answer_and_outcomes_after_the_last(
    responses: Responses, sample: pd.DataFrame, facts: pd.DataFrame
) -> None:
    frame = survey_frame(responses, sample=sample, facts=facts).set_index("customer_id")
    assert frame.loc["a", "revenue"] == 150  # not the order of 10 June, during the field
    assert frame.loc["a", "days_since_last_order"] == 1
    assert frame.loc["a", "revenue_next"] == 0  # from 21 June on
    during = survey_frame(responses, sample=sample, facts=facts[facts["origin"] == "2024-06-01"])
    assert (
        during.set_index("customer_id").loc["a", "revenue_next"] == 7
    )  # without the later origin, from the first answer on
    assert frame.loc["d", ["drawn", "status"]].tolist() == [False, "not drawn"]
    assert "old" not in frame.index  # nothing ordered in the year before
    assert frame.loc["c", "in_ledger"]
    assert not frame.loc["new", "in_ledger"]
    assert pd.isna(frame.loc["new", "revenue"])


def test_without_a_sample_everybody_active_is_taken_as_asked(responses: Responses, facts: pd.DataFrame) -> None:
    frame = survey_frame(responses, facts=facts)
    asked = frame[frame["drawn"]]
    assert asked["customer_id"].tolist() == ["a", "b", "d"]
    assert (asked["probability"] == 1).all()
    assert (asked["n_population"] == 3).all()
    assert set(asked["status"]) == {"taken as asked"}
    assert frame.loc[~frame["drawn"], ["customer_id", "status"]].values.tolist() == [["x", "unknown account"]]


def test_without_anything_who_answered_is_all_there_is() -> None:
    responses = collect_responses(pd.DataFrame({"respondent_id": ["1", "2"], "stratum": ["s", "t"], "overall": [1, 5]}))
    frame = survey_frame(responses)
    assert frame["stratum"].tolist() == ["s", "t"]
    assert set(frame["status"]) == {"answers only"}
    with pytest.raises(MissingColumnError, match="which account"):
        survey_frame(responses, sample=pd.DataFrame({"customer_id": ["1"], "wave": "1"}))


def test_accounts_drawn_for_certain_are_a_stratum_of_their_own(responses: Responses, sample: pd.DataFrame) -> None:
    frame = survey_frame(responses, sample=sample.assign(stratum="all"))
    by = frame[frame["drawn"]].groupby("stratum")["n_population"].agg(["first", "size"])
    assert by.to_dict("index") == {"all": {"first": 8, "size": 2}, "all, certain": {"first": 2, "size": 2}}


def test_a_wave_that_nobody_answered_stays(responses: Responses, sample: pd.DataFrame) -> None:
    frame = survey_frame(responses, sample=pd.concat([sample, sample.assign(wave="2023")]))
    assert frame.groupby("wave", sort=False)["answered"].sum().to_dict() == {"2023": 0, "2024": 2}


def test_bad_input(responses: Responses, sample: pd.DataFrame, facts: pd.DataFrame) -> None:
    with pytest.raises(MissingColumnError, match="'wave'"):
        survey_frame(responses, sample=sample.drop(columns="wave"))
    with pytest.raises(EmptyDataError, match="No wave of the sample"):
        survey_frame(responses, sample=sample.assign(wave="2020"))
    with pytest.raises(DataError, match=r"drawn twice.*customer a in wave 2024"):
        survey_frame(responses, sample=pd.concat([sample, sample.head(1)]))
    for bad in (0.0, 1.5, None):
        with pytest.raises(DataError, match=r"Probabilities.*customer b"):
            survey_frame(responses, sample=sample.assign(probability=[1.0, bad, 0.25, 0.25]))
    with pytest.raises(DataError, match=r"know nobody.*2024-06-01"):
        survey_frame(responses, sample=sample, facts=facts.assign(origin=pd.Timestamp("2020-01-01")))
    with pytest.raises(MissingColumnError, match="n_days_year"):
        survey_frame(responses, sample=sample, facts=facts.drop(columns="n_days_year"))
