"""Whom to win back: accounts that are lost, by what they would bring again and how often such accounts return by themselves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.churn.remaining_value import (
    HORIZON_YEARS,
    MARGIN_SHARE,
    YEAR,
    ValueTerms,
    assumed_of_terms,
    check_ids,
    check_number,
    show_money,
    yearly_margin,
)
from kam.errors import DataError, EmptyDataError, MissingColumnError, UndefinedMeasureError
from kam.ledger import Snapshots
from kam.results import Assumed, Check, Context, KeyFigure, Result
from kam.stats.proportions import wilson_interval
from kam.stats.resampling import check_whole

Floats = npt.NDArray[np.float64]

MIN_CUSTOMERS = 30
"""A band of silence with fewer customers is joined with the next longer one, the last with the one before."""
_EDGES = (0, 91, 182, 365, 548, 730, 1096, 1461)
_NEEDED = (
    "customer_id", "origin", "at_risk", "days_since_last_order", "frequency", "recency", "monetary_value", "n_days_next",
    "churned",
)  # fmt: skip


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class WinBackResult(Result):
    """Result of :func:`build_win_back_list`.

    Attributes
    ----------
    accounts : pandas.DataFrame
        The lost accounts to win back first: ``rank, customer_id, days_since_last_order, margin_active`` (money a year while it
        bought), ``value_if_returns``, ``p_return`` with ``return_low, return_high`` (chance to order within the horizon without
        being asked), ``expected_value`` (value × chance), ``n_offers`` and ``last_outcome`` (of offers since its last order;
        empty if none is logged).
    returns : pandas.DataFrame
        How often lost accounts came back, by silence at earlier origins: ``days_from, days_to`` (missing: no end), ``n_cases``
        (customer and origin), ``n_customers, n_returned`` (cases), ``p_return, return_low, return_high``.
    offers : pandas.DataFrame
        Logged offers to accounts that were lost when they were made, by outcome: ``outcome, n_cases, share_cases, share_low,
        share_high``. Empty: none was logged.
    n_lost, n_worth : int
        Lost accounts, and those of them that would bring something.
    expected : float
        Sum of ``expected_value`` over the accounts listed.
    expected_low, expected_high : float
        The same at the lower and upper ends of all chances: how well the shares of the past are known, not luck.
    share_returning : float
        Expected share of the accounts listed that order within the horizon without being asked.
    yearly_loss : float
        Yearly probability of being lost again.
    loss_given : bool
        Whether that was given; else it is the share of accounts lost at earlier origins.
    capacity : int
        Accounts at most.
    horizon_days, k : int
        Days ahead, and silent periods that mean lost.
    freq : str
        Length of a period.
    discount_rate, horizon_years, margin_share : float
        Of the value; ``margin_share`` is used where there is no margin.
    origin : datetime.date
        Day from which is looked ahead.
    level : float
        Of the intervals.
    """

    main: ClassVar[str] = "accounts"

    accounts: pd.DataFrame
    returns: pd.DataFrame
    offers: pd.DataFrame
    n_lost: int
    n_worth: int
    expected: float
    expected_low: float
    expected_high: float
    share_returning: float
    yearly_loss: float
    loss_given: bool
    capacity: int
    horizon_days: int
    k: int
    freq: str
    discount_rate: float
    horizon_years: float
    margin_share: float
    origin: date
    level: float

    def _interval(self) -> str:
        say = self.context.wording
        return say.interval(show_money(say, self.expected_low), show_money(say, self.expected_high), self.level)

    def _sentence(self) -> str:
        say = self.context.wording
        first = say.plural(
            "Of {n_lost} lost accounts, the one worth asking first would return by itself within {days} days with a chance of "
            "{share}; that is worth {value} ({interval}).",
            "Of {n_lost} lost accounts, {share} of the {n} worth asking first would return by themselves within {days} days; "
            "that is worth {value} ({interval}).",
            len(self.accounts),
            n_lost=say.count(self.n_lost),
            share=say.share(self.share_returning),
            days=say.count(self.horizon_days),
            value=show_money(say, self.expected),
            interval=self._interval(),
        )
        return say.join([first, self._offers_sentence()])

    def _offers_sentence(self) -> str:
        say = self.context.wording
        if self.offers.empty:
            return say.sentence("No offer to a lost account is logged, so nothing is known of what wins them back.")
        best = self.offers.iloc[0]
        return say.plural(
            "One offer to a lost account is logged; its outcome was {outcome}.",
            "Of {n} offers to lost accounts that are logged, {share} had the outcome {outcome}.",
            int(self.offers["n_cases"].sum()),
            outcome=str(best["outcome"]),
            share=say.share(best["share_cases"]),
        )

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        return (
            KeyFigure(
                value=say.count(self.n_lost),
                label=say.sentence("lost accounts"),
                note=say.sentence("counted; {n} of them would bring something", n=say.count(self.n_worth)),
            ),
            KeyFigure(
                value=show_money(say, self.expected),
                label=say.sentence("expected of the {n} listed, without being asked", n=say.count(len(self.accounts))),
                note=self._interval(),
            ),
            KeyFigure(
                value=say.count(int(self.offers["n_cases"].sum())) if len(self.offers) else say.count(0),
                label=say.sentence("logged offers to lost accounts"),
                note=say.sentence("counted") if len(self.offers) else say.sentence("so nothing is known of what works"),
            ),
        )


def build_win_back_list(
    snapshots: Snapshots,
    *,
    discount_rate: float,
    events: pd.DataFrame | None = None,
    capacity: int = 20,
    yearly_loss: float | None = None,
    horizon_years: float = HORIZON_YEARS,
    margin_share: float = MARGIN_SHARE,
    level: float = 0.95,
    context: Context | None = None,
) -> WinBackResult:
    """List lost accounts by what they would bring times the chance that they return.

    *Value.* An account that returns brings again what it brought a year while it bought: gross revenue over the time from its
    first to its last order, at least a year, times margin over revenue (of the portfolio's last year where there is cost, else
    assumed), discounted, and lost again at the yearly loss of the accounts at risk. *Chance.* Of the accounts that were lost at
    earlier origins, the share that ordered within the horizon, by days of silence; intervals are Wilson's with each customer
    counted once, since the same customer stands at several origins. *What worked* is told from logged offers alone.

    Assumes (1) that accounts return as often as such accounts did; (2) that who returns buys as before; (3) nothing of what an
    offer adds: the chance is that of returning unasked, and an account that returns by itself needed no offer.

    Parameters
    ----------
    snapshots : Snapshots
        From :func:`kam.ledger.snapshots` with ``score=True``: its latest origin is now, the earlier ones show who returned.
    discount_rate : float
        A year.
    events : pandas.DataFrame, optional
        ``customer_id, date, kind, outcome``; rows of the kind ``offer`` from before the latest origin are read.
    capacity : int
        Accounts at most.
    yearly_loss : float, optional
        Yearly probability of being lost again; default: as observed at the earlier origins.
    horizon_years, margin_share : float
        See :func:`~kam.churn.remaining_value.remaining_value`.
    level : float
        Of the intervals.
    context : Context, optional
        Currency, language and dataset.

    Returns
    -------
    WinBackResult

    Raises
    ------
    MissingColumnError, ColumnTypeError, DataError
        The rows or the events cannot be used.
    EmptyDataError
        Nobody is lost at the latest origin.
    UndefinedMeasureError
        At earlier origins nobody was lost, or no loss can be seen and ``yearly_loss`` is not given.
    ParameterError
        A parameter is out of range.

    Examples
    --------
    >>> from datetime import date
    >>> from kam.ledger import open_ledger, snapshots
    >>> orders = pd.DataFrame({"customer_id": list("aabbcd"), "order_date": pd.to_datetime(["2022-01-10", "2024-02-01",
    ...     "2022-02-01", "2022-03-01", "2022-02-01", "2024-12-31"]), "amount": [100, 50, 200, 300, 40, 10]})
    >>> days = [date(2024, 1, 1), date(2025, 1, 1)]
    >>> found = build_win_back_list(snapshots(open_ledger(orders), origins=days, k=3), discount_rate=0.1, yearly_loss=0.2)
    >>> found.accounts[["customer_id", "p_return", "margin_active"]].round(2).to_numpy().tolist()
    [['b', 0.33, 150.0], ['a', 0.33, 21.86], ['c', 0.33, 12.0]]
    """
    context = context or Context()
    terms = ValueTerms(
        horizon_days=snapshots.horizon_days,
        k=snapshots.k,
        freq=snapshots.freq,
        discount_rate=discount_rate,
        horizon_years=horizon_years,
        margin_share=margin_share,
    )
    check_whole("capacity", capacity, at_least=1)
    check_number("level", level, 0.5, 0.999, hint="Give a level such as 0.95.")
    now, earlier = _read_rows(snapshots.rows)
    lost = now[~now["at_risk"]].reset_index(drop=True)
    if lost.empty:
        raise EmptyDataError("No account is lost.", hint="There is nobody to win back.")
    returns = _count_returns(earlier, level)
    loss_given = yearly_loss is not None
    if yearly_loss is None:
        yearly_loss = _observed_loss(earlier, terms)
    check_number("yearly_loss", yearly_loss, 0, 1, hint="Give a probability a year, such as 0.2.")

    revenue_active = lost["monetary_value"] * (lost["frequency"] + 1) / (lost["recency"] / YEAR).clip(lower=1)
    margin_of_revenue, has_margin = _margin_of_revenue(now, terms)
    band = np.searchsorted(returns["days_from"].to_numpy(dtype=float), lost["days_since_last_order"], side="right") - 1
    band = np.clip(band, 0, None)  # silences shorter than any seen are taken with the shortest
    frame = pd.DataFrame(
        {
            "customer_id": lost["customer_id"],
            "days_since_last_order": lost["days_since_last_order"],
            "margin_active": revenue_active.astype(float) * margin_of_revenue,
            **{name: returns[name].to_numpy()[band] for name in ("p_return", "return_low", "return_high")},
        }
    )
    frame["value_if_returns"] = frame["margin_active"] * float(terms.annuity(float(yearly_loss)))
    frame["expected_value"] = frame["p_return"] * frame["value_if_returns"]
    worth = frame[frame["value_if_returns"] > 0].sort_values(
        ["expected_value", "value_if_returns", "customer_id"], ascending=[False, False, True], ignore_index=True
    )
    log = _read_offers(events, snapshots.rows)
    listed = _with_offers(worth.head(capacity), log, lost)
    listed.insert(0, "rank", np.arange(1, len(listed) + 1))
    low, high = ((listed[end] * listed["value_if_returns"]).sum() for end in ("return_low", "return_high"))
    result = WinBackResult(
        context=context,
        accounts=listed[
            ["rank", "customer_id", "days_since_last_order", "margin_active", "value_if_returns", "p_return", "return_low",
             "return_high", "expected_value", "n_offers", "last_outcome"]
        ],
        returns=returns,
        offers=_outcomes(log, level),
        n_lost=len(lost),
        n_worth=len(worth),
        expected=float(listed["expected_value"].sum()),
        expected_low=float(low),
        expected_high=float(high),
        share_returning=float(listed["p_return"].mean()) if len(listed) else 0.0,
        yearly_loss=float(yearly_loss),
        loss_given=loss_given,
        capacity=int(capacity),
        horizon_days=snapshots.horizon_days,
        k=snapshots.k,
        freq=snapshots.freq,
        discount_rate=float(discount_rate),
        horizon_years=float(horizon_years),
        margin_share=float(margin_share),
        origin=pd.Timestamp(now["origin"].iloc[0]).date(),
        level=float(level),
    )  # fmt: skip
    columns = ["margin_year"] if has_margin else []
    return replace(result, checks=_checks(result, lost), assumed=_assumed(result, terms, columns))


# -- inside ----------------------------------------------------------------------------------------------------------


def _read_rows(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of the latest origin, and those of the earlier ones."""
    missing = [name for name in _NEEDED if name not in rows.columns]
    if missing:
        raise MissingColumnError(
            f"The rows lack {', '.join(missing)}.",
            where=f"columns {list(rows.columns)}",
            hint="Use snapshots(...).rows.",
        )
    if rows.empty:
        raise EmptyDataError("There is no row.")
    for name in ("origin", "at_risk", "days_since_last_order", "frequency", "recency", "monetary_value"):
        if rows[name].isna().any():
            raise DataError(
                f"{name} is missing for some customers.",
                where=f"customers {rows.loc[rows[name].isna(), 'customer_id'].head(3).tolist()}",
            )
    frame = rows.assign(at_risk=rows["at_risk"].astype(bool))
    is_now = frame["origin"] == frame["origin"].max()
    now = frame[is_now].reset_index(drop=True)
    check_ids(now["customer_id"], "the rows of the latest origin")
    return now, frame[~is_now].reset_index(drop=True)


