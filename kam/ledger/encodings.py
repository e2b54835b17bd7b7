"""Find the encoding of a text file.

Whether a file is UTF-8 is a fact that its bytes prove; which other encoding it is in can only be inferred. A header of a
dozen Chinese bytes is also twelve bytes of flawless, meaningless Korean: charset-normalizer, which looks for messy text
and knows the alphabets of forty languages, takes it for Korean. So East Asian and Western European encodings are told
apart by their letters first: how often each stands in the names of countries, languages and currencies that Babel carries,
and in words from the heads of ledgers. Where no language of these explains the bytes, charset-normalizer decides.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import lru_cache

from kam.errors import UnreadableFileError

# Encoding, the languages it is used for, and words of business in them.
_ENCODINGS: dict[str, tuple[tuple[str, ...], str]] = {
    "gb18030": (
        ("zh",),
        "客户编号名称订单日期金额数量单价产品成本公司有限销售地区经理部门业务员合同发票含税未税收入利润折扣运费货物品类别渠道币种"
        "省市区县路号电话地址联系人备注状态付款交货应收账款逾期信用等级行业年月时间总计合计代码商品规格型号单位批次科技贸易集团"
        "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗东西南北上海京广州深圳天津重庆成都杭武汉大中小新国华",
    ),
    "cp949": (
        ("ko",),
        "고객번호이름명주문일자날짜금액수량단가제품상품원가회사주식매출지역담당자부서거래처코드공급가액세금합계할인운임분류통화구분비고상태"
        "납기배송결제입금미수신용등급업종년월총계규격단위한국서울부산대구인천광주전울산경기강충청북남도시군동읍면로길김이박최정조윤장임오"
        "신권황안송류홍유고문양손배백허남심노하곽성차우구산업물산무역전자건설식품유통제약화학금속기계",
    ),
    "cp932": (
        ("ja",),
        "顧客番号名称注文日付金額数量単価商品製品原価会社株式有限売上地域担当者部門得意先受注コード請求書消費税合計割引運賃分類通貨"
        "備考状態納期支払入金未収信用等級業種年月総計規格単位東京都大阪府名古屋横浜札幌福岡県市区町村山田中村鈴木佐藤高橋渡辺伊小林"
        "加吉松本井上野木川島石崎原藤和工業商事産業建設食品製作所",
    ),
    "cp1252": (("de", "fr", "es", "pt", "it", "nl", "sv", "da", "nb", "fi"), "äöüÄÖÜßéèêàçñóíáúãõåæøœÅØÆÑÇÁÉÍÓÚ€£°§–’"),
}
_CHOICES = tuple(_ENCODINGS)
# Half of a letter's probability comes from the words of business, half from Babel's names; what neither holds is rare.
_RARE = math.log(2e-5)
_STRANGE = math.log(1e-7)
_ASCII = math.log(0.03)
_HALF_WIDTH = math.log(4e-4)
# Below this per letter it is probably another language: Polish read as CP1252, Traditional Chinese read as GB18030.
_PLAUSIBLE = {"gb18030": -8.9, "cp949": -8.9, "cp932": -8.9, "cp1252": -5.5}
_NEIGHBORS = -3.0
_HOPELESS = -3.0
_SPREAD = 8.0  # of one letter; a handful of letters may look odd in their own language too
_OTHERS = ("big5", "euc_jp", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "koi8_r")


def decide_encoding(sample: bytes, *, where: str) -> tuple[str, str]:
    """Name the encoding of bytes that are not UTF-8, and say how it was decided.

    Parameters
    ----------
    sample : bytes
        Whole lines that hold bytes above 127.
    where : str
        The file, for the error.

    Returns
    -------
    tuple of str
        The encoding (a name that Python knows), and the reason in words.

    Raises
    ------
    UnreadableFileError
        No known encoding reads the bytes, or the file is UTF-8 with damaged places.

    Notes
    -----
    Assumes that (1) the file is in GB18030, CP949 (Korean), CP932 (Shift-JIS), CP1252 (Western European), or in one that
    charset-normalizer tells from these; (2) the words are names and heads of columns rather than prose.

    Examples
    --------
    >>> decide_encoding("客户编号,订单日期".encode("gb18030"), where="a.csv")[0]
    'gb18030'
    >>> decide_encoding("Größe;Straße".encode("cp1252"), where="a.csv")[0]
    'cp1252'
    """
    texts = {name: text for name in _CHOICES if (text := _decode(sample, name))}
    scores = {name: _score(text, name) for name, text in texts.items()}
    best = max(scores, key=lambda name: scores[name][0], default=None)
    if best is not None and scores[best][1] >= 0:
        reason = "the letters are those of its language" if len(texts) > 1 else "nothing else reads the letters"
        return best, f"not UTF-8; {reason} ({_example(texts[best])})"
    proposal = _propose(sample)
    if proposal is not None:
        return proposal, f"not UTF-8; proposed by charset-normalizer ({_example(sample.decode(proposal))})"
    if best is not None and scores[best][1] > _HOPELESS:
        return best, f"not UTF-8; a guess, for the letters look odd ({_example(texts[best])})"
    raise UnreadableFileError(
        "The encoding of the text is not known.",
        where=where,
        hint="Name it under options: encoding: (gb18030, cp949, cp932, cp1252, …), or save the file as UTF-8.",
    )


def _propose(sample: bytes) -> str | None:
    from charset_normalizer import from_bytes

    match = from_bytes(sample, cp_isolation=list(_OTHERS)).best()
    return match.encoding if match and _decode(sample, match.encoding) else None


def _decode(sample: bytes, encoding: str) -> str | None:
    try:
        return sample.decode(encoding)
    except UnicodeDecodeError:
        return None


def _words(text: str) -> list[str]:
    """The different words that hold a letter above 127, in their order."""
    return [word for word in dict.fromkeys(re.findall(r"[^\s,;\t|\"]+", text)) if not word.isascii()]


def _example(text: str) -> str:
    return ", ".join(word[:20] for word in _words(text)[:3])


def _score(text: str, encoding: str) -> tuple[float, float]:
    """Log-likelihood of the text in the language; by how much the mean of its letters above 127 clears the bar."""
    known = _letters(encoding)
    letters = "".join(_words(text))
    foreign = [known.get(letter, _unseen(letter, encoding)) for letter in letters if not letter.isascii()]
    n_ascii = sum(letter.isascii() for letter in letters)
    if encoding == "cp1252":  # accents stand apart in Western languages
        foreign += [_NEIGHBORS] * len(re.findall(r"(?<=[^\W\d_a-zA-Z]{2})[^\W\d_a-zA-Z]", letters))
    n = max(sum(not letter.isascii() for letter in letters), 1)
    return sum(foreign) + n_ascii * _ASCII, sum(foreign) / n - _PLAUSIBLE[encoding] + _SPREAD / math.sqrt(n)


def _unseen(letter: str, encoding: str) -> float:
    """A letter the samples do not hold: rare if the old national standard has it, strange otherwise."""
    if encoding == "cp1252":
        return _RARE if letter.isalpha() else _STRANGE
    standard = {"gb18030": "gb2312", "cp949": "euc_kr", "cp932": "shift_jis"}[encoding]
    try:
        code = letter.encode(standard)
    except UnicodeEncodeError:
        return _STRANGE
    if encoding == "gb18030" and code[0] >= 0xD8:  # level 2 of GB 2312: rare characters
        return _RARE - 2
    if encoding == "cp949" and not "가" <= letter <= "힣":  # Chinese characters in Korean text
        return _RARE - 2
    if encoding == "cp932" and len(code) == 1:  # half-width katakana, one byte each
        return _HALF_WIDTH
    if encoding == "cp932" and code[0] >= 0x98:  # level 2 of JIS X 0208
        return _RARE - 2
    return _RARE


@lru_cache
def _letters(encoding: str) -> dict[str, float]:
    """Logarithm of the probability of the letters above 127."""
    from babel import Locale

    languages, words = _ENCODINGS[encoding]
    names: Counter[str] = Counter()
    for language in languages:
        locale = Locale.parse(language)
        for table in (locale.territories, locale.languages, locale.currencies, locale.months, locale.days):
            names.update(letter for letter in _texts(table) if not letter.isascii())
    business = Counter(words)
    total_names, total_business = sum(names.values()), sum(business.values())
    share = 1 / 3 if encoding == "cp1252" else 1  # one letter in a few is above 127 there, all are elsewhere
    return {
        letter: max(
            math.log(share * (0.5 * names[letter] / total_names + 0.5 * business[letter] / total_business)), _RARE
        )
        for letter in names | business
    }


def _texts(table: object) -> str:
    if isinstance(table, str):
        return table
    return "".join(map(_texts, table.values())) if hasattr(table, "values") else ""
