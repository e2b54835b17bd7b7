import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2, chisquare

from kam.dataset import open_dataset
from kam.errors import ColumnTypeError, DataError, EmptyDataError, MissingColumnError, ParameterError
from kam.results import Context
from kam.survey import draw_sample
from kam.survey.allocation import allocate
from kam.survey.sampling import order_calls
from kam.tables import write_csv

IDS = ["007", "../../x", "한빛 포장", "0x1F", "1e5", "NA", "a,b", 'q"uote']


def make_frame(n=60, seed=1):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "customer_id": [f"{i:04d}" for i in range(n)],
            "name": [f"Account {i}" for i in range(n)],
            "revenue": rng.lognormal(8, 1.5, n).round(2),
            "region": np.where(np.arange(n) % 3 == 0, "north", "south"),
        }
    )
    return frame.sample(frac=1, random_state=seed, ignore_index=True)


def finding(result, words):
    return next(check for check in result.checks if words in check.assumption)


# -- allocation


def test_proportional_and_neyman_by_hand():
    assert allocate(10, [50, 30, 20]).tolist() == [5, 3, 2]
    # N S = 50, 30, 80: of 10 are 3.125, 1.875, 5, and the largest remainder gets what is left
    assert allocate(10, [50, 30, 20], spread=[1, 1, 4]).tolist() == [3, 2, 5]
    # N S = 50, 30, 800: the third has only 20 to give, the others share 20 in the proportion 50 to 30
    assert allocate(40, [50, 30, 20], spread=[1, 1, 40]).tolist() == [
        13,
        7,
        20,
    ]  # 12.5 and 7.5: a tie goes to the first


def test_neyman_has_the_smallest_variance_of_all_allocations():
    size, spread, n = np.array([40, 25, 60]), np.array([1.0, 3.0, 0.5]), 30

    def variance(k):
        return float((size**2 * spread**2 * (1 / k - 1 / size)).sum())

    best = min(
        variance(np.array([a, b, n - a - b]))
        for a in range(2, 27)
        for b in range(2, min(26, n - a - 1))
        if n - a - b >= 2
    )
    assert variance(allocate(n, size, spread=spread)) == pytest.approx(best, rel=0.002)  # whole numbers


def test_the_least_of_each_stratum():
    assert allocate(20, [1000, 5, 1]).tolist() == [17, 2, 1]
    assert allocate(20, [1000, 5, 1], min_per_stratum=5).tolist() == [14, 5, 1]
    assert allocate(6, [50, 30, 20], spread=[0, 0, 1]).tolist() == [2, 2, 2]
    assert allocate(60, [50, 30, 20], spread=[0, 0, 1]).tolist() == [25, 15, 20]
    assert allocate(7, [5, 5], spread=[0, 0]).sum() == 7
    with pytest.raises(ParameterError, match=r"5 cannot be drawn from 3 strata.*Draw 6 to 100"):
        allocate(5, [50, 30, 20])
    with pytest.raises(ParameterError, match="101 cannot be drawn"):
        allocate(101, [50, 30, 20])


@given(
    size=st.lists(st.integers(1, 300), min_size=1, max_size=8),
    spread=st.lists(st.floats(0, 10), min_size=8, max_size=8),
    least=st.integers(0, 4),
    at=st.floats(0, 1),
)
def test_allocations_add_up_and_keep_their_limits(size, spread, least, at):
    size = np.array(size)
    lower = np.minimum(least, size)
    n = int(lower.sum() + round(at * (size.sum() - lower.sum())))
    for scale in (None, spread[: len(size)]):
        drawn = allocate(n, size, spread=scale, min_per_stratum=least)
        assert drawn.sum() == n
        assert (drawn >= lower).all() and (drawn <= size).all()
    exact = n * size / size.sum()
    if ((exact >= lower) & (exact <= size)).all():
        assert (abs(allocate(n, size, min_per_stratum=least) - exact) < 1).all()


# -- the draw