def _count_returns(earlier: pd.DataFrame, level: float) -> pd.DataFrame:
    """Share of the lost who ordered within the horizon, by silence at earlier origins."""
    seen = earlier[~earlier["at_risk"] & earlier["n_days_next"].notna()]
    if seen.empty:
        raise UndefinedMeasureError(
            "Nobody was lost at an earlier origin, so that no chance to return is known.",
            hint="Give snapshots of more origins, further back.",
        )
    returned = (seen["n_days_next"].astype(float) > 0).astype(int)
    place = np.searchsorted(_EDGES, seen["days_since_last_order"].to_numpy(dtype=float), side="right") - 1
    place = _join_bands(place, seen["customer_id"])
    grouped = pd.DataFrame({"place": place, "customer_id": seen["customer_id"].to_numpy(), "n": returned.to_numpy()})
    table = grouped.groupby("place").agg(
        n_cases=("n", "size"), n_customers=("customer_id", "nunique"), n_returned=("n", "sum")
    )
    starts = [float(_EDGES[int(p)]) for p in table.index]
    table.insert(0, "days_from", starts)
    table.insert(1, "days_to", [*(s - 1 for s in starts[1:]), np.nan])
    table = table.reset_index(drop=True)
    share = (table["n_returned"] / table["n_cases"]).to_numpy()
    low, high = wilson_interval(share * table["n_customers"].to_numpy(), table["n_customers"].to_numpy(), level)
    return table.assign(p_return=share, return_low=low, return_high=high)


