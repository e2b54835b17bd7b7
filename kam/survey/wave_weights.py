"""The weights of one wave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.survey.balance import compare_accounts
from kam.survey.calibration import Calibrated, Margins, calibrate, read_margins
from kam.survey.design import one_phase_design
from kam.survey.frame import TAKEN_AS_ASKED, levels_of
from kam.survey.response_model import Method, ResponseModel, fit_response, join_small, order_strata
from kam.survey.responses import Responses
from kam.survey.stored_terms import store_cells, store_terms

Floats = npt.NDArray[np.float64]
UNITS = ["customer_id", "stratum", "psu", "n_population", "base_weight", "answered", "p_response", "weight", "n_people"]
"""Columns that a design needs of its units."""
_ACCOUNTS = ["wave", *UNITS[:-2], "response_class", "weight", "trimmed", "n_people", "revenue"]


@dataclass(frozen=True, eq=False, kw_only=True)
class WaveWeights:
    """One wave, weighed.

    Attributes
    ----------
    wave : str
        The wave.
    accounts, balance, cells : pandas.DataFrame
        Its part of ``accounts``, ``balance`` and ``calibration_terms`` of :class:`kam.survey.weighting.WeightsResult`.
    model : ResponseModel
        How likely each account was to answer.
    left_out : list
        Accounts that answered and have no weight: wave, customer, answers, why.
    joined : list of str
        Strata that were weighted together.
    settled : bool
        Sizes and limit are both kept.
    is_given : bool
        The weights are those of the survey.
    n_drawn : int or None
        Accounts drawn; None: not known.
    """

    wave: str
    accounts: pd.DataFrame
    balance: pd.DataFrame
    model: ResponseModel
    cells: pd.DataFrame
    left_out: list[tuple[str, str | None, int, str]]
    joined: list[str]
    settled: bool
    is_given: bool
    n_drawn: int | None

    def summary(self) -> pd.DataFrame:
        """Its row of ``waves``."""
        there = self.accounts[self.accounts["answered"]]
        w, d = there["weight"].to_numpy(), there["base_weight"].to_numpy()
        base = self.accounts["base_weight"].to_numpy()
        n_effective = float(w.sum() ** 2 / (w**2).sum())
        factor = w / d
        modelled = not self.is_given
        return pd.DataFrame(
            {
                "wave": [self.wave],
                "n_drawn": [np.nan if self.n_drawn is None else float(self.n_drawn)],
                "n_answered": [len(there)],
                "share_answered": [np.nan if self.n_drawn is None else len(there) / self.n_drawn],
                "share_answered_weighted": [float(d.sum() / base.sum()) if modelled else np.nan],
                "n_effective": [n_effective],
                "design_effect": [len(there) / n_effective],
                "weight_ratio": [float(factor.max() / np.median(factor))],
                "n_trimmed": [int(there["trimmed"].sum())],
                "p_lowest": [float(self.model.p.min()) if modelled else np.nan],
                "difference_before": [float(self.balance["difference_before"].abs().max())],
                "difference_after": [float(self.balance["difference_after"].abs().max())],
            }
        )

    def coefficients(self) -> pd.DataFrame:
        """Its rows of ``coefficients``."""
        n = len(self.model.estimates)
        return pd.DataFrame(
            {
                "wave": pd.Series([self.wave] * n, dtype="str"),
                "term": pd.Series([term for term, _ in self.model.names][:n], dtype="str"),
                "level": pd.Series([level for _, level in self.model.names][:n], dtype="str"),
                "estimate": self.model.estimates,
                "std_error": self.model.errors,
            }
        )

    def terms(self) -> pd.DataFrame:
        """Its rows of ``response_terms``."""
        return store_terms(self.wave, self.accounts["customer_id"], self.model.names, self.model.terms)


def weigh_wave(
    responses: Responses,
    frame: pd.DataFrame,
    method: Method,
    terms: Sequence[str] | None,
    margins: pd.DataFrame | None,
    max_ratio: float,
    min_class: int,
) -> WaveWeights:
    """Weights of a wave whose accounts drawn are known; arguments as in :func:`kam.survey.weigh_responses`."""
    wave = responses.waves[0]
    drawn = frame[frame["drawn"]].reset_index(drop=True)
    base = (1 / drawn["probability"]).fillna(1.0).to_numpy(dtype=np.float64)
    answered = drawn["answered"].to_numpy(dtype=bool)
    model = fit_response(drawn, base, method, terms, min_class)
    cells, totals, joined = _cells(drawn, base, margins, wave, method, min_class)
    found = calibrate(
        base[answered], (base / model.p)[answered], cells[answered].reset_index(drop=True), totals, max_ratio
    )
    weight, trimmed = np.zeros(len(drawn)), np.zeros(len(drawn), dtype=bool)
    weight[answered], trimmed[answered] = found.weights, found.trimmed
    units = drawn.assign(psu=drawn["customer_id"], base_weight=base, answered=answered, p_response=model.p)
    return WaveWeights(
        wave=wave,
        accounts=_accounts(wave, units, drawn, model, weight, trimmed),
        balance=compare_accounts(wave, drawn, base, answered, weight),
        model=model,
        cells=store_cells(wave, drawn["customer_id"], cells),
        left_out=_not_drawn(responses, frame, wave),
        joined=joined,
        settled=found.settled,
        is_given=False,
        n_drawn=len(drawn),
    )


def take_weights(
    responses: Responses, frame: pd.DataFrame, margins: pd.DataFrame | None, max_ratio: float
) -> WaveWeights:
    """Weights of the survey as they are, or brought to margins: who was asked and did not answer is not known."""
    wave = responses.waves[0]
    units = one_phase_design(responses).units
    asked = frame[frame["drawn"]].reset_index(drop=True)
    of = units[["customer_id"]].merge(frame.drop(columns=["stratum", "n_population"]), on="customer_id", how="left")
    of["stratum"] = units["stratum"]
    base = units["base_weight"].to_numpy(dtype=np.float64)
    cells, totals = pd.DataFrame(index=units.index), Margins()
    found = Calibrated(weights=base, trimmed=np.zeros(len(base), dtype=bool), settled=True)
    if margins is not None:
        totals = read_margins(margins, of.assign(answered=True), wave, float(base.sum()))
        cells = _levels(of, list(totals))
        found = calibrate(base, base, cells, totals, max_ratio)
    model = ResponseModel(
        p=np.ones(len(units)),
        terms=None,
        names=[],
        classes=np.array(["not modeled"] * len(units), dtype=object),
        estimates=np.empty(0),
        errors=np.empty(0),
    )
    if not asked["status"].eq(TAKEN_AS_ASKED).all():  # nothing to compare who answered with
        asked = asked.iloc[:0]
    weight, own = (
        asked["customer_id"].map(pd.Series(w, index=units["customer_id"])).fillna(0.0).to_numpy(dtype=np.float64)
        for w in (found.weights, base)
    )
    return WaveWeights(
        wave=wave,
        accounts=_accounts(wave, units, of, model, found.weights, found.trimmed),
        balance=compare_accounts(wave, asked, np.ones(len(asked)), weight > 0, weight, own),
        model=model,
        cells=store_cells(wave, units["customer_id"], cells),
        left_out=[],
        joined=[],
        settled=found.settled,
        is_given=True,
        n_drawn=None,
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _accounts(
    wave: str,
    units: pd.DataFrame,
    rows: pd.DataFrame,
    model: ResponseModel,
    weight: Floats,
    trimmed: npt.NDArray[np.bool_],
) -> pd.DataFrame:
    """The rows of ``accounts``: of units, with what the rows of the frame, in the same order, know of them."""
    return units.assign(
        wave=wave,
        response_class=pd.Series(model.classes, dtype="str"),
        weight=weight,
        trimmed=trimmed,
        n_people=rows["n_people"],
        revenue=rows["revenue"] if "revenue" in rows.columns else np.nan,
    )[_ACCOUNTS]


def _cells(
    drawn: pd.DataFrame, base: Floats, margins: pd.DataFrame | None, wave: str, method: str, least: int
) -> tuple[pd.DataFrame, Margins, list[str]]:
    """The cells that weights are brought to, their sizes, and the strata that were joined."""
    if margins is not None:
        totals = read_margins(margins, drawn, wave, float(base.sum()))
        return _levels(drawn, list(totals)), totals, []
    if method == "none" or drawn["n_population"].isna().any():
        return pd.DataFrame(index=drawn.index), {}, []
    ordered = order_strata(drawn["stratum"], base)
    names, joined = join_small(
        ordered, drawn["answered"].to_numpy(dtype=bool), min(least, int(drawn["answered"].sum()))
    )
    sizes = drawn.assign(cell=names).drop_duplicates("stratum").groupby("cell")["n_population"].sum()
    cells = pd.DataFrame({"stratum": [str(name).split("|")[-1] for name in names]}, index=drawn.index)
    return cells, {"stratum": {str(name).split("|")[-1]: float(n) for name, n in sizes.items()}}, joined


def _levels(rows: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame({name: levels_of(rows[name]) for name in names})


def _not_drawn(responses: Responses, frame: pd.DataFrame, wave: str) -> list[tuple[str, str | None, int, str]]:
    rows = frame[frame["answered"] & ~frame["drawn"]]
    number = responses.rows["customer_id"].value_counts()
    known = rows["in_ledger"] if "in_ledger" in rows.columns else pd.Series(False, index=rows.index)
    why = np.where(known, "answered, but was not drawn", "answered, but is neither drawn nor in the ledger")
    return [(wave, str(c), int(number[c]), str(w)) for c, w in zip(rows["customer_id"], why, strict=True)]
