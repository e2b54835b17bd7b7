"""San Francisco airport's customer survey, six waves, 18,038 respondents."""

import time

import pandas as pd
import pytest

from kam.survey import collect_responses, compare_waves, estimate, nps


@pytest.fixture(scope="module")
def frame(real_data):
    raw = pd.read_parquet(real_data("sfo_survey/sfo_2013_2018_harmonised.parquet"))
    named = raw.rename(columns={"nps": "recommend", "q7_all": "overall", "strata": "stratum"})
    return named.assign(wave=raw["year"].astype(str), respondent_id=raw["respnum"].astype(str))


@pytest.fixture(scope="module")
def responses(frame):
    items = [c for c in frame if c.startswith("q7_") and not c.endswith("_na")]
    return collect_responses(frame, items=items)


def test_the_net_promoter_score(frame):
    for wave, plain, weighted in (("2017", 39.84, 40.40), ("2018", 30.98, 35.11)):
        rows = frame[frame["wave"] == wave]
        assert round(nps(rows["recommend"]).nps, 2) == plain
        assert round(nps(rows["recommend"], weights=rows["weight"]).nps, 2) == weighted


def test_all_estimates_in_seconds(responses):
    start = time.process_time()
    found = estimate(responses, by="stratum")
    assert time.process_time() - start < 10  # 2 s on a quiet machine
    scores = found.find("recommend", "NPS").set_index("wave")
    assert scores.loc[["2017", "2018"], "estimate"].round(2).tolist() == [40.40, 35.11]
    assert (scores.loc["2013":"2016", "why"] == "nobody answered").all()
    assert set(found.measures["each"]) == {"respondent"}  # accounts are not known
    counted = found.questions.query("item == 'overall'").set_index("wave")["n_answered"]
    assert counted.to_dict() == responses.rows.groupby("wave")["overall"].count().to_dict()


def test_the_score_fell_and_waves_are_independent_samples(responses):
    found = compare_waves(responses)
    fall = found.changes.query("from_wave == '2017' and to_wave == '2018' and measure == 'NPS'").set_index("compared")
    assert fall.loc["all who answered", "estimate"] == pytest.approx(35.11 - 40.40, abs=0.01)
    assert fall.loc["all who answered", "ci_high"] < 0
    assert fall.loc["accounts in both", "why"] == "the accounts are not known"
    assert found.dropouts.empty
