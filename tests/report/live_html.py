"""What in a page could run, load or leave: an independent look with the standard library's parser."""

from __future__ import annotations

from html.parser import HTMLParser

RUNS = {"script", "iframe", "object", "embed", "applet", "frame", "frameset", "base", "form", "svg", "math", "template", "portal"}
LOADS = {"src", "srcset", "poster", "data", "background", "action", "formaction", "ping", "xlink:href", "srcdoc", "style"}


class _Look(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag in RUNS or tag == "link":
            self.found.append(f"<{tag}>")
        if tag == "meta" and dict(attrs).get("http-equiv", "").lower() == "refresh":
            self.found.append("<meta refresh>")
        for name, value in attrs:
            text = "".join((value or "").split()).lower()
            if name.startswith("on"):
                self.found.append(f"{tag} {name}={value}")
            elif name in LOADS and not (tag == "img" and name == "src" and text.startswith("data:image/")):
                self.found.append(f"{tag} {name}={value}")
            elif name == "href" and text.startswith(("javascript:", "data:", "vbscript:", "//")):
                self.found.append(f"{tag} {name}={value}")

    handle_startendtag = handle_starttag


def find_live(html: str) -> list[str]:
    look = _Look()
    look.feed(html)
    look.close()
    return look.found
