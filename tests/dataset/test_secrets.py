"""References to secrets: where they may stand, what they stand for, what is said where they stand for nothing."""

from __future__ import annotations

import sys
import types
from datetime import UTC, datetime

import pytest

from kam import redaction
from kam.dataset import input_files, open_dataset
from kam.dataset.parsing import digest_meaning, parse_dataset_file
from kam.dataset.secrets import exposes_secret, find_exposed, find_fault, find_references, resolve, resolve_all
from kam.errors import DatasetError, KamError, ParameterError, PlanError, SecretError
from kam.redaction import known_secrets
from kam.report import plan_notebooks, read_plan
from kam.report.execution import Job, run_job
from kam.report.notebook import find_notebook

SOURCE = "name: x\ntables:\n  ledger:\n    source: {}\n"


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch):
    monkeypatch.setattr(redaction, "_remembered", {})


@pytest.fixture
def keyring(monkeypatch):
    """A keyring with one password."""
    module, errors = types.ModuleType("keyring"), types.ModuleType("keyring.errors")
    errors.KeyringError = type("KeyringError", (Exception,), {})
    module.get_password = lambda service, user: {("https://dwh/eu", "analyst"): "p@ss/word"}.get((service, user))
    module.errors = errors
    monkeypatch.setitem(sys.modules, "keyring", module)
    monkeypatch.setitem(sys.modules, "keyring.errors", errors)
    return module


# -- how they are written --------------------------------------------------------------------------------------------


def test_references_are_found_in_their_order():
    assert find_references("a${env:B}c${keyring:s/t/u}") == ("env:B", "keyring:s/t/u")
    assert find_references("$env:B {a}") == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("${B}", "Did you mean ${env:B}?"),
        ("${env:}", "Allowed: ${env:NAME}"),
        ("${env:A-B}", "is no reference"),
        ("${keyring:service}", "is no reference"),
        ("${keyring:/user}", "is no reference"),
        ("${vault:a/b}", "is no reference"),
        ("${env:A", "not closed"),
    ],
)
def test_what_is_no_reference_is_told(text, said):
    assert said in find_fault(text)
    with pytest.raises(DatasetError, match=r"tables.ledger.source \(line 4\)"):
        parse_dataset_file(SOURCE.format(f"'{text}.csv'"), where="dataset.yaml")
    with pytest.raises(SecretError):
        resolve(text, where="dataset.yaml")


# -- what they stand for ---------------------------------------------------------------------------------------------


def test_a_variable_and_an_entry_of_the_keyring_are_resolved_and_known(monkeypatch, keyring):
    monkeypatch.setenv("DWH_ENTRY", "a b/c@d")
    assert resolve("x-${env:DWH_ENTRY}-${keyring:https://dwh/eu/analyst}", where="f") == "x-a b/c@d-p@ss/word"
    assert known_secrets()["a b/c@d"] == "${env:DWH_ENTRY}"
    assert known_secrets()["p@ss/word"] == "${keyring:https://dwh/eu/analyst}"


def test_in_an_address_what_is_put_in_is_quoted(monkeypatch, keyring):
    monkeypatch.setenv("PGPASSWORD", "a b/c@d")
    assert resolve("postgresql://me:${env:PGPASSWORD}@host/db", where="f") == "postgresql://me:a%20b%2Fc%40d@host/db"
    assert resolve("${keyring:https://dwh/eu/analyst}", where="f") == "p@ss/word"


def test_a_variable_that_is_not_set_or_empty_is_named_and_the_nearest_too(monkeypatch):
    monkeypatch.setenv("WAREHOUSE_PASSWORD", "hunter2!hunter2!")
    with pytest.raises(SecretError) as error:
        resolve("${env:WAREHOUSE_PASWORD}", where="data/x/dataset.yaml")
    assert "'WAREHOUSE_PASWORD' is not set" in str(error.value) and "data/x/dataset.yaml" in str(error.value)
    assert "Did you mean 'WAREHOUSE_PASSWORD'" in error.value.hint and "hunter2" not in str(error.value)
    monkeypatch.setenv("WAREHOUSE_PASWORD", "")
    with pytest.raises(SecretError, match="is empty"):
        resolve("${env:WAREHOUSE_PASWORD}", where="f")


def test_without_the_package_its_name_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(SecretError, match=r"needs the package keyring.*kam\[keyring\]"):
        resolve("${keyring:a/b}", where="f")


