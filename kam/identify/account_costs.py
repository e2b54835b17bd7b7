"""What each account costs, piece by piece: goods, freight, trade terms, service and credit, as far as the data know them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.columns import require_columns, require_distinct
from kam.errors import ColumnTypeError, DataError, EmptyDataError, MissingColumnError, ParameterError
from kam.wording import Wording

Floats = npt.NDArray[np.float64]

FROM_LEDGER = ("cost", "freight", "trade_terms")
TO_SERVE = ("freight", "trade_terms", "service_cost", "credit_cost")
"""What serving an account costs, beside the goods."""
PIECES = ("cost", *TO_SERVE)
"""Every piece between net revenue and contribution, in the order of the bridge."""

DAYS_PER_YEAR = 365
AFTER_LAST_ORDER = DAYS_PER_YEAR / 2
"""Days after its last order for which an account is still served: charged no longer, however long it has been silent."""
LONG_SILENT = DAYS_PER_YEAR
"""Days of silence from which on today's balance says nothing about the years before."""


@dataclass(frozen=True, eq=False, kw_only=True)
class AccountCosts:
    """What is known of the costs of each account of a ledger.

    Attributes
    ----------
    frame : pandas.DataFrame
        One row per account, by customer id: ``customer_id, name, revenue`` and those of :data:`PIECES` that are known of any
        account, in money; missing where this account's is not known.
    days : array, shape (n_customers,)
        Days for which a year's cost is counted.
    days_to_last_order, days_to_as_of : array, shape (n_customers,)
        The same if it ended with the last order, and if it went on to the as-of date; ``days`` where these are not each
        account's own.
    a_day : array, shape (n_customers,)
        What is counted by the day, in money: service, and credit that rests on a receivable; 0 where not known.
    is_silent : array of bool, shape (n_customers,), or None
        Whether the last order is more than a year ago; None where the summary does not say.
    balance : array, shape (n_customers,)
        Receivable as the account file has it; not a number where it does not.
    balance_by_days : array, shape (n_customers,)
        The balance that the payment days make one expect; not a number where they, or the days, are not known.
    n_not_in_file, n_without_order : int
        Accounts of the ledger that the account file lacks; rows of it that the ledger has no line of (no customers).
    n_undated : int
        Accounts without an order (credit notes only), taken to be there as long as the longest.
    n_by_payment_days : int
        Accounts whose cost of credit rests on payment days, for want of a receivable.
    """

    frame: pd.DataFrame
    days: Floats
    days_to_last_order: Floats
    days_to_as_of: Floats
    a_day: Floats
    is_silent: npt.NDArray[np.bool_] | None
    balance: Floats
    balance_by_days: Floats
    n_not_in_file: int
    n_without_order: int
    n_undated: int
    n_by_payment_days: int

    @property
    def known(self) -> tuple[str, ...]:
        """The pieces that are known, in the order of the bridge."""
        return tuple(piece for piece in PIECES if piece in self.frame)

    def n_losing(self, profit: Floats, days: Floats) -> int:
        """Accounts below zero, if a year's costs were counted for these days; ``profit`` counts them for ``self.days``."""
        changed = np.where(self.a_day != 0, self.a_day * (self.days - days), 0.0)
        return int(((profit + changed).round(4) < 0).sum())


def piece_names(say: Wording) -> dict[str, str]:
    """The pieces in prose."""
    return {
        "cost": say.sentence("cost of goods"),
        "freight": say.sentence("freight"),
        "trade_terms": say.sentence("trade terms"),
        "service_cost": say.sentence("service"),
        "credit_cost": say.sentence("credit"),
    }


