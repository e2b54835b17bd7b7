"""Are planted traps flagged, and nothing else? ``python -m benchmarks.account_flags [companies] [first seed] [write]``.

Companies of :mod:`kam.samples` with 400 to 2,000 accounts, drawn evenly by the seed, and traps of all kinds, of which the sizes
are drawn evenly from 0.6 to 1.4 and multiplied by a ``trap_scale`` drawn evenly from 0.7 to 1.4. Shown for each flag: how many
accounts had the trap, how many were flagged, recall (of those with the trap, how many were flagged) and precision (of those
flagged, how many truly show the sign). *Returns* and *bargaining* have no trap of their own: period-end loading sends goods
back, dumping and rising cost-to-serve raise discount and terms; their recall is shown, not asked for. Every tenth company is
drawn again without traps: whatever is flagged there is a false alarm.
"""
# ruff: noqa: T201

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # two processes share the work

import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from time import perf_counter

import numpy as np

from kam.identify import risks, sales_quality
from kam.ledger import open_ledger
from kam.samples import simulate_company
from kam.samples.company import SampleCompany
from kam.stats.proportions import wilson_interval

SIGNS: dict[str, tuple[str, ...]] = {
    "discount depth": ("dumping",),
    "shipping elsewhere": ("dumping",),
    "period-end loading": ("period_end_loading",),
    "own brand": ("own_brand",),
    "rising cost-to-serve": ("rising_cost_to_serve",),
    "below cost": ("negative_margin",),
    "returns": ("period_end_loading",),
    "bargaining": ("dumping", "rising_cost_to_serve"),
}
"""The traps whose accounts truly show the sign of a flag."""
MAY_SHOW = {"below cost": ("dumping", "rising_cost_to_serve")}
"""Traps that can make an account show the sign, without being made for it: flagged, they are no false alarm, and no recall."""
OWN_TRAP = tuple(SIGNS)[:6]
NOT_PLANTED = ("order spike", "stagnation", "concentration of buying", "overdue balance")
FLAGS = (*SIGNS, *NOT_PLANTED)
DOC = Path(__file__).parents[1] / "docs" / "account_flags.md"


def draw_company(seed: int, traps: dict[str, int] | None = None) -> tuple[SampleCompany, float]:
    """The company of a seed and the scale of its traps."""
    rng = np.random.default_rng(seed)
    n_accounts, scale = int(rng.integers(400, 2001)), float(rng.uniform(0.7, 1.4))
    return simulate_company(seed=seed, n_accounts=n_accounts, trap_scale=scale, traps=traps), scale


def count_company(company: SampleCompany, *, scale: float) -> Counter[tuple[str, str]]:
    """Per flag: accounts with the sign, flagged, both; the accounts with the sign by scale of the traps."""
    with_trap = company.truth.traps.query("trap != 'manager_handover'").set_index("customer_id")["trap"]
    ledger = open_ledger(company.ledger, as_of=company.as_of)
    results = sales_quality(ledger, accounts=company.accounts), risks(ledger, accounts=company.accounts)
    ledger.close()
    counts: Counter[tuple[str, str]] = Counter()
    band = "small" if scale < 1 else "large"
    for flag in FLAGS:
        flagged = {c for result in results for c in result.flags.loc[result.flags["flag"] == flag, "customer_id"]}
        signed = set(with_trap.index[with_trap.isin(SIGNS.get(flag, ()))])
        flagged -= set(with_trap.index[with_trap.isin(MAY_SHOW.get(flag, ()))])
        counts[flag, "signed"] = len(signed)
        counts[flag, "flagged"] = len(flagged)
        counts[flag, "right"] = len(flagged & signed)
        counts[flag, f"signed {band}"], counts[flag, f"right {band}"] = len(signed), len(flagged & signed)
        counts[flag, "judged"] = sum(int(r.counts.loc[r.counts["flag"] == flag, "n_judged"].sum()) for r in results)
    return counts


def try_once(seed: int) -> Counter[tuple[str, str]]:
    """Count one company; every tenth also without traps."""
    company, scale = draw_company(seed)
    counts = count_company(company, scale=scale)
    counts["", "companies"] = 1
    if seed % 10 == 0:
        clean = count_company(draw_company(seed, traps={})[0], scale=scale)
        counts.update(
            {(flag, f"clean {what}"): n for (flag, what), n in clean.items() if what in ("flagged", "judged")}
        )
        counts["", "clean companies"] = 1
    return counts


def table(counts: Counter[tuple[str, str]]) -> list[str]:
    """The lines of the table, as Markdown."""
    lines = [
        "| flag | with the sign | flagged | right | recall (95 % interval) | traps × 0.7–1 | traps × 1–1.4 | precision | "
        "false alarms per company without traps |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    n_clean = max(counts["", "clean companies"], 1)
    for flag in FLAGS:
        signed, flagged, right = (counts[flag, what] for what in ("signed", "flagged", "right"))
        clean = f"{counts[flag, 'clean flagged'] / n_clean:.2f} of {counts[flag, 'clean judged'] / n_clean:.0f} judged"
        if signed:
            low, high = (float(end) for end in wilson_interval(right, signed))
            bands = [
                f"{counts[flag, f'right {band}'] / max(counts[flag, f'signed {band}'], 1):.3f}"
                for band in ("small", "large")
            ]
            recall = f"{right / signed:.3f} ({low:.3f}–{high:.3f}) | {bands[0]} | {bands[1]}"
            lines.append(
                f"| {flag} | {signed} | {flagged} | {right} | {recall} | {right / max(flagged, 1):.3f} | {clean} |"
            )
        else:
            lines.append(f"| {flag} | none planted | {flagged} | – | – | – | – | – | {clean} |")
    return lines


def missed(counts: Counter[tuple[str, str]]) -> list[str]:
    """The flags with a trap of their own that miss recall 0.9 or precision 0.7, and the others that miss the precision."""
    return [
        flag
        for flag in SIGNS
        if (flag in OWN_TRAP and counts[flag, "right"] < 0.9 * counts[flag, "signed"])
        or counts[flag, "right"] < 0.7 * counts[flag, "flagged"]
    ]


def main(n_companies: int, first: int, write: str) -> None:
    """Print the table; write it between the marks of the page of the docs if asked to."""
    start = perf_counter()
    counts: Counter[tuple[str, str]] = Counter()
    with ProcessPoolExecutor(2) as pool:
        for one in pool.map(try_once, range(first, first + n_companies)):
            counts.update(one)
    lines = table(counts)
    lines += ["", f"Miss the rule (recall >= 0.9, precision >= 0.7): {', '.join(missed(counts)) or 'none'}."]
    print(f"{n_companies} companies from seed {first} on, {(perf_counter() - start) / n_companies:.1f} s each")
    print("\n".join(lines))
    if write:
        head, _, rest = DOC.read_text(encoding="utf-8").partition("<!-- table -->\n")
        tail = rest.partition("<!-- end -->")[2]
        DOC.write_text(f"{head}<!-- table -->\n" + "\n".join(lines) + f"\n<!-- end -->{tail}", encoding="utf-8")


if __name__ == "__main__":
    given = [*sys.argv[1:4], "", "", ""]
    main(int(given[0] or 100), int(given[1] or 3001), given[2])
