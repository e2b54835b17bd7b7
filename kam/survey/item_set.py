"""What one set of questions says: its coefficients, and how each question goes with the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.errors import ModelError, UndefinedMeasureError
from kam.survey.alpha import (
    Covariances,
    alpha_gradient,
    cronbach_alpha,
    feldt_interval,
    interval_below_one,
    interval_of_correlation,
    interval_of_difference,
    item_total,
    mean_correlation,
    mean_correlation_gradient,
    standardized_alpha,
)
from kam.survey.omega import MIN_ITEMS, Estimator, OneFactor, fit_one_factor
from kam.wording import Wording

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Basis:
    """The covariances of a set, on complete or on pairwise answers, and the factor behind them (or why there is none)."""

    name: str
    covariances: Covariances
    factor: OneFactor | None
    why_no_factor: str


class ItemSet:
    """Everything about one set of questions, on complete and, where answers are missing, on pairwise answers.

    Parameters
    ----------
    theme : str
        Name of the set.
    values : pandas.DataFrame
        One row per respondent, one column per question of the set.
    account : numpy.ndarray of int
        Shape (respondents,): the account of each.
    texts : mapping of str to str
        The questions as they were asked.
    level, min_n, estimator, say
        As in :func:`kam.survey.reliability.reliability`.

    Attributes
    ----------
    known : list of Basis
        What could be measured, complete answers first.
    rows : list of dict
        Rows of ``coefficients``.
    """

    def __init__(
        self,
        theme: str,
        values: pd.DataFrame,
        account: Ints,
        texts: Mapping[str, str],
        *,
        level: float,
        min_n: int,
        estimator: Estimator,
        say: Wording,
    ) -> None:
        self.theme, self.members, self.texts = theme, [str(name) for name in values.columns], texts
        self.level, self.min_n, self.estimator, self.say = level, min_n, estimator, say
        self.known: list[Basis] = []
        self.rows: list[dict[str, object]] = []
        answers = values.to_numpy(dtype=np.float64)
        answered = ~np.isnan(answers)
        complete = answered.all(axis=1)
        self._measure("complete", answers[complete], account[complete])
        if not complete[answered.any(axis=1)].all():
            self._measure("pairwise", answers, account)

    def _row(self, basis: str, measure: str, **values: object) -> None:
        self.rows.append(
            {"theme": self.theme, "basis": basis, "measure": measure, "n_items": len(self.members), "method": "", "reason": ""}
            | values
        )  # fmt: skip

    def _measure(self, name: str, values: Floats, account: Ints) -> None:
        has = (~np.isnan(values)).astype(np.float64)
        n = int((has.T @ has).min()) if len(values) else 0
        reason = self._reason_against(name, values, has, n)
        accounts = int(np.unique(account[has.any(axis=1)]).size)
        if reason:
            measures = ("alpha", "standardized alpha", "mean correlation", "omega total")
            for measure in measures if len(self.members) > 1 else measures[:1]:
                self._row(name, measure, n_respondents=n, n_accounts=accounts, reason=reason)
            return
        covariances = Covariances.of(values, pd.factorize(account)[0].astype(np.int64))
        factor, why = self._fit(covariances)
        basis = Basis(name=name, covariances=covariances, factor=factor, why_no_factor=why)
        self.known.append(basis)
        self._add_coefficients(basis, {"n_respondents": n, "n_accounts": covariances.n_accounts})

    def _reason_against(self, name: str, values: Floats, has: Floats, n: int) -> str:
        say = self.say
        if len(self.members) < 2:
            return say.sentence("one question: there is no other to compare it with")
        if n < self.min_n:
            if name == "complete":
                return say.sentence(
                    "only {n} answered all {k} questions; {least} are needed",
                    n=say.count(n),
                    k=say.count(len(self.members)),
                    least=say.count(self.min_n),
                )
            together = has.T @ has
            first, second = np.unravel_index(int(together.argmin()), together.shape)
            return say.sentence(
                "only {n} answered both {first} and {second}; {least} are needed",
                n=say.count(n),
                first=self.members[int(first)],
                second=self.members[int(second)],
                least=say.count(self.min_n),
            )
        equal = np.nanmax(values, axis=0) == np.nanmin(values, axis=0)
        if equal.any():
            return say.sentence(
                "all of them gave the same answer to {item}", item=self.members[int(np.flatnonzero(equal)[0])]
            )
        if not np.isfinite(cronbach_alpha(Covariances.of(values, np.arange(len(values))).matrix)):
            return say.sentence("the sum of the questions does not vary: they cancel out")
        return ""

    def _fit(self, covariances: Covariances) -> tuple[OneFactor | None, str]:
        say = self.say
        if len(self.members) < MIN_ITEMS:
            return None, say.sentence("two questions have one correlation: too little for a factor")
        try:
            factor = fit_one_factor(covariances.correlations, estimator=self.estimator)
        except ModelError as error:
            return None, str(error)
        if factor.is_heywood:
            item = self.members[int(np.abs(factor.loadings).argmax())]
            return None, say.sentence(
                "the factor runs into one question, {item}, which would be without error (Heywood case)", item=item
            )
        if factor.correlations.sum() <= 0:
            return None, say.sentence("the sum of the questions does not vary: they cancel out")
        return factor, ""

    def _add_coefficients(self, basis: Basis, size: dict[str, object]) -> None:
        cov, k = basis.covariances, len(self.members)
        accounts, level = cov.n_accounts, self.level
        alpha = cronbach_alpha(cov.matrix)
        low, high = interval_below_one(alpha, cov.std_error(alpha_gradient(cov.matrix)), accounts, level)
        feldt = {}
        if basis.name == "complete":
            feldt = dict(
                zip(("feldt_low", "feldt_high"), feldt_interval(alpha, len(cov.values), k, level), strict=True)
            )
        self._row(basis.name, "alpha", method="covariances", estimate=alpha, ci_low=low, ci_high=high, **feldt, **size)
        mean_r = mean_correlation(cov.correlations)
        low, high = interval_of_correlation(
            mean_r, cov.std_error(cov.by_correlations(mean_correlation_gradient(k))), accounts, level
        )
        ends = [standardized_alpha(r, k) if 1 + (k - 1) * r > 0 else -np.inf for r in (mean_r, low, high)]
        if np.isfinite(ends).all():
            self._row(
                basis.name, "standardized alpha", method="correlations", estimate=ends[0], ci_low=ends[1], ci_high=ends[2],
                **size,
            )  # fmt: skip
        else:
            self._row(
                basis.name, "standardized alpha", **size, reason=self.say.sentence("the questions run against each other")
            )  # fmt: skip
        self._row(
            basis.name, "mean correlation", method="correlations", estimate=mean_r, ci_low=low, ci_high=high, **size
        )
        if basis.factor is None:
            self._row(basis.name, "omega total", method=self.estimator, reason=basis.why_no_factor, **size)
            return
        omega = basis.factor.omega if self.estimator == "minres" else basis.factor.omega_implied
        between: dict[str, object] = {}
        if self.estimator == "minres":
            error = cov.std_error(cov.by_correlations(basis.factor.gradient))
            between = dict(zip(("ci_low", "ci_high"), interval_below_one(omega, error, accounts, level), strict=True))
        self._row(
            basis.name, "omega total", method=self.say.sentence("one factor, {estimator}", estimator=self.estimator),
            estimate=omega, **between, **size,
        )  # fmt: skip

    def items(self) -> list[dict[str, object]]:
        """One row per question, on the first basis that is known."""
        if not self.known:
            return []
        basis, say = self.known[0], self.say
        cov, k = basis.covariances, len(self.members)
        alpha, slope = cronbach_alpha(cov.matrix), alpha_gradient(cov.matrix)
        rows = []
        for j, name in enumerate(self.members):
            answers = cov.values[:, j][~np.isnan(cov.values[:, j])]
            row: dict[str, object] = {
                "theme": self.theme, "item": name, "question": self.texts[name], "basis": basis.name,
                "n_respondents": len(answers), "answer_mean": float(answers.mean()), "answer_sd": float(answers.std(ddof=1)),
                "runs_against": False, "reason": "",
            }  # fmt: skip
            rows.append(row)
            try:
                r, gradient = item_total(cov.matrix, j)
            except UndefinedMeasureError as error:
                row["reason"] = error.what
                continue
            low, high = interval_of_correlation(r, cov.std_error(gradient), cov.n_accounts, self.level)
            row |= {"item_total": r, "ci_low": low, "ci_high": high}
            if basis.factor is not None:
                row["loading"] = float(basis.factor.loadings[j])
            if k > 2:
                row |= self._if_dropped(cov, j, alpha, slope)
            if r < 0:
                turn = np.ones(k)
                turn[j] = -1.0
                row |= {
                    "runs_against": True,
                    "alpha_if_turned": cronbach_alpha(cov.matrix * np.outer(turn, turn)),
                    "reason": say.sentence("runs against the others: is it reversed without being declared so?")
                    if high < 0
                    else say.sentence("runs against the others, perhaps by chance"),
                }
        return rows

    def _if_dropped(self, cov: Covariances, j: int, alpha: float, slope: Floats) -> dict[str, object]:
        rest = np.delete(np.arange(len(self.members)), j)
        without = cronbach_alpha(cov.matrix[np.ix_(rest, rest)])
        if not np.isfinite(without):
            return {}
        change = -slope
        change[np.ix_(rest, rest)] += alpha_gradient(cov.matrix[np.ix_(rest, rest)])
        low, high = interval_of_difference(without - alpha, cov.std_error(change), cov.n_accounts, self.level)
        return {
            "alpha_if_dropped": without,
            "alpha_change": without - alpha,
            "change_low": low,
            "change_high": high,
        }
