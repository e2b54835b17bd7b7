"""What is known of each account of the programme, put together once per run from the results of all analyses."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, ClassVar

import pandas as pd

from kam.disclosure import FEWEST, Audience, RestsOn
from kam.errors import ParameterError
from kam.identify import identify_key_accounts
from kam.ledger import activity_panel, summarize_customers
from kam.programme.account_lines import gather_lines
from kam.programme.account_rows import choose_accounts, gather_rows
from kam.programme.contact_map import count_contacts, map_contacts
from kam.programme.run_results import find_steps, load_run
from kam.results import Assumed, Check, Context, KeyFigure, Result, load_result
from kam.wording import N_, Wording, show_hidden

if TYPE_CHECKING:
    from kam.dataset import Dataset

KEY = "account_files"
_MOST_SHOWN = 60
"""Characters of an identifier that an error shows."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class AccountFilesResult(Result):
    """Result of :func:`gather_accounts`: whatever a dossier, an action list or an overview needs of an account.

    All frames are ordered by ``customer_id``, so that one account can be read without the others. What is not known is missing;
    all frames but the first may be empty, and ``lacks`` says why.

    Attributes
    ----------
    accounts : pandas.DataFrame
        One row per account. **Who**: ``customer_id, name, parent_id, parent_name, n_in_group`` (accounts of the group, itself
        counted) ``, industry, region, manager, sponsor, customer_since, competitors``. **Where it stands**: ``rank``
        (by revenue) ``, is_key_account, tier`` (in force) ``, tier_since, why, warning, abc_class, xyz_class, p_same_class,
        weighted_score, p_tier_a, segment`` (RFM) ``, account_types, share_value`` (of all years) ``, share_our_revenue`` (of the
        last twelve months) ``, revenue`` (all years) ``, revenue_year, revenue_year_before`` (twelve complete months each)
        ``, margin_year, profit, cost_to_serve, quadrant, n_orders, first_order, last_order, days_since_last_order,
        mean_gap_days, revenue_target, target_gap, share_of_target`` (last complete period with targets). **Where it heads**:
        ``potential, share_wallet, elsewhere, p_become_a, is_named`` (to grow) ``, at_risk, p_churn, p_churn_low, p_churn_high,
        p_no_order, p_no_order_low, p_no_order_high, expected_revenue, state, value_ahead, ahead_low, ahead_high`` (at the
        account's own level) ``, is_lost, last_active, status, reason`` (of large ones that went silent: what moved before)
        ``, p_return, value_if_returns, list_part`` (of the call list). **What it says**: ``satisfaction`` (mean of its people
        in the last wave that it answered) ``, n_respondents, wave``. **Who decides**: ``n_contacts, n_allies, n_deciders,
        n_deciders_not_met``.
    flags : pandas.DataFrame
        One row per account and flag of :func:`kam.identify.sales_quality` and :func:`kam.identify.risks`: ``customer_id, flag,
        measure, figure, reference, finding, since``.
    months : pandas.DataFrame
        One row per account and complete month since its first order: ``customer_id, period, revenue, margin`` (where costs are
        known) ``, n_orders, tier``.
    events : pandas.DataFrame
        One row per thing that happened: ``customer_id, event_date, event, outcome, reason, competitor``.
    deliveries : pandas.DataFrame
        One row per account and month of the order: ``customer_id, period, n_deliveries, n_late``.
    products : pandas.DataFrame
        One row per account and product group (or product, the largest of each account), the largest first: ``customer_id,
        group_name, revenue_year, revenue_year_before``.
    mix : pandas.DataFrame
        One row per account and part of the change of its revenue: ``customer_id, revenue_part, revenue_change``.
    gaps : pandas.DataFrame
        What like accounts buy and the account does not: ``customer_id, group_name, value, share_like``.
    reasons : pandas.DataFrame
        What the churn forecast saw in the account: ``customer_id, term, seen, contribution`` (log-odds against the mean).
    answers : pandas.DataFrame
        One row per account, wave and question: ``customer_id, wave, item, question, answer_mean`` (of its people)
        ``, n_respondents, mean_others, n_other_people`` (people of all other accounts); high is good.
    contacts : pandas.DataFrame
        One row per person, as :func:`map_contacts` gives them; empty in a shared report.
    lacks : pandas.DataFrame
        Which part cannot be said of any account, and why: ``part, reason``.
    n_key_accounts, n_lost : int
        Key accounts, and lost accounts, among ``accounts``.
    horizon_days, value_periods, growth_months : int, optional
        How far the churn forecast, the value ahead (in ``value_freq``) and the chance to become class A look.
    value_freq : str, optional
        Length of the periods of the value ahead.
    knows : tuple of str
        Columns of ``accounts`` that are known of any account of the dataset, so that one account can be read by itself.
    sources : tuple of str
        Keys of the results that were used.
    has_profit : bool
        Whether costs are known, so that value is margin.
    """

    main: ClassVar[str] = "accounts"
    rests_on: ClassVar[Mapping[str, RestsOn | None]] = {
        **dict.fromkeys(
            ("accounts", "flags", "months", "events", "deliveries", "products", "mix", "gaps", "reasons", "contacts")
        ),
        "answers": RestsOn(people=("n_respondents",)),
        "lacks": None,
    }

    accounts: pd.DataFrame
    flags: pd.DataFrame
    months: pd.DataFrame
    events: pd.DataFrame
    deliveries: pd.DataFrame
    products: pd.DataFrame
    mix: pd.DataFrame
    gaps: pd.DataFrame
    reasons: pd.DataFrame
    answers: pd.DataFrame
    contacts: pd.DataFrame
    lacks: pd.DataFrame
    n_key_accounts: int
    n_lost: int
    horizon_days: int | None = None
    value_periods: int | None = None
    value_freq: str | None = None
    growth_months: int | None = None
    knows: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    has_profit: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.context.audience == "shared":
            few = ~(self.accounts["n_respondents"] >= FEWEST)
            object.__setattr__(
                self, "accounts", self.accounts.assign(satisfaction=self.accounts["satisfaction"].mask(few))
            )

    def of(self, customer_id: str) -> AccountFilesResult:
        """The same, with the rows of one account only.

        Parameters
        ----------
        customer_id : str
            Empty: the largest key account, or else the largest account.

        Raises
        ------
        ParameterError
            There is no such account here; it names the nearest.
        """
        wanted = customer_id or largest_account(self.accounts)
        require_account(wanted, self.accounts)
        own = {
            name: frame[frame["customer_id"] == wanted].reset_index(drop=True)
            for name, frame in self.tables().items()
            if "customer_id" in frame
        }
        return replace(self, **own)  # type: ignore[arg-type]

    def lines(self) -> list[str]:
        """What was read, and on what day, in a line."""
        say = self.context.wording
        n = len(self.sources)
        read = (
            say.plural("put together from one result of this run", "put together from {n} results of this run", n)
            if n
            else say.sentence("put together from the dataset alone")
        )
        as_of = "" if self.context.as_of is None else say.sentence(", as of {date}", date=say.date(self.context.as_of))
        return [say.sentence("The file of the account was {read}{as_of}.", read=read, as_of=as_of)]

    def _sentence(self) -> str:
        say = self.context.wording
        rows = self.accounts
        said = say.plural(
            "One account has a file, with {revenue} of net revenue in its last twelve months.",
            "{n} accounts have a file, with {revenue} of net revenue in their last twelve months.",
            len(rows),
            revenue=say.money(float(rows["revenue_year"].sum())),
        )
        if not self.n_lost:
            return said
        return say.join([said, say.plural("One of them is lost.", "{n} of them are lost.", self.n_lost)])

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        counted = say.sentence("counted, not estimated")
        risky = float((self.accounts["p_churn"] * self.accounts["at_risk"].fillna(False).astype(float)).sum())
        return (
            KeyFigure(value=say.count(len(self.accounts)), label=say.sentence("accounts with a file"), note=counted),
            KeyFigure(
                value=say.count(self.n_key_accounts), label=say.sentence("key accounts among them"), note=counted
            ),
            KeyFigure(
                value=say.number(risky, 1),
                label=say.sentence("of them expected to be lost"),
                note=say.sentence("a sum of probabilities: its interval stands with the forecast")
                if self.horizon_days
                else say.sentence("no churn forecast in this run"),
            ),
        )


