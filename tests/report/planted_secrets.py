"""Secrets to plant, and the search for them in whatever a run leaves; the forms of a secret are worked out here anew."""

from __future__ import annotations

import base64
import html
import io
import json
import re
import zipfile
from pathlib import Path
from urllib.parse import quote, quote_plus

import pandas as pd

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "shows_secrets.ipynb"
MODES = ("succeeds", "raises", "saves_table", "dies")
PLANTED = {
    "VAULT_ENTRY": 'Zürich "4\'s" <b>&\\x',  # part of the name of a file; by its name nobody would take it for a secret
    "SMTP_TOKEN": "tok-91_ab+cd/ef==",  # referred to by nothing: its name tells
    "keyring": "k3y=ring;folder",  # part of the name of a folder
    "MAIL_ENTRY": "m4il&box",  # only for the command that notifies
}


def forms(secret):
    """How a secret may be written, by the standard library alone."""
    encoded = secret.encode()
    found = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), repr(secret)[1:-1], ascii(secret)[1:-1]}
    found |= {json.dumps(secret)[1:-1], json.dumps(repr(secret))[2:-2], html.escape(secret), repr(encoded)[2:-1]}
    found |= {secret.replace("&", "&amp;").replace("<", "&lt;"), json.dumps(secret).replace("<", "\\u003c")[1:-1]}
    found |= {html.escape(secret, quote=False), base64.b64encode(encoded).decode().rstrip("=")}
    return {form.encode() for form in found}


def places(path, content):
    """Everything that is in a file, as bytes: also what is packed or written in base64."""
    yield path, content
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                yield from places(f"{path}!{name}", archive.read(name))
    if content.startswith(b"PAR1"):
        yield f"{path}!cells", pd.read_parquet(io.BytesIO(content)).to_csv().encode()
    for run in set(re.findall(rb"[A-Za-z0-9+/_-]{8,}", content)):
        for text in (run[i:].replace(b"-", b"+").replace(b"_", b"/") for i in range(4)):
            yield f"{path}!base64", base64.b64decode(text[: len(text) // 4 * 4])


def leaks(files, secrets):
    return sorted(
        {(str(place), secret) for path, content in files for place, inner in places(path, content)
         for secret in secrets if any(form in inner for form in forms(secret))}
    )  # fmt: skip
