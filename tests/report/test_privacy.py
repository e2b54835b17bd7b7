"""Who may read a report is checked before anything starts; what shared reports hold is tried in tests/real."""

from pathlib import Path

import pytest

from kam.errors import ParameterError
from kam.report import run_notebooks

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "shared.ipynb"


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"manager": "Carla Thorn"}, "Did you mean 'Carla Thorne'"),
        ({"audience": "everybody"}, "There is no audience 'everybody'"),
    ],
)
def test_an_unknown_manager_or_audience_is_found_before_a_kernel_starts(tmp_path, parameters, message):
    with pytest.raises(ParameterError, match=message):
        run_notebooks([NOTEBOOK], parameters={"dataset": "sample", **parameters}, out=tmp_path / "reports")
    assert not list((tmp_path / "reports").glob("2*"))
