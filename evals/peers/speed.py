"""Speed beside a peer, in one run, taking turns: `python -m seewhy.evals.peers.speed --detector winclip --peer anomalib --json FILE`.

Weights are random (speed doesn't depend on them), photos are noise. Our passes and the peer's take turns on the same photos;
ratios are of medians. The rate of the machine's own matrix product is measured in the same run.
"""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer

from seewhy.detectors.dinomaly.detector import PAPERS
from seewhy.detectors.winclip.detector import WinClip
from seewhy.errors import BadData
from seewhy.evals.detect import hardware
from seewhy.evals.peers.dinomaly import speed as dinomaly_speed
from seewhy.evals.peers.parity import made, network_input, noise_photo, peer
from seewhy.types import Pixels

REAL, TINY = "ViT-B-16-plus-240", "seewhy-tiny"
COARSE = {"bf16": "bfloat16", "int8": "int8"}
TURNS, MANY, LONG = 5, 100, 1000  # timed turns; calls before the second measurement; calls over which memory is watched


def main(
    json_: Annotated[Path, typer.Option("--json", help="Where the figures go.")],
    detector: Annotated[str, typer.Option(help="Ours.")] = "winclip",
    peer_: Annotated[str, typer.Option("--peer", help="The other one.")] = "anomalib",
    turns: Annotated[int, typer.Option(help="Timed turns.")] = TURNS,
) -> None:
    """Measure and write."""
    if detector not in ("winclip", "dinomaly") or peer_ != "anomalib":
        raise BadData(f"{detector} beside {peer_} is not measured here; winclip and dinomaly beside anomalib are")
    facts: dict[str, Any] = {
        "weights": f"{REAL if detector == 'winclip' else PAPERS}, random",
        "peer": f"anomalib {version('anomalib')}, open_clip {version('open_clip_torch')}, torch {version('torch')}",
        "date": datetime.now(UTC).date().isoformat(),
        "hardware": hardware(),
        "turns": turns,
    }
    facts |= dinomaly_speed(turns) if detector == "dinomaly" else _first_calls(turns) | _after_many() | _memory()
    json_.write_text(json.dumps(facts, indent=1), encoding="utf-8")
    typer.echo(json.dumps(facts, indent=1))


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
        spent["ours"].append(_timed(lambda p=photo: scores["ours"].append(_score(ours, p))))  # type: ignore[misc]
        with torch.inference_mode():
            spent["theirs"].append(_timed(lambda p=photo: theirs(network_input(ours, p))))  # type: ignore[misc]
        for name, detector in coarse.items():
            spent[name].append(_timed(lambda n=name, d=detector, p=photo: scores[n].append(_score(d, p))))  # type: ignore[misc]
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
            mine.append(_timed(lambda: _score(ours, photo)))
            other.append(_timed(lambda: theirs(network_input(ours, photo))))
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
            at[call] = _resident_mib()
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
    times = [_timed(lambda: torch.mm(a, b)) for _ in range(13)]
    return 2 * 2048 * 896 * 3584 / float(np.median(times[3:]))


def _score(detector: WinClip, pixels: Pixels) -> float:
    return detector._scored(detector._see(pixels, detector._tiles(pixels)[0]))[0]


def _timed(action: Callable[[], Any]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def _resident_mib() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return round(int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) / 1024, 1)


if __name__ == "__main__":
    typer.run(main)
