import re
from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kam.report.sanitize import clean_html, mark_long_cells, settle_text, wrap_tables
from kam.wording import show_hidden
from tests.report.hostile_company import ATTACKS as TEXTS
from tests.report.live_html import find_live

ATTACKS = [
    "<script>x()</script>",
    "<scr<script>ipt>x()</script>",
    "<img src=x onerror=x()>",
    '<img src="https://example.invalid/x.png">',
    '<img src="data:text/html,<script>x()</script>">',
    "<img srcset='https://example.invalid/x.png 2x'>",
    "<svg><script>x()</script></svg>",
    "<svg/onload=x()>",
    "<math><mtext><table><mglyph><style><img src=x onerror=x()>",
    "<iframe srcdoc='<script>x()</script>'></iframe>",
    "<object data=x></object><embed src=x>",
    "<a href='javascript:x()'>a</a>",
    "<a href=' java\tscript:x()'>a</a>",
    "<a href='data:text/html,<script>x()</script>'>a</a>",
    "<a href='https://example.invalid/'>a</a>",
    "<form action='https://example.invalid/'><button formaction=x>b</button></form>",
    "<style>@import url(https://example.invalid/x.css)</style>",
    "<p style='background:url(https://example.invalid/x.png)'>p</p>",
    "<meta http-equiv=refresh content='0;url=https://example.invalid/'>",
    "<base href='https://example.invalid/'>",
    "<link rel=stylesheet href='https://example.invalid/x.css'>",
    "<details open ontoggle=x()>d</details>",
    "<video poster='https://example.invalid/x.png'><source src=x onerror=x()></video>",
    "<td title='<table onmouseover=x()>'>",
    "<b class='\"><img src=x onerror=x()>'>b</b>",
    "<noscript><p title='</noscript><img src=x onerror=x()>'>",
    "<textarea><img src=x onerror=x()></textarea>",
    "<!--><img src=x onerror=x()>-->",
    '<b class="<table onmouseover=x() y=">b</b>',
    '<img alt="<td onmouseover=x()></td>" src="data:image/png;base64,AA">',
]


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize(
    "frame", ["{}", "<table><tr><td>{}</td></tr></table>", "<p class='{}'>p</p>", "<img alt='{}'>"]
)
@pytest.mark.parametrize("links", [False, True])
def test_nothing_runs_loads_or_leaves(attack, frame, links):
    html = wrap_tables(mark_long_cells(clean_html(frame.format(attack), links=links)), label=attack)
    assert find_live(html) == []
    assert "<img" not in html or "data:image/png" in attack


def test_the_look_finds_what_the_cleaner_is_for():
    found = [attack for attack in ATTACKS if find_live(attack)]
    assert len(found) >= 20
    assert find_live("<p>x</p><a href='https://example.org'>x</a><img src='data:image/png;base64,AA'>") == []


def test_what_reports_are_made_of_stays():
    kept = (
        '<section class="kam-answer"><p>It is <bdi>Ä &amp; B</bdi>.</p><dl class="kam-figures">'
        "<div><dt>label</dt><dd><b>1</b> <small>note</small></dd></div></dl></section>"
        '<table class="gt_table"><thead><tr><th class="gt_right" scope="col" colspan="2">head</th></tr></thead>'
        '<tbody><tr><td class="gt_left" rowspan="2">cell</td></tr></tbody></table>'
        '<figure><img src="data:image/png;base64,AAAA" alt="a &quot;b&quot;"><figcaption>c</figcaption></figure>'
        '<details><summary>more</summary><ul><li>x</li></ul></details><p lang="ko" dir="ltr">말</p>'
    )
    assert clean_html(kept) == kept


def test_ids_and_styles_go():
    assert clean_html('<p id="run" style="color:red">x</p><style>p{}</style>') == "<p>x</p>"


def test_links_of_the_author_stay_and_of_the_data_go():
    link = '<a href="https://example.org/x?a=1&amp;b=2">x</a>'
    assert clean_html(link) == "x"
    assert clean_html(link, links=True) == '<a href="https://example.org/x?a=1&amp;b=2" rel="noopener noreferrer">x</a>'
    for elsewhere in ("//example.org/x", "x.html", "/etc/passwd", "file:///etc/passwd", "https://example.org/<x>"):
        assert "href" not in clean_html(f'<a href="{elsewhere}">x</a>', links=True)
    assert clean_html('<a href="#checks">x</a>', links=True) == '<a href="#checks" rel="noopener noreferrer">x</a>'


