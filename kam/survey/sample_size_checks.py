"""What a sample size assumes, and whether it is borne out, in words."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.results import Assumed, Check
from kam.wording import Wording

Floats = npt.NDArray[np.float64]

_COCHRAN_33 = ([0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5], [80, 70, 60, 40, 24, 20, 15])
"""Smallest n p at which the normal approximation of a share serves, by p (Cochran 1977, table 3.3)."""


def width_text(say: Wording, x: float, measure: str) -> str:
    """A half width in points or in the unit of the mean."""
    if measure == "share":
        return say.sentence("±{n} points", n=say.number(100 * x, 1))
    return say.sentence("±{n}", n=say.number(x, 2 if x >= 0.1 else 3))


def check_size(
    say: Wording,
    strata: pd.DataFrame,
    p: Floats,
    half_width: float,
    reached: Floats,
    each_stratum: bool,
    measure: str,
    rate: Floats,
) -> tuple[Check, ...]:
    """Say of each assumption of a sample size whether it holds."""
    short = reached > half_width * (1 + 1e-9)
    where = say.listing([str(name) for name in strata.loc[short, "stratum"]]) if each_stratum and short.any() else ""
    possible = Check(
        assumption=say.sentence("there are accounts enough for the half width asked for"),
        finding=say.sentence("not even everybody gives it in {where}", where=where)
        if where
        else say.sentence("not even everybody gives it")
        if short.any()
        else say.sentence(
            "{n} of {n_all} accounts do",
            n=say.count(strata["n_drawn"].sum()),
            n_all=say.count(strata["n_population"].sum()),
        ),
        verdict="does not hold" if short.any() else "holds",
    )
    few = strata["n_expected"] < 2
    variance = Check(
        assumption=say.sentence("two answers or more are expected in every stratum"),
        finding=say.sentence(
            "fewer in {names}: their error cannot be found", names=say.listing(list(strata.loc[few, "stratum"]))
        )
        if few.any()
        else say.sentence("the fewest are {n}", n=say.number(strata["n_expected"].min(), 1)),
        verdict="does not hold" if few.any() else "holds",
    )
    response = Check(
        assumption=say.sentence("those who answer are like those who do not"),
        finding=say.sentence("everybody is taken to answer")
        if (rate == 1).all()
        else say.sentence("cannot be seen before the field; more answers make no bias smaller"),
        verdict="not testable",
    )
    return possible, _check_normal(say, strata, p, measure, each_stratum), variance, response


def assumed_of_size(
    say: Wording, p: Floats, variance: Floats, rate: Floats, design_effect: float, measure: str
) -> tuple[Assumed, ...]:
    """What a sample size takes for given."""

    def span(values: Floats, form: str) -> str:
        shown = [say.share(x) if form == "share" else say.number(x) for x in (values.min(), values.max())]
        return shown[0] if shown[0] == shown[1] else say.sentence("{low} to {high}", low=shown[0], high=shown[1])

    spread = (
        Assumed(
            what=say.sentence("size of the share"),
            value=span(p, "share"),
            would_change=say.sentence("nearer to 50% more answers are needed, farther from it fewer"),
        )
        if measure == "share"
        else Assumed(
            what=say.sentence("standard deviation of the accounts' values"),
            value=span(np.sqrt(variance), "number"),
            would_change=say.sentence("answers needed grow with its square"),
        )
    )
    return (
        spread,
        Assumed(
            what=say.sentence("share of the drawn that answers"),
            value=span(rate, "share"),
            would_change=say.sentence("at half of it, twice as many are to be drawn"),
        ),
        Assumed(
            what=say.sentence("design effect"),
            value=say.number(design_effect),
            would_change=say.sentence(
                "answers needed grow in proportion to it; weights that differ make it larger than 1"
            ),
        ),
        Assumed(
            what=say.sentence("form of the interval"),
            value=say.sentence("Wald's, with the finite population correction (Cochran 1977)"),
            would_change=say.sentence("intervals made for small samples are wider for shares near 0% or 100%"),
        ),
    )


def _check_normal(say: Wording, strata: pd.DataFrame, p: Floats, measure: str, each_stratum: bool) -> Check:
    assumption = say.sentence("estimates are about normal")
    if measure == "mean":
        return Check(
            assumption=assumption,
            finding=say.sentence("depends on how skew the values are; scales of five levels are not"),
            verdict="not testable",
        )
    size, n = strata["n_population"].to_numpy(dtype=np.float64), strata["n_expected"].to_numpy(dtype=np.float64)
    if not each_stratum:
        p, n = np.array([(p * size).sum() / size.sum()]), np.array([n.sum()])
    rare = np.minimum(p, 1 - p)
    least = np.interp(rare, *_COCHRAN_33) / rare
    worst = int(np.argmin(n / least))
    return Check(
        assumption=assumption,
        finding=say.sentence(
            "a share of {p} asks for {least} answers (Cochran 1977, table 3.3), and {n} are expected",
            p=say.share(p[worst]),
            least=say.count(np.ceil(least[worst])),
            n=say.count(n[worst]),
        ),
        verdict="holds" if n[worst] >= least[worst] else "does not hold",
        statistic=float(n[worst] / least[worst]),
    )
