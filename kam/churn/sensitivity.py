"""Whether the answer depends on k: the same chain and the same money with other numbers of silent periods that mean "lost"."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.churn.chain import discounted_value, loss_times
from kam.churn.markov import MarkovChurnResult, fit_markov_churn
from kam.churn.waiting import Activity, count_losses, count_waits, read_activity, return_shares
from kam.churn.worth import rate_per_period
from kam.errors import EmptyDataError, ModelError, ParameterError
from kam.results import Assumed, Check, Context, KeyFigure, Result
from kam.stats.resampling import interval_among, percentile_interval
from kam.wording import Wording

if TYPE_CHECKING:
    from kam.ledger import Ledger
    from kam.ledger.periods import Frequency
    from kam.ledger.states import StateKind, StatePanel

Floats = npt.NDArray[np.float64]

MULTIPLES = (0.5, 0.75, 1.0, 1.5, 2.0)
"""The k that are tried, as multiples of the one in use."""

FAR_OFF = 0.25
"""A chain whose rate of loss differs by more than this share from what was counted is not to be trusted."""

NEGLIGIBLE = 0.05
"""A value that moves by less than this share hardly depends on k."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class KSensitivityResult(Result):
    """Result of :func:`sensitivity_to_k`.

    Attributes
    ----------
    sensitivity : pandas.DataFrame
        One row per k, ascending: ``k``; ``n_lost`` now, ``share_lost`` of all customers; ``p_loss, p_loss_low, p_loss_high``:
        probability that a customer of today who is not lost is so in the next period, by the chain; ``p_loss_seen``: lost per
        customer at risk and period, counted where a loss can be seen, from the k-th period on; ``n_at_risk``, silences that
        were followed beyond k, and the ``return_share`` of them (missing: none was followed); ``periods_to_loss, loss_low,
        loss_high``: expected for a customer in ``best_state``; ``mix_to_loss, mix_low, mix_high``: for one of today who is not
        lost;
        ``value_ahead, ahead_low, ahead_high``: money of all customers of today, lost ones too, from the next period on;
        ``value_change`` against the k in use (money), ``share_change, share_low, share_high`` (missing where the value with the
        k in use is not above 0); ``share_same``: the change if every chain is estimated from the ``n_common`` periods that all
        have (missing where there is none then); ``n_transitions``, what the chain rests on.
    k : int
        The k in use.
    k_left_out : tuple of int
        Those that were to be tried, but lie beyond the data or have no chain; a check says why.
    best_state : str
        The first of the states.
    states : str
        Kind of the states: ``recency``, ``value``, ``value_activity`` or ``rfm``.
    chain : str
        ``pooled`` or ``cyclic``: that of the k in use, and so of all.
    returns : str
        ``kept``: lost customers may come back; ``cut``: to be lost is the end.
    money : str
        What the value is a sum of.
    freq : str
        Length of a period.
    discount_rate : float
        A year.
    horizon : int or None
        Periods after this one; None: without end.
    max_share_change, max_share_same : float or None
        Largest relative change of the value, and of that from the same periods, without sign; None: it has none.
    n_common : int
        Periods from which the chain can be estimated with every k.
    n_customers : int
        Customers of today, lost ones too.
    level : float
        Level of the intervals.
    n_resamples, seed : int
        Resamples of the customers, the same for every k, and their seed.
    """

    main: ClassVar[str] = "sensitivity"

    sensitivity: pd.DataFrame
    k: int
    k_left_out: tuple[int, ...]
    best_state: str
    states: str
    chain: str
    returns: str
    money: str
    freq: str
    discount_rate: float
    horizon: int | None
    max_share_change: float | None
    max_share_same: float | None
    n_common: int
    n_customers: int
    level: float
    n_resamples: int
    seed: int

    def _in_use(self) -> pd.Series:
        return self.sensitivity[self.sensitivity["k"] == self.k].iloc[0]

    def _others(self) -> pd.DataFrame:
        return self.sensitivity[self.sensitivity["k"] != self.k]

    def _furthest(self) -> pd.Series:
        """The k whose value is furthest from that of the k in use."""
        others = self._others()
        return others.iloc[int(others["value_change"].abs().to_numpy().argmax())]

    def _sentence(self) -> str:
        say = self.context.wording
        in_use, far, table = self._in_use(), self._furthest(), self.sensitivity
        ks = say.listing([say.count(k) for k in self._others()["k"]])
        if self.max_share_change is None:
            first = say.sentence(
                "With {ks} silent periods in place of {k} the customers of today are worth up to {change} more or less.",
                ks=ks,
                k=say.count(self.k),
                change=say.money_short(abs(far["value_change"])),
            )
        else:
            first = say.sentence(
                "What the customers of today are worth hardly depends on when one is called lost: with {ks} in place of {k} "
                "the {value} move by at most {share} ({furthest}: {change}, {interval})."
                if self.max_share_change <= NEGLIGIBLE
                else "What the customers of today are worth depends on when one is called lost: with {ks} in place of {k} "
                "the {value} move by up to {share} ({furthest}: {change}, {interval}).",
                ks=ks,
                k=say.periods(self.k, self.freq),
                value=say.money_short(in_use["value_ahead"]),
                share=say.share(self.max_share_change),
                furthest=say.periods(far["k"], self.freq),
                change=say.sentence(
                    "{share} more" if far["share_change"] > 0 else "{share} less",
                    share=say.share(abs(far["share_change"])),
                ),
                interval=say.interval(say.share(far["share_low"]), say.share(far["share_high"]), self.level),
            )
        if self.max_share_same is not None and not _is_alike(self.max_share_same, self.max_share_change):
            first = say.join(
                [
                    first,
                    say.sentence(
                        "If all are estimated from the same {periods}, it is at most {share}.",
                        periods=say.periods(self.n_common, self.freq),
                        share=say.share(self.max_share_same),
                    ),
                ]
            )
        second = say.sentence(
            "Of {n} customers {low} to {high} count as lost.",
            n=say.count(self.n_customers),
            low=say.count(table["n_lost"].min()),
            high=say.count(table["n_lost"].max()),
        )
        return say.join([first, second])

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        far, in_use, table = self._furthest(), self._in_use(), self.sensitivity
        share = self.max_share_change
        return (
            KeyFigure(
                value=say.money_short(abs(far["value_change"])) if share is None else say.share(share),
                label=say.sentence("largest change of the value of today's customers"),
                note=say.sentence("with {k}", k=say.periods(far["k"], self.freq)),
            ),
            KeyFigure(
                value=say.money_short(in_use["value_ahead"]),
                label=say.sentence("value with {k}", k=say.periods(self.k, self.freq)),
                note=say.interval(
                    say.money_short(in_use["ahead_low"]), say.money_short(in_use["ahead_high"]), self.level
                ),
            ),
            KeyFigure(
                value=say.sentence(
                    "{low} to {high}",
                    low=say.share(table["share_lost"].min()),
                    high=say.share(table["share_lost"].max()),
                ),
                label=say.sentence("of the customers count as lost"),
                note=say.sentence(
                    "with {first} to {last}, counted",
                    first=say.count(table["k"].min()),
                    last=say.periods(table["k"].max(), self.freq),
                ),
            ),
        )


