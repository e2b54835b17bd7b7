"""Who was drawn, who answered, and what that does to the error of an estimate.

Answering is a second phase of sampling. An estimate Σ w e over those who answered, with design weights d, response
probabilities p estimated from facts x, and final weights w, has the error of the total of

    u = w r (e − b) + d b,     b = p x'γ,   γ = (Σ d p (1 − p) x x')⁻¹ Σ r w e (1 − p) x

over **all who were drawn** (r: answered or not). Its variance has two parts: that of drawing, to which the finite population
correction f = n / N applies, and that of answering, to which it never does:

    V = Σ_h [(1 − f_h) v_h(u)] + Σ f w² (1 − p) (e − b)² over those who answered (+ f times the variance within accounts).

In a stratum that was drawn whole (f = 1) all of the error is that of answering. Where response is modeled, residuals e − b
are too small, since the weights were fitted to those who answered: each is divided by the root of the share of its variance
that the fit left (:meth:`Design._kept`), as Valliant (2002), Survey Methodology 28, does for regression estimators. Where it
is not, variances are those of R's survey: post-stratified clusters of the api data 642.31 (23.920).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.errors import DataError, EmptyDataError, MissingColumnError, ParameterError
from kam.survey.responses import Responses
from kam.survey.taylor import total_variance

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Each = Literal["account", "respondent", "revenue"]
EACH: tuple[Each, ...] = ("account", "revenue", "respondent")
"""What counts alike: each account, each unit of an account's revenue, each respondent."""
_LEAST_KEPT = 0.25


