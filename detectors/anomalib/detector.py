"""Every model of anomalib's registry behind the one protocol: fitted, kept, loaded and asked like seewhy's own.

Their checkpoints are pickles; none is written or read here. A model's state goes into safetensors, and before a fit is over the model is
built anew from what would be saved and must score a photo as before. Pretrained weights and data sets come from this machine (see
`from_disk` and `datasets`), never from the network.
"""

from __future__ import annotations

import inspect
import json
import logging
import os
import random
import re
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import partialmethod
from pathlib import Path
from typing import Any, ClassVar, Self

import cv2
import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from seewhy.card import ProductCard
from seewhy.detectors.anomalib.from_disk import STAND_IN, Missing, from_disk, replaced, stand_in
from seewhy.detectors.anomalib.models import MODELS, PREFIX, Model
from seewhy.detectors.parts.resolution import answer_to_a_dot
from seewhy.detectors.protocol import Calibrates, Single
from seewhy.detectors.weights import datasets, known, store
from seewhy.detectors.weights.store import WeightsFile
from seewhy.errors import BadData, BadModel, MissingExtra, MissingWeights, UnknownName
from seewhy.prompts import sentence
from seewhy.record import Sentence
from seewhy.types import Map, Pixels, Progress, ScoreMap, silent

CELL_SHARE = 1 / 32  # of the photo's side: a place as these models tell places apart, before it is measured
THUMB = 8  # side of the grey thumbnail that describes a photo as a whole
HELD_BACK = 8  # every so manieth photo is kept from training where a model wants to see others before it is done
SAME = 0.01  # relative difference of scores before and after saving; an inverse of a covariance moves in the fourth digit


@dataclass(frozen=True, slots=True)
class AnomalibSettings:
    """What can be chosen; the defaults are anomalib's, and the paper's number of epochs."""

    model: str = ""  # of its registry; given by the detector's name
    epochs: int = 0  # 0: the row's in `MODELS`, for another model 1
    batch: int = 0
    input_px: int = 0  # side of the square that a photo is brought to; 0: the model's own
    options: Mapping[str, Any] = field(default_factory=dict)  # of the model's constructor: backbone, layers, …
    stand_ins: bool = False  # random numbers for weights that are not here, noise for data sets; said in record and report
    seed: int = 0


