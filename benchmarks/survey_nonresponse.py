"""Does the band hold what the silent hide? ``python -m benchmarks.survey_nonresponse [companies] [first seed]``.

Companies of :mod:`kam.samples` (1,200 accounts, two waves) in two worlds: whether an account answers depends on facts that the
ledger knows, or on satisfaction itself. In both, delta is fixed beforehand from 0 to 0.75 points, and the answers are weighed by
propensity from the ledger. Shown: in how many waves the truth of a census lies in the interval of the weighted mean, and in the
band; how wide the band is beyond that interval; how often the signs say that answering depends on satisfaction; and whether
anything is ever said to be corrected for it.

The rule: in the world *satisfaction* the truth lies in the band in at least 90 % of the waves, and the band is no wider than 0.75
points plus the interval; no result claims a correction; in the world *ledger* the signs stand out, in either
direction, in at most 10 %.
"""
# ruff: noqa: T201

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # two processes share the work
os.environ.setdefault("OMP_NUM_THREADS", "1")

import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from time import perf_counter
from typing import Any

import pandas as pd

from kam.ledger import Covariates, open_ledger, snapshots
from kam.samples import SampleCompany, simulate_company
from kam.survey import Responses, collect_responses, survey_frame, weigh_responses
from kam.survey.nonresponse import NonresponseResult, assess_nonresponse
from kam.survey.nonresponse_checks import DEPENDS, REVERSED

LARGEST_DELTA = 0.75
WORLDS = ("ledger", "satisfaction")


def frame_of(company: SampleCompany, responses: Responses) -> pd.DataFrame:
    """The survey frame as a user would make it, from the ledger, the sample, the accounts and the events."""
    ledger = open_ledger(company.ledger, as_of=company.as_of.isoformat())
    known = Covariates(accounts=company.accounts, static=("region", "industry"), events=company.events)
    facts = snapshots(ledger, origins=responses.origins, horizon_days=364, k=6, covariates=known).rows
    ledger.close()
    return survey_frame(responses, sample=company.sample, facts=facts)


def assess(company: SampleCompany) -> NonresponseResult:
    """The assessment of a company's survey, weighed by propensity."""
    responses = collect_responses(company.survey)
    frame = frame_of(company, responses)
    designs = weigh_responses(responses, frame).designs(responses)
    return assess_nonresponse(responses, frame, designs=designs, largest_delta=LARGEST_DELTA)


def try_once(seed: int, world: str) -> list[dict[str, Any]]:
    """One row per wave and what counts alike."""
    company = simulate_company(seed=seed, non_response=world)  # type: ignore[arg-type]
    result = assess(company)
    truth = company.truth.population.set_index("wave")
    signs = result.signs.set_index("term")["stands_out"]
    after = result.afterwards
    left = after[(after["term"] == "churned") & after["difference_alike"].notna()].tail(1)
    everybody = company.truth.responses
    rows = []
    for wave in truth.index:
        drawn = everybody[(everybody["wave"] == wave) & everybody["drawn"]]
        for each, column in (("account", "mean_overall"), ("revenue", "mean_overall_by_revenue")):
            band, census = result.band(wave=wave, each=each), float(truth.at[wave, column])
            rows.append(
                {
                    "world": world,
                    "seed": seed,
                    "wave": wave,
                    "each": each,
                    "bias": band["estimate"] - census,
                    "in_interval": band["ci_low"] <= census <= band["ci_high"],
                    "in_band": band["band_low"] <= census <= band["band_high"],
                    "width": band["band_high"] - band["band_low"],
                    "interval": band["ci_high"] - band["ci_low"],
                    "silent_less": drawn.loc[drawn["answered"], "mean_overall"].mean()
                    - drawn.loc[~drawn["answered"], "mean_overall"].mean(),
                    "depends": result.verdict == DEPENDS,
                    "reversed": result.verdict == REVERSED,
                    "claims": result.checks[1].verdict in ("holds", "handled"),
                    "hint": result.delta_hint,
                    "left_more": bool((left["alike_low"] > 0).any()),
                    **{f"sign: {term}": bool(signs.get(term, False)) for term in signs.index},
                }
            )
    return rows


def summarize(rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """One row per world and what counts alike: the figures that the rule is about, in percent or points."""
    table = pd.DataFrame(rows)
    table["too_wide"] = table["width"] > LARGEST_DELTA + table["interval"] + 1e-9
    table["cries_wolf"] = table["depends"] | table["reversed"]  # wrong in the world "ledger" only
    table["wider_by"] = table["width"] - table["interval"]
    by = table.groupby(["world", "each"])
    found = by[["bias", "silent_less", "wider_by", "interval", "hint"]].mean()
    flags = ["in_interval", "in_band", "too_wide", "cries_wolf", "depends", "reversed", "claims", "left_more"]
    flags += [c for c in table.columns if c.startswith("sign: ")]
    return found.join(100 * by[flags].mean()).join(by.size().rename("waves")).T


def main(n_companies: int, first: int) -> None:
    """Print the table."""
    start = perf_counter()
    seeds = range(first, first + n_companies)
    with ProcessPoolExecutor(2) as pool:
        tries = [pool.submit(try_once, seed, world) for seed in seeds for world in WORLDS]
        rows = [row for found in tries for row in found.result()]
    print(f"{n_companies} companies a world from seed {first} on, {perf_counter() - start:.0f} s")
    print(summarize(rows).round(3).to_string())


if __name__ == "__main__":
    main(*(int(given) if given else usual for given, usual in zip([*sys.argv[1:3], "", ""], (200, 1), strict=False)))
