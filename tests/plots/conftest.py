import functools
from dataclasses import fields

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
import pytest

from kam.identify import concentration, score_rfm
from kam.identify.key_accounts import KeyAccountsResult
from kam.results import Context
from tests.plots.chains import ABC, CHINESE, JAPANESE, KOREAN, LONG, P_ABC, fitted, ladder, simulated

mpl.use("agg")

CONTEXT = Context(dataset="test", currency="EUR")

NAMES = [
    "Harrington Wholesale",
    "한빛포장 유통",
    "华远礼品商贸",
    "東和商事",
    "<script>alert(1)</script>",
    "_$hop $ale$",
    "Nguyễn & Söhne",
    "שלום עולם",
    "บริษัท ไทย",
    "Acme 🎁 Gifts",
    "two\nlines\tand \u202e more",
    "x" * 400,
    "beyond the twelfth",
]


@pytest.fixture(autouse=True)
def _no_figure_left():
    yield
    plt.close("all")


@pytest.fixture
def values():
    """Ten customers, published: Gini 0.4620911; the largest two hold 34,165 of 66,586, and five make 80 %."""
    numbers = [541, 1463, 2445, 3438, 4437, 5401, 6392, 8304, 11904, 22261]
    return pd.Series(numbers, index=[f"C{i}" for i in range(10)], dtype=float)


@pytest.fixture
def concentrated(values):
    return concentration(values, n_resamples=50, context=CONTEXT)


@pytest.fixture
def summary():
    """Thirty customers, one per pair of a frequency and a value, the later ones silent for longer."""
    return pd.DataFrame(
        {
            "customer_id": [f"C{i:02d}" for i in range(30)],
            "days_since_last_order": [(7 * i) % 30 * 10 for i in range(30)],
            "n_orders": [1 + (i * 11) % 30 for i in range(30)],
            "revenue": [100.0 * (i + 1) for i in range(30)],
        }
    )


@pytest.fixture
def rfm(summary):
    return score_rfm(summary, context=CONTEXT)


@pytest.fixture
def key_accounts():
    """Thirteen class A accounts with names to be careful with; the second and the fourth are not sure of their class."""
    n = len(NAMES)
    values = [1_300_000.0 - 100_000 * i for i in range(n)]
    accounts = pd.DataFrame(
        {
            "rank": range(1, n + 1),
            "customer_id": [f"K{i:02d}" for i in range(n)],
            "name": NAMES,
            "is_key_account": [i not in (1, 3) for i in range(n)],
            "value": values,
            "share_value": [value / 1e7 for value in values],
            "abc_class": "A",
            "p_same_class": [0.5 if i in (1, 3) else 0.95 for i in range(n)],
        }
    ).sort_values(["is_key_account", "rank"], ascending=[False, True], ignore_index=True)
    criteria = pd.DataFrame(
        {
            "term": ["large", "surely_large", "regular"],
            "meaning": ["class A by value", "class A in at least 80% of re-runs", "gaps between orders vary little"],
            "n_customers": [13, 11, 9],
            "n_all_so_far": [13, 11, 9],
        }
    )
    thresholds = {field.name: 0.0 for field in fields(KeyAccountsResult)}  # those that no figure reads
    facts = {
        "context": CONTEXT,
        "checks": (),
        "assumed": (),
        "accounts": accounts,
        "criteria": criteria,
        "n_customers": 100,
        "n_key_accounts": 9,
        "share_key_accounts": 0.543,
        "largest_missing": (),
        "min_certainty": 0.8,
    }
    return KeyAccountsResult(**{**thresholds, **facts})


# -- chains ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def panel():
    """250 customers, 24 months, four states; some come later and some are no longer seen."""
    return simulated(ABC, P_ABC)


@pytest.fixture(scope="session")
def four(panel):
    """The chain of ``panel``."""
    return fitted(panel, ABC)


@pytest.fixture(scope="session")
def results(four):
    """Two, four and eight states; twelve and 48 months, quarters, years and numbers; with and without a lost state."""
    two = ["active", "lost"]
    quarters = simulated(ABC, P_ABC, n_customers=400, n_months=16, seed=3)
    numbered = quarters.assign(period=quarters["period"].rank(method="dense").astype(int))
    starts = {n + 1: start for n, start in enumerate(pd.date_range("2022-01-01", periods=16, freq="QS"))}
    years = {n + 1: start for n, start in enumerate(pd.date_range("2010-01-01", periods=16, freq="YS"))}
    return {
        "four": four,
        "two": fitted(simulated(two, [[0.95, 0.05], [0.1, 0.9]], n_months=12), two),
        "48 months": fitted(simulated(ABC, P_ABC, n_months=48), ABC),
        "quarters, cyclic": fitted(
            numbered.assign(period=numbered["period"].map(starts)), ABC, chain="cyclic", returns="cut"
        ),
        "years": fitted(numbered.assign(period=numbered["period"].map(years)), ABC, chain="pooled"),
        "numbers": fitted(numbered, ABC),
        "eight": fitted(simulated(LONG, ladder(8), n_months=48, n_customers=500), LONG),
        "no loss": fitted(simulated(ABC[:3], ladder(3)), ABC[:3], lost=None),
        "ko": fitted(simulated(KOREAN, ladder(8), n_months=12, n_customers=500), KOREAN, language="ko"),
        "zh": fitted(simulated(CHINESE, P_ABC), CHINESE, language="zh"),
        "ja": fitted(simulated(JAPANESE, ladder(2)), JAPANESE, language="ja"),
    }


@pytest.fixture(scope="session")
def drawn(results):
    """A figure of a result, by name; drawn once, so do not change it."""
    return functools.cache(lambda name, plot: plot(results[name]))
