"""Tables of programmes: what is refused by name, and what is set aside."""

import numpy as np
import pytest

from kam.churn.programme_table import split_programmes
from kam.churn.programmes import compare_programmes
from kam.dataset.dictionary import TABLES
from kam.errors import ColumnTypeError, DataError, EmptyDataError, MissingColumnError, ParameterError
from tests.churn.campaigns import KEEPS, THREE, chain, programme, table


def test_states_that_the_chain_lacks_are_named():
    rows = table(
        programme(), programme("offer", "Z", "A"), programme("review", "A", "Y"), programme("last", taken_from="X")
    )
    result = compare_programmes(chain(KEEPS, [1000, 0]), rows, discount_rate=0.2)
    assert result.not_used.to_dict("list") == {
        "programme": ["offer", "review", "last"],
        "from_state": ["Z", "A", "A"],
        "reason": [f"the chain has no state '{name}'" for name in "ZYX"],
    }
    assert result.programmes["programme"].tolist() == ["calls"]
    check = result.checks[0]
    assert (check.verdict, check.finding) == ("handled", "not used: offer, review and last")
    with pytest.raises(ParameterError, match="No programme is for a state") as caught:
        compare_programmes(chain(KEEPS, [1000, 0]), rows.iloc[1:], discount_rate=0.2)
    assert "'Z'" in str(caught.value)


def test_programmes_that_do_not_fit_the_chain_are_set_aside_with_the_reason():
    markov = chain(KEEPS, [1000, 0])
    rows = table(
        programme(), programme("offer", "Z", "A"), programme("miracle", effect=-0.9), programme("last", taken_from="X")
    )
    usable, left_out = split_programmes(markov, rows)
    assert usable["programme"].tolist() == ["calls"]
    assert left_out["programme"].tolist() == ["offer", "miracle", "last"]
    assert left_out["reason"].tolist()[::2] == ["the chain has no state 'Z'", "the chain has no state 'X'"]
    assert left_out["reason"][1].startswith("the probability from A to lost is ")
    compare_programmes(markov, usable, discount_rate=0.2, n_draws=50)
    assert split_programmes(markov, rows.iloc[1:])[0] is None
    usable, left_out = split_programmes(markov, table(programme(), programme(), programme("offer", effect=-0.01)))
    assert usable["programme"].tolist() == ["offer"]
    assert left_out["reason"].tolist() == ["it stands twice for this state"] * 2
    assert split_programmes(markov, table(programme(), programme()))[0] is None
    none, nothing = split_programmes(markov, None)
    assert none is None and nothing.empty and list(nothing) == list(left_out)
    assert split_programmes(markov, rows.iloc[:0])[0] is None
    assert split_programmes(markov, rows.iloc[:1].assign(taken_from=None))[0] is not None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"effect": -0.2}, ["'calls'", "from A to lost is 0.1 ", "would be -0.1", "from -0.1 to 0.9"]),
        ({"effect": 0.95}, ["'calls'", "from A to lost is 0.1 ", "would be 1.05"]),
        (
            {"from_state": "lost", "to_state": "A", "effect": -0.01},
            ["'calls'", "from lost to A is 0 ", "would be -0.01"],
        ),
        ({"effect": np.inf}, ["not finite", "'calls'"]),
        ({"effect_sd": -0.1}, ["effect_sd is negative", "'calls'"]),
        ({"cost": -1.0}, ["cost is negative", "'calls'"]),
        ({"capacity": -1.0}, ["capacity is negative", "'calls'"]),
        ({"source": "guess"}, ["source is not known", "'calls'", "judged"]),
        ({"programme": "nothing"}, ["'nothing'"]),
        ({"to_state": "A"}, ["taken from where it is given", "'calls'"]),
        ({"taken_from": "lost"}, ["taken from where it is given", "'calls'"]),
    ],
)
def test_programmes_that_cannot_be(change, words):
    with pytest.raises(ParameterError) as caught:
        compare_programmes(chain(KEEPS, [1000, 0]), table({**programme(), **change}), discount_rate=0.2)
    for word in words:
        assert word in str(caught.value)


def test_the_probability_that_is_taken_from_is_named():
    rows = table(programme(target="B", effect=0.06, taken_from="lost"))
    with pytest.raises(ParameterError, match=r"from A to lost is 0\.05 in a period, and would be -0\.01"):
        compare_programmes(chain(THREE, [500, 300, 0]), rows, discount_rate=0.2)


@pytest.mark.parametrize(
    ("rows", "kind", "words"),
    [
        (table(programme()).drop(columns=["cost", "source"]), MissingColumnError, "lack source, cost"),
        (table(programme()).iloc[:0], EmptyDataError, "no programmes"),
        (table(programme(), programme("b", effect=None)), DataError, "effect is missing.*'b'"),
        (table(programme(), programme("b", origin=None)), DataError, "from_state is missing.*'b'"),
        (table(programme(cost="much")), ColumnTypeError, "cost is no number"),
        (table(programme(), programme()), ParameterError, "stands twice.*'calls'"),
    ],
)
def test_tables_that_cannot_be(rows, kind, words):
    with pytest.raises(kind, match=words):
        compare_programmes(chain(KEEPS, [1000, 0]), rows, discount_rate=0.2)


def test_the_table_of_a_dataset_is_what_is_read():
    spec = TABLES["programmes"]
    assert set(spec.required) == set(programme())
    assert set(spec.columns["source"].allowed) == {"experiment", "judged", "assumed"}
