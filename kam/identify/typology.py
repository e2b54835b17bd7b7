"""Types of accounts: strategic, partner or ordinary; breadwinners, prospects, image makers, experts; how we supply them.

What makes a type is a table, :data:`TYPES`, that a user can replace: one row per condition, and a type holds where all its
conditions do. Several types may hold for one account, also within a scheme.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.columns import require_columns
from kam.errors import EmptyDataError, ParameterError
from kam.identify.account_facts import FACTS
from kam.results import Assumed, Check, Context, KeyFigure, Result
from kam.wording import Wording

_COLUMNS = ["scheme", "account_type", "fact", "at_least", "at_most"]
TYPES = pd.DataFrame(
    [
        ("relationship", "strategic", "share_larger", None, 0.2),
        ("relationship", "strategic", "tenure_years", 3.0, None),
        ("relationship", "strategic", "partnership_wish", 4.0, None),
        ("relationship", "partner", "share_larger", None, 0.5),
        ("relationship", "partner", "tenure_years", 2.0, None),
        ("relationship", "partner", "gap_cv", None, 1.0),
        ("relationship", "ordinary", "", None, None),
        ("supply", "monopoly", "n_competitors", None, 0.0),
        ("supply", "selective", "n_competitors", 1.0, 2.0),
        ("supply", "intensive", "n_competitors", 3.0, None),
        ("role", "breadwinner", "share_profit", 0.1, None),
        ("role", "prospect", "growth", 0.2, None),
        ("role", "prospect", "share_wallet", None, 0.5),
        ("role", "prospect", "share_larger", 0.2, None),
        ("role", "image maker", "reputation", 4.0, None),
        ("role", "expert", "management_philosophy", 4.0, None),
    ],
    columns=_COLUMNS,
).astype({"at_least": "float64", "at_most": "float64"})
"""One row per condition: ``scheme, account_type, fact, at_least, at_most`` (inclusive; missing: no such end). A type with an
empty fact holds where no other type of its scheme does."""
SHARES = ("share_larger", "share_profit", "share_wallet", "share_margin", "growth")
"""Facts that are shown in percent."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class TypologyResult(Result):
    """Result of :func:`classify_types`.

    Attributes
    ----------
    accounts : pandas.DataFrame
        One row per account and type that holds: ``customer_id, scheme, account_type, reason`` (the facts that make it).
    types : pandas.DataFrame
        One row per type in the order of the table: ``scheme, account_type, meaning`` (its conditions), ``n_customers, value,
        share_value`` (of the year's revenue) ``, n_unknown`` (accounts of which a fact is not known).
    conditions : pandas.DataFrame
        The table that was used: ``scheme, account_type, fact, at_least, at_most``.
    n_customers, n_several : int
        Accounts; those with two or more types within one scheme.
    not_judged : tuple of str
        Types of which no condition could be looked at.
    """

    main: ClassVar[str] = "types"

    accounts: pd.DataFrame
    types: pd.DataFrame
    conditions: pd.DataFrame
    n_customers: int
    n_several: int
    not_judged: tuple[str, ...]

    def of(self, account_type: str) -> pd.DataFrame:
        """The accounts of a type, with the reason."""
        return self.accounts[self.accounts["account_type"] == account_type].reset_index(drop=True)

    def _sentence(self) -> str:
        say = self.context.wording
        found = self.types[self.types["n_customers"] > 0]
        if found.empty:
            return say.sentence("None of {n} accounts is of any type of the table.", n=say.count(self.n_customers))
        named = [
            say.sentence("{n} {name} ({share})", n=say.count(n), name=say.text(name), share=say.share(share, 0))
            for name, n, share in zip(found["account_type"], found["n_customers"], found["share_value"], strict=True)
        ]
        return say.sentence(
            "Of {n_all} accounts, by type and share of the year's revenue: {types}.",
            n_all=say.count(self.n_customers),
            types=say.join(named, ","),
        )

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        return tuple(
            KeyFigure(
                value=say.count(row["n_customers"]),
                label=say.sentence("accounts are of the type {name}", name=say.text(row["account_type"])),
                note=say.sentence("{share} of the year's revenue", share=say.share(row["share_value"])),
            )
            for row in self.types.head(4).to_dict("records")
        )


