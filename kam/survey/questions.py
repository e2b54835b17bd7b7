"""What a question of the survey, or what came after it, is called in a sentence."""

from __future__ import annotations

from kam.wording import Wording


def name_question(say: Wording, item: str, text: str | None = None) -> str:
    """Name a question, or what accounts did after the field: the scores and behavior by what they are, others by their text.

    Examples
    --------
    >>> name_question(Wording(), "overall"), name_question(Wording(), "on_time", "Deliveries arrive on the day.")
    ('the overall judgment', '“Deliveries arrive on the day”')
    """
    words = {
        "overall": say.sentence("the overall judgment"),
        "recommend": say.sentence("the readiness to recommend (0 to 10)"),
        "repurchase": say.sentence("the intention to buy again (1 to 5)"),
        "no_order": say.sentence("the share of accounts without an order in the time after"),
        "churned": say.sentence("the share of accounts lost in the time after"),
        "n_days_next": say.sentence("the number of days with an order in the time after"),
        "revenue_next": say.sentence("the revenue of the time after"),
    }
    return words.get(item) or say.quote(text or item)
