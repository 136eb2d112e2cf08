"""Choose PatchCore's one setting for all products by leaving one product out, and say what each choice would have cost.

Every candidate is measured on every product. For each product the candidate that is best on the *others* is named, and its figures
on the product left out are the honest ones.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seewhy.detectors.patchcore import PatchCoreSettings
from seewhy.evals.detect import evaluate
from seewhy.evals.run import LITE, measuring

PRODUCTS = ("cookie", "magnetic_tile", "ball_screw")
CANDIDATES: dict[str, PatchCoreSettings] = {
    f"layers {layers}, {px} px, density {density}": PatchCoreSettings(layers=layers, input_px=px, density=density)
    for layers, px, density in (
        ((4, 5), 384, 5),
        ((4, 5), 384, 0),
        ((3, 4, 5), 384, 5),
        ((4, 5), 256, 5),
    )
}
FIGURES = ("image_auroc", "pixel_auroc", "aupro", "seconds_per_photo")


def main(data: Path, out: Path) -> None:
    """PatchCore's settings on DATA's products, and which would be chosen when one of them is left out."""
    with measuring(out, {"data": data.name, "weights": LITE}) as table:
        for name, settings in CANDIDATES.items():
            for product in PRODUCTS:
                table.row(("measured", name, product), _figures, data / product, settings)
        measured = table.figures["measured"]
        table.figures |= {"left_one_out": {left: chosen(measured, left) for left in PRODUCTS}, "all": chosen(measured, None)}


def _figures(folder: Path, settings: PatchCoreSettings) -> dict[str, Any]:
    row = evaluate(folder, settings=settings)["products"][0]
    return {figure: row[figure] for figure in FIGURES}


def chosen(measured: dict[str, Any], left_out: str | None) -> dict[str, Any]:
    """The candidate with the best mean of image and pixel AUROC on the other products, and how it does on the one left out."""

    def worth(name: str) -> float:
        rows = [row for product, row in measured[name].items() if product != left_out]
        return float(sum(row["image_auroc"] + row["pixel_auroc"] for row in rows))

    best = max(measured, key=worth)
    return {"setting": best} | (measured[best][left_out] if left_out else {})