def test_a_cell_cannot_end_the_box_around_it():
    assert clean_html("</div></section></main><p>x") == "<p>x</p>"
    assert clean_html("<div><b>x") == "<div><b>x</b></div>"


@given(st.text(alphabet=st.sampled_from(list("<>\"'&=/ \n\tabonsrcjhef:!-`")), max_size=60))
def test_no_text_becomes_live(text):
    html = wrap_tables(
        mark_long_cells(clean_html(f"<td>{text}</td><img alt='{text}'><p class=\"{text}\">{text}")), label=text
    )
    assert find_live(html) == []
    assert html.count("<div") >= html.count('<div class="kam-scroll"')


def test_tables_scroll_in_boxes_of_their_own():
    nested = "<table><tbody><tr><td><table><tbody><tr><td>1</td></tr></tbody></table></td></tr></tbody></table>"
    html = wrap_tables(f"a{nested}b{nested}", label="x")
    assert html.count('<div class="kam-scroll" role="region" tabindex="0" aria-label="x"><table>') == 2
    assert html.count("</table></div>") == 2
    assert html.startswith("a<div") and "</div>b<div" in html


def test_sentences_ask_for_width():
    assert 'class="kam-long gt_row"' in mark_long_cells(f'<td class="gt_row">{"word " * 12}</td>')
    assert mark_long_cells("<tr><td>a</td><td><b>A name in bold</b> face</td></tr>").count("kam-some") == 1
    nested = "<td><table><tr><td>a</td></tr></table></td>"
    assert mark_long_cells(nested) == nested
    assert "kam-long" not in mark_long_cells("<td>word</td><th>rank</th>")


# -- what texts do to one another -----------------------------------------------------------------------------------


def test_hidden_characters_are_seen_and_letters_of_right_to_left_kept_to_themselves():
    assert settle_text("<p>safe\u202egpj.exe\x07</p>") == "<p>safe⟨U+202E⟩gpj.exe⟨U+0007⟩</p>"
    assert settle_text("<p>Of مرحبا, 12</p>") == "<p>Of <bdi>مرحبا</bdi>, 12</p>"
    assert settle_text("<p>Of <bdi>مرحبا</bdi>, 12</p>") == "<p>Of <bdi>مرحبا</bdi>, 12</p>"
    assert settle_text("<title>مرحبا</title><img alt='مرحبا'>") == "<title>مرحبا</title><img alt='مرحبا'>"
    assert clean_html("<b>a\0b</b><scr\0ipt>x()</script>") == "<b>a⟨U+0000⟩b</b>x()"
    assert settle_text(clean_html("&#x202e;&#0;x")) == "⟨U+202E⟩\ufffdx"


def test_a_long_text_keeps_its_ends_and_no_character_reference_is_torn():
    assert settle_text(f"<td>{'W' * 10_000}</td>") == f"<td>{'W' * 120}…</td>"
    sentence = f"The largest, {'&lt;b&gt;' * 2000}, brings 12% of all."
    cut = settle_text(f"<p>{sentence}</p>")
    assert cut.startswith("<p>The largest, &lt;b&gt;") and cut.endswith(", brings 12% of all.</p>") and len(cut) < 1200
    assert re.sub("&(lt|gt);", "", cut).count("&") == 0
    assert settle_text(f"<pre class='kam-text'>{'line of a log ' * 300}</pre>").count("line") == 300
    style = f"<style>{'a > b { color: red } ' * 200}</style>"
    assert settle_text(style) == style


@pytest.mark.parametrize("name", TEXTS)
def test_nothing_comes_alive_where_texts_are_settled(name):
    page = f"<td>{escape(TEXTS[name])}</td><p>{clean_html(TEXTS[name])}</p>"
    settled = settle_text(page)
    assert find_live(settled) == []
    assert settled.count("<td>") == 1 and show_hidden(settled) == settled