def gather_accounts(
    data: Dataset,
    results: Mapping[str, Result],
    *,
    customers: Sequence[str] | None = None,
    context: Context | None = None,
) -> AccountFilesResult:
    """Put together what is known of accounts: once per run, for all dossiers, the action list and the overview.

    Assumes (1) that the results are of this dataset; (2) that those of another audience may not be used: in a shared report
    only results that were made for one are; (3) what each of the analyses assumes. Without a list of key accounts among the
    results it is made here; nothing else is computed that takes long.

    Parameters
    ----------
    data : Dataset
    results : mapping of str to Result
        By key, as from :func:`kam.load_results`; any may be missing.
    customers : sequence of str, optional
        The accounts; by default those of the programme: key accounts, accounts named to grow, large ones to be called, and
        large ones that were lost. An empty text stands for the largest key account.
    context : Context, optional
        By default that of the dataset.

    Returns
    -------
    AccountFilesResult

    Raises
    ------
    ParameterError
        An account is neither in the ledger nor in the account file; it names the nearest.
    DataError
        The dataset has no ledger that can be used.
    """
    context = context or data.context
    say = context.wording
    usable = {key: result for key, result in results.items() if result.context.audience == data.audience}
    if "key_accounts" not in usable:
        usable["key_accounts"] = identify_key_accounts(data)
    panel, summary = activity_panel(data.ledger, freq="month"), summarize_customers(data.ledger)
    every = gather_rows(data, usable, panel=panel, summary=summary)
    ids = choose_accounts(usable) if customers is None else [one or largest_account(every) for one in customers]
    for one in ids:
        require_account(one, every)
    rows = every[every["customer_id"].isin(ids)].reset_index(drop=True)
    lines, lacking = gather_lines(data, usable, ids, panel=panel)
    contacts = map_contacts(data.contacts)
    contacts = contacts[contacts["customer_id"].isin(ids)].reset_index(drop=True)
    rows = _add_counts(rows, contacts if data.contacts is not None else None)
    rows = _add_satisfaction(rows, lines["answers"])
    forecast, valued, growing = (usable.get(key) for key in ("churn_forecast", "customer_value", "growth"))
    lacks = _find_lacks(data, usable, lacking, say)
    return AccountFilesResult(
        context=context,
        checks=_checks(say, rows, usable, results, lacks),
        assumed=(
            Assumed(
                what=say.sentence("who is an ally"),
                value=say.sentence("support of 1 or more, from -2 to 2"),
                would_change=say.sentence("with a higher limit fewer contacts count as allies"),
            ),
        ),
        accounts=rows,
        **lines,
        contacts=contacts,
        lacks=lacks,
        n_key_accounts=int(rows["is_key_account"].fillna(False).sum()),
        n_lost=int(rows["is_lost"].fillna(False).sum()),
        horizon_days=getattr(forecast, "horizon_days", None),
        value_periods=getattr(valued, "horizon", None),
        value_freq=getattr(valued, "freq", None),
        growth_months=getattr(growing, "horizon", None),
        knows=tuple(str(name) for name in every if every[name].notna().any()) + _counted(data),
        sources=tuple(key for key in usable if key in results),
        has_profit=bool(getattr(usable.get("profitability"), "pieces", ())),
    )


