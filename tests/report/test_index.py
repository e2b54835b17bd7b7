import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from kam.report.index import render_index
from kam.report.manifest import Step, write_manifest
from kam.report.page import POLICY
from tests.report.live_html import find_live
from tests.report.test_manifest import make

ATTACK = "<script>x()</script><img src=x onerror=x()> \" ' &"


def add_run(root, day, **changes):
    started = datetime(2026, 11, day, 7, tzinfo=UTC)
    folder = root / f"{started:%Y%m%dT%H%M%SZ}-p"
    manifest = make(folder, started=started, finished=started, **changes)
    for step in manifest.steps:
        (folder / step.name).mkdir(parents=True)
        kept = "report.html" if step.status == "succeeded" else "failed.ipynb"
        (folder / step.name / kept).write_text("", encoding="utf-8")
    write_manifest(manifest, folder)
    return folder.name


def step(root, **changes):
    return replace(make(root).steps[0], **changes)


def articles(html):
    return re.findall(r"<article.*?</article>", html, re.DOTALL)


def test_an_empty_folder_has_an_index(tmp_path):
    html = render_index(tmp_path)
    assert "No run yet." in html and POLICY in html and find_live(html) == []


def test_the_newest_good_report_stands_with_answer_figures_and_data(tmp_path):
    add_run(tmp_path, 1)
    newest = add_run(tmp_path, 2, steps=(step(tmp_path, answer="Three."),))
    (article,) = articles(render_index(tmp_path))
    assert "Three." in article and "Two." not in article
    assert f'<a href="{newest}/10_who/report.html">Who?</a>' in article
    assert "Tiny &amp; Co" in article and "GBP" in article and "as of 9 December 2011" in article
    assert "2026-11-02 07:00 UTC" in article
    assert "<dt>of them</dt><dd><b>2</b></dd>" in article


def test_a_failure_is_told_and_the_last_good_report_stays(tmp_path):
    good = add_run(tmp_path, 1)
    add_run(tmp_path, 2, steps=(step(tmp_path, status="failed", answer=None, context=None, error="The file is gone."),))
    (article,) = articles(render_index(tmp_path))
    assert f'href="{good}/10_who/report.html"' in article and "Two." in article
    assert "The run of" in article and "2026-11-02" in article and "The file is gone." in article
    assert "last report that succeeded" in article
    assert "20261102T070000Z-p/10_who/failed.ipynb" in article


def test_a_failure_that_was_mended_is_not_told(tmp_path):
    add_run(tmp_path, 1, steps=(step(tmp_path, status="failed", error="The file is gone."),))
    add_run(tmp_path, 2)
    assert "The file is gone." not in "".join(articles(render_index(tmp_path)))


def test_a_report_that_never_succeeded_has_no_link(tmp_path):
    run = add_run(tmp_path, 1, steps=(step(tmp_path, status="failed", error="The file is gone."),))
    (article,) = articles(render_index(tmp_path))
    assert "no report yet" in article and "report.html" not in article and "last report that succeeded" not in article
    assert f'href="{run}/10_who/failed.ipynb"' in article


def test_reports_on_different_data_stand_apart(tmp_path):
    add_run(tmp_path, 1)
    add_run(tmp_path, 2, steps=(step(tmp_path, dataset="other"), step(tmp_path, name="20_why")))
    assert len(articles(render_index(tmp_path))) == 3


def test_reports_for_different_readers_stand_apart(tmp_path):
    made = step(tmp_path)
    shared = replace(made, context=replace(made.context, audience="shared"), parameters={"audience": "shared"})
    add_run(tmp_path, 1)
    add_run(tmp_path, 2, steps=(shared,))
    failed = {"status": "failed", "context": None, "answer": None, "error": "The file is gone."}
    add_run(tmp_path, 3, steps=(replace(shared, **failed),))
    internal, for_all = articles(render_index(tmp_path))
    assert "20261101T" in internal and "nobody is named" not in internal and "The file is gone." not in internal
    assert "20261102T" in for_all and "shared: nobody is named" in for_all and "The file is gone." in for_all


