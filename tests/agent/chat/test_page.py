"""The page in a browser, from an empty workspace to the first report, in each language; one server for all."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import pytest
from PIL import Image
from pypdf import PdfReader
from tests.helpers.packages import needs

from seewhy.agent.chat.workspace import Home
from seewhy.agent.ledger.store import Ledger
from seewhy.evals.synthetic.chat import served
from seewhy.evals.synthetic.surfaces import defective, good
from seewhy.people import PersonsEntry
from seewhy.prompts import catalogue

pytestmark = [
    pytest.mark.slow,
    needs("gradio", "playwright", "axe_playwright_python"),
    pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium"),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]
CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")  # Chromium's own test picture
WAIT_MS = 300_000  # for learning on a machine that is busy
SAID = {
    "en": "This is a machined plate. Scratches and stains matter, dust does not.",
    "ko": "이건 가공 플레이트입니다. 긁힘, 얼룩이 중요하고, 먼지는 괜찮습니다.",
}
NAMED = {"en": ("machined plate", "Scratches\nstains"), "ko": ("가공 플레이트", "긁힘\n얼룩")}

# All that is read or heard on the page, and what a sentence in English looks like: three words of letters alone.
TEXTS = """(where) => {
  const found = [];
  for (const one of document.querySelectorAll(where)) {
    const walker = document.createTreeWalker(one, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) if (!walker.currentNode.parentElement.closest('script, style, code')) found.push(walker.currentNode.data);
    for (const named of one.querySelectorAll('[aria-label], [title], [placeholder], [alt]')) {
      for (const name of ['aria-label', 'title', 'placeholder', 'alt']) found.push(named.getAttribute(name) ?? '');
    }
  }
  return found;
}"""
ENGLISH = re.compile(r"[A-Za-z]{2,}(?:[ ,;:']+[A-Za-z]{2,}){2,}")
# What the test itself enters in English.
ENTERED = (
    SAID["en"],
    "JPEG, PNG, TIFF",
    "drawn on the first photo",
    "seen under the lamp",
    "no rework is allowed",
    "seen with the supplier",
    "more may be asked about",
    "every month",
)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for i in range(5):
        Image.fromarray(good("plate", i).pixels).save(folder / f"good-{i}.png")
    for i in range(6):
        Image.fromarray(good("plate", 100 + i).pixels).save(folder / f"part-{i}.png")
    Image.fromarray(defective("plate", "scratch", 2).pixels).save(folder / "scratch.png")
    Image.fromarray(defective("plate", "stain", 1).pixels).save(folder / "stain <b>.png")
    (folder / "page.svg").write_text("<svg onload=alert(1) />", "utf-8")
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """(address, workspace) of a server on an empty workspace."""
    workspace = tmp_path_factory.mktemp("workspace") / "w"
    video = filmed(tmp_path_factory.mktemp("video") / "belt.avi")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        with served(workspace, "--camera", f"belt={video}") as address:
            yield address, workspace


def filmed(path: Path) -> Path:
    """A video of a plate, in the place of a camera."""
    picture = cv2.cvtColor(good("plate", 110).pixels, cv2.COLOR_RGB2BGR)
    film = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (picture.shape[1], picture.shape[0]))
    for _ in range(20):
        film.write(picture)
    film.release()
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        found = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", *CAMERA])
        yield found
        found.close()


class Page:
    """A page in one language, its words at hand."""

    def __init__(self, browser: Any, address: str, language: str, **how: Any) -> None:
        self.language, self.words = language, catalogue(language)
        self.context = browser.new_context(
            locale={"en": "en-GB", "ko": "ko-KR"}[language], **({"viewport": {"width": 1440, "height": 900}} | how)
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(60_000)
        self.faults: list[str] = []
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("dialog", lambda dialog: self.faults.append(f"dialog {dialog.message}"))
        self.outside: list[str] = []
        self.page.on("request", lambda r: None if r.url.startswith((address, "data:", "blob:")) else self.outside.append(r.url))
        self.page.goto(address)

    def word(self, key: str, **values: Any) -> str:
        return self.words[f"chat.{key}"].format(**values)

    def press(self, key: str) -> None:
        self.page.locator(".sw-app").get_by_role("button", name=self.word(key), exact=True).first.click()

    def tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=self.word(f"tab_{name}")).click()

    def drop(self, *files: Path) -> None:
        self.page.locator("input.sw-file").set_input_files(list(files))

    def answer(self, text: str) -> None:
        """In the dialog that is open."""
        self.page.locator("dialog input").fill(text)
        self.page.keyboard.press("Enter")
        self.page.locator("dialog").wait_for(state="detached")

    def say(self, words: str) -> None:
        box = self.page.locator("#sw-say textarea")
        box.fill(words)
        box.press("Enter")

    def idle(self) -> None:
        """Until no job runs."""
        self.page.wait_for_function("document.querySelector('.sw-job').hidden", timeout=WAIT_MS)

    def accessible(self) -> list[str]:
        """What axe-core finds against WCAG 2.2 A and AA."""
        from axe_playwright_python.sync_playwright import Axe

        rules = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
        found = Axe().run(self.page, options=rules).response["violations"]
        return [f"{one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"]]

    def sound(self, where: str = ".sw-app, #sw-talk") -> None:
        """What stands on the page now can be reached by everybody, and is in its language."""
        assert self.accessible() == []
        if self.language == "ko":
            found = [one for one in self.page.evaluate(TEXTS, where) if ENGLISH.search(one)]
            assert [one for one in found if not any(own in one for own in ENTERED)] == []

    def close(self) -> None:
        self.context.close()
        assert self.faults == []
        assert self.outside == []


def download(at: Page, name: str) -> bytes:
    """A document of the Documents tab, as a PDF."""
    with at.page.expect_download() as found:
        at.page.get_by_role("link", name=at.word("save_as", name=name, format="PDF"), exact=True).click()
    return Path(found.value.path()).read_bytes()


@pytest.mark.parametrize("language", ["en", "ko"])
def test_from_words_to_the_first_report(browser: Any, server: tuple[str, Path], photos: Path, tmp_path: Path, language: str) -> None:
    address, workspace = server
    at = Page(browser, address, language)
    page = at.page
    page.locator(".sw-bar").wait_for()
    assert page.evaluate("document.documentElement.lang") == language
    if page.locator(".sw-begin").count() == 0:  # the workspace has the other language's product
        page.locator(".sw-bar select").select_option("")
    page.locator(".sw-begin").wait_for()
    at.sound(".sw-app")  # beside it stands what was said before, in another language
    at.say(SAID[language])
    name, defects = NAMED[language]
    page.wait_for_function("name => document.querySelector('.sw-begin input').value === name", arg=name)
    assert page.get_by_label(at.word("card_defects")).input_value() == defects
    before = len(Home.at(workspace).products())
    at.press("begin")
    page.locator(".sw-drop").wait_for()
    assert len(Home.at(workspace).products()) == before + 1

    at.drop(*sorted(photos.glob("good-*.png")), photos / "page.svg")
    page.locator(".sw-shelf li").nth(4).wait_for()
    assert page.locator(".sw-toast.problem").count() == 1
    at.press("learn")
    page.get_by_role("button", name=at.word("to_inspect")).wait_for(timeout=WAIT_MS)
    at.sound()
    at.press("to_inspect")
    page.locator(".sw-drop").wait_for()
    began = time.monotonic()
    at.drop(photos / "scratch.png", photos / "stain <b>.png", photos / "part-0.png", photos / "part-1.png")
    page.locator(".sw-tile").first.wait_for(timeout=WAIT_MS)
    print(f"\n{language}: first result after {time.monotonic() - began:.1f} s")
    page.locator(".sw-tile").nth(3).wait_for(timeout=WAIT_MS)
    at.idle()
    at.sound()
    page.screenshot(path=tmp_path / "gallery.png")

    page.locator(".sw-tile", has_text="scratch.png").click()
    page.locator(".sw-region").first.wait_for()
    at.sound()
    page.locator(".sw-region .sw-number").first.click()
    page.locator(".sw-finding.open").wait_for()
    page.keyboard.press("h")
    page.keyboard.press("g")
    page.screenshot(path=tmp_path / "photo.png")
    at.say({"en": "why 1", "ko": "1번 왜"}[language])
    page.locator("#sw-messages", has_text=page.locator(".sw-finding-body p").first.inner_text()[:20]).wait_for()
    for closed in page.locator(".sw-facts details").all():
        closed.evaluate("one => { one.open = true; }")
    at.sound()
    at.press("name_it")
    page.locator("dialog input").fill({"en": "scratch", "ko": "긁힘"}[language])
    page.keyboard.press("Enter")
    page.locator("dialog", has_text=at.word("name_wanted")).wait_for()  # nobody said so far who decides
    at.answer("Kim")
    page.locator(".sw-finding-type", has_text={"en": "scratch", "ko": "긁힘"}[language]).wait_for()
    at.press("agree")
    page.locator(".sw-people li").wait_for()
    assert page.locator(".sw-name").input_value() == "Kim"

    page.keyboard.press("Escape")
    page.locator(".sw-tile", has_text="part-0.png").click()
    page.locator(".sw-decide").wait_for()
    page.locator(".sw-decide").get_by_role("button", name=at.word("decide_pass"), exact=True).click()
    at.answer("seen under the lamp <script>alert(1)</script>")
    page.locator(".sw-people li").wait_for()
    at.press("missed")
    box = page.locator(".sw-frame-big").bounding_box()
    page.mouse.move(box["x"] + 200, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 280, box["y"] + 250, steps=4)
    page.mouse.up()
    page.get_by_label(at.word("type")).fill("dent")
    at.press("enter_missed")
    page.locator(".sw-verdict.fail").wait_for()
    at.press("dispose")
    page.get_by_label(at.word("action"), exact=True).select_option("scrap")
    page.get_by_label(at.word("reason"), exact=True).fill("no rework is allowed")
    at.sound()
    page.screenshot(path=tmp_path / "disposition.png")
    at.press("enter")
    page.locator(".sw-people li").nth(2).wait_for()
    at.press("sign")
    page.get_by_label(at.word("own_role"), exact=True).fill("quality")
    page.get_by_label(at.word("reason"), exact=True).fill("seen with the supplier")
    at.press("enter")
    page.locator(".sw-people li").nth(3).wait_for()

    at.tab("line")
    page.locator(".sw-histogram").wait_for()
    at.sound()
    told = page.locator(".sw-big").inner_text()
    assert told == at.word("counts_none", photos=5)
    assert page.locator(".sw-group.pass img").count() == 0
    page.get_by_role("slider", name=at.word("line_ask")).focus()
    page.keyboard.press("ArrowLeft")
    assert page.locator(".sw-big").inner_text() != told
    page.screenshot(path=tmp_path / "line.png")
    at.press("adopt_line")
    at.answer("more may be asked about")
    page.locator(".sw-toast", has_text=at.word("adopted")).wait_for()

    at.tab("documents")
    page.locator(".sw-documents li").first.wait_for()
    assert page.locator(".sw-papers h2").all_inner_texts() == [
        f"{at.word(key)} {about}"
        for key, about in (("this_lot", page.evaluate("seewhyAt.lot")), ("this_part", "part-0.png"), ("this_product", name))
    ]
    ncr = at.words["ncr.title"]
    assert download(at, at.words["chat.lot_report"]).startswith(b"%PDF")
    (tmp_path / "ncr.pdf").write_bytes(download(at, ncr))
    told = "".join(one.extract_text() for one in PdfReader(tmp_path / "ncr.pdf").pages)
    assert ncr in told
    assert "part-0.png" in told
    page.frame_locator(".sw-preview iframe").locator("h1").wait_for()
    at.sound()
    page.screenshot(path=tmp_path / "documents.png", full_page=True)
    at.say({"en": "ncr", "ko": "부적합 보고서"}[language])
    page.locator(f'.sw-preview iframe[title="{ncr}"]').wait_for()
    page.frame_locator(".sw-preview iframe").locator("h1", has_text=ncr).wait_for()
    at.press("start_study")
    at.answer("every month")
    study = at.words["study.title"]
    page.locator(f'.sw-preview iframe[title="{study}"]').wait_for()
    page.frame_locator(".sw-preview iframe").locator("h1", has_text=study).wait_for()
    at.close()
    product = next(one for one in Home.at(workspace).products() if one.card.name == name)
    with Ledger(product.ledger, read_only=True) as ledger:
        people = [row.entry for row in ledger.rows() if isinstance(row.entry, PersonsEntry)]
    kinds = ["review", "review", "missed_defect", "disposition", "sign_off", "settings_change", "study"]
    assert [one.kind for one in people] == kinds
    assert {one.by for one in people} == {"Kim"}


def at_product(browser: Any, server: tuple[str, Path], language: str) -> tuple[Page, Path]:
    """Kim's page at the product that the first report was made of, and the workspace."""
    address, workspace = server
    at = Page(browser, address, language)
    at.page.get_by_label(at.word("your_name")).fill("Kim")
    at.page.keyboard.press("Tab")
    at.page.locator(".sw-bar select").select_option(label=NAMED[language][0])
    return at, workspace


