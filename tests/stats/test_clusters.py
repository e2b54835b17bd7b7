import numpy as np
import pytest
import statsmodels.api as sm

from kam.stats.clusters import cluster_sums, sandwich


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(1)
    cluster = np.sort(rng.integers(0, 20, 200))
    x = np.column_stack([np.ones(200), rng.standard_normal((200, 2))])
    return x, x @ [1.0, 2.0, -1.0] + rng.standard_normal(20)[cluster], rng.permutation(cluster)


def test_sums_are_those_of_a_loop(rows):
    x, _, cluster = rows
    assert cluster_sums(x, cluster) == pytest.approx(np.array([x[cluster == c].sum(axis=0) for c in range(20)]))


def test_it_is_that_of_statsmodels(rows):
    x, y, cluster = rows
    fit = sm.OLS(y, x).fit(cov_type="cluster", cov_kwds={"groups": cluster})
    bread, scores = np.linalg.inv(x.T @ x), x * (y - fit.fittedvalues)[:, None]
    assert sandwich(bread, scores, cluster, n_params=3) == pytest.approx(fit.cov_params(), rel=1e-9)
    assert sandwich(bread, scores, cluster) * 199 / 197 == pytest.approx(fit.cov_params(), rel=1e-9)


def test_numbers_that_no_row_has_are_no_clusters(rows):
    x, y, cluster = rows
    bread, scores = np.eye(3), x * y[:, None]
    assert sandwich(bread, scores, 3 * cluster) == pytest.approx(sandwich(bread, scores, cluster))
