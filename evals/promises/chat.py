"""How fast the chat's page answers: the first result, clicks while a batch runs, a lot of a thousand parts, lines that are dragged."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from seewhy.evals.promises.chat_page import in_chromium, spread
from seewhy.evals.run import LITE, measuring
from seewhy.evals.synthetic.chat import Visitor, served
from seewhy.evals.synthetic.homes import crowded
from seewhy.evals.synthetic.surfaces import defective, good
from seewhy.threads import cores

FEW = 5  # good photos of a first model
LARGER = 4  # times the synthetic photos' size, as a camera's are: 1600 x 1280
IDLE = 30  # times that each route is asked while nothing runs
LOT, MANY = "batch", "many"


def main(out: Path, photos: int = 60, parts: int = 1000, people: int = 10) -> None:
    """First result, answers while a batch runs, a lot of a thousand parts, dragged lines, people at once; by HTTP and in Chromium."""
    given = {"weights": LITE, "cores": cores(), "photos_of_the_batch": photos, "parts_of_the_lot": parts}
    with measuring(out, given, "gradio", "playwright", "openvino") as table, tempfile.TemporaryDirectory() as name:
        place = Path(name)
        table.row("first_result", first_result, place / "first")
        drawn = [_larger(place / "photos" / f"{i:03}.jpg", i) for i in range(2 * photos)]
        crowded(place / "w", parts).desk.close()
        with served(place / "w") as address:
            visitor = Visitor(address)
            table.row("large_lot", large_lot, visitor)
            table.row("while_a_batch_runs", answers, visitor, drawn[:photos])
            table.row("while_nothing_runs", answers, visitor, ())
            table.row("chromium", in_chromium, address, lambda: _begun(visitor, drawn[photos:]), people)
            visitor.close()


def first_result(place: Path) -> dict[str, float]:
    """Seconds from five good photos, and from the first part, until its explanation and its contours are there."""
    photos = [_drawn(place / f"good-{i}.png", good("plate", i).pixels) for i in range(FEW)]
    part = _drawn(place / "scratch.png", defective("plate", "scratch", 2).pixels)
    with served(place / "w") as address:
        visitor = Visitor(address)
        product = visitor("create", form={"name": "plate", "defects": [{"name": "scratch"}]})
        began = time.perf_counter()
        visitor("add_good", product=product, files=visitor.upload(photos))
        visitor("learn", product=product)
        _wait(visitor, product)
        learned = time.perf_counter()
        lot = visitor("add_photos", product=product, files=visitor.upload([part]))["lot"]
        _wait(visitor, product)
        seen = visitor("photo", product=product, lot=lot, file="scratch.png")
        visitor.get(seen["photo"])
        visitor.get(seen["heat"])
        done = time.perf_counter()
        visitor.close()
    figures = {"from_the_good_photos_s": done - began, "from_the_part_s": done - learned, "findings": len(seen["findings"])}
    return {name: round(value, 2) for name, value in figures.items()}


def answers(visitor: Visitor, photos: Sequence[Path]) -> dict[str, Any]:
    """How long each route takes, in turns: until the batch is over, or `IDLE` times where nothing runs."""
    routes = _routes(visitor)
    spent: dict[str, list[float]] = {name: [] for name in routes}
    if photos:
        _begun(visitor, photos)
    began = time.perf_counter()
    for name, route in cycle(routes.items()):
        spent[name].append(_ms(route))
        if not (_runs(visitor) if photos else len(spent[name]) < IDLE):
            break
    every = [ms for one in spent.values() for ms in one]
    return {"seconds": round(time.perf_counter() - began, 1), "all": spread(every)} | {name: spread(ms) for name, ms in spent.items() if ms}


def large_lot(visitor: Visitor) -> dict[str, Any]:
    """A page of a large lot, and what its lines need: how long, how many bytes."""
    at = {"product": "plate", "lot": MANY}
    first = _ms(lambda: visitor("gallery", **at))  # the ledger is read once
    one, lines = visitor("gallery", **at), visitor("line", **at)
    page = {"first_ms": round(first), "pages": one["pages"], "photos_of_a_page": len(one["items"])}
    page |= {"page_bytes": len(json.dumps(one)), "lines_bytes": len(json.dumps(lines)), "photos_of_the_lines": len(lines["photos"])}
    asked = {"page": [_ms(partial(visitor, "gallery", **at, page=number)) for number in range(one["pages"])]}
    asked["lines"] = [_ms(lambda: visitor("line", **at)) for _ in range(10)]
    return page | {name: spread(ms) for name, ms in asked.items()}


def _routes(visitor: Visitor) -> Mapping[str, Callable[[], Any]]:
    """What a person at the page asks for, the pictures among it."""
    at, seen = {"product": "plate", "lot": "l1"}, "/pictures/plate/{}/l1/stain.png"
    entry = visitor("photo", **at, file="stain.png")["seq"]
    return {
        "state": lambda: visitor("state", product="plate"),
        "gallery": lambda: visitor("gallery", product="plate", lot=LOT),
        "photo": lambda: visitor("photo", **at, file="stain.png"),
        "picture": lambda: visitor.get(seen.format("photo")),
        "heat": lambda: visitor.get(seen.format("heat")),
        "similar": lambda: visitor("similar", product="plate", entry=entry, finding=1),
        "line": lambda: visitor("line", **at),
        "documents": lambda: visitor("documents", **at, file="stain.png"),
        "comment": lambda: visitor("comment", **at, file="stain.png", words="seen"),
    }


def _begun(visitor: Visitor, photos: Sequence[Path]) -> None:
    """A batch that runs."""
    visitor("add_photos", product="plate", files=visitor.upload(photos), lot=LOT)


def _runs(visitor: Visitor, product: str = "plate") -> bool:
    job = visitor("job", product=product)
    return job is not None and job["state"] == "running"


def _wait(visitor: Visitor, product: str) -> None:
    while _runs(visitor, product):
        time.sleep(0.05)


def _ms(act: Callable[[], Any]) -> float:
    began = time.perf_counter()
    act()
    return 1000 * (time.perf_counter() - began)


def _larger(path: Path, seed: int) -> Path:
    pixels = defective("plate", "scratch", seed).pixels if seed % 6 == 0 else good("plate", 200 + seed).pixels
    small = Image.fromarray(pixels)
    return _drawn(path, np.asarray(small.resize((LARGER * small.width, LARGER * small.height), Image.Resampling.BICUBIC)))


def _drawn(path: Path, pixels: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, quality=92)
    return path
