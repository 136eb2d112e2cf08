"""What was tried to make fits and lots faster on two cores: searches, passes of PatchCore's encoder, a JPEG's size; processor time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import simplejpeg

from seewhy.detectors.parts.bank import MemoryBank
from seewhy.detectors.parts.patches import patches
from seewhy.detectors.parts.ways import Spec, Way
from seewhy.detectors.patchcore import PatchCoreSettings
from seewhy.evals.run import LITE, measuring, processor_ms
from seewhy.evals.synthetic.surfaces import good
from seewhy.nearest import faiss
from seewhy.pictures import jpeg
from seewhy.threads import in_order, side_by_side

TURNS = 8  # of each, of which the fastest counts: other work only makes a turn slower
QUALITY = 92  # of the JPEG
PASSES = 8  # of the encoder in a turn


def main(out: Path) -> None:
    """Milliseconds of searches, of passes of the encoder, alone and two at a time, and of a large JPEG."""
    faiss.omp_set_num_threads(1)
    with measuring(out, {"weights": LITE, "turns": TURNS}, "openvino") as table:
        table.row("search_of_5000_rows_ms", _search)
        table.row("passes_ms", _passes)
        table.row("jpeg_of_12_megapixels", _decoded)


def _search() -> dict[str, float]:
    """A photo's patches against a coreset, whose later rows lie nearer: one row, eight, two photos at once, some rows passed over."""
    rng = np.random.default_rng(0)
    cells, rows = (rng.standard_normal((count, 304)).astype(np.float32) for count in (2 * 572, 5000))
    rows *= np.linspace(3, 1, len(rows), dtype=np.float32)[:, None]
    bank, one = MemoryBank.build(rows), cells[:572]
    without = bank.excluding(np.arange(0, 5000, 120))
    spent = _fastest(
        {
            "nearest": lambda: bank.search(one, 1),
            "eight_nearest": lambda: bank.search(one, 8),
            "two_photos": lambda: bank.search(cells, 1),
            "but_a_photos_rows": lambda: without.search(one, 1),
        }
    )
    return {name: round(whole, 1) for name, whole in spent.items()}


def _passes() -> dict[str, float]:
    """A photo's: alone, two at a time by two streams of one network, and by two networks of one thread."""
    ways = tuple(Way(look.layers, look.pool, look.unit_length) for look in PatchCoreSettings().looks())
    photo = np.random.default_rng(0).integers(0, 256, (352, 416, 3)).astype(np.uint8)
    networks = [patches(Spec("efficientnet-lite0", ways)) for _ in range(2)]
    spent = _fastest(
        {
            "alone": lambda: [networks[0](photo) for _ in range(PASSES)],
            "two_streams": lambda: list(side_by_side(networks[0], [photo] * PASSES, 2)),
            "two_networks": lambda: list(in_order(lambda number: networks[number % 2](photo), range(PASSES), 2)),
        }
    )
    return {name: round(whole / PASSES, 1) for name, whole in spent.items()}


def _decoded() -> dict[str, Any]:
    """A JPEG decoded whole, and at a half and a quarter of its sides: milliseconds, and levels from the whole one shrunk by areas."""
    noise = np.random.default_rng(0).normal(0, 4, (3000, 4000, 3))
    whole = cv2.resize(good("brick", 3).pixels, (4000, 3000), interpolation=cv2.INTER_CUBIC) + noise
    data = jpeg(np.clip(whole, 0, 255).astype(np.uint8), QUALITY)
    readers: dict[str, Callable[[], Any]] = {"whole": lambda: simplejpeg.decode_jpeg(data)}
    for part, name in ((2, "half"), (4, "quarter")):
        readers[name] = partial(simplejpeg.decode_jpeg, data, min_height=3000 // part, min_width=4000 // part, min_factor=1)
    first, *smaller = (np.asarray(read(), np.int16) for read in readers.values())
    apart = [np.abs(one - cv2.resize(first, one.shape[1::-1], interpolation=cv2.INTER_AREA)) for one in smaller]
    return {
        "ms": {name: round(spent, 1) for name, spent in _fastest(readers).items()},
        "levels_apart_mean_and_most": {
            name: [round(float(one.mean()), 2), int(one.max())] for name, one in zip(("half", "quarter"), apart, strict=True)
        },
    }


def _fastest(actions: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Milliseconds of processor time of each, taking turns."""
    spent = processor_ms({name: lambda _, action=action: action() for name, action in actions.items()}, TURNS)  # type: ignore[misc]
    return {name: min(values) for name, values in spent.items()}
