import pandas as pd
import pytest

import kam
from kam import identify
from kam.dataset import open_dataset
from kam.dataset.roll_up import roll_up
from kam.errors import DataError, DatasetError, MissingColumnError
from kam.identify import customer_values
from kam.ledger import activity_panel, summarize_customers
from tests.dataset.conftest import Small

HEADER = "customer_id,name,parent_id,industry,region,since,service_cost,receivable,potential,payment_days,manager,manager_since"
ACCOUNTS = f"""{HEADER},ability
H,Head,,,North,2020-05-01,10,1.5,,30,,,4
S,Sub,H,food,South,2019-01-01,20,2.25,500,60,Kim,2021-01-01,2
T,Sub of sub,S,print,South,2021-01-01,,4,700,90,Lee,2022-02-02,3
X1,First of X,X,food,West,2022-01-01,5,,100,,Park,2023-03-03,1
X2,Second of X,X,print,East,2018-01-01,7,,200,,,,5
alone,Alone,,food,North,,9,,,,,,
"""
LEDGER = """customer_id,order_date,amount,order_id
H,2025-01-10,100.01,1
S,2025-02-10,200.02,2
T,2025-02-11,70.50,3
T,2025-03-11,-20.50,4
X1,2025-03-31,10.00,5
X2,2025-03-31,30.00,6
alone,2025-01-15,1.11,7
unlisted,2025-01-15,2.22,8
"""
TABLES = {
    "contacts": "customer_id,contact_id,name\nH,1,Ann\nS,1,Bob\nT,7,Cy\nalone,1,Di\n",
    "events": "customer_id,date,kind\nS,2025-01-01,visit\nunlisted,2025-01-02,visit\n",
    "targets": "customer_id,period,revenue_target,margin_target\nH,2025,100,\nS,2025,50,5\nX1,2025,7,\n",
    "overrides": "customer_id,tier,reason,set_on,until\nH,B,head,2025-01-01,\nS,A,old,2024-01-01,2024-12-31\n"
    "T,A,late,2025-02-01,\nX1,A,first,2025-01-01,\nX2,C,second,2025-02-01,\nalone,A,x,2025-01-01,\n",
    "sample": "customer_id,wave,probability,certainty,status\nS,w,0.5,no,silent\nT,w,0.2,yes,answered\nX1,w,0.1,no,silent\n",
}


def write(small):
    small.change("dataset.yaml", "name: small", "name: groups")
    (small.folder / "ledger.csv").write_text(LEDGER)
    (small.folder / "accounts.csv").write_text(ACCOUNTS)
    survey = (small.folder / "survey.csv").read_text()
    (small.folder / "survey.csv").write_text(survey.replace(",001,", ",T,").replace(",002,", ",alone,"))
    for table, text in TABLES.items():
        small.add(table, text)
    return small


@pytest.fixture(scope="module")
def by_account(tmp_path_factory):
    return open_dataset(write(Small(tmp_path_factory.mktemp("groups"))).path)


@pytest.fixture(scope="module")
def by_group(by_account):
    return roll_up(by_account)


def rows(frame, *columns):
    return frame.set_index("customer_id")[list(columns)].to_dict("index")


def test_the_ledger_goes_by_group_and_its_sum_stays(by_account, by_group):
    summary = summarize_customers(by_group.ledger)
    assert rows(summary, "revenue") == {
        "H": {"revenue": 350.03}, "X": {"revenue": 40.0}, "alone": {"revenue": 1.11}, "unlisted": {"revenue": 2.22},
    }  # fmt: skip
    sums = [one.ledger.table.amount.sum().execute() for one in (by_account, by_group)]
    assert sums[0] == sums[1]


def test_the_account_file_has_one_row_per_group(by_group):
    accounts = by_group.accounts.set_index("customer_id")
    assert accounts.index.tolist() == ["H", "X", "alone"]
    head = accounts.loc["H"]
    assert head[["name", "region", "industry", "manager"]].tolist() == ["Head", "North", "food", "Kim"], (
        "the head has no industry and no manager: those of the largest that has"
    )
    assert head["manager_since"] == pd.Timestamp("2021-01-01") and head["since"] == pd.Timestamp("2019-01-01")
    assert head[["service_cost", "receivable", "potential", "ability"]].tolist() == [30.0, 7.75, 1200.0, 4.0]
    assert head["payment_days"] == pytest.approx((30 * 100.01 + 60 * 200.02 + 90 * 50.0) / 350.03)
    assert accounts.loc["X", ["name", "region", "service_cost"]].tolist() == ["Second of X", "East", 12.0], (
        "the largest"
    )
    assert accounts.loc["X", "manager"] == "Park" and pd.isna(accounts.loc["X", "receivable"])
    assert accounts["parent_id"].isna().all()
    assert (
        "accounts: service_cost of one group is the sum of the accounts for which it is known ('H')."
        in by_group.warnings
    )


