"""The frames of a comparison of churn models: scores, paired differences, verdicts, and what calls find."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.churn.comparison_calibration import calibration_scores
from kam.churn.comparison_scores import (
    AUC,
    AVERAGED,
    BOUNDS,
    COMPARED,
    LOG_LOSS,
    MONEY_FOUND,
    NAMED,
    OF_SUMS,
    Draws,
    Interval,
    interval_of,
    without_each,
)
from kam.churn.scored_forecasts import AT_RISK, POPULATIONS, Scored
from kam.stats.forecast_scores import gains
from kam.wording import N_, Wording

Ints = npt.NDArray[np.int64]

POOLED = N_("pooled")
LARGEST = N_("largest first")
"""A way to call that needs no model: by the revenue of the last year."""
MORE, MORE_HERE, SAME, LESS_HERE, LESS, NOT_COMPARED = (
    N_("less accurate"),
    N_("less accurate here"),
    N_("no difference"),
    N_("more accurate here"),
    N_("more accurate"),
    N_("not compared"),
)
"""Standings of a model against the reference, from the sign of reference − model: below 0, the reference errs less."""
_STEPS = (0.0, 0.01, 0.02, *np.round(np.arange(0.05, 1.0001, 0.05), 2))


def _origin(scored: Scored, o: int | None) -> str:
    return POOLED if o is None else str(scored.origins[o].date())


def score_frame(scored: Scored, draws: Draws, *, n_resamples: int, level: float, seed: int) -> pd.DataFrame:
    """Every score with its interval, and how many accounts it is of."""
    rows = []
    for i in range(len(POPULATIONS)):
        for m in range(len(scored.models)):
            origins = np.flatnonzero(scored.covered[m])
            for name in (*AVERAGED, *OF_SUMS):
                for o in (None, *origins):
                    at = origins if o is None else np.array([o])
                    drawn = draws.pooled(name, i, m, at)
                    deleted = [draws.pooled(name, i, m, kept)[0] for kept in without_each(at)]
                    interval = interval_of(drawn[0], drawn[1:], np.array(deleted), level=level, bounds=BOUNDS[name])
                    rows.append((i, m, None if o is None else int(o), name, interval))
    rows += calibration_scores(scored, n_resamples=n_resamples, level=level, seed=seed)
    size = {
        (i, o): (len(at), int(scored.event[at].sum()))
        for i, population in enumerate(POPULATIONS)
        for o in range(len(scored.origins))
        for at in [scored.rows(population, o)]
    }
    records = []
    for i, m, o, name, interval in rows:
        at_origins = [int(at) for at in np.flatnonzero(scored.covered[m])] if o is None else [o]
        records.append(
            {
                "model": scored.models[m],
                "population": POPULATIONS[i],
                "origin": _origin(scored, o),
                "measure": name,
                "estimate": interval.estimate,
                "ci_low": interval.low,
                "ci_high": interval.high,
                "spread_over": interval.spread_over,
                "n_customers": sum(size[i, at][0] for at in at_origins),
                "n_events": sum(size[i, at][1] for at in at_origins),
                "n_origins": len(at_origins),
            }
        )
    return pd.DataFrame.from_records(records)


def difference_frame(scored: Scored, draws: Draws, level: float) -> pd.DataFrame:
    """Reference less each other model, on the same resamples of the same accounts."""
    records = []
    for i, population in enumerate(POPULATIONS):
        for m in range(1, len(scored.models)):
            common = np.flatnonzero(scored.covered[0] & scored.covered[m])
            for name in COMPARED:
                for o in (None, *common) if len(common) else ():
                    at = common if o is None else np.array([o])
                    interval = _difference(draws, name, i, m, at, level)
                    records.append(
                        {
                            "model": scored.models[m],
                            "population": population,
                            "origin": _origin(scored, o),
                            "measure": name,
                            "estimate": interval.estimate,
                            "ci_low": interval.low,
                            "ci_high": interval.high,
                            "accounts_low": interval.accounts_low,
                            "accounts_high": interval.accounts_high,
                            "spread_over": interval.spread_over,
                            "standing": _standing(interval, smaller_is_better=name not in (AUC, NAMED, MONEY_FOUND)),
                            "n_origins": len(at),
                        }
                    )
    columns = [
        "model",
        "population",
        "origin",
        "measure",
        "estimate",
        "ci_low",
        "ci_high",
        "accounts_low",
        "accounts_high",
    ]
    return pd.DataFrame.from_records(records, columns=[*columns, "spread_over", "standing", "n_origins"])


def _difference(draws: Draws, name: str, i: int, m: int, at: Ints, level: float) -> Interval:
    def less(origins: Ints) -> npt.NDArray[np.float64]:
        return draws.pooled(name, i, 0, origins) - draws.pooled(name, i, m, origins)

    drawn = less(at)
    deleted = np.array([less(kept)[0] for kept in without_each(at)])
    return interval_of(drawn[0], drawn[1:], deleted, level=level)


def _standing(interval: Interval, *, smaller_is_better: bool) -> str:
    """How the other model stands against the reference."""
    if not interval.spread_over:
        return NOT_COMPARED
    sign = 1 if smaller_is_better else -1
    low, high = sorted((sign * interval.low, sign * interval.high))
    accounts_low, accounts_high = sorted((sign * interval.accounts_low, sign * interval.accounts_high))
    if high < 0:
        return MORE
    if low > 0:
        return LESS
    return MORE_HERE if accounts_high < 0 else LESS_HERE if accounts_low > 0 else SAME


def verdict_frame(say: Wording, scored: Scored, differences: pd.DataFrame) -> pd.DataFrame:
    """How each other model stands, by log loss at risk, the most accurate first."""
    reference = scored.models[0]
    of_loss = differences[(differences["measure"] == LOG_LOSS) & (differences["population"] == AT_RISK)]
    pooled = of_loss[of_loss["origin"] == POOLED].set_index("model")
    records = []
    for name in (*scored.models[1:], *sorted(set(scored.missing["model"]) - set(scored.models))):
        record: dict[str, object] = {"model": name, "standing": NOT_COMPARED, "n_better": 0, "n_origins": 0}
        record |= dict.fromkeys(("estimate", "ci_low", "ci_high"), np.nan)
        if name in pooled.index and pooled.loc[name, "standing"] != NOT_COMPARED:
            row = pooled.loc[name]
            single = of_loss[(of_loss["model"] == name) & (of_loss["origin"] != POOLED)]
            record |= {key: row[key] for key in ("standing", "estimate", "ci_low", "ci_high", "n_origins")}
            record["n_better"] = int((single["estimate"] < 0).sum())
            record["reason"] = _reason(say, row, reference, int(record["n_better"]))  # type: ignore[call-overload]
        else:
            given = scored.missing.loc[scored.missing["model"] == name, "reason"]
            record["reason"] = given.iloc[0] if len(given) else say.sentence("no origin in common with the reference")
        records.append(record)
    columns = ["model", "standing", "estimate", "ci_low", "ci_high", "n_better", "n_origins", "reason"]
    frame = pd.DataFrame.from_records(records, columns=columns)
    frame = frame.astype({"estimate": float, "ci_low": float, "ci_high": float, "n_better": int, "n_origins": int})
    return frame.sort_values("estimate", ascending=False, kind="stable", ignore_index=True)


def _reason(say: Wording, row: pd.Series, reference: str, n_better: int) -> str:
    values = {
        "reference": say.text(reference),
        "size": say.number(abs(row["estimate"]), 3),
        "n_better": say.count(n_better),
        "n_origins": say.count(row["n_origins"]),
    }
    if row["estimate"] < 0:
        return say.sentence(
            "the error of {reference} is {size} smaller, and smaller at {n_better} of {n_origins} origins", **values
        )
    return say.sentence(
        "the error of {reference} is {size} larger, and smaller at {n_better} of {n_origins} origins", **values
    )


def lift_frame(scored: Scored) -> pd.DataFrame:
    """What calls find by how many are made, at each origin in the order of probability × money, over all origins of a model."""
    frames = []
    for population in POPULATIONS:
        ways = [(name, scored.p[m], np.flatnonzero(scored.covered[m])) for m, name in enumerate(scored.models)]
        ways.append((LARGEST, np.ones(len(scored.event)), np.arange(len(scored.origins))))
        for name, p, origins in ways:
            found = np.zeros((2, len(_STEPS)))
            total = np.zeros(2)
            for o in origins:
                rows = scored.rows(population, int(o))
                score = p[rows] * scored.money[rows]
                for j, amount in enumerate((scored.money[rows] * scored.event[rows], scored.event[rows])):
                    if amount.sum() > 0:
                        found[j] += amount.sum() * gains(amount, score, _STEPS)
                        total[j] += amount.sum()
            with np.errstate(invalid="ignore"):
                money, lost = found / total[:, None]
            frames.append(
                pd.DataFrame(
                    {
                        "model": name,
                        "population": population,
                        "share_called": _STEPS,
                        "share_money_found": money,
                        "share_lost_found": lost,
                    }
                )
            )
    return pd.concat(frames, ignore_index=True)
