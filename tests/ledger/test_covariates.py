from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kam.dataset import Dataset
from kam.errors import ColumnTypeError, DataError, LeakageError, MissingColumnError, ParameterError
from kam.ledger import Covariates, Ledger, Snapshots, open_ledger, snapshots
from kam.ledger.snapshot_rows import OUTCOMES

ORIGIN = date(2024, 6, 1)
START = ORIGIN - timedelta(days=91)  # 2 March


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    days = {"a": "2023-01-01", "b": "2023-06-01", "c": "2023-01-20"}
    rows = [(name, first, 5.0) for name, first in days.items()] + [("a", "2024-05-31", 5.0), ("b", "2024-07-01", 5.0)]
    orders = pd.DataFrame(rows, columns=["customer_id", "order_date", "amount"])
    return open_ledger(orders.assign(order_date=pd.to_datetime(orders["order_date"])), as_of="2024-12-31")


def take(ledger: Ledger, covariates: Covariates | None = None, **tables: Any) -> Snapshots:
    given = Covariates(**tables) if covariates is None else covariates
    return snapshots(ledger, origins=[ORIGIN], horizon_days=30, k=12, covariates=given)


def features(found: Snapshots) -> pd.DataFrame:
    return found.rows.drop(columns=[name for name in OUTCOMES if name in found.rows])


def column(found: Snapshots, name: str) -> dict[str, Any]:
    """By customer; None: missing."""
    values = found.rows.set_index("customer_id")[name].astype(object)
    return {customer: None if pd.isna(value) else value for customer, value in values.items()}


def table(columns: str, *rows: tuple[Any, ...]) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows), columns=columns.split())
    dates = [name for name in ("since", "manager_since", "date", "month", "known_on", "answered_on") if name in frame]
    return frame.assign(**{name: pd.to_datetime(frame[name], format="ISO8601") for name in dates})


# -- accounts ----------------------------------------------------------------------------------------------------------

ACCOUNTS = table(
    "customer_id since industry employees manager manager_since receivable",
    ("a", "2020-01-01", "food", 10.0, "Kim", "2023-01-01", 1.0),
    ("b", "2023-08-01", None, 20.0, "Lee", "2024-05-31", 2.0),
    ("z", "2020-01-01", "paper", 30.0, "Lee", None, 3.0),
)


def test_account_facts_by_hand(ledger: Ledger) -> None:
    found = take(ledger, accounts=ACCOUNTS, static=("industry", "employees"))
    assert column(found, "tenure_days") == {"a": 1613, "b": 366, "c": 498}  # b was there before its `since`
    assert column(found, "left_censored") == {"a": False, "b": False, "c": True}
    assert column(found, "industry") == {"a": "food", "b": None, "c": None}
    assert column(found, "employees") == {"a": 10.0, "b": 20.0, "c": None}
    assert column(found, "manager") == {"a": "Kim", "b": "Lee", "c": None}
    assert column(found, "handover") == {"a": False, "b": True, "c": False}
    assert "receivable" not in found.rows
    missing = found.covariates.set_index("term")
    assert missing["n_missing"].to_dict() == {"handover": 0, "industry": 2, "employees": 1, "manager": 1}
    assert missing.loc["employees", "why"] == "no row in accounts, or no value there"
    assert missing.loc["handover", "why"] == ""
    assert (missing["source"] == "accounts").all()
    assert found.left_out.to_dict("records") == [
        {
            "term": "receivable",
            "source": "accounts",
            "n_cases": 3,
            "why": "known only as of today, not declared static",
        }
    ]


def test_a_manager_is_known_from_the_day_after(ledger: Ledger) -> None:
    came = {"a": str(ORIGIN), "b": str(START), "c": str(START - timedelta(days=1))}
    accounts = table("customer_id manager manager_since", *((name, name.upper(), day) for name, day in came.items()))
    found = take(ledger, accounts=accounts)
    assert column(found, "manager") == {"a": None, "b": "B", "c": "C"}
    assert column(found, "handover") == {"a": False, "b": True, "c": False}
    # The first manager of a new customer took over from nobody.
    new = table("customer_id manager manager_since", ("b", "B", "2023-06-01"))
    early = snapshots(ledger, origins=[date(2023, 7, 1)], horizon_days=30, k=12, covariates=Covariates(accounts=new))
    assert column(early, "handover") == {"a": False, "b": False, "c": False}
    undated = take(ledger, accounts=accounts.drop(columns="manager_since"))
    assert "manager" not in undated.rows
    assert undated.left_out["why"].tolist() == ["without manager_since nobody knows since when"]


# -- events ------------------------------------------------------------------------------------------------------------


