"""Tables of a report: heads from the glossary, numbers right-aligned in the language of the report, text that stays text.

Every cell is made a string first. A string without markup is escaped by great_tables; the few that get markup (a flag, a verdict,
the name of the account, text from right to left) are escaped here. Names are never read as Markdown or HTML.

The report's style sheet knows the classes ``kam-flag``, ``kam-ok`` and ``kam-no`` and sees to the widths; in JupyterLab
each table brings its own style, which also uses ``kam-name`` and ``kam-words``.
"""

from __future__ import annotations

import hashlib
import math
import platform
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from html import escape
from importlib.metadata import version
from typing import TYPE_CHECKING

import pandas as pd
from great_tables import GT

from kam.columns import GLOSSARY, Format
from kam.disclosure import WITHHELD
from kam.errors import MissingColumnError, ParameterError
from kam.results import Assumed, Check, Context, Result
from kam.wording import N_

if TYPE_CHECKING:
    from kam.ledger import Audit
    from kam.wording import Wording

Markup = Callable[[str], str]

_ALIGNED_LEFT = ("text", "word", "flag")
_P_VALUES = ("p_holm", "p_value", "time_p_value")  # what would be shown as 0 is not
_MOST = 500  # letters of a cell; what is longer is whole in the workbook
_LONG = 30  # beside many other columns, one with a longer text is kept at a readable width
_TURNING = ("R", "AL", "RLE", "RLO", "LRE", "LRO", "RLI", "LRI", "FSI")
_PACKAGES = ("kam", "duckdb", "ibis-framework", "matplotlib", "numpy", "pandas", "scipy")
_TERMS = {
    "gini": N_("Gini coefficient"),
    "hhi": N_("Herfindahl–Hirschman index"),
    "n_customers_for_share": N_("customers that bring the bulk"),
    "share_customers_for_share": N_("the same, as a share of customers"),
    "top_share": N_("share of the largest customers"),
}
_STYLE = """
#{id} .gt_row {{ vertical-align: top; }}
#{id} .gt_row.gt_right {{ white-space: nowrap; }}
#{id} .kam-name {{ display: inline-block; width: max-content; max-width: 14rem; overflow-wrap: anywhere; }}
#{id} .kam-words {{ display: inline-block; width: max-content; max-width: 16rem; overflow-wrap: anywhere; }}
#{id} .kam-flag {{ color: #c2571a; border: 1px solid; border-radius: 99px; padding: 0 .5em; font-size: .85em; }}
#{id} .kam-ok {{ color: #2e7d4f; font-weight: 600; }}
#{id} .kam-no {{ color: #c2571a; font-weight: 600; }}
"""


# -- one frame -------------------------------------------------------------------------------------------------------