def test_a_stratified_draw_by_hand():
    frame = make_frame()
    result = draw_sample(frame, n=20, wave="2026", strata="region", certainty=5, context=Context(currency="EUR"))
    largest = set(frame.nlargest(5, "revenue")["customer_id"])
    strata = result.strata.set_index("stratum")
    rest = frame[~frame["customer_id"].isin(largest)]["region"].value_counts()
    assert strata.index.tolist() == ["largest", "north", "south"]
    assert strata["n_population"].to_dict() == {"largest": 5, "north": rest["north"], "south": rest["south"]}
    assert strata["n_drawn"].to_dict() == {"largest": 5} | dict(
        zip(["north", "south"], allocate(15, [rest["north"], rest["south"]]), strict=True)
    )
    np.testing.assert_allclose(strata["probability"] * strata["n_population"], strata["n_drawn"])
    assert strata["revenue"].sum() == pytest.approx(frame["revenue"].sum())
    drawn = result.drawn
    assert list(drawn) == ["customer_id", "wave", "stratum", "probability", "certainty", "status"]
    assert len(drawn) == drawn["customer_id"].nunique() == result.n_drawn == 20
    assert set(drawn.loc[drawn["certainty"], "customer_id"]) == largest
    assert (drawn["probability"] == drawn["stratum"].map(strata["probability"])).all()
    assert (1 / drawn["probability"]).sum() == pytest.approx(60)
    assert (drawn["status"] == "").all() and (drawn["wave"] == "2026").all()
    assert drawn["stratum"].value_counts().to_dict() == strata["n_drawn"].to_dict()
    share = frame[frame["customer_id"].isin(largest)]["revenue"].sum() / frame["revenue"].sum()
    assert result.share_certain == pytest.approx(share)
    assert result.answer() == (
        f"For wave 2026 20 of 60 accounts are drawn: the 5 largest, all of them, with {100 * share:.1f}% of net revenue, and 15 "
        "of the other 55 at random, in 2 strata."
    )
    weight = 1 / drawn["probability"]
    assert result.design_effect == pytest.approx(20 * (weight**2).sum() / weight.sum() ** 2)


def test_every_order_of_a_stratum_is_as_likely():
    stratum = pd.Series(["b", "a", "b", "a", "a", "b", "c", "b"])
    orders = np.array([order_calls(stratum, seed=seed, wave="w") for seed in range(6000)])
    for name, rows in stratum.groupby(stratum):
        of_it = orders[:, rows.index]
        assert (np.sort(of_it, axis=1) == np.arange(1, len(rows) + 1)).all()
        seen = pd.Series(map(tuple, of_it)).value_counts()
        assert len(seen) == math.factorial(len(rows)), name
        assert len(rows) == 1 or chisquare(seen).pvalue > 0.001


def test_every_account_of_a_stratum_has_the_same_chance():
    frame = make_frame(18)
    n_draws, times = 60, pd.Series(0, index=sorted(frame["customer_id"]))
    for seed in range(n_draws):
        result = draw_sample(frame, n=8, wave="w", strata="region", certainty=2, seed=seed)
        times[result.drawn["customer_id"]] += 1
    probability = result.strata.set_index("stratum")["probability"]
    certain = result.drawn.loc[result.drawn["certainty"], "customer_id"]
    assert (times[certain] == n_draws).all()
    for region in ("north", "south"):
        members = frame.loc[(frame["region"] == region) & ~frame["customer_id"].isin(certain), "customer_id"]
        assert times[members].mean() == pytest.approx(n_draws * probability[region])
        # inclusions of one draw are tied by their sum: the variance of a count is n p (1 - p) N / (N - 1)
        statistic = chisquare(times[members]).statistic / (1 - probability[region]) * (len(members) - 1) / len(members)
        assert chi2.sf(statistic, len(members) - 1) > 0.001


def test_the_weighted_mean_of_draws_is_the_mean_of_the_frame():
    frame = make_frame(50, seed=3).sort_values("customer_id", ignore_index=True)
    money = frame["revenue"]

    def means(**options):
        result = draw_sample(frame, n=15, wave="w", seed=0, **options)
        table = result.strata.set_index("stratum")
        largest = set(result.drawn.loc[result.drawn["certainty"], "customer_id"])
        stratum = frame["customer_id"].isin(largest).map({True: "largest", False: "all"})
        probability, n_drawn = stratum.map(table["probability"]), stratum.map(table["n_drawn"])
        taken = [order_calls(stratum, seed=seed, wave="w") <= n_drawn for seed in range(1000)]
        assert set(frame.loc[taken[0], "customer_id"]) == set(result.drawn["customer_id"])
        return np.array([(money / probability)[drawn].sum() / 50 for drawn in taken])

    simple, with_largest = means(), means(certainty=5)
    for found in (simple, with_largest):
        assert abs(found.mean() - money.mean()) < 4 * found.std() / np.sqrt(1000)
    assert simple.std() == pytest.approx(np.sqrt((1 - 15 / 50) * money.var() / 15), rel=0.08)
    assert with_largest.std() < 0.5 * simple.std()


