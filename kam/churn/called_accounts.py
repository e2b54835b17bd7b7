"""Whether calling helped: accounts that were to be called against those that were drawn to be left alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import stdtrit

from kam.stats.proportions import wilson_interval

Floats = npt.NDArray[np.float64]

_COLUMNS = ["term", "n_calls", "n_held_out", "called", "held_out", "difference", "ci_low", "ci_high"]
Saved = tuple[float | None, float | None, float | None]


def compare_called(
    lists: list[tuple[pd.DataFrame, pd.DataFrame]], money: str, level: float
) -> tuple[pd.DataFrame, Saved]:
    """Compare the accounts of call lists, all lists together.

    Parameters
    ----------
    lists : list of (calls, outcomes)
        ``customer_id, list_part, called_before`` of each list; ``customer_id, no_order`` and the money column of what then
        happened. Accounts without an outcome are left out, and so are those called before: none of them could be held out, so
        those held out are no match for them.
    money : str
        Column of the outcomes.
    level : float
        Of the intervals.

    Returns
    -------
    table : pandas.DataFrame
        ``term`` (``orders``: share of accounts with an order; ``money``: per account), ``n_calls, n_held_out, called, held_out,
        difference, ci_low, ci_high``; empty unless both sides have an account.
    saved : (money, low, high)
        Difference in money × accounts called; None where it is not known.

    Notes
    -----
    Shares: Newcombe (1998), method 10. Money: Welch (1947), t with Satterthwaite's degrees of freedom.

    Examples
    --------
    >>> calls = pd.DataFrame({"customer_id": list("abcd"), "list_part": ["call", "call", "hold-out", "hold-out"],
    ...     "called_before": False})
    >>> came = pd.DataFrame({"customer_id": list("abcd"), "no_order": [False, False, False, True], "m": [10.0, 14, 6, 0]})
    >>> table, saved = compare_called([(calls, came)], "m", 0.95)
    >>> table["difference"].tolist(), saved[0]
    ([0.5, 9.0], 18.0)
    """
    parts = [
        calls[~calls["called_before"].to_numpy(dtype=bool)].merge(
            outcomes[["customer_id", "no_order", money]], on="customer_id"
        )
        for calls, outcomes in lists
    ]
    frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"list_part": pd.Series(dtype="str")})
    frame["did_order"] = frame["no_order"].eq(False) if parts else False
    called, held = (frame[frame["list_part"] == part] for part in ("call", "hold-out"))
    if called.empty or held.empty:
        empty = {name: pd.Series(dtype="str" if name == "term" else "float64") for name in _COLUMNS}
        return pd.DataFrame(empty), (None, None, None)
    rows = []
    for term, column, interval in (("orders", "did_order", _newcombe), ("money", money, _welch)):
        a, b = (part[column].to_numpy(dtype=float) for part in (called, held))
        ends = interval(a, b, level)
        rows.append((term, len(a), len(b), float(a.mean()), float(b.mean()), float(a.mean() - b.mean()), *ends))
    table = pd.DataFrame(rows, columns=_COLUMNS)
    n, of_money = len(called), table.iloc[1]
    if not np.isfinite(of_money["ci_low"]):
        return table, (n * float(of_money["difference"]), None, None)
    return table, (n * float(of_money["difference"]), n * float(of_money["ci_low"]), n * float(of_money["ci_high"]))


# -- inside ----------------------------------------------------------------------------------------------------------


def _newcombe(a: Floats, b: Floats, level: float) -> tuple[float, float]:
    """Interval of the difference of two shares, from Wilson's of each."""
    p, q = a.mean(), b.mean()
    (p_low, p_high), (q_low, q_high) = (wilson_interval(x.sum(), len(x), level) for x in (a, b))
    low = p - q - np.sqrt((p - p_low) ** 2 + (q_high - q) ** 2)
    high = p - q + np.sqrt((p_high - p) ** 2 + (q - q_low) ** 2)
    return float(low), float(high)


def _welch(a: Floats, b: Floats, level: float) -> tuple[float, float]:
    """Interval of the difference of two means; missing where a side has one account or nothing varies."""
    if min(len(a), len(b)) < 2:
        return np.nan, np.nan
    parts = np.array([x.var(ddof=1) / len(x) for x in (a, b)])
    if not parts.sum() > 0:
        return np.nan, np.nan
    df = parts.sum() ** 2 / (parts**2 / [len(a) - 1, len(b) - 1]).sum()
    half = float(stdtrit(df, (1 + level) / 2) * np.sqrt(parts.sum()))
    difference = float(a.mean() - b.mean())
    return difference - half, difference + half
