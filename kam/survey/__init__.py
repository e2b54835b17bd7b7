"""What customers think: who is asked, what they answer, what it is worth, and what it has to do with what they do.

:func:`read_survey` or :func:`collect_responses` makes the answers ready.
"""

from kam.arguments import guard_functions
from kam.survey.design import Design, Linearized, answer_weights, one_phase_design, one_phase_designs
from kam.survey.drivers import DriversResult, drivers
from kam.survey.estimates import EstimatesResult, estimate
from kam.survey.frame import survey_frame
from kam.survey.ledger_facts import gather_facts
from kam.survey.lost_satisfaction import LostSatisfactionResult, satisfaction_of_the_lost
from kam.survey.loyalty import LoyaltyResult, satisfaction_loyalty
from kam.survey.nonresponse import NonresponseResult, assess_nonresponse
from kam.survey.nps import NpsResult, nps
from kam.survey.reliability import ReliabilityResult, reliability
from kam.survey.responses import Responses, collect_responses, read_survey
from kam.survey.sample_size import SampleSizeResult, sample_size
from kam.survey.sampling import SampleDrawResult, draw_sample
from kam.survey.satisfaction_states import satisfaction_states, survey_covariates
from kam.survey.tracking import TrackingResult, track_responses
from kam.survey.wallet import WalletResult, share_of_wallet
from kam.survey.waves import WavesResult, compare_waves
from kam.survey.weighting import WeightsResult, weigh_responses

__all__ = [
    "Design",
    "DriversResult",
    "EstimatesResult",
    "Linearized",
    "LostSatisfactionResult",
    "LoyaltyResult",
    "NonresponseResult",
    "NpsResult",
    "ReliabilityResult",
    "Responses",
    "SampleDrawResult",
    "SampleSizeResult",
    "TrackingResult",
    "WalletResult",
    "WavesResult",
    "WeightsResult",
    "answer_weights",
    "assess_nonresponse",
    "collect_responses",
    "compare_waves",
    "draw_sample",
    "drivers",
    "estimate",
    "gather_facts",
    "nps",
    "one_phase_design",
    "one_phase_designs",
    "read_survey",
    "reliability",
    "sample_size",
    "satisfaction_loyalty",
    "satisfaction_of_the_lost",
    "satisfaction_states",
    "share_of_wallet",
    "survey_covariates",
    "survey_frame",
    "track_responses",
    "weigh_responses",
]

guard_functions(__name__)