def test_links_lead_only_to_what_is_there_and_are_quoted(tmp_path):
    run = add_run(tmp_path, 1, steps=(step(tmp_path, name="한_x"),))
    html = render_index(tmp_path)
    assert f'href="{run}/%ED%95%9C_x/report.html"' in html
    assert "tables.xlsx" not in html and "notebook.ipynb" not in html
    (tmp_path / run / "tables.xlsx").write_bytes(b"")
    assert f'href="{run}/tables.xlsx"' in render_index(tmp_path)


@pytest.mark.parametrize("field", ["title", "answer", "error", "dataset"])
def test_everything_is_escaped(tmp_path, field):
    failed = {"status": "failed", "error": ATTACK} if field == "error" else {}
    add_run(tmp_path, 1, plan=ATTACK, steps=(step(tmp_path, **{"context": None, field: ATTACK} | failed),))
    html = render_index(tmp_path)
    assert find_live(html) == []
    assert "&lt;script&gt;x()" in html


def test_key_figures_and_context_are_escaped(tmp_path):
    from kam.results import Context, KeyFigure

    figures = (KeyFigure(value=ATTACK, label=ATTACK, note=ATTACK),)
    context = Context(dataset=ATTACK, title=ATTACK, currency="GBP")
    add_run(tmp_path, 1, dataset=context, steps=(step(tmp_path, key_figures=figures, context=context),))
    assert find_live(render_index(tmp_path)) == []


def test_a_run_that_cannot_be_read_is_named_and_costs_nothing_else(tmp_path):
    add_run(tmp_path, 1)
    damaged = tmp_path / "20261103T000000Z-<b>"
    damaged.mkdir()
    (damaged / "run.json").write_text("{", encoding="utf-8")
    html = render_index(tmp_path)
    assert len(articles(html)) == 1
    assert "A run cannot be shown." in html and "20261103T000000Z-&lt;b&gt;" in html


def test_a_run_at_work_is_not_shown(tmp_path):
    name = add_run(tmp_path, 1)
    (tmp_path / name).rename(tmp_path / f".part-{name}")
    assert articles(render_index(tmp_path)) == []


def test_the_same_runs_give_the_same_page_and_old_ones_are_counted(tmp_path):
    for day in range(1, 29):
        add_run(tmp_path, day)
    html = render_index(tmp_path)
    assert html == render_index(tmp_path)
    assert len(re.findall("<tr><td><time", html)) == 28
    assert len(articles(html)) == 1


def test_a_step_needs_no_context():
    assert Step(name="x", title="x", notebook_sha256="", status="failed").context is None


# -- plans -----------------------------------------------------------------------------------------------------------


def test_steps_of_one_value_stand_under_the_name_of_their_folder(tmp_path):
    steps = [step(tmp_path, name=name) for name in ("Kim/20_why", "z_who", "Kim/10_who", "Lee/10_who")]
    add_run(tmp_path, 1, steps=tuple(steps))
    html = render_index(tmp_path)
    order = re.findall(r'<h2 class="kam-folder">(\w+)</h2>|<(h\d) class="kam-title"', html)
    assert order == [("", "h2"), ("Kim", ""), ("", "h3"), ("", "h3"), ("Lee", ""), ("", "h3")]
    assert "4 reports" in html


def test_a_folder_is_headed_by_what_stands_in_the_plan(tmp_path):
    written = step(tmp_path, name="R_D_South/10_who", parameters={"count": 3, "manager": "R&D: South"})
    several = step(tmp_path, name="Anna_Lee-2024/10_who", parameters={"manager": "Anna Lee", "year": 2024})
    add_run(tmp_path, 1, steps=(written, several))
    headings = re.findall(r'<h2 class="kam-folder">(.*?)</h2>', render_index(tmp_path))
    assert headings == ["Anna Lee-2024", "R&amp;D: South"]


