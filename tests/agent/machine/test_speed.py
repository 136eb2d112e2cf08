"""`seewhy doctor --speed` says what runs the encoder on this machine, in which precisions, and how fast."""

from __future__ import annotations

import re

from seewhy.agent.machine.speed import measure
from seewhy.detectors.parts.network import multiplies_in_bf16
from seewhy.threads import cores


def test_it_tells_engine_precisions_and_photos_a_second() -> None:
    found = {check.what: check for check in measure(seconds=0.2)}
    assert found["the default encoder runs on"].found.startswith("OpenVINO 2")
    precisions = found["precisions of the processor"].found
    assert "FP32" in precisions
    assert ("no bf16" in precisions) != multiplies_in_bf16()
    rates = [re.match(r"([\d.]+) a second, 400 x 320 px", check.found) for what, check in found.items() if what.startswith("photos, ")]
    assert len(rates) == len({1, cores()})
    assert all(rate is not None and float(rate[1]) > 0 for rate in rates)
