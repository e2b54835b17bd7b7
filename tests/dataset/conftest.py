"""A small dataset on disk, which each test changes in one place."""

from pathlib import Path

import pytest

LEDGER = """customer_id,order_date,amount,order_id,product_id,note
001,2025-01-10,100.00,a1,p1,x
001,2025-02-10,50.00,a2,p2,x
002,2025-02-11,70.50,a3,p1,x
002,2025-03-11,-20.50,a4,p1,x
003,2025-03-31,10.00,a5,p3,x
"""
ACCOUNTS = """customer_id,name,parent_id,since,credit_limit,ability
001,Größe GmbH,,2020-05-01,1000.50,4
002,株式会社テスト,001,2021-06-30,,5
003,"<b>O'Neill | ""Co""</b>",001,,0,1
"""
SURVEY = """respondent_id,wave,customer_id,answered_on,weight,overall,recommend,delivery,price,segment
r1,2024,001,2024-11-05,1.5,5,10,4,2,big
r2,2024,002,2024-11-30,2,1,8,8,9,small
r1,2025,001,2025-11-01,1.5,4,9,,3,big
"""
YAML = """name: small
title: A small dataset
currency: EUR
as_of: 2025-03-31
criteria: [{name: ability, kind: judged}]
tables:
  ledger: {source: ledger.csv}
  accounts: {source: accounts.csv}
  survey:
    source: survey.csv
    items: [{name: delivery, text: "On time?"}, {name: price, reversed: true}]
    groups: [segment]
    not_applicable: [8]
    no_answer: [9]
"""


class Small:
    """The folder of the dataset, and how to change a file in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "dataset.yaml"
        for name, text in {
            "dataset.yaml": YAML,
            "ledger.csv": LEDGER,
            "accounts.csv": ACCOUNTS,
            "survey.csv": SURVEY,
        }.items():
            (folder / name).write_text(text, encoding="utf-8")

    def change(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    def add(self, table: str, text: str, options: str = "") -> None:
        """Add a table as a file and to dataset.yaml."""
        (self.folder / f"{table}.csv").write_text(text, encoding="utf-8")
        yaml = self.path.read_text(encoding="utf-8")
        self.path.write_text(yaml + f"  {table}: {{source: {table}.csv{options}}}\n", encoding="utf-8")


@pytest.fixture
def small(tmp_path: Path) -> Small:
    folder = tmp_path / "data" / "small"
    folder.mkdir(parents=True)
    return Small(folder)
