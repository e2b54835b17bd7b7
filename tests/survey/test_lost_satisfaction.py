from datetime import date

import numpy as np
import pandas as pd
import pytest

from kam.errors import ColumnTypeError, DataError, EmptyDataError, MissingColumnError, NoEventError, ParameterError
from kam.stats.proportions import wilson_interval
from kam.survey import collect_responses, estimate, satisfaction_of_the_lost
from kam.survey.intervals import korn_graubard_interval
from kam.survey.lost_checks import check_lost
from kam.survey.lost_shares import _difference, asked_shares
from kam.wording import Wording

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
    assert result.part_of("lost", "never asked") == pytest.approx(2 / 11)
    assert row(result.answering, group_name="lost", status="asked, never answered")["n_accounts"] == 4
    assert row(result.answering, group_name="lost", status="never asked")["n_accounts"] == 2
    assert result.answering.groupby("group_name")["estimate"].sum().to_numpy() == pytest.approx([1, 1])
    assert result.answer().startswith(
        "In the accounts that were lost within 364 days after they answered, 40% of the people who answered had said they were "
        "satisfied"
    )
    assert "beside 76% in those that stayed" in result.answer()


def test_the_lost_never_asked_are_told_from_the_silent(by_hand):
    """Of 11 lost 2 were never asked, 4 silent; of 29 stayed 4 never asked (c36 to c39), none silent."""
    responses, losses, asked = by_hand
    result = satisfaction_of_the_lost(responses, losses, asked=asked)
    assert (
        "Of the 11 lost, 18% were never asked and 36% were asked and stayed silent (14% and 0% of those"
        in result.answer()
    )
    rows = result.asked.set_index("group_name")
    assert rows.loc[["lost", "stayed"], ["n_accounts", "n_answered"]].to_numpy().tolist() == [[9, 5], [25, 25]]
    assert rows["estimate"].tolist() == pytest.approx([5 / 9, 1, 5 / 9 - 1])
    figure = result._key_figures()[-1]
    assert (figure.value, figure.note) == ("4 of 9", "beside 0 of 25 of the stayed")


@pytest.mark.parametrize("asked_as", ["none", "taken as asked", "answers only", "no such wave"])
def test_where_it_is_not_known_who_was_asked_nobody_was_silent(by_hand, asked_as):
    responses, losses, asked = by_hand
    supposed = {"none": None, "no such wave": asked.assign(wave="2023")}.get(asked_as, asked.assign(status=asked_as))
    result = satisfaction_of_the_lost(responses, losses, asked=supposed)
    assert result.asked.empty and not result.is_asked_known
    assert "Of the 11 lost, 55% had not answered (14% of those that stayed); who of them was asked is not known." in (
        result.answer()
    )
    assert set(result.answering["status"]) == {"answered in the wave", "never answered"}
    assert result._key_figures()[-1].value == "6 of 11"
    check = next(c for c in result.checks if "answered as often" in c.assumption)
    assert (check.verdict, check.finding) == ("not testable", "who was asked is not known")


@pytest.fixture(scope="module")
def divided():
    """Accounts of two people each: 12 lost (6 both satisfied, 6 divided), 28 stayed (20 both, 4 divided, 4 neither)."""
    pairs = [(5, 4)] * 6 + [(4, 3)] * 6 + [(4, 4)] * 20 + [(5, 2)] * 4 + [(3, 2)] * 4
    frame = survey([level for pair in pairs for level in pair])
    frame["customer_id"] = [f"c{i:02d}" for i in range(40) for _ in range(2)]
    losses = pd.DataFrame({"customer_id": [f"c{i:02d}" for i in range(40)]})
    losses["lost_on"] = [DAY("2024-09-01") if i < 12 else pd.NaT for i in range(40)]
    return collect_responses(frame), losses


def test_an_account_counts_by_the_share_of_its_people(divided):
    """4 and 3 are half, though their mean rounds to 4."""
    responses, losses = divided
    result = satisfaction_of_the_lost(responses, losses)
    lost, stayed = result.share_of("lost"), result.share_of("stayed")
    assert (lost["estimate"], stayed["estimate"]) == pytest.approx((9 / 12, 22 / 28))
    variance = 12 / 11 * 12 * 0.25**2 / 12**2  # six at 1, six at a half
    low, high = korn_graubard_interval(0.75, min(0.75 * 0.25 / variance, 24), n=24, df=11)
    assert (lost["ci_low"], lost["ci_high"]) == pytest.approx((float(low), float(high)))
    assert result.share_of("difference")["estimate"] == pytest.approx(9 / 12 - 22 / 28)
    without = row(result.shares, level_3="no opinion", wave="all", each="account", group_name="lost")
    assert (without["estimate"], without["n_accounts"]) == (1, 12)  # the threes are out, their accounts are not
    rates = result.rates[result.rates["level_3"] == "neutral"].set_index("group_name")
    counted = rates.loc[["satisfied", "divided", "not satisfied"], ["n_accounts", "n_lost"]]
    assert counted.to_numpy().tolist() == [[26, 6], [10, 6], [4, 0]]
    assert rates.at["divided", "estimate"] == pytest.approx(0.6) and rates.at["satisfied", "estimate"] == pytest.approx(
        6 / 26
    )