def _join_bands(place: npt.NDArray[np.int64], customers: pd.Series) -> npt.NDArray[np.int64]:
    """Bands, each with enough customers, named by the shortest silence in them."""
    names = customers.to_numpy()
    joined, start, there = place.copy(), None, np.zeros(len(place), dtype=bool)
    done: list[int] = []
    for band in np.unique(place):
        start = band if start is None else start
        there |= place == band
        joined[place == band] = start
        if len(set(names[there])) >= MIN_CUSTOMERS:
            done.append(int(start))
            start, there = None, np.zeros(len(place), dtype=bool)
    if start is not None and done:
        joined[joined == start] = done[-1]
    return joined


def _observed_loss(earlier: pd.DataFrame, terms: ValueTerms) -> float:
    """Yearly loss of the accounts at risk at the earlier origins at which the outcome of all is known.

    Where only some are known yet, those are a selection: an account that ordered again is known sooner.
    """
    at_risk = earlier[earlier["at_risk"]]
    is_whole = at_risk["churned"].notna().groupby(at_risk["origin"]).transform("all")
    known = at_risk.loc[is_whole, "churned"]
    if known.empty:
        raise UndefinedMeasureError(
            "No loss can be seen at an earlier origin.", hint="Give yearly_loss, such as that of the forecast."
        )
    return float(terms.yearly_loss(float(known.astype(float).mean())))


