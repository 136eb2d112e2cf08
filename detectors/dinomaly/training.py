"""Training of Dinomaly's decoder: from features that are encoded once, stoppable at any step, the same weights however often."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from seewhy.canonical import sha256_bytes, sha256_json
from seewhy.detectors.dinomaly.net import Restorer, mining_loss
from seewhy.detectors.dinomaly.optimiser import StableAdamW, rate_at
from seewhy.disk import write_file
from seewhy.errors import BadData, BadModel, MissingExtra
from seewhy.types import Progress, silent

MINED, MINED_AFTER = 0.9, 1000  # share of the points that count as restored well in the end, and after how many steps
CLIP_NORM = 0.1
BIG = 2**31 - 1
LOG = logging.getLogger("seewhy.training")


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how the decoder is trained; the paper's numbers."""

    steps: int = 10_000
    batch: int = 16
    at_once: int = 16  # photos in memory at a time; the batch is made of several turns where it is smaller (gradient accumulation)
    rate: float = 2e-3
    last_rate: float = 2e-4
    dtype: Literal["float32", "bfloat16"] = "float32"  # of the arithmetic; the weights stay float32
    seed: int = 0
    save_every: int = 200  # steps between checkpoints


class Features(Protocol):
    """What the frozen encoder saw of all good photos."""

    prefix: int

    def __len__(self) -> int:
        """Photos."""

    def __call__(self, rows: Sequence[int]) -> list[Tensor]:
        """(len(rows), N, dim) of each group."""


@dataclass(slots=True)
class Course:
    """How training went."""

    losses: list[float] = field(default_factory=list)  # of each step
    resumed_at: int = 0


def train(
    net: Restorer,
    features: Features,
    plan: Plan,
    *,
    device: str = "cpu",
    checkpoint: Path | None = None,
    about: Sequence[Any] = (),
    progress: Progress[Any] = silent,
    told: Callable[[int, float], None] = lambda _step, _loss: None,
) -> Course:
    """Train a decoder in place.

    Every step's photos and noise follow from the seed and the step's number alone, so that a run that was stopped and one that
    wasn't give the same weights.

    Args:
        net: on the CPU; comes back there.
        features: of the good photos.
        plan: see there.
        device: "cpu", "cuda", …; under `accelerate launch` each process takes its share of the batch.
        checkpoint: where the state is kept every `save_every` steps; training goes on from it where it is there.
        about: what tells this training from others with the same plan and the same weights to start from: its photos, its encoder.
        progress: wraps the loop over steps.
        told: hears each step's number and loss.

    Raises:
        MissingExtra: accelerate isn't installed.
        BadData: there is no photo.
        BadModel: the checkpoint is of another training, or can't be read.
        NotWritten: the checkpoint can't be written; training goes on from the one before.
    """
    if not len(features):
        raise BadData("dinomaly needs good photos to train on")
    started = sha256_json([*about, sha256_bytes(save(net.state_dict()))])
    accelerator = _accelerator(plan, device)
    where = accelerator.device
    model: Any = accelerator.prepare(net.train())
    optimiser = StableAdamW(net.parameters())
    course = Course()
    meant = sha256_json({"plan": asdict(plan), "shape": asdict(net.shape), "photos": len(features), "about": started})
    if checkpoint is not None and checkpoint.is_file():
        course.losses = _restored(checkpoint, net, optimiser, meant)
        course.resumed_at = len(course.losses)
    rank, ranks = accelerator.process_index, accelerator.num_processes
    for step in progress(range(course.resumed_at, plan.steps), "training", plan.steps - course.resumed_at):
        torch.manual_seed((plan.seed * 1_000_003 + step * 1009 + rank) % BIG)
        rows = batch_rows(len(features), plan.batch, plan.seed, step)[rank::ranks]
        loss = 0.0
        parts = [rows[first : first + plan.at_once] for first in range(0, len(rows), plan.at_once)]
        for number, part in enumerate(parts, start=1):
            with nullcontext() if number == len(parts) else accelerator.no_sync(model), accelerator.autocast():
                seen = [f.to(where) for f in features(part)]
                restored = model(seen)
                cut = [(a[:, features.prefix :], b[:, features.prefix :].float()) for a, b in zip(seen, restored, strict=True)]
                mined = min(MINED * step / MINED_AFTER, MINED)
                own = mining_loss([a for a, _ in cut], [b for _, b in cut], mined) * (len(part) / len(rows))
            accelerator.backward(own)
            loss += own.item()
        torch.nn.utils.clip_grad_norm_(optimiser.parameters, CLIP_NORM)
        optimiser.step(rate_at(step, plan.steps, top=plan.rate, last=plan.last_rate))
        course.losses.append(round(loss, 6))
        told(step, loss)
        LOG.info("step %d: loss %.4f", step, loss)
        if checkpoint is not None and accelerator.is_main_process and (step + 1) % plan.save_every == 0:
            _save(checkpoint, net, optimiser, course.losses, meant)
    net.to("cpu").eval()
    return course


def batch_rows(photos: int, batch: int, seed: int, step: int) -> list[int]:
    """The photos of one step: all of them in a new order for each round.

    >>> sorted(batch_rows(4, 2, 0, 0) + batch_rows(4, 2, 0, 1))
    [0, 1, 2, 3]
    """
    first = step * batch
    return [int(_order(photos, seed, at // photos)[at % photos]) for at in range(first, first + batch)]


def _order(photos: int, seed: int, round_: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng([seed, round_]).permutation(photos)


def _accelerator(plan: Plan, device: str) -> Any:
    try:
        from accelerate import Accelerator
    except ImportError as error:
        raise MissingExtra("training dinomaly", "dinomaly") from error
    return Accelerator(mixed_precision="bf16" if plan.dtype == "bfloat16" else "no", cpu=device == "cpu")


def _save(file: Path, net: Restorer, optimiser: StableAdamW, losses: list[float], meant: str) -> None:
    """One file, whole or not at all; the one before stands until then."""
    state = {f"net.{name}": t.detach().cpu().contiguous() for name, t in net.state_dict().items()}
    state |= {f"optimiser.{name}": t.cpu().contiguous() for name, t in optimiser.state().items()}
    write_file(file, save(state, metadata={"facts": json.dumps({"losses": losses, "meant": meant})}))


def _restored(file: Path, net: Restorer, optimiser: StableAdamW, meant: str) -> list[float]:
    try:
        with safe_open(file, "pt") as kept:
            facts = json.loads(kept.metadata()["facts"])
            state = {name: kept.get_tensor(name) for name in kept.keys()}  # noqa: SIM118 it is no mapping
    except Exception as error:  # the reader raises kinds of its own
        raise BadModel(f"the checkpoint {file} can't be read ({error}); delete it to train from the beginning") from error
    if facts["meant"] != meant:
        raise BadModel(f"the checkpoint {file} is of another training (photos, encoder or settings differ); delete it or choose another")
    net.load_state_dict({name.removeprefix("net."): t for name, t in state.items() if name.startswith("net.")})
    own = {name.removeprefix("optimiser."): t for name, t in state.items() if name.startswith("optimiser.")}
    optimiser.restore(own, len(facts["losses"]))
    return list(facts["losses"])
