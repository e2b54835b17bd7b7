"""Figures: each function draws one result and returns the axes; ``show`` shows them in a notebook, with alternative text.

>>> from kam import identify
>>> ax = plot_lorenz(identify.concentration([541, 1463, 2445, 3438, 4437, 5401, 6392, 8304, 11904, 22261]))
>>> describe(ax).partition(".")[0]
'5 of 10 customers bring 80% of positive net revenue'
"""

from kam.plots.accounts import plot_key_accounts
from kam.plots.balance import plot_balance
from kam.plots.calibration import plot_calibration
from kam.plots.churn_definition import plot_return_share
from kam.plots.classes import plot_abc_xyz, plot_class_stability
from kam.plots.cohorts import plot_cohorts
from kam.plots.concentration import plot_largest, plot_lorenz
from kam.plots.dossier import draw_beside, plot_account_timeline, plot_contact_map, plot_product_change
from kam.plots.drivers import plot_drivers
from kam.plots.flags import plot_flag_evidence, plot_flags
from kam.plots.flow import plot_flow
from kam.plots.growth import plot_growth_backtest, plot_growth_candidates
from kam.plots.hazard import plot_hazard_by_tenure
from kam.plots.importance_performance import plot_importance_performance
from kam.plots.kaplan_meier import plot_kaplan_meier
from kam.plots.lift import plot_lift_by_money
from kam.plots.losses import plot_losses
from kam.plots.lost_satisfaction import plot_lost_satisfaction
from kam.plots.loyalty import plot_loyalty_curve
from kam.plots.managers import plot_manager_funnel, plot_manager_load
from kam.plots.migration import plot_revenue_bridge, plot_tier_migration
from kam.plots.mix_forecast import plot_mix_forecast
from kam.plots.model_scores import plot_model_scores
from kam.plots.nonresponse import plot_delta, plot_silence
from kam.plots.nps import plot_nps
from kam.plots.odds_ratios import plot_odds_ratios
from kam.plots.plan import plot_plan, plot_price_volume_mix
from kam.plots.portfolio import plot_movements, plot_portfolio
from kam.plots.post_mortem import plot_post_mortem
from kam.plots.profit_quadrants import plot_profit_quadrants
from kam.plots.programmes import plot_programmes
from kam.plots.response_rates import plot_response_rates
from kam.plots.rfm import plot_rfm_fm, plot_rfm_fr
from kam.plots.risk_value import plot_risk_value_map
from kam.plots.satisfaction_levels import plot_satisfaction_levels
from kam.plots.scorecard import plot_tier_acceptability, plot_weight_tornado
from kam.plots.state_value import plot_state_value
from kam.plots.style import describe, draw, show, to_png
from kam.plots.survival import plot_survival
from kam.plots.transitions import plot_transitions
from kam.plots.whale_curve import plot_whale_curve

__all__ = [
    "describe",
    "draw",
    "draw_beside",
    "plot_abc_xyz",
    "plot_account_timeline",
    "plot_balance",
    "plot_calibration",
    "plot_class_stability",
    "plot_cohorts",
    "plot_contact_map",
    "plot_delta",
    "plot_drivers",
    "plot_flag_evidence",
    "plot_flags",
    "plot_flow",
    "plot_growth_backtest",
    "plot_growth_candidates",
    "plot_hazard_by_tenure",
    "plot_importance_performance",
    "plot_kaplan_meier",
    "plot_key_accounts",
    "plot_largest",
    "plot_lift_by_money",
    "plot_lorenz",
    "plot_losses",
    "plot_lost_satisfaction",
    "plot_loyalty_curve",
    "plot_manager_funnel",
    "plot_manager_load",
    "plot_mix_forecast",
    "plot_model_scores",
    "plot_movements",
    "plot_nps",
    "plot_odds_ratios",
    "plot_plan",
    "plot_portfolio",
    "plot_post_mortem",
    "plot_price_volume_mix",
    "plot_product_change",
    "plot_profit_quadrants",
    "plot_programmes",
    "plot_response_rates",
    "plot_return_share",
    "plot_revenue_bridge",
    "plot_rfm_fm",
    "plot_rfm_fr",
    "plot_risk_value_map",
    "plot_satisfaction_levels",
    "plot_silence",
    "plot_state_value",
    "plot_survival",
    "plot_tier_acceptability",
    "plot_tier_migration",
    "plot_transitions",
    "plot_weight_tornado",
    "plot_whale_curve",
    "show",
    "to_png",
]
