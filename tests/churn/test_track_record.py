import json
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from kam.churn.call_list import build_call_list
from kam.churn.called_accounts import compare_called
from kam.churn.earlier_runs import read_earlier_runs
from kam.churn.track_record import score_earlier_forecasts
from kam.errors import ParameterError
from kam.ledger import open_ledger
from kam.results import Context, Result, load_results, save_results
from tests.churn.accounts_at_risk import STRANGE

DAY = date(2025, 1, 1)
IDS = [*STRANGE, "a", "b", "c", "d", "e"]
CAME = {"007": 100.0, "7": 50.0, "a": 30.0, "b": 20.0, "한빛포장 유통": 10.0}
"""What came in January 2025; the other five placed no order."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class ChurnForecastResult(Result):
    """Stands for that of kam.churn.prediction: found by its name."""

    main = "customers"
    customers: pd.DataFrame
    horizon_days: int
    n_low: float | None = None
    n_high: float | None = None
    level: float = 0.95

    def _sentence(self):
        return "1."


@pytest.fixture(scope="module")
def ledger():
    """Ten accounts order in 2024; five in January 2025, "e" on 31 January; one newcomer on the last day, 31 March."""
    rows = [(who, "2024-06-01", 100.0) for who in IDS] + [(who, "2024-09-01", 100.0) for who in IDS]
    rows += [(who, "2025-01-15", money) for who, money in CAME.items()]
    rows += [("e", "2025-01-31", 500.0), ("late", "2025-03-31", 1.0)]
    frame = pd.DataFrame(rows, columns=["customer_id", "order_date", "amount"])
    return open_ledger(frame.assign(order_date=pd.to_datetime(frame["order_date"])))


def forecast_of(ids=IDS, p=0.5, day=DAY, horizon=30, dataset="acme", stated=(), **columns):
    frame = {"customer_id": ids, "origin": pd.Timestamp(day), "at_risk": True, "p_no_order": p, "p_churn": p,
             "expected_revenue": 10.0, "revenue_year": 200.0}  # fmt: skip
    customers = pd.DataFrame(frame | columns, index=pd.RangeIndex(len(ids)))
    stated = dict(zip(("n_low", "n_high", "level"), stated, strict=False))
    return ChurnForecastResult(context=Context(dataset=dataset), customers=customers, horizon_days=horizon, **stated)


def save(root, run, *results, step="20_churn_regression"):
    folder = root / run / step
    save_results(*results, to=folder)
    return folder / "results.json"


def score(root, ledger, **options):
    return score_earlier_forecasts(root, ledger, **({"dataset": "acme", "context": Context(currency="EUR")} | options))


def test_counts_and_scores_by_hand(tmp_path, ledger):
    """Forecast .1 for those who then ordered but for "b" (.6), .8 for the others but "e" (.3); "e" orders a day too late."""
    p = [0.1 if who in CAME else 0.8 for who in IDS]
    p[IDS.index("b")], p[IDS.index("e")] = 0.6, 0.3
    at_risk = [who != "d" for who in IDS]
    expected = [CAME.get(who, 0) * 2 for who in IDS]
    save(tmp_path, "20250101T000000Z-x", forecast_of(p=p, at_risk=at_risk, expected_revenue=expected))
    found = score(tmp_path, ledger)
    every = found.scores.set_index("scope").loc["all"]
    assert (every["n_customers"], every["n_actual"]) == (10, 5)
    assert every["n_expected"] == pytest.approx(4 * 0.1 + 0.6 + 4 * 0.8 + 0.3)
    spread = 1.959964 * np.sqrt(4 * 0.09 + 0.24 + 4 * 0.16 + 0.21)
    assert (every["n_low"], every["n_high"]) == (np.floor(4.5 - spread), np.ceil(4.5 + spread))
    assert every["auc"] == pytest.approx(24 / 25)  # one of 25 pairs the wrong way: b above e
    assert every["brier"] == pytest.approx((4 * 0.01 + 0.36 + 4 * 0.04 + 0.49) / 10)
    assert every["brier_base"] == 0.25
    assert (every["money_came"], every["money_expected"]) == (210, 420)
    assert every["share_named"] == 1.0
    risk = found.scores.set_index("scope").loc["at risk"]
    assert (risk["n_customers"], risk["n_actual"]) == (9, 4)
    assert (
        found.largest["customer_id"].tolist()[:2]
        == sorted(who for who, one in zip(IDS, p, strict=True) if one == 0.8)[:2]
    )
    assert found.largest["money_at_risk"][0] == 160 and not found.largest["did_order"][0]
    assert found.n_scored == 1 and found.runs["status"].tolist() == ["scored"]
    assert "expected 4 of 9 accounts to place no order; 4 placed none, which lies within" in found.answer()


def test_the_interval_that_the_forecast_stated(tmp_path, ledger):
    """Ten at .95: 9.5 expected, 5 came; chance allows 8 to 10, the forecast stated 4.6 to 10. Stated at 80 %: not comparable."""
    save(tmp_path / "a", "20250101T000000Z-x", forecast_of(p=0.95, stated=(4.6, 10.0)))
    found = score(tmp_path / "a", ledger)
    scores = found.scores.set_index("scope")
    assert scores.loc["at risk", ["n_low", "n_high", "covers"]].tolist() == [5, 10, "as stated"]
    assert scores.loc["all", ["n_low", "n_high", "covers"]].tolist() == [8, 10, "chance"]
    assert "lies within what it stated (5 to 10)" in found.answer()
    assert found.answer().key_figures[1].note.endswith("as the forecast stated")
    check = next(c for c in found.checks if "as many placed no order" in c.assumption)
    assert check.verdict == "holds" and "(1 as stated by the forecast, 0 of chance alone)" in check.finding
    for name, stated in (("b", (4.6, 10.0, 0.8)), ("c", ())):
        save(tmp_path / name, "20250101T000000Z-x", forecast_of(p=0.95, stated=stated))
        other = score(tmp_path / name, ledger)
        assert other.scores["covers"].tolist() == ["chance", "chance"]
        assert "lies outside what chance alone allows (8 to 10)" in other.answer()


def test_accounts_that_vanished_count_out_of_the_stated_interval(tmp_path, ledger):
    frame = forecast_of(ids=["gone", "lost and gone", *IDS], at_risk=[True, False] + [True] * 10, stated=(3.0, 10.8))
    save(tmp_path, "20250101T000000Z-x", frame)
    row = score(tmp_path, ledger).scores.iloc[0]
    assert (row["n_customers"], row["n_low"], row["n_high"]) == (
        10,
        2,
        10,
    )  # 2.5 and 10.3, less than half an account each


def test_auc_and_its_interval_against_sklearn_and_resampling(tmp_path):
    rng = np.random.default_rng(5)
    ids = [f"{i:04d}" for i in range(300)]
    p = rng.random(300).round(2)
    gone = rng.random(300) < p
    rows = [(who, "2024-06-01", 1.0) for who in ids] + [
        (w, "2025-01-05", 1.0) for w, g in zip(ids, gone, strict=True) if not g
    ]
    rows.append((ids[0], "2025-03-01", 1.0))
    frame = pd.DataFrame(rows, columns=["customer_id", "order_date", "amount"])
    many = open_ledger(frame.assign(order_date=pd.to_datetime(frame["order_date"])))
    save(tmp_path, "20250101T000000Z-x", forecast_of(ids=ids, p=p))
    row = score(tmp_path, many).scores.iloc[0]
    assert row["auc"] == pytest.approx(roc_auc_score(gone, p))
    draws = rng.integers(300, size=(150, 300))
    resampled = [roc_auc_score(gone[d], p[d]) for d in draws]
    assert row["auc_high"] - row["auc_low"] == pytest.approx(2 * 1.96 * np.std(resampled), rel=0.2)
    squares = (p - gone) ** 2
    assert row["brier_high"] - row["brier"] == pytest.approx(1.96 * squares.std(ddof=1) / np.sqrt(300), rel=1e-3)


def test_all_ordered_has_no_auc(tmp_path, ledger):
    save(tmp_path, "20250101T000000Z-x", forecast_of(ids=["007", "a"]))
    found = score(tmp_path, ledger)
    assert found.scores["auc"].isna().all() and found.n_without_auc == 2
    assert found.answer().key_figures[2].value == "–"


@pytest.mark.parametrize("history", ["", "no such folder"])
def test_no_history(history, ledger, tmp_path):
    found = score(history and tmp_path / history, ledger)
    assert not found.has_history and found.n_scored == 0 and found.runs.empty
    assert found.answer() == "There are 0 earlier forecasts of this dataset to score."
    assert 3 <= len(found.answer().key_figures) <= 5 and all(f.note for f in found.answer().key_figures)
    assert found.checks[0].verdict == "not testable"


def test_a_folder_without_forecasts_and_one_that_is_a_file(ledger, tmp_path):
    assert score(tmp_path, ledger).has_history
    (tmp_path / "file").write_text("x")
    assert not score(tmp_path / "file", ledger).has_history


def test_other_datasets_are_counted_not_scored(tmp_path, ledger):
    save(tmp_path, "20250101T000000Z-x", forecast_of(dataset="other"))
    save(tmp_path, "20250102T000000Z-x", forecast_of(dataset=None))
    found = score(tmp_path, ledger)
    assert (found.n_scored, found.n_other) == (0, 2) and found.runs.empty


def test_horizon_not_over_yet(tmp_path, ledger):
    """The ledger ends on 31 March: a forecast of 1 March for 31 days is over, one for 32 days is not."""
    save(tmp_path, "20250301T000000Z-x", forecast_of(day=date(2025, 3, 1), horizon=31))
    save(tmp_path, "20250301T000001Z-x", forecast_of(day=date(2025, 3, 1), horizon=32))
    found = score(tmp_path, ledger)
    assert (found.n_scored, found.n_waiting, found.next_scored) == (1, 1, date(2025, 4, 2))
    assert found.runs["finding"][1] == "will be scored on 2 April 2025"
    save(tmp_path / "only", "20250301T000001Z-x", forecast_of(day=date(2025, 3, 1), horizon=32))
    waits = score(tmp_path / "only", ledger)
    assert "can be scored from 2 April 2025 on" in waits.answer()


def test_same_day_twice_the_latest_counts(tmp_path, ledger):
    for run, p in (("20250101T000000Z-x", 0.1), ("20250101T000000Z-x.10", 0.9), ("20250101T000000Z-x.2", 0.4)):
        save(tmp_path, run, forecast_of(p=p))
    found = score(tmp_path, ledger)
    assert found.runs["status"].tolist() == ["replaced", "replaced", "scored"]
    assert found.runs["run"].tolist()[-1] == "20250101T000000Z-x.10"
    assert found.scores["n_expected"][0] == pytest.approx(9) and found.n_replaced == 2
    assert any("latest counts" in c.finding for c in found.checks)


def test_runs_at_work_and_failed_steps_are_left_aside(tmp_path, ledger):
    save(tmp_path, ".part-20250101T000000Z-x", forecast_of())
    (tmp_path / "20250102T000000Z-x" / "step").mkdir(parents=True)
    (tmp_path / "20250102T000000Z-x" / "step" / "failed.ipynb").write_text("{}")
    found = score(tmp_path, ledger)
    assert found.runs.empty and found.n_unreadable == 0


def change(**fields):
    def edit(file):
        content = json.loads(file.read_text(encoding="utf-8"))
        content["results"]["churn_forecast"] |= fields
        file.write_text(json.dumps(content), encoding="utf-8")

    return edit


def table(**columns):
    def edit(file):
        path = file.parent / "tables" / "churn_forecast.customers.parquet"
        pd.read_parquet(path).assign(**columns).to_parquet(path)

    return edit


DAMAGE = {
    "cut off": lambda file: file.write_bytes(file.read_bytes()[:100]),
    "empty": lambda file: file.write_text(""),
    "no text": lambda file: file.write_bytes(b"\xff\xfe\x00\x80"),
    "a list": lambda file: file.write_text("[]"),
    "a number": lambda file: file.write_text("1"),
    "deep": lambda file: file.write_text("[" * 100_000),
    "old schema": lambda file: file.write_text(json.dumps({"schema_version": 0, "results": {}})),
    "new schema": lambda file: file.write_text(json.dumps({"schema_version": 99, "results": {}})),
    "results a list": lambda file: file.write_text(json.dumps({"schema_version": 1, "results": [1]})),
    "results missing": lambda file: file.write_text(json.dumps({"schema_version": 1})),
    "entry no object": lambda file: file.write_text(json.dumps({"schema_version": 1, "results": {"a": 3}})),
    "no fields": change(fields={}),
    "horizon a text": change(fields={"horizon_days": "30"}),
    "horizon too long": change(fields={"horizon_days": 10**9}),
    "stated upside down": change(fields={"horizon_days": 30, "n_low": 5.0, "n_high": 1.0, "level": 0.95}),
    "stated a text": change(fields={"horizon_days": 30, "n_low": "few", "n_high": 1.0, "level": 0.95}),
    "no context": change(context=None),
    "no tables": change(tables={}),
    "table outside": change(tables={"customers": "../../../other.parquet"}),
    "table not there": change(tables={"customers": "nothing.parquet"}),
    "parquet damaged": lambda file: (file.parent / "tables" / "churn_forecast.customers.parquet").write_bytes(b"PAR1x"),
    "probability": table(p_no_order=1.5),
    "missing": table(p_no_order=np.nan),
    "text": table(p_no_order="high"),
    "ids twice": table(customer_id="a"),
    "ids numbers": table(customer_id=range(10)),
    "two origins": table(origin=pd.date_range("2025-01-01", periods=10)),
    "no origin": table(origin=pd.NaT),
    "origin text": table(origin="soon"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_files_are_listed_and_stop_nothing(damage, tmp_path):
    DAMAGE[damage](save(tmp_path, "20250101T000000Z-x", forecast_of()))
    save(tmp_path, "20250102T000000Z-y", forecast_of(day=date(2025, 1, 2)))
    found = read_earlier_runs(tmp_path, "acme")
    assert [one.run for one in found.forecasts] == ["20250102T000000Z-y"]
    ((place, why),) = found.problems
    assert place == "20250101T000000Z-x/20_churn_regression" and why


def test_unreadable_files_stand_in_the_table(tmp_path, ledger):
    DAMAGE["old schema"](save(tmp_path, "20250101T000000Z-x", forecast_of()))
    save(tmp_path, "20250102T000000Z-y", forecast_of(day=date(2025, 1, 2)))
    found = score(tmp_path, ledger)
    assert found.n_unreadable == 1 and found.n_scored == 1
    bad = found.runs[found.runs["status"] == "not readable"].iloc[0]
    assert "schema version 0" in bad["finding"] and pd.isna(bad["forecast_day"])


def test_a_forecast_from_before_the_ledger_does_not_stop_the_others(tmp_path, ledger):
    save(tmp_path, "20200101T000000Z-x", forecast_of(day=date(2020, 1, 1)))
    save(tmp_path, "20250101T000000Z-x", forecast_of())
    found = score(tmp_path, ledger)
    assert found.runs["status"].tolist() == ["not readable", "scored"] and found.n_scored == 1
    assert found.runs["finding"][0].startswith("does not fit the ledger")


def test_accounts_that_vanished_or_were_renamed_are_listed(tmp_path, ledger):
    ids = ["gone", "old name", *IDS[:6]]
    save(tmp_path, "20250101T000000Z-x", forecast_of(ids=ids, at_risk=[True, False] + [True] * 6))
    found = score(tmp_path, ledger)
    assert found.vanished["customer_id"].tolist() == ["gone", "old name"]
    assert found.scores["n_customers"].tolist() == [6, 6]
    assert found.runs["finding"][0] == "6 accounts scored, 2 are not in the ledger any more"
    check = next(c for c in found.checks if "same in the forecast" in c.assumption)
    assert (
        check.verdict == "does not hold" and "2 are of accounts" in check.finding and "4 accounts were" in check.finding
    )


def test_all_accounts_vanished(tmp_path, ledger):
    save(tmp_path, "20250101T000000Z-x", forecast_of(ids=["x", "y"]))
    found = score(tmp_path, ledger)
    assert found.runs["finding"].tolist() == ["does not fit the ledger: none of its accounts is in it"]
    assert found.scores.empty and found.n_scored == 0 and found.n_unreadable == 1 and found.answer()


def list_of(forecast, **options):
    """A call list, eight called and two held out of ten."""
    return build_call_list(
        forecast.customers, horizon_days=30, k=1, saving_rate=0.5, cost_of_visit=1, discount_rate=0.1,
        holdout_share=0.2, context=Context(dataset="acme"), **options,
    )  # fmt: skip


def lists():
    """A forecast and its call list."""
    forecast = forecast_of(p=0.5)
    return forecast, list_of(forecast)


def test_called_against_held_out(tmp_path, ledger):
    forecast, calls = lists()
    save(tmp_path, "20250101T000000Z-x", forecast, calls)
    found = score(tmp_path, ledger)
    out = set(calls.calls.loc[calls.calls["list_part"] == "hold-out", "customer_id"])
    money = {who: CAME.get(who, 0.0) for who in IDS}
    called = [money[who] for who in IDS if who not in out]
    row = found.calls.set_index("term").loc["money"]
    assert (row["n_calls"], row["n_held_out"]) == (8, 2)
    assert row["called"] == pytest.approx(np.mean(called)) and row["held_out"] == pytest.approx(
        np.mean([money[w] for w in out])
    )
    assert found.money_saved == pytest.approx(8 * row["difference"]) and found.money == "revenue"
    assert found.calls["term"].tolist() == ["orders", "money"]
    assert "in revenue than if they had done as those held out" in found.answer()
    assert found.scores[["auc_low", "brier_low"]].isna().all(axis=None)  # all had the same forecast: nothing varies


def test_margin_where_the_ledger_has_cost(tmp_path):
    rows = [(who, "2024-06-01", 100.0, 60.0) for who in IDS] + [(who, "2025-01-15", 100.0, 90.0) for who in IDS[:5]]
    rows.append(("a", "2025-03-01", 1.0, 1.0))
    frame = pd.DataFrame(rows, columns=["customer_id", "order_date", "amount", "cost"])
    with_cost = open_ledger(frame.assign(order_date=pd.to_datetime(frame["order_date"])))
    save(tmp_path, "20250101T000000Z-x", *lists())
    found = score(tmp_path, with_cost)
    assert found.money == "margin"
    assert found.calls.set_index("term").loc["money", "called"] <= 10


def test_who_is_held_out_still(tmp_path, ledger):
    forecast, calls = lists()
    day = date(2025, 3, 20)
    save(tmp_path, "20250320T000000Z-x", forecast_of(day=day), calls)
    found = score(tmp_path, ledger)
    out = calls.calls.loc[calls.calls["list_part"] == "hold-out", "customer_id"]
    assert found.held_out == tuple(sorted(out)) and found.n_waiting == 1
    assert found.called == tuple(sorted(set(IDS) - set(out)))
    save(tmp_path / "over", "20250101T000000Z-x", forecast, calls)
    assert score(tmp_path / "over", ledger).held_out == score(tmp_path / "over", ledger).called == ()


def out_of(calls):
    return set(calls.calls.loc[calls.calls["list_part"] == "hold-out", "customer_id"])


def test_a_run_on_the_same_day_draws_the_same_list_again(tmp_path, ledger):
    """The ledger ends on 31 March: a run on it forecasts from 1 April, and what such runs drew stands in nobody's way."""
    today = forecast_of(day=date(2025, 4, 1))
    drawn = []
    for run in range(3):
        record = score(tmp_path, ledger)
        assert (record.held_out, record.called) == ((), ())
        calls = list_of(today, exclude=record.held_out, called_before=record.called)
        drawn.append(calls.calls)
        save(tmp_path, f"20250401T00000{run}Z-x", today, calls)
    assert score(tmp_path, ledger).n_replaced == 2
    pd.testing.assert_frame_equal(drawn[0], drawn[1])
    pd.testing.assert_frame_equal(drawn[0], drawn[2])


