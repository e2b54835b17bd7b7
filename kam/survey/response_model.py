"""How likely each account that was drawn was to answer, by what was known of it before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit

from kam.errors import LeakageError, MissingColumnError
from kam.survey.frame import AFTER, levels_of

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Method = Literal["propensity", "classes", "none"]

PER_ESTIMATE = 10
"""Accounts that answered (or, if fewer, that did not) per estimate of the response model."""
MIN_MISSING = 0.05
"""Share of missing values from which "not known" is a term of its own."""
MIN_LEVEL = 8
"""Accounts drawn in a level, below which it joins "other"."""
MOST_LEVELS = 20
FIFTHS = 5
_PRIOR_SD = 2.5
_LOGS = {
    "revenue": "log_revenue",
    "days_since_last_order": "log_recency",
    "n_days_year": "log_n_days",
    "tenure_days": "log_tenure",
}
_ORDER = (
    "stratum", "revenue", "days_since_last_order", "region", "n_days_year", "tenure_days", "share_late", "n_complaints",
    "industry",
)  # fmt: skip
_NO_TERMS = (
    "wave", "customer_id", "drawn", "answered", "n_population", "probability", "certainty", "status", "in_ledger", "n_people",
    *AFTER,
)  # fmt: skip


@dataclass(frozen=True, eq=False, kw_only=True)
class Term:
    """What an account is described by: a number, or the levels of a text.

    Attributes
    ----------
    name : str
        Such as ``log_revenue`` or ``region``.
    levels : tuple of str
        One per column; "" for a number.
    columns : numpy.ndarray
        Shape (accounts, columns); no value is missing. Of the levels, the most common has no column.
    everything : numpy.ndarray
        The same with a column for each level, in ``all_levels``.
    """

    name: str
    levels: tuple[str, ...]
    columns: Floats
    all_levels: tuple[str, ...]
    everything: Floats


@dataclass(frozen=True, eq=False, kw_only=True)
class ResponseModel:
    """Response probabilities of the accounts drawn in a wave.

    Attributes
    ----------
    p : numpy.ndarray
        Shape (drawn,).
    terms : numpy.ndarray or None
        Shape (drawn, q): what they were estimated from; None: everybody answered, or response is not modelled.
    names : list of (str, str)
        Term and level of each column.
    classes : numpy.ndarray of str
        Shape (drawn,): response class; for propensities, the fifth.
    estimates, errors : numpy.ndarray
        Log-odds per standard deviation of a column, with standard errors; empty for classes.
    shrunk : bool
        The estimates ran off, and were shrunk by a prior.
    without : tuple of str
        Terms for which there were too few answers.
    merged : tuple of str
        Classes with too few answers that were joined.
    """

    p: Floats
    terms: Floats | None
    names: list[tuple[str, str]]
    classes: npt.NDArray[np.object_]
    estimates: Floats
    errors: Floats
    shrunk: bool = False
    without: tuple[str, ...] = ()
    merged: tuple[str, ...] = ()


def describe_accounts(drawn: pd.DataFrame, terms: Sequence[str] | None = None) -> list[Term]:
    """Terms of the accounts drawn that are not constant, the most telling first.

    Money, days and purchase days enter as logarithms of one more; where 5 % or more of a number are missing, "not known" is a
    column of its own and the mean stands in the number; levels with fewer than 8 accounts are "other".

    Raises
    ------
    MissingColumnError
        There is no such column.
    LeakageError
        A term lies after the answers.
    """
    if terms is None:
        text = [c for c in drawn.columns if c not in _NO_TERMS and not pd.api.types.is_numeric_dtype(drawn[c])]
        names = [c for c in _ORDER if c in drawn.columns] + [c for c in text if c not in _ORDER]
    else:
        names = list(terms)
        _check_terms(names, drawn)
    found = [_describe(drawn[name], name) for name in names if drawn[name].notna().any()]
    return [term for term in found if term is not None]


def fit_response(
    drawn: pd.DataFrame, base: Floats, method: Method, terms: Sequence[str] | None, min_class: int
) -> ResponseModel:
    """Estimate the response probabilities of the accounts drawn in a wave.

    Parameters
    ----------
    drawn : pandas.DataFrame
        Rows of the frame that were drawn.
    base : numpy.ndarray
        Shape (drawn,): design weights.
    method : {"propensity", "classes", "none"}
        A logit; classes; or one class.
    terms : sequence of str or None
        Columns of the frame.
    min_class : int
        Answers per class.
    """
    answered = drawn["answered"].to_numpy(dtype=bool)
    if answered.all():
        nothing = np.array(["everybody answered"] * len(drawn), dtype=object)
        return ResponseModel(
            p=np.ones(len(drawn)), terms=None, names=[], classes=nothing, estimates=np.empty(0), errors=np.empty(0)
        )
    if method == "none":
        return _by_class(np.array(["all"] * len(drawn), dtype=object), base, answered, min_class)
    described = describe_accounts(drawn, terms)
    if method == "classes" and terms is not None:
        return _by_class(_cross(drawn, described), base, answered, min_class)
    if method == "classes" and all(term.name == "stratum" for term in described):
        return _by_class(order_strata(drawn["stratum"].reset_index(drop=True), base), base, answered, min_class)
    model = _by_logit(described, base, answered)
    if method == "classes":
        return _by_class(model.classes, base, answered, min_class)
    return model


def join_small(names: npt.NDArray[np.object_], counts: Flags, least: int) -> tuple[npt.NDArray[np.object_], list[str]]:
    """Join classes with fewer than ``least`` counted to the smaller neighbor in order of their names; and which were joined."""
    groups = [[name] for name in sorted(set(names))]
    number = {name: int(counts[names == name].sum()) for name in set(names)}
    while len(groups) > 1:
        sizes = [sum(number[name] for name in group) for group in groups]
        i = int(np.argmin(sizes))
        if sizes[i] >= least:
            break
        near = [j for j in (i - 1, i + 1) if 0 <= j < len(groups)]
        j = min(near, key=lambda place: sizes[place])
        low, high = min(i, j), max(i, j)
        groups[low : high + 1] = [groups[low] + groups[high]]
    label = {name: " + ".join(_plain(name) for name in group) for group in groups for name in group}
    joined = [" + ".join(_plain(name) for name in group) for group in groups if len(group) > 1]
    return np.array([label[name] for name in names], dtype=object), joined


def order_strata(stratum: pd.Series, base: Floats) -> npt.NDArray[np.object_]:
    """Names of strata that sort by their mean design weight; :func:`join_small` shows them without the order."""
    mean = pd.Series(base, index=stratum.index).groupby(stratum).mean().to_dict()
    place = {name: i for i, name in enumerate(sorted(mean, key=lambda name: (mean[name], name)))}
    return np.array([f"{place[name]:06d}|{name}" for name in stratum], dtype=object)


# -- inside ----------------------------------------------------------------------------------------------------------


def _plain(name: str) -> str:
    return name.split("|", 1)[1] if name[:6].isdigit() and name[6:7] == "|" else name


def _check_terms(names: Sequence[str], drawn: pd.DataFrame) -> None:
    for name in names:
        if name in AFTER:
            raise LeakageError(
                f"The term {name!r} lies after the answers.",
                where="terms",
                hint="Take what was known before the wave.",
            )
        if name not in drawn.columns:
            raise MissingColumnError(
                f"There is no column {name!r} in the frame.",
                where="terms",
                hint=f"There are {', '.join(c for c in drawn.columns if c not in _NO_TERMS)}.",
            )


def _describe(values: pd.Series, name: str) -> Term | None:
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        x = values.astype("float64").to_numpy()
        x = np.log1p(np.maximum(x, 0.0)) if name in _LOGS else x
        missing = np.isnan(x)
        x = np.where(missing, x[~missing].mean(), x)
        columns, levels = [x], [""]
        if MIN_MISSING <= missing.mean() <= 1 - MIN_MISSING:
            columns.append(missing.astype(np.float64))
            levels.append("not known")
        kept = [i for i, column in enumerate(columns) if column.std() > 1e-9]
        if not kept:
            return None
        table: Floats = np.column_stack([columns[i] for i in kept]).astype(np.float64)
        named = tuple(levels[i] for i in kept)
        return Term(name=_LOGS.get(name, name), levels=named, columns=table, all_levels=named, everything=table)
    texts = levels_of(values)
    counts = texts.value_counts()
    rare = counts.index[counts < MIN_LEVEL]
    if name != "stratum" and len(rare):
        texts = texts.mask(texts.isin(rare), "other")
        counts = texts.value_counts()
    if len(counts) < 2 or len(counts) > MOST_LEVELS:
        return None
    every = tuple(sorted(counts.index))
    table = np.column_stack([(texts == level).to_numpy(dtype=np.float64) for level in every]).astype(np.float64)
    most = every.index(counts.index[0])
    rest = [i for i in range(len(every)) if i != most]
    return Term(
        name=name,
        levels=tuple(every[i] for i in rest),
        columns=table[:, rest],
        all_levels=every,
        everything=table,
    )


def _cross(drawn: pd.DataFrame, described: Sequence[Term]) -> npt.NDArray[np.object_]:
    """Classes by the levels of several terms; numbers by thirds."""
    parts = []
    for term in described:
        if term.all_levels[0] == "":
            rank = pd.Series(term.columns[:, 0]).rank(pct=True, method="max").to_numpy()
            third = np.minimum(np.ceil(3 * rank - 1e-9), 3).astype(int)
            parts.append([f"{term.name} {i} of 3" for i in third])
        else:
            parts.append([term.all_levels[i] for i in term.everything.argmax(axis=1)])
    return np.array([", ".join(names) for names in zip(*parts, strict=True)] or ["all"] * len(drawn), dtype=object)


def _by_class(names: npt.NDArray[np.object_], base: Floats, answered: Flags, least: int) -> ResponseModel:
    classes, merged = join_small(names, answered, least)
    labels, of = np.unique(classes.astype(str), return_inverse=True)
    p = np.bincount(of, base * answered) / np.bincount(of, base)
    return ResponseModel(
        p=p[of],
        terms=(of[:, None] == np.arange(len(labels))).astype(np.float64),
        names=[("class", str(label)) for label in labels],
        classes=classes,
        estimates=np.empty(0),
        errors=np.empty(0),
        merged=tuple(merged),
    )


def _by_logit(described: Sequence[Term], base: Floats, answered: Flags) -> ResponseModel:
    room = min(int(answered.sum()), int((~answered).sum())) // PER_ESTIMATE - 1
    columns, names, without = [np.ones(len(base))], [("intercept", "")], []
    for term in described:
        new = [_standardized(column) for column in term.columns.T]
        together = np.column_stack([*columns, *new])
        if np.linalg.matrix_rank(together) < together.shape[1]:
            kept = [i for i in range(len(new)) if _adds(columns, new, i)]
            new, levels = [new[i] for i in kept], [term.levels[i] for i in kept]
        else:
            levels = list(term.levels)
        if len(columns) - 1 + len(new) > room:
            without.append(term.name)
            continue
        columns += new
        names += [(term.name, level) for level in levels]
    x = np.column_stack(columns)
    d, r = base / base.mean(), answered.astype(np.float64)
    beta, settled = _logit(x, r, d, 1e-8)
    shrunk = not settled or bool(np.abs(beta[1:]).max(initial=0.0) > 8)
    if shrunk:
        beta, _ = _logit(x, r, d, 1 / _PRIOR_SD**2)
    p = expit(x @ beta)
    bread = np.linalg.pinv((x * (d * p * (1 - p))[:, None]).T @ x)
    meat = (x * ((d * (r - p)) ** 2)[:, None]).T @ x
    place = np.argsort(np.argsort(p, kind="stable"), kind="stable")
    fifth = (place * FIFTHS) // len(p) + 1
    return ResponseModel(
        p=p,
        terms=x,
        names=names,
        classes=np.array([f"{i} of {FIFTHS}" for i in fifth], dtype=object),
        estimates=beta,
        errors=np.sqrt(np.maximum(np.diag(bread @ meat @ bread), 0.0)),
        shrunk=shrunk,
        without=tuple(without),
    )


def _standardized(column: Floats) -> Floats:
    return np.asarray((column - column.mean()) / column.std())


def _adds(columns: list[Floats], new: list[Floats], i: int) -> bool:
    before = np.column_stack([*columns, *new[:i]])
    return bool(np.linalg.matrix_rank(np.column_stack([before, new[i]])) > np.linalg.matrix_rank(before))


def _logit(x: Floats, r: Floats, d: Floats, penalty: float) -> tuple[Floats, bool]:
    """Logit with weights d and a normal prior on all but the intercept, by Newton's method with halved steps; whether it settled.

    Σ d (r − p) x − penalty β = 0.
    """
    ridge = np.full(x.shape[1], penalty)
    ridge[0] = 0.0
    beta = np.zeros(x.shape[1])
    share = float((d * r).sum() / d.sum())
    beta[0] = np.log(share / (1 - share))

    def loss(b: Floats) -> float:
        eta = x @ b
        return float((d * (np.logaddexp(0.0, eta) - r * eta)).sum() + 0.5 * (ridge * b**2).sum())

    now = loss(beta)
    for _ in range(50):
        p = expit(x @ beta)
        slope = x.T @ (d * (r - p)) - ridge * beta
        step = np.linalg.lstsq((x * (d * p * (1 - p))[:, None]).T @ x + np.diag(ridge), slope, rcond=None)[0]
        if float(slope @ step) < 1e-10:
            return beta, True
        for halving in range(12):
            tried = beta + step * 0.5**halving
            then = loss(tried)
            if then <= now:
                break
        else:
            return beta, True
        beta, now = tried, then
    return beta, False
