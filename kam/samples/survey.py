"""The satisfaction survey: who is asked, who answers, and how that is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from kam.samples.answers import ITEMS, Answers, draw_answers, draw_comments
from kam.samples.departures import Complaints, Deliveries, Departures, complaint_counts, late_shares
from kam.samples.ledger_table import euros
from kam.samples.months import Floats, Ints
from kam.samples.orders import Lines, OrderingProcess, Orders
from kam.samples.traits import REGIONS

NonResponse = Literal["ledger", "satisfaction"]
WAVES = (26, 14)
"""The months before the end in which the waves are held."""

STRATA = ("key", "middle", "small")
_KEY, _MIDDLE = 80, 0.35  # the largest in number, the next in share
_DRAWN = {"middle": 170, "small": 170}
RESPONSE = {"intercept": 0.3, "log_revenue": 0.7, "log_recency": -0.4, "satisfaction": 1.1}
"""Log-odds that a drawn account answers: per standard deviation of what the world depends on."""


@dataclass(frozen=True, eq=False)
class SurveyOutcome:
    """The tables ``survey`` and ``sample``; the truth: ``responses`` (account and wave), ``population`` (wave)."""

    survey: pd.DataFrame
    sample: pd.DataFrame
    responses: pd.DataFrame
    population: pd.DataFrame


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
    3. What people would say is drawn for everybody in the frame (:func:`kam.samples.answers.draw_answers`), so the
       truth of the population is known.

    Both propensities are in ``responses`` whatever the world.
    """
    months, traits = process.months, process.traits
    account_of = np.searchsorted(traits.customer_id, contacts["customer_id"].to_numpy().astype(str))
    late, n_complaints = late_shares(process, orders, deliveries, 6), complaint_counts(process, complaints, 6)
    by_theme = rng.normal(0.0, 0.45, (len(traits), len({item.theme for item in ITEMS})))
    surveys, samples, truths, populations = [], [], [], []
    for before in WAVES:
        month = len(months) - before
        frame = _find_frame(process, orders, lines, departures, month)
        asked = np.isin(account_of, frame["account"])
        answers = draw_answers(
            account_of, asked, traits.satisfaction, by_theme, late[:, month], n_complaints[:, month], rng
        )
        total = np.bincount(answers.account, answers.overall, minlength=len(traits))
        count = np.bincount(answers.account, minlength=len(traits))
        frame["mean_overall"] = total[frame["account"]] / count[frame["account"]]
        frame["p_ledger"], frame["p_satisfaction"] = _find_propensities(frame)
        _draw_accounts(frame, frame[f"p_{non_response}"].to_numpy(), rng)

        status = np.where(
            frame["answered"], "answered", np.where(rng.random(len(frame)) < 0.35, "refused", "not_reached")
        )
        drawn = frame.assign(probability=frame["p_drawn"].round(6), certainty=frame["p_drawn"] >= 1, status=status)
        columns = ["customer_id", "wave", "stratum", "probability", "certainty", "status"]
        samples.append(drawn.loc[frame["drawn"], columns])
        truths.append(frame.drop(columns="account"))
        populations.append(_describe_population(frame, answers) | {"wave_date": months.starts[month]})
        surveys.append(_collect_answers(frame, answers, contacts, traits.scripts, f"p_{non_response}", rng))
    return SurveyOutcome(
        pd.concat(surveys, ignore_index=True),
        pd.concat(samples, ignore_index=True),
        pd.concat(truths, ignore_index=True),
        pd.DataFrame(populations),
    )


def _find_frame(
    process: OrderingProcess, orders: Orders, lines: Lines, departures: Departures, month: int
) -> pd.DataFrame:
    """One row per account that could be drawn, with what the ledger knows about it at the beginning of the month."""
    traits, months = process.traits, process.months
    n, day = len(traits), int(months.first_day[month])
    inside = (lines.day >= day - 365) & (lines.day < day)
    revenue = euros(np.bincount(lines.account[inside], lines.amount[inside], minlength=n))
    past = orders.day < day
    last_order = np.full(n, -(10**6))
    np.maximum.at(last_order, orders.account[past], orders.day[past])
    account = np.flatnonzero((day - last_order <= 365) & (departures.left > month) & (revenue > 0))
    return pd.DataFrame(
        {
            "account": account,
            "customer_id": traits.customer_id[account],
            "wave": str(months.starts[month])[:7],
            "stratum": np.array(STRATA)[_stratify(revenue[account])],
            "revenue": revenue[account],
            "days_since_last_order": day - last_order[account],
            "region": np.array([r.name for r in REGIONS])[traits.region[account]],
        }
    )


