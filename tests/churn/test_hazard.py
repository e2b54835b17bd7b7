import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import approx_fprime

from kam.churn import fit_hazard, person_periods
from kam.churn.hazard_model import fit_model, place_knots, restricted_spline
from kam.churn.hidden_departures import Silences, _expect, describe_rhythm, fit_hidden
from kam.errors import MissingColumnError, ModelError, NoEventError, NotConvergedError, ParameterError
from kam.ledger import Covariates, open_ledger
from kam.samples import simulate_company
from kam.wording import Wording
from tests.churn.leaving import PLANTED, draw_company, fit_knowing, in_planted_units, seen_tables, true_person_periods

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "survival.json").read_text(encoding="utf-8"))
TERMS = ("share_late", "n_complaints", "handover", "band", "latent_class")


# -- against R -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rows():
    """The accounts of the reference, one row per period at risk."""
    frame = pd.DataFrame(REFERENCE["accounts"])
    found = [
        (f"{i:03d}", t, row["score"], row["early"] == 1, bool(row["lost"]) and t == row["duration"])
        for i, row in frame.iterrows()
        for t in range(row["entry"] + 1, row["duration"] + 1)
    ]
    return pd.DataFrame(found, columns=["customer_id", "tenure", "score", "early", "event"])


@pytest.mark.parametrize("link", ["cloglog", "logit"])
def test_the_hazard_is_that_of_r(rows, link):
    expected = REFERENCE["hazard"]
    result = fit_hazard(rows, terms=["score", "early"], link=link)
    np.testing.assert_allclose(result.knots, expected["knots"])
    step = np.array([rows["score"].std(ddof=0), 1.0])
    np.testing.assert_allclose(result.terms["estimate"], expected[link]["estimate"][4:] * step, rtol=1e-5)
    np.testing.assert_allclose(result.terms["std_error"], expected[link]["std_error"][4:] * step, rtol=1e-3)
    if link == "logit":  # canonical: the observed information is the expected one
        np.testing.assert_allclose(
            result.terms["std_error"], expected[link]["std_error_sandwich"][4:] * step, rtol=1e-6
        )
    assert result.departures == "silence" and result.k is None and result.freq == "period"


