"""The frames of tier migration: tiers by period, who moved, the matrix and the bridge."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.identify.tiers import MONEY_SCALE, NONE, TIERS, Activity, Codes, Ints, TierHistory
from kam.wording import N_, Wording

LOST = N_("lost")
"""Name of the state without an order in the window, as the Markov model calls it."""
MOVEMENTS = (
    N_("new accounts"),
    N_("came back"),
    N_("moved up"),
    N_("same tier, grew"),
    N_("same tier, shrank"),
    N_("moved down"),
    N_("lost accounts"),
    N_("no order in either"),
)
_CLEAR = 2 / 3
"""From this share of the change on, the number of orders (or their size) alone is named."""


def compare_windows(
    activity: Activity, history: TierHistory, tiers: Codes, money: Ints, orders: Ints, compare: int
) -> pd.DataFrame:
    """One row per customer: what it was and brought in the two windows; money in whole ten-thousandths."""
    then, now = -1 - compare, -1
    return pd.DataFrame(
        {
            "customer_id": activity.customers,
            "before": tiers[then],
            "after": tiers[now],
            "by_hand": (history.held[now] == 0) == (history.held[then] == 0),
            "money_before": money[then],
            "money_after": money[now],
            "n_orders_before": orders[then],
            "n_orders_after": orders[now],
            "is_new": activity.first >= len(activity.periods) - compare,
        }
    )


def list_movers(moved: pd.DataFrame, say: Wording) -> pd.DataFrame:
    """Who entered or left tier A, with the words for what moved it."""
    frame = pd.DataFrame(
        {
            "customer_id": moved["customer_id"],
            "from_tier": np.array(TIERS)[moved["before"]],
            "to_tier": np.array(TIERS)[moved["after"]],
            "value_before": moved["money_before"] / MONEY_SCALE,
            "value_after": moved["money_after"] / MONEY_SCALE,
            "value_change": (moved["money_after"] - moved["money_before"]) / MONEY_SCALE,
            "n_orders_before": moved["n_orders_before"],
            "n_orders_after": moved["n_orders_after"],
            "why": _explain(moved, say),
        }
    ).astype({"from_tier": "str", "to_tier": "str", "why": "str"})
    order = frame["value_change"].abs().sort_values(ascending=False, kind="stable").index
    return frame.loc[order].reset_index(drop=True)


def count_near_border(facts: pd.DataFrame, history: TierHistory, hysteresis: float) -> int:
    """How many of those who entered or left tier A stand within the hysteresis of its border now."""
    moved = facts[(facts["before"] == 0) != (facts["after"] == 0)]
    border = history.borders[0, -1]
    return int((abs(moved["money_after"] - border) <= max(hysteresis, 0.1) * border).sum())


def count_pairs(facts: pd.DataFrame) -> pd.DataFrame:
    """Customers and money by tier before and tier now, a row for every pair."""
    key = 4 * facts["before"].to_numpy(dtype=np.int64) + facts["after"].to_numpy(dtype=np.int64)
    every = np.arange(16)
    return pd.DataFrame(
        {
            "from_tier": np.array(TIERS)[every // 4],
            "to_tier": np.array(TIERS)[every % 4],
            "n_customers": np.bincount(key, minlength=16),
            "value_before": _sum_by(key, facts["money_before"], 16),
            "value_after": _sum_by(key, facts["money_after"], 16),
        }
    ).astype({"from_tier": "str", "to_tier": "str"})


def build_bridge(facts: pd.DataFrame) -> pd.DataFrame:
    """Customers and money by what became of them, every customer in one row; sums are of whole ten-thousandths."""
    was, now = facts["n_orders_before"] > 0, facts["n_orders_after"] > 0
    key = np.select(
        [
            ~was & now & facts["is_new"],
            ~was & now,
            was & ~now,
            ~was & ~now,
            facts["after"] < facts["before"],
            facts["after"] > facts["before"],
            facts["money_after"] >= facts["money_before"],
        ],
        [0, 1, 6, 7, 2, 5, 3],
        4,
    )
    n = len(MOVEMENTS)
    before, after = _sum_by(key, facts["money_before"], n), _sum_by(key, facts["money_after"], n)
    change = _sum_by(key, facts["money_after"] - facts["money_before"], n)
    frame = {"movement": MOVEMENTS, "n_customers": np.bincount(key, minlength=n), "value_before": before}
    return pd.DataFrame(frame | {"value_after": after, "value_change": change})


def spread_tiers(activity: Activity, history: TierHistory, tiers: Codes, money: Ints, value: str) -> pd.DataFrame:
    """One row per customer and window from the first order on, ordered by both."""
    skipped = activity.window - 1
    t = np.arange(len(tiers))
    customer, window = np.nonzero(t[None, :] + skipped >= activity.first[:, None])
    held, force = history.held[window, customer], tiers[window, customer]
    names = pd.array(TIERS, dtype="str")
    states = pd.CategoricalDtype([*TIERS[:NONE], LOST], ordered=True)
    return pd.DataFrame(
        {
            "customer_id": activity.customers.take(customer),
            "period": activity.periods[skipped:].take(window),
            "state": pd.Categorical.from_codes(held, dtype=states),
            "tier": names.take(force),
            "tier_computed": names.take(held),
            "tier_plain": names.take(history.plain[window, customer]),
            "is_override": force != held,
            "value": money[window, customer] / MONEY_SCALE,
            "n_orders": activity.orders[window + skipped, customer],
            value: activity.money[window + skipped, customer] / MONEY_SCALE,
        },
        copy=False,
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _explain(moved: pd.DataFrame, say: Wording) -> npt.NDArray[np.str_]:
    """New, back, gone, set by hand, or how much of the change goes with the number and with the size of orders (Bennet)."""
    n0, n1 = moved["n_orders_before"].to_numpy(dtype=float), moved["n_orders_after"].to_numpy(dtype=float)
    x0, x1 = moved["money_before"].to_numpy(dtype=float), moved["money_after"].to_numpy(dtype=float)
    size0, size1 = x0 / np.maximum(n0, 1), x1 / np.maximum(n1, 1)
    by_number = (n1 - n0) * (size0 + size1) / 2
    change, rises = x1 - x0, (moved["after"] < moved["before"]).to_numpy()
    share = np.divide(by_number, change, out=np.zeros(len(moved)), where=change != 0)
    words = {
        True: (
            N_("more orders"),
            N_("larger orders"),
            N_("more orders and larger ones"),
            N_("the border fell below it"),
        ),
        False: (
            N_("fewer orders"),
            N_("smaller orders"),
            N_("fewer orders and smaller ones"),
            N_("the border rose above it"),
        ),
    }
    number, size, both, border = (
        np.where(rises, say.sentence(up), say.sentence(down))
        for up, down in zip(words[True], words[False], strict=True)
    )
    return np.select(
        [
            moved["by_hand"].to_numpy(),
            (n0 == 0) & moved["is_new"].to_numpy(),
            n0 == 0,
            n1 == 0,
            (change <= 0) & rises | (change >= 0) & ~rises,
            share >= _CLEAR,
            share <= 1 - _CLEAR,
        ],
        [
            np.full(len(moved), say.sentence("set by hand")),
            np.full(len(moved), say.sentence("new account")),
            np.full(len(moved), say.sentence("came back")),
            np.full(len(moved), say.sentence("no order")),
            border,
            number,
            size,
        ],
        both,
    )


def _sum_by(key: Ints, money: pd.Series, n: int) -> npt.NDArray[np.float64]:
    sums = np.zeros(n, dtype=np.int64)
    np.add.at(sums, key, money.to_numpy())
    return sums / MONEY_SCALE