def _stratify(revenue: Floats) -> Ints:
    rank = np.argsort(np.argsort(-revenue, kind="stable"), kind="stable")
    n_key = min(_KEY, len(revenue) // 4)
    return np.where(rank < n_key, 0, np.where(rank < n_key + _MIDDLE * (len(revenue) - n_key), 1, 2)).astype(np.int64)


def _find_propensities(frame: pd.DataFrame) -> tuple[Floats, Floats]:
    """The probability that an account answers, in either world."""
    region = frame["region"].map({r.name: r.response for r in REGIONS}).to_numpy()
    from_ledger = (
        RESPONSE["log_revenue"] * _standardize(np.log(frame["revenue"].to_numpy()))
        + RESPONSE["log_recency"] * _standardize(np.log1p(frame["days_since_last_order"].to_numpy()))
        + region
    )
    from_satisfaction = RESPONSE["satisfaction"] * _standardize(frame["mean_overall"].to_numpy())
    return (
        1 / (1 + np.exp(-RESPONSE["intercept"] - from_ledger)),
        1 / (1 + np.exp(-RESPONSE["intercept"] - from_satisfaction)),
    )


def _standardize(values: Floats) -> Floats:
    return (values - values.mean()) / values.std()


def _draw_accounts(frame: pd.DataFrame, propensity: Floats, rng: np.random.Generator) -> None:
    """Add to the frame who is drawn, with what probability, and who answers."""
    drawn, probability = np.zeros(len(frame), dtype=bool), np.ones(len(frame))
    for name in STRATA:
        members = np.flatnonzero(frame["stratum"] == name)
        size = min(_DRAWN.get(name, len(members)), len(members))
        drawn[rng.choice(members, size, replace=False)] = True
        probability[members] = size / max(len(members), 1)
    frame["p_drawn"], frame["drawn"] = probability, drawn
    frame["answered"] = drawn & (rng.random(len(frame)) < propensity)


def _describe_population(frame: pd.DataFrame, answers: Answers) -> dict[str, object]:
    """What a census of the frame would have found."""
    promoters, detractors = (answers.recommend >= 9).mean(), (answers.recommend <= 6).mean()
    return {
        "wave": frame["wave"].iloc[0],
        "n_accounts": len(frame),
        "n_people": len(answers.person),
        "mean_overall": frame["mean_overall"].mean(),
        "mean_overall_by_revenue": np.average(frame["mean_overall"], weights=frame["revenue"]),
        "share_satisfied": (answers.overall >= 4).mean(),
        "nps": 100 * (promoters - detractors),
    }


def _collect_answers(
    frame: pd.DataFrame,
    answers: Answers,
    contacts: pd.DataFrame,
    scripts: list[str],
    propensity: str,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """The table of those who answer: of every account that does, each person with probability 0.75, one at least."""
    row = np.searchsorted(frame["account"], answers.account)
    luck = rng.random(len(row))
    best = np.full(len(frame), 2.0)
    np.minimum.at(best, row, luck)
    chosen = np.flatnonzero(frame["answered"].to_numpy()[row] & ((luck < 0.75) | (luck == best[row])))
    account = frame.iloc[row[chosen]].reset_index(drop=True)
    person = contacts.iloc[answers.person[chosen]].reset_index(drop=True)
    waits = 3 + np.minimum(rng.gamma(1.5, 6 * (1.5 - account[propensity].to_numpy())), 40).astype(np.int64)
    table = pd.DataFrame(
        {
            "respondent_id": person["contact_id"],
            "wave": account["wave"],
            "customer_id": account["customer_id"],
            "role": person["role"],
            "answered_on": (account["wave"] + "-01").to_numpy().astype("datetime64[D]")
            + waits.astype("timedelta64[D]"),
            "weight": (1 / account["p_drawn"]).round(4),
            "stratum": account["stratum"],
            "psu": account["customer_id"],
            "fpc": account["stratum"].map(frame["stratum"].value_counts()),
            "overall": answers.overall[chosen],
            "recommend": answers.recommend[chosen],
            "repurchase": answers.repurchase[chosen],
        }
    )
    for k, item in enumerate(ITEMS):
        table[item.name] = answers.items[chosen, k]
    table["comment"] = draw_comments([scripts[a] for a in account["account"]], answers.overall[chosen], rng)
    return table.sort_values("respondent_id", ignore_index=True)
