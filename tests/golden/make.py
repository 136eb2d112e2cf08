"""Writes tests/golden/schema1 with the code that it is run on: photos, a model folder of each own detector, their records, a ledger.

Run once, at the commit that the README beside it names. What it wrote is kept as it is, so that later code must still read it.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from tests.servers import speaking
from tests.test_later import words
from tests.test_vlm import CARD, asking, saying

from seewhy.agent.batch import run_batch
from seewhy.agent.family import Family
from seewhy.agent.images import read_photo
from seewhy.agent.inspector import Inspector
from seewhy.agent.later import confirm, explain_missing
from seewhy.agent.layouts import read_layout
from seewhy.agent.ledger import Ledger
from seewhy.agent.model import ProductModel
from seewhy.detectors import tokens, weights
from seewhy.detectors.dinomaly import Dinomaly, DinomalySettings
from seewhy.detectors.ensemble import Ensemble
from seewhy.detectors.mutual import Mutual, MutualSettings
from seewhy.detectors.patchcore import PatchCore, PatchCoreSettings
from seewhy.detectors.template import Template
from seewhy.detectors.winclip import WinClip
from seewhy.detectors.winclip_settings import WinClipSettings
from seewhy.evals.boards import board, broken
from seewhy.evals.parity import random_clip
from seewhy.evals.synth import defective, good

OUT = Path(__file__).parent / "schema1" if Path(__file__).parent.name == "golden" else Path("tests/golden/schema1")
SIZE, ALPHA = (160, 128), 0.1
BANK = PatchCoreSettings(input_px=128, bank_rows=80, candidate_rows=600)
TINY_VIT = tokens.VitRow("dinov2-with-registers-small", "dinov2", (0, 1), tokens._dinov2(48, 2, 4) | {"image_size": 56})


def main() -> None:
    torch.set_num_threads(1)
    shutil.rmtree(OUT, ignore_errors=True)
    photos = OUT / "photos"
    for name, pixels in {
        "plate/good.png": good("plate", 100, SIZE).pixels,
        "plate/stain.png": defective("plate", "stain", 1, SIZE).pixels,
        "plate/scratch.png": defective("plate", "scratch", 2, SIZE).pixels,
        "board/missing.png": broken(1, "missing", 3, side=160).pixels,
    }.items():
        (photos / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(photos / name, optimize=True)
    (photos / "plate" / "broken.png").write_bytes((photos / "plate" / "good.png").read_bytes()[:500])
    state = dict(tokens.vit(TINY_VIT).state_dict())
    rng = np.random.default_rng(4)
    state = {n: torch.from_numpy((0.1 * rng.standard_normal(tuple(t.shape))).astype(np.float32)) for n, t in sorted(state.items())}
    (OUT / "weights").mkdir()
    save_file(state, OUT / "weights" / "tiny_vit.safetensors")
    save_file(random_clip("seewhy-tiny").net.state_dict(), Path("/tmp/golden_clip.safetensors"))
    weights.import_weights("dinov2-with-registers-small", OUT / "weights" / "tiny_vit.safetensors")
    weights.import_weights("clip-seewhy-tiny", Path("/tmp/golden_clip.safetensors"))
    tokens.VITS = {**tokens.VITS, "tiny-vit": TINY_VIT}

    fine = Path("/tmp/golden_good")
    shutil.rmtree(fine, ignore_errors=True)
    fine.mkdir()
    for i in range(20):
        Image.fromarray(good("plate", i, SIZE).pixels).save(fine / f"{i:02}.png")
    plates = [read_photo(p, name=p.name) for p in sorted(fine.iterdir())]
    boards = []
    for i in range(2):
        Image.fromarray(board(i, side=160)).save(fine / f"b{i}.png")
        boards.append(read_photo(fine / f"b{i}.png", name=f"b{i}.png"))

    fitted: dict[str, tuple[ProductModel, str]] = {
        "patchcore": (ProductModel.fit(plates, PatchCore(BANK), product="plate", alpha=ALPHA), "plate"),
        "mutual": (ProductModel.fit(plates[:4], Mutual(MutualSettings(input_px=128)), product="plate", alpha=ALPHA), "plate"),
        "template": (ProductModel.fit(boards, Template(), product="board", alpha=ALPHA), "board"),
        "winclip": (
            ProductModel.fit(
                plates[:4],
                WinClip(WinClipSettings(prompt="steel plate", defects=("scratch", "stain"), model="seewhy-tiny")),
                product="plate",
                alpha=ALPHA,
            ),
            "plate",
        ),
        "ensemble": (
            ProductModel.fit(
                plates[:6],
                Ensemble.of([PatchCore(BANK), WinClip(WinClipSettings(prompt="steel plate", model="seewhy-tiny", shots=1))]),
                product="plate",
                alpha=ALPHA,
            ),
            "plate",
        ),
    }
    records: dict[str, list[Any]] = {}
    for name, (model, product) in fitted.items():
        folder = OUT / "models" / name
        model.save(folder)
        records[name] = inspected(Inspector(ProductModel.load(folder), alpha=ALPHA), photos, product)
    settings = DinomalySettings(encoder="tiny-vit", input_px=56, depth=2, steps=8, batch=4, at_once=4)
    family = Family.fit(
        {"plate": plates[:8], "other": [read_photo(p) for p in sorted(fine.iterdir())[8:16]]}, Dinomaly(settings), alpha=ALPHA
    )
    family.save(OUT / "models" / "dinomaly")
    records["dinomaly"] = inspected(
        Inspector(ProductModel.load(OUT / "models" / "dinomaly", product="plate"), alpha=ALPHA), photos, "plate"
    )
    (OUT / "records.json").write_text(json.dumps(records, indent=1, ensure_ascii=False))

    inspector = Inspector(ProductModel.load(OUT / "models" / "patchcore"), card=CARD, alpha=ALPHA)
    with Ledger(OUT / "ledger.sqlite") as ledger:
        with speaking(lambda _r, _s: 500) as (url, _):
            run_batch(asking(inspector, url, retries=0), read_layout(photos / "plate"), ledger, lot="A")
        run_batch(inspector, read_layout(photos / "plate")[1:], ledger, lot="B")
        with speaking(saying()) as (url, _):
            print(explain_missing(ledger, words(url), card=CARD, lot="A"))
        confirm(ledger, "stain.png", 1, "oil stain", by="Kim", comment="seen before", lot="B")
        print(ledger.verify())
    with Ledger(OUT / "ledger.sqlite", create=False) as ledger:
        rows = [
            {"seq": r.seq, "hash": r.hash, "kind": r.entry.kind, "content_sha256": getattr(r.entry, "content_sha256", None)}
            for r in ledger.rows()
        ]
        facts = {"head": ledger.head, "rows": rows}
    (OUT / "ledger.json").write_text(json.dumps(facts, indent=1))


def inspected(inspector: Inspector, photos: Path, product: str) -> list[Any]:
    made = []
    for path in sorted((photos / product).iterdir()):
        if path.name == "broken.png":
            continue
        record = inspector.inspect(path, name=path.name).record
        made.append({"content_sha256": record.content_sha256, "record": record.model_dump(mode="json")})
    return made


if __name__ == "__main__":
    main()
