"""Arguments of the wrong type, in every public function of the analyses: an error of kam's, never one of Python's."""

import contextlib
import inspect

import numpy as np
import pandas as pd
import pytest

from kam import churn, identify, programme, survey
from kam.churn import customer_value, remaining_value
from kam.errors import KamError, ParameterError
from kam.identify import concentration, gini, identify_key_accounts
from kam.results import attempt

FUNCTIONS = {
    f"{package.__name__}.{name}": function
    for package in (churn, identify, programme, survey)
    for name in package.__all__
    if inspect.isfunction(function := getattr(package, name))
}
ANOTHER = concentration([3.0, 2.0, 1.0], n_resamples=50)
FRAME = pd.DataFrame({"x": [1.0]})
WRONG = (None, "text", 5, 0.5, True, [], (), [1, 2], ["a"], [None], [object()], [[1]], {}, {"a": 1}, object())
FRAMES = (FRAME, FRAME[:0], FRAME["x"], ANOTHER)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_whatever_is_given_no_error_is_pythons_own(name):
    function = FUNCTIONS[name]
    needed = [p.name for p in inspect.signature(function).parameters.values() if p.default is p.empty]
    for value in (*WRONG, *FRAMES):
        with contextlib.suppress(KamError):
            function(**dict.fromkeys(needed, value))


def test_the_error_says_what_was_expected_what_came_and_what_to_do():
    with pytest.raises(ParameterError) as caught:
        remaining_value(ANOTHER, horizon_days=91, k=3, discount_rate=0.1)
    assert caught.value.what == (
        "remaining_value() takes as 'customers' a pandas DataFrame, and was given a ConcentrationResult."
    )
    assert caught.value.hint == "Give one of its tables: measures, curve, dependence."
    assert isinstance(caught.value.__cause__, AttributeError | TypeError)
    with pytest.raises(
        ParameterError, match=r"'values' several numbers or a pandas Series, .* a list of 2 with the text 'x' in it"
    ):
        gini([3.0, "x"])
    not_possible = attempt(concentration, [-5.0, -1.0])
    with pytest.raises(ParameterError, match=r"a NotPossible\. What to do: It could not be made: "):
        customer_value(not_possible, None, discount_rate=0.1)
    with pytest.raises(ParameterError, match="takes as 'dataset' a Dataset, and was given the text 'sample'"):
        identify_key_accounts("sample")


def test_what_stands_for_the_same_is_taken():
    expected = gini([3.0, 2.0, 1.0])
    for values in ((3, 2, 1), np.array([3, 2, 1]), pd.Series([3, 2, 1]), pd.Series([3, 2, 1]).array):
        assert gini(values) == pytest.approx(expected)
    a_list = concentration([3.0, 2.0, 1.0], top=np.float32(0.5), n_resamples=np.int64(50))
    assert a_list.answer()


def test_python_says_itself_what_is_missing():
    with pytest.raises(TypeError, match=r"gini\(\) missing 1 required positional argument: 'values'"):
        gini()
    with pytest.raises(TypeError, match="unexpected keyword argument 'bas'"):
        gini([1.0], bas="net")
