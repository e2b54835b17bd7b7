"""The declarations agree with one another and with the ledger's."""

from dataclasses import fields
from typing import get_args

import pytest
from pydantic import BaseModel

from kam.dataset import schema
from kam.dataset.dictionary import LEDGER_WITHOUT, TABLES, ColumnSpec
from kam.dataset.synonyms import FILES, HEADERS
from kam.ledger.matching import COLUMNS
from kam.ledger.reading import ReadOptions
from kam.wording import LANGUAGES


def test_tables_of_the_dictionary_are_those_of_the_file():
    assert list(TABLES) == list(schema.Tables.model_fields) == list(FILES)


def test_ledger_columns_are_those_the_ledger_knows():
    assert {name: spec.type for name, spec in TABLES["ledger"].columns.items()} == COLUMNS
    assert set(LEDGER_WITHOUT) <= set(COLUMNS)


def test_options_are_those_the_reader_knows():
    assert {field.name for field in fields(ReadOptions)} <= set(schema.TableFile.model_fields)


def test_languages_are_those_of_the_wording():
    assert set(get_args(schema.DatasetFile.model_fields["language"].annotation)) == set(LANGUAGES)


@pytest.mark.parametrize("table", TABLES)
def test_every_column_has_a_meaning_and_names_to_be_recognized_by(table):
    spec = TABLES[table]
    assert spec.without.startswith("Without ")
    assert set(spec.key) <= set(spec.columns)
    for name, column in spec.columns.items():
        assert column.meaning
        assert HEADERS[name]


def test_every_key_is_described():
    def models(model):
        yield model
        for other in model.__subclasses__():
            yield from models(other)

    found = list(models(schema.Section))
    assert len(found) >= 12
    for model in found:
        assert issubclass(model, BaseModel)
        assert model.model_config["extra"] == "forbid"
        assert model.__doc__
        for name, field in model.model_fields.items():
            assert field.description, f"{model.__name__}.{name}"


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"low": 1, "high": 5}, "1 to 5"),
        ({"low": -2, "high": 2}, "-2 to 2"),
        ({"above": 0}, "above 0"),
        ({"above": 0, "high": 1}, "above 0, at most 1"),
        ({"low": 0}, "at least 0"),
        ({"high": 0}, "at most 0"),
        ({"allowed": ("a", "b")}, "a, b"),
        ({}, ""),
    ],
)
def test_domain_in_words(spec, words):
    assert ColumnSpec(type="number", meaning="x", **spec).domain == words