def test_the_other_tables_stand_under_the_head(by_group):
    assert by_group.contacts[["customer_id", "contact_id"]].to_numpy().tolist() == [
        ["H", "H-1"], ["H", "S-1"], ["H", "7"], ["alone", "1"],
    ]  # fmt: skip
    assert by_group.events["customer_id"].tolist() == ["H", "unlisted"]
    targets = by_group.targets
    assert targets["customer_id"].tolist() == ["H", "X"] and targets["revenue_target"].tolist() == [150.0, 7.0]
    assert targets["margin_target"].tolist()[0] == 5.0 and pd.isna(targets["margin_target"].iloc[1])
    assert set(by_group.survey["customer_id"]) == {"H", "alone"}
    assert len(by_group.answers) == len(by_group.base.answers)
    sample = by_group.sample.set_index("customer_id")
    assert sample.loc["H", ["probability", "certainty", "status"]].tolist() == [pytest.approx(0.6), True, "answered"]


def test_of_overrides_at_odds_the_heads_holds_or_the_one_set_last(by_group):
    kept = by_group.overrides[["customer_id", "tier", "reason"]].to_numpy().tolist()
    assert kept == [["H", "B", "head"], ["H", "A", "old"], ["X", "C", "second"], ["alone", "A", "x"]], (
        "the old one was over before"
    )
    named = next(line for line in by_group.warnings if line.startswith("overrides"))
    assert named == (
        "overrides: 2 tiers set by hand are left out, because others of the same group hold: A of 'T' and A of 'X1'."
    )


def test_it_says_that_it_is_by_group(by_account, by_group):
    context = by_group.context
    assert (context.dataset, context.title) == ("groups-groups", "A small dataset, by parent group")
    assert context.fingerprint != by_account.context.fingerprint and context.currency == "EUR"
    assert by_group.ledger.description.endswith("by parent group")
    assert by_account.accounts["customer_id"].tolist() == ["H", "S", "T", "X1", "X2", "alone"], "the accounts stay"


def test_analyses_run_on_groups_as_on_accounts(by_account, by_group):
    summary, panel = summarize_customers(by_group.ledger), activity_panel(by_group.ledger)
    assert identify.concentration(customer_values(summary), n_resamples=5).n_customers == 4
    moved = identify.tier_migration(panel, window=1, compare=1, overrides=by_group.overrides, context=by_group.context)
    assert moved.n_customers == 4 and moved.overrides["status"].eq("unknown account").sum() == 0
    assert kam.dataset.name_accounts(summary, by_group.accounts)["name"].tolist()[:2] == ["Head", "Second of X"]
    assert by_group.covariates.accounts["customer_id"].tolist() == ["H", "X", "alone"]
    for name in by_group.tables:
        if name != "ledger":
            before, after = by_account.read(name).frame, by_group.read(name).frame
            pd.testing.assert_series_equal(before.dtypes, after.dtypes, obj=name)


# -- bad input -------------------------------------------------------------------------------------------------------


def test_no_groups(small, by_account):
    write(small)
    with pytest.raises(DatasetError, match="by parent group already"):
        roll_up(roll_up(by_account))
    rest = "\n".join(
        line.replace(",H,", ",,").replace(",S,", ",,").replace(",X,", ",,") for line in ACCOUNTS.splitlines()
    )
    (small.folder / "accounts.csv").write_text(rest)
    with pytest.raises(DataError, match="No account names a parent"):
        roll_up(open_dataset(small.path))
    (small.folder / "accounts.csv").write_text(ACCOUNTS.replace("parent_id", "mother"))
    with pytest.raises(MissingColumnError, match="no column parent_id"):
        roll_up(open_dataset(small.path))
    small.change("dataset.yaml", "  accounts: {source: accounts.csv}\n", "")
    small.change("dataset.yaml", "criteria: [{name: ability, kind: judged}]\n", "")
    with pytest.raises(DatasetError, match="no account file"):
        roll_up(open_dataset(small.path))


def test_circles_and_accounts_that_stand_twice(small):
    write(small)
    (small.folder / "accounts.csv").write_text(ACCOUNTS.replace("H,Head,,", "H,Head,T,"))
    with pytest.raises(DataError, match=r"Parents go round in a circle: 'H' → 'T' → 'S' → 'H'"):
        roll_up(open_dataset(small.path))
    (small.folder / "accounts.csv").write_text(ACCOUNTS + ACCOUNTS.splitlines()[1] + "\n")
    with pytest.raises(
        DataError, match=r"customer_id has to be different in every row, and is not: 'H' in rows 2 and 8"
    ):
        roll_up(open_dataset(small.path))
