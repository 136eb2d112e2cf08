"""Choose PatchCore's one setting for all products by leaving one product out, and say what each choice would have cost.

`python -m seewhy.evals.studies.select DATA OUT.json` measures every candidate on every product. For each product the candidate
that is best on the *others* is named, and its figures on the product left out are the honest ones.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from seewhy.detectors.patchcore import PatchCoreSettings
from seewhy.evals.detect import evaluate

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
    """Measure what is not in `out` yet, then choose."""
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8")) if out.is_file() else {"measured": {}}
    for name, settings in CANDIDATES.items():
        for product in PRODUCTS:
            rows = found["measured"].setdefault(name, {})
            if product not in rows:
                results = evaluate(data / product, settings=settings)
                rows[product] = {figure: results["products"][0][figure] for figure in FIGURES}
                found |= {k: results[k] for k in ("weights", "date", "hardware")}
                out.write_text(json.dumps(found, indent=1), encoding="utf-8")
    found["left_one_out"] = {left: chosen(found["measured"], left) for left in PRODUCTS}
    found["all"] = chosen(found["measured"], None)
    out.write_text(json.dumps(found, indent=1), encoding="utf-8")


def chosen(measured: dict[str, Any], left_out: str | None) -> dict[str, Any]:
    """The candidate with the best mean of image and pixel AUROC on the other products, and how it does on the one left out."""

    def worth(name: str) -> float:
        rows = [row for product, row in measured[name].items() if product != left_out]
        return float(sum(row["image_auroc"] + row["pixel_auroc"] for row in rows))

    best = max(measured, key=worth)
    return {"setting": best} | (measured[best][left_out] if left_out else {})


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
