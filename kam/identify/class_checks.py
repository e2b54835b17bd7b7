"""What ABC-XYZ classes need, and what is said about it: input that cannot be used, checks of assumptions, what is assumed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kam.columns import require_columns
from kam.errors import ColumnTypeError, DataError, ParameterError
from kam.identify.stability import BLOCK_MONTHS, FEW_ORDERS, MIN_ACCOUNTS, Rerun
from kam.results import Assumed, Check
from kam.wording import N_, Wording

MAX_SHARE = 0.8
"""A regularity class that holds more than this share of the customers says little."""

_SUMMARY = (
    "customer_id",
    "n_orders",
    "first_order",
    "last_order",
    "tenure_days",
    "days_since_last_order",
    "median_gap_days",
    "gap_cv",
    "demand_cv",
)


def check_parameters(
    xyz: str, xyz_cuts: tuple[float, float], min_orders: int, ended_after: float | None, n_resamples: int
) -> None:
    """Refuse parameters that are out of range, by a ParameterError."""
    if xyz not in ("gap_cv", "demand_cv"):
        raise ParameterError(f"xyz is {xyz!r}.", hint="Use 'gap_cv' or 'demand_cv'.")
    if len(xyz_cuts) != 2 or not 0 < xyz_cuts[0] < xyz_cuts[1]:
        raise ParameterError(f"The XYZ limits are {xyz_cuts}.", hint="Give two ascending numbers, such as (0.5, 1.0).")
    if min_orders < 2:
        raise ParameterError(f"min_orders is {min_orders}.", hint="A rhythm needs at least 2 orders; 4 is usual.")
    if ended_after is not None and not ended_after > 0:
        raise ParameterError(f"ended_after is {ended_after}.", hint="Give a number of days, or None.")
    if n_resamples < 1:
        raise ParameterError(f"n_resamples is {n_resamples}.", hint="Give at least 1; 500 is usual.")


def check_frames(summary: pd.DataFrame, panel: pd.DataFrame, value: str) -> None:
    """Refuse frames with missing columns or values, doubled months, unknown customers or periods that are no months."""
    for frame, name, needed in (
        (summary, "summary", [*_SUMMARY, value]),
        (panel, "panel", ["customer_id", "period", "n_orders", value]),
    ):
        require_columns(
            frame,
            needed,
            where=f"the {name}",
            hint="Give what summarize_customers and activity_panel return; a margin needs the cost in the ledger.",
        )
        undated = [c for c in ("period", "first_order", "last_order") if c in needed and frame[c].dtype.kind != "M"]
        if undated:
            raise ColumnTypeError(
                f"The column {undated[0]!r} holds no dates.", where=name, hint="Convert it with pandas.to_datetime."
            )
        numbers = frame[[column for column in needed if column in ("n_orders", value)]].astype(float)
        bad = ~np.isfinite(numbers.to_numpy()).all(axis=1) | frame["customer_id"].isna()
        if bad.any():
            rows = frame.loc[bad, "customer_id"].head(3).tolist()
            raise DataError(
                "A value is missing or not finite.", where=f"{name}, customers {rows}", hint="Mend or drop them."
            )
    dated = summary[["first_order", "last_order", "tenure_days", "days_since_last_order"]].notna().all(axis=1)
    timeless = summary.loc[summary["n_orders"].gt(0) & ~dated, "customer_id"].head(3).tolist()
    if timeless:
        raise DataError("A customer has orders, but no first or last order.", where=f"summary, customers {timeless}")
    twice = panel.loc[panel.duplicated(["customer_id", "period"]), "customer_id"].head(3).tolist()
    if twice:
        raise DataError(
            "A customer's month stands twice.", where=f"panel, customers {twice}", hint="Sum per month first."
        )
    known = pd.Index(summary["customer_id"].unique())
    unknown = panel.loc[known.get_indexer(panel["customer_id"]) < 0, "customer_id"].head(3).tolist()
    if unknown:
        raise DataError(
            "A customer of the panel is not in the summary.",
            where=f"customers {unknown}",
            hint="Use one ledger for both.",
        )
    starts = pd.DatetimeIndex(panel["period"].unique())
    n_active = int((panel["n_orders"] > 0).sum())
    by_month = bool((starts.day == 1).all())
    if "n_active_periods" in summary:
        by_month &= n_active >= 0.9 * float(summary["n_active_periods"].sum())
    if not by_month:
        raise DataError(
            "The panel is not by month, or not of the same ledger as the summary.",
            where="panel, column period",
            hint="Use activity_panel(ledger, freq='month').",
        )


def list_checks(
    say: Wording,
    ranked: pd.DataFrame,
    customers: pd.DataFrame,
    rerun: Rerun,
    months: pd.DataFrame,
    base: str,
) -> tuple[Check, ...]:
    """Every assumption of the classes and of their stability, with what the data say about it."""
    x, classes = ranked["value"].to_numpy(), ranked["abc_class"].to_numpy()
    on_limit = x[:-1][(x[:-1] == x[1:]) & (x[:-1] > 0) & (classes[:-1] != classes[1:])]
    n_tied = int(np.isin(x, on_limit).sum())
    ties = Check(
        assumption=say.sentence("no limit between classes runs through customers of equal value"),
        finding=say.sentence("none does")
        if not n_tied
        else say.sentence(
            "{n} customers of equal value stand on both sides; the order of their ids decides", n=say.count(n_tied)
        ),
        verdict="handled" if n_tied else "holds",
    )
    n_below = int((x <= 0).sum())
    below = Check(
        assumption=say.sentence("every customer has a positive value"),
        finding=say.sentence("all have")
        if not n_below
        else say.join(
            [
                say.plural("one has not, and is in class C", "{n} have not, and are in class C", n_below),
                say.sentence("shares are of the net total") if base == "net" else "",
            ],
            ";",
        ),
        verdict="handled" if n_below else "holds",
    )
    largest = customers["xyz_class"].value_counts(normalize=True)
    spread = Check(
        assumption=say.sentence("the classes of regularity tell customers apart"),
        finding=say.sentence(
            "the largest, {name}, holds {share} of customers",
            name=say.word(str(largest.index[0]), "xyz_class"),
            share=say.share(largest.iloc[0], 0),
        ),
        verdict="does not hold" if largest.iloc[0] > MAX_SHARE else "holds",
        statistic=float(largest.iloc[0]),
    )
    n = len(customers)
    few = Check(
        assumption=say.sentence("accounts have orders enough to show their own noise"),
        finding=say.sentence(
            "{few} of {n} have not (fewer than {k} orders, or too few months) and take that of all accounts",
            few=say.count(rerun.n_few),
            n=say.count(n),
            k=say.count(FEW_ORDERS),
        ),
        verdict="handled" if rerun.n_few else "holds",
        statistic=rerun.n_few / n,
    )
    noise = Check(
        assumption=say.sentence("accounts and complete months are enough to measure the noise of ordering"),
        finding=say.sentence(
            "measured on {n} accounts: counts vary {f} times as much as pure chance (Poisson), order sizes by {cv} of their mean",
            n=say.count(rerun.n_pooled),
            f=say.number(rerun.order_dispersion),
            cv=say.share(np.sqrt(rerun.size_dispersion), 0),
        )
        if rerun.n_pooled
        else say.sentence("too few: orders are assumed to come by pure chance (Poisson) and to vary by 100% in size"),
        verdict="holds" if rerun.n_pooled else "does not hold",
    )
    inside = months.groupby("customer_id")["value"].sum().reindex(ranked.index, fill_value=0.0)
    outside = float((ranked["value"] - inside).abs().sum()) / float(np.maximum(x, 0).sum())
    incomplete = Check(
        assumption=say.sentence("all value lies in complete months"),
        finding=say.sentence("all does")
        if abs(outside) < 1e-9
        else say.sentence(
            "{share} of the value lies outside; it counts in the classes, its noise is that of the complete months",
            share=say.share(outside),
        ),
        verdict="holds" if abs(outside) < 1e-9 else "handled",
        statistic=outside,
    )
    by_sum = Check(
        assumption=say.sentence("every account can be judged by how often and how much it orders"),
        finding=say.sentence(
            "{n} cannot (value not positive or mostly taken back): judged by months; {fixed} without an order stay as they are",
            n=say.count(rerun.n_additive),
            fixed=say.count(rerun.n_fixed),
        ),
        verdict="handled" if rerun.n_additive + rerun.n_fixed else "holds",
    )
    return ties, below, spread, few, noise, incomplete, by_sum


def list_assumed(
    say: Wording,
    abc_cuts: tuple[float, float],
    xyz: str,
    xyz_cuts: tuple[float, float],
    min_orders: int,
    ended_after: float | None,
    base: str,
    n_resamples: int,
    rerun: Rerun,
) -> tuple[Assumed, ...]:
    """Every number that was assumed rather than estimated, and what another one would do."""
    variation = N_("variation of the gaps between orders") if xyz == "gap_cv" else N_("variation of demand per month")
    return (
        Assumed(
            what=say.sentence("limits of A and B"),
            value=say.sentence("{a} and {b} of the value", a=say.share(abc_cuts[0], 0), b=say.share(abc_cuts[1], 0)),
            would_change=say.sentence("a convention; other limits move the borders, not the order"),
        ),
        Assumed(
            what=say.sentence("base of the shares"),
            value=say.sentence("sum of the positive values") if base == "positive" else say.sentence("net total"),
            would_change=say.sentence("the net total is smaller where customers are below zero: fewer in A, more in C"),
        ),
        Assumed(
            what=say.sentence("regular (X) and varying (Y)"),
            value=say.sentence(
                "{what} up to {x} and {y}; from {n} orders on",
                what=say.sentence(variation),
                x=say.number(xyz_cuts[0], 1),
                y=say.number(xyz_cuts[1], 1),
                n=say.count(min_orders),
            ),
            would_change=say.sentence("1.0 is pure chance; lower limits leave only clockwork buyers in X"),
        ),
        Assumed(
            what=say.sentence("ended"),
            value=say.sentence("silent for more than three times its own median gap, and more than 180 days")
            if ended_after is None
            else say.sentence("silent for more than {days} days", days=say.count(ended_after)),
            would_change=say.sentence("a longer silence keeps slow buyers among the living"),
        ),
        Assumed(
            what=say.sentence("a re-run"),
            value=say.sentence(
                "same accounts, period, first orders, trend and season; chance (from blocks of {months} months) drawn {n} times",
                n=say.count(n_resamples),
                months=say.count(BLOCK_MONTHS),
            ),
            would_change=say.sentence(
                "no forecast: where accounts leave or change their level by chance, the stated probabilities are too high"
            ),
        ),
        *(
            ()
            if rerun.is_shrunk
            else (
                Assumed(
                    what=say.sentence("accounts tell nothing about each other"),
                    value=say.sentence("too few of them"),
                    would_change=say.sentence(
                        "with {n} accounts or more the lucky ones are drawn to the average", n=say.count(MIN_ACCOUNTS)
                    ),
                ),
            )
        ),
    )
