"""What a VLM's faults and injected words cost: no verdict, no severity, no photo; gaps are told and filled later.

One lot of synthetic parts is inspected without a VLM, then with the served one behind a proxy that kills, hangs, breaks or garbles
it, each as long as words take and once more with a time for words; then parts are tried to be talked through.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from seewhy.agent.ledger.store import Ledger
from seewhy.agent.lots.owed import explain_missing
from seewhy.evals.metrics import share
from seewhy.evals.promises.faulty import FAULTS, Fault, Proxy, Served, faulty
from seewhy.evals.promises.injection import injection
from seewhy.evals.promises.lot import Lot, records, ruled
from seewhy.evals.run import measuring
from seewhy.evals.synthetic.stand_in import label_of, settings_of
from seewhy.evals.synthetic.views import CARD
from seewhy.explainers.client import Client, Server
from seewhy.explainers.question import VlmSettings
from seewhy.explainers.vlm import VlmWords

HANG_S, TIMEOUT_S, PATIENCE_S = 60.0, 5.0, 120.0
WORDS_SHARE = 0.5  # of the time without a VLM: the time for words in the second run with each fault


def main(url: str, out: Path, start: str = "", per_kind: int = 6, attempts: int = 40) -> None:
    """What faults of the VLM at URL, and words that are injected into its questions, cost a lot of synthetic parts.

    Args:
        url: of the server, ends with /v1.
        out: where the figures go.
        start: shell command that serves the model at URL: it is run, killed (SIGKILL, all of its processes) in the middle of a lot, and
            run again. Without it the server must run already, and where it should be killed its connections break.
        per_kind: defective photos of each kind in the lot.
        attempts: by each way in.
    """
    with tempfile.TemporaryDirectory() as where, Served(start, url, Path(where) / "log") if start else nullcontext() as served:
        name, server = Client(Server(url=url)).identity
        settings, lot = settings_of(name), Lot(Path(where), per_kind)
        facts = {"synthetic": True, "weights": label_of(name), "server": server, "per_kind": per_kind, "attempts": attempts}
        with measuring(out, facts | {"killed": bool(start)}) as table:
            usual = table.row(("faults", "none"), _usual, url, lot, settings)
            for fault in FAULTS:
                for words_for_s, key in ((None, fault), (usual["time_for_words_s"], f"{fault}, with a time for words")):
                    table.row(("faults", key), _with_fault, url, fault, words_for_s, lot, settings, served, usual)
            table.row("injection", injection, url, lot, attempts, settings)


def _usual(url: str, lot: Lot, settings: VlmSettings) -> dict[str, Any]:
    """The lot without a VLM, and with one that does no wrong."""
    truth = lot.truth  # the first run, which warms up too
    plain, alone_s = lot.inspected(None, "plain")
    with plain, faulty(url) as proxy:
        healthy, healthy_s = lot.inspected(VlmWords(Server(url=proxy.url), settings), "healthy")
        with healthy:
            equal = share(ruled(r) == truth.get(r.photo.name) for r in records(healthy))
        return {
            "photos": len(truth),
            "findings": sum(len(r.findings) for r in records(plain)),
            "without_vlm_s": round(alone_s, 2),
            "with_healthy_vlm_s": round(healthy_s, 2),
            "healthy_vlm_s_per_answer": round((healthy_s - alone_s) / proxy.answered, 2),
            "equal_with_healthy_vlm": equal,
            "time_for_words_s": round(WORDS_SHARE * alone_s, 2),
        }


def _with_fault(
    url: str, fault: Fault, words_for_s: float | None, lot: Lot, settings: VlmSettings, served: Served | None, usual: dict[str, Any]
) -> dict[str, Any]:
    """The lot with a fault, and what filling its gaps brings when the fault is gone."""
    with faulty(url) as proxy:
        proxy.fault, proxy.hang_s, proxy.kill = fault, HANG_S, None if served is None else served.kill
        words = VlmWords(Server(url=proxy.url, timeout_s=TIMEOUT_S), settings)
        ledger, seconds = lot.inspected(words, f"{fault}-{words_for_s}", words_for_s)
        with ledger:
            timeouts = 0.0 if words_for_s or fault != "hung" else TIMEOUT_S
            figures = _afterwards(ledger, lot.truth, proxy) | _times(seconds, timeouts, proxy.answered, usual)
            if served is not None and fault == "killed":
                served.kill()  # where the lot ended before its time had come
                served.start()
            proxy.fault = "none"
            filled = explain_missing(ledger, VlmWords(Server(url=proxy.url, timeout_s=PATIENCE_S), settings), card=CARD)
            left = sum(f.unexplained is not None for r in records(ledger) for f in r.findings)
            return figures | {"gaps_filled_later": filled.explained, "gaps_left": left, "chain_intact": ledger.verify().intact}


def _afterwards(ledger: Ledger, truth: dict[str, Any], proxy: Proxy) -> dict[str, Any]:
    """What the ledger holds when the lot is through."""
    found = records(ledger)
    gaps = [f.unexplained for r in found for f in r.findings if f.unexplained]
    return {
        "verdicts_and_severities_equal": share(ruled(r) == truth.get(r.photo.name) for r in found),
        "photos": len(found),
        "requests": len(proxy.requests),
        "spoilt": proxy.spoilt,
        "answered_by_the_server": proxy.answered,
        "gaps": len(gaps),
        "reasons": dict(sorted(Counter(g.reason for g in gaps).items())),
        "gaps_told": share(any(f.unexplained for f in r.findings) == any(m.what == "vlm" for m in r.missing) for r in found),
    }


def _times(seconds: float, timeouts: float, answered: int, usual: dict[str, Any]) -> dict[str, float]:
    """Seconds, and their ratios to the usual ones, less the timeouts and what the server computed all the same."""
    alone_s, rest = usual["without_vlm_s"], seconds - timeouts
    return {
        "seconds": round(seconds, 2),
        "less_timeouts_to_without_vlm": round(rest / alone_s, 2),
        "less_timeouts_to_healthy_vlm": round(rest / usual["with_healthy_vlm_s"], 2),
        "less_timeouts_and_answers_to_without_vlm": round((rest - answered * usual["healthy_vlm_s_per_answer"]) / alone_s, 2),
    }