def account_costs(
    summary: pd.DataFrame, accounts: pd.DataFrame | None, *, credit_rate: float | None, years: float | None
) -> AccountCosts:
    """Gather the costs of each account from the summary of the ledger and the account file.

    Parameters and errors as :func:`kam.identify.profitability.profitability`, which says how each piece is counted.
    """
    _check_parameters(credit_rate, years)
    frame = _read_summary(summary)
    if not frame["customer_id"].is_monotonic_increasing:
        by_id = np.argsort(frame["customer_id"].to_numpy(), kind="stable")
        summary, frame = summary.iloc[by_id], frame.iloc[by_id].reset_index(drop=True)
    file, n_not_in_file, n_without_order = _match(frame["customer_id"], accounts)
    frame.insert(1, "name", file["name"].fillna(frame["customer_id"]) if "name" in file else frame["customer_id"])
    service, receivable, payment_days = (_read(file, name) for name in ("service_cost", "receivable", "payment_days"))
    for name, values in (("service_cost", service), ("payment_days", payment_days)):
        negative = values < 0
        if negative.any():
            worst = frame.loc[negative, "customer_id"].head(3).tolist()
            raise DataError(
                f"{name} is below zero in {int(negative.sum())} rows.",
                where=f"account file, accounts {worst}",
                hint="A cost is a positive number; correct it, or leave it empty where it is not known.",
            )
    revenue = frame["revenue"].to_numpy()
    expected = np.maximum(revenue, 0) * payment_days / DAYS_PER_YEAR  # balance × days / 365, whatever the days
    by_year = np.isfinite(service).any() or (credit_rate is not None and np.isfinite(receivable).any())
    to_as_of, n_undated = (
        _covered_days(summary, years) if by_year or years is not None else (np.full(len(frame), np.nan), 0)
    )
    silence = _silence(summary)
    days, to_last_order = to_as_of, to_as_of
    if silence is not None and years is None:
        days, to_last_order = (_end(to_as_of, silence, after) for after in (AFTER_LAST_ORDER, 0.0))
    is_silent = silence > LONG_SILENT if silence is not None else None
    a_day = np.nan_to_num(service) / DAYS_PER_YEAR
    if np.isfinite(service).any():
        frame["service_cost"] = service * days / DAYS_PER_YEAR
    n_by_payment_days = 0
    if credit_rate is not None and (np.isfinite(receivable) | np.isfinite(expected)).any():
        by_balance = np.isfinite(receivable)
        if is_silent is not None:
            by_balance &= ~(is_silent & np.isfinite(expected))
        frame["credit_cost"] = np.where(by_balance, receivable * days / DAYS_PER_YEAR, expected) * credit_rate
        a_day += np.where(by_balance, receivable, 0.0) * credit_rate / DAYS_PER_YEAR
        n_by_payment_days = int((~np.isfinite(receivable) & np.isfinite(expected)).sum())
    by_days = np.divide(expected * DAYS_PER_YEAR, days, out=np.full(len(frame), np.nan), where=days > 0)
    return AccountCosts(
        frame=frame,
        days=days,
        days_to_last_order=to_last_order,
        days_to_as_of=to_as_of,
        a_day=a_day,
        is_silent=is_silent,
        balance=receivable,
        balance_by_days=by_days,
        n_not_in_file=n_not_in_file,
        n_without_order=n_without_order,
        n_undated=n_undated,
        n_by_payment_days=n_by_payment_days,
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _check_parameters(credit_rate: float | None, years: float | None) -> None:
    if credit_rate is not None and not 0 <= credit_rate < 1:
        raise ParameterError(
            f"credit_rate is {credit_rate}.", hint="Give a share a year, such as 0.06 for 6 percent, or None."
        )
    if years is not None and not (np.isfinite(years) and years > 0):
        raise ParameterError(f"years is {years}.", hint="Give the years that the ledger covers, above 0, or None.")


def _read_summary(summary: pd.DataFrame) -> pd.DataFrame:
    """``customer_id, revenue`` and the pieces that the ledger has, checked."""
    require_columns(
        summary, ("customer_id", "revenue"), where="the summary", hint="Use kam.ledger.summarize_customers."
    )
    if summary.empty:
        raise EmptyDataError("There is no customer to judge.", hint="Look at the audit of the ledger.")
    ids = summary["customer_id"]
    if ids.isna().any() or ids.duplicated().any():
        where = ids[ids.isna() | ids.duplicated()].head(3).tolist()
        raise DataError("A customer stands twice in the summary, or has no number.", where=f"customers {where}")
    frame = pd.DataFrame({"customer_id": ids.astype("str").reset_index(drop=True)})
    for name in ("revenue", *(piece for piece in FROM_LEDGER if piece in summary)):
        values = _numbers(summary[name], name, "summary")
        if not np.isfinite(values).all():
            where = frame.loc[~np.isfinite(values), "customer_id"].head(3).tolist()
            raise DataError(
                f"{name} is missing or not finite for some customers.", where=f"customers {where}", hint="Mend them."
            )
        frame[name] = values
    return frame


def _numbers(values: pd.Series, name: str, where: str) -> Floats:
    try:
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise ColumnTypeError(f"{name} holds no numbers.", where=where, hint="Give it as numbers, in money.") from error


def _match(ids: pd.Series, accounts: pd.DataFrame | None) -> tuple[pd.DataFrame, int, int]:
    """The rows of the account file in the order of the ledger's accounts, and what one has that the other has not."""
    if accounts is None:
        return pd.DataFrame(index=ids.index), 0, 0
    require_columns(accounts, ["customer_id"], where="the account file")
    own = accounts["customer_id"].astype("str")
    require_distinct(own, where="the account file")
    at = pd.Index(own).get_indexer(pd.Index(ids))
    found = accounts.reset_index(drop=True).reindex(np.where(at >= 0, at, -1)).set_axis(ids.index)
    return found, int((at < 0).sum()), int(len(own) - (at >= 0).sum())


def _read(file: pd.DataFrame, name: str) -> Floats:
    """A column of the account file in numbers; not a number where it is not known, endless ones refused."""
    if name not in file:
        return np.full(len(file), np.nan)
    values = _numbers(file[name], name, "account file")
    if np.isinf(values).any():
        raise DataError(f"{name} is not finite for some accounts.", where="account file", hint="Correct or empty it.")
    return values


def _covered_days(summary: pd.DataFrame, years: float | None) -> tuple[Floats, int]:
    """Days for which a year's cost counts: given for all, else from the first order in the ledger to the as-of date."""
    if years is not None:
        return np.full(len(summary), DAYS_PER_YEAR * years), 0
    if "tenure_days" not in summary:
        raise MissingColumnError(
            "The summary lacks tenure_days, so a year's cost cannot be brought to the time of the ledger.",
            where=f"columns {', '.join(map(str, summary.columns))}",
            hint="Use kam.ledger.summarize_customers, or give the years that the ledger covers.",
        )
    days = _numbers(summary["tenure_days"], "tenure_days", "summary")
    undated = ~np.isfinite(days)
    if undated.all():
        raise DataError(
            "No customer has an order, so a year's cost cannot be brought to the time of the ledger.",
            where="summary, column tenure_days",
            hint="Give the years that the ledger covers.",
        )
    return np.where(undated, days[~undated].max(), days), int(undated.sum())


def _silence(summary: pd.DataFrame) -> Floats | None:
    """Days since the last order; not a number where there is none."""
    if "days_since_last_order" not in summary:
        return None
    return _numbers(summary["days_since_last_order"], "days_since_last_order", "summary")


def _end(days: Floats, silence: Floats, after: float) -> Floats:
    """Days up to so many after the last order, or to the as-of date if that comes first."""
    return np.where(np.isfinite(silence), np.minimum(np.maximum(days - silence, 0) + after, days), days)