def sensitivity_to_k(
    ledger: Ledger,
    *,
    k: int,
    ks: Sequence[int] | None = None,
    states: StateKind = "value",
    freq: Frequency = "month",
    window: int = 1,
    cuts: Sequence[float] | None = None,
    discount_rate: float,
    horizon: int | None,
    money: str | None = None,
    absorbing: str = "lost",
    returns: Literal["kept", "cut"] = "kept",
    n_resamples: int = 200,
    level: float = 0.95,
    seed: int = 1,
    context: Context | None = None,
) -> KSensitivityResult:
    """Fit the chain again with other k, and see what moves: who is lost, how fast, and what customers are worth.

    The classes, the money, the discount and the kind of chain (seasons or none) stay as they are with the k in use; the same
    customers are resampled for every k, so that the interval of a change is of the change alone. With a longer k fewer periods
    are left in which a loss can be seen, so that chains rest on different periods, too; ``share_same`` says what moves if they do
    not.

    Assumes (1) what the chain assumes, see :func:`kam.churn.fit_markov_churn`; (2) that rewards and the discount rate stay as
    they are; (3) that the chain loses as many customers as were lost (a check compares them).

    Parameters
    ----------
    ledger : Ledger
        See :func:`kam.open_ledger`.
    k : int
        The k in use.
    ks : sequence of int, optional
        Others to try. Default: about half, three quarters, one and a half and twice k.
    states, freq, window, cuts
        As in :func:`kam.ledger.states.state_panel`.
    discount_rate : float
        A year, 0 or more.
    horizon : int or None
        Periods after this one; None: without end.
    money : str, optional
        ``revenue`` or ``margin``; default: the margin where the ledger has it, else the revenue.
    absorbing : str
        Name of the lost state.
    returns : {"kept", "cut"}
        Whether lost customers may come back.
    n_resamples : int
        Resamples of the customers.
    level : float
        Level of the intervals.
    seed : int
        The same seed gives the same intervals.
    context : Context, optional
        Currency, language and dataset.

    Returns
    -------
    KSensitivityResult

    Raises
    ------
    ParameterError
        An argument is out of range, or there is no other k within the data.
    NoAbsorbingStateError, EmptyStateError, EmptyDataError
        There is no chain with the k in use.

    Examples
    --------
    >>> from kam.ledger import open_ledger
    >>> from kam.samples import simulate_chain
    >>> p = pd.DataFrame([[0.7, 0.3], [0.2, 0.8]], index=["buys", "silent"], columns=["buys", "silent"])
    >>> orders, _ = simulate_chain(p, {"buys": 100, "silent": 0}, seed=1, n_customers=200)
    >>> result = sensitivity_to_k(open_ledger(orders, as_of="2025-12-31"), k=4, states="recency", discount_rate=0.1, horizon=12)
    >>> result.sensitivity["k"].tolist(), result.max_share_change < 0.05
    ([2, 3, 4, 6, 8], True)
    """
    from kam.ledger.states import state_panel

    if context is None:
        context = Context(currency=ledger.currency)
    say = context.wording
    activity = read_activity(ledger, freq)
    last = activity.n_periods - 1
    odd = [one for one in (k, *(ks or ())) if not (isinstance(one, (int, np.integer)) and one >= 1)]
    if odd:
        raise ParameterError(f"k is {odd[0]!r}.", hint="Give whole numbers of silent periods, 1 or more.")
    k = int(k)
    wanted = sorted(
        {k, *(int(one) for one in ks or ())} if ks is not None else {max(1, int(k * m + 0.5)) for m in MULTIPLES}
    )
    _, back, followed = return_shares(count_waits(activity.waits, activity).sum(axis=0))

    def fit(panel: StatePanel, chain: Literal["auto", "pooled", "cyclic"], n_resamples: int) -> MarkovChurnResult:
        return fit_markov_churn(
            panel,
            absorbing=absorbing,
            money=money,
            returns=returns,
            chain=chain,
            discount_rate=discount_rate,
            n_resamples=n_resamples,
            level=level,
            seed=seed,
            context=context,
        )

    def panel_of(one: int) -> StatePanel:
        return state_panel(ledger, states=states, k=one, freq=freq, window=window, cuts=cuts)

    panels = {k: panel_of(k)}
    fits = {k: fit(panels[k], "auto", n_resamples)}
    base, left_out = fits[k], {one: say.sentence("longer than the data") for one in wanted if one > last}
    for one in wanted:
        if one == k or one in left_out:
            continue
        try:
            panel = panel_of(one)
            fits[one] = fit(panel, "cyclic" if base.chain == "cyclic" else "pooled", n_resamples)
            panels[one] = panel
        except (ModelError, EmptyDataError) as error:
            left_out[one] = error.what.rstrip(".")
    worth = {one: _worth(markov, discount_rate, horizon) for one, markov in fits.items()}
    rows = {one: _row(markov, worth[one], level) for one, markov in fits.items()}
    begins = {one: panel.rows["period"].min() for one, panel in panels.items()}
    latest, same = max(begins.values()), {one: float(draws[0]) for one, draws in worth.items()}
    if len(set(begins.values())) > 1:
        for one, panel in panels.items():
            common = replace(panel, rows=panel.rows[panel.rows["period"] >= latest])
            try:
                same[one] = float(_worth(fit(common, "pooled", 1), discount_rate, horizon)[0])
            except (ModelError, EmptyDataError):
                same[one] = np.nan
    if len(rows) < 2:
        raise ParameterError(
            f"There is no k other than {k} within the data.",
            where=say.periods(activity.n_periods, freq),
            hint="Give ks, or more data.",
        )
    for one, row in rows.items():
        row |= {
            "p_loss_seen": _loss_rate(activity, one),
            "n_at_risk": int(followed[one]) if one < len(followed) else 0,
            "return_share": float(back[one]) if one < len(followed) and followed[one] else np.nan,
            **_change(worth[one], worth[k], level),
            "share_same": (same[one] - same[k]) / same[k] if same[k] > 0 else np.nan,
        }
    table = pd.DataFrame([{"k": one, **rows[one]} for one in sorted(rows)])[list(_COLUMNS)]
    n_common = int((activity.days >= latest).sum())
    return KSensitivityResult(
        context=context,
        checks=_checks(say, table, left_out, base, k, n_common, activity.n_periods),
        assumed=_assumed(say, base, horizon, k),
        sensitivity=table,
        k=k,
        k_left_out=tuple(left_out),
        best_state=base.names[0],
        states=states,
        chain=base.chain,
        returns=returns,
        money=base.money,
        freq=freq,
        discount_rate=float(discount_rate),
        horizon=horizon,
        max_share_change=_largest(table, "share_change"),
        max_share_same=_largest(table, "share_same"),
        n_common=n_common,
        n_customers=int(base.states["n_customers"].sum()),
        level=level,
        n_resamples=n_resamples,
        seed=seed,
    )


