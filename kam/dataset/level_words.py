"""How levels of a scale are called: English, German, French, Spanish, Chinese, Korean, Japanese.

Each list is separated by commas; case, spaces and signs do not count. ``{}`` is where the word of the scale stands.
"""

from __future__ import annotations

from typing import NamedTuple


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.replace("\n", " ").split(",") if word.strip())


class Ladder(NamedTuple):
    """A way to say good and bad: words of both sides, and how their degrees are said, strongest first.

    ``bad_only`` are degrees that say no: with a good word they stand for a bad level, as a bad word does.
    """

    family: str
    good: tuple[str, ...]
    bad: tuple[str, ...]
    degrees: tuple[tuple[int, tuple[str, ...]], ...]
    bad_only: tuple[tuple[int, tuple[str, ...]], ...] = ()


BARE = 2
"""Degree of a word that stands alone: very is above it, somewhat below."""

_ENGLISH = (
    (4, _words("extremely {}, completely {}, totally {}, fully {}, entirely {}, absolutely {}, {} completely")),
    (3, _words("very {}, highly {}, strongly {}, really {}, {} strongly, very much {}, definitely {}")),
    (2, _words("{}")),
    (1, _words("fairly {}, quite {}, rather {}, moderately {}, mostly {}, generally {}, tend to {}, probably {}")),
    (0, _words("somewhat {}, slightly {}, a little {}, partly {}, a bit {}, {} somewhat, {} slightly")),
)
_NOT = (
    (4, _words("not at all {}, not {} at all")),
    (2, _words("not {}, do not {}, don't {}")),
    (1, _words("not very {}, not really {}, not so {}, not too {}, not particularly {}")),
)
_CHINESE = (
    (4, _words("极其{}, 極其{}, 完全{}, 极{}, 極{}, 極度{}, 极度{}, 绝对{}")),
    (3, _words("非常{}, 很{}, 十分{}, 特别{}, 特別{}, 非常之{}, 相当{}, 相當{}, 强烈{}, 強烈{}")),
    (2, _words("{}")),
    (1, _words("比较{}, 比較{}, 较{}, 較{}, 基本{}, 基本上{}, 大致{}, 还算{}")),
    (0, _words("有点{}, 有點{}, 有些{}, 稍微{}, 略{}, 略微{}, 部分{}")),
)
_CHINESE_NOT = (
    (1, _words("不太{}, 不怎么{}, 不怎麼{}, 不很{}, 不甚{}")),
    (4, _words("一点也不{}, 一點也不{}, 根本不{}, 毫不{}")),
)
_KOREAN = (
    (4, _words("완전히 {}, 전적으로 {}, 절대적으로 {}, 극히 {}, 대단히 {}, 전혀 {}")),
    (3, _words("매우 {}, 아주 {}, 정말 {}, 상당히 {}, 무척 {}, 강하게 {}, 적극 {}")),
    (2, _words("{}, {}하는 편, {}하는 편이다")),
    (1, _words("대체로 {}, 비교적 {}, 어느 정도 {}, 어느정도 {}")),
    (0, _words("약간 {}, 다소 {}, 조금 {}, 부분적으로 {}")),
)
_KOREAN_NOT = ((1, _words("별로 {}, 그다지 {}")),)
_JAPANESE = (
    (4, _words("完全に{}, 極めて{}, きわめて{}, 全面的に{}, 全く{}, まったく{}, 全然{}")),
    (3, _words("非常に{}, とても{}, 大変{}, たいへん{}, 大いに{}, 強く{}, かなり{}, 大変に{}")),
    (2, _words("{}")),
    (1, _words("まあ{}, まあまあ{}, 概ね{}, おおむね{}, ある程度{}, わりと{}")),
    (0, _words("やや{}, 少し{}, どちらかといえば{}, どちらかと言えば{}, どちらかというと{}, どちらかと言うと{}")),
)
_JAPANESE_NOT = ((1, _words("あまり{}, あんまり{}, それほど{}")),)
_GERMAN = (
    (4, _words("äußerst {}, vollkommen {}, völlig {}, absolut {}, voll und ganz {}, vollständig {}, überaus {}")),
    (3, _words("sehr {}")),
    (2, _words("{}")),
    (1, _words("eher {}, ziemlich {}, überwiegend {}, weitgehend {}")),
    (0, _words("etwas {}, ein wenig {}, teilweise {}, leicht {}")),
)
_GERMAN_NOT = (
    (4, _words("überhaupt nicht {}, gar nicht {}")),
    (2, _words("nicht {}")),
    (1, _words("wenig {}, eher nicht {}, nicht so {}, nicht sehr {}")),
)
_FRENCH = (
    (4, _words("extrêmement {}, totalement {}, entièrement {}, complètement {}, tout à fait {}, parfaitement {}")),
    (3, _words("très {}, fortement {}")),
    (2, _words("{}")),
    (1, _words("plutôt {}, assez {}, moyennement {}")),
    (0, _words("un peu {}, légèrement {}, partiellement {}")),
)
_FRENCH_NOT = (
    (4, _words("pas du tout {}")),
    (2, _words("pas {}")),
    (1, _words("peu {}, pas vraiment {}, pas très {}, plutôt pas {}")),
)
_SPANISH = (
    (4, _words("extremadamente {}, totalmente {}, completamente {}, absolutamente {}, plenamente {}")),
    (3, _words("muy {}")),
    (2, _words("{}")),
    (1, _words("bastante {}, más bien {}")),
    (0, _words("algo {}, un poco {}, ligeramente {}, parcialmente {}")),
)
_SPANISH_NOT = ((4, _words("nada {}, para nada {}")), (2, _words("no {}")), (1, _words("poco {}, no muy {}")))

