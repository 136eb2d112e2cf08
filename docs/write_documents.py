"""Draw docs/documents.png: two pages of quality documents, from the synthetic works that the tests use (needs poppler's pdftoppm)."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from PIL import Image
from tests.helpers.photos import as_photo
from tests.helpers.works import works

from seewhy.agent.documents.kinds import make
from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.models.product import ProductModel
from seewhy.card import DefectType, Part, ProductCard, Scale
from seewhy.detectors.patchcore import PatchCore
from seewhy.evals.synthetic.surfaces import good

PAGES = (("lot-certificate", {"lot": "L-1"}), ("study", {"entry": "agreement"}))
DPI, GAP = 64, 10


def main() -> None:
    """Make the ledger, the documents and the picture."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ProductModel.fit([as_photo(good("plate", i), f"{i}.png") for i in range(24)], PatchCore(), product="plate", alpha=0.05).save(
            folder / "model"
        )
        card = ProductCard(
            name="plate",
            defects=(DefectType(name="stain", shape=("patch",)),),
            parts=(Part(name="upper half", box=(0, 0, 1, 0.5)),),
            scale=Scale(mm_per_px=0.05, uncertainty=0.001),
        )
        book = works(folder, Inspector(ProductModel.load(folder / "model"), card=card, alpha=0.05))
        pages = []
        with Ledger(book, read_only=True) as ledger:
            studies = {row.entry.study: str(row.seq) for row in ledger.found("kind = 'study'")}  # type: ignore[union-attr]
            for kind, options in PAGES:
                given = {key: studies.get(value, value) for key, value in options.items()}
                (folder / f"{kind}.pdf").write_bytes(make(ledger, kind, "pdf", **given))
                subprocess.run(["pdftoppm", "-r", str(DPI), "-png", "-f", "1", "-l", "1", f"{kind}.pdf", kind], cwd=folder, check=True)
                pages.append(Image.open(next(folder.glob(f"{kind}-*.png"))).convert("RGB"))
    width, height = sum(p.width for p in pages) + GAP * (len(pages) + 1), max(p.height for p in pages) + 2 * GAP
    sheet, x = Image.new("RGB", (width, height), "#d5dbe2"), GAP
    for page in pages:
        sheet.paste(page, (x, GAP))
        x += page.width + GAP
    sheet.quantize(256, dither=Image.Dither.NONE).save(Path(__file__).parent / "documents.png", optimize=True)


if __name__ == "__main__":
    main()
