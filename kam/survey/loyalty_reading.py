"""Loyalty over satisfaction in one reading of level 3: the curve, its steps and tests, and what may be claimed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from kam.stats.resampling import percentile_interval
from kam.survey.intervals import share_interval, t_interval
from kam.survey.loyalty_rows import LoyaltyRows
from kam.survey.nonlinearity import (
    FEW_ACCOUNTS,
    LINE_TEST,
    LoyaltyTest,
    band_test,
    cluster_errors,
    explained_by_parabola,
    fit_monotone,
    line_of,
    line_slope,
    line_test,
    model_covariance,
    order_test,
    step_combinations,
    step_test,
)
from kam.survey.partitions import LevelRows, Partition, PartitionWeights, bands_of, weigh_partitions
from kam.survey.segmented import fit_segmented

Floats = npt.NDArray[np.float64]

CLAIMED_AT = 0.8
"""A threshold is claimed only if its partition fits best in this share of the resamples."""
CONDITIONS = ("second", "line", "parabola", "resamples", "flat")
"""Of a claim: a second threshold adds to the first (else there may be one), the steps fit better than a line, better than a
parabola, are the best in enough resamples, and loyalty is flat within them."""
FLAT_AT = 0.01
"""Steps are not claimed if that loyalty is flat within them is rejected at this level."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Reading:
    """All that is found in one reading of level 3; the frames are those of the result, without ``level_3``.

    ``failed``: where no threshold is claimed, the conditions (:data:`CONDITIONS`) that are not met; else empty.
    """

    rows: LoyaltyRows
    is_share: bool
    shape: str
    conclusion: tuple[object, ...]
    failed: tuple[str, ...]
    loyalty_tests: tuple[LoyaltyTest, ...]
    curve: pd.DataFrame
    partitions: pd.DataFrame
    steps: pd.DataFrame
    tests: pd.DataFrame
    summary: pd.DataFrame
    bends: pd.DataFrame

    @classmethod
    def of(
        cls,
        rows: LoyaltyRows,
        *,
        rising: bool,
        is_scale: bool,
        n_resamples: int,
        level: float,
        seed: int,
        limits: tuple[float, float] | None = None,
    ) -> Reading:
        """Draw the curve, weigh the partitions, test, and decide what is claimed.

        ``rising``: whether loyalty is expected to rise with satisfaction; ``is_scale``: whether the score is of several items;
        ``limits``: lowest and highest answer, beyond which no mean can lie; None: there are none.
        """
        levels = rows.by_level()
        weighed = weigh_partitions(levels, n_resamples=n_resamples, seed=seed)
        covariance = model_covariance(levels)
        tests, claimed, failed = _find_steps(levels, weighed, covariance, n_resamples, seed)
        tests = (
            *tests,
            line_test(levels),
            order_test(levels, covariance, rising=rising, n_draws=n_resamples, seed=seed + 4),
        )
        line_fails = any(test.rejects for test in tests if test.test == LINE_TEST)
        shape = {2: "two thresholds", 1: "one threshold"}.get(len(claimed or ()), "curve" if line_fails else "line")
        shown_n = len(claimed) if claimed else max(weighed)
        is_share = bool(np.isin(levels.y, (0.0, 1.0)).all())
        slope, error = line_slope(levels)
        t = float(stats.t.ppf((1 + level) / 2, max(levels.n_clusters - 2, 1)))
        summary = pd.DataFrame(
            {
                "shape": [shape],
                "n_respondents": [len(levels.y)],
                "n_accounts": [rows.frame["customer_id"].nunique()],
                "estimate": [slope],
                "ci_low": [slope - t * error],
                "ci_high": [slope + t * error],
            }
        )
        return cls(
            rows=rows,
            is_share=is_share,
            shape=shape,
            conclusion=(shape, *_cuts_without_3(levels, claimed)),
            failed=failed,
            loyalty_tests=tests,
            curve=_clipped(_curve(rows, levels, weighed, rising, is_share, level), limits),
            partitions=_partitions(levels, weighed, claimed),
            steps=_clipped(_steps(levels, weighed[shown_n], is_share, claimed is not None, level), limits),
            tests=_tests_frame(tests),
            summary=summary,
            bends=_bends(rows, levels, n_resamples, seed, level) if is_scale else _no_bends(),
        )