def test_replaced_lists_of_other_days_count(tmp_path, ledger):
    forecast = forecast_of(day=date(2025, 3, 20))
    one, two = list_of(forecast, seed=1), list_of(forecast, seed=2)
    assert out_of(one) != out_of(two)
    for run, calls in enumerate((one, two)):
        save(tmp_path, f"20250320T00000{run}Z-x", forecast, calls)
    record = score(tmp_path, ledger)
    assert set(record.held_out) == out_of(one) | out_of(two) and record.n_replaced == 1
    assert set(record.called) == set(IDS) - (out_of(one) & out_of(two))
    new = list_of(forecast_of(day=date(2025, 4, 1)), exclude=record.held_out, called_before=record.called)
    assert not set(record.held_out) & set(new.calls["customer_id"]) and new.n_held_out == 0


def test_who_was_called_before_is_not_compared_with_those_held_out(tmp_path, ledger):
    forecast = forecast_of()
    calls = list_of(forecast, called_before=["007", "c"])
    save(tmp_path, "20250101T000000Z-x", forecast, calls)
    row = score(tmp_path, ledger).calls.set_index("term").loc["money"]
    compared = set(IDS) - {"007", "c"} - out_of(calls)
    assert (row["n_calls"], row["n_held_out"]) == (6, 2)
    assert row["called"] == pytest.approx(np.mean([CAME.get(who, 0.0) for who in compared]))