@pytest.mark.parametrize("language", ["en", "ko"])
def test_zones_outline_and_scale_are_drawn_and_good_photos_sorted(browser: Any, server: tuple[str, Path], language: str) -> None:
    at, workspace = at_product(browser, server, language)
    page = at.page
    at.tab("setup")
    at.press("draw_on")
    page.locator(".sw-frame-big").wait_for()
    page.wait_for_function("document.querySelector('.sw-base').complete")
    box = page.locator(".sw-sheet").bounding_box()
    place = lambda x, y: (box["x"] + x * box["width"], box["y"] + y * box["height"])  # noqa: E731
    page.mouse.move(*place(0.1, 0.1))
    page.mouse.down()
    page.mouse.move(*place(0.6, 0.5), steps=4)
    page.mouse.up()
    page.keyboard.type({"en": "sealing face", "ko": "밀봉면"}[language])
    page.keyboard.press("Tab")
    at.press("draw_outline")
    for corner in ((0.05, 0.05), (0.95, 0.05), (0.95, 0.95), (0.05, 0.95), (0.5, 0.5)):
        page.mouse.click(*place(*corner))
    page.keyboard.press("Backspace")
    page.keyboard.press("Enter")
    page.locator(".sw-own polygon.outline").wait_for()
    at.press("draw_scale")
    page.mouse.click(*place(0.2, 0.3))
    page.mouse.click(*place(0.8, 0.3))
    page.get_by_label(at.word("length"), exact=True).fill("30")
    page.get_by_label(at.word("length_sure"), exact=True).fill("0.1")
    at.press("work_out")
    page.locator(".sw-big").wait_for()
    at.sound()
    at.press("take_over")
    page.locator(".sw-diff td ins").nth(2).wait_for()
    product = next(one for one in Home.at(workspace).products() if one.card.name == NAMED[language][0])
    assert product.card.parts == ()  # nothing is saved before the click
    at.sound()
    at.press("save_card")
    at.answer("drawn on the first photo")
    page.locator(".sw-toast", has_text=at.word("saved")).wait_for()
    card = product.card
    assert card.parts[0].box == pytest.approx((0.1, 0.1, 0.6, 0.5), abs=0.02)
    assert len(card.outline) == 4
    assert card.scale is not None
    width = Image.open(product.good_photos()[0]).width
    assert card.scale.mm_per_px == pytest.approx(30 / (0.6 * width), rel=0.02)
    assert card.scale.uncertainty > card.scale.mm_per_px * 0.1 / 30

    at.press("look_at_odd")
    page.locator(".sw-heat").wait_for()
    oddest = page.locator(".sw-photobar h2").inner_text()
    at.sound()
    page.keyboard.press("d")
    page.wait_for_function("name => document.querySelector('.sw-photobar h2').textContent !== name", arg=oddest)
    page.keyboard.press("k")
    page.locator(".sw-app").get_by_role("button", name=at.word("odd_done", count=1)).click()
    page.locator("dialog select").select_option("defective")
    at.answer("not plainly good")
    page.locator(".sw-shelf li").nth(3).wait_for()
    assert not (product.good / oddest).exists()
    assert (product.folder / "aside" / oddest).is_file()

    at.tab("inspect")
    page.locator(".sw-tile").first.wait_for()
    page.locator(".sw-app").get_by_role("button", name=re.compile(at.word("telling", count=r"\d"))).click()
    page.locator(".sw-photobar h2").wait_for()
    first = page.locator(".sw-photobar h2").inner_text()
    at.sound()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("name => document.querySelector('.sw-photobar h2').textContent !== name", arg=first)
    at.close()


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_camera_takes_photos_into_the_lot(browser: Any, server: tuple[str, Path], language: str) -> None:
    at, workspace = at_product(browser, server, language)
    page = at.page
    product = next(one for one in Home.at(workspace).products() if one.card.name == NAMED[language][0])
    at.tab("inspect")
    page.locator(".sw-drop").wait_for()
    at.press("camera")
    page.locator(".sw-seen img").wait_for()
    shoot = page.get_by_role("button", name=at.word("shoot"))
    for source, prefix in (("belt", "belt-"), ("", "camera-")):  # of the server, of the browser
        page.locator(".sw-camera select").select_option(source)
        page.wait_for_function("!document.querySelector('.sw-camera .sw-button.main').disabled")
        at.sound()
        shoot.click() if source else page.keyboard.press(" ")
        page.locator(".sw-tile-name", has_text=prefix).first.wait_for(timeout=WAIT_MS)
    at.press("camera_off")
    page.locator(".sw-drop").wait_for()
    at.idle()
    assert {path.name.split("-")[0] for path in product.lot(product.lots()[0]).iterdir()} >= {"belt", "camera"}
    (product.incoming / "from-the-line.png").write_bytes(product.good_photos()[0].read_bytes() + b"\0")
    page.locator(".sw-tile-name", has_text="from-the-line").wait_for(timeout=WAIT_MS)
    at.idle()
    assert not (product.incoming / "from-the-line.png").exists()
    at.close()


