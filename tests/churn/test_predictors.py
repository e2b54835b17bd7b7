import numpy as np
import pandas as pd
import pytest

from kam.churn.predictors import FEWEST_ROWS, WIDEST, read_predictors
from kam.errors import MissingColumnError
from kam.ledger import open_ledger, snapshots
from tests.churn.seasonal_buyers import simulate_orders


@pytest.fixture(scope="module")
def rows():
    return snapshots(open_ledger(simulate_orders(60, days=500)), origins=2, k=6).rows


def read(rows, training=None, **options):
    return read_predictors(rows, np.ones(len(rows), bool) if training is None else training, horizon_days=91, **options)


def test_standardized_on_the_training_rows(rows):
    training = (rows["origin"] == rows["origin"].min()).to_numpy()
    predictors = read(rows, training)
    values = predictors.values[training]
    assert values.shape[1] == len(predictors.terms)
    inside = (np.abs(values) < WIDEST).all(axis=0)
    assert values[:, inside].mean(axis=0) == pytest.approx(0, abs=1e-9)
    assert values[:, inside].std(axis=0) == pytest.approx(1)
    assert np.abs(predictors.values).max() <= WIDEST
    # What is scored changes nothing of what was learned from.
    other = rows.copy()
    other.loc[~training, "days_since_last_order"] += 400
    assert (read(other, training).values[training] == values).all()


def test_missing_values_become_the_mean_and_are_marked(rows):
    share = np.where(np.arange(len(rows)) % 3 == 0, np.nan, np.arange(len(rows)) % 2)
    predictors = read(rows.assign(share_late=share), covariates=("share_late",))
    value, unknown = (predictors.values[:, i] for i, term in enumerate(predictors.terms) if term == "share_late")
    assert value[np.isnan(share)] == pytest.approx(0, abs=1e-12)
    assert (unknown > 0).tolist() == np.isnan(share).tolist()


def test_levels_unseen_in_training_are_none_of_the_known_ones(rows):
    region = pd.Series(np.where(np.arange(len(rows)) % 2, "north", "south"))
    training = np.arange(len(rows)) < len(rows) - 5
    seen = read(rows.assign(region=region), training, covariates=("region",))
    unseen = region.where(training, "<script>")
    predictors = read(rows.assign(region=unseen), training, covariates=("region",))
    at = [i for i, term in enumerate(predictors.terms) if term == "region"]
    assert (predictors.values[training] == seen.values[training]).all()
    zero = read(rows.assign(region="south"), training, covariates=("region",))
    assert len(at) == 2
    assert "region" not in zero.terms  # constant: says nothing
    assert (predictors.values[~training][:, at] <= 0).all()


def test_who_took_over_later_is_not_recognized(rows):
    """A manager is known at a past origin only if none came after: whether one is known tells of what was to come."""
    manager = pd.Series(np.where(np.arange(len(rows)) % 2, "Kim", None))
    assert "manager" not in read(rows.assign(manager=manager), covariates=("manager",)).terms


def test_rare_levels_get_no_column(rows):
    n_rare = FEWEST_ROWS - 1
    region = ["rare"] * n_rare + ["common"] * (len(rows) - n_rare)
    assert read(rows.assign(region=region), covariates=("region",)).terms.count("region") == 1


def test_probabilities_enter_as_log_odds_and_money_on_demand(rows):
    plain = read(rows)
    p = np.linspace(0, 1, len(rows))
    more = read(rows, structural={"BG/NBD": p}, money=True)
    assert "revenue_recent" in more.terms
    assert "revenue_recent" not in plain.terms
    assert more.terms.count("days_since_last_order") == plain.terms.count("days_since_last_order") + 1


def test_one_customer_has_nothing_that_varies(rows):
    assert read(rows.head(1)).values.shape == (1, 0)


def test_a_missing_column_is_named(rows):
    with pytest.raises(MissingColumnError, match="gap_cv"):
        read(rows.drop(columns="gap_cv"))
