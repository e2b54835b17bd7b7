"""Concentration: how much of the whole rests on how few (Lorenz 1905, Gini 1912, Herfindahl 1950, Pareto's 80/20).

The measures are plain functions of values; :func:`concentration` puts them together with intervals, the curve and the customers
that the portfolio depends on.

>>> x = [541, 1463, 2445, 3438, 4437, 5401, 6392, 8304, 11904, 22261]
>>> round(gini(x), 7), round(hhi(x), 5), number_for_share(x, 0.8)
(0.4620911, 0.18408, 5)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd

from kam.columns import require_distinct
from kam.errors import DataError, EmptyDataError, ParameterError, UndefinedMeasureError
from kam.identify.value_classes import Base, Floats
from kam.results import Assumed, Check, Context, KeyFigure, Result
from kam.stats.resampling import bootstrap_weights, percentile_interval

Values = Sequence[float] | Floats | pd.Series

MAX_UNDEFINED = 0.01
"""With more than this share of resamples without a positive total no interval is given: it would leave them out."""

MIN_CUSTOMERS = 10
"""Below this many customers a bootstrap over customers says nothing, and no interval is given."""


# -- measures --------------------------------------------------------------------------------------------------------


def gini(values: Values, *, base: Base = "positive") -> float:
    """Gini coefficient in its population form, ``sum((2i - n - 1) x_i) / (n sum(x))`` with x ascending.

    Parameters
    ----------
    values : array-like, shape (n_customers,)
        One value per customer, in money.
    base : {"positive", "net"}
        ``positive`` counts negative values as 0; ``net`` takes them as they are (the coefficient may then exceed 1).

    Returns
    -------
    float
        0 when all are equal, ``1 - 1/n`` when one customer has everything.

    Raises
    ------
    UndefinedMeasureError
        The total of the base is not positive.

    References
    ----------
    Gini, C. (1912). Variabilità e mutabilità.
    """
    x = _largest_first(values, base)
    return float(_measure(x, np.ones(x.size), top=0.5, share=0.5)[0])


def hhi(values: Values, *, base: Base = "positive") -> float:
    """Herfindahl–Hirschman index, the sum of squared shares: ``1/n`` when all are equal, 1 when one has everything.

    Parameters and errors as :func:`gini`. ``1/hhi`` is the number of equal customers that would be as concentrated.
    """
    x = _largest_first(values, base)
    return float(np.square(x / x.sum()).sum())


def top_share(values: Values, top: float = 0.2, *, base: Base = "positive") -> float:
    """Share of the base total that the largest ``ceil(top * n)`` customers hold. Parameters and errors as :func:`gini`."""
    x = _largest_first(values, base)
    return float(x[: _n_top(top, x.size)].sum() / x.sum())


def number_for_share(values: Values, share: float = 0.8, *, base: Base = "positive") -> int:
    """Smallest number of customers, largest first, that hold at least ``share`` of the base total; errors as :func:`gini`."""
    x = _largest_first(values, base)
    return round(_measure(x, np.ones(x.size), top=0.5, share=share)[3])


# -- result ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class ConcentrationResult(Result):
    """Result of :func:`concentration`.

    Attributes
    ----------
    measures : pandas.DataFrame
        One row per measure: ``term`` (gini, hhi, top_share, n_customers_for_share, share_customers_for_share), ``estimate``,
        ``ci_low``, ``ci_high`` (missing where no interval can be given; a check says why).
    curve : pandas.DataFrame
        One row per customer, largest first: ``rank, customer_id, value, share_value, cum_share_customers, cum_share_value``.
    dependence : pandas.DataFrame
        The largest 20 customers, and everyone at or above ``breadwinner``: ``rank, customer_id, value, share_value,
        cum_share_value``. ``value`` is what is at risk if this one leaves.
    base : str
        ``positive`` or ``net``: what the shares are shares of.
    measure : str
        What the values are: ``revenue`` or ``margin``.
    top, share, breadwinner : float
        The parameters of the call.
    n_customers, n_negative, n_zero : int
        Customers in all, below zero, at exactly zero.
    total, net_total, negative_total : float
        Total of the base; sum of all values; sum of the negative values: money destroyed, 0 or below.
    """

    main: ClassVar[str] = "measures"

    measures: pd.DataFrame
    curve: pd.DataFrame
    dependence: pd.DataFrame
    base: str
    measure: str
    top: float
    share: float
    breadwinner: float
    n_customers: int
    n_negative: int
    n_zero: int
    total: float
    net_total: float
    negative_total: float

    @property
    def key(self) -> str:
        """``concentration`` for revenue, ``concentration_margin`` and so on for other measures."""
        return "concentration" if self.measure == "revenue" else f"concentration_{self.measure}"

    def estimate(self, term: str) -> float:
        """The estimate of one measure by its term."""
        return float(self.measures.loc[self.measures["term"] == term, "estimate"].iloc[0])

    def _what(self) -> str:
        return self.context.wording.base(self.measure, self.base)

    def _interval(self, term: str) -> str:
        say = self.context.wording
        row = self.measures.set_index("term").loc[term]
        if pd.isna(row["ci_low"]):
            return say.sentence("no interval: see the checks")
        shown = say.count if term.startswith("n_") else say.share
        if term in ("gini", "hhi"):
            shown = say.number
        return say.interval(shown(row["ci_low"]), shown(row["ci_high"]))

    def _sentence(self) -> str:
        say = self.context.wording
        n_for_share = round(self.estimate("n_customers_for_share"))
        if self.n_customers == 1:
            return say.sentence(
                "The only customer brings all of {what} ({total}).", what=self._what(), total=say.money(self.total)
            )
        first = say.plural(
            "One of {n_all} customers brings at least {share} of {what}, which is {total} in all.",
            "{n} of {n_all} customers bring at least {share} of {what}, which is {total} in all.",
            n_for_share,
            n_all=say.count(self.n_customers),
            share=say.share(self.share, 0),
            what=self._what(),
            total=say.money(self.total),
        )
        second = say.sentence(
            "The largest {top} hold {held} ({interval}, if the same process ran again).",
            top=say.share(self.top, 0),
            held=say.share(self.estimate("top_share")),
            interval=self._interval("top_share"),
        )
        return say.join([first, second])

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        largest = self.curve.iloc[0]
        return (
            KeyFigure(
                value=say.share(self.estimate("top_share")),
                label=say.sentence("of {what} from the largest {top}", what=self._what(), top=say.share(self.top, 0)),
                note=self._interval("top_share"),
            ),
            KeyFigure(
                value=say.count(self.estimate("n_customers_for_share")),
                label=say.sentence("customers make {share}", share=say.share(self.share, 0)),
                note=self._interval("n_customers_for_share"),
            ),
            KeyFigure(
                value=say.share(largest["share_value"]),
                label=say.sentence("of {what} rests on one customer", what=self._what()),
                note=say.sentence("account {customer}; counted, not estimated", customer=largest["customer_id"]),
            ),
            KeyFigure(
                value=say.number(self.estimate("gini")),
                label=say.sentence("Gini coefficient: 0 all equal, 1 one has everything"),
                note=self._interval("gini"),
            ),
        )


def concentration(
    values: Values,
    *,
    base: Base = "positive",
    top: float = 0.2,
    share: float = 0.8,
    breadwinner: float = 0.1,
    measure: str = "revenue",
    n_resamples: int = 1000,
    seed: int = 1,
    context: Context | None = None,
) -> ConcentrationResult:
    """How concentrated a portfolio is: curve, Gini, HHI, top share, number of customers for a share, dependence.

    Assumes (1) one value per customer; (2) for the intervals, that customers are draws from the process that made this
    portfolio: the percentile bootstrap over customers answers "if the same process ran again", not "next year".

    Parameters
    ----------
    values : pandas.Series or array-like, shape (n_customers,)
        One value per customer in money; the index of a Series is the customer id.
    base : {"positive", "net"}
        ``positive``: shares of the sum of the positive values, negative ones count as 0 and are reported as money destroyed.
        ``net``: shares of the sum of all values, which must be positive; the curve then climbs above 1 and comes back.
    top : float
        Share of customers whose share of the value is asked, in (0, 1).
    share : float
        Share of the value for which the number of customers is asked, in (0, 1).
    breadwinner : float
        Share of the value from which on a customer is listed as one the portfolio depends on.
    measure : str
        What the values are, for the wording: ``revenue`` or ``margin``.
    n_resamples : int
        Bootstrap resamples of customers.
    seed : int
        Seed of the resampling.
    context : Context, optional
        Currency, language and dataset.

    Returns
    -------
    ConcentrationResult

    Raises
    ------
    EmptyDataError
        No customer.
    DataError
        A value is missing or not finite, or a customer stands twice.
    UndefinedMeasureError
        The total of the base is not positive: no share of it has a meaning.
    ParameterError
        ``base``, ``top``, ``share`` or ``breadwinner`` is out of range.

    References
    ----------
    Lorenz, M. O. (1905). Methods of measuring the concentration of wealth. Gini, C. (1912). Hirschman, A. O. (1964). The
    paternity of an index.
    """
    for name, number in {"top": top, "share": share, "breadwinner": breadwinner}.items():
        if not 0 < number < 1:
            raise ParameterError(f"{name} is {number}.", hint=f"Give {name} as a share between 0 and 1, such as 0.2.")
    if n_resamples < 1:
        raise ParameterError(f"n_resamples is {n_resamples}.", hint="Give at least 1; 1,000 is usual.")
    series = values if isinstance(values, pd.Series) else pd.Series(np.asarray(values, dtype=float))
    require_distinct(series.index, where="the values", hint="Sum per customer first.")
    x = _largest_first(series, base)
    order = pd.DataFrame({"customer_id": series.index.astype(str), "raw": series.to_numpy(dtype=float)}).sort_values(
        ["raw", "customer_id"], ascending=[False, True], kind="stable"
    )
    raw = order["raw"].to_numpy()
    total = float(x.sum())
    curve = pd.DataFrame(
        {
            "rank": np.arange(1, x.size + 1),
            "customer_id": order["customer_id"].to_numpy(),
            "value": raw,
            "share_value": x / total,
            "cum_share_customers": np.arange(1, x.size + 1) / x.size,
            "cum_share_value": np.cumsum(x) / total,
        }
    )
    listed = (curve["rank"] <= 20) | (curve["share_value"] >= breadwinner)
    measures, undefined = _measures(x, top=top, share=share, n_resamples=n_resamples, seed=seed)
    context = context or Context()
    return ConcentrationResult(
        context=context,
        checks=_checks(context, raw, x, base, undefined),
        assumed=_assumed(context, base, top, share),
        measures=measures,
        curve=curve,
        dependence=curve.loc[listed, ["rank", "customer_id", "value", "share_value", "cum_share_value"]].reset_index(
            drop=True
        ),
        base=base,
        measure=measure,
        top=top,
        share=share,
        breadwinner=breadwinner,
        n_customers=int(x.size),
        n_negative=int((raw < 0).sum()),
        n_zero=int((raw == 0).sum()),
        total=total,
        net_total=float(raw.sum()),
        negative_total=float(raw[raw < 0].sum()),
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _largest_first(values: Values, base: Base) -> Floats:
    """The values of the base in descending order, checked."""
    if base not in ("positive", "net"):
        raise ParameterError(f"base is {base!r}.", hint="Use 'positive' or 'net'.")
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1:
        raise ParameterError(f"The values have {x.ndim} dimensions.", hint="Give one value per customer.")
    if x.size == 0:
        raise EmptyDataError(
            "There is no customer to measure concentration on.", hint="Look at the audit of the ledger."
        )
    if not np.isfinite(x).all():
        rows = np.flatnonzero(~np.isfinite(x))[:3].tolist()
        raise DataError(
            "A value is missing or not finite.", where=f"positions {rows}", hint="Drop or mend these customers first."
        )
    x = -np.sort(-x)
    if base == "positive":
        x = np.clip(x, 0, None)
    if x.sum() <= 0:
        raise UndefinedMeasureError(
            f"The {base} total is {x.sum():,.2f}: shares of it have no meaning.",
            hint="Use base='positive', or look at the whale curve of profit in money."
            if base == "net" and (x > 0).any()
            else "No customer has a positive value; check the sign of the amounts.",
        )
    return x


def _n_top(top: float, n: float) -> int:
    return max(1, math.ceil(top * n - 1e-9))


def _measure(x: Floats, weights: Floats, *, top: float, share: float) -> tuple[float, float, float, float]:
    """Gini, HHI, top share and number for a share of values that descend, each value counted ``weights`` times."""
    values = weights * x
    counts, sums = np.cumsum(weights), np.cumsum(values)
    n, total = counts[-1], sums[-1]
    area = weights @ sums - 0.5 * (weights @ values)  # under the curve, largest first, by trapezoids
    k = _n_top(top, n)
    last = np.searchsorted(counts, k)
    held = sums[last] - (counts[last] - k) * x[last]
    target = share * total * (1 - 1e-12)
    at = np.searchsorted(sums, target)
    before = sums[at] - values[at]
    number = counts[at] - weights[at] + max(1, math.ceil((target - before) / x[at] - 1e-9))
    return 2 * area / (n * total) - 1, values @ x / total**2, held / total, number


def _measures(x: Floats, *, top: float, share: float, n_resamples: int, seed: int) -> tuple[pd.DataFrame, float]:
    """The measures with their intervals, and the share of resamples in which the total is not positive."""
    frame = pd.DataFrame(
        {"term": ["gini", "hhi", "top_share", "n_customers_for_share"], "ci_low": np.nan, "ci_high": np.nan}
    )
    frame.insert(1, "estimate", np.array(_measure(x, np.ones(x.size), top=top, share=share)))
    undefined = 0.0
    if x.size >= MIN_CUSTOMERS:
        draws = [
            _measure(x, weights, top=top, share=share)
            for chunk in bootstrap_weights(x.size, n_resamples, seed)
            for weights in chunk.astype(float)
            if weights @ x > 0
        ]
        undefined = 1 - len(draws) / n_resamples
        if undefined <= MAX_UNDEFINED:
            frame[["ci_low", "ci_high"]] = [percentile_interval(measure) for measure in np.array(draws).T]
    per_customer = frame.tail(1).assign(term="share_customers_for_share")
    per_customer[["estimate", "ci_low", "ci_high"]] /= x.size
    return pd.concat([frame, per_customer], ignore_index=True), undefined


def _checks(context: Context, raw: Floats, x: Floats, base: Base, undefined: float) -> tuple[Check, ...]:
    say = context.wording
    n_negative = int((raw < 0).sum())
    lost = -float(raw[raw < 0].sum())
    peak = float(np.cumsum(x).max() / x.sum())
    if n_negative == 0:
        sign = Check(
            assumption=say.sentence("no customer is below zero"),
            finding=say.sentence("all {n} values are zero or above", n=say.count(raw.size)),
            verdict="holds",
        )
    elif base == "positive":
        sign = Check(
            assumption=say.sentence("no customer is below zero"),
            finding=say.plural(
                "one customer is below zero ({lost}); it counts as 0 in the shares",
                "{n} customers are below zero ({lost} together); they count as 0 in the shares",
                n_negative,
                lost=say.money(-lost),
            ),
            verdict="handled",
        )
    else:
        sign = Check(
            assumption=say.sentence("the curve of the net total stays close to a share"),
            finding=say.sentence(
                "before the customers below zero it climbs to {peak} of the net total", peak=say.share(peak)
            ),
            verdict="holds" if peak <= 1.05 else "does not hold",
            statistic=peak,
        )
    size = Check(
        assumption=say.sentence("enough customers to resample"),
        finding=say.plural("one customer", "{n} customers", raw.size),
        verdict="holds",
    )
    if raw.size < MIN_CUSTOMERS:
        below = say.sentence("below {n} no interval is given", n=say.count(MIN_CUSTOMERS))
        size = replace(size, finding=say.join([size.finding, below], ";"), verdict="not testable")
    elif undefined > MAX_UNDEFINED:
        none = say.sentence(
            "the total is not positive in {share} of the resamples: no interval is given", share=say.share(undefined)
        )
        size = replace(size, finding=say.join([size.finding, none], ";"), verdict="does not hold", statistic=undefined)
    weight = float(x[0] / x.sum())
    one = Check(
        assumption=say.sentence("no single customer decides the intervals"),
        finding=say.sentence("the largest holds {share}", share=say.share(weight)),
        verdict="holds" if weight < 0.1 else "does not hold",
        statistic=weight,
    )
    return sign, size, one


def _assumed(context: Context, base: Base, top: float, share: float) -> tuple[Assumed, ...]:
    say = context.wording
    return (
        Assumed(
            what=say.sentence("base of the shares"),
            value=say.sentence("sum of the positive values") if base == "positive" else say.sentence("net total"),
            would_change=say.sentence("the other base moves every share when customers are below zero"),
        ),
        Assumed(
            what=say.sentence("what counts as the top, and as the bulk"),
            value=say.sentence(
                "{top} of customers, {share} of value", top=say.share(top, 0), share=say.share(share, 0)
            ),
            would_change=say.sentence("a convention (Pareto); the curve shows every other choice"),
        ),
    )
