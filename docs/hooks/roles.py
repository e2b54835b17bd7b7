"""Docstrings of kam, which use the roles of reStructuredText, in Markdown: links to what has a place in the manual."""

from __future__ import annotations

import re
from typing import Any

import griffe

from docs.hooks.methods import documented

_EXAMPLE = re.compile(r"^>>> .*(?:\n.+)*", re.MULTILINE)
_ROLE = re.compile(r":(?:attr|class|data|func|meth|mod):`(~?)([^`]+)`")


class Roles(griffe.Extension):
    """Griffe calls it with each package that it has read."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Rewrite every docstring of the package."""
        _rewrite(pkg)


def _rewrite(item: griffe.Object | griffe.Alias) -> None:
    if item.is_alias:
        return
    if item.docstring:
        text = link_roles(item.docstring.value, item.module.path)
        text = re.sub(r"(?m)::$", ":", text)
        if not re.search(r"^Examples\n-+$", text, re.MULTILINE):  # of such a section griffe sees the examples itself
            text = _EXAMPLE.sub(lambda found: f"```pycon\n{found.group()}\n```", text)
        item.docstring.value = text
    for member in item.members.values():
        _rewrite(member)


def link_roles(text: str, module: str) -> str:
    """``[`name`][path]`` for a role whose name, as written in a module, has a place in the manual; else the name as code."""

    def link(found: re.Match[str]) -> str:
        short, name = found.groups()
        places, package = documented(), module.rpartition(".")[0]
        written = (name, f"{module}.{name}", f"{package}.{name}")
        path = next((places[one] for one in written if one in places), "")
        shown = name.rpartition(".")[2] if short else name
        return f"[`{shown}`][{path}]" if path else f"`{shown}`"

    return _ROLE.sub(link, text)