@dataclass(frozen=True, eq=False, kw_only=True)
class Linearized:
    """An estimate with its scores.

    Attributes
    ----------
    estimate : float
        The estimate.
    scores : numpy.ndarray
        Shape (units of the design,): the derivative of the estimate by the weight of each unit; 0 for who did not answer.
    within : numpy.ndarray
        Shape (units,): variance of each unit's score from having asked only some of its people.
    n_respondents, n_accounts : int
        Answers, and accounts with one, behind it.
    n_effective : float
        Kish: (Σ weights)² / Σ weights² over the accounts.
    """

    estimate: float
    scores: Floats
    within: Floats
    n_respondents: int
    n_accounts: int
    n_effective: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Design:
    """The design of one wave: what a variance needs to know about who was drawn and who answered.

    Attributes
    ----------
    responses : Responses
        The answers of the wave.
    units : pandas.DataFrame
        One row per account that was drawn, with a RangeIndex: ``customer_id``; ``stratum``; ``psu``; ``n_population``, primary
        sampling units in the population of the stratum (missing: no finite population correction); ``base_weight``, one over the
        probability of being drawn; ``answered`` (bool); ``p_response`` (1 where response is not modelled); ``weight``, what
        an account that answered counts for (0: it did not); ``n_people``, people who could have answered (missing: not known);
        ``revenue`` (money, if known).
    response_terms : numpy.ndarray or None
        Shape (units, q): what the response probability was estimated from; None: response is not modelled.
    calibration_terms : numpy.ndarray or None
        Shape (units, r): what the weights were calibrated on; None: they were not.
    """

    responses: Responses
    units: pd.DataFrame
    response_terms: Floats | None = None
    calibration_terms: Floats | None = None

    def __post_init__(self) -> None:
        unknown = ~self.responses.rows["customer_id"].isin(set(self.units["customer_id"]))
        if unknown.any():
            raise DataError(
                "Accounts answered that are not among the accounts drawn.",
                where=", ".join(self.responses.rows.loc[unknown, "customer_id"].unique()[:5]),
                hint="Take them out of the responses first; weigh_responses does and names them.",
            )

    @property
    def unit_of(self) -> Ints:
        """Shape (respondents,): row of the respondent's account in ``units``."""
        position = pd.Series(np.arange(len(self.units)), index=self.units["customer_id"])
        return position.loc[self.responses.rows["customer_id"]].to_numpy(dtype=np.int64)

    @property
    def df(self) -> int:
        """Degrees of freedom: primary sampling units that answered less their strata; at least 1."""
        there = self.units[self.units["answered"]]
        return max(there[["stratum", "psu"]].drop_duplicates().shape[0] - there["stratum"].nunique(), 1)

    def shares_of_answers(self, has: Flags, each: Each) -> Floats:
        """What each respondent counts for within the account; 0 where ``has`` is false.

        By account and by revenue the account's people share it in proportion to their own weights; by respondent each stands
        for the account's people who could have answered, over those who did (where that is not known: for oneself).
        """
        if each not in EACH:
            raise ParameterError(f"each is {each!r}.", hint=f"Take {', '.join(EACH)}.")
        unit_of, n = self.unit_of, len(self.units)
        own = np.where(has, self.responses.rows["weight"].to_numpy(), 0.0)
        within = np.bincount(unit_of, own, minlength=n)[unit_of]
        share = np.divide(own, within, out=np.zeros_like(own), where=within > 0)
        if each == "account":
            return share
        if each == "revenue":
            if "revenue" not in self.units.columns:
                raise MissingColumnError(
                    "Revenue of the accounts is not known.",
                    where="design",
                    hint="Weigh the responses with a frame that has it.",
                )
            return share * np.maximum(self.units["revenue"].fillna(0.0).to_numpy()[unit_of], 0.0)
        asked = np.bincount(unit_of, minlength=n).astype(np.float64)
        people = np.fmax(self.units["n_people"].to_numpy(dtype=np.float64), asked)
        counted = np.where(np.isnan(people), asked, people)[unit_of] / asked[unit_of]
        mean_weight = (
            np.bincount(unit_of, self.responses.rows["weight"].to_numpy(), minlength=n)[unit_of] / asked[unit_of]
        )
        return counted * own / mean_weight

    def mean(self, values: npt.ArrayLike, *, each: Each = "account", where: npt.ArrayLike | None = None) -> Linearized:
        """Weighted mean of the answers, its scores those of a ratio.

        Parameters
        ----------
        values : array_like
            Shape (respondents,), in the order of ``responses.rows``; missing: not answered.
        each : {"account", "revenue", "respondent"}
            What counts alike.
        where : array_like of bool, optional
            Shape (respondents,): the domain; by default everybody.

        Returns
        -------
        Linearized

        Raises
        ------
        EmptyDataError
            Nobody in the domain answered.
        """
        y = np.asarray(values, dtype=np.float64)
        has = ~np.isnan(y) & (True if where is None else np.asarray(where, dtype=bool))
        unit_of, n = self.unit_of, len(self.units)
        shares = self.shares_of_answers(has, each)
        w = self.units["weight"].to_numpy(dtype=np.float64)
        total = float((w[unit_of] * shares).sum())
        if not total > 0:
            raise EmptyDataError("Nobody answered here.", hint="Take a domain in which somebody did.")
        y = np.where(has, y, 0.0)
        estimate = float((w[unit_of] * shares * y).sum() / total)
        residual = np.where(has, (y - estimate) / total, 0.0)
        scores = np.bincount(unit_of, shares * residual, minlength=n).astype(np.float64)
        size = np.bincount(unit_of, shares, minlength=n) * w
        return Linearized(
            estimate=estimate,
            scores=scores,
            within=self._within(shares, residual, has),
            n_respondents=int(has.sum()),
            n_accounts=int(np.unique(unit_of[has]).size),
            n_effective=float(size.sum() ** 2 / (size**2).sum()),
        )

    def _within(self, shares: Floats, residual: Floats, has: Flags) -> Floats:
        """Variance of each unit's score from having asked m of its M people: (1 − m / M) times the pooled variance of one."""
        unit_of, n = self.unit_of, len(self.units)
        asked = np.bincount(unit_of[has], minlength=n).astype(np.float64)
        people = self.units["n_people"].to_numpy(dtype=np.float64)
        unasked = np.clip(1 - asked / np.where(people > 0, people, np.nan), 0.0, 1.0)
        unasked = np.where(np.isnan(people), 0.0, unasked)
        mean = np.bincount(unit_of, np.where(has, residual, 0.0), minlength=n) / np.maximum(asked, 1)
        deviation = np.where(has, residual - mean[unit_of], 0.0)
        several = asked > 1
        df = float((asked[several] - 1).sum())
        if df == 0 or not unasked.any():
            return np.zeros(n)
        pooled = float((deviation**2).sum()) / df
        return np.bincount(unit_of, shares**2, minlength=n) * unasked * pooled

    def variance(self, *estimates: Linearized) -> Floats:
        """Variance of each of the estimates; shape (estimates,)."""
        return self.variance_of(
            np.column_stack([e.scores for e in estimates]), np.column_stack([e.within for e in estimates])
        )

    def variance_of(self, scores: Floats, within: Floats | None = None) -> Floats:
        """Variance of estimates with these scores, for instance of a difference of two.

        Parameters
        ----------
        scores : numpy.ndarray
            Shape (units, k).
        within : numpy.ndarray, optional
            Shape (units, k): see :class:`Linearized`.

        Returns
        -------
        numpy.ndarray
            Shape (k,).
        """
        return self.variance_of_phases(*self.two_phases(scores), within)

    def variance_of_phases(self, drawn: Floats, answering: Floats, within: Floats | None = None) -> Floats:
        """Variance of estimates of which it is known what each unit adds, and what of it by answering.

        Parameters
        ----------
        drawn, answering : numpy.ndarray
            Shape (units, k): as from :meth:`two_phases`.
        within : numpy.ndarray, optional
            Shape (units, k): see :class:`Linearized`.

        Returns
        -------
        numpy.ndarray
            Shape (k,).
        """
        units = self.units
        of_drawing = total_variance(
            drawn,
            stratum=units["stratum"].to_numpy(dtype=object).astype(str),
            psu=units["psu"].to_numpy(dtype=object).astype(str),
            population=units["n_population"].fillna(np.inf).to_numpy(dtype=np.float64),
        )
        n_drawn = units.groupby("stratum")["psu"].transform("nunique").to_numpy(dtype=np.float64)
        f = np.clip(np.nan_to_num(n_drawn / units["n_population"].to_numpy(dtype=np.float64), nan=0.0), 0.0, 1.0)
        p = units["p_response"].to_numpy(dtype=np.float64)
        w = units["weight"].to_numpy(dtype=np.float64)
        of_answering = ((f * (1 - p))[:, None] * answering**2).sum(axis=0)
        inside = 0.0 if within is None else ((f * w**2)[:, None] * within).sum(axis=0)
        return of_drawing + of_answering + inside

    def two_phases(self, scores: Floats) -> tuple[Floats, Floats]:
        """Linearized values u of all drawn, and of these what answering makes, w (e − b); shape (units, k) each."""
        units = self.units
        e = np.where(units["answered"].to_numpy(dtype=bool)[:, None], scores, 0.0)
        w = units["weight"].to_numpy(dtype=np.float64)
        d = units["base_weight"].to_numpy(dtype=np.float64)
        p = units["p_response"].to_numpy(dtype=np.float64)
        r = w > 0
        if self.calibration_terms is not None:
            x = self.calibration_terms[r]
            root = np.sqrt(w[r])[:, None]
            beta = np.linalg.lstsq(x * root, e[r] * root, rcond=None)[0]
            e = np.where(r[:, None], e - self.calibration_terms @ beta, 0.0)
        if self.response_terms is None:
            b = np.zeros_like(e)
        else:
            x = self.response_terms
            information = (x * (d * p * (1 - p))[:, None]).T @ x
            pull = x[r].T @ (e[r] * (w[r] * (1 - p[r]))[:, None])
            b = p[:, None] * (x @ np.linalg.lstsq(information, pull, rcond=None)[0])
        rest = np.where(r[:, None], e - b, 0.0)
        rest[r] /= np.sqrt(self._kept(r, w))[:, None]
        answering = w[:, None] * rest
        return answering + d[:, None] * b, answering

    def _kept(self, r: Flags, w: Floats) -> Floats:
        """Share of the variance of a score that its residual keeps, shape (answered,), where the weights were fitted to terms.

        A residual from a fit weighted by w, with hat matrix h_ij = x_i (X'WX)⁻¹ x_j w_j, has 1 − 2 h_ii + Σ_j h_ij² of it.
        """
        if self.response_terms is None:
            return np.ones(int(r.sum()))
        fitted = [terms[r] for terms in (self.response_terms, self.calibration_terms) if terms is not None]
        x, own = np.column_stack(fitted), w[r]
        bread = np.linalg.pinv((x * own[:, None]).T @ x)
        middle = bread @ ((x * own[:, None] ** 2).T @ x) @ bread
        kept = 1 - 2 * own * np.einsum("ij,jk,ik->i", x, bread, x) + np.einsum("ij,jk,ik->i", x, middle, x)
        return np.clip(kept, _LEAST_KEPT, 1.0)


