"""Does the growth list find who becomes class A? ``python -m benchmarks.growth_backtest [companies] [first seed]``.

Simulated companies of unseen seeds and sizes (600, 1,200 and 2,500 accounts, trap sizes × 0.7, 1, 1.3), list of 20 for twelve
months. Shown: the back-test of the last run (named by forecast against by revenue), what was said of chances from 50 % on,
and the planted ``small_becomes_large``: once they have begun to grow (three months on, at every quarter's end), how many
still below class A stood on the list, by forecast or by revenue, before they reached it. Then the number
expected, with the last year held out (:func:`hold_out`), and Online Retail II, where KAM_REAL_DATA names it.

Rule: by forecast beats by revenue where the interval of the difference over companies lies above 0. Written to docs/growth.md.
"""
# ruff: noqa: T201

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # two processes share the work

import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
from scipy.special import expit

from kam.identify import growth
from kam.identify.growth_backtest import run_backtest
from kam.identify.growth_features import read_history, snapshot
from kam.identify.growth_model import level_missed
from kam.ledger import activity_panel, open_ledger
from kam.samples import simulate_company
from kam.stats.resampling import bootstrap_weights, percentile_interval

SIZES = (600, 1200, 2500)
SCALES = (0.7, 1.0, 1.3)
TRAP = "small_becomes_large"
N_NAMED = 20
FIRST = pd.Timestamp("2022-01-01")
HELD_OUT = ((500, 36), (500, 48), (1200, 48))
"""Accounts, and months of history before the year that is held out."""
N_HELD_OUT = 20
PRIOR_EVENTS = 25.0
"""Of the shift that was dropped: what was missed times events / (events + this)."""


