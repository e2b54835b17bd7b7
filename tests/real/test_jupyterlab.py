"""`make lab` in a real browser: every notebook runs from top to bottom, a parameter is changed, kam is edited while it runs."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from tests.real.test_report_browser import CHROMIUM, browser  # noqa: F401 - a fixture

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
PATIENCE = 120_000  # milliseconds
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
]


class Lab:
    """What `make lab` starts, in a project folder of its own: the notebooks, the sample and a kam that may be edited."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "project"
        ignored = shutil.ignore_patterns("__pycache__")
        for part in ("kam", "notebooks", "data"):
            shutil.copytree(ROOT / part, self.root / part, ignore=ignored)
        for name in ("dev.py", "requirements.lock", "pyproject.toml"):
            shutil.copy(ROOT / name, self.root)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"http://127.0.0.1:{free.getsockname()[1]}"
        self.token = secrets.token_hex(16)
        env = os.environ | {
            **{f"JUPYTER_{name}_DIR": str(folder / name.lower()) for name in ("DATA", "CONFIG", "RUNTIME")},
            "JUPYTER_TOKEN": self.token, "HOME": str(folder), "PYTHONPATH": str(self.root),
        }  # fmt: skip
        code = "import dev, sys; dev.ROOT = sys.argv[1]; sys.exit(dev.lab(*sys.argv[2:]))"
        switches = ["--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={self.address.rpartition(':')[2]}"]
        switches += ["--LabApp.expose_app_in_browser=True", "--LabApp.news_url=None"]
        self._log = folder / "lab.log"
        with self._log.open("w") as log:
            command = [sys.executable, "-c", code, str(self.root), *switches]
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=env, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def _wait(self) -> None:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                urllib.request.urlopen(f"{self.address}/api/status?token={self.token}", timeout=5).close()
                return
            time.sleep(0.2)
        raise AssertionError(self._log.read_text(encoding="utf-8"))

    def stop(self) -> None:
        """Stop dev.py, the server and its kernels, which are a group of their own."""
        for sign in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, sign)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(20)


class Sheet:
    """A notebook that is open in a tab of the browser."""

    def __init__(self, page, lab: Lab, name: str) -> None:
        self.page, self.path = page, lab.root / name
        page.goto(f"{lab.address}/lab/workspaces/{secrets.token_hex(4)}/tree/{name}?token={lab.token}")
        page.wait_for_function("window.jupyterapp?.shell.currentWidget?.context?.isReady", timeout=PATIENCE)
        page.wait_for_function(
            "window.jupyterapp.shell.currentWidget.sessionContext?.session?.kernel?.status === 'idle'", timeout=PATIENCE
        )

    def run_all(self) -> list[nbformat.NotebookNode]:
        """Run All, as from the menu; the cells as they then stand in the file."""
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_text("Run All Cells", exact=True).click()
        self.page.wait_for_function(
            """() => {
                const cells = window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells;
                const code = cells.filter((one) => one.cell_type === 'code' && one.source.trim());
                const failed = code.some((one) => one.outputs.some((output) => output.output_type === 'error'));
                return failed || code.every((one) => one.execution_count !== null && one.executionState !== 'running');
            }""",
            timeout=PATIENCE,
        )
        self.page.wait_for_function(
            "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'", timeout=PATIENCE
        )
        self.page.keyboard.press("Control+s")
        self.page.wait_for_function("!window.jupyterapp.shell.currentWidget.context.model.dirty", timeout=PATIENCE)
        return [cell for cell in nbformat.read(self.path, as_version=4).cells if cell.cell_type == "code"]

    def write(self, old: str, new: str) -> None:
        """Change a text in the cell that has it."""
        done = self.page.evaluate(
            """([old, now]) => {
                const cells = window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells;
                const cell = cells.find((one) => one.source.includes(old));
                cell?.setSource(cell.source.replace(old, now));
                return cell !== undefined;
            }""",
            [old, new],
        )
        assert done, f"{old} stands in no cell"

    def answer(self) -> str:
        """The answer as it stands on the page."""
        shown = self.page.wait_for_function(
            """() => {
                window.jupyterapp.shell.currentWidget.content.scrollToItem(8, 'start');
                return document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden) .kam-answer')?.innerText.trim();
            }""",
            polling=500,
            timeout=PATIENCE,
        )
        return str(shown.json_value())


def copy(lab: Lab, place: str) -> str:
    """A notebook of a test's own: the one of a single account, the fastest."""
    target = lab.root / place
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "notebooks" / "50_account_dossier.ipynb", target)
    return place


def failures(cells: list[nbformat.NotebookNode]) -> list[str]:
    return [output.evalue for cell in cells for output in cell.outputs if output.output_type == "error"]


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Iterator[Lab]:
    found = Lab(tmp_path_factory.mktemp("lab"))
    yield found
    found.stop()


@pytest.fixture
def page(browser):  # noqa: F811 - the fixture
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    yield opened
    opened.close()


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_run_all_shows_the_answer(name, lab, page):
    sheet = Sheet(page, lab, f"notebooks/{name}")
    assert page.locator(".jp-Dialog").count() == 0  # the kernel is chosen: nobody is asked for one
    cells = sheet.run_all()
    assert failures(cells) == [] and all(cell.execution_count for cell in cells)
    shown = sheet.answer()
    assert len(shown) > 40 and any(letter.isdigit() for letter in shown)


def test_a_copy_in_another_folder_a_changed_parameter_and_an_edited_kam(lab, page):
    sheet = Sheet(page, lab, copy(lab, "my own work/2024/one account.ipynb"))
    assert failures(sheet.run_all()) == []
    before = sheet.answer()

    sheet.write('customer_id: str = ""', 'customer_id: str = "000107"')
    assert failures(sheet.run_all()) == []
    frame = pd.read_csv(lab.root / "data" / "sample" / "accounts.csv", dtype=str)
    name = frame.set_index("customer_id").loc["000107", "name"]
    assert name in sheet.answer() and name not in before

    kernel = "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.id"
    started = page.evaluate(kernel)
    module = lab.root / "kam" / "programme" / "dossier_words.py"
    text = module.read_text(encoding="utf-8")
    assert "{name} brings {money} a year" in text and "really" not in sheet.answer()
    edited = text.replace("{name} brings {money} a year", "{name} really brings {money} a year")
    module.write_text(edited, encoding="utf-8")
    assert failures(sheet.run_all()) == []
    assert "really brings" in sheet.answer() and page.evaluate(kernel) == started  # without a restart
