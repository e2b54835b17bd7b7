"""Are planted losses found and explained? ``python -m benchmarks.post_mortem [companies] [first seed] [trap scale]``.

Companies of 1,200 accounts are simulated, each with four large accounts before whose loss deliveries come late and complaints are
made, and twelve handovers. Counted over all: planted accounts that are listed, and listed with late deliveries or complaints
standing out (recall); listed ones that had truly left; those at which late deliveries or complaints stand out that truly had
delivery trouble in the months before, planted or drawn (precision); handovers within the half year before.
"""
# ruff: noqa: T201

from __future__ import annotations

import sys

import pandas as pd

from kam.churn import post_mortem
from kam.samples import simulate_company
from tests.churn.troubles import judge, open_company


def main(n_companies: int, first_seed: int, trap_scale: float) -> None:
    """Print the counts and the shares."""
    rows = []
    for seed in range(first_seed, first_seed + n_companies):
        company = simulate_company(seed=seed, trap_scale=trap_scale)
        ledger, covariates = open_company(company)
        rows.append(judge(company, post_mortem(ledger, 13, covariates=covariates), seed))
        ledger.close()
    total = pd.DataFrame(rows).sum()
    for name, part, whole in [
        ("planted accounts listed (recall)", "n_planted_listed", "n_planted"),
        ("planted accounts listed and explained (recall)", "n_planted_explained", "n_planted"),
        ("listed accounts that had left (precision)", "n_listed_left", "n_listed"),
        ("late deliveries or complaints stand out: had trouble (precision)", "n_flagged_true", "n_flagged"),
        ("late deliveries stand out: had trouble (precision)", "n_late_true", "n_late"),
        ("handovers before a loss found (recall)", "n_handed_found", "n_handed"),
        ("handovers named that were planted (precision)", "n_handed_true", "n_handed_flagged"),
    ]:
        print(f"{name:68s} {total[part]:5d} of {total[whole]:5d}  {total[part] / max(total[whole], 1):6.3f}")


if __name__ == "__main__":
    given = sys.argv[1:]
    main(
        *(
            kind(given[i]) if len(given) > i else usual
            for i, (kind, usual) in enumerate([(int, 20), (int, 201), (float, 1.0)])
        )
    )
