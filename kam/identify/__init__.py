"""Who is a key account: concentration, ABC-XYZ classes with their stability, RFM segments, and the list with its reasons."""

from kam.arguments import guard_functions
from kam.identify.abc_xyz import AbcXyzResult, abc_classes, classify_abc_xyz
from kam.identify.account_facts import account_facts
from kam.identify.concentration import ConcentrationResult, concentration, gini, hhi, number_for_share, top_share
from kam.identify.criteria import MEASURED, criteria_table
from kam.identify.dependence import DependenceResult, assess_dependence
from kam.identify.duplicates import DuplicatesResult, likely_duplicates
from kam.identify.growth import GrowthResult, growth
from kam.identify.key_accounts import KeyAccountsResult, identify_key_accounts, score_dataset
from kam.identify.manager_effect import ManagerEffectResult, manager_effect
from kam.identify.migration import TierMigrationResult, tier_migration
from kam.identify.plan import PlanResult, compare_plan
from kam.identify.price_volume_mix import PriceVolumeMixResult, price_volume_mix
from kam.identify.profile import ProfileResult, profile_accounts
from kam.identify.profitability import ProfitabilityResult, profitability
from kam.identify.prospects import ProspectsResult, screen_prospects
from kam.identify.relationship_levels import LEVELS, RelationshipLevelsResult, relationship_levels
from kam.identify.release import ReleaseResult, release
from kam.identify.rfm import SEGMENTS, RfmResult, score_rfm
from kam.identify.risks import RisksResult, risks
from kam.identify.sales_quality import SalesQualityResult, sales_quality
from kam.identify.scorecard import ScorecardResult, score_accounts
from kam.identify.staffing import StaffingResult, staffing
from kam.identify.typology import TYPES, TypologyResult, classify_types
from kam.identify.value_classes import customer_values
from kam.identify.whale_curve import WhaleCurve, whale_curve
from kam.identify.white_space import WhiteSpaceResult, white_space

__all__ = [
    "LEVELS",
    "MEASURED",
    "SEGMENTS",
    "TYPES",
    "AbcXyzResult",
    "ConcentrationResult",
    "DependenceResult",
    "DuplicatesResult",
    "GrowthResult",
    "KeyAccountsResult",
    "ManagerEffectResult",
    "PlanResult",
    "PriceVolumeMixResult",
    "ProfileResult",
    "ProfitabilityResult",
    "ProspectsResult",
    "RelationshipLevelsResult",
    "ReleaseResult",
    "RfmResult",
    "RisksResult",
    "SalesQualityResult",
    "ScorecardResult",
    "StaffingResult",
    "TierMigrationResult",
    "TypologyResult",
    "WhaleCurve",
    "WhiteSpaceResult",
    "abc_classes",
    "account_facts",
    "assess_dependence",
    "classify_abc_xyz",
    "classify_types",
    "compare_plan",
    "concentration",
    "criteria_table",
    "customer_values",
    "gini",
    "growth",
    "hhi",
    "identify_key_accounts",
    "likely_duplicates",
    "manager_effect",
    "number_for_share",
    "price_volume_mix",
    "profile_accounts",
    "profitability",
    "relationship_levels",
    "release",
    "risks",
    "sales_quality",
    "score_accounts",
    "score_dataset",
    "score_rfm",
    "screen_prospects",
    "staffing",
    "tier_migration",
    "top_share",
    "whale_curve",
    "white_space",
]

guard_functions(__name__)
