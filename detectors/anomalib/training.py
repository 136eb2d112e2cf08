"""Training as anomalib trains, by Lightning: on good photos alone, quietly, and as the seed says."""

from __future__ import annotations

import logging
import random
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partialmethod
from typing import Any

import numpy as np
import torch

from seewhy.detectors.anomalib.building import side_of
from seewhy.detectors.anomalib.from_disk import replaced
from seewhy.detectors.anomalib.room import check_room, in_place
from seewhy.detectors.parts.inputs import as_batch, squared
from seewhy.types import Pixels, Progress

HELD_BACK = 8  # every 8th photo is kept from training where a model wants to see others before it is done


def train(module: Any, photos: Sequence[Pixels], epochs: int, batch: int, device: str, name: str, progress: Progress[Any]) -> None:
    """Train one of anomalib's models in place.

    Args:
        module: its Lightning module.
        photos: good ones, (H, W, 3) each; read one at a time.
        epochs: as many, where the model has no number of its own.
        batch: photos at a time.
        device: "cpu" or "cuda".
        name: of the detector, for people.
        progress: wraps the steps.

    Raises:
        BadData: what it keeps of all photos doesn't fit into memory.
    """
    from lightning.pytorch import LightningModule, Trainer

    wants_others = not _waits_for_memory(module) and type(module).on_validation_start is not LightningModule.on_validation_start
    held = set(range(HELD_BACK - 1, len(photos), HELD_BACK)) or {0} if wants_others else set[int]()
    learned = [i for i in range(len(photos)) if i not in held] or [0]
    check_room(module, len(learned), name)
    data = _data(photos, learned, sorted(held), side_of(module), batch)
    own = {k: v for k, v in module.trainer_arguments.items() if k not in ("devices", "check_val_every_n_epoch")}
    total = own.get("max_epochs", epochs)
    trainer = Trainer(
        **{"max_epochs": total, **own},
        accelerator="gpu" if device.startswith("cuda") else "cpu",
        devices=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        check_val_every_n_epoch=total,
        limit_val_batches=None if held else 0,
        callbacks=[_bar(progress, total * len(data.train_dataloader()))],
        log_every_n_steps=1,
    )
    with in_place():
        trainer.fit(module, datamodule=data)
    module.to(device)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """All three generators from the seed, and as they were afterwards."""
    python, array = random.getstate(), np.random.get_state()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(array)


@contextmanager
def quiet() -> Iterator[None]:
    """Without Lightning's and anomalib's chatter."""
    from tqdm import tqdm

    loggers = [logging.getLogger(name) for name in ("", "lightning", "lightning.pytorch", "lightning.fabric", "anomalib")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), replaced(tqdm, "__init__", partialmethod(tqdm.__init__, disable=True)):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def _waits_for_memory(module: Any) -> bool:
    from anomalib.models.components.base import MemoryBankMixin

    return isinstance(module, MemoryBankMixin)


def _data(photos: Sequence[Pixels], learned: Sequence[int], held: Sequence[int], side: int, batch: int) -> Any:
    """A Lightning data module over good photos."""
    from anomalib.data import ImageBatch
    from lightning.pytorch import LightningDataModule
    from torch.utils.data import DataLoader

    def gathered(rows: list[int]) -> Any:
        images = as_batch([squared(photos[i], side) for i in rows]).contiguous()  # some of its models view what they get
        good = torch.zeros(len(rows), dtype=torch.bool)
        return ImageBatch(image=images, gt_label=good, gt_mask=torch.zeros(len(rows), side, side, dtype=torch.bool))

    class Photos(LightningDataModule):  # type: ignore[misc]
        train_batch_size = min(batch, len(learned))
        eval_batch_size = 1

        def train_dataloader(self) -> Any:
            size = self.train_batch_size
            return DataLoader(learned, size, shuffle=True, drop_last=len(learned) >= size, collate_fn=gathered)  # type: ignore[arg-type]

        def val_dataloader(self) -> Any:
            return DataLoader(held, 1, collate_fn=gathered)  # type: ignore[arg-type]

    return Photos()


def _bar(progress: Progress[Any], steps: int) -> Any:
    """Moves the progress bar on by a step after each batch."""
    from lightning.pytorch import Callback

    class Bar(Callback):  # type: ignore[misc]
        def __init__(self) -> None:
            self._at = iter(progress(range(steps), "training", steps))

        def on_train_batch_end(self, *_: Any) -> None:
            next(self._at, None)

        def on_train_end(self, *_: Any) -> None:
            for _step in self._at:
                pass

    return Bar()
