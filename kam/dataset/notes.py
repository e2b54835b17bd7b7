"""What a check of a dataset finds on the way, and how it says it."""

from __future__ import annotations

from dataclasses import dataclass, field

from kam.dataset.frame_checks import MAX_NAMED, shorten
from kam.wording import Wording


@dataclass
class Notes:
    """What a check finds on the way: lines in order, and which of them are problems and warnings."""

    say: Wording
    lines: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def problem(self, text: str) -> None:
        """Note why a report could not be trusted."""
        self.problems.append(text)
        self.lines.append("  " + self.say.sentence("PROBLEM: {text}", text=text))

    def warn(self, text: str) -> None:
        """Note what a reader of reports should know."""
        self.warnings.append(text)
        self.lines.append("  " + self.say.sentence("Warning: {text}", text=text))

    def head(self, table: str, text: str) -> None:
        """Begin a table."""
        self.lines.append(f"{table}: {text}")

    def add(self, text: str) -> None:
        """Add a line about it."""
        self.lines.append("  " + text)


def name_some(ids: list[str], say: Wording) -> str:
    """The first few identifiers, quoted; an ellipsis if there are more."""
    named = [shorten(customer) for customer in ids[:MAX_NAMED]]
    return ", ".join([*named, say.sentence("…")] if len(ids) > MAX_NAMED else named)
