"""How much of the money of today's customers is still there after so many periods, beside how many of the customers are."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kam.churn.chain import survival
from kam.churn.markov import MarkovChurnResult
from kam.churn.periods import PERIODS_A_YEAR


def retain_money(markov: MarkovChurnResult, horizon: int | None) -> tuple[pd.DataFrame, pd.DataFrame, float | None]:
    """Share of money, and of heads, not lost: by state, for the portfolio, and their difference after a year at equal weights."""
    columns = ["n_ahead", "share_money", "share_heads"]
    by_state = pd.DataFrame({"state": pd.Series(dtype="str"), **{name: pd.Series(dtype="float64") for name in columns}})
    by_portfolio = by_state[columns]
    if not (markov.lost and markov.money):
        return by_state, by_portfolio, None
    n_states, lost = len(markov.names), markov.names.index(markov.lost)
    seen = markov.customers
    per_period = (seen["money_sum"].clip(lower=0) / seen["n_periods"]).groupby(seen["state"].astype(str)).sum()
    alive = np.arange(n_states) != lost
    money = per_period.reindex(markov.names).fillna(0.0).to_numpy(dtype=float) * alive
    heads = markov.states["n_customers"].to_numpy(dtype=float) * alive
    if not money.sum() > 0:
        return by_state, by_portfolio, None
    n = int(markov.survival["n_ahead"].max()) if horizon is None else horizon
    p = markov.transitions["probability"].to_numpy().reshape(n_states, n_states)
    p_money = markov.transitions["p_money"].to_numpy().reshape(n_states, n_states)
    curve, heads_curve = survival(p_money[None], lost, n), survival(p[None], lost, n)
    shown = np.flatnonzero(alive)
    by_state = pd.DataFrame(
        {
            "state": np.repeat([markov.names[s] for s in shown], n + 1),
            "n_ahead": np.tile(np.arange(n + 1), len(shown)),
            "share_money": curve[:, shown].T.ravel(),
            "share_heads": heads_curve[:, shown].T.ravel(),
        }
    )
    by_portfolio = pd.DataFrame(
        {
            "n_ahead": np.arange(n + 1),
            "share_money": curve @ money / money.sum(),
            "share_heads": heads_curve @ heads / heads.sum(),
        }
    )
    year = min(PERIODS_A_YEAR[markov.freq], n)
    uneven = float((curve - heads_curve)[year] @ money / money.sum()) if year else None
    return by_state, by_portfolio, uneven