# -- inside ----------------------------------------------------------------------------------------------------------


def _find_steps(
    levels: LevelRows, weighed: Mapping[int, PartitionWeights], covariance: Floats, n_draws: int, seed: int
) -> tuple[tuple[LoyaltyTest, ...], Partition | None, tuple[str, ...]]:
    """The tests of steps, and the partition that is claimed, or the conditions that failed."""
    tests: list[LoyaltyTest] = []
    beats_line: dict[int, bool] = {}
    flat: dict[int, LoyaltyTest] = {}
    for n, weights in weighed.items():
        against = step_test(levels, covariance, n_thresholds=n, null=None, n_draws=n_draws, seed=seed + n)
        flat[n] = band_test(levels, weights.partitions[weights.best], covariance)
        beats_line[n] = against.rejects and (against.statistic or 0.0) > 0
        tests += [against, flat[n]]
    needs_two = False
    if 2 in weighed:
        one = weighed[1].partitions[weighed[1].best]
        more = step_test(levels, covariance, n_thresholds=2, null=one, n_draws=n_draws, seed=seed + 3)
        tests.append(more)
        needs_two = more.rejects
    smooth = explained_by_parabola(levels)
    n = 2 if needs_two else 1
    best, p = weighed[n].best, flat[n].p_value
    is_met = {
        "line": beats_line[n],
        "parabola": bool(weighed[n].explained[best] > smooth),
        "resamples": bool(weighed[n].share[best] >= CLAIMED_AT),
        "flat": p is not None and p > FLAT_AT,
    }
    if all(is_met.values()):
        return tuple(tests), weighed[n].partitions[best], ()
    second = ("second",) if 2 in weighed and not needs_two else ()
    return tuple(tests), None, (*second, *(name for name, met in is_met.items() if not met))


def _clipped(frame: pd.DataFrame, limits: tuple[float, float] | None) -> pd.DataFrame:
    """Intervals within the scale of the question."""
    return frame if limits is None else frame.assign(**{end: frame[end].clip(*limits) for end in ("ci_low", "ci_high")})


def _cuts_without_3(levels: LevelRows, claimed: Partition | None) -> tuple[tuple[float, ...], ...]:
    """The levels other than 3 below each claimed cut: alike in both readings of level 3 if the conclusion is."""
    return tuple(tuple(v for v in levels.level[:cut] if v != 3) for cut in claimed or ())


def _curve(
    rows: LoyaltyRows,
    levels: LevelRows,
    weighed: Mapping[int, PartitionWeights],
    rising: bool,
    is_share: bool,
    level: float,
) -> pd.DataFrame:
    k, n_accounts = len(levels.level), levels.n_accounts
    means, weights = levels.means, levels.weights
    variance = np.diag(cluster_errors(levels, np.eye(k)))
    few = n_accounts < FEW_ACCOUNTS
    family = weighed[max(weighed)]
    band = bands_of(family.partitions[family.best], k)
    frame = pd.DataFrame(
        {
            "score": levels.level.astype(np.int64),
            "n_respondents": np.bincount(levels.at, minlength=k),
            "n_accounts": rows.frame.groupby("level")["customer_id"].nunique().to_numpy(),
            "estimate": means,
            "std_error": np.sqrt(variance),
        }
    )
    frame[["ci_low", "ci_high"]] = _intervals(means, variance, levels.sizes, n_accounts, is_share, level)
    frame["line"] = line_of(levels)
    frame["monotone"] = fit_monotone(means, weights, rising=rising)
    frame["steps"] = (np.bincount(band, weights * means) / np.bincount(band, weights))[band]
    frame.loc[few, ["estimate", "std_error", "ci_low", "ci_high"]] = np.nan
    return frame


