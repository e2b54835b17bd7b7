"""Notebook 40 on awkward parameters; tests/real/test_sample_survey.py has the sample."""

import numpy as np
import pandas as pd
import pytest

import kam

NOTEBOOK = "40_satisfaction_survey.ipynb"


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
