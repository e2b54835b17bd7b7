import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from kam.errors import EmptyDataError, ParameterError
from kam.results import Context
from kam.survey import sample_size

TWO_ERRORS = 2 * norm.cdf(2) - 1  # Cochran takes t = 2


def finding(result, words):
    return next(check for check in result.checks if words in check.assumption)


# -- published and by hand


def test_cochran_island_and_seedlings():
    island = sample_size(3200, half_width=0.05, share=0.5, response_rate=1, level=TWO_ERRORS)
    assert (island.n_needed, island.n_drawn) == (356, 356)  # Cochran (1977), section 4.4: n0 = 400
    beds = sample_size(430, half_width=1.9, std_dev=np.sqrt(85.6), response_rate=1, level=TWO_ERRORS)
    assert beds.n_needed == 78  # section 4.6: n0 = 95, n = 95 / (1 + 95 / 430)
    assert beds.measure == "mean" and island.measure == "share"


def test_response_and_design_effect_by_hand():
    # n0 = 400, of 3,200: 355.65; times 1.5 = 533.5, 534 answers; over 0.6: 890
    result = sample_size(3200, half_width=0.05, share=0.5, response_rate=0.6, design_effect=1.5, level=TWO_ERRORS)
    assert (result.n_needed, result.n_drawn) == (534, 890)
    assert result.n_expected == pytest.approx(534)
    assert result.half_width_reached == pytest.approx(2 * np.sqrt(0.25 * 3200 / 3199 * (1.5 / 534 - 1 / 3200)))
    assert result.n_expected_high - result.n_expected == pytest.approx(2 * np.sqrt(890 * 0.6 * 0.4))


@pytest.mark.parametrize(("n_all", "d", "sd"), list(itertools.product([30, 400, 50_000], [0.05, 0.2], [0.5, 1.1])))
def test_the_size_is_the_smallest_whose_interval_is_as_narrow(n_all, d, sd):
    z = norm.ppf(0.975)
    enough = [n for n in range(1, n_all + 1) if z * sd * np.sqrt(1 / n - 1 / n_all) <= d]
    assert sample_size(n_all, half_width=d, std_dev=sd, response_rate=1).n_needed == enough[0]


# -- asking everybody


def test_asking_everybody_is_not_knowing_everything():
    result = sample_size(120, half_width=0.03, share=0.5, response_rate=0.6, context=Context(dataset="test"))
    assert (result.n_drawn, result.is_reached) == (120, False)
    assert result.half_width_reached == result.half_width_everybody > 0.03
    assert result.answer() == (
        "Even if all 120 accounts are asked, about 72 answer, and a share is then known to within ±7.3 points over all accounts; "
        "±3.0 points over all accounts (at 95%) would need 108 answers."
    )
    assert finding(result, "accounts enough").verdict == "does not hold"
    assert result.precision["plan"].tolist() == ["everybody"]
    assert sample_size(120, half_width=0.03, share=0.5, response_rate=1).half_width_everybody == 0


def test_the_error_of_asking_everybody_is_that_of_simulated_silence():
    rng = np.random.default_rng(4)
    values = rng.normal(4, 0.8, 200)
    answered = rng.random((4000, 200)) < 0.6
    means = (answered * values).sum(axis=1) / answered.sum(axis=1)
    result = sample_size(200, half_width=0.01, std_dev=values.std(ddof=1), response_rate=0.6)
    assert result.half_width_everybody == pytest.approx(norm.ppf(0.975) * means.std(), rel=0.05)


# -- strata


RATES = {"key": 0.7, "middle": 0.6, "small": 0.3}
SIZES = {"key": 80, "middle": 400, "small": 700}


def test_strata_add_up_to_the_error_of_the_whole():
    spread = {"key": 0.5, "middle": 0.8, "small": 1.0}
    result = sample_size(SIZES, half_width=0.1, std_dev=spread, response_rate=RATES)
    strata = result.strata
    assert strata["stratum"].tolist() == list(SIZES)
    answers = strata["n_drawn"] * list(RATES.values())
    np.testing.assert_allclose(strata["n_expected"], answers)
    variance = np.array(list(spread.values())) ** 2 * (1 / answers - 1 / strata["n_population"])
    weight = strata["n_population"] / 1180
    z = norm.ppf(0.975)
    np.testing.assert_allclose(strata["half_width"], z * np.sqrt(variance))
    assert result.half_width_reached == pytest.approx(z * np.sqrt((weight**2 * variance).sum()))
    assert 0.095 < result.half_width_reached <= 0.1
    per_account = strata["n_expected"] / strata["n_population"]
    np.testing.assert_allclose(per_account, per_account.mean(), rtol=0.1)  # proportional


def test_where_a_stratum_cannot_give_more_the_others_do():
    result = sample_size(SIZES, half_width=0.038, share=0.5, response_rate=RATES)
    strata = result.strata.set_index("stratum")
    assert strata.loc["small", "n_drawn"] == 700
    assert strata.loc["middle", "n_drawn"] < 400
    assert result.is_reached and result.half_width_reached <= 0.038
    share = strata["n_expected"] / strata["n_population"]
    assert share["middle"] > share["small"]


