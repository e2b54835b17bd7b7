"""Are planted effects of managers recovered? ``python -m benchmarks.manager_effects [companies] [first seed]``.

Companies of :mod:`kam.samples` (1,200 accounts, 48 months, about thirty managers) whose managers shift the log-odds
of leaving in a month by normal(0, 0.25), and discounts by −2, 0 or 2 points. Shown for kam and for an estimator that
knows the model: the share of the 95 % intervals that hold the planted effect (aim 90 to 98 %, over managers and
companies; with the standard error over companies, since managers of one company are estimated together), and their median
width over that of the one that knows (aim at most 1.5).

*Knows the model*, churn: sees the month in which each account leaves, every other term of its log-odds (an offset)
and the standard deviation of 0.25; margin: sees each account's own discount and the standard deviation of what was
planted. kam sees order lines, the account file and the handovers. What was planted on a margin is what the discounts
of the manager's own account-months, in steps of two points and never below 0, took from it, against the mean of the
three that the manager could have been given.
"""
# ruff: noqa: T201

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from time import perf_counter

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.identify import manager_effect
from kam.identify.manager_model import Whitening, variances
from kam.identify.manager_rows import margin_rows, read_portfolio
from kam.identify.random_intercept import fit_random_intercept
from kam.ledger import Ledger, activity_panel, open_ledger
from kam.samples import SampleCompany, simulate_company
from kam.stats.multiplicity import holm

Floats = npt.NDArray[np.float64]

SPREAD = 0.25
HANDOVER = 0.7
DISCOUNTS = (-0.02, 0.0, 0.02)
RULE = (90, 98)
LIMITS = (0.05, 0.02, 0.01, 0.005)
DOC = Path(__file__).parent.parent / "docs" / "manager_effects.md"


