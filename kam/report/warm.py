"""What notebooks and reports import, imported once: processes that are forked from here begin with all of it.

Imported by the fork server of :mod:`multiprocessing` (see :mod:`kam.report.workers`), and by nothing else. It only imports: it
opens no connection and computes nothing, so that no lock is held and what is forked goes on as if it had been started anew.
"""

import gc
import sys
from importlib import import_module

MODULES = (
    "kam.churn", "kam.dataset", "kam.identify", "kam.ledger", "kam.plots", "kam.programme", "kam.survey", "kam.tables",
    "kam.report.execution", "kam.report.kernel", "kam.report.publish", "kam.report.render",
    "babel.dates", "babel.lists", "babel.numbers", "ipykernel.kernelapp", "matplotlib.pyplot", "matplotlib_inline.backend_inline",
    "nbclient", "papermill", "pyarrow.dataset", "xlsxwriter", "yaml",
)  # fmt: skip

gc.disable()  # a quarter of the imports' time: what they make is kept anyway
# One second of every start: a grammar for a URI format that no notebook is checked against; jsonschema does without.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
for _name in MODULES:
    import_module(_name)

# When pandas is imported outside a kernel it takes its columns from the width of a terminal; in one, it shows twenty.
sys.modules["pandas"].set_option("display.max_columns", 20)

# Nor shall what is forked go through all of it to look for garbage, which would copy every page that is shared till then.
gc.freeze()
gc.enable()
