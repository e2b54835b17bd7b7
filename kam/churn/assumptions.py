"""What a Markov chain of customers assumes: the tests with their effect, and the verdicts in words."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.churn.chain_tests import (
    LikelihoodTest,
    bootstrap_homogeneity,
    bootstrap_order_one,
    bootstrap_order_zero,
    count_segments,
    count_triples,
    homogeneity_test,
    order_one_test,
    order_zero_test,
)
from kam.churn.observed import Observed, n_gaps
from kam.churn.worth import Worth, pairs_now, recent_matrix, segment_worth
from kam.results import Check, Context, Verdict
from kam.wording import Wording

Floats = npt.NDArray[np.float64]

ALPHA = 0.05
NEGLIGIBLE = 0.05
"""An effect of less than 5 % of the value: the chain may be used in spite of a significant test."""

_FEW = 20
_RESAMPLES = 499


def run_tests(seen: Observed, p: Floats, worth: Worth, *, segment_matrices: Floats | None, seed: int) -> pd.DataFrame:
    """Test order, time and segments, and say by how much each matters.

    Parameters
    ----------
    seen : Observed
    p : numpy.ndarray
        The pooled chain in use, (S, S).
    worth : Worth
        What effects are measured in.
    segment_matrices : numpy.ndarray or None
        Shrunk matrices, (G, S, S).
    seed : int
        Of the simulated p-values.

    Returns
    -------
    pandas.DataFrame
        One row per test: ``test`` (``order 0``, ``order 1``, ``time``, ``season``, ``segments``), ``statistic, pearson, df,
        p_value`` (of Pearson's X²), ``p_from, change, share_change, verdict``. Missing p-value: not testable.
    """
    base = worth.of(p[None])
    sequences = seen.sequences
    counts = seen.tables.sum(axis=0)
    tests = {"order 0": _simulated(order_zero_test(counts), seen, "order 0", seed)}
    marginal = counts.sum(axis=0) / counts.sum()
    worths = {"order 0": worth.of(np.broadcast_to(marginal, (1, *p.shape)).copy())}
    if sequences is not None:
        triples = count_triples(sequences)
        tests["order 1"] = _simulated(order_one_test(triples), seen, "order 1", seed)
        worths["order 1"] = worth.of_second_order(_as_cut(triples, p), p, pairs_now(sequences))
    tests["time"] = _simulated(homogeneity_test(seen.tables), seen, "time", seed)
    recent = seen.n_seasons if len(seen.tables) > 2 * seen.n_seasons > 2 else max(1, (len(seen.tables) - 1) // 2)
    worths["time"] = worth.of(_like(recent_matrix(seen.tables[:-1], recent, p), p)[None])
    if seen.n_seasons > 1:
        by_season = seen.by_season
        tests["season"] = _simulated(homogeneity_test(by_season), seen, "season", seed)
        known = by_season.sum(axis=2, keepdims=True)
        matrices = np.where(known > 0, by_season / np.maximum(known, 1), p)
        worths["season"] = worth.of(_like(matrices, p), season=int(seen.season[-1]))
    if sequences is not None and sequences.segment is not None and segment_matrices is not None:
        tests["segments"] = _simulated(homogeneity_test(count_segments(sequences)), seen, "segments", seed)
        last = sequences.period == len(sequences.periods) - 1
        cell = sequences.segment[sequences.customer[last]] * len(p) + sequences.state[last]
        mixes = np.bincount(cell, minlength=len(segment_matrices) * len(p)).reshape(-1, len(p)).astype(float)
        present = mixes.sum(axis=1) > 0
        own = segment_worth(worth, _like(segment_matrices[present], p), mixes[present])
        size = mixes[present].sum(axis=1)
        worths["segments"] = float(own @ size / size.sum())
    rows = [_row(name, test, worths[name] - base, base) for name, test in tests.items()]
    return pd.DataFrame(rows).astype({"test": "str", "p_from": "str", "verdict": "str"})


def check_chain(
    context: Context,
    seen: Observed,
    tests: pd.DataFrame,
    transitions: pd.DataFrame,
    worth: Worth,
    *,
    lost: int | None,
    n_returned: int,
    used: str,
) -> tuple[Check, ...]:
    """Say of each assumption whether the data bear it out."""
    say = context.wording
    checks = [
        _test_check(row, worth, say) for row in tests.to_dict("records") if row["test"] not in ("order 0", "season")
    ]
    checks += [
        _seasons(seen, tests, used, lost, say),
        _alike(seen, transitions, say),
        _enough(seen, transitions, say),
        _followed(seen, say),
    ]
    if lost is not None:
        at_risk = int(seen.tables[:, lost].sum())
        checks.append(
            Check(
                assumption=say.sentence("who is lost stays lost"),
                finding=say.sentence(
                    "{n} returns in {total} {freq}s of lost accounts ({share} each)",
                    n=say.count(n_returned),
                    total=say.count(at_risk),
                    freq=say.text(seen.freq),
                    share=say.share(n_returned / at_risk, 2) if at_risk else "–",
                ),
                verdict="handled" if n_returned else "holds" if at_risk else "not testable",
            )
        )
    return tuple(checks)


# -- inside ----------------------------------------------------------------------------------------------------------


def _simulated(test: LikelihoodTest, seen: Observed, name: str, seed: int) -> LikelihoodTest:
    """With small cells the p-value is simulated."""
    sequences = seen.sequences
    if not test.df or not test.is_sparse or sequences is None:
        return test
    if name == "order 0":
        return bootstrap_order_zero(sequences, n_resamples=_RESAMPLES, seed=seed)
    if name == "order 1":
        return bootstrap_order_one(sequences, n_resamples=_RESAMPLES, seed=seed)
    by: dict[str, Literal["period", "season", "segment"]] = {
        "time": "period",
        "season": "season",
        "segments": "segment",
    }
    return bootstrap_homogeneity(sequences, by=by[name], n_resamples=_RESAMPLES, seed=seed)


def _as_cut(triples: npt.ArrayLike, p: Floats) -> Floats:
    """Triples that agree with the treatment of returns: a state that is never left in ``p`` is left in none."""
    counts = np.asarray(triples, dtype=float).copy()
    counts[:, np.diag(p) == 1, :] = 0
    return counts


def _like(matrices: Floats, p: Floats) -> Floats:
    """States that are never left in ``p`` are left in no other matrix."""
    closed = (np.diag(p) == 1)[:, None]
    return np.where(closed, np.eye(len(p)), matrices)


def _row(name: str, test: LikelihoodTest, effect: float, base: float) -> dict[str, object]:
    p_value = test.p
    share = effect / abs(base) if base else float("nan")
    verdict: Verdict
    if p_value is None:
        verdict = "not testable"
    elif p_value >= ALPHA:
        verdict = "holds"
    else:
        verdict = "handled" if abs(share) < NEGLIGIBLE else "does not hold"
    if name == "order 0" and p_value is not None:
        verdict = "holds" if p_value < ALPHA else "does not hold"
    return {
        "test": name,
        "statistic": test.g2,
        "pearson": test.x2,
        "df": test.df,
        "p_value": float("nan") if p_value is None else p_value,
        "p_from": "not testable" if p_value is None else "simulated" if test.p_bootstrap is not None else "chi-square",
        "change": effect,
        "share_change": share,
        "verdict": verdict,
    }


def _test_check(row: Mapping[Hashable, Any], worth: Worth, say: Wording) -> Check:
    name = str(row["test"])
    assumption = {
        "order 1": say.sentence("where an account goes depends on its state now, not on the one before"),
        "time": say.sentence("the probabilities are the same in all periods"),
        "segments": say.sentence("the probabilities are the same in all segments"),
    }[name]
    other = {
        "order 1": say.sentence("taking the state before into account"),
        "time": say.sentence("the last year alone"),
        "segments": say.sentence("a matrix for each segment"),
    }[name]
    unit = {
        "money": say.sentence("the value of an account"),
        "periods": say.sentence("the time to loss"),
        "share": say.sentence("the share in the first state after a year"),
    }[worth.unit]
    share, p_value = float(row["share_change"]), float(row["p_value"])
    verdict: Verdict = row["verdict"]
    if np.isnan(p_value):
        finding = say.sentence("too few transitions to tell: no degree of freedom")
    elif np.isnan(share):
        finding = say.sentence("{p}; what it changes cannot be said", p=say.p_value(p_value))
    else:
        finding = say.sentence(
            "{p}; {other} changes {unit} by {share}",
            p=say.p_value(p_value),
            other=other,
            unit=unit,
            share=say.share(share),
        )
    return Check(
        assumption=assumption,
        finding=finding,
        verdict=verdict,
        statistic=float(row["pearson"]),
        p_value=None if np.isnan(p_value) else p_value,
    )


def _seasons(seen: Observed, tests: pd.DataFrame, used: str, lost: int | None, say: Wording) -> Check:
    """How much staying in the first state moves with the season, and what is done about it."""
    assumption = say.sentence("no season is unlike the others")
    if seen.n_seasons == 1:
        return Check(assumption=assumption, finding=say.sentence("periods have no seasons"), verdict="not testable")
    counts = seen.by_season
    first = next(i for i in range(len(seen.states)) if i != lost)
    total = counts[:, first].sum(axis=1)
    known = total > 0
    if known.sum() < 2:
        return Check(
            assumption=assumption, finding=say.sentence("fewer than two seasons were seen"), verdict="not testable"
        )
    stay = counts[known, first, first] / total[known]
    finding = say.sentence(
        "the probability of staying in {state} runs from {low} to {high} by {freq} of the year",
        state=seen.states[first],
        low=say.share(stay.min()),
        high=say.share(stay.max()),
        freq=say.text(seen.freq),
    )
    pooled = counts[:, first, first].sum() / total.sum()
    test = tests[tests["test"] == "season"].iloc[0]
    seasonal = test["p_value"] < ALPHA
    if used == "cyclic":
        return Check(
            assumption=assumption,
            finding=finding + "; " + say.sentence("each season has a matrix of its own"),
            verdict="handled",
        )
    if seasonal:
        now = int(seen.season[-1])
        if total[now]:
            finding += "; " + say.sentence(
                "one matrix for all seasons is used and says {p} for the next {freq}, where this season showed {q}",
                p=say.share(pooled),
                freq=say.text(seen.freq),
                q=say.share(counts[now, first, first] / total[now]),
            )
        if not seen.has_two_years:
            finding += "; " + say.sentence("a matrix for each season needs every season in two years")
    return Check(
        assumption=assumption,
        finding=finding,
        verdict="does not hold" if seasonal else "holds",
        statistic=float(test["pearson"]),
        p_value=None if np.isnan(test["p_value"]) else float(test["p_value"]),
    )


def _alike(seen: Observed, transitions: pd.DataFrame, say: Wording) -> Check:
    """Design effect: how much wider intervals over customers are than those over transitions."""
    assumption = say.sentence("accounts in the same state are alike")
    inner = transitions[(transitions["probability"] > 0) & (transitions["probability"] < 1)]
    if seen.sequences is None or inner.empty:
        return Check(
            assumption=assumption, finding=say.sentence("only counts were given, not accounts"), verdict="not testable"
        )
    ratio = (inner["boot_high"] - inner["boot_low"]) / (inner["ci_high"] - inner["ci_low"])
    widest = float(np.average(ratio, weights=inner["n_transitions"]))
    return Check(
        assumption=assumption,
        finding=say.sentence(
            "intervals over accounts are {ratio} times as wide as those that take every transition alone",
            ratio=say.number(widest, 2),
        ),
        verdict="holds" if widest < 1.15 else "handled",
    )


def _enough(seen: Observed, transitions: pd.DataFrame, say: Wording) -> Check:
    rows = transitions.groupby("from_state", sort=False)["n_transitions"].sum()
    few = rows[rows < _FEW]
    return Check(
        assumption=say.sentence("every state was left often enough"),
        finding=say.sentence(
            "from {states} fewer than {few} transitions were seen",
            states=say.listing(list(few.index)),
            few=say.count(_FEW),
        )
        if len(few)
        else say.sentence("at least {n} transitions from every state", n=say.count(rows.min())),
        verdict="does not hold" if len(few) else "holds",
    )


def _followed(seen: Observed, say: Wording) -> Check:
    gone, gaps = int(seen.ended[:-1].sum()) - n_gaps(seen), n_gaps(seen)
    finding = [
        say.plural(
            "one account was already there in the first period",
            "{n} accounts were already there in the first period",
            int(seen.entered[0].sum()),
        )
    ]
    if gone:
        finding.append(
            say.plural("one is no longer seen before the last", "{n} are no longer seen before the last", gone)
        )
    if gaps:
        finding.append(say.plural("one gap, not bridged", "{n} gaps, not bridged", gaps))
    return Check(
        assumption=say.sentence("sequences break off for no reason that has to do with the state"),
        finding="; ".join(finding),
        verdict="handled" if gone or gaps else "holds",
    )