def test_the_other_rules_stand_beside_it(divided):
    responses, losses = divided
    result = satisfaction_of_the_lost(responses, losses)
    rules = result.rules[result.rules["level_3"] == "neutral"].set_index(["rule", "group_name"])["estimate"]
    found = {rule: (rules[rule, "lost"], rules[rule, "stayed"]) for rule in rules.index.unique("rule")}
    assert found == {
        "the share of its people": (pytest.approx(9 / 12), pytest.approx(22 / 28)),
        "satisfied if more than half of its people are": (0.5, pytest.approx(20 / 28)),
        "satisfied if half of its people or more are": (1.0, pytest.approx(24 / 28)),
        "satisfied if its mean is 4 or more": (0.5, pytest.approx(20 / 28)),
    }
    check = next(c for c in result.checks if "divided people" in c.assumption)
    assert check.verdict == "holds" and check.finding.count("no difference beyond chance") == 4


def test_a_conclusion_that_hangs_on_divided_accounts_is_flagged():
    """All 30 lost accounts are divided, of 60 stayed 45 agree that they are satisfied and 15 that they are not."""
    pairs = [(4, 2)] * 30 + [(4, 4)] * 45 + [(2, 2)] * 15
    frame = survey([level for pair in pairs for level in pair])
    frame["customer_id"] = [f"c{i:02d}" for i in range(90) for _ in range(2)]
    losses = pd.DataFrame({"customer_id": [f"c{i:02d}" for i in range(90)]})
    losses["lost_on"] = [DAY("2024-09-01") if i < 30 else pd.NaT for i in range(90)]
    result = satisfaction_of_the_lost(collect_responses(frame), losses)
    check = next(c for c in result.checks if "divided people" in c.assumption)
    assert check.verdict == "does not hold"
    assert "more than half of its people are: the lost were satisfied less often" in check.finding
    assert "half of its people or more are: the lost were satisfied more often" in check.finding


def test_it_is_the_figure_of_estimate(divided):
    """Lost and stayed together are the share of estimate(), by account, in both readings of level 3."""
    responses, losses = divided
    result = satisfaction_of_the_lost(responses, losses)
    cells = estimate(responses).measures
    for reading in ("neutral", "no opinion"):
        shares = result.shares[(result.shares["wave"] == "all") & (result.shares["level_3"] == reading)]
        parts = shares[shares["group_name"] != "difference"]
        together = (parts["estimate"] * parts["n_accounts"]).sum() / parts["n_accounts"].sum()
        cell = row(cells, item="overall", measure="top two", each="account", level_3=reading)
        assert together == pytest.approx(cell["estimate"])


@pytest.mark.parametrize(
    ("lost", "stayed", "verdict"),
    [
        ((27, 48), (208, 359), "not testable"),  # alike, and too few to say so
        ((2500, 5000), (2500, 5000), "holds"),
        ((10, 50), (300, 400), "does not hold"),
        ((2, 3), (20, 40), "not testable"),
    ],
)
def test_alike_is_claimed_only_within_a_margin(lost, stayed, verdict):
    parts = [
        pd.DataFrame({"is_lost": is_lost, "status": ["answered in the wave"] * k + ["asked, never answered"] * (n - k)})
        for is_lost, (k, n) in ((True, lost), (False, stayed))
    ]
    at_risk = pd.concat(parts, ignore_index=True).assign(customer_id=lambda f: f.index.astype(str))
    checks = check_lost(
        Wording("en", "EUR"),
        asked=asked_shares(at_risk, 0.95, "few"),
        n_lost=lost[0],
        left_out=pd.DataFrame({"why": [], "n_accounts": []}),
        readings={"neutral": "not"},
        rules={"a rule": "not"},
    )
    assert checks[0].verdict == verdict
    assert ("too few" in checks[0].finding) == (verdict == "not testable")


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
