"""Of the chat's figures: how times are told."""

from __future__ import annotations

from seewhy.evals.promises.chat_page import spread


def test_times_are_told_by_their_middle_and_their_slow_end() -> None:
    told = spread([float(ms) for ms in range(101)])
    assert told == {"asked": 101, "median_ms": 50.0, "p95_ms": 95.0, "most_ms": 100.0}
