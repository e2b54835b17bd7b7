import json
from dataclasses import FrozenInstanceError, dataclass
from datetime import date
from typing import ClassVar

import pandas as pd
import pytest

import kam
from kam.errors import ParameterError, ResultsError
from kam.identify.concentration import ConcentrationResult, concentration
from kam.results import (
    Answer,
    Assumed,
    Check,
    Context,
    KeyFigure,
    NotPossible,
    Result,
    attempt,
    load_results,
    possible,
    save_results,
)

HOSTILE = "<img src=x onerror=alert(1)>"
CONTEXT = Context(dataset="d", title="D", currency="EUR", as_of=date(2024, 5, 31), fingerprint="ab12")


def result(**values):
    return concentration(
        pd.Series([5.0, 3.0, 2.0], index=["007", "나", HOSTILE]), context=CONTEXT, n_resamples=10, **values
    )


def test_saved_results_come_back_the_same(tmp_path):
    first, second = result(), result(measure="margin")
    file = save_results(first, second, to=tmp_path / "step")
    assert file == tmp_path / "step" / "results.json"
    for folder in (tmp_path, tmp_path / "step"):  # a run's folder, or one step's
        loaded = load_results(folder)
        assert list(loaded) == ["concentration", "concentration_margin"]
        back = loaded["concentration"]
        assert isinstance(back, ConcentrationResult)
        assert back.answer() == first.answer() and back.answer().key_figures == first.answer().key_figures
        assert back.context == CONTEXT and back.checks == first.checks and back.assumed == first.assumed
        for name, frame in first.tables().items():
            pd.testing.assert_frame_equal(back.tables()[name], frame)


def test_results_json_can_be_read_without_kam(tmp_path):
    save_results(result(), to=tmp_path)
    content = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    entry = content["results"]["concentration"]
    assert content["schema_version"] == 1
    assert entry["answer"].startswith("2 of 3 customers bring at least 80%")
    assert entry["context"]["as_of"] == {"date": "2024-05-31"}
    assert (tmp_path / "tables" / entry["tables"]["curve"]).is_file()


def test_an_empty_folder_name_saves_nothing():
    assert save_results(result(), to="") is None


def test_two_results_with_one_key_are_refused(tmp_path):
    with pytest.raises(ParameterError, match="Two results"):
        save_results(result(), result(), to=tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.update(schema_version=99),
        lambda c: c["results"]["concentration"].update(type="os:system"),
        lambda c: c["results"]["concentration"].update(type="kam.errors:KamError"),
        lambda c: c["results"]["concentration"]["tables"].update(curve="../../secret.parquet"),
        lambda c: c["results"]["concentration"]["tables"].update(curve="missing.parquet"),
        lambda c: c["results"]["concentration"]["fields"].pop("total"),
    ],
)
def test_damaged_or_foreign_results_are_refused_by_name(tmp_path, change):
    file = save_results(result(), to=tmp_path)
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))
    with pytest.raises(ResultsError):
        load_results(tmp_path)


def test_no_results_is_an_error(tmp_path):
    with pytest.raises(ResultsError, match="no results"):
        load_results(tmp_path)


def test_a_result_is_frozen_and_shows_itself_escaped():
    shown = result()
    with pytest.raises(FrozenInstanceError):
        shown.total = 1.0  # type: ignore[misc]
    html = shown.answer()._repr_html_() + shown._repr_html_()
    assert HOSTILE not in html
    assert repr(shown) == f"ConcentrationResult: {shown.answer()}"


def test_an_answer_is_text_with_key_figures():
    answer = Answer("a < b", (KeyFigure(value="<b>1</b>", label="l", note="n"),))
    assert answer == "a < b"
    assert "a &lt; b" in answer._repr_html_() and "&lt;b&gt;1&lt;/b&gt;" in answer._repr_html_()


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Odd(Result):
    main: ClassVar[str] = "frame"
    frame: pd.DataFrame
    number: float

    def _sentence(self) -> str:
        return "odd"


def test_a_number_that_is_not_finite_is_not_saved(tmp_path):
    odd = Odd(context=Context(), frame=pd.DataFrame({"term": ["a"]}), number=float("nan"))
    with pytest.raises(ParameterError, match="not finite"):
        save_results(odd, to=tmp_path)
    assert not (tmp_path / "results.json").exists()


def test_the_face_of_the_package():
    assert set(kam.__all__) == {
        "Check", "Context", "Dataset", "Ledger", "Result", "load_results", "open_dataset", "open_ledger", "save_results",
    }  # fmt: skip
    for name in kam.__all__:
        assert getattr(kam, name) is not None
    with pytest.raises(AttributeError):
        kam.nothing  # noqa: B018


def test_check_and_assumed_are_plain_values():
    assert Check(assumption="a", finding="b", verdict="holds") == Check(assumption="a", finding="b", verdict="holds")
    assert Assumed(what="a", value="1", would_change="b").value == "1"


def test_what_the_data_do_not_allow_says_why_and_is_false():
    made, failed = attempt(concentration, [5.0, 3.0], n_resamples=50), attempt(concentration, [-5.0])
    assert isinstance(made, ConcentrationResult) and made
    assert isinstance(failed, NotPossible) and not failed
    assert failed.name == "concentration" and failed.error.what in failed.answer()
    assert possible(made, failed) == [made]


def test_a_wrong_parameter_is_an_error_all_the_same():
    with pytest.raises(ParameterError):
        attempt(concentration, [5.0, 3.0], base="nothing")
