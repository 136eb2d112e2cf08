"""What damaged photos, models, cards, policies, lists and ledgers do: one entry or one clear error each, the rest of the lot inspected.

Each accident is drawn from its own number. What is listed as unforeseen must be nothing: an exception that is none of seewhy's own, a
photo without its entry or refused for want of a better reason, something changed that passes for whole. Photos as large as are read, and
a ledger of many entries (`promises.ledger`), are measured beside them.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import cv2
from PIL import Image

from seewhy.agent.api.learn import fit
from seewhy.agent.inspection.inspector import Inspector
from seewhy.detectors.patchcore import PatchCoreSettings
from seewhy.evals.promises import fuzz_lots, fuzz_read
from seewhy.evals.promises.large import large
from seewhy.evals.run import LITE, measuring
from seewhy.evals.synthetic.surfaces import KINDS, Drawn, defective, good

SIDE_PX = 96
SMALL = PatchCoreSettings(input_px=64, bank_rows=300, candidate_rows=2000, turns="no")
GOOD_PHOTOS, ALPHA = 24, 0.05


def main(out: Path, photos: int = 2000, models: int = 500, texts: int = 500, ledgers: int = 300) -> None:
    """What damaged photos, models, cards, policies, lists and ledgers do, and what the largest photos take.

    Args:
        out: where the figures go.
        photos: damaged photos, in lots.
        models: damaged model folders.
        texts: damaged cards, policies and lists.
        ledgers: damaged ledgers.
    """
    with tempfile.TemporaryDirectory() as name, measuring(out, {"synthetic": True, "weights": LITE}) as table:
        folder = Path(name)
        inspector = small_inspector(folder)
        table.row("photos", fuzz_lots.photos, folder / "photos", inspector, photos)
        table.row("models", fuzz_read.models, folder / "models", folder / "model", folder / "lot" / "scratch.png", models)
        table.row("cards, policies, lists", fuzz_read.texts, folder / "texts", texts)
        table.row("ledgers", fuzz_lots.ledgers, folder / "ledgers", inspector, folder / "lot", ledgers)
        table.row("large photos", large, folder / "large")


def small_inspector(folder: Path) -> Inspector:
    """Fitted on small photos, saved to `model`; with a lot of six of them, two defective, in `lot`."""
    for i in range(GOOD_PHOTOS):
        _save(good("plate", i), folder / "good" / f"{i}.png")
    for i in range(4):
        _save(good("plate", 100 + i), folder / "lot" / f"good-{i}.png")
    for i, kind in enumerate(KINDS[:2]):
        _save(defective("plate", kind, i), folder / "lot" / f"{kind}.png")
    return fit(folder / "good", save=folder / "model", detector="patchcore", settings={"patchcore": SMALL}, alpha=ALPHA)


def _save(drawn: Drawn, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(cv2.resize(drawn.pixels, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)).save(path)