def test_a_list_from_before_called_before_was_recorded(tmp_path, ledger):
    file = save(tmp_path, "20250101T000000Z-x", *lists())
    path = file.parent / "tables" / "call_list.calls.parquet"
    whole = pd.read_parquet(path)
    whole.drop(columns="called_before").to_parquet(path)
    assert score(tmp_path, ledger).calls["n_calls"].tolist() == [8, 8]
    whole.assign(called_before="no").to_parquet(path)
    assert score(tmp_path, ledger).runs["finding"][1] == "call list: ValueError: called_before is not yes or no"


def test_a_damaged_call_list_leaves_the_forecast(tmp_path, ledger):
    file = save(tmp_path, "20250101T000000Z-x", *lists())
    (file.parent / "tables" / "call_list.calls.parquet").write_bytes(b"")
    found = score(tmp_path, ledger)
    assert found.n_scored == 1 and found.calls.empty and found.n_unreadable == 1
    assert found.runs["finding"][1].startswith("call list: ")


def test_differences_with_their_intervals():
    """Newcombe (1998), table II: 56/70 − 48/80 is 0.20, from 0.0524 to 0.3339. Welch: as scipy."""
    from scipy.stats import ttest_ind

    rng = np.random.default_rng(2)
    calls = pd.DataFrame(
        {"customer_id": [f"{i}" for i in range(150)], "list_part": ["call"] * 70 + ["hold-out"] * 80}
    ).assign(called_before=False)
    ordered = np.concatenate([np.arange(70) < 56, np.arange(80) < 48])
    money = rng.gamma(1, 100, 150) * ordered
    came = pd.DataFrame({"customer_id": calls["customer_id"], "no_order": ~ordered, "m": money})
    found, saved = compare_called([(calls, came)], "m", 0.95)
    orders, of_money = found.iloc[0], found.iloc[1]
    assert [orders["difference"], orders["ci_low"], orders["ci_high"]] == pytest.approx([0.2, 0.0524, 0.3339], abs=5e-5)
    interval = ttest_ind(money[:70], money[70:], equal_var=False).confidence_interval()
    assert [of_money["ci_low"], of_money["ci_high"]] == pytest.approx([interval.low, interval.high])
    assert saved == pytest.approx((70 * of_money["difference"], 70 * interval.low, 70 * interval.high))
    parts = [(calls[i::2], came) for i in range(2)]
    pd.testing.assert_frame_equal(compare_called(parts, "m", 0.95)[0], found)  # pooled over lists


