"""The frame of a survey: one row per wave and account, with who was asked, who answered and what the ledger knew before.

Facts lie before the first answer of a wave; what customers then did lies after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kam.errors import DataError, EmptyDataError, MissingColumnError
from kam.survey.shown_names import name_first
from kam.wording import N_

if TYPE_CHECKING:
    from kam.survey.responses import Responses

TAKEN_AS_ASKED = "taken as asked"
"""Status in a wave without a sample: everybody active in the ledger is taken as asked."""
ANSWERS_ONLY = N_("answers only")
"""Status in a wave of which neither the sample nor the ledger is known: who answered is all there is."""
NOT_DRAWN = N_("not drawn")
"""Status of an account of the ledger that was not drawn."""
UNKNOWN = N_("unknown account")
"""Status of an account that answered, but is neither in the sample nor in the ledger."""

FACTS = {
    "revenue": "revenue_year",
    "n_days_year": "n_days_year",
    "days_since_last_order": "days_since_last_order",
    "tenure_days": "tenure_days",
    "share_late": "share_late",
    "n_complaints": "n_complaints",
}
"""Facts of the frame, and the column of :func:`kam.ledger.snapshots` that each is."""
AFTER = ("no_order", "churned", "revenue_next", "n_days_next")
"""What came after, as in :func:`kam.ledger.snapshots`."""
_STATIC = ("region", "industry")
_OWN = ("stratum", "probability", "certainty", "status")


def survey_frame(
    responses: Responses,
    *,
    sample: pd.DataFrame | None = None,
    facts: pd.DataFrame | None = None,
    accounts: pd.DataFrame | None = None,
    contacts: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Put together who was asked, who answered, what the ledger knew of them before and what they did after.

    A wave that ``sample`` does not name is taken to have asked everybody with an order in the 364 days before its first answer
    (``status`` says ``"taken as asked"``); without ``facts`` too, who answered is all there is (``"answers only"``). Nobody is
    dropped: an account that answered without having been drawn stays, with ``drawn`` false and its ``status``; an account that
    the ledger does not know has ``in_ledger`` false and no facts.

    Assumes (1) that the sample lists everybody who was drawn; (2) that people who could answer are the contacts of today; (3)
    that what ``accounts`` say of region and industry was so at the time.

    Parameters
    ----------
    responses : Responses
        The answers; the origin of a wave is the day of its first answer.
    sample : pandas.DataFrame, optional
        One row per wave and account drawn: **customer_id**, **wave**, and what is there of ``stratum, probability`` (of being
        drawn, above 0 and at most 1) ``, certainty, status``.
    facts : pandas.DataFrame, optional
        ``kam.ledger.snapshots(ledger, origins=responses.origins, horizon_days=364, k=…, covariates=…).rows``: one row per origin
        and customer. A wave whose origin is not among theirs has no facts. If the day after its last answer is among them, what
        came after is taken from there.
    accounts : pandas.DataFrame, optional
        One row per account: **customer_id**, of which region and industry are taken, unless ``facts`` have them.
    contacts : pandas.DataFrame, optional
        One row per person: **customer_id**. They are counted.

    Returns
    -------
    pandas.DataFrame
        One row per wave and account, by wave (earliest first) and customer, with a RangeIndex:

        - ``wave``, ``customer_id``;
        - ``drawn`` (bool): was asked; ``answered`` (bool): has an answer in ``responses``;
        - ``stratum`` ("" where there are none; missing for who was not drawn). Where a stratum holds accounts that were drawn for
          certain beside others, these are a stratum of their own, ``"<stratum>, certain"``;
        - ``n_population``: accounts in the population of the stratum, Σ 1 / probability (missing where that is not known);
        - ``probability`` of being drawn, ``certainty`` (bool): it is 1. Both are missing where they are not known;
        - ``status``: of the sample, or one of those above (``"not drawn"``, ``"unknown account"``);
        - ``in_ledger`` (bool): the ledger knows an order before the wave;
        - ``n_people``: contacts of the account (missing: not known);
        - facts before the wave, where ``facts`` are given and have them: ``revenue`` (gross, money) and ``n_days_year`` (purchase
          days) of the 364 days before, ``days_since_last_order``, ``tenure_days``, ``share_late``, ``n_complaints`` (both of 91
          days), and static text columns such as ``region, industry``;
        - what came after, missing where not observed: ``no_order``, ``churned`` (nullable boolean), ``revenue_next`` (gross,
          money), ``n_days_next`` (purchase days).

    Raises
    ------
    MissingColumnError
        A table lacks a column, or the answers have no accounts while ``sample`` or ``facts`` are given.
    DataError
        An account is drawn twice in a wave, or a probability is not above 0 and at most 1 or is missing for some (the first are
        named), or ``facts`` have no row for the first answer of any wave.
    EmptyDataError
        No wave of the sample has an answer.

    Examples
    --------
    >>> from kam.survey.responses import collect_responses
    >>> answers = pd.DataFrame({"respondent_id": ["1", "2"], "customer_id": ["a", "c"], "wave": "2024", "overall": [4, 5]})
    >>> drawn = pd.DataFrame({"customer_id": ["a", "b"], "wave": "2024", "stratum": "all", "probability": 0.5})
    >>> frame = survey_frame(collect_responses(answers), sample=drawn)
    >>> frame[["customer_id", "drawn", "answered", "n_population", "status"]].values.tolist()
    [['a', True, True, 4.0, 'answered'], ['b', True, False, 4.0, 'not answered'], ['c', False, True, nan, 'unknown account']]
    """
    if not responses.has_accounts and not (sample is None and facts is None):
        raise MissingColumnError(
            "The answers do not say of which account they are.",
            where="survey",
            hint="Name the column of the account: customer_id; or leave the sample and the facts out.",
        )
    drawn = None if sample is None else _checked_sample(sample, responses.waves)
    silent = [] if drawn is None else sorted(set(drawn["wave"]) - set(responses.waves))
    parts = [_wave_part(responses, wave, drawn, facts) for wave in (*silent, *responses.waves)]
    frame = pd.concat(parts, ignore_index=True)
    frame = frame.astype({name: "boolean" for name in ("no_order", "churned") if name in frame.columns})
    if facts is not None and not frame["in_ledger"].any():
        raise DataError(
            "The facts know nobody at the first answer of any wave.",
            where=f"first answers: {', '.join(map(str, responses.origins)) or 'days not known'}",
            hint="Make them by kam.ledger.snapshots(…, origins=responses.origins), or leave them out.",
        )
    if accounts is not None:
        frame = _add_static(frame, accounts)
    frame["n_people"] = _count_people(frame["customer_id"], contacts)
    first = [
        "wave", "customer_id", "drawn", "answered", "stratum", "n_population", "probability", "certainty", "status",
        "in_ledger", "n_people",
    ]  # fmt: skip
    after = [name for name in AFTER if name in frame.columns]
    return frame[[*first, *(name for name in frame.columns if name not in {*first, *after}), *after]]


