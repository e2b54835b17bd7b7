"""What a comparison of programmes assumes, and whether the data bear it out, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kam.results import Assumed, Check

if TYPE_CHECKING:
    from kam.churn.programmes import ProgrammeResult


def check_programmes(result: ProgrammeResult) -> tuple[Check, ...]:
    """Say of each assumption whether the data bear it out."""
    say, frame, not_used = result.context.wording, result.programmes, result.not_used
    on_others = result.share_assumed + result.share_judged
    cut = frame.iloc[int(frame["share_clipped"].to_numpy().argmax())]
    share_cut = float(cut["share_clipped"])
    recommended = bool(frame["is_recommended"].any())
    short = frame[frame["is_recommended"] & (frame["n_treated"] < frame["n_customers"])]
    return (
        Check(
            assumption=say.sentence("every programme is for states of the chain"),
            finding=say.sentence("not used: {list}", list=say.listing(not_used["programme"].drop_duplicates().tolist()))
            if len(not_used)
            else say.sentence("all are"),
            verdict="handled" if len(not_used) else "holds",
        ),
        Check(
            assumption=say.sentence("every effect that was drawn is possible"),
            finding=say.sentence(
                "{p} of the draws of {programme} were cut to what is possible",
                p=say.share(share_cut),
                programme=cut["programme"],
            )
            if share_cut
            else say.sentence("all are"),
            verdict="holds" if share_cut == 0 else "handled" if share_cut <= 0.05 else "does not hold",
            statistic=share_cut,
        ),
        Check(
            assumption=say.sentence("what is recommended rests on measured effects"),
            finding=say.sentence(
                "{assumed} of the gain rests on assumed effects, {judged} on judged ones",
                assumed=say.share(result.share_assumed, 0),
                judged=say.share(result.share_judged, 0),
            )
            if recommended
            else say.sentence("nothing is recommended"),
            verdict="not testable" if not recommended else "does not hold" if on_others > 0 else "holds",
            statistic=on_others,
        ),
        Check(
            assumption=say.sentence("the gain is not that of a lucky choice"),
            finding=say.plural(
                "one programme was compared with doing nothing; knowing its effect would be worth {more} more",
                "the best of {n} unsure effects looks better than it is, by how much only an experiment would tell; "
                "knowing all effects would be worth {more} more",
                len(result.programmes),
                more=say.money(result.regret),
            ),
            verdict="not testable" if len(result.programmes) > 1 else "holds",
            statistic=result.regret,
        ),
        Check(
            assumption=say.sentence("the programmes reach all accounts that they are recommended for"),
            finding=say.listing(
                [
                    say.sentence(
                        "{programme} reaches {n} of {n_all} in {state}",
                        programme=row["programme"],
                        n=say.count(row["n_treated"]),
                        n_all=say.count(row["n_customers"]),
                        state=say.state(row["from_state"]),
                    )
                    for _, row in short.iterrows()
                ]
            )
            if len(short)
            else say.sentence("they do")
            if recommended
            else say.sentence("nothing is recommended"),
            verdict="handled" if len(short) else "holds" if recommended else "not testable",
        ),
        Check(
            assumption=say.sentence(
                "a programme changes nothing but the transition that it is for, and does so for good"
            ),
            finding=say.sentence("only an experiment would tell"),
            verdict="not testable",
        ),
    )


def assumed_of_programmes(result: ProgrammeResult, *, given_rewards: bool) -> tuple[Assumed, ...]:
    """What a comparison of programmes takes for given."""
    say = result.context.wording
    items = [
        Assumed(
            what=say.sentence("effects and costs of the programmes"),
            value=say.sentence("as given; effects are normal, and independent of one another"),
            would_change=say.sentence("an experiment; the break-even says how large an effect must be"),
        ),
        Assumed(
            what=say.sentence("discount rate"),
            value=say.sentence("{rate} a year", rate=say.share(result.discount_rate)),
            would_change=say.sentence(
                "a higher rate makes what is gained later worth less, and every programme with it"
            ),
        ),
        Assumed(
            what=say.sentence("horizon"),
            value=say.sentence("without end") if result.horizon is None else say.periods(result.horizon, result.freq),
            would_change=say.sentence(
                "a shorter one leaves out what comes later; the cost of its last period is in it"
            ),
        ),
        Assumed(
            what=say.sentence("who is treated"),
            value=say.sentence(
                "the accounts that are in the state now, in each period that they are in it; in all seasons alike"
            ),
            would_change=say.sentence(
                "accounts that come into the state later add to the gain in all, and to the cost"
            ),
        ),
        Assumed(
            what=say.sentence("capacity"),
            value=say.sentence("as many accounts as the programme reaches in a period, the best programme first"),
            would_change=say.sentence("more capacity; gain per account and break-even do not depend on it"),
        ),
        Assumed(
            what=say.sentence("how sure a choice must be"),
            value=say.sentence("best in {p} of draws", p=say.share(result.min_p_best, 0)),
            would_change=say.sentence("a lower share recommends more, and is wrong more often"),
        ),
    ]
    if given_rewards:
        items.append(
            Assumed(
                what=say.sentence("money per period in each state"),
                value=say.sentence("given by the user, taken as certain"),
                would_change=say.sentence("the money of the ledger, with its uncertainty"),
            )
        )
    return tuple(items)
