"""What the ledger of a dataset knew of every account on given days, and what came of it: the survey's view of the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

from kam.ledger import snapshots, summarize_customers

if TYPE_CHECKING:
    import pandas as pd

    from kam.dataset import Dataset
    from kam.ledger.periods import Frequency


def gather_facts(
    dataset: Dataset,
    days: Sequence[date] | None = None,
    *,
    k: int | None,
    freq: Frequency = "month",
    horizon_days: int = 364,
) -> pd.DataFrame | None:
    """Look up every account of the ledger as it was on some days.

    Assumes (1) to (4) of :func:`kam.ledger.snapshots`.

    Parameters
    ----------
    dataset : Dataset
        With or without a ledger.
    days : sequence of datetime.date, optional
        For instance ``responses.origins``, the first days of answers of the waves. By default the day after the as-of date.
    k, freq : int, {"month", "quarter", "year"}
        Silent periods after which an account is lost; None: that is not known, and ``churned`` is left out.
    horizon_days : int
        Days of what came of it.

    Returns
    -------
    pandas.DataFrame or None
        The rows of :func:`kam.ledger.snapshots`: one per day and account that ordered before it, with what was known (
        ``revenue_year, days_since_last_order, n_days_year, …``) and what came of it (``no_order, churned, revenue_next, …``;
        missing where the ledger does not reach). Days on which the ledger had not begun, or that lie after its end, are
        in no row. None: there is no ledger, or no day within it.

    Raises
    ------
    ParameterError
        `k` or `horizon_days` is out of range.

    Examples
    --------
    >>> from kam.dataset import open_dataset
    >>> facts = gather_facts(open_dataset("sample"), [date(2024, 11, 4), date(1999, 1, 1)], k=4)
    >>> facts["origin"].astype(str).unique().tolist()
    ['2024-11-04']
    """
    if "ledger" not in dataset.tables:
        return None
    ledger = dataset.ledger
    end = ledger.as_of + timedelta(days=1)
    first = summarize_customers(ledger)["first_order"].min()
    within = sorted({day for day in ([end] if days is None else days) if first.date() < day <= end})
    if not within:
        return None
    covariates = dataset.covariates
    rows = snapshots(ledger, origins=within, horizon_days=horizon_days, k=k or 1, freq=freq, covariates=covariates).rows
    return rows.drop(columns=["churned", "at_risk"]) if k is None else rows