def test_events_by_hand(ledger: Ledger) -> None:
    day_before, first_day = str(ORIGIN - timedelta(days=1)), str(START)
    events = table(
        "customer_id date kind",
        ("a", day_before, "complaint"),
        ("a", first_day, "complaint"),
        ("a", str(START - timedelta(days=1)), "complaint"),
        ("a", str(ORIGIN), "complaint"),
        ("b", first_day, "handover"),
        ("c", str(START - timedelta(days=1)), "handover"),
        ("b", "2023-12-24", "contact"),
        ("b", "2024-05-01T10:00", "visit"),
        ("b", str(ORIGIN), "visit"),
        ("c", day_before, "offer"),
        ("c", "2024-05-15", "offer"),
        ("c", None, "offer"),
        ("z", day_before, "offer"),
    )
    found = take(ledger, events=events)
    assert column(found, "n_complaints") == {"a": 2, "b": 0, "c": 0}
    assert column(found, "days_since_contact") == {"a": None, "b": 31, "c": None}
    assert column(found, "handover") == {"a": False, "b": True, "c": False}
    assert column(found, "n_offers") == {"a": 0, "b": 0, "c": 2}
    assert found.left_out[["source", "n_cases", "why"]].to_numpy().tolist() == [
        ["events", 1, "the customer is not in the ledger"],
        ["events", 1, "date is not known"],
    ]
    empty = take(ledger, events=events[:0])
    assert column(empty, "n_offers") == {"a": 0, "b": 0, "c": 0}


# -- survey ------------------------------------------------------------------------------------------------------------


def test_the_latest_answers_known(ledger: Ledger) -> None:
    survey = table(
        "customer_id wave answered_on overall",
        ("a", "1", "2023-05-01", 1.0),
        ("a", "2", "2024-05-01", 4.0),
        ("a", "2", "2024-05-20", 5.0),
        ("a", "2", str(ORIGIN), 1.0),
        ("b", "1", "2023-05-01", 2.0),
        ("b", "2", "2024-05-01", np.nan),
        ("c", "2", None, 3.0),
        ("z", "2", "2024-05-01", 3.0),
    )
    found = take(ledger, survey=survey)
    assert column(found, "satisfaction") == {"a": 4.5, "b": 2.0, "c": None}
    assert column(found, "days_since_survey") == {"a": 12, "b": 397, "c": None}
    assert found.covariates["n_missing"].tolist() == [1, 1]
    assert found.left_out["n_cases"].tolist() == [1, 1, 1]
    assert column(take(ledger, survey=survey.drop(columns="answered_on")), "satisfaction") == dict.fromkeys("abc")


# -- external series -----------------------------------------------------------------------------------------------------


def test_external_series_by_hand(ledger: Ledger) -> None:
    external = table(
        "series month value region known_on",
        ("price", "2023-03-01", 100.0, None, "2023-04-15"),
        ("price", "2023-04-01", 110.0, None, "2023-05-15"),
        ("price", "2024-03-01", 120.0, None, "2024-04-15"),
        ("price", "2024-04-01", 132.0, None, str(ORIGIN)),  # not known yet
        ("output", "2023-04-01", 50.0, "North", "2023-05-15"),
        ("output", "2024-04-01", 60.0, "North", "2024-05-15"),
        ("output", "2023-04-01", 10.0, None, "2023-05-15"),
        ("output", "2024-04-01", 10.0, None, "2024-05-15"),
        ("output", "2024-03-01", 10.0, None, None),
        ("index", "2024-04-01", 10.0, None, "2024-05-15"),
    )
    accounts = table("customer_id region", ("a", "North"), ("b", "South"))
    found = take(ledger, accounts=accounts, static=("region",), external=external)
    assert column(found, "price") == pytest.approx(dict.fromkeys("abc", np.log(1.2)))
    assert column(found, "output") == pytest.approx({"a": np.log(1.2), "b": 0.0, "c": 0.0})
    assert column(found, "index") == dict.fromkeys("abc")
    assert found.covariates.set_index("term")["n_missing"].to_dict() == {
        "region": 1,
        "index": 3,
        "output": 0,
        "price": 0,
    }
    undeclared = take(ledger, accounts=accounts, external=external)
    assert column(undeclared, "output") == dict.fromkeys("abc", 0.0)
    reasons = undeclared.left_out.set_index("term")["why"].to_dict()
    assert reasons["output"] == "it is given by region, which is no static column of accounts"
    only_regions = take(ledger, external=external[external["region"].notna()])
    assert "output" not in only_regions.rows


def test_of_several_vintages_of_a_month_the_latest_known_by_then_counts(ledger: Ledger) -> None:
    external = table(
        "series month value known_on",
        ("price", "2023-04-01", 105.0, "2023-07-15"),  # revised
        ("price", "2023-04-01", 100.0, "2023-05-15"),
        ("price", "2024-04-01", 120.0, "2024-05-15"),
        ("price", "2024-04-01", 126.0, str(ORIGIN - timedelta(days=1))),
        ("price", "2024-04-01", 999.0, str(ORIGIN)),  # not known yet
    )
    assert column(take(ledger, external=external), "price") == pytest.approx(dict.fromkeys("abc", np.log(126 / 105)))
    before = external[external["known_on"] < pd.Timestamp(ORIGIN) - pd.Timedelta(days=1)]
    assert column(take(ledger, external=before), "price") == pytest.approx(dict.fromkeys("abc", np.log(120 / 105)))


