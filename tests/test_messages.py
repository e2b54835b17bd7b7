"""All that a person reads goes through the catalogs, and the catalogs hold what is said."""

import ast
import gettext
import inspect
import re
import string
from dataclasses import replace
from datetime import UTC, date, datetime
from html import unescape

import matplotlib.pyplot as plt
import nbformat
import pandas as pd
import pytest
from matplotlib.text import Text
from nbformat.v4 import new_output

from kam import messages, plots, wording
from kam.errors import KamError
from kam.identify import concentration
from kam.report.index import render_index
from kam.report.render import render_report
from kam.results import Answer, Context, KeyFigure, Result
from kam.tables import assumed_table, checks_table, report_table
from tests.report.test_index import add_run, step
from tests.test_contracts import NOTEBOOKS, make_results

TRANSLATIONS = [language for language in wording.LANGUAGES if language != "en"]


# -- a language for tests --------------------------------------------------------------------------------------------


class Brackets:
    """A catalog that sets what a message says of its own into ⟦…⟧, its values outside, and keeps what it was asked for.

    As in any catalog, what is not in it stays as it is.
    """

    def __init__(self):
        self.said = set()
        self.known = {message.id for message in messages.collect() if message.id}
        self.known |= {part for pair in self.known if isinstance(pair, tuple) for part in pair}

    def gettext(self, message):
        self.said.add(message)
        return self._mark(message) if message in self.known else message

    def ngettext(self, one, many, n):
        self.said.add((one, many))
        chosen = one if n == 1 else many
        return self._mark(chosen) if (one, many) in self.known else chosen

    @staticmethod
    def _mark(message):
        if "\n\n" in message or message.startswith("#"):  # Markdown: what begins a line stays there
            return re.sub(r"^((?:#+ |[-*] |\d+\. )?)(.+)$", r"\1⟦\2⟧", message, flags=re.MULTILINE)
        try:
            parts = list(string.Formatter().parse(message))
        except ValueError:  # a text with braces
            return f"⟦{message}⟧"
        marked = ""
        for words, name, form, _ in parts:
            own = words.replace("{", "{{").replace("}", "}}")
            marked += f"⟦{own}⟧" if words.strip() else own
            if name is not None:
                marked += f"{{{name}{':' * bool(form)}{form}}}"
        return marked


def outside(text, data):
    """Latin words that stand in no bracket and are not from the data."""
    rest = re.sub("⟦[^⟧]*⟧", "|", re.sub(r"\s+", " ", text))
    rest = re.sub(r"\w*_\w*|[^|；：:]*…", "#", data.sub("#", rest))  # names of columns; names that were cut
    return re.findall(r"[A-Za-z][A-Za-z .'-]*[A-Za-z]", rest)


def read(html):
    """The text of a page or a table, and what stands in its attributes for those who hear it."""
    labels = re.findall(r'(?:aria-label|alt)="([^"]*)"', html)
    bare = re.sub(r"<(style|head)\b.*?</\1>", "", html, flags=re.DOTALL)
    return [unescape(part) for part in (*labels, *re.split(r"<[^>]*>", bare)) if part.strip()]


@pytest.fixture(scope="module")
def catalog():
    """All that is said is said in brackets, its numbers and dates in Chinese, which have no Latin letters."""
    brackets = Brackets()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wording, "_catalog", lambda language: brackets)
        patch.setitem(wording.LANGUAGES, "en", wording.LANGUAGES["zh"])
        wording._locale.cache_clear()
        yield brackets
    wording._locale.cache_clear()


@pytest.fixture(scope="module")
def results(catalog, sample_company):
    made = make_results(sample_company)
    return {name: result for name, result in made.items() if isinstance(result, Result)}


NAMES = (  # of people, methods, models, currencies, columns that users name, and what the data of tests has
    *(
        "EUR",
        "NPS",
        "AUC",
        "ABC",
        "XYZ",
        "RFM",
        "Brier",
        "ICI",
        "Wald",
        "Holm",
        "Gini",
        "Pareto/NBD",
        "BG/NBD",
        "log loss",
    ),
    *("kam", "minres", "ml", "share of wallet"),
)


