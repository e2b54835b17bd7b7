"""Likely duplicate customers: one firm under two identifiers, listed for a person to judge, never merged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.columns import require_columns, require_distinct
from kam.errors import DataError, UndefinedMeasureError
from kam.identify.firm_names import find_typing_errors, forms_agree, split_names
from kam.identify.value_classes import abc_classes
from kam.results import Assumed, Check, Context, KeyFigure, Result
from kam.wording import N_, Wording

Flags = npt.NDArray[np.bool_]

SAME, OTHER_FORM, ALIKE = N_("same name"), N_("same name, other legal form"), N_("nearly the same name")
MAX_SHARED = 20
"""A name that more accounts have than this is none (cash sale, private customer)."""
MIN_EVIDENCE = 2
_LIKE_PRODUCTS = 0.7


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class DuplicatesResult(Result):
    """Result of :func:`likely_duplicates`.

    Attributes
    ----------
    pairs : pandas.DataFrame
        One row per pair, the surest and largest first: ``customer_id, name, duplicate_of, other_name`` (the account of the two
        with more revenue), ``name_match`` (same name; same name, other legal form; nearly the same name), ``region_match,
        industry_match`` (same, differs, not known), ``takes_over`` (one orders only after the other had stopped),
        ``share_alike`` (of what is bought that is of the same products; missing where not known), ``n_evidence`` (what speaks
        for it beside the name), ``value, other_value`` (net revenue), ``finding``.
    shared_names : pandas.DataFrame
        ``name, n_accounts``: names of so many accounts that they are taken for no firm.
    n_accounts, n_without_name, n_in_group : int
        Accounts; those without a name; pairs left out because one is the other's parent or both have the same.
    n_pairs, n_same_name : int
        Pairs, and those whose names are the same but for spelling.
    share_value : float
        Share of the net revenue of all that the smaller accounts of the pairs bring.
    n_class_a : int
        Firms that would be in class A as one account, and are not as two.
    """

    main: ClassVar[str] = "pairs"

    pairs: pd.DataFrame
    shared_names: pd.DataFrame
    n_accounts: int
    n_without_name: int
    n_in_group: int
    n_pairs: int
    n_same_name: int
    share_value: float
    n_class_a: int

    def _sentence(self) -> str:
        say = self.context.wording
        if not self.n_pairs:
            return say.sentence(
                "Among {n} accounts no two look like one firm under two identifiers.", n=say.count(self.n_accounts)
            )
        first = say.plural(
            "One pair among {n_all} accounts looks like one firm under two identifiers; the smaller one brings {value}"
            " ({share} of net revenue).",
            "{n} pairs among {n_all} accounts look like one firm under two identifiers; the smaller ones bring {value}"
            " ({share} of net revenue).",
            self.n_pairs,
            n_all=say.count(self.n_accounts),
            value=say.money(self._smaller()),
            share=say.share(self.share_value)
            if not 0 < self.share_value < 0.0005
            else say.sentence("under {x}", x=say.share(0.001)),
        )
        second = say.plural(
            "Nothing was merged; as one account, one more firm would be in class A.",
            "Nothing was merged; as one account each, {n} more firms would be in class A.",
            self.n_class_a,
        )
        return say.join([first, second])

    def _smaller(self) -> float:
        return float(self.pairs.drop_duplicates("customer_id")["value"].sum())

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        return (
            KeyFigure(
                value=say.count(self.n_pairs),
                label=say.sentence("likely duplicates"),
                note=say.sentence(
                    "{n} with the same name but for spelling; a person has to judge", n=say.count(self.n_same_name)
                ),
            ),
            KeyFigure(
                value=say.money_short(self._smaller()),
                label=say.sentence("brought by the smaller accounts of the pairs"),
                note=say.sentence("counted, not estimated"),
            ),
            KeyFigure(
                value=say.count(self.n_class_a),
                label=say.sentence("more firms in class A, were they one account each"),
                note=say.sentence("counted, not estimated"),
            ),
        )


def likely_duplicates(
    accounts: pd.DataFrame,
    summary: pd.DataFrame,
    *,
    mix: pd.DataFrame | None = None,
    context: Context | None = None,
) -> DuplicatesResult:
    """List pairs of accounts that look like one firm under two identifiers.

    Names are compared without case, width, accents, signs, order of the words and legal form (Ltd, GmbH, 株式会社, 주식회사,
    有限公司, …). A pair is listed if the names are then the same and the legal forms do not contradict each other. If the forms
    do, or if the names are only nearly the same (one typing error apart), at least two facts must speak for it and none
    against: same region, same industry, one orders only after the other had stopped, same products. Of several accounts with one
    name each is paired with the one with most revenue. Who is the other's parent, or has the same, is known to belong together
    and is not listed.

    Assumes (1) that the account file names the firm, not the buyer; (2) that firms of one name are one firm unless their legal
    forms differ: a chain of independent shops under one brand is listed, and a person says no. Traditional and simplified
    characters, abbreviations, and names written once in Latin and once in other letters are not matched.

    Parameters
    ----------
    accounts : pandas.DataFrame
        ``customer_id, name`` and, where known, ``region, industry, parent_id``; accounts without orders are compared too.
    summary : pandas.DataFrame
        As from :func:`kam.ledger.summarize_customers`: ``customer_id, revenue, first_order, last_order``.
    mix : pandas.DataFrame, optional
        As from ``kam.ledger.summarize_mix(ledger, by="product_group", …)``: ``customer_id, group, revenue``.
    context : Context, optional
        Currency, language and dataset.

    Returns
    -------
    DuplicatesResult

    Raises
    ------
    MissingColumnError
        A column is missing.
    DataError
        An account stands twice in one of the tables, or no account has a name.

    References
    ----------
    Fellegi, I. P., & Sunter, A. B. (1969). A theory for record linkage. Journal of the American Statistical Association 64:
    agreement on several fields as evidence; here counted, not weighed. Mor, M., & Fraenkel, A. S. (1982). A hash code method for
    detecting and correcting spelling errors. Communications of the ACM 25.

    Examples
    --------
    >>> accounts = pd.DataFrame({"customer_id": ["1", "2", "3"], "name": ["Ivel Tape Ltd", "IVEL TAPE LIMITED", "Oaken BV"]})
    >>> days = pd.to_datetime(["2023-01-01", "2024-02-01", "2023-01-01"])
    >>> summary = pd.DataFrame({"customer_id": ["1", "2", "3"], "revenue": [50.0, 30.0, 20.0], "first_order": days,
    ...     "last_order": days + pd.Timedelta(days=90)})
    >>> result = likely_duplicates(accounts, summary)
    >>> result.pairs[["customer_id", "duplicate_of", "finding"]].to_dict("records")
    [{'customer_id': '2', 'duplicate_of': '1', 'finding': 'same name; one orders only after the other had stopped'}]
    """
    context = context or Context()
    facts = _facts(accounts, summary)
    named = facts[facts["words"] != ""]
    if named.empty:
        raise DataError("No account has a name.", where="accounts, column name", hint="Name its column.")
    size = named["words"].map(named["words"].value_counts())
    shared = named[size > MAX_SHARED]
    named = named[size <= MAX_SHARED]
    candidates = pd.concat([_pair_same(named), _pair_alike(named)], ignore_index=True)
    pairs = _add_evidence(candidates, facts, mix, context.wording)
    related = _are_related(candidates, facts)
    sure = pairs["name_match"].eq(SAME)
    against = (pairs["region_match"] == "differs") | (pairs["industry_match"] == "differs")
    listed = ~related & (sure | (pairs["n_evidence"] >= MIN_EVIDENCE) & ~against)
    pairs = pairs.assign(sure=sure)[listed]
    pairs = pairs.sort_values(["sure", "n_evidence", "value", "customer_id"], ascending=[False, False, False, True])
    pairs = pairs.drop(columns="sure").reset_index(drop=True)
    smaller = pairs.drop_duplicates("customer_id")["value"].sum()
    total = float(facts["revenue"].sum())
    shared_names = shared.groupby("words").agg(name=("name", "first"), n_accounts=("name", "size"))
    n_related = int((related & sure).sum())
    return DuplicatesResult(
        context=context,
        checks=_checks(context.wording, facts, shared_names, n_related, mix is not None),
        assumed=_assumed(context.wording),
        pairs=pairs,
        shared_names=shared_names.sort_values("n_accounts", ascending=False).reset_index(drop=True),
        n_accounts=len(facts),
        n_without_name=int((facts["words"] == "").sum()),
        n_in_group=n_related,
        n_pairs=len(pairs),
        n_same_name=int((pairs["name_match"] == SAME).sum()),
        share_value=float(smaller / total) if total > 0 else 0.0,
        n_class_a=_count_new_a(facts, pairs),
    )


# -- pairs -----------------------------------------------------------------------------------------------------------


def _facts(accounts: pd.DataFrame, summary: pd.DataFrame) -> pd.DataFrame:
    """One row per account, the largest first: name in parts, revenue, days of the first and last order."""
    for frame, where, needed in (
        (accounts, "the account file", ["customer_id", "name"]),
        (summary, "the summary", ["customer_id", "revenue", "first_order", "last_order"]),
    ):
        require_columns(frame, needed, where=where)
        require_distinct(frame["customer_id"], where=where)
    known = [name for name in ("region", "industry", "parent_id") if name in accounts]
    facts = accounts[["customer_id", "name", *known]].reindex(
        columns=["customer_id", "name", "region", "industry", "parent_id"]
    )
    facts = facts.merge(summary[["customer_id", "revenue", "first_order", "last_order"]], on="customer_id", how="outer")
    facts["revenue"] = facts["revenue"].fillna(0.0)
    facts = facts.sort_values(["revenue", "customer_id"], ascending=[False, True], ignore_index=True)
    return facts.join(split_names(facts["name"].fillna("").astype(str)))


def _pair_same(named: pd.DataFrame) -> pd.DataFrame:
    """Accounts with the same words in their name, each with the largest whose legal form agrees, else with the largest."""
    rows = []
    for places in named.groupby("words", sort=False).indices.values():
        if len(places) < 2:
            continue
        index, forms = named.index[places], named["form"].to_numpy()[places]
        for i in range(1, len(index)):
            agreeing = next((j for j in range(i) if forms_agree(forms[i], forms[j])), None)
            rows.append((index[i], index[agreeing or 0], OTHER_FORM if agreeing is None else SAME))
    return pd.DataFrame(rows, columns=["own", "other", "name_match"])


def _pair_alike(named: pd.DataFrame) -> pd.DataFrame:
    """The largest accounts of names that differ by one typing error, with forms that agree."""
    leaders = named.drop_duplicates("words")
    forms = leaders["form"].tolist()
    places = [(i, j) for i, j in find_typing_errors(leaders["words"].tolist()) if forms_agree(forms[i], forms[j])]
    first, second = (leaders.index.to_numpy()[list(side)] for side in zip(*places, strict=True)) if places else ([], [])
    # The accounts stand in the order of their revenue.
    return pd.DataFrame({"own": second, "other": first, "name_match": ALIKE})


def _are_related(pairs: pd.DataFrame, facts: pd.DataFrame) -> pd.Series:
    """Whether one is the other's parent, or both have the same."""
    own, other = (
        facts.loc[pairs[side], ["customer_id", "parent_id"]].reset_index(drop=True) for side in ("own", "other")
    )
    same = own["parent_id"].notna() & (own["parent_id"] == other["parent_id"])
    up = own["parent_id"].notna() & (own["parent_id"] == other["customer_id"])
    down = other["parent_id"].notna() & (other["parent_id"] == own["customer_id"])
    return same | up | down


