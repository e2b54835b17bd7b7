"""Stands in for kam.report.warm: fewer imports, so that hundreds of runs take minutes; what is forked is the same."""

import sys
from importlib import import_module

sys.modules.setdefault("rfc3987_syntax", None)  # as in kam.report.warm
for name in ("kam.report.execution", "kam.report.kernel", "kam.report.publish", "kam.report.render", "kam.results",
             "ipykernel.kernelapp", "nbclient", "papermill", "pandas", "pyarrow.parquet"):  # fmt: skip
    import_module(name)
sys.modules["kam.report.warm"] = sys.modules[__name__]