# -- inside ----------------------------------------------------------------------------------------------------------

_COLUMNS = (
    "k",
    "n_lost",
    "share_lost",
    "p_loss",
    "p_loss_low",
    "p_loss_high",
    "p_loss_seen",
    "n_at_risk",
    "return_share",
    "periods_to_loss",
    "loss_low",
    "loss_high",
    "mix_to_loss",
    "mix_low",
    "mix_high",
    "value_ahead",
    "ahead_low",
    "ahead_high",
    "value_change",
    "share_change",
    "share_low",
    "share_high",
    "share_same",
    "n_transitions",
)


def _worth(markov: MarkovChurnResult, discount_rate: float, horizon: int | None) -> Floats:
    """Money of all customers of today from the next period on: the estimate, then its resamples."""
    discount, now = rate_per_period(discount_rate, markov.freq), markov.states["n_customers"].to_numpy()
    counts = np.ones(len(now))
    if markov.returns == "cut":  # who is lost brings no more
        counts[markov.names.index(markov.lost)] = 0
    p_draws, reward_draws = markov.draws()
    values = []
    for p, rewards in ((markov.matrix()[None], markov.rewards()[None]), (p_draws, reward_draws)):
        r = rewards * counts
        values.append((discounted_value(p, r, discount, horizon=horizon) - r)[:, markov.season_now] @ now)
    return np.concatenate(values)


