"""Are planted drivers recovered? ``python -m benchmarks.survey_drivers [companies] [first seed]``.

Companies of :mod:`kam.samples`, two waves each, about 930 answers. What is asked of :func:`kam.survey.drivers`:

1. *Planted weights*: points of the judgment per point of an item, as written into the company. The judgment is rounded to whole
   levels and cut to 1–5, and where an item does not apply to somebody, something that is not in the answers stands for it.
2. *Importance*, the share by LMG: against what the same analysis gives on the answers of 100 other companies at once.

Rule: of the 95 % intervals 90 to 98 % hold the truth, and their median width is at most 1.5 times that of an estimator that
knows the model: it sees every level behind an answer, also where an item does not apply, and the judgment before rounding.
"""

# ruff: noqa: T201

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # two processes share the work

import copy
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from time import perf_counter
from unittest import mock

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.samples import simulate_company, survey
from kam.samples.answers import ITEMS, NO_ANSWER, NOT_APPLICABLE, Answers, draw_answers
from kam.survey import Responses, collect_responses
from kam.survey.design import answer_weights
from kam.survey.driver_draws import bias_corrected_interval, moments_of, resample
from kam.survey.not_used import collect_drivers

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

NAMES = [item.name for item in ITEMS]
WEIGHTS = np.array([item.weight for item in ITEMS])
Z = 1.959964
BIG_FROM, N_BIG, N_RESAMPLES = 10_001, 100, 500
"""The big sample: its first seed, and its companies. Then the bootstrap samples of each analysis."""
RARE = ("web_shop", "complaint_handling")
"""What about half of the people do not use."""
DOCS = Path(__file__).parents[1] / "docs" / "survey_drivers.md"
RULES = {"all ten items": 0.3, "answered by 60 % or more": 0.6}


def responses_of(table: pd.DataFrame) -> Responses:
    """The answers of a simulated company, as the dataset would hand them over."""
    frame = table.copy()
    raw = frame[NAMES]
    frame[NAMES] = raw.mask(raw >= NOT_APPLICABLE).astype("float64")
    status = raw.apply(
        lambda c: np.select([c == NOT_APPLICABLE, c == NO_ANSWER], ["not applicable", "no answer"], "answered")
    )
    long = pd.concat(
        [frame[["respondent_id", "wave"]].assign(item=name, answer=frame[name], status=status[name]) for name in NAMES],
        ignore_index=True,
    )
    items = pd.DataFrame({"item": NAMES, "reversed": [item.reversed for item in ITEMS]})
    return collect_responses(frame, items=items, answers=long)


class Recorder:
    """Draws answers as the company does and keeps what stands behind them: levels, and the judgment before rounding."""

    def __init__(self) -> None:
        self.waves: list[tuple[Ints, Floats, Floats, Ints]] = []

    def __call__(
        self,
        account_of: Ints,
        asked: Flags,
        satisfaction: Floats,
        by_theme: Floats,
        late_share: Floats,
        n_complaints: Ints,
        rng: np.random.Generator,
    ) -> Answers:
        """What :func:`kam.samples.answers.draw_answers` gives, drawn twice from the same state."""
        again = copy.deepcopy(rng)
        answers = draw_answers(account_of, asked, satisfaction, by_theme, late_share, n_complaints, rng)
        themes = sorted({item.theme for item in ITEMS})
        account, n = answers.account, len(answers.person)
        base = satisfaction[account] + again.normal(0.0, 0.4, n)
        total = again.normal(0.0, 0.35, n)
        behind = []
        for item in ITEMS:
            latent = base + by_theme[account, themes.index(item.theme)] + again.normal(0.0, 0.6, n)
            latent = latent - 1.0 * late_share[account] * (item.theme == "delivery")
            latent = latent - 0.3 * np.minimum(n_complaints[account], 3) * (item.name == "complaint_handling")
            applies = again.random(n) >= item.not_applicable
            behind.append(np.where(applies, np.clip(np.rint(latent), 1, 5), base))
            total += item.weight * behind[-1]
        assert (np.clip(np.rint(total), 1, 5) == answers.overall).all(), "not what the company drew"
        self.waves.append((answers.person, np.column_stack(behind), total, answers.overall))
        return answers


