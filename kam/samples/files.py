"""The sample company as files: ``dataset.yaml`` and one table each, as a user's own dataset would be."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from kam.samples.accounts import JUDGED
from kam.samples.answers import ITEMS, NO_ANSWER, NOT_APPLICABLE
from kam.samples.catalogue import NON_PRODUCT_CODES
from kam.samples.company import TABLES, SampleCompany
from kam.samples.decimals import decimals_of
from kam.samples.ledger_table import MONEY

SAMPLE_SEED = 2
"""The seed of the company in ``data/sample``."""

# Smaller without a dictionary.
_PLAIN = ("order_id", "customer_id", "due_date", "paid_date")
_DELTA = ("order_date", "promised_date", "delivered_date")
_HEADER = """\
# A fictional packaging wholesaler, so that everything can be tried before your own data are at hand.
# Made by `python -m kam.samples data/sample`: change kam/samples, not these files.
"""


def write_company(company: SampleCompany, folder: str | os.PathLike[str]) -> Path:
    """Write a company as a dataset: ``ledger.parquet``, the other tables as CSV (UTF-8), and ``dataset.yaml``.

    Parameters
    ----------
    company : SampleCompany
    folder : path-like
        Made if it is not there; files of the same name are overwritten.

    Returns
    -------
    pathlib.Path
        The ``dataset.yaml``.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    for name, table in company.tables().items():
        if name == "ledger":
            _write_ledger(table, target / "ledger.parquet")
        else:
            table.to_csv(
                target / f"{name}.csv", index=False, encoding="utf-8", lineterminator="\n", date_format="%Y-%m-%d"
            )
    description = target / "dataset.yaml"
    text = yaml.dump(describe_company(company), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=200)
    description.write_text(_HEADER + text, encoding="utf-8", newline="\n")
    return description


def describe_company(company: SampleCompany) -> dict[str, object]:
    """What ``dataset.yaml`` says about the company."""
    measured = [
        {"name": "revenue", "kind": "measured", "direction": "higher", "weight": 0.25},
        {"name": "margin", "kind": "measured", "direction": "higher", "weight": 0.25},
        {"name": "gap_cv", "kind": "measured", "direction": "lower", "weight": 0.1},
    ]
    judged = [
        {
            "name": name,
            "kind": "judged",
            "direction": "lower" if name == "price_sensitivity" else "higher",
            "range": [1, 5],
            "weight": 0.08,
        }
        for name in JUDGED
    ]
    items = [{"name": i.name, "text": i.text, "theme": i.theme, "reversed": i.reversed} for i in ITEMS]
    tables: dict[str, dict[str, object]] = {"ledger": {"source": "ledger.parquet"}}
    tables |= {name: {"source": f"{name}.csv", "encoding": "utf-8"} for name in TABLES[1:]}
    tables["accounts"]["static"] = ["industry", "region"]
    tables["survey"] |= {
        "level_3": "neutral",
        "groups": ["role"],
        "not_applicable": [NOT_APPLICABLE],
        "no_answer": [NO_ANSWER],
        "items": items,
    }
    return {
        "name": "sample",
        "title": "Northwick Packaging, a fictional wholesaler",
        "currency": "EUR",
        "language": "en",
        "time_zone": "Europe/Berlin",
        "fiscal_year_start": 1,
        "as_of": company.as_of,
        "cleaning": {
            "non_product_codes": list(NON_PRODUCT_CODES),
            "duplicates": True,
            "zero_amounts": True,
            "cancellations": True,
            "ledger_total": None,
        },
        "criteria": measured + judged,
        "assumptions": {
            "discount_rate": 0.08,
            "credit_rate": 0.06,
            "saving_rate": 0.2,
            "cost_of_visit": 350,
            "accounts_per_manager": 9,
            "holdout_share": 0.1,
            "response_rate": 0.55,
        },
        "tables": tables,
    }


class _Dumper(yaml.SafeDumper):
    """Writes lists of values, and mappings within lists, on one line each, as a person would."""

    def represent_list(self, data: Iterable[object]) -> yaml.SequenceNode:
        values = list(data)
        one_line = not any(isinstance(value, dict) for value in values)
        node = self.represent_sequence("tag:yaml.org,2002:seq", values, flow_style=one_line)
        for child in node.value:
            if isinstance(child, yaml.MappingNode):
                child.flow_style = True
        return node


_Dumper.add_representer(list, _Dumper.represent_list)


def _write_ledger(ledger: pd.DataFrame, path: Path) -> None:
    columns = {}
    for name in ledger.columns:
        values = ledger[name]
        if name in MONEY:
            columns[name] = decimals_of(np.rint(values.to_numpy() * 10_000).astype(np.int64))
        elif name.endswith("_date"):
            columns[name] = pa.array(values.to_numpy().astype("datetime64[D]"), type=pa.date32())
        elif name == "quantity":
            columns[name] = pa.array(values.to_numpy(), type=pa.int32())
        else:
            columns[name] = pa.array(values, type=pa.string(), from_pandas=True)
    encodings = dict.fromkeys(_PLAIN, "PLAIN") | dict.fromkeys(_DELTA, "DELTA_BINARY_PACKED")
    pq.write_table(
        pa.table(columns),
        path,
        compression="zstd",
        compression_level=22,
        use_dictionary=[name for name in columns if name not in encodings],
        column_encoding=encodings,
        store_decimal_as_integer=True,
        store_schema=False,
        write_statistics=False,
    )
