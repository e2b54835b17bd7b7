"""The ledger: the only place that talks to a database engine.

:func:`open_ledger` reads, cleans and audits order lines; :func:`summarize_customers` gives one row per customer,
:func:`activity_panel` one per customer and active period, :func:`state_panel` one per customer and period with the state in it,
:func:`transition_counts` how many went from which state to which.
"""

from kam.ledger.audit import Audit
from kam.ledger.cleaning import Cleaning
from kam.ledger.opening import Ledger, open_ledger
from kam.ledger.reading import ReadOptions
from kam.ledger.states import StatePanel, state_panel, value_cuts
from kam.ledger.summaries import activity_panel, summarize_customers
from kam.ledger.transitions import transition_counts

__all__ = [
    "Audit",
    "Cleaning",
    "Ledger",
    "ReadOptions",
    "StatePanel",
    "activity_panel",
    "open_ledger",
    "state_panel",
    "summarize_customers",
    "transition_counts",
    "value_cuts",
]
