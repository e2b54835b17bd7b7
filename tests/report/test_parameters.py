from datetime import date, datetime

import pytest

from kam.errors import ParameterError, UnreadableFileError
from kam.report.parameters import bind_parameters, read_parameter_file, read_parameters

CELL = '''
"""A docstring."""
from datetime import date

dataset: str = "sample"  # a name under data/
horizon: int | None = None  # days; papermill does not see this one
share: float = 0.8
on: bool = True
names: list[str] = []
day: date = date(2025, 12, 31)  # as of
cuts: tuple[float, float] = (
    0.5,
    1.0,
)  # two of them
weights: dict[str, int] = {}
kind: "Literal['a', 'b']" = "a"
plain = 3  # no annotation
must: str
odd: Frame = None
'''


@pytest.fixture(scope="module")
def declared():
    return {parameter.name: parameter for parameter in read_parameters(CELL, where="x.ipynb")}


def test_all_declarations_are_read(declared):
    assert list(declared) == [
        "dataset", "horizon", "share", "on", "names", "day", "cuts", "weights", "kind", "plain", "must", "odd",
    ]  # fmt: skip
    horizon = declared["horizon"]
    assert (horizon.annotation, horizon.default, horizon.value) == ("int | None", "None", None)
    assert horizon.help == "days; papermill does not see this one"
    assert declared["cuts"].help == "two of them" and declared["cuts"].value == (0.5, 1.0)
    assert declared["plain"].annotation == "" and declared["plain"].value == 3
    assert declared["must"].default is None


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("dataset", "007", "007"),
        ("dataset", "true", "true"),
        ("dataset", "null", "null"),
        ("dataset", "", ""),
        ("horizon", "90", 90),
        ("horizon", "null", None),
        ("share", "1", 1.0),
        ("share", "1e-3", 0.001),
        ("on", "false", False),
        ("names", "[007, no]", ["007", "no"]),
        ("day", "2026-11-21", date(2026, 11, 21)),
        ("cuts", "[0.4, 0.9]", (0.4, 0.9)),
        ("weights", "{a: 1}", {"a": 1}),
        ("kind", "b", "b"),
        ("plain", "4", 4),
    ],
)
def test_texts_are_read_by_the_declared_type(declared, name, text, value):
    got = declared[name].parse(text)
    assert got == value and type(got) is type(value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("horizon", "soon"),
        ("horizon", "1.5"),
        ("horizon", ""),
        ("share", "0,8"),
        ("share", "nan"),
        ("share", "inf"),
        ("on", "perhaps"),
        ("names", "A"),
        ("names", "[a"),
        ("day", "21.11.2026"),
        ("day", "20261121"),
        ("cuts", "[0.4]"),
        ("kind", "c"),
        ("plain", "x"),
        ("odd", "x"),
    ],
)
def test_texts_that_do_not_fit_are_refused(declared, name, text):
    with pytest.raises(ParameterError, match=f"Parameter '{name}' .* x.ipynb"):
        declared[name].parse(text)


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("share", 1, 1.0),
        ("day", date(2026, 11, 21), date(2026, 11, 21)),
        ("day", "2026-11-21", date(2026, 11, 21)),
        ("cuts", [0.4, 0.9], (0.4, 0.9)),
        ("horizon", None, None),
    ],
)
def test_typed_values_are_taken(declared, name, given, value):
    got = declared[name].check(given)
    assert got == value and type(got) is type(value)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("dataset", 7),
        ("horizon", "90"),
        ("horizon", 1.5),
        ("plain", True),
        ("on", 1),
        ("on", "true"),
        ("share", "0.8"),
        ("share", float("nan")),
        ("names", ["a", 1]),
        ("names", {"a"}),
        ("day", datetime(2026, 11, 21, 7)),
    ],
)
def test_typed_values_that_do_not_fit_are_refused(declared, name, given):
    with pytest.raises(ParameterError, match=f"Parameter '{name}' cannot be"):
        declared[name].check(given)


def test_a_number_where_a_text_is_declared_is_told_to_be_quoted(declared):
    with pytest.raises(ParameterError, match="quotes"):
        declared["dataset"].check(7)


def test_bound_values_come_in_the_order_of_the_cell_and_texts_go_first(declared):
    bound = bind_parameters(
        declared.values(), texts={"plain": "5", "must": "m"}, values={"plain": 4, "dataset": "d"}, where="x.ipynb"
    )
    assert list(bound.items()) == [("dataset", "d"), ("plain", 5), ("must", "m")]


@pytest.mark.parametrize("typed", [True, False])
def test_an_unknown_name_is_refused_with_the_nearest(declared, typed):
    given = {"texts": {}, "values": {"datset": "x", "must": "m"}} if typed else {"texts": {"datset": "x"}, "values": {}}
    with pytest.raises(ParameterError, match=r"no parameter 'datset'.*Did you mean 'dataset'"):
        bind_parameters(declared.values(), where="x.ipynb", **given)


def test_an_unknown_name_far_from_all_lists_them():
    with pytest.raises(ParameterError, match="It has: none"):
        bind_parameters([], texts={"x": "1"}, values={}, where="x.ipynb")


def test_what_must_be_given_must_be_given(declared):
    with pytest.raises(ParameterError, match="'must' must be given"):
        bind_parameters(declared.values(), texts={}, values={}, where="x.ipynb")


@pytest.mark.parametrize(
    "cell", ["%matplotlib inline", "x = (", "def f():\n    pass", "x[0] = 1", "a = b = 1", "if x:\n  y = 1"]
)
def test_a_cell_that_declares_something_else_is_refused(cell):
    with pytest.raises(ParameterError, match=r"x\.ipynb"):
        read_parameters(cell, where="x.ipynb")


def test_parameters_come_from_yaml(tmp_path):
    file = tmp_path / "p.yaml"
    file.write_text("dataset: '007'\nday: 2026-11-21\n", encoding="utf-8")
    assert read_parameter_file(file) == {"dataset": "007", "day": date(2026, 11, 21)}


@pytest.mark.parametrize("content", ["- a\n- b", "a: [", "1: x", "", "text", "!!python/object:os.system x"])
def test_a_file_without_names_is_refused(tmp_path, content):
    file = tmp_path / "p.yaml"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ParameterError, match=r"p\.yaml"):
        read_parameter_file(file)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UnreadableFileError):
        read_parameter_file(tmp_path / "none.yaml")
