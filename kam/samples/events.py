"""What happened at the accounts: complaints, contacts, visits, tenders, offers, handovers, losses."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kam.samples.accounts import COMPETITORS
from kam.samples.departures import Complaints, Departures
from kam.samples.managers import Managers
from kam.samples.months import NEVER, Ints, Months
from kam.samples.traits import Traits
from kam.samples.traps import TrapPlan

_COMPLAINT_REASONS = ("damaged goods", "wrong goods", "invoice", "quality")
_LOSS_REASONS = ("price", "competitor's range", "own production", "moved or closed", "not listened to")


def _rows(traits: Traits, months: Months, kind: str, account: Ints, day: Ints) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": traits.customer_id[account],
            "date": months.dates(day),
            "kind": kind,
            "outcome": None,
            "reason": None,
            "competitor": None,
        },
        index=pd.RangeIndex(len(account)),
    )


def build_events(
    traits: Traits,
    plan: TrapPlan,
    months: Months,
    managers: Managers,
    complaints: Complaints,
    departures: Departures,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Build the events, sorted by date and account.

    1. Complaints as :func:`kam.samples.departures.draw_complaints`; one in five stays open.
    2. Contacts: Poisson(0.05 + 0.1 exp(0.6 size)) a month, cut at 1; a third of them visits; none in the three months
       after a handover.
    3. Tenders (0.3 % of the months) and offers (0.6 %), won or accepted the more likely the more satisfied the
       account is.
    4. One handover per account of a portfolio that is handed over; its outcome is the new manager's name.
    5. Of the accounts that left, 60 % (and every lost key account) have a row "lost", 20 to 90 days later if that is
       not after the last day. The reason is missed deliveries or complaints, if there were any in the months before,
       half of the time.
    """
    n, n_months = len(traits), len(months)
    left = np.minimum(departures.left, n_months)
    leaves_on = months.first_day[left]
    every = np.arange(n_months)[None, :]
    there = (every >= months.of(traits.joined_day)[:, None]) & (every < left[:, None])
    parts = []

    keep = complaints.day < months.n_days
    rows = _rows(traits, months, "complaint", complaints.account[keep], complaints.day[keep])
    rows["reason"] = np.where(complaints.about_delay[keep], "late delivery", rng.choice(_COMPLAINT_REASONS, len(rows)))
    rows["outcome"] = np.where(rng.random(len(rows)) < 0.2, "open", "solved")
    parts.append(rows)

    handed = managers.handover_doses() > 0
    silent = handed.copy()
    silent[:, 3:] &= ~handed[:, :-3]
    rate = np.minimum(0.05 + 0.1 * np.exp(0.6 * traits.size), 1.0)[:, None] * (there & ~silent)
    account, month = np.nonzero(rng.poisson(rate))
    day = _days_in(months, month, rng)
    is_visit = rng.random(len(account)) < 0.35
    for kind, chosen in (("contact", ~is_visit), ("visit", is_visit)):
        parts.append(_rows(traits, months, kind, account[chosen], day[chosen]))

    pleased = 1 / (1 + np.exp(-(traits.satisfaction - 3.5)))
    for kind, share, good, bad in (("tender", 0.003, "won", "lost"), ("offer", 0.006, "accepted", "declined")):
        account, month = np.nonzero(there & (rng.random((n, n_months)) < share))
        rows = _rows(traits, months, kind, account, _days_in(months, month, rng))
        success = rng.random(len(rows)) < pleased[account]
        rows["outcome"] = np.where(success, good, bad)
        rows["reason"] = np.where(
            success, rng.choice(["price", "service"], len(rows)), rng.choice(_LOSS_REASONS[:2], len(rows))
        )
        rows["competitor"] = pd.Series(rng.choice(COMPETITORS, len(rows))).mask(success)
        parts.append(rows)

    for number, month in enumerate(managers.handover_month):
        account = managers.handed_over(number)
        account = account[there[account, month]]
        rows = _rows(traits, months, "handover", account, np.full(len(account), months.first_day[month]))
        rows["outcome"] = managers.names[managers.holder[managers.handover_portfolio[number], month]]
        parts.append(rows)

    gone = np.flatnonzero(departures.left < NEVER)
    key = plan.kind[gone] == "key_account_lost"
    day = months.workdays(leaves_on[gone] + rng.integers(20, 91, len(gone)))
    known = ((rng.random(len(gone)) < 0.6) | key) & (day < months.n_days)
    gone, day, key = gone[known], day[known], key[known]
    rows = _rows(traits, months, "lost", gone, day)
    at = (gone, np.minimum(departures.left[gone], n_months - 1))
    blamed = (rng.random(len(gone)) < 0.5) | key
    reason = np.where(
        blamed & (departures.late_share[at] > 0.3),
        "missed deliveries",
        np.where(blamed & (departures.n_complaints[at] > 0), "complaints", rng.choice(_LOSS_REASONS, len(gone))),
    )
    rows["reason"] = reason
    rows["competitor"] = pd.Series(rng.choice(COMPETITORS, len(gone))).mask(rng.random(len(gone)) < 0.5)
    parts.append(rows)

    events = pd.concat([part for part in parts if len(part)], ignore_index=True)
    return events.sort_values(["date", "customer_id", "kind"], kind="stable", ignore_index=True)


def _days_in(months: Months, month: Ints, rng: np.random.Generator) -> Ints:
    return months.workdays(months.first_day[month] + rng.integers(3, 28, len(month)))
