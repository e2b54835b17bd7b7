"""Who is a key account: concentration, ABC-XYZ classes with their stability, RFM segments, and the list with its reasons."""

from kam.identify.abc_xyz import AbcXyzResult, abc_classes, classify_abc_xyz
from kam.identify.account_facts import account_facts
from kam.identify.concentration import ConcentrationResult, concentration, gini, hhi, number_for_share, top_share
from kam.identify.key_accounts import KeyAccountsResult, identify_key_accounts
from kam.identify.profile import ProfileResult, profile_accounts
from kam.identify.prospects import ProspectsResult, screen_prospects
from kam.identify.rfm import SEGMENTS, RfmResult, score_rfm
from kam.identify.typology import TYPES, TypologyResult, classify_types
from kam.identify.value_classes import customer_values

__all__ = [
    "SEGMENTS",
    "TYPES",
    "AbcXyzResult",
    "ConcentrationResult",
    "KeyAccountsResult",
    "ProfileResult",
    "ProspectsResult",
    "RfmResult",
    "TypologyResult",
    "abc_classes",
    "account_facts",
    "classify_abc_xyz",
    "classify_types",
    "concentration",
    "customer_values",
    "gini",
    "hhi",
    "identify_key_accounts",
    "number_for_share",
    "profile_accounts",
    "score_rfm",
    "screen_prospects",
    "top_share",
]
