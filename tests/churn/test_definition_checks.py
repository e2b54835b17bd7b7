"""What a churn definition assumes: when each check holds, and when it does not."""

from datetime import date

import pandas as pd
import pytest

from kam.churn.definition import churn_definition
from kam.churn.silence import MIN_FOLLOWED
from kam.errors import UndefinedChurnError
from kam.ledger import activity_panel, open_ledger
from tests.churn.purchases import HAND, find_check, make_panel, simulate_panel


def test_follow_up() -> None:
    long = churn_definition(simulate_panel(2000, 6, n_periods=60, loss=0.08), n_resamples=20)
    assert long.n_followed >= MIN_FOLLOWED and long.n_ahead > 12
    assert long.checks[0].verdict == "holds"
    short = churn_definition(simulate_panel(3000, 6, n_periods=12), max_return_share=0.2, n_resamples=20)
    assert short.n_followed >= MIN_FOLLOWED
    assert short.n_ahead < 12 and short.checks[0].verdict == "does not hold"
    assert "The data end too soon to be sure: at the same rate" in short.answer()
    assert "The data end" not in long.answer()
    few = churn_definition(
        make_panel({f"a{i}": [0, 1, 3] for i in range(12)} | {"z": [0, 1, 30, 31]}), k=2, n_resamples=20
    )
    assert "Only 13 were followed, too few to rely on." in few.answer()


def test_the_rate_of_the_follow_up_is_events_over_exposure() -> None:
    result = churn_definition(make_panel(HAND), k=2)
    rate = 2 / (4 + 2 + 2)  # lengths 3, 4, 5: at risk 4, 2, 2; two came back
    assert result.checks[0].statistic == pytest.approx(1 - (1 - rate) ** 12)


def test_a_late_return_among_few_does_not_decide_alone() -> None:
    active = (
        {f"a{i}": [0, 3] for i in range(9)} | {f"b{i}": [10] for i in range(30)} | {"z": list(range(20)), "y": [0, 19]}
    )
    with pytest.raises(UndefinedChurnError, match="wait that ended, 19 months, is one of 1 that lasted as long"):
        churn_definition(make_panel(active))
    result = churn_definition(make_panel(active), k=3, n_resamples=20)
    check = find_check(result, "latest return")
    assert (result.return_share, check.verdict, check.statistic) == (1.0, "does not hold", 1.0)
    assert (
        check.finding
        == "it came after 16 months more, among 1 that were followed as long; before it 0.0% had come back"
    )
    usual = churn_definition(simulate_panel(1500, 3), k=6, n_resamples=20)
    assert find_check(usual, "latest return").verdict == "holds"


def test_silences_of_both_halves_are_compared() -> None:
    panel = simulate_panel(3000, 7, rates=(0.3,))
    alike = churn_definition(panel, k=6, n_resamples=100)
    check = find_check(alike, "early and late")
    assert check.verdict == "holds"
    late = simulate_panel(800, 8, n_periods=12, loss=0.3, rates=(0.3,))
    late["period"] = late["period"] + pd.DateOffset(months=12)
    late["customer_id"] = "L" + late["customer_id"]
    changed = find_check(churn_definition(pd.concat([panel, late]), k=6, n_resamples=100), "early and late")
    assert changed.verdict == "does not hold"
    assert changed.statistic < 0  # those who came late are lost sooner
    assert find_check(churn_definition(make_panel(HAND), k=2), "early and late").verdict == "not testable"


def test_rhythms_longer_than_half_of_k_are_counted() -> None:
    slow = {f"s{i}": [0, 4, 8, 12, 16] for i in range(5)}
    quick = {f"q{i}": list(range(17)) for i in range(5)}
    result = churn_definition(make_panel(slow | quick), k=6)
    check = find_check(result, "rhythm")
    assert check.verdict == "does not hold"
    assert check.finding.startswith("of 10 accounts with at least 3 gaps, 5 usually")
    assert find_check(churn_definition(make_panel(slow | quick), k=9), "rhythm").verdict == "holds"
    assert find_check(churn_definition(make_panel(slow | quick), k=6, gap_multiple=2), "rhythm").verdict == "handled"


def test_who_is_censored_and_left_out_is_counted() -> None:
    days = [
        "2024-01-05",
        "2024-02-10",
        "2024-05-03",
        "2024-06-02",
        "2024-01-20",
        "2024-06-10",
        "2024-03-01",
        "2024-06-03",
    ]
    orders = pd.DataFrame(
        {"customer_id": list("aaaabbcc"), "order_date": days, "amount": [9, 9, 9, 9, 9, 9, -1, -1]},
    )
    ledger = open_ledger(orders, as_of="2024-06-12")
    result = churn_definition(ledger, k=2)
    assert (result.first_period, result.last_period) == (date(2024, 1, 1), date(2024, 5, 1))
    assert (result.n_customers, result.n_without_order) == (2, 1)
    assert (
        "2 customers bought in the first period already, January 2024" in find_check(result, "before the data").finding
    )
    last = find_check(result, "every period is complete")
    assert (last.verdict, last.finding[:29]) == ("handled", "2 customers ordered after May")
    assert find_check(result, "has an order").verdict == "handled"
    # b is silent from February to May, what it ordered in June is not known yet.
    assert result.customers.set_index("customer_id")["n_silent"].to_dict() == {"a": 0, "b": 4}
    assert find_check(churn_definition(open_ledger(orders, as_of="2024-06-30"), k=2), "every period").verdict == "holds"
    assert find_check(churn_definition(activity_panel(ledger), k=2), "every period").verdict == "not testable"
