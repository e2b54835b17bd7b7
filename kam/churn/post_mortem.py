"""Post-mortem of lost large accounts: what moved before the last order, against their own past and accounts that stayed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.churn.compared import MIN_PEERS, compare, count_by_group, describe_accounts, movement_frame, pattern_frame
from kam.churn.definition import ChurnDefinitionResult
from kam.churn.lost_large import find_lost, find_peers, find_spans, last_years, lost_by_definition
from kam.churn.movements import MEASURES, groups_given_up
from kam.churn.post_mortem_words import assumed_of_post_mortem, check_post_mortem, say_how_many, say_reason
from kam.churn.timelines import read_history, to_days
from kam.errors import NoEventError, ParameterError
from kam.ledger import Covariates, Ledger
from kam.results import Context, KeyFigure, Result
from kam.stats.resampling import check_whole

if TYPE_CHECKING:
    from kam.ledger.periods import Frequency

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class PostMortemResult(Result):
    """Result of :func:`post_mortem`.

    Attributes
    ----------
    accounts : pandas.DataFrame
        One row per large account that went, largest first: ``customer_id``; ``status`` ("lost": silent as long as the definition
        says; "silent beyond its rhythm": not that long, may still be won back); ``last_order``; ``days_since_last_order``;
        ``revenue_before`` (net, the year up to the last order); ``revenue_peak`` (the larger of its last two years); ``is_lost``
        (by the definition, as ``status``); ``n_notable``, how many of the things looked at stand out; ``reason``, what moved, in
        words;
        ``logged_reason`` and ``competitor``, as logged; ``region``, ``manager`` (as known at the time) and ``main_group`` (main
        product group of that year), where known.
    movements : pandas.DataFrame
        One row per such account and thing looked at that is known of it: ``customer_id``; ``term``; ``before``, in the
        window; ``usual``, what was usual before (counts and money brought to the length of the window); ``change``, before less
        usual; ``typical_change``, median change of comparable accounts that stayed, at the same time; ``n_peers``, how many
        these are; ``share_peers``, share of them at which it moved for the worse as much or more (missing: too few of them);
        ``p_value``, of the change against the own level; ``is_notable``.
    patterns : pandas.DataFrame
        One row per thing looked at: ``term``; ``n_customers``, such accounts of which it is known; ``n_notable``;
        ``share_notable`` with ``ci_low, ci_high`` (Wilson); ``peers_notable``, the same share of comparable accounts that
        stayed; ``p_value`` (Poisson-binomial, two-sided), ``p_holm`` over all things looked at; ``stands_out``.
    groups : pandas.DataFrame
        The same counts by ``by`` (region, manager, main product group, year of the last order, logged reason), ``group_name`` and
        ``term``: ``n_customers, n_notable, share_notable, ci_low, ci_high``.
    looked_at : pandas.DataFrame
        One row per thing: ``term, source, measured_in``; ``n_customers``, such accounts of which it is known; ``why``, why
        it could not be looked at (empty: it could).
    n_lost, n_rhythm : int
        Large accounts that are lost by the definition, and those that are not, but are silent beyond their own rhythm.
    min_revenue : float
        Net revenue in the larger of its last two years from which on an account is large.
    top_share : float or None
        Share of the accounts that are large; None: ``min_revenue`` was given.
    money_lost, money_rhythm : float
        Net revenue of either in the years up to their last orders.
    window_days, level_days : int
        Length of the window before the end, and of the level before that.
    gap_multiple : float or None
        Own median gaps of silence after which an account is silent beyond its rhythm; None: the lost by the definition alone.
    n_peers : int
        How many comparable accounts at most.
    alpha, unusual : float
        A change is notable when its ``p_value`` is at most ``alpha`` and its ``share_peers`` at most ``unusual``.
    level : float
        Level of the intervals.
    """

    main: ClassVar[str] = "accounts"

    accounts: pd.DataFrame
    movements: pd.DataFrame
    patterns: pd.DataFrame
    groups: pd.DataFrame
    looked_at: pd.DataFrame
    n_lost: int
    n_rhythm: int
    min_revenue: float
    top_share: float | None
    money_lost: float
    money_rhythm: float
    window_days: int
    level_days: int
    gap_multiple: float | None
    n_peers: int
    alpha: float
    unusual: float
    level: float

    def _explained(self) -> int:
        return int((self.accounts["n_notable"] > 0).sum())

    def _sentence(self) -> str:
        say = self.context.wording
        many = say_how_many(say, self.n_lost, self.n_rhythm)
        if self.n_lost and self.n_rhythm:
            money = say.sentence(
                "the lost brought {lost} in their last year, the silent {silent}.",
                lost=say.money(self.money_lost),
                silent=say.money(self.money_rhythm),
            )
        else:
            money = say.plural(
                "it brought {money} in its last year.",
                "they brought {money} in their last year.",
                len(self.accounts),
                money=say.money(self.money_lost + self.money_rhythm),
            )
        first = say.join([many, money], ";")
        if len(self.accounts) == 1:
            first = say.join(
                [first, say.sentence("Before its last order: {reason}.", reason=self.accounts["reason"].iloc[0])]
            )
        else:
            first = say.join(
                [
                    first,
                    say.sentence(
                        "At {explained} of these {n} something stands out before the last order.",
                        explained=say.count(self._explained()),
                        n=say.count(len(self.accounts)),
                    ),
                ]
            )
        more = self.patterns[
            self.patterns["stands_out"] & (self.patterns["share_notable"] > self.patterns["peers_notable"])
        ]
        if more.empty:
            return say.join(
                [
                    first,
                    say.sentence(
                        "Nothing that was looked at stands out more often than at comparable accounts that stayed, beyond chance."
                    ),
                ]
            )
        parts = [
            say.sentence(
                "{term} at {share} ({interval}) against {peers}",
                term=say.text(str(row["term"])),
                share=say.share(row["share_notable"], 0),
                interval=say.interval(say.share(row["ci_low"], 0), say.share(row["ci_high"], 0), self.level),
                peers=say.share(row["peers_notable"], 0),
            )
            for _, row in more.sort_values("p_value").head(3).iterrows()
        ]
        return say.join(
            [
                first,
                say.sentence(
                    "More often than at comparable accounts that stayed, what stands out are {parts}.",
                    parts=say.listing(parts),
                ),
            ]
        )

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        row = self.patterns.sort_values("p_value", na_position="last").iloc[0]
        compared = not np.isnan(row["p_value"])
        return (
            KeyFigure(
                value=say.count(self.n_lost),
                label=say.sentence(
                    "large accounts are lost; they brought {money} in their last year",
                    money=say.money_short(self.money_lost),
                ),
                note=say.sentence("large from {money} a year on; counted", money=say.money_short(self.min_revenue)),
            ),
            KeyFigure(
                value=say.count(self.n_rhythm),
                label=say.sentence(
                    "more are silent beyond their own rhythm; they brought {money} in their last year",
                    money=say.money_short(self.money_rhythm),
                ),
                note=say.sentence("not yet as long as lost means; counted"),
            ),
            KeyFigure(
                value=say.share(row["share_notable"], 0),
                label=say.sentence("of these: {term} before the last order", term=say.text(str(row["term"]))),
                note=say.interval(say.share(row["ci_low"], 0), say.share(row["ci_high"], 0), self.level),
            ),
            KeyFigure(
                value=say.share(row["peers_notable"], 0) if compared else say.sentence("not known"),
                label=say.sentence("of comparable accounts that stayed"),
                note=say.sentence("{p}, {n} things looked at", p=say.p_value(row["p_holm"]), n=len(self.patterns))
                if compared
                else say.sentence("too few of them"),
            ),
        )


def post_mortem(
    ledger: Ledger,
    definition: ChurnDefinitionResult | int,
    *,
    freq: Frequency = "month",
    covariates: Covariates | None = None,
    top_share: float = 0.10,
    min_revenue: float | None = None,
    window_days: int = 120,
    level_days: int = 728,
    gap_multiple: float | None = 4.0,
    n_peers: int = 100,
    alpha: float = 0.05,
    unusual: float = 0.20,
    level: float = 0.95,
    context: Context | None = None,
) -> PostMortemResult:
    """Say for each large account that is lost, or silent beyond its own rhythm, what moved before its last order.

    The window ends half a usual gap after the last order: there the next one was neither due nor missed. It is ``window_days``
    long; the level is the ``level_days`` before it, or as many as the account has. Each thing is compared with the account's own
    level, and its change with that of comparable accounts that stayed: those nearest in revenue and number of purchase days in
    the year before, in the same days, who went on ordering. It is notable when chance alone would hardly change it as much
    (``p_value <= alpha``) and at most ``unusual`` of the comparable accounts saw it move as much for the worse; a handover of the
    manager in the half year before the end always is.

    Assumes (1) that orders, deliveries and events of one account are independent of one another at an unchanged habit, which the
    comparison with accounts that stayed makes up for in part; (2) that accounts of like size and frequency are comparable;
    (3) that what is logged is what happened; (4) for accounts silent beyond their own rhythm, but not yet as long as the
    definition asks, that they do not come back. What moved before a loss need not be why: nothing here is a cause.

    Parameters
    ----------
    ledger : Ledger
        See :func:`kam.open_ledger`.
    definition : ChurnDefinitionResult or int
        Who is lost: from :func:`kam.churn.churn_definition`, or the number of silent periods.
    freq : {"month", "quarter", "year"}
        Length of a period, if the definition is a number.
    covariates : Covariates, optional
        ``events`` (complaints, contacts, visits, handovers, reasons of loss) and ``accounts`` (region, manager, manager_since).
    top_share : float
        The share of the accounts that are large, by net revenue in the larger of the two years up to their last order: who
        leaves has often ordered less for a while.
    min_revenue : float, optional
        Money a year from which on an account is large, in place of ``top_share``.
    window_days, level_days : int
        Days of the window and of the level before it.
    gap_multiple : float, optional
        An account with at least 6 gaps is also examined when it has been silent for more than so many of its own median gaps and
        for longer than ever before: it is "silent beyond its rhythm", counted apart from the lost. None: the lost alone.
    n_peers : int
        Comparable accounts that stayed, for each lost one.
    alpha, unusual : float
        When a change is notable, between 0 and 1.
    level : float
        Level of the intervals, between 0 and 1.
    context : Context, optional
        Currency, language and dataset.

    Returns
    -------
    PostMortemResult

    Raises
    ------
    NoEventError
        No large account is lost, or silent beyond its rhythm.
    EmptyDataError
        Nobody ordered, or no period is complete.
    MissingColumnError
        The events lack a column.
    ParameterError
        An argument is out of range.

    References
    ----------
    Fisher's exact test and the conditional test of two rates (Przyborowski & Wilenski 1940), with mid-p values (Lancaster 1961).

    Examples
    --------
    Thirty accounts order every ten days; one stops after its deliveries came late.

    >>> from kam.ledger import open_ledger
    >>> day = pd.date_range("2023-01-01", "2024-12-20", freq="10D")
    >>> rows = [(f"{i:02d}", d) for i in range(30) for d in day if i or d < pd.Timestamp("2024-06-01")]
    >>> orders = pd.DataFrame(rows, columns=["customer_id", "order_date"]).assign(amount=100.0)
    >>> late = (orders["customer_id"] == "00") & (orders["order_date"] > "2024-03-15")
    >>> orders["promised_date"] = orders["order_date"] + pd.Timedelta(days=3)
    >>> orders["delivered_date"] = orders["promised_date"] + pd.to_timedelta(4 * late, unit="D")
    >>> result = post_mortem(open_ledger(orders, as_of="2024-12-31"), 5, min_revenue=0)
    >>> result.accounts["reason"].item()
    'late deliveries rose from 0% to 67%'
    """
    _check_arguments(window_days, level_days, gap_multiple, n_peers, top_share, min_revenue, alpha, unusual, level)
    context = context or (definition.context if isinstance(definition, ChurnDefinitionResult) else None)
    context = context or Context(currency=ledger.currency)
    covariates = covariates or Covariates()
    lost_by_rule = lost_by_definition(ledger, definition, freq)
    revenue, threshold = last_years(ledger, top_share, min_revenue)
    candidates = revenue[revenue["best_year"] >= threshold / 2]["customer_id"]
    history = read_history(ledger, candidates, covariates.events, covariates.accounts)

    lost, by_rhythm, usual_gap = find_lost(history, lost_by_rule, gap_multiple)
    known = revenue.set_index("customer_id").reindex(history.names)
    own_year, peak = known["revenue_before"].to_numpy(), known["revenue_peak"].to_numpy()
    lost = lost[peak[lost] >= threshold]
    if not len(lost):
        raise NoEventError(
            "No large account is lost: there is nothing to examine.",
            where=f"{len(revenue):,} accounts, large from {context.wording.money(threshold)} a year on",
            hint="Take a larger top_share, or a smaller min_revenue.",
        )
    lost = lost[np.argsort(-peak[lost], kind="stable")]
    spans = find_spans(history, lost, usual_gap, window_days, level_days)
    young = (spans.middle - spans.start) < window_days
    peers = find_peers(history, spans, n_peers)
    there = [measure for measure in MEASURES if measure.is_there(history)]
    found = {m.term: compare(history, m, spans, peers, young, alpha, unusual) for m in there}

    movements = movement_frame(history, lost, found)
    texts = groups_given_up(history, spans) if history.bought is not None else [[] for _ in lost]
    rows = {term: pair[0] for term, pair in found.items()}
    reasons = [
        say_reason(
            context.wording,
            {term: frame.iloc[i] for term, frame in rows.items()},
            texts[i],
            window_days,
            bool(young[i]),
        )
        for i in range(len(lost))
    ]
    is_lost = ~by_rhythm[lost]
    accounts = pd.DataFrame(
        {
            "customer_id": history.names[lost],
            "status": np.where(
                is_lost, context.wording.sentence("lost"), context.wording.sentence("silent beyond its rhythm")
            ).astype(object),
            "last_order": to_days(history.last[lost]),
            "days_since_last_order": history.as_of - history.last[lost],
            "revenue_before": own_year[lost],
            "revenue_peak": peak[lost],
            "is_lost": is_lost,
            "n_notable": sum(
                (frame["is_notable"].to_numpy().astype(int) for frame in rows.values()), np.zeros(len(lost), int)
            ),
            "reason": reasons,
        }
    )
    accounts = describe_accounts(accounts, ledger, covariates, spans)
    patterns = pattern_frame(found, level)
    return PostMortemResult(
        context=context,
        checks=check_post_mortem(
            context.wording, accounts, patterns, peers_of=np.array([len(p) for p in peers]), young=young,
            missing=[m for m in MEASURES if m not in there], min_peers=MIN_PEERS, alpha=alpha,
        ),
        assumed=assumed_of_post_mortem(
            context.wording, threshold, top_share if min_revenue is None else None, window_days, level_days, gap_multiple,
            n_peers, alpha, unusual,
        ),
        accounts=accounts,
        movements=movements,
        patterns=patterns,
        groups=count_by_group(accounts, movements, level),
        looked_at=pd.DataFrame(
            {
                "term": [m.term for m in MEASURES],
                "source": [m.source for m in MEASURES],
                "measured_in": [m.unit for m in MEASURES],
                "n_customers": [int(rows[m.term]["before"].notna().sum()) if m.term in rows else 0 for m in MEASURES],
                "why": ["" if m in there else context.wording.text(m.without) for m in MEASURES],
            }
        ),
        n_lost=int(is_lost.sum()),
        n_rhythm=int((~is_lost).sum()),
        min_revenue=threshold,
        top_share=top_share if min_revenue is None else None,
        money_lost=float(own_year[lost[is_lost]].sum()),
        money_rhythm=float(own_year[lost[~is_lost]].sum()),
        window_days=window_days,
        level_days=level_days,
        gap_multiple=gap_multiple,
        n_peers=n_peers,
        alpha=alpha,
        unusual=unusual,
        level=level,
    )  # fmt: skip


# -- inside ----------------------------------------------------------------------------------------------------------


def _check_arguments(
    window_days: int,
    level_days: int,
    gap_multiple: float | None,
    n_peers: int,
    top_share: float,
    min_revenue: float | None,
    alpha: float,
    unusual: float,
    level: float,
) -> None:
    for name, number in {"window_days": window_days, "level_days": level_days, "n_peers": n_peers}.items():
        check_whole(name, number, at_least=1)
    if level_days < window_days:
        raise ParameterError(
            f"level_days is {level_days}, window_days {window_days}.",
            hint="Give a level at least as long as the window.",
        )
    for name, share in {"top_share": top_share, "alpha": alpha, "unusual": unusual, "level": level}.items():
        if not 0 < share < 1:
            raise ParameterError(f"{name} is {share}.", hint=f"Give {name} as a share between 0 and 1.")
    if gap_multiple is not None and not (np.isfinite(gap_multiple) and gap_multiple >= 1):
        raise ParameterError(f"gap_multiple is {gap_multiple}.", hint="Give a number, at least 1, or None.")
    if min_revenue is not None and not np.isfinite(min_revenue):
        raise ParameterError(f"min_revenue is {min_revenue}.", hint="Give money a year, or None.")