LADDERS = (
    Ladder("satisfaction en", _words("satisfied, happy, pleased"), _words("dissatisfied, unsatisfied, unhappy"),
    _ENGLISH, _NOT),
    Ladder("agreement en", _words("agree"), _words("disagree"), _ENGLISH, _NOT),
    Ladder("likelihood en", _words("likely"), _words("unlikely"), _ENGLISH, _NOT),
    Ladder("quality en", _words("good"), _words("bad, poor"), _ENGLISH, _NOT),
    Ladder("satisfaction zh", _words("满意, 滿意"), _words("不满意, 不滿意, 不满, 不滿"), _CHINESE, _CHINESE_NOT),
    Ladder(
        "agreement zh", _words("同意, 赞同, 贊同, 认同, 認同, 符合"), _words("""不同意, 不赞同, 不贊同, 反对, 反對,
        不认同, 不認同, 不符合"""),
        _CHINESE, _CHINESE_NOT,
    ),
    Ladder("likelihood zh", _words("可能, 愿意, 願意"), _words("不可能, 不愿意, 不願意"), _CHINESE, _CHINESE_NOT),
    Ladder("quality zh", _words("好"), _words("差, 不好"), _CHINESE, _CHINESE_NOT),
    Ladder(
        "satisfaction ko", _words("만족, 만족함, 만족한다, 만족합니다, 만족스럽다, 만족스러움, 만족스럽습니다, 만족해요"),
        _words("""불만족, 불만, 불만족함, 불만족한다, 불만족합니다, 불만족스럽다, 불만족스러움, 불만족스럽습니다, 만족하지 않음,
        만족하지 않는다, 만족하지 않습니다, 불만이다"""), _KOREAN, _KOREAN_NOT,
    ),
    Ladder(
        "agreement ko", _words("동의, 동의함, 동의한다, 동의합니다, 그렇다, 그렇습니다, 그러함, 찬성"),
        _words("""비동의, 부동의, 동의하지 않음, 동의하지 않는다, 동의하지 않습니다, 그렇지 않다, 그렇지 않습니다, 그렇지 않음,
        반대, 동의 안 함, 아니다"""), _KOREAN, _KOREAN_NOT,
    ),
    Ladder(
        "likelihood ko", _words("가능성 있음, 가능성이 높다, 가능성 높음, 의향 있음, 의향이 있다"),
        _words("가능성 없음, 가능성이 낮다, 가능성 낮음, 의향 없음, 의향이 없다"), _KOREAN, _KOREAN_NOT,
    ),
    Ladder("quality ko", _words("좋음, 좋다, 우수, 우수함"), _words("""나쁨, 나쁘다, 좋지 않음, 미흡, 미흡함, 부족,
    부족함"""), _KOREAN, _KOREAN_NOT),
    Ladder(
        "satisfaction ja", _words("満足, 満足している, 満足です, 満足である, 満足だ, 満足しています"),
        _words("不満, 不満足, 満足していない, 不満である, 不満です, 不満だ, 満足していません"), _JAPANESE, _JAPANESE_NOT,
    ),
    Ladder(
        "agreement ja", _words("そう思う, そう思います, 同意する, 同意, 同意します, 当てはまる, あてはまる, 賛成"),
        _words("""そう思わない, そう思いません, そうは思わない, 同意しない, 同意しません, 当てはまらない,
        あてはまらない, 反対"""),
        _JAPANESE, _JAPANESE_NOT,
    ),
    Ladder("quality ja", _words("良い, よい, いい"), _words("悪い, わるい, 良くない, よくない"), _JAPANESE, _JAPANESE_NOT),
    Ladder("satisfaction de", _words("zufrieden"), _words("unzufrieden"), _GERMAN, _GERMAN_NOT),
    Ladder("likelihood de", _words("wahrscheinlich"), _words("unwahrscheinlich"), _GERMAN, _GERMAN_NOT),
    Ladder("quality de", _words("gut"), _words("schlecht"), _GERMAN, _GERMAN_NOT),
    Ladder("satisfaction fr", _words("satisfait, satisfaite, content, contente"), _words("""insatisfait, insatisfaite,
    mécontent, mécontente"""), _FRENCH, _FRENCH_NOT),
    Ladder("agreement fr", _words("d'accord"), _words("en désaccord"), _FRENCH, _FRENCH_NOT),
    Ladder("likelihood fr", _words("probable"), _words("improbable"), _FRENCH, _FRENCH_NOT),
    Ladder("satisfaction es", _words("satisfecho, satisfecha, contento"), _words("""insatisfecho, insatisfecha,
    descontento"""), _SPANISH, _SPANISH_NOT),
    Ladder("agreement es", _words("de acuerdo"), _words("en desacuerdo"), _SPANISH, _SPANISH_NOT),
    Ladder("likelihood es", _words("probable"), _words("improbable"), _SPANISH, _SPANISH_NOT),
)  # fmt: skip
"""Words of scales that go from bad over the middle to good."""

