from datetime import date

import numpy as np
import pandas as pd
import pytest

from kam.errors import ColumnTypeError, DataError, EmptyDataError, MissingColumnError, NoEventError, ParameterError
from kam.stats.proportions import wilson_interval
from kam.survey import collect_responses, satisfaction_of_the_lost
from kam.survey.lost_shares import _difference

DAY = pd.Timestamp


def survey(overall, *, wave="2024", day="2024-01-10", start=0, **columns):
    return pd.DataFrame(
        {
            "respondent_id": [f"{wave}-{i}" for i in range(len(overall))],
            "customer_id": [f"c{start + i:02d}" for i in range(len(overall))],
            "wave": wave,
            "answered_on": DAY(day),
            "overall": overall,
            **columns,
        }
    )


@pytest.fixture(scope="module")
def by_hand():
    """40 accounts, the first 30 answered: 11 are lost within the year, 5 of them with an answer; one is lost later."""
    lost = {*range(6), *range(30, 36)}
    overall = [5, 4, 4, 3, 2, 1, *[4] * 18, *[3] * 3, *[2] * 3]
    losses = pd.DataFrame({"customer_id": [f"c{i:02d}" for i in range(40)]})
    losses["lost_on"] = [DAY("2024-09-01") if i in lost else pd.NaT for i in range(40)]
    losses.loc[0, "lost_on"] = DAY("2025-02-01")  # known to here, and beyond 364 days: it stayed
    losses["revenue"] = [1000.0 if i in (1, 2) else 10.0 for i in range(40)]
    asked = pd.DataFrame({"wave": "2024", "customer_id": [f"c{i:02d}" for i in range(34)]})
    return collect_responses(survey(overall)), losses, asked


def row(frame, **chosen):
    for name, value in chosen.items():
        frame = frame[frame[name] == value]
    assert len(frame) == 1
    return frame.iloc[0]


def test_shares_by_hand(by_hand):
    responses, losses, asked = by_hand
    result = satisfaction_of_the_lost(responses, losses, asked=asked)
    assert (result.horizon_days, result.followed_to, result.waves) == (364, date(2025, 2, 1), ("2024",))
    assert (result.n_lost, result.n_stayed) == (11, 29)
    lost, stayed = result.share_of("lost"), result.share_of("stayed")
    assert (lost["estimate"], lost["n_accounts"]) == (2 / 5, 5)
    assert (stayed["estimate"], stayed["n_accounts"]) == (19 / 25, 25)
    assert result.share_of("difference")["estimate"] == pytest.approx(2 / 5 - 19 / 25)
    assert lost["ci_low"] < 0.4 < lost["ci_high"]
    by_revenue = result.share_of("lost", each="revenue")
    assert by_revenue["estimate"] == pytest.approx(2000 / 2030)
    rates = result.rates
    assert row(rates, level_3="neutral", group_name="satisfied")["estimate"] == pytest.approx(2 / 21)
    assert row(rates, level_3="neutral", group_name="not satisfied")["estimate"] == pytest.approx(3 / 9)
    never = row(rates, level_3="neutral", group_name="never asked")
    assert (never["n_accounts"], never["n_lost"], never["estimate"]) == (6, 2, 2 / 6)
    assert result.never_answered == pytest.approx(6 / 11)
    assert row(result.answering, group_name="lost", status="asked, never answered")["n_accounts"] == 4
    assert row(result.answering, group_name="lost", status="never asked")["n_accounts"] == 2
    assert result.answering.groupby("group_name")["estimate"].sum().to_numpy() == pytest.approx([1, 1])
    assert result.answer().startswith("40% of the accounts that were lost within 364 days after they answered")
    assert "55% had never answered" in result.answer()
    assert "beside 76% of those that stayed" in result.answer()


def test_level_3_as_no_opinion_takes_accounts_out(by_hand):
    responses, losses, _ = by_hand
    result = satisfaction_of_the_lost(responses, losses)
    shares = result.shares
    other = row(shares, level_3="no opinion", wave="all", each="account", group_name="stayed")
    assert (other["estimate"], other["n_accounts"]) == (19 / 22, 22)
    few = row(shares, level_3="no opinion", wave="all", each="account", group_name="lost")
    assert np.isnan(few["estimate"]) and few["why"] == "fewer than 5 accounts" and few["n_accounts"] == 4


def test_who_was_lost_before_the_field_ended_is_not_compared(by_hand):
    responses, losses, _ = by_hand
    early = losses.assign(lost_on=losses["lost_on"].mask(losses["customer_id"] == "c20", DAY("2024-01-05")))
    result = satisfaction_of_the_lost(responses, early)
    assert result.n_lost + result.n_stayed == 39
    assert result.left_out["n_accounts"].tolist() == [1]
    assert "lost before the field ended" in result.left_out["why"].iloc[0]


def test_a_loss_without_a_date_is_dated_at_the_last_order(by_hand):
    responses, losses, _ = by_hand
    defined = losses[["customer_id"]].assign(
        is_lost=losses["lost_on"].notna(), last_order=losses["lost_on"].fillna(DAY("2025-03-01"))
    )
    one, other = satisfaction_of_the_lost(responses, losses), satisfaction_of_the_lost(responses, defined)
    pd.testing.assert_frame_equal(one.rates, other.rates)
    assert "the last order of an account that is lost by now" in {a.value for a in other.assumed}


