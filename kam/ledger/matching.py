"""Which column of a source is which column of the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from kam.errors import MissingColumnError, ParameterError
from kam.ledger.column_types import ColumnType

COLUMNS: dict[str, ColumnType] = {
    "customer_id": "id",
    "order_date": "date",
    "amount": "money",
    "order_id": "id",
    "cost": "money",
    "quantity": "number",
    "unit_price": "number",
    "product_id": "id",
    "product_group": "text",
    "discount": "money",
    "freight": "money",
    "currency": "text",
    "trade_terms": "money",
    "region": "text",
    "ship_region": "text",
    "channel": "text",
    "promised_date": "date",
    "delivered_date": "date",
    "due_date": "date",
    "paid_date": "date",
}
"""The columns that a ledger may have, with their types; the first three are needed."""

# Parts of names in sources, letters and digits only.
_HINTS = {
    "customer_id": ("customer", "client", "account", "buyer", "kunde", "客户", "고객", "顧客"),
    "order_date": ("date", "day", "time", "datum", "日期", "일자", "날짜", "日付"),
    "amount": ("amount", "revenue", "sales", "turnover", "total", "betrag", "umsatz", "金额", "금액", "金額"),
}
# Names by which a source tells one line of an order from another.
_LINES = {"line", "lineno", "linenr", "linenumber", "lineid", "orderline", "item", "itemno", "position", "pos"}
_LINES |= {"行号", "행번호", "行番号"}
_PRODUCTS = {"product", "productid", "productcode", "article", "articleno", "stockcode", "itemcode", "material", "sku"}
_PRODUCTS |= {"商品编码", "商品编号", "货号", "상품코드", "품목코드", "商品コード", "品番"}


def match_columns(available: Sequence[str], columns: Mapping[str, str | None], *, where: str) -> dict[str, str]:
    """Which column of the source is which column of the ledger.

    Parameters
    ----------
    available : sequence of str
        The columns of the source.
    columns : mapping of str to str
        Ledger column → column of the source, or None: not used. Others are taken from the column of the same name.
    where : str
        The source, for messages.

    Returns
    -------
    dict of str to str
        Ledger column → column of the source, in the order of :data:`COLUMNS`.

    Raises
    ------
    ParameterError
        ``columns`` names something that a ledger does not have.
    MissingColumnError
        A column is not there, or a needed one is not known.

    Examples
    --------
    >>> match_columns(["kunde", "order_date", "amount"], {"customer_id": "kunde"}, where="orders.csv")
    {'customer_id': 'kunde', 'order_date': 'order_date', 'amount': 'amount'}
    """
    unknown = [name for name in columns if name not in COLUMNS]
    if unknown:
        raise ParameterError(
            f"A ledger has no column {unknown[0]!r}.", hint=f"The columns of a ledger are {', '.join(COLUMNS)}."
        )
    has = ", ".join(repr(name) for name in available)
    for name, source in columns.items():
        if source is not None and source not in available:
            likely = get_close_matches(source, available, n=1)
            raise MissingColumnError(
                f"There is no column {source!r}, which columns names for {name!r}; there are {has}.",
                where=where,
                hint=f"Did you mean {likely[0]!r}?" if likely else "Name one of these.",
            )
    wanted = {name: columns.get(name, name if name in available else None) for name in COLUMNS}
    names = {name: source for name, source in wanted.items() if source is not None}
    needed = ["customer_id", "order_date"] + ([] if {"quantity", "unit_price"} <= names.keys() else ["amount"])
    missing = [name for name in needed if name not in names]
    if missing:
        guesses = {name: guess for name in missing if (guess := _guess_column(name, available, names)) is not None}
        raise MissingColumnError(
            f"The ledger needs {' and '.join(repr(name) for name in missing)}"
            f"{' (or quantity and unit_price)' if 'amount' in missing else ''}; there are {has}.",
            where=where,
            hint=f"Name the column, perhaps columns={guesses!r}." if guesses else "Name the column in columns.",
        )
    return names


def _guess_column(name: str, available: Sequence[str], taken: Mapping[str, str]) -> str | None:
    """A column of the source that may be the one that is missing."""
    free = {_plain(column): column for column in available if column not in taken.values()}
    close = get_close_matches(_plain(name), free, n=1, cutoff=0.8)
    if close:
        return free[close[0]]
    for word in _HINTS[name]:
        for plain, column in free.items():
            if word in plain:
                return column
    return None


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def has_lines(available: Sequence[str], present: Sequence[str]) -> bool:
    """Whether a source tells its lines apart, by line numbers or products, so that equal rows are copies.

    Parameters
    ----------
    available : sequence of str
        The columns of the source.
    present : sequence of str
        The columns of the ledger that it has.
    """
    return "product_id" in present or any(_plain(name) in _LINES | _PRODUCTS for name in available)
