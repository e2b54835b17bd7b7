"""The dependence flag: accounts that hold much of our revenue or margin, alone or with their parent group."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.dataset.parents import find_heads
from kam.identify.account_flags import Judgment
from kam.identify.order_blocks import OrderBlocks
from kam.wording import N_, Wording

Floats = npt.NDArray[np.float64]


def judge_dependence(
    blocks: OrderBlocks, file: pd.DataFrame, threshold: float, say: Wording
) -> tuple[Judgment, dict[str, Floats]]:
    """Flag accounts that hold a share of our revenue or margin of the last twelve months, alone or with their group.

    Parameters
    ----------
    blocks : OrderBlocks
    file : pandas.DataFrame
        The account file in the order of the accounts; ``parent_id`` if it has groups.
    threshold : float
        The share, of the sum of the positive values, so that losses do not enlarge it.
    say : Wording

    Returns
    -------
    tuple of Judgment and dict
        The flag and the shares: ``share_our_revenue``, ``share_our_margin`` (with cost), ``share_group_revenue``,
        ``share_group_margin`` (with groups).
    """
    values = {"revenue": blocks.last_year("gross") - blocks.last_year("returns")}
    if "margin" in blocks:
        values["margin"] = blocks.last_year("margin")
    group = None
    if "parent_id" in file:
        group, _ = pd.factorize(find_heads(blocks.customers.to_series(), file["parent_id"]))
    shares: dict[str, Floats] = {}
    for name, value in values.items():
        positive = np.maximum(value, 0.0)
        total = max(float(positive.sum()), 1e-12)
        shares[f"share_our_{name}"] = positive / total
        if group is not None:
            shares[f"share_group_{name}"] = np.bincount(group, positive / total).astype(np.float64)[group]
    table = np.column_stack(list(shares.values()))
    names = list(shares)
    largest = table.argmax(axis=1)
    texts = {
        "share_our_revenue": N_("{x} of our revenue of the last twelve months"),
        "share_our_margin": N_("{x} of our margin of the last twelve months"),
        "share_group_revenue": N_("{x} of our revenue of the last twelve months, with its group of {n} accounts"),
        "share_group_margin": N_("{x} of our margin of the last twelve months, with its group of {n} accounts"),
    }
    size = np.ones(len(blocks), dtype=np.int64) if group is None else np.bincount(group)[group]

    def words(i: int) -> str:
        return say.sentence(texts[names[largest[i]]], x=say.share(table[i, largest[i]]), n=say.count(size[i]))

    figure = table.max(axis=1)
    judgment = Judgment(
        flag="dependence",
        measure=say.sentence("largest share of our revenue or margin"),
        judged=np.ones(len(blocks), dtype=bool),
        matters=figure >= threshold,
        figure=figure,
        reference=np.full(len(blocks), threshold),
        p_value=None,
        since=None,
        finding=words,
    )
    return judgment, shares
