"""Chains of many kinds for figures, and what is read off a figure."""

import matplotlib as mpl
import numpy as np
import pandas as pd

from kam.churn.markov import fit_markov_churn
from kam.results import Context
from kam.samples import simulate_chain

ABC = ["A", "B", "C", "lost"]
P_ABC = [[0.90, 0.07, 0.01, 0.02], [0.10, 0.78, 0.07, 0.05], [0, 0.14, 0.66, 0.20], [0, 0.02, 0.08, 0.90]]
LONG = [
    "value class A, bought this quarter",
    "value class A, silent",
    "Großkundenbetreuungsvertragspartnerschaft",
    "potential loyalists",
    "need attention",
    "_$hop $ale$ <b>",
    "hibernating",
    "lost",
]
KOREAN = ["대형 고객사", "핵심 거래처", "성장 가능", "신규 고객", "유망 거래처", "주의 필요", "휴면 상태", "이탈"]
CHINESE = ["重点客户", "普通客户", "小客户", "流失"]
JAPANESE = ["大口の取引先", "休眠中の取引先"]


def simulated(names, p, *, n_customers=250, n_months=24, seed=1):
    """A panel of a known chain in which a third of the customers come later and a tenth are no longer seen at the end."""
    transitions = pd.DataFrame(p, index=names, columns=names)
    amounts = {name: float(i == 0) * 100 for i, name in enumerate(names)}
    _, panel = simulate_chain(transitions, amounts, seed=seed, n_customers=n_customers, n_months=n_months)
    panel = panel.rename(columns={"month": "period"})
    number, month = panel["customer_id"].astype(int), panel.groupby("customer_id").cumcount()
    seen = (month >= (number % 3 == 0) * (number % (n_months // 2))) & ~(
        (number % 10 == 1) & (month > number % n_months)
    )
    return panel[seen].reset_index(drop=True)


def ladder(n):
    """Neighbors are reached, the last state is the end of each, the later the more often."""
    p = np.zeros((n, n))
    for i in range(n - 1):
        for j in range(n - 1):
            p[i, j] = 0.08 * (abs(i - j) == 1)
        p[i, -1] = 0.01 + 0.02 * i
    p[-1, -1], p[-1, -2] = 0.9, 0.1
    np.fill_diagonal(p, 0)
    p[-1, -1] = 0.9
    return p + np.diag(1 - p.sum(axis=1))


def fitted(panel, names, *, lost="last", language="en", **settings):
    return fit_markov_churn(
        panel,
        states=names,
        absorbing=names[-1] if lost == "last" else lost,
        n_resamples=40,
        context=Context(dataset="test", currency=None, language=language),
        **settings,
    )


def counts(rows):
    return pd.DataFrame(rows, columns=["from_state", "to_state", "n_transitions"])


def of_counts(rows, names, **settings):
    return fitted(counts(rows), names, **settings)


def title_of(ax):
    return ax.get_title(loc="left").replace("\n", " ")


def texts_of(ax):
    return [text.get_text().replace("\n", " ") for text in ax.texts]


def ticks_of(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def moves_of(panel):
    """Where each customer was in one month and in the next; missing: not seen."""
    after = panel.assign(period=panel["period"] - pd.DateOffset(months=1))
    return panel.merge(after, on=["customer_id", "period"], how="outer", suffixes=("", "_next"))


def columns_of(ax, n):
    """Height and base of the columns of each color, shape (2, n); NaN as the base of one that is not there."""
    found = []
    for collection in ax.collections:
        if isinstance(collection, mpl.collections.PolyCollection):
            columns = np.array([np.zeros(n), np.full(n, np.nan)])
            for path in collection.get_paths():
                (left, base), (_, end), (right, _) = path.vertices[:3]
                columns[:, round((left + right) / 2)] = end - base, base
            found.append(columns)
    return found
