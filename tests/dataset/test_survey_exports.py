"""Answers as survey tools export them: texts in several languages, wide and long, from file to draft to dataset."""

import pandas as pd
import pytest

from kam.dataset import check_dataset, draft_dataset, open_dataset

SCALES = {
    "en": ("Very dissatisfied", "Dissatisfied", "Neither satisfied nor dissatisfied", "Satisfied", "Very satisfied"),
    "zh": ("非常不满意", "不满意", "一般", "满意", "非常满意"),
    "ko": ("매우 불만족", "불만족", "보통", "만족", "매우 만족"),
    "ja": ("非常に不満", "やや不満", "どちらともいえない", "やや満足", "非常に満足"),
}
NOT_APPLICABLE = {"en": "Not applicable", "zh": "不适用", "ko": "해당 없음", "ja": "該当しない"}
NO_ANSWER = {"en": "No answer", "zh": "拒答", "ko": "무응답", "ja": "無回答"}
HEADERS = {
    "en": ["Response ID", "Survey wave", "Customer no.", "Overall satisfaction", "Recommendation", "Delivery", "Chasing"],
    "zh": ["答卷编号", "波次", "客户编号", "总体满意度", "推荐意愿", "交货", "催促"],
    "ko": ["응답자번호", "조사차수", "고객번호", "전반적 만족도", "추천의향", "납기", "재촉"],
    "ja": ["回答番号", "調査回", "顧客番号", "総合満足度", "推奨度", "納期", "催促"],
}  # fmt: skip
ENCODINGS = {"en": "utf-8-sig", "zh": "gbk", "ko": "cp949", "ja": "cp932"}
N = 40
OVERALL = [i % 5 + 1 for i in range(N)]
DELIVERY = [8 if i == 3 else 9 if i == 4 else (i * 2) % 5 + 1 for i in range(N)]
CHASING = [5 - i % 5 for i in range(N)]


def wide(language, path):
    """40 answers in words; the likelihood to recommend as numbers, its ends with words."""
    words = dict(enumerate(SCALES[language], start=1)) | {8: NOT_APPLICABLE[language], 9: NO_ANSWER[language]}
    recommend = [{0: "0 - " + words[1], 10: "10 - " + words[5]}.get(i % 11, str(i % 11)) for i in range(N)]
    columns = [
        [f"r{i:02}" for i in range(N)], ["2025"] * N, [f"{i % 30:04}" for i in range(N)],
        [words[i] for i in OVERALL], recommend, [words[i] for i in DELIVERY], [words[i] for i in CHASING],
    ]  # fmt: skip
    frame = pd.DataFrame(dict(zip(HEADERS[language], columns, strict=True)))
    write(frame, path, language)
    return frame


def write(frame, path, language):
    if path.suffix == ".xlsx":
        frame.to_excel(path, index=False)
    else:
        path.write_bytes(frame.to_csv(index=False).encode(ENCODINGS[language]))


def long(language, path):
    """The same, a row per answer."""
    heads = HEADERS[language]
    frame = wide(language, path).melt(heads[:3], heads[3:], var_name="x", value_name="y")
    names = {"en": ["Question", "Answer"], "zh": ["题目", "回答"], "ko": ["문항", "응답"], "ja": ["設問", "回答"]}
    frame = frame.rename(columns=dict(zip(["x", "y"], names[language], strict=True)))
    write(frame, path, language)
    return frame


def drafted(tmp_path, path, *changes):
    made = draft_dataset(path, folder=tmp_path, name="s")
    assert made.questions == ()
    target = made.write()
    for old, new in changes:
        text = target.read_text(encoding="utf-8")
        assert old in text
        target.write_text(text.replace(old, new), encoding="utf-8")
    return target


@pytest.mark.parametrize(
    ("language", "form", "suffix"),
    [(language, form, ".csv") for language in SCALES for form in (wide, long)] + [("ja", wide, ".xlsx")],
)
def test_an_export_in_words_is_recognized_and_checks_clean(tmp_path, language, form, suffix):
    path = tmp_path / f"survey_{language}{suffix}"
    form(language, path)
    chasing = HEADERS[language][6]
    target = drafted(tmp_path, path, (f"{{name: {chasing}}}", f"{{name: {chasing}, reversed: true}}"))
    found = check_dataset(target)
    assert found.ok and not found.warnings, found.lines
    dataset = open_dataset(target)
    survey = dataset.survey.sort_values("respondent_id")
    items = HEADERS[language][5:]
    assert [item.name for item in dataset.file.tables.survey.items] == sorted(items) or form is wide
    assert survey["overall"].tolist() == OVERALL
    assert survey["recommend"].tolist() == [i % 11 for i in range(N)]
    assert survey[items[0]].fillna(0).tolist() == [0 if i > 5 else i for i in DELIVERY]
    assert survey[items[1]].tolist() == CHASING, "as recorded: what is reversed is turned by kam.survey"
    status = dataset.answers[dataset.answers["item"] == items[0]]["status"].value_counts().to_dict()
    assert status == {"answered": N - 2, "not applicable": 1, "no answer": 1}


