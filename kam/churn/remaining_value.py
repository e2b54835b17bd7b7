"""What an account still brings if it stays: its discounted margin over a remaining life that is never without end."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri

from kam.churn.blending import log_odds_of, probability_of
from kam.churn.periods import PERIODS_A_YEAR
from kam.errors import ColumnTypeError, DataError, EmptyDataError, MissingColumnError, ParameterError
from kam.results import Assumed
from kam.stats.resampling import check_whole
from kam.wording import Wording

Floats = npt.NDArray[np.float64]

YEAR = 365.25
"""Days in a year."""
HORIZON_YEARS = 5.0
"""How far ahead money counts, unless given."""
MARGIN_SHARE = 0.3
"""Margin over revenue where the ledger has no cost, unless given: assumed, and printed so."""


@dataclass(frozen=True, kw_only=True)
class ValueTerms:
    """On what terms money ahead is valued.

    Attributes
    ----------
    horizon_days : int
        Days of the forecast.
    k, freq : int, str
        Silent periods, ``month``, ``quarter`` or ``year``, that mean lost.
    discount_rate : float
        A year, 0 or more.
    horizon_years : float
        Years ahead in which money counts.
    margin_share : float
        Margin over revenue, used where there is no margin.

    Raises
    ------
    ParameterError
        One of them is out of range.
    """

    horizon_days: int
    k: int
    freq: str
    discount_rate: float
    horizon_years: float = HORIZON_YEARS
    margin_share: float = MARGIN_SHARE

    def __post_init__(self) -> None:
        check_whole("horizon_days", self.horizon_days, at_least=1)
        check_whole("k", self.k, at_least=1)
        if self.freq not in ("month", "quarter", "year"):
            raise ParameterError(f"freq is {self.freq!r}.", hint="Use 'month', 'quarter' or 'year'.")
        check_number("discount_rate", self.discount_rate, 0, np.inf, hint="Give a rate a year, such as 0.1.")
        check_number("horizon_years", self.horizon_years, 0.01, 100, hint="Give years, such as 5: no life is endless.")
        check_number("margin_share", self.margin_share, 0, 1, hint="Give margin over revenue, such as 0.3.")

    @property
    def force(self) -> float:
        """The discount rate as a continuous one."""
        return float(np.log1p(self.discount_rate))

    @property
    def loss_days(self) -> float:
        """Days of losses that the mean of p_churn over the accounts at risk covers.

        An account counts as lost if a silence of k periods runs at the origin or begins in the h days of the forecast, so that
        its last order lies in [o − k, o + h): together h + k days. That is so for the portfolio, not for one account: for one
        that bought yesterday p_churn covers little more than the h days ahead.
        """
        return self.horizon_days + self.k * YEAR / PERIODS_A_YEAR[self.freq]

    def yearly_loss(self, mean: Floats | float) -> Floats:
        """Yearly loss of a portfolio from the mean of p_churn over its accounts at risk."""
        return np.asarray(-np.expm1(-_hazard(mean) * YEAR / self.loss_days))

    def annuity(self, yearly_loss: Floats | float) -> Floats:
        """Worth of 1 a year, flowing evenly until the loss or the end of the horizon."""
        return flow(_hazard(yearly_loss) + self.force, self.horizon_years)

    def annuity_if_stays(self, yearly_loss: Floats | float) -> Floats:
        """The same for an account that is surely there for the days of the forecast."""
        sure = min(self.horizon_days / YEAR, self.horizon_years)
        later = flow(_hazard(yearly_loss) + self.force, self.horizon_years - sure)
        return flow(np.asarray(self.force), sure) + np.exp(-self.force * sure) * later


def remaining_value(
    customers: pd.DataFrame,
    *,
    horizon_days: int,
    k: int,
    discount_rate: float,
    freq: str = "month",
    horizon_years: float = HORIZON_YEARS,
    margin_share: float = MARGIN_SHARE,
) -> pd.DataFrame:
    """What each account at risk brings over the rest of its life, if it stays through the forecast.

    V = m (∫₀ˢ e^{−δt} dt + e^{−δs} ∫₀^{H−s} e^{−(λ+δ)t} dt): the margin m of the last year flows evenly; δ = ln(1 + discount
    rate); in the s = ``horizon_days`` / 365.25 years of the forecast the account is there, which is what "if it stays" means;
    after that it is lost at a constant rate λ, and after H = ``horizon_years`` nothing counts. λ is the portfolio's, the same for
    every account: the mean p̄ of p_churn over the accounts at risk counts the silences that run at the origin and those that begin
    in the h days of the forecast, so it covers the losses of h + k days, and the yearly loss is 1 − (1 − p̄)^(365.25 / (h + k)).
    An account's own p_churn says whether it goes now; of an account that stays it says little about later years.

    Assumes (1) that margin goes on as in the last year; (2) that an account that stays is lost later as often as the portfolio
    is now, year after year; (3) that an account younger than a year brings no more than it did so far, so that the newest are
    valued too low.

    Parameters
    ----------
    customers : pandas.DataFrame
        A forecast, one row per customer: ``customer_id, origin, at_risk, p_churn``, and ``margin_year`` or, without cost,
        ``revenue_year`` (money of the year before the origin).
    horizon_days : int
        Days of the forecast.
    k, freq : int, str
        Silent periods, ``month``, ``quarter`` or ``year``, that mean lost, as in the forecast.
    discount_rate : float
        A year.
    horizon_years : float
        Years ahead in which money counts.
    margin_share : float
        Margin over revenue, used only without ``margin_year``.

    Returns
    -------
    pandas.DataFrame
        One row per account at risk, in the order given: ``customer_id``, ``p_churn``, ``margin_year`` (money), ``yearly_loss``
        (probability, the same for all), ``value_if_stays`` (money; below 0 for an account that loses money).

    Raises
    ------
    MissingColumnError, ColumnTypeError, DataError, EmptyDataError
        The forecast lacks a column, holds a customer twice, several origins, a missing number or a probability that is none,
        or nobody is at risk.
    ParameterError
        A parameter is out of range.

    Examples
    --------
    >>> forecast = pd.DataFrame({"customer_id": ["007"], "origin": pd.Timestamp("2024-01-01"), "at_risk": True,
    ...     "p_churn": 0.0, "margin_year": 100.0})
    >>> remaining_value(forecast, horizon_days=91, k=3, discount_rate=0, horizon_years=5)["value_if_stays"].round(6).tolist()
    [500.0]
    """
    terms = ValueTerms(
        horizon_days=horizon_days,
        k=k,
        freq=freq,
        discount_rate=discount_rate,
        horizon_years=horizon_years,
        margin_share=margin_share,
    )
    return value_accounts(read_forecast(customers), terms)


def value_accounts(customers: pd.DataFrame, terms: ValueTerms) -> pd.DataFrame:
    """The columns of :func:`remaining_value` for a forecast that was read."""
    here = customers[customers["at_risk"]]
    p = here["p_churn"].to_numpy(dtype=float)
    loss = float(terms.yearly_loss(float(p.mean())))
    margin = yearly_margin(here, terms)
    return pd.DataFrame(
        {
            "customer_id": here["customer_id"].to_numpy(),
            "p_churn": p,
            "margin_year": margin,
            "yearly_loss": loss,
            "value_if_stays": margin * terms.annuity_if_stays(loss),
        }
    )


def yearly_margin(customers: pd.DataFrame, terms: ValueTerms) -> Floats:
    """Margin of the last year; without cost, revenue times the assumed share."""
    if "margin_year" in customers.columns:
        return customers["margin_year"].to_numpy(dtype=float)
    return customers["revenue_year"].to_numpy(dtype=float) * terms.margin_share


def read_forecast(customers: pd.DataFrame) -> pd.DataFrame:
    """The forecast, checked; ``at_risk`` as plain truth values. Raises what :func:`remaining_value` says."""
    money = "margin_year" if "margin_year" in customers.columns else "revenue_year"
    missing = [c for c in ("customer_id", "origin", "at_risk", "p_churn", money) if c not in customers.columns]
    if missing:
        raise MissingColumnError(
            f"The forecast lacks {', '.join(missing)}.",
            where=f"columns {list(customers.columns)}",
            hint="Use the customers of a churn forecast.",
        )
    if customers.empty:
        raise EmptyDataError("The forecast has no customer.")
    check_ids(customers["customer_id"], "the forecast")
    if customers["origin"].isna().any() or customers["origin"].nunique() != 1:
        raise DataError(
            "The forecast has more than one origin, or one is missing.",
            where=f"origins {sorted(customers['origin'].dropna().astype(str).unique())[:3]}",
            hint="Give the rows of one origin, the latest.",
        )
    if customers["at_risk"].isna().any():
        raise DataError("at_risk is missing for some customers.", where=_who(customers, customers["at_risk"].isna()))
    frame = customers.assign(at_risk=customers["at_risk"].astype(bool)).reset_index(drop=True)
    here = frame[frame["at_risk"]]
    if here.empty:
        raise EmptyDataError("No account is at risk: all are lost already.", hint="Look at the win-back list.")
    for name in ("p_churn", money):
        values = pd.to_numeric(here[name], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        bad = ~np.isfinite(values)
        if name == "p_churn":
            bad |= (values < 0) | (values > 1)
        if bad.any():
            raise DataError(
                f"{name} is missing, or no {'probability' if name == 'p_churn' else 'number'}, for some accounts at risk.",
                where=_who(here, bad),
            )
    return frame


def check_ids(ids: pd.Series, where: str) -> None:
    """Raise unless every identifier is a text that stands once."""
    wrong = ids[~ids.map(lambda one: isinstance(one, str))]
    if len(wrong):
        raise ColumnTypeError(
            f"customer_id holds {wrong.iloc[0]!r}, which is no text.", where=where, hint="Read identifiers as text."
        )
    twice = ids[ids.duplicated()]
    if len(twice):
        raise DataError(f"A customer stands twice in {where}.", where=f"customers {twice.head(3).tolist()}")


def origin_of(customers: pd.DataFrame) -> date:
    """The day from which a forecast looks ahead."""
    return pd.Timestamp(customers["origin"].iloc[0]).date()


def check_number(name: str, value: float, low: float, high: float, *, hint: str) -> None:
    """Raise :class:`~kam.errors.ParameterError` unless a number is finite and within its limits, which are allowed."""
    is_number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not is_number or not np.isfinite(value) or not low <= value <= high:
        raise ParameterError(f"{name} is {value!r}.", hint=hint)


def assumed_of_terms(say: Wording, terms: ValueTerms, columns: Collection[str]) -> tuple[Assumed, ...]:
    """What a value ahead takes for given; ``columns`` of the forecast say whether margin is known."""
    margin = () if "margin_year" in columns else (
        Assumed(
            what=say.sentence("margin over revenue: the ledger has no cost"),
            value=say.share(terms.margin_share),
            would_change=say.sentence("all sums of money ahead move in proportion to it"),
        ),
    )  # fmt: skip
    return (
        *margin,
        Assumed(
            what=say.sentence("discount rate, a year"),
            value=say.share(terms.discount_rate),
            would_change=say.sentence("a higher rate makes later money, and so every account that lasts, worth less"),
        ),
        Assumed(
            what=say.sentence("years ahead in which money counts"),
            value=say.number(terms.horizon_years, 1),
            would_change=say.sentence("more years add money only of those who are still there"),
        ),
        Assumed(
            what=say.sentence("how often an account that stays is lost later"),
            value=say.sentence("as all accounts at risk are now"),
            would_change=say.sentence(
                "accounts that are lost less often than most are worth more than is said, the others less"
            ),
        ),
    )


def spread_of_log_odds(customers: pd.DataFrame, level: float) -> Floats | None:
    """How unsure each p_churn is: the standard error of its log-odds, from its interval of that level.

    None where the forecast has no ``p_churn_low`` and ``p_churn_high``; :class:`~kam.errors.DataError` where an interval is
    missing or does not hold its estimate.
    """
    if not {"p_churn_low", "p_churn_high"} <= set(customers.columns):
        return None
    p = customers["p_churn"].to_numpy(dtype=float)
    low, high = (customers[name].to_numpy(dtype=float, na_value=np.nan) for name in ("p_churn_low", "p_churn_high"))
    bad = ~((low >= 0) & (low <= p) & (p <= high) & (high <= 1))
    if bad.any():
        raise DataError("An interval of p_churn is missing or does not hold its estimate.", where=_who(customers, bad))
    return np.asarray((log_odds_of(high) - log_odds_of(low)) / (2 * ndtri((1 + level) / 2)))


def shift_together(p: Floats, spread: Floats, draws: Floats) -> Floats:
    """All p moved at once by each normal draw, on the scale of log-odds: the widest their spread can make them together.

    Shape (draws, accounts).
    """
    return probability_of(log_odds_of(p) + draws[:, None] * spread)


def flow(rate: Floats, years: float) -> Floats:
    """Worth of 1 a year flowing evenly for some years, shrinking at a continuous rate, which may be infinite."""
    rate = np.asarray(rate, dtype=float)
    if years <= 0:
        return np.zeros(rate.shape)
    some = rate * years > 1e-12
    return np.asarray(np.where(some, -np.expm1(-rate * years) / np.where(some, rate, 1.0), years))


def show_money(say: Wording, x: float) -> str:
    """A sum of money as it stands in sentences: in full, from 100,000 on shortened."""
    return say.money_short(x) if abs(x) >= 1e5 else say.money(x)


# -- inside ----------------------------------------------------------------------------------------------------------


def _hazard(yearly_loss: Floats | float) -> Floats:
    with np.errstate(divide="ignore"):
        return np.asarray(-np.log1p(-np.asarray(yearly_loss, dtype=float)))


def _who(customers: pd.DataFrame, which: npt.NDArray[np.bool_] | pd.Series) -> str:
    return f"customers {customers.loc[np.asarray(which), 'customer_id'].head(3).tolist()}"
