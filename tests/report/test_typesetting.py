import pytest

from kam.report.typesetting import hold_amounts, mark_languages, number_tables

BOX = '<div class="kam-scroll{}" role="region" tabindex="0" aria-label="{}"></div>'


@pytest.mark.parametrize(
    ("name", "marked"),
    [
        ("株式会社ヤマダ", '<span lang="ja">株式会社ヤマダ</span>'),
        ("ﾔﾏﾀﾞ", '<span lang="ja">ﾔﾏﾀﾞ</span>'),
        ("새안솔터전자㈜", '<span lang="ko">새안솔터전자㈜</span>'),
        ("주식회사 가람 (남부) 2공장", '<span lang="ko">주식회사 가람 (남부) 2공장</span>'),
        ("珩川电子股份有限公司 北方", '<span lang="zh-Hans">珩川电子股份有限公司 北方</span>'),
        ("東和商事", '<span lang="ja">東和商事</span>'),
        ("Acme 华远 Ltd", 'Acme <span lang="zh-Hans">华远</span> Ltd'),
        ("华远，한빛", '<span lang="ko">华远，한빛</span>'),
        ("Müller & Söhne, שלום, €5", "Müller & Söhne, שלום, €5"),
    ],
)
def test_names_in_an_english_report(name, marked):
    assert mark_languages(f"<td>{name}</td>", "en") == f"<td>{marked}</td>"


def test_the_language_of_the_report_is_not_marked():
    for name, language in (
        ("東和商事", "zh"),
        ("东和商事", "ja"),
        ("東和商事", "ko"),
        ("한빛", "ko"),
        ("ヤマダ", "ja"),
    ):
        assert mark_languages(f"<p>{name}</p>", language) == f"<p>{name}</p>"
    assert mark_languages("<p>한빛</p>", "ja") == '<p><span lang="ko">한빛</span></p>'


def test_only_text_is_marked():
    page = (
        '<head><title>한빛 -€5</title><style>/* 한 */</style></head><img alt="한빛 -€5"><code>x = "한빛" # -€5</code>'
    )
    assert mark_languages(page, "en") == page
    assert hold_amounts(page) == page


@pytest.mark.parametrize("amount", ["-€4,318", "-€46K", "-£1.25M", "-¥12"])
def test_negative_amounts_are_held(amount):
    assert hold_amounts(f"is {amount}; (") == f'is <span class="kam-whole">{amount}</span>; ('


@pytest.mark.parametrize("text", ["€5-€7", "a-€5", "-4 to 22", "-€", "x--€5"])
def test_what_is_no_negative_amount_stays(text):
    assert hold_amounts(text) == text


def test_tables_of_a_section_are_numbered_and_a_single_one_is_not():
    page = BOX.format("", "Who? {n}") + BOX.format(" kam-wide", "Who? {n}") + BOX.format("", "Why?")
    numbered = number_tables(page, "{section}, table {n}")
    for label in ("Who? {n}, table 1", "Who? {n}, table 2", "Why?"):
        assert numbered.count(f'aria-label="{label}"') == 1
