"""What a Markov chain of customers assumes: the tests with their effect, and the verdicts in words."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import fdtrc

from kam.churn.chain import survival
from kam.churn.chain_estimates import SegmentEstimates
from kam.churn.chain_tests import (
    LikelihoodTest,
    bootstrap_homogeneity,
    bootstrap_order_one,
    bootstrap_order_zero,
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

FEW_LOSSES = 10
_FEW = 20
_OFF = 0.02
_RESAMPLES = 499


def run_tests(
    all_seen: Observed, seen: Observed, p: Floats, worth: Worth, *, segments: SegmentEstimates | None, seed: int
) -> pd.DataFrame:
    """Test order, time, season and segments, and say by how much each matters.

    Seasons are compared with what periods of the same season differ: shocks that come and go are no season. The p-value is the
    larger one of χ² and of F = (X²_season / df_season) / ((X²_time − X²_season) / (df_time − df_season)), with seasons − 1 and
    periods − seasons degrees of freedom, since the transitions of a period share its shock.

    Parameters
    ----------
    all_seen, seen : Observed
        Everything, and what is tested: the same, or up to the first losses when returns are cut.
    p : numpy.ndarray
        The pooled chain in use, (S, S).
    worth : Worth
        What effects are measured in.
    segments : SegmentEstimates or None
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
        worths["order 1"] = worth.of_second_order(triples, p, _pairs(all_seen))
    tests["time"] = _simulated(homogeneity_test(seen.tables), seen, "time", seed)
    worths["time"] = worth.of(_like(recent_matrix(seen.tables[:-1], _n_recent(seen), p), p)[None])
    if seen.n_seasons > 1:
        by_season = seen.by_season
        tests["season"] = _against_periods(
            _simulated(homogeneity_test(by_season), seen, "season", seed), homogeneity_test(seen.tables), seen
        )
        known = by_season.sum(axis=2, keepdims=True)
        matrices = np.where(known > 0, by_season / np.maximum(known, 1), p)
        worths["season"] = worth.of(_like(matrices, p), season=int(seen.season[-1]))
    if segments is not None and all_seen.sequences is not None and all_seen.sequences.segment is not None:
        tests["segments"] = segments.test
        everybody = all_seen.sequences
        last = everybody.period == len(everybody.periods) - 1
        cell = all_seen.sequences.segment[everybody.customer[last]] * len(p) + everybody.state[last]
        mixes = np.bincount(cell, minlength=len(segments.p) * len(p)).reshape(-1, len(p)).astype(float)
        present = mixes.sum(axis=1) > 0
        own = segment_worth(worth, _like(segments.p[present], p), mixes[present])
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
    in_use: Floats,
    lost: int | None,
    used: str,
    is_cut: bool,
) -> tuple[Check, ...]:
    """Say of each assumption whether the data bear it out."""
    say = context.wording
    checks = [
        _test_check(row, worth, seen, say)
        for row in tests.to_dict("records")
        if row["test"] not in ("order 0", "season")
    ]
    checks += [
        _seasons(seen, tests, used, lost, say),
        _alike(seen, transitions, say),
        _enough(seen, transitions, say),
        _followed(seen, say),
    ]
    if lost is not None:
        checks += [_losses(seen, lost, say), _as_fast(seen, in_use, lost, say), _returns(seen, lost, is_cut, say)]
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


def _pairs(seen: Observed) -> Floats:
    assert seen.sequences is not None
    return pairs_now(seen.sequences)


def _n_recent(seen: Observed) -> int:
    """Periods that are compared with all: a year where there are more than two, else half of them."""
    n = len(seen.tables)
    return seen.n_seasons if n > 2 * seen.n_seasons > 2 else max(1, (n - 1) // 2)


def _against_periods(season: LikelihoodTest, time: LikelihoodTest, seen: Observed) -> LikelihoodTest:
    """The test of seasons with a p-value that periods of the same season have a say in."""
    used = seen.tables.sum(axis=(1, 2)) > 0
    n_periods, n_seasons = int(used.sum()), len(np.unique(seen.season[used]))
    within_df, df = time.df - season.df, n_periods - n_seasons
    if season.p is None or within_df <= 0 or df < 1 or n_seasons < 2:
        return replace(season, df=0, p_g2=None, p_x2=None, p_bootstrap=None)
    within = max(1.0, (time.x2 - season.x2) / within_df)
    p = float(fdtrc(n_seasons - 1, df, season.x2 / season.df / within))
    return replace(season, p_bootstrap=max(p, season.p))


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


def _test_check(row: Mapping[Hashable, Any], worth: Worth, seen: Observed, say: Wording) -> Check:
    name = str(row["test"])
    assumption = {
        "order 1": say.sentence("where an account goes depends on its state now, not on the one before"),
        "time": say.sentence("the probabilities are the same in all periods"),
        "segments": say.sentence("the probabilities are the same in all segments"),
    }[name]
    other = {
        "order 1": say.sentence("the state before taken into account"),
        "time": say.sentence("the last {time} alone", time=say.periods(_n_recent(seen), seen.freq)),
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
            "{p}; with {other} {unit} would change by {share}",
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
        state=say.state(seen.states[first]),
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
            finding=say.join([finding, say.sentence("each season has a matrix of its own")], ";"),
            verdict="handled",
        )
    if np.isnan(test["p_value"]):
        finding = say.join([finding, say.sentence("too few periods to tell seasons from periods")], ";")
    if seasonal:
        now = int(seen.season[-1])
        if total[now]:
            finding = say.join(
                [
                    finding,
                    say.sentence(
                        "one matrix for all seasons is used and says {p} for the next {freq}, where this season showed {q}",
                        p=say.share(pooled),
                        freq=say.text(seen.freq),
                        q=say.share(counts[now, first, first] / total[now]),
                    ),
                ],
                ";",
            )
        if not seen.has_two_years:
            finding = say.join([finding, say.sentence("a matrix for each season needs every season in two years")], ";")
    return Check(
        assumption=assumption,
        finding=finding,
        verdict="not testable" if np.isnan(test["p_value"]) else "does not hold" if seasonal else "holds",
        statistic=float(test["pearson"]),
        p_value=None if np.isnan(test["p_value"]) else float(test["p_value"]),
    )


def _alike(seen: Observed, transitions: pd.DataFrame, say: Wording) -> Check:
    """Design effect: how much wider intervals over customers are than those over transitions."""
    assumption = say.sentence("transitions of one account do not hang together")
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
            states=say.listing([say.state(name) for name in few.index]),
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
        finding=say.join(finding, ";"),
        verdict="handled" if gone or gaps else "holds",
    )


