"""Take the README's picture: ``docs/report.png``, the newest report of notebook 10 in headless Chromium.

Run ``make report`` first, then ``.venv/bin/python docs/screenshot.py``. Needs a Chromium on the PATH.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
FLAGS = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync"]


def main() -> int:
    reports = sorted(ROOT.glob("reports/*/10_customer_identification/report.html"))
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if not reports or not chromium:
        print("Run `make report` first." if chromium else "There is no Chromium on the PATH.", file=sys.stderr)
        return 2
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS, chromium_sandbox=False)
        page = browser.new_page(viewport={"width": 1280, "height": 1500})
        page.goto(reports[-1].as_uri())
        page.screenshot(path=ROOT / "docs" / "report.png")
        browser.close()
    print(ROOT / "docs" / "report.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