class Anomalib(Single):
    """A model of anomalib's; subclasses bear its name.

    Args:
        settings: see `AnomalibSettings`.
        device: where it trains and scores.

    Raises:
        MissingExtra: anomalib, or what this model needs beside it, isn't installed.
        UnknownName: anomalib has no such model.
        BadData: an option can't be kept.
    """

    calibrates: Calibrates = "held_out"
    model: ClassVar[str] = ""

    def __init__(self, settings: AnomalibSettings | None = None, *, device: str = "cpu") -> None:
        given = settings or AnomalibSettings()
        self._settings = replace(given, model=type(self).model or given.model)
        self._row = MODELS.get(self._settings.model, Model(self._settings.model, "", "", 1))
        self._device, self._kind = device, _registered(self._settings.model)
        if "api_key" in self._settings.options:
            raise BadData("a key would be kept with the model; give it in the environment variable OPENAI_API_KEY")
        if self._settings.model == "vlm_ad" and self._settings.options.get("k_shot"):
            raise BadData("anomalib/vlm_ad keeps no photos to compare with; leave out k_shot")
        self._module: Any = None
        self._used: tuple[WeightsFile, ...] = ()
        self._resolution_cells = 1.0

    @classmethod
    def from_card(cls, card: ProductCard | None, settings: AnomalibSettings | None = None, /, *, device: str = "cpu") -> Self:
        """Unfitted; WinCLIP takes its words from the card."""
        given = settings or AnomalibSettings()
        if cls.model == "winclip" and card is not None and "class_name" not in given.options:
            given = replace(given, options={**given.options, "class_name": card.description or card.name})
        return cls(given, device=device)

    @property
    def name(self) -> str:
        """Another backbone than its own, and what stands in for weights and data, are part of it: the figures are not the model's."""
        labelled = any(w.name.startswith((STAND_IN, "textures")) for w in self._used)
        backbone = next((f"/{self._settings.options[o]}" for o in BACKBONE_OPTIONS if o in self._settings.options), "")
        return f"{PREFIX}{self._settings.model}{backbone}" + (" with stand-ins" if labelled else "")

    def introduce(self, product: str, good_photos: int) -> Sentence:
        """What it knows of the product."""
        if not self._row.epochs:
            return sentence("detector.spoke_words_of_anomalib", name=self.name, product=product)
        return sentence("detector.spoke_anomalib", name=self.name, photos=good_photos, product=product)

    @property
    def weights(self) -> tuple[WeightsFile, ...]:
        """Pretrained weights and data sets behind the scores, stand-ins among them."""
        return self._used

    @property
    def settings(self) -> dict[str, Any]:
        """The settings, and what they took from this machine."""
        self._fitted()
        return asdict(self._settings) | {
            "options": json.loads(json.dumps(dict(self._settings.options), default=str)),
            "used": [asdict(w) for w in self._used],
            "resolution_cells": self._resolution_cells,
        }

    def fit(self, photos: Sequence[Pixels], progress: Progress[Any] = silent) -> None:
        """Train on good photos as anomalib trains, then make sure that what would be saved scores as what was trained.

        Raises:
            MissingWeights: pretrained weights or a data set are not on this machine.
            BadData: there is no photo.
            BadModel: training failed, gave no finite score, or made a model that can't be kept without a pickle.
        """
        if not len(photos):
            raise BadData(f"{self.name} needs at least one good photo")
        with tempfile.TemporaryDirectory(prefix="seewhy-") as folder, _seeded(self._settings.seed), _quiet():
            module, self._used = self._built("stand-in" if self._settings.stand_ins else "refuse", Path(folder))
            module.to(self._device)
            try:
                self._train(module, photos, progress)
            except (MissingWeights, MemoryError, torch.OutOfMemoryError):
                raise
            except Exception as error:  # whatever a borrowed model raises is its failure, and the chain goes on
                raise BadModel(f"{self.name} could not be trained: {type(error).__name__}: {str(error)[:300]}") from error
        self._module = module.eval()
        sample = photos[len(photos) // 2]
        whole = self._row.whole_only
        self._resolution_cells = 1 / CELL_SHARE if whole else answer_to_a_dot(lambda p: self.score(p).values, sample, self._cell_px(sample))
        self._must_survive_saving(sample)

    def without(self, held_out: int) -> Self:
        """Refused: a photo can't be taken out of a trained model.

        Raises:
            BadModel: always; calibrate on photos that were set aside.
        """
        raise BadModel(f"photo {held_out} can't be taken out of {self.name}; calibrate it on photos that were set aside (split)")

    def score(self, pixels: Pixels) -> ScoreMap:
        """Score one photo (H, W, 3); where the model has no map, every pixel has the photo's score.

        Raises:
            BadModel: it failed, or its answer is not a finite number.
        """
        height, width = pixels.shape[:2]
        try:
            score, cells = self._asked(pixels)
        except BadModel:
            raise
        except Exception as error:
            raise BadModel(f"{self.name} could not score a photo: {type(error).__name__}: {str(error)[:300]}") from error
        values: Map = np.full((height, width), score, np.float32)
        if cells is not None:
            values = cv2.resize(cells, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.float32)
        if not np.isfinite(values).all() or not np.isfinite(score):
            raise BadModel(f"{self.name} gave a score that is no finite number; train it again, longer or at a lower rate")
        return ScoreMap(values, score, self._resolution_cells * self._cell_px(pixels), self.name, _thumbnail(pixels))

    def files(self) -> dict[str, bytes]:
        """The model's state, its backbone with it."""
        return {"model.safetensors": _state(self._fitted(), self.name)}

    @classmethod
    def from_files(cls, settings: Mapping[str, Any], files: Mapping[str, bytes], device: str = "cpu") -> Self:
        """The detector that was saved; needs no pretrained weights any more."""
        known = {k: v for k, v in settings.items() if k in AnomalibSettings.__dataclass_fields__}
        made = cls(AnomalibSettings(**known), device=device)
        made._module = made._loaded(files["model.safetensors"])
        made._used = tuple(WeightsFile(**w) for w in settings["used"])
        made._resolution_cells = settings["resolution_cells"]
        return made

    def _fitted(self) -> Any:
        if self._module is None:
            raise BadModel(f"{PREFIX}{self._settings.model} was not fitted; call fit first or load a model")
        return self._module

    def _built(self, missing: Missing, folder: Path) -> tuple[Any, tuple[WeightsFile, ...]]:
        """The model before training, and what it took from this machine; data sets that stand in for others go to `folder`."""
        unset = [v for v in self._row.variables if not os.environ.get(v)]
        if unset:
            raise BadData(f"{PREFIX}{self._settings.model} asks a VLM server; set {' and '.join(unset)} in the environment")
        options, taken = {**self._row.options, **self._settings.options}, list[WeightsFile]()
        for name in self._row.datasets:
            where = folder / name
            if missing == "leave" or (missing == "stand-in" and not datasets.is_here(name)):
                where.mkdir(parents=True, exist_ok=True)
                if missing == "stand-in":
                    taken.append(datasets.textures(where))
            else:
                where, file = datasets.dataset(name)
                taken.append(file)
            options[DATASET_OPTION[name]] = where
        accepted = inspect.signature(self._kind.__init__).parameters
        options |= {part: False for part in ("post_processor", "evaluator", "visualizer") if part in accepted}
        if self._settings.input_px and "pre_processor" in accepted:
            options["pre_processor"] = self._kind.configure_pre_processor((self._settings.input_px,) * 2)
        with from_disk(missing) as given:
            try:
                module = self._kind(**options)
            except (TypeError, ValueError) as error:
                raise BadData(f"{PREFIX}{self._settings.model} can't be made with {dict(self._settings.options)}: {error}") from error
            except ImportError as error:
                raise MissingExtra(f"{PREFIX}{self._settings.model}", "anomalib") from error
        if self._settings.model in OWN_WEIGHTS and missing != "leave":
            given.used.append(OWN_WEIGHTS[self._settings.model](module, missing))
        _take_in_the_whole(module)
        return module, (*given.used, *taken)

    def _train(self, module: Any, photos: Sequence[Pixels], progress: Progress[Any]) -> None:
        from lightning.pytorch import LightningModule, Trainer

        if not self._row.epochs:
            if hasattr(module, "is_setup"):  # WinCLIP
                module.setup("fit")
            return
        side = _side(module)
        wants_others = not _waits_for_memory(module) and type(module).on_validation_start is not LightningModule.on_validation_start
        held = set(range(HELD_BACK - 1, len(photos), HELD_BACK)) or {0} if wants_others else set[int]()
        learned = [i for i in range(len(photos)) if i not in held] or [0]
        data = _data(photos, learned, sorted(held), side, self._settings.batch or self._row.batch)
        epochs = self._settings.epochs or self._row.epochs
        own = {k: v for k, v in module.trainer_arguments.items() if k not in ("devices", "check_val_every_n_epoch")}
        total = own.get("max_epochs", epochs)
        trainer = Trainer(
            **{"max_epochs": total, **own},
            accelerator="gpu" if self._device.startswith("cuda") else "cpu",
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
        trainer.fit(module, datamodule=data)
        module.to(self._device)

    @torch.no_grad()
    def _asked(self, pixels: Pixels) -> tuple[float, Map | None]:
        module = self._fitted()
        if hasattr(module, "vlm_backend"):
            with tempfile.TemporaryDirectory(prefix="seewhy-") as folder:
                photo = Path(folder) / "photo.png"
                Image.fromarray(pixels).save(photo)
                said = str(module.vlm_backend.predict(photo, module.prompt))
            return float(_says_yes(said)), None
        image = _prepared(pixels, _side(module))[None].to(self._device)
        if module.pre_processor is not None:
            image = module.pre_processor.transform(image)
        out = module.model(image)
        cells: Map | None = None if out.anomaly_map is None else out.anomaly_map.squeeze().float().cpu().numpy()
        if out.pred_score is None and cells is None:
            raise BadModel(f"{self.name} gave neither a score nor a map")
        return float(out.pred_score.flatten()[0] if cells is None or out.pred_score is not None else cells.max()), cells

    def _loaded(self, data: bytes) -> Any:
        with tempfile.TemporaryDirectory(prefix="seewhy-") as folder, _seeded(self._settings.seed), _quiet():
            module, _ = self._built("leave", Path(folder))
            if hasattr(module, "is_setup"):
                module.setup("fit")
        state = load_tensors(data)
        try:
            _make_room(module, state)
            module.load_state_dict(state)
        except (RuntimeError, AttributeError) as error:
            raise BadModel(
                f"what was saved of {PREFIX}{self._settings.model} doesn't fit this version of anomalib; fit it again"
            ) from error
        return module.to(self._device).eval()

    def _must_survive_saving(self, sample: Pixels) -> None:
        if hasattr(self._module, "vlm_backend"):
            return  # nothing of it is kept here
        trained, before = self._module, self.score(sample).score
        self._module = self._loaded(_state(trained, self.name))
        after = self.score(sample).score
        if abs(after - before) > SAME * max(abs(before), 1e-6):
            raise BadModel(
                f"{self.name} keeps something beside its tensors (a photo scores {before:.6g}, after saving {after:.6g}), and seewhy "
                "writes no pickles; choose another model"
            )

    def _cell_px(self, pixels: Pixels) -> float:
        return float(max(pixels.shape[:2])) * CELL_SHARE


def named(name: str) -> type[Anomalib]:
    """The detector class of one of anomalib's models; a backbone after it belongs to the settings.

    >>> named("padim").model, named("padim/tf_efficientnet_lite0").model
    ('padim', 'padim')
    """
    model = name.split("/")[0]
    return type(f"Anomalib{model.title().replace('_', '')}", (Anomalib,), {"model": model, "__doc__": Anomalib.__doc__})


def registered() -> dict[str, str]:
    """Every model that the installed anomalib has: its class by the name of its folder.

    Raises:
        MissingExtra: anomalib isn't installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import anomalib.models.image as image
    except ImportError as error:
        raise MissingExtra("a model of anomalib", "anomalib") from error
    return {getattr(image, name).__module__.split(".")[3]: name for name in image.__all__}


def _registered(model: str) -> Any:
    known = registered()
    if model not in known:
        raise UnknownName("model of anomalib", model, known)
    import anomalib.models.image as image

    return getattr(image, known[model])


def _efficient_ad(module: Any, missing: Missing) -> WeightsFile:
    """The teacher's weights; training would fetch them."""
    name = f"efficientad-teacher-{module.model_size.value}"
    module.prepare_pretrained_model = lambda: None
    return _own(module.model.teacher, name, missing)


def _dsr(module: Any, missing: Missing) -> WeightsFile:
    """The quantising autoencoder's weights; training would fetch them."""
    module.prepare_pretrained_model = lambda: Path()
    module.model.load_pretrained_discrete_model_weights = lambda *_: None
    return _own(module.model.discrete_latent_model, "dsr-vq-128-4096", missing)


def _own(net: nn.Module, name: str, missing: Missing) -> WeightsFile:
    if missing == "stand-in" and not store.present(name):
        return stand_in(net, name, known.known(name).source)
    state, file = store.load(name)
    net.load_state_dict(state)
    return file


OWN_WEIGHTS = {"efficient_ad": _efficient_ad, "dsr": _dsr}
BACKBONE_OPTIONS = ("backbone", "encoder_name", "teacher_backbone")
DATASET_OPTION = {"dtd": "dtd_dir", "imagenette": "imagenet_dir"}


def _state(module: Any, name: str) -> bytes:
    state = module.state_dict()
    odd = [key for key, value in state.items() if not isinstance(value, Tensor)]
    if odd:
        raise BadModel(f"{name} keeps {odd[0]!r}, which is no tensor, and seewhy writes no pickles; choose another model")
    return save_tensors({key: value.detach().cpu().contiguous().clone() for key, value in state.items()})


def _make_room(module: Any, state: Mapping[str, Tensor]) -> None:
    """Give buffers and parameters that a fit makes (memory banks, projections) the shapes that were saved."""
    for key, value in state.items():
        *path, last = key.split(".")
        owner = module
        for part in path:
            owner = getattr(owner, part, None)
        if owner is None:
            continue
        for table in (owner._buffers, owner._parameters):
            there = table.get(last)
            if there is not None and there.shape != value.shape:
                table[last] = (
                    nn.Parameter(torch.zeros_like(value), there.requires_grad) if table is owner._parameters else torch.zeros_like(value)
                )


def _take_in_the_whole(module: Any) -> None:
    """Scale to the size that a centre crop would leave: a crop would lose the photo's border."""
    from torchvision.transforms.v2 import CenterCrop, Compose, Resize

    pre: Any = getattr(module, "pre_processor", None)
    steps = list(getattr(getattr(pre, "transform", None), "transforms", ()))
    if not any(isinstance(s, CenterCrop) for s in steps):
        return
    rest = [s for s in steps if not isinstance(s, CenterCrop | Resize)]
    pre.transform = Compose([Resize((_side(module),) * 2, antialias=True), *rest])


def _side(module: Any) -> int:
    size: Any = module.input_size if getattr(module, "pre_processor", None) is not None else None
    return int(size[0]) if size else 256


def _prepared(pixels: Pixels, side: int) -> Tensor:
    """(3, side, side) in 0..1."""
    shrinks = side < max(pixels.shape[:2])
    square = cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    return torch.from_numpy(square).permute(2, 0, 1).float() / 255


def _waits_for_memory(module: Any) -> bool:
    from anomalib.models.components.base import MemoryBankMixin

    return isinstance(module, MemoryBankMixin)


def _data(photos: Sequence[Pixels], learned: Sequence[int], held: Sequence[int], side: int, batch: int) -> Any:
    """A Lightning data module over good photos."""
    from anomalib.data import ImageBatch
    from lightning.pytorch import LightningDataModule
    from torch.utils.data import DataLoader

    def gathered(rows: list[int]) -> Any:
        images = torch.stack([_prepared(photos[i], side) for i in rows])
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


def _says_yes(answer: str) -> bool:
    """Whether a VLM's answer begins by saying that the photo is anomalous.

    >>> _says_yes("YES: a crack"), _says_yes("**No**, all is well")
    (True, False)

    Raises:
        BadModel: it says neither.
    """
    word = re.match(r"\W*(yes|no)\b", answer.lower())
    if word is None:
        raise BadModel(f"the VLM answered neither yes nor no: {answer[:100]!r}")
    return word[1] == "yes"


def _thumbnail(pixels: Pixels) -> npt.NDArray[np.float32]:
    """(THUMB * THUMB,): what the photo looks like as a whole, whatever the light."""
    grey = cv2.cvtColor(cv2.resize(pixels, (THUMB, THUMB), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY).astype(np.float32).ravel()
    made: npt.NDArray[np.float32] = (grey - grey.mean()) / (grey.std() + 1)
    return made


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
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
def _quiet() -> Iterator[None]:
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
