"""What the wholesaler sells: eight product groups of eight products, the same in every simulation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kam.samples.months import Dates, Ints, Texts

NON_PRODUCT_CODES = ("BANK CHARGES", "MANUAL", "POSTAGE", "SAMPLES")
"""Codes in the product column that are no product."""

# group: list price of the smallest in EUR, quantity in a pack, four kinds in two sizes
_GROUPS = {
    "Corrugated boxes": (0.48, 50, "Single-wall box", "Double-wall box", "Die-cut box", "Archive box"),
    "Mailers": (0.14, 100, "Padded mailer", "Card mailer", "Paper mailer", "Poly mailer"),
    "Adhesive tape": (1.10, 30, "Paper tape", "Clear tape", "Printed tape", "Filament tape"),
    "Stretch film": (6.40, 10, "Hand film", "Machine film", "Pre-stretched film", "Black film"),
    "Void fill": (9.80, 5, "Paper roll", "Air cushion", "Loose fill", "Foam sheet"),
    "Labels": (0.021, 500, "Shipping label", "Warning label", "Barcode label", "Pallet label"),
    "Pallet protection": (2.60, 20, "Edge guard", "Pallet cap", "Slip sheet", "Strapping"),
    "Food packaging": (0.085, 200, "Paper bag", "Folding carton", "Cup", "Tray"),
}
_SIZES = ("S", "L")
PRICE_RISE = 1.06


@dataclass(frozen=True, eq=False)
class Catalogue:
    """One entry per product, grouped.

    Prices are whole numbers of 10⁻⁴ EUR: ``list_price`` and ``unit_cost`` at the beginning. Both rise by 6 % every
    other January: those of every second group in even years, the others in odd ones. A quantity ordered is a multiple
    of ``pack``, itself a multiple of 5; a quantity sent back never is.
    """

    product_id: Texts
    group: Ints
    list_price: Ints
    unit_cost: Ints
    pack: Ints
    group_names: Texts
    group_size: int

    def count_rises(self, month_starts: Dates, product: Ints, month: Ints) -> Ints:
        """How often the price of each product has risen up to each month (an index into `month_starts`)."""
        year = month_starts.astype("datetime64[Y]").astype(np.int64)
        parity = np.arange(2)[:, None]
        risen = (year + parity) // 2 - (year[0] + parity) // 2
        return risen[self.group[product] % 2, month]


def build_catalogue() -> Catalogue:
    """Build the catalogue.

    The cost is 60 to 78 % of the list price, by product.

    >>> catalogue = build_catalogue()
    >>> len(catalogue.product_id), catalogue.group_size
    (64, 8)
    >>> catalogue.product_id[0], int(catalogue.list_price[0]), int(catalogue.unit_cost[0])
    (np.str_('Single-wall box S'), 4800, 2880)
    """
    names, prices, packs = [], [], []
    for price, pack, *kinds in _GROUPS.values():
        for k, kind in enumerate(kinds):
            for s, size in enumerate(_SIZES):
                names.append(f"{kind} {size}")
                prices.append(round(float(price) * 200 * (1 + 0.35 * k) * (1 + s)) * 50)
                packs.append(int(pack))
    list_price = np.array(prices, dtype=np.int64)
    share_of_cost = 0.60 + 0.18 * (np.arange(len(names)) * 5 % 8) / 7
    return Catalogue(
        product_id=np.array(names),
        group=np.repeat(np.arange(len(_GROUPS)), len(names) // len(_GROUPS)),
        list_price=list_price,
        unit_cost=np.rint(list_price * share_of_cost).astype(np.int64),
        pack=np.array(packs, dtype=np.int64),
        group_names=np.array(list(_GROUPS)),
        group_size=len(names) // len(_GROUPS),
    )
