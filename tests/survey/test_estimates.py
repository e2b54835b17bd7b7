"""Estimates of a survey: against R, by hand, and where there is little to say."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kam.errors import DataError, MissingColumnError, ParameterError
from kam.survey import (
    Design,
    collect_responses,
    compare_waves,
    estimate,
    one_phase_designs,
    survey_frame,
    weigh_responses,
)
from kam.survey.estimate_checks import compare_readings
from kam.survey.intervals import effective_number, korn_graubard_interval
from kam.survey.linearization import linearize
from kam.wording import Wording

R = json.loads((Path(__file__).parents[1] / "reference" / "survey_estimates.json").read_text(encoding="utf-8"))


def answers_of_r():
    rows = pd.DataFrame(R["rows"]).rename(columns={"account": "customer_id"})
    return rows.assign(respondent_id=[f"p{i}" for i in range(len(rows))])


@pytest.fixture(scope="module")
def company():
    """Two waves of 90 accounts with one to three people, revenue known, some did not answer."""
    rng = np.random.default_rng(5)
    frames, units = [], {}
    for wave in ("2023", "2024"):
        account = np.repeat(np.arange(90), rng.integers(1, 4, 90))
        account = account[account % 3 > 0]
        frames.append(
            pd.DataFrame(
                {
                    "respondent_id": [f"{a}-{i}" for i, a in enumerate(account)],
                    "wave": wave,
                    "customer_id": account.astype(str),
                    "role": np.where(rng.random(len(account)) < 0.9, "buyer", "user"),
                    "overall": rng.integers(2, 6, len(account)),
                    "price": np.where(rng.random(len(account)) < 0.2, np.nan, rng.integers(1, 6, len(account))),
                    "recommend": rng.integers(3, 11, len(account)),
                }
            )
        )
        answered = np.arange(90) % 3 > 0
        units[wave] = pd.DataFrame(
            {
                "customer_id": np.arange(90).astype(str),
                "stratum": np.where(np.arange(90) < 30, "key", "other"),
                "psu": np.arange(90).astype(str),
                "n_population": np.where(np.arange(90) < 30, 30.0, 240.0),
                "base_weight": np.where(np.arange(90) < 30, 1.0, 4.0),
                "answered": answered,
                "p_response": 2 / 3,
                "weight": np.where(answered, np.where(np.arange(90) < 30, 1.5, 6.0), 0.0),
                "n_people": 4.0,
                "revenue": np.where(np.arange(90) < 30, 1000.0, 100.0),
            }
        )
    frame = pd.concat(frames, ignore_index=True)
    items = pd.DataFrame({"item": ["price"], "text": ["Prices are fair."], "theme": ["price"]})
    responses = collect_responses(frame, items=items, groups=["role"])
    designs = {
        wave: Design(
            responses=responses.of_wave(wave),
            units=units[wave],
            response_terms=pd.get_dummies(units[wave]["stratum"]).to_numpy(dtype=float),
        )
        for wave in ("2023", "2024")
    }
    return responses, designs


@pytest.fixture(scope="module")
def result(company):
    return estimate(company[0], designs=company[1], by=["role", "stratum"])


# -- against R -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["all", "without_fpc", "buyer"])
def test_shares_and_means_are_those_of_r(part):
    rows = answers_of_r()
    rows = rows.drop(columns="fpc") if part == "without_fpc" else rows
    found = estimate(collect_responses(rows, groups=["role"]), by="role", each=["respondent"])
    by, group = ("role", part) if part == "buyer" else ("all", "all")
    expected = R[part]
    for measure, name in (("top two", "top_two"), ("mean", "mean"), ("bottom two", "bottom_two")):
        cells = found.find("overall", measure, by=by)
        if cells.empty:
            assert measure == "bottom two" and part == "buyer"  # of all together only
            continue
        row = cells[cells["group_name"] == group].iloc[0]
        assert row[["estimate", "std_error", "ci_low", "ci_high"]].tolist() == pytest.approx(
            [expected[name][key] for key in ("estimate", "std_error", "low", "high")], rel=1e-9
        )
        assert (row["df"], row["n_respondents"]) == (expected["df"], expected["n"])
    score = found.find("recommend", "NPS", by=by)
    score = score[score["group_name"] == group].iloc[0]
    assert score["estimate"] == pytest.approx(100 * expected["net"]["estimate"])
    assert score["std_error"] == pytest.approx(100 * expected["net"]["std_error"])


def test_levels_are_those_of_r():
    found = estimate(collect_responses(answers_of_r()), each=["respondent"]).levels
    row = found[(found["item"] == "overall") & (found["answer_level"] == 5)].iloc[0]
    expected = R["all"]["level_5"]
    assert [row["estimate"], row["ci_low"], row["ci_high"]] == pytest.approx(
        [expected["estimate"], expected["low"], expected["high"]], rel=1e-9
    )
    sums = found[found["item"] == "overall"].groupby(["wave", "each"])["estimate"].sum()
    assert sums.to_numpy() == pytest.approx(1)


def test_the_score_has_the_adjusted_interval_of_its_effective_number():
    """Strata and people of one account: n_eff = SRS variance over that of R, times (z / t_57)²."""
    row = estimate(collect_responses(answers_of_r()), each=["respondent"]).find("recommend", "NPS").iloc[0]
    x = pd.DataFrame(R["rows"])
    net = (x["recommend"] >= 9).astype(int) - (x["recommend"] <= 6).astype(int)
    theta = np.average(net, weights=x["weight"])
    n = np.average((net - theta) ** 2, weights=x["weight"]) / R["all"]["net"]["std_error"] ** 2
    assert row["n_effective"] == pytest.approx(n)
    n *= (1.959963984540054 / 2.0024654592910065) ** 2
    p, d = (np.average(net == sign, weights=x["weight"]) for sign in (1, -1))
    p, d = (p * n + 0.75) / (n + 3), (d * n + 0.75) / (n + 3)
    half = 1.959963984540054 * ((p + d - (p - d) ** 2) / (n + 3)) ** 0.5
    assert [row["ci_low"], row["ci_high"]] == pytest.approx([100 * (p - d - half), 100 * (p - d + half)])


# -- by hand ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("each", ["account", "revenue", "respondent"])
def test_many_columns_are_what_one_by_one_gives(company, each):
    design = company[1]["2024"]
    values = design.responses.rows[["overall", "price", "recommend"]].to_numpy(dtype=float)
    values[design.responses.rows["role"] == "user", 0] = np.nan
    found = linearize(design, values, each=each)
    for j in range(3):
        one = design.mean(values[:, j], each=each)
        assert found.estimate[j] == pytest.approx(one.estimate)
        assert found.scores[:, j] == pytest.approx(one.scores)
        assert found.within[:, j] == pytest.approx(one.within)
        assert (found.n_respondents[j], found.n_accounts[j]) == (one.n_respondents, one.n_accounts)
        assert found.n_kish[j] == pytest.approx(one.n_effective)
    assert found.df.tolist() == [n - 2 for n in found.n_accounts]  # who left a question out does not count


def test_account_revenue_and_respondent_are_plain_weighted_means(company, result):
    responses, designs = company
    rows = responses.rows[responses.rows["wave"] == "2024"]
    units = designs["2024"].units.set_index("customer_id")
    per_account = rows.groupby("customer_id")["overall"].mean()
    w = units.loc[per_account.index, "weight"]
    people = rows.groupby("customer_id").size()
    expected = {
        "account": np.average(per_account, weights=w),
        "revenue": np.average(per_account, weights=w * units.loc[per_account.index, "revenue"]),
        "respondent": np.average(per_account, weights=w * np.maximum(4, people)),
    }
    for each, mean in expected.items():
        assert result.find("overall", "mean", wave="2024", each=each)["estimate"].iloc[0] == pytest.approx(mean)


def test_both_readings_of_level_3_stand_side_by_side(company, result):
    rows = company[0].rows
    m = result.measures
    m = m[(m["by"] == "all") & (m["item"] == "overall") & (m["measure"] == "top two") & (m["each"] == "account")]
    assert m["level_3"].tolist() == ["neutral", "no opinion"] * 2
    without = rows[(rows["wave"] == "2024") & (rows["overall"] != 3)]
    assert m["n_respondents"].iloc[-1] == len(without)
    assert (m["estimate"].iloc[1::2].to_numpy() > m["estimate"].iloc[::2].to_numpy()).all()
    assert set(result.measures.query("item == 'recommend'")["level_3"]) == {"either"}


def test_a_reading_declared_is_led_with_and_a_taken_out_level_is_not_guessed(company):
    responses, designs = company
    only = {"designs": designs, "questions": ["overall", "recommend"], "each": ["account"]}
    declared = estimate(replace(responses, declared_level_3="no_opinion"), **only)
    assert declared.lead_level_3 == "no opinion" and "of those with an opinion" in declared.answer()
    taken = estimate(responses.read_level_3_as("no_opinion"), **only)
    assert set(taken.measures["level_3"]) == {"no opinion", "either"}
    assert taken.checks[0].verdict == "not testable"
    same = ["estimate", "ci_low", "ci_high"]
    assert taken.find("overall", "mean")[same].equals(declared.find("overall", "mean")[same])


def test_questions_count_who_did_not_answer_and_why():
    frame = pd.DataFrame({"respondent_id": range(12), "overall": [4, 5, 2] * 4, "slow": [1, 2, np.nan] * 4})
    items = pd.DataFrame({"item": ["slow"], "text": ["Delivery is slow."], "theme": ["delivery"], "reversed": [True]})
    answers = frame.melt("respondent_id", ["overall", "slow"], var_name="item", value_name="answer").assign(wave="1")
    answers["status"] = np.where(answers["answer"].notna(), "answered", "not applicable")
    answers.loc[answers.index[-1], "status"] = "no answer"
    questions = estimate(
        collect_responses(frame.assign(wave="1"), items=items, answers=answers), min_n=1
    ).questions.set_index("item")
    assert questions.loc["slow", ["n_answered", "n_not_applicable", "n_no_answer", "n_blank"]].tolist() == [8, 3, 1, 0]
    assert questions.loc["slow", "mean"] == 4.5  # turned
    assert questions.loc["slow", "text"] == "Delivery is slow. (turned: high is good)"
    assert questions.loc["overall", ["share_top_two", "share_bottom_two"]].tolist() == pytest.approx([2 / 3, 1 / 3])


def test_groups_of_the_account_file_and_what_is_not_known(company):
    responses, designs = company
    accounts = pd.DataFrame({"customer_id": [str(i) for i in range(60)], "abc_class": ["A", "B"] * 30})
    found = estimate(
        responses, designs=designs, by="abc_class", accounts=accounts, questions=["overall"], each=["account"]
    ).find("overall", "mean", wave="2024", by="abc_class")
    assert found["group_name"].tolist() == ["A", "B", "not known"]
    rows = responses.rows[responses.rows["wave"] == "2024"]
    assert found["n_respondents"].sum() == len(rows)
    assert found["n_accounts"].iloc[2] == 20


# -- little to say ---------------------------------------------------------------------------------------------------


def test_small_cells_are_suppressed_with_a_reason(result):
    users = result.measures.query("by == 'role' and group_name == 'user' and each == 'account'")
    few = users[(users["n_respondents"] < 10) | (users["n_accounts"] < 10)]
    assert len(few) and few[["estimate", "std_error", "ci_low", "ci_high", "n_effective"]].isna().all().all()
    assert few["why"].str.startswith("fewer than 10").all()
    given = result.measures[result.measures["estimate"].notna()]
    assert (given["n_accounts"] >= 10).all() and (given["why"] == "").all()
    assert result.n_suppressed >= len(few)
    check = next(c for c in result.checks if "at least 10 answers" in c.assumption)
    assert check.verdict == "handled" and check.statistic == result.n_suppressed


def test_many_people_of_few_accounts_are_too_few():
    frame = pd.DataFrame({"respondent_id": range(40), "customer_id": ["a", "b"] * 20, "overall": [4, 5, 2, 1] * 10})
    found = estimate(collect_responses(frame))
    assert found.find("overall", "mean")["why"].tolist() == ["fewer than 10 accounts"]
    assert "40 people answered; to say more takes answers from at least" in found.answer()
    assert [f.value for f in found.answer().key_figures][:2] == ["not given", "not given"]


def test_answers_that_are_all_equal_have_a_share_with_an_interval_and_a_mean_without():
    found = estimate(collect_responses(pd.DataFrame({"respondent_id": range(30), "overall": [5] * 30})))
    share = found.find("overall", "top two").iloc[0]
    assert share["estimate"] == share["ci_high"] == 1
    assert share["ci_low"] == pytest.approx(0.025 ** (1 / 30))  # Clopper and Pearson: nobody of 30 said otherwise
    mean = found.find("overall", "mean").iloc[0]
    assert mean["estimate"] == 5 and np.isnan(mean[["ci_low", "std_error"]].astype(float)).all()
    assert mean["why"] == "all answered alike: no interval"


def test_one_answer_per_stratum_is_taken_about_the_mean_of_all_and_said():
    frame = pd.DataFrame(
        {"respondent_id": range(12), "stratum": [f"h{i}" for i in range(12)], "overall": [1, 5, 4, 3] * 3}
    )
    found = estimate(collect_responses(frame))
    row = found.find("overall", "mean").iloc[0]
    y = frame["overall"]
    assert row["df"] == 11 and 0 < row["std_error"] <= 1.1 * y.std() / 12**0.5
    check = next(c for c in found.checks if "at least two units" in c.assumption)
    assert check.verdict == "handled" and "in 12 of 12 there is one" in check.finding


def test_a_population_that_answered_whole_has_no_error():
    frame = pd.DataFrame({"respondent_id": range(20), "stratum": "all", "fpc": 20, "overall": [4, 2] * 10})
    row = estimate(collect_responses(frame)).find("overall", "top two").iloc[0]
    assert (row["ci_low"], row["estimate"], row["ci_high"]) == (0.5, 0.5, 0.5)


def test_a_domain_in_which_nobody_answered_is_named(company):
    responses, designs = company
    rows = responses.rows.copy()
    rows.loc[rows["role"] == "user", "price"] = np.nan
    found = estimate(replace(responses, rows=rows), designs=designs, by="role", questions=["price"], each=["account"])
    cell = found.find("price", "mean", wave="2024", by="role").set_index("group_name").loc["user"]
    assert cell["n_respondents"] == 0 and cell["why"] == "nobody answered"


def test_only_the_leading_questions_are_read_by_group(company, result):
    assert set(result.measures.query("by == 'role'")["item"]) == {"overall", "recommend"} & set(
        company[0].answer_columns
    )
    assert {"price"} < set(result.measures["item"])


def test_the_overview_is_in_percent_and_words(company):
    responses, designs = company
    found = estimate(responses, designs=designs, by="role")
    top = found.find("overall", "top two", wave="2024", by="role")
    shown = found.by_group()
    pd.testing.assert_series_equal(shown["estimate"], 100 * top["estimate"])
    assert set(shown["by"]) == {"role"} and set(shown["term"]) == {"answer 4 or 5 (%)"}
    both = found.overview().query("term == 'mean answer (points)'")
    assert set(both["each"]) == {"account", "revenue", "respondent"} and set(both["level_3"]) == {
        "neutral",
        "no opinion",
    }
    changes = compare_waves(responses, designs=designs).overview()
    assert changes["estimate"].sub(changes["estimate_to"] - changes["estimate_from"]).abs().max() < 1e-9


def test_accounts_without_revenue_are_named(company):
    responses, designs = company
    units = designs["2024"].units.assign(revenue=lambda u: np.where(u["stratum"] == "key", 0.0, 100.0))
    found = estimate(
        responses,
        designs=designs | {"2024": replace(designs["2024"], units=units)},
        by="stratum",
        questions=["overall"],
        each=["account", "revenue"],
    )
    cell = found.find("overall", "mean", wave="2024", by="stratum", each="revenue").set_index("group_name")
    assert cell.loc["key", "why"] == "the accounts have no revenue" and cell.loc["other", "why"] == ""


# -- checks ----------------------------------------------------------------------------------------------------------


def test_a_conclusion_that_hangs_on_level_3_is_flagged():
    """As many 4 and 5 in 2024, but far more threes in place of 1 and 2: the mean without threes turns."""
    first, second = [5] * 60 + [3] * 200 + [1] * 10, [5] * 100 + [3] * 60 + [1] * 30
    frame = pd.DataFrame({"overall": first + second, "wave": ["2023"] * 270 + ["2024"] * 190})
    found = estimate(collect_responses(frame.assign(respondent_id=range(460))))
    means = found.measures.query("measure == 'mean'").pivot(index="wave", columns="level_3", values="estimate")
    assert means.loc["2024", "neutral"] > means.loc["2023", "neutral"]
    assert means.loc["2024", "no opinion"] < means.loc["2023", "no opinion"]
    assert (
        found.checks[0].verdict == "does not hold"
        and "a change between waves turns: the overall judgment" in found.checks[0].finding
    )
    assert found.checks[1].verdict == "does not hold"
    assert found.checks[1].finding == "a change between waves turns: the overall judgment"
    calm = estimate(collect_responses(frame[frame["overall"] != 3].assign(respondent_id=range(200))))
    assert [check.verdict for check in calm.checks[:2]] == ["holds", "not testable"]  # no change of the share is clear


def test_every_turn_is_put_in_words():
    means = pd.DataFrame(
        {
            "wave": ["1", "1"],
            "item": ["a", "b"],
            "neutral": [3.1, 3.0],
            "no opinion": [2.9, 3.2],
            "std_error": 0.1,
            "std_error_second": 0.1,
        }
    )
    names = {"a": "“Prompt”", "b": "“Fair”"}
    found, n = compare_readings(Wording(), means, ["1"], names, middle=3.0)
    assert found == [
        "the mean changes sides of the middle: “Prompt”",
        "the highest question is “Prompt” with 3 as neutral, “Fair” without",
        "the lowest question is “Fair” with 3 as neutral, “Prompt” without",
    ]
    assert n == 4  # the side of the middle of two means, the highest and the lowest question
    assert compare_readings(Wording(), means, ["1"], names) == (found[1:], 2)  # shares have no middle


def test_a_share_that_only_grows_without_level_3_turns_no_conclusion():
    frame = pd.DataFrame({"overall": [5] * 60 + [3] * 100 + [1] * 20, "wave": "1", "respondent_id": range(180)})
    frame["price"] = np.minimum(frame["overall"], 3)
    items = pd.DataFrame({"item": ["price"], "text": ["Prices are fair."], "theme": ["price"]})
    found = estimate(collect_responses(frame, items=items))
    alone = estimate(collect_responses(frame.drop(columns="price")))
    assert [check.verdict for check in alone.checks[:2]] == ["holds", "not testable"]  # one share: nothing to compare
    shares = found.measures.query("measure == 'top two' and item == 'overall'").set_index("level_3")
    assert shares.loc["no opinion", "estimate"] > shares.loc["neutral", "ci_high"]
    assert "shares of 4 and 5" in found.checks[1].assumption and found.checks[1].verdict == "holds"


def test_large_accounts_that_answer_otherwise_are_flagged(company):
    responses, designs = company
    rows = responses.rows.copy()
    key = rows["customer_id"].astype(int) < 30
    rows.loc[key, "overall"] = np.minimum(rows.loc[key, "overall"] + 2, 5)
    check = estimate(
        replace(responses, rows=rows), designs=designs, questions=["overall"], each=["account", "revenue"]
    ).checks[2]
    assert "accounts that bring more" in check.assumption and check.verdict == "does not hold"
    assert check.statistic > 0.3
    assert "the mean of the overall judgment" in check.finding


def test_large_accounts_hold_only_where_the_interval_is_narrow(company, result):
    responses, designs = company
    few = result.checks[2]
    alike = responses.rows.assign(overall=np.where(responses.rows["customer_id"].astype(int) % 2, 4, 5))
    calm = estimate(
        replace(responses, rows=alike), designs=designs, questions=["overall"], each=["account", "revenue"]
    ).checks[2]
    assert few.verdict == "not testable" and "too few to tell within 0.20 either way" in few.finding
    assert calm.verdict == "holds" and "within 0.20 either way" in calm.finding


def test_the_answer_and_its_figures(result):
    answer = result.answer()
    top = result.find("overall", "top two", wave="2024").iloc[0]
    assert f"In wave 2024, {top['estimate']:.1%} are satisfied" in answer
    assert "Weighed by revenue" in answer and "net promoter score" in answer
    assert len(answer.key_figures) == 5 and all(figure.note for figure in answer.key_figures)


# -- intervals, bad input --------------------------------------------------------------------------------------------


def test_korn_graubard_at_both_ends_is_clopper_pearson():
    low, high = korn_graubard_interval([0.0, 1.0], 30, n=30, df=29)
    assert low.tolist() == pytest.approx([0, 0.025 ** (1 / 30)]) and high.tolist() == pytest.approx(
        [1 - 0.025 ** (1 / 30), 1]
    )
    wider = korn_graubard_interval(0.3, 30, n=30, df=3)
    plain = korn_graubard_interval(0.3, 30, n=30, df=29)
    assert wider[0] < plain[0] and wider[1] > plain[1]


def test_the_effective_number_where_nothing_can_be_compared():
    found = effective_number(np.array([0.25, 0.0, 0.25]), np.array([0.01, 0.0, 0.0]), np.array([7.0, 8.0, 9.0]))
    assert found.tolist() == [25.0, 8.0, 9.0]


def test_bad_input(company):
    responses, designs = company
    with pytest.raises(ParameterError, match="no question 'prices'"):
        estimate(responses, questions=["prices"])
    with pytest.raises(MissingColumnError, match=r"'region'.*role"):
        estimate(responses, by="region")
    with pytest.raises(ParameterError, match="no design for wave '2024'"):
        estimate(responses, designs={"2023": designs["2023"]})
    with pytest.raises(DataError, match="stands twice"):
        estimate(responses, by="x", accounts=pd.DataFrame({"customer_id": ["1", "1"], "x": "a"}))
    with pytest.raises(MissingColumnError, match="Revenue"):
        estimate(responses, designs=one_phase_designs(responses), each=["revenue"])
    for wrong in ({"min_n": 0}, {"level": 1.0}, {"each": ["person"]}):
        with pytest.raises(ParameterError):
            estimate(responses, **wrong)


def test_the_inputs_stay_as_they_are(company):
    responses, designs = company
    rows, units = responses.rows.copy(), designs["2024"].units.copy()
    estimate(responses, designs=designs, questions=["overall"], each=["account", "revenue"])
    pd.testing.assert_frame_equal(responses.rows, rows)
    pd.testing.assert_frame_equal(designs["2024"].units, units)


def test_answers_of_accounts_that_were_not_asked_are_named_in_the_answer():
    ids = [f"{i:02d}" for i in range(40)]
    responses = collect_responses(
        pd.DataFrame({"respondent_id": ids, "customer_id": ids, "overall": [4, 5, 2, 3] * 10})
    )
    sample = pd.DataFrame({"customer_id": ids[:30], "wave": "1", "stratum": "all", "probability": 0.5})
    weights = weigh_responses(responses, survey_frame(responses, sample=sample))
    found = estimate(responses, designs=weights.designs(responses))
    assert "10 more answers are not counted: their accounts were not among those asked" in found.answer()
    assert "30" in [figure.value for figure in found.answer().key_figures]