def test_in_each_stratum():
    each = sample_size(SIZES, half_width=0.08, share=0.5, response_rate=RATES, each_stratum=True)
    assert each.is_reached and (each.strata["half_width"] <= 0.08).all()
    for name, n in SIZES.items():
        alone = sample_size(n, half_width=0.08, share=0.5, response_rate=RATES[name])
        assert alone.n_drawn == each.strata.set_index("stratum").loc[name, "n_drawn"]
    hard = sample_size(SIZES, half_width=0.05, share=0.5, response_rate=RATES, each_stratum=True)
    assert not hard.is_reached
    assert "cannot be reached everywhere" in hard.answer()
    assert finding(hard, "accounts enough").finding == "not even everybody gives it in key and small"


# -- what one gets for less


def test_precision_is_a_table_of_half_width_and_n():
    result = sample_size(3200, half_width=0.05, share=0.5, response_rate=0.5)
    table = result.precision
    assert table["plan"].tolist() == ["", "", "", "asked for", "", "", "everybody"]
    assert table["half_width"].is_monotonic_decreasing and table["n_drawn"].is_monotonic_increasing
    assert table.loc[3, "n_drawn"] == result.n_drawn
    assert table["n_drawn"].iloc[-1] == 3200
    for row, factor in zip(table.itertuples(), [2, 1.5, 1.25, 1, 0.75, 0.5], strict=False):
        again = sample_size(3200, half_width=0.05 * factor, share=0.5, response_rate=0.5)
        assert (row.n_drawn, row.half_width) == (again.n_drawn, again.half_width_reached)


def test_rare_shares_are_not_normal():
    rare = sample_size(5000, half_width=0.05, share=0.02, response_rate=1)
    check = finding(rare, "normal")
    assert check.verdict == "does not hold"
    assert check.finding == (
        "a share of 2.0% asks for 3,800 answers (Cochran 1977, table 3.3), and 30 are expected"  # np = 76 at p = 0.02
    )
    assert finding(sample_size(5000, half_width=0.05, share=0.5, response_rate=1), "normal").verdict == "holds"
    assert finding(sample_size(50, half_width=1, std_dev=1, response_rate=1), "normal").verdict == "not testable"


def test_words():
    result = sample_size(3200, half_width=0.05, share=0.5, response_rate=0.6)
    assert result.answer() == (
        "To know a share to within ±5.0 points over all accounts (at 95%), 344 of 3,200 accounts have to answer, so 574 have to "
        "be drawn."
    )
    notes = [figure.note for figure in result.answer().key_figures]
    assert notes[1] == "321 to 367 in 95% of such fields, if the response is as assumed"
    mean = sample_size(3200, half_width=0.1, std_dev=1.0, response_rate=0.6, context=Context(language="ko"))
    assert "±0.10" in mean.answer()


# -- bad input


@pytest.mark.parametrize(
    ("population", "changes", "message"),
    [
        (-1, {}, "population of 'all accounts' is -1"),
        (10.5, {}, "is 10.5"),
        ({}, {}, "no stratum"),
        ({"a": 0}, {}, "population of 'a' is 0"),
        (100, {"half_width": 0}, "half_width is 0"),
        (100, {"half_width": 1.2}, "half_width of a share is 1.2"),
        (100, {"share": None}, "Give either share or std_dev"),
        (100, {"std_dev": 1.0}, "Both share and std_dev"),
        (100, {"share": 1.0}, "share is 1.0"),
        (100, {"share": float("nan")}, "share is nan"),
        (100, {"response_rate": 0}, "response_rate is 0.*at most 1"),
        (100, {"response_rate": 60}, "response_rate is 60"),
        (100, {"design_effect": 0}, "design_effect is 0"),
        (100, {"level": 95}, "level is 95"),
        ({"a": 10, "b": 10}, {"share": {"a": 0.5}}, "same strata.*Where: b"),
        ({"a": 10}, {"response_rate": {"a": 2.0}}, "response_rate of 'a' is 2.0"),
    ],
)
def test_bad_input(population, changes, message):
    options = {"half_width": 0.05, "share": 0.5, "response_rate": 0.5} | changes
    with pytest.raises(ParameterError, match=message):
        sample_size(population, **options)


@given(
    n=st.integers(1, 5000),
    d=st.floats(0.01, 0.5),
    rate=st.floats(0.05, 1),
    deff=st.floats(0.5, 3),
    share=st.floats(0.05, 0.95),
)
def test_plans_hold_together(n, d, rate, deff, share):
    result = sample_size(n, half_width=d, share=share, response_rate=rate, design_effect=deff)
    assert 1 <= result.n_drawn <= n
    assert result.half_width_everybody <= result.half_width_reached + 1e-12
    if result.is_reached:
        assert result.half_width_reached <= d * (1 + 1e-6)
    else:
        assert result.n_drawn == n and result.half_width_everybody > d
    assert (np.diff(result.precision["n_drawn"]) >= 0).all()


def test_nobody_to_ask_is_a_matter_of_the_data():
    with pytest.raises(EmptyDataError, match="no account to ask"):
        sample_size(0, half_width=0.1, std_dev=1.0, response_rate=0.5)
