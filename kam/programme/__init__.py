"""What needs all three analyses: the file of each account, its dossier, what to do next, and the programme as a whole."""

from kam.arguments import guard_functions
from kam.programme.account_files import (
    AccountFilesResult,
    gather_accounts,
    open_account_files,
    read_account_files,
)
from kam.programme.action_rules import ACTION_RULES, FIELDS, read_action_rules
from kam.programme.actions import ActionListResult, action_list
from kam.programme.changes import ChangesResult, changes, changes_since
from kam.programme.contact_map import map_contacts
from kam.programme.dossier import DossierResult, account_dossier
from kam.programme.overview import OverviewResult, programme_overview
from kam.programme.run_results import load_run, result_of
from kam.programme.saved_runs import SavedRun, find_previous_run, read_run

__all__ = [
    "ACTION_RULES",
    "FIELDS",
    "AccountFilesResult",
    "ActionListResult",
    "ChangesResult",
    "DossierResult",
    "OverviewResult",
    "SavedRun",
    "account_dossier",
    "action_list",
    "changes",
    "changes_since",
    "find_previous_run",
    "gather_accounts",
    "load_run",
    "map_contacts",
    "open_account_files",
    "programme_overview",
    "read_account_files",
    "read_action_rules",
    "read_run",
    "result_of",
]

guard_functions(__name__)