def test_no_interval_of_money_from_one_account_or_without_variation():
    calls = pd.DataFrame(
        {"customer_id": list("abc"), "list_part": ["call", "call", "hold-out"], "called_before": False}
    )
    came = pd.DataFrame({"customer_id": list("abc"), "no_order": False, "m": [1.0, 2.0, 0.5]})
    assert compare_called([(calls, came)], "m", 0.95)[1] == (2.0, None, None)
    two = calls.assign(list_part=["call", "hold-out", "hold-out"])
    assert compare_called([(two, came)], "m", 0.95)[1][1] is None
    assert compare_called([(calls[:2], came)], "m", 0.95)[0].empty
    assert compare_called([], "m", 0.95)[1] == (None, None, None)


def test_way_to_the_disk_and_back(tmp_path, ledger):
    save(tmp_path / "history", "20250101T000000Z-x", *lists())
    found = score(tmp_path / "history", ledger)
    save_results(found, to=tmp_path / "a")
    back = load_results(tmp_path / "a")["track_record"]
    assert back.answer() == found.answer() and back.as_of == date(2025, 3, 31)
    assert set(back.largest["customer_id"]) <= set(IDS)
    nothing = score("", ledger)
    save_results(nothing, to=tmp_path / "b")
    assert load_results(tmp_path / "b")["track_record"].answer() == nothing.answer()


@pytest.mark.parametrize("options", [{"dataset": ""}, {"dataset": None}, {"level": 0}])
def test_parameters_out_of_range(options, ledger):
    with pytest.raises(ParameterError, match=next(iter(options))):
        score("", ledger, **options)