def try_once(seed: int) -> dict[str, float]:
    """One company: its back-test, and who of the planted stood on the list in time."""
    company = simulate_company(seed=seed, n_accounts=SIZES[seed % 3], trap_scale=SCALES[seed // 3 % 3])
    ledger = open_ledger(company.ledger, as_of="2025-12-31")
    panel = activity_panel(ledger)
    ledger.close()
    result = growth(panel, n_named=N_NAMED, n_resamples=200)
    history = read_history(panel, None, (0.80, 0.95))
    past = run_backtest(history, horizon=12, seed=1).past
    pace = {one.origin: snapshot(history, one.origin).pace for one in past}
    log_odds = np.concatenate([one.log_odds for one in past])
    event = np.concatenate([one.event for one in past])
    test = result.tested
    scores = result.scores.set_index("term")["estimate"]
    found = {
        "seed": seed,
        "n_named": test["n_all_named"],
        "n_by_model": test["n_by_model"],
        "n_by_revenue": test["n_by_revenue"],
        "n_became": test["n_became"],
        "leads": float(result.named_by == "forecast"),
        "auc": scores["auc"],
        "auc_revenue": scores["auc_revenue"],
        "ratio": scores["observed_over_expected"],
        "slope": scores["slope"],
        "n_pace": float(sum((pace[one.origin][one.account] >= 1).sum() for one in past)),
        "n_pace_became": float(sum(one.event[pace[one.origin][one.account] >= 1].sum() for one in past)),
        "n_sure": float((log_odds >= 0).sum()),
        "n_sure_became": float(event[log_odds >= 0].sum()),
    }
    return found | _planted(panel, company.truth.traps)


def _planted(panel: pd.DataFrame, traps: pd.DataFrame) -> dict[str, float]:
    """Of the planted that were below class A at a quarter's end, three months on or later: how many stood on a list then."""
    planted = traps[traps["trap"] == TRAP].set_index("customer_id")["start"]
    eligible: set[str] = set()
    by_chance: set[str] = set()
    by_longer: set[str] = set()
    by_revenue: set[str] = set()
    by_pace: set[str] = set()
    for n_months in range(27, 49, 3):
        end = FIRST + pd.DateOffset(months=n_months)
        begun = planted[planted + pd.DateOffset(months=3) <= end].index
        if begun.empty:
            continue
        frame = growth(panel[panel["period"] < end], n_named=N_NAMED, n_resamples=100).candidates
        frame = frame[frame["p_become_a"].notna()]
        there = set(frame["customer_id"]) & set(begun)
        eligible |= there
        ranked = frame.sort_values("p_become_a", ascending=False)["customer_id"]
        by_pace |= there & set(frame.loc[frame["share_limit_pace"] >= 1, "customer_id"])
        by_chance |= there & set(ranked.head(N_NAMED))
        by_longer |= there & set(ranked.head(5 * N_NAMED))
        by_revenue |= there & set(frame.sort_values("value", ascending=False)["customer_id"].head(N_NAMED))
    return {
        "planted": float(len(planted)),
        "eligible": float(len(eligible)),
        "by_chance": float(len(by_chance)),
        "by_longer": float(len(by_longer)),
        "by_revenue": float(len(by_revenue)),
        "by_pace": float(len(by_pace)),
    }


def hold_out(task: tuple[int, int, int]) -> dict[str, float]:
    """Number expected from the history before the last year, as said and as it was with the shift, against what came."""
    seed, n_accounts, n_history = task
    company = simulate_company(seed=seed, n_accounts=n_accounts, n_months=n_history + 12)
    ledger = open_ledger(company.ledger)
    panel = activity_panel(ledger)
    ledger.close()
    whole = read_history(panel, None, (0.80, 0.95))
    known = read_history(panel[panel["period"] < whole.month(whole.n_months - 12)], None, (0.80, 0.95))
    tested = run_backtest(known, horizon=12, seed=1)
    if tested.model is None or tested.tested_on != "later origins":
        return {}
    x, ids = tested.now.x[tested.now.candidate], known.customer_id[tested.now.candidate]
    later = snapshot(whole, whole.n_months)
    raw, event = (np.concatenate([getattr(one, name) for one in tested.past]) for name in ("log_odds", "event"))
    shift = level_missed(raw, event) * event.sum() / (event.sum() + PRIOR_EVENTS)
    low, high = tested.model.sum_interval(x, tested.level_variance)
    came = float(np.isin(ids, whole.customer_id[later.is_a]).sum())
    return {
        "n_accounts": n_accounts,
        "n_history": n_history,
        "came": came,
        "expected": float(expit(tested.model.log_odds(x)).sum()),
        "shifted": float(expit(tested.model.log_odds(x) + shift).sum()),
        "held": float(low <= came <= high),
    }


def held_out_lines(rows: pd.DataFrame) -> list[str]:
    """One line per setting: came over expected and root mean square of its logarithm, and how often the interval held."""
    lines = []
    for (n_accounts, n_history), one in rows.groupby(["n_accounts", "n_history"]):
        figures = []
        for name in ("expected", "shifted"):
            ratio = np.log(one["came"].clip(lower=0.5) / one[name])
            figures.append((one["came"].sum() / one[name].sum(), np.sqrt((ratio**2).mean())))
        (said, off), (said_then, off_then) = figures
        lines.append(
            f"| {len(one)} × {n_accounts:,.0f} accounts | {n_history:.0f} | {said:.2f} | {said_then:.2f} | {off:.3f} | "
            f"{off_then:.3f} | {one['held'].mean():.0%} |"
        )
    return lines


def summarize(rows: pd.DataFrame) -> list[str]:
    """The findings, one per line."""
    gain = (rows["n_by_model"] - rows["n_by_revenue"]).to_numpy()
    draws = np.concatenate([w @ gain / len(gain) for w in bootstrap_weights(len(gain), 2000, seed=1)])
    low, high = percentile_interval(draws)
    total = rows.sum()
    return [
        f"{len(rows)} companies, seeds {int(rows['seed'].min())} to {int(rows['seed'].max())}, lists of {N_NAMED}:",
        f"- became class A: {total['n_by_model'] / total['n_named']:.1%} of those named by forecast, "
        f"{total['n_by_revenue'] / total['n_named']:.1%} of those named by revenue; "
        f"difference {gain.mean():.1f} of {total['n_named'] / len(rows):.0f} named a company "
        f"(95 % interval {low:.1f} to {high:.1f}, over companies)",
        f"- of all that became class A the lists named {total['n_by_model'] / total['n_became']:.1%} and "
        f"{total['n_by_revenue'] / total['n_became']:.1%}",
        f"- median AUC {rows['auc'].median():.3f} against {rows['auc_revenue'].median():.3f}; came over expected "
        f"{rows['ratio'].median():.2f} (middle 90 % {rows['ratio'].quantile(0.05):.2f} to {rows['ratio'].quantile(0.95):.2f}); "
        f"calibration slope {rows['slope'].median():.2f}",
        f"- chances of 50 % and more: {total['n_sure_became'] / max(total['n_sure'], 1):.1%} of {total['n_sure']:.0f} "
        f"became class A",
        f"- the forecast led the list in {rows['leads'].mean():.0%} of the companies (elsewhere the list said that it was not "
        f"surely better than revenue, and named by revenue)",
        f"- planted {TRAP}: {total['planted']:.0f}, of which {total['eligible']:.0f} were still below class A at a quarter's end "
        f"three months on or later; on a list of {N_NAMED} by forecast {total['by_chance'] / max(total['eligible'], 1):.0%}, "
        f"of {5 * N_NAMED} by forecast {total['by_longer'] / max(total['eligible'], 1):.0%}, of {N_NAMED} by revenue "
        f"{total['by_revenue'] / max(total['eligible'], 1):.0%}; at a pace of class A in the last three months "
        f"{total['by_pace'] / max(total['eligible'], 1):.0%}",
        f"- of all {total['n_pace']:.0f} accounts at such a pace {total['n_pace_became'] / max(total['n_pace'], 1):.1%} "
        f"became class A",
    ]


def real_lines(folder: Path) -> list[str]:
    """The same on Online Retail II: horizons of 3, 6 and 12 months."""
    columns = {"order_id": "invoice", "order_date": "invoice_date", "product_id": "stock_code"}
    ledger = open_ledger(folder / "online_retail_ii/lines_2009_2011.parquet", columns=columns, currency="GBP")
    panel = activity_panel(ledger)
    ledger.close()
    lines = []
    for horizon in (3, 6, 12):
        for n_named in (20, 50, 100):
            result = growth(panel, horizon=horizon, n_named=n_named)
            test = result.tested
            lines.append(
                f"| {horizon} | {result.tested_on} | {len(result.backtest)} | {n_named} | {test['n_by_model']:.0f} of "
                f"{test['n_all_named']:.0f} | {test['n_by_revenue']:.0f} | {test['difference']:.0f} "
                f"({test['ci_low']:.0f} to {test['ci_high']:.0f}) | "
                f"{result.scores.set_index('term')['estimate']['auc']:.3f} | "
                f"{result.scores.set_index('term')['estimate']['auc_revenue']:.3f} |"
            )
    return lines


def main(n_companies: int, first: int) -> None:
    """Print the findings and write docs/growth.md."""
    start = perf_counter()
    with ProcessPoolExecutor(2) as pool:
        rows = pd.DataFrame(pool.map(try_once, range(first, first + n_companies), chunksize=2))
        tasks = [(seed, *size) for size in HELD_OUT for seed in range(5001, 5001 + N_HELD_OUT)]
        held = pd.DataFrame([row for row in pool.map(hold_out, tasks, chunksize=2) if row])
    lines = summarize(rows)
    text = [
        "# The growth list, tested",
        "",
        "`make bench ARGS=growth_backtest` makes this page; seeds, sizes and rule stand in "
        "`benchmarks/growth_backtest.py`.",
        "",
        "## Simulated companies",
        "",
        lines[0],
        "",
        *lines[1:],
        "",
        "The planted accounts grow to 9 to 37 times their size within a year; those not counted had reached class "
        "A by every "
        "quarter's end that was tested (from 27 months of history on). What the chance is learned from holds few or "
        "none like them: it ranks by what usually "
        "leads to class A in that company. It is a forecast of class A, and no flag for steep growth.",
        "",
        "## The number expected",
        "",
        "Until a review of issue 6 the log-odds of today were moved by what past forecasts had missed. Those had "
        "been learned "
        "from fewer origins, of years with another rate (on the sample a higher one); today's model has learned "
        "the later years itself, so the "
        "move counted them twice. On the sample (1,200 accounts) it made 27.4 of 40.1 (a move of −0.48), while "
        "the last five "
        "origins brought 39, 44, 35, 30 and 38. No forecast is moved any more, neither today's nor those of the "
        "back-test; "
        "what was missed widens the intervals alone. The price: where the back-test's forecasts, learned from few "
        "origins, "
        "were off, the check on their level says so.",
        "",
        "The review held out the last year of 110 simulated companies: came over expected (all together), and "
        "root mean square "
        "of its logarithm.",
        "",
        "| companies | months of history | came / expected | error | error with the move |",
        "|---|---|---|---|---|",
        "| 39 × 500 accounts | 36 | 0.99 | 0.398 | 0.461 |",
        "| 38 × 500 accounts | 48 | 1.04 | 0.380 | 0.464 |",
        "| 33 × 1,200 accounts | 48 | 1.05 | 0.224 | 0.300 |",
        "",
        "The same on other seeds (from 5001 on), the move worked out from forecasts that were not moved "
        "themselves, with how often the 95 % interval of the number held what came. With 36 months "
        "one origin can be tested, so how much years differ is not known, the answer says so, and the interval is "
        "too narrow.",
        "",
        "| companies | months of history | came / expected | with the move | error | with the move | interval held |",
        "|---|---|---|---|---|---|---|",
        *held_out_lines(held),
        "",
    ]
    folder = os.environ.get("KAM_REAL_DATA")
    if folder:
        text += [
            "## Online Retail II",
            "",
            "24 complete months. `later origins`: learned from origins whose outcome was known; `other accounts`: too short for "
            "that, five folds of accounts at the one origin, a weaker test.",
            "",
            "| months ahead | tested on | origins | named | by forecast | by revenue | difference (95 %) | AUC | AUC, revenue |",
            "|---|---|---|---|---|---|---|---|---|",
            *real_lines(Path(folder)),
            "",
        ]
    print("\n".join(text))
    print(f"{(perf_counter() - start) / n_companies:.1f} s a company")
    (Path(__file__).parent.parent / "docs" / "growth.md").write_text("\n".join(text), encoding="utf-8")


if __name__ == "__main__":
    main(*(int(given) if given else usual for given, usual in zip([*sys.argv[1:3], "", ""], (200, 1001), strict=False)))
