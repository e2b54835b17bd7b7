"""Chains with known probabilities and money, and tables of programmes for them."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd

from kam.churn.markov import fit_markov_churn
from kam.results import Context

EUR = Context(currency="EUR")
KEEPS = [[0.9, 0.1], [0, 1]]
THREE = [[0.8, 0.15, 0.05], [0.1, 0.7, 0.2], [0.02, 0.03, 0.95]]


@cache
def fitted():
    moves = [("A", "A", 9), ("A", "lost", 1), ("lost", "lost", 1)]
    return fit_markov_churn(pd.DataFrame(moves, columns=["from_state", "to_state", "n_transitions"]), n_resamples=2)


def chain(p, money, *, names=None, n_customers=None, draws=None, freq="period", season_now=0):
    """A fitted chain with these probabilities (S, S) or (C, S, S) and money, and, if given, these draws of both."""
    p = np.asarray(p, dtype=float)
    p = p[None] if p.ndim == 2 else p
    money = np.broadcast_to(np.asarray(money, dtype=float), p.shape[:-1])
    names = names or [*"ABC"[: p.shape[-1] - 1], "lost"]
    n_customers = [100] * len(names) if n_customers is None else n_customers
    drawn_p, drawn_money = (p[None], money[None]) if draws is None else draws
    states = pd.DataFrame({"state": names, "n_customers": n_customers, "reward": money[0]})
    return replace(
        fitted(),
        context=EUR,
        states=states,
        transitions=pd.DataFrame({"probability": p[0].ravel()}),
        cycle=pd.DataFrame({"probability": p.ravel()}),
        cycle_rewards=pd.DataFrame({"reward": money.ravel()}),
        resamples=pd.DataFrame({"probability": np.ravel(drawn_p)}),
        reward_resamples=pd.DataFrame({"reward": np.ravel(drawn_money)}),
        chain="cyclic" if len(p) > 1 else "pooled",
        money="revenue",
        freq=freq,
        season_now=season_now,
    )


def programme(name="calls", origin="A", target="lost", effect=-0.03, sd=0.0, cost=10.0, source="experiment", **other):
    return {
        "programme": name,
        "from_state": origin,
        "to_state": target,
        "effect": effect,
        "effect_sd": sd,
        "source": source,
        "cost": cost,
        **other,
    }


def table(*rows):
    return pd.DataFrame(list(rows))


def only(result):
    assert len(result.programmes) == 1
    return result.programmes.iloc[0]
