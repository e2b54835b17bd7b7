"""The three P's of a prospect: does it need what we sell, can it pay, and do we know who decides?"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from kam.columns import is_number, read_ids, require_columns
from kam.errors import EmptyDataError, ParameterError
from kam.results import Assumed, Check, Context, KeyFigure, Result
from kam.wording import Wording

POOR_RATINGS = ("D", "E")
"""Credit ratings that say: not solvent."""
MOST_OVERDUE = 0.2
"""Share of what is owed that may be overdue."""
STATUSES = ("buys", "silent for a year", "never bought")
"""What an account is to us: revenue in the last twelve complete months; bought before only; not in the ledger."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class ProspectsResult(Result):
    """Result of :func:`screen_prospects`.

    Attributes
    ----------
    accounts : pandas.DataFrame
        One row per account with the need, those that have most of the three first, then by demand elsewhere: ``customer_id,
        status`` (one of :data:`STATUSES`) ``, revenue_year, potential, elsewhere, can_pay, decider_known`` (each ``yes``, ``no``
        or ``not known``) ``, n_met`` (of need, solvency and power) ``, why``.
    steps : pandas.DataFrame
        One row per P: ``criterion, meaning, n_customers`` that have it and those before it, ``n_unknown``: of how many of the
        step before it is not known.
    min_need : float
        Demand elsewhere, money a year, from which there is a need.
    n_accounts, n_unknown : int
        Accounts of the account file; those whose demand is not known.
    n_key_accounts : int or None
        Accounts of the account file left out because they are key accounts already; None where these were not given.
    n_prospects : int
        Accounts that have all three.
    n_buying, n_silent, n_never : int
        Those of the prospects that bought in the last twelve complete months, before that only, and never.
    elsewhere : float
        Money a year that these buy elsewhere.
    """

    main: ClassVar[str] = "accounts"

    accounts: pd.DataFrame
    steps: pd.DataFrame
    min_need: float
    n_accounts: int
    n_unknown: int
    n_key_accounts: int | None
    n_prospects: int
    n_buying: int
    n_silent: int
    n_never: int
    elsewhere: float

    def _sentence(self) -> str:
        say = self.context.wording
        if self.accounts.empty:
            none = say.sentence(
                "No account buys {need} a year or more elsewhere: none is a prospect.", need=say.money(self.min_need)
            )
            return say.join(filter(None, [none, self._left_out()]))
        found = say.plural(
            "One account needs what we sell, can pay and has a decider we know; it buys {elsewhere} a year elsewhere. {n_need} "
            "have the need.",
            "{n} accounts need what we sell, can pay and have a decider we know; they buy {elsewhere} a year elsewhere. {n_need} "
            "have the need.",
            self.n_prospects,
            elsewhere=say.money_short(self.elsewhere),
            n_need=say.count(len(self.accounts)),
        )
        split = say.sentence(
            "Of the prospects {buying} bought in the last twelve months, {silent} did not but had before, {never} never bought.",
            buying=say.count(self.n_buying),
            silent=say.count(self.n_silent),
            never=say.count(self.n_never),
        )
        return say.join(filter(None, [found, split if self.n_prospects else "", self._left_out()]))

    def _left_out(self) -> str:
        if self.n_key_accounts is None:
            return ""
        return self.context.wording.plural(
            "One account that is a key account already is left out.",
            "{n} accounts that are key accounts already are left out.",
            self.n_key_accounts,
        )

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        return tuple(
            KeyFigure(
                value=say.count(row["n_customers"]),
                label=row["meaning"],
                note=say.plural("not known of one", "not known of {n}", row["n_unknown"])
                if row["n_unknown"]
                else say.sentence("counted, not estimated"),
            )
            for row in self.steps.to_dict("records")
        )


