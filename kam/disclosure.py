"""What a report may tell of people, by who reads it.

A report is *internal*, or *shared*: then nobody is named and nothing is shown that fewer than :data:`FEWEST` people said, not
even by way of a difference: what is kept back of a whole that is shown is always what nobody, or at least so many, said.

>>> withhold([40, 12, 3, 7])
[False, False, True, True]
>>> withhold([40, 12, 7]), withhold([40, 12], of=54)
([False, False, False], [False, True])
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    import pandas as pd

    from kam.wording import Wording

Audience = Literal["internal", "shared"]
AUDIENCES: tuple[Audience, ...] = get_args(Audience)

FEWEST = 5
"""People. Of two or three, each could work out what the others said; five is what surveys of small groups mostly ask for."""

PERSONS = ("respondent_id", "contact_id", "person")
"""A frame with one of these columns has a row for each person."""

WITHHELD = "withheld"
"""Key in the ``attrs`` of a frame that was emptied; the value says why."""

_REASONS = ("why", "reason")


@dataclass(frozen=True, kw_only=True)
class RestsOn:
    """What people said in a frame, and how many of them.

    Attributes
    ----------
    people : tuple of str
        Columns that count people, or accounts of which at least one person answered, in a row: each must reach
        :data:`FEWEST`, else the row's figures are kept back.
    parts : str
        Column whose values split a whole, all other texts of a row being equal; empty: rows are not parts of a whole.
    whole : (str, str)
        Column and value that mark the row of the whole; empty: it is not in the frame.
    contrasts : tuple of str
        Values of `parts` that are no parts but differences between them, and go where a part does.
    both : (str, str, str)
        Column that counts who is in each of the wholes that `people` count, and column and value that mark the rows about them:
        neither they, nor who is in one of the wholes only, may be too few.
    labels : tuple of str
        Columns of numbers that say what a row is about.
    """

    people: tuple[str, ...]
    parts: str = ""
    whole: tuple[str, str] | None = None
    contrasts: tuple[str, ...] = ()
    both: tuple[str, str, str] | None = None
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class OneByOne:
    """A frame in which each row, or these columns of it, may tell what a single person said."""

    columns: tuple[str, ...] = ()


AS_IT_IS = None
"""In the place of a :class:`RestsOn`: it tells nothing that anybody said, or only what all of a wave said together; a shared
dataset has no wave or question with fewer than :data:`FEWEST` answers."""


def withhold(counts: Sequence[int], *, of: int | None = None) -> list[bool]:
    """Which parts of a whole are kept back, so that neither they nor what is left of the whole tell what too few said.

    Parameters
    ----------
    counts : sequence of int
        People in each part; nobody is in two.
    of : int, optional
        People in the whole; by default in all parts together.
    """
    hidden = [n < FEWEST for n in counts]
    whole = sum(counts) if of is None else of
    while 0 < whole - sum(n for n, gone in zip(counts, hidden, strict=True) if not gone) < FEWEST:
        shown = [i for i, gone in enumerate(hidden) if not gone]
        if not shown:
            break
        hidden[min(shown, key=lambda i: counts[i])] = True
    return hidden


def protect_frame(frame: pd.DataFrame, rests_on: RestsOn | OneByOne | None, say: Wording) -> pd.DataFrame:
    """The frame as a shared report may show it; the same object where nothing is kept back.

    Parameters
    ----------
    frame : pandas.DataFrame
        Of a result; it is not changed.
    rests_on : RestsOn, OneByOne or None
        What people said in it; None: nothing.
    say : Wording
        Language of the reasons.
    """
    if isinstance(rests_on, OneByOne) and rests_on.columns:
        return frame.drop(columns=list(rests_on.columns), errors="ignore")
    if isinstance(rests_on, OneByOne) or set(PERSONS) & set(frame.columns):
        emptied = frame.iloc[:0].copy()
        emptied.attrs[WITHHELD] = say.sentence("Each row would be about one person: not in a shared report.")
        return emptied
    return frame if rests_on is None else _protect_rows(frame, rests_on, say)


def _protect_rows(frame: pd.DataFrame, rests_on: RestsOn, say: Wording) -> pd.DataFrame:
    counts = frame[list(rests_on.people)].min(axis=1).fillna(0).astype("int64")
    figures = [
        str(name)
        for name, column in frame.items()
        if column.dtype.kind == "f" and name not in rests_on.labels and not str(name).startswith("n_")
    ]
    missing = frame[figures].isna().all(axis=1)
    few = counts < FEWEST
    beside = _find_differences(frame, counts.mask(missing, 0), counts, rests_on) & ~few
    if not ((few | beside) & ~missing).any():
        return frame
    kept = frame.copy()
    kept.loc[few | beside, figures] = float("nan")
    reason = next((name for name in _REASONS if name in kept.columns), None)
    if reason:
        n = say.count(FEWEST)
        kept.loc[few & ~missing, reason] = say.sentence("fewer than {n} people answered", n=n)
        kept.loc[beside & ~missing, reason] = say.sentence(
            "it would tell, by a difference, what fewer than {n} people answered", n=n
        )
    return kept


def _find_differences(frame: pd.DataFrame, shown: pd.Series, counts: pd.Series, rests_on: RestsOn) -> pd.Series:
    """Rows from which, with others, it would follow what too few said.

    Parameters
    ----------
    frame : pandas.DataFrame
    shown, counts : pandas.Series of int
        People in each row, in `shown` 0 where its figures are missing already.
    rests_on : RestsOn
    """
    found = counts < 0  # nowhere
    if rests_on.both is not None:
        both, column, value = rests_on.both
        rows = frame[frame[column] == value]
        left = [rows[name] - rows[both] for name in rests_on.people]
        for number in (rows[both], *left):
            found[rows.index] |= (number > 0) & (number < FEWEST)
    if not rests_on.parts:
        return found
    texts = [
        str(name)
        for name, column in frame.items()
        if name not in (rests_on.parts, *_REASONS) and column.dtype.kind not in "fiu"
    ]
    marks = [name for name in texts if rests_on.whole is None or name != rests_on.whole[0]]
    wholes: dict[tuple[object, ...], int] = {}
    if rests_on.whole is not None:
        whole = frame[frame[rests_on.whole[0]] == rests_on.whole[1]]
        wholes = dict(zip(whole[marks].itertuples(index=False, name=None), counts[whole.index].tolist(), strict=True))
    contrast = frame[rests_on.parts].isin(rests_on.contrasts)
    alike = frame.groupby(texts, dropna=False, sort=False).ngroup() if texts else counts * 0
    groups = alike.groupby(alike).groups.values()
    for places in groups:
        parts = places[~contrast[places].to_numpy()]
        mark = next(frame.loc[places[:1], marks].itertuples(index=False, name=None))
        of = max(int(counts[parts].sum()), wholes.get(mark, 0))
        hidden = withhold(shown[parts].tolist(), of=of)
        gone = [part for part, hide in zip(parts, hidden, strict=True) if hide]
        found.loc[gone] = True
        found.loc[places[contrast[places].to_numpy()]] = bool(gone)
    return found