def _add_evidence(
    candidates: pd.DataFrame, facts: pd.DataFrame, mix: pd.DataFrame | None, say: Wording
) -> pd.DataFrame:
    own, other = (facts.loc[candidates[side]].reset_index(drop=True) for side in ("own", "other"))
    matches = {}
    for fact in ("region", "industry"):
        known = own[fact].notna() & other[fact].notna()
        matches[fact] = pd.Series(np.select([~known, own[fact] == other[fact]], ["not known", "same"], "differs"))
    follows = (own["first_order"] > other["last_order"]) | (other["first_order"] > own["last_order"])
    alike = _share_alike(own["customer_id"], other["customer_id"], mix)
    facts_for = {
        N_("same region"): matches["region"] == "same",
        N_("same industry"): matches["industry"] == "same",
        N_("one orders only after the other had stopped"): follows,
        N_("same products"): alike >= _LIKE_PRODUCTS,
    }
    others = {
        N_("other region"): matches["region"] == "differs",
        N_("other industry"): matches["industry"] == "differs",
    }
    named = {say.sentence(words): held.to_numpy(dtype=bool) for words, held in (facts_for | others).items()}
    findings = [
        say.join([say.text(match), *(words for words, held in named.items() if held[i])], ";")
        for i, match in enumerate(candidates["name_match"])
    ]
    return pd.DataFrame(
        {
            "customer_id": own["customer_id"],
            "name": own["name"],
            "duplicate_of": other["customer_id"],
            "other_name": other["name"],
            "name_match": candidates["name_match"].astype("str"),
            "region_match": matches["region"].astype("str"),
            "industry_match": matches["industry"].astype("str"),
            "takes_over": follows.to_numpy(dtype=bool),
            "share_alike": alike,
            "n_evidence": sum(held.to_numpy(dtype=np.int64) for held in facts_for.values()),
            "value": own["revenue"],
            "other_value": other["revenue"],
            "finding": pd.Series(findings, dtype="str"),
        }
    )


