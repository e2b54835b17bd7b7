"""Respondents whose loyalty is drawn by a known truth, and the rows of the R reference."""

import numpy as np
import pandas as pd

from kam.survey import collect_responses
from kam.survey.partitions import LevelRows


def respondents(means, *, n_accounts=200, each=2, noise=0.6, accounts=0.3, seed=1, shares=(0.1, 0.15, 0.25, 0.3, 0.2)):
    """A survey of one wave: satisfaction and loyalty of the people of accounts."""
    rng = np.random.default_rng(seed)
    customer = np.repeat(np.arange(n_accounts), each)
    overall = rng.choice(np.arange(1, 6), len(customer), p=shares)
    drawn = np.array(means)[overall - 1] + accounts * rng.normal(size=n_accounts)[customer]
    said = np.clip(drawn + noise * rng.normal(size=len(customer)), 1, 5)
    return pd.DataFrame(
        {
            "respondent_id": [f"p{i}" for i in range(len(customer))],
            "customer_id": [f"c{i:03d}" for i in customer],
            "wave": "2024",
            "overall": overall,
            "repurchase": said,
        }
    )


def answers(means, **options):
    return collect_responses(respondents(means, **options))


def reference_data():
    """The data of tests/reference/survey_loyalty.R."""
    i = np.arange(240)
    frame = pd.DataFrame({"cluster": i // 2, "level": 1 + (3 * i + (i * i) // 7) % 5, "w": 1 + (i % 4) / 2})
    frame["stratum"] = frame["cluster"] % 3
    frame["y"] = (
        1 + 0.5 * frame["level"] + 0.4 * (frame["level"] > 3) + 1.2 * np.sin(i) + 0.5 * np.cos(frame["cluster"])
    )
    frame["event"] = (np.sin(3 * i) + 0.3 * frame["level"] > 1).astype(float)
    frame["x"] = np.cos(2 * i)
    return frame


def level_rows(level, y, *, weight=None, cluster=None, stratum=None):
    levels, at = np.unique(np.asarray(level, dtype=float), return_inverse=True)
    n = len(at)
    cluster = np.arange(n) if cluster is None else np.asarray(cluster)
    return LevelRows(
        level=levels,
        at=at,
        y=np.asarray(y, dtype=float),
        weight=np.ones(n) if weight is None else np.asarray(weight, dtype=float),
        cluster=cluster,
        stratum=np.zeros(cluster.max() + 1, dtype=int) if stratum is None else np.asarray(stratum),
    )
