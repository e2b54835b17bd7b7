"""What can be wrong with a table: empty or unreadable cells, values out of range, doubled keys, companies that own each other.

A problem makes the table unusable, a warning does not; both name rows and values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from kam.dataset.dictionary import ColumnSpec
from kam.wording import N_, Wording

MAX_NAMED = 5
"""So many rows, values or keys are named; the rest are counted."""

_TYPE_WORDS = {
    "date": N_("a date"),
    "money": N_("a sum of money"),
    "number": N_("a number"),
    "flag": N_("yes or no"),
    "period": N_("a period"),
    "id": N_("an identifier"),
    "text": N_("text"),
}


@dataclass
class Findings:
    """Problems and warnings about one table, as they are found.

    Parameters
    ----------
    say : Wording
        The language they are worded in.
    first_row : int
        Number of the first row of data in the file, as a reader of the file counts.
    """

    say: Wording
    first_row: int
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def problem(self, message: str, **values: object) -> None:
        """Note what makes the table unusable."""
        self.problems.append(self.say.sentence(message, **values))

    def warn(self, message: str, **values: object) -> None:
        """Note what a reader should know."""
        self.warnings.append(self.say.sentence(message, **values))

    def rows(self, which: pd.Series, shown: pd.Series | None = None) -> str:
        """``rows 2 ('x'), 5 ('y') and 7 more``: the rows where ``which`` is true, with what stands there."""
        positions = np.flatnonzero(which.to_numpy(dtype=bool, na_value=False))
        values = [] if shown is None else [shorten(value) for value in shown.iloc[positions[:MAX_NAMED]]]
        names = [self.say.number(position + self.first_row, 0) for position in positions[:MAX_NAMED]]
        named = [f"{name} ({value})" for name, value in zip(names, values, strict=True)] if values else names
        listed = self.list_some(named, len(positions))
        return self.say.plural("row {rows}", "rows {rows}", len(positions), rows=listed)

    def list_some(self, named: Sequence[str], n: int) -> str:
        """``a, b and 7 more``: the first few, and how many there are beside them."""
        shown = list(named[:MAX_NAMED])
        if n > len(shown):
            shown.append(self.say.sentence("{n} more", n=self.say.count(n - len(shown))))
        return self.say.listing(shown)


def shorten(value: object) -> str:
    r"""A value as it can stand in a sentence: quoted, on one line, at most 40 characters.

    >>> shorten("A\nB" * 30)
    "'A BA BA BA BA BA BA BA BA BA BA BA BA BA…'"
    """
    text = " ".join("".join(c if c.isprintable() else " " for c in str(value)).split())
    return repr(text[:40] + "…" if len(text) > 40 else text)


def check_columns(frame: pd.DataFrame, raw: pd.DataFrame, specs: Mapping[str, ColumnSpec], found: Findings) -> None:
    """Check every cell: required ones are not empty, all are readable and in the domain of their column.

    Parameters
    ----------
    frame : pandas.DataFrame
        Typed canonical columns; a value that could not be read is missing.
    raw : pandas.DataFrame
        The same cells as text.
    specs : mapping of str to ColumnSpec
        What may stand in them.
    found : Findings
        Where what is wrong is noted.
    """
    for column, spec in specs.items():
        if column not in frame.columns:
            continue
        values, texts = frame[column], raw[column].str.strip()
        empty = texts.isna() | (texts == "")
        unreadable = values.isna() & ~empty
        if spec.required and empty.any():
            found.problem("{column} is empty in {rows}.", column=column, rows=found.rows(empty))
        if unreadable.any():
            note = found.problem if spec.required else found.warn
            message = N_("{column} cannot be read as {type} in {rows}.")
            if not spec.required:
                message = N_("{column} cannot be read as {type} in {rows}; these count as missing.")
            rows = found.rows(unreadable, raw[column])
            note(message, column=column, type=found.say.sentence(_TYPE_WORDS[spec.type]), rows=rows)
        outside = ~in_domain(values, spec) & values.notna()
        if outside.any():
            found.problem(
                "{column} is out of range in {rows}. Allowed: {allowed}.",
                column=column,
                rows=found.rows(outside, raw[column]),
                allowed=spec.domain,
            )


def in_domain(values: pd.Series, spec: ColumnSpec) -> pd.Series:
    """Whether each value is one that the column may have; missing values are."""
    good = pd.Series(True, index=values.index)
    if spec.allowed:
        good &= values.isin(spec.allowed)
    if spec.above is not None:
        good &= values > spec.above
    if spec.low is not None:
        good &= values >= spec.low
    if spec.high is not None:
        good &= values <= spec.high
    return good | values.isna()


def check_key(frame: pd.DataFrame, key: Sequence[str], found: Findings) -> None:
    """Check that no two rows have the same key; without a key, warn of rows that are equal throughout."""
    columns = [column for column in key if column in frame.columns]
    twice = frame.duplicated(columns or None, keep=False)
    if not twice.any():
        return
    if not columns:
        found.warn("Some rows are equal in every column: {rows}. They are kept.", rows=found.rows(twice))
        return
    group = frame.groupby(columns, sort=False, dropna=False).ngroup().where(twice)
    numbers = group.dropna().unique()
    named = []
    for number in numbers[:MAX_NAMED]:
        same = group == number
        values = ", ".join(shorten(value) for value in frame.loc[same, columns].iloc[0])
        named.append(f"{values} in {found.rows(same)}")
    found.problem(
        "{key} has to be different in every row, and is not: {named}.",
        key=" + ".join(columns),
        named=found.list_some(named, len(numbers)),
    )


def check_accounts(frame: pd.DataFrame, found: Findings) -> None:
    """Check the parents: none may own itself through others; one that is not in the table is noted.

    An account that names itself as its parent has none: many systems write the head of a group so.
    """
    if "manager" in frame.columns and "manager_since" not in frame.columns:
        found.warn("There is no manager_since: the manager explains nothing that happened before today.")
    if "parent_id" not in frame.columns:
        return
    own = frame["parent_id"] == frame["customer_id"]
    if own.any():
        n = int(own.sum())
        one = N_("{n} account names itself as its parent and is taken to have none.")
        many = N_("{n} accounts name themselves as their parent and are taken to have none.")
        found.warnings.append(found.say.plural(one, many, n))
        frame.loc[own, "parent_id"] = None
    unknown = frame["parent_id"].notna() & ~frame["parent_id"].isin(frame["customer_id"])
    if unknown.any():
        found.warn(
            "parent_id is no account of the table in {rows}; the parent still makes a group.",
            rows=found.rows(unknown, frame["parent_id"]),
        )
    cycle = find_cycle(frame["customer_id"], frame["parent_id"])
    if cycle:
        path = [shorten(customer) for customer in cycle[:10]] + (["…"] if len(cycle) > 10 else []) + [shorten(cycle[0])]
        found.problem("Parents go round in a circle: {path}.", path=" → ".join(path))


def find_cycle(customers: pd.Series, parents: pd.Series) -> list[str]:
    """Customers that are their own ancestors, one circle of them in order; empty if there is none.

    >>> find_cycle(pd.Series(["a", "b", "c", "d"]), pd.Series(["b", "c", "a", "a"]))
    ['a', 'b', 'c']
    """
    unique = customers.drop_duplicates()
    known = pd.Index(unique)
    n = len(known)
    parent = known.get_indexer(pd.Index(parents.loc[unique.index]))
    root = np.append(np.where(parent < 0, n, parent), n)
    ancestor = root
    for _ in range(max(n, 1).bit_length()):  # each step doubles the distance: a chain of n ends at the root
        ancestor = ancestor[ancestor]
    caught = np.flatnonzero(ancestor[:n] < n)
    if caught.size == 0:
        return []
    start = int(ancestor[caught[0]])
    circle = [start]
    while (following := int(root[circle[-1]])) != start:
        circle.append(following)
    first = circle.index(min(circle))
    return [str(known[i]) for i in circle[first:] + circle[:first]]


def check_overrides(frame: pd.DataFrame, found: Findings) -> None:
    """Check that every tier is one, and that no override ends before it begins."""
    unknown = frame["tier"].notna() & ~frame["tier"].isin(["A", "B", "C"])
    if unknown.any():
        found.problem("tier is none of A, B and C in {rows}.", rows=found.rows(unknown, frame["tier"]))
    if "until" in frame.columns:
        early = frame["until"] < frame["set_on"]
        if early.any():
            found.problem("until is before set_on in {rows}.", rows=found.rows(early, frame["customer_id"]))