WHOLE_TEXTS: dict[str, tuple[str, int, int]] = {
    "stimme voll und ganz zu": ("agreement de", 1, 4),
    "stimme völlig zu": ("agreement de", 1, 4),
    "stimme sehr zu": ("agreement de", 1, 3),
    "stimme zu": ("agreement de", 1, 2),
    "stimme eher zu": ("agreement de", 1, 1),
    "stimme eher nicht zu": ("agreement de", -1, 1),
    "stimme nicht zu": ("agreement de", -1, 2),
    "lehne ab": ("agreement de", -1, 2),
    "stimme gar nicht zu": ("agreement de", -1, 4),
    "stimme überhaupt nicht zu": ("agreement de", -1, 4),
    "excellent": ("quality en", 1, 4),
    "outstanding": ("quality en", 1, 4),
    "terrible": ("quality en", -1, 4),
    "awful": ("quality en", -1, 4),
    "很好": ("quality zh", 1, 3),
    "优秀": ("quality zh", 1, 4),
    "良好": ("quality zh", 1, 2),
    "大満足": ("satisfaction ja", 1, 3),
    "大不満": ("satisfaction ja", -1, 3),
    "まずまず満足": ("satisfaction ja", 1, 1),
}
"""Texts that are not made of degree and word: family, side, degree."""