@pytest.fixture(scope="module")
def data(sample_company, results):
    """A pattern of what comes from the data."""
    frames = [getattr(sample_company, name, None) for name in sample_company.tables if name != "ledger"]
    table = sample_company.ledger.table
    texts = {name for name, kind in table.schema().items() if kind.is_string() and name != "order_id"}
    frames += [table.select(name).distinct().to_pandas() for name in sorted(texts)]
    frames += [
        results["drivers"].items[["item", "question", "theme"]],
        results["reliability"].items[["item", "question", "theme"]],
    ]
    words = {
        str(value)
        for frame in frames
        if isinstance(frame, pd.DataFrame)
        for name in frame
        if not pd.api.types.is_numeric_dtype(frame[name])
        for value in frame[name].dropna().unique()
    }
    words |= {
        criterion.name.replace("_", " ") for criterion in sample_company.file.criteria if criterion.kind == "judged"
    }
    words |= {word.rstrip(".") for word in words} | set(NAMES)
    named = sorted((word for word in words if re.search("[A-Za-z]", word)), key=len, reverse=True)
    return re.compile("|".join(re.escape(word) for word in named))


def test_sentences_of_results_go_through_the_catalogs(results, data):
    leaks = {}
    for name, result in results.items():
        answer = result.answer()
        texts = [answer, *(part for f in answer.key_figures for part in (f.value, f.label, f.note))]
        texts += [part for check in result.checks for part in (check.assumption, check.finding)]
        texts += [part for one in result.assumed for part in (one.what, one.value, one.would_change)]
        for text in [*texts, *result.labels()]:
            if found := outside(text, data):
                leaks.setdefault(name, []).append((found, str(text)))
    assert not leaks


def test_tables_of_results_go_through_the_catalogs(results, data):
    leaks = {}
    for name, result in results.items():
        html = checks_table(result).as_raw_html() + assumed_table(result).as_raw_html()
        for text in read(html):
            if outside(text, data):
                leaks.setdefault(name, set()).add(text)
        for table, frame in result.tables().items():
            if (name, table) in (("action list", "rules"), ("typology", "conditions")):
                continue  # as users write them
            for text in read(report_table(frame.head(40), context=result.context).as_raw_html()):
                if outside(text, data):
                    leaks.setdefault(f"{name}.{table}", set()).add(text)
    assert not leaks


def test_figures_go_through_the_catalogs(results, data):
    leaks, drawn = {}, set()
    for name in plots.__all__:
        plot = getattr(plots, name)
        takes = inspect.signature(plot).parameters
        kind = str(next(iter(takes.values())).annotation)
        for result in results.values():
            if not name.startswith("plot_") or type(result).__name__ not in re.findall(r"\w+", kind):
                continue
            try:
                ax = plot(result)
            except (KamError, TypeError):  # nothing to draw, or it takes more than the result
                continue
            drawn.add(name)
            figure = ax.get_figure(root=True)
            texts = [text.get_text() for text in figure.findobj(Text)] + [str(one.get_label()) for one in figure.axes]
            for text in texts:
                if outside(text, data):
                    leaks.setdefault(name, set()).add(text)
            plt.close(figure)
    assert len(drawn) > 35
    assert not leaks


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_pages_of_notebooks_go_through_the_catalogs(path, catalog):
    notebook = nbformat.read(path, as_version=4)
    card = Answer("⟦2⟧", (KeyFigure(value="2", label="⟦2⟧"),))._repr_html_()
    shown = new_output("display_data", data={"text/html": f"{card}<table><tr><td>2</td></tr></table>"})
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source, cell.outputs = "2", [shown]
    context = Context(as_of=date(2024, 2, 29), audience="shared")
    page = render_report(notebook, context=context, started=datetime(2024, 3, 1, tzinfo=UTC)).html
    marked = re.sub("⟦[^⟧]*⟧", "", re.sub(r"<(style|head)\b.*?</\1>|<[^>]*>", "", page, flags=re.DOTALL))
    assert not re.findall("[A-Za-z]{2,}", marked.replace("UTC", ""))
    assert {text for text in re.findall(r'aria-label="([^"]*)"', page) if "⟦" not in text} == set()


