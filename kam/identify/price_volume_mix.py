"""Why revenue changed: price, volume and mix, beside products and accounts that are new or gone.

Between two years, for the products i that an account bought in both, with revenue r, quantity q and price p = r / q:

    price  = Σ (p₁ᵢ − p₀ᵢ) q₁ᵢ
    volume = (Q₁ / Q₀ − 1) Σ r₀ᵢ,                  Q = Σ qᵢ
    mix    = Σ p₀ᵢ q₁ᵢ − (Q₁ / Q₀) Σ r₀ᵢ

Products that an account bought in one of the years only (new to it or dropped by it, not by the range), and those
without a name or a positive quantity and revenue in both, stand beside; so do accounts that bought in one of the
years only. All parts add up to the change of revenue exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from kam.columns import require_columns
from kam.errors import EmptyDataError, MissingColumnError
from kam.identify.yearly_mix import last_two_years
from kam.results import Assumed, Check, Context, KeyFigure, Result
from kam.wording import N_, Wording

PARTS = ("price", "volume", "mix", "new_products", "dropped_products", "without_quantity")
"""The parts of the change of an account that bought in both years."""
CHOICE = N_("new and dropped products")
"""Products that accounts took up less those they dropped: one part in the answer, two in the table."""
NO_PRODUCT = ""
"""Lines that name no product: they have no price of one, and stand with those without a quantity."""
LARGEST_WITHOUT = 0.2
"""Share of the revenue without a quantity from which the parts say little."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class PriceVolumeMixResult(Result):
    """Result of :func:`price_volume_mix`.

    Attributes
    ----------
    effects : pandas.DataFrame
        One row per part of the change: ``revenue_part`` (``price, volume, mix, new products, dropped products`` of an account,
        not of the range, ``without quantity, not there before, lost accounts``: those without an order the year before, new or
        back, and those without one since) ``, revenue_change, share_of_year_before`` (missing where that revenue is not above 0)
        ``, n_customers``.
    accounts : pandas.DataFrame
        One row per account that bought in both years, the largest change first: ``customer_id,
        revenue_year_before, revenue, revenue_change, price, volume, mix, new_products, dropped_products, without_quantity``
        (money) ``, share_price_change`` (of what was bought in both years; missing where nothing was).
    year, year_before : str
        First days of the two years.
    revenue, revenue_before, change : float
        Of all accounts, and the difference.
    price_change : float or None
        By how much the prices of what was bought in both years changed, at the quantities of the later one (Paasche); None:
        nothing was.
    share_matched : float or None
        Share of the two years' revenue that lies in products that the same account bought in both; None: there is none.
    """

    main: ClassVar[str] = "effects"

    effects: pd.DataFrame
    accounts: pd.DataFrame
    year: str
    year_before: str
    revenue: float
    revenue_before: float
    change: float
    price_change: float | None
    share_matched: float | None

    def _sentence(self) -> str:
        say = self.context.wording
        # What accounts took up and what they dropped is one part here: of large sums that cancel, the net one tells.
        changes = dict(zip(self.effects["revenue_part"], self.effects["revenue_change"], strict=True))
        changes[CHOICE] = changes.pop("new products") + changes.pop("dropped products")
        largest = sorted(((name, x) for name, x in changes.items() if x), key=lambda part: -abs(part[1]))[:3]
        named = [
            say.sentence("{name} {value}", name=name_part(name, say), value=signed(value, say))
            for name, value in largest
        ]
        first = say.sentence(
            "Revenue went from {before} to {after} within a year ({change}).",
            before=say.money_short(self.revenue_before),
            after=say.money_short(self.revenue),
            change=signed(self.change, say),
        )
        return (
            say.join([first, say.sentence("The largest parts: {parts}.", parts=say.listing(named))]) if named else first
        )

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        by = self.effects.set_index("revenue_part")["revenue_change"]
        counted = say.sentence("counted, not estimated")
        return (
            KeyFigure(
                value=signed(self.change, say), label=say.sentence("revenue against the year before"), note=counted
            ),
            KeyFigure(
                value="–" if self.price_change is None else say.share(self.price_change),
                label=say.sentence("prices of what was bought in both years"),
                note=say.sentence("worth {value}", value=signed(by["price"], say)),
            ),
            KeyFigure(
                value=signed(by["not there before"] + by["lost accounts"], say),
                label=say.sentence("accounts without an order the year before less lost ones"),
                note=counted,
            ),
        )


