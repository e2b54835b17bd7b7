"""Who leaves, when, why, and what it costs.

:func:`churn_definition` finds the silence that means lost; :func:`describe_losses`, :func:`partial_churn` and :func:`post_mortem`
say who was lost and what moved before, :func:`cohort_retention` whether younger accounts stay as long.

By Markov chain: :func:`fit_markov_churn` estimates the chain of states; :func:`customer_value` (tested by
:func:`backtest_value`), :func:`forecast_mix`, :func:`compare_programmes` and :func:`sensitivity_to_k` say what follows.

By regression, on :func:`rolling_snapshots`: :func:`predict_churn` forecasts, :func:`compare_churn_models` says which forecast to
believe, :func:`fit_churn_regression`, :func:`fit_hazard` and :func:`fit_survival` explain; :func:`build_call_list`,
:func:`build_win_back_list` and :func:`value_of_retention` say what to do, :func:`score_earlier_forecasts` what came of it.
The models of purchases beside it are :func:`fit_bg_nbd`, :func:`fit_pareto_nbd`, :func:`fit_rhythm`, :func:`fit_gamma_gamma` and
:func:`fit_sbg`.
"""

from kam.arguments import guard_functions
from kam.churn.bg_nbd import BgNbd, fit_bg_nbd
from kam.churn.call_list import CallListResult, build_call_list
from kam.churn.cohorts import CohortRetentionResult, cohort_retention
from kam.churn.comparison import ChurnComparisonResult, compare_churn_models, score_forecasts
from kam.churn.customer_value import CustomerValueResult, customer_value
from kam.churn.definition import ChurnDefinitionResult, churn_definition
from kam.churn.forecast import MixForecastResult, forecast_mix
from kam.churn.gamma_gamma import GammaGamma, fit_gamma_gamma
from kam.churn.hazard import HazardResult, fit_hazard
from kam.churn.losses import LossesResult, describe_losses
from kam.churn.markov import MarkovChurnResult, fit_markov_churn
from kam.churn.pareto_nbd import ParetoNbd, fit_pareto_nbd
from kam.churn.partial_churn import PartialChurnResult, partial_churn
from kam.churn.person_periods import PersonPeriods, person_periods
from kam.churn.post_mortem import PostMortemResult, post_mortem
from kam.churn.prediction import ChurnForecastResult, predict_churn
from kam.churn.programme_table import split_programmes
from kam.churn.programmes import ProgrammeResult, compare_programmes
from kam.churn.regression import ChurnRegressionResult, fit_churn_regression
from kam.churn.remaining_value import remaining_value
from kam.churn.retention_value import RetentionValueResult, value_of_retention
from kam.churn.rhythm import Rhythm, fit_rhythm
from kam.churn.rolling import RolledForecasts, roll_forecasts, rolling_origins, rolling_snapshots
from kam.churn.sbg import ShiftedBetaGeometric, fit_sbg
from kam.churn.sensitivity import KSensitivityResult, sensitivity_to_k
from kam.churn.survival import SurvivalResult, fit_survival
from kam.churn.track_record import TrackRecordResult, score_earlier_forecasts
from kam.churn.value_backtest import ValueBacktestResult, backtest_value
from kam.churn.win_back import WinBackResult, build_win_back_list

__all__ = [
    "BgNbd",
    "CallListResult",
    "ChurnComparisonResult",
    "ChurnDefinitionResult",
    "ChurnForecastResult",
    "ChurnRegressionResult",
    "CohortRetentionResult",
    "CustomerValueResult",
    "GammaGamma",
    "HazardResult",
    "KSensitivityResult",
    "LossesResult",
    "MarkovChurnResult",
    "MixForecastResult",
    "ParetoNbd",
    "PartialChurnResult",
    "PersonPeriods",
    "PostMortemResult",
    "ProgrammeResult",
    "RetentionValueResult",
    "Rhythm",
    "RolledForecasts",
    "ShiftedBetaGeometric",
    "SurvivalResult",
    "TrackRecordResult",
    "ValueBacktestResult",
    "WinBackResult",
    "backtest_value",
    "build_call_list",
    "build_win_back_list",
    "churn_definition",
    "cohort_retention",
    "compare_churn_models",
    "compare_programmes",
    "customer_value",
    "describe_losses",
    "fit_bg_nbd",
    "fit_churn_regression",
    "fit_gamma_gamma",
    "fit_hazard",
    "fit_markov_churn",
    "fit_pareto_nbd",
    "fit_rhythm",
    "fit_sbg",
    "fit_survival",
    "forecast_mix",
    "partial_churn",
    "person_periods",
    "post_mortem",
    "predict_churn",
    "remaining_value",
    "roll_forecasts",
    "rolling_origins",
    "rolling_snapshots",
    "score_earlier_forecasts",
    "score_forecasts",
    "sensitivity_to_k",
    "split_programmes",
    "value_of_retention",
]

guard_functions(__name__)