def draw(seed: int) -> tuple[pd.DataFrame, Floats, Floats]:
    """The survey of a company, what stands behind each answer (n, items), and the judgment before rounding (n,)."""
    recorder = Recorder()
    with mock.patch.object(survey, "draw_answers", recorder):
        company = simulate_company(seed=seed)
    table = company.survey
    names = company.contacts["contact_id"].to_numpy()
    parts = []
    for wave, (person, behind, total, overall) in zip(
        table["wave"].drop_duplicates().sort_values(), recorder.waves, strict=True
    ):
        part = pd.DataFrame(behind, columns=NAMES).assign(
            respondent_id=names[person], wave=wave, total=total, judged=overall
        )
        parts.append(part)
    found = table[["respondent_id", "wave", "overall"]].merge(
        pd.concat(parts), on=["respondent_id", "wave"], how="left"
    )
    assert (found["overall"] == found["judged"]).all()
    return table, found[NAMES].to_numpy(dtype=np.float64), found["total"].to_numpy(dtype=np.float64)


def fit_knowing(behind: Floats, total: Floats) -> tuple[Floats, Floats]:
    """Weights and their standard errors by who sees everything."""
    x = np.column_stack([np.ones(len(total)), behind])
    inverse = np.linalg.inv(x.T @ x)
    theta = inverse @ x.T @ total
    variance = float(((total - x @ theta) ** 2).sum()) / (len(total) - x.shape[1])
    return theta[1:], np.sqrt(variance * np.diagonal(inverse))[1:]


def chosen_by(rule: str) -> list[str]:
    """The items that a rule takes; the same in every company, so that truth and estimate are of the same items."""
    return [name for name in NAMES if RULES[rule] < 0.5 or name not in RARE]


def beside(chosen: list[str]) -> list[str]:
    """The items that a rule does not rank, but holds beside the others."""
    return [name for name in NAMES if name not in chosen]


def try_once(seed: int) -> Floats:
    """By rule and item: points, low, high; share, low, high; errors of who knows, all and who answered; (2, items, 8)."""
    table, behind, total = draw(seed)
    responses = responses_of(table)
    found = np.full((len(RULES), len(NAMES), 8), np.nan)
    found[:, :, 6] = fit_knowing(behind, total)[1]
    for j, name in enumerate(NAMES):
        there = responses.rows[name].notna().to_numpy()
        found[:, j, 7] = fit_knowing(behind[there], total[there])[1][j]
    weights = answer_weights(responses)
    for at, rule in enumerate(RULES):
        chosen = chosen_by(rule)
        given = collect_drivers(responses, weights, outcome="overall", items=chosen, beside=beside(chosen))
        estimate, draws = resample(given, N_RESAMPLES, seed)
        rows = [NAMES.index(name) for name in chosen]
        for place, (one, many) in enumerate(((estimate.slopes, draws.slopes), (estimate.shares, draws.shares))):
            low, high = bias_corrected_interval(many, one[0], 0.95)
            found[at, rows, 3 * place : 3 * place + 3] = np.column_stack([one[0], low, high])
    return found


def _survey(seed: int) -> pd.DataFrame:
    table = simulate_company(seed=seed).survey.drop(columns="comment")
    return table.assign(
        respondent_id=table["respondent_id"] + f"-{seed}", customer_id=table["customer_id"] + f"-{seed}"
    )


def big_sample(tables: list[pd.DataFrame]) -> Floats:
    """Points and shares of the same analysis on all answers at once, by rule; (2, items, 2)."""
    responses = responses_of(pd.concat(tables, ignore_index=True))
    found = np.full((len(RULES), len(NAMES), 2), np.nan)
    for at, rule in enumerate(RULES):
        chosen = chosen_by(rule)
        weights = responses.rows["weight"].to_numpy()
        given = collect_drivers(responses, weights, outcome="overall", items=chosen, beside=beside(chosen))
        estimate = moments_of(given).estimate(np.ones((1, given.n_accounts)))
        found[at, [NAMES.index(name) for name in chosen]] = np.column_stack([estimate.slopes[0], estimate.shares[0]])
    return found


