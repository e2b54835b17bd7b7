"""What the tracking of a field assumes, and whether the counts bear it out, in words."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from kam.results import Assumed, Check
from kam.survey.response_counts import NOT_REACHED, OPEN, REFUSED
from kam.wording import Wording


def check_tracking(
    say: Wording, frame: pd.DataFrame, drawn: pd.DataFrame, strata: pd.DataFrame, unknown: list[str]
) -> tuple[Check, ...]:
    """Say of each assumption whether it holds; ``unknown`` are waves of which it is not known who was drawn."""
    few = (strata["n_answered"] < 2) & (strata["n_answered"] < strata["n_drawn"])
    named, against = (
        [
            say.sentence("{stratum} in {wave}", stratum=stratum, wave=wave)
            for stratum, wave in zip(rows["stratum"], rows["wave"], strict=True)
        ]
        for rows in (strata[few], strata[strata["standing"] == "below"])
    )
    expected = strata["share_expected"].notna()
    checks = [
        Check(
            assumption=say.sentence("two accounts or more have answered in every stratum"),
            finding=say.sentence("nobody or one only in {names}", names=say.listing(named))
            if named
            else say.sentence("the fewest are {n}", n=say.count(strata["n_answered"].min())),
            verdict="does not hold" if named else "holds",
        ),
        Check(
            assumption=say.sentence("as many answer as expected"),
            finding=say.sentence("fewer do, beyond chance, in {names}", names=say.listing(against))
            if against
            else say.sentence("no stratum differs beyond chance downward")
            if expected.any()
            else say.sentence("nothing was expected, and there is no wave before"),
            verdict="does not hold" if against else "holds" if expected.any() else "not testable",
        ),
    ]
    claims = int(((drawn["said"] == "answered") & ~drawn["answered"]).sum())
    denies = int(
        (drawn["answered"] & drawn["became"].eq("n_answered") & drawn["said"].isin(REFUSED | NOT_REACHED)).sum()
    )
    checks.append(
        Check(
            assumption=say.sentence("the status of an account and its answers agree"),
            finding=say.sentence(
                "{claims} are said to have answered and have no answer here (they count as open), {denies} have one and are said "
                "to have refused or not been reached (they count as answered)",
                claims=say.count(claims),
                denies=say.count(denies),
            )
            if claims or denies
            else say.sentence("they do"),
            verdict="handled" if claims or denies else "holds",
        )
    )
    strange = drawn[(drawn["became"] == "n_open") & ~drawn["said"].isin(OPEN | {"answered"})]
    if len(strange):
        words = sorted(strange["said"].unique())
        checks.append(
            Check(
                assumption=say.sentence("what a status means is known"),
                finding=say.sentence(
                    "not of {words}: {n} accounts count as open",
                    words=say.listing(words[:5]),
                    n=say.count(len(strange)),
                ),
                verdict="handled",
            )
        )
    extra = int((frame["answered"].fillna(False).astype(bool) & ~frame["drawn"].fillna(False).astype(bool)).sum())
    if extra:
        checks.append(
            Check(
                assumption=say.sentence("only accounts that were drawn answer"),
                finding=say.plural(
                    "one answered without having been drawn, and is not counted",
                    "{n} answered without having been drawn, and are not counted",
                    extra,
                ),
                verdict="handled",
            )
        )
    if unknown:
        checks.append(
            Check(
                assumption=say.sentence("of every wave it is known who was drawn"),
                finding=say.sentence("not of {waves}: there is no rate", waves=say.listing(unknown)),
                verdict="handled",
            )
        )
    return tuple(checks)


def assumed_of_tracking(
    say: Wording,
    expected: float | Mapping[str, float] | None,
    strata: pd.DataFrame,
    half_width: float | None,
    std_dev: float | None,
) -> tuple[Assumed, ...]:
    """What tracking takes for given."""
    shares = strata["share_expected"].dropna()
    span = (
        say.sentence("none")
        if shares.empty
        else say.sentence("{low} to {high}", low=say.share(shares.min()), high=say.share(shares.max()))
    )
    assumed = [
        Assumed(
            what=say.sentence("share of the drawn that should answer"),
            value=span if expected is not None else say.sentence("that of the wave before ({span})", span=span),
            would_change=say.sentence("answers needed, and what counts as below, move with it"),
        )
    ]
    if half_width is not None and std_dev is not None:
        assumed.append(
            Assumed(
                what=say.sentence("standard deviation of the accounts' values"),
                value=say.number(std_dev),
                would_change=say.sentence("answers needed grow with its square"),
            )
        )
    return tuple(assumed)
