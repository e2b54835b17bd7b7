import numpy as np
import pandas as pd
import pytest

from kam.churn import fit_markov_churn, person_periods
from kam.errors import MissingColumnError, ParameterError
from kam.ledger import Covariates, open_ledger, snapshots
from kam.samples import simulate_company
from kam.survey import collect_responses, satisfaction_states, survey_covariates

DAY = pd.Timestamp


@pytest.fixture(scope="module")
def company():
    return simulate_company(seed=3, n_accounts=400)


@pytest.fixture(scope="module")
def responses(company):
    return collect_responses(company.survey.drop(columns="comment"))


def small(**columns):
    frame = pd.DataFrame(
        {
            "respondent_id": ["1", "2", "3", "1", "2"],
            "customer_id": ["a", "a", "b", "a", "c"],
            "wave": ["2023", "2023", "2023", "2024", "2024"],
            "overall": [5, 4, 2, 3, 5],
            "answered_on": pd.to_datetime(["2023-03-04", "2023-03-09", "2023-03-20", "2024-03-08", "2024-03-09"]),
        }
    )
    return collect_responses(frame.assign(**columns))


def as_rows(panel):
    return panel.astype({"state": "str", "period": "str"}).values.tolist()


def test_states_by_hand():
    losses = pd.DataFrame(
        {
            "customer_id": ["a", "b", "c", "d", "e"],
            "lost_on": [pd.NaT, DAY("2023-10-01"), pd.NaT, DAY("2022-01-01"), pd.NaT],
            "first_order": [DAY("2020-01-01")] * 2 + [DAY("2023-06-01"), DAY("2020-01-01"), DAY("2020-01-01")],
        }
    )
    panel = satisfaction_states(small(), losses=losses)
    assert as_rows(panel) == [
        ["a", "2023-03-01", "high"],
        ["a", "2024-03-01", "middle"],
        ["b", "2023-03-01", "low"],
        ["b", "2024-03-01", "lost"],
        ["c", "2024-03-01", "high"],
        ["e", "2023-03-01", "not answered"],
        ["e", "2024-03-01", "not answered"],
    ]
    assert panel["state"].cat.ordered
    assert list(panel["state"].cat.categories) == ["low", "middle", "high", "not answered", "lost"]


def test_waves_at_uneven_distances_are_numbered():
    days = pd.to_datetime(["2023-03-04", "2023-03-09", "2023-03-20", "2024-01-08", "2024-01-09"])
    assert sorted(set(satisfaction_states(small(answered_on=days))["period"])) == [1, 2]


def test_the_markov_chain_runs_on_it(company, responses):
    left = company.truth.accounts.rename(columns={"left": "lost_on"})[["customer_id", "lost_on", "joined"]]
    panel = satisfaction_states(responses, losses=left.rename(columns={"joined": "first_order"}))
    assert not panel.duplicated(["customer_id", "period"]).any()
    chain = fit_markov_churn(panel, n_resamples=20)
    assert chain.names[-1] == "lost" and set(chain.names) == {"low", "middle", "high", "not answered", "lost"}
    begins = responses.field["first_answer"]
    expected = ((left["lost_on"] >= begins.iloc[0]) & (left["lost_on"] < begins.iloc[1])).sum()
    assert (panel["state"] == "lost").sum() == pytest.approx(expected, abs=3)  # some answered though they had left


def test_answers_are_covariates_of_the_churn_regression(company, responses):
    survey = survey_covariates(responses)
    assert list(survey.columns) == ["customer_id", "wave", "answered_on", "overall"]
    ledger = open_ledger(company.ledger, as_of="2025-12-31")
    origin = DAY("2024-06-01")
    rows = snapshots(ledger, origins=[origin.date()], horizon_days=364, k=4, covariates=Covariates(survey=survey)).rows
    before = survey[survey["answered_on"] < origin]
    expected = before.groupby("customer_id")["overall"].mean()
    known = rows.dropna(subset="satisfaction").set_index("customer_id")
    assert len(known) > 50
    assert known["satisfaction"].to_numpy() == pytest.approx(expected.loc[known.index].to_numpy())
    days = (origin - before.groupby("customer_id")["answered_on"].max()).dt.days
    np.testing.assert_array_equal(known["days_since_survey"], days.loc[known.index])
    periods = person_periods(ledger, k=4, freq="quarter", covariates=Covariates(survey=survey)).rows
    assert {"low", "middle", "high"} <= set(periods["satisfaction_band"])
    ledger.close()


def test_bad_input_is_named(responses):
    one = responses.of_wave(responses.waves[0])
    with pytest.raises(ParameterError, match="one wave"):
        satisfaction_states(one)
    with pytest.raises(ParameterError, match="no wave '1999'"):
        satisfaction_states(responses, waves=["1999"])
    bare = collect_responses(responses.rows.drop(columns="customer_id"))
    for function in (satisfaction_states, survey_covariates):
        with pytest.raises(MissingColumnError, match="which account"):
            function(bare)
    with pytest.raises(MissingColumnError, match="answered_on"):
        survey_covariates(collect_responses(responses.rows.drop(columns="answered_on")))
