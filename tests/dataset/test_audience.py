"""Datasets for a shared report and for one manager's portfolio: what is there, and that nothing else is."""

import json
import re

import pandas as pd
import pytest

from kam.dataset import open_dataset
from kam.dataset.dictionary import TABLES
from kam.errors import DatasetError, ParameterError
from kam.ledger import summarize_customers
from kam.survey import read_survey
from tests.dataset.conftest import Small

N = 24
MANAGERS = ["Ann Secret", "Bo Secret", "Cy Secret"]
YAML = """name: firm
currency: EUR
as_of: 2025-12-31
cleaning: {ledger_total: 5000}
tables:
  ledger: {source: ledger.csv}
  accounts: {source: accounts.csv}
  contacts: {source: contacts.csv}
  events: {source: events.csv}
  overrides: {source: overrides.csv}
  targets: {source: targets.csv}
  sample: {source: sample.csv}
  survey:
    source: survey.csv
    items: [{name: price}, {name: rare}]
    groups: [role]
"""


def customer(i):
    return f"{'abc'[i % 3]}{i:02d}"


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """24 accounts, a third with each manager; Cy's accounts have three answers of 23 in the second wave."""
    folder = tmp_path_factory.mktemp("audience")
    small = Small(folder)
    small.path.write_text(YAML)
    ids = [customer(i) for i in range(N)]
    own = [MANAGERS[i % 3] for i in range(N)]
    tables = {
        "ledger": pd.DataFrame({"customer_id": ids * 2, "order_date": ["2025-01-10"] * N + ["2025-12-01"] * N, "amount": 100}),
        "accounts": pd.DataFrame(
            {"customer_id": ids, "name": [f"Firm {i}" for i in ids], "manager": own, "sponsor": "Di Secret",
             "parent_id": ["b01" if i in ("a00", "a03", "b04") else "a06" if i == "a09" else None for i in ids]}
        ),
        "contacts": pd.DataFrame(
            {"customer_id": ids, "contact_id": [f"mail-{i}@secret" for i in ids], "name": [f"Person Secret {i}" for i in ids],
             "role": ["buyer"] * (N - 1) + ["Secret's nephew"]}
        ),
        "events": pd.DataFrame(
            {"customer_id": ids, "date": "2025-05-05", "kind": ["complaint"] * (N - 2) + ["handover", "lost"],
             "outcome": ["solved"] * (N - 2) + ["Bo Secret", None], "reason": [None] * (N - 1) + ["quarrel with Mr Secret"]}
        ),
        "overrides": pd.DataFrame(
            {"customer_id": ids[:2], "tier": "A", "reason": "Mrs Secret wants it", "set_on": "2025-01-01", "set_by": MANAGERS[:2]}
        ),
        "targets": pd.DataFrame({"customer_id": ids, "period": "2025", "revenue_target": 300}),
        "sample": pd.DataFrame({"customer_id": ids, "wave": "1", "probability": 0.5, "status": "answered"}),
    }  # fmt: skip
    rows = [(i, wave) for wave in ("1", "2") for i in range(N) if wave == "1" or i % 3 < 2 or i < 9]
    tables["survey"] = pd.DataFrame(
        {"respondent_id": [f"resp-{i}@secret" for i, _ in rows], "wave": [w for _, w in rows],
         "customer_id": [customer(i) for i, _ in rows], "overall": [1 + i % 5 for i, _ in rows], "price": 4,
         "rare": [5 if i < 4 and w == "1" else None for i, w in rows], "comment": "Secret words", "fpc": 100,
         "role": ["buyer" if i else "Secret's own" for i, _ in rows]}
    )  # fmt: skip
    for name, frame in tables.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    return small.path


@pytest.fixture(scope="module")
def named(path):
    return open_dataset(path)


@pytest.fixture(scope="module")
def shared(path):
    return open_dataset(path, audience="shared")


@pytest.fixture(scope="module")
def portfolio(path):
    return open_dataset(path, audience="shared", manager="Ann Secret")


