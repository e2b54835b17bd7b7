"""Are planted hazards recovered? ``python -m benchmarks.hazard_coverage [companies] [first seed]``.

Companies of :mod:`kam.samples` (1,200 accounts, 48 months) whose accounts leave by known log-odds a month. Shown for each
estimator and planted effect: the mean estimate, how many of the 95 % intervals hold the truth (in percent; aim 90 to 98), and the
median width of the intervals over that of an estimator that knows the model (aim at most 1.5). That one sees every departure
and has, by a logit, the terms and nothing else, the size of each handover and the planted effect of each manager.

The others: *departures known*, kam's hazard on the true months of leaving, with its spline of tenure; then from the ledger,
events and accounts alone: *estimated* (kam's default), the same without class and satisfaction, which no ledger shows; and the
usual way, a silence of 13 months (what the return share chooses), of 6 months or of 3 own median gaps, dated at its beginning.
Dated at its end it has no estimate: nobody has had a complaint or a late delivery in the last 91 days who has been silent for
as long.
"""
# ruff: noqa: T201

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # two processes share the work

import sys
from concurrent.futures import ProcessPoolExecutor
from time import perf_counter

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.churn import person_periods
from kam.churn.hazard_model import Departures, HazardModel, fit_model
from kam.ledger import Covariates, open_ledger
from kam.wording import Wording
from tests.churn.leaving import PLANTED, draw_company, fit_knowing, in_planted_units, seen_tables, true_person_periods

Floats = npt.NDArray[np.float64]

Z = 1.959964
NAMES = tuple(PLANTED)
ESTIMATORS = (
    "knows the model",
    "departures known",
    "estimated",
    "estimated, no class or band",
    "13 silent months",
    "6 silent months",
    "3 own gaps",
)
TERMS = ("share_late", "n_complaints", "handover", "band", "latent_class")


def try_once(seed: int) -> Floats:
    """Estimate and standard error of every effect by every estimator, shape (estimators, effects, 2); then totals."""
    company = draw_company(seed)
    truth = true_person_periods(company)
    found = [fit_knowing(truth)]
    known = truth.rename(columns={"late_share": "share_late"}).assign(handover=truth["handover"] > 0)
    known = known.assign(start_known=True, at_risk=True, ordered=False, n_silent=0)
    found.append(in_planted_units(_fit(known, "silence")))
    ledger, events, accounts = seen_tables(company)
    opened = open_ledger(ledger, as_of="2025-12-31")
    made = {
        name: person_periods(
            opened,
            k=k,
            gap_multiple=multiple,
            covariates=Covariates(accounts=accounts, static=("latent_class", "band"), events=events),
        )
        for name, k, multiple in (("6", 6, None), ("13", 13, None), ("own", 6, 3.0))
    }
    opened.close()
    estimated = _fit(made["6"].rows, "estimated")
    found += [in_planted_units(estimated), in_planted_units(_fit(made["6"].rows, "estimated", TERMS[:3]))]
    found += [in_planted_units(_fit(made[name].rows, "silence")) for name in ("13", "6", "own")]
    totals = np.full((1, len(NAMES), 2), np.nan)
    totals[0, 0] = truth["event"].sum(), estimated.events.sum()
    late = truth["period"] >= "2025-07-01"
    totals[0, 1] = truth.loc[late, "event"].sum(), estimated.events[made["6"].rows["period"] >= "2025-07-01"].sum()
    totals[0, 2] = made["6"].rows["event"].sum(), made["13"].rows["event"].sum()
    return np.concatenate([*(one[None] for one in found), totals])


def _fit(rows: pd.DataFrame, departures: Departures, terms: tuple[str, ...] = TERMS) -> HazardModel:
    return fit_model(rows, terms=terms, departures=departures, link="logit", n_knots=4, calendar=False, say=Wording())


def main(n_companies: int, first: int) -> None:
    """Print one block per estimator."""
    start = perf_counter()
    with ProcessPoolExecutor(2) as pool:
        found = np.array(list(pool.map(try_once, range(first, first + n_companies), chunksize=2)))
    results, totals = found[:, :-1], found[:, -1]
    truth = np.array(list(PLANTED.values()))
    oracle = np.median(results[:, 0, :, 1], axis=0)
    print(f"{n_companies} companies from seed {first} on, {(perf_counter() - start) / n_companies:.1f} s each")
    print(f"{'':>30}{'':>12}" + "".join(f"{name.split(': ')[-1]:>14}" for name in NAMES))
    print(f"{'planted':>30}{'':>12}" + "".join(f"{value:14.2f}" for value in truth))
    for i, name in enumerate(ESTIMATORS):
        estimate, error = results[:, i, :, 0], results[:, i, :, 1]
        held = np.where(np.isnan(error), np.nan, 100.0 * (np.abs(estimate - truth) <= Z * error)).mean(axis=0)
        width = np.median(error, axis=0) / oracle
        for label, values, form in (
            ("mean", estimate.mean(axis=0), "14.2f"),
            ("held, %", held, "14.1f"),
            ("width", width, "14.2f"),
        ):
            shown = "".join("             –" if np.isnan(value) else f"{value:{form}}" for value in values)
            print(f"{name if label == 'mean' else '':>30}{label:>12}{shown}")
    left, late, lost = (totals[:, i].mean(axis=0) for i in range(3))
    print(
        f"accounts that left: {left[0]:.0f}, estimated {left[1]:.0f}; in the last half-year {late[0]:.0f}, {late[1]:.0f}"
    )
    print(f"first silences of 6 months: {lost[0]:.0f}, of 13 months: {lost[1]:.0f}")


if __name__ == "__main__":
    main(*(int(given) if given else usual for given, usual in zip([*sys.argv[1:3], "", ""], (200, 1), strict=False)))
