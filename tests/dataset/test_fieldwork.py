"""What a check says of the answers as a whole, beside the ledger and the sample."""

import pytest

from kam.dataset import check_dataset, draft_dataset, open_dataset
from kam.errors import DatasetError, MissingColumnError

LEDGER = "customer_id,order_date,amount\n" + "".join(
    f"C{i % 3},2025-{month:02}-10,100\n" for month in range(1, 7) for i in range(3)
)
SURVEY = "respondent_id,wave,customer_id,answered_on,overall,q1\n" + "".join(
    f"R{i},w1,C{i % 3},2025-03-0{i + 1},{i % 5 + 1},{5 - i % 5}\n" for i in range(6)
)
SAMPLE = "customer_id,wave,stratum,probability\n" + "".join(f"C{i},w1,a,0.5\n" for i in range(3))


@pytest.fixture
def check(tmp_path):
    def write(survey=SURVEY, sample=None, *, has_ledger=True, options=""):
        tables = {"ledger": LEDGER if has_ledger else None, "survey": survey, "sample": sample}
        text = "name: f\ncurrency: EUR\ntables:\n"
        for name, rows in tables.items():
            if rows is not None:
                (tmp_path / f"{name}.csv").write_text(rows)
                text += f"  {name}:\n    source: {name}.csv\n"
                text += f"    items: [{{name: q1}}]\n{options}" if name == "survey" else ""
        (tmp_path / "dataset.yaml").write_text(text)
        return check_dataset(tmp_path / "dataset.yaml")

    write.path = tmp_path / "dataset.yaml"
    return write


def test_sound_answers_are_ok(check):
    found = check(sample=SAMPLE)
    assert found.ok and not found.warnings, found.lines


def test_accounts_that_nobody_knows_are_a_problem_if_all_are_and_a_warning_if_some(check):
    found = check(SURVEY.replace(",C", ",ZC"))
    (problem,) = found.problems
    assert "no account that answered is in the ledger" in problem and "'ZC0'" in problem and "written alike?" in problem
    found = check(SURVEY.replace(",C1", ",ZC1"))
    assert found.ok and "1 of 3 customers" in found.warnings[0] and "'ZC1'" in found.warnings[0]


def test_accounts_that_the_sample_does_not_list_for_the_wave_are_warned_of(check):
    found = check(sample=SAMPLE.replace("C2,w1", "C2,w2"))
    assert found.ok
    (warning,) = found.warnings
    assert "1 of 3 accounts" in warning and "wave w1" in warning and "('C2')" in warning and "no weight" in warning


def test_waves_that_the_sample_lacks_are_named(check):
    found = check(SURVEY.replace("R5,w1", "R5,w2"), SAMPLE)
    assert found.ok and found.warnings == ("sample: it lists no account for the wave w2, which has answers.",)
    found = check(sample=SAMPLE.replace("w1", "spring"))
    assert not found.ok and "'spring'" in found.problems[0] and "'w1'" in found.problems[0]


def test_blank_answers_are_a_problem(check):
    blank = "\n".join(line.rsplit(",", 2)[0] + ",," if i else line for i, line in enumerate(SURVEY.splitlines()))
    for has_ledger in (True, False):
        found = check(blank + "\n", has_ledger=has_ledger)
        assert not found.ok and any("nobody answered anything" in problem for problem in found.problems)


@pytest.mark.parametrize(
    ("year", "fragment"), [("2020", "before the first order"), ("2031", "after the day up to which")]
)
def test_waves_outside_of_the_ledger_are_warned_of(check, year, fragment):
    found = check(SURVEY.replace("2025-03", f"{year}-03"))
    assert found.ok
    (warning,) = found.warnings
    assert fragment in warning and "wave w1" in warning and year in warning
    assert check(SURVEY.replace("2025-03-01", f"{year}-03-01")).warnings == (), "not all of the wave"


# -- exports without a wave or a respondent --------------------------------------------------------------------------


def without(*columns, text=SURVEY):
    head, *lines = (line.split(",") for line in text.splitlines())
    kept = [i for i, name in enumerate(head) if name not in columns]
    return "".join(",".join(line[i] for i in kept) + "\n" for line in [head, *lines])


