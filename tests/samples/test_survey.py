"""The survey: its design adds up, its drivers are found, and weights help in one world and not in the other."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kam.samples import SampleCompany, simulate_company

WORLDS = range(120, 128)


def test_two_waves_with_several_people_per_account(companies):
    for company in companies:
        survey = company.survey
        assert survey["wave"].unique().tolist() == ["2023-11", "2024-11"]
        assert survey.groupby("wave").size().min() > 350
        people = survey.groupby(["wave", "customer_id"]).size()
        assert people.max() >= 4 and 0.3 < (people > 1).mean() < 0.9
        assert set(survey["overall"]) == {1, 2, 3, 4, 5}
        assert {8, 9} < set(survey["web_shop"])
        assert (survey["web_shop"] == 8).mean() == pytest.approx(0.4, abs=0.06)
        month = pd.to_datetime(survey["wave"])
        assert ((survey["answered_on"] - month).dt.days.between(3, 50)).all()
        assert survey["comment"].notna().sum() > 50


def test_sample_and_answers_agree(company):
    sample, survey, truth = company.sample, company.survey, company.truth.responses
    answered = sample[sample["status"] == "answered"].set_index(["customer_id", "wave"])
    assert set(answered.index) == set(survey.set_index(["customer_id", "wave"]).index)
    drawn = truth[truth["drawn"]].set_index(["customer_id", "wave"])
    assert set(drawn.index) == set(sample.set_index(["customer_id", "wave"]).index)
    for (wave, stratum), part in sample.groupby(["wave", "stratum"]):
        frame = truth[(truth["wave"] == wave) & (truth["stratum"] == stratum)]
        assert part["probability"].nunique() == 1
        assert part["probability"].iloc[0] == pytest.approx(len(part) / len(frame), abs=1e-6)
        assert (part["certainty"] == (part["probability"] == 1)).all()
        fpc = survey[(survey["wave"] == wave) & (survey["stratum"] == stratum)]["fpc"]
        assert (fpc == len(frame)).all()
    probability = survey.set_index(["customer_id", "wave"]).index.map(
        sample.set_index(["customer_id", "wave"])["probability"]
    )
    np.testing.assert_allclose(survey["weight"], 1 / np.array(probability, dtype=float), atol=1e-3)
    largest = truth.sort_values("revenue", ascending=False).groupby("wave").head(80)
    assert (largest["stratum"] == "key").all() and largest["drawn"].all()


def test_the_frame_is_in_the_ledger(company, ledger):
    truth = company.truth.responses.query("wave == '2024-11'").set_index("customer_id")
    day = pd.Timestamp("2024-11-01")
    orders = ledger[(ledger["amount"] > 0) & (ledger["order_date"] < day)]
    last = orders.groupby("customer_id")["order_date"].max()
    left = company.truth.accounts.set_index("customer_id")["left"]
    year = orders[orders["order_date"] >= day - pd.Timedelta(days=365)].groupby("customer_id")["amount"].sum()
    still = left[year.index].isna() | (left[year.index] > day)
    assert set(truth.index) == set(year.index[still])
    np.testing.assert_allclose(truth["revenue"], year[truth.index])
    assert (truth["days_since_last_order"] == (day - last[truth.index]).dt.days).all()


def test_a_regression_finds_the_drivers(companies):
    survey = pd.concat([company.survey for company in companies], ignore_index=True)
    drivers = companies[0].truth.drivers.set_index("item")
    assert drivers["weight"].sum() == pytest.approx(1)
    items = survey[drivers.index]
    whole = (items <= 5).all(axis=1)
    assert drivers.index[drivers["reversed"]].tolist() == ["chasing"]
    levels = items[whole].astype(float).assign(chasing=lambda d: 6 - d["chasing"])
    x = np.column_stack([np.ones(len(levels)), levels])
    y = survey.loc[whole, "overall"].to_numpy(dtype=float)
    b, *_ = np.linalg.lstsq(x, y, rcond=None)
    residual = y - x @ b
    error = np.sqrt(residual.var() * np.diag(np.linalg.inv(x.T @ x)))
    z = (b[1:] - drivers["weight"]) / error[1:]
    assert abs(z).max() < 3.5
    assert np.corrcoef(b[1:], drivers["weight"])[0, 1] > 0.9
    correlations = levels.corr().to_numpy()[np.triu_indices(len(drivers), 1)]
    assert correlations.min() > 0.3 and correlations.max() < 0.9


def test_repurchase_is_flat_between_two_thresholds(companies):
    survey = pd.concat([company.survey for company in companies])
    answers = survey.groupby("overall")["repurchase"].agg(["mean", "sem"])
    step, error = answers["mean"].diff(), np.hypot(answers["sem"], answers["sem"].shift())
    assert abs(step[2]) < 3.5 * error[2] and abs(step[4]) < 3.5 * error[4] < 0.1
    assert step[3] > 0.9 and step[5] > 0.9
    loyalty = companies[0].truth.loyalty.set_index("band")
    for band in ("low", "middle"):
        levels = survey[survey["overall"].between(loyalty["overall_from"][band], loyalty["overall_to"][band])]
        assert levels["repurchase"].mean() == pytest.approx(loyalty["repurchase"][band], abs=0.1)


def test_late_deliveries_lower_what_is_said_about_delivery(companies):
    lower = []
    for company in companies:
        late = company.truth.hazards.groupby("customer_id")["late_share"].mean()
        survey = company.survey[company.survey["on_time"] <= 5]
        difference = survey["on_time"] - survey["overall"]
        lower.append(np.corrcoef(difference, late.reindex(survey["customer_id"]).fillna(late.mean()))[0, 1])
    assert np.mean(lower) < 0


def estimates(company: SampleCompany, wave: str = "2023-11") -> dict[str, float]:
    """Error of the mean over accounts: unweighted for non-response, and weighted by the propensity of either world."""
    truth = company.truth.responses.query("wave == @wave")
    seen = truth[truth["answered"]]
    mean = company.truth.population.set_index("wave")["mean_overall"][wave]
    base = 1 / seen["p_drawn"]
    return {
        "naive": np.average(seen["mean_overall"], weights=base) - mean,
        "ledger": np.average(seen["mean_overall"], weights=base / seen["p_ledger"]) - mean,
        "satisfaction": np.average(seen["mean_overall"], weights=base / seen["p_satisfaction"]) - mean,
    }


def fit_propensity(company: SampleCompany) -> np.ndarray:
    """Response propensity by region and thirds of revenue and recency, from the accounts drawn: what weights can do."""
    drawn = company.truth.responses.query("wave == '2023-11' and drawn").copy()
    x = pd.get_dummies(drawn["region"]).astype(float)
    x["revenue"] = np.log(drawn["revenue"])
    x["recency"] = np.log1p(drawn["days_since_last_order"])
    b = np.zeros(x.shape[1])
    x, y = x.to_numpy(), drawn["answered"].to_numpy(dtype=float)
    for _ in range(15):
        p = 1 / (1 + np.exp(-x @ b))
        b = b + np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x + 1e-6 * np.eye(len(b)), x.T @ (y - p))
    return 1 / (1 + np.exp(-x @ b))


@pytest.mark.parametrize(("world", "repaired"), [("ledger", True), ("satisfaction", False)])
def test_weights_from_the_ledger_repair_one_world_only(world, repaired):
    naive, known, fitted = [], [], []
    for seed in WORLDS:
        company = simulate_company(seed=seed, n_accounts=700, non_response=world)
        errors = estimates(company)
        naive.append(errors["naive"])
        known.append(errors[world])
        drawn = company.truth.responses.query("wave == '2023-11' and drawn")
        weight = (1 / drawn["p_drawn"] / fit_propensity(company))[drawn["answered"]]
        mean = company.truth.population["mean_overall"].iloc[0]
        fitted.append(np.average(drawn.loc[drawn["answered"], "mean_overall"], weights=weight) - mean)
    error = np.std(known, ddof=1) / np.sqrt(len(known))
    assert np.mean(naive) > 0.07
    assert abs(np.mean(known)) < 3 * error < 0.15
    if repaired:
        assert abs(np.mean(fitted)) < 0.45 * np.mean(naive)
    else:
        assert np.mean(fitted) > 0.4 * np.mean(naive) > 0.1
