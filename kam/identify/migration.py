"""How the list of key accounts changes: tiers by period, who entered and who left, and the money behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from kam.columns import GLOSSARY
from kam.errors import EmptyDataError, ParameterError
from kam.identify.migration_checks import list_assumed, list_checks
from kam.identify.migration_frames import (
    build_bridge,
    compare_windows,
    count_near_border,
    count_pairs,
    list_movers,
    spread_tiers,
)
from kam.identify.tiers import (
    MONEY_SCALE,
    MONTHS_IN,
    Frequency,
    apply_overrides,
    hold_tiers,
    read_activity,
)
from kam.identify.value_classes import Base
from kam.results import Context, KeyFigure, Result
from kam.wording import Wording

PATIENCE: dict[str, int] = {"month": 3, "quarter": 2, "year": 2}


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class TierMigrationResult(Result):
    """Result of :func:`tier_migration`.

    Attributes
    ----------
    tiers : pandas.DataFrame
        One row per customer and period from the first order on, once a window is full: ``customer_id, period, state`` (ordered
        categorical A, B, C, lost: what the account did, for ``kam.churn.fit_markov_churn``), ``tier`` (in force: A, B, C or
        none), ``tier_computed`` (with hysteresis), ``tier_plain`` (without), ``is_override``, ``value`` (of the window),
        and of the period ``n_orders`` and the money that ``measure`` names.
    matrix : pandas.DataFrame
        One row per pair of tiers, empty ones too: ``from_tier, to_tier, n_customers, value_before, value_after``.
    entrants, leavers : pandas.DataFrame
        Who is in tier A now and was not before, and the reverse, largest change first: ``customer_id, from_tier, to_tier,
        value_before, value_after, value_change, n_orders_before, n_orders_after, why``.
    bridge : pandas.DataFrame
        From the money before to the money now: ``movement, n_customers, value_before, value_after, value_change``. Every
        customer is in one row; the changes add up to ``total_after`` − ``total_before``.
    overrides : pandas.DataFrame
        The log of tiers set by hand: ``customer_id, tier_computed, tier_set, status, reason, set_by, set_on, until``. ``status``
        is holds, expired, replaced (a later one holds), not yet, no order so far, or unknown account.
    measure, base, freq : str
        What the value is; ``positive`` or ``net``; length of the periods.
    cuts : tuple of float
        Upper limits of A and B, as shares.
    hysteresis : float
        Share of the border's value by which an account must be past it.
    patience, window, compare : int
        Periods in a row on the other side after which an account moves; periods in a window; periods between the two windows
        that are compared.
    period_before, period_after : pandas.Timestamp
        Last periods of the two windows.
    n_customers : int
        Customers in the matrix and the bridge.
    n_key, n_key_before : int
        Accounts in tier A now and before.
    n_moves, n_moves_plain : int
        Moves between A, B and C in all periods, and those there would have been without hysteresis.
    mean_delay : float
        Periods by which the moves came later than without hysteresis, on average; 0 where nobody moved.
    total_before, total_after : float
        Money of all customers in the two windows.
    """

    main: ClassVar[str] = "matrix"

    tiers: pd.DataFrame
    matrix: pd.DataFrame
    entrants: pd.DataFrame
    leavers: pd.DataFrame
    bridge: pd.DataFrame
    overrides: pd.DataFrame
    measure: str
    base: str
    freq: str
    cuts: tuple[float, float]
    hysteresis: float
    patience: int
    window: int
    compare: int
    period_before: pd.Timestamp
    period_after: pd.Timestamp
    n_customers: int
    n_key: int
    n_key_before: int
    n_moves: int
    n_moves_plain: int
    mean_delay: float
    total_before: float
    total_after: float

    def _sentence(self) -> str:
        say = self.context.wording
        first = say.plural(
            "One account is in tier A in the {span} to {now}, {before} {lag} earlier: {entered} entered and {left} left.",
            "{n} accounts are in tier A in the {span} to {now}, {before} {lag} earlier: {entered} entered and {left} left.",
            self.n_key,
            span=self.span(),
            now=say.period(self.period_after, self.freq),
            before=say.count(self.n_key_before),
            lag=_lag_in_words(say, self.compare, self.freq),
            entered=say.count(len(self.entrants)),
            left=say.count(len(self.leavers)),
        )
        moved = say.sentence(
            "The {what} of those who entered changed by {gain}, that of those who left by {loss};",
            what=self._what(),
            gain=_signed_money(say, self.entrants["value_change"].sum()),
            loss=_signed_money(say, self.leavers["value_change"].sum()),
        )
        whole = say.sentence(
            "that of all accounts by {change}, from {before} to {after}.",
            change=_signed_money(say, self.total_after - self.total_before),
            before=say.money(self.total_before),
            after=say.money(self.total_after),
        )
        return say.join([first, moved, whole])

    def span(self) -> str:
        """How long a window is, in words: ``year``, ``6 months``."""
        say = self.context.wording
        is_year = self.window * MONTHS_IN[self.freq] == 12
        return say.text("year") if is_year else say.periods(self.window, self.freq)

    def _what(self) -> str:
        say = self.context.wording
        return say.text(GLOSSARY[self.measure].label) if self.measure in GLOSSARY else self.measure

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        counted = say.sentence("counted, not estimated")
        largest = self.bridge.iloc[int(self.bridge["value_change"].abs().to_numpy().argmax())]
        return (
            KeyFigure(
                value=say.count(self.n_key),
                label=say.sentence("accounts in tier A"),
                note=say.sentence("{n} before; {counted}", n=say.count(self.n_key_before), counted=counted),
            ),
            KeyFigure(
                value=say.count(len(self.entrants)),
                label=say.sentence("entered tier A"),
                note=_signed_money(say, self.entrants["value_change"].sum()),
            ),
            KeyFigure(
                value=say.count(len(self.leavers)),
                label=say.sentence("left tier A"),
                note=_signed_money(say, self.leavers["value_change"].sum()),
            ),
            KeyFigure(
                value=_signed_money(say, self.total_after - self.total_before),
                label=say.sentence("change of {what}", what=self._what()),
                note=say.sentence(
                    "most of it: {movement}, {change}",
                    movement=say.text(largest["movement"]),
                    change=_signed_money(say, largest["value_change"]),
                ),
            ),
        )


def tier_migration(
    panel: pd.DataFrame,
    *,
    value: str = "revenue",
    freq: Frequency | None = None,
    base: Base = "positive",
    cuts: tuple[float, float] = (0.80, 0.95),
    hysteresis: float = 0.10,
    patience: int | None = None,
    overrides: pd.DataFrame | None = None,
    window: int | None = None,
    compare: int | None = None,
    context: Context | None = None,
) -> TierMigrationResult:
    """Give every account a tier in every period, and say who entered and left the key accounts, and what money moved.

    The tier of a period is the ABC class of the money of the `window` periods up to and with it: A while the cumulative share
    before an account is below the first cut, B while it is below the second, else C; ``none`` without an order in the window.
    An account changes its tier only when it is past the border (the least money of the better class) by `hysteresis`, or has
    been on the other side for `patience` periods in a row; without an order in a window it is in none at once, and who comes
    gets the class of its value at once. What this costs is measured: ``mean_delay``.

    Assumes (1) the panel is complete: a period without a row is one without money; its first period may begin before the
    ledger does, which makes the first window smaller; (2) an account without an order before is new; of those who bought before
    the ledger begins nothing is known; (3) money counts as it came: an account that is younger than the window is not scaled up,
    so it rises while its first window fills.

    Parameters
    ----------
    panel : pandas.DataFrame
        As from :func:`kam.ledger.activity_panel`: ``customer_id, period, n_orders`` and the column that ``value`` names.
    value : str
        ``revenue``, or ``margin`` where the ledger has the cost.
    freq : {"month", "quarter", "year"}, optional
        Length of the panel's periods; by default as they lie.
    base : {"positive", "net"}
        Shares of the sum of the positive values, or of the sum of all, which must be positive.
    cuts : tuple of float
        Upper limits of A and of B, as cumulative shares before the account.
    hysteresis : float
        Share of the border's value by which an account must be past it, 0 to below 1.
    patience : int, optional
        Periods in a row on the other side after which it moves all the same; 1: no hysteresis. By default 3 months, 2 quarters
        or 2 years.
    overrides : pandas.DataFrame, optional
        Tiers set by hand: ``customer_id, tier, reason, set_on`` [, ``set_by, until``]; one holds in a period if on its last day
        it was set and not over, and of several the one set last.
    window : int, optional
        Periods whose money makes the tier; by default a year.
    compare : int, optional
        Periods between the two windows that are compared; by default a year.
    context : Context, optional
        Currency, language and dataset.

    Returns
    -------
    TierMigrationResult

    Raises
    ------
    EmptyDataError
        The panel is empty, or has too few periods for two windows (one period only, for instance).
    MissingColumnError, ColumnTypeError
        A column is missing, or the periods are no dates.
    DataError
        A customer's period stands twice, a value is missing, or an override names no tier or no day, or two different ones were
        set on one day.
    UndefinedMeasureError
        The total of a window is not positive.
    ParameterError
        A parameter is out of range, or the panel is not of this frequency.

    References
    ----------
    Migration of tiers: Zeithaml, V. A., Rust, R. T., & Lemon, K. N. (2001). The customer pyramid. California Management Review
    43(4). Number and size of orders: Bennet, T. L. (1920). The theory of measurement of changes in cost of living. Journal of
    the Royal Statistical Society 83.

    Examples
    --------
    >>> years = pd.to_datetime(["2023-01-01", "2024-01-01"])
    >>> panel = pd.DataFrame({"customer_id": list("aabbc"), "period": years[[0, 1, 0, 1, 1]], "n_orders": [4, 2, 1, 9, 1],
    ...     "revenue": [80.0, 15.0, 20.0, 90.0, 5.0]})
    >>> result = tier_migration(panel, freq="year", context=Context(currency="EUR"))
    >>> result.entrants[["customer_id", "from_tier", "to_tier", "value_change", "why"]].to_dict("records")
    [{'customer_id': 'b', 'from_tier': 'B', 'to_tier': 'A', 'value_change': 70.0, 'why': 'more orders'}]
    >>> dict(zip(result.bridge["movement"], result.bridge["value_change"]))["moved down"]
    -65.0
    """
    context = context or Context()
    _check_parameters(base, cuts, hysteresis, patience, window, compare)
    activity = read_activity(panel, value=value, freq=freq, window=window)
    patience = PATIENCE[activity.freq] if patience is None else patience
    compare = 12 // MONTHS_IN[activity.freq] if compare is None else compare
    if len(activity.periods) < activity.window + compare:
        raise EmptyDataError(
            f"There are {len(activity.periods)} periods (each a {activity.freq}); to compare two windows of"
            f" {activity.window}, {compare} apart, {activity.window + compare} are needed.",
            where="panel",
            hint="Use more data, or a smaller window= and compare=.",
        )
    money, orders = activity.in_windows(activity.money), activity.in_windows(activity.orders)
    history = hold_tiers(money, orders, base=base, cuts=cuts, hysteresis=hysteresis, patience=patience)
    tiers, log = apply_overrides(history.held, activity, overrides)
    facts = compare_windows(activity, history, tiers, money, orders, compare)
    say = context.wording
    entrants = list_movers(facts[(facts["after"] == 0) & (facts["before"] != 0)], say)
    leavers = list_movers(facts[(facts["before"] == 0) & (facts["after"] != 0)], say)
    return TierMigrationResult(
        context=context,
        checks=list_checks(
            say,
            activity,
            history,
            log,
            compare=compare,
            hysteresis=hysteresis,
            near=count_near_border(facts, history, hysteresis),
            n_moved=len(entrants) + len(leavers),
            n_without_order=int((activity.first == len(activity.periods)).sum()),
        ),
        assumed=list_assumed(
            say, base=base, cuts=cuts, hysteresis=hysteresis, patience=patience, activity=activity, compare=compare
        ),
        tiers=spread_tiers(activity, history, tiers, money, value),
        matrix=count_pairs(facts),
        entrants=entrants,
        leavers=leavers,
        bridge=build_bridge(facts),
        overrides=log,
        measure=value,
        base=base,
        freq=activity.freq,
        cuts=cuts,
        hysteresis=float(hysteresis),
        patience=patience,
        window=activity.window,
        compare=compare,
        period_before=activity.periods[-1 - compare],
        period_after=activity.periods[-1],
        n_customers=len(facts),
        n_key=int((facts["after"] == 0).sum()),
        n_key_before=int((facts["before"] == 0).sum()),
        n_moves=history.n_moves,
        n_moves_plain=history.n_moves_plain,
        mean_delay=float(history.delays.mean()) if len(history.delays) else 0.0,
        total_before=int(facts["money_before"].sum()) / MONEY_SCALE,
        total_after=int(facts["money_after"].sum()) / MONEY_SCALE,
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _signed_money(say: Wording, x: float) -> str:
    """A change of money with its sign: ``+€1,200``."""
    return ("+" if x > 0 else "") + say.money(x)


def _lag_in_words(say: Wording, n: int, freq: str) -> str:
    """``a year``, or ``3 quarters``: how long before."""
    return say.text("a year") if n * MONTHS_IN[freq] == 12 else say.periods(n, freq)


def _check_parameters(
    base: str,
    cuts: tuple[float, float],
    hysteresis: float,
    patience: int | None,
    window: int | None,
    compare: int | None,
) -> None:
    if base not in ("positive", "net"):
        raise ParameterError(f"base is {base!r}.", hint="Use 'positive' or 'net'.")
    if len(cuts) != 2 or not 0 < cuts[0] < cuts[1] < 1:
        raise ParameterError(f"The limits of the tiers are {cuts}.", hint="Give two ascending shares.")
    if not 0 <= hysteresis < 1:
        raise ParameterError(f"hysteresis is {hysteresis}.", hint="Give a share from 0 to below 1, such as 0.1.")
    for name, number in (("patience", patience), ("window", window), ("compare", compare)):
        if number is not None and (isinstance(number, bool) or number != int(number) or number < 1):
            raise ParameterError(f"{name} is {number!r}.", hint="Give a number of periods, at least 1.")
