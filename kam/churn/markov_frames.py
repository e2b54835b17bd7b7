"""The tidy frames of a fitted chain, from its arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.churn.chain import fundamental_matrix
from kam.churn.chain_estimates import SegmentEstimates
from kam.churn.estimation import ratio
from kam.churn.observed import Observed, n_gaps
from kam.results import Context
from kam.stats.proportions import goodman_interval, jeffreys_interval, wilson_interval

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

INTERVALS = {"wilson": wilson_interval, "jeffreys": jeffreys_interval}
"""Kinds of pointwise intervals of probabilities."""


def pairs_frame(states: Sequence[str], **values: npt.ArrayLike) -> pd.DataFrame:
    """One row per (from_state, to_state) and, where the values are (C, S, S), per season before them."""
    return _frame(states, ("from_state", "to_state"), "season", values)


def states_frame(states: Sequence[str], **values: npt.ArrayLike) -> pd.DataFrame:
    """One row per state and, where the values are (C, S), per season before them."""
    return _frame(states, ("state",), "season", values)


def draws_frame(states: Sequence[str], name: str, draws: Floats, *, pairs: bool) -> pd.DataFrame:
    """One row per resample, season and state or pair of states."""
    n_draws, n_seasons = draws.shape[:2]
    flat = draws.reshape(n_draws * n_seasons, *draws.shape[2:])
    frame = _frame(states, ("from_state", "to_state") if pairs else ("state",), "season", {name: flat})
    number = frame["season"].to_numpy()
    frame["season"] = number % n_seasons
    frame.insert(0, "resample", number // n_seasons)
    return frame


def mix_frame(seen: Observed) -> pd.DataFrame:
    """Customers, and money, by period and state."""
    frame = _by_period(seen, "state")
    frame["n_customers"] = seen.mix.ravel()
    if seen.money is not None:
        frame["revenue"] = seen.money.ravel()
    return frame


def flows_frame(seen: Observed) -> pd.DataFrame:
    """Transitions, sequences that begin, and those that break off, by the period left; only those that occur."""
    period, before = np.asarray(seen.periods), seen.before
    earlier = np.datetime64(before, "ns") if isinstance(before, pd.Timestamp) else before
    parts = []
    t, i, j = np.nonzero(seen.tables)
    parts.append((period[t], i, j, seen.tables[t, i, j]))
    t, j = np.nonzero(seen.entered)
    parts.append(
        (
            np.where(t > 0, period[t - 1], earlier),
            np.full(len(t), -1),
            j,
            seen.entered[t, j],
        )
    )
    t, i = np.nonzero(seen.ended)
    parts.append((period[t], i, np.full(len(t), -1), seen.ended[t, i]))
    period_left, origin, target, n = (np.concatenate(column) for column in zip(*parts, strict=True))
    frame = pd.DataFrame(
        {
            "period": period_left,
            "from_state": _names(seen.states, origin),
            "to_state": _names(seen.states, target),
            "n_transitions": n,
        }
    )
    order = np.lexsort((target, origin, period_left))
    return frame.iloc[order].reset_index(drop=True)


def returned_frame(seen: Observed, lost: int | None) -> pd.DataFrame:
    """Customers who came back from the lost state: one row per return."""
    sequences = seen.sequences
    if sequences is None or lost is None:
        return pd.DataFrame({"period": seen.periods[:0], "customer_id": pd.Series([], dtype=str), "to_state": []})
    moves = sequences.moves
    back = moves[(sequences.state[moves] == lost) & (sequences.state[moves + 1] != lost)]
    frame = pd.DataFrame(
        {
            "period": seen.periods[sequences.period[back + 1]],
            "customer_id": sequences.customers[sequences.customer[back]].astype(str),
            "to_state": _names(seen.states, sequences.state[back + 1]),
        }
    )
    return frame.sort_values(["period", "customer_id"], ignore_index=True)


def customers_frame(seen: Observed, rewards: Floats | None) -> pd.DataFrame:
    """Customers seen in the last period: where they are, and what they brought against what their states do."""
    sequences = seen.sequences
    if sequences is None:
        return pd.DataFrame(
            {"customer_id": pd.Series([], dtype=str), "state": pd.Series([], dtype=str), "n_periods": []}
        )
    n = len(sequences.customers)
    now = np.flatnonzero(sequences.period == len(sequences.periods) - 1)
    who = sequences.customer[now]
    frame = pd.DataFrame(
        {
            "customer_id": sequences.customers[who].astype(str),
            "state": _names(seen.states, sequences.state[now]),
            "n_periods": np.bincount(sequences.customer, minlength=n)[who],
        }
    )
    if rewards is not None and sequences.money is not None:
        expected = rewards[sequences.state]
        frame["money_sum"] = np.bincount(sequences.customer, sequences.money, n)[who]
        frame["money_expected"] = np.bincount(sequences.customer, expected, n)[who]
        frame["expected_squares"] = np.bincount(sequences.customer, expected**2, n)[who]
        frame["money_squares"] = np.bincount(sequences.customer, (sequences.money - expected) ** 2, n)[who]
    return frame


def segments_frame(seen: Observed, estimates: SegmentEstimates | None) -> pd.DataFrame:
    """One row per segment and pair of states; a state that a segment never left has no raw probability.

    ``estimates`` is None where there are no segments.
    """
    none = np.zeros((0, len(seen.states), len(seen.states)))
    counts, shrunk = (none.astype(np.int64), none) if estimates is None else (estimates.counts, estimates.p)
    names = () if seen.sequences is None else seen.sequences.segments
    total = counts.sum(axis=2, keepdims=True)
    raw = np.where(total > 0, ratio(counts, total), np.nan)
    frame = pairs_frame(seen.states, n_transitions=counts, p_raw=raw, probability=shrunk)
    frame["season"] = np.asarray(names, dtype=object)[frame["season"]]
    return frame.rename(columns={"season": "segment"}).astype({"segment": str})


def probability_columns(counts: Ints, p: Floats, allowed: Flags, intervals: str, level: float) -> dict[str, Floats]:
    """Columns of pairs: counts (..., S, S), probabilities, and their intervals: pointwise, and of all of them together."""
    rows, mask = (
        counts.reshape(-1, counts.shape[-1]),
        np.broadcast_to(allowed, counts.shape).reshape(-1, counts.shape[-1]),
    )
    n = rows.sum(axis=1, keepdims=True)
    left = n[:, 0] > 0  # a row that nobody left has the whole range as interval
    ends = [np.full(rows.shape, end) for end in (0.0, 1.0, 0.0, 1.0)]
    ends[0][left], ends[1][left] = INTERVALS[intervals](rows[left], n[left], level)
    ends[2][left], ends[3][left] = goodman_interval(rows[left], level, allowed=mask[left])
    names = ("ci_low", "ci_high", "joint_low", "joint_high")
    columns = {
        "n_transitions": counts,
        "probability": p,
        "std_error": np.sqrt(p * (1 - p) / np.maximum(counts.sum(axis=-1, keepdims=True), 1)),
        **{name: np.where(mask, end, 0.0).reshape(counts.shape) for name, end in zip(names, ends, strict=True)},
    }
    return columns


def visits_frame(states: Sequence[str], p: Floats, lost: int | None) -> pd.DataFrame:
    """Periods in each state before the loss, for a pooled chain (S, S); no rows without a lost state."""
    if lost is None:
        return pairs_frame(states, visits=np.zeros((len(states), len(states)))).iloc[:0]
    frame = pairs_frame(states, visits=fundamental_matrix(p[None], lost))
    return frame[(frame[["from_state", "to_state"]] != states[lost]).all(axis=1)].reset_index(drop=True)


def followed_frame(seen: Observed, lost: int | None, n_returned: int, context: Context) -> pd.DataFrame:
    """What was followed, and where sequences begin and break off, in words."""
    say = context.wording
    rows = {}
    if seen.sequences is not None:
        rows[say.sentence("accounts")] = len(seen.sequences.customers)
        rows[say.sentence("of these seen in one period only, which shows no transition")] = int(
            (np.bincount(seen.sequences.customer) == 1).sum()
        )
    rows |= {
        say.sentence("periods"): len(seen.periods),
        say.sentence("accounts in a period"): int(seen.mix.sum()),
        say.sentence("transitions"): int(seen.tables.sum()),
        say.sentence("accounts already there in the first period, since when is not known"): int(seen.entered[0].sum()),
        say.sentence("accounts that are followed up to the last period, where the next state is not known"): int(
            seen.ended[-1].sum()
        ),
        say.sentence("accounts that are no longer seen before the last period"): int(seen.ended[:-1].sum())
        - n_gaps(seen),
        say.sentence("gaps: an account not seen for some periods, no transition over it"): n_gaps(seen),
    }
    if lost is not None:
        rows[say.sentence("returns of lost accounts")] = n_returned
    return pd.DataFrame({"term": list(rows), "n_cases": list(rows.values())})


# -- inside ----------------------------------------------------------------------------------------------------------


def _frame(
    states: Sequence[str], columns: tuple[str, ...], outer: str, values: dict[str, npt.ArrayLike]
) -> pd.DataFrame:
    arrays = {name: np.asarray(value) for name, value in values.items()}
    shape = next(iter(arrays.values())).shape
    index = np.indices(shape).reshape(len(shape), -1)
    frame = {outer: index[0]} if len(shape) > len(columns) else {}
    for axis, column in enumerate(columns, start=len(shape) - len(columns)):
        frame[column] = np.asarray(states, dtype=object)[index[axis]]
    frame |= {name: array.ravel() for name, array in arrays.items()}
    return pd.DataFrame(frame).astype(dict.fromkeys(columns, "str"))


def _by_period(seen: Observed, column: str) -> pd.DataFrame:
    n_periods, n_states = seen.mix.shape
    frame = {
        "period": np.repeat(np.asarray(seen.periods), n_states),
        column: np.tile(np.asarray(seen.states, object), n_periods),
    }
    return pd.DataFrame(frame).astype({column: "str"})


def _names(states: Sequence[str], index: Ints) -> pd.Series:
    """Names of states; -1 is missing."""
    names = np.asarray([*states, None], dtype=object)[index]
    return pd.Series(names, dtype="str")