def report_table(
    frame: pd.DataFrame,
    *,
    context: Context,
    columns: Sequence[str] | None = None,
    rows: int | None = None,
    caption: str | None = None,
    flags: Sequence[str] = (),
    freq: str = "month",
) -> GT:
    """A frame of a result as a table for a report.

    Assumes that the columns stand in the glossary, which says how each is headed and formatted. In a frame with a ``term``
    column, ``estimate`` and its interval are formatted by the term: a count, a share or a number; in others the ends of an
    interval are formatted as the column that they stand behind.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns from :data:`kam.columns.GLOSSARY`; it is not changed.
    context : Context
        Currency and language.
    columns : sequence of str, optional
        Which columns, in this order; by default all.
    rows : int, optional
        At most so many rows, from the top; a note says how many there are. By default all.
    caption : str, optional
        Title of the table.
    flags : sequence of str
        Columns whose texts are set off as flags; ``"; "`` separates several in one cell.
    freq : {"month", "quarter", "year"}
        What a period is.

    Returns
    -------
    great_tables.GT
        The same frame always gives the same HTML.

    Raises
    ------
    MissingColumnError
        ``columns`` or ``flags`` names one that is not there, or a column is not in the glossary.
    ParameterError
        ``rows`` is below 1.

    Examples
    --------
    >>> frame = pd.DataFrame({"customer_id": ["007"], "revenue": [1234.5]})
    >>> html = report_table(frame, context=Context(currency="EUR")).as_raw_html()
    >>> "net revenue (EUR)" in html, "1,234" in html
    (True, True)
    """
    say = context.wording
    chosen = list(frame.columns) if columns is None else list(columns)
    absent = [name for name in [*chosen, *flags] if name not in frame.columns]
    if absent:
        raise MissingColumnError(f"The table has no column {absent[0]!r}.", where=f"columns {list(frame.columns)}")
    unknown = [name for name in chosen if name not in GLOSSARY]
    if unknown:
        raise MissingColumnError(
            f"The glossary has no column {unknown[0]!r}.", hint="Choose others with columns=, or add it to kam.columns."
        )
    if rows is not None and rows < 1:
        raise ParameterError(f"rows is {rows}.", hint="Give at least 1, or leave it out for all rows.")
    shown = frame if rows is None else frame.head(rows)
    notes = []
    if len(shown) < len(frame):
        notes.append(
            say.sentence("The first {n} of {n_all} rows.", n=say.count(len(shown)), n_all=say.count(len(frame)))
        )
    if frame.empty:
        notes.append(frame.attrs.get(WITHHELD) or say.sentence("None."))
    account = next((name for name in ("name", "customer_id") if name in chosen), None)
    markup: dict[str, Markup] = {name: _flags for name in flags if name in chosen}
    if account and account not in flags:
        markup[account] = _bold
    like = _formats(chosen, by_term="term" in frame)
    return _table(
        {name: _cells(shown, name, like[name], say, freq) for name in chosen},
        heads={name: say.label(name, like=like[name]) for name in chosen},
        right=[name for name in chosen if GLOSSARY[name].format not in _ALIGNED_LEFT],
        markup=markup,
        caption=caption,
        notes=notes,
    )


def _formats(names: Sequence[str], *, by_term: bool) -> dict[str, Format | None]:
    """How each column is shown, None: as its row's term; the ends of an interval as the column before them."""
    formats: dict[str, Format | None] = {}
    before: Format | None = None if by_term else "number"
    for name in names:
        unit = GLOSSARY[name].unit
        if unit != "as the estimate":
            before = None if by_term and unit.startswith("as the ") else GLOSSARY[name].format
        formats[name] = before
    return formats


def _cells(frame: pd.DataFrame, name: str, form: Format | None, say: Wording, freq: str) -> list[str]:
    values = [None if missing else value for value, missing in zip(frame[name], frame[name].isna(), strict=True)]
    if name in ("term", "criterion"):
        return [_term(str(value), say) for value in values]
    if form is None:
        return [_by_term(value, str(term), say) for value, term in zip(values, frame["term"], strict=True)]
    if form == "period":
        return [_period(value, name, say, freq) for value in values]
    if form == "number" and all(v is None or (isinstance(v, (int, float)) and float(v).is_integer()) for v in values):
        form = "count"
    if form in ("text", "word"):
        return [say.word(v, name) if isinstance(v, str) else say.value(v, form) for v in values]
    if name in _P_VALUES:
        least = f"< {say.number(0.001, 3)}"
        return [least if v is not None and float(str(v)) < 0.001 else _cell(v, form, say) for v in values]
    return [_cell(value, form, say) for value in values]


def _period(value: object, name: str, say: Wording, freq: str) -> str:
    """A period by its start, or a word in its place, such as for all of them."""
    if value is None:
        return say.value(None, "period")
    return say.word(value, name) if isinstance(value, str) else say.period(value, freq)  # type: ignore[arg-type]


def _cell(value: object, form: Format, say: Wording) -> str:
    if isinstance(value, float) and math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return say.value(value, form)


def _by_term(value: object, term: str, say: Wording) -> str:
    if value is None:
        return say.value(None, "number")
    form: Format = GLOSSARY[term].format if term in GLOSSARY else "number"
    if term.startswith("n_"):
        form = "count"
    elif term.startswith(("share_", "p_")) or term.endswith("_share"):
        form = "share"
    return say.share(float(str(value))) if form == "share" else _cell(value, form, say)


def _term(term: str, say: Wording) -> str:
    if term in _TERMS:
        return say.sentence(_TERMS[term])
    if term in GLOSSARY:
        return say.text(GLOSSARY[term].label)
    name, colon, level = term.partition(": ")
    if colon and name in GLOSSARY and GLOSSARY[name].label == name:  # a level, which is of the data
        return f"{say.label(name)}: {level}"
    return say.text(term.replace("_", " "))