def _losses(seen: Observed, lost: int, say: Wording) -> Check:
    n = int(seen.tables[:, :, lost].sum() - seen.tables[:, lost, lost].sum())
    return Check(
        assumption=say.sentence("enough losses were seen"),
        finding=say.plural("one was seen", "{n} were seen", n),
        verdict="holds" if n >= FEW_LOSSES else "does not hold",
    )


def _as_fast(seen: Observed, in_use: Floats, lost: int, say: Wording) -> Check:
    """Of the customers not lost half of the periods ago: how many were never lost since, and how many the chain keeps."""
    assumption = say.sentence("accounts are lost as fast as the chain says")
    n_ahead = (len(seen.periods) - 1) // 2
    sequences = seen.sequences
    if sequences is None or n_ahead < 1:
        return Check(assumption=assumption, finding=say.sentence("too few periods to tell"), verdict="not testable")
    origin = len(seen.periods) - 1 - n_ahead
    later = sequences.period >= origin
    n = len(sequences.customers)
    followed = np.bincount(sequences.customer[later], minlength=n) == n_ahead + 1
    was_lost = np.bincount(sequences.customer[later & (sequences.state == lost)], minlength=n) > 0
    start = sequences.period == origin
    present = sequences.customer[start & (sequences.state != lost) & followed[sequences.customer]]
    if not len(present):
        return Check(
            assumption=assumption, finding=say.sentence("nobody was followed long enough"), verdict="not testable"
        )
    mix = np.bincount(sequences.state[start & np.isin(sequences.customer, present)], minlength=len(seen.states))
    season = int(seen.season[origin]) if len(in_use) > 1 else 0
    kept = survival(in_use, lost, n_ahead, season=season)[n_ahead]
    said, came = float(mix @ kept / mix.sum()), float((~was_lost[present]).mean())
    error = np.sqrt(max(float(mix @ (kept * (1 - kept))), 1e-12)) / mix.sum()
    off = abs(came - said) > max(2 * error, _OFF)
    return Check(
        assumption=assumption,
        finding=say.sentence(
            "of {n} accounts that were not lost {time} ago {came} were never lost since; the chain says {said}",
            n=say.count(len(present)),
            time=say.periods(n_ahead, seen.freq),
            came=say.share(came),
            said=say.share(said),
        ),
        verdict="does not hold" if off else "holds",
    )


def _returns(seen: Observed, lost: int, is_cut: bool, say: Wording) -> Check:
    """Whether lost customers come back as often when they have been lost for long as when they have not."""
    assumption = say.sentence("lost accounts come back as often however long they have been lost")
    sequences = seen.sequences
    at_risk = int(seen.tables[:, lost].sum())
    n_back = at_risk - int(seen.tables[:, lost, lost].sum())
    if not at_risk:
        return Check(
            assumption=assumption, finding=say.sentence("no lost account was followed"), verdict="not testable"
        )
    said = say.sentence(
        "{n} returns in {total} {freq}s of lost accounts ({share} each)",
        n=say.count(n_back),
        total=say.count(at_risk),
        freq=say.text(seen.freq),
        share=say.share(n_back / at_risk, 2),
    )
    if is_cut or sequences is None or seen.freq == "period":
        return Check(assumption=assumption, finding=said, verdict="handled" if is_cut else "not testable")
    is_lost = sequences.state == lost
    begins = is_lost & ~np.append(False, is_lost[:-1] & (sequences.customer[1:] == sequences.customer[:-1]))
    rows = np.arange(len(is_lost))
    begun = np.maximum.accumulate(np.where(begins, rows, 0))
    first = np.append(True, sequences.customer[1:] != sequences.customer[:-1])
    known = ~first[begun]  # lost before the first period: since when is not known
    moves = sequences.moves
    moves = moves[is_lost[moves] & known[moves]]
    long = sequences.period[moves] - sequences.period[begun[moves]] >= seen.n_seasons
    back = sequences.state[moves + 1] != lost
    table = np.array([[(back & which).sum(), (~back & which).sum()] for which in (~long, long)], dtype=np.int64)
    test = order_zero_test(table)  # are they independent?
    if test.p is None or table.sum(axis=1).min() < _FEW:
        return Check(assumption=assumption, finding=said, verdict="not testable")
    early, late = table[:, 0] / table.sum(axis=1)
    return Check(
        assumption=assumption,
        finding=say.join(
            [
                said,
                say.sentence(
                    "{early} of those lost within a year, {late} of those lost longer",
                    early=say.share(early, 2),
                    late=say.share(late, 2),
                ),
            ],
            ";",
        ),
        verdict="does not hold" if test.p < ALPHA else "holds",
        statistic=test.x2,
        p_value=test.p,
    )
