"""Names of firms without what does not tell them apart: case, width, accents, signs, legal form, order of the words.

The legal form is told apart from the name, in the languages of our users: two firms of one name may be a GmbH and an AG.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

# Form → how it is written, as words in small letters without dots.
_WORDS = {
    "ltd": "ltd limited",
    "co": "co company cie",
    "inc": "inc incorporated",
    "corp": "corp corporation",
    "llc": "llc",
    "llp": "llp",
    "plc": "plc",
    "gmbh": "gmbh mbh",
    "ag": "ag",
    "kg": "kg",
    "ohg": "ohg",
    "ug": "ug",
    "ev": "ev",
    "sa": "sa",
    "sas": "sas",
    "sarl": "sarl",
    "srl": "srl",
    "spa": "spa",
    "sl": "sl",
    "bv": "bv",
    "nv": "nv",
    "ab": "ab",
    "as": "as",
    "asa": "asa",
    "aps": "aps",
    "oy": "oy",
    "oyj": "oyj",
    "se": "se",
    "sro": "sro",
    "kft": "kft",
    "zrt": "zrt",
    "pty": "pty proprietary",
    "pte": "pte",
    "sdn bhd": "sdn bhd berhad",
    "zoo": "zoo",
    "kabushiki": "kk kabushiki",
}
_FORMS = {word: form for form, words in _WORDS.items() for word in words.split()}
# Written without spaces, before or after the name; the longest first. NFKC turns ㈱ into (株), ㈜ into (주).
_SIGNS = {
    "股份有限公司": "股份有限公司",
    "有限責任公司": "有限公司",
    "有限责任公司": "有限公司",
    "有限公司": "有限公司",
    "株式会社": "kabushiki",
    "(株)": "kabushiki",
    "有限会社": "有限会社",
    "(有)": "有限会社",
    "合同会社": "合同会社",
    "(同)": "合同会社",
    "주식회사": "주식회사",
    "(주)": "주식회사",
    "유한회사": "유한회사",
    "(유)": "유한회사",
}
_SIGN = re.compile("|".join(map(re.escape, _SIGNS)))
_SPLIT_FORM = re.compile(r"\b([a-z])[./] ?(?=[a-z]\b)")  # s.a. → sa, a/s → as, z o.o. → zoo
_JOINED = {r"\bg m b h\b": "gmbh", r"\b(?:sp )?z ?o ?o\b": "zoo", r"\bs p a\b": "spa", r"\bs r o\b": "sro"}
_IGNORED = {"and", "und", "et", "y", "e", "i", "the", "der", "die", "das", "kaisha"}

_SHORTEST = 5
"""Letters of a word in which a slip can be told from another word."""


def split_name(name: str) -> tuple[str, str]:
    """The words of a name in alphabetical order, and its legal form; both empty if nothing is left.

    A word that could be a legal form counts as one unless it is the first.

    >>> split_name("Müller & Söhne GmbH"), split_name("SÖHNE UND MÜLLER, G.m.b.H.")
    (('muller sohne', 'gmbh'), ('muller sohne', 'gmbh'))
    >>> split_name("㈱東和商事"), split_name("東和商事 株式会社"), split_name("한빛포장㈜")
    (('東和商事', 'kabushiki'), ('東和商事', 'kabushiki'), ('한빛포장', '주식회사'))
    """
    text = unicodedata.normalize("NFKC", name)
    forms = {_SIGNS[sign] for sign in _SIGN.findall(text)}
    text = _SIGN.sub(" ", text)
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(c for c in decomposed if not unicodedata.combining(c) or "\u3099" <= c <= "\u309a")
    plain = unicodedata.normalize("NFKC", plain).replace("'", "").replace("’", "")
    plain = _SPLIT_FORM.sub(r"\1", plain)
    joined = " ".join(re.findall(r"[^\W_]+", plain))
    for spelled, form in _JOINED.items():
        joined = re.sub(spelled, form, joined)
    words = joined.split()
    rest = [word for i, word in enumerate(words) if word not in _IGNORED and (i == 0 or word not in _FORMS)]
    forms |= {_FORMS[word] for word in words[1:] if word in _FORMS}
    return " ".join(sorted(rest)), " ".join(sorted(forms))


def split_names(names: Iterable[str]) -> pd.DataFrame:
    """``words`` and ``form`` of every name, see :func:`split_name`."""
    return pd.DataFrame([split_name(name) for name in names], columns=["words", "form"], dtype="str")


def forms_agree(form: str, other: str) -> bool:
    """Whether two legal forms can be of one firm: the same, or one of them is not (or not wholly) written.

    >>> forms_agree("ltd", ""), forms_agree("co ltd", "ltd"), forms_agree("ag", "gmbh")
    (True, True, False)
    """
    first, second = set(form.split()), set(other.split())
    return first <= second or second <= first


def find_typing_errors(names: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs of names, by position, that differ as :func:`is_typing_error` says.

    Two words that are one slip apart have a form in common when a letter is taken out of one of them or of both (Mor & Fraenkel
    1982): so only names that share such a form are compared.

    Parameters
    ----------
    names : sequence of str
        Words in alphabetical order, as of :func:`split_name`; different from one another.

    Examples
    --------
    >>> find_typing_errors(["northwick packaging", "ivel tape", "northwik packaging"])
    [(0, 2)]
    """
    keys, owners = array("q"), array("q")
    for i, name in enumerate(names):
        words = name.split()
        for k, word in enumerate(words):
            if len(word) < _SHORTEST - 1:
                continue
            rest = " ".join(words[:k] + words[k + 1 :])
            shorter = {word[:j] + word[j + 1 :] for j in range(1, len(word))} if len(word) >= _SHORTEST else set()
            keys.extend(hash((rest, form)) for form in (word, *shorter))
            owners.extend([i] * (len(shorter) + 1))
    key, owner = np.frombuffer(keys, dtype=np.int64), np.frombuffer(owners, dtype=np.int64)
    order = np.lexsort((owner, key))
    key, owner = key[order], owner[order]
    pairs = set()
    ahead = 1
    while (same := np.flatnonzero(key[ahead:] == key[:-ahead])).size:
        pairs |= set(zip(owner[same].tolist(), owner[same + ahead].tolist(), strict=True))
        ahead += 1
    return sorted((i, j) for i, j in pairs if i != j and is_typing_error(names[i], names[j]))


def is_typing_error(words: str, other: str) -> bool:
    """Whether two names differ as by one slip of a typist: a letter more, less or another, or two that changed places.

    The slip is in a word of five letters or more, not in its first letter, in no number and in no ideograph, each of which is a
    word of its own.

    >>> is_typing_error("northwick packaging", "northwik packaging"), is_typing_error("alder foods", "calder foods")
    (True, False)
    >>> is_typing_error("foods hollin", "fodos hollin"), is_typing_error("print 12345", "print 12346")
    (True, False)
    """
    mine, its = set(words.split()), set(other.split())
    only, also = mine - its, its - mine
    if len(only) != 1 or len(also) != 1:
        return False
    short, long = sorted([only.pop(), also.pop()], key=len)
    if len(long) < _SHORTEST or len(long) - len(short) > 1 or short[0] != long[0]:
        return False
    start = next((i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    changed, instead = short[start:], long[start:]
    one = changed == instead[1:] or changed[1:] == instead[1:]
    swapped = changed[:2] == instead[:2][::-1] and changed[2:] == instead[2:]
    signs = changed[:2] + instead[:2] if swapped else changed[: len(changed) - len(instead) + 1] + instead[:1]
    return (one or swapped) and not any(c.isdigit() or "\u2e80" <= c <= "\u9fff" for c in signs)
