"""What a curve of loyalty assumes, and whether the data bear it out, in words."""

from __future__ import annotations

from collections.abc import Mapping

from kam.results import Assumed, Check
from kam.survey.loyalty_rows import LoyaltyRows
from kam.survey.nonlinearity import FEW_ACCOUNTS, LoyaltyTest
from kam.survey.responses import Responses
from kam.wording import Wording


def check_loyalty(
    say: Wording,
    *,
    responses: Responses,
    rows: LoyaltyRows,
    tests: Mapping[str, LoyaltyTest],
    shapes: Mapping[str, str],
    leading: str,
    is_changed: bool,
    is_behavior: bool,
) -> tuple[Check, ...]:
    """Say of each assumption of a curve of loyalty whether the data bear it out.

    Parameters
    ----------
    say : Wording
    responses : Responses
    rows : LoyaltyRows
        Of the leading reading of level 3.
    tests : mapping of str to LoyaltyTest
        Of the same, by name.
    shapes : mapping of str to str
        Conclusion by reading of level 3.
    leading : str
    is_changed : bool
        Whether the readings come to different conclusions.
    is_behavior : bool
        Whether loyalty is later behavior.
    """
    found = [
        _check_level_3(say, shapes, leading, is_changed),
        _check_order(say, tests),
        _check_levels(say, rows),
        _check_accounts(say, responses),
    ]
    if is_behavior:
        found.append(_check_known(say, rows))
    return tuple(found)


def assumed_of_loyalty(say: Wording, *, claimed_at: float, is_behavior: bool) -> tuple[Assumed, ...]:
    """What a curve of loyalty takes for given."""
    claim = Assumed(
        what=say.sentence("when a threshold is claimed"),
        value=say.sentence(
            "best in {share} of the resamples, better than a line, flat within the steps",
            share=say.share(claimed_at, 0),
        ),
        would_change=say.sentence("a lower share claims more thresholds, and more that are not there"),
    )
    weights = Assumed(
        what=say.sentence("weights"),
        value=say.sentence("taken as right; each account counts alike, its people share its weight"),
        would_change=say.sentence(
            "if those who did not answer are loyal in another way at the same satisfaction, the curve is another"
        ),
    )
    timing = (
        Assumed(
            what=say.sentence("what is followed"),
            value=say.sentence("the same time after the answers for every account"),
            would_change=say.sentence("loyalty that shows later is not seen; a longer time shows more of it"),
        )
        if is_behavior
        else Assumed(
            what=say.sentence("loyalty"),
            value=say.sentence("what people say that they intend, on the sheet on which they judge"),
            would_change=say.sentence("what accounts then did may move less: give their later behavior"),
        )
    )
    return claim, weights, timing


# -- inside ----------------------------------------------------------------------------------------------------------


def _check_level_3(say: Wording, shapes: Mapping[str, str], leading: str, is_changed: bool) -> Check:
    assumption = say.sentence("the conclusion is the same whether level 3 means neutral or no opinion")
    if len(shapes) < 2:
        return Check(
            assumption=assumption,
            finding=say.sentence("answers of level 3 were taken out before"),
            verdict="not testable",
        )
    other = next(name for name in shapes if name != leading)
    finding = say.sentence(
        "as {leading}: {first}; as {other}: {second}",
        leading=say.sentence(leading),
        first=say.sentence(shapes[leading]),
        other=say.sentence(other),
        second=say.sentence(shapes[other]),
    )
    if is_changed and shapes[leading] == shapes[other]:
        finding += say.sentence(", at other levels")
    return Check(assumption=assumption, finding=finding, verdict="does not hold" if is_changed else "holds")


def _check_order(say: Wording, tests: Mapping[str, LoyaltyTest]) -> Check:
    falling = "never rises" in tests
    test = tests["never rises" if falling else "never falls"]
    assumption = (
        say.sentence("the more satisfied are never worse off than those a level below")
        if falling
        else say.sentence("loyalty never falls from a level to the next")
    )
    if test.p_value is None:
        return Check(assumption=assumption, finding=say.sentence("nothing varies"), verdict="not testable")
    return Check(
        assumption=assumption,
        finding=say.sentence("departures by chance alone would be as large with {p}", p=say.p_value(test.p_value)),
        verdict="does not hold" if test.rejects else "holds",
        statistic=test.statistic,
        p_value=test.p_value,
    )


def _check_levels(say: Wording, rows: LoyaltyRows) -> Check:
    n_accounts = rows.frame.groupby("level")["customer_id"].nunique()
    few = n_accounts.index[n_accounts < FEW_ACCOUNTS].tolist()
    absent = [level for level in range(1, 6) if level not in set(n_accounts.index)]
    parts = []
    if few:
        parts.append(
            say.sentence(
                "of level {levels} there are fewer than {n} accounts: no mean is shown, the answers count in the steps",
                levels=say.listing([say.count(level) for level in few]),
                n=say.count(FEW_ACCOUNTS),
            )
        )
    if absent:
        parts.append(
            say.sentence(
                "nobody is at level {levels}: no step can be seen beside it",
                levels=say.listing([say.count(level) for level in absent]),
            )
        )
    return Check(
        assumption=say.sentence("every level has enough accounts"),
        finding=say.join(parts, ";") or say.sentence("the fewest have {n}", n=say.count(n_accounts.min())),
        verdict="handled" if parts else "holds",
    )


def _check_accounts(say: Wording, responses: Responses) -> Check:
    assumption = say.sentence("answers of one account are not counted as independent")
    if not responses.has_accounts:
        return Check(
            assumption=assumption,
            finding=say.sentence("accounts are not known: each respondent counts as one"),
            verdict="not testable",
        )
    return Check(
        assumption=assumption,
        finding=say.sentence("all resamples and errors are over accounts, which keep their people and waves together"),
        verdict="handled",
    )


def _check_known(say: Wording, rows: LoyaltyRows) -> Check:
    n = rows.n_unknown + rows.n_unobserved
    return Check(
        assumption=say.sentence("what accounts then did is known of all that answered"),
        finding=say.sentence(
            "{unknown} answers of accounts are of accounts that the frame of behavior does not know, of {unobserved} what came "
            "after was not observed; they are left out",
            unknown=say.count(rows.n_unknown),
            unobserved=say.count(rows.n_unobserved),
        )
        if n
        else say.sentence("it is"),
        verdict="handled" if n else "holds",
    )