def test_a_step_that_was_not_run_is_told_as_such(tmp_path):
    good = add_run(tmp_path, 1)
    why = "It was not started, for it needs 05_load, which failed."
    failed = step(tmp_path, name="05_load", status="failed", error="The file is gone.")
    skipped = step(tmp_path, status="skipped", error=why, attempts=0, answer=None)
    add_run(tmp_path, 2, steps=(failed, skipped))
    html = render_index(tmp_path)
    article = next(one for one in articles(html) if why in one)
    assert re.search(r"<b>Not run on <time[^>]*>2026-11-02 07:00 UTC</time>\.</b> It was not started", article)
    assert "failed.</b>" not in article and f'href="{good}/10_who/report.html"' in article
    assert '<b class="kam-no">1 failed</b> · <b class="kam-no">1 not run</b>' in html
    assert "<td>0 of 2, 1 failed, 1 not run</td>" in html and "<td>1 of 1</td>" in html


def test_how_long_it_took_how_often_it_was_tried_and_where_it_came_from(tmp_path):
    add_run(tmp_path, 1, steps=(step(tmp_path, seconds=200.0, attempts=2, adopted_from="20261031T070000Z-p"),))
    (article,) = articles(render_index(tmp_path))
    assert " · took 3 min 20 s · succeeded at attempt 2 · taken over from the run 20261031T070000Z-p" in article


def test_a_name_has_its_language_and_a_loss_stays_on_its_line(tmp_path):
    add_run(tmp_path, 1, steps=(step(tmp_path, answer="한빛 lost -€46K."),))
    (article,) = articles(render_index(tmp_path))
    assert '<span lang="ko">한빛</span> lost <span class="kam-whole">-€46K</span>.' in article


def test_reports_with_labels_stand_in_a_register_by_each_of_them(tmp_path):
    told = {
        "C1/50_dossier": {"account": "Ärzte <b>", "manager": "Kim", "tier": "A"},
        "C2/50_dossier": {"account": "Zebra", "manager": "김", "tier": "A"},
        "C3/50_dossier": {"account": "apple", "manager": "Kim", "tier": ""},
    }
    steps = [step(tmp_path, name=name, labels=labels, answer=f"{name} stays.") for name, labels in told.items()]
    run = add_run(tmp_path, 1, steps=tuple(steps))
    add_run(tmp_path, 2, steps=(replace(steps[0], status="failed", error="No."), *steps[1:2]))
    html = render_index(tmp_path)
    assert articles(html) == [] and find_live(html) == []
    rows = re.findall(r"<tr lang.*?</tr>", html)
    assert [re.findall(r"<td>(?:<a[^>]*>)?([^<]*)", row)[:3] for row in rows] == [
        ["apple", "Kim", "–"],
        ["Zebra", "김", "A"],
        ["Ärzte &lt;b&gt;", "Kim", "A"],
    ]
    assert "C1/50_dossier stays." in rows[2] and "failed: No." in rows[2]  # its last good report stays
    assert f'href="{run}/C1/50_dossier/report.html"' in rows[2]
    (anchor,) = re.findall(r'<a href="#([^"]*)">Kim \(2\)</a>', html)
    (group,) = re.findall(rf'<p id="{anchor}".*?</p>', html, re.DOTALL)
    assert "apple" in group and "Ärzte" in group and "Zebra" not in group
    assert re.findall(r'<a href="#[^"]*">A \(2\)</a>', html)


def test_lists_beside_a_report_are_linked(tmp_path):
    run = add_run(tmp_path, 1)
    name = step(tmp_path).name
    (tmp_path / run / name / "lists" / "call_list").mkdir(parents=True)
    for file in ("call_list.csv", "call_list.parquet", "call_list/1_Ana.csv"):
        (tmp_path / run / name / "lists" / file).write_text("")
    html = render_index(tmp_path)
    assert f'<a href="{run}/{name}/lists/call_list.csv">call list (CSV)</a>' in html
    assert "1_Ana" not in html and "parquet" not in html
