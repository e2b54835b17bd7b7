"""The errors of kam: each says what was wrong, where, and what to do.

The tree::

    KamError
    ├── DataError                   the data cannot be used as they are
    │   ├── UnreadableFileError     a file is missing, a directory, corrupt, or in an encoding nobody knows
    │   ├── EmptyDataError          nothing is left to compute on
    │   ├── MissingColumnError      a column that is needed is not there
    │   ├── DuplicateColumnError    a column name stands twice
    │   ├── ColumnTypeError         values cannot be read as dates, numbers or texts
    │   ├── DatabaseError           a database cannot be reached, refuses, breaks off, or has no such table
    │   ├── MixedCurrencyError      more than one currency in one ledger
    │   ├── DatasetError            ``dataset.yaml`` is wrong: names the key and the allowed values
    │   ├── TooLargeError           an outcome would not fit in memory: says how large it may be
    │   └── UndefinedMeasureError   a measure has no value on these data (a share of a total that is not positive, …)
    ├── ParameterError              an argument or a notebook parameter is unknown, missing or out of range
    ├── SecretError                 a secret is not where a reference says, or stands where others would read it
    ├── ModelError                  a model cannot be fitted or does not apply
    │   ├── EmptyStateError         a state is never entered or never left: its row of probabilities is not known
    │   ├── LeakageError            a covariate knows what happened only afterwards
    │   ├── NoAbsorbingStateError   a loss is needed, and cannot be reached
    │   ├── NoEventError            nobody had the event, or everybody did: nothing tells one from the other
    │   ├── NotConvergedError       the estimates run to a boundary, or do not settle
    │   └── UndefinedChurnError     no number of silent periods means "lost" on these data
    └── RunError                    a run of notebooks failed
        ├── NotebookError           a notebook raised, or did not run to its end
        ├── PlanError               a plan is wrong: names the key and the allowed values
        ├── ResultsError            results on disk cannot be read back
        └── LockedError             another run of the same plan is at work

All of them are raised with the sentence first; ``where`` and ``hint`` are optional and are appended to the message:

>>> str(MissingColumnError("There is no column 'amount'.", where="orders.csv", hint="Name it under columns:."))
"There is no column 'amount'. Where: orders.csv. What to do: Name it under columns:."
"""

from __future__ import annotations


class KamError(Exception):
    """Base of every error that kam raises on purpose.

    Parameters
    ----------
    what : str
        What was wrong, a sentence.
    where : str, optional
        File, column, first rows: where it was found.
    hint : str, optional
        What to do about it.
    """

    def __init__(self, what: str, *, where: str | None = None, hint: str | None = None) -> None:
        self.what, self.where, self.hint = what, where, hint
        parts = [what]
        if where:
            parts.append(f"Where: {where.rstrip('.')}.")
        if hint:
            parts.append(f"What to do: {hint}")
        super().__init__(" ".join(parts))

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.what, self.where, self.hint))


def _rebuild(kind: type[KamError], what: str, where: str | None, hint: str | None) -> KamError:
    return kind(what, where=where, hint=hint)


class DataError(KamError):
    """The data cannot be used as they are."""


class UnreadableFileError(DataError):
    """A file is missing, a directory, corrupt, or in an encoding nobody knows."""


class EmptyDataError(DataError):
    """Nothing is left to compute on: no row, no customer, no complete period."""


class MissingColumnError(DataError):
    """A column that is needed is not there."""


class DuplicateColumnError(DataError):
    """A column name stands twice."""


class ColumnTypeError(DataError):
    """Values cannot be read as dates, numbers or texts, or they are ambiguous."""


class DatabaseError(DataError):
    """A database cannot be reached, lets nobody in or nothing be read, breaks off, or has no such table."""


class MixedCurrencyError(DataError):
    """More than one currency in one ledger."""


class DatasetError(DataError):
    """``dataset.yaml`` is wrong; the message names the key and the allowed values."""


class TooLargeError(DataError):
    """An outcome would not fit in memory; the message says how many rows are possible."""


class UndefinedMeasureError(DataError):
    """A measure has no value on these data."""


class ParameterError(KamError):
    """An argument or a notebook parameter is unknown, missing, of the wrong type or out of range."""


class SecretError(KamError):
    """A secret is not where a reference says that it is, or it stands where others would read it."""


class ModelError(KamError):
    """A model cannot be fitted on these data or does not apply to them."""


class EmptyStateError(ModelError):
    """A state is never entered or never left, so that its row of transition probabilities is not known."""


class LeakageError(ModelError):
    """A covariate knows what happened only after the day from which the model is to look ahead."""


class NoAbsorbingStateError(ModelError):
    """No state is the end, or the end cannot be reached from some state."""


class NoEventError(ModelError):
    """Nobody had the event, or everybody did, so that nothing tells one customer from another."""


class NotConvergedError(ModelError):
    """The estimates run to a boundary of what is possible, or do not settle."""


class UndefinedChurnError(ModelError):
    """No number of silent periods within the data means that a customer is lost."""


class RunError(KamError):
    """A run of notebooks failed."""


class NotebookError(RunError):
    """A notebook raised, or did not run to its end."""


class PlanError(RunError):
    """A plan is wrong; the message names the key and the allowed values."""


class ResultsError(RunError):
    """Results on disk are missing, damaged or of an unknown schema version."""


class LockedError(RunError):
    """Another run of the same plan is at work."""
