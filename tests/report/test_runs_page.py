"""docs/runs.md: its plans are plans, its commands work, and it leaves no key out."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from kam.report.history import published_record
from kam.report.notification import Notifier
from kam.report.plan import Notification, PlanFile, Retention, StepFile, read_plan
from tests.report.test_manifest import make

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "runs.md").read_text(encoding="utf-8")
PLANS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def plan(tmp_path):
    def read(text):
        (tmp_path / "night.yaml").write_text(text, encoding="utf-8")
        return read_plan(tmp_path / "night.yaml", start=ROOT)

    return read


def facts(monkeypatch, tmp_path):
    """What a command gets for a run with a failed step."""
    sent = []
    monkeypatch.setattr("kam.report.notification.call_command", lambda _, content: sent.append(content) or "")
    manifest = make(tmp_path / "20261121T070000Z-p")
    failed = (
        make(tmp_path).steps[0].__class__(name="x", title="X?", notebook_sha256="", status="failed", error='It "b".')
    )
    manifest = make(tmp_path / "20261121T070000Z-p", steps=(*manifest.steps, failed))
    notifier = Notifier(Notification(command=("x",)), plan="p", root=tmp_path)
    (tmp_path / manifest.run_id).mkdir(exist_ok=True)
    notifier.prepare(tmp_path / manifest.run_id)
    notifier.tell_run(published_record(manifest, tmp_path))
    return sent[0]


def test_every_plan_on_the_page_can_be_run(plan):
    assert len(PLANS) == 5
    first = plan(PLANS[0])
    assert [step.name for step in first.steps][2:] == ["revenue/by_value", "margin/by_value"]
    for text in PLANS[1:]:
        assert plan(text).notify


@pytest.mark.parametrize("model", [PlanFile, StepFile, Retention, Notification])
def test_every_key_is_told(model):
    for name in model.model_fields:
        assert f"`{name}`" in PAGE or f"`{name}:" in PAGE or f"{name}: " in PLANS[0], name


def test_every_fact_is_told(monkeypatch, tmp_path):
    content = json.loads(facts(monkeypatch, tmp_path))
    for name in [*content, *content["steps"], *content["failed"][0]]:
        assert f"`{name}`" in PAGE, name


@pytest.mark.skipif(not all(map(shutil.which, ("sh", "jq"))), reason="needs sh and jq")
@pytest.mark.parametrize("number", [2, 3])
def test_the_commands_of_the_page_send_what_they_say(plan, monkeypatch, tmp_path, number):
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    for program in ("mail", "curl"):
        (bin_ / program).write_text(f'#!/bin/sh\n{{ printf "%s|" "$@"; cat; }} > {tmp_path}/sent\n', encoding="utf-8")
        (bin_ / program).chmod(0o755)
    path, content = f"{bin_}:{Path(shutil.which('jq')).parent}:/bin:/usr/bin", facts(monkeypatch, tmp_path)
    environment = {"PATH": path, "KAM_WEBHOOK": "https://example.com/hook"}
    subprocess.run(plan(PLANS[number]).notify.command, input=content, env=environment, check=True)
    sent = (tmp_path / "sent").read_text(encoding="utf-8")
    if number == 2:
        assert sent == '-s|kam: 1 of 2 reports of p failed.|kam@example.com|x: It "b".\n'
    else:
        arguments, text = sent.rsplit("|", 1)
        assert arguments.endswith("|@-|https://example.com/hook")
        assert json.loads(text) == {"text": 'kam: 1 of 2 reports of p failed.\nx: It "b".'}
