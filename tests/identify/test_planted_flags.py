"""The small version of ``make bench ARGS=account_flags``: planted traps are flagged, and hardly anything else."""

from benchmarks.account_flags import OWN_TRAP, SIGNS, count_company
from kam.samples import simulate_company


def test_planted_traps_are_flagged():
    planted = {"dumping": 5, "period_end_loading": 5, "own_brand": 5, "rising_cost_to_serve": 5,
               "negative_margin": 5}  # fmt: skip
    counts = count_company(simulate_company(seed=1301, n_accounts=200, traps=planted), scale=1.0)
    for flag in OWN_TRAP:
        assert counts[flag, "right"] >= 4, flag
    for flag in SIGNS:
        assert counts[flag, "flagged"] - counts[flag, "right"] <= 1, flag
