"""What in a page could run, load or leave: an independent look with the standard library's parser."""

from __future__ import annotations

from html.parser import HTMLParser

RUNS = {
    "script",
    "iframe",
    "object",
    "embed",
    "applet",
    "frame",
    "frameset",
    "base",
    "form",
    "svg",
    "math",
    "template",
    "portal",
}
LOADS = {
    "src",
    "srcset",
    "poster",
    "data",
    "background",
    "action",
    "formaction",
    "ping",
    "xlink:href",
    "srcdoc",
    "style",
}


def is_live(tag: str, name: str, value: str) -> bool:
    text = "".join(value.split()).lower()
    if name == "href":
        return text.startswith(("javascript:", "data:", "vbscript:", "//"))
    if (tag, name) == ("img", "src"):
        return not text.startswith("data:image/")
    return name.startswith("on") or name in LOADS


class _Look(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag in RUNS or tag == "link":
            self.found.append(f"<{tag}>")
        if tag == "meta" and dict(attrs).get("http-equiv", "").lower() == "refresh":
            self.found.append("<meta refresh>")
        self.found += [f"{tag} {name}={value}" for name, value in attrs if is_live(tag, name, value or "")]

    handle_startendtag = handle_starttag


def find_live(html: str) -> list[str]:
    look = _Look()
    look.feed(html)
    look.close()
    return look.found
