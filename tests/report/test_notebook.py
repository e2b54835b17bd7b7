import ast
import json
from datetime import date
from pathlib import Path

import pytest

from kam.errors import NotebookError, ParameterError, UnreadableFileError
from kam.report.notebook import find_notebook, folder_name, inject_parameters, release_notebook

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


def write_notebook(path, *cells):
    path.parent.mkdir(parents=True, exist_ok=True)
    made = []
    for kind, source, *tags in cells:
        cell = {"cell_type": kind, "metadata": {"tags": tags}, "source": source}
        made.append(cell | ({"outputs": [], "execution_count": None} if kind == "code" else {}))
    content = {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": made}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_a_notebook_is_found_by_path_name_and_number(tmp_path):
    path = write_notebook(tmp_path / "notebooks" / "10_who.ipynb", ("markdown", "text\n\n# Who?\n"))
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    for name in ("10", "10_who", path, "../../notebooks/10_who.ipynb"):
        found = find_notebook(name, start=inner)
        assert found.path.resolve() == path and found.step == "10_who" and found.title == "Who?"


def test_the_nearest_folder_of_notebooks_goes_first(tmp_path):
    write_notebook(tmp_path / "notebooks" / "10_far.ipynb")
    near = write_notebook(tmp_path / "mine" / "notebooks" / "10_near.ipynb")
    assert find_notebook("10", start=tmp_path / "mine").path == near
    assert find_notebook("10_far", start=tmp_path / "mine").step == "10_far"


def test_the_checkouts_notebooks_are_found_from_anywhere(tmp_path):
    shipped = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
    if not shipped:
        pytest.skip("no notebooks are shipped")
    assert find_notebook(shipped[0].stem.partition("_")[0], start=tmp_path).path == shipped[0]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("10_hwo", "'10_who'|10_who"),
        ("notebooks/10_hwo.ipynb", "Did you mean '10_who.ipynb'"),
        ("99", "one of"),
        (".", "no notebook"),
    ],
)
def test_a_near_miss_is_named(tmp_path, name, said):
    write_notebook(tmp_path / "notebooks" / "10_who.ipynb")
    with pytest.raises(UnreadableFileError, match=said):
        find_notebook(name, start=tmp_path)


def test_a_folder_is_no_notebook(tmp_path):
    (tmp_path / "x.ipynb").mkdir()
    with pytest.raises(UnreadableFileError, match="cannot be read"):
        find_notebook("x.ipynb", start=tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"nbformat": 3, "cells": []}',
        '{"nbformat": 4, "cells": [{"cell_type": "x", "source": ""}]}',
    ],
)
def test_another_file_is_no_notebook(tmp_path, text):
    path = tmp_path / "x.ipynb"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(NotebookError, match="format 4"):
        find_notebook(path)


def test_parameters_come_from_the_first_tagged_cell(tmp_path):
    path = write_notebook(
        tmp_path / "x.ipynb",
        ("markdown", "x: int = 1", "parameters"),
        ("code", ["a: int = 1\n", "b: str = 'x'"], "parameters"),
        ("code", "c: int = 1", "parameters"),
    )
    assert [p.name for p in find_notebook(path).parameters] == ["a", "b"]
    assert find_notebook(write_notebook(tmp_path / "y.ipynb", ("code", "x = 1"))).parameters == ()
    with pytest.raises(ParameterError, match=r"z\.ipynb"):
        _ = find_notebook(write_notebook(tmp_path / "z.ipynb", ("code", "%magic", "parameters"))).parameters


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("10_customer_identification", "10_customer_identification"),
        ("../../etc/passwd", "etc_passwd"),
        ("..", "unnamed"),
        ("", "unnamed"),
        ("Q4: <script>", "Q4_script"),
        ("고객 식별", "고객_식별"),
        ("a\0b/c\\d", "a_b_c_d"),
        ("x" * 300, "x" * 80),
        ("index.html", "index.html_"),
        ("Tables.xlsx", "Tables.xlsx_"),
    ],
)
def test_names_of_folders_are_tame(text, name):
    assert folder_name(text) == name
    assert folder_name(name) == name


VALUES = {
    "text": 'a "quoted" \\ \n 한 \u202e </script>',
    "n": 3,
    "x": 0.1,
    "no": None,
    "on": True,
    "day": date(2026, 11, 21),
    "pair": (1, 2),
    "list": ["a", date(2026, 1, 1)],
    "map": {"a": [1, 2]},
}