def _margin_of_revenue(now: pd.DataFrame, terms: ValueTerms) -> tuple[float, bool]:
    """Margin over gross revenue of the portfolio's last year; as assumed where there is no cost or no revenue."""
    if {"margin_year", "revenue_year"} <= set(now.columns):
        margin, revenue = float(np.nansum(yearly_margin(now, terms))), float(now["revenue_year"].sum())
        if revenue > 0:
            return margin / revenue, True
    return terms.margin_share, False


def _read_offers(events: pd.DataFrame | None, rows: pd.DataFrame) -> pd.DataFrame:
    """Offers from before the latest origin, with whether the account was lost at the origin before the offer."""
    names = ["customer_id", "date", "outcome", "was_lost"]
    if events is None:
        return pd.DataFrame(columns=names)
    missing = [name for name in ("customer_id", "date", "kind") if name not in events.columns]
    if missing:
        raise MissingColumnError(f"The events lack {', '.join(missing)}.", where=f"columns {list(events.columns)}")
    offers = events[(events["kind"] == "offer") & (events["date"] < rows["origin"].max())]
    if "outcome" not in offers.columns:
        offers = offers.assign(outcome=None)
    states = rows[["customer_id", "origin"]].assign(was_lost=~rows["at_risk"].astype(bool))
    left = offers[["customer_id", "date", "outcome"]].assign(
        date=offers["date"].astype("datetime64[ns]"), customer_id=offers["customer_id"].astype(object)
    )
    right = states.assign(
        origin=states["origin"].astype("datetime64[ns]"), customer_id=states["customer_id"].astype(object)
    )
    found = pd.merge_asof(
        left.sort_values("date", kind="stable"),
        right.sort_values("origin", kind="stable"),
        left_on="date",
        right_on="origin",
        by="customer_id",
    )
    return found.assign(was_lost=found["was_lost"].eq(True))[names]


