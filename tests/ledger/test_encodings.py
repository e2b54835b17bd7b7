"""Which encoding a text file is in: short heads of tables, where general detectors guess wrong."""

from __future__ import annotations

import pytest

from kam.errors import UnreadableFileError
from kam.ledger.encodings import decide_encoding

# Texts of a dozen letters; none of them was looked at when the words of business in the module were chosen.
TEXTS = {
    "gb18030": [
        "客户,日期,金额",
        "单位名称,开票日期,价税合计",
        "往来单位,单据日期,本币金额",
        "会员卡号,消费时间,实付款",
        "店铺,品名,件数",
        "创汇网络有限公司\n杨凤兰\n佛山市",
    ],
    "cp949": [
        "고객,날짜,매출",
        "업체명,출고일,판매금액",
        "사업자번호,품목,세액",
        "상호,품명,개수",
        "(주) 첨단그룹\n홍병철\n양구군",
        "똠방각하,쀍펲",  # syllables that EUC-KR does not have
    ],
    "cp932": [
        "顧客,日付,売上",
        "取引先,伝票日付,税抜金額",
        "お客様名,品目,個数",
        "コード",
        "合同会社橋本水産\n森 裕美子\n西多摩郡奥多摩町",
        "ｶ)ﾔﾏﾀﾞｼﾖｳｼﾞ,東京",
    ],
    "cp1252": [
        "Kundennr;Größe;Umsatz €",
        "Straße;Müller;Käse",
        "Société;Numéro;Montant",
        "Año;Código",
        "Årsomsättning;Kundnummer",
        "Preço;Data",
        "Café",
    ],
}


@pytest.mark.parametrize(("encoding", "text"), [(name, text) for name, texts in TEXTS.items() for text in texts])
def test_short_heads_are_told_apart(encoding: str, text: str) -> None:
    found, reason = decide_encoding(text.encode(encoding), where="a.csv")
    assert found == encoding
    assert "not UTF-8" in reason


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("cp1251", ["Клиент", "Сумма заказа", "Иванов", "Екатеринбург", "Общество", "Дата отгрузки", "Ярославль"]),
        ("cp1253", ["Πελάτης", "Ημερομηνία", "Ποσό", "Παπαδόπουλος", "Αθήνα", "Θεσσαλονίκη", "Εταιρεία"]),
        ("big5", ["客戶編號", "訂單日期", "臺北市", "股份有限公司", "國際貿易", "產品單價", "業務經理", "統一編號"]),
        (
            "euc_jp",
            ["株式会社", "売上金額", "受注日", "担当者", "お客様", "コード", "商品名", "得意先", "東京都", "メーカー"],
        ),
    ],
)
def test_other_encodings_are_left_to_the_library(encoding: str, words: list[str]) -> None:
    sample = "\n".join(f"{one},{two}" for one in words for two in words).encode(encoding)
    found, reason = decide_encoding(sample, where="a.csv")
    assert sample.decode(found) == sample.decode(encoding)
    assert "charset-normalizer" in reason


def test_bytes_that_nothing_reads() -> None:
    with pytest.raises(UnreadableFileError, match=r"not known.*encoding:") as raised:
        decide_encoding(b"\x81\x8d\x8f\x90\xff\xfe\xff\x00\x81\x9d" * 40, where="a.csv")
    assert raised.value.where == "a.csv"
