"""Criteria by which accounts are judged, on one scale: from 0, worst, to 1, best.

What is measured comes from the ledger, the account file and the profit of each account, under the names of :data:`MEASURED`;
what is judged comes from the account file, under the name of its column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.columns import is_number, read_numbers, require_columns, require_distinct
from kam.dataset.names import name_accounts
from kam.errors import ColumnTypeError, DataError, DatasetError, EmptyDataError, ParameterError
from kam.identify.account_facts import DAYS_PER_YEAR
from kam.wording import N_, Wording

if TYPE_CHECKING:
    from kam.dataset.schema import Criterion

Direction = Literal["higher", "lower"]
Floats = npt.NDArray[np.float64]

MIN_ACCOUNTS = 20
"""With fewer known values a percentile says nothing: the level is then taken between the lowest and the highest value."""
JUDGED_ERROR = 0.5
"""Standard deviation of a judgment, in points of a scale from 1 to 5: 19 judgments of 20 are then right to within one point."""


@dataclass(frozen=True)
class Measured:
    """A criterion that is measured: what it is, which direction is usual, and why it is missing where it is."""

    label: str
    meaning: str
    direction: Direction
    needs: str
    unknown: str = "not known"


MEASURED: dict[str, Measured] = {
    "revenue": Measured(N_("net revenue"), N_("net revenue, in money"), "higher", N_("needs the ledger")),
    "margin": Measured(N_("margin"), N_("net revenue less cost, in money"), "higher", N_("the ledger has no cost")),
    "share_margin": Measured(
        N_("margin share"),
        N_("margin over net revenue"),
        "higher",
        N_("the ledger has no cost"),
        N_("no revenue above zero"),
    ),
    "contribution": Measured(
        N_("contribution"),
        N_("what is left after all known costs, in money"),
        "higher",
        N_("profitability was not given"),
    ),
    "share_cost_to_serve": Measured(
        N_("cost to serve"),
        N_("cost to serve over net revenue"),
        "lower",
        N_("profitability was not given"),
        N_("no revenue above zero"),
    ),
    "orders_per_year": Measured(
        N_("orders a year"),
        N_("orders a year since the first; the first year counts whole"),
        "higher",
        N_("needs the ledger"),
    ),
    "gap_cv": Measured(
        N_("regularity"),
        N_("variation of the gaps between purchase days"),
        "lower",
        N_("needs the ledger"),
        N_("too few orders"),
    ),
    "demand_cv": Measured(
        N_("steadiness"), N_("variation of demand per month"), "lower", N_("needs the ledger"), N_("too few months")
    ),
    "days_since_last_order": Measured(
        N_("recency"), N_("days since the last order"), "lower", N_("needs the ledger"), N_("no order")
    ),
    "tenure_years": Measured(
        N_("length of relationship"),
        N_("years since the account file's date, or the first order"),
        "higher",
        N_("needs the ledger"),
        N_("no order"),
    ),
    "share_returns": Measured(
        N_("returns"), N_("returns over gross revenue"), "lower", N_("needs the ledger"), N_("no gross revenue")
    ),
    "share_discount": Measured(
        N_("discount"),
        N_("discount over revenue before discount"),
        "lower",
        N_("the ledger has no discount"),
        N_("no revenue above zero"),
    ),
    "share_overdue": Measured(
        N_("overdue"),
        N_("overdue money over the open receivable"),
        "lower",
        N_("the account file has no overdue and receivable"),
    ),
    "payment_days": Measured(
        N_("payment days"), N_("days to pay"), "lower", N_("the account file has no payment_days")
    ),
    "share_wallet": Measured(
        N_("share of wallet"),
        N_("what it buys from us over all that it buys"),
        "higher",
        N_("the account facts have no share_wallet"),
    ),
    "growth": Measured(
        N_("growth"),
        N_("last twelve months over the twelve before, less 1"),
        "higher",
        N_("the account facts have no growth"),
    ),
}
"""What can be measured, by the name that a ``dataset.yaml`` may use. The last two come from ``facts``."""

DEFAULT = ("revenue", "share_margin", "orders_per_year", "gap_cv", "tenure_years")
"""Measured with equal weights where no criterion is declared; without cost, the margin share is left out."""

COLUMNS = (
    "customer_id",
    "name",
    "criterion",
    "criterion_kind",
    "direction",
    "scale",
    "weight",
    "criterion_value",
    "criterion_level",
    "level_error",
    "is_declared",
    "is_clipped",
    "why",
)


def name_criterion(name: str, kind: str, say: Wording) -> str:
    """What people call a criterion: ``regularity`` for ``gap_cv``, ``price sensitivity`` for ``price_sensitivity``."""
    return say.text(MEASURED[name].label) if kind == "measured" and name in MEASURED else name.replace("_", " ")


def criteria_table(
    summary: pd.DataFrame,
    accounts: pd.DataFrame | None,
    *,
    declared: Sequence[Criterion],
    contribution: pd.DataFrame | None = None,
    facts: pd.DataFrame | None = None,
    judged_error: float = JUDGED_ERROR,
    std_errors: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Every criterion of every customer of the ledger, on one scale from 0 (worst) to 1 (best).

    With a range, a value is taken between its ends, and beyond them as the end. Without, the level is the percentile: the
    share of the accounts with a known value that are worse, those of equal value counting half; the unit does not matter. With
    fewer than 20 known values it is where the value lies between the lowest and the highest. A criterion that is the same for
    all gets the level 0.5 everywhere, which says nothing.

    Assumes (1) that each step on a scale is worth as much as any other; (2) that errors of judgment are normal, independent
    and of one size; (3) that accounts of the ledger are customers: who is in the account file alone is not judged.

    Parameters
    ----------
    summary : pandas.DataFrame
        As from :func:`kam.ledger.summarize_customers`.
    accounts : pandas.DataFrame or None
        The account file, one row per ``customer_id``: names, judged criteria, ``since``, ``overdue``, ``receivable``,
        ``payment_days``.
    declared : sequence of Criterion
        As under ``criteria:`` of ``dataset.yaml``: name, kind (``measured``: a name of :data:`MEASURED`; ``judged``: a column of
        the account file), direction, range (judged: 1 to 5 by default; measured: percentiles), weight. Empty:
        :data:`DEFAULT`, with equal weights.
    contribution : pandas.DataFrame, optional
        ``customer_id`` and ``contribution``, ``cost_to_serve``, in money: the ``accounts`` of ``profitability``.
    facts : pandas.DataFrame, optional
        ``customer_id`` and ``share_wallet``, ``growth``, as from :func:`kam.identify.account_facts.account_facts`.
    judged_error : float
        Standard deviation of a judgment in points of a scale from 1 to 5; on another scale in proportion.
    std_errors : mapping of str to float, optional
        Standard error of measured criteria by name, in the unit of the criterion. With percentiles it is carried over to the
        scale by how the percentile changes from one standard error below to one above.

    Returns
    -------
    pandas.DataFrame
        One row per customer and criterion, customers in order of their id: ``customer_id, name, criterion, criterion_kind,
        direction, scale`` (range, percentile, lowest to highest), ``weight`` (as given), ``criterion_value`` (in its unit),
        ``criterion_level`` (0 to 1; missing where the value is), ``level_error`` (standard deviation of the level),
        ``is_declared``, ``is_clipped`` (the value lies outside the range), ``why`` (why the value is missing, else empty).

    Raises
    ------
    MissingColumnError
        The summary lacks a column.
    EmptyDataError
        There is no customer.
    DataError
        A customer stands twice, or has no number.
    DatasetError
        A measured criterion is not known, or a criterion is declared twice.
    ColumnTypeError
        A criterion does not hold numbers, or a date none.
    ParameterError
        An error is negative, or of a criterion that is not measured here.

    Examples
    --------
    >>> from kam.dataset.schema import Criterion
    >>> summary = pd.DataFrame({"customer_id": ["a", "b"], "revenue": [900.0, 100.0], "n_orders": [12, 1],
    ...     "tenure_days": [365.0, 30.0], "gap_cv": [0.1, None]})
    >>> accounts = pd.DataFrame({"customer_id": ["a"], "reputation": [4]})
    >>> declared = [Criterion(name="revenue", kind="measured"), Criterion(name="reputation", kind="judged")]
    >>> table = criteria_table(summary, accounts, declared=declared)
    >>> table[["customer_id", "criterion", "criterion_level", "why"]].to_dict("split")["data"]  # doctest: +NORMALIZE_WHITESPACE
    [['a', 'revenue', 1.0, ''], ['a', 'reputation', 0.75, ''], ['b', 'revenue', 0.0, ''],
     ['b', 'reputation', nan, 'not in the account file']]
    """
    wide, listed = _measure(summary, accounts, contribution, facts)
    criteria = _declared_or_default(declared, wide)
    errors = _checked_errors(criteria, judged_error, std_errors or {})
    n, m = len(wide), len(criteria)
    values, levels, spread = (np.full((n, m), np.nan) for _ in range(3))
    clipped = np.zeros((n, m), dtype=bool)
    scales, reasons = [], np.full((n, m), "", dtype=object)
    for j, one in enumerate(criteria):
        values[:, j] = x = _values_of(one, wide, accounts)
        scale, levels[:, j], spread[:, j], clipped[:, j] = _to_levels(x, one, errors.get(one.name, 0.0))
        scales.append(scale)
        reasons[np.isnan(x), j] = _why_missing(one, wide, accounts)
        if one.kind == "judged" and accounts is not None and one.name in accounts:
            reasons[np.isnan(x) & ~listed, j] = "not in the account file"
    named = name_accounts(wide[["customer_id"]], accounts)
    every = np.tile(np.arange(m), n)

    def text(words: Sequence[str]) -> pd.Categorical:
        return pd.Categorical(np.array(words, dtype=object)[every])

    return pd.DataFrame(
        {
            "customer_id": np.repeat(named["customer_id"].to_numpy(), m),
            "name": np.repeat(named["name"].astype("str").to_numpy(), m),
            "criterion": text([one.name for one in criteria]),
            "criterion_kind": text([one.kind for one in criteria]),
            "direction": text([one.direction for one in criteria]),
            "scale": text(scales),
            "weight": np.array([one.weight for one in criteria], dtype=float)[every],
            "criterion_value": values.ravel(),
            "criterion_level": levels.ravel(),
            "level_error": spread.ravel(),
            "is_declared": len(declared) > 0,
            "is_clipped": clipped.ravel(),
            "why": pd.Categorical(reasons.ravel()),
        }
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _measure(
    summary: pd.DataFrame,
    accounts: pd.DataFrame | None,
    contribution: pd.DataFrame | None,
    facts: pd.DataFrame | None,
) -> tuple[pd.DataFrame, npt.NDArray[np.bool_]]:
    """What can be measured, a column each, by customer in order of the id; and who is in the account file."""
    require_columns(
        summary,
        ["customer_id", "revenue", "n_orders", "tenure_days", "gap_cv"],
        where="the summary",
        hint="Give what summarize_customers returns.",
    )
    if summary.empty:
        raise EmptyDataError("There is no customer to score.", hint="Look at the audit of the ledger.")
    known = _by_customer(summary, "summary").sort_index()
    ids = known.index
    file = _aligned(accounts, ids, "account file")
    money = _aligned(contribution, ids, "contribution")
    more = _aligned(facts, ids, "facts")
    revenue = _numbers(known, "revenue", "the summary")
    above = revenue.where(revenue > 0)
    found: dict[str, pd.Series] = {"revenue": revenue}
    if "margin" in known:
        found["margin"] = _numbers(known, "margin", "the summary")
        found["share_margin"] = found["margin"] / above
    if "contribution" in money:
        found["contribution"] = _numbers(money, "contribution", "the contribution")
    if "cost_to_serve" in money:
        found["share_cost_to_serve"] = _numbers(money, "cost_to_serve", "the contribution") / above
    tenure = _numbers(known, "tenure_days", "the summary")
    found["orders_per_year"] = (
        _numbers(known, "n_orders", "the summary") / (tenure / DAYS_PER_YEAR).clip(lower=1)
    ).fillna(0.0)
    for name in ("gap_cv", "demand_cv", "days_since_last_order"):
        if name in known:
            found[name] = _numbers(known, name, "the summary")
    found["tenure_years"] = tenure / DAYS_PER_YEAR
    if "since" in file and "first_order" in known:
        for frame, name, where in ((file, "since", "the account file"), (known, "first_order", "the summary")):
            if frame[name].dtype.kind != "M" and frame[name].notna().any():
                raise ColumnTypeError(
                    f"The column {name!r} holds no dates.", where=where, hint="Convert it with pandas.to_datetime."
                )
        as_of = (known["first_order"] + pd.to_timedelta(tenure, unit="D")).max()
        found["tenure_years"] = np.fmax(
            found["tenure_years"], (as_of - pd.to_datetime(file["since"])).dt.days / DAYS_PER_YEAR
        )
    if "returns" in known:
        returns = _numbers(known, "returns", "the summary")
        gross = revenue + returns
        found["share_returns"] = returns / gross.where(gross > 0)
    if "discount" in known:
        discount = _numbers(known, "discount", "the summary")
        found["share_discount"] = discount / (above + discount)
    if {"overdue", "receivable"} <= set(file.columns):
        overdue, open_sum = (_numbers(file, name, "the account file") for name in ("overdue", "receivable"))
        found["share_overdue"] = (overdue / open_sum.where(open_sum > 0)).mask((open_sum <= 0) & (overdue <= 0), 0.0)
    if "payment_days" in file:
        found["payment_days"] = _numbers(file, "payment_days", "the account file")
    for name in ("share_wallet", "growth"):
        if name in more:
            found[name] = _numbers(more, name, "the facts")
    wide = pd.DataFrame(found, index=ids).replace([np.inf, -np.inf], np.nan)
    listed = ids.isin(accounts["customer_id"].astype(str)) if accounts is not None else np.zeros(len(ids), dtype=bool)
    return wide.rename_axis("customer_id").reset_index(), listed


def _by_customer(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    require_columns(frame, ["customer_id"], where=f"the {name}", hint="Name the account's number.")
    if frame["customer_id"].isna().any():
        raise DataError("An account has no number.", where=f"the {name}", hint="Fill in customer_id.")
    own = frame.assign(customer_id=frame["customer_id"].astype(str)).set_index("customer_id")
    require_distinct(own.index, where=f"the {name}")
    return own


def _numbers(frame: pd.DataFrame, name: str, where: str) -> pd.Series:
    """A column as numbers; the index stays."""
    return pd.Series(read_numbers(frame[name], name, where=where), index=frame.index)


def _aligned(frame: pd.DataFrame | None, ids: pd.Index, name: str) -> pd.DataFrame:
    return pd.DataFrame(index=ids) if frame is None else _by_customer(frame, name).reindex(ids)


def _declared_or_default(declared: Sequence[Criterion], wide: pd.DataFrame) -> Sequence[Criterion]:
    from kam.dataset.schema import Criterion

    if isinstance(declared, str) or not (
        isinstance(declared, Sequence) and all(isinstance(one, Criterion) for one in declared)
    ):
        raise ParameterError(f"declared is {declared!r}.", hint="Give criteria as in Dataset.criteria.")
    if not declared:
        return [
            Criterion(name=name, kind="measured", direction=MEASURED[name].direction)
            for name in DEFAULT
            if name in wide
        ]
    names = [one.name for one in declared]
    for one in declared:
        if names.count(one.name) > 1:
            raise DatasetError(f"The criterion {one.name!r} is declared twice.", where="criteria")
        if one.kind == "measured" and one.name not in MEASURED:
            raise DatasetError(
                f"The measured criterion {one.name!r} is not known.",
                where="criteria",
                hint=f"Measured can be: {', '.join(MEASURED)}. A column of the account file is judged.",
            )
    return declared


def _checked_errors(
    criteria: Sequence[Criterion], judged_error: float, std_errors: Mapping[str, float]
) -> dict[str, float]:
    """Standard error of each criterion that has one: judged in points of a scale from 1 to 5, measured in its unit."""
    if not (is_number(judged_error) and np.isfinite(judged_error) and judged_error >= 0):
        raise ParameterError(f"judged_error is {judged_error}.", hint="Give points of a scale from 1 to 5, as 0.5.")
    measured = [one.name for one in criteria if one.kind == "measured"]
    if not isinstance(std_errors, Mapping):
        raise ParameterError(
            f"std_errors is {std_errors!r}.", hint="Give an error by criterion, such as {'revenue': 9}."
        )
    for name, error in std_errors.items():
        if name not in measured:
            raise ParameterError(
                f"There is no measured criterion {name!r} that could have a standard error.",
                hint=f"Measured are {', '.join(measured) or 'none'}.",
            )
        if not (is_number(error) and np.isfinite(error) and error >= 0):
            raise ParameterError(f"The standard error of {name!r} is {error}.", hint="Give a number of at least 0.")
    return {one.name: judged_error for one in criteria if one.kind == "judged"} | dict(std_errors)


def _values_of(one: Criterion, wide: pd.DataFrame, accounts: pd.DataFrame | None) -> Floats:
    if one.kind == "measured":
        return wide[one.name].to_numpy(dtype=float) if one.name in wide else np.full(len(wide), np.nan)
    if accounts is None or one.name not in accounts:
        return np.full(len(wide), np.nan)
    judged = read_numbers(accounts[one.name], one.name, where="the account file", hint="Judge from 1 to 5, in numbers.")
    values = pd.Series(judged, index=accounts["customer_id"].astype(str))
    x = values.reindex(wide["customer_id"]).to_numpy(dtype=float)
    return np.where(np.isfinite(x), x, np.nan)


def _why_missing(one: Criterion, wide: pd.DataFrame, accounts: pd.DataFrame | None) -> str:
    if one.kind == "measured":
        return MEASURED[one.name].unknown if one.name in wide else MEASURED[one.name].needs
    if accounts is None:
        return "there is no account file"
    return "not judged" if one.name in accounts else "the account file has no such column"


def _to_levels(x: Floats, one: Criterion, error: float) -> tuple[str, Floats, Floats, npt.NDArray[np.bool_]]:
    """The scale, the levels from 0 to 1, their standard deviations, and which values lie outside the range."""
    known = x[np.isfinite(x)]
    limits = one.range or ((1.0, 5.0) if one.kind == "judged" else None)
    clipped = np.zeros(x.size, dtype=bool)
    if limits is None and known.size >= MIN_ACCOUNTS:
        scale = "percentile"
        distinct, counts = np.unique(known, return_counts=True)
        middle = (np.cumsum(counts) - counts / 2) / known.size
        level = np.interp(x, distinct, middle)
        spread = (np.interp(x + error, distinct, middle) - np.interp(x - error, distinct, middle)) / 2
    else:
        scale = "lowest to highest" if limits is None else "range"
        low, high = limits or ((known.min(), known.max()) if known.size else (0.0, 0.0))
        clipped = (x < low) | (x > high)
        width = high - low
        level = np.clip((x - low) / width, 0, 1) if width > 0 else np.where(np.isnan(x), np.nan, 0.5)
        of_level = error / 4 if one.kind == "judged" else error / width if width > 0 else 0.0
        spread = np.full(x.size, of_level)
    if one.direction == "lower":
        level = 1 - level
    return scale, np.where(np.isnan(x), np.nan, level), np.where(np.isnan(x), np.nan, spread), clipped