def _outcomes(log: pd.DataFrame, level: float) -> pd.DataFrame:
    made = log[log["was_lost"].astype(bool)]
    names = ["outcome", "n_cases", "share_cases", "share_low", "share_high"]
    if made.empty:
        return pd.DataFrame({name: pd.Series(dtype="str" if name == "outcome" else "float64") for name in names})
    counts = made["outcome"].fillna("not logged").astype(str).value_counts()
    table = pd.DataFrame({"outcome": counts.index.astype(str), "n_cases": counts.to_numpy()})
    table = table.sort_values(["n_cases", "outcome"], ascending=[False, True], ignore_index=True)
    low, high = wilson_interval(table["n_cases"], len(made), level)
    return table.assign(share_cases=table["n_cases"] / len(made), share_low=low, share_high=high)


def _with_offers(listed: pd.DataFrame, log: pd.DataFrame, lost: pd.DataFrame) -> pd.DataFrame:
    """How many offers each account got since its last order, and what came of the latest."""
    silence = pd.to_timedelta(lost["days_since_last_order"].astype(float), unit="D")
    since = pd.Series((lost["origin"] - silence).to_numpy(), index=lost["customer_id"])
    recent = log[log["customer_id"].isin(listed["customer_id"])]
    recent = recent[recent["date"].to_numpy() > recent["customer_id"].map(since).to_numpy()] if len(recent) else recent
    count = recent["customer_id"].value_counts()
    latest = recent.drop_duplicates("customer_id", keep="last")  # they come by date
    outcome_of = {
        who: "" if pd.isna(what) else str(what) for who, what in latest[["customer_id", "outcome"]].to_numpy()
    }
    return listed.assign(
        n_offers=listed["customer_id"].map(count).fillna(0).astype("int64"),
        last_outcome=[outcome_of.get(one, "") for one in listed["customer_id"]],
    )


def _checks(result: WinBackResult, lost: pd.DataFrame) -> tuple[Check, ...]:
    say = result.context.wording
    returns = result.returns
    fewest = int(returns["n_customers"].min())
    shortest = float(returns["days_from"].iloc[0])
    beyond = int((lost["days_since_last_order"] < shortest).sum())
    falling = bool((np.diff(returns["p_return"]) <= 0).all())
    return (
        Check(
            assumption=say.sentence("enough lost accounts were followed to know who returns"),
            finding=say.sentence(
                "{n} customers at earlier origins; in the band with fewest {fewest}",
                n=say.count(returns["n_customers"].max()),
                fewest=say.count(fewest),
            )
            if len(returns) > 1
            else say.plural("one customer at earlier origins", "{n} customers at earlier origins", fewest),
            verdict="holds" if fewest >= MIN_CUSTOMERS else "does not hold",
            statistic=float(fewest),
        ),
        Check(
            assumption=say.sentence("the longer the silence, the fewer return"),
            finding=say.sentence(
                "{first} return of the shortest silences, {last} of the longest",
                first=say.share(returns["p_return"].iloc[0]),
                last=say.share(returns["p_return"].iloc[-1]),
            ),
            verdict="not testable" if len(returns) < 2 else "holds" if falling else "does not hold",
        ),
        Check(
            assumption=say.sentence("such silences were seen before"),
            finding=say.plural(
                "one account is silent for less time than any seen, and taken with the shortest",
                "{n} accounts are silent for less time than any seen, and taken with the shortest",
                beyond,
            ),
            verdict="handled" if beyond else "holds",
        ),
        Check(
            assumption=say.sentence("asking makes an account return that would not have"),
            finding=result._offers_sentence().rstrip(".。"),
            verdict="not testable",
        ),
    )


def _assumed(result: WinBackResult, terms: ValueTerms, columns: list[str]) -> tuple[Assumed, ...]:
    say = result.context.wording
    return (
        Assumed(
            what=say.sentence("an account that returns buys as before, and is lost again each year with a chance of"),
            value=say.share(result.yearly_loss),
            would_change=say.sentence("given by the user")
            if result.loss_given
            else say.sentence("this is what was seen of the accounts at risk; those who return may be lost sooner"),
        ),
        Assumed(
            what=say.sentence("accounts on the list at most"),
            value=say.count(result.capacity),
            would_change=say.sentence("{n} lost accounts would bring something", n=say.count(result.n_worth)),
        ),
        *assumed_of_terms(say, terms, columns)[:-1],  # how often it is lost again is said above
    )
