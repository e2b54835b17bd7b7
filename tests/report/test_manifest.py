import json
from datetime import UTC, date, datetime

import pytest

from kam.errors import ResultsError
from kam.report.manifest import Manifest, Step, installed_versions, read_manifest, write_manifest
from kam.results import Context, KeyFigure

CONTEXT = Context(dataset="tiny", title="Tiny & Co", currency="GBP", as_of=date(2011, 12, 9), fingerprint="f00")


def make(folder, **changes):
    step = Step(
        name="10_who",
        title="Who?",
        notebook_sha256="0" * 64,
        status="succeeded",
        seconds=1.5,
        dataset="tiny",
        context=CONTEXT,
        answer="Two.",
        key_figures=(KeyFigure(value="2", label="of them"),),
    )
    values = {
        "run_id": folder.name,
        "plan": "p",
        "started": datetime(2026, 11, 21, 7, tzinfo=UTC),
        "finished": datetime(2026, 11, 21, 7, 1, tzinfo=UTC),
        "parameters": {"dataset": "007"},
        "dataset": CONTEXT,
        "seed": 1,
        "versions": {"kam": "0"},
        "steps": (step,),
    }
    return Manifest(**values | changes)


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "20261121T070000Z-p"
    path.mkdir()
    return path


def test_a_manifest_comes_back_as_it_was(folder):
    manifest = make(folder)
    assert write_manifest(manifest, folder) == folder / "run.json"
    assert read_manifest(folder) == manifest
    assert [path.name for path in folder.iterdir()] == ["run.json"]


def test_a_run_failed_when_a_step_did(folder):
    good = make(folder)
    failed = Step(name="x", title="x", notebook_sha256="", status="failed", error="It broke.")
    assert good.status == "succeeded"
    assert make(folder, steps=(*good.steps, failed)).status == "failed"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema_version": 2}, "schema version 2"),
        ({"run_id": "../elsewhere"}, "other folders"),
        ({"steps": [{"name": "../x", "title": "", "notebook_sha256": "", "status": "failed"}]}, "other folders"),
        ({"steps": [{"name": "x"}]}, "fields are wrong"),
        ({"started": "yesterday"}, "fields are wrong"),
        ({"dataset": {"language": "xx"}}, "xx"),
    ],
)
def test_a_manifest_that_cannot_be_trusted_is_refused(folder, change, said):
    write_manifest(make(folder), folder)
    content = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    (folder / "run.json").write_text(json.dumps(content | change), encoding="utf-8")
    with pytest.raises(ResultsError, match=said):
        read_manifest(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}"])
def test_a_damaged_manifest_is_refused(folder, text):
    (folder / "run.json").write_text(text, encoding="utf-8")
    with pytest.raises(ResultsError, match=r"run\.json"):
        read_manifest(folder)


def test_a_missing_manifest_is_refused(folder):
    with pytest.raises(ResultsError):
        read_manifest(folder)


def test_versions_are_those_installed():
    import pandas as pd

    assert installed_versions()["pandas"] == pd.__version__
