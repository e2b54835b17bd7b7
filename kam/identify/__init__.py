"""Who is a key account: concentration, ABC-XYZ classes with their stability, RFM segments, and the list with its reasons."""

from kam.identify.abc_xyz import AbcXyzResult, abc_classes, classify_abc_xyz
from kam.identify.concentration import ConcentrationResult, concentration, gini, hhi, number_for_share, top_share
from kam.identify.key_accounts import KeyAccountsResult, identify_key_accounts
from kam.identify.rfm import SEGMENTS, RfmResult, score_rfm
from kam.identify.value_classes import customer_values

__all__ = [
    "SEGMENTS",
    "AbcXyzResult",
    "ConcentrationResult",
    "KeyAccountsResult",
    "RfmResult",
    "abc_classes",
    "classify_abc_xyz",
    "concentration",
    "customer_values",
    "gini",
    "hhi",
    "identify_key_accounts",
    "number_for_share",
    "score_rfm",
    "top_share",
]
