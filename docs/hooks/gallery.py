"""The page "Gallery", from the figures that ``docs/gallery.py`` drew."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

FOLDER = Path(__file__).parents[2] / "build" / "gallery"


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Add the page and its pictures."""
    listing = FOLDER / "figures.json"
    if not listing.exists():
        raise PluginError("There are no figures for the gallery. Run `make docs`, or docs/gallery.py first.")
    figures = json.loads(listing.read_text(encoding="utf-8"))
    for figure in figures:
        files.append(File.generated(config, f"gallery/{figure['file']}", abs_src_path=str(FOLDER / figure["file"])))
    files.append(File.generated(config, "gallery.md", content="\n".join(write_page(figures))))


def write_page(figures: list[dict[str, Any]]) -> Iterator[str]:
    """Each figure with its function, its title and where it is shown."""
    yield "# Gallery\n"
    yield "Every figure of `kam.plots`, on the sample. Below a figure stands its alternative text, which begins with its title."
    yield "A title says what was found, so it is another on other data.\n"
    notebook = None
    for figure in figures:
        if figure["notebook"] != notebook:
            notebook = figure["notebook"]
            yield f"## {notebook or 'In no notebook'}\n"
        yield f"### {', '.join(figure['names'])}\n"
        if figure["section"]:
            yield f"Section “{figure['section']}”.\n"
        alt = escape(figure["alt"])
        yield f'<figure markdown="0"><img src="gallery/{figure["file"]}" alt="{alt}" loading="lazy">'
        yield f"<figcaption>{alt}</figcaption></figure>\n"