def read_account_files(
    run_dir: str | os.PathLike[str], customer_id: str, *, dataset: str, audience: Audience = "internal"
) -> AccountFilesResult | None:
    """What an earlier step of the run put together of one account; only its rows are read.

    Parameters
    ----------
    run_dir : path
        The folder of the run; empty: there is none.
    customer_id : str
        Empty: the largest key account.
    dataset, audience : str
        Name of the dataset and who reads the report: what was put together of or for another is not taken.

    Returns
    -------
    AccountFilesResult or None
        None where nothing was put together, or not of this account or for this dataset and audience.

    Raises
    ------
    ResultsError
        It cannot be read.
    """
    tables = [
        step / "tables" / f"{KEY}.accounts.parquet" for step in find_steps(run_dir, dataset=dataset, audience=audience)
    ]
    found = [table for table in tables if table.is_file()]
    if not found:
        return None
    wanted = customer_id or largest_account(
        pd.read_parquet(found[-1], columns=["customer_id", "is_key_account", "revenue"])
    )
    files = load_result(found[-1].parents[1], KEY, customer_id=wanted)
    assert isinstance(files, AccountFilesResult)
    return files if len(files.accounts) else None


def open_account_files(
    data: Dataset, customer_id: str, *, run_dir: str | os.PathLike[str] = "", context: Context | None = None
) -> AccountFilesResult:
    """The file of one account: from the run if it has been put together there, else from what results the run has.

    Assumes (1) what :func:`gather_accounts` assumes.

    Parameters
    ----------
    data : Dataset
        Its ledger is only opened where the file is not there yet.
    customer_id : str
        Empty: the largest key account.
    run_dir : path
        The folder of the run; empty: there is none.
    context : Context, optional
        By default that of the dataset.

    Returns
    -------
    AccountFilesResult

    Raises
    ------
    ParameterError
        There is no such account; it names the nearest.
    ResultsError
        The results of the run cannot be read.
    """
    files = read_account_files(run_dir, customer_id, dataset=data.name, audience=data.audience)
    if files is not None:
        return files
    return gather_accounts(data, load_run(run_dir, context=data.context), customers=[customer_id], context=context)


