"""A notebook, unchanged, under the ``papermill`` command and under jupyter-scheduler, through its REST interface."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

pytest.importorskip("jupyter_scheduler")
ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent
NOTEBOOK = "10_customer_identification.ipynb"
# Without the figures' time to draw: what is compared are the results.
PARAMETERS = {"value": "margin", "n_resamples": 50, "n_named": 7}
DONE = ("COMPLETED", "FAILED")  # until its process is at work, a job counts as STOPPED


class Server:
    """A Jupyter server of these tests alone, and its scheduler."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.root.mkdir()
        self._token = secrets.token_hex(16)
        places = {name: folder / name for name in ("DATA", "CONFIG", "RUNTIME")}
        env = os.environ | {f"JUPYTER_{name}_DIR": str(place) for name, place in places.items()}
        env |= {"JUPYTER_TOKEN": self._token, "HOME": str(folder), "IPYTHONDIR": str(folder / "ipython")}
        places["DATA"].mkdir()
        command = [sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", "--ip=127.0.0.1"]
        command += ["--port=0", f"--ServerApp.root_dir={self.root}"]
        self._log = folder / "server.log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(command, cwd=self.root, env=env, stdout=log, stderr=subprocess.STDOUT)
        try:
            self._wait_for_address(places["RUNTIME"])
            (self._environment, *_) = (place["name"] for place in self.ask("scheduler/runtime_environments"))
        except BaseException:
            self.stop()
            raise

    def _wait_for_address(self, place: Path) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._process.poll() is None:
            for path in place.glob("jpserver-*.json"):
                # The file may be there before all of it is written, and before the server listens.
                with contextlib.suppress(ValueError, urllib.error.URLError):
                    self._address = json.loads(path.read_text(encoding="utf-8"))["url"]
                    self.ask("api/status")
                    return
            time.sleep(0.1)
        raise AssertionError(self.log)

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def ask(self, path: str, content: object = None):
        """What the server answers to GET, or with content to POST."""
        request = urllib.request.Request(
            urllib.parse.urljoin(self._address, path),
            data=json.dumps(content).encode() if content is not None else None,
            headers={"Authorization": f"token {self._token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def run(self, notebook: Path, parameters: dict[str, str]) -> tuple[dict, nbformat.NotebookNode | None]:
        """A job from start to end, and the notebook that it leaves."""
        (self.root / notebook.name).write_bytes(notebook.read_bytes())
        job = {
            "name": notebook.stem,
            "input_uri": notebook.name,
            "runtime_environment_name": self._environment,
            "output_formats": ["ipynb"],
            "parameters": parameters,
        }
        job_id = self.ask("scheduler/jobs", job)["job_id"]
        job = self._wait_until(lambda: self.ask(f"scheduler/jobs/{job_id}"), lambda job: job["status"] in DONE)
        if job["status"] != "COMPLETED":
            return job, None
        self.ask(f"scheduler/jobs/{job_id}/download_files")
        (path,) = self._wait_until(
            lambda: [
                file["file_path"]
                for file in self.ask(f"scheduler/jobs/{job_id}")["job_files"]
                if file["file_format"] == "ipynb"
            ],
            all,
        )
        return job, nbformat.read(self.root / path, as_version=4)

    def _wait_until(self, ask, is_so, seconds=240):
        deadline = time.monotonic() + seconds
        while not is_so(answer := ask()):
            assert time.monotonic() < deadline, f"{answer}\n{self.log}"
            time.sleep(0.3)
        return answer

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("jupyter"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def by_papermill(tmp_path_factory) -> nbformat.NotebookNode:
    folder = tmp_path_factory.mktemp("elsewhere")
    given = [word for name, value in PARAMETERS.items() for word in ("-p", name, str(value))]
    command = [PROGRAMS / "papermill", ROOT / "notebooks" / NOTEBOOK, "out.ipynb", *given, "--no-progress-bar"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return nbformat.read(folder / "out.ipynb", as_version=4)


def shown(notebook):
    """What each code cell shows, without the cells of parameters."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [
        [(output.output_type, output.get("text"), seen(output.get("data", {}))) for output in cell.outputs]
        for cell in cells
        if not {"parameters", "injected-parameters"} & set(cell.metadata.get("tags", []))
    ]


def seen(data):
    """The forms that a person sees: the plain one, where there is another, holds addresses in memory."""
    return {form: content for form, content in data.items() if form != "text/plain" or len(data) == 1}


def test_a_notebook_runs_unchanged_under_the_papermill_command(by_papermill):
    cells = [cell for cell in by_papermill.cells if cell.cell_type == "code"]
    assert {cell.metadata.papermill.status for cell in cells} == {"completed"}
    assert sum(bool(cell.outputs) for cell in cells) > 10
    assert not [output for cell in cells for output in cell.outputs if output.output_type in ("error", "stream")]


def test_a_notebook_runs_unchanged_under_jupyter_scheduler(server, by_papermill):
    job, notebook = server.run(ROOT / "notebooks" / NOTEBOOK, {name: repr(value) for name, value in PARAMETERS.items()})
    assert job["status"] == "COMPLETED", job.get("status_message")
    (injected,) = (cell for cell in notebook.cells if "injected-parameters" in cell.metadata.get("tags", []))
    assert injected.source.splitlines() == ["value = 'margin'", "n_resamples = 50", "n_named = 7"]
    mine, theirs = shown(notebook), shown(by_papermill)
    assert len(mine) == len(theirs) and {form for cell in mine for *_, data in cell for form in data} >= {
        "text/html",
        "image/png",
    }
    assert [i for i, (a, b) in enumerate(zip(mine, theirs, strict=True)) if a != b] == []


# -- what docs/scheduling.md warns of --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    """A notebook of two cells, ``word`` and what it says."""
    parameters = nbformat.v4.new_code_cell('word: str = "nothing"', metadata={"tags": ["parameters"]})
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = nbformat.v4.new_notebook(cells=[parameters, nbformat.v4.new_code_cell("print(word)")], metadata=kernel)
    path = tmp_path_factory.mktemp("tiny") / "tiny.ipynb"
    nbformat.write(notebook, path)
    return path


def test_a_text_without_quotes_is_read_as_code(server, tiny):
    job, _ = server.run(tiny, {"word": "gibberish"})
    assert job["status"] == "FAILED" and "NameError" in job["status_message"]
    job, notebook = server.run(tiny, {"word": "'a' + 'b'"})
    assert shown(notebook) == [[("stream", "ab\n", {})]]


def test_a_parameter_that_is_not_there_passes_for_success(server, tiny):
    job, notebook = server.run(tiny, {"wrod": "'a'"})
    assert job["status"] == "COMPLETED" and shown(notebook) == [[("stream", "nothing\n", {})]]
