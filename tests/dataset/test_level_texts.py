import pytest
from hypothesis import given
from hypothesis import strategies as st

from kam.dataset.level_texts import find_code, find_level, read_levels, split_number

FIVE = (1.0, 5.0)
SCALES = [
    "Very satisfied|Satisfied|Neither satisfied nor dissatisfied|Dissatisfied|Very dissatisfied",
    "Extremely satisfied|Somewhat satisfied|Neutral|Somewhat dissatisfied|Extremely dissatisfied",
    "Highly satisfied|fairly satisfied|no opinion|somewhat dissatisfied|extremely dissatisfied",
    "Completely satisfied|Mostly satisfied|Neutral|Mostly dissatisfied|Completely dissatisfied",
    "Satisfied|Somewhat satisfied|Neither|Somewhat dissatisfied|Dissatisfied",
    "Strongly agree|Agree|Neither agree nor disagree|Disagree|Strongly disagree",
    "Strongly agree|Somewhat agree|Undecided|Somewhat disagree|Strongly disagree",
    "Very likely|Likely|Neutral|Unlikely|Very unlikely",
    "Extremely satisfied|Very satisfied|Somewhat satisfied|Not so satisfied|Not at all satisfied",
    "Extremely likely|Very likely|Moderately likely|Slightly likely|Not at all likely",
    "Excellent|Very good|Good|Fair|Poor",
    "Very good|Good|Fair|Poor|Very poor",
    "非常满意|满意|一般|不满意|非常不满意",
    "很满意|比较满意|一般|不太满意|很不满意",
    "非常滿意|滿意|普通|不滿意|非常不滿意",
    "非常同意|同意|中立|不同意|非常不同意",
    "完全同意|比较同意|没有意见|不太同意|完全不同意",
    "매우 만족|만족|보통|불만족|매우 불만족",
    "매우만족|약간만족|보통|약간불만족|매우불만족",
    "매우 만족한다|만족한다|보통이다|만족하지 않는다|전혀 만족하지 않는다",
    "매우 그렇다|그렇다|보통이다|그렇지 않다|전혀 그렇지 않다",
    "매우 동의함|동의함|의견 없음|동의하지 않음|전혀 동의하지 않음",
    "非常に満足|やや満足|どちらともいえない|やや不満|非常に不満",
    "非常に満足|満足|普通|不満|非常に不満",
    "満足|やや満足|どちらともいえない|やや不満|不満",
    "とても満足している|まあ満足している|どちらでもない|あまり満足していない|全く満足していない",
    "強くそう思う|そう思う|どちらともいえない|そう思わない|全くそう思わない",
    "sehr zufrieden|eher zufrieden|weder noch|eher unzufrieden|sehr unzufrieden",
    "stimme voll und ganz zu|stimme eher zu|teils/teils|stimme eher nicht zu|stimme überhaupt nicht zu",
    "Très satisfait|Plutôt satisfait|Ni satisfait, ni insatisfait|Plutôt insatisfait|Très insatisfait",
    "Tout à fait d'accord|Plutôt d'accord|Neutre|Plutôt pas d'accord|Pas du tout d'accord",
    "Muy satisfecho|Satisfecho|Neutral|Insatisfecho|Muy insatisfecho",
    "Totalmente de acuerdo|De acuerdo|Ni de acuerdo ni en desacuerdo|En desacuerdo|Totalmente en desacuerdo",
]


def levels(*texts, scale=FIVE, declared=None):
    reading = read_levels([(scale, text) for text in texts], declared)
    return [reading.values.get((scale, text)) for text in texts], reading


@pytest.mark.parametrize("scale", SCALES)
def test_scales_of_five_are_known(scale):
    found, reading = levels(*scale.split("|"))
    assert found == [5, 4, 3, 2, 1]
    assert not reading.unknown and not reading.guessed


@given(st.sampled_from(SCALES), st.randoms(), st.sampled_from([str.upper, str.title, lambda text: f"  {text}. "]))
def test_neither_order_nor_case_nor_signs_count(scale, random, change):
    texts = [change(text) for text in scale.split("|")]
    expected = dict(zip(texts, [5, 4, 3, 2, 1], strict=True))
    random.shuffle(texts)
    assert levels(*texts)[0] == [expected[text] for text in texts]


def test_the_same_word_is_another_level_on_another_scale():
    assert levels("満足", "非常に満足")[0] == [4, 5]
    assert levels("満足", "やや満足")[0] == [5, 4]
    assert levels("満足", "やや不満")[0] == [5, 2], "the other side says which scale it is"