def require_account(customer_id: str, accounts: pd.DataFrame) -> None:
    """Refuse an account that is not there, and name the nearest identifiers and names.

    Parameters
    ----------
    customer_id : str
    accounts : pandas.DataFrame
        ``customer_id, name``.

    Raises
    ------
    ParameterError
        It is not there.
    """
    if (accounts["customer_id"] == customer_id).any():
        return
    names = dict(zip(accounts["customer_id"], accounts["name"], strict=True))
    near = _nearest(customer_id, names)
    hint = f"The nearest are {'; '.join(near)}." if near else "Look it up in the list of notebook 10."
    raise ParameterError(f"There is no account {_shown(customer_id)!r}.", where="customer_id", hint=hint)


def largest_account(accounts: pd.DataFrame) -> str:
    """The key account with the most revenue, or else the account with the most.

    Parameters
    ----------
    accounts : pandas.DataFrame
        ``customer_id, is_key_account, revenue``, at least one row.
    """
    order = accounts.assign(key=accounts["is_key_account"].astype("boolean").fillna(False).astype(bool))
    order = order.sort_values(["key", "revenue", "customer_id"], ascending=[False, False, True])
    return str(order["customer_id"].iloc[0])


# -- inside ----------------------------------------------------------------------------------------------------------


def _shown(text: str) -> str:
    text = show_hidden(text)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"


def _nearest(wanted: str, names: Mapping[str, str]) -> list[str]:
    """At most three: identifiers that begin so or look alike, then accounts whose name has it in it or looks alike."""
    key = wanted.strip().casefold()[:_MOST_SHOWN]
    by_id = {one.casefold(): one for one in names}
    by_name = {str(name).casefold(): one for one, name in names.items()}
    ids = [by_id[one] for one in by_id if key and one.startswith(key)][:3]
    ids += [by_id[one] for one in get_close_matches(key, by_id, n=3, cutoff=0.6)]
    ids += [one for name, one in by_name.items() if key and key in name][:3]
    ids += [by_name[name] for name in get_close_matches(key, by_name, n=3, cutoff=0.5)]
    return [_shown(one if names[one] == one else f"{one} ({names[one]})") for one in list(dict.fromkeys(ids))[:3]]