def test_the_same_seed_and_accounts_are_the_same_draw_in_any_order():
    frame = make_frame()
    options = {"n": 20, "wave": "2026", "strata": "region", "certainty": 5}
    first = draw_sample(frame, **options)
    before = frame.copy()
    again = draw_sample(frame.sample(frac=1, random_state=9), **options, fingerprint=first.fingerprint)
    pd.testing.assert_frame_equal(again.drawn, first.drawn)
    pd.testing.assert_frame_equal(again.call_list, first.call_list)
    pd.testing.assert_frame_equal(frame, before)
    assert not draw_sample(frame, **options, seed=2).drawn.equals(first.drawn)
    other = draw_sample(frame, **options | {"wave": "2027"})
    assert set(other.drawn["customer_id"]) != set(first.drawn["customer_id"])


@pytest.mark.parametrize("column", ["customer_id", "region", "revenue"])
def test_a_changed_frame_is_noticed(column):
    frame = make_frame()
    options = {"n": 20, "wave": "2026", "strata": "region"}
    first = draw_sample(frame, **options)
    changed = frame.copy()
    changed.loc[7, column] = {"customer_id": "new", "region": "east", "revenue": 1.23}[column]
    assert draw_sample(changed, **options, min_per_stratum=1).fingerprint != first.fingerprint
    with pytest.raises(DataError, match="The frame has changed"):
        draw_sample(changed, **options, min_per_stratum=1, fingerprint=first.fingerprint)
    same = draw_sample(frame.assign(name="other"), **options)
    assert same.fingerprint == first.fingerprint
    assert draw_sample(frame.head(59), **options).fingerprint != first.fingerprint


# -- the largest


def test_who_is_drawn_for_certain():
    frame = pd.DataFrame({"customer_id": list("fedcba"), "revenue": [50.0, 20, 10, 10, 5, 5]})

    def certain(**options):
        drawn = draw_sample(frame, n=5, wave="w", min_per_stratum=1, **options).drawn
        return "".join(drawn.loc[drawn["certainty"], "customer_id"])

    assert certain(certainty=2) == "ef"
    assert certain(certainty=3) == "cef"  # c and d alike: by identifier
    assert certain(certainty=0.5) == "f"
    assert certain(certainty=0.51) == "ef"
    assert certain(certainty=0.7) == "ef"
    assert certain(certainty_from=10) == "cdef"
    assert certain(certainty=1, certainty_from=20) == "ef"
    assert certain(certainty=0) == certain() == ""


def test_everybody():
    frame = make_frame(10)
    everybody = draw_sample(frame, n=10, wave="w", strata="region")
    assert (everybody.drawn["probability"] == 1).all() and not everybody.drawn["certainty"].any()
    assert everybody.design_effect == 1
    largest = draw_sample(frame, n=10, wave="w", certainty=10)
    assert largest.strata["stratum"].tolist() == ["largest"]
    assert largest.answer() == "For wave w 10 of 10 accounts are drawn: all of them."
    simple = draw_sample(frame.drop(columns="revenue"), n=4, wave="w", response_rate=0.5)
    assert simple.answer() == (
        "For wave w 4 of 10 accounts are drawn at random, as one stratum. About 2 are expected to answer."
    )
    assert simple.size is None and simple.share_certain is None and "revenue" not in simple.strata


# -- Neyman and expectations


def test_neyman_from_given_deviations_and_from_earlier_answers():
    frame = make_frame()
    rng = np.random.default_rng(2)
    frame["last"] = np.where(frame["region"] == "north", rng.normal(4, 2, 60), rng.normal(4, 0.2, 60))
    frame.loc[rng.random(60) < 0.3, "last"] = np.nan
    count, spread = frame["region"].value_counts().sort_index(), frame.groupby("region")["last"].std()
    given = draw_sample(frame, n=18, wave="w", strata="region", allocation="neyman", std_dev=spread.to_dict())
    found = draw_sample(frame, n=18, wave="w", strata="region", allocation="neyman", std_dev="last")
    assert found.strata["n_drawn"].tolist() == given.strata["n_drawn"].tolist()
    assert found.strata["n_drawn"].tolist() == allocate(18, count.to_numpy(), spread=spread.to_numpy()).tolist()
    assert found.strata["n_drawn"].iloc[0] > 10