def classify_types(
    facts: pd.DataFrame, *, types: pd.DataFrame = TYPES, context: Context | None = None
) -> TypologyResult:
    """Say of which types each account is, and why.

    A condition on a fact that the data do not have at all is left out, and said; a fact that is missing for an account meets no
    condition.

    Assumes (1) that the borders of the table suit this portfolio.

    Parameters
    ----------
    facts : pandas.DataFrame
        As from :func:`kam.identify.account_facts`, with the judged criteria that the table names. ``share_larger``, the share
        of the accounts with more revenue in the year, is added.
    types : pandas.DataFrame
        Like :data:`TYPES`.
    context : Context, optional
        Currency, language and dataset.

    Returns
    -------
    TypologyResult

    Raises
    ------
    EmptyDataError
        There is no account, or no condition.
    MissingColumnError
        The facts or the table lack a column.
    ParameterError
        A condition has no border, or its borders are turned round.

    Notes
    -----
    The types are those of the sources on key-account management: ordinary, partner, strategic; monopoly, selective, intensive;
    breadwinners (at least 10 % of the profit), prospects, image makers, experts.

    Examples
    --------
    >>> facts = pd.DataFrame({"customer_id": ["a", "b"], "revenue_year": [900.0, 100.0], "share_profit": [0.9, 0.05]})
    >>> found = classify_types(facts, types=TYPES.query("account_type == 'breadwinner'"))
    >>> found.accounts[["customer_id", "reason"]].values.tolist()
    [['a', 'share of profit 90.0%']]
    """
    context = context or Context()
    say = context.wording
    require_columns(facts, ["customer_id", "revenue_year"], where="the facts", hint="Give what account_facts returns.")
    require_columns(types, _COLUMNS, where="the table of types", hint=f"It needs {', '.join(_COLUMNS)}.")
    if facts.empty or types.empty:
        raise EmptyDataError("There is no account." if facts.empty else "There is no condition.", where="typology")
    _check_conditions(types)
    revenue = facts["revenue_year"].clip(lower=0).to_numpy(dtype=np.float64)
    known = facts.assign(
        share_larger=(pd.Series(revenue).rank(method="min", ascending=False).to_numpy() - 1) / len(facts)
    )
    conditions = types[_COLUMNS].reset_index(drop=True)
    holds: dict[tuple[str, str], npt.NDArray[np.bool_]] = {}
    unknown: dict[tuple[str, str], int] = {}
    lacking: list[str] = []
    not_judged: list[str] = []
    for key, rows in conditions[conditions["fact"] != ""].groupby(["scheme", "account_type"], sort=False):
        name = (str(key[0]), str(key[1]))
        there = rows[rows["fact"].isin(known.columns)]
        lacking += [fact for fact in rows["fact"] if fact not in known.columns]
        if there.empty:
            not_judged.append(name[1])
            continue
        values = known[there["fact"]].to_numpy(dtype=np.float64)
        low = there["at_least"].fillna(-np.inf).to_numpy(dtype=np.float64)
        high = there["at_most"].fillna(np.inf).to_numpy(dtype=np.float64)
        holds[name] = np.asarray(((values >= low) & (values <= high)).all(axis=1))
        unknown[name] = int(np.isnan(values).any(axis=1).sum())
    rest = conditions[conditions["fact"] == ""]
    for name in zip(rest["scheme"], rest["account_type"], strict=True):
        others = [of for other, of in holds.items() if other[0] == name[0]]
        if others:
            holds[name], unknown[name] = np.asarray(~np.any(others, axis=0)), 0
        else:
            not_judged.append(name[1])
    order = [
        key for key in dict.fromkeys(zip(conditions["scheme"], conditions["account_type"], strict=True)) if key in holds
    ]
    total = revenue.sum()
    table = pd.DataFrame(
        {
            "scheme": [scheme for scheme, _ in order],
            "account_type": [kind for _, kind in order],
            "meaning": [_meaning(conditions, key, say) for key in order],
            "n_customers": [int(holds[key].sum()) for key in order],
            "value": [float(revenue[holds[key]].sum()) for key in order],
            "share_value": [float(revenue[holds[key]].sum() / total) if total > 0 else 0.0 for key in order],
            "n_unknown": [unknown[key] for key in order],
        }
    ).astype({"scheme": "str", "account_type": "str", "meaning": "str", "n_customers": "int64", "n_unknown": "int64"})
    parts = [_accounts_of(known, key, holds[key], conditions, say) for key in order]
    accounts = (
        pd.concat(parts, ignore_index=True)
        if parts
        else pd.DataFrame(columns=["customer_id", "scheme", "account_type", "reason"], dtype="str")
    )
    several = accounts.groupby(["customer_id", "scheme"]).size().loc[lambda n: n > 1]
    return TypologyResult(
        context=context,
        checks=_checks(say, tuple(dict.fromkeys(lacking)), tuple(not_judged), table),
        assumed=(
            Assumed(
                what=say.sentence("what makes a type"),
                value=say.sentence("the table of conditions"),
                would_change=say.sentence("replace the table: other borders make other types"),
            ),
        ),
        accounts=accounts,
        types=table,
        conditions=conditions,
        n_customers=len(facts),
        n_several=int(several.index.get_level_values("customer_id").nunique()),
        not_judged=tuple(not_judged),
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _check_conditions(types: pd.DataFrame) -> None:
    has_fact = types["fact"] != ""
    without = types[has_fact & types["at_least"].isna() & types["at_most"].isna()]
    turned = types[types["at_least"] > types["at_most"]]
    for rows, problem in ((without, "has no border"), (turned, "has its borders turned round")):
        if len(rows):
            row = rows.iloc[0]
            raise ParameterError(
                f"The condition on {row['fact']!r} {problem}.",
                where=f"types, {row['account_type']}",
                hint="Give at_least, at_most, or both.",
            )


def _show(fact: str, value: float, say: Wording) -> str:
    return say.share(value) if fact in SHARES else say.number(value, 0 if float(value).is_integer() else 1)


def _named(fact: str, say: Wording) -> str:
    return {
        "share_larger": say.sentence("share of larger accounts"),
        "tenure_years": say.sentence("years with us"),
        "gap_cv": say.sentence("variation of its gaps"),
        "n_competitors": say.sentence("competitors"),
        "share_profit": say.sentence("share of profit"),
        "growth": say.sentence("growth within the year"),
        "share_wallet": say.sentence("share of wallet"),
        "share_margin": say.sentence("margin"),
        "orders_per_year": say.sentence("orders a year"),
    }.get(fact, fact.replace("_", " "))


def _meaning(conditions: pd.DataFrame, key: tuple[str, str], say: Wording) -> str:
    rows = conditions[(conditions["scheme"] == key[0]) & (conditions["account_type"] == key[1])]
    parts = []
    for fact, low, high in zip(rows["fact"], rows["at_least"], rows["at_most"], strict=True):
        if fact == "":
            parts.append(say.sentence("none of the others"))
        elif pd.isna(low):
            parts.append(say.sentence("{fact} at most {high}", fact=_named(fact, say), high=_show(fact, high, say)))
        elif pd.isna(high):
            parts.append(say.sentence("{fact} at least {low}", fact=_named(fact, say), low=_show(fact, low, say)))
        else:
            parts.append(
                say.sentence(
                    "{fact} {low} to {high}",
                    fact=_named(fact, say),
                    low=_show(fact, low, say),
                    high=_show(fact, high, say),
                )
            )
    return say.join(parts, ";")


def _accounts_of(
    known: pd.DataFrame,
    key: tuple[str, str],
    holds: npt.NDArray[np.bool_],
    conditions: pd.DataFrame,
    say: Wording,
) -> pd.DataFrame:
    rows = conditions[(conditions["scheme"] == key[0]) & (conditions["account_type"] == key[1])]
    facts = [fact for fact in rows["fact"] if fact in known.columns]
    there = known[holds]
    said = [
        [f"{_named(fact, say)} {_show(fact, value, say)}" for value in there[fact].to_numpy(dtype=np.float64)]
        for fact in facts
    ]
    reasons = (
        [say.join(parts, ";") for parts in zip(*said, strict=True)]
        if said
        else [say.sentence("no other type")] * len(there)
    )
    frame = pd.DataFrame({"customer_id": there["customer_id"].astype("str").to_numpy()})
    return frame.assign(scheme=key[0], account_type=key[1], reason=pd.Series(reasons, dtype="str"))


def _checks(say: Wording, lacking: Sequence[str], not_judged: Sequence[str], table: pd.DataFrame) -> tuple[Check, ...]:
    unknown = int(table["n_unknown"].max()) if len(table) else 0
    measured = [fact for fact in lacking if fact in FACTS or fact == "share_larger"]
    judged = [fact for fact in lacking if fact not in measured]
    named = [_named(fact, say) for fact in (*measured, *judged)]
    finding = say.sentence("every fact is there")
    if lacking:
        finding = say.sentence("not in the data: {facts}", facts=say.listing(named))
        if not_judged:
            finding += say.sentence(
                "; not judged at all: {types}", types=say.listing([say.text(name) for name in not_judged])
            )
    return (
        Check(
            assumption=say.sentence("the facts that the types need are known"),
            finding=finding,
            verdict="does not hold" if not_judged else "handled" if lacking else "holds",
        ),
        Check(
            assumption=say.sentence("the facts are known of every account"),
            finding=say.plural(
                "one account lacks one", "up to {n} accounts lack one, and are not of a type that needs it", unknown
            )
            if unknown
            else say.sentence("they are"),
            verdict="handled" if unknown else "holds",
        ),
    )