def everything(dataset):
    """All that a notebook can reach, as text."""
    reads = [dataset.read(name) for name in dataset.tables if name != "ledger"]
    parts = [part.to_csv() for data in reads for part in (data.frame, data.raw)]
    parts += [json.dumps([data.warnings, data.problems]) for data in reads]
    parts += [dataset.answers.to_csv(), summarize_customers(dataset.ledger).to_csv(), repr(dataset.context)]
    return "\n".join(
        [*parts, *dataset.ledger.audit.lines(dataset.context.wording), *dataset.unavailable, *dataset.warnings]
    )


def test_the_test_sees_names_where_they_are(named):
    text = everything(named)
    for planted in (
        "resp-3@secret",
        "mail-a03@secret",
        "Person Secret",
        "Secret words",
        "nephew",
        "quarrel",
        "Di Secret",
        "wants",
    ):
        assert planted in text


def test_nobody_is_named_in_a_shared_dataset(shared):
    assert not re.findall(r".*secret.*", everything(shared), re.IGNORECASE)
    assert shared.context.audience == "shared"


def test_in_a_portfolio_only_its_manager_is_named_and_no_other_account(portfolio):
    text = everything(portfolio)
    assert set(re.findall(r"\w+ Secret", text)) == {"Ann Secret"}
    assert set(re.findall(r"\b[abc]\d\d\b", text)) == {customer(i) for i in range(0, N, 3)}
    assert portfolio.title == "firm, portfolio of Ann Secret" and portfolio.name == "firm-Ann_Secret"


def test_what_many_have_in_common_stays(shared):
    assert shared.contacts["role"].dropna().unique().tolist() == ["buyer"]
    assert shared.contacts["role"].isna().sum() == 1
    assert shared.events["outcome"].value_counts()["solved"] == N - 2
    assert shared.survey["role"].isna().sum() == 2
    assert shared.accounts["name"].tolist() == [f"Firm {customer(i)}" for i in range(N)]


def test_a_colleague_has_one_pseudonym_everywhere(named, shared):
    known = dict(zip(named.accounts["manager"], shared.accounts["manager"], strict=True))
    assert len(set(known.values())) == 3
    assert shared.overrides["set_by"].tolist() == [known["Ann Secret"], known["Bo Secret"]]
    assert shared.events.set_index("kind").loc["handover", "outcome"] == known["Bo Secret"]
    assert shared.accounts["sponsor"].nunique() == 1


def test_the_same_respondent_is_the_same_person_in_every_wave(named, shared):
    waves = named.survey.groupby("respondent_id")["wave"].agg(sorted).tolist()
    assert sorted(shared.survey.groupby("respondent_id")["wave"].agg(sorted)) == sorted(waves)
    both = shared.survey.groupby("respondent_id")["customer_id"].nunique()
    assert both.eq(1).all()


def test_pseudonyms_are_the_same_again_and_follow_from_more_than_the_names(path, shared, tmp_path):
    pd.testing.assert_frame_equal(open_dataset(path, audience="shared").survey, shared.survey)
    other = tmp_path / "other"
    other.mkdir()
    for file in path.parent.iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    survey = (other / "survey.csv").read_text()
    (other / "survey.csv").write_text(survey.replace("Secret words", "Other words"))
    again = open_dataset(other / "dataset.yaml", audience="shared").survey
    merged = shared.survey.merge(again, on=["customer_id", "wave"])
    assert (merged["respondent_id_x"] != merged["respondent_id_y"]).mean() > 0.5


def test_rows_of_people_are_in_the_order_of_their_pseudonyms(shared):
    assert shared.contacts["contact_id"].is_monotonic_increasing
    assert shared.survey["respondent_id"].is_monotonic_increasing
    assert shared.contacts["customer_id"].tolist() != sorted(shared.contacts["customer_id"])


def test_a_question_that_too_few_answered_is_left_out(named, shared):
    assert named.survey["rare"].notna().sum() == 4
    assert shared.survey["rare"].isna().all()
    assert shared.survey["price"].notna().all()
    assert shared.answers.query("item == 'rare'")["status"].eq("blank").all()


def test_accounts_are_not_judged_by_answers(named, shared):
    assert named.covariates.survey is not None and shared.covariates.survey is None
    assert any("no account is judged by answers" in line for line in shared.unavailable)
    assert not any("Shared" in line for line in named.unavailable)


