"""What columns and files are called in the wild: English, German, French, Spanish, Chinese, Korean, Japanese.

Each entry is a list of names separated by commas; case, spaces, underscores and other signs do not count when they are compared.
"""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.replace("\n", " ").split(",") if word.strip())


HEADERS: dict[str, tuple[str, ...]] = {
    # -- ledger
    "customer_id": _words("""
        customer id, customer, customer no, customer number, customer code, customer key, cust id, cust no,
        client id, client, client no, account id, account no, account number, account code, account key, account,
        buyer id, buyer, reseller key, reseller, dealer id, sold to, sold to party, debtor, debtor no, user id,
        company id, Kundennummer, Kundennr, Kunden-Nr, KdNr, Kd-Nr, Kunden-ID, Kunde, Debitor, Debitorennummer,
        Auftraggeber, numéro client, n° client, no client, code client, id client, client n°, compte client,
        número de cliente, nº cliente, código de cliente, código cliente, id cliente, cliente, 客户编号, 客户代码,
        客户号, 客户ID, 客户编码, 客户, 顾客编号, 会员编号, 客戶編號, 客戶代碼, 客戶, 고객번호, 고객코드, 고객ID,
        고객 ID, 거래처코드, 거래처번호, 거래처, 고객, 고객사코드, 회원번호, 顧客番号, 顧客コード, 顧客ID,
        得意先コード, 得意先番号, 得意先, 取引先コード, 取引先, 顧客, 会員番号"""),
    "order_date": _words("""
        order date, order dt, date, invoice date, transaction date, sales date, purchase date, booking date,
        posting date, document date, billing date, doc date, order day, order time, timestamp, datetime, ordered at,
        created at, Datum, Bestelldatum, Auftragsdatum, Rechnungsdatum, Buchungsdatum, Belegdatum, Verkaufsdatum,
        Kaufdatum, date de commande, date commande, date facture, date de facture, date de vente, date d'achat,
        fecha, fecha de pedido, fecha pedido, fecha factura, fecha de factura, fecha de venta, fecha de compra,
        日期, 订单日期, 下单日期, 下单时间, 订货日期, 销售日期, 交易日期, 开票日期, 发票日期, 訂單日期, 銷售日期,
        주문일, 주문일자, 주문날짜, 일자, 날짜, 매출일, 매출일자, 거래일, 거래일자, 판매일, 판매일자, 전표일자,
        구매일, 日付, 注文日, 受注日, 売上日, 取引日, 販売日, 伝票日付, 請求日, 購入日, 年月日"""),
    "amount": _words("""
        amount, net amount, sales amount, revenue, net revenue, sales, net sales, turnover, line total,
        line         amount, total, total amount, total price, order value, order amount, invoice amount,
        extended amount, extended price, value, net value, spend, subtotal, line net, Umsatz, Nettoumsatz, Betrag,
        Nettobetrag, Rechnungsbetrag, Positionswert, Auftragswert, Nettowert, Gesamtpreis, Erlös, montant,
        montant ht, chiffre d'affaires, ca, ca ht, total ht, montant net, importe, importe neto, ventas, venta,
        facturación, monto, valor, ingresos, total neto, 金额, 销售额, 销售金额, 订单金额, 净额, 营业额, 收入,
        总金额, 总价, 成交金额, 金額, 銷售額, 銷售金額, 금액, 매출, 매출액, 매출금액, 판매금액, 주문금액, 공급가액,
        순매출, 합계금액, 거래금액, 売上, 売上高, 売上金額, 販売金額, 純売上, 税抜金額, 合計金額, 受注金額, 取引金額"""),
    "order_id": _words("""
        order id, order no, order number, sales order number, sales order, order, invoice, invoice no,
        invoice number, invoice id, document no, document number, transaction id, receipt no, bill no,
        purchase order, Auftragsnummer, Auftragsnr, Auftrag, Bestellnummer, Bestellnr, Belegnummer, Belegnr,
        Rechnungsnummer, Rechnungsnr, numéro de commande, n° commande, no commande, numéro de facture, n° facture,
        commande, número de pedido, nº pedido, pedido, número de factura, nº factura, factura, 订单号, 订单编号,
        单号, 发票号, 发票号码, 单据编号, 訂單號, 訂單編號, 주문번호, 전표번호, 송장번호, 거래번호, 주문 ID,
        영수증번호, 계산서번호, 注文番号, 受注番号, 伝票番号, 請求書番号, 取引番号, 注文ID"""),
    "cost": _words("""
        cost, cogs, cost of goods sold, cost of sales, total cost, total product cost, line cost, cost amount,
        Kosten, Wareneinsatz, Einstandswert, Selbstkosten, Herstellkosten, coût, coût des ventes, coût total, coste,
        costo, coste de ventas, costo total, 成本, 销售成本, 总成本, 成本金额, 원가, 매출원가, 총원가, 원가금액,
        原価, 売上原価, 原価金額, 仕入原価"""),
    "quantity": _words("""
        quantity, qty, order quantity, units, pieces, pcs, volume, count, Menge, Anzahl, Stück, Stückzahl, quantité,
        qté, cantidad, unidades, 数量, 件数, 个数, 數量, 수량, 주문수량, 판매수량, 개수, 個数, 受注数量, 販売数量"""),
    "unit_price": _words("""
        unit price, price, price per unit, sales price, selling price, net price, Preis, Einzelpreis, Stückpreis,
        Verkaufspreis, prix unitaire, prix, pu, precio unitario, precio, 单价, 价格, 销售单价, 單價, 단가, 판매단가,
        가격, 単価, 販売単価, 価格"""),
    "product_id": _words("""
        product id, product, product code, product no, product key, item no, item number, item code, item id, sku,
        stock code, article, article no, material, material no, part no, part number, Artikelnummer, Artikelnr,
        Artikel, Materialnummer, Produktnummer, référence, code article, article n°, code produit, produit,
        producto, código de producto, artículo, código artículo, referencia, 产品编号, 产品代码, 商品编号, 商品代码,
        货号, 物料编号, 產品編號, 商品編號, 상품코드, 제품코드, 품목코드, 상품번호, 제품번호, 품번, 商品コード,
        商品番号, 製品コード, 品番, 品目コード"""),
    "product_group": _words("""
        product group, product category, category, product line, product family, item group, material group,
        department, Warengruppe, Produktgruppe, Artikelgruppe, Sortiment, famille, famille de produits, catégorie,
        gamme, familia, categoría, grupo de productos, 产品类别, 品类, 商品类别, 产品组, 類別, 상품군, 제품군,
        품목군, 카테고리, 분류, 商品分類, 商品カテゴリ, 製品群, カテゴリ"""),
    "discount": _words("""
        discount, discount amount, rebate amount, Rabatt, Rabattbetrag, Nachlass, remise, montant remise, rabais,
        descuento, 折扣, 折扣金额, 折扣额, 할인, 할인액, 할인금액, 割引, 割引額, 値引, 値引額"""),
    "freight": _words("""
        freight, freight cost, shipping, shipping cost, shipping fee, delivery cost, Fracht, Frachtkosten,
        Versandkosten, frais de port, transport, port, flete, gastos de envío, portes, 运费, 運費, 운임, 배송비,
        운송비, 運賃, 送料, 配送料"""),
    "currency": _words("""
        currency, currency code, curr, Währung, Währungscode, devise, monnaie, moneda, divisa, 币种, 货币, 幣別,
        통화, 화폐, 通貨, 通貨コード"""),
    "trade_terms": _words("""
        trade terms, rebates, bonus, listing fee, slotting fee, trade spend, Boni, Rückvergütung,
        Werbekostenzuschuss, WKZ, remises arrière, rappel, 返利, 进场费, 판매장려금, 리베이트, リベート, 販売奨励金"""),
    "region": _words("""
        region, country, territory, sales region, sales territory, area, state, Land, Gebiet, Vertriebsgebiet,
        Verkaufsgebiet, région, pays, secteur, región, país, zona, provincia, 地区, 区域, 大区, 国家, 省份, 地區,
        지역, 국가, 권역, 시도, 地域, 国, 都道府県, エリア"""),
    "ship_region": _words("""
        ship region, ship to region, ship to country, shipping country, delivery country, delivery region,
        destination, Lieferland, Lieferregion, pays de livraison, país de entrega, 收货地区, 收货省份, 送货地区,
        배송지역, 배송지, 出荷先地域, 配送先"""),
    "channel": _words("""
        channel, sales channel, distribution channel, Kanal, Vertriebskanal, Vertriebsweg, canal,
        canal de         vente, canal de venta, 渠道, 销售渠道, 通路, 채널, 판매채널, 유통채널, チャネル,
        販売チャネル, 販路"""),
    "promised_date": _words("""
        promised date, promise date, requested date, requested delivery date, Wunschtermin, zugesagter Termin,
        Liefertermin, date promise, date prévue, fecha prometida, 承诺日期, 约定交期, 交期, 약속일, 납기일, 납기,
        約束納期, 納期"""),
    "delivered_date": _words("""
        delivered date, delivery date, delivered on, Lieferdatum, date de livraison, date livraison,
        fecha de entrega, fecha entrega, 交货日期, 送货日期, 到货日期, 交貨日期, 배송일, 납품일, 納品日, 配達日,
        出荷日"""),
    "due_date": _words("""
        due date, payment due, payment due date, Fälligkeit, Fälligkeitsdatum, fällig am, échéance, date d'échéance,
        vencimiento, fecha de vencimiento, 到期日, 付款到期日, 만기일, 지급기일, 결제예정일, 支払期日, 支払期限"""),
    "paid_date": _words("""
        paid date, payment date, paid on, Zahldatum, Zahlungsdatum, bezahlt am, date de paiement, fecha de pago,
        付款日期, 收款日期, 回款日期, 결제일, 입금일, 지급일, 入金日, 支払日"""),
    # -- accounts, contacts
    "name": _words("""
        name, customer name, client name, account name, company, company name, reseller name, contact name,
        full name, Kundenname, Firma, Firmenname, Bezeichnung, nom, nom du client, raison sociale, société, nombre,
        nombre         del cliente, razón social, empresa, 名称, 客户名称, 公司名称, 姓名, 客戶名稱, 이름, 고객명,
        거래처명, 회사명, 상호, 성명, 名前, 氏名, 顧客名, 得意先名, 取引先名, 会社名"""),
    "parent_id": _words("""
        parent id, parent, parent account, parent customer, group id, holding, head office, Konzern,
        Muttergesellschaft, Konzernnummer, maison mère, groupe, matriz, grupo, 母公司, 上级客户, 集团, 모회사,
        본사코드, 그룹코드, 親会社, 親会社コード"""),
    "industry": _words("""
        industry, sector, business type, line of business, Branche, secteur d'activité, activité, industria, 行业,
        所属行业, 업종, 산업, 業種, 業界"""),
    "since": _words("""
        since, customer since, client since, first contact, start date, year opened, Kunde seit, seit,
        client         depuis, depuis, cliente desde, desde, 客户起始日期, 建档日期, 开户日期, 거래시작일,
        최초거래일, 取引開始日, 登録日"""),
    "service_cost": _words("""
        service cost, cost to serve, servicing cost, Betreuungskosten, Servicekosten, coût de service,
        coste de         servicio, 服务成本, 서비스비용, サービスコスト"""),
    "acquisition_cost": _words("""
        acquisition cost, cac, Akquisitionskosten, coût d'acquisition, 获客成本, 획득비용, 獲得コスト"""),
    "credit_limit": _words("""
        credit limit, Kreditlimit, plafond de crédit, límite de crédito, 信用额度, 신용한도, 여신한도, 与信限度額"""),
    "credit_rating": _words("""
        credit rating, rating, credit score, Bonität, notation, calificación crediticia, 信用等级, 信用评级,
        신용등급, 信用格付"""),
    "receivable": _words("""
        receivable, receivables, accounts receivable, open balance, balance, Forderung, offene Posten, Saldo,
        créance, encours, saldo pendiente, 应收账款, 应收余额, 매출채권, 미수금, 売掛金"""),
    "overdue": _words("""
        overdue, overdue amount, überfällig, impayés, vencido, 逾期金额, 逾期, 연체금액, 연체액, 延滞額"""),
    "payment_days": _words("""
        payment days, days to pay, dso, payment term days, Zahlungsziel, délai de paiement, plazo de pago, 账期,
        付款天数, 결제일수, 支払日数, 支払サイト"""),
    "potential": _words("""
        potential, total demand, wallet, annual potential, Potenzial, Bedarf, potentiel, potencial, 潜力, 年需求,
        总需求, 잠재력, 총수요, 총구매액, 潜在需要, 総需要"""),
    "manager": _words("""
        manager, account manager, key account manager, kam, sales rep, salesperson, owner, account owner,
        responsible, Betreuer, Kundenbetreuer, Vertriebsmitarbeiter, Verkäufer, responsable, commercial, gestor,
        vendedor, comercial, 客户经理, 销售员, 业务员, 负责人, 客戶經理, 담당자, 영업담당, 영업사원, 担当者,
        営業担当, 担当"""),
    "manager_since": _words("""
        manager since, owner since, Betreuer seit, responsable depuis, 接手日期, 담당시작일, 担当開始日"""),
    "sponsor": _words("""
        sponsor, executive sponsor, focused executive, Pate, parrain, patrocinador, 高层负责人, 스폰서, スポンサー"""),
    "competitors": _words("competitors, Wettbewerber, concurrents, competidores, 竞争对手, 경쟁사, 競合, 競合他社"),
    "contact_id": _words("""
        contact id, contact no, person id, Kontakt-ID, Ansprechpartner-Nr, id contact, id contacto, 联系人编号,
        담당자번호, 연락처ID, 担当者ID, 連絡先ID"""),
    "role": _words("""
        role, position, job title, title, function, Funktion, Rolle, fonction, poste, cargo, puesto, 职位, 职务,
        직책, 직위, 役職"""),
    "influence": _words("influence, Einfluss, influencia, 影响力, 영향력, 影響力"),
    "support": _words("support, attitude, stance, Unterstützung, Haltung, soutien, apoyo, 支持度, 지지도, 支持"),
    "decides": _words("decides, decision maker, Entscheider, décideur, decisor, 决策者, 의사결정자, 意思決定者"),
    "last_met": _words("""
        last met, last contact, last meeting, last visit, letzter Kontakt, letzter Besuch, dernier contact,
        último contacto, 最近联系, 最近拜访, 최근방문일, 최근접촉일, 最終面談日, 最終訪問日"""),
    # -- survey, sample
    "respondent_id": _words("""
        respondent id, respondent, response id, respnum, participant, interview id, case id, Befragter, Teilnehmer,
        répondant, encuestado, 受访者编号, 受访者, 答卷编号, 응답자, 응답자번호, 응답ID, 回答者, 回答者ID, 回答番号"""),
    "wave": _words("""
        wave, survey wave, survey year, round, year, Welle, Jahr, vague, année, ola, año, 波次, 年份, 年度, 차수,
        조사차수, 연도, 回, 調査回"""),
    "answered_on": _words("""
        answered on, answer date, response date, submitted, submitted at, completed at, interview date, date,
        Antwortdatum, Teilnahmedatum, date de réponse, fecha de respuesta, 答卷日期, 提交时间, 응답일, 응답일자,
        回答日"""),
    "weight": _words("""
        weight, survey weight, Gewicht, Gewichtung, poids, pondération, peso, 权重, 가중치, ウェイト, 重み"""),
    "stratum": _words("stratum, strata, Schicht, strate, estrato, 层, 分层, 층, 계층, 層"),
    "psu": _words("psu, cluster, primary sampling unit, Klumpen, grappe, conglomerado, 초급표본단위"),
    "fpc": _words("fpc, finite population correction, population size"),
    "overall": _words("""
        overall, overall satisfaction, satisfaction, Gesamtzufriedenheit, Zufriedenheit, satisfaction globale,
        satisfacción general, satisfacción, 总体满意度, 满意度, 전반적 만족도, 종합만족도, 만족도, 総合満足度,
        満足度"""),
    "recommend": _words("""
        recommend, nps, likelihood to recommend, recommendation, ltr, Weiterempfehlung, recommandation,
        recomendación, 推荐意愿, 推荐度, 추천의향, 추천, 推奨度, 推奨意向"""),
    "repurchase": _words("""
        repurchase, repurchase intention, buy again, Wiederkauf, réachat, recompra, 复购意愿, 再次购买, 재구매의향,
        재구매, 再購入意向"""),
    "item": _words("""
        item, question, question text, question id, item name, statement, Frage, Item, Fragetext, élément, pregunta, ítem, 题目,
        问题, 題目, 問題, 指标, 문항, 질문, 문항명, 항목, 設問, 質問, 項目, 質問項目"""),
    "answer": _words("""
        answer, response, answer text, response text, rating, score, value, Antwort, Bewertung, réponse, respuesta, valor, 答案,
        回答, 评分, 選項, 选项, 評分, 응답, 답변, 응답값, 평가, 점수, 回答内容, 回答値, 評価, 点数"""),
    "comment": _words("""
        comment, comments, remarks, free text, Kommentar, Bemerkung, commentaire, comentario, 评论, 备注, 意见,
        의견, コメント, 自由記述"""),
    "probability": _words("""
        probability, inclusion probability, Auswahlwahrscheinlichkeit, probabilité, probabilidad, 抽样概率,
        추출확률, 抽出確率"""),
    "certainty": _words("certainty, certainty stratum, take all"),
    "status": _words("""
        status, response status, disposition, Rücklaufstatus, statut, estado, 状态, 상태, 회수상태, 状況, 回収状況"""),
    # -- events, targets, overrides, programmes, external
    "date": _words("date, event date, Datum, fecha, 日期, 일자, 날짜, 日付"),
    "kind": _words("""
        kind, type, event, event type, activity, Art, Typ, Ereignis, type d'événement, tipo, 类型, 事件类型, 유형,
        종류, 種別, 種類"""),
    "outcome": _words("outcome, result, Ergebnis, résultat, resultado, 结果, 결과, 結果"),
    "reason": _words("reason, Grund, motif, raison, motivo, 原因, 사유, 이유, 理由"),
    "competitor": _words("competitor, Wettbewerber, concurrent, competidor, 竞争对手, 경쟁사, 競合"),
    "period": _words("""
        period, month, quarter, year, Periode, Monat, Quartal, Jahr, période, mois, période, mes, 期间, 月份, 기간,
        월, 期間, 月"""),
    "revenue_target": _words("""
        revenue target, target, sales target, budget, plan, quota, Umsatzziel, Ziel, objectif, objetivo, 销售目标,
        目标, 목표, 매출목표, 売上目標, 目標"""),
    "margin_target": _words("margin target, Margenziel, DB-Ziel, objectif de marge, 毛利目标, 이익목표, 利益目標"),
    "tier": _words("tier, class, level, Stufe, Klasse, niveau, nivel, 等级, 级别, 등급, ランク"),
    "set_on": _words("set on, date set, changed on, decided on, gesetzt am, 设置日期, 설정일, 設定日"),
    "set_by": _words("set by, changed by, decided by, gesetzt von, 设置人, 설정자, 設定者"),
    "until": _words("until, valid until, valid to, bis, gültig bis, jusqu'au, hasta, 有效期至, 유효기간, 有効期限"),
    "programme": _words("programme, program, Programm, Maßnahme, programa, 方案, 프로그램, 施策"),
    "from_state": _words("from state, from, von Zustand"),
    "to_state": _words("to state, to, nach Zustand"),
    "taken_from": _words("taken from, entnommen aus"),
    "effect": _words("effect, uplift, Wirkung, effet, efecto, 效果, 효과, 効果"),
    "effect_sd": _words("effect sd, effect se, standard error"),
    "source": _words("source, evidence, Quelle, fuente, 来源, 출처, 出典"),
    "capacity": _words("capacity, Kapazität, capacité, capacidad, 容量, 용량, 定員"),
    "series": _words("series, indicator, Reihe, Indikator, série, serie, 指标, 序列, 지표, 系列, 指標"),
    "month": _words("month, date, Monat, mois, mes, 月份, 月, 월, 年月"),
    "value": _words("value, Wert, valeur, valor, 数值, 值, 값, 値"),
    "known_on": _words("known on, published on, release date, veröffentlicht am, 发布日期, 발표일, 公表日"),
}
"""Canonical column → what it is called."""

