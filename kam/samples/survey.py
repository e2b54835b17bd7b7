"""The satisfaction survey: who is drawn, who answers, and what they say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from kam.samples.departures import Complaints, Deliveries, Departures, complaint_counts, late_shares
from kam.samples.ledger_table import euros
from kam.samples.months import Floats, Ints, Texts
from kam.samples.orders import Lines, OrderingProcess, Orders
from kam.samples.traits import REGIONS

NonResponse = Literal["ledger", "satisfaction"]
NOT_APPLICABLE, NO_ANSWER = 8, 9
STRATA = ("key", "middle", "small")
_DRAWN = {"middle": 170, "small": 170}
_KEY, _MIDDLE = 80, 0.35  # the largest in number, the next in share


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
RESPONSE = {"intercept": 0.3, "log_revenue": 0.7, "log_recency": -0.4, "satisfaction": 1.1}
"""Log-odds that a drawn account answers: per standard deviation of what the world depends on."""

_COMMENTS = {
    "en": ("Deliveries have become unreliable.", "Prices rise too often.", "A partner we can count on."),
    "zh": ("交货经常延误。", "价格上涨太频繁。", "值得信赖的合作伙伴。"),
    "ko": ("납품이 자주 늦습니다.", "가격이 너무 자주 오릅니다.", "믿을 수 있는 파트너입니다."),
    "ja": ("納期の遅れが目立ちます。", "値上げが多すぎます。", "信頼できるパートナーです。"),
}


@dataclass(frozen=True, eq=False)
class SurveyOutcome:
    """The tables ``survey`` and ``sample``, and the truth: ``responses`` (account and wave) and ``population``
    (wave).
    """

    survey: pd.DataFrame
    sample: pd.DataFrame
    responses: pd.DataFrame
    population: pd.DataFrame


@dataclass(frozen=True, eq=False)
class _Answers:
    """What every person in the frame would answer; one entry per person, items in columns."""

    person: Ints
    account: Ints
    overall: Ints
    recommend: Ints
    repurchase: Ints
    items: Ints


def conduct_survey(
    process: OrderingProcess,
    orders: Orders,
    deliveries: Deliveries,
    complaints: Complaints,
    departures: Departures,
    lines: Lines,
    contacts: pd.DataFrame,
    non_response: NonResponse,
    rng: np.random.Generator,
) -> SurveyOutcome:
    """Draw two waves, 26 and 14 months before the end.

    1. Frame: accounts with an order in the 365 days before the wave that have not left. Strata by revenue of these
       days: the 80 largest (all drawn), the next 35 % and the rest (170 drawn of each, without replacement).
    2. An account answers with logit p = 0.3 + 0.7 z(log revenue) − 0.4 z(log recency) + region in the world
       ``ledger``, and logit p = 0.3 + 1.1 z(satisfaction) in the world ``satisfaction``; z is standardized over the
       frame, satisfaction is the mean overall answer of the account's people. Of an account that answers each person
       answers with probability 0.75, one at least. The less likely the answer, the later it comes.
    3. What people would say is drawn for everybody in the frame (:func:`draw_answers`), so the truth of the
       population is known.

    Both propensities are in ``responses`` whatever the world.
    """
    months, traits = process.months, process.traits
    n = len(traits)
    n_waves_before = (26, 14)
    account_of = np.searchsorted(traits.customer_id, contacts["customer_id"].to_numpy().astype(str))
    by_theme = rng.normal(0.0, 0.45, (n, len({item.theme for item in ITEMS})))
    surveys, samples, truths, populations = [], [], [], []
    for before in n_waves_before:
        month = len(months) - before
        day = int(months.first_day[month])
        label = str(months.starts[month])[:7]
        inside = (lines.day >= day - 365) & (lines.day < day)
        revenue = euros(np.bincount(lines.account[inside], lines.amount[inside], minlength=n))
        past = orders.day < day
        last_order = np.full(n, -(10**6))
        np.maximum.at(last_order, orders.account[past], orders.day[past])
        recency = day - last_order
        frame = np.flatnonzero((recency <= 365) & (departures.left > month) & (revenue > 0))

        late = late_shares(process, orders, deliveries, 6)[:, month]
        n_complaints = complaint_counts(process, complaints, 6)[:, month]
        answers = draw_answers(
            account_of, np.isin(account_of, frame), traits.satisfaction, by_theme, late, n_complaints, rng
        )
        mean_overall = np.bincount(answers.account, answers.overall, minlength=n) / np.maximum(
            np.bincount(answers.account, minlength=n), 1
        )

        log_revenue, log_recency = _standardize(np.log(revenue[frame])), _standardize(np.log1p(recency[frame]))
        region = np.array([r.response for r in REGIONS])[traits.region[frame]]
        from_ledger = RESPONSE["log_revenue"] * log_revenue + RESPONSE["log_recency"] * log_recency + region
        from_satisfaction = RESPONSE["satisfaction"] * _standardize(mean_overall[frame])
        p_ledger = 1 / (1 + np.exp(-RESPONSE["intercept"] - from_ledger))
        p_satisfaction = 1 / (1 + np.exp(-RESPONSE["intercept"] - from_satisfaction))
        p = p_ledger if non_response == "ledger" else p_satisfaction

        stratum = _stratify(revenue[frame])
        drawn = np.zeros(len(frame), dtype=bool)
        probability = np.ones(len(frame))
        for s, name in enumerate(STRATA):
            members = np.flatnonzero(stratum == s)
            size = min(_DRAWN.get(name, len(members)), len(members))
            drawn[rng.choice(members, size, replace=False)] = True
            probability[members] = size / max(len(members), 1)
        answered = drawn & (rng.random(len(frame)) < p)

        status = np.where(answered, "answered", np.where(rng.random(len(frame)) < 0.35, "refused", "not_reached"))
        samples.append(
            pd.DataFrame(
                {
                    "customer_id": traits.customer_id[frame],
                    "wave": label,
                    "stratum": np.array(STRATA)[stratum],
                    "probability": probability.round(6),
                    "certainty": probability >= 1,
                    "status": status,
                }
            )[drawn]
        )
        truths.append(
            pd.DataFrame(
                {
                    "customer_id": traits.customer_id[frame],
                    "wave": label,
                    "stratum": np.array(STRATA)[stratum],
                    "p_drawn": probability,
                    "p_ledger": p_ledger,
                    "p_satisfaction": p_satisfaction,
                    "mean_overall": mean_overall[frame],
                    "revenue": revenue[frame],
                    "days_since_last_order": recency[frame],
                    "region": np.array([r.name for r in REGIONS])[traits.region[frame]],
                    "drawn": drawn,
                    "answered": answered,
                }
            )
        )
        promoters, detractors = (answers.recommend >= 9).mean(), (answers.recommend <= 6).mean()
        populations.append(
            {
                "wave": label,
                "wave_date": months.starts[month],
                "n_accounts": len(frame),
                "n_people": len(answers.person),
                "mean_overall": mean_overall[frame].mean(),
                "mean_overall_by_revenue": np.average(mean_overall[frame], weights=revenue[frame]),
                "share_satisfied": (answers.overall >= 4).mean(),
                "nps": 100 * (promoters - detractors),
            }
        )

        of_frame = np.full(n, -1)
        of_frame[frame] = np.arange(len(frame))
        row = of_frame[answers.account]
        luck = rng.random(len(row))
        best = np.full(len(frame), 2.0)
        np.minimum.at(best, row, luck)
        chosen = np.flatnonzero(answered[row] & ((luck < 0.75) | (luck == best[row])))
        waits = 3 + np.minimum(rng.gamma(1.5, 6 * (1.5 - p[row[chosen]])), 40).astype(np.int64)
        scripts = traits.scripts
        fpc = np.bincount(stratum, minlength=len(STRATA))[stratum]
        table = pd.DataFrame(
            {
                "respondent_id": contacts["contact_id"].to_numpy()[answers.person[chosen]],
                "wave": label,
                "customer_id": traits.customer_id[answers.account[chosen]],
                "role": contacts["role"].to_numpy()[answers.person[chosen]],
                "answered_on": months.dates(day + waits),
                "weight": (1 / probability[row[chosen]]).round(4),
                "stratum": np.array(STRATA)[stratum[row[chosen]]],
                "psu": traits.customer_id[answers.account[chosen]],
                "fpc": fpc[row[chosen]],
                "overall": answers.overall[chosen],
                "recommend": answers.recommend[chosen],
                "repurchase": answers.repurchase[chosen],
            }
        )
        for k, item in enumerate(ITEMS):
            table[item.name] = answers.items[chosen, k]
        table["comment"] = _comments([scripts[a] for a in answers.account[chosen]], answers.overall[chosen], rng)
        surveys.append(table.sort_values("respondent_id", ignore_index=True))
    return SurveyOutcome(
        pd.concat(surveys, ignore_index=True),
        pd.concat(samples, ignore_index=True),
        pd.concat(truths, ignore_index=True),
        pd.DataFrame(populations),
    )


def draw_answers(
    account_of: Ints,
    asked: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
    satisfaction: Floats,
    by_theme: Floats,
    late_share: Floats,
    n_complaints: Ints,
    rng: np.random.Generator,
) -> _Answers:
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
    return _Answers(person, account, overall, recommend, repurchase, items)


def _standardize(values: Floats) -> Floats:
    return (values - values.mean()) / values.std()


def _stratify(revenue: Floats) -> Ints:
    rank = np.argsort(np.argsort(-revenue, kind="stable"), kind="stable")
    n_key = min(_KEY, len(revenue) // 4)
    return np.where(rank < n_key, 0, np.where(rank < n_key + _MIDDLE * (len(revenue) - n_key), 1, 2)).astype(np.int64)


def _comments(scripts: list[str], overall: Ints, rng: np.random.Generator) -> Texts:
    speaks = rng.random(len(scripts)) < 0.12
    complaint = rng.integers(0, 2, len(scripts))
    return np.array(
        [
            (_COMMENTS[script][2 if level >= 4 else which] if said else None)
            for script, level, which, said in zip(scripts, overall, complaint, speaks, strict=True)
        ],
        dtype=object,
    )
