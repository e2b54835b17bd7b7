"""Names of companies and people, all made up, in English, Chinese, Korean and Japanese."""

from __future__ import annotations

from itertools import product

import numpy as np

from kam.samples.months import Ints

INDUSTRIES = (
    "food",
    "beverages",
    "pharmacy",
    "cosmetics",
    "electronics",
    "furniture",
    "logistics",
    "mail order",
    "printing",
    "machinery",
)

# One word per industry, in the order of INDUSTRIES.
_WORDS = {
    "en": (
        *("Foods", "Brewing", "Pharma", "Cosmetics", "Electronics"),
        *("Interiors", "Logistics", "Mail Order", "Print", "Machine Works"),
    ),
    "zh": ("食品", "饮料", "医药", "化妆品", "电子", "家具", "物流", "商贸", "印务", "机械"),
    "ko": ("식품", "음료", "제약", "화장품", "전자", "가구", "물류", "유통", "인쇄", "기계"),
    "ja": ("食品", "飲料", "薬品", "化粧品", "電子", "家具", "物流", "通販", "印刷", "機械"),
}
# A name begins with one of the first and one of the second.
_STEMS = {
    "en": (
        "Alder Brindle Calder Dunmer Elver Fennick Garth Hollin Ivel Kestrel Larch Mereden Nettle Oaken Pellow Quarrel",
        "brook wick combe stead mouth hurst",
    ),
    "zh": ("澜 霁 沐 岚 楠 珩 昀 栖 翊 澈 筠 漪", "屿 川 垣 禾 舟 汐 衡 岑 桐 野"),
    "ko": ("가람 나래 다솔 라온 마루 바론 새얀 아라 초롱 한별", "벼리 온누 솔터 빛결 담은 여울"),
    "ja": ("霧 凪 碧 楓 朝 澄 瑞 柚 椿 潮", "ヶ沢 乃瀬 野原 ヶ丘 見里 木場 ノ浦 倉谷"),
}
_FORMS = {
    "en": ("{} Ltd", "{} GmbH", "{} AB", "{} S.A.", "{} & Sons", "{} Group", "{} BV", "{} Co."),
    "zh": ("{}有限公司", "{}股份有限公司", "{}集团"),
    "ko": ("주식회사 {}", "{}㈜", "{} 주식회사"),
    "ja": ("株式会社{}", "{}株式会社", "{}有限会社"),
}
_BRANCHES = {
    "en": ("North", "South", "West", "East", "Export"),
    "zh": ("北方分公司", "南方分公司", "西部分公司", "东部分公司", "外贸部"),
    "ko": ("북부지점", "남부지점", "서부지점", "동부지점", "수출팀"),
    "ja": ("北支店", "南支店", "西支店", "東支店", "輸出部"),
}
_GIVEN = {
    "en": "Amelia Björn Carla Dénes Edith Fergus Grete Hugo Imogen Jürgen Katya Lorenzo Maeve Niels Odette Piotr "
    "Rhona Søren",
    "zh": "雨岑 子衡 思汐 沐川 嘉禾 云舟 静桐 梓楠 若漪 景珩 书昀 亦澄",
    "ko": "서온 도윤 하람 지율 시아 라희 준솔 예담 나은 현빈 가온 태린",
    "ja": "朝陽 碧 楓 湊 凪沙 柚希 椿 蓮 澪 陽翔 紬 律",
}
_FAMILY = {
    "en": "Ashdown Bellweather Cormack Dahl Ekström Farrow Gruber Halloway Iversen Juhász Kerr Lindqvist Marlowe Novák "
    "Okafor Pereira Quill Rautio Sandoval Thorne",
    "zh": "陆 沈 苏 叶 秦 温 顾 白 江 纪 洛 欧阳",
    "ko": "강 남궁 도 류 명 백 서 안 윤 차 표 황",
    "ja": "霧島 小鳥遊 朝比奈 月岡 柊 雨宮 久遠 早乙女 御影 真壁 水無瀬 鳴海",
}


def name_companies(scripts: list[str], industries: Ints, heads: Ints, rng: np.random.Generator) -> list[str]:
    """One name per account, no two alike.

    Parameters
    ----------
    scripts : list of {"en", "zh", "ko", "ja"}
        The language of each name.
    industries : array
        Index into :data:`INDUSTRIES`; the name says what the company does.
    heads : array
        Index of the parent account, -1 for none; a branch carries its parent's name and where it is.
    rng : numpy.random.Generator
    """
    stems = {script: [a + b for a, b in product(*(part.split() for part in parts))] for script, parts in _STEMS.items()}
    order = {(s, d): rng.permutation(len(stems[s])) for s in sorted(stems) for d in range(len(INDUSTRIES))}
    form = rng.integers(0, 2**31, len(scripts))
    used: dict[tuple[str, int], int] = {}
    names: list[str] = [""] * len(scripts)
    n_branches: dict[int, int] = {}
    for i, (script, industry) in enumerate(zip(scripts, industries.tolist(), strict=True)):
        if heads[i] >= 0:
            continue
        number = used.get((script, industry), 0)
        used[script, industry] = number + 1
        lap, place = divmod(number, len(stems[script]))
        stem = stems[script][order[script, industry][place]] + (f" {lap + 1}" if lap else "")
        space = " " if script == "en" else ""
        forms = _FORMS[script]
        names[i] = forms[form[i] % len(forms)].format(stem + space + _WORDS[script][industry])
    for i, head in enumerate(heads.tolist()):
        if head >= 0:
            branches = _BRANCHES[scripts[head]]
            number = n_branches.get(head, 0)
            n_branches[head] = number + 1
            names[i] = f"{names[head]} {branches[number % len(branches)]}" + (
                f" {number}" if number >= len(branches) else ""
            )
    return names


def name_people(scripts: list[str], rng: np.random.Generator) -> list[str]:
    """One name per person, in the order that the language puts given and family name; two people may share one."""
    given, family = rng.integers(0, 2**31, (2, len(scripts)))
    names = []
    for script, g, f in zip(scripts, given.tolist(), family.tolist(), strict=True):
        firsts, lasts = _GIVEN[script].split(), _FAMILY[script].split()
        first, last = firsts[g % len(firsts)], lasts[f % len(lasts)]
        names.append(f"{first} {last}" if script == "en" else f"{last}{' ' if script == 'ja' else ''}{first}")
    return names
