"""Simulators with known truth: the sample company, ledgers of any size, and ledgers of a known Markov chain.

>>> company = simulate_company(seed=1, n_accounts=150)
>>> sorted(company.tables())
['accounts', 'contacts', 'events', 'external', 'ledger', 'overrides', 'programmes', 'sample', 'survey', 'targets']
"""

from __future__ import annotations

from kam.samples.chain import simulate_chain
from kam.samples.company import SampleCompany, simulate_company, simulate_rerun
from kam.samples.files import SAMPLE_SEED, write_company
from kam.samples.scale import write_ledger
from kam.samples.traps import TRAPS
from kam.samples.truth import SampleTruth

__all__ = [
    "SAMPLE_SEED",
    "TRAPS",
    "SampleCompany",
    "SampleTruth",
    "simulate_chain",
    "simulate_company",
    "simulate_rerun",
    "write_company",
    "write_ledger",
]