def test_a_word_that_stands_alone_is_read_as_usual_and_said_so():
    found, reading = levels("Satisfied", "Dissatisfied", "Neutral")
    assert found == [4, 2, 3]
    assert set(reading.guessed.values()) == {4, 2}


def test_more_degrees_than_levels_are_left_open():
    found, reading = levels("very satisfied", "satisfied", "somewhat satisfied", "dissatisfied")
    assert found == [None, None, None, 2]
    assert set(reading.unknown.values()) == {"two levels"}
    assert levels("moderately satisfied", "slightly satisfied")[0] == [None, None], "of five or of seven?"


def test_seven_levels_have_three_on_each_side():
    texts = "very satisfied|satisfied|somewhat satisfied|neutral|somewhat dissatisfied|dissatisfied|very dissatisfied"
    assert levels(*texts.split("|"), scale=(1.0, 7.0))[0] == [7, 6, 5, 4, 3, 2, 1]
    assert levels("very satisfied", "somewhat dissatisfied", scale=(1.0, 7.0))[0] == [7, 3]


def test_four_levels_have_no_middle():
    texts = ["very satisfied", "satisfied", "dissatisfied", "very dissatisfied", "neutral"]
    assert levels(*texts, scale=(1.0, 4.0))[0] == [4, 3, 2, 1, None]


def test_languages_do_not_disturb_each_other():
    assert levels("満足", "やや満足", "very satisfied", "satisfied")[0] == [5, 4, 5, 4]


def test_what_is_declared_goes_first():
    assert levels("Satisfied", "Delighted", "7", declared={"satisfied": 5, "delighted": 4, "7": 1})[0] == [5, 4, 1]


def test_no_opinion_is_the_middle_and_says_so():
    assert levels("no opinion", "very satisfied")[1].says_no_opinion
    assert levels("3 - 의견 없음")[1].says_no_opinion
    assert not levels("neutral")[1].says_no_opinion


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5", 5), ("5.0", 5), ("4,0", 4), ("5 - Very satisfied", 5), ("5 – Very satisfied", 5), ("5: very satisfied", 5),
        ("5=매우 만족", 5), ("5점", 5), ("5 점", 5), ("4点 満足", 4), ("3分", 3), ("⑤", 5), ("\uff15", 5), ("(4) 満足", 4),
        ("満足（4）", 4), ("Very satisfied (5)", 5), ("10 - extremely likely", 10), ("0 - not at all likely", 0),
        ("5 very satisfied", 5),
        ("①非常不满意", 1), ("2. Dissatisfied", 2), ("3 stars", 3),
    ],
)  # fmt: skip
def test_labels_stand_for_their_number(text, number):
    assert split_number(text)[0] == number


@pytest.mark.parametrize("text", ["3 of 4", "satisfied", "2 visits", "2024-01", "", "5 to 9 years", "A1"])
def test_what_is_no_label_has_no_number(text):
    assert split_number(text) is None


def test_numbers_against_their_words_are_found():
    _, reading = levels("1 - very satisfied", "5 - very dissatisfied", "4 - dissatisfied", "3 - neutral")
    assert {text for _, text in reading.against} == {"1 - very satisfied", "5 - very dissatisfied", "4 - dissatisfied"}
    assert not levels("5 - very satisfied", "1 - very dissatisfied")[1].against


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Not applicable", "not applicable"), ("N/A", "not applicable"), ("해당 없음", "not applicable"),
        ("不适用", "not applicable"),
        ("該当しない", "not applicable"), ("no answer", "no answer"), ("Don't know", "no answer"), ("모르겠음", "no answer"),
        ("わからない", "no answer"), ("拒答", "no answer"), ("k. A.", "no answer"),
        ("--", "no answer"), ("", None), ("satisfied", None),
    ],
)  # fmt: skip
def test_texts_that_are_no_answer_are_known(text, code):
    assert find_code(text) == code


def test_no_word_means_two_things():
    from kam.dataset import level_words

    for words in (level_words.NOT_APPLICABLE, level_words.NO_ANSWER):
        assert not [word for word in words if find_level(word)]
    assert not {*map(find_code, level_words.NOT_APPLICABLE)} - {"not applicable"}
    neutral = [find_level(word) for word in (*level_words.NEUTRAL, *level_words.NO_OPINION)]
    assert all(level is not None and level.side == 0 for level in neutral)


@pytest.mark.parametrize("text", ["not dissatisfied", "별로 불만", "excited", "满", "customer", "yes", "high"])
def test_what_is_not_clear_is_not_guessed(text):
    assert find_level(text) is None