def test_the_spline_is_natural_and_its_knots_are_quantiles():
    knots = place_knots(np.arange(1, 101), 4)
    x = np.array([0.0, 1.0, 2.0, 200.0, 201.0, 202.0])
    columns = restricted_spline(x, knots)
    assert columns.shape == (6, 3)
    np.testing.assert_allclose(np.diff(columns[:3], n=2, axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(np.diff(columns[3:], n=2, axis=0), 0, atol=1e-9)
    assert restricted_spline(x, ()).shape == (6, 0) and restricted_spline(x, (1.0, 5.0)).shape == (6, 1)


def test_average_hazard_and_baseline(rows):
    """With no term and no tenure all of it is the share of account-periods with a loss."""
    result = fit_hazard(rows, terms=[], n_knots=0)
    assert result.hazard == pytest.approx(rows["event"].mean(), rel=1e-6)
    assert result.hazard_low < result.hazard < result.hazard_high and result.by_tenure.empty
    curve = fit_hazard(rows, terms=[]).by_tenure
    assert curve["tenure"].tolist()[0] == 1 and (curve["ci_low"] < curve["hazard"]).all()
    assert curve["n_at_risk"].tolist() == [n for n in rows.groupby("tenure").size() if n >= 30]


# -- departures that nobody sees -------------------------------------------------------------------------------------


def simulate_silences(seed, n=40, n_periods=14):
    rng = np.random.default_rng(seed)
    parts = []
    for i in range(n):
        left = rng.geometric(0.08)
        ordered = (rng.random(n_periods) < 0.6) & (np.arange(n_periods) + 1 < left)
        last = 0
        for t in range(1, n_periods + 1):
            parts.append((i, t, ordered[t - 1], t - 1 - last, rng.random() < 0.5))
            last = t if ordered[t - 1] else last
    frame = pd.DataFrame(parts, columns=["account", "t", "ordered", "n_silent", "x"])
    frame["is_open"] = frame["t"] > frame["t"].where(frame["ordered"], 0).groupby(frame["account"]).transform("max")
    return frame


@pytest.fixture(scope="module")
def silences():
    frame = simulate_silences(1)
    account = frame["account"].to_numpy()
    ordered = frame["ordered"].to_numpy()
    rhythm = np.column_stack([np.ones(len(frame)), np.log(frame["n_silent"] + 1)])
    made = Silences(
        start=np.flatnonzero(np.append(True, account[1:] != account[:-1])),
        account=account,
        is_open=frame["is_open"].to_numpy(),
        ordered=ordered,
        rhythm=rhythm,
    )
    return made, np.column_stack([np.ones(len(frame)), frame["x"].astype(float)])


def enumerate_accounts(silences, x, theta):
    """Log-likelihood and weights of every account by writing out each period in which it may have left."""
    h = 1 / (1 + np.exp(-x @ theta[:2]))
    q = 1 / (1 + np.exp(-silences.rhythm @ theta[2:]))
    total, left = 0.0, np.zeros(len(h))
    for begin in silences.start:
        own = np.flatnonzero(silences.account == silences.account[begin])
        chances = []
        for at in [*range(len(own)), None]:
            p = 1.0
            for j, row in enumerate(own):
                if at is not None and j > at:
                    p *= not silences.ordered[row]
                elif at is not None and j == at:
                    p *= h[row] * (not silences.ordered[row])
                else:
                    p *= (1 - h[row]) * (q[row] if silences.ordered[row] else 1 - q[row])
            chances.append(p)
        total += np.log(sum(chances))
        left[own] = np.array(chances[:-1]) / sum(chances)
    return total, left


@pytest.mark.parametrize("theta", [(-2.0, 0.5, 0.3, -0.4), (-4.0, -1.0, 0.9, 0.1)])
def test_the_expectation_is_that_of_every_departure_written_out(silences, theta):
    made, x = silences
    theta = np.array(theta)
    expected = _expect(made, x, made.rhythm, theta, "logit")
    total, left = enumerate_accounts(made, x, theta)
    assert expected.log_likelihood == pytest.approx(total, rel=1e-10)
    np.testing.assert_allclose(expected.left, left, atol=1e-10)
    slope = approx_fprime(theta, lambda at: enumerate_accounts(made, x, at)[0], 1e-6)
    np.testing.assert_allclose(expected.score(x, made.rhythm), slope, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("link", ["logit", "cloglog"])
def test_em_ends_where_the_likelihood_is_highest(silences, link):
    made, x = silences
    fit = fit_hidden(made, x, link=link)
    theta = np.concatenate([fit.hazard, fit.rhythm])
    assert np.abs(_expect(made, x, made.rhythm, theta, link).score(x, made.rhythm)).max() < 1e-3
    for move in np.eye(4) * 0.05:
        for sign in (-1, 1):
            assert _expect(made, x, made.rhythm, theta + sign * move, link).log_likelihood < fit.log_likelihood
    assert np.all(np.linalg.eigvalsh(fit.cov) > 0)
    totals = np.add.reduceat(fit.left, made.start)
    assert totals.max() <= 1 + 1e-12 and (fit.left[~made.is_open] == 0).all() and fit.there.min() > 0


def test_rhythm_by_hand():
    # an account that orders in period 2 of 4: own rate (1 + 2 · ½) / (2 + 2) = ½
    columns = describe_rhythm(
        np.zeros(4, dtype=np.int64), np.array([0, 1, 0, 1]), np.array([False, True, False, False]), np.ones(4)
    )
    np.testing.assert_allclose(columns[:, 1], 0, atol=1e-12)
    np.testing.assert_allclose(columns[:, 2], np.log([1, 2, 1, 2]))
    assert columns.shape == (4, 8)


# -- recovery --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def companies():
    return {seed: draw_company(seed) for seed in (1, 2, 3)}


@pytest.fixture(scope="module")
def seen(companies):
    """What an analyst makes of one company."""
    ledger, events, accounts = seen_tables(companies[1])
    opened = open_ledger(ledger, as_of="2025-12-31")
    made = person_periods(
        opened, k=6, covariates=Covariates(accounts=accounts, static=("latent_class", "band"), events=events)
    )
    opened.close()
    return made


@pytest.fixture(scope="module")
def estimated(seen):
    return fit_hazard(seen, terms=TERMS, link="logit")


def test_the_company_is_that_of_the_samples():
    theirs = simulate_company(seed=4, n_accounts=150).truth.hazards
    ours = true_person_periods(draw_company(4, n_accounts=150))
    np.testing.assert_array_equal(ours["event"], theirs["left"])
    for name in ("late_share", "n_complaints", "handover"):
        np.testing.assert_allclose(ours[name], theirs[name])


def test_known_departures_give_the_planted_effects(companies):
    """Small version of ``make bench ARGS=hazard_coverage``: three companies, every interval widened to what three allow."""
    found, best = [], []
    for company in companies.values():
        truth = true_person_periods(company)
        best.append(fit_knowing(truth))
        frame = truth.rename(columns={"late_share": "share_late"}).assign(handover=truth["handover"] > 0)
        frame = frame.assign(start_known=True, at_risk=True, ordered=False, n_silent=0)
        model = fit_model(
            frame, terms=TERMS, departures="silence", link="logit", n_knots=4, calendar=False, say=Wording()
        )
        found.append(in_planted_units(model))
    z = (np.array(found)[..., 0] - np.array(list(PLANTED.values()))) / np.array(found)[..., 1]
    assert np.abs(z.mean(axis=0)).max() < 3.0 / np.sqrt(3) and (np.abs(z) < 1.96).mean() > 0.8
    assert (np.median(np.array(found)[..., 1], axis=0) / np.median(np.array(best)[..., 1], axis=0)).max() < 1.15


def test_from_the_ledger_alone_the_planted_effects_come_back(seen, estimated, companies):
    best = fit_knowing(true_person_periods(companies[1]))
    terms = estimated.terms.set_index(
        estimated.terms["term"] + (": " + estimated.terms["level"]).where(estimated.terms["level"] != "", "")
    )
    for i, (name, planted) in enumerate(PLANTED.items()):
        scale = 10.0 if name == "share_late" else 1.0
        error = scale * terms.loc[name, "std_error"]
        assert abs(scale * terms.loc[name, "estimate"] - planted) < 2.8 * error, name
        assert error < 1.5 * best[i, 1], name
    left = companies[1].departures.left[companies[1].process.plan.kind == ""] < 48
    assert estimated.n_left == pytest.approx(left.sum(), rel=0.1)


def test_dating_by_silence_is_biased_toward_no_difference(seen, estimated):
    usual = fit_hazard(seen, terms=TERMS, link="logit", departures="silence")
    late = [result.terms.set_index("term").loc["share_late", "estimate"] for result in (estimated, usual)]
    assert late[1] < 0.75 * late[0]
    assert next(check for check in usual.checks if "dated" in check.assumption).verdict == "does not hold"


def test_who_has_left_is_known_better_than_by_chance(estimated, companies):
    company = companies[1]
    truth = pd.Series(company.departures.left < 48, index=company.process.traits.customer_id)
    p = estimated.customers.set_index("customer_id")["p_left"]
    actual = truth.reindex(p.index)
    assert p.between(0, 1).all()
    assert p[actual].mean() > 0.8 and p[~actual].mean() < 0.1
    assert p.sum() == pytest.approx(actual.sum(), rel=0.1)


def test_silences_end_as_often_as_expected(estimated):
    returns = estimated.returns
    assert returns["n_returned"].sum() == pytest.approx(returns["n_expected"].sum(), rel=0.03)
    check = next(check for check in estimated.checks if check.assumption.startswith("silent accounts"))
    assert check.verdict == "holds"


def test_the_answer_speaks_of_100_accounts(estimated):
    text = estimated.answer()
    assert text.startswith(f"Of 100 accounts {100 * estimated.hazard:.1f} leave a month (95% interval ")
    assert "all else alike: 10 points more delivered late" in text
    assert not any(word in text.lower() for word in ("cause", "because", "leads to", "drives", "due to"))
    row = estimated.terms.iloc[0]
    assert row["hazard_ratio"] == pytest.approx(np.exp(row["estimate"]))
    assert row["hazard_low"] < row["hazard_with"] < row["hazard_high"] and row["hazard"] < row["hazard_with"]


# -- bad input -------------------------------------------------------------------------------------------------------


def frame_of(n=40, **columns):
    rows = [(f"{i:02d}", t) for i in range(n) for t in range(1, 6)]
    frame = pd.DataFrame(rows, columns=["customer_id", "tenure"])
    frame["event"] = (frame["tenure"] == 5) & (frame["customer_id"].astype(int) % 3 == 0)
    return frame.assign(**columns)


@pytest.mark.parametrize(
    ("frame", "options", "error", "words"),
    [
        (frame_of(event=False), {}, NoEventError, "None of 40 accounts was lost"),
        (frame_of(event=True), {}, NoEventError, "All of 200 account-periods"),
        (frame_of(n=1), {}, ModelError, "fewer than two accounts"),
        (frame_of(same=1.0), {"terms": ["same"]}, ModelError, "same"),
        (frame_of(), {"terms": ["nothing"]}, MissingColumnError, "nothing"),
        (frame_of(), {"terms": ["event"]}, ParameterError, "event"),
        (frame_of().drop(columns="tenure"), {}, MissingColumnError, "tenure"),
        (frame_of(), {"n_knots": 2}, ParameterError, "n_knots"),
        (frame_of(), {"link": "probit"}, ParameterError, "probit"),
        (frame_of(), {"departures": "estimated"}, ParameterError, "person_periods"),
        (frame_of(), {"level": 1.0}, ParameterError, "level"),
    ],
)
def test_bad_input(frame, options, error, words):
    with pytest.raises(error, match=words):
        fit_hazard(frame, **{"n_knots": 0} | options)


def test_separation_names_the_level():
    frame = frame_of()
    frame["kind"] = np.where((frame["customer_id"].astype(int) % 3 != 0) & (frame["tenure"] > 2), "safe", "plain")
    with pytest.raises(NotConvergedError, match="kind: "):
        fit_hazard(frame, n_knots=0)


def test_more_parameters_than_losses():
    frame = frame_of(n=12)
    rng = np.random.default_rng(1)
    frame = frame.assign(**{f"x{i}": rng.normal(size=len(frame)) for i in range(6)})
    with pytest.raises(ModelError, match="4 losses, fewer than the 7 parameters"):
        fit_hazard(frame, n_knots=0)


def test_nobody_seems_to_have_left():
    days = pd.date_range("2024-01-01", periods=24, freq="MS")
    panel = pd.DataFrame([(f"{i}", day) for i in range(20) for day in days], columns=["customer_id", "period"])
    with pytest.raises((NoEventError, NotConvergedError)):
        fit_hazard(person_periods(panel.assign(n_orders=1), k=3))


def test_a_constant_covariate_is_left_out_and_named():
    result = fit_hazard(frame_of(same=1.0, n_complaints=np.arange(200) % 3), n_knots=0)
    assert result.terms["term"].tolist() == ["n_complaints"]
    assert any("same" in check.finding for check in result.checks)


def test_a_season_of_leaving_is_taken_out_by_the_calendar():
    """Who has a complaint in December, when many leave, is no more likely to leave."""
    rng = np.random.default_rng(1)
    found = []
    for i in range(600):
        for t in range(1, 25):
            december = t % 12 == 11
            leaves = rng.random() < (0.15 if december else 0.02)
            complains = int(rng.random() < (0.6 if december else 0.1))
            found.append((f"{i:03d}", t, pd.Timestamp(2023 + t // 12, t % 12 + 1, 1), complains, leaves))
            if leaves:
                break
    frame = pd.DataFrame(found, columns=["customer_id", "tenure", "period", "n_complaints", "event"])
    plain, seasonal = (fit_hazard(frame, terms=["n_complaints"], n_knots=0, calendar=c).terms for c in (False, True))
    assert plain["ci_low"].item() > 1.5
    assert seasonal["ci_low"].item() < 1 < seasonal["ci_high"].item()


def test_a_manager_known_only_of_accounts_that_stayed_is_no_default_term():
    ledger, events, accounts = seen_tables(draw_company(5, n_accounts=200))
    accounts = accounts.assign(
        manager=np.where(accounts.index % 2, "Kim", "Lee"), manager_since=pd.Timestamp("2024-01-01")
    )
    accounts["manager_since"] = accounts["manager_since"].astype("datetime64[us]")
    with_manager = person_periods(
        open_ledger(ledger, as_of="2025-12-31"), k=6, covariates=Covariates(accounts=accounts, events=events)
    )
    assert "manager" in with_manager.rows and "manager" not in set(fit_hazard(with_manager).terms["term"])
    named = fit_hazard(with_manager, terms=["manager"])
    check = next(check for check in named.checks if check.assumption.startswith("the manager"))
    assert check.verdict == "does not hold"