@pytest.mark.parametrize(("manager", "waves"), [("Ann Secret", {"1"}), ("Bo Secret", {"1", "2"}), ("Cy Secret", {"1"})])
def test_a_wave_with_few_answers_is_left_out_and_that_of_one_more_portfolio_with_it(path, manager, waves):
    """Cy's three answers of the second wave would follow from the whole less Ann's eight and Bo's eight."""
    own = open_dataset(path, audience="shared", manager=manager)
    assert set(own.survey["wave"]) == waves
    assert set(open_dataset(path, manager=manager).survey["wave"]) == {"1", "2"}
    assert set(read_survey(own).rows["customer_id"]) == set(own.accounts["customer_id"])


def test_the_ledger_and_its_audit_are_of_the_portfolio(named, portfolio):
    whole, own = summarize_customers(named.ledger), summarize_customers(portfolio.ledger)
    expected = whole[whole["customer_id"].str.startswith("a")].reset_index(drop=True)
    pd.testing.assert_frame_equal(own, expected)
    audit = portfolio.ledger.audit
    assert (audit.n_rows_in, audit.n_customers, audit.is_balanced, audit.reconciliation) == (16, 8, True, None)
    assert portfolio.as_of == named.as_of
    assert portfolio.ledger.last_complete_month == named.ledger.last_complete_month


def test_parents_elsewhere_keep_together_who_belongs_together(portfolio):
    parents = portfolio.accounts.set_index("customer_id")["parent_id"]
    assert parents["a00"] == parents["a03"] == "group 1"
    assert parents["a09"] == "a06"
    groups = portfolio.by_group()
    assert groups.context.audience == "shared"
    assert "group 1" in set(groups.accounts["customer_id"]) and "b01" not in everything(groups)
    assert groups.covariates.survey is None


def test_each_has_a_fingerprint_of_its_own(named, shared, portfolio, path):
    internal = open_dataset(path, manager="Ann Secret")
    assert len({d.fingerprint for d in (named, shared, portfolio, internal)}) == 4
    assert portfolio.fingerprint == open_dataset(path, audience="shared", manager="Ann Secret").fingerprint


def test_an_unknown_audience_or_manager_is_an_error_that_names_the_nearest(path):
    with pytest.raises(ParameterError, match=r"There is no audience 'share'\. .*'shared'"):
        open_dataset(path, audience="share")
    for audience in ("internal", "shared"):
        with pytest.raises(ParameterError, match=r"There is no manager 'Bo Secre'\. .*Did you mean 'Bo Secret'"):
            open_dataset(path, audience=audience, manager="Bo Secre")


def test_a_portfolio_takes_an_account_file_with_managers(path, tmp_path):
    (tmp_path / "orders.csv").write_text("customer_id,order_date,amount\n1,2025-01-01,1\n")
    (tmp_path / "dataset.yaml").write_text("name: bare\ntables: {ledger: {source: orders.csv}}\n")
    with pytest.raises(DatasetError, match="No account has a manager"):
        open_dataset(tmp_path / "dataset.yaml", manager="Ann")
    assert open_dataset(tmp_path / "dataset.yaml", audience="shared").context.audience == "shared"


def test_problems_are_counted_and_not_quoted(path, tmp_path):
    for file in path.parent.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    survey = (tmp_path / "survey.csv").read_text()
    (tmp_path / "survey.csv").write_text(survey.replace("resp-3@secret", "resp-0@secret"))
    with pytest.raises(Exception, match="resp-0@secret"):
        _ = open_dataset(tmp_path / "dataset.yaml").survey
    with pytest.raises(Exception, match="problems: ") as caught:
        _ = open_dataset(tmp_path / "dataset.yaml", audience="shared").survey
    assert "secret" not in str(caught.value).replace(str(tmp_path), "")


def test_every_column_that_names_or_describes_people_is_marked():
    marks = {
        (table, name): column.personal
        for table, spec in TABLES.items()
        for name, column in spec.columns.items()
        if column.personal
    }
    assert {key for key, mark in marks.items() if mark == "private"} == {("contacts", "name"), ("survey", "comment")}
    assert {("accounts", "manager"), ("accounts", "sponsor"), ("overrides", "set_by")} == {
        key for key, mark in marks.items() if mark == "colleague"
    }
