"""Do weights remove what non-response does, and do intervals cover? ``python -m benchmarks.survey_weights``.

*Companies* of :mod:`kam.samples` in which answering depends on what the ledger knows: the bias of the estimates against a census
of the frame, by design weights alone and by :func:`kam.survey.weigh_responses` (aim: at least 80 % of it gone), and how many of
the 95 % intervals hold the truth.

*Draws* from fixed populations: accounts with their answers do not change, who is drawn and who answers does. In percent, how many
of the 95 % intervals of the mean hold that of the population (aim: 93 to 97), and the mean standard error over the true one.
"""
# ruff: noqa: T201

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # two processes share the work

import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from time import perf_counter

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit
from scipy.stats import t as student

from kam.ledger import Covariates, open_ledger, snapshots
from kam.samples import simulate_company
from kam.survey import collect_responses, survey_frame, weigh_responses
from kam.survey.design import Design, Each
from kam.survey.response_model import Method

Floats = npt.NDArray[np.float64]

# -- companies -------------------------------------------------------------------------------------------------------

MEASURES: tuple[tuple[str, str, Each], ...] = (
    ("mean, by account", "mean_overall", "account"),
    ("mean, by revenue", "mean_overall_by_revenue", "revenue"),
    ("share satisfied, by respondent", "share_satisfied", "respondent"),
    ("NPS, by respondent", "nps", "respondent"),
)
METHODS: tuple[Method, ...] = ("none", "classes", "propensity")


def values_of(design: Design, measure: str) -> Floats:
    """What is averaged, shape (respondents,)."""
    rows = design.responses.rows
    if measure == "nps":
        score = rows["recommend"].to_numpy(dtype=np.float64)
        return 100.0 * ((score >= 9).astype(np.float64) - (score <= 6))
    overall = rows["overall"].to_numpy(dtype=np.float64)
    return (overall >= 4).astype(np.float64) if measure == "share_satisfied" else overall


def ask_company(seed: int, methods: tuple[Method, ...] = METHODS) -> Floats:
    """Estimate less truth and standard error, shape (waves, methods, measures, 2), then degrees of freedom at the end."""
    company = simulate_company(seed=seed, non_response="ledger")
    items = company.truth.drivers[["item", "reversed"]]
    survey = company.survey.copy()
    answers = survey[list(items["item"])]
    survey[list(items["item"])] = answers.where(answers <= 5)
    responses = collect_responses(survey, items=items)
    covariates = Covariates(accounts=company.accounts, static=("region", "industry"), events=company.events)
    ledger = open_ledger(company.ledger, as_of=str(company.as_of))
    facts = snapshots(ledger, origins=responses.origins, horizon_days=364, k=6, covariates=covariates).rows
    ledger.close()
    frame = survey_frame(responses, sample=company.sample, facts=facts, contacts=company.contacts)
    truth = company.truth.population.set_index("wave")
    found = np.empty((len(responses.waves), len(methods), len(MEASURES), 2))
    for m, method in enumerate(methods):
        designs = weigh_responses(responses, frame, method=method).designs(responses)
        for w, wave in enumerate(responses.waves):
            design = designs[wave]
            for k, (_, column, each) in enumerate(MEASURES):
                mean = design.mean(values_of(design, column), each=each)
                found[w, m, k] = (
                    mean.estimate - float(truth[column].loc[wave]),
                    float(np.sqrt(design.variance(mean)[0])) * student.ppf(0.975, design.df),
                )
    return found


def show_companies(found: Floats) -> None:
    """Print bias, what is left of it, and coverage; ``found`` has shape (companies, waves, methods, measures, 2)."""
    error, reach = found[..., 0], found[..., 1]
    bias = error.mean(axis=(0, 1))
    noise = error.mean(axis=1).std(axis=0, ddof=1) / np.sqrt(len(found))
    held = 100 * (np.abs(error) <= reach).mean(axis=(0, 1))
    print(f"{'':>32}{'method':>12}{'bias':>9}{'±':>8}{'removed, %':>12}{'covers, %':>11}{'SE':>7}")
    for k, (label, _, _) in enumerate(MEASURES):
        for m, method in enumerate(METHODS):
            gone = 100 * (1 - abs(bias[m, k]) / abs(bias[0, k]))
            print(
                f"{label if m == 0 else '':>32}{method:>12}{bias[m, k]:9.4f}{1.96 * noise[m, k]:8.4f}"
                f"{'' if m == 0 else f'{gone:.0f}':>12}{held[m, k]:11.1f}{_ratio(error, reach)[m, k]:7.2f}"
            )


