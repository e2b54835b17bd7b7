"""Which runs go: worked by hand, as invariants, and on disk with everything that can go wrong."""

import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kam.report.manifest import Step, read_runs
from kam.report.plan import Retention
from kam.report.publish import open_run
from kam.report.retention import choose_runs, remove_runs, sweep_gone
from kam.report.run import run_plan
from tests.report.pretended_runs import plan_of, pretend_workers
from tests.report.test_manifest import make

START = datetime(2026, 11, 1, 7, tzinfo=UTC)


def run(day, *steps, plan="p", hours=1.0):
    """A run; a step is ``name``, ``name!`` if it failed, ``name@dataset``."""
    started = START + timedelta(days=day)
    folder = Path(f"{started:%Y%m%dT%H%M%SZ}-{plan}")
    entries = tuple(
        Step(
            name=step.strip("!").partition("@")[0],
            title="",
            notebook_sha256="",
            status="failed" if step.endswith("!") else "succeeded",
            dataset=step.strip("!").partition("@")[2] or "tiny",
        )
        for step in steps
    )
    finished = started + timedelta(hours=hours)
    return make(folder, plan=plan, started=started, finished=finished, steps=entries)


def days(names):
    return sorted(int(name[6:8]) - 1 for name in names)


# -- worked by hand --------------------------------------------------------------------------------------------------


def test_the_newest_runs_of_the_plan_stay():
    runs = [run(day, "a") for day in range(5)]
    assert days(choose_runs(runs, newest=runs[4], keep=Retention(runs=2))) == [0, 1, 2]
    assert days(choose_runs(runs, newest=runs[4], keep=Retention(runs=1))) == [0, 1, 2, 3]
    assert choose_runs(runs, newest=runs[4], keep=Retention(runs=5)) == []
    assert choose_runs(runs, newest=runs[4], keep=Retention()) == []


def test_runs_that_ended_too_long_ago_go():
    runs = [run(day, "a") for day in range(5)]
    assert days(choose_runs(runs, newest=runs[4], keep=Retention(days=2))) == [
        0,
        1,
    ]  # two days to the second is not more
    assert days(choose_runs(runs, newest=runs[4], keep=Retention(days=2, runs=1))) == [0, 1, 2, 3]
    assert choose_runs(runs, newest=runs[4], keep=Retention(days=1e12)) == []


def test_the_last_good_run_of_each_report_stays():
    runs = [run(0, "a", "b"), run(1, "a@other"), run(2, "a", "b!"), run(3, "a!", "b!"), run(4, "a!", "b!")]
    assert days(choose_runs(runs, newest=runs[4], keep=Retention(runs=1))) == [3]


def test_a_report_is_counted_over_all_plans():
    runs = [run(0, "a"), run(1, "a", plan="q"), run(2, "a!")]
    assert days(choose_runs(runs, newest=runs[2], keep=Retention(runs=1))) == [0]
    assert days(choose_runs([*runs[:1], *runs[2:]], newest=runs[2], keep=Retention(runs=1))) == []


def test_a_report_for_other_readers_is_another_report():
    runs = [run(day, "a") for day in range(4)]
    shared = replace(runs[0], steps=(replace(runs[0].steps[0], parameters={"audience": "shared"}),))
    assert days(choose_runs([shared, *runs[1:]], newest=runs[3], keep=Retention(runs=1))) == [1, 2]


def test_a_failure_that_the_index_tells_stays():
    runs = [run(0, "a", "b!"), run(1, "a"), run(2, "a")]
    assert days(choose_runs(runs, newest=runs[2], keep=Retention(runs=1))) == [1]


def test_the_run_just_published_stays_though_the_clock_was_set_back():
    runs = [run(0, "a"), run(1, "a"), run(2, "a")]
    assert days(choose_runs(runs, newest=runs[0], keep=Retention(runs=1))) == [1]


# -- invariants ------------------------------------------------------------------------------------------------------

