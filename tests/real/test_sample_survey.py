"""Notebook 40 on the sample, in a kernel: what is in the file, and what was planted."""

import kam

NOTEBOOK = "40_satisfaction_survey"


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
