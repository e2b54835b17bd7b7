"""What a question of the survey is called in a sentence."""

from __future__ import annotations

from kam.wording import Wording


def name_question(say: Wording, item: str, text: str | None = None) -> str:
    """Name a question: the three scores by what they ask, others by their text.

    Examples
    --------
    >>> name_question(Wording(), "overall"), name_question(Wording(), "on_time", "Deliveries arrive on the day.")
    ('satisfaction overall', '“Deliveries arrive on the day”')
    """
    words = {
        "overall": say.sentence("satisfaction overall"),
        "recommend": say.sentence("readiness to recommend (0 to 10)"),
        "repurchase": say.sentence("intention to buy again (1 to 5)"),
    }
    return words.get(item) or say.sentence("“{text}”", text=(text or item).rstrip("."))