def test_surviving_long_enough_to_be_asked_twice_makes_nobody_satisfied():
    """Satisfaction says nothing of loss here: within waves the shares are alike, though only survivors answer the second."""
    rng = np.random.default_rng(1)
    n = 3000
    ids = [f"c{i:04d}" for i in range(n)]
    lost_day = rng.integers(1, 1500, n)
    losses = pd.DataFrame({"customer_id": ids, "lost_on": DAY("2023-01-10") + pd.to_timedelta(lost_day, "D")})
    parts = []
    for wave, day, good in (("2023", "2023-01-10", 0.3), ("2024", "2024-01-10", 0.9)):  # the mood improves
        there = np.flatnonzero(losses["lost_on"] > DAY(day))
        level = np.where(rng.random(len(there)) < good, 4, 2)
        parts.append(
            pd.DataFrame(
                {
                    "respondent_id": [f"{wave}-{i}" for i in there],
                    "customer_id": [ids[i] for i in there],
                    "wave": wave,
                    "answered_on": DAY(day),
                    "overall": level,
                }
            )
        )
    result = satisfaction_of_the_lost(collect_responses(pd.concat(parts)), losses)
    assert result.waves == ("2023", "2024")
    for wave in result.waves:
        difference = row(result.shares, level_3="neutral", wave=wave, each="account", group_name="difference")
        assert difference["ci_low"] <= 0 <= difference["ci_high"]
    assert result.horizon_days <= 364


def test_waves_followed_too_short_are_left_out():
    first, second = survey([4, 2] * 20), survey([4, 2] * 20, wave="2025", day="2025-01-10")
    losses = pd.DataFrame({"customer_id": [f"c{i:02d}" for i in range(40)], "lost_on": pd.NaT})
    losses["lost_on"] = pd.to_datetime(losses["lost_on"]).mask(losses.index < 10, DAY("2025-02-20"))
    losses.loc[10:15, "lost_on"] = DAY("2024-06-01")
    result = satisfaction_of_the_lost(collect_responses(pd.concat([first, second])), losses)
    assert result.waves == ("2024",)
    assert (result.n_lost, result.horizon_days) == (6, 364)
    assert "not followed long enough" in result.left_out["why"].str.cat()


def test_an_answer_of_an_earlier_wave_is_not_none():
    first, second = survey([4] * 40), survey([2] * 20, wave="2025", day="2025-01-10")
    losses = pd.DataFrame({"customer_id": [f"c{i:02d}" for i in range(45)], "lost_on": pd.NaT})
    losses["lost_on"] = pd.to_datetime(losses["lost_on"]).mask(losses.index % 4 == 0, DAY("2025-06-01"))
    result = satisfaction_of_the_lost(
        collect_responses(pd.concat([first, second])), losses, horizon_days=200, followed_to=date(2026, 1, 1)
    )
    found = result.answering[result.answering["group_name"] == "lost"].set_index("status")["n_accounts"]
    assert found.to_dict() == {
        "answered in the wave": 5,
        "answered in an earlier wave only": 5,
        "never answered": 2,
    }


def test_the_difference_has_newcombes_interval():
    """56 of 70 against 48 of 80: 0.0524 to 0.3339 (Newcombe 1998, table II, method 10, example a)."""
    intervals = [(x / n, *(float(end) for end in wilson_interval(x, n))) for x, n in ((56, 70), (48, 80))]
    assert _difference(*intervals) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


def test_bad_input_is_named(by_hand):
    responses, losses, asked = by_hand
    with pytest.raises(NoEventError, match="Nobody was lost"):
        satisfaction_of_the_lost(responses, losses.assign(lost_on=pd.NaT).astype({"lost_on": "datetime64[ns]"}))
    with pytest.raises(NoEventError, match="Nobody was lost within 10 days"):
        satisfaction_of_the_lost(responses, losses, horizon_days=10)
    with pytest.raises(NoEventError, match="Everybody"):
        satisfaction_of_the_lost(responses, losses.assign(lost_on=DAY("2024-09-01")))
    with pytest.raises(EmptyDataError, match="No account of the survey"):
        satisfaction_of_the_lost(responses, losses.assign(customer_id="x" + losses["customer_id"]))
    with pytest.raises(EmptyDataError, match="No wave was followed for 5000 days"):
        satisfaction_of_the_lost(responses, losses, horizon_days=5000)
    with pytest.raises(MissingColumnError, match="cannot be dated"):
        satisfaction_of_the_lost(responses, losses.drop(columns="lost_on"))
    with pytest.raises(ColumnTypeError, match="holds no dates"):
        satisfaction_of_the_lost(responses, losses.assign(lost_on="2024-09-01"))
    with pytest.raises(DataError, match="stands twice in losses"):
        satisfaction_of_the_lost(responses, pd.concat([losses, losses]))
    with pytest.raises(MissingColumnError, match="'wave'"):
        satisfaction_of_the_lost(responses, losses, asked=asked.drop(columns="wave"))
    with pytest.raises(ParameterError, match="satisfied_from"):
        satisfaction_of_the_lost(responses, losses, satisfied_from=6)
    bare = responses.rows.drop(columns="customer_id")
    with pytest.raises(MissingColumnError, match="which account"):
        satisfaction_of_the_lost(collect_responses(bare), losses)
    undated = responses.rows.drop(columns="answered_on")
    with pytest.raises(MissingColumnError, match="no days"):
        satisfaction_of_the_lost(collect_responses(undated), losses)


def test_unknown_accounts_are_counted(by_hand):
    responses, losses, _ = by_hand
    result = satisfaction_of_the_lost(responses, losses.iloc[3:])
    assert row(result.left_out, why="the account is not among those that could have been lost")["n_accounts"] == 3
    assert result.n_left_out == 3
