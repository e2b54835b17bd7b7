"""The secrets that this process knows, and texts without them.

Known are the values that were remembered (:mod:`kam.dataset.secrets` does that with each reference it resolves) and those of
environment variables whose name or value says that they are secret. Where one stands in a text, also quoted for a URL, escaped
for Python, JSON or HTML, or in base64, the text shows :data:`MARK` instead.

>>> Redactor(["hunter2!"])("GET https://me:hunter2%21@host/ failed: 'hunter2!'")
"GET https://me:•••@host/ failed: '•••'"
"""

from __future__ import annotations

import io
import os
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import lru_cache
from html.entities import codepoint2name
from typing import Any, TextIO, TypeVar
from urllib.parse import unquote

T = TypeVar("T")

MARK = "•••"
"""What stands in the place of a secret."""

SHORTEST = 4
"""Characters; what is shorter cannot be told from other text."""

SHORTEST_GUESSED = 8
"""Characters of the value of an environment variable that is taken for a secret by its name."""

_SECRET_NAME = re.compile(
    r"passw|passphrase|pwd|secret|token|api_?key|access_?key|private_?key|credential|connection_?string", re.IGNORECASE
)
_NO_SECRET = re.compile(r"(OLD)?PWD|.*_(DIR|FILE|HOME|PATH)", re.IGNORECASE)
# An address with a password in it; what follows the colon is no port.
_PASSWORD_IN_URL = re.compile(r"\w[\w+.-]*://[^\s:/@]*:(?!\d{1,5}(?:[/?#]|$))(?P<password>\S+)@")
_PASSWORD_IN_OPTIONS = re.compile(
    r"(?:^|[?&;\s])[\w.]*(?:passw(?:or)?d|passphrase|pwd|secret|token|api_?key)\s*=\s*[^\s&;]", re.IGNORECASE
)
_DATA_URI = re.compile(r"(?<=;base64,)[A-Za-z0-9+/]{8,}={0,2}")
_PICTURE = re.compile(r"(?!image/svg)(image|audio|video)/|application/(pdf|octet-stream)")
_SHORTEST_BASE64 = 6
_LETTERS = {"\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t"}

_remembered: dict[str, str] = {}


def remember(secret: str, name: str) -> None:
    """Know a secret from now on.

    Parameters
    ----------
    secret : str
        Its value.
    name : str
        Where it comes from, for messages.
    """
    if len(secret.strip()) >= SHORTEST:
        _remembered[secret.strip()] = name


def known_secrets() -> dict[str, str]:
    """The secrets that this process knows: where each comes from, by value."""
    return {**dict(_guess(os.environ)), **_remembered}