def test_ten_people_at_once_keep_what_each_looks_at(browser: Any, server: tuple[str, Path]) -> None:
    address, _ = server
    people = [Page(browser, address, ("en", "ko")[i % 2]) for i in range(10)]
    views = ("setup", "inspect", "line", "documents", "inspect")
    for i, one in enumerate(people):
        one.page.get_by_label(one.word("your_name")).fill(f"Person {i}")
        one.page.keyboard.press("Tab")
        one.page.locator(".sw-bar select").select_option(label=NAMED[one.language][0])
        one.tab(views[i % 5])
    for one in people:
        one.page.reload()
    for i, one in enumerate(people):
        one.page.locator(f".sw-in.{views[i % 5]}").wait_for()
        assert one.page.get_by_label(one.word("your_name")).input_value() == f"Person {i}"
        assert one.page.evaluate("document.querySelector('.sw-select select').selectedOptions[0].textContent") == NAMED[one.language][0]
        assert one.page.get_by_role("tab", selected=True).inner_text() == one.word(f"tab_{views[i % 5]}")
        one.close()


# How long a click takes until the gallery stands anew, ten times.
CLICKED = """async () => {
  const spent = [];
  for (let i = 0; i < 10; i += 1) {
    const before = document.querySelector('.sw-gallery');
    const began = performance.now();
    document.querySelector('.sw-chip').click();
    while ([before, null].includes(document.querySelector('.sw-gallery'))) await new Promise((go) => setTimeout(go, 5));
    spent.push(performance.now() - began);
  }
  return spent.sort((a, b) => a - b);
}"""