def answer_weights(
    responses: Responses, designs: Mapping[str, Design] | None = None, *, each: Each = "respondent"
) -> Floats:
    """What each answer counts for, over all waves.

    Parameters
    ----------
    responses : Responses
        One or more waves.
    designs : mapping of str to Design, optional
        By wave (:meth:`WeightsResult.designs`); by default that of who answered (:func:`one_phase_design`). A respondent of an
        account that its wave's design does not know counts for nothing.
    each : {"account", "respondent", "revenue"}
        What counts alike.

    Returns
    -------
    numpy.ndarray
        Shape (respondents,), in the order of ``responses.rows``; not negative.
    """
    designs = one_phase_designs(responses) if designs is None else designs
    weights = np.zeros(len(responses.rows))
    for wave in responses.waves:
        design = designs[wave]
        rows = design.responses.rows
        counted = design.units["weight"].to_numpy(dtype=np.float64)[design.unit_of] * design.shares_of_answers(
            np.ones(len(rows), dtype=bool), each
        )
        position = pd.Series(counted, index=rows["respondent_id"])
        here = (responses.rows["wave"] == wave).to_numpy()
        weights[here] = position.reindex(responses.rows.loc[here, "respondent_id"]).fillna(0.0).to_numpy()
    return weights


def one_phase_designs(responses: Responses) -> dict[str, Design]:
    """The designs of all waves as :func:`one_phase_design` makes them."""
    return {wave: one_phase_design(responses.of_wave(wave)) for wave in responses.waves}