REPORT = st.tuples(st.sampled_from("ab"), st.sampled_from(["", "@x"]), st.sampled_from(["", "!"])).map("".join)
RUNS = st.lists(
    st.tuples(
        st.sampled_from("pq"),
        st.lists(REPORT, min_size=1, max_size=3, unique_by=lambda step: step[0]),
        st.floats(0.1, 90),
    ),
    min_size=1,
    max_size=12,
).map(lambda drawn: [run(day, *steps, plan=plan, hours=hours) for day, (plan, steps, hours) in enumerate(drawn)])
KEEP = st.builds(Retention, runs=st.none() | st.integers(1, 4), days=st.none() | st.floats(0.1, 9))


def reports(runs):
    """Of each report the last run that succeeded, and the last at all: what the index shows."""
    shown = {}
    for one in sorted(runs, key=lambda one: one.started):
        for step in one.steps:
            good = one.run_id if step.status == "succeeded" else shown.get((step.name, step.dataset), (None,))[0]
            shown[step.name, step.dataset] = good, one.run_id
    return shown


@given(RUNS, KEEP, st.data())
@settings(max_examples=100)
def test_nothing_that_is_shown_goes_and_nothing_else_stays_too_long(runs, keep, data):
    newest = data.draw(st.sampled_from(runs))
    going = choose_runs(data.draw(st.permutations(runs)), newest=newest, keep=keep)
    left = [one for one in runs if one.run_id not in going]
    assert len(set(going)) == len(going) == len(runs) - len(left)
    assert newest in left
    assert all(one in left for one in runs if one.plan != newest.plan)
    assert reports(left) == reports(runs)  # never the last good one of any report
    assert choose_runs(left, newest=newest, keep=keep) == []
    kept = {name for pair in reports(runs).values() for name in pair}
    own = sorted((one for one in runs if one.plan == newest.plan and one is not newest), key=lambda one: one.started)
    for rank, one in enumerate(reversed(own), start=1):
        many = keep.runs is not None and rank >= keep.runs
        old = keep.days is not None and newest.finished - one.finished > timedelta(days=keep.days)
        assert (one not in left) == ((many or old) and one.run_id not in kept)


# -- on disk ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def runs(monkeypatch, tmp_path):
    """Runs of a plan: ``runs(4, keep=…)`` makes four."""
    pretend_workers(monkeypatch)

    def make_runs(n=1, **changes):
        return [run_plan(plan_of(**changes), out=tmp_path) for _ in range(n)]

    return make_runs


def there(root):
    return sorted(path.name for path in root.glob("[!.]*") if path.is_dir())


def dead_links(root):
    """Links of the index that lead to nothing."""
    links = re.findall(r'href="([^"#]+)"', (root / "index.html").read_text(encoding="utf-8"))
    return [link for link in links if not (root / unquote(link)).is_file()]


def test_after_a_run_the_old_ones_are_gone_from_disk_and_index(runs, tmp_path):
    (other,) = runs(name="other")
    made = runs(4, keep=Retention(runs=2))
    assert there(tmp_path) == sorted(one.folder.name for one in (other, *made[2:]))
    assert not list(tmp_path.glob(".gone-*")) and made[3].notes == ()
    index = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert len(re.findall("<tr><td><time", index)) == 3 and dead_links(tmp_path) == []


def test_without_a_rule_everything_stays(runs, tmp_path):
    runs(4)
    assert len(there(tmp_path)) == 4


def test_while_a_report_fails_its_last_good_run_stays(runs, tmp_path):
    (good,) = runs(keep=Retention(runs=1))
    failed = runs(3, fail=True, keep=Retention(runs=1))
    assert there(tmp_path) == sorted([good.folder.name, failed[2].folder.name])
    assert f'href="{good.folder.name}/answers/report.html"' in (tmp_path / "index.html").read_text(encoding="utf-8")
    (mended,) = runs(keep=Retention(runs=1))
    assert there(tmp_path) == [mended.folder.name]


def test_what_cannot_be_read_and_what_lies_elsewhere_is_left_alone(runs, tmp_path):
    first, second, third = runs(3)
    (first.folder / "run.json").write_text("{", encoding="utf-8")
    elsewhere = tmp_path.parent / f"{tmp_path.name}-elsewhere"
    second.folder.rename(elsewhere)
    second.folder.symlink_to(elsewhere)
    (fourth,) = runs(keep=Retention(runs=1))
    assert there(tmp_path) == sorted(one.folder.name for one in (first, second, fourth))
    assert (elsewhere / "run.json").is_file() and not third.folder.exists()
    assert fourth.notes == (
        f"The old run {second.folder.name} could not be removed: its folder is a link to another place.",
    )


