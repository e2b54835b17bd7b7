"""Two waves side by side: changes over all who answered and over accounts in both, and who was not there again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.survey.cells import measure_columns, scale_of, with_intervals
from kam.survey.design import Design, Each
from kam.survey.intervals import t_interval
from kam.survey.linearization import Linearizations, account_means, linearize, match_answers, variances
from kam.survey.overlap import covariance
from kam.survey.responses import Responses
from kam.survey.suppression import few_accounts, few_answers, first_reason, no_revenue
from kam.wording import N_, Wording

Floats = npt.NDArray[np.float64]

BASES = ("all who answered", "accounts in both")
STAYED, SILENT, NOT_ASKED, GONE = (
    N_("answered again"),
    N_("asked, no answer"),
    N_("not asked again"),
    N_("no answer again"),
)
_MEASURES = ("mean", "top two", "NPS")
_ENDS = ["std_error", "ci_low", "ci_high"]
_NONE = 1e-12


class WaveAnswers:
    """The answers of one wave as columns of measures, with their estimates, made once for all pairs.

    Attributes
    ----------
    design : Design
        Of the wave.
    specs : pandas.DataFrame
        One row per column: ``item, measure, level_3``, and ``kind, low, high`` as :func:`kam.survey.cells.with_intervals` wants.
    values : numpy.ndarray
        Shape (respondents, k).
    found : dict of str to Linearizations
        By what counts alike.
    variance : dict of str to numpy.ndarray
        Shape (k,) each.
    by_account : pandas.DataFrame
        Mean answer of each account that was drawn, k columns; missing where nobody answered.
    """

    def __init__(self, responses: Responses, design: Design, questions: Sequence[str], each: Sequence[Each]) -> None:
        rows = match_answers(responses, design)
        specs, columns = [], []
        for item in questions:
            answers = rows[item].to_numpy(dtype=np.float64)
            for measure, reading, kind, values in measure_columns(responses, item, answers):
                if measure in _MEASURES:
                    specs.append((item, measure, reading, kind, *scale_of(responses, item)))
                    columns.append(values)
        self.design = design
        self.specs = pd.DataFrame(specs, columns=["item", "measure", "level_3", "kind", "low", "high"])
        self.values = np.column_stack(columns)
        self.found: dict[str, Linearizations] = {way: linearize(design, self.values, each=way) for way in each}
        self.variance: dict[str, Floats] = {way: variances(design, found) for way, found in self.found.items()}
        self.by_account = pd.DataFrame(account_means(design, self.values), index=design.units["customer_id"])


def compare_pair(
    say: Wording,
    first: WaveAnswers,
    second: WaveAnswers,
    each: Sequence[Each],
    *,
    has_accounts: bool,
    min_n: int,
    level: float,
) -> pd.DataFrame:
    """Changes from one wave to another, over all who answered and over the accounts in both.

    Returns
    -------
    pandas.DataFrame
        One row per column of the waves, who is compared and way to count: what :class:`kam.survey.WavesResult` has in
        ``changes``, but the waves.
    """
    n_both = _n_both(first, second) if has_accounts else None
    parts = []
    for way in each:
        parts.append(_full(say, first, second, way, n_both, has_accounts, min_n, level))
        if way != "respondent" or not has_accounts:
            parts.append(_matched(say, first, second, way, n_both, min_n, level))
    return pd.concat(parts, ignore_index=True)


def describe_dropouts(
    say: Wording, first: WaveAnswers, second: WaveAnswers, each: Each, *, min_n: int, level: float
) -> pd.DataFrame:
    """What those said in the first wave who answered in the second, and those who did not, and by how much they differ.

    Returns
    -------
    pandas.DataFrame
        One row per group and column: what :class:`kam.survey.WavesResult` has in ``dropouts``, but the waves.
    """
    group = _after(first, second)
    of_answer = group[first.design.unit_of]
    names = [name for name in (STAYED, SILENT, NOT_ASKED, GONE) if (group == name).any()]
    k = first.values.shape[1]
    inside = [np.where((of_answer == name)[:, None], first.values, np.nan) for name in names]
    if not inside:
        return pd.DataFrame()
    found = linearize(first.design, np.column_stack(inside), each=each)
    variance = variances(first.design, found)
    table = pd.concat([first.specs.assign(group_name=name, each=each) for name in names], ignore_index=True)
    table = with_intervals(table, found, variance, level)
    gap = np.full((3, len(table)), np.nan)
    if names[0] == STAYED:
        for start in range(k, len(table), k):
            at = slice(start, start + k)
            between = first.design.variance_of(
                np.nan_to_num(found.scores[:, at] - found.scores[:, :k]),
                np.nan_to_num(found.within[:, at] + found.within[:, :k]),
            )
            difference = found.estimate[at] - found.estimate[:k]
            ends = t_interval(difference, between, df=np.minimum(found.df[at], found.df[:k]), level=level)
            told = (np.minimum(found.n_accounts[at], found.n_accounts[:k]) >= min_n) & (between > _NONE)
            gap[:, at] = np.where(told, np.array([difference, *ends]) * _unit(first.specs), np.nan)
    few = found.n_accounts < min_n
    numbers = ["estimate", *_ENDS, "gap", "gap_low", "gap_high"]
    table = table.assign(**dict(zip(numbers[4:], gap, strict=True)))
    alone = table["ci_low"].isna().to_numpy()
    table["why"] = first_reason([(few, few_accounts(say, min_n)), (alone, _alike(say))])
    table.loc[few, numbers] = np.nan
    return table.drop(columns=["kind", "low", "high"])


# -- inside ----------------------------------------------------------------------------------------------------------


def _n_both(first: WaveAnswers, second: WaveAnswers) -> npt.NDArray[np.int64]:
    """Accounts with an answer in both waves; shape (k,)."""
    shared = first.by_account.index.intersection(second.by_account.index)
    both = first.by_account.loc[shared].notna() & second.by_account.loc[shared].notna()
    return both.sum().to_numpy(dtype=np.int64)


def _full(
    say: Wording,
    first: WaveAnswers,
    second: WaveAnswers,
    way: Each,
    n_both: npt.NDArray[np.int64] | None,
    has_accounts: bool,
    min_n: int,
    level: float,
) -> pd.DataFrame:
    a, b = first.found[way], second.found[way]
    v, w = first.variance[way], second.variance[way]
    cov = np.zeros(len(v))
    if has_accounts:
        cov = covariance(first.design, second.design, np.nan_to_num(a.scores), np.nan_to_num(b.scores))
        cov = np.clip(cov, -np.sqrt(v * w), np.sqrt(v * w))
    variance = np.maximum(v + w - 2 * cov, 0.0)
    df = np.minimum(a.df, b.df)
    change = b.estimate - a.estimate
    low, high = t_interval(change, variance, df=df, level=level)
    n_least = np.minimum(a.n_accounts, b.n_accounts)
    few = n_least < min_n
    exact = (v <= _NONE) & (w <= _NONE)
    rows = first.specs.assign(
        compared=BASES[0],
        each=way,
        estimate_from=a.estimate,
        estimate_to=b.estimate,
        estimate=change,
        std_error=np.sqrt(variance),
        ci_low=low,
        ci_high=high,
        df=df,
        error_correlation=np.where(v * w > 0, cov / np.sqrt(np.where(v * w > 0, v * w, 1.0)), np.nan)
        if has_accounts
        else 0.0,
        n_accounts_from=a.n_accounts,
        n_accounts_to=b.n_accounts,
        n_both=np.nan if n_both is None else n_both,
        why=first_reason(
            [
                (n_least == 0, say.sentence("nobody answered in one of the waves")),
                (few, (few_accounts if has_accounts else few_answers)(say, min_n)),
                (np.isnan(change), no_revenue(say)),
                (exact, _alike(say)),
            ]
        ),
    )
    return _finish(rows, ["estimate_from", "estimate_to", "estimate", *_ENDS], few | np.isnan(change), exact)


def _matched(
    say: Wording,
    first: WaveAnswers,
    second: WaveAnswers,
    way: Each,
    n_both: npt.NDArray[np.int64] | None,
    min_n: int,
    level: float,
) -> pd.DataFrame:
    """The mean change of the accounts in both: plain, or by revenue; these accounts alone, not weighed."""
    n_from, n_to = first.found[way].n_accounts, second.found[way].n_accounts
    rows = first.specs.assign(
        compared=BASES[1], each=way, n_accounts_from=n_from, n_accounts_to=n_to, error_correlation=np.nan
    )
    numbers = ["estimate_from", "estimate_to", "estimate", *_ENDS]
    if n_both is None:
        return rows.assign(
            **dict.fromkeys(numbers, np.nan), df=0, n_both=np.nan, why=say.sentence("the accounts are not known")
        )
    shared = first.by_account.index.intersection(second.by_account.index)
    before, after = first.by_account.loc[shared].to_numpy(), second.by_account.loc[shared].to_numpy()
    w = np.ones((len(shared), 1))  # these accounts alone: survey weights, which speak for others, have no part in it
    if way == "revenue":
        revenue = second.design.units.set_index("customer_id")["revenue"].loc[shared]
        w = np.maximum(revenue.fillna(0.0).to_numpy(dtype=np.float64), 0.0)[:, None]
    w = w * ~(np.isnan(before) | np.isnan(after))
    total = np.where(w.sum(axis=0) > 0, w.sum(axis=0), np.nan)
    means = [(w * np.nan_to_num(values)).sum(axis=0) / total for values in (before, after)]
    change = means[1] - means[0]
    deviation = np.nan_to_num(after - before) - change
    n = (w > 0).sum(axis=0)
    variance = ((w * deviation) ** 2).sum(axis=0) / total**2 * n / np.maximum(n - 1, 1)
    low, high = t_interval(change, variance, df=np.maximum(n - 1, 1), level=level)
    few, alike = n_both < min_n, ~(variance > _NONE)
    reasons = [(few, few_accounts(say, min_n)), (np.isnan(change), no_revenue(say)), (alike, _alike(say))]
    rows = rows.assign(
        estimate_from=means[0], estimate_to=means[1], estimate=change, std_error=np.sqrt(variance), ci_low=low, ci_high=high,
        df=np.maximum(n - 1, 0), n_both=n_both, why=first_reason(reasons),
    )  # fmt: skip
    return _finish(rows, numbers, few | np.isnan(change), alike)


def _finish(
    rows: pd.DataFrame, numbers: list[str], hidden: npt.NDArray[np.bool_], no_interval: npt.NDArray[np.bool_]
) -> pd.DataFrame:
    """In the unit of the measure, without what is not given."""
    rows = rows.astype(dict.fromkeys(numbers, "float64"))
    rows[numbers] = rows[numbers].mul(_unit(rows), axis=0)
    rows.loc[hidden, numbers] = np.nan
    rows.loc[no_interval, _ENDS] = np.nan
    return rows.drop(columns=["kind", "low", "high"])


def _unit(specs: pd.DataFrame) -> Floats:
    return np.where(specs["kind"] == "nps", 100.0, 1.0)


def _after(first: WaveAnswers, second: WaveAnswers) -> npt.NDArray[np.object_]:
    """What became of each unit of the first wave in the second; shape (units,)."""
    later = second.design.units.set_index("customer_id")["answered"]
    drawn_is_known = not second.design.units["answered"].all()
    there = first.design.units["customer_id"].map(later)
    answered = there.eq(True).to_numpy()
    silent = there.eq(False).to_numpy()
    return np.where(answered, STAYED, np.where(silent, SILENT, NOT_ASKED if drawn_is_known else GONE)).astype(object)


def _alike(say: Wording) -> str:
    return say.sentence("all are alike: no interval")
