"""Write the sample company: ``python -m kam.samples data/sample``."""

from __future__ import annotations

import sys

from kam.samples.company import simulate_company
from kam.samples.files import SAMPLE_SEED, write_company


def main(arguments: list[str]) -> int:
    """Write the sample company into the folder that is named, and say where its description lies."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("Usage: python -m kam.samples FOLDER", file=sys.stderr)  # noqa: T201
        return 2
    print(write_company(simulate_company(seed=SAMPLE_SEED), arguments[0]))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