def one_phase_design(responses: Responses) -> Design:
    """The design of one wave whose drawn accounts are not known: those who answered are taken for the sample.

    Weights, strata, primary sampling units and population sizes are those of the survey; the error of not answering is not in
    the variance.

    Raises
    ------
    ParameterError
        There is more than one wave.
    """
    if len(responses.waves) != 1:
        raise ParameterError(
            f"There are {len(responses.waves)} waves.",
            hint="Take one with responses.of_wave(…): each has a design of its own.",
        )
    rows = responses.rows
    first = rows.groupby("customer_id", sort=False)
    weight = first["weight"].mean()
    units = pd.DataFrame({"customer_id": weight.index})
    units["stratum"] = first["stratum"].first().to_numpy() if "stratum" in rows.columns else ""
    units["stratum"] = units["stratum"].fillna("")
    units["psu"] = first["psu"].first().to_numpy() if "psu" in rows.columns else units["customer_id"]
    units["psu"] = units["psu"].fillna(units["customer_id"])
    units["n_population"] = first["fpc"].first().to_numpy(dtype=np.float64) if "fpc" in rows.columns else np.nan
    units["base_weight"] = weight.to_numpy()
    units["answered"] = True
    units["p_response"] = 1.0
    units["weight"] = units["base_weight"]
    units["n_people"] = np.nan
    return Design(responses=responses, units=units)
