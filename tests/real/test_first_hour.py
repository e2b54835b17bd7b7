"""What tests/test_first_hour.py leaves out of docs/first_hour.md: runs and database; and the notebook of the recipes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pandas as pd
from bs4 import BeautifulSoup

from tests.real.postgres_server import ANALYST_PASSWORD
from tests.stranger_files import read_accounts, read_lines, write_text_file, write_workbook
from tests.test_first_hour import follow
from tests.test_recipes import own_notebook

LINES = {"customer_id": "text", "order_date": "date", "amount": "numeric(14,4)", "order_id": "text"}
ACCOUNTS = {"customer_id": "text", "name": "text", "industry": "text"}


def type_line(words: list[str], folder: Path) -> str:
    environment = os.environ | {"PGPASSWORD": ANALYST_PASSWORD, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-m", "kam", *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def read_report(printed: str) -> str:
    report = Path(re.findall(r"→ (.*report\.html)", printed)[-1])
    return " ".join(BeautifulSoup(report.read_text(encoding="utf-8"), "html.parser").get_text().split())


def plain(frame: pd.DataFrame, columns: dict[str, str]) -> list[tuple[object, ...]]:
    return [tuple(row) for row in frame[list(columns)].itertuples(index=False)]


def test_the_whole_page(tmp_path, postgres):
    postgres.create_database("first_hour")
    lines = read_lines().assign(order_date=lambda frame: frame["order_date"].dt.date)
    postgres.load("sales.order_lines", LINES, plain(lines, LINES), database="first_hour")
    postgres.load("sales.accounts", ACCOUNTS, plain(read_accounts(), ACCOUNTS), database="first_hour")
    address = postgres.address("first_hour", password="").replace("@", ":${env:PGPASSWORD}@")
    said: list[str] = []

    def kam(words: list[str]) -> str:
        folder = tmp_path if words[0] == "new" else tmp_path / "work"
        words = [address if word.startswith("postgresql:") else word for word in words]
        if words[0] == "run":
            words += ["-p", "n_resamples=20"]
        printed = type_line(words, folder)
        if words[0] == "new":
            write_text_file(tmp_path / "work" / "매출내역.csv")
            write_workbook(tmp_path / "work" / "sales.xlsx")
        if words[0] == "run":
            said.append(read_report(printed))
        return printed

    quoted: list[str] = []

    def check(quote: str) -> None:
        assert quote in said[-1]
        quoted.append(quote)

    assert follow(tmp_path, kam, check) == 23
    assert len(quoted) == 2 and len(said) == 4


def test_the_notebook_of_the_recipes_runs(tmp_path):
    type_line(["new", "work"], tmp_path)
    nbformat.write(own_notebook(), tmp_path / "work" / "notebooks" / "15_one_region.ipynb")
    said = read_report(type_line(["run", "15", "-p", "region=Japan"], tmp_path / "work"))
    assert "customers bring" in said