PER_PIECE = _words("""
    unit cost, standard cost, product standard cost, cost price, cost per unit, Stückkosten, Einkaufspreis, coût unitaire,
    coste unitario, 单位成本, 단위원가, 단위 원가, 原価単価, 仕入単価""")
"""Headers of a cost for one piece: near to ``cost``, and not it."""

RATE_SIGNS = ("%", "pct", "percent", "prozent", "rate", "satz", "taux", "porcentaje", "率", "율", "비율")
"""Signs in a header that its numbers are rates, not sums."""

FILES: dict[str, tuple[str, ...]] = {
    "ledger": _words("""
        ledger, order, sales, invoice, transaction, lines, Auftrag, Umsatz, Rechnung, Verkauf, Bestellung, commande,
        vente, facture, pedido, venta, 订单, 销售, 流水, 交易, 주문, 매출, 판매, 거래내역, 受注, 売上, 注文, 取引"""),
    "accounts": _words("""
        account, customer, client, master, reseller, Kunden, Stammdaten, clientes, 客户, 客戶, 고객, 거래처, 顧客,
        得意先"""),
    "contacts": _words("contact, Ansprechpartner, Kontakt, contacto, 联系人, 담당자, 연락처, 連絡先"),
    "survey": _words("""
        survey, response, answers, questionnaire, satisfaction, nps, Umfrage, Befragung, enquête, encuesta, 调查,
        问卷, 설문, アンケート, 調査"""),
    "sample": _words("sample, drawn, Stichprobe, échantillon, muestra, 样本, 抽样, 표본, 標本"),
    "events": _words("""
        event, activity, complaint, visit, Ereignis, Reklamation, Besuch, événement, evento, 事件, 活动, 이벤트,
        활동, イベント, 活動"""),
    "targets": _words("target, budget, plan, quota, Ziel, objectif, objetivo, 目标, 목표, 目標"),
    "overrides": _words("override, manual tier"),
    "programmes": _words("programme, program, Maßnahme, 方案, 프로그램, 施策"),
    "external": _words("external, series, market, macro, extern, 外部, 외부"),
}
"""Table → words in the names of files that hold it."""