def _ratio(error: Floats, reach: Floats) -> Floats:
    """Mean standard error over the spread of the errors, shape (methods, measures)."""
    return np.asarray(np.sqrt(((reach / 1.96) ** 2).mean(axis=(0, 1))) / error.std(axis=(0, 1), ddof=1))


# -- fixed populations -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class World:
    """A population: strata as (accounts, drawn), people per account at most, and how answering goes with the facts."""

    strata: tuple[tuple[int, int], ...]
    people: int = 1
    intercept: float = 0.0
    slope: float = 0.7
    asked: float = 1.0


WORLDS: dict[str, World] = {
    "certainty stratum, half missing": World(((60, 60), (200, 80), (600, 80))),
    "all drawn, half missing": World(((150, 150),)),
    "certainty alone large, 30 % answer": World(((200, 200), (400, 60)), intercept=-1.0),
    "eight small strata": World(((40, 14),) * 8),
    "one stratum, large population": World(((5000, 300),)),
    "several people, 60 % of them": World(((60, 60), (200, 80), (600, 80)), people=6, asked=0.6),
    "several people, all drawn": World(((150, 150),), people=6, asked=0.6),
    "certainty stratum, answering goes more with size": World(((60, 60), (200, 80), (600, 80)), slope=1.0),
    "almost all answer": World(((60, 60), (300, 100)), intercept=3.0),
}


DRAWN_METHODS: tuple[Method, ...] = ("propensity", "classes")


def build_population(world: World, seed: int = 1) -> pd.DataFrame:
    """One row per person: ``customer_id, stratum, revenue, region, y`` and the account's probability of answering."""
    rng = np.random.default_rng(seed)
    size = np.array([n for n, _ in world.strata])
    stratum = np.repeat(np.arange(len(size)), size)
    z = rng.normal(size=size.sum()) + 0.8 * (len(size) - 1 - stratum if len(size) < 4 else 0.0)
    region = rng.choice(["north", "south", "west"], size.sum(), p=[0.5, 0.3, 0.2])
    scaled = (z - z.mean()) / z.std()
    p = expit(world.intercept + world.slope * (z - np.bincount(stratum, z)[stratum] / size[stratum]))
    level = 3.4 + 0.35 * scaled + 0.3 * (region == "south") + 0.6 * rng.normal(size=len(z))
    n_people = rng.integers(1, world.people + 1, len(z))
    account = np.repeat(np.arange(len(z)), n_people)
    y = np.clip(np.rint(level[account] + (0.6 if world.people > 1 else 0.0) * rng.normal(size=len(account))), 1, 5)
    return pd.DataFrame(
        {
            "customer_id": [f"{a:05d}" for a in account],
            "account": account,
            "stratum": [f"s{h}" for h in stratum[account]],
            "revenue": np.exp(8 + z)[account],
            "region": region[account],
            "p": p[account],
            "y": y,
        }
    )


def frame_of(population: pd.DataFrame, world: World) -> pd.DataFrame:
    """The frame of a census, one row per account in order, with the probabilities of being drawn."""
    responses = collect_responses(
        population.assign(respondent_id=population.index.astype(str), wave="1", overall=population["y"])
    )
    accounts = population.drop_duplicates("account")
    frame = survey_frame(responses, sample=accounts.assign(wave="1"), contacts=population)
    size, n = (frame["stratum"].map({f"s{h}": sizes[i] for h, sizes in enumerate(world.strata)}) for i in (0, 1))
    frame = frame.assign(n_population=size.astype(float), probability=n / size, certainty=n == size)
    return frame.merge(accounts[["customer_id", "revenue", "region"]], on="customer_id")


