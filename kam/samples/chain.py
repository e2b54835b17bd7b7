"""Ledgers whose activity is exactly a Markov chain: the truth that a chain fitted to a ledger has to find."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd

from kam.errors import ParameterError
from kam.samples.ledger_table import euros
from kam.samples.months import Months

LAST_DAY = date(2025, 12, 31)


def simulate_chain(
    transitions: pd.DataFrame,
    amounts: Mapping[str, float],
    *,
    seed: int,
    n_customers: int = 1000,
    n_months: int = 24,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Simulate customers that move between states by a Markov chain, and the ledger that shows it.

    1. Every customer begins in the first state whose amount is not 0, in the first month.
    2. Month by month the next state is drawn with the probabilities of its row, independently of all else.
    3. In a month in a state with amount a > 0 there is one order of a × uniform(0.8, 1.2), on a day drawn evenly;
       with amount 0 there is none. Where the amounts of two states differ by more than half, the ledger therefore
       shows the state.

    Parameters
    ----------
    transitions : pandas.DataFrame
        Square, states as index and columns in the same order, rows summing to 1.
    amounts : mapping of str to float
        The amount ordered in a month in each state, EUR.
    seed : int
    n_customers : int, default 1000
    n_months : int, default 24
        The last ends on 2025-12-31.

    Returns
    -------
    ledger : pandas.DataFrame
        One row per order: ``customer_id, order_id, order_date, amount``.
    states : pandas.DataFrame
        One row per customer and month: ``customer_id, month, state``.

    Raises
    ------
    ParameterError
        If `transitions` is no matrix of probabilities, or `amounts` does not name the states.

    Examples
    --------
    >>> p = pd.DataFrame([[0.8, 0.2], [0.3, 0.7]], index=["buys", "silent"], columns=["buys", "silent"])
    >>> ledger, states = simulate_chain(p, {"buys": 100, "silent": 0}, seed=1, n_customers=500)
    >>> len(states), bool(abs((states["state"] == "buys").mean() - 0.6) < 0.05)
    (12000, True)
    """
    names = [str(name) for name in transitions.index]
    matrix = transitions.to_numpy(dtype=float)
    if (
        names != [str(name) for name in transitions.columns]
        or (matrix < 0).any()
        or not np.allclose(matrix.sum(axis=1), 1)
    ):
        raise ParameterError(
            "The transitions are no matrix of probabilities.",
            hint="Give the same states as index and columns, and rows of probabilities that sum to 1.",
        )
    if set(amounts) != set(names) or max(amounts.values()) <= 0 or min(amounts.values()) < 0:
        raise ParameterError(
            "The amounts do not fit the states.",
            hint=f"Give one amount, 0 or more and not all 0, for each of {', '.join(names)}.",
        )
    rng = np.random.default_rng(seed)
    months = Months.until(LAST_DAY, n_months)
    amount = np.array([amounts[name] for name in names])
    cumulative = matrix.cumsum(axis=1)[:, :-1]
    state = np.empty((n_customers, n_months), dtype=np.int64)
    now = np.full(n_customers, int(np.flatnonzero(amount > 0)[0]))
    for m in range(n_months):
        if m:
            now = (rng.random((n_customers, 1)) > cumulative[now]).sum(axis=1)
        state[:, m] = now

    customer_id = np.array([f"{i:06d}" for i in range(1, n_customers + 1)])
    panel = pd.DataFrame(
        {
            "customer_id": np.repeat(customer_id, n_months),
            "month": np.tile(months.starts, n_customers),
            "state": np.array(names)[state.ravel()],
        }
    )
    customer, month = np.nonzero(amount[state] > 0)
    n_days = np.diff(months.first_day)[month]
    day = months.first_day[month] + np.floor(rng.random(len(month)) * n_days).astype(np.int64)
    value = amount[state[customer, month]] * rng.uniform(0.8, 1.2, len(month))
    ledger = pd.DataFrame(
        {
            "customer_id": customer_id[customer],
            "order_id": np.char.add("SO", np.arange(100_001, 100_001 + len(month)).astype(str)),
            "order_date": months.dates(day),
            "amount": euros(np.rint(value * 100).astype(np.int64) * 100),
        }
    )
    return ledger, panel
