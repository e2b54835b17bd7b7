"""ABC classes by value: A while the cumulative share before a customer is below 80 %, B while it is below 95 %, else C.

>>> abc_classes(pd.Series({"a": 80.0, "b": 15.0, "c": 5.0, "d": -3.0})).to_dict()
{'a': 'A', 'b': 'B', 'c': 'C', 'd': 'C'}
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.columns import is_number, require_columns, require_distinct
from kam.errors import ColumnTypeError, DataError, EmptyDataError, ParameterError, UndefinedMeasureError

Base = Literal["positive", "net"]
Floats = npt.NDArray[np.float64]

ABC = ("A", "B", "C")


def customer_values(summary: pd.DataFrame, value: str = "revenue") -> pd.Series:
    """The values by which customers are ranked.

    Parameters
    ----------
    summary : pandas.DataFrame
        One row per customer, from :func:`kam.ledger.summarize_customers`.
    value : str
        ``revenue``, or ``margin`` where the ledger has the cost.

    Returns
    -------
    pandas.Series, shape (n_customers,)
        In money; the index is the customer id.

    Raises
    ------
    ParameterError
        There is no such value.
    """
    if value not in ("revenue", "margin"):
        raise ParameterError(f"value is {value!r}.", hint="Use 'revenue' or 'margin'.")
    require_columns(summary, ["customer_id"], where="the summary", hint="Give what summarize_customers returns.")
    if value not in summary:
        raise ParameterError(
            f"There is no {value} in this ledger.", hint="Name the column of the cost, or rank by revenue."
        )
    return summary.set_index("customer_id")[value]


def abc_classes(values: pd.Series, *, base: Base = "positive", cuts: tuple[float, float] = (0.80, 0.95)) -> pd.Series:
    """ABC class of every customer by cumulative share of value.

    A while the cumulative share *before* the customer is below the first cut, B while it is below the second, else C; a value
    of zero or below is C. Customers of equal value stand in the order of their id.

    Parameters
    ----------
    values : pandas.Series, shape (n_customers,)
        One value per customer in money; the index is the customer id.
    base : {"positive", "net"}
        Share of the sum of the positive values, or of the sum of all, which must be positive.
    cuts : tuple of float
        Upper limits of A and of B, ascending, between 0 and 1.

    Returns
    -------
    pandas.Series
        ``A``, ``B`` or ``C``, with the index and the order of ``values``.

    Raises
    ------
    EmptyDataError
        No customer.
    DataError
        A value is missing or not finite, or a customer stands twice.
    UndefinedMeasureError
        No value is positive, or the total of the base is not.
    ParameterError
        ``base`` or ``cuts`` is out of range.
    """
    ranked = rank_by_value(values, base, cuts)
    return ranked["abc_class"].reindex(values.index.astype(str)).set_axis(values.index)


def rank_by_value(values: pd.Series, base: Base, cuts: tuple[float, float]) -> pd.DataFrame:
    """``value, share_value, cum_share_value, abc_class`` by customer, largest first."""
    if base not in ("positive", "net"):
        raise ParameterError(f"base is {base!r}.", hint="Use 'positive' or 'net'.")
    check_cuts(cuts)
    if not isinstance(values, pd.Series):
        raise ColumnTypeError(f"The values are a {type(values).__name__}.", hint="Give a series by customer_id.")
    if values.empty:
        raise EmptyDataError("There is no customer to classify.", hint="Look at the audit of the ledger.")
    ids = values.index.astype(str)
    require_distinct(ids, where="the values", hint="Sum per customer first.")
    x = values.to_numpy(dtype=float)
    if not np.isfinite(x).all():
        where = ids[~np.isfinite(x)][:3].tolist()
        raise DataError(
            "A value is missing or not finite.", where=f"customers {where}", hint="Mend or drop these customers."
        )
    ranked = pd.DataFrame({"customer_id": ids, "value": x})
    ranked = ranked.sort_values(["value", "customer_id"], ascending=[False, True]).set_index("customer_id")

    descending = ranked["value"].to_numpy()
    positive = np.maximum(descending, 0)
    up_to = np.cumsum(positive)
    total = up_to[-1] if base == "positive" else descending.sum()
    if not total > 0:
        raise UndefinedMeasureError(
            "No customer has a positive value, so that no share of the total exists."
            if up_to[-1] <= 0
            else f"The net total is {total:,.2f}, so that shares of it have no meaning.",
            hint="Look at the sign of the amounts." if up_to[-1] <= 0 else "Use base='positive'.",
        )
    # A share that equals a cut but for the rounding of the sum is not below it.
    in_a, in_b = ((descending > 0) & (up_to - positive < cut * total * (1 - 1e-10)) for cut in cuts)
    ranked["share_value"] = positive / total
    ranked["cum_share_value"] = up_to / total
    ranked["abc_class"] = np.select([in_a, in_b], ["A", "B"], "C")
    return ranked


def check_cuts(cuts: tuple[float, float]) -> None:
    """Refuse limits of the classes that are not two ascending shares."""
    is_pair = isinstance(cuts, (tuple, list)) and len(cuts) == 2 and all(is_number(cut) for cut in cuts)
    if not is_pair or not 0 < cuts[0] < cuts[1] < 1:
        raise ParameterError(f"The ABC limits are {cuts}.", hint="Give two ascending shares, such as (0.80, 0.95).")


def class_limits(values: npt.NDArray[np.floating], *, base: Base, cuts: tuple[float, float]) -> tuple[Floats, Floats]:
    """The smallest value of class A and of class B (with A) in each row; infinite where the total of the base is not positive.

    A while the cumulative share before the value is below the first cut, B while it is below the second; only positive values.

    Examples
    --------
    >>> class_limits(np.array([[50.0, 30.0, 15.0, 5.0]]), base="positive", cuts=(0.8, 0.95))
    (array([30.]), array([15.]))
    """
    descending = np.sort(values, axis=1)[:, ::-1]
    up_to = np.cumsum(np.maximum(descending, 0), axis=1, dtype=np.float64)
    total = up_to[:, -1] if base == "positive" else descending.sum(axis=1, dtype=np.float64)
    smallest_positive = np.nextafter(np.float32(0), np.float32(1))
    limits = np.full((2, len(values)), np.inf)
    for row in np.flatnonzero(total > 0):
        # The last one in is the first whose sum with itself reaches the cut.
        last = np.searchsorted(up_to[row], np.multiply(cuts, total[row]))
        limits[:, row] = np.maximum(descending[row, np.minimum(last, values.shape[1] - 1)], smallest_positive)
    return limits[0], limits[1]
