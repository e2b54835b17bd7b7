"""The ledger: the only place that talks to a database engine.

:func:`open_ledger` reads, cleans and audits order lines; :func:`summarize_customers` gives one row per customer,
:func:`activity_panel` one per customer and active period.
"""

from kam.ledger.audit import Audit
from kam.ledger.cleaning import Cleaning
from kam.ledger.opening import Ledger, open_ledger
from kam.ledger.reading import ReadOptions
from kam.ledger.summaries import activity_panel, summarize_customers

__all__ = ["Audit", "Cleaning", "Ledger", "ReadOptions", "activity_panel", "open_ledger", "summarize_customers"]
