"""Check the answers of a survey beside the ledger and the sample: whether there are any, from whom, and when."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from kam.dataset.answers import answer_columns
from kam.dataset.frames import TableData
from kam.dataset.notes import Notes, name_some
from kam.dataset.schema import SurveyFile
from kam.ledger import Ledger
from kam.wording import N_


def check_fieldwork(
    survey: SurveyFile | None, ledger: Ledger | None, tables: Mapping[str, TableData], notes: Notes
) -> None:
    """Note what is wrong with the answers as a whole.

    Parameters
    ----------
    survey : SurveyFile or None
        What ``dataset.yaml`` says about the survey; None: there is none.
    ledger : Ledger or None
        Whose first and last day the days of the answers are compared with.
    tables : mapping of str to TableData
        The tables that could be read, the survey and the sample among them.
    notes : Notes
        Where it is noted.
    """
    if survey is None or "survey" not in tables:
        return
    data = tables["survey"]
    _note_keys(data, notes)
    if data.problems or data.frame.empty:  # what was answered is then not known
        return
    frame = data.frame
    answered = frame[frame[answer_columns(frame, survey)].notna().any(axis=1)]
    if answered.empty:
        notes.problem(
            notes.say.sentence("survey: nobody answered anything on a scale. Are the codes for no answer too many?")
        )
        return
    if "sample" in tables and not tables["sample"].problems:
        _check_drawn(answered, tables["sample"].frame, notes)
    if ledger is not None and "answered_on" in answered.columns:
        _check_days(answered, ledger, notes)


def _note_keys(data: TableData, notes: Notes) -> None:
    """Say what stands in for a respondent and a wave that the source does not name."""
    if "respondent_id" not in data.used:
        notes.add(notes.say.sentence("There is no respondent_id: each row counts as a respondent of its own."))
    if "wave" not in data.used and not data.frame.empty:
        wave = data.frame["wave"].iloc[0]
        notes.add(notes.say.sentence("There is no wave: all answers count as one, called {wave}.", wave=wave))


def _check_drawn(answered: pd.DataFrame, sample: pd.DataFrame, notes: Notes) -> None:
    """Warn of accounts that answered in a wave for which the sample does not list them."""
    say = notes.say
    own = answered["respondent_id"]
    accounts = answered["customer_id"].fillna(own) if "customer_id" in answered.columns else own
    there = pd.DataFrame({"wave": answered["wave"], "customer_id": accounts}).astype("str").drop_duplicates()
    drawn = pd.MultiIndex.from_frame(sample[["wave", "customer_id"]].astype("str"))
    waves = set(drawn.get_level_values(0))
    if not waves & set(there["wave"]):
        text = N_(
            "sample: no wave of it has an answer. It names {drawn}; answered were {answered}. Name the waves alike."
        )
        notes.problem(
            say.sentence(text, drawn=name_some(sorted(waves), say), answered=name_some(sorted(set(there["wave"])), say))
        )
        return
    for wave, here in there.groupby("wave", sort=True):
        if wave not in waves:
            notes.warn(say.sentence("sample: it lists no account for the wave {wave}, which has answers.", wave=wave))
            continue
        lacking = here.loc[~pd.MultiIndex.from_frame(here[["wave", "customer_id"]]).isin(drawn), "customer_id"]
        if len(lacking):
            notes.warn(
                say.sentence(
                    "sample: {n} of {all} accounts that answered in the wave {wave} are not listed for it ({named}); they "
                    "will have no weight.",
                    n=say.count(len(lacking)),
                    all=say.count(len(here)),
                    wave=wave,
                    named=name_some(sorted(lacking), say),
                )
            )


def _check_days(answered: pd.DataFrame, ledger: Ledger, notes: Notes) -> None:
    """Warn of waves that were answered before the ledger begins or after it ends."""
    say = notes.say
    begins, ends = pd.Timestamp(ledger.table.order_day.min().execute()), pd.Timestamp(ledger.as_of)
    days = answered.groupby("wave")["answered_on"].agg(["min", "max"]).dropna()
    for wave, first, last in days.itertuples(name=None):
        first, last = pd.Timestamp(first).normalize(), pd.Timestamp(last).normalize()
        if begins <= last and first <= ends:
            continue
        when = say.date(first) if first == last else f"{say.date(first)} – {say.date(last)}"
        text = N_("survey: all answers of the wave {wave} ({when}) are from before the first order ({day}).")
        if first > ends:
            text = N_(
                "survey: all answers of the wave {wave} ({when}) are from after the day up to which the ledger counts ({day})."
            )
        notes.warn(say.sentence(text, wave=wave, when=when, day=say.date(ends if first > ends else begins)))