def price_volume_mix(mix: pd.DataFrame, *, context: Context | None = None) -> PriceVolumeMixResult:
    """Split the change of revenue between the last two years into price, volume and mix, per account and together.

    Assumes (1) that quantities of different products may be added (pieces with pieces); (2) that a product is the same thing in
    both years.

    Parameters
    ----------
    mix : pandas.DataFrame
        As from ``summarize_mix(ledger, by="product_id", freq="last_years")``: ``customer_id, period, group, revenue, quantity``.
    context : Context, optional
        Currency, language and dataset.

    Returns
    -------
    PriceVolumeMixResult

    Raises
    ------
    MissingColumnError
        There is no quantity, or another column is missing.
    EmptyDataError
        There are not two years.
    DataError
        A product of an account stands twice in a year, a revenue is missing, or the periods are no years.

    Notes
    -----
    The three-way split at the prices of the year before, with the joint effect in the price (price at new quantities), as usual
    in controlling; see e.g. Horngren, Datar & Rajan, Cost Accounting, chapter on flexible budgets and mix variances.

    Examples
    --------
    One product, a tenth dearer and twice as much of it: 100 is volume at the old price, 20 the price at the new quantity.

    >>> years = pd.to_datetime(["2023-01-01", "2024-01-01"])
    >>> mix = pd.DataFrame({"customer_id": "a", "period": years, "group": "tape", "revenue": [100.0, 220.0]})
    >>> result = price_volume_mix(mix.assign(quantity=[10.0, 20.0]))
    >>> result.accounts[["price", "volume", "mix"]].round(6).values.tolist()
    [[20.0, 100.0, 0.0]]
    """
    context = context or Context()
    needed = ["customer_id", "period", "group", "revenue", "quantity"]
    require_columns(mix, needed[:-1], where="the mix", hint="See summarize_mix.")
    if "quantity" not in mix:
        raise MissingColumnError(
            "There is no quantity: price and volume cannot be told apart.",
            where="the mix",
            hint="Name the quantity under columns: of the ledger.",
        )
    last, before, rows = last_two_years(mix[needed])
    if rows["period"].nunique() < 2:
        raise EmptyDataError(
            "There are not two years to compare.", where="the mix", hint="It takes 24 complete months."
        )
    rows = rows.assign(group=rows["group"].fillna(NO_PRODUCT))
    keys = ["customer_id", "group"]
    now, then = (
        rows[rows["period"] == p].set_index(keys)[["revenue", "quantity"]].add_suffix(end)
        for p, end in ((last, "_1"), (before, "_0"))
    )
    both = then.join(now, how="outer").fillna(0.0)
    parts, by_account, there = _split(both)
    kept = (there["there_0"] & there["there_1"]).to_numpy()
    accounts = by_account[kept].copy()
    accounts["revenue_change"] = accounts["revenue"] - accounts["revenue_year_before"]
    order = accounts["revenue_change"].abs().sort_values(ascending=False, kind="stable").index
    revenue, revenue_before = float(both["revenue_1"].sum()), float(both["revenue_0"].sum())
    columns = ["customer_id", "revenue_year_before", "revenue", "revenue_change", *PARTS, "share_price_change"]
    matched = parts[parts["matched"]]
    at_old = float(matched["old_price_new_quantity"].sum())
    total = revenue + revenue_before
    return PriceVolumeMixResult(
        context=context,
        checks=_checks(context.wording, parts, bool(before == mix["period"].min())),
        assumed=(
            Assumed(
                what=context.wording.sentence("quantities of different products may be added"),
                value=context.wording.sentence("yes"),
                would_change=context.wording.sentence(
                    "in other units volume and mix are divided otherwise; their sum stays"
                ),
            ),
        ),
        effects=_effects(by_account, there, revenue_before),
        accounts=accounts.loc[order].reset_index()[columns],
        year=f"{last:%Y-%m-%d}",
        year_before=f"{before:%Y-%m-%d}",
        revenue=revenue,
        revenue_before=revenue_before,
        change=revenue - revenue_before,
        price_change=float(matched["price"].sum() / at_old) if at_old > 0 else None,
        share_matched=float(matched[["revenue_0", "revenue_1"]].to_numpy().sum() / total) if total > 0 else None,
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _split(both: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Per account and product; the sums per account; whether an account bought in each of the years."""
    parts = both.reset_index()
    named = parts["group"] != NO_PRODUCT
    positive = (parts["quantity_0"] > 0) & (parts["quantity_1"] > 0)
    parts["matched"] = named & positive & (parts["revenue_0"] > 0) & (parts["revenue_1"] > 0)
    price_0 = parts["revenue_0"] / parts["quantity_0"].where(parts["matched"])
    parts["old_price_new_quantity"] = (price_0 * parts["quantity_1"]).fillna(0.0)
    parts["price"] = (parts["revenue_1"] - parts["old_price_new_quantity"]).where(parts["matched"], 0.0)
    in_both = parts.loc[parts["matched"]].groupby("customer_id")[["quantity_0", "quantity_1", "revenue_0"]].sum()
    ratio = parts["customer_id"].map(in_both["quantity_1"] / in_both["quantity_0"])
    parts["volume"] = ((ratio - 1) * parts["revenue_0"]).where(parts["matched"], 0.0)
    parts["mix"] = (parts["old_price_new_quantity"] - ratio * parts["revenue_0"]).where(parts["matched"], 0.0)
    change = parts["revenue_1"] - parts["revenue_0"]
    only_now = (parts["revenue_0"] == 0) & (parts["quantity_0"] == 0)
    only_then = (parts["revenue_1"] == 0) & (parts["quantity_1"] == 0)
    parts["new_products"] = change.where(named & only_now, 0.0)
    parts["dropped_products"] = change.where(named & only_then & ~only_now, 0.0)
    parts["priceless"] = ~parts["matched"] & ~(named & (only_now | only_then))
    parts["without_quantity"] = change.where(parts["priceless"], 0.0)
    parts["there_0"], parts["there_1"] = ~only_now, ~only_then
    sums = parts.groupby("customer_id")[["revenue_0", "revenue_1", *PARTS, "old_price_new_quantity"]].sum()
    there = parts.groupby("customer_id")[["there_0", "there_1"]].any()
    sums = sums.rename(columns={"revenue_0": "revenue_year_before", "revenue_1": "revenue"})
    sums["share_price_change"] = sums["price"] / sums["old_price_new_quantity"].where(
        sums["old_price_new_quantity"] > 0
    )
    return parts, sums, there


def _effects(by_account: pd.DataFrame, there: pd.DataFrame, revenue_before: float) -> pd.DataFrame:
    stayed = by_account[there["there_0"] & there["there_1"]]
    new = by_account[there["there_1"] & ~there["there_0"]]
    lost = by_account[there["there_0"] & ~there["there_1"]]
    rows = [(name.replace("_", " "), float(stayed[name].sum()), int((stayed[name] != 0).sum())) for name in PARTS]
    rows += [
        ("not there before", float(new["revenue"].sum()), len(new)),
        ("lost accounts", -float(lost["revenue_year_before"].sum()), len(lost)),
    ]
    frame = pd.DataFrame(rows, columns=["revenue_part", "revenue_change", "n_customers"])
    frame.insert(2, "share_of_year_before", frame["revenue_change"] / revenue_before if revenue_before > 0 else np.nan)
    return frame


def name_part(part: str, say: Wording) -> str:
    """A part of the change in the words of a sentence or a figure."""
    return {
        "price": say.sentence("price"),
        "volume": say.sentence("volume"),
        "mix": say.sentence("mix"),
        "new products": say.sentence("products that the account had not bought the year before"),
        "dropped products": say.sentence("products that the account no longer bought"),
        CHOICE: say.sentence("change of what accounts buy, net"),
        "without quantity": say.sentence("what has no price in both years"),
        "not there before": say.sentence("accounts without an order the year before"),
        "lost accounts": say.sentence("lost accounts"),
    }[part]


def signed(value: float, say: Wording) -> str:
    """Money with its sign."""
    return f"{'+' if value > 0 else ''}{say.money_short(value)}"


def _checks(say: Wording, parts: pd.DataFrame, from_first: bool) -> tuple[Check, ...]:
    gross = parts[["revenue_0", "revenue_1"]].abs().sum(axis=1)
    without = float(gross[parts["priceless"]].sum() / max(gross.sum(), 1e-300))
    matched = float(gross[parts["matched"]].sum() / max(gross.sum(), 1e-300))
    return (
        Check(
            assumption=say.sentence("every line has a product and a quantity"),
            finding=say.sentence(
                "{share} of the revenue of both years lies in products without name, positive quantity or price in both",
                share=say.share(without),
            )
            if without
            else say.sentence("it has"),
            verdict="holds" if not without else "handled" if without < LARGEST_WITHOUT else "does not hold",
            statistic=without,
        ),
        Check(
            assumption=say.sentence("accounts buy the same products in both years"),
            finding=say.sentence(
                "{share} of the revenue of both years, the rest lies in products that an account bought in one of them only",
                share=say.share(matched),
            ),
            verdict="holds" if matched >= 0.5 else "handled",
            statistic=matched,
        ),
        Check(
            assumption=say.sentence("both years are whole"),
            finding=say.sentence("the earlier one is the first of the ledger, which may begin within it")
            if from_first
            else say.sentence("the ledger reaches back further than both"),
            verdict="not testable" if from_first else "holds",
        ),
    )