def draw_once(
    seed: int, population: pd.DataFrame, census: pd.DataFrame, world: World, methods: tuple[Method, ...]
) -> Floats:
    """Estimate, standard error and degrees of freedom by method, by account and by respondent: shape (methods, 2, 3)."""
    rng = np.random.default_rng([7, seed])
    accounts = population.drop_duplicates("account")
    drawn = []
    for h, (_, n) in enumerate(world.strata):
        members = accounts.index[accounts["stratum"] == f"s{h}"]
        drawn.append(rng.choice(members, n, replace=False))
    sample = accounts.loc[np.concatenate(drawn)].sort_values("customer_id")
    answers = sample[rng.random(len(sample)) < sample["p"]]
    people = population[population["account"].isin(answers["account"])]
    luck = rng.random(len(people))
    first = pd.Series(luck).groupby(people["account"].to_numpy()).transform("min").to_numpy()
    kept = people[(luck < world.asked) | (luck == first)]
    responses = collect_responses(
        pd.DataFrame(
            {
                "respondent_id": kept.index.astype(str),
                "customer_id": kept["customer_id"].to_numpy(),
                "wave": "1",
                "overall": kept["y"].to_numpy(),
            }
        )
    )
    frame = census.loc[sample["account"]].reset_index(drop=True)
    frame["answered"] = frame["customer_id"].isin(set(kept["customer_id"]))
    found = np.empty((len(methods), 2, 3))
    for m, method in enumerate(methods):
        design = weigh_responses(responses, frame, method=method).designs(responses)["1"]
        for e, each in enumerate(("account", "respondent")):
            mean = design.mean(design.responses.rows["overall"], each=each)  # type: ignore[arg-type]
            found[m, e] = mean.estimate, float(np.sqrt(design.variance(mean)[0])), design.df
    return found


def truths(population: pd.DataFrame) -> Floats:
    """The mean by account and by person."""
    return np.array([population.groupby("account")["y"].mean().mean(), population["y"].mean()])


def cover(found: Floats, truth: Floats) -> tuple[Floats, Floats, Floats]:
    """Coverage in percent, mean standard error over the true one, bias; each of shape (methods, 2)."""
    estimate, error, df = np.moveaxis(found, -1, 0)
    held = np.abs(estimate - truth) <= student.ppf(0.975, df) * error
    ratio = np.sqrt((error**2).mean(axis=0)) / estimate.std(axis=0, ddof=1)
    return 100 * held.mean(axis=0), ratio, estimate.mean(axis=0) - truth


def main(n_companies: int, n_draws: int, n_worlds: int = 0, n_methods: int = 2) -> None:
    """Print both tables; of the populations and methods the first so many (0: all populations)."""
    start = perf_counter()
    with ProcessPoolExecutor(2) as pool:
        if n_companies:
            companies = np.array(list(pool.map(ask_company, range(1, n_companies + 1), chunksize=2)))
            print(f"{n_companies} companies from seed 1 on, two waves each, {perf_counter() - start:.0f} s")
            show_companies(companies)
        if n_draws:
            print(f"\n{n_draws} draws from each population")
            print(f"{'':>38}{'method':>12}{'by account':>12}{'SE':>7}{'bias':>8}{'by person':>12}{'SE':>7}{'bias':>8}")
        for name, world in list(WORLDS.items())[: n_worlds or None] if n_draws else ():
            population = build_population(world)
            methods: tuple[Method, ...] = DRAWN_METHODS[:n_methods]
            census = frame_of(population, world)
            once = partial(draw_once, population=population, census=census, world=world, methods=methods)
            found = np.array(list(pool.map(once, range(n_draws), chunksize=50)))
            held, ratio, bias = cover(found, truths(population))
            for m, method in enumerate(methods):
                print(f"{name if m == 0 else '':>38}{method:>12}", end="")
                print("".join(f"{held[m, e]:12.1f}{ratio[m, e]:7.2f}{bias[m, e]:8.3f}" for e in range(2)))
    print(f"{perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main(
        *(
            int(given) if given else usual
            for given, usual in zip([*sys.argv[1:5], "", "", "", ""], (200, 2000, 0, 2), strict=False)
        )
    )