def try_once(seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One row per manager, outcome and estimator; and one row per outcome: spread, handover, tests."""
    company = simulate_company(seed=seed)
    ledger = open_ledger(company.ledger, as_of="2025-12-31")
    handovers = company.events[company.events["kind"] == "handover"]
    planted = {"churn": company.truth.managers.set_index("manager")["log_odds"]}
    parts, totals = [], []
    for outcome in ("churn", "margin"):
        result = manager_effect(ledger, company.accounts, outcome=outcome, handovers=handovers)
        shuffled = manager_effect(ledger, _shuffle(company.accounts, seed), outcome=outcome, handovers=handovers)
        if outcome == "churn":
            known = _know_leaving(company)
        else:
            known, planted["margin"] = _know_margin(company, ledger)
        columns = ["n_accounts", "effect", "ci_low", "ci_high", "stands_out", "adjusted"]
        kam = result.managers.assign(adjusted=_adjust(result.managers)).set_index("manager")[columns]
        for name, frame in (("kam", kam), ("knows the model", known)):
            parts.append(
                frame.assign(seed=seed, outcome=outcome, estimator=name, planted=planted[outcome].reindex(frame.index))
            )
        handover = result.handover.iloc[0] if len(result.handover) else pd.Series(dtype=float)
        totals.append(
            {
                "outcome": outcome,
                "spread": planted[outcome].std(),
                "sigma": result.sigma,
                "spread_held": result.sigma_low <= planted[outcome].std() <= result.sigma_high,
                "found": result.p_value < 0.05,
                "false": shuffled.p_value < 0.05,
                "false_name": shuffled.n_stand_out > 0,
                "least_adjusted": np.nanmin(_adjust(shuffled.managers)),
                "handover": handover.get("estimate", np.nan),
                "handover_low": handover.get("ci_low", np.nan),
                "handover_high": handover.get("ci_high", np.nan),
            }
        )
    ledger.close()
    return pd.concat(parts).reset_index(names="manager"), pd.DataFrame(totals)


def _adjust(managers: pd.DataFrame) -> Floats:
    """p-values of those compared by name, adjusted for all comparisons."""
    return holm(managers["p_value"].where(managers["is_ranked"]).to_numpy(dtype=float))


def held_share(held: pd.Series, company: pd.Series) -> tuple[float, float]:
    """Share that holds and its standard error with companies as clusters (ratio of totals, Cochran 1977, 9A), in %.

    >>> held_share(pd.Series([1, 1, 0, 1]), pd.Series([1, 1, 2, 2]))
    (75.0, 25.0)
    """
    sums = held.astype(float).groupby(company.to_numpy()).agg(["sum", "size"])
    share, n = sums["sum"].sum() / sums["size"].sum(), len(sums)
    beside = ((sums["sum"] - share * sums["size"]) ** 2).sum()
    return 100 * float(share), 100 * float(np.sqrt(n / (n - 1) * beside) / sums["size"].sum())


def _shuffle(accounts: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The same accounts given to the same managers at random: nobody has an effect."""
    has = np.flatnonzero(accounts["manager"].notna())
    order = np.random.default_rng(seed).permutation(has)
    mixed = accounts.copy()
    for column in ("manager", "manager_since"):
        values = accounts[column].to_numpy(copy=True)
        values[has] = accounts[column].to_numpy()[order]
        mixed[column] = values
    return mixed


def _know_leaving(company: SampleCompany) -> pd.DataFrame:
    """The effects by who sees every departure and all other terms of the log-odds, from the first day of each manager on."""
    rows, accounts = company.truth.hazards, company.accounts.set_index("customer_id")
    manager, since = rows["customer_id"].map(accounts["manager"]), rows["customer_id"].map(accounts["manager_since"])
    known = manager.notna() & (rows["month"] >= since)
    rows, (codes, names) = rows[known], pd.factorize(manager[known], sort=True)
    hazard = rows["hazard"].to_numpy()
    fit = fit_random_intercept(
        rows["left"].to_numpy(dtype=float),
        np.ones((len(rows), 1)),
        codes,
        n_groups=len(names),
        family="binomial",
        scale=0.5,
        offset=np.log(hazard / (1 - hazard)) - rows["manager"].to_numpy(),
        sigma=SPREAD,
    )
    return pd.DataFrame({"effect": fit.effect, "ci_low": fit.low, "ci_high": fit.high}, index=names)


def _know_margin(company: SampleCompany, ledger: Ledger) -> tuple[pd.DataFrame, pd.Series]:
    """The effects on the margin by who sees the accounts' own discounts; and what was planted, in points."""
    portfolio = read_portfolio(activity_panel(ledger, freq="month"), company.accounts, None, ())
    frame = margin_rows(portfolio).frame
    process = company.truth.process
    ids = pd.Index(process.traits.customer_id).get_indexer(portfolio.customer_id)
    n_months = portfolio.active.shape[1]
    every = np.arange(n_months)
    own = process.traits.discount[:, None] + 0.15 * process.plan.doses(
        "dumping", np.arange(len(process.traits))[:, None], every[None, :]
    )

    def steps(extra: float) -> Floats:
        return np.asarray((np.rint(np.clip(own + extra, 0.0, 0.6) / 0.02) * 0.02)[ids])

    seen = portfolio.active & (every >= portfolio.known_from[:, None])
    base = steps(0.0)
    took = -100 * (1 - frame["y"].mean() / 100) / (1 - base)  # points of margin per unit of discount
    possible = np.stack([took * (steps(delta) - base) for delta in DISCOUNTS])
    real = took * (process.discount[ids] - base)
    m = len(portfolio.names)
    code = np.repeat(portfolio.manager[:, None], n_months, axis=1)[seen]
    count = np.maximum(np.bincount(code, minlength=m), 1)
    means = np.array([np.bincount(code, one[seen], m) / count for one in [real, *possible]])
    planted = pd.Series(means[0] - means[1:].mean(axis=0), index=portfolio.names)
    spread = float(np.sqrt(np.mean((means[1:] - means[1:].mean(axis=0)) ** 2)))

    account = frame["account"].to_numpy()
    of_account = (took * base * seen).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    y, ones = frame["y"].to_numpy() - of_account[account], np.ones((len(frame), 1))
    codes, group = np.unique(frame["manager"], return_inverse=True)
    within, between = variances(y, ones, group, account, frame["weight"].to_numpy())
    white = Whitening(account, within / frame["weight"].to_numpy(), between)
    z = white(ones[:, 0])
    fit = fit_random_intercept(
        white(y), z[:, None], group, n_groups=len(codes), family="gaussian", scale=1.0, loading=z, sigma=spread
    )
    names = [portfolio.names[one] for one in codes]
    return pd.DataFrame({"effect": fit.effect, "ci_low": fit.low, "ci_high": fit.high}, index=names), planted


def summarize(managers: pd.DataFrame, totals: pd.DataFrame) -> list[str]:
    """The figures as lines of a document."""
    managers = managers[managers["effect"].notna()].assign(
        held=lambda f: (f["ci_low"] <= f["planted"]) & (f["planted"] <= f["ci_high"]),
        width=lambda f: f["ci_high"] - f["ci_low"],
    )
    lines = [
        "| outcome | estimator | held, % | standard error over companies | 95 % interval | held, fewer than 20 accounts | "
        "held, 20 or more | median width | over who knows | slope | correlation |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    sizes = managers[managers["estimator"] == "kam"].set_index(["seed", "outcome", "manager"])["n_accounts"]
    for outcome, of_outcome in managers.groupby("outcome"):
        width = of_outcome.loc[of_outcome["estimator"] == "knows the model", "width"].median()
        for name in ("knows the model", "kam"):
            one = of_outcome[of_outcome["estimator"] == name]
            n = sizes.reindex(pd.MultiIndex.from_frame(one[["seed", "outcome", "manager"]])).to_numpy()
            few, many = 100 * one["held"][n < 20].mean(), 100 * one["held"][n >= 20].mean()
            share, error = held_share(one["held"], one["seed"])
            slope = np.polyfit(one["effect"], one["planted"], 1)[0]
            lines.append(
                f"| {outcome} | {name} | {share:.1f} | {error:.1f} | {share - 1.96 * error:.1f} to {share + 1.96 * error:.1f} | "
                f"{few:.1f} | {many:.1f} | {one['width'].median():.2f} | "
                f"{one['width'].median() / width:.2f} | {slope:.2f} | {one['effect'].corr(one['planted']):.2f} |"
            )
    lines += [
        "",
        "| outcome | spread planted | estimated, mean | interval holds it, % | found (p < 0.05), % | "
        "found where nobody differs, % | somebody named there, % | named in all | of them on the right side, % |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for outcome, one in totals.groupby("outcome"):
        named = managers[(managers["outcome"] == outcome) & managers["stands_out"].eq(True)]
        right = 100 * (np.sign(named["effect"]) == np.sign(named["planted"])).mean() if len(named) else float("nan")
        lines.append(
            f"| {outcome} | {one['spread'].mean():.2f} | {one['sigma'].mean():.2f} | {100 * one['spread_held'].mean():.1f} | "
            f"{100 * one['found'].mean():.1f} | {100 * one['false'].mean():.1f} | {100 * one['false_name'].mean():.1f} | "
            f"{len(named)} | {right:.1f} |"
        )
    churn = totals[totals["outcome"] == "churn"].dropna(subset="handover")
    margin = totals[totals["outcome"] == "margin"].dropna(subset="handover")
    held = (churn["handover_low"] <= HANDOVER) & (churn["handover_high"] >= HANDOVER)
    none = (margin["handover_low"] <= 0) & (margin["handover_high"] >= 0)
    lines += [
        "",
        f"Recent handover, log-odds of leaving: planted {HANDOVER} (mean), estimated {churn['handover'].mean():.2f}, "
        f"interval holds {HANDOVER} in {100 * held.mean():.1f} % of {len(churn)} companies. On the margin nothing was planted: "
        f"estimated {margin['handover'].mean():.2f} points, interval holds 0 in {100 * none.mean():.1f} %.",
    ]
    return [*_say_rule(managers), "", *lines, "", *_limits(managers, totals)]


def _say_rule(managers: pd.DataFrame) -> list[str]:
    kam = managers[managers["estimator"] == "kam"]
    parts = []
    for outcome, one in kam.groupby("outcome"):
        share, error = held_share(one["held"], one["seed"])
        met = "meets" if RULE[0] <= share <= RULE[1] else "misses"
        parts.append(f"{outcome} {met} it with {share:.1f} % (standard error over companies {error:.1f})")
    return [f"**The rule is {RULE[0]} to {RULE[1]} %: {'; '.join(parts)}.**"]


def _limits(managers: pd.DataFrame, totals: pd.DataFrame) -> list[str]:
    """Who would be named on the margin below other limits, and where nobody differs."""
    kam = managers[(managers["outcome"] == "margin") & (managers["estimator"] == "kam")]
    none = totals.loc[totals["outcome"] == "margin", "least_adjusted"]
    lines = [
        "| margin, adjusted p below | false name where nobody differs, % of companies | named | of them on the right side, % |"
    ]
    lines += ["|---|---|---|---|"]
    for limit in LIMITS:
        named = kam[kam["adjusted"] < limit]
        right = 100 * (np.sign(named["effect"]) == np.sign(named["planted"])).mean() if len(named) else float("nan")
        lines.append(f"| {limit} | {100 * (none < limit).mean():.1f} | {len(named)} | {right:.1f} |")
    return lines


def main(n_companies: int, first: int) -> None:
    """Print the figures, and write them between the marks of the document."""
    start = perf_counter()
    with ProcessPoolExecutor(2) as pool:
        found = list(pool.map(try_once, range(first, first + n_companies)))
    lines = summarize(pd.concat([one for one, _ in found]), pd.concat([one for _, one in found]))
    head = f"{n_companies} companies, seeds {first} to {first + n_companies - 1}"
    print(f"{head}, {(perf_counter() - start) / n_companies:.1f} s each", *lines, sep="\n")
    if n_companies >= 200 and DOC.exists():
        before, mark, rest = DOC.read_text(encoding="utf-8").partition("<!-- figures -->\n")
        after = rest.partition("<!-- end -->")[2]
        DOC.write_text(f"{before}{mark}{head}.\n\n" + "\n".join(lines) + f"\n<!-- end -->{after}", encoding="utf-8")


if __name__ == "__main__":
    main(*(int(given) if given else usual for given, usual in zip([*sys.argv[1:3], "", ""], (200, 2001), strict=False)))