def test_a_reload_in_mid_batch_and_a_second_tab_show_the_same(browser: Any, server: tuple[str, Path], photos: Path) -> None:
    address, _ = server
    one = Page(browser, address, "en")
    one.page.locator(".sw-bar select").wait_for()
    one.page.locator(".sw-bar select").select_option(label="machined plate")
    one.tab("inspect")
    one.page.locator(".sw-drop").wait_for()
    one.drop(*sorted(photos.glob("part-*.png")))
    one.page.locator(".sw-job").wait_for(state="visible")
    one.press("pause")
    one.page.get_by_role("button", name=one.word("resume")).wait_for()
    one.page.reload()
    one.page.get_by_role("button", name=one.word("resume")).wait_for()
    second = one.context.new_page()
    second.goto(one.page.url)
    second.get_by_role("button", name=one.word("resume")).click()
    one.page.locator(".sw-gallery").wait_for(timeout=WAIT_MS)
    spent_ms = one.page.evaluate(CLICKED)
    print(f"\na click while a batch runs: median {spent_ms[5]:.0f} ms, slowest of ten {spent_ms[9]:.0f} ms")
    one.idle()
    one.page.wait_for_function("document.querySelectorAll('.sw-tile').length >= 6", timeout=WAIT_MS)
    second.wait_for_function("document.querySelectorAll('.sw-tile').length >= 6", timeout=WAIT_MS)
    assert one.page.locator(".sw-tile-name").all_inner_texts() == second.locator(".sw-tile-name").all_inner_texts()
    one.close()


