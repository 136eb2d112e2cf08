"""One way to run a measurement and to write it: what made it, each figure as it comes; a run that was broken off goes on."""

from __future__ import annotations

import json
import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import torch

from seewhy.disk import check_writable, write_file
from seewhy.errors import BadData
from seewhy.packages import installed, processor

P = ParamSpec("P")
T = TypeVar("T")
LITE = "efficientnet-lite0 57934424"  # the weights that come with seewhy, as tables name them
NO_MATTER = ("date",)  # facts that may differ between a run that was broken off and the one that goes on


class Table:
    """The figures of one measurement; those that a run was broken off with stand in `OUT.part`, and only a whole table in OUT.

    Raises:
        BadData: `OUT.part` is of a run with other facts (settings, weights, machine, versions), whose figures don't belong beside these.
    """

    def __init__(self, out: Path, facts: dict[str, Any]) -> None:
        self._out, self._part = out, out.with_name(f"{out.name}.part")
        self.figures: dict[str, Any] = _plain(facts)
        check_writable(out)
        if self._part.is_file():
            before = json.loads(self._part.read_text(encoding="utf-8"))
            differ = [k for k, v in self.figures.items() if k not in NO_MATTER and before.get(k) != v]
            if differ:
                raise BadData(f"{self._part} was begun with another {' and '.join(differ)}; delete it to begin anew")
            self.figures = before | self.figures

    def row(self, path: str | tuple[str, ...], measure: Callable[P, Any], *args: P.args, **options: P.kwargs) -> Any:
        """What `measure` gives, written at once; or what an earlier run has written there, and `measure` isn't called.

        Args:
            path: a name, or those of the rows that it stands in and then its own.
            measure: gives plain data.
            args: its arguments.
            options: its named arguments.
        """
        *above, name = (path,) if isinstance(path, str) else path
        rows = self.figures
        for outer in above:
            rows = rows.setdefault(outer, {})
        if name not in rows:
            figures, spent = timed(measure, *args, **options)
            rows[name] = _plain(figures)
            write_json(self._part, self.figures)
            print(f"{', '.join((*above, name))}: {spent:.1f} s", file=sys.stderr, flush=True)
        return rows[name]

    def finish(self) -> None:
        """The whole table, in OUT."""
        write_json(self._out, self.figures)
        self._part.unlink(missing_ok=True)


@contextmanager
def measuring(out: Path, given: Mapping[str, Any], *packages: str, device: str = "cpu") -> Iterator[Table]:
    """A table with the facts of the run, written to `out` at the end; see `facts` and `Table`."""
    table = Table(out, facts(given, *packages, device=device))
    yield table
    table.finish()


def facts(given: Mapping[str, Any], *packages: str, device: str = "cpu") -> dict[str, Any]:
    """What made a table: what the measurement says of itself, the day, the machine, the versions.

    Args:
        given: the measurement's own facts (weights, settings).
        packages: whose versions matter besides seewhy's and torch's.
        device: where it runs.
    """
    versions = {name: installed(name) for name in ("seewhy", "torch", *packages)}
    return dict(given) | {"date": datetime.now(UTC).date().isoformat(), "hardware": hardware(device), "versions": versions}


def hardware(device: str = "cpu") -> str:
    """The machine in one line."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(0)
    return f"{processor()}, {torch.get_num_threads()} threads"


def write_json(path: Path, data: Any) -> None:
    """JSON that is on the disk as a whole, or not at all."""
    write_file(path, json.dumps(data, indent=1, ensure_ascii=False).encode())


def timed(action: Callable[P, T], *args: P.args, **options: P.kwargs) -> tuple[T, float]:
    """What an action gives, and its seconds."""
    began = time.perf_counter()
    result = action(*args, **options)
    return result, time.perf_counter() - began


def processor_ms(actions: Mapping[str, Callable[[int], Any]], turns: int) -> dict[str, list[float]]:
    """Milliseconds of processor time of each action, taking turns, which is what counts where other work goes on beside.

    Args:
        actions: by name; each is told the number of its turn, 0 to `turns`.
        turns: that are counted, 1 and later; turn 0 compiles and fills caches.
    """
    spent: dict[str, list[float]] = {name: [] for name in actions}
    for turn in range(turns + 1):
        for name, action in actions.items():
            began = time.process_time()
            action(turn)
            spent[name].append(1000 * (time.process_time() - began))
    return {name: values[1:] for name, values in spent.items()}


def alone(what: Callable[..., T], *arguments: Any) -> T:
    """What a function of a module gives in a process that does nothing else."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(what, arguments)


def resident_mib() -> float:
    """This process's memory now (Linux)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return round(int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) / 1024, 1)


def peak_mib() -> int:
    """The most memory that this process has had (Linux)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) >> 10


def _plain(data: Any) -> Any:
    """As it will be read again, so that a table doesn't depend on where its run was broken off."""
    return json.loads(json.dumps(data))