def test_expected_answers_and_joined_strata():
    frame = make_frame().assign(size_class=lambda f: np.where(f["revenue"] > 3000, "big", "small"))
    result = draw_sample(frame, n=20, wave="w", strata=["region", "size_class"], response_rate=0.5)
    assert result.strata["stratum"].tolist() == ["north / big", "north / small", "south / big", "south / small"]
    np.testing.assert_allclose(result.strata["n_expected"], result.strata["n_drawn"] / 2)
    rates = {name: 0.1 * (i + 1) for i, name in enumerate(result.strata["stratum"])}
    differing = draw_sample(frame, n=20, wave="w", strata=["region", "size_class"], response_rate=rates)
    assert differing.n_expected == pytest.approx((differing.strata["n_drawn"] * list(rates.values())).sum())


# -- the call list and the file


def test_the_call_list_names_people():
    frame = make_frame(12)
    contacts = pd.DataFrame(
        {
            "customer_id": ["0003", "0003", "0003", "0005", "elsewhere"],
            "contact_id": list("12345"),
            "name": ["Ann", "Bob", "김민준", "Dee", "Eve"],
            "role": ["purchasing", "finance", "management", "it", "it"],
            "decides": pd.array([False, None, True, True, True], dtype="boolean"),
            "influence": [5.0, 1.0, 3.0, np.nan, 1.0],
        }
    )
    result = draw_sample(frame, n=12, wave="w", strata="region", contacts=contacts)
    calls = result.call_list
    assert list(calls) == [
        "stratum", "call_order", "customer_id", "name", "contact_id", "person", "role", "decides",
    ]  # fmt: skip
    assert calls.loc[calls["customer_id"] == "0003", "person"].tolist() == ["김민준", "Ann", "Bob"]
    assert len(calls) == 14 and "Eve" not in set(calls["person"])
    for _, rows in calls.groupby("stratum"):
        assert rows["call_order"].is_monotonic_increasing
        assert rows["call_order"].unique().tolist() == list(range(1, rows["customer_id"].nunique() + 1))
    check = finding(result, "somebody can be called")
    assert (check.verdict, check.finding) == ("does not hold", "10 accounts have no contact; find one before the field")
    assert list(draw_sample(frame, n=3, wave="w").call_list) == ["stratum", "call_order", "customer_id", "name"]


def test_the_draw_is_a_table_sample_of_a_dataset(tmp_path):
    frame = pd.DataFrame({"customer_id": [*IDS, *(f"k{i:03d}" for i in range(20))]})
    frame["revenue"] = range(len(frame), 0, -1)
    frame["region"] = np.where(frame.index % 2, "北部", "south, and west")
    result = draw_sample(frame, n=len(IDS) + 12, wave="2026-11", strata="region", certainty=len(IDS))
    assert finding(result, "identifiers").verdict == "holds"
    write_csv(result.drawn, tmp_path / "sample.csv")
    (tmp_path / "survey.csv").write_text("respondent_id,wave,customer_id,overall\nr1,2026-11,007,5\n", encoding="utf-8")
    (tmp_path / "dataset.yaml").write_text(
        "name: small\ntables:\n  survey: {source: survey.csv}\n  sample: {source: sample.csv}\n", encoding="utf-8"
    )
    back = open_dataset(tmp_path).sample
    assert list(back) == list(result.drawn)
    for column in ("customer_id", "wave", "stratum", "probability"):
        assert back[column].tolist() == result.drawn[column].tolist(), column
    assert back["certainty"].astype(bool).tolist() == result.drawn["certainty"].tolist()
    assert set(IDS) <= set(back["customer_id"])
    assert (back["status"].isna() | (back["status"] == "")).all()


def test_identifiers_that_look_like_formulas_are_named():
    frame = pd.DataFrame({"customer_id": ["=1+1", "-7", "a"], "revenue": [3.0, 2, 1]})
    check = finding(draw_sample(frame, n=3, wave="w"), "identifiers")
    assert check.verdict == "does not hold"
    assert check.finding == "2 begin like a formula and get an apostrophe in CSV files: -7, =1+1"