@pytest.mark.parametrize(("width", "scheme"), [(820, "light"), (1024, "dark")])
def test_a_tablet_shows_all_of_it_and_no_more_than_its_width(browser: Any, server: tuple[str, Path], width: int, scheme: str) -> None:
    address, _ = server
    at = Page(browser, f"{address}", "en", viewport={"width": width, "height": 1100}, color_scheme=scheme)
    at.page.locator(".sw-bar select").wait_for()
    at.page.locator(".sw-bar select").select_option(label="machined plate")
    at.tab("inspect")
    at.page.locator(".sw-tile").first.click()
    at.page.locator(".sw-stage").wait_for()
    assert at.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert at.accessible() == []
    at.press("talk")
    at.page.locator("#sw-say textarea").wait_for(state="visible")
    assert at.page.evaluate("document.body.classList.contains('dark')") == (scheme == "dark")
    at.close()


REJUDGED = """async () => {
  const { Lines } = await import('/static/line.js');
  const step = (i) => ({ rank: i + 1, score: 100 - i / 10, rate: (i + 1) / 1001, mean: i / 10, low: 0, high: i });
  const photo = (i) => ({ file: `${i}`, score: 40 + i / 10, stands: 'pass', known: false, thumbnail: '' });
  const steps = Array.from({ length: 400 }, (_, i) => step(i));
  const photos = Array.from({ length: 1000 }, (_, i) => photo(i));
  const now = { now: { fail: 99.6, ask: 98.1 }, rates: { alpha: 0.005, review: 0.015 } };
  const data = { good: steps.map((step) => step.score), steps, fail: 5, ask: 20, supported: true, wanted: [], photos, ...now };
  const app = { at: {}, may: () => true };
  const place = document.createElement('div');
  document.querySelector('.sw-app').append(place);
  const lines = new Lines(app, place, data);
  lines.draw();
  const spent = [];
  for (let rank = 20; rank < 60; rank += 1) {
    const began = performance.now();
    lines.set('ask', rank);
    place.getBoundingClientRect();
    spent.push(performance.now() - began);
  }
  place.remove();
  return spent.sort((a, b) => a - b)[20];
}"""


def test_a_thousand_photos_are_rejudged_as_the_line_moves(browser: Any, server: tuple[str, Path]) -> None:
    address, _ = server
    at = Page(browser, address, "en")
    at.page.locator(".sw-bar").wait_for()
    spent_ms = at.page.evaluate(REJUDGED)
    print(f"\n1,000 photos judged anew in {spent_ms:.0f} ms")
    assert spent_ms < 100
    at.close()