NEUTRAL = _words("""
    neutral, neither, neither satisfied nor dissatisfied, neither dissatisfied nor satisfied, neither agree nor disagree,
    neither disagree nor agree, neither likely nor unlikely, neither unlikely nor likely, neither good nor bad,
    neither good nor poor, neither nor, indifferent, undecided, mixed, so so, average, ok, okay, fair, in between,
    neither happy nor unhappy, weder noch, weder zufrieden noch unzufrieden, teils teils, mittel, mittelmäßig, unentschieden,
    weder gut noch schlecht, ni satisfait ni insatisfait, ni satisfaite ni insatisfaite, neutre, moyen, mitigé,
    ni d'accord ni pas d'accord, ni d'accord ni en désaccord, indifférent, ni satisfecho ni insatisfecho,
    ni satisfecha ni insatisfecha, ni de acuerdo ni en desacuerdo, regular, indiferente,
    一般, 普通, 中立, 中等, 尚可, 还可以, 還可以, 无所谓, 無所謂, 不确定, 不確定, 一般般, 既不满意也不不满意,
    既不滿意也不不滿意, 说不上满意或不满意,
    既不同意也不反对, 既不同意也不反對,
    보통, 보통이다, 보통임, 보통입니다, 중립, 중간, 그저 그렇다, 그저 그럼, 만족도 불만족도 아님,
    만족하지도 불만족하지도 않음, 어느 쪽도 아님,
    どちらともいえない, どちらとも言えない, どちらでもない, どちらとも言えません, どちらともいえません, 普通, ふつう,
    中立, まあまあ,
    満足でも不満でもない, 満足でも不満足でもない, どちらとも""")
"""The middle of a scale."""

NO_OPINION = _words("""
    no opinion, no view, no particular opinion, keine Meinung, sans opinion, pas d'opinion, sin opinión, 没有意见,
    没意见, 无意见, 無意見,
    沒有意見, 没有看法, 无看法, 의견 없음, 의견없음, 의견이 없음, 특별한 의견 없음, 意見なし, 特に意見なし, 意見はない""")
"""The middle of a scale, called "no opinion"."""

RATINGS = (
    _words("not at all satisfied, not so satisfied, somewhat satisfied, very satisfied, extremely satisfied"),
    _words("not at all satisfied, slightly satisfied, moderately satisfied, very satisfied, extremely satisfied"),
    _words("not at all satisfied, not very satisfied, somewhat satisfied, very satisfied, extremely satisfied"),
    _words("not at all likely, not so likely, somewhat likely, very likely, extremely likely"),
    _words("not at all likely, slightly likely, moderately likely, very likely, extremely likely"),
    _words("poor, fair, good, very good, excellent"),
    _words("very poor, poor, fair, good, excellent"),
    _words("terrible, poor, average, good, excellent"),
)
"""Scales of five that are not the same on both sides of the middle, lowest first."""

NOT_APPLICABLE = _words("""
    not applicable, n/a, n.a., does not apply, doesn't apply, not used, never used, did not use, have not used, haven't used,
    no experience, not relevant, nicht zutreffend, entfällt, nicht genutzt, nie genutzt, non applicable, sans objet,
    ne s'applique pas, non utilisé, no aplica, no procede, no corresponde, no utilizado, 不适用, 不適用, 未使用,
    没用过, 从未使用, 從未使用, 沒用過,
    해당 없음, 해당사항 없음, 해당 사항 없음, 비해당, 이용 안 함, 이용하지 않음, 이용 경험 없음, 미이용,
    사용하지 않음, 사용 안 함, 経験なし, 경험 없음,
    該当しない, 該当なし, 該当せず, 利用していない, 利用なし, 利用したことがない, 使用していない, 使っていない""")
"""What means: does not apply to me."""

NO_ANSWER = _words("""
    no answer, no response, not answered, refused, refusal, prefer not to say, prefer not to answer, rather not say,
    don't know, do not know, dk, unknown, can't say, cannot say, keine Angabe, k. A., weiß nicht, keine Antwort, sans réponse,
    ne sait pas, ne sais pas, je ne sais pas, nsp, ne se prononce pas, no sabe, no contesta, ns/nc, no sabe no contesta,
    sin respuesta, 不知道, 不清楚, 说不清, 說不清, 未回答, 无回答, 無回答, 拒绝回答, 拒絕回答, 拒答, 未作答, 不便回答,
    모름, 모르겠음, 모르겠다, 잘 모름,
    잘 모르겠음, 잘 모르겠다, 무응답, 응답 없음, 응답 거부, 응답하지 않음, わからない, 分からない, 回答なし,
    答えたくない, 回答しない, 不明, 回答拒否""")
"""What means: not answered."""

BLANK = _words("null, nan, none, nil")
"""What programs write where there is nothing."""
