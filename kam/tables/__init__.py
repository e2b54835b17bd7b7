"""Tables: results as report tables (great_tables), as an Excel workbook and as CSV; text from data stays text in all of them."""

from kam.tables.files import write_csv, write_workbook
from kam.tables.lists import export_list
from kam.tables.parts import show_part
from kam.tables.reports import (
    assumed_table,
    audit_table,
    checks_table,
    notes_list,
    provenance_table,
    report_table,
)

__all__ = [
    "assumed_table",
    "audit_table",
    "checks_table",
    "export_list",
    "notes_list",
    "provenance_table",
    "report_table",
    "show_part",
    "write_csv",
    "write_workbook",
]
