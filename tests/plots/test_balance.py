"""The figure of balance: one row per difference, the largest before on top, orange where some is left."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kam.errors import EmptyDataError
from kam.plots import describe, plot_balance
from kam.survey import collect_responses, survey_frame, weigh_responses
from tests.survey.test_weighting import make


def test_dots_before_and_after() -> None:
    result = weigh_responses(*make())
    ax = plot_balance(result)
    order = result.balance.assign(size=result.balance["difference_before"].abs()).sort_values("size", ascending=False)
    labels = [label.get_text().replace("\n", " ") for label in ax.get_yticklabels()]
    assert labels[0] == "revenue of the year before (log)"
    assert len(labels) == len(order) == 5
    drawn = [line.get_xdata() for line in ax.lines if len(line.get_xdata()) == 2 and line.get_linestyle() == "-"]
    pairs = np.array([pair for pair in drawn if not np.array_equal(pair, [0, 0])], dtype=float)
    np.testing.assert_allclose(pairs, order[["difference_before", "difference_after"]], atol=1e-6)
    assert "before" in describe(ax)


def test_without_facts_there_is_nothing_to_draw() -> None:
    responses = collect_responses(pd.DataFrame({"respondent_id": ["a", "b"], "overall": [1, 5]}))
    with pytest.raises(EmptyDataError, match="no balance"):
        plot_balance(weigh_responses(responses, survey_frame(responses)))