def _share_alike(own: pd.Series, other: pd.Series, mix: pd.DataFrame | None) -> pd.Series:
    """Share of what two accounts buy that is of the same products: the sum of the smaller of their two shares."""
    if mix is None or own.empty:
        return pd.Series(np.nan, index=own.index, dtype="float64")
    require_columns(mix, ("customer_id", "group", "revenue"), where="the mix", hint="See summarize_mix.")
    there = pd.Index(pd.unique(pd.concat([own, other])))
    bought = mix[mix["customer_id"].isin(there) & (mix["revenue"] > 0)]
    shares = bought.pivot_table(index="customer_id", columns="group", values="revenue", aggfunc="sum", fill_value=0.0)
    shares = shares.div(shares.sum(axis=1), axis=0).reindex(there)
    x, y = (shares.to_numpy()[there.get_indexer(side)] for side in (own, other))
    return pd.Series(np.minimum(x, y).sum(axis=1), index=own.index)


def _count_new_a(facts: pd.DataFrame, pairs: pd.DataFrame) -> int:
    """Firms in class A as one account that are not as several."""
    values = facts.set_index("customer_id")["revenue"]
    leader = pd.Series(values.index, index=values.index)
    for own, other in zip(pairs["customer_id"], pairs["duplicate_of"], strict=True):
        if leader[own] != leader[other]:
            leader[leader == leader[own]] = leader[other]
    try:
        before = abc_classes(values)
        after = abc_classes(values.groupby(leader).sum())
    except UndefinedMeasureError:
        return 0
    had = before.eq("A").groupby(leader).any()
    merged = leader.value_counts() > 1
    return int((after.eq("A") & ~had.reindex(after.index) & merged.reindex(after.index)).sum())