def test_injected_values_come_back_as_they_were(tmp_path):
    path = write_notebook(tmp_path / "x.ipynb", ("markdown", "#"), ("code", "n = 1", "parameters"), ("code", "n"))
    content = json.loads(path.read_text(encoding="utf-8"))
    injected = inject_parameters(content, VALUES)
    tags = [cell["metadata"]["tags"] for cell in injected["cells"]]
    assert tags == [[], ["parameters"], ["injected-parameters"], []]
    scope = {}
    exec(injected["cells"][2]["source"], scope)
    assert {name: scope[name] for name in VALUES} == VALUES
    assert "id" not in injected["cells"][2], "format 4.4 has no ids"
    assert len(content["cells"]) == 3, "what was given is not changed"


def test_a_cell_injected_before_is_replaced_or_taken_out(tmp_path):
    content = json.loads(write_notebook(tmp_path / "x.ipynb", ("code", "n")).read_text(encoding="utf-8"))
    once = inject_parameters(content, {"n": 1})
    once["cells"][0]["outputs"] = ["kept"]
    twice = inject_parameters(once, {"n": 2})
    assert [cell["source"] for cell in twice["cells"]] == ["# Parameters\nn = 2", "n"]
    assert twice["cells"][0]["outputs"] == ["kept"]
    assert inject_parameters(twice, {}) == content


def test_what_is_kept_does_not_name_the_runners_folders(tmp_path):
    settings = {
        "run_dir": "/out/.part-1",
        "results_dir": "/out/.part-1/step",
        "history": "/out",
        "dataset": "/data/a/dataset.yaml",
    }
    content = json.loads(write_notebook(tmp_path / "x.ipynb", ("code", "n")).read_text(encoding="utf-8"))
    executed = inject_parameters(content, {"n": 1} | settings)
    executed["cells"][1]["outputs"] = [{"text": "saved /out/.part-1/step/results.json in /out/.part-1"}]
    executed["metadata"]["papermill"] = {"output_path": "/out/.part-1/step/notebook.ipynb", "input_path": {"cells": []}}
    kept = release_notebook(executed, name="x.ipynb", parameters={"n": 1}, settings=settings)
    assert ".part" not in json.dumps(kept) and "/data" not in json.dumps(kept)
    assert kept["cells"][0]["source"] == "# Parameters\nn = 1"
    assert kept["cells"][1]["outputs"] == [{"text": "saved results_dir/results.json in run_dir"}]
    assert kept["metadata"]["papermill"] == {"input_path": "x.ipynb", "parameters": {"n": 1}}


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_the_notebooks_of_these_tests_are_plain(path):
    notebook = find_notebook(path)
    for cell in notebook.cells:
        if cell["cell_type"] == "code":
            ast.parse("".join(cell["source"]))


@pytest.mark.parametrize(
    "change",
    [
        {"cells": {}},
        {"cells": [{"cell_type": "raw", "source": "", "metadata": None}]},
        {"cells": [{"cell_type": "raw", "source": "", "metadata": {"tags": "parameters"}}]},
        {"metadata": []},
        {"nbformat_minor": None},
    ],
)
def test_a_notebook_of_another_form_is_refused_when_it_is_read(tmp_path, change):
    whole = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}
    (tmp_path / "x.ipynb").write_text(json.dumps(whole | change), encoding="utf-8")
    with pytest.raises(NotebookError, match="no Jupyter notebook"):
        find_notebook("x.ipynb", start=tmp_path)


def test_the_times_of_a_run_stand_in_one_block():
    times = {"start_time": "2026-11-21T07:00:00", "end_time": "2026-11-21T07:00:02", "duration": 2.0}
    record = {**times, "status": "completed", "exception": False}
    code = {
        "cell_type": "code",
        "metadata": {"execution": {"iopub.status.idle": "2026-11-21T07:00:02Z"}, "papermill": record},
    }
    executed = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"papermill": dict(times)}}
    executed["cells"] = [
        {**code, "source": "x", "outputs": []},
        {"cell_type": "markdown", "metadata": {}, "source": ""},
    ]
    kept = release_notebook(executed, name="x.ipynb", parameters={}, settings={})
    assert kept["cells"][0]["metadata"] == {"papermill": {"status": "completed", "exception": False}}
    block = kept["metadata"]["papermill"]
    assert block["cell_seconds"] == [2.0, None] and times.items() <= block.items()


def test_where_in_memory_an_object_was_is_not_kept():
    output = {
        "output_type": "display_data",
        "metadata": {},
        "data": {"text/plain": ["<X object at 0x7fdfded840d0>,\n", "2"]},
    }
    cell = {"cell_type": "code", "metadata": {}, "source": "x = ' at 0x7fdfded840d0'", "outputs": [output]}
    executed = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}
    kept = release_notebook(executed, name="x.ipynb", parameters={}, settings={})["cells"][0]
    assert kept["outputs"][0]["data"]["text/plain"] == "<X object>,\n2"
    assert kept["source"] == cell["source"]