def _add_counts(rows: pd.DataFrame, contacts: pd.DataFrame | None) -> pd.DataFrame:
    if contacts is None:
        return rows
    counted = count_contacts(contacts).set_index("customer_id")
    return rows.assign(
        **{str(name): rows["customer_id"].map(counted[name]).fillna(0).astype("float64") for name in counted}
    )


def _add_satisfaction(rows: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """Mean answer on satisfaction overall, of the last wave in which the account answered it."""
    overall = answers[answers["item"] == "overall"].drop_duplicates("customer_id", keep="last").set_index("customer_id")
    taken = {"satisfaction": "answer_mean", "n_respondents": "n_respondents", "wave": "wave"}
    found = {name: rows["customer_id"].map(overall[column]) for name, column in taken.items()}
    return rows.assign(
        satisfaction=found["satisfaction"].astype("float64"),
        n_respondents=found["n_respondents"].astype("float64"),
        wave=found["wave"].astype("str"),
    )


def _counted(data: Dataset) -> tuple[str, ...]:
    """What is counted from tables of the dataset."""
    tables = {
        ("n_contacts", "n_allies", "n_deciders", "n_deciders_not_met", "days_since_met"): data.contacts,
        ("n_complaints",): data.events,
    }
    return tuple(name for names, table in tables.items() if table is not None for name in names)


def _find_lacks(data: Dataset, results: Mapping[str, Result], lacking: Mapping[str, str], say: Wording) -> pd.DataFrame:
    """Part and reason, one row for what no account of this run can have."""
    rows = dict(lacking)
    for part in ("accounts", "contacts", "events", "targets"):
        if getattr(data, part) is None:
            rows[part] = say.sentence("not in the dataset")
    for part, (number, keys) in _NEEDS.items():
        if part not in rows and not set(keys) & set(results):
            rows[part] = say.sentence("not among the results of notebook {number}", number=number)
    return pd.DataFrame({"part": list(rows), "reason": list(rows.values())}, dtype="str")


_NEEDS: dict[str, tuple[int, tuple[str, ...]]] = {
    N_("tiers"): (10, ("tier_migration",)),
    N_("scorecard"): (10, ("scorecard",)),
    N_("types"): (10, ("typology",)),
    N_("flags"): (10, ("sales_quality", "risks")),
    N_("targets"): (10, ("plan",)),
    N_("mix"): (10, ("price_volume_mix",)),
    N_("gaps"): (10, ("white_space",)),
    N_("forecast"): (20, ("churn_forecast",)),
    N_("value"): (30, ("customer_value",)),
    N_("wallet"): (40, ("wallet",)),
}
"""Parts of a file that come from results: the notebook and the results, of which one is enough."""


def _checks(
    say: Wording,
    rows: pd.DataFrame,
    usable: Mapping[str, Result],
    given: Mapping[str, Result],
    lacks: pd.DataFrame,
) -> tuple[Check, ...]:
    fingerprints = {result.context.fingerprint for result in usable.values()}
    left_out = len(set(given) - set(usable))
    same = Check(
        assumption=say.sentence("all results are of the same data"),
        finding=say.plural("one dataset and state of it", "{n} datasets or states of one", len(fingerprints)),
        verdict="holds" if len(fingerprints) == 1 else "does not hold",
        statistic=float(len(fingerprints)),
    )
    whole = Check(
        assumption=say.sentence("every part of a file can be said"),
        finding=say.sentence("all of them")
        if lacks.empty
        else say.sentence("not there: {parts}", parts=say.listing([say.text(part) for part in lacks["part"]])),
        verdict="holds" if lacks.empty else "handled",
        statistic=float(len(lacks)),
    )
    audience = Check(
        assumption=say.sentence("nothing that was made for other readers is used"),
        finding=say.plural("one result was left out", "{n} results were left out", left_out),
        verdict="handled" if left_out else "holds",
    )
    return same, whole, audience
