import inspect
import pickle

import pytest

from kam import errors

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.KamError)]


def test_message_says_what_where_and_what_to_do():
    error = errors.MissingColumnError(
        "There is no column 'amount'.", where="orders.csv", hint="Name it under columns:."
    )
    assert str(error) == "There is no column 'amount'. Where: orders.csv. What to do: Name it under columns:."
    assert (error.what, error.where, error.hint) == (
        "There is no column 'amount'.",
        "orders.csv",
        "Name it under columns:.",
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_survives_the_way_from_a_worker_process(kind):
    error = pickle.loads(pickle.dumps(kind("what", where="where", hint="hint")))
    assert type(error) is kind and error.args == ("what Where: where. What to do: hint",) and error.hint == "hint"


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_stands_in_the_tree_of_the_docstring(kind):
    assert kind.__name__ in (errors.__doc__ or "")
