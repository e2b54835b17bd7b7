"""What moved at lost accounts set beside accounts that stayed: one by one, in all, and by region, manager and the like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from kam.churn.account_facts import UNKNOWN, logged_losses, main_of, manager_at, text_of
from kam.churn.movements import Change, Measure, Spans
from kam.churn.timelines import History, to_days
from kam.ledger import Covariates, Ledger
from kam.stats.multiplicity import holm
from kam.stats.proportions import wilson_interval

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

MIN_PEERS = 19
"""With fewer comparable accounts that stayed, an account is compared with its own past alone."""
_GROUPS = {
    "region": "region",
    "manager": "manager",
    "main product group": "main_group",
    "logged reason": "logged_reason",
}


def compare(
    history: History, measure: Measure, spans: Spans, peers: Sequence[Ints], young: Flags, alpha: float, unusual: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One row per lost account; and one per lost account and comparable one: ``lost``, ``is_notable``."""
    sizes = np.array([len(p) for p in peers])
    of = np.repeat(np.arange(len(peers)), sizes)
    theirs = replace(
        spans,
        account=np.concatenate([*peers, np.zeros(0, dtype=np.int64)]).astype(np.int64),
        start=spans.start[of],
        middle=spans.middle[of],
        end=spans.end[of],
    )
    own, other = measure.take(history, spans), measure.take(history, theirs)
    known = ~np.isnan(own.score)
    if measure.term != "manager handover":
        known &= ~young
    is_fact = measure.term == "manager handover"
    usable = ~np.isnan(other.score)
    n = np.bincount(of[usable], minlength=len(peers))
    as_much = np.bincount(of[usable], (other.score >= own.score[of] - 1e-12)[usable], minlength=len(peers))
    enough = n >= MIN_PEERS
    share = np.where(enough & known, as_much / np.maximum(n, 1), np.nan)
    notable = known & (own.p_value <= alpha) & (is_fact | ~enough | (np.nan_to_num(share) <= unusual))
    change = pd.Series((other.before - other.level)[usable]).groupby(of[usable]).median()
    frame = pd.DataFrame(
        {
            "before": np.where(known, own.before, np.nan),
            "usual": np.where(known, own.level, np.nan),
            "typical_change": change.reindex(range(len(peers))).to_numpy(),
            "n_peers": n,
            "share_peers": share,
            "p_value": np.where(known & (not is_fact), own.p_value, np.nan),
            "is_notable": notable,
        }
    )
    return frame, _judge_peers(other, of, usable & known[of], sizes, alpha, unusual, is_fact)


def _judge_peers(
    other: Change, of: Ints, usable: Flags, sizes: Ints, alpha: float, unusual: float, is_fact: bool
) -> pd.DataFrame:
    """Whether the change of each comparable account would be notable, judged among the others of the same lost account."""
    pairs = pd.DataFrame({"lost": of[usable], "score": other.score[usable]})
    groups = pairs.groupby("lost")["score"]
    as_much = groups.rank(method="max", ascending=False) - 1
    n = groups.transform("size") - 1
    share = as_much / n.clip(lower=1)
    unusual_one = (share <= unusual) | (n < MIN_PEERS) | is_fact
    return pd.DataFrame({"lost": pairs["lost"], "is_notable": unusual_one & (other.p_value[usable] <= alpha)})


def movement_frame(history: History, lost: Ints, found: dict[str, tuple[pd.DataFrame, pd.DataFrame]]) -> pd.DataFrame:
    """One row per lost account and thing that is known of it."""
    parts = []
    for number, (term, (frame, _)) in enumerate(found.items()):
        rows = frame.assign(customer_id=history.names[lost], term=term, change=frame["before"] - frame["usual"])
        parts.append(rows.assign(place=np.arange(len(lost)), number=number)[rows["before"].notna()])
    columns = [
        "customer_id",
        "term",
        "before",
        "usual",
        "change",
        "typical_change",
        "n_peers",
        "share_peers",
        "p_value",
    ]
    whole = pd.concat(parts).sort_values(["place", "number"], ignore_index=True)
    return whole[[*columns, "is_notable"]]


