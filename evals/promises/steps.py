"""What the steps of a fit take, one beside the other, on one thread."""

from __future__ import annotations

import cProfile
import pstats
import time
from pathlib import Path
from typing import Any

from seewhy.agent.api.learn import fit
from seewhy.agent.photos.images import read_photo
from seewhy.detectors.fine import Fine
from seewhy.detectors.parts.bank import greedy_k_centre
from seewhy.detectors.parts.memory import Memory
from seewhy.detectors.patchcore import PatchCore


def steps(data: Path, model: Path) -> dict[str, float]:
    """A fit's steps by a profile, in a process of one thread."""
    with cProfile.Profile(time.process_time) as profile:
        fit(data, save=model)
    return _parts(profile)


def _parts(profile: cProfile.Profile) -> dict[str, float]:
    """Processor seconds of a fit's steps, by a profile, which adds some itself."""
    figures: Any = pstats.Stats(profile)
    spent: dict[tuple[str, int], float] = {(file, line): whole for (file, line, _), (_, _, _, whole, _) in figures.stats.items()}

    def of(*functions: Any) -> float:
        codes = [function.__code__ for function in functions]
        return sum(spent.get((code.co_filename, code.co_firstlineno), 0.0) for code in codes)

    each = {
        "reading_photos": of(read_photo),
        "describing_patches": of(PatchCore._described),  # the encoder's passes
        "coreset_choice": of(greedy_k_centre),
        "patches_that_stand_for_others": of(Memory._keep_spares),
        "spread": of(Memory.measure_spread),
        "leave_one_out": of(PatchCore.without, PatchCore.score),
        "fine_evidence": of(Fine.fit, Fine.map),  # with its own passes of the encoder
    }
    rest = of(fit) - sum(each.values())
    return {name: round(seconds, 2) for name, seconds in (each | {"the_rest": rest}).items()}
