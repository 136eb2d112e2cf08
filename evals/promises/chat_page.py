"""The chat's page in Chromium: how long clicks take while a batch runs, how a large lot scrolls, how fast lines are drawn anew."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

CLICKS = 12  # of each kind
TOLD_MS = 60_000  # that anything may take at most
TIMED = """async () => {{
  const one = (where) => document.querySelector(where);
  const before = one('{before}');
  const until = performance.now() + {most};
  const began = performance.now();
  one('{click}').click();
  while (!({done}) && performance.now() < until) await new Promise(requestAnimationFrame);
  return performance.now() - began;
}}"""
# What is clicked, what is looked at, and when it stands anew: in the order in which somebody goes through them.
CLICKED: Mapping[str, tuple[str, str, str]] = {
    "filter": (".sw-chip", ".sw-gallery", "one('.sw-gallery') && one('.sw-gallery') !== before"),
    "open a photo": (".sw-tile", ".sw-base", "one('.sw-base')?.complete"),
    "next photo": (".sw-photobar [aria-label=Next]", ".sw-base", "one('.sw-base')?.complete && one('.sw-base') !== before"),
    "back to the lot": (".sw-photobar button", ".sw-gallery", "one('.sw-gallery')"),
    "thresholds": ("#sw-tab-line", ".sw-histogram", "one('.sw-histogram')"),
    "set up": ("#sw-tab-setup", ".sw-shelf", "one('.sw-shelf')"),
    "inspect": ("#sw-tab-inspect", ".sw-gallery", "one('.sw-gallery')"),
}
SCROLLED = """async () => {
  const view = document.querySelector('.sw-view');
  const frames = [];
  let last = performance.now();
  for (let at = 0; at < view.scrollHeight - view.clientHeight; at += 30) {
    view.scrollTop = at;
    const now = await new Promise(requestAnimationFrame);
    frames.push(now - last);
    last = now;
  }
  return frames.slice(1);
}"""
# From the key until the frame that shows it is painted: the task after the next frame.
DRAGGED = """async () => {
  const line = document.querySelector('.sw-handle.ask');
  const spent = [];
  for (let i = 0; i < 40; i += 1) {
    const began = performance.now();
    line.dispatchEvent(new KeyboardEvent('keydown', { key: i % 20 < 10 ? 'ArrowLeft' : 'ArrowRight', bubbles: true }));
    document.body.getBoundingClientRect();
    const judged = performance.now() - began;
    await new Promise(requestAnimationFrame);
    await new Promise((go) => setTimeout(go));
    spent.push([judged, performance.now() - began]);
  }
  return spent;
}"""


def spread(ms: Sequence[float]) -> dict[str, float]:
    """Of milliseconds: how many, the median, the 95th percentile and the slowest."""
    middle, high = np.percentile(ms, (50, 95))
    return {"asked": len(ms), "median_ms": round(float(middle), 1), "p95_ms": round(float(high), 1), "most_ms": round(max(ms), 1)}


def in_chromium(address: str, begin: Callable[[], None], people: int) -> dict[str, Any]:
    """Figures of the page in a browser; or that none is here.

    Args:
        address: of a server whose product "plate" has the lots "l1", "many" and, once it begins, "batch".
        begin: begins a batch.
        people: that are at the page at once.
    """
    found = shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        return {"not_here": "playwright"}
    if found is None:
        return {"not_here": "chromium"}
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=found, args=["--no-sandbox"])
        try:
            return {
                "large_lot": _large_lot(browser, address),
                "lines": _lines(browser, address),
                "people_at_once": _people(browser, address, people),
                "clicks_while_a_batch_runs": _clicks(browser, address, begin),
            }
        finally:
            browser.close()


def _opened(browser: Any, address: str, query: str) -> Any:
    context = browser.new_context(locale="en-GB", viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(TOLD_MS)
    page.goto(f"{address}/en/?product=plate&{query}")
    page.locator(".sw-bar").wait_for()
    return page


def _clicks(browser: Any, address: str, begin: Callable[[], None]) -> dict[str, Any]:
    """Each click, while photos are inspected."""
    page = _opened(browser, address, "lot=batch&view=inspect")
    begin()
    page.locator(".sw-job").wait_for(state="visible")
    page.locator(".sw-tile").nth(1).wait_for()
    spent: dict[str, list[float]] = {name: [] for name in CLICKED}
    rounds = 0
    while rounds < CLICKS and page.locator(".sw-job").is_visible():
        for name, (click, before, done) in CLICKED.items():
            spent[name].append(page.evaluate(TIMED.format(click=click, before=before, done=done, most=TOLD_MS)))
        rounds += 1
    page.context.close()
    every = [ms for one in spent.values() for ms in one]
    return {"all": spread(every)} | {name.replace(" ", "_"): spread(ms) for name, ms in spent.items()}


def _large_lot(browser: Any, address: str) -> dict[str, Any]:
    """A page of a large lot after the other, and the frames while it is scrolled."""
    page = _opened(browser, address, "lot=many&view=inspect")
    page.locator(".sw-tile").nth(20).wait_for()
    _, before, done = CLICKED["filter"]
    following = TIMED.format(click=".sw-pager button:last-of-type", before=before, done=done, most=TOLD_MS)
    pages = [page.evaluate(following) for _ in range(CLICKS)]
    page.wait_for_load_state("networkidle")
    frames = page.evaluate(SCROLLED)
    tiles, nodes = page.locator(".sw-tile").count(), page.evaluate("document.querySelectorAll('.sw-view *').length")
    page.context.close()
    return {"next_page": spread(pages), "frame_while_scrolling": spread(frames), "tiles": tiles, "elements": nodes}


def _lines(browser: Any, address: str) -> dict[str, Any]:
    """A line that moves over a large lot: until all is judged and laid out, and until it is painted."""
    page = _opened(browser, address, "lot=many&view=line")
    page.locator(".sw-handle.ask").wait_for()
    page.wait_for_load_state("networkidle")
    photos = page.locator(".sw-spot").count()
    spent = page.evaluate(DRAGGED)
    page.context.close()
    return {"photos": photos, "judged": spread([one for one, _ in spent]), "painted": spread([one for _, one in spent])}


def _people(browser: Any, address: str, people: int) -> dict[str, int]:
    """How many of those who are at the page at once find what each looked at after all have loaded it anew."""
    views, lots = ("setup", "inspect", "line", "documents"), ("l1", "many")
    at = [(f"Person {i}", views[i % 4], lots[i % 2]) for i in range(people)]
    pages = [_opened(browser, address, f"lot={lot}&view={view}") for _, view, lot in at]
    for page, (name, *_) in zip(pages, at, strict=True):
        page.get_by_label("Your name").fill(name)
        page.keyboard.press("Tab")
    for page in pages:
        page.reload()
    kept = 0
    for page, (name, view, lot) in zip(pages, at, strict=True):
        page.locator(f".sw-in.{view}").wait_for()
        page.wait_for_function("() => window.seewhyAt?.me")
        shown = page.evaluate("() => [seewhyAt.me, seewhyAt.lot]")
        kept += [page.get_by_label("Your name").input_value(), *shown] == [name, name, lot]
        page.context.close()
    return {"people": people, "kept": kept}