def test_what_the_keyring_does_not_have_or_does_not_give_is_told(monkeypatch, keyring):
    with pytest.raises(SecretError, match=r"no password of 'me' for 'dwh'.*keyring set dwh me"):
        resolve("${keyring:dwh/me}", where="f")

    def locked(*_):
        raise keyring.errors.KeyringError("hunter2!")

    monkeypatch.setattr(keyring, "get_password", locked)
    with pytest.raises(SecretError, match="cannot be asked: KeyringError") as error:
        resolve("${keyring:dwh/me}", where="f")
    assert "hunter2" not in str(error.value)


# -- in dataset.yaml -------------------------------------------------------------------------------------------------


@pytest.fixture
def dataset(tmp_path, monkeypatch):
    for name in ("first-folder", "other-folder"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "orders.csv").write_text("customer_id,order_date,amount\n1,2025-01-01,2\n", encoding="utf-8")
    (tmp_path / "dataset.yaml").write_text(SOURCE.format("${env:ORDERS_FOLDER}/orders.csv"), encoding="utf-8")
    monkeypatch.setenv("ORDERS_FOLDER", "first-folder")
    return tmp_path / "dataset.yaml"


def test_a_dataset_reads_what_a_reference_leads_to_and_keeps_its_fingerprint(dataset, monkeypatch):
    first = open_dataset(dataset)
    assert known_secrets().get("first-folder") is None  # only when it is opened
    assert first.ledger.audit is not None and known_secrets()["first-folder"] == "${env:ORDERS_FOLDER}"
    monkeypatch.setenv("ORDERS_FOLDER", "other-folder")
    other = open_dataset(dataset)
    assert [path.parent.name for path in input_files(other)[1:]] == ["other-folder"]
    assert first.fingerprint == other.fingerprint
    assert digest_meaning(first.file) == digest_meaning(other.file)


def test_a_dataset_whose_reference_leads_nowhere_is_refused_when_it_is_opened(dataset, monkeypatch):
    monkeypatch.delenv("ORDERS_FOLDER")
    opened = open_dataset(dataset)
    with pytest.raises(SecretError, match=r"'ORDERS_FOLDER' is not set.*dataset.yaml"):
        input_files(opened)


def test_every_reference_of_a_file_and_no_other_is_resolved(dataset, monkeypatch):
    monkeypatch.setenv("IN_A_COMMENT", "in-a-comment")
    dataset.write_text(dataset.read_text(encoding="utf-8") + "# ${env:IN_A_COMMENT}\n", encoding="utf-8")
    resolve_all(dataset)
    assert "first-folder" in known_secrets() and "in-a-comment" not in known_secrets()


@pytest.mark.parametrize("password", ["hunter2", "hunt/er2", "h:u@nter2", "${env:PG}hunter2"])
def test_a_password_in_an_address_is_refused_wherever_it_stands_and_not_repeated(password):
    for text in (
        SOURCE.format(f"postgresql://me:{password}@host/db"),
        SOURCE.format("a.csv") + f"title: see postgresql://me:{password}@host/db\n",
    ):
        with pytest.raises(DatasetError, match="a password does not belong in dataset") as error:
            parse_dataset_file(text, where="dataset.yaml")
        assert "hunter2" not in str(error.value) and "er2" not in str(error.value)


def test_an_address_with_a_reference_is_refused_for_what_it_is(monkeypatch):
    with pytest.raises(DatasetError, match="begin with 'mysql://' cannot be read") as error:
        parse_dataset_file(SOURCE.format("mysql://me:${env:PGPASSWORD}@host/db"), where="dataset.yaml")
    assert "password does not belong" not in str(error.value)


def test_a_reference_that_nobody_would_resolve_is_refused():
    with pytest.raises(DatasetError, match=r"title \(line 5\).*resolved only in tables.\*.source"):
        parse_dataset_file(SOURCE.format("a.csv") + "title: 'of ${env:X}'\n", where="dataset.yaml")


# -- in plans and parameters -----------------------------------------------------------------------------------------


def notebook(folder, parameters="password: str = ''\nsource: Any = ''\nname: str = ''"):
    import nbformat.v4 as v4

    cell = v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})
    (folder / "a.ipynb").write_text(v4.writes(v4.new_notebook(cells=[cell])), encoding="utf-8")
    return folder / "a.ipynb"


