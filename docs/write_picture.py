"""Take docs/demo.png: the page of a scratch in the demo's report, as Chromium shows it.

Run `make demo`, then `python docs/write_picture.py`, and look at the picture.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

PICTURE = Path(__file__).parent / "demo.png"
WIDTH_PX = 1072  # of the page


def main(report: Path) -> None:
    """Open a lot's HTML report and keep the first scratch's page."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH_PX, "height": 1200})
        page.goto(report.resolve().as_uri())
        part = page.locator("section.part", has=page.locator("h2", has_text="scratch")).first
        box, table = part.bounding_box(), part.locator("table").first.bounding_box()
        assert box is not None
        assert table is not None
        page.screenshot(path=PICTURE, full_page=True, clip={**box, "height": table["y"] - box["y"]})  # down to the table of its facts
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo-out/plate.html"))
