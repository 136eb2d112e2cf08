"""Take docs/chat.png: a scratch on the chat's page, as Chromium shows it.

Run `python docs/write_chat_picture.py`, and look at the picture. The workspace is made anew, with the synthetic plate.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from seewhy.agent.chat.accounts import Person
from seewhy.agent.chat.desk import Desk
from seewhy.agent.chat.looking import Call
from seewhy.agent.chat.server import serving
from seewhy.agent.chat.talking import At, talk
from seewhy.agent.chat.workspace import Home
from seewhy.evals.synthetic.demo import card_for
from seewhy.evals.synthetic.surfaces import Kind, defective, good
from seewhy.reports.fonts import font_folders

PICTURE = Path(__file__).parent / "chat.png"
PORT = 7869
GOOD, LOT = 20, "2026-11-25"
DEFECTS: tuple[Kind, ...] = ("scratch", "stain", "pit", "chip")


def prepared(folder: Path) -> None:
    """A product that has learned twenty good photos and inspected a lot."""
    home = Home.at(folder)
    product = home.new_product(card_for("plate").model_copy(update={"name": "Machined plate"}))
    for i in range(GOOD):
        Image.fromarray(good("plate", i).pixels).save(product.good / f"{i:02}.png")
    lot = product.lot(LOT)
    for i in range(8):
        Image.fromarray(good("plate", 100 + i).pixels).save(lot / f"plate-{10 + 2 * i}.png")
    for i, kind in enumerate(DEFECTS):
        Image.fromarray(defective("plate", kind, 2).pixels).save(lot / f"plate-{11 + 4 * i}.png")
    desk = Desk(home)
    desk.learn(product)
    _wait(desk, product.key)
    desk.inspect(product, LOT)
    _wait(desk, product.key)
    for step in talk(Call(desk, Person("Kim"), "en", folder), At(product.key, LOT, "plate-11.png"), "why 1", []):
        print(step.text)


def _wait(desk: Desk, product: str) -> None:
    while desk.jobs.running(product) is not None:
        time.sleep(0.2)


def _with_fonts(folder: Path) -> Path:
    """What tells Chromium where the fonts of the reports lie, Hangul among them, whatever the machine has."""
    places = "".join(f"<dir>{place}</dir>" for place in font_folders())
    told = folder / "fonts.conf"
    told.write_text(f"<fontconfig>{places}<dir>/usr/share/fonts</dir><cachedir>{folder}/fonts</cachedir></fontconfig>", encoding="utf-8")
    return told


def main() -> None:
    """Serve the workspace, open the scratch, take the picture."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["FONTCONFIG_FILE"] = str(_with_fonts(Path(folder)))
        prepared(Path(folder) / "line4")
        with serving(Path(folder) / "line4", port=PORT) as server, sync_playwright() as play:
            thread = threading.Thread(target=server.run, daemon=True)
            thread.start()
            browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="en-GB")
            while not server.started:
                time.sleep(0.2)
            page.goto(f"http://127.0.0.1:{PORT}/en/?view=inspect&lot={LOT}&file=plate-11.png", wait_until="networkidle")
            page.get_by_label("Your name").fill("Kim")
            page.locator(".sw-heat").wait_for()
            page.locator(".sw-slider input[type=range]").first.fill("45")
            page.locator(".sw-photobar h2").click()  # the focus leaves the slider
            page.locator("#sw-messages .message").first.wait_for()
            page.wait_for_timeout(1500)
            page.screenshot(path=PICTURE)
            browser.close()
            server.should_exit = True
            thread.join()


if __name__ == "__main__":
    main()