def pattern_frame(found: dict[str, tuple[pd.DataFrame, pd.DataFrame]], level: float) -> pd.DataFrame:
    """Which movements are more common among the lost than among comparable accounts that stayed."""
    rows = []
    for term, (frame, pairs) in found.items():
        known = frame["before"].notna().to_numpy()
        if not known.any():
            continue
        seen_at = pairs.groupby("lost")["is_notable"].agg(["sum", "size"]).reindex(range(len(frame)))
        raw = (seen_at["sum"] / seen_at["size"]).to_numpy(dtype=float)
        # None among so many is not never: half a case more, as Jeffreys would.
        expected = ((seen_at["sum"] + 0.5) / (seen_at["size"] + 1)).to_numpy(dtype=float)
        compared = known & ~np.isnan(expected)
        n, n_notable = int(known.sum()), int(frame["is_notable"].to_numpy()[known].sum())
        low, high = wilson_interval(n_notable, n, level)
        p_value = np.nan
        if compared.any():
            seen, p = int(frame["is_notable"].to_numpy()[compared].sum()), np.clip(expected[compared], 0.0, 1.0)
            chance = stats.poisson_binom(p)
            upper, lower = chance.sf(seen - 1) if seen else 1.0, chance.cdf(seen)
            p_value = float(min(1.0, 2 * min(upper, lower)))
        rows.append(
            {
                "term": term,
                "n_customers": n,
                "n_notable": n_notable,
                "share_notable": n_notable / n,
                "ci_low": float(low),
                "ci_high": float(high),
                "peers_notable": float(raw[compared].mean()) if compared.any() else np.nan,
                "p_value": p_value,
            }
        )
    columns = ["term", "n_customers", "n_notable", "share_notable", "ci_low", "ci_high", "peers_notable", "p_value"]
    frame = pd.DataFrame(rows, columns=columns)
    frame["p_holm"] = holm(frame["p_value"].to_numpy(dtype=float))
    frame["stands_out"] = frame["p_holm"] <= 1 - level
    return frame


def describe_accounts(accounts: pd.DataFrame, ledger: Ledger, covariates: Covariates, spans: Spans) -> pd.DataFrame:
    """Add what else is known of the accounts."""
    ids, last = accounts["customer_id"], accounts["last_order"]
    logged = logged_losses(covariates.events, ids, last)
    region = text_of(covariates.accounts, "region", ids)
    known = {
        "logged_reason": None if logged is None else logged["logged_reason"],
        "competitor": None if logged is None else logged["competitor"],
        "region": main_of(ledger, "region", ids) if region is None else region,
        "manager": manager_at(covariates.accounts, ids, pd.Series(to_days(spans.end - 1))),
        "main_group": main_of(ledger, "product_group", ids),
    }
    return accounts.assign(**{name: values for name, values in known.items() if values is not None})


def count_by_group(accounts: pd.DataFrame, movements: pd.DataFrame, level: float) -> pd.DataFrame:
    """Movements by region, manager, main product group, year of the last order and logged reason."""
    year = accounts["last_order"].dt.year.astype(str)
    keys = {"year of the last order": year} | {
        name: accounts[column].astype(object).where(accounts[column].notna(), UNKNOWN).astype(str)
        for name, column in _GROUPS.items()
        if column in accounts
    }
    rows = []
    for name, values in keys.items():
        by = pd.Series(values.to_numpy(), index=accounts["customer_id"].to_numpy())
        counts = movements.groupby([movements["customer_id"].map(by), "term"])["is_notable"].agg(["size", "sum"])
        counts.index.names = ["group_name", "term"]
        rows.append(counts.reset_index().assign(by=name))
    frame = pd.concat(rows, ignore_index=True).rename(columns={"size": "n_customers", "sum": "n_notable"})
    low, high = wilson_interval(frame["n_notable"], frame["n_customers"], level)
    frame = frame.assign(share_notable=frame["n_notable"] / frame["n_customers"], ci_low=low, ci_high=high)
    return frame[["by", "group_name", "term", "n_customers", "n_notable", "share_notable", "ci_low", "ci_high"]]