CURRENCY_SIGNS: dict[str, tuple[str, ...]] = {
    "€": ("EUR",),
    "£": ("GBP",),
    "₩": ("KRW",),
    "원": ("KRW",),
    "円": ("JPY",),
    "元": ("CNY",),
    "₹": ("INR",),
    "zł": ("PLN",),
    "US$": ("USD",),
    "NT$": ("TWD",),
    "HK$": ("HKD",),
    "R$": ("BRL",),
    "$": ("USD", "CAD", "AUD", "MXN"),
    "¥": ("JPY", "CNY"),
    "￥": ("CNY", "JPY"),
}
"""Sign → currencies it may stand for; longer signs are looked for first."""

CURRENCY_CODES = frozenset(
    _words("""
        AED, ARS, AUD, BGN, BRL, CAD, CHF, CLP, CNY, COP, CZK, DKK, EGP, EUR, GBP, HKD, HUF, IDR, ILS, INR, JPY, KRW, MXN,
        MYR, NOK, NZD, PEN, PHP, PLN, RMB, RON, RUB, SAR, SEK, SGD, THB, TRY, TWD, UAH, USD, VND, ZAR""")
)
"""Codes that are looked for in headers, in capitals."""

ALL_WORDS = frozenset(("all", "overall", "total", "general", "gesamt", "global", "insgesamt"))
"""Words of a header that name the whole, where a language parts its words."""
ALL_SIGNS = ("전반", "종합", "전체", "总体", "整体", "總體", "整體", "総合", "全体", "全般")
"""And where it does not."""
