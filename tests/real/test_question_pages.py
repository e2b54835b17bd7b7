"""What the pages of the questions quote is what the reports on the sample say."""

from __future__ import annotations

import re

import pytest
from bs4 import BeautifulSoup

from tests.test_question_pages import FOLDER, PAGES


@pytest.mark.parametrize(("page", "notebook"), PAGES.items(), ids=PAGES)
def test_the_report_says_what_the_page_quotes(page, notebook, sample_reports):
    (report,) = sample_reports.glob(f"*/{notebook}/report.html")
    said = " ".join(BeautifulSoup(report.read_text(encoding="utf-8"), "html.parser").get_text().split())
    quotes = re.findall(r"^> (.+)$", (FOLDER / f"{page}.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert quotes
    for quote in quotes:
        assert quote in said
