"""No text keeps a secret, however it is written; what a whole run leaves is looked through in tests/real."""

from __future__ import annotations

import base64
import html
import io
import json
import sys
import zipfile
from urllib.parse import quote, quote_plus

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kam import cli, redaction, report
from kam.errors import SecretError
from kam.redaction import MARK, RedactedStream, Redactor, find_secret, redact, redact_all, remember
from kam.report import notification
from kam.report.notification import Notifier
from kam.report.plan import Notification
from kam.report.redaction import raise_for_secret_files, redact_file, redact_outputs, redact_results
from tests.report.planted_secrets import PLANTED, leaks


def test_the_search_finds_what_is_packed():
    secret = PLANTED["VAULT_ENTRY"]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.xml", html.escape(secret) * 3)
    table = pd.DataFrame({"name": [secret] * 3}).to_parquet(compression="gzip")
    uri = b"data:image/svg+xml;base64," + base64.b64encode(f"<text>{secret}</text>".encode())
    for content in (packed.getvalue(), table, uri, json.dumps({"a": secret}).encode()):
        assert leaks([("x", content)], [secret]), content
    assert leaks([("x", b"nothing here")], [secret]) == []


# -- texts -----------------------------------------------------------------------------------------------------------

signs = st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("\"'\\/&<>%+= \n\t•aA0"))
secrets = st.text(signs, min_size=4, max_size=12).filter(lambda text: len(text.strip()) >= 4).map(str.strip)
WAYS = [
    lambda text: text, repr, ascii, json.dumps, html.escape, quote, quote_plus, quote_plus, lambda text: repr(text.encode()),
    lambda text: quote(text, safe=""), lambda text: json.dumps(text, ensure_ascii=False).replace("<", "\\u003c"),
    lambda text: html.escape(text, quote=False), lambda text: text.replace("&", "&amp;").replace("<", "&lt;"),
]  # fmt: skip


@settings(max_examples=60)
@given(
    st.lists(secrets, min_size=1, max_size=2),
    st.text(signs),
    st.text(signs),
    st.sampled_from(WAYS),
    st.sampled_from(WAYS),
)
def test_no_secret_survives_however_it_is_written(known, before, after, first, second):
    redactor = Redactor(known)
    for secret in known:
        for text in (before + second(first(secret)) + after, second(before + first(secret) + after)):
            redacted = redactor(text)
            assert secret not in redacted and MARK in redacted
            assert redactor(redacted) == redacted and not redactor.finds(redacted)


@given(
    secrets,
    st.binary(max_size=7),
    st.binary(max_size=7),
    st.sampled_from(["x={}", '{{"a": "{}"}}', "data:a/b;base64,{}"]),
)
def test_no_secret_survives_in_base64(secret, before, after, frame):
    if len(secret.encode()) < 5:  # four bytes among others are too few to tell
        before = after = b""
    text = base64.b64encode(before + secret.encode() + after).decode()
    assert MARK in Redactor([secret])(frame.format(text))
    assert MARK in Redactor([secret])(f"x={text.replace('+', '-').replace('/', '_')}")


@given(st.lists(secrets, max_size=3), st.text("bcdefghij 123456789", max_size=200))
def test_other_texts_stay_as_they_are(known, text):
    redactor = Redactor(secret for secret in known if not set(secret.lower()) & set("bcdefghij 123456789+%&\\"))
    assert redactor(text) == text


def test_overlapping_secrets_leave_no_piece():
    assert Redactor(["abcdef", "defghi"])("<abcdefghi>") == f"<{MARK}>"
    assert Redactor(["abcd", "abcdefgh"])("abcdefgh abcd") == f"{MARK} {MARK}"
    assert Redactor(["•••x"])("•••xx") == MARK


def test_a_short_secret_is_left_and_one_of_several_lines_is_found_line_by_line():
    assert Redactor(["abc", "  x "])("abc x") == "abc x"
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END KEY-----"
    redactor = Redactor([key])
    assert redactor("line 2: kqhkiG9w0BAQEF!") == f"line 2: {MARK}!"
    assert redactor.redact_all(["a\n", "MIIEvQIBADANBg\n", "b"]) == ["a\n", f"{MARK}\n", "b"]


def test_long_runs_of_signs_take_no_time():
    text = "\\" * 50_000 + "'" * 50_000 + "&amp;" * 50_000 + "%25" * 50_000
    assert Redactor(["\\'\\\n'&%x", "&&%%'\\"])(text) == text


def test_a_picture_is_not_hit_by_chance(monkeypatch):
    content = base64.b64encode(bytes(range(256)) * 40).decode()
    redactor = Redactor([content[100:106]])  # what is in the picture is another thing
    assert redactor.redact_all({"image/png": content, "x": f"data:image/png;base64,{content}"})["image/png"] == content
    assert redactor(f"<img src='data:image/png;base64,{content}'>").count(MARK) == 0
    with_text = base64.b64encode(b"\x89PNG tEXt hunter2! IEND").decode()
    assert Redactor(["hunter2!"]).redact_all({"image/png": with_text}) == {"image/png": MARK}