def _guess(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What is secret in the environment: values by the name of their variable, and passwords in addresses."""
    for name, value in environment.items():
        for found in _PASSWORD_IN_URL.finditer(value):
            for password in (found["password"], unquote(found["password"])):
                if len(password) >= SHORTEST_GUESSED:
                    yield password, f"the environment variable {name}"
        if is_secret_name(name) and not _NO_SECRET.fullmatch(name) and len(value.strip()) >= SHORTEST_GUESSED:
            yield value.strip(), f"the environment variable {name}"


def is_secret_name(name: str) -> bool:
    """Whether what has this name is a secret.

    >>> is_secret_name("DB_PASSWORD"), is_secret_name("apiKey"), is_secret_name("customer_id")
    (True, True, False)
    """
    return bool(_SECRET_NAME.search(name))


def holds_password(text: str) -> bool:
    """Whether a text is an address with a password in it, or has one among its options.

    >>> holds_password("postgresql://me:hunter2@host/db"), holds_password("postgresql://me@host:5432/db")
    (True, False)
    >>> holds_password("host=db user=me password=hunter2")
    True
    """
    return bool(_PASSWORD_IN_URL.search(text) or _PASSWORD_IN_OPTIONS.search(text))


def redact(text: str) -> str:
    """The text without the secrets that are known."""
    return _redactor(frozenset(known_secrets()))(text)


def redact_all(value: T) -> T:
    """The same value without secrets in its texts; dicts, lists, tuples and data classes are gone through."""
    return _redactor(frozenset(known_secrets())).redact_all(value)


def find_secret(text: str | bytes) -> str | None:
    """Where a secret comes from that stands in the text, or in the bytes; None if there is none."""
    known = known_secrets()
    if not _redactor(frozenset(known)).finds(text):
        return None
    return next((name for secret, name in known.items() if _redactor(frozenset([secret])).finds(text)), None)


class Redactor:
    """Takes secrets out of texts.

    Parameters
    ----------
    secrets : iterable of str
        Values; those shorter than :data:`SHORTEST` are left out.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        texts = {text for secret in secrets if len(secret.strip()) >= SHORTEST for text in _parts(secret.strip())}
        self._spelled = [_spell(text) for text in sorted(texts)]
        self._encoded = sorted({form for text in texts for form in _in_base64(_to_bytes(text))})

    def __call__(self, text: str) -> str:
        """The text with :data:`MARK` in the place of each secret; where secrets overlap, of all of them together."""
        # A mark and what stands beside it may be a secret again; each turn makes the text shorter.
        while spans := self._spans(text):
            pieces, end = [], 0
            for begin, stop in spans:
                pieces += [text[end:begin], MARK]
                end = stop
            text = "".join(pieces) + text[end:]
        return text

    def redact_all(self, value: T) -> T:
        """The same value without secrets in its texts; dicts, lists, tuples and data classes are gone through."""
        mapped: T = _map_texts(value, self) if self._spelled else value
        return mapped

    def finds(self, content: str | bytes) -> bool:
        """Whether a secret stands in it."""
        text = content if isinstance(content, str) else content.decode("utf-8", "surrogateescape")
        return bool(self._spans(text))

    def _spans(self, text: str) -> list[tuple[int, int]]:
        """Where secrets stand; spans that touch are one."""
        found = [match.span() for spelled in self._spelled for match in spelled.finditer(text)]
        found += [(begin, begin + len(form)) for form in self._encoded for begin in _positions(form, text)]
        if ";base64," in text:  # a picture is hit by chance: what it is counts, not how it is written
            pictures = [match.span() for match in _DATA_URI.finditer(text)]
            found = [span for span in found if not any(a <= span[0] and span[1] <= b for a, b in pictures)]
            found += [(a, b) for a, b in pictures if self.finds_in_base64(text[a:b])]
        spans: list[tuple[int, int]] = []
        for begin, end in sorted(found):
            if spans and begin <= spans[-1][1]:
                spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
            else:
                spans.append((begin, end))
        return spans

    def finds_in_base64(self, text: str) -> bool:
        """Whether a secret stands in what the text means in base64."""
        try:
            return self.finds(b64decode("".join(text.split())))
        except ValueError:
            return self.finds(text)


class RedactedStream(io.TextIOBase):
    """A text stream that shows no secrets; what it writes goes to another, whose name and nature it has.

    Parameters
    ----------
    stream : text stream
        Where the text goes.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Of the other."""
        return self._stream.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        """Of the other."""
        return self._stream.errors

    def write(self, text: str) -> int:
        """Write the text without secrets."""
        self._stream.write(redact(text))
        return len(text)

    def flush(self) -> None:
        """Pass on what is held back."""
        if not self._stream.closed:
            self._stream.flush()

    def isatty(self) -> bool:
        """Whether a person reads it."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """Of the other."""
        return self._stream.fileno()

    def writable(self) -> bool:
        """It is."""
        return True


# -- how a secret may be written -------------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _redactor(secrets: frozenset[str]) -> Redactor:
    return Redactor(secrets)


def _parts(secret: str) -> Iterator[str]:
    """The secret; of one with several lines each that is long enough, too: they are shown one by one."""
    yield secret
    yield from (line.strip() for line in secret.splitlines() if len(line.strip()) >= SHORTEST_GUESSED)


def _spell(text: str) -> re.Pattern[str]:
    """Every way to write the text in another: each sign as it is, or quoted for a URL, HTML, JSON or Python, also twice."""
    parts, before = [], ""
    for sign in text:
        if sign == before == "\\":
            continue  # a run of them is one
        parts.append(_spell_sign(sign, before))
        before = sign
    return re.compile("".join(parts))


# Signs of escapes, which may be escaped themselves.
_SLASH = r"(?:\\|%(?:25)*5[cC]|&#0*92;|&#[xX]0*5[cC];)"
_AND, _NUMBER, _END = r"(?:&|%(?:25)*26)(?:amp(?:;|%(?:25)*3[bB]))*", "(?:#|%(?:25)*23)", "(?:;|%(?:25)*3[bB])"


def _spell_sign(sign: str, before: str) -> str:
    if sign.isascii() and sign.isalnum():
        return sign
    # How many backslashes stand there is left open; never twice in a row, so that no run of them takes long.
    if sign == "\\":
        return f"{_SLASH}++" if before else rf"(?<!\\){_SLASH}++"
    slash = _SLASH if not before else f"{_SLASH}*+" if before == "\\" else f"{_SLASH}++"
    code, content = ord(sign), _to_bytes(sign)
    codes = [f"u{_hex(code, 4)}", f"U{_hex(code, 8)}"] if code <= 0xFFFF else [f"U{_hex(code, 8)}"]
    codes += [f"x{_hex(code, 2)}"] if code <= 0xFF else []
    codes += [_LETTERS[sign]] if sign in _LETTERS else []
    codes += [f"{_SLASH}++".join(f"x{_hex(byte, 2)}" for byte in content)]
    if code > 0xFFFF:
        pair = sign.encode("utf-16-be")
        codes += [f"{_SLASH}++".join(f"u{_hex(int.from_bytes(half), 4)}" for half in (pair[:2], pair[2:]))]
    names = [name for name in (codepoint2name.get(code), "apos" if sign == "'" else None) if name]
    entities = [f"{_NUMBER}(?:0*{code}|[xX]0*{_hex(code, 1)})", *names]
    plain = [f"{_AND}(?:{'|'.join(entities)}){_END}", "".join(f"%(?:25)*{_hex(byte, 2)}" for byte in content)]
    plain += [r"\+", "%(?:25)*2[bB]"] if sign == " " else []
    plain += [r"\r?\n" if sign == "\n" else re.escape(sign)]
    optional = f"{_SLASH}*+" if before else ""
    return f"(?:{slash}(?:{'|'.join(codes)})|{optional}(?:{'|'.join(plain)}))"


def _hex(number: int, width: int) -> str:
    """The number in hexadecimal digits, large or small."""
    return re.sub("[a-f]", lambda digit: f"[{digit[0]}{digit[0].upper()}]", f"{number:0{width}x}")


def _in_base64(content: bytes) -> Iterator[str]:
    """In base64 by itself, and as it stands in that of a longer text, behind any number of other bytes."""
    whole = b64encode(content).decode().rstrip("=")
    cores = [whole]
    for before in range(3):
        text = b64encode(bytes(before) + content).decode()
        cores.append(text[-(-before * 8 // 6) : (before + len(content)) * 8 // 6])
    for core in cores:
        if len(core) >= _SHORTEST_BASE64:
            yield core
            yield core.replace("+", "-").replace("/", "_")


def _to_bytes(text: str) -> bytes:
    """As the environment has it: a byte that is no UTF-8 is a lone surrogate there."""
    return text.encode("utf-8", "surrogateescape" if _comes_from_bytes(text) else "surrogatepass")


def _comes_from_bytes(text: str) -> bool:
    return not any("\ud800" <= c <= "\udfff" and not "\udc80" <= c <= "\udcff" for c in text)


def _positions(form: str, text: str) -> Iterator[int]:
    at = text.find(form)
    while at >= 0:
        yield at
        at = text.find(form, at + 1)


# -- values ----------------------------------------------------------------------------------------------------------


def _map_texts(value: Any, function: Redactor) -> Any:
    if isinstance(value, str):
        return function(value)
    if isinstance(value, dict):
        return type(value)({_map_texts(key, function): _map_item(key, item, function) for key, item in value.items()})
    if isinstance(value, list):
        if len(value) > 1 and isinstance(value[-1], str) and all(str(item).endswith("\n") for item in value[:-1]):
            return function("".join(value)).splitlines(keepends=True)  # one text, as notebooks store it, line by line
        return [_map_texts(item, function) for item in value]
    if isinstance(value, tuple):
        return tuple(_map_texts(item, function) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: _map_texts(getattr(value, f.name), function) for f in fields(value) if f.init})
    return value


def _map_item(key: object, item: Any, function: Redactor) -> Any:
    if isinstance(key, str) and isinstance(item, str) and _PICTURE.match(key):  # base64, as notebooks have it
        return MARK if function.finds_in_base64(item) else item
    return _map_texts(item, function)
