"""How two runs were made: which results can be compared, in what their making differs, and what a change can come from."""

from __future__ import annotations

from kam.errors import DataError
from kam.programme import movements as move
from kam.programme.saved_runs import SavedRun, method_settings
from kam.results import Context, Result
from kam.wording import N_

SETTINGS = {
    "key_accounts": ("measure", "base", "min_certainty", "max_gap_cv", "min_active_share"),
    "tier_migration": ("measure", "base", "freq", "cuts", "hysteresis", "patience", "window"),
    "churn_forecast": ("horizon_days", "k", "freq", "level", "seed"),
    "customer_value": (
        *("freq", "horizon", "discount_rate", "money", "rewards", "lost", "returns", "level", "n_paths", "seed"),
    ),
    "sales_quality": ("false_alarms",),
    "risks": ("false_alarms", "of_large_accounts"),
    "estimates": ("lead_each", "lead_level_3", "min_n", "level"),
}
"""Fields of a result that say how it was made."""
_OF_ONE_KIND = {
    "tier_migration": ("measure", "freq", "window"),
    "churn_forecast": ("horizon_days", "level"),
    "customer_value": ("freq", "horizon", "discount_rate", "money", "lost", "returns", "level"),
    "estimates": ("level",),
}
"""Those of them without which two figures are not of one kind."""
_TOUCHED: dict[str, tuple[str, ...]] = {
    "min_certainty": ("key_accounts",),
    **dict.fromkeys(("n_named", "capacity", "saving_rate", "cost_of_visit", "holdout_share"), ()),
}
"""Parameters of notebooks that change only these of the results that are compared; others may change all of their step."""
NAMED = {
    "key_accounts": N_("the key-account list"),
    "tier_migration": N_("tiers and the money of twelve months"),
    "churn_forecast": N_("chances of loss"),
    "customer_value": N_("values ahead"),
    "sales_quality": N_("flags of sales quality"),
    "risks": N_("flags of risk"),
    "estimates": N_("satisfaction"),
}


def find_comparable(new: SavedRun, old: SavedRun) -> tuple[list[str], dict[str, str]]:
    """Keys of results that can be compared, and why others cannot."""
    keys, refused = [], {}
    for key in dict.fromkeys((*SETTINGS, "abc_xyz", "rfm")):
        one, other = new.results.get(key), old.results.get(key)
        if one is None or other is None:
            if (one or other) and key in SETTINGS:
                say = (one or other).context.wording  # type: ignore[union-attr]
                refused[key] = say.text(
                    "the earlier run does not have them" if one else "the later run does not have them"
                )
            continue
        if problem := _unlike(key, one, other):
            refused[key] = problem
        else:
            keys.append(key)
    if not keys:
        why = "; ".join(dict.fromkeys(refused.values())) or "neither has a result of notebooks 10 to 40"
        raise DataError(
            f"The two runs cannot be compared: {why}.", hint="Compare runs of one dataset, made for the same readers."
        )
    return keys, refused


def find_differences(key: str, new: SavedRun, old: SavedRun) -> list[tuple[str, str, str]]:
    """In what the making of a result differs: setting, before, now."""
    one, other = new.results[key], old.results[key]
    found = {
        name: (_told(getattr(other, name, None)), _told(getattr(one, name, None)))
        for name in SETTINGS.get(key, ())
        if getattr(other, name, None) != getattr(one, name, None)
    }
    if key in new.steps and key in old.steps:
        a, b = (method_settings(run.steps[key].parameters) for run in (old, new))
        for name in sorted(a.keys() | b.keys()):
            if a.get(name) != b.get(name) and key in _TOUCHED.get(name, (key,)):
                found.setdefault(name, (_told(a.get(name)), _told(b.get(name))))
        shas = [run.steps[key].notebook_sha256 for run in (old, new)]
        if None not in shas and shas[0] != shas[1]:
            found["notebook"] = (str(shas[0])[:8], str(shas[1])[:8])
    found |= other_versions(new, old)
    return [(name, *both) for name, both in found.items()]


def other_versions(new: SavedRun, old: SavedRun) -> dict[str, tuple[str, str]]:
    """Packages with another version: before, now; none where a run has no record."""
    if not new.versions or not old.versions:
        return {}
    names = [name for name in (old.versions | new.versions) if old.versions.get(name) != new.versions.get(name)]
    return {f"{name}": (old.versions.get(name, "–"), new.versions.get(name, "–")) for name in names}


def cause_of(now: Context, before: Context, other_method: bool, is_restated: bool) -> str:
    """What a change of an account can come from: of two runs on the same data, of the same day, or of another day."""
    if now.fingerprint is not None and now.fingerprint == before.fingerprint:
        return move.METHOD if other_method else move.UNKNOWN
    if now.as_of is not None and now.as_of == before.as_of:
        return move.METHOD_OR_DATA if other_method else move.DATA
    if other_method:
        return move.CUSTOMERS_OR_METHOD
    return move.CUSTOMERS_OR_DATA if is_restated else move.CUSTOMERS


def cause_again(now: Context, before: Context, other_method: bool, any_restated: bool) -> str:
    """Where the same month is told otherwise."""
    if now.fingerprint is not None and now.fingerprint == before.fingerprint:
        return move.METHOD if other_method else move.UNKNOWN
    if other_method:
        return move.METHOD_OR_DATA if any_restated else move.METHOD
    return move.DATA


# -- inside ----------------------------------------------------------------------------------------------------------


def _unlike(key: str, one: Result, other: Result) -> str:
    """Why two results are not of one kind; empty: they are."""
    say = one.context.wording
    for name in ("dataset", "audience", "currency"):
        a, b = getattr(other.context, name), getattr(one.context, name)
        if a != b:
            return say.sentence("the {what} is {before} in the earlier run and {now} in the later",
                                what=say.text(name), before=a or say.text("none"), now=b or say.text("none"))  # fmt: skip
    for name in _OF_ONE_KIND.get(key, ()):
        a, b = getattr(other, name, None), getattr(one, name, None)
        if a != b:
            return say.sentence("{what} is {before} in the earlier run and {now} in the later: they are not of one kind",
                                what=name, before=_told(a), now=_told(b))  # fmt: skip
    return ""


def _told(value: object) -> str:
    if value is None:
        return "–"
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