def table_of(found: Floats, big: Floats, rule: int) -> pd.DataFrame:
    """What the rule asks, by item: shares of intervals that hold the truth, in percent, and widths over that of who knows."""
    one = found[:, rule]
    width = np.median(one[:, :, 2] - one[:, :, 1], axis=0)

    def held(low: int, truth: Floats) -> Floats:
        return 100 * ((one[:, :, low] <= truth) & (truth <= one[:, :, low + 1])).mean(axis=0)

    table = pd.DataFrame(
        {
            "item": NAMES,
            "planted": WEIGHTS,
            "big sample": big[rule, :, 0],
            "mean": one[:, :, 0].mean(axis=0),
            "planted held %": held(1, WEIGHTS),
            "big sample held %": held(1, big[rule, :, 0]),
            "width": width / (2 * Z * np.median(one[:, :, 6], axis=0)),
            "width, who answered": width / (2 * Z * np.median(one[:, :, 7], axis=0)),
            "importance, big %": 100 * big[rule, :, 1],
            "importance, mean %": 100 * one[:, :, 3].mean(axis=0),
            "importance held %": held(4, big[rule, :, 1]),
        }
    )
    return table[table["mean"].notna()]


def outside(table: pd.DataFrame) -> str:
    """Which items do not keep the rule, by what it asks of planted weights, of importance, and of widths."""
    found = []
    for column, low, high in (
        ("planted held %", 90, 98),
        ("big sample held %", 90, 98),
        ("importance held %", 90, 98),
        ("width", 0, 1.5),
        ("width, who answered", 0, 1.5),
    ):
        bad = table[(table[column] < low) | (table[column] > high)]
        named = ", ".join(f"{item} {value:.2f}" for item, value in zip(bad["item"], bad[column], strict=True))
        found.append(f"- {column}: {named or 'none'}")
    return "Outside the rule:\n\n" + "\n".join(found)


def main(n_companies: int, first: int) -> None:
    """Print one table per rule, and write them down."""
    start = perf_counter()
    with ProcessPoolExecutor(2) as pool:
        big = big_sample(list(pool.map(_survey, range(BIG_FROM, BIG_FROM + N_BIG))))
        found = np.array(list(pool.map(try_once, range(first, first + n_companies))))
    said = [
        f"{n_companies} companies from seed {first} on; big sample: {N_BIG} from seed {BIG_FROM} on; {N_RESAMPLES} resamples."
    ]
    for at, rule in enumerate(RULES):
        table = table_of(found, big, at)
        rows = [[f"{v:.3f}" if c in ("planted", "big sample", "mean") else f"{v:.2f}" if c.startswith("width") else f"{v:.1f}"
                 if not isinstance(v, str) else v for c, v in row.items()] for row in table.to_dict("records")]  # fmt: skip
        lines = ["| " + " | ".join(cells) + " |" for cells in [list(table.columns), ["---"] * table.shape[1], *rows]]
        said += [f"## {rule}", "\n".join(lines), outside(table)]
    print("\n\n".join(said), f"\n\n{perf_counter() - start:.0f} s")
    DOCS.write_text(
        "# Are planted drivers recovered?\n\n" + _TEXT + "\n\n" + "\n\n".join(said) + "\n", encoding="utf-8"
    )


_TEXT = (
    __doc__.partition("\n\n")[2].strip()
    + """

Columns: the weight as *planted*; what the analysis gives on the *big sample*; the *mean* of its estimates; of the intervals of
points, how many hold the planted weight, and the value of the big sample; the median *width* over that of who knows, and over
that of who knows but has only those who answered the item; importance in the big sample and on average, and how many of its
intervals hold it.

What is estimated: the slopes and shares of a line. Rounding the judgment to whole levels and cutting it widens the intervals but
hardly bends the line. What would bend it are items left out since few use them: what they explain would fall to the others. They
are not ranked, but held beside those that are (second table)."""
)


if __name__ == "__main__":
    main(*(int(given) if given else usual for given, usual in zip([*sys.argv[1:3], "", ""], (200, 401), strict=False)))
