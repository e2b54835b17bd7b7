"""How fast and how honest is the scorecard? ``python -m benchmarks.scorecard [accounts] [companies] [first seed]``.

Speed: 1,000 draws of weights and errors for the tiers of 100,000 accounts on eight criteria (three measured, five judged, one in
twelve missing), by given and by flat weights at once, and 10,000 draws for the ranks of 2,000 accounts that are not dominated.
Aim: each under 4 s and 1 GB; the time of the process and, since other work may run beside it, that of the clock.

Honesty: what a tier's probability is worth if its assumptions hold. Companies of 400 accounts with true levels and true weights
(from the Dirichlet distribution around the weights that are given) are judged with errors of the stated size; the stated
probability that an account belongs to tier A is set beside how many do. Writes docs/scorecard.md.
"""
# ruff: noqa: T201

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # one process is measured

import resource
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.identify.scorecard import score_accounts
from kam.identify.smaa import (
    draw_weights,
    not_dominated,
    prepare,
    rank_acceptability,
    tier_acceptability,
    weighted_scores,
)

Floats = npt.NDArray[np.float64]

GIVEN = np.array([0.25, 0.25, 0.1, 0.08, 0.08, 0.08, 0.08, 0.08])
JUDGED = np.arange(8) >= 3
PAGE = Path(__file__).parents[1] / "docs" / "scorecard.md"


def make_levels(n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Levels that go together a little, one in twelve missing, and their errors."""
    latent = 0.5 * rng.standard_normal((n, 1)) + rng.standard_normal((n, GIVEN.size))
    levels = (latent.argsort(axis=0).argsort(axis=0) + 0.5) / n
    levels[:, JUDGED] = np.clip(np.rint(4 * levels[:, JUDGED]), 0, 4) / 4
    levels[rng.random(levels.shape) < 1 / 12] = np.nan
    return levels, np.where(JUDGED, 0.125, 0.0) * np.ones((n, 1))


def _timed(what: str, work: Callable[[], object]) -> tuple[str, float, float, float]:
    clock, process = perf_counter(), process_time()
    work()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return what, process_time() - process, perf_counter() - clock, peak


def measure_speed(n: int) -> list[tuple[str, float, float, float]]:
    """What was done, seconds of the process, seconds by the clock, peak memory so far in GB."""
    rng = np.random.default_rng(1)
    levels, errors = make_levels(n, rng)
    scores = weighted_scores(levels, GIVEN)
    sets = [draw_weights(GIVEN, 1000, rng, concentration=50.0), draw_weights(GIVEN, 1000, rng)]
    places = (n // 5, n // 2)
    front = not_dominated(levels, scores, most=2000)
    drawn = draw_weights(GIVEN, 10_000, rng, concentration=50.0)
    every, ready, table = prepare(levels, errors), prepare(levels[front], errors[front]), to_table(levels, errors)
    rows = [
        _timed(
            f"tiers of {n:,} accounts, 1,000 draws by given and 1,000 by flat weights",
            lambda: tier_acceptability(every, sets, places, rng),
        ),
        _timed("which accounts are not dominated", lambda: not_dominated(levels, scores, most=2000)),
        _timed(
            f"ranks of {front.size:,} accounts, 10,000 draws",
            lambda: rank_acceptability(ready, drawn, n_first=10, rng=rng),
        ),
        _timed(f"score_accounts, {n:,} accounts, all of it", lambda: score_accounts(table)),
    ]
    return rows


def to_table(levels: Floats, errors: Floats) -> pd.DataFrame:
    """The tidy table that ``score_accounts`` takes."""
    n, m = levels.shape
    return pd.DataFrame(
        {
            "customer_id": np.repeat([f"{i:06d}" for i in range(n)], m),
            "criterion": np.tile([f"c{j}" for j in range(m)], n),
            "weight": np.tile(GIVEN, n),
            "criterion_level": levels.ravel(),
            "level_error": errors.ravel(),
        }
    )


def compare_company(seed: int, n: int = 400, concentration: float = 50.0) -> pd.DataFrame:
    """``stated`` probability of tier A of each account, and whether it ``truly`` belongs there by true levels and weights."""
    rng = np.random.default_rng(seed)
    true = np.clip(0.5 + 0.12 * rng.standard_normal((n, 1)) + 0.2 * rng.standard_normal((n, GIVEN.size)), 0, 1)
    errors = np.where(JUDGED, 0.125, 0.0) * np.ones((n, 1))
    seen = np.clip(true + errors * rng.standard_normal(true.shape), 0, 1)
    truth = true @ draw_weights(GIVEN, 1, rng, concentration=concentration)[0]
    result = score_accounts(
        to_table(seen, errors), tiers=(n // 5, n // 5), concentration=concentration, n_rank_draws=1, seed=seed
    )
    stated = result.accounts.set_index("customer_id")["p_tier_a"].sort_index().to_numpy()
    return pd.DataFrame({"stated": stated, "truly": truth >= np.sort(truth)[-(n // 5)]})


def by_band(rows: pd.DataFrame) -> pd.DataFrame:
    """Stated and true shares in bands of the stated probability."""
    band = pd.cut(rows["stated"], [-0.01, 0.02, 0.2, 0.4, 0.6, 0.8, 0.98, 1.01])
    return rows.groupby(band, observed=True).agg(
        n=("truly", "size"), stated=("stated", "mean"), truly=("truly", "mean")
    )


def main(n: int, n_companies: int, first: int) -> None:
    """Print both tables and write the page."""
    speed = measure_speed(n)
    lines = ["| what | process, s | clock, s | peak so far, GB |", "|---|---|---|---|"]
    lines += [f"| {what} | {cpu:.1f} | {clock:.1f} | {peak:.2f} |" for what, cpu, clock, peak in speed]
    honest = by_band(pd.concat([compare_company(seed) for seed in range(first, first + n_companies)]))
    table = ["| stated, mean | truly in tier A | accounts |", "|---|---|---|"]
    table += [f"| {row.stated:.1%} | {row.truly:.1%} | {row.n:,} |" for row in honest.itertuples()]
    text = "\n".join(
        [
            "# How fast and how honest is the scorecard?",
            "",
            f"Made by `python -m benchmarks.scorecard {n} {n_companies} {first}` (one BLAS thread).",
            "",
            "**Speed.** Aim: tiers and ranks each under 4 s and 1 GB. The clock runs on while other work has the processor.",
            "",
            *lines,
            "",
            f"**Honesty.** {n_companies} simulated companies of 400 accounts from seed {first} on, true weights drawn around",
            "the given ones (c = 50) and judged criteria seen with errors of 0.5 points: how many of the accounts that are said",
            "to be in tier A with a probability truly belong there, by true levels and weights. The rule: within 5 points in",
            "every band. Where errors are larger than stated, go together, or the weights lie elsewhere, it does not hold.",
            "",
            *table,
            "",
        ]
    )
    print(text)
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(
        *(
            int(given) if given else usual
            for given, usual in zip([*sys.argv[1:4], "", "", ""], (100_000, 200, 1), strict=False)
        )
    )
