"""Whether what matters is the same in all waves that an analysis of drivers takes together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri

from kam.errors import KamError
from kam.results import Check, Verdict
from kam.survey.driver_draws import moments_of
from kam.survey.not_used import Drivers
from kam.wording import Wording

Floats = npt.NDArray[np.float64]

MARGIN = 0.05
"""Differences of shares within this are called none."""


def compare_waves(
    given: Drivers,
    waves: Sequence[str],
    wave_of: npt.NDArray[np.object_],
    ranked: pd.DataFrame,
    std_errors: Floats,
    level: float,
) -> pd.DataFrame:
    """Shares of what is explained in each wave alone, against those in all waves together.

    An estimate from part of the accounts scatters around that from all with variance σ² (n / n_w − 1), σ that of all and n the
    sums of weights; σ / √n is that of all. Where the same accounts answer in several waves the
    difference scatters less, so that its interval is too wide rather than too narrow.

    Parameters
    ----------
    given : Drivers
        Of all waves; what was filled in stays.
    waves : sequence of str
        Earliest first.
    wave_of : numpy.ndarray
        Shape (n,): wave of each respondent.
    ranked : pandas.DataFrame
        The items in all waves: ``item, question, share_importance``.
    std_errors : numpy.ndarray
        Shape (p,): of the shares in all waves, in the order of the items given.
    level : float
        Of the intervals.

    Returns
    -------
    pandas.DataFrame
        One row per wave and item, the most important first: ``wave, n_respondents, rank, item, question, share_importance``;
        ``difference, ci_low, ci_high``, less the share in all waves. Empty with one wave; without waves of too few accounts.
    """
    columns = [
        "wave",
        "n_respondents",
        "rank",
        "item",
        "question",
        "share_importance",
        "difference",
        "ci_low",
        "ci_high",
    ]
    parts = []
    together = ranked.set_index("item").loc[list(given.items)]
    reach = float(ndtri((1 + level) / 2)) * np.asarray(std_errors, dtype=np.float64)
    for wave in waves if len(waves) > 1 else []:
        here = wave_of == wave
        if np.unique(given.account[here]).size < given.fewest_accounts:
            continue
        rows = given.of_rows(here)
        try:
            one = moments_of(rows).estimate(np.ones((1, rows.n_accounts)))
        except (KamError, np.linalg.LinAlgError):
            continue
        apart = one.shares[0] - together["share_importance"].to_numpy()
        half = reach * np.sqrt(given.weights.sum() / rows.weights.sum() - 1)
        part = pd.DataFrame(
            {
                "wave": wave, "n_respondents": len(rows.y), "rank": one.ranks[0], "item": list(given.items),
                "question": together["question"].to_numpy(), "share_importance": one.shares[0], "difference": apart,
                "ci_low": apart - half, "ci_high": apart + half,
            }
        )  # fmt: skip
        parts.append(part.sort_values("rank"))
    if not parts:
        kinds = {"n_respondents": "int64", "rank": "int64", **dict.fromkeys(columns[5:], "float64")}
        return (
            pd.DataFrame({name: [] for name in columns})
            .astype(kinds)
            .astype(dict.fromkeys(["wave", "item", "question"], "str"))
        )
    return pd.concat(parts, ignore_index=True)[columns]


def check_waves(
    say: Wording, items: pd.DataFrame, by_wave: pd.DataFrame, waves: Sequence[str], level: float
) -> tuple[Check, ...]:
    """Say whether the first three of all waves count alike in each wave alone.

    Intervals of differences are widened for their number. That one holds 0 shows nothing unless all of it lies near 0.

    Parameters
    ----------
    say : Wording
    items : pandas.DataFrame
        The items in all waves, the most important first.
    by_wave : pandas.DataFrame
        From :func:`compare_waves`.
    waves : sequence of str
        Those with answers.
    level : float
        Of the intervals.
    """
    if len(waves) < 2 or len(items) < 2:
        return ()
    assumption = say.sentence("what matters is the same in all waves")
    there = list(dict.fromkeys(by_wave["wave"]))
    if len(there) < 2:
        return (
            Check(
                assumption=assumption,
                finding=say.sentence("too few to tell: too few accounts answered in a wave"),
                verdict="not testable",
            ),
        )
    texts = items.set_index("item")["question"]
    leading = by_wave[by_wave["item"].isin(items["item"][:3])]
    first = by_wave[by_wave["rank"] == 1]
    names = list(dict.fromkeys(first["item"]))
    if len(names) == 1:
        said = say.sentence("{item} comes first in each", item=say.quote(texts[names[0]]))
    else:
        said = say.sentence(
            "first is {list}",
            list=say.listing(
                [
                    say.sentence(
                        "{item} in {waves}",
                        item=say.quote(texts[item]),
                        waves=say.join(first.loc[first["item"] == item, "wave"], ","),
                    )
                    for item in names
                ]
            ),
        )
    widen = float(ndtri(1 - (1 - level) / 2 / len(leading)) / ndtri((1 + level) / 2))
    low = leading["difference"] - widen * (leading["difference"] - leading["ci_low"])
    high = leading["difference"] + widen * (leading["ci_high"] - leading["difference"])
    differs = (low > 0) | (high < 0)
    shown = leading[differs] if differs.any() else leading
    place = leading.index.tolist().index(shown["difference"].abs().idxmax())
    most = leading.iloc[place].to_dict()
    overall = dict(zip(items["item"], items["share_importance"], strict=True))
    values = {
        "said": said,
        "item": say.quote(most["question"]),
        "wave": most["wave"],
        "share": say.share(most["share_importance"]),
        "all": say.share(overall[most["item"]]),
        "low": say.number(100 * low.iloc[place], 1),
        "high": say.number(100 * high.iloc[place], 1),
        "margin": say.number(100 * MARGIN, 0),
    }
    verdict: Verdict
    if differs.any():
        verdict = "does not hold"
        finding = say.sentence(
            "{said}; {item} has {share} in {wave} and {all} in all waves (apart by {low} to {high} points)", **values
        )
    elif (low >= -MARGIN).all() and (high <= MARGIN).all():
        verdict = "holds"
        finding = say.sentence(
            "{said}; no share of the first three is more than {margin} points from that in all waves", **values
        )
    else:
        verdict = "not testable"
        finding = say.sentence(
            "too few to tell: {said}; {item} has {share} in {wave} and {all} in all waves (apart by {low} to {high} points)",
            **values,
        )
    return (Check(assumption=assumption, finding=finding, verdict=verdict),)
