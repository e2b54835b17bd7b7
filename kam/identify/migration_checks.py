"""What tier migration says about itself: its assumptions checked, and what was assumed."""

from __future__ import annotations

import pandas as pd

from kam.identify.tiers import MONTHS_IN, Activity, TierHistory
from kam.results import Assumed, Check
from kam.wording import Wording


def list_checks(
    say: Wording,
    activity: Activity,
    history: TierHistory,
    log: pd.DataFrame,
    *,
    compare: int,
    hysteresis: float,
    near: int,
    n_moved: int,
    n_without_order: int,
) -> tuple[Check, ...]:
    """Every assumption of the tiers and of their comparison, with what the data say about it."""
    months = compare * MONTHS_IN[activity.freq]
    overlap = activity.window - compare
    alike = Check(
        assumption=say.sentence("the two windows are of the same season and share no period"),
        finding=say.sentence(
            "both are {window} long; they end {lag} apart{overlap}",
            window=say.periods(activity.window, activity.freq),
            lag=say.periods(compare, activity.freq),
            overlap=say.sentence(" and share {n}", n=say.periods(overlap, activity.freq)) if overlap > 0 else "",
        ),
        verdict="holds" if months % 12 == 0 and overlap <= 0 else "does not hold",
    )
    earlier = len(activity.periods) - activity.window - compare
    new = Check(
        assumption=say.sentence("who has no order before the last window is a new account"),
        finding=say.sentence(
            "the ledger shows {n} before the two windows; who bought only before that looks new",
            n=say.periods(max(earlier, 0), activity.freq),
        ),
        verdict="not testable",
    )
    delays = history.delays
    steady = Check(
        assumption=say.sentence("accounts do not change their tier back and forth by chance"),
        finding=say.sentence(
            "{n} moves between A, B and C in {periods}, without hysteresis {plain}; the moves made came {delay} later on"
            " average, at most {most}",
            n=say.count(history.n_moves),
            periods=say.periods(len(history.held), activity.freq),
            plain=say.count(history.n_moves_plain),
            delay=say.periods(float(delays.mean()) if len(delays) else 0.0, activity.freq, 1),
            most=say.periods(int(delays.max(initial=0)), activity.freq),
        ),
        verdict="handled" if history.n_moves < history.n_moves_plain else "holds",
    )
    border = Check(
        assumption=say.sentence("who entered or left tier A is clear of its border"),
        finding=say.sentence(
            "{n} of {all} are within {share} of it: their class may be chance (see the stability of classes)",
            n=say.count(near),
            all=say.count(n_moved),
            share=say.share(max(hysteresis, 0.1), 0),
        ),
        verdict="holds" if not near else "handled" if 2 * near <= n_moved else "does not hold",
    )
    money = Check(
        assumption=say.sentence("all money comes from accounts with orders"),
        finding=say.sentence("it does")
        if not n_without_order
        else say.plural(
            "one account has credit notes only: in no tier, but in the bridge",
            "{n} accounts have credit notes only: in no tier, but in the bridge",
            n_without_order,
        ),
        verdict="handled" if n_without_order else "holds",
    )
    return alike, new, steady, border, money, _check_overrides(say, log)


def _check_overrides(say: Wording, log: pd.DataFrame) -> Check:
    counts = log["status"].value_counts()
    unknown = log.loc[log["status"] == "unknown account", "customer_id"].unique()
    named = say.listing([str(customer) for customer in unknown[:5]]) + ("…" if len(unknown) > 5 else "")
    if log.empty:
        finding = say.sentence("no tier was set by hand")
    else:
        finding = say.sentence(
            "{n} were set by hand: {parts}",
            n=say.count(len(log)),
            parts=say.join((f"{say.text(str(status))} {say.count(n)}" for status, n in counts.items()), ";"),
        )
        finding += f" ({named})" if len(unknown) else ""
    return Check(
        assumption=say.sentence("tiers set by hand are of accounts of the ledger, and none has run out"),
        finding=finding,
        verdict="holds" if log["status"].isin(["holds", "not yet", "replaced"]).all() else "handled",
    )


def list_assumed(
    say: Wording,
    *,
    base: str,
    cuts: tuple[float, float],
    hysteresis: float,
    patience: int,
    activity: Activity,
    compare: int,
) -> tuple[Assumed, ...]:
    """Every number that was assumed rather than estimated, and what another one would do."""
    return (
        Assumed(
            what=say.sentence("limits of A and B"),
            value=say.sentence(
                "{a} and {b} of the {base}",
                a=say.share(cuts[0], 0),
                b=say.share(cuts[1], 0),
                base=say.sentence("sum of the positive values") if base == "positive" else say.sentence("net total"),
            ),
            would_change=say.sentence("a convention; other limits move the borders, not the order"),
        ),
        Assumed(
            what=say.sentence("money that makes the tier"),
            value=say.sentence("that of {window}", window=say.periods(activity.window, activity.freq)),
            would_change=say.sentence("a shorter window reacts sooner, and to chance and season too"),
        ),
        Assumed(
            what=say.sentence("an account moves when it is past the border"),
            value=say.sentence(
                "by {share}, or for {patience} in a row",
                share=say.share(hysteresis, 0),
                patience=say.periods(patience, activity.freq),
            ),
            would_change=say.sentence("less makes accounts near a border flicker; more shows true moves later"),
        ),
        Assumed(
            what=say.sentence("compared with"),
            value=say.sentence("{lag} earlier", lag=say.periods(compare, activity.freq)),
            would_change=say.sentence("fewer periods compare different seasons"),
        ),
    )