SECRETS = [
    {"password": "hunter2"},
    {"source": "postgresql://me:hunter2@host/db"},
    {"source": ["a", {"api_key": "hunter2"}]},
    {"source": "host=db password=hunter2"},
    {"name": "a hunter2hunter2 b"},
    {"name": "${env:PGPASSWORD}"},
]


@pytest.mark.parametrize("values", SECRETS, ids=str)
def test_a_secret_as_a_parameter_is_refused_before_anything_starts(tmp_path, monkeypatch, values):
    monkeypatch.setenv("PGPASSWORD", "hunter2hunter2")
    texts = {name: str(value) for name, value in values.items()}
    for given in ({"parameters": values}, {"texts": texts}):
        with pytest.raises(SecretError, match="in the notebook") as error:
            plan_notebooks([notebook(tmp_path)], start=tmp_path, **given)
        assert "hunter2" not in str(error.value)


@pytest.mark.parametrize("where", ["parameters", "steps.parameters", "steps.for_each", "texts"])
@pytest.mark.parametrize("values", SECRETS, ids=str)
def test_a_secret_in_a_plan_is_refused(tmp_path, monkeypatch, where, values):
    import yaml

    monkeypatch.setenv("PGPASSWORD", "hunter2hunter2")
    notebook(tmp_path)
    step, content, texts = {"notebook": "a.ipynb"}, {}, {}
    if where == "parameters":
        content["parameters"] = values
    elif where == "steps.parameters":
        step["parameters"] = values
    elif where == "steps.for_each":
        step["for_each"] = {name: [value] for name, value in values.items()}
    else:
        texts = {name: str(value) for name, value in values.items()}
    (tmp_path / "p.yaml").write_text(yaml.safe_dump({"steps": [step], **content}), encoding="utf-8")
    with pytest.raises((PlanError, SecretError)) as error:
        read_plan("p.yaml", start=tmp_path, texts=texts)
    assert "hunter2" not in str(error.value)


def test_what_is_no_secret_is_taken(tmp_path):
    values = {"source": "postgresql://me@host:5432/db", "name": "https://host:8080/a@b", "password": ""}
    plan = plan_notebooks([notebook(tmp_path)], parameters=values, start=tmp_path)
    assert plan.steps[0].parameters == values


def test_a_reference_may_stand_in_the_command_that_notifies(tmp_path):
    notebook(tmp_path)
    text = "steps: [{{notebook: a.ipynb}}]\nnotify: {{command: [curl, '{}']}}\n"
    (tmp_path / "p.yaml").write_text(text.format("https://me:${env:HOOK_PW}@host"), encoding="utf-8")
    plan = read_plan("p.yaml", start=tmp_path)
    assert plan.notify.command == ("curl", "https://me:${env:HOOK_PW}@host")
    for wrong in ("https://me:hunter2@host", "${HOOK_PW}"):
        (tmp_path / "p.yaml").write_text(text.format(wrong), encoding="utf-8")
        with pytest.raises(PlanError, match=r"notify.command\[1\]"):
            read_plan("p.yaml", start=tmp_path)


def test_a_file_of_parameters_that_is_no_yaml_is_not_repeated(tmp_path):
    from kam.report.parameters import read_parameter_file

    (tmp_path / "p.yaml").write_text("name: a\npassword: hunter2: [", encoding="utf-8")
    with pytest.raises(ParameterError, match="no YAML, line 2") as error:
        read_parameter_file(tmp_path / "p.yaml")
    assert "hunter2" not in str(error.value)


def test_what_exposes_a_secret():
    assert exposes_secret("jdbc:postgresql://host/db?user=me&password=hunter2")
    assert not exposes_secret("host=db password=${env:PGPASSWORD}") and not exposes_secret("C:\\data\\a@b.csv")
    assert list(find_exposed("a", {"b": [1, {"token": "x"}], "c": None, "secret": ""})) == ["a.b[1].token"]
    assert issubclass(SecretError, KamError)


def test_what_a_reference_stands_for_is_refused_as_a_parameter(dataset, tmp_path):
    (tmp_path / "step").mkdir()
    job = Job(
        name="a",
        notebook=find_notebook(notebook(tmp_path)),
        parameters={"name": "of first-folder"},
        settings={"dataset": str(dataset)},
        dataset="x",
        folder=tmp_path / "step",
        started=datetime(2026, 1, 1, tzinfo=UTC),
    )
    step = run_job(job)
    assert step.status == "failed" and "is the secret of ${env:ORDERS_FOLDER}" in step.error
    assert step.parameters["name"] == "of •••" and list(job.folder.iterdir()) == []
