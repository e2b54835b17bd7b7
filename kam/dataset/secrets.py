"""References to secrets: what stands in ``dataset.yaml`` and in a plan in the place of a password.

``${env:NAME}`` is the value of an environment variable, ``${keyring:service/user}`` the password that the keyring of the machine
has for a user of a service (the extra ``kam[keyring]``). A reference is resolved when what it stands in is opened, and only then;
a digest of ``dataset.yaml`` is one of the reference. What was resolved is known from then on and does not get into what a run
writes (:mod:`kam.redaction`).

>>> find_references("postgresql://analyst:${env:PGPASSWORD}@host/db")
('env:PGPASSWORD',)
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import quote

from kam.errors import SecretError
from kam.redaction import holds_password, is_secret_name, remember

FORMS = "${env:NAME}, ${keyring:service/user}"
"""How references are written."""

_REFERENCE = re.compile(r"\$\{([^{}]*)\}")
_VARIABLE = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)")
_ENTRY = re.compile(r"keyring:([^\s/](?:.*\S)?)/([^\s/]+)")


def find_references(text: str) -> tuple[str, ...]:
    """What the references in a text name, in their order."""
    return tuple(_REFERENCE.findall(text))


def find_fault(text: str) -> str:
    """What is wrong with how references are written in a text, or with a secret in it; empty if nothing is.

    >>> find_fault("${PGPASSWORD}")
    '${PGPASSWORD} is no reference. Did you mean ${env:PGPASSWORD}? Allowed: ${env:NAME}, ${keyring:service/user}.'
    >>> find_fault("${env:FOLDER}/orders.csv")
    ''
    """
    for name in find_references(text):
        if not (_VARIABLE.fullmatch(name) or _ENTRY.fullmatch(name)):
            guess = f"Did you mean ${{env:{name}}}? " if _VARIABLE.fullmatch(f"env:{name}") else ""
            return f"${{{name[:60]}}} is no reference. {guess}Allowed: {FORMS}."
    if "${" in _REFERENCE.sub("", text):
        return f"a reference is not closed. Allowed: {FORMS}."
    return ""


def exposes_secret(text: str) -> bool:
    """Whether a password itself, and not a reference, stands in an address or among options.

    >>> exposes_secret("postgresql://me:hunter2@host/db"), exposes_secret("postgresql://me:${env:PGPASSWORD}@host/db")
    (True, False)
    """
    return holds_password(_REFERENCE.sub("", text))


def find_exposed(name: str, value: object) -> Iterator[str]:
    """Names below which a secret itself stands: called like one, or an address with a password.

    >>> list(find_exposed("source", {"token": "x", "urls": ["https://me:hunter2@host"]}))
    ['source.token', 'source.urls[0]']
    """
    last = name.rpartition(".")[2]
    if is_secret_name(last) and value not in (None, "", [], {}):
        yield name
    elif isinstance(value, str):
        if exposes_secret(value):
            yield name
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from find_exposed(f"{name}.{key}", item)
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            yield from find_exposed(f"{name}[{i}]", item)


def resolve(text: str, *, where: str) -> str:
    """A text with what its references stand for, quoted where the text is an address.

    Parameters
    ----------
    text : str
        The text.
    where : str
        The file, for messages.

    Returns
    -------
    str
        Not to be shown, nor kept; what was put in is known to :mod:`kam.redaction` from now on.

    Raises
    ------
    SecretError
        The variable is not set or empty, the keyring has no such password or cannot be asked.

    Examples
    --------
    >>> os.environ["KAM_DOCTEST_PASSWORD"] = "p/w ab"
    >>> resolve("postgresql://me:${env:KAM_DOCTEST_PASSWORD}@host/db", where="dataset.yaml")
    'postgresql://me:p%2Fw%20ab@host/db'
    >>> del os.environ["KAM_DOCTEST_PASSWORD"]
    """
    if fault := find_fault(text):
        raise SecretError(f"A reference to a secret is wrong: {fault}", where=where)
    is_address = "://" in _REFERENCE.sub("", text)

    def put(match: re.Match[str]) -> str:
        value = _look_up(match[1], where)
        remember(value, match[0])
        return quote(value, safe="") if is_address else value

    return _REFERENCE.sub(put, text)


def resolve_all(path: Path) -> None:
    """Resolve every reference of a ``dataset.yaml``, so that this process knows the secrets.

    Raises
    ------
    SecretError
        One cannot be resolved.
    DatasetError
        The file is wrong.
    UnreadableFileError
        It cannot be read.
    """
    from kam.dataset.opening import open_dataset  # which resolves references itself

    if path.is_file() and b"${" not in path.read_bytes():
        return
    dataset = open_dataset(path)
    for name in dataset.tables:
        resolve(getattr(dataset.file.tables, name).source, where=str(path))


def _look_up(reference: str, where: str) -> str:
    if variable := _VARIABLE.fullmatch(reference):
        return _read_variable(variable[1], where)
    entry = _ENTRY.fullmatch(reference)
    assert entry is not None  # find_fault looked
    return _ask_keyring(entry[1], entry[2], where)


def _read_variable(name: str, where: str) -> str:
    value = os.environ.get(name)
    if value:
        return value
    if value is not None:
        raise SecretError(f"The environment variable {name!r} is empty.", where=where, hint=f"Give {name} its value.")
    near = get_close_matches(name.casefold(), by_folded := {other.casefold(): other for other in os.environ}, n=1)
    guess = f"Did you mean {by_folded[near[0]]!r}, which is set? " if near else ""
    raise SecretError(
        f"The environment variable {name!r} is not set.",
        where=where,
        hint=f"{guess}Set it for the command, as in `read -rs {name}; export {name}`; docs/secrets.md says more.",
    )


def _ask_keyring(service: str, user: str, where: str) -> str:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        raise SecretError(
            f"${{keyring:{service}/{user}}} needs the package keyring, which is not installed.",
            where=where,
            hint="Install it with `pip install 'kam[keyring]'`, or use ${env:NAME}.",
        ) from None
    try:
        value = keyring.get_password(service, user)
    except KeyringError as error:
        raise SecretError(
            f"The keyring cannot be asked: {type(error).__name__}.",
            where=where,
            hint="`python -m keyring diagnose` says why; a run by the clock may have no keyring: use ${env:NAME} there.",
        ) from error
    if not value:
        raise SecretError(
            f"The keyring has no password of {user!r} for {service!r}.",
            where=where,
            hint=f"Store it with `python -m keyring set {service} {user}`.",
        )
    return value
