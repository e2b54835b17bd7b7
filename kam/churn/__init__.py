"""Who leaves, when, and what it costs: when an account is lost, and Markov chains from transition counts to money.

:func:`churn_definition` finds the silence that means lost; :func:`fit_markov_churn` estimates the chain of states;
:func:`customer_value` (tested by :func:`backtest_value`), :func:`forecast_mix`, :func:`compare_programmes` and
:func:`sensitivity_to_k` say what follows.
"""

from kam.churn.customer_value import CustomerValueResult, customer_value
from kam.churn.definition import ChurnDefinitionResult, churn_definition
from kam.churn.forecast import MixForecastResult, forecast_mix
from kam.churn.markov import MarkovChurnResult, fit_markov_churn
from kam.churn.programme_table import split_programmes
from kam.churn.programmes import ProgrammeResult, compare_programmes
from kam.churn.sensitivity import KSensitivityResult, sensitivity_to_k
from kam.churn.value_backtest import ValueBacktestResult, backtest_value

__all__ = [
    "ChurnDefinitionResult",
    "CustomerValueResult",
    "KSensitivityResult",
    "MarkovChurnResult",
    "MixForecastResult",
    "ProgrammeResult",
    "ValueBacktestResult",
    "backtest_value",
    "churn_definition",
    "compare_programmes",
    "customer_value",
    "fit_markov_churn",
    "forecast_mix",
    "sensitivity_to_k",
    "split_programmes",
]