def _intervals(
    means: Floats, variance: Floats, sizes: Floats, n_accounts: npt.NDArray[np.int64], is_share: bool, level: float
) -> Floats:
    """Intervals of means over accounts: Korn and Graubard's for shares, else t; shape (k, 2)."""
    if is_share:
        return np.array(
            [
                share_interval(float(m), float(v), size[size > 0], level)
                for m, v, size in zip(means, variance, sizes.T, strict=True)
            ]
        )
    return np.column_stack(t_interval(means, variance, df=n_accounts - 1, level=level))


def _partitions(levels: LevelRows, weighed: Mapping[int, PartitionWeights], claimed: Partition | None) -> pd.DataFrame:
    total = float((levels.weight * levels.y**2).sum())
    mean = float((levels.weight * levels.y).sum() ** 2 / levels.weight.sum())
    records = [
        (n, _name(levels, partition), (explained - mean) / (total - mean), share, partition == claimed)
        for n, family in weighed.items()
        for partition, explained, share in zip(family.partitions, family.explained, family.share, strict=True)
    ]
    columns = ["n_thresholds", "partition", "share_explained", "share_resamples", "is_claimed"]
    return pd.DataFrame(records, columns=columns)


def _name(levels: LevelRows, partition: Partition) -> str:
    """``1 2 | 3 4 | 5``."""
    return " | ".join(" ".join(f"{v:g}" for v in part) for part in np.split(levels.level, list(partition)))


def _steps(levels: LevelRows, family: PartitionWeights, is_share: bool, is_claimed: bool, level: float) -> pd.DataFrame:
    partition = family.partitions[family.best]
    band = bands_of(partition, len(levels.level))
    combinations = step_combinations([partition], levels)
    of_band = np.eye(len(partition) + 1)[band]
    sizes = levels.sizes @ of_band
    n_accounts = (sizes > 0).sum(axis=0)
    means = combinations @ levels.means
    grouped = LevelRows(
        level=np.arange(len(means), dtype=np.float64),
        at=band[levels.at],
        y=levels.y,
        weight=levels.weight,
        cluster=levels.cluster,
        stratum=levels.stratum,
    )
    variance = np.diag(cluster_errors(grouped, np.eye(len(means))))
    ends = _intervals(means, variance, sizes, n_accounts, is_share, level)
    return pd.DataFrame(
        {
            "score_from": [int(levels.level[band == b].min()) for b in range(len(means))],
            "score_to": [int(levels.level[band == b].max()) for b in range(len(means))],
            "estimate": means,
            "ci_low": ends[:, 0],
            "ci_high": ends[:, 1],
            "n_accounts": n_accounts,
            "share_resamples": family.share[family.best],
            "is_claimed": is_claimed,
        }
    )


def _tests_frame(tests: Sequence[LoyaltyTest]) -> pd.DataFrame:
    frame = pd.DataFrame(
        [(t.test, t.statistic, t.df, t.p_value) for t in tests], columns=["test", "statistic", "df", "p_value"]
    )
    return frame.astype({"statistic": "float64", "df": "float64", "p_value": "float64"})


def _no_bends() -> pd.DataFrame:
    columns = {"term": "str", "estimate": "float64", "ci_low": "float64", "ci_high": "float64"}
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()})


def _bends(rows: LoyaltyRows, levels: LevelRows, n_resamples: int, seed: int, level: float) -> pd.DataFrame:
    fit = fit_segmented(
        rows.frame["score"].to_numpy(dtype=np.float64),
        levels.y,
        levels.weight,
        levels.cluster,
        n_resamples=n_resamples,
        seed=seed,
    )
    records: list[tuple[str, float, float, float]] = []
    for name, values, draws in (
        ("breakpoint", fit.breakpoints, fit.break_draws),
        ("slope", fit.slopes, fit.slope_draws),
    ):
        for j, value in enumerate(values):
            records.append((f"{name} {j + 1}", float(value), *percentile_interval(draws[:, j], level)))
    records.append(("p-value of the bends", fit.p_value, np.nan, np.nan))
    return pd.DataFrame(records, columns=["term", "estimate", "ci_low", "ci_high"])
