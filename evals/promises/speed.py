"""How long a fit and an inspection take, on the synthetic brick of 400 x 320 px, and what a fit's parts take."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from seewhy.agent.api.learn import fit
from seewhy.agent.api.load import load
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.lots.batch import run_batch
from seewhy.agent.photos.layouts import read_layout
from seewhy.detectors.patchcore import PatchCore
from seewhy.evals.promises.steps import steps
from seewhy.evals.run import LITE, alone, measuring, peak_mib
from seewhy.evals.synthetic.surfaces import defective, good, write_dataset
from seewhy.pictures import png
from seewhy.threads import calm, cores

FEW, MANY, LOT = 5, 120, 80  # good photos of a small and of a usual fit, and photos of a lot
TURNS = 7  # cold starts and inspections, of which the median counts
WATCHED = """
import atexit, sys
from pathlib import Path
atexit.register(lambda: print(next(line.split()[1] for line in Path("/proc/self/status").open() if "VmHWM" in line), file=sys.stderr))
from seewhy.cli import main
main()
"""  # the command line, which tells its most memory in KiB at the end


def main(out: Path) -> None:
    """Seconds of a fit, of its parts, of a cold start and of a lot; clock and processor."""
    with TemporaryDirectory() as folder, measuring(out, {"weights": LITE, "cores": cores()}, "openvino", "faiss-cpu") as table:
        for photos in (FEW, MANY):
            data = write_dataset(Path(folder) / str(photos), "brick", good_train=photos, good_test=LOT, per_kind=0)
            table.row(f"fit_{photos}", alone, _fitted, data, Path(folder) / f"model_{photos}")
        if cores() == 1:  # a profile sees one thread
            table.row(f"steps_of_fit_{MANY}", alone, steps, data, Path(folder) / "profiled")
        table.row("cold_start", _cold_start, data / "test", Path(folder) / f"model_{MANY}")
        if cores() == 1:  # so that what is subtracted is what was spent
            table.row("inspection", alone, _inspection, Path(folder) / f"model_{MANY}")
        table.row("lot", alone, _lot, data / "test", Path(folder))


def _fitted(data: Path, model: Path) -> dict[str, Any]:
    """A fit in a fresh process, and what it took."""
    began, worked = time.perf_counter(), time.process_time()
    fit(data, save=model)
    seconds, processor = time.perf_counter() - began, time.process_time() - worked
    return {"seconds": round(seconds, 1), "processor_seconds": round(processor, 1), "peak_memory_mib": peak_mib()}


def _cold_start(data: Path, model: Path) -> dict[str, Any]:
    """What `seewhy inspect` takes for one good photo, from the start of the process to its end (Linux)."""
    command = [sys.executable, "-c", WATCHED, "inspect", str(read_layout(data)[0].path), "--model", str(model)]
    seconds, processor, memory = list[float](), list[float](), list[int]()
    for _ in range(TURNS + 1):
        began, before = time.perf_counter(), os.times()
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        spent = os.times()
        seconds.append(time.perf_counter() - began)
        processor.append(spent.children_user + spent.children_system - before.children_user - before.children_system)
        memory.append(int(ended.stderr.split()[-1]) >> 10)
    return {  # the first reads files that then lie in memory
        "seconds": round(float(np.median(seconds[1:])), 2),
        "processor_seconds": round(float(np.median(processor[1:])), 2),
        "least_processor_seconds": round(min(processor[1:]), 2),
        "peak_memory_mib": max(memory),
    }


def _inspection(model: Path) -> dict[str, Any]:
    """Processor milliseconds of `inspect`, from the file to the record, and what of it isn't the network and the search; medians."""
    inspector, figures = load(model), dict[str, Any]()
    detector = inspector.model.detector
    assert isinstance(detector, PatchCore)
    with TemporaryDirectory() as folder, calm():
        for kind, draw in {"good": partial(good, "brick"), "defect": partial(defective, "brick", "stain")}.items():
            spent: dict[str, list[float]] = {"whole": [], "network_and_search": []}
            for number in range(TURNS + 1):  # the first compiles
                pixels, path = draw(900 + number).pixels, Path(folder) / f"{kind}{number}.png"
                path.write_bytes(png(pixels))
                (tile,) = detector._tiles(pixels)
                searched = partial(detector._looked_at, tile.seen(pixels))
                for name, action in (("whole", partial(inspector.inspect, path)), ("network_and_search", searched)):
                    began = time.process_time()
                    action()
                    spent[name].append(1000 * (time.process_time() - began))
            each = [whole - search for whole, search in zip(*spent.values(), strict=True)][1:]
            figures[kind] = {name: round(float(np.median(values[1:])), 1) for name, values in spent.items()}
            figures[kind]["beside"] = round(float(np.median(each)), 1)
    return figures


def _lot(data: Path, folder: Path) -> dict[str, Any]:
    """Photos a second by one worker and by as many as there are cores, after a first photo each."""
    samples = read_layout(data)
    figures = dict[str, Any]()
    for workers in dict.fromkeys((1, cores())):
        inspector = load(folder / f"model_{MANY}")
        inspector.inspect(samples[0].path)
        with Ledger(folder / f"{workers}.sqlite") as ledger:
            began, worked = time.perf_counter(), time.process_time()
            run_batch(inspector, samples, ledger, lot="lot", workers=workers)
            seconds, processor = time.perf_counter() - began, time.process_time() - worked
        figures[f"workers_{workers}"] = {
            "photos_per_s": round(len(samples) / seconds, 2),
            "processor_ms_per_photo": round(1000 * processor / len(samples), 1),
        }
    return figures
