"""A company in which every word about a person can be told: a search for it finds each leak, and nothing else.

The figures are the sample company's. What names a person, or was said or written by or of one, begins with ``Zq``; ids and names
of accounts, and names of managers, tell whose they are: ``q07x000107`` is an account of manager 7, ``Zm07`` his name.
"""

from __future__ import annotations

import re
import zipfile
from base64 import b64decode
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pandas as pd
from PIL import Image
from pyarrow.parquet import read_metadata

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
_PICTURE = re.compile(r"(?<=base64,|png\": \")[A-Za-z0-9+/=\\]{100,}")
PERSON = re.compile(r"Zq(?:sponsor|name|mail|role|resp|comment|group|outcome|reason|wish|setter)\d*", re.IGNORECASE)
_NOBODY = 0


def manager(n: int) -> str:
    """The name of a manager."""
    return f"Mana Zm{n:02d}"


def plant_company(folder: Path) -> Path:
    """Write it; the path of its ``dataset.yaml``."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = {file.stem: pd.read_csv(file, dtype="str", keep_default_na=False) for file in SAMPLE.glob("*.csv")}
    ledger = pd.read_parquet(SAMPLE / "ledger.parquet")
    accounts = tables["accounts"]
    names = list(accounts["manager"][accounts["manager"] != ""].value_counts().index)
    numbers = {name: n for n, name in enumerate(names, start=1)} | {"": _NOBODY}
    own = dict(zip(accounts["customer_id"], accounts["manager"].map(numbers), strict=True))

    def rename(ids: pd.Series) -> pd.Series:
        return ids.map(lambda i: i if pd.isna(i) or not i.strip() else f"q{own.get(i, _NOBODY):02d}x{i}")

    accounts["name"] = [f"Firm {i} of Zf{own[i]:02d}" for i in accounts["customer_id"]]
    accounts["parent_id"] = rename(accounts["parent_id"])
    accounts["manager"] = accounts["manager"].map(lambda name: manager(numbers[name]) if name else "")
    accounts["sponsor"] = [f"Zqsponsor{i}" if name else "" for i, name in enumerate(accounts["sponsor"])]
    contacts, survey, events = tables["contacts"], tables["survey"], tables["events"]
    contacts["name"] = [f"Zqname{i}" for i in range(len(contacts))]
    contacts["contact_id"] = [f"Zqmail{i}@example.com" for i in range(len(contacts))]
    contacts.loc[::50, "role"] = [f"Zqrole{i}" for i in range(len(contacts.loc[::50]))]
    respondents = {name: f"Zqresp{i}" for i, name in enumerate(survey["respondent_id"].unique())}
    survey["respondent_id"] = survey["respondent_id"].map(respondents)
    survey["comment"] = [f"Zqcomment{i}" for i in range(len(survey))]
    survey.loc[::60, "role"] = [f"Zqgroup{i}" for i in range(len(survey.loc[::60]))]
    survey["psu"] = rename(survey["psu"])
    events["outcome"] = [manager(numbers[o]) if o in numbers and o else o for o in events["outcome"]]
    events.loc[events["kind"] == "lost", "outcome"] = [f"Zqoutcome{i}" for i in range((events["kind"] == "lost").sum())]
    written = events["reason"] != ""
    events.loc[written & (events.index % 40 == 0), "reason"] = "Zqreason"
    events["reason"] += [str(i) if reason == "Zqreason" else "" for i, reason in enumerate(events["reason"])]
    overrides = tables["overrides"]
    overrides["reason"] = [f"Zqwish{i}" for i in range(len(overrides))]
    overrides["set_by"] = [f"Zqsetter{i}" for i in range(len(overrides))]
    for name, frame in tables.items():
        if "customer_id" in frame:
            frame["customer_id"] = rename(frame["customer_id"])
        frame.to_csv(folder / f"{name}.csv", index=False)
    ledger["customer_id"] = rename(ledger["customer_id"])
    ledger.to_parquet(folder / "ledger.parquet")
    text = (SAMPLE / "dataset.yaml").read_text(encoding="utf-8").replace("name: sample", "name: planted", 1)
    (folder / "dataset.yaml").write_text(text, encoding="utf-8")
    return folder / "dataset.yaml"


def texts_below(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every file with all the text that can be got out of it: name, content, tables, members of archives, texts in pictures."""
    for path in sorted(folder.rglob("*")):
        yield path, str(path.relative_to(folder))
        if not path.is_file():
            continue
        content = path.read_bytes()
        if path.suffix == ".parquet":
            kept = read_metadata(path)  # the smallest and largest values of each column, too
            notes = dict(kept.metadata or {})
            schema = b64decode(notes.pop(b"ARROW:schema", b"")).decode("latin-1")
            yield path, f"{kept.to_dict()} {notes} {schema} {pd.read_parquet(path).to_csv()}"
            continue
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    yield path, name + archive.read(name).decode("utf-8", "replace")
            continue
        text = content.decode("utf-8", "replace")
        yield path, _PICTURE.sub("", text)
        for picture in _PICTURE.findall(text):
            for chunk in Image.open(BytesIO(b64decode(picture.replace("\\n", "")))).info.items():
                yield path, repr(chunk)


def find_people(folder: Path) -> set[str]:
    """Words about persons, wherever they stand below a folder, each with the file."""
    return {f"{path.name}: {word}" for path, text in texts_below(folder) for word in PERSON.findall(text)}


def find_strangers(folder: Path, n: int | None) -> set[str]:
    """Managers and accounts other than those of manager `n`; where `n` is None, managers."""
    form = r"Zm(\d\d)" if n is None else r"(?:Zm|Zf|\bq)(\d\d)\w*"
    return {
        f"{path.name}: {found[0]}"
        for path, text in texts_below(folder)
        for found in re.finditer(form, text)
        if n is None or int(found[1]) != n
    }