def test_reversed_words_are_turned_by_the_survey(tmp_path):
    from kam.survey import read_survey

    wide("ko", tmp_path / "survey.csv")
    target = drafted(tmp_path, tmp_path / "survey.csv", ("{name: 재촉}", "{name: 재촉, reversed: true}"))
    responses = read_survey(open_dataset(target))
    assert responses.rows["재촉"].tolist() == [6 - i for i in CHASING]


# -- one survey, changed in one place --------------------------------------------------------------------------------


def small(tmp_path, rows, options="", items="[{name: q1}, {name: q2}]"):
    """A survey with q1, q2, and what kam says about it."""
    frame = pd.DataFrame(rows, columns=["q1", "q2", *([] if len(rows[0]) == 2 else ["weight"])])
    frame.insert(0, "respondent_id", [f"r{i}" for i in range(len(rows))])
    frame.insert(1, "wave", "1")
    frame.to_csv(tmp_path / "s.csv", index=False)
    text = f"name: s\ntables:\n  survey:\n    source: s.csv\n    items: {items}\n"
    (tmp_path / "dataset.yaml").write_text(text + "".join(f"    {line}\n" for line in options.splitlines()))
    return check_dataset(tmp_path / "dataset.yaml")


def answers(tmp_path, column="q1"):
    return open_dataset(tmp_path / "dataset.yaml").survey[column].fillna(0).tolist()


def test_numbers_and_words_mix_in_one_column(tmp_path):
    assert small(tmp_path, [("5", "Satisfied"), ("Very satisfied", "4"), ("④", "2"), ("1 - very dissatisfied", "3")]).ok
    assert answers(tmp_path) == [5, 5, 4, 1]
    assert answers(tmp_path, "q2") == [4, 4, 2, 3]


def test_words_that_nobody_knows_are_listed_and_a_problem(tmp_path):
    found = small(tmp_path, [("Superb", "5"), ("superb", "5"), ("Superb", "4"), ("meh", "Satisfied"), ("3", "odd")])
    assert not found.ok
    first, second = found.problems
    for part in (
        "q1 holds texts",
        "'Superb' (2 rows)",
        "'superb' (1 row)",
        "'meh' (1 row)",
        "levels: {'Superb': 4}",
        "very satisfied",
    ):
        assert part in first
    assert "q2 holds texts" in second and "'odd' (1 row)" in second
    assert not any("count as missing" in line for line in found.lines), "they are named once"


def test_levels_are_declared_and_go_first(tmp_path):
    rows = [("Superb", "5"), ("meh", "5"), ("Satisfied", "1")]
    found = small(tmp_path, rows, "levels: {superb: 5, meh: 2, Satisfied: 3}")
    assert found.ok and not found.warnings
    assert answers(tmp_path) == [5, 2, 3]


def test_a_declared_code_goes_before_what_a_text_says_by_itself(tmp_path):
    rows = [("no opinion", "Not applicable"), ("Very satisfied", "5"), ("don't know", "4")]
    found = small(tmp_path, rows, "no_answer: [no opinion]\nnot_applicable: [don't know]\nlevels: {not applicable: 1}")
    assert found.ok
    assert answers(tmp_path) == [0, 5, 0]
    assert answers(tmp_path, "q2") == [1, 5, 4]
    status = open_dataset(tmp_path / "dataset.yaml").answers.set_index(["item", "respondent_id"])["status"]
    assert [status["q1", r] for r in ("r0", "r1", "r2")] == ["no answer", "answered", "not applicable"]


def test_a_middle_called_no_opinion_asks_what_it_means(tmp_path):
    rows = [("Very satisfied", "5"), ("no opinion", "4")]
    assert any("level_3: no_opinion" in warning for warning in small(tmp_path, rows).warnings)
    assert answers(tmp_path) == [5, 3]
    assert not small(tmp_path, rows, "level_3: no_opinion").warnings
    assert not small(tmp_path, rows, "level_3: neutral").warnings


def test_the_draft_says_no_opinion(tmp_path):
    texts = ["extremely dissatisfied", "somewhat dissatisfied", "no opinion", "fairly satisfied", "highly satisfied"]
    frame = pd.DataFrame({"respondent": range(30), "wave": "1", "service": texts * 6, "price": texts[::-1] * 6})
    frame.to_csv(tmp_path / "survey.csv", index=False)
    target = drafted(tmp_path, tmp_path / "survey.csv")
    survey = open_dataset(target).file.tables.survey
    assert survey.level_3 == "no_opinion"
    assert [item.name for item in survey.items] == ["service", "price"]
    assert check_dataset(target).ok and not check_dataset(target).warnings