# -- words -----------------------------------------------------------------------------------------------------------


def _checks(
    say: Wording, facts: pd.DataFrame, shared: pd.DataFrame, n_related: int, has_mix: bool
) -> tuple[Check, ...]:
    n_without = int((facts["words"] == "").sum())
    named = Check(
        assumption=say.sentence("every account has the name of a firm"),
        finding=say.sentence(
            "{n} of {all} have no name and were not compared; {shared} names of more than {most} accounts are taken for no firm",
            n=say.count(n_without),
            all=say.count(len(facts)),
            shared=say.count(len(shared)),
            most=say.count(MAX_SHARED),
        ),
        verdict="handled" if n_without or len(shared) else "holds",
    )
    related = Check(
        assumption=say.sentence("accounts of one group are not taken for duplicates"),
        finding=say.plural(
            "one pair of the same name has the same parent, or is parent and account: not listed",
            "{n} pairs of the same name have the same parent, or are parent and account: not listed",
            n_related,
        ),
        verdict="handled" if n_related else "holds",
    )
    known = facts[["region", "industry"]].notna().mean()
    evidence = Check(
        assumption=say.sentence("there are facts beside the name"),
        finding=say.sentence(
            "the region is known of {region} of the accounts, the industry of {industry}; products were {compared}",
            region=say.share(known["region"], 0),
            industry=say.share(known["industry"], 0),
            compared=say.sentence("compared") if has_mix else say.sentence("not compared"),
        ),
        verdict="holds" if known.min() > 0.5 else "does not hold",
    )
    return named, related, evidence


def _assumed(say: Wording) -> tuple[Assumed, ...]:
    return (
        Assumed(
            what=say.sentence("names are nearly the same"),
            value=say.sentence("one typing error apart, not in the first letter of a word"),
            would_change=say.sentence(
                "more errors allowed find more misspelled names, and more firms that only sound alike"
            ),
        ),
        Assumed(
            what=say.sentence("facts that must speak for it where the name is not the same"),
            value=say.sentence("{n}, and none against", n=say.count(MIN_EVIDENCE)),
            would_change=say.sentence("fewer list more pairs that are two firms"),
        ),
    )
