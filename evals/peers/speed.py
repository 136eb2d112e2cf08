"""WinCLIP's speed beside anomalib's, in one run, taking turns.

Weights are random (speed doesn't depend on them), photos are noise. Our passes and the peer's take turns on the same photos; ratios
are of medians. The rate of the machine's own matrix product is measured in the same run.
"""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import numpy as np
import torch

from seewhy.detectors.winclip.detector import WinClip
from seewhy.evals.peers.parity import made, network_input, noise_photo, peer
from seewhy.evals.run import measuring, resident_mib, timed
from seewhy.types import Pixels

REAL, TINY = "ViT-B-16-plus-240", "seewhy-tiny"
COARSE = {"bf16": "bfloat16", "int8": "int8"}
TURNS, MANY, LONG = 5, 100, 1000  # timed turns; calls before the second measurement; calls over which memory is watched


def main(out: Path, turns: int = TURNS) -> None:
    """WinCLIP's speed and memory beside anomalib's, random weights, TURNS timed photos."""
    with measuring(out, {"weights": f"{REAL}, random", "turns": turns}, "anomalib", "open_clip_torch") as table:
        table.row("first_calls", _first_calls, turns)
        table.row("after_many", _after_many)
        table.row("memory", _memory)


def _first_calls(turns: int) -> dict[str, Any]:
    """Zero-shot, one photo at a time: ours in fp32, bf16 and int8, theirs in fp32."""
    ours = made(REAL)
    ours.fit([])
    theirs = peer(ours, [], corrected=False)
    coarse = {name: made(REAL, dtype=dtype) for name, dtype in COARSE.items()}
    photos = [noise_photo(ours, i) for i in range(turns)]
    spent: dict[str, list[float]] = {name: [] for name in ("ours", "theirs", *coarse)}
    scores: dict[str, list[float]] = {name: [] for name in ("ours", *coarse)}
    _score(ours, photos[0])
    for detector in coarse.values():
        detector.fit([])
        _score(detector, photos[0])
    with torch.inference_mode():
        theirs(network_input(ours, photos[0]))
    rates = []
    for photo in photos:
        rates.append(_gemm_rate())
        with torch.inference_mode():
            spent["theirs"].append(timed(lambda shown: theirs(network_input(ours, shown)), photo)[1])
        for name, detector in {"ours": ours, **coarse}.items():
            score, taken = timed(_score, detector, photo)
            spent[name].append(taken)
            scores[name].append(score)
    median = {name: float(np.median(values)) for name, values in spent.items()}
    rate = float(np.median(rates))
    work = needed_flop(ours)
    return {
        "seconds_per_photo": {name: round(value, 4) for name, value in median.items()},
        "ratio_fp32": round(median["theirs"] / median["ours"], 3),
        **{f"ratio_{name}": round(median["theirs"] / median[name], 3) for name in coarse},
        "gemm_gflops": round(rate / 1e9, 1),
        "gemm_gflops_lowest_and_highest": [round(min(rates) / 1e9, 1), round(max(rates) / 1e9, 1)],
        "needed_gflop": round(work / 1e9, 1),
        "gemm_fraction": round(work / median["ours"] / rate, 3),
        **{f"{n}_largest_change_of_score": round(float(np.abs(np.subtract(scores["ours"], scores[n])).max()), 6) for n in coarse},
    }


def _after_many() -> dict[str, Any]:
    """Whether calls grow slower, on the small model: the last ten of a hundred against the first ten."""
    ours = made(TINY)
    ours.fit([])
    theirs = peer(ours, [], corrected=False)
    photo = noise_photo(ours, 0)
    mine, other = list[float](), list[float]()
    with torch.inference_mode():
        for _ in range(MANY):
            mine.append(timed(_score, ours, photo)[1])
            other.append(timed(lambda: theirs(network_input(ours, photo)))[1])
    return {
        "ours_last_ten_to_first_ten": round(float(np.median(mine[-10:]) / np.median(mine[:10])), 3),
        "theirs_last_ten_to_first_ten": round(float(np.median(other[-10:]) / np.median(other[:10])), 3),
        "ratio_after_100_small_model": round(float(np.median(other[-10:]) / np.median(mine[-10:])), 3),
    }


def _memory() -> dict[str, Any]:
    """Resident memory after 100 and after 1,000 calls, small model."""
    ours = made(TINY)
    ours.fit([])
    photo, at = noise_photo(ours, 0), {}
    for call in range(1, LONG + 1):
        _score(ours, photo)
        if call in (100, LONG):
            gc.collect()
            at[call] = resident_mib()
    return {"rss_mib_after_100": at[100], "rss_mib_after_1000": at[LONG]}


def needed_flop(detector: WinClip) -> float:
    """Multiplications and additions that zero-shot WinCLIP can't do without: products with weights, and attention.

    Of the last block, the class token's query and what follows from it; keys and values of all tokens.
    """
    clip = detector.clip
    visual: Any = clip.net.visual
    width = int(visual.transformer.width)
    layers = len(visual.transformer.resblocks)
    patches = clip.grid[0] * clip.grid[1]
    patch_in = int(visual.conv1.weight[0].numel())
    total = 2.0 * patches * patch_in * width
    for count, length in [(1, patches + 1)] + [(len(i), i.shape[1] + 1) for i in detector._index]:
        tokens = count * length
        full = 2 * tokens * 12 * width**2 + 4 * tokens * length * width
        last = 2 * tokens * 2 * width**2 + count * (2 * 10 * width**2 + 4 * length * width)
        total += (layers - 1) * full + last
    return total


def _gemm_rate() -> float:
    """Floating point operations per second of a float32 matrix product of the size of one layer here."""
    a, b = torch.rand(2048, 896), torch.rand(896, 3584)
    times = [timed(torch.mm, a, b)[1] for _ in range(13)]
    return 2 * 2048 * 896 * 3584 / float(np.median(times[3:]))


def _score(detector: WinClip, pixels: Pixels) -> float:
    return detector._scored(detector._see(pixels, detector._tiles(pixels)[0]))[0]