def screen_prospects(
    facts: pd.DataFrame,
    accounts: pd.DataFrame,
    *,
    min_need: float,
    contacts: pd.DataFrame | None = None,
    key_accounts: Collection[str] | None = None,
    poor_ratings: Sequence[str] = POOR_RATINGS,
    context: Context | None = None,
) -> ProspectsResult:
    """Screen the account file by the three P's: need, solvency, power to decide.

    *Need*: the account buys at least ``min_need`` a year elsewhere (its demand less the revenue of the last twelve complete
    months). *Solvency*: its credit rating is not poor, and at most a fifth of what it owes is overdue. *Power*: a contact of it
    decides, does not oppose us (support not below 0), and was met.

    Assumes (1) that the demand in the account file is right.

    Parameters
    ----------
    facts : pandas.DataFrame
        As from :func:`kam.identify.account_facts`: ``customer_id, revenue_year``; accounts that it lacks have bought nothing.
    accounts : pandas.DataFrame
        The account file: ``customer_id, potential`` and, where known, ``credit_rating, receivable, overdue``.
    min_need : float
        Money a year; the revenue of the smallest key account is a natural choice.
    contacts : pandas.DataFrame, optional
        ``customer_id, decides, support, last_met``.
    key_accounts : collection of str, optional
        ``customer_id`` of those that are key accounts already: left out, and counted. Without it they stay in.
    poor_ratings : sequence of str
        Ratings that are not solvent.
    context : Context, optional
        Currency, language and dataset.

    Returns
    -------
    ProspectsResult

    Raises
    ------
    MissingColumnError
        The account file has no ``potential``.
    EmptyDataError
        The demand of no account is known, or all are key accounts.
    ParameterError
        ``min_need`` is not positive, or ``key_accounts`` is a single text.

    Notes
    -----
    Who first ordered after the last complete month counts as silent: ``facts`` do not know that month.

    A P that the data cannot show is "not known" and counts as not met: a prospect is somebody of whom all three are known.

    Examples
    --------
    >>> facts = pd.DataFrame({"customer_id": ["a"], "revenue_year": [100.0]})
    >>> accounts = pd.DataFrame({"customer_id": ["a", "b"], "potential": [150.0, 900.0], "credit_rating": ["A", "E"]})
    >>> screen_prospects(facts, accounts, min_need=200.0).accounts[["customer_id", "elsewhere", "can_pay"]].values.tolist()
    [['b', 900.0, 'no']]
    """
    context = context or Context()
    say = context.wording
    if not (is_number(min_need) and min_need > 0):
        raise ParameterError(f"min_need is {min_need!r}.", hint="Give a positive sum of money a year.")
    require_columns(
        accounts, ["potential"], where="the account file", hint="Add the whole demand of each account a year."
    )
    keys = read_ids(() if key_accounts is None else key_accounts, "key_accounts")
    own = accounts.drop_duplicates("customer_id").reset_index(drop=True)
    is_key = own["customer_id"].astype(str).isin(keys)
    own = own[~is_key].reset_index(drop=True)
    if own.empty and is_key.any():
        raise EmptyDataError("All accounts of the account file are key accounts already.", where="key_accounts")
    frame = pd.DataFrame({"customer_id": own["customer_id"].astype("str"), "potential": own["potential"].astype(float)})
    if frame["potential"].notna().sum() == 0:
        raise EmptyDataError(
            "The demand of no account is known.", where="accounts, potential", hint="Fill the column in."
        )
    revenue = facts.set_index(facts["customer_id"].astype(str))["revenue_year"]
    frame["revenue_year"] = frame["customer_id"].map(revenue).fillna(0.0)
    frame["status"] = np.select(
        [frame["revenue_year"] > 0, frame["customer_id"].isin(revenue.index)], STATUSES[:2], STATUSES[2]
    )
    frame["elsewhere"] = (frame["potential"] - frame["revenue_year"]).clip(lower=0)
    solvent, power = _is_solvent(own, poor_ratings), _has_power(own, contacts)
    frame["can_pay"], frame["decider_known"] = _answers(solvent), _answers(power)
    needs = frame["elsewhere"] >= min_need
    found = frame[needs].copy()
    found["n_met"] = 1 + (found["can_pay"] == "yes").astype("int64") + (found["decider_known"] == "yes").astype("int64")
    found["why"] = _why(own, solvent, power, contacts is not None, say)[needs]
    found = found.sort_values(["n_met", "elsewhere", "customer_id"], ascending=[False, False, True], ignore_index=True)
    can_pay = found["can_pay"] == "yes"
    steps = pd.DataFrame(
        [
            ("need", say.sentence("buy {need} a year or more elsewhere", need=say.money_short(min_need)), len(found),
             int(frame["potential"].isna().sum())),
            ("solvency", say.sentence("of these can pay"), int(can_pay.sum()),
             int((found["can_pay"] == "not known").sum())),
            ("power", say.sentence("of these have a decider we know"), int((can_pay & (found["decider_known"] == "yes")).sum()),
             int((can_pay & (found["decider_known"] == "not known")).sum())),
        ],
        columns=["criterion", "meaning", "n_customers", "n_unknown"],
    )  # fmt: skip
    all_three = found["n_met"] == 3
    n_of = found.loc[all_three, "status"].value_counts().reindex(list(STATUSES), fill_value=0)
    n_key = None if key_accounts is None else int(is_key.sum())
    return ProspectsResult(
        context=context,
        checks=_checks(say, frame, own, contacts, n_key),
        assumed=(
            Assumed(
                what=say.sentence("from where on there is a need"),
                value=say.money(min_need),
                would_change=say.sentence("a lower sum lets smaller accounts in"),
            ),
            Assumed(
                what=say.sentence("who can pay"),
                value=say.sentence(
                    "no rating of {ratings}, at most {share} of what is owed overdue",
                    ratings=say.join(poor_ratings, ","),
                    share=say.share(MOST_OVERDUE, 0),
                ),
                would_change=say.sentence("stricter credit rules leave fewer prospects"),
            ),
        ),
        accounts=found[
            [
                "customer_id",
                "status",
                "revenue_year",
                "potential",
                "elsewhere",
                "can_pay",
                "decider_known",
                "n_met",
                "why",
            ]
        ],
        steps=steps,
        min_need=float(min_need),
        n_accounts=len(frame) + int(is_key.sum()),
        n_unknown=int(frame["potential"].isna().sum()),
        n_key_accounts=n_key,
        n_prospects=int(all_three.sum()),
        n_buying=int(n_of["buys"]),
        n_silent=int(n_of["silent for a year"]),
        n_never=int(n_of["never bought"]),
        elsewhere=float(found.loc[all_three, "elsewhere"].sum()),
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _answers(known: pd.Series) -> pd.Series:
    return known.map({True: "yes", False: "no"}).fillna("not known").astype("str")


def _is_solvent(own: pd.DataFrame, poor_ratings: Sequence[str]) -> pd.Series:
    """True, False or missing: by rating and by the share overdue, as far as they are known."""
    poor = (
        own["credit_rating"].isin(list(poor_ratings)) if "credit_rating" in own else pd.Series(False, index=own.index)
    )
    rated = own["credit_rating"].notna() if "credit_rating" in own else pd.Series(False, index=own.index)
    late = pd.Series(False, index=own.index)
    owes = pd.Series(False, index=own.index)
    if "overdue" in own and "receivable" in own:
        owes = own["receivable"].notna() & own["overdue"].notna()
        late = owes & (own["overdue"] > MOST_OVERDUE * own["receivable"].clip(lower=0))
    return (~(poor | late)).astype("object").where(rated | owes)


def _has_power(own: pd.DataFrame, contacts: pd.DataFrame | None) -> pd.Series:
    """True, False or missing: whether a contact decides, does not oppose us and was met."""
    if contacts is None or "decides" not in contacts:
        return pd.Series(np.nan, index=own.index, dtype="object")
    decides = contacts["decides"].fillna(False).astype(bool)
    if "support" in contacts:
        decides &= ~(contacts["support"] < 0)
    if "last_met" in contacts:
        decides &= contacts["last_met"].notna()
    with_power = set(contacts.loc[decides, "customer_id"].astype(str))
    has_contacts = own["customer_id"].astype(str).isin(set(contacts["customer_id"].astype(str)))
    return own["customer_id"].astype(str).isin(with_power).astype("object").where(has_contacts)


def _why(own: pd.DataFrame, solvent: pd.Series, power: pd.Series, has_contacts: bool, say: Wording) -> pd.Series:
    """What speaks against each account, in words."""
    credit = solvent.map({True: "", False: say.sentence("poor credit")}).fillna(say.sentence("credit not known"))
    nobody = say.sentence("no contacts on file") if has_contacts else say.sentence("no contacts in the dataset")
    decider = power.map({True: "", False: say.sentence("no decider on our side whom we met")}).fillna(nobody)
    both = pd.Series([say.join(filter(None, pair), ",") for pair in zip(credit, decider, strict=True)], index=own.index)
    return both.where(both != "", say.sentence("need, credit and decider"))


def _checks(
    say: Wording, frame: pd.DataFrame, own: pd.DataFrame, contacts: pd.DataFrame | None, n_key: int | None
) -> tuple[Check, ...]:
    unknown = int(frame["potential"].isna().sum())
    outdated = int((frame["revenue_year"] > frame["potential"]).sum())
    has_credit = bool({"credit_rating", "overdue"} & set(own))
    return (
        Check(
            assumption=say.sentence("the demand of every account is known"),
            finding=say.plural("one is not, and cannot be a prospect", "{n} are not, and cannot be prospects", unknown)
            if unknown
            else say.sentence("it is"),
            verdict="handled" if unknown else "holds",
        ),
        Check(
            assumption=say.sentence("the demand is up to date"),
            finding=say.plural(
                "one account bought more than its demand", "{n} accounts bought more than their demand", outdated
            )
            if outdated
            else say.sentence("nobody bought more than its demand"),
            verdict="handled" if outdated else "holds",
        ),
        Check(
            assumption=say.sentence("no prospect is a key account already"),
            finding=say.sentence("key accounts were not given: they may be among the prospects")
            if n_key is None
            else say.plural("one key account is left out", "{n} key accounts are left out", n_key)
            if n_key
            else say.sentence("no key account is in the account file"),
            verdict="not testable" if n_key is None else "handled" if n_key else "holds",
        ),
        Check(
            assumption=say.sentence("credit and deciders are known"),
            finding=say.sentence("both are in the data")
            if has_credit and contacts is not None
            else say.sentence("no contacts in the dataset")
            if has_credit
            else say.sentence("no credit rating and nothing overdue in the account file")
            if contacts is not None
            else say.sentence("neither credit nor contacts are in the data"),
            verdict="holds" if has_credit and contacts is not None else "does not hold",
        ),
    )
