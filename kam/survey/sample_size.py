"""How many accounts to draw, so that a mean or a share is known as closely as is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm

from kam.disclosure import AS_IT_IS
from kam.errors import EmptyDataError, ParameterError
from kam.results import Context, KeyFigure, Result
from kam.survey.sample_size_checks import assumed_of_size, check_size, width_text

Floats = npt.NDArray[np.float64]

_LESS_AND_MORE = (2.0, 1.5, 1.25, 1.0, 0.75, 0.5)
_ROUNDING = 1e-6  # answers; a plan of 400.0000001 is one of 400


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class SampleSizeResult(Result):
    """Result of :func:`sample_size`.

    Attributes
    ----------
    strata : pandas.DataFrame
        One row per stratum: ``stratum, n_population``; ``n_drawn``, accounts to draw; ``n_expected``, answers expected of them;
        ``half_width``, of the interval of the stratum's own estimate with that many answers.
    precision : pandas.DataFrame
        What one gets for less, and what more would cost, coarsest first: ``plan`` (``asked for``, ``everybody`` or empty),
        ``half_width`` of the estimate of the whole, ``n_drawn, n_expected``. Half widths that not even everybody gives are not in
        it. With ``each_stratum`` a row asks its half width of every stratum, and states that of the whole.
    measure : str
        ``share`` or ``mean``.
    half_width : float
        What was asked for: a share from 0 to 1, or in the unit of the mean.
    half_width_reached : float
        Half width of the estimate of the whole with the answers that are expected.
    half_width_everybody : float
        The same if everybody is drawn; above 0 where not all answer.
    is_reached : bool
        Whether the half width asked for, of the whole or of each stratum, is reached.
    each_stratum : bool
        Whether it is asked for in each stratum.
    n_population, n_needed, n_drawn : int
        Accounts in the population, answers that the half width needs, and accounts to draw, at most all.
    n_expected, n_expected_low, n_expected_high : float
        Answers expected, and how many they are in nearly all fields (as often as ``level`` says).
    design_effect, level : float
        As given.
    """

    main: ClassVar[str] = "precision"
    rests_on: ClassVar = {
        "strata": AS_IT_IS,
        "precision": AS_IT_IS,
    }

    strata: pd.DataFrame
    precision: pd.DataFrame
    measure: str
    half_width: float
    half_width_reached: float
    half_width_everybody: float
    is_reached: bool
    each_stratum: bool
    n_population: int
    n_needed: int
    n_drawn: int
    n_expected: float
    n_expected_low: float
    n_expected_high: float
    design_effect: float
    level: float

    def _sentence(self) -> str:
        say = self.context.wording
        words = {
            "what": say.sentence("a share") if self.measure == "share" else say.sentence("a mean"),
            "width": width_text(say, self.half_width, self.measure),
            "level": say.share(self.level, 0),
            "n_all": say.count(self.n_population),
            "needed": say.count(self.n_needed),
            "drawn": say.count(self.n_drawn),
            "expected": say.count(self.n_expected),
            "reached": width_text(say, self.half_width_reached, self.measure),
            "where": say.sentence("in each stratum") if self.each_stratum else say.sentence("over all accounts"),
        }
        if self.is_reached:
            return say.sentence(
                "To know {what} to within {width} {where} (at {level}), {needed} of {n_all} accounts have to answer, so {drawn} "
                "have to be drawn.",
                **words,
            )
        if self.n_drawn == self.n_population:
            return say.sentence(
                "Even if all {n_all} accounts are asked, about {expected} answer, and {what} is then known to within {reached} "
                "over all accounts; {width} {where} (at {level}) would need {needed} answers.",
                **words,
            )
        return say.sentence(
            "{width} {where} (at {level}) cannot be reached everywhere: {needed} answers are more than some strata can give. "
            "With {drawn} of {n_all} accounts drawn, about {expected} answer, and over all accounts {what} is known to within "
            "{reached}.",
            **words,
        )

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        return (
            KeyFigure(
                value=say.count(self.n_drawn),
                label=say.sentence("accounts to draw"),
                note=say.sentence("of {n}; computed, not estimated", n=say.count(self.n_population)),
            ),
            KeyFigure(
                value=say.count(self.n_expected),
                label=say.sentence("answers expected of them"),
                note=say.sentence(
                    "{low} to {high} in {level} of such fields, if the response is as assumed",
                    low=say.count(self.n_expected_low),
                    high=say.count(self.n_expected_high),
                    level=say.share(self.level, 0),
                ),
            ),
            KeyFigure(
                value=width_text(say, self.half_width_reached, self.measure),
                label=say.sentence("half width of the interval over all accounts"),
                note=say.sentence("at {level}, with the answers expected", level=say.share(self.level, 0)),
            ),
            KeyFigure(
                value=width_text(say, self.half_width_everybody, self.measure),
                label=say.sentence("if everybody is asked"),
                note=say.sentence("what is left is chance in who answers"),
            ),
        )


def sample_size(
    population: int | Mapping[str, int],
    *,
    half_width: float,
    share: float | Mapping[str, float] | None = None,
    std_dev: float | Mapping[str, float] | None = None,
    response_rate: float | Mapping[str, float],
    design_effect: float = 1.0,
    each_stratum: bool = False,
    level: float = 0.95,
    context: Context | None = None,
) -> SampleSizeResult:
    """Find how many accounts to draw for a mean or a share in a finite population.

    With N accounts whose values have the variance S² (for a share p: S² = N p (1 − p) / (N − 1)), a half width d and the normal
    quantile z, ``n0 = z² S² / d²`` answers of a large population are needed, and ``n = n0 / (1 + n0 / N)`` of this one, times the
    design effect. To draw are n over the response rate, rounded up, at most N. In strata S² is the mean of the S_h² weighted by
    N_h, and answers are proportional to N_h; where a stratum cannot give its answers, the others give more.

    Conversely n answers have the half width ``z √(deff S² / n − S² / N)``: the finite population correction counts answers, so
    that asking everybody leaves an error as long as not everybody answers.

    Assumes (1) that estimates are about normal (Wald's interval), which shares near 0 or 1 are not in small samples (a check says
    so); (2) that the standard deviation, or the share, is as given; (3) that the response rate is as given and those who answer
    are like those who do not: no number of answers repairs a bias; (4) that the design effect does not depend on n.

    Parameters
    ----------
    population : int or mapping of str to int
        Accounts in the population, or by stratum.
    half_width : float
        Half the width of the interval that is wanted: points from 0 to 1 for a share, else in the unit of the mean; above 0.
    share : float or mapping of str to float, optional
        About how large the share is, between 0 and 1, or by stratum; 0.5 asks for most.
    std_dev : float or mapping of str to float, optional
        Standard deviation of the values of accounts, above 0, or by stratum. Give this or ``share``.
    response_rate : float or mapping of str to float
        Share of the drawn accounts that answers, above 0 and at most 1, or by stratum.
    design_effect : float
        Variance of the estimate over that of a simple random sample with as many answers, above 0; unequal weights make it more
        than 1.
    each_stratum : bool
        Whether the half width is wanted in each stratum, not only over all accounts.
    level : float
        Level of the interval, between 0 and 1.
    context : Context, optional
        Language and dataset.

    Returns
    -------
    SampleSizeResult

    Raises
    ------
    ParameterError
        An argument is missing or out of range, or strata do not have the same names everywhere; the message names them.

    References
    ----------
    Cochran, W. G. (1977). Sampling Techniques, third edition, equations 4.1 and 4.2 (shares), 4.6 and 4.7 (means), 5.25.

    Examples
    --------
    Cochran's island of 3,200 people, the share of a blood group to within 5 points at two standard errors (section 4.4):

    >>> sample_size(3200, half_width=0.05, share=0.5, response_rate=1, level=0.9545).n_needed
    356
    """
    context = context or Context()
    names, size = _read_population(population)
    _check_range("half_width", half_width, above=0)
    _check_range("level", level, above=0, below=1)
    _check_range("design_effect", design_effect, above=0)
    if (share is None) == (std_dev is None):
        raise ParameterError(
            "Give either share or std_dev." if share is None else "Both share and std_dev are given.",
            hint="share=0.5 asks for most; std_dev is that of the accounts' values, from an earlier wave.",
        )
    if share is not None:
        _check_range("half_width of a share", half_width, above=0, below=1)
        p = _by_stratum("share", share, names, above=0, below=1)
        variance = p * (1 - p) * size / np.maximum(size - 1, 1)
    else:
        assert std_dev is not None
        p = np.full(len(names), np.nan)
        variance = _by_stratum("std_dev", std_dev, names, above=0) ** 2
    rate = _by_stratum("response_rate", response_rate, names, above=0, most=1)
    z = float(norm.ppf((1 + level) / 2))
    field = _Field(size=size, variance=variance, rate=rate, deff=design_effect, z=z)
    needed, drawn = field.plan(half_width, each_stratum)
    reached = field.half_widths(drawn) if each_stratum else np.array([field.half_width(drawn)])
    expected = float((rate * drawn).sum())
    spread = z * float(np.sqrt((drawn * rate * (1 - rate)).sum()))
    measure = "mean" if share is None else "share"
    strata = pd.DataFrame(
        {
            "stratum": names,
            "n_population": size.astype(np.int64),
            "n_drawn": drawn.astype(np.int64),
            "n_expected": rate * drawn,
            "half_width": field.half_widths(drawn),
        }
    )
    say = context.wording
    return SampleSizeResult(
        context=context,
        checks=check_size(say, strata, p, half_width, reached, each_stratum, measure, rate),
        assumed=assumed_of_size(say, p, variance, rate, design_effect, measure),
        strata=strata,
        precision=_precision(field, half_width, each_stratum),
        measure=measure,
        half_width=float(half_width),
        half_width_reached=field.half_width(drawn),
        half_width_everybody=field.half_width(size),
        is_reached=bool((reached <= half_width * (1 + 1e-9)).all()),
        each_stratum=each_stratum,
        n_population=int(size.sum()),
        n_needed=int(needed.sum()),
        n_drawn=int(drawn.sum()),
        n_expected=expected,
        n_expected_low=max(expected - spread, 0.0),
        n_expected_high=min(expected + spread, float(drawn.sum())),
        design_effect=float(design_effect),
        level=float(level),
    )


# -- inside ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Field:
    """Strata with their sizes, variances and response rates, each of shape (strata,)."""

    size: Floats
    variance: Floats
    rate: Floats
    deff: float
    z: float

    def variances(self, drawn: Floats) -> Floats:
        """Variance of the mean of each stratum with the answers that are expected of the drawn."""
        return np.maximum(self.variance * (self.deff / (self.rate * drawn) - 1 / self.size), 0.0)

    def half_widths(self, drawn: Floats) -> Floats:
        return np.asarray(self.z * np.sqrt(self.variances(drawn)))

    def half_width(self, drawn: Floats) -> float:
        weight = self.size / self.size.sum()
        return float(self.z * np.sqrt((weight**2 * self.variances(drawn)).sum()))

    def plan(self, half_width: float, each_stratum: bool) -> tuple[Floats, Floats]:
        """Answers needed by stratum, were there no limit to them, and accounts to draw."""
        if each_stratum:
            n0 = self.variance * (self.z / half_width) ** 2
            needed = _up(self.deff * n0 / (1 + n0 / self.size))
            return needed, self.to_draw(needed)
        total = self.size.sum()
        n1 = float((self.size * self.variance).sum() / total) * (self.z / half_width) ** 2
        needed = _up(self.deff * n1 / (1 + n1 / total) * self.size / total)
        drawn = self.to_draw(needed)
        if self.half_width(drawn) <= half_width or self.half_width(self.size) > half_width:
            within = self.half_width(drawn) <= half_width
            return needed, drawn if within else self.size.copy()
        low, high = 0.0, self.deff / float(self.rate.min())  # answers wanted as a share of the stratum
        for _ in range(60):  # more from those that still can
            half = (low + high) / 2
            enough = self.half_width(self.to_draw(_up(half * self.size))) <= half_width
            low, high = (low, half) if enough else (half, high)
        return needed, self.to_draw(_up(high * self.size))

    def to_draw(self, needed: Floats) -> Floats:
        return np.minimum(_up(needed / self.rate), self.size)


def _up(x: Floats) -> Floats:
    return np.maximum(np.ceil(x - _ROUNDING), 1.0)


def _precision(field: _Field, half_width: float, each_stratum: bool) -> pd.DataFrame:
    """One row per half width that can be had, and one for asking everybody."""
    rows = []
    for factor in _LESS_AND_MORE:
        drawn = field.plan(half_width * factor, each_stratum)[1]
        widths = field.half_widths(drawn) if each_stratum else np.array([field.half_width(drawn)])
        if (widths <= half_width * factor * (1 + 1e-9)).all():
            rows.append(("asked for" if factor == 1 else "", drawn))
    rows.append(("everybody", field.size))
    frame = pd.DataFrame(
        {
            "plan": [plan for plan, _ in rows],
            "half_width": [field.half_width(drawn) for _, drawn in rows],
            "n_drawn": [int(drawn.sum()) for _, drawn in rows],
            "n_expected": [float((field.rate * drawn).sum()) for _, drawn in rows],
        }
    )
    known = frame["n_drawn"].duplicated(keep=False) & (frame["plan"] == "")  # two rows of one plan
    return frame[~known].reset_index(drop=True)


def _read_population(population: int | Mapping[str, int]) -> tuple[list[str], Floats]:
    sizes = dict(population) if isinstance(population, Mapping) else {"all accounts": population}
    if not sizes:
        raise ParameterError("There is no stratum.", where="population", hint="Give the number of accounts in each.")
    if population == 0:
        raise EmptyDataError("There is no account to ask.", hint="Give a ledger in which somebody ordered of late.")
    for name, n in sizes.items():
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
            raise ParameterError(
                f"The population of {name!r} is {n!r}.", hint="Give a whole number of accounts, at least 1."
            )
    return [str(name) for name in sizes], np.array(list(sizes.values()), dtype=np.float64)


def _by_stratum(
    name: str,
    given: float | Mapping[str, float],
    strata: list[str],
    *,
    above: float,
    below: float = np.inf,
    most: float = np.inf,
) -> Floats:
    values = {str(key): x for key, x in given.items()} if isinstance(given, Mapping) else dict.fromkeys(strata, given)
    if set(values) != set(strata):
        differ = sorted(set(values) ^ set(strata))
        raise ParameterError(
            f"{name} and population do not have the same strata.",
            where=", ".join(differ),
            hint="Name each once in both.",
        )
    for stratum, x in values.items():
        _check_range(
            f"{name} of {stratum!r}" if isinstance(given, Mapping) else name, x, above=above, below=below, most=most
        )
    return np.array([values[stratum] for stratum in strata], dtype=np.float64)


def _check_range(name: str, x: object, *, above: float, below: float = np.inf, most: float = np.inf) -> None:
    number = isinstance(x, (int, float, np.integer, np.floating)) and not isinstance(x, bool)
    if number and above < x < below and x <= most:  # type: ignore[operator]
        return
    limit = f" and below {below:g}" if below < np.inf else f" and at most {most:g}" if most < np.inf else ""
    raise ParameterError(f"{name} is {x!r}.", hint=f"Give a number above {above:g}{limit}.")
