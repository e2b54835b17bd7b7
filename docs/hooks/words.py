"""The pages "Data dictionary" and "Glossary", from the models of ``dataset.yaml``, its tables, and the columns of results."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from kam.columns import GLOSSARY
from kam.dataset.dictionary import LONG_SURVEY, TABLES
from kam.dataset.schema import DatasetFile

README = Path(__file__).parents[2] / "README.md"
Schema = dict[str, Any]


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Add both pages."""
    files.append(File.generated(config, "data_dictionary.md", content="\n".join(write_dictionary())))
    files.append(File.generated(config, "glossary.md", content="\n".join(write_glossary())))


def cell(text: object) -> str:
    """Text that may stand in a cell of a table."""
    return re.sub(r"\s+", " ", str(text)).replace("|", "\\|").replace("<", "&lt;").replace("$", "\\$")


# -- the glossary ----------------------------------------------------------------------------------------------------


def write_glossary() -> Iterator[str]:
    """The words of the field as the README has them, then every column that a result may carry."""
    words = README.read_text(encoding="utf-8").split("## The words first\n")[1].split("\n## ")[0]
    yield "# Glossary\n\n## Words\n" + words
    yield "## Columns of results\n"
    yield "Every column of every table that kam makes: its name in the frames and files, its label in a report, its unit and how"
    yield "it is shown. Shares are 0 to 1 in the frames and shown in percent; money is in the currency of the dataset.\n"
    for letter, names in groupby(sorted(GLOSSARY), key=lambda name: name[0]):
        yield f"### {letter.upper()}\n\n| name | label | meaning | unit | format |\n|---|---|---|---|---|"
        for name in names:
            column = GLOSSARY[name]
            row = (column.label, column.meaning, column.unit, column.format)
            yield f"| `{name}` | " + " | ".join(map(cell, row)) + " |"
        yield ""


# -- the data dictionary ---------------------------------------------------------------------------------------------


def write_dictionary() -> Iterator[str]:
    """Every key of ``dataset.yaml``, then every column of every table."""
    schema = DatasetFile.model_json_schema()
    yield "# Data dictionary\n\n## dataset.yaml\n"
    yield "One file describes a dataset. `kam init` writes it, `kam check` reads it back. Keys without a default must stand"
    yield "there. [Runs](runs.md) has the keys of a plan.\n"
    yield from _write_keys("The file itself", schema, schema["$defs"])
    for name, heading in _sections(schema):
        yield from _write_keys(heading, schema["$defs"][name], schema["$defs"])
    yield "## Tables\n"
    yield "The columns by the names that analyses use; `columns:` maps them to the names in your files. A required column has a"
    yield "value in every row; a survey in long form has `item` and `answer` in place of a column per item.\n"
    for name, table in TABLES.items():
        key = f" A row is identified by {', '.join(f'`{column}`' for column in table.key)}." if table.key else ""
        yield f"### {name}\n\nOne row per {table.one_row_per}.{key} {table.without}\n"
        columns = dict(table.columns) | (LONG_SURVEY if name == "survey" else {})
        yield "| column | type | required | values | meaning |\n|---|---|---|---|---|"
        for column, spec in columns.items():
            row = (spec.type, "yes" if spec.required else "", spec.domain, spec.meaning)
            yield f"| `{column}` | " + " | ".join(map(cell, row)) + " |"
        yield ""


def _sections(schema: Schema) -> Iterator[tuple[str, str]]:
    """The models below the file, each once, with the place where it stands."""
    places: dict[str, list[str]] = {}

    def look(model: Schema, above: str) -> None:
        for key, value in model["properties"].items():
            for name in re.findall(r'"#/\$defs/(\w+)"', json.dumps(value)):
                listed = "[]" if "items" in value else ""
                places.setdefault(name, []).append(f"{above}{key}{listed}")
                look(schema["$defs"][name], f"{above}{key}{listed}.")

    look(schema, "")
    for name, found in places.items():
        yield name, ", ".join(f"`{place}`" for place in found)


def _write_keys(heading: str, model: Schema, models: Schema) -> Iterator[str]:
    yield f"### {heading}\n\n{cell(model.get('description', ''))}\n"
    yield "| key | type | default | meaning |\n|---|---|---|---|"
    for key, value in model["properties"].items():
        default = (
            "" if key in model.get("required", ()) else f"`{json.dumps(value.get('default'), ensure_ascii=False)}`"
        )
        if "default" not in value and key not in model.get("required", ()):
            default = "empty"
        if "$ref" in value or value.get("default") == {}:
            default = "" if key in model.get("required", ()) else "as below"
        yield f"| `{key}` | {cell(_type(value, models))} | {default} | {cell(value.get('description', ''))} |"
    yield ""


def _type(value: Schema, models: Schema) -> str:
    """A type of JSON Schema in words."""
    if "$ref" in value:
        return "section"
    if "anyOf" in value:
        kinds = [_type(one, models) for one in value["anyOf"]]
        return " or ".join(dict.fromkeys(kinds))
    if "enum" in value or "const" in value:
        return " or ".join(f"`{one}`" for one in value.get("enum", [value.get("const")]))
    kind = value.get("type", "value")
    if kind == "array":
        if "prefixItems" in value:
            return "two numbers"
        kind = _type(value.get("items", {}), models)
        return "list of sections" if kind == "section" else f"list of {kind}"
    if kind == "object":
        return f"mapping of text to {_type(value.get('additionalProperties', {}), models)}"
    words = {
        "string": "text",
        "integer": "whole number",
        "number": "number",
        "boolean": "true or false",
        "null": "null",
    }
    said = {"date": "day"}.get(value.get("format", ""), words.get(kind, kind))
    bounds = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "below"}
    limits = [f"{word} {value[bound]:g}" for bound, word in bounds.items() if bound in value]
    return f"{said}, {' '.join(limits)}" if limits else said