def levels_of(values: pd.Series) -> pd.Series:
    """A column in words, as levels: ``not known`` where it is missing."""
    return values.astype("object").where(values.notna(), "not known").astype("str")


# -- inside ----------------------------------------------------------------------------------------------------------


def _wave_part(
    responses: Responses, wave: str, sample: pd.DataFrame | None, facts: pd.DataFrame | None
) -> pd.DataFrame:
    answered = responses.rows.loc[responses.rows["wave"] == wave, "customer_id"].drop_duplicates()
    known = None if facts is None or answered.empty else _facts_of(responses, wave, facts)
    part = None if sample is None else sample[sample["wave"] == wave]
    if part is not None and len(part):
        rows = part.assign(drawn=True)
    elif known is not None:
        asked = known.loc[known["n_days_year"] > 0, "customer_id"]
        rows = pd.DataFrame({"customer_id": asked, "drawn": True, "stratum": "", "probability": 1.0})
        rows = rows.assign(n_population=float(len(rows)), status=TAKEN_AS_ASKED)
    else:
        rows = _answers_alone(responses, wave)
    others = pd.concat([answered, *([] if known is None else [known.loc[known["n_days_year"] > 0, "customer_id"]])])
    others = others[~others.isin(rows["customer_id"])].drop_duplicates()
    rows = pd.concat([rows, pd.DataFrame({"customer_id": others.astype("str"), "drawn": False})], ignore_index=True)
    rows["wave"] = wave
    rows["answered"] = rows["customer_id"].isin(set(answered))
    rows["certainty"] = (rows["probability"] == 1).astype("boolean").mask(rows["probability"].isna())
    rows["in_ledger"] = False if known is None else rows["customer_id"].isin(set(known["customer_id"]))
    given = rows["status"] if "status" in rows else pd.Series(pd.NA, index=rows.index, dtype="str")
    told = np.where(
        rows["drawn"],
        np.where(rows["answered"], "answered", "not answered"),
        np.where(rows["in_ledger"], NOT_DRAWN, UNKNOWN),
    )
    rows["status"] = given.where(given.notna(), told).astype("str")
    if known is not None:
        rows = rows.merge(known, on="customer_id", how="left")
    return rows.sort_values("customer_id", ignore_index=True)


def _answers_alone(responses: Responses, wave: str) -> pd.DataFrame:
    """Who answered, taken for the sample: nothing else is known."""
    rows = responses.rows[responses.rows["wave"] == wave]
    first = rows.groupby("customer_id", sort=True)
    found = pd.DataFrame({"customer_id": list(first.groups), "drawn": True, "probability": np.nan})
    found["stratum"] = pd.Series(
        "" if "stratum" not in rows else first["stratum"].first().to_numpy(), index=found.index
    )
    found["stratum"] = found["stratum"].fillna("").astype("str")
    found["n_population"] = np.nan if "fpc" not in rows else first["fpc"].first().to_numpy(dtype=np.float64)
    return found.assign(status=ANSWERS_ONLY)