def _row(markov: MarkovChurnResult, worth: Floats, level: float) -> dict[str, float]:
    lost = markov.names.index(markov.lost)
    n = markov.states["n_customers"].to_numpy(dtype=float)
    best = markov.states.iloc[0]
    here = (np.arange(len(n)) != lost) & (n > 0)
    share = n[here] / max(n[here].sum(), 1.0)
    mean = float(markov.states["periods_to_loss"].to_numpy()[here] @ share)
    drawn = loss_times(markov.draws()[0], lost)[:, markov.season_now][:, here] @ share
    mix_low, mix_high = interval_among(drawn, level)  # a loss may be impossible in a resample
    low, high = percentile_interval(worth[1:], level)
    return {
        "n_lost": int(n[lost]),
        "share_lost": float(n[lost] / n.sum()),
        "p_loss": markov.p_loss,
        "p_loss_low": markov.p_loss_low,
        "p_loss_high": markov.p_loss_high,
        **{name: float(best[name]) for name in ("periods_to_loss", "loss_low", "loss_high")},
        "mix_to_loss": mean,
        "mix_low": float(mix_low),
        "mix_high": float(mix_high),
        "value_ahead": float(worth[0]),
        "ahead_low": low,
        "ahead_high": high,
        "n_transitions": markov.n_transitions,
    }


def _loss_rate(activity: Activity, k: int) -> float:
    """Lost per customer at risk and period, from the first period on in which a loss can be seen."""
    losses = count_losses(activity, np.full(len(activity.names), k, dtype=np.int64))
    return float(losses.n_lost.sum() / losses.n_at_risk[k:].sum())


def _change(worth: Floats, base: Floats, level: float) -> dict[str, float]:
    """Change against the k in use, in money and as a share of it, with the interval over the same resamples."""
    change = float(worth[0] - base[0])
    if not (base > 0).all():
        return {"value_change": change, "share_change": np.nan, "share_low": np.nan, "share_high": np.nan}
    low, high = percentile_interval(worth[1:] / base[1:] - 1, level)
    return {"value_change": change, "share_change": change / float(base[0]), "share_low": low, "share_high": high}


