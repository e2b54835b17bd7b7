"""Notebook 40 on the sample and on awkward parameters."""

import numpy as np
import pandas as pd
import pytest

import kam

NOTEBOOK = "40_satisfaction_survey.ipynb"
SAMPLE: dict[str, object] = {}


def test_every_cell_completes_silently_and_every_figure_has_alternative_text(sample_run):
    sample_run.check(n_figures=9)


def test_the_answer_counts_what_is_in_the_file(sample_run):
    """Unweighted by hand: how many answered in the last wave, and how many accounts were drawn."""
    raw = kam.open_dataset("sample").survey.query("wave == '2024-11'")
    estimates, weights = sample_run.results["estimates"], sample_run.results["weights"]
    assert int(estimates.find("overall", "mean", wave="2024-11")["n_respondents"].iloc[0]) == len(raw)
    last = weights.waves.set_index("wave").loc["2024-11"]
    assert (last["n_drawn"], last["n_answered"]) == (420, raw["customer_id"].nunique())


def test_weights_bring_the_mean_towards_what_a_census_would_find(sample_run):
    """The sample is that of seed 1; large accounts answer more and are more satisfied."""
    estimates = sample_run.results["estimates"]
    mean = estimates.find("overall", "mean", wave="2024-11").iloc[0]
    raw = kam.open_dataset("sample").survey.query("wave == '2024-11'")
    unweighted = raw.groupby("customer_id")["overall"].mean().mean()
    assert mean["ci_low"] < mean["estimate"] < unweighted


def test_what_was_planted_is_found(sample_run):
    drivers, loyalty = sample_run.results["drivers"], sample_run.results["loyalty"]
    assert drivers.items["item"].iloc[0] == "on_time"
    assert loyalty.shape == "two thresholds"
    claimed = loyalty.partitions.query("is_claimed and level_3 == 'neutral'")["partition"].unique()
    assert list(claimed) == ["1 2 | 3 4 | 5"]
    assert sample_run.results["nonresponse"].verdict == "no sign of it"


def test_the_draw_can_be_used_as_the_sample_of_the_next_wave(sample_run):
    draw = sample_run.results["sample_draw"]
    assert draw.drawn["customer_id"].is_unique and draw.drawn["wave"].eq("next").all()
    assert set(draw.drawn.columns) == {"customer_id", "wave", "stratum", "probability", "certainty", "status"}


@pytest.fixture
def survey_alone(tmp_path):
    """Six waves of nothing but a survey, levels as Korean words, hostile names among the groups."""
    rng = np.random.default_rng(5)
    n = 240
    levels = np.array(["매우 불만족", "불만족", "보통", "만족", "매우 만족"])
    base = rng.normal(3.4, 0.9, n)
    frame = pd.DataFrame(
        {
            "id": [f"{i:03d}" for i in range(n)],
            "wave": rng.choice(["2023", "2024"], n),
            "nps": rng.integers(0, 11, n),
            "role": rng.choice(["<script>alert(1)</script>", "구매", "=1+1"], n),
            **{
                name: levels[np.clip(np.rint(base + rng.normal(0, 0.7, n)), 1, 5).astype(int) - 1]
                for name in ("overall", "price", "speed")
            },
        }
    )
    frame.to_csv(tmp_path / "answers.csv", index=False, encoding="cp949")
    (tmp_path / "dataset.yaml").write_text(
        "name: alone\ntables:\n  survey:\n    source: answers.csv\n    encoding: cp949\n"
        "    level_3: neutral\n    groups: [role]\n"
        "    columns: {respondent_id: id, recommend: nps}\n    items: [{name: price}, {name: speed}]\n",
        encoding="utf-8",
    )
    return str(tmp_path / "dataset.yaml"), frame


def test_a_survey_alone_in_korean_makes_a_report(execute, survey_alone):
    path, frame = survey_alone
    run = execute(dataset=path)
    assert run.html and "<script>alert" not in run.html
    assert "sample_draw" not in run.results and "nonresponse" not in run.results, "nobody knows who was asked"
    last = frame[frame["wave"] == "2024"]
    top = run.results["estimates"].find("overall", "top two", wave="2024").iloc[0]
    assert top["estimate"] == pytest.approx(last["overall"].isin(["만족", "매우 만족"]).mean())
    assert {"drivers", "reliability"} <= set(run.results)