# -- what every report has -------------------------------------------------------------------------------------------


def checks_table(*results: Result | Check, context: Context | None = None, borne_out: bool | None = None) -> GT:
    """The assumptions of results, what the data say about each, and the verdict.

    Parameters
    ----------
    *results : Result or Check
        Their checks, in this order; the same check of two results stands once.
    context : Context, optional
        Language; by default that of the first result.
    borne_out : bool, optional
        Only those that hold or were handled, or only the others; by default all.

    Returns
    -------
    great_tables.GT
        ``assumption``, ``finding``, ``verdict``.
    """
    say = _context(results, context).wording
    checks: list[Check] = []
    for result in results:
        checks += [result] if isinstance(result, Check) else result.checks
    checks = [
        check
        for check in dict.fromkeys(checks)
        if borne_out is None or borne_out == (check.verdict in ("holds", "handled"))
    ]
    names = ["assumption", "finding", "verdict"]
    verdicts = {say.sentence(check.verdict): check.verdict for check in checks}

    def mark(text: str) -> str:
        kind = {"holds": "kam-ok", "handled": "kam-ok", "does not hold": "kam-no"}.get(verdicts[text])
        return f'<span class="{kind}">{escape(text)}</span>' if kind else escape(text)

    return _table(
        {
            "assumption": [check.assumption for check in checks],
            "finding": [check.finding for check in checks],
            "verdict": [say.sentence(check.verdict) for check in checks],
        },
        heads={name: say.label(name) for name in names},
        markup={"verdict": mark},
        notes=[] if checks else [say.sentence("None.")],
    )


def assumed_table(*results: Result, context: Context | None = None) -> GT:
    """What was assumed rather than estimated, and what would change the answer; parameters as :func:`checks_table`."""
    say = _context(results, context).wording
    assumed: list[Assumed] = list(dict.fromkeys(one for result in results for one in result.assumed))
    return _table(
        {
            "assumption": [one.what for one in assumed],
            "assumed": [one.value for one in assumed],
            "change": [one.would_change for one in assumed],
        },
        heads={
            "assumption": say.label("assumption"),
            "assumed": say.sentence("assumed"),
            "change": say.sentence("what would change the answer"),
        },
        notes=[] if assumed else [say.sentence("None.")],
    )


def audit_table(audit: Audit, *, context: Context) -> GT:
    """What each cleaning rule did: rows in, rows removed by rule, rows kept, in rows and in money.

    Parameters
    ----------
    audit : kam.ledger.Audit
        Of a ledger.
    context : Context
        Currency and language.

    Returns
    -------
    great_tables.GT
        The rows of the source first, one row per rule in their order, the rows kept last; the audit's remarks below.
    """
    say = context.wording
    rules = audit.rules
    first, last = say.sentence("rows of the source"), say.sentence("rows kept")
    amounts = [float(audit.amount_in), *rules["amount"], float(audit.amount_kept)]
    return _table(
        {
            "rule": [first, *(say.sentence(rule) for rule in rules["rule"]), last],
            "action": ["", *(say.sentence(action) for action in rules["action"]), ""],
            "n_rows": [say.count(n) for n in [audit.n_rows_in, *rules["n_rows"], audit.n_rows_kept]],
            "amount": [say.value(amount, "money") for amount in amounts],
        },
        heads={name: say.label(name) for name in ("rule", "action", "n_rows", "amount")},
        right=["n_rows", "amount"],
        markup={"rule": lambda text: _bold(text) if text in (first, last) else escape(text)},
        notes=audit.lines(say)[1:],
    )