def test_the_draft_asks_for_words_that_nobody_knows(tmp_path):
    texts = ["Very satisfied", "Satisfied", "Dissatisfied", "Over the moon"]
    frame = pd.DataFrame({"respondent": range(40), "wave": "1", "service": texts * 10, "region": ["n", "s"] * 20})
    frame.to_csv(tmp_path / "survey.csv", index=False)
    made = draft_dataset(tmp_path / "survey.csv", folder=tmp_path)
    assert any("'Over the moon'" in question for question in made.questions)
    target = made.write()
    assert [item.name for item in open_dataset(target).file.tables.survey.items] == ["service"]
    text = target.read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if "# levels:" in line)
    target.write_text(text.replace(line, "    levels: {Over the moon: 5}"), encoding="utf-8")
    assert check_dataset(target).ok


def test_words_that_have_no_other_beside_them_are_warned_of(tmp_path):
    found = small(tmp_path, [("Satisfied", "5"), ("Dissatisfied", "1")])
    assert found.ok and any(
        "'Satisfied' = 4" in warning and "'Dissatisfied' = 2" in warning for warning in found.warnings
    )


def test_more_degrees_than_levels_are_a_problem(tmp_path):
    found = small(tmp_path, [("Very satisfied", "5"), ("Satisfied", "4"), ("Somewhat satisfied", "3")])
    assert not found.ok and "'Satisfied' (1 row)" in found.problems[0]


def test_numbers_against_their_words_are_a_problem_unless_reversed(tmp_path):
    rows = [("1 - very satisfied", "5"), ("5 - very dissatisfied", "1")]
    assert any(
        "reversed: true" in problem and problem.startswith("survey: q1") for problem in small(tmp_path, rows).problems
    )
    assert small(tmp_path, rows, items="[{name: q1, reversed: true}, {name: q2}]").ok


@pytest.mark.parametrize(
    ("rows", "fragments"),
    [
        (
            [("6 - beyond", "5"), ("Very satisfied", "4")],
            ["q1 is out of range in row 2 ('6 - beyond'). Allowed: 1 to 5."],
        ),
        ([("5", "7"), ("4", "4")], ["q2 is out of range in row 2 ('7'). Allowed: 1 to 5."]),
        ([("5", "4", "1"), ("4", "4", "")], ["weight is missing in row 3 ('r1')"]),
        ([("5", "4", "0"), ("4", "4", "1")], ["weight is out of range in row 2 ('0'). Allowed: above 0."]),
        ([("5", "4", "-2"), ("4", "4", "1")], ["weight is out of range in row 2 ('-2')"]),
    ],
)
def test_what_is_wrong_with_answers_is_named(tmp_path, rows, fragments):
    found = small(tmp_path, rows)
    assert not found.ok
    for fragment in fragments:
        assert any(fragment in problem for problem in found.problems), found.problems


def test_items_in_rows_out_of_their_range_are_named(tmp_path):
    rows = "respondent_id,wave,item,answer\na,1,q1,Very satisfied\na,1,nps,11 - sure\nb,1,q1,6\nb,1,nps,10\nb,1,q1,5\n"
    (tmp_path / "s.csv").write_text(rows)
    (tmp_path / "dataset.yaml").write_text(
        "name: s\ntables:\n  survey: {source: s.csv, form: long, items: [{name: q1}], columns: {recommend: nps, overall: all}}\n"
    )
    problems = " ".join(check_dataset(tmp_path / "dataset.yaml").problems)
    for part in (
        "answer is out of the range of its item in rows 3 ('recommend=11 - sure') and 4 ('q1=6')",
        "respondent_id + wave + item has to be different in every row",
        "overall is 'all', which is neither a column nor an item",
    ):
        assert part in problems


def test_a_survey_without_words_is_read_as_before(tmp_path):
    assert small(tmp_path, [("5", "4.0"), ("1", ""), ("9", "2")], "no_answer: [9]").ok
    assert answers(tmp_path) == [5, 1, 0]


@pytest.mark.parametrize(
    ("levels", "fragment"),
    [
        ("{fine: 12}", "the number is on the scale of no question"),
        ("{fine: 4, Fine!: 3}", "the same text as 'fine'"),
        ("{fine: true}", "is no level"),
        ("{n.a.: 1}", "is a code for no answer"),
    ],
)
def test_declared_levels_are_checked(tmp_path, levels, fragment):
    from kam.errors import DatasetError

    with pytest.raises(DatasetError, match=r"tables\.survey\.levels") as caught:
        small(tmp_path, [("5", "4")], f"no_answer: [n.a.]\nlevels: {levels}")
    assert fragment in str(caught.value)


def test_a_survey_without_levels_keeps_its_fingerprint(tmp_path):
    small(tmp_path, [("5", "4")])
    content = open_dataset(tmp_path / "dataset.yaml").file.model_dump(mode="json")
    assert "levels" not in content["tables"]["survey"]
