"""What the steps of a run have said so far, and a line in the place of what they have not."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from kam.errors import ResultsError
from kam.results import Context, NotPossible, Result, load_results

_IDENTIFICATION = "10_customer_identification"
_REGRESSION, _MARKOV, _SURVEY = "20_churn_regression", "30_churn_markov", "40_satisfaction_survey"
MADE_BY = {
    "dependence": _IDENTIFICATION,
    "key_accounts": _IDENTIFICATION,
    "staffing": _IDENTIFICATION,
    "tier_migration": _IDENTIFICATION,
    "call_list": _REGRESSION,
    "churn_forecast": _REGRESSION,
    "track_record": _REGRESSION,
    "win_back": _REGRESSION,
    "customer_value": _MARKOV,
    "estimates": _SURVEY,
    "nonresponse": _SURVEY,
}
"""The notebook that makes a result, of those that the overview of a programme shows."""


def load_run(run_dir: str | os.PathLike[str], *, context: Context) -> dict[str, Result]:
    """The results of the steps of a run that are done, those of this dataset and for these readers.

    Parameters
    ----------
    run_dir : path
        The folder of the run; empty: a notebook that is run by itself, so there are none.
    context : Context
        Its ``dataset`` and ``audience`` are those that results must have.

    Returns
    -------
    dict of str to Result
        By key; empty where no step has left results.

    Raises
    ------
    ResultsError
        Results are damaged or of an unknown version.

    Examples
    --------
    >>> load_run("", context=Context())
    {}
    """
    folder = os.fspath(run_dir)
    if not folder or not _has_results(folder):
        return {}
    same = (context.dataset, context.audience)
    found = load_results(folder)
    return {key: one for key, one in found.items() if (one.context.dataset, one.context.audience) == same}


def result_of(results: Mapping[str, Result], key: str) -> Result | NotPossible:
    """A result of a run, or, in its place, a line that says what is missing.

    Parameters
    ----------
    results : mapping of str to Result
        By key, as from :func:`load_run`.
    key : str

    Returns
    -------
    Result or NotPossible
        The latter is false, and its ``answer()`` says which notebook makes the result, or that it could not.

    Examples
    --------
    >>> result_of({}, "win_back").answer()
    'This could not be said: it takes a run of notebook 20_churn_regression before this one.'
    """
    if key in results:
        return results[key]
    maker = MADE_BY.get(key, "")
    beside = [other for other in results if MADE_BY.get(other) == maker]
    if maker and not beside:
        why = f"it takes a run of notebook {maker} before this one."
    else:
        why = f"the data do not allow it; notebook {maker or 'that makes it'} says why."
    return NotPossible(key, ResultsError(why))


# -- inside ----------------------------------------------------------------------------------------------------------


def _has_results(folder: str) -> bool:
    return any(Path(folder).glob("*/results.json")) or (Path(folder) / "results.json").is_file()