def _checked_sample(sample: pd.DataFrame, waves: tuple[str, ...]) -> pd.DataFrame:
    for column in ("customer_id", "wave"):
        if column not in sample.columns:
            raise MissingColumnError(
                f"The sample has no column {column!r}.",
                where="sample",
                hint=f"There are {', '.join(map(str, sample.columns))}.",
            )
    kept = [name for name in _OWN if name in sample.columns]
    drawn = sample[["customer_id", "wave", *kept]].astype({"customer_id": "str", "wave": "str"})
    if not set(drawn["wave"]) & set(waves):
        raise EmptyDataError(
            "No wave of the sample has an answer.",
            where=f"waves drawn {', '.join(sorted(set(drawn['wave'])))}; answered {', '.join(waves)}",
            hint="Name the waves of the sample as in the survey.",
        )
    twice = drawn.duplicated(["customer_id", "wave"])
    if twice.any():
        raise DataError("An account is drawn twice in a wave.", where=_name(drawn[twice]), hint="Keep one row of each.")
    if "probability" not in drawn.columns:
        drawn["probability"] = np.nan
    p = pd.to_numeric(drawn["probability"], errors="coerce").astype("float64")
    if "certainty" in drawn.columns:
        p = p.mask(p.isna() & drawn["certainty"].fillna(False).astype(bool), 1.0)
    partly = p.isna() & p.notna().groupby(drawn["wave"]).transform("any")
    bad = partly | (p <= 0) | (p > 1)
    if bad.any():
        raise DataError(
            "Probabilities of being drawn are missing or not above 0 and at most 1.",
            where=_name(drawn[bad]),
            hint="Give each account drawn its probability, or leave the column out: then all count alike.",
        )
    drawn["stratum"] = drawn["stratum"].fillna("").astype("str") if "stratum" in drawn.columns else ""
    drawn["probability"] = p
    whole = p == 1
    mixed = whole & ~whole.groupby([drawn["wave"], drawn["stratum"]]).transform("all")
    drawn["stratum"] = drawn["stratum"].mask(mixed, drawn["stratum"] + ", certain")
    sizes = (1 / p).groupby([drawn["wave"], drawn["stratum"]]).transform("sum").round()
    drawn["n_population"] = sizes.mask(p.isna())
    return drawn.drop(columns=[name for name in ("certainty",) if name in drawn.columns])


def _name(rows: pd.DataFrame) -> str:
    return name_first([f"customer {c} in wave {w}" for c, w in zip(rows["customer_id"], rows["wave"], strict=True)])


def _facts_of(responses: Responses, wave: str, facts: pd.DataFrame) -> pd.DataFrame | None:
    """What was known of each customer of the ledger at the first answer of the wave, and what came after; None: nothing."""
    needed = [name for name in ("origin", "customer_id", "n_days_year") if name not in facts.columns]
    if needed:
        raise MissingColumnError(
            f"The facts lack {', '.join(needed)}.", where="facts", hint="Give the rows of kam.ledger.snapshots."
        )
    days = responses.field.set_index("wave")
    if wave not in days.index:
        return None
    origin = days["first_answer"].loc[[wave]].iloc[0].normalize()
    before = facts[facts["origin"] == origin]
    if before.empty:
        return None
    static = [
        name
        for name in facts.columns
        if name not in ("customer_id", "manager")
        and (pd.api.types.is_string_dtype(facts[name]) or isinstance(facts[name].dtype, pd.CategoricalDtype))
    ]
    columns = {old: new for new, old in FACTS.items() if old in facts.columns}
    known = before[["customer_id", *columns, *static]].rename(columns=columns)
    known = known.astype({"customer_id": "str"})
    after = [name for name in AFTER if name in facts.columns]
    next_day = days["last_answer"].loc[[wave]].iloc[0].normalize() + pd.Timedelta(days=1)
    later = facts[facts["origin"] == next_day]
    outcomes = (before if later.empty else later)[["customer_id", *after]].astype({"customer_id": "str"})
    return known.merge(outcomes, on="customer_id", how="left")


def _add_static(frame: pd.DataFrame, accounts: pd.DataFrame) -> pd.DataFrame:
    if "customer_id" not in accounts.columns:
        raise MissingColumnError("The accounts have no column 'customer_id'.", where="accounts", hint="Name it.")
    new = [name for name in _STATIC if name in accounts.columns and name not in frame.columns]
    table = accounts[["customer_id", *new]].astype({"customer_id": "str"}).drop_duplicates("customer_id")
    return frame.merge(table, on="customer_id", how="left")


def _count_people(customers: pd.Series, contacts: pd.DataFrame | None) -> pd.Series:
    if contacts is None:
        return pd.Series(np.nan, index=customers.index)
    if "customer_id" not in contacts.columns:
        raise MissingColumnError("The contacts have no column 'customer_id'.", where="contacts", hint="Name it.")
    return customers.map(contacts["customer_id"].astype("str").value_counts()).astype("float64")