def test_a_removal_that_is_cut_off_is_ended_by_the_next_run_of_any_plan(runs, tmp_path, monkeypatch):
    old, _ = runs(2)
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", lambda *_, **__: None)  # killed before it came to that
        runs(keep=Retention(runs=2))
    (gone,) = tmp_path.glob(".gone-*")
    assert gone.name == f".gone-{old.folder.name}" and (gone / "run.json").is_file()
    assert dead_links(tmp_path) == [] and old.folder.name not in [one.run_id for one in read_runs(tmp_path)[0]]
    runs(name="other")
    assert not list(tmp_path.glob(".gone-*"))


def test_at_no_moment_does_the_index_lead_to_what_is_not_there(runs, tmp_path, monkeypatch):
    runs(2)
    runs(fail=True)
    rename, seen = Path.rename, []

    def watched(self, target):
        done = rename(self, target)
        if ".gone-" in str(target):
            seen.append(dead_links(tmp_path))
            listed = (tmp_path / "index.html").read_text(encoding="utf-8").count("<tr><td><time")
            assert listed == 3  # it was written before
        return done

    monkeypatch.setattr(Path, "rename", watched)
    (last,) = runs(keep=Retention(runs=2), fail=True)
    assert seen == [[]]
    assert last.folder.name in there(tmp_path)


@pytest.mark.parametrize("broken", ["rename", "index"])
def test_what_cannot_be_removed_costs_the_run_nothing(runs, tmp_path, monkeypatch, broken):
    runs(3)
    before = there(tmp_path)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        if broken == "index":
            write = Path.write_text
            drawn = []

            def second_fails(self, *args, **options):
                drawn.append(self.name)
                if drawn.count(".index.html.part") == 2:
                    full()
                return write(self, *args, **options)

            patched.setattr(Path, "write_text", second_fails)
        else:
            rename = Path.rename
            patched.setattr(Path, "rename", lambda self, to: full() if ".gone-" in str(to) else rename(self, to))
        (fourth,) = runs(keep=Retention(runs=1))
    assert fourth.manifest.status == "succeeded" and "No space left on device" in fourth.notes[0]
    assert there(tmp_path) == sorted([*before, fourth.folder.name]) and dead_links(tmp_path) == []
    (fifth,) = runs(keep=Retention(runs=1))
    assert there(tmp_path) == [fifth.folder.name] and fifth.notes == ()


def test_removing_twice_is_removing_once(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    assert remove_runs(tmp_path, ["a"]) == ()
    assert there(tmp_path) == ["b"]
    (problem,) = remove_runs(tmp_path, ["a"])
    assert "No such file" in problem and there(tmp_path) == ["b"]
    sweep_gone(tmp_path)
    assert there(tmp_path) == ["b"]


def test_the_id_of_a_run_that_was_removed_is_not_given_again(tmp_path):
    begun = datetime(2026, 11, 1, tzinfo=UTC)
    name = "20261101T000000Z-night"
    for taken, free in (("", name), (name, f"{name}.2"), (f"{name}.3", f"{name}.4")):
        (tmp_path / taken).mkdir(exist_ok=True)
        with open_run(tmp_path, "night", begun) as part:
            assert part.name == f".part-{free}"
    (tmp_path / name).rmdir()
    with open_run(tmp_path, "night", begun) as part:
        assert part.name == f".part-{name}.4"


def test_plans_of_the_same_beginning_are_not_one(runs, tmp_path):
    runs(2, name="night-2")
    runs(2, keep=Retention(runs=1))
    assert sum(one.plan == "night-2" for one in read_runs(tmp_path)[0]) == 2


def test_the_rule_counts_manifests_not_names(tmp_path):
    mine = run(0, "a")
    theirs = replace(run(1, "a", plan="q"), run_id=f"{run(1, 'a').run_id}")
    newest = run(2, "a")
    assert choose_runs([mine, theirs, newest], newest=newest, keep=Retention(runs=1)) == [mine.run_id]
