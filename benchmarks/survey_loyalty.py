"""Are thresholds of loyalty found where they are, and only there? ``python -m benchmarks.survey_loyalty [companies] [first]``.

Companies of :mod:`kam.samples`: about 900 answers of 380 accounts in two waves. The planted world has two thresholds, between
levels 2 and 3 and between 4 and 5 (the intention to buy again is 2.2, 3.4 or 4.6). In the other worlds the same respondents
answer by another truth, drawn with the same noise (normal 0.7, rounded, cut to 1–5): smaller steps, one threshold, a straight
line, a line with accounts that differ (normal 0.5), no relation, a curve that grows steeper. Shown for each, in percent: how
often kam claims the true steps, other steps, a line or a curve; how often the sup-LR test of two thresholds and the Wald test
reject the line (at 5 %); and how many of the 95 % intervals of the level means hold the truth. Aim: true steps claimed in 90 % of
the planted worlds, precision of claims at least 70 %, intervals 90 to 98. The table goes to docs/survey_loyalty.md.
"""
# ruff: noqa: T201

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from kam.samples import simulate_company
from kam.survey import collect_responses
from kam.survey.loyalty import satisfaction_loyalty

Floats = npt.NDArray[np.float64]
N_RESAMPLES = 400
DOCS = Path(__file__).parent.parent / "docs" / "survey_loyalty.md"


@dataclass(frozen=True)
class World:
    """A truth: the mean of each level before rounding, the levels below each threshold, spread of accounts."""

    name: str
    means: tuple[float, float, float, float, float]
    cuts: tuple[int, ...] = ()
    accounts: float = 0.0

    @property
    def true_means(self) -> Floats:
        """Mean of the recorded answers, by level: rounded and cut to 1–5."""
        edges = np.array([1.5, 2.5, 3.5, 4.5])
        above = stats.norm.sf(edges, np.array(self.means)[:, None], np.hypot(0.7, self.accounts))
        return np.asarray(1 + above.sum(axis=1))


WORLDS = (
    World("two thresholds, as planted", (2.2, 2.2, 3.4, 3.4, 4.6), (2, 4)),
    World("two thresholds, half the steps", (2.8, 2.8, 3.4, 3.4, 4.0), (2, 4)),
    World("two thresholds, a quarter", (3.1, 3.1, 3.4, 3.4, 3.7), (2, 4)),
    World("two thresholds, elsewhere", (2.6, 2.6, 2.6, 3.4, 4.2), (3, 4)),
    World("one threshold, above 3", (2.8, 2.8, 2.8, 3.8, 3.8), (3,)),
    World("one threshold, above 4", (3.0, 3.0, 3.0, 3.0, 4.0), (4,)),
    World("a line", (2.4, 2.8, 3.2, 3.6, 4.0)),
    World("a line, accounts differ", (2.4, 2.8, 3.2, 3.6, 4.0), (), 0.5),
    World("no relation", (3.2, 3.2, 3.2, 3.2, 3.2)),
    World("a curve", (2.2, 2.4, 2.8, 3.4, 4.2)),
)
COLUMNS = ("true steps", "other steps", "line", "curve", "sup-LR", "Wald", "held", "shown")


def answer_by(world: World, survey: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The same respondents, loyal by another truth; the planted world is the company's own."""
    if world == WORLDS[0]:
        return survey
    rng = np.random.default_rng([seed, WORLDS.index(world)])
    account, names = pd.factorize(survey["customer_id"])
    mean = np.array(world.means)[survey["overall"].to_numpy(dtype=np.int64) - 1]
    mean = mean + rng.normal(0, 1, len(names))[account] * world.accounts
    said = np.clip(np.rint(mean + rng.normal(0, 0.7, len(survey))), 1, 5)
    return survey.assign(repurchase=said)


def try_once(seed: int, worlds: tuple[World, ...] = WORLDS) -> Floats:
    """One row per world in the order of COLUMNS: flags, then how many intervals hold and are shown."""
    survey = simulate_company(seed=seed).survey
    survey = survey[
        ["respondent_id", "wave", "customer_id", "answered_on", "weight", "stratum", "overall", "repurchase"]
    ]
    found = []
    for world in worlds:
        result = satisfaction_loyalty(
            collect_responses(answer_by(world, survey, seed)), None, n_resamples=N_RESAMPLES, seed=seed
        )
        steps = result.of(result.steps)
        claimed = tuple(steps["score_to"].iloc[:-1]) if result.shape.endswith(("threshold", "thresholds")) else ()
        tests = result.of(result.tests).set_index("test")["p_value"]
        curve = result.of(result.curve).dropna(subset="estimate")
        truth = world.true_means[curve["score"].to_numpy(dtype=np.int64) - 1]
        held = (curve["ci_low"].to_numpy() <= truth) & (truth <= curve["ci_high"].to_numpy())
        found.append(
            [
                bool(claimed) and claimed == world.cuts,
                bool(claimed) and claimed != world.cuts,
                result.shape == "line",
                result.shape == "curve",
                tests["two thresholds against a straight line"] <= 0.05,
                tests["level means on a straight line"] <= 0.05,
                held.sum(),
                len(held),
            ]
        )
    return np.array(found, dtype=np.float64)


def table_of(found: Floats, worlds: tuple[World, ...] = WORLDS) -> pd.DataFrame:
    """Percent of the companies (of the intervals, for ``held``), one row per world; ``found``: companies × worlds × columns."""
    percent = 100 * found.mean(axis=0)
    percent[:, 6] = 100 * found[:, :, 6].sum(axis=0) / found[:, :, 7].sum(axis=0)
    return pd.DataFrame(percent[:, :7], columns=list(COLUMNS[:7]), index=[world.name for world in worlds])


def precision_of(found: Floats) -> tuple[float, float]:
    """Of all claims of thresholds, the share that are true: in planted and line worlds alone, and in all worlds alike."""
    few = found[:, [0, 6]]
    return tuple(float(some[..., 0].sum() / some[..., :2].sum()) for some in (few, found))  # type: ignore[return-value]


def main(n_companies: int, first: int) -> None:
    """Print the table, and write it to docs."""
    start = perf_counter()
    with ProcessPoolExecutor(2) as pool:
        found = np.array(list(pool.map(try_once, range(first, first + n_companies), chunksize=4)))
    table = table_of(found)
    few, every = precision_of(found)
    seconds = (perf_counter() - start) / n_companies
    head = f"{n_companies} companies, seeds {first} to {first + n_companies - 1}, {seconds:.1f} s each"
    print(head)
    print(table.round(1).to_string())
    print(f"precision: {few:.3f} in planted and line worlds, {every:.3f} over all worlds alike")
    lines = [
        f"### {head.rsplit(',', 1)[0]}",
        "",
        "| world | " + " | ".join(COLUMNS[:7]) + " |",
        "|---" * 8 + "|",
        *(
            "| " + " | ".join([name, *(f"{value:.1f}" for value in row)]) + " |"
            for name, row in zip(table.index, table.to_numpy(), strict=True)
        ),
        "",
        f"Precision of claimed steps: {few:.3f} in planted and line worlds, {every:.3f} over all worlds alike.",
        "",
    ]
    text = DOCS.read_text(encoding="utf-8") if DOCS.exists() else ""
    before, _, after = text.partition(lines[0])
    rest = after[after.find("### ") :] if "### " in after else ""
    DOCS.write_text(before.rstrip() + "\n\n" + "\n".join(lines) + rest, encoding="utf-8")


if __name__ == "__main__":
    main(*(int(given) if given else usual for given, usual in zip([*sys.argv[1:3], "", ""], (200, 1), strict=False)))
