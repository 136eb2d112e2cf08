"""Inspecting a photo with Dinomaly: by torch, by OpenVINO, and by anomalib's on the paper's encoder, in turns, one thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from seewhy.detectors.dinomaly.settings import PAPERS
from seewhy.evals.peers.dinomaly import images, ours, random_weights, theirs
from seewhy.evals.run import LITE, measuring, processor_ms

NAME = "efficientnet-lite0"


def main(out: Path, turns: int = 10) -> None:
    """Dinomaly's time for a photo by torch and by OpenVINO, decoder random, medians of TURNS turns; run it with OMP_NUM_THREADS=1."""
    torch.set_num_threads(1)
    told = {"weights": f"{LITE}; {PAPERS} random; decoders random", "turns": turns}
    with measuring(out, told, "anomalib", "openvino", "transformers") as table:
        table.row(NAME, _compared, NAME, turns)
        table.row(PAPERS, _papers, turns)


def _compared(encoder: str, turns: int, peers: Mapping[str, Callable[[int], Any]] | None = None) -> dict[str, Any]:
    """Of both engines, and of peers, which are asked for the photo of a number: milliseconds, and how far the two are apart."""
    by_torch, by_openvino = ours(encoder, engine="torch"), ours(encoder, engine="openvino")
    by_openvino.settle()
    side = by_torch.settings.input_px
    photos = [np.random.default_rng(i).integers(0, 256, (side, side, 3)).astype(np.uint8) for i in range(turns + 1)]
    asked = {name: (lambda i, score=d.score: score(photos[i])) for name, d in (("torch", by_torch), ("openvino", by_openvino))}
    spent = processor_ms({**asked, **(peers or {})}, turns)
    far = [_apart(by_torch.score(p), by_openvino.score(p)) for p in photos[: min(3, len(photos))]]
    return {
        "input_px": side,
        "decoder_blocks": by_torch.settings.depth,
        "processor_ms_per_photo": {name: round(float(np.median(values)), 1) for name, values in spent.items()},
        "openvino_times_as_fast_as_torch": round(float(np.median(spent["torch"]) / np.median(spent["openvino"])), 2),
        "largest_difference_of_score_and_map": [round(max(one), 9) for one in zip(*far, strict=True)],
        "network_mib": round(sum(len(data) for name, data in by_openvino.files().items() if name.startswith("network")) / 2**20, 1),
    }


def _papers(turns: int) -> dict[str, Any]:
    """The paper's encoder with random weights, and anomalib's model beside it."""
    with random_weights(PAPERS) as state:
        mine = ours(PAPERS)
        other, (_, batch) = theirs(mine, state).eval(), images(mine, turns + 1)

        @torch.inference_mode()
        def score(number: int) -> None:
            other(batch[number : number + 1])

        return _compared(PAPERS, turns, {"anomalib": score})


def _apart(one: Any, other: Any) -> tuple[float, float]:
    return abs(one.score - other.score), float(np.abs(one.values - other.values).max())
