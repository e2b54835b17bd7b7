"""Who is asked: a random draw of accounts, with the largest drawn for certain, that can be repeated and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.disclosure import AS_IT_IS, OneByOne
from kam.errors import DataError, EmptyDataError, MissingColumnError, ParameterError
from kam.results import Context, KeyFigure, Result
from kam.stats.resampling import check_whole
from kam.survey.allocation import allocate
from kam.survey.response_counts import rates_by_stratum
from kam.survey.sampling_checks import assumed_of_draw, check_draw
from kam.survey.sampling_frame import CERTAINTY, digest, find_largest, fingerprint_of, read_frame
from kam.wording import Wording

Ints = npt.NDArray[np.int64]
Allocation = Literal["proportional", "neyman"]
_SAMPLE_COLUMNS = ["customer_id", "wave", "stratum", "probability", "certainty", "status"]
_PERSON_COLUMNS = ("contact_id", "person", "role", "decides")


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class SampleDrawResult(Result):
    """Result of :func:`draw_sample`.

    Attributes
    ----------
    strata : pandas.DataFrame
        One row per stratum, the largest accounts first: ``stratum, n_population, n_drawn``; ``probability`` of each of its
        accounts to be drawn; ``base_weight``, accounts that a drawn one stands for; ``certainty``; ``n_expected``, answers
        expected (if a response rate is given); ``revenue``, money of all its accounts (if that is the size).
    drawn : pandas.DataFrame
        One row per account drawn, in the form of a dataset's table ``sample``: ``customer_id, wave, stratum, probability,
        certainty, status`` (empty until something came of it).
    call_list : pandas.DataFrame
        Whom to call: ``stratum``; ``call_order``, random within the stratum; ``customer_id``, ``name`` (if the frame has names).
        With contacts one row per person, deciders and the influential first: ``contact_id, person, role, decides`` (as far as
        they are known; missing where the account has no contact).
    wave : str
        Name of the wave.
    n_population, n_drawn, n_certain : int
        Accounts in the frame, drawn, and drawn for certain as the largest.
    share_certain : float or None
        Share of the largest in the size of all; None: size is not known.
    size : str or None
        Column that says how large an account is; None: there is none.
    allocation : str
        ``proportional`` or ``neyman``.
    design_effect : float
        Kish: how much wider intervals that count accounts alike are, in variance, because weights differ.
    n_expected : float or None
        Answers expected; None: no response rate was given.
    seed : int
        With the same seed and frame the draw is the same.
    fingerprint : str
        Digest of the identifiers, strata and sizes of the frame, whatever the order of its rows.
    """

    main: ClassVar[str] = "strata"
    rests_on: ClassVar = {
        "strata": AS_IT_IS,
        "drawn": AS_IT_IS,
        "call_list": OneByOne(),
    }

    strata: pd.DataFrame
    drawn: pd.DataFrame
    call_list: pd.DataFrame
    wave: str
    n_population: int
    n_drawn: int
    n_certain: int
    share_certain: float | None
    size: str | None
    allocation: str
    design_effect: float
    n_expected: float | None
    seed: int
    fingerprint: str

    def _sentence(self) -> str:
        say = self.context.wording
        n_strata = len(self.strata) - (self.n_certain > 0)
        words = {
            "wave": self.wave,
            "n": say.count(self.n_drawn),
            "n_all": say.count(self.n_population),
            "certain": say.count(self.n_certain),
            "rest": say.count(self.n_drawn - self.n_certain),
            "others": say.count(self.n_population - self.n_certain),
            "strata": say.plural("as one stratum", "in {n} strata", n_strata),
        }
        if not self.n_certain:
            first = say.sentence("For wave {wave} {n} of {n_all} accounts are drawn at random, {strata}.", **words)
        elif n_strata == 0:
            first = say.sentence("For wave {wave} {n} of {n_all} accounts are drawn: all of them.", **words)
        else:
            first = say.sentence(
                "For wave {wave} {n} of {n_all} accounts are drawn: the {certain} largest, all of them{share}, and {rest} of the "
                "other {others} at random, {strata}.",
                **words,
                share=""
                if self.share_certain is None
                else say.sentence(
                    ", with {share} of {size}", share=say.share(self.share_certain), size=self._size(say)
                ),
            )
        if self.n_expected is None:
            return first
        return say.join([first, say.sentence("About {n} are expected to answer.", n=say.count(self.n_expected))])

    def _size(self, say: Wording) -> str:
        return say.base(self.size, "net") if self.size else ""

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        counted = say.sentence("a draw, not an estimate")
        weights = self.strata["base_weight"]
        return (
            KeyFigure(
                value=say.count(self.n_drawn),
                label=say.sentence("accounts drawn"),
                note=say.sentence("of {n}; {counted}", n=say.count(self.n_population), counted=counted),
            ),
            KeyFigure(
                value=say.count(self.n_certain),
                label=say.sentence("drawn for certain, as the largest"),
                note=say.sentence("{share} of {size}", share=say.share(self.share_certain), size=self._size(say))
                if self.share_certain is not None
                else counted,
            ),
            KeyFigure(
                value=say.number(weights.max(), 1),
                label=say.sentence("accounts that one drawn account stands for, at most"),
                note=say.sentence("{n} at least; by design", n=say.number(weights.min(), 1)),
            ),
            KeyFigure(
                value=say.count(self.n_drawn / self.design_effect),
                label=say.sentence("accounts drawn alike would tell as much of the average account"),
                note=say.sentence("effect of the design: {n}", n=say.number(self.design_effect)),
            ),
        )


def draw_sample(
    frame: pd.DataFrame | None,
    *,
    n: int,
    wave: str,
    strata: str | Sequence[str] | None = None,
    allocation: Allocation = "proportional",
    std_dev: str | Mapping[str, float] | None = None,
    certainty: int | float | None = None,
    certainty_from: float | None = None,
    size: str = "revenue",
    min_per_stratum: int = 2,
    response_rate: float | Mapping[str, float] | None = None,
    contacts: pd.DataFrame | None = None,
    fingerprint: str | None = None,
    seed: int = 1,
    context: Context | None = None,
) -> SampleDrawResult:
    """Draw accounts to be asked, at random within strata, the largest for certain.

    The largest accounts form a stratum of their own, named ``largest``, which is drawn whole. The others are drawn without
    replacement within their strata, each account of a stratum with the same probability n_h / N_h; how many, see
    :func:`~kam.survey.allocation.allocate`. The draw depends on the seed, the wave and the accounts, not on the order of rows:
    another wave is another draw, also with the same seed.

    Assumes (1) that the frame holds every account one wants to speak of, once: who is not in it cannot be drawn; (2) with
    Neyman's allocation, that values will differ within strata as much as ``std_dev`` says.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per account: ``customer_id`` (text) and, as far as they are named, the columns of strata, of size (money) and of
        earlier values; ``name`` goes to the call list.
    n : int
        Accounts to draw, those drawn for certain among them.
    wave : str
        Name of the wave.
    strata : str or sequence of str, optional
        Column or columns whose values make the strata; by default there is one.
    allocation : {"proportional", "neyman"}
        Whether strata get accounts in proportion to their size, or to size times standard deviation.
    std_dev : str or mapping of str to float, optional
        For Neyman's allocation: standard deviation by stratum; or a column with earlier values of accounts (such as their answers
        in the last wave, missing where there is none), from which it is computed.
    certainty : int or float, optional
        The largest accounts: how many (a whole number), or as many as it takes for a share of the whole size (between 0 and 1).
    certainty_from : float, optional
        Every account of at least this size belongs to the largest.
    size : str
        Column that says how large an account is. It may be missing unless it is needed.
    min_per_stratum : int
        Accounts to draw in each stratum at least; two make its error known.
    response_rate : float or mapping of str to float, optional
        Share of the drawn that is expected to answer, or by stratum; above 0 and at most 1.
    contacts : pandas.DataFrame, optional
        People of the accounts: ``customer_id``, and what is there of ``contact_id, name, role, decides, influence``.
    fingerprint : str, optional
        That of an earlier draw: raise if the frame has changed since.
    seed : int
        The same seed gives the same draw.
    context : Context, optional
        Currency, language and dataset.

    Returns
    -------
    SampleDrawResult

    Raises
    ------
    MissingColumnError
        A column that is named is not there.
    EmptyDataError
        The frame has no row.
    ColumnTypeError
        ``customer_id`` is not text (leading zeros would be lost), or sizes are not numbers.
    DataError
        An account stands twice or has no identifier, stratum or size; the frame has another fingerprint.
    ParameterError
        An argument is out of range, or the strata cannot give n accounts.

    References
    ----------
    Cochran, W. G. (1977). Sampling Techniques, third edition, chapters 2 and 5.
    Neyman, J. (1934). On the two different aspects of the representative method. JRSS 97.

    Examples
    --------
    >>> frame = pd.DataFrame({"customer_id": list("abcdefgh"), "revenue": [90.0, 5, 5, 4, 3, 2, 1, 1],
    ...     "region": ["north"] * 4 + ["south"] * 4})
    >>> result = draw_sample(frame, n=5, wave="2026", strata="region", certainty=1)
    >>> result.strata[["stratum", "n_population", "n_drawn", "probability"]].round(3).to_numpy().tolist()
    [['largest', 1, 1, 1.0], ['north', 3, 2, 0.667], ['south', 4, 2, 0.5]]
    >>> len(result.drawn), bool(result.drawn["certainty"].sum() == 1)
    (5, True)
    """
    context = context or Context()
    check_whole("seed", seed, at_least=0)
    if frame is None or frame.empty:
        raise EmptyDataError(
            "There is no account to draw from.", hint="Give a ledger in which somebody ordered of late."
        )
    check_whole("n", n, at_least=1)
    check_whole("min_per_stratum", min_per_stratum, at_least=0)
    if allocation not in ("proportional", "neyman"):
        raise ParameterError(f"allocation is {allocation!r}.", hint="Take 'proportional' or 'neyman'.")
    if not isinstance(wave, str) or not wave:
        raise ParameterError(f"wave is {wave!r}.", hint="Give the wave a name, such as '2026-11'.")
    if n > len(frame):
        raise ParameterError(f"{n} accounts cannot be drawn of {len(frame)}.", hint="Draw fewer, or all.")
    if contacts is not None and "customer_id" not in contacts.columns:
        raise MissingColumnError("The contacts have no column 'customer_id'.", where="contacts", hint="Name it.")
    wanted = certainty is not None or certainty_from is not None
    accounts = read_frame(frame, strata, size, needs_size=wanted)
    found = fingerprint_of(accounts)
    if fingerprint is not None and fingerprint != found:
        raise DataError(
            "The frame has changed: other accounts, strata or sizes than when it was drawn from.",
            where=f"fingerprint {found}, then {fingerprint}",
            hint="Take the frame of that day; a draw from this one is another draw.",
        )
    certain = find_largest(accounts, certainty, certainty_from)
    table = _strata(accounts, certain, size, n, allocation, std_dev, min_per_stratum, frame)
    accounts["stratum"] = accounts["stratum"].mask(certain, CERTAINTY)
    accounts["call_order"] = order_calls(accounts["stratum"], seed=seed, wave=wave)
    accounts = accounts.join(table.set_index("stratum")[["n_drawn", "probability", "certainty"]], on="stratum")
    taken = accounts[accounts["call_order"] <= accounts["n_drawn"]].assign(wave=wave, status="")
    if response_rate is not None:
        table["n_expected"] = table["n_drawn"] * rates_by_stratum(
            response_rate, table["stratum"], where="response_rate"
        )
    weight = np.repeat(table["base_weight"], table["n_drawn"])
    known = accounts["size"].notna().all()
    total = float(accounts["size"].clip(lower=0).sum()) if known else 0.0
    say = context.wording
    return SampleDrawResult(
        context=context,
        checks=check_draw(say, accounts, taken, table, contacts),
        assumed=assumed_of_draw(say, n, allocation, table, certainty, certainty_from, min_per_stratum, response_rate),
        strata=table,
        drawn=taken[_SAMPLE_COLUMNS].reset_index(drop=True),
        call_list=_call_list(taken, table, contacts),
        wave=wave,
        n_population=len(accounts),
        n_drawn=n,
        n_certain=int(certain.sum()),
        share_certain=float(accounts.loc[certain, "size"].clip(lower=0).sum() / total) if total > 0 else None,
        size=size if known else None,
        allocation=allocation,
        design_effect=float(n * (weight**2).sum() / weight.sum() ** 2),
        n_expected=float(table["n_expected"].sum()) if response_rate is not None else None,
        seed=seed,
        fingerprint=found,
    )


# -- the draw --------------------------------------------------------------------------------------------------------


def order_calls(stratum: pd.Series, *, seed: int, wave: str) -> Ints:
    """Random order of the accounts within each stratum, 1 first: the first n_h of a stratum are its sample.

    Of accounts sorted by id; shape (accounts,). Every order of a stratum has the same probability.
    """
    rng = np.random.default_rng([seed, int(digest(wave), 16)])
    codes = np.unique(stratum.to_numpy(dtype=object).astype(str), return_inverse=True)[1]
    order = np.lexsort((rng.permutation(len(codes)), codes))
    first = np.concatenate([[0], np.flatnonzero(np.diff(codes[order])) + 1])
    places = np.arange(len(codes)) - np.repeat(first, np.diff(np.append(first, len(codes)))) + 1
    ranks = np.empty(len(codes), dtype=np.int64)
    ranks[order] = places
    return ranks


def _strata(
    accounts: pd.DataFrame,
    certain: npt.NDArray[np.bool_],
    size: str,
    n: int,
    allocation: Allocation,
    std_dev: str | Mapping[str, float] | None,
    min_per_stratum: int,
    frame: pd.DataFrame,
) -> pd.DataFrame:
    rest, n_certain = accounts[~certain], int(certain.sum())
    counts = rest["stratum"].value_counts().sort_index()
    names = [str(name) for name in counts.index]
    if n_certain > n or (n_certain == n and names):
        raise ParameterError(
            f"{n_certain} of {n} accounts are drawn for certain, and nothing is left for the other {len(rest)}.",
            hint="Draw more, or fewer for certain.",
        )
    n_drawn = np.array([], dtype=np.int64)
    if names:
        spread = _spread(rest, names, std_dev, frame) if allocation == "neyman" else None
        n_drawn = allocate(n - n_certain, counts.to_numpy(), spread=spread, min_per_stratum=min_per_stratum)
    if allocation == "proportional" and std_dev is not None:
        raise ParameterError("std_dev is given, and the allocation is proportional.", hint="Take 'neyman'.")
    if (n_drawn == 0).any():
        raise ParameterError(
            "A stratum would have nobody drawn, so that nothing could be said of it.",
            where=", ".join(name for name, k in zip(names, n_drawn, strict=True) if k == 0),
            hint="Draw more, merge strata, or raise min_per_stratum.",
        )
    table = pd.DataFrame(
        {
            "stratum": [CERTAINTY] * (n_certain > 0) + names,
            "n_population": np.append([n_certain] * (n_certain > 0), counts.to_numpy()).astype(np.int64),
            "n_drawn": np.append([n_certain] * (n_certain > 0), n_drawn).astype(np.int64),
        }
    )
    table["probability"] = table["n_drawn"] / table["n_population"]
    table["base_weight"] = table["n_population"] / table["n_drawn"]
    table["certainty"] = table["stratum"] == CERTAINTY
    if size == "revenue" and accounts["size"].notna().all():
        money = accounts["size"].groupby(np.where(certain, CERTAINTY, accounts["stratum"])).sum()
        table["revenue"] = money.reindex(table["stratum"]).to_numpy()
    return table


def _spread(
    rest: pd.DataFrame, names: list[str], std_dev: str | Mapping[str, float] | None, frame: pd.DataFrame
) -> npt.NDArray[np.float64]:
    """Standard deviation of each stratum, as given or from earlier values of its accounts."""
    if std_dev is None:
        raise ParameterError(
            "Neyman's allocation needs standard deviations.",
            hint="Give std_dev by stratum, or a column with the accounts' earlier values.",
        )
    if isinstance(std_dev, str):
        if std_dev not in frame.columns:
            raise MissingColumnError(f"There is no column {std_dev!r}.", where="frame", hint="std_dev names a column.")
        values = pd.to_numeric(frame[std_dev], errors="coerce").set_axis(frame["customer_id"])
        found = values.reindex(rest["customer_id"]).groupby(rest["stratum"].to_numpy()).std().reindex(names)
        if found.isna().any():
            raise DataError(
                f"Fewer than two accounts of a stratum have a {std_dev}.",
                where=", ".join(found.index[found.isna()].astype(str)),
                hint="Give std_dev by stratum, or merge strata.",
            )
        return np.asarray(found, dtype=np.float64)
    given = {str(name): x for name, x in std_dev.items()}
    for name in names:
        if name not in given or not np.isfinite(given[name]) or given[name] < 0:
            raise ParameterError(
                f"The standard deviation of {name!r} is {given.get(name, 'not given')}.",
                where="std_dev",
                hint="Give a number, not negative, for each stratum.",
            )
    return np.array([given[name] for name in names], dtype=np.float64)


# -- the call list ---------------------------------------------------------------------------------------------------


def _call_list(taken: pd.DataFrame, table: pd.DataFrame, contacts: pd.DataFrame | None) -> pd.DataFrame:
    at = taken["stratum"].map({name: i for i, name in enumerate(table["stratum"])})
    calls = taken.assign(at=at).sort_values(["at", "call_order"])
    calls = calls[["stratum", "call_order", "customer_id", *(["name"] if "name" in taken.columns else [])]]
    if contacts is None:
        return calls.reset_index(drop=True)
    people = contacts.rename(columns={"name": "person"})
    first = [column for column in ("decides", "influence") if column in people.columns]
    if first:
        rank = people[first].astype("float64").fillna(-1.0)
        people = people.loc[rank.sort_values(first, ascending=False, kind="stable").index]
    people = people[["customer_id", *(column for column in _PERSON_COLUMNS if column in people.columns)]]
    calls = calls.assign(row=np.arange(len(calls))).merge(people, on="customer_id", how="left")
    return calls.sort_values("row", kind="stable").drop(columns="row").reset_index(drop=True)
