"""What people would say if they were asked: the overall judgment, its drivers, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from kam.samples.months import Flags, Floats, Ints

NOT_APPLICABLE, NO_ANSWER = 8, 9


class Item(NamedTuple):
    """An item: text, theme, weight in the overall judgment, share of the people to whom it does not apply."""

    name: str
    text: str
    theme: str
    weight: float
    not_applicable: float
    reversed: bool = False


ITEMS = (
    Item("on_time", "Deliveries arrive on the promised day.", "delivery", 0.24, 0.02),
    Item("complete", "Deliveries are complete.", "delivery", 0.08, 0.02),
    Item("quality", "The packaging does its job.", "product", 0.20, 0.00),
    Item("range", "The range covers what we need.", "product", 0.04, 0.02),
    Item("price", "Prices are fair.", "price", 0.12, 0.15),
    Item("order_ease", "Ordering is easy.", "ordering", 0.06, 0.10),
    Item("web_shop", "The web shop is a help.", "ordering", 0.02, 0.40),
    Item("manager", "Our account manager knows our business.", "people", 0.14, 0.08),
    Item("complaint_handling", "Complaints are settled quickly.", "people", 0.07, 0.45),
    Item("chasing", "We often have to chase for information.", "people", 0.03, 0.05, True),
)
REPURCHASE = (2.2, 2.2, 3.4, 3.4, 4.6)
_COMMENTS = {
    "en": ("Deliveries have become unreliable.", "Prices rise too often.", "A partner we can count on."),
    "zh": ("交货经常延误。", "价格上涨太频繁。", "值得信赖的合作伙伴。"),
    "ko": ("납품이 자주 늦습니다.", "가격이 너무 자주 오릅니다.", "믿을 수 있는 파트너입니다."),
    "ja": ("納期の遅れが目立ちます。", "値上げが多すぎます。", "信頼できるパートナーです。"),
}


@dataclass(frozen=True, eq=False)
class Answers:
    """What every person in the frame would answer; one entry per person, items in columns."""

    person: Ints
    account: Ints
    overall: Ints
    recommend: Ints
    repurchase: Ints
    items: Ints


def draw_answers(
    account_of: Ints,
    asked: Flags,
    satisfaction: Floats,
    by_theme: Floats,
    late_share: Floats,
    n_complaints: Ints,
    rng: np.random.Generator,
) -> Answers:
    """Draw what the people asked would say.

    1. base = satisfaction of the account + normal(0.4) of the person.
    2. Level of an item = base + the account's deviation on the theme (normal 0.45) − 1.0 late share of six months
       (delivery) − 0.3 min(complaints in six months, 3) (complaint handling) + normal(0.6), rounded, cut to 1–5.
    3. overall = Σ weight × level + normal(0.35), rounded, cut to 1–5; the weights (:data:`ITEMS`) sum to 1. Where an
       item does not apply, base stands for its level.
    4. repurchase = 2.2 where overall is 1 or 2, 3.4 where 3 or 4, 4.6 where 5, + normal(0.7), rounded: two
       thresholds, flat between them. recommend = 2.2 × overall (before rounding) − 0.9 + normal(1.2), rounded, 0–10.
    5. A reversed item is recorded as 6 − level; 8 where it does not apply, 9 for no answer (2 %).
    """
    themes = sorted({item.theme for item in ITEMS})
    person = np.flatnonzero(asked)
    account = account_of[person]
    n = len(person)
    base = satisfaction[account] + rng.normal(0.0, 0.4, n)
    columns, applied = [], []
    total = rng.normal(0.0, 0.35, n)
    for item in ITEMS:
        latent = base + by_theme[account, themes.index(item.theme)] + rng.normal(0.0, 0.6, n)
        if item.theme == "delivery":
            latent = latent - 1.0 * late_share[account]
        if item.name == "complaint_handling":
            latent = latent - 0.3 * np.minimum(n_complaints[account], 3)
        level = np.clip(np.rint(latent), 1, 5).astype(np.int64)
        applies = rng.random(n) >= item.not_applicable
        total += item.weight * np.where(applies, level, base)
        columns.append(6 - level if item.reversed else level)
        applied.append(applies)
    items, applicable = np.column_stack(columns), np.column_stack(applied)
    items = np.where(rng.random(items.shape) < 0.02, NO_ANSWER, items)
    items = np.where(applicable, items, NOT_APPLICABLE)
    overall = np.clip(np.rint(total), 1, 5).astype(np.int64)
    repurchase = np.clip(np.rint(np.array(REPURCHASE)[overall - 1] + rng.normal(0.0, 0.7, n)), 1, 5).astype(np.int64)
    recommend = np.clip(np.rint(2.2 * total - 0.9 + rng.normal(0.0, 1.2, n)), 0, 10).astype(np.int64)
    return Answers(person, account, overall, recommend, repurchase, items)


def draw_comments(scripts: list[str], overall: Ints, rng: np.random.Generator) -> pd.Series:
    """Draw what one person in eight wrote, in the language of the account; missing for the others."""
    speaks = rng.random(len(scripts)) < 0.12
    complaint = rng.integers(0, 2, len(scripts))
    said = [
        _COMMENTS[script][2 if level >= 4 else which]
        for script, level, which in zip(scripts, overall, complaint, strict=True)
    ]
    return pd.Series(said, dtype="str").where(speaks)
