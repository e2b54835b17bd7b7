"""The ledger: the only place that talks to a database engine.

:func:`open_ledger` reads, cleans and audits order lines; :func:`summarize_customers` gives one row per customer,
:func:`activity_panel` one per customer and active period, :func:`state_panel` one per customer and period with the state in it,
:func:`transition_counts` how many went from which state to which, :func:`snapshots` one row per origin and customer: what was
known of the customer then, and what came of it.
"""

from kam.ledger.audit import Audit
from kam.ledger.cleaning import Cleaning
from kam.ledger.covariates import Covariates
from kam.ledger.databases import Relation
from kam.ledger.deliveries import summarize_deliveries
from kam.ledger.mix import summarize_mix
from kam.ledger.opening import Ledger, open_ledger
from kam.ledger.reading import ReadOptions
from kam.ledger.snapshot_rows import Snapshots, snapshots
from kam.ledger.states import StatePanel, state_panel, value_cuts
from kam.ledger.summaries import activity_panel, summarize_customers
from kam.ledger.transitions import transition_counts

__all__ = [
    "Audit",
    "Cleaning",
    "Covariates",
    "Ledger",
    "ReadOptions",
    "Relation",
    "Snapshots",
    "StatePanel",
    "activity_panel",
    "open_ledger",
    "snapshots",
    "state_panel",
    "summarize_customers",
    "summarize_deliveries",
    "summarize_mix",
    "transition_counts",
    "value_cuts",
]
