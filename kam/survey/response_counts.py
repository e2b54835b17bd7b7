"""Counts of who answered, refused or was not reached, what was expected, and how many answers are missing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm

from kam.errors import DataError, EmptyDataError, MissingColumnError, ParameterError
from kam.stats.proportions import wilson_interval
from kam.survey.frame import ANSWERS_ONLY, TAKEN_AS_ASKED

Floats = npt.NDArray[np.float64]

ALL = "all"
"""Name of the stratum where there are none."""
REFUSED = frozenset({"refused", "refusal", "declined", "does not want", "opted out"})
OPEN = frozenset({"", "open", "pending", "drawn", "called", "to call", "reminded", "not answered", "no answer yet"})
NOT_REACHED = frozenset(
    {"not reached", "unreached", "unreachable", "no contact", "not available", "bounced", "wrong number", "no answer"}
)
_COUNTS = ["n_drawn", "n_answered", "n_refused", "n_not_reached", "n_open"]


def read_drawn(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The accounts drawn, with what became of each, and waves of which it is not known who was drawn."""
    for column in ("customer_id", "wave", "drawn", "answered"):
        if column not in frame.columns:
            raise MissingColumnError(
                f"There is no column {column!r}.", where="frame", hint="Take it from survey_frame(responses, sample=…)."
            )
    status = frame["status"] if "status" in frame.columns else pd.Series("", index=frame.index)
    status = status.astype("str").where(status.notna(), "")
    known = frame["drawn"].fillna(False).astype(bool) & ~status.isin([ANSWERS_ONLY, TAKEN_AS_ASKED])
    drawn = frame[known].reset_index(drop=True)
    unknown = [str(wave) for wave in pd.unique(frame["wave"]) if wave not in set(drawn["wave"])]
    if drawn.empty:
        raise EmptyDataError(
            "It is not known who was drawn: there is no rate of response.",
            where=f"waves {', '.join(unknown)}",
            hint="Give the dataset a table 'sample', one row per account drawn and wave.",
        )
    twice = drawn.duplicated(["wave", "customer_id"])
    if twice.any():
        first = drawn[twice].iloc[0]
        raise DataError(
            "An account was drawn twice in a wave.",
            where=f"customer {first['customer_id']!r} in wave {first['wave']}",
            hint="Keep one row of each account and wave.",
        )
    stratum = drawn["stratum"] if "stratum" in drawn.columns else pd.Series("", index=drawn.index)
    drawn["stratum"] = stratum.astype("str").where(stratum.notna() & (stratum != ""), ALL)
    drawn["answered"] = drawn["answered"].fillna(False).astype(bool)
    said = status[known].reset_index(drop=True)
    plain = said.str.strip().str.casefold().str.replace(r"[\s_-]+", " ", regex=True)
    drawn["became"] = np.select(
        [drawn["answered"], plain.isin(REFUSED), plain.isin(NOT_REACHED)],
        ["n_answered", "n_refused", "n_not_reached"],
        "n_open",
    )
    drawn["said"] = plain
    return drawn, unknown


def count_statuses(drawn: pd.DataFrame, level: float) -> pd.DataFrame:
    """What became of the accounts drawn, by wave and stratum, and the share that answered; of :func:`read_drawn`."""
    by = [drawn["wave"], drawn["stratum"]]
    table = drawn.groupby(by, sort=False).size().to_frame("n_drawn")
    for column in _COUNTS[1:]:
        table[column] = (drawn["became"] == column).groupby(by, sort=False).sum()
    if "n_population" in drawn.columns:
        population = drawn["n_population"].astype("float64").groupby(by, sort=False).first()
    elif "probability" in drawn.columns:
        population = (1 / drawn["probability"].astype("float64")).groupby(by, sort=False).sum(min_count=1).round(3)
    else:
        population = pd.Series(np.nan, index=table.index)
    table.insert(0, "n_population", population)
    table = _add_interval(table.reset_index(), level)
    sums = table.groupby("stratum")[["n_drawn", "n_population"]].sum()
    place = {wave: i for i, wave in enumerate(pd.unique(drawn["wave"]))}
    order = pd.DataFrame(
        {
            "wave": table["wave"].map(place),
            "rate": -table["stratum"].map(sums["n_drawn"] / sums["n_population"]),
            "stratum": table["stratum"],
        }
    ).sort_values(["wave", "rate", "stratum"], kind="stable")
    return table.loc[order.index].reset_index(drop=True)


def expect(strata: pd.DataFrame, expected: float | Mapping[str, float] | None, level: float) -> pd.DataFrame:
    """What was expected of each stratum, and whether what came differs from it beyond chance."""
    waves = list(pd.unique(strata["wave"]))
    key = ["wave", "stratum"]
    if expected is None:
        before = dict(zip(waves[1:], waves[:-1], strict=True))
        last = strata.set_index(key)[["n_answered", "n_drawn"]].astype("float64")
        at = pd.MultiIndex.from_arrays([strata["wave"].map(before), strata["stratum"]])
        past = last.reindex(at).reset_index(drop=True)
        share = (past["n_answered"] / past["n_drawn"]).to_numpy()
    else:
        past, share = None, rates_by_stratum(expected, strata["stratum"], where="expected_response")
    n_strata = strata.groupby("wave")["stratum"].transform("size").to_numpy(dtype=np.float64)
    standing = [
        _standing(row, share[i], None if past is None else past.iloc[i], 1 - (1 - level) / n_strata[i])
        for i, (_, row) in enumerate(strata.iterrows())
    ]
    return strata.assign(share_expected=share, n_expected=share * strata["n_drawn"], standing=standing)