def test_one_account_of_many_is_no_sample_of_a_stratum():
    result = draw_sample(make_frame(), n=5, wave="w", strata="region", min_per_stratum=1)
    assert finding(result, "at least two").verdict == "holds"
    few = draw_sample(make_frame(), n=2, wave="w", strata="region", min_per_stratum=1)
    assert finding(few, "at least two").finding == "one only in north and south"


# -- bad input


@pytest.mark.parametrize(
    ("change", "options", "error", "message"),
    [
        (lambda f: f.drop(columns="customer_id"), {}, MissingColumnError, "no column 'customer_id'"),
        (lambda f: f, {"strata": "industry"}, MissingColumnError, "no column 'industry'"),
        (lambda f: f, {"certainty": 2, "size": "margin"}, MissingColumnError, "no column 'margin'"),
        (lambda f: f.head(0), {}, EmptyDataError, "no account"),
        (lambda f: f.assign(customer_id=range(len(f))), {}, ColumnTypeError, "leading zeros"),
        (lambda f: pd.concat([f, f.head(1)]), {}, DataError, "stands twice"),
        (lambda f: f.assign(customer_id=[None, *f["customer_id"][1:]]), {}, DataError, "1 accounts have no customer_id"),
        (lambda f: f.assign(region=[None, *f["region"][1:]]), {"strata": "region"}, DataError, "1 accounts have no region"),
        (lambda f: f.assign(revenue=[np.nan, *f["revenue"][1:]]), {"certainty": 2}, DataError, "1 accounts have no revenue"),
        (lambda f: f.assign(region="largest"), {"strata": "region", "certainty": 1}, ParameterError, "has the name 'largest'"),
        (lambda f: f.assign(revenue=0.0), {"certainty": 0.5}, ParameterError, "No account has a size above 0"),
        (lambda f: f, {"n": 61}, ParameterError, "61 accounts cannot be drawn of 60"),
        (lambda f: f, {"n": 0}, ParameterError, "n is 0"),
        (lambda f: f, {"n": 2.5}, ParameterError, "n is 2.5"),
        (lambda f: f, {"wave": ""}, ParameterError, "wave is ''"),
        (lambda f: f, {"wave": 2026}, ParameterError, "wave is 2026"),
        (lambda f: f, {"seed": -1}, ParameterError, "seed is -1"),
        (lambda f: f, {"certainty": True}, ParameterError, "certainty is True"),
        (lambda f: f, {"certainty": 1.0}, ParameterError, "certainty is 1.0"),
        (lambda f: f, {"certainty": 61}, ParameterError, "there are 60 accounts"),
        (lambda f: f, {"certainty": 20}, ParameterError, "20 of 20 accounts are drawn for certain"),
        (lambda f: f, {"certainty_from": np.nan}, ParameterError, "certainty_from is nan"),
        (lambda f: f, {"allocation": "optimal"}, ParameterError, "allocation is 'optimal'"),
        (lambda f: f, {"allocation": "neyman"}, ParameterError, "needs standard deviations"),
        (lambda f: f, {"std_dev": {"all": 1.0}}, ParameterError, "the allocation is proportional"),
        (lambda f: f, {"allocation": "neyman", "std_dev": {}}, ParameterError, "deviation of 'all' is not given"),
        (lambda f: f, {"allocation": "neyman", "std_dev": "last"}, MissingColumnError, "no column 'last'"),
        (
            lambda f: f.assign(last=[4.0] + [np.nan] * 59),
            {"allocation": "neyman", "std_dev": "last"},
            DataError,
            "Fewer than two accounts of a stratum have a last.*all",
        ),
        (lambda f: f, {"response_rate": 0.0}, ParameterError, "response rate of 'all' is 0.0"),
        (lambda f: f, {"n": 1, "strata": "region", "min_per_stratum": 0}, ParameterError, "nobody drawn.*north"),
        (lambda f: f, {"contacts": pd.DataFrame({"name": ["x"]})}, MissingColumnError, "contacts have no column"),
    ],
)  # fmt: skip
def test_bad_input(change, options, error, message):
    with pytest.raises(error, match=message):
        draw_sample(change(make_frame()), **{"n": 20, "wave": "2026"} | options)