def test_the_index_goes_through_the_catalogs(catalog, tmp_path):
    good = step(tmp_path, title="⟦⟧", answer="⟦⟧", key_figures=(), attempts=2, adopted_from="1", context=Context())
    failed = replace(good, name="20", status="failed", answer=None, error="⟦⟧")
    labeled = replace(good, name="50", labels={"⟦account⟧": "1", "⟦tier⟧": "2"})
    for day in (1, 2):
        add_run(
            tmp_path,
            day,
            plan="1",
            steps=(good, failed, labeled) if day == 1 else (replace(good, status="failed"), failed),
        )
    page = re.sub(r"<(style|head)\b.*?</\1>|<time.*?</time>", "", render_index(tmp_path), flags=re.DOTALL)
    texts = [*re.findall(r'aria-label="([^"]*)"', page), *re.split("<[^>]*>", page.replace("tiny", ""))]
    assert not [text for text in texts if re.search("[A-Za-z]{2,}", re.sub("⟦[^⟧]*⟧", "", text))]


@pytest.mark.parametrize(("language", "word"), [("zh", "客户"), ("ko", "거래처"), ("ja", "取引先")])
def test_figures_have_the_glyphs_of_each_language(language, word, monkeypatch):
    class Some(gettext.NullTranslations):
        def gettext(self, message):
            return f"{word} {message}"

    monkeypatch.setattr(wording, "_catalog", lambda language: Some())
    ax = plots.plot_largest(concentration([5e5, 4e4, 3e3], context=Context(language=language, currency="EUR")))
    assert word in ax.get_title(loc="left") and plots.to_png(
        ax
    )  # a glyph that is missing is a warning, which is an error
    plt.close(ax.get_figure(root=True))


def test_the_catalogs_hold_all_that_is_said(catalog, results, data):
    unknown = {said for said in catalog.said if said not in catalog.known}
    assert not {said for said in unknown if isinstance(said, tuple) or outside(re.sub(r"\{\w+\}", "", said), data)}


def test_no_two_messages_share_the_form_for_one():
    """A catalog knows a pair by its first message."""
    found = set()
    for path in messages.PACKAGE.rglob("*"):
        if path.suffix in (".py", ".j2"):
            find = messages.find_in_code if path.suffix == ".py" else messages.find_in_template
            found |= set(find(path.read_text(encoding="utf-8")))
    pairs = [message for message in found if isinstance(message, tuple)]
    firsts = [one for one, _ in pairs]
    assert len(set(firsts)) == len(firsts) and not set(firsts) & found


def joined_by_hand(source):
    """Lines that put a sentence behind another with an English mark or space."""

    def parts(node):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return [*parts(node.left), *parts(node.right)]
        return node.values if isinstance(node, ast.JoinedStr) else [node]

    def is_said(node):
        call = node.value if isinstance(node, ast.FormattedValue) else node
        name = getattr(call.func, "attr", getattr(call.func, "id", "")) if isinstance(call, ast.Call) else ""
        return name in ("sentence", "plural", "listing") or name.startswith(("say_", "_say"))

    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.BinOp, ast.JoinedStr, ast.AugAssign)):
            found = parts(node.value if isinstance(node, ast.AugAssign) else node)
            marks = {one.value for one in found if isinstance(one, ast.Constant)}
            if marks & {" ", "; ", ", ", ". ", "."} and any(map(is_said, found)):
                yield node.lineno


def test_no_sentence_is_joined_by_hand():
    assert list(joined_by_hand('a = first + " " + say.sentence("b")')) == [1]
    assert list(joined_by_hand('a += "; " + say.sentence("b")')) == [1, 1]
    found = {
        path.name: lines
        for path in messages.PACKAGE.rglob("*.py")
        if (lines := list(joined_by_hand(path.read_text(encoding="utf-8"))))
    }
    assert not found, "say.join puts the marks and spaces of the language between texts, say.close the full stop"


# -- catalogs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_the_catalogs_are_up_to_date(language):
    found = messages.translated(language, messages.collect())
    path = messages.path_of(language)
    # Told apart before they are compared: of half a million bytes that differ, a listing takes minutes.
    written = messages.as_po(found) == path.read_bytes()
    compiled = messages.as_mo(found) == path.with_suffix(".mo").read_bytes()
    assert written and compiled, "run python -m kam.messages"


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_a_translation_has_the_values_of_its_message(language):
    wrong = []
    for message in messages.read_catalog(language):
        if not message.id:
            continue
        ids, said = ([one] if isinstance(one, str) else list(one) for one in (message.id, message.string))
        wrong += [(message.id, text) for text in said if text and messages.names_in(text) != messages.names_in(ids[-1])]
    assert not wrong


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_everything_is_translated(language):
    missing = messages.untranslated(messages.read_catalog(language))
    assert not missing, f"{len(missing)} messages are not translated"
