"""What customers think: who is asked, what they answer, what it is worth, and what it has to do with what they do.

:func:`read_survey` or :func:`collect_responses` makes the answers ready.
"""

from kam.survey.design import Design, Linearized, answer_weights, one_phase_design, one_phase_designs
from kam.survey.ledger_facts import gather_facts
from kam.survey.responses import Responses, collect_responses, read_survey

__all__ = [
    "Design",
    "Linearized",
    "Responses",
    "answer_weights",
    "collect_responses",
    "gather_facts",
    "one_phase_design",
    "one_phase_designs",
    "read_survey",
]