def rates_by_stratum(rates: float | Mapping[str, float], strata: pd.Series, *, where: str) -> Floats:
    """The response rate of each stratum, from one for all or one for each; shape (strata,).

    Raises
    ------
    ParameterError
        One is not given, not above 0 or above 1.
    """
    given = rates if isinstance(rates, Mapping) else dict.fromkeys(strata, rates)
    for name in strata:
        if name not in given or not 0 < given[name] <= 1:
            raise ParameterError(
                f"The response rate of {name!r} is {given.get(name, 'not given')}.",
                where=where,
                hint="Give a share above 0 and at most 1, one for all or one for each stratum.",
            )
    return np.array([given[name] for name in strata], dtype=np.float64)


def _standing(row: pd.Series, expected: float, past: pd.Series | None, level: float) -> str:
    if np.isnan(expected):
        return "nothing expected"
    low, high = (float(end) for end in wilson_interval(row["n_answered"], row["n_drawn"], level))
    if past is not None:  # what came before is not sure either
        before_low, before_high = (float(end) for end in wilson_interval(past["n_answered"], past["n_drawn"], level))
        share = float(row["share_answered"])
        difference = share - expected
        low = expected + difference - float(np.hypot(share - low, before_high - expected))
        high = expected + difference + float(np.hypot(high - share, expected - before_low))
    return "below" if high < expected else "above" if low > expected else "as expected"


def find_short(strata: pd.DataFrame, half_width: float | None, std_dev: float | None, level: float) -> Floats:
    """Answers still needed by stratum; missing where not even all to remind are enough."""
    answered, left = (strata[c].to_numpy(dtype=np.float64) for c in ("n_answered", "n_to_remind"))
    if half_width is None or std_dev is None:
        return np.asarray(np.maximum(np.ceil(strata["n_expected"].to_numpy() - 1e-9) - answered, 0.0))
    short = np.zeros(len(strata))
    for wave in pd.unique(strata["wave"]):
        here = (strata["wave"] == wave).to_numpy()
        size = _sizes(strata[here])

        def wide(share: float, here: npt.NDArray[np.bool_] = here, size: Floats = size) -> bool:
            return _half_width(size, answered[here] + share * left[here], std_dev, level) > half_width

        low, high = 0.0, 1.0
        if wide(1.0):  # not even if all that are left answer
            short[here] = np.nan
            continue
        for _ in range(60 if wide(0.0) else 0):
            half = (low + high) / 2
            low, high = (half, high) if wide(half) else (low, half)
        short[here] = np.ceil((high if wide(0.0) else 0.0) * left[here] - 1e-6)
    return short


def _sizes(strata: pd.DataFrame) -> Floats:
    size = strata["n_population"].to_numpy(dtype=np.float64)
    if np.isnan(size).any():
        first = strata[np.isnan(size)].iloc[0]
        raise DataError(
            "The population of a stratum is not known, so that no half width can be found.",
            where=f"stratum {first['stratum']} in wave {first['wave']}",
            hint="Give the sample its probabilities.",
        )
    return size


def _half_width(size: Floats, answers: Floats, std_dev: float, level: float) -> float:
    if (answers <= 0).any():
        return float("inf")
    variance = (size / size.sum()) ** 2 * std_dev**2 * np.maximum(1 / answers - 1 / size, 0.0)
    return float(norm.ppf((1 + level) / 2) * np.sqrt(variance.sum()))


def sum_waves(strata: pd.DataFrame, half_width: float | None, std_dev: float | None, level: float) -> pd.DataFrame:
    """The strata of each wave added up, and how narrow the interval of a mean over all accounts is."""
    sums = ["n_population", *_COUNTS, "n_expected", "n_short", "n_to_remind"]
    waves = strata.groupby("wave", sort=False)[sums].sum(skipna=False).reset_index()
    if half_width is None:  # what one stratum has more, another may have less
        waves["n_short"] = np.maximum(np.ceil(waves["n_expected"] - 1e-9) - waves["n_answered"], 0.0)
    waves = _add_interval(waves, level)
    waves["share_expected"] = waves["n_expected"] / waves["n_drawn"]
    left = waves["n_to_remind"].where(waves["n_to_remind"] > 0)
    waves["share_needed"] = (waves["n_short"] / left).where(waves["n_short"] != 0, 0.0)
    if std_dev is not None:
        for column, share in (("half_width", 0.0), ("half_width_all", 1.0)):
            widths = [
                _half_width(_sizes(rows), (rows["n_answered"] + share * rows["n_to_remind"]).to_numpy(), std_dev, level)
                for _, rows in strata.groupby("wave", sort=False)
            ]
            waves[column] = np.where(np.isfinite(widths), widths, np.nan)
    return waves


def _add_interval(table: pd.DataFrame, level: float) -> pd.DataFrame:
    """The share that answered, with Wilson's interval."""
    low, high = wilson_interval(table["n_answered"], table["n_drawn"], level)
    return table.assign(share_answered=table["n_answered"] / table["n_drawn"], ci_low=low, ci_high=high)
