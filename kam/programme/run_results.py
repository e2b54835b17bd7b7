"""What the steps of a run have said so far, and a line in the place of what they have not."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from kam.errors import ResultsError
from kam.results import Context, NotPossible, Result, load_results, read_results_json

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
    same = (context.dataset, context.audience)
    steps = find_steps(run_dir, dataset=context.dataset, audience=context.audience)
    found = {key: one for step in steps for key, one in load_results(step).items()}
    return {key: one for key, one in found.items() if (one.context.dataset, one.context.audience) == same}


def find_steps(run_dir: str | os.PathLike[str], *, dataset: str | None, audience: str) -> list[Path]:
    """The folders of the steps of a run that have results of this dataset and for these readers, by name.

    Where a run has a folder for every manager, those of a manager lie one folder deeper: there they are looked for where no
    other step has any.

    Parameters
    ----------
    run_dir : path
        The folder of the run, or of a step; empty: none.
    dataset, audience : str
        As the context of the results has them; a portfolio is a dataset with a name of its own.

    Raises
    ------
    ResultsError
        Results are damaged or of an unknown version.
    """
    if not os.fspath(run_dir):
        return []
    for form in ("results.json", "*/results.json", "*/*/results.json"):
        files = sorted(Path(run_dir).glob(form))
        if found := [file.parent for file in files if (dataset, audience) in read_contexts(file)]:
            return found
    return []


def read_contexts(file: Path) -> set[tuple[str | None, str]]:
    """Dataset and audience of the results of a step.

    Raises
    ------
    ResultsError
        They are damaged or of an unknown version.
    """
    saved = read_results_json(file)["results"]
    try:
        contexts = [entry["context"] for entry in saved.values()]
        return {(context["dataset"], context.get("audience", Context().audience)) for context in contexts}
    except (KeyError, TypeError, AttributeError) as error:
        raise ResultsError("The results do not say of what dataset they are.", where=str(file)) from error


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
