"""Secrets are planted, and everything that a run by the real command leaves is looked through for them."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import yaml

from kam.redaction import MARK
from kam.report.manifest import read_manifest
from tests.report.planted_secrets import MODES, NOTEBOOK, PLANTED, leaks


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """One run by the real command in which every step shows the secrets: the folder, what it printed, what was notified."""
    work = tmp_path_factory.mktemp("planted")
    keyring = work / "site" / "keyring"
    keyring.mkdir(parents=True)
    (keyring / "errors.py").write_text("class KeyringError(Exception):\n    pass\n", encoding="utf-8")
    (keyring / "__init__.py").write_text(
        f"def get_password(*entry):\n    return {{('warehouse', 'analyst'): {PLANTED['keyring']!r}}}[entry]\n",
        encoding="utf-8",
    )
    data = work / "data" / "planted"
    (data / f"of-{PLANTED['keyring']}").mkdir(parents=True)
    orders = "customer_id,order_date,amount\n1,2025-01-01,2\n"
    (data / f"of-{PLANTED['keyring']}" / "orders.csv").write_text(orders, encoding="utf-8")
    (data / f"{PLANTED['VAULT_ENTRY']}.csv").write_text("customer_id\n1\n", encoding="utf-8")
    tables = {
        "ledger": {"source": "of-${keyring:warehouse/analyst}/orders.csv"},
        "accounts": {"source": "${env:VAULT_ENTRY}.csv"},
    }
    (data / "dataset.yaml").write_text(yaml.safe_dump({"name": "planted", "tables": tables}), encoding="utf-8")
    tell = f"import sys; open({str(work / 'told')!r}, 'w').write(sys.argv[1] + chr(10) + sys.stdin.read())"
    plan = {
        "steps": [{"notebook": str(NOTEBOOK), "for_each": {"mode": list(MODES)}}],
        "parameters": {"dataset": "planted"},
        "notify": {"command": [sys.executable, "-c", tell, "${env:MAIL_ENTRY}"], "on": "always"},
    }
    (work / "planted.yaml").write_text(yaml.safe_dump(plan), encoding="utf-8")
    variables = {name: value for name, value in PLANTED.items() if name != "keyring"}
    done = subprocess.run(
        [sys.executable, "-m", "kam", "run", "planted.yaml"],
        cwd=work,
        env=os.environ
        | variables
        | {"PYTHONPATH": os.pathsep.join([str(keyring.parent), os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 1, done.stderr
    (run,) = (work / "reports").glob("*-planted")
    return run, done, (work / "told").read_text(encoding="utf-8")


def test_nothing_that_a_run_leaves_or_prints_holds_a_secret(planted):
    run, done, told = planted
    files = [(path, path.read_bytes()) for path in run.parent.rglob("*") if path.is_file()]
    assert {
        "report.html",
        "notebook.ipynb",
        "results.json",
        "error.txt",
        "failed.ipynb",
        "tables.xlsx",
        "run.json",
    } <= {path.name for path, _ in files}
    argument, _, facts = told.partition("\n")
    assert argument == PLANTED["MAIL_ENTRY"]
    printed = [("stdout", done.stdout.encode()), ("stderr", done.stderr.encode()), ("notified", facts.encode())]
    assert leaks([*files, *printed], PLANTED.values()) == []
    assert not any(secret in str(path) for path, _ in files for secret in PLANTED.values())


def test_the_planted_secrets_were_there_to_be_redacted(planted):
    run, done, _ = planted
    steps = {step.name.partition("/")[0]: step for step in read_manifest(run).steps}
    assert [steps[mode].status for mode in MODES] == ["succeeded", "failed", "failed", "failed"]
    assert steps["succeeds"].answer == f"The secrets are {MARK} and {MARK} and {MARK}."
    assert (steps["succeeds"].key_figures[0].value, steps["succeeds"].context.title) == (MARK, MARK)
    assert f"postgresql://me:{MARK}@host with ['{MARK}', '{MARK}', '{MARK}']" in steps["raises"].error
    assert "what ${env:VAULT_ENTRY} holds stands in column 'name'" in steps["saves_table"].error
    assert f"It said: fatal: ['{MARK}', '{MARK}', '{MARK}']" in steps["dies"].error
    assert all(steps[mode].error in done.stdout for mode in MODES[1:])
    folder = run / "succeeds" / "shows_secrets"
    shown = (folder / "report.html").read_text(encoding="utf-8")
    assert shown.count(MARK) > 40 and f'alt="A figure of {MARK}"' in shown and f"<strong>{MARK}</strong>" in shown
    assert f"{MARK} came later" in shown  # put into the output of an earlier cell
    assert "saved so far: False True" in shown  # what papermill had written while the notebook ran
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))["results"]["kept"]
    assert results["fields"]["password"] == MARK
    assert MARK in (run / "dies" / "shows_secrets" / "error.txt").read_text(encoding="utf-8")
    failed = (run / "raises" / "shows_secrets" / "failed.ipynb").read_text(encoding="utf-8")
    assert "RuntimeError" in failed and failed.count(MARK) > 40