def _largest(table: pd.DataFrame, name: str) -> float | None:
    """The largest change without sign; None where a row has none."""
    return None if table[name].isna().any() else float(table[name].abs().max())


def _is_alike(one: float | None, other: float | None) -> bool:
    return one == other if one is None or other is None else math.isclose(one, other, rel_tol=1e-9)


def _checks(
    say: Wording,
    table: pd.DataFrame,
    left_out: dict[int, str],
    base: MarkovChurnResult,
    k: int,
    n_common: int,
    n_periods: int,
) -> tuple[Check, ...]:
    freq, largest, alike = base.freq, _largest(table, "share_change"), _largest(table, "share_same")
    ks = say.listing([say.count(one) for one in table["k"]])
    few = table.loc[table["return_share"].isna(), "k"]
    checks = [
        Check(
            assumption=say.sentence("the value does not depend on k"),
            finding=say.sentence("the value with the k in use is not above 0")
            if largest is None
            else say.sentence(
                "over {ks} silent periods it moves by at most {share}, where {limit} count as nothing",
                ks=ks,
                share=say.share(largest),
                limit=say.share(NEGLIGIBLE, 0),
            ),
            verdict="not testable" if largest is None else "holds" if largest <= NEGLIGIBLE else "does not hold",
            statistic=largest,
        ),
        Check(
            assumption=say.sentence("only k differs"),
            finding=say.sentence("all chains are estimated from the same periods")
            if _is_alike(alike, largest)
            else say.sentence(
                "a longer k leaves fewer periods; from the {periods} that all have, {share}",
                periods=say.periods(n_common, freq),
                share=say.sentence("not every k has a chain")
                if alike is None
                else say.sentence("it moves by at most {share}", share=say.share(alike)),
            ),
            verdict="holds" if _is_alike(alike, largest) else "handled",
        ),
        _check_rate(say, freq, table[table["k"] == k].iloc[0], n_periods),
        Check(
            assumption=say.sentence("somebody was followed beyond every k"),
            finding=say.sentence("nobody was beyond {ks}", ks=say.listing([say.periods(one, freq) for one in few]))
            if len(few)
            else say.sentence("at least {n} silences were", n=say.count(table["n_at_risk"].min())),
            verdict="does not hold" if len(few) else "holds",
        ),
    ]
    if left_out:
        reasons = [say.sentence("{k}: {why}", k=say.count(one), why=why) for one, why in left_out.items()]
        checks.append(
            Check(
                assumption=say.sentence("every k that was to be tried is within the data"),
                finding=say.sentence("left out: {reasons}", reasons=say.join(reasons, ";")),
                verdict="handled",
            )
        )
    return tuple(checks)


def _check_rate(say: Wording, freq: str, row: pd.Series, n_periods: int) -> Check:
    """Whether the chain loses as many as were lost in the periods in which a loss can be seen."""
    p, seen = float(row["p_loss"]), float(row["p_loss_seen"])
    return Check(
        assumption=say.sentence("the chain loses as many as were lost"),
        finding=say.sentence(
            "in the {rest} in which a loss can be seen, {seen} of the customers at risk were lost per {period}; the chain says "
            "{p} for those of today",
            rest=say.periods(n_periods - int(row["k"]), freq),
            seen=say.share(seen, 2),
            period=say.sentence(freq),
            p=say.share(p, 2),
        ),
        verdict="holds" if abs(p - seen) <= FAR_OFF * seen else "does not hold",
        statistic=p - seen,
    )


def _assumed(say: Wording, base: MarkovChurnResult, horizon: int | None, k: int) -> tuple[Assumed, ...]:
    return (
        Assumed(
            what=say.sentence("silence after which a customer is lost"),
            value=say.periods(k, base.freq),
            would_change=say.sentence("this table says what another number changes"),
        ),
        Assumed(
            what=say.sentence("discount rate a year"),
            value=say.share(base.discount_rate),
            would_change=say.sentence("a higher rate makes the value less, and less dependent on k"),
        ),
        Assumed(
            what=say.sentence("how far ahead money counts"),
            value=say.sentence("without end") if horizon is None else say.periods(horizon, base.freq),
            would_change=say.sentence("over a longer time losses weigh more"),
        ),
        Assumed(
            what=say.sentence("lost customers who come back"),
            value=say.sentence("are in the value") if base.returns == "kept" else say.sentence("are not in the value"),
            would_change=say.sentence("without their returns the value depends more on who is called lost"),
        ),
    )