def test_the_environment_tells_secrets_by_name_and_addresses_by_their_password(monkeypatch):
    kept = {"MY_API_KEY": "k3y-of-mine", "OLDPWD": "/home/someone", "PASSWORD_FILE": "/run/secrets", "A_TOKEN": "short"}
    address = {"BROKER_URL": "amqp://me:p%40ss%2Fword@host:5672/x", "HOMEPAGE": "https://example.org:8080/a@b"}
    for name, value in (kept | address).items():
        monkeypatch.setenv(name, value)
    text = " ".join([*kept.values(), *address.values(), "p@ss/word"])
    assert redact(text) == (
        f"{MARK} /home/someone /run/secrets short amqp://me:{MARK}@host:5672/x https://example.org:8080/a@b {MARK}"
    )
    assert find_secret("the k3y-of-mine") == "the environment variable MY_API_KEY"
    monkeypatch.delenv("MY_API_KEY")
    assert find_secret("the k3y-of-mine") is None


# -- streams and files -----------------------------------------------------------------------------------------------


@pytest.fixture
def known(monkeypatch):
    monkeypatch.setattr(redaction, "_remembered", {})
    remember("hunter2!", "${env:PW}")


@pytest.mark.usefixtures("known")
def test_a_stream_shows_no_secret():
    inner = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    stream = RedactedStream(inner)
    print("a hunter2! b", file=stream, flush=True)
    assert inner.buffer.getvalue() == f"a {MARK} b\n".encode()
    assert (stream.encoding, stream.isatty(), stream.writable()) == ("utf-8", False, True)


@pytest.mark.usefixtures("known")
def test_the_command_shows_no_secret_whatever_goes_wrong(monkeypatch, capsys):
    def fail(*_, **__):
        raise RuntimeError("no route to postgresql://me:hunter2%21@host")

    monkeypatch.setattr(report, "run_plan", fail)
    monkeypatch.setattr(sys, "argv", ["kam", "run", "10"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    told = capsys.readouterr().err
    assert end.value.code == 1 and told.endswith(f"RuntimeError: no route to postgresql://me:{MARK}@host\n")


@pytest.mark.usefixtures("known")
def test_what_was_printed_in_pieces_is_put_together():
    pieces = [{"output_type": "stream", "name": "stdout", "text": text} for text in ("a hunt", "er2! b", "c")]
    assert [piece["text"] for piece in redact_outputs(pieces)] == [f"a {MARK} bc", "", ""]
    assert [piece["text"] for piece in redact_outputs(pieces[1:])] == ["er2! b", "c"]


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    ("frame", "place"),
    [
        (pd.DataFrame({"name": ["a", "my hunter2! b"]}), "column 'name'"),
        (pd.DataFrame({"name": ["a", "aHVudGVyMiE="]}).astype("category"), "column 'name'"),
        (pd.DataFrame({"names": [["a"], ["hunter2!"]]}), "column 'names'"),
        (pd.DataFrame({"raw": [b"hunter2!"]}), "column 'raw'"),
        (pd.DataFrame({"of hunter2!": [1]}), "name of a column"),
    ],
)
def test_a_table_with_a_secret_is_refused(tmp_path, frame, place):
    (tmp_path / "tables").mkdir()
    frame.to_parquet(tmp_path / "tables" / "a.parquet")
    with pytest.raises(SecretError, match=place) as refused:
        raise_for_secret_files(tmp_path)
    assert "hunter2" not in str(refused.value) and "${env:PW}" in str(refused.value)


@pytest.mark.usefixtures("known")
def test_other_files_with_a_secret_are_refused_and_clean_ones_are_not(tmp_path):
    pd.DataFrame({"name": ["a"], "n": [1]}).to_parquet(tmp_path / "a.parquet")
    (tmp_path / "b.csv").write_text("hunter2", encoding="utf-8")
    raise_for_secret_files(tmp_path)
    with pd.ExcelWriter(tmp_path / "c.xlsx") as workbook:
        pd.DataFrame({"name": ["hunter2!"]}).to_excel(workbook)
    with pytest.raises(SecretError, match=r"a part of it. Where: c.xlsx"):
        raise_for_secret_files(tmp_path)
    (tmp_path / "c.xlsx").rename(tmp_path / "hunter2!.csv")
    with pytest.raises(SecretError, match="a file's name"):
        raise_for_secret_files(tmp_path)


@pytest.mark.usefixtures("known")
def test_files_that_cannot_be_read_do_not_stay(tmp_path):
    (tmp_path / "notebook.ipynb").write_text('{"cells": [{"outputs": "hunter2!', encoding="utf-8")
    redact_file(tmp_path / "notebook.ipynb")
    redact_file(tmp_path / "notebook.ipynb")
    (tmp_path / "results.json").write_text("{", encoding="utf-8")
    redact_results(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]


@pytest.mark.usefixtures("known")
def test_numbers_and_other_values_stay_as_they_are():
    value = {"a": [1, None, ("hunter2!", 2.5)], "hunter2!": True}
    assert redact_all(value) == {"a": [1, None, (MARK, 2.5)], MARK: True}


@pytest.mark.usefixtures("known")
def test_who_is_notified_of_an_error_reads_no_secret(monkeypatch, tmp_path):
    told = []
    monkeypatch.setattr(notification, "call_command", lambda *told_now: told.append(told_now) or "it said hunter2!")
    notifier = Notifier(Notification(command=("tell", "x")), plan="night", root=tmp_path)
    notifier.tell_error(RuntimeError("no route to hunter2%21@host"))
    assert f"no route to {MARK}@host" in json.loads(told[0][1])["error"]
    assert notifier.notes == [f"Nobody was notified: it said {MARK}"]
    unset = Notifier(Notification(command=("tell", "${env:NOT_SET_ANYWHERE}")), plan="night", root=tmp_path)
    unset.tell_error(RuntimeError("it failed"))
    assert len(told) == 1 and "'NOT_SET_ANYWHERE' is not set" in unset.notes[0]