@pytest.mark.parametrize(
    ("columns", "wave", "respondent"),
    [
        (("wave",), "2025-03", "R0"),
        (("wave", "answered_on"), "1", "R0"),
        (("respondent_id",), "w1", "row 1"),
        (("respondent_id", "wave", "answered_on"), "1", "row 1"),
    ],
)
def test_one_wave_and_a_respondent_per_row_where_none_is_named(check, columns, wave, respondent):
    from kam.survey import read_survey

    found = check(without(*columns))
    assert found.ok and not found.warnings, found.lines
    assert any("no wave" in line and f"called {wave}" in line for line in found.lines) == ("wave" in columns)
    assert any("no respondent_id" in line for line in found.lines) == ("respondent_id" in columns)
    dataset = open_dataset(check.path)
    assert dataset.survey["wave"].unique().tolist() == [wave]
    assert dataset.survey["respondent_id"].is_unique and dataset.survey["respondent_id"].iloc[0] == respondent
    assert dataset.answers["wave"].unique().tolist() == [wave]
    assert read_survey(dataset).waves == (wave,)


def test_a_key_that_is_there_has_no_empty_cells(check):
    for old, new in (("R0,w1", "R0,"), ("R0,w1", ",w1")):
        found = check(SURVEY.replace(old, new))
        assert not found.ok and "is empty in row 2" in found.problems[0]


LONG = "respondent_id,item,answer\nR0,q1,4\nR0,wave,3\nR1,q1,2\nR1,wave,1\nR2,q1,5\nR2,wave,2\n"


def test_the_long_form_needs_a_respondent_but_no_wave(check):
    rows = LONG.replace("wave", "overall")
    found = check(rows, options="    form: long\n", has_ledger=False)
    assert found.ok, found.lines
    assert open_dataset(check.path).survey[["wave", "q1", "overall"]].values.tolist() == [
        ["1", 4, 3], ["1", 2, 1], ["1", 5, 2]
    ]  # fmt: skip
    found = check(without("respondent_id", text=rows), options="    form: long\n", has_ledger=False)
    assert not found.ok and "respondent_id" in found.problems[0]
    with pytest.raises(MissingColumnError, match="respondent_id"):
        _ = open_dataset(check.path).survey
    with pytest.raises(DatasetError, match="required"):
        check(rows, options="    form: long\n    columns: {respondent_id: null}\n", has_ledger=False)


# -- drafts ----------------------------------------------------------------------------------------------------------


def drafted(tmp_path, text, name="survey.csv"):
    (tmp_path / name).write_text(text, encoding="utf-8")
    made = draft_dataset(tmp_path / name, folder=tmp_path)
    return made, check_dataset(made.write())


def test_items_whose_name_is_taken_check_clean(tmp_path):
    (tmp_path / "wide").mkdir()
    wide = "respondent_id,overall,item,answer,q\n" + "".join(
        f"R{i},{i % 5 + 1},{i % 5 + 1},{5 - i % 5},{i % 5 + 1}\n" for i in range(10)
    )
    made, found = drafted(tmp_path / "wide", wide)
    assert len(made.questions) == 2 and found.ok and not found.warnings, found.lines
    assert open_dataset(tmp_path / "wide").survey["answer (question)"].tolist()[:2] == [5, 4]
    long = "respondent,question,answer\n" + "".join(
        f"R{i},{item},{(i + k) % 5 + 1}\n" for i in range(10) for k, item in enumerate(("wave", "item", "q", "Q"))
    )
    made, found = drafted(tmp_path, long)
    assert len(made.questions) == 3 and found.ok and not found.warnings, found.lines
    survey = open_dataset(tmp_path).survey
    assert survey["wave (question)"].tolist()[:3] == [1, 2, 3] and survey["item (question)"].tolist()[:3] == [2, 3, 4]


def test_a_plain_export_of_the_question_to_recommend_checks_clean(tmp_path):
    header = "How likely are you to recommend us to a colleague? (0-10)"
    made, found = drafted(tmp_path, f"respondent,{header}\n" + "".join(f"R{i},{i % 11}\n" for i in range(22)))
    assert made.questions == () and found.ok
    assert open_dataset(tmp_path).survey["recommend"].tolist() == [i % 11 for i in range(22)]


def test_an_odd_answer_is_asked_about_and_then_out_of_range(tmp_path):
    rows = "".join(f"R{i},{7 if i == 3 else i % 5 + 1},{i % 5 + 1}\n" for i in range(40))
    made, found = drafted(tmp_path, "respondent_id,q1,overall\n" + rows)
    assert "'q1' has the value 7 in one row" in made.questions[0]
    assert not found.ok and "q1 is out of range in row 5 ('7')" in found.problems[0]


def test_chinese_characters_in_a_japanese_file_are_japanese(tmp_path):
    text = "回答番号,調査回,総合満足度\n" + "".join(f"{i},1,{i % 5 + 1}\n" for i in range(10))
    (tmp_path / "s.csv").write_bytes(text.encode("cp932"))
    assert "\nlanguage: ja" in draft_dataset(tmp_path / "s.csv", folder=tmp_path).text