# -- nothing from the future -------------------------------------------------------------------------------------------


def test_what_is_known_later_changes_no_feature(sample_company: Dataset) -> None:
    dataset = sample_company
    given = dataset.covariates
    assert (given.static, given.events is not None, given.survey is not None) == (("industry", "region"), True, True)
    origins = [date(2024, 11, 20), date(2025, 3, 1)]  # the first lies within the field time of a survey
    found = snapshots(dataset.ledger, origins=origins, k=6, covariates=given)
    assert given.accounts is not None and given.events is not None
    assert given.external is not None and given.survey is not None
    for origin in origins:
        start = pd.Timestamp(origin)
        accounts, events, external, survey = (
            frame.copy() for frame in (given.accounts, given.events, given.external, given.survey)
        )
        undated = [name for name in given.undated if pd.api.types.is_numeric_dtype(accounts[name])]
        accounts[undated] += 1000.0
        later = accounts["manager_since"] >= start
        accounts.loc[later, "manager"] = "somebody else"
        accounts.loc[later, "manager_since"] += pd.Timedelta(days=10)
        new = events[events["date"] >= start].sample(frac=0.5, random_state=1)
        events = pd.concat([events[events["date"] < start], new.assign(kind="complaint"), new.assign(kind="visit")])
        unknown = external["known_on"] >= start
        external.loc[unknown, "value"] *= 7
        external = external[~unknown | (np.arange(len(external)) % 2 == 0)].sample(frac=1, random_state=1)
        survey.loc[survey["answered_on"] >= start, "overall"] = 1.0
        survey = survey.drop(survey.index[survey["answered_on"] >= start][::3])
        changed = Covariates(accounts=accounts, static=given.static, events=events, external=external, survey=survey)
        again = snapshots(dataset.ledger, origins=[origin], k=6, covariates=changed)
        expected = features(found)[features(found)["origin"] == start].reset_index(drop=True)
        pd.testing.assert_frame_equal(features(again), expected)
    for name in ("n_complaints", "n_offers", "handover", "share_late"):  # there is something to change
        assert found.rows[name].fillna(0).sum() > 0
    assert found.rows[["satisfaction", "manager", "industrial_production"]].notna().any().all()


# -- bad input ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tables", "error", "message"),
    [
        ({"accounts": ACCOUNTS, "static": ("size",)}, MissingColumnError, "'size' is declared static and not there"),
        ({"static": ("size",)}, MissingColumnError, "'size' is declared static.*there are no accounts"),
        ({"accounts": ACCOUNTS, "static": ("receivable",)}, LeakageError, "'receivable'.*known only as of today"),
        ({"accounts": ACCOUNTS, "static": ("manager",)}, ParameterError, "'manager' of accounts cannot be static"),
        ({"accounts": ACCOUNTS, "static": ("industry", "industry")}, ParameterError, "named twice in static"),
        ({"accounts": ACCOUNTS, "static": "industry"}, ParameterError, "static is 'industry'"),
        ({"accounts": ACCOUNTS[["since"]]}, MissingColumnError, "accounts has no column 'customer_id'"),
        ({"accounts": pd.concat([ACCOUNTS, ACCOUNTS[:1]])}, DataError, "customer 'a' stands twice in accounts"),
        ({"accounts": [1]}, ColumnTypeError, "accounts is a list, no data frame"),
        ({"accounts": ACCOUNTS.assign(since="2020-01-01")}, ColumnTypeError, "'since' of accounts holds no dates"),
        ({"events": ACCOUNTS}, MissingColumnError, "events has no column 'date'"),
        (
            {"survey": table("customer_id wave overall", ("a", "1", "good"))},
            ColumnTypeError,
            "'overall' of survey holds no numbers",
        ),
        ({"external": ACCOUNTS}, MissingColumnError, "external has no column 'series'"),
    ],
)
def test_bad_covariates_are_named(tables: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Covariates(**tables)


def test_names_that_clash_are_named(ledger: Ledger) -> None:
    accounts = table("customer_id frequency price", ("a", 1.0, 2.0))
    external = table("series month value known_on", ("price", "2023-03-01", 100.0, "2023-04-15"))
    with pytest.raises(ParameterError, match="A covariate is called 'frequency'"):
        take(ledger, accounts=accounts, static=("frequency",))
    with pytest.raises(ParameterError, match="Two covariates are called 'price'"):
        take(ledger, accounts=accounts, static=("price",), external=external)


def test_inputs_stay_as_they_were(ledger: Ledger) -> None:
    before = ACCOUNTS.copy()
    take(ledger, accounts=ACCOUNTS, static=("industry",))
    pd.testing.assert_frame_equal(ACCOUNTS, before)
