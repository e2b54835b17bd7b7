import re
import typing

import pytest

from kam.columns import GLOSSARY, Format


@pytest.mark.parametrize("name", GLOSSARY)
def test_names_follow_the_conventions(name):
    entry = GLOSSARY[name]
    assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
    assert entry.label and entry.meaning and entry.unit
    assert entry.format in typing.get_args(Format)
    if name.startswith("n_"):
        assert entry.format == "count"
    if name.startswith("share_"):
        assert entry.format == "share"


def test_the_glossary_is_in_alphabetical_order():
    assert list(GLOSSARY) == sorted(GLOSSARY)