def provenance_table(context: Context, *, parameters: Mapping[str, object] | None = None) -> GT:
    """Where a report comes from: dataset, as-of day and fingerprint, parameters, versions.

    Parameters
    ----------
    context : Context
        Of the dataset.
    parameters : mapping, optional
        The parameters of the notebook, the seed among them.

    Returns
    -------
    great_tables.GT
        One row per fact.
    """
    say = context.wording
    facts: list[tuple[str, object]] = [
        (say.sentence("dataset"), context.title or context.dataset),
        (say.sentence("name of the dataset"), context.dataset),
        (say.sentence("as of"), say.date(context.as_of) if context.as_of else None),
        (say.sentence("fingerprint of the data"), context.fingerprint),
        (say.sentence("for"), say_audience(context)),
        (say.sentence("currency"), context.currency),
        *(parameters or {}).items(),
        ("Python", platform.python_version()),
        *((package, version(package)) for package in _PACKAGES),
    ]
    known = [(what, str(value)) for what, value in facts if value is not None]
    return _table(
        {"what": [what for what, _ in known], "which": [value for _, value in known]},
        heads={"what": say.sentence("what"), "which": say.sentence("which")},
    )


def say_audience(context: Context) -> str:
    """Who may read a report, and what that means for it."""
    say = context.wording
    return say.sentence("shared: nobody is named" if context.audience == "shared" else "internal")


class Notes(tuple[str, ...]):
    """Sentences that a notebook shows as a list."""

    def _repr_html_(self) -> str:
        return f"<ul>{''.join(f'<li>{_text(note)}</li>' for note in self)}</ul>"

    def __repr__(self) -> str:
        return "\n".join(self)


def notes_list(notes: Sequence[str], *, context: Context | None = None) -> Notes:
    """Sentences as a list, escaped; "None." where there are none.

    >>> notes_list(["Without accounts: no names."])
    Without accounts: no names.
    """
    return Notes(notes or [(context or Context()).wording.sentence("None.")])


# -- inside ----------------------------------------------------------------------------------------------------------


def _context(results: Sequence[object], context: Context | None) -> Context:
    first = next((result.context for result in results if isinstance(result, Result)), Context())
    return context or first


def _table(
    cells: Mapping[str, list[str]],
    *,
    heads: Mapping[str, str],
    right: Sequence[str] = (),
    markup: Mapping[str, Markup] | None = None,
    caption: str | None = None,
    notes: Sequence[str] = (),
) -> GT:
    """A table of strings: what has no markup is escaped by great_tables."""
    cells = {name: [_cut(text) for text in texts] for name, texts in cells.items()}
    frame = pd.DataFrame(cells, dtype="str")
    digest = hashlib.sha256(repr((heads, cells, caption, notes)).encode("utf-8", "replace")).hexdigest()
    name = f"t{digest[:8]}"
    table = (
        GT(frame, id=name, auto_align=False)
        .cols_label(dict(heads))
        .cols_align("left")
        .tab_options(
            table_width="100%",
            table_font_size="14px",
            table_border_top_style="none",
            table_border_bottom_style="none",
            heading_align="left",
            column_labels_border_top_style="none",
            column_labels_border_bottom_width="1px",
            table_body_border_bottom_style="none",
            data_row_padding="5px",
            table_additional_css=_STYLE.format(id=name),
        )
    )
    if right:
        table = table.cols_align("right", columns=list(right))
    if caption:
        table = table.tab_header(title=caption)
    for column, texts in cells.items():
        mark = (markup or {}).get(column)
        if mark is None and len(cells) > 4 and max(map(len, texts), default=0) > _LONG:
            mark = _words
        rows = [i for i, text in enumerate(texts) if mark or _turns(text)]
        if rows:
            table = table.fmt(mark or _text, columns=column, rows=rows)
    for note in notes:
        table = table.tab_source_note(note)
    return table


def _cut(text: str) -> str:
    return text if len(text) <= _MOST else f"{text[: _MOST - 1].rstrip()}…"


def _text(text: str) -> str:
    """Escaped, and kept to itself where it runs from right to left."""
    return f"<bdi>{escape(text)}</bdi>" if _turns(text) else escape(text)


def _bold(text: str) -> str:
    return f'<b class="kam-name">{_text(text)}</b>'


def _words(text: str) -> str:
    return f'<span class="kam-words">{_text(text)}</span>' if text else ""


def _flags(text: str) -> str:
    return " ".join(f'<span class="kam-flag">{_text(flag)}</span>' for flag in re.split("; |；", text) if flag)


def _turns(text: str) -> bool:
    return any(unicodedata.bidirectional(c) in _TURNING for c in text)
