"""Every model of anomalib's registry behind the one protocol: fitted, kept, loaded and asked like seewhy's own.

Their checkpoints are pickles; none is written or read here. A model's state goes into safetensors, and before a fit is over the model is
built anew from what would be saved and must score a photo as before. Pretrained weights and data sets come from this machine (see
`from_disk` and `datasets`), never from the network.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import cv2
import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from safetensors.torch import load as load_tensors

from seewhy.card import ProductCard
from seewhy.detectors.anomalib.building import built, class_of, make_room, row_of_model, side_of, state_of, stood_in
from seewhy.detectors.anomalib.models import PREFIX
from seewhy.detectors.anomalib.training import quiet, seeded, train
from seewhy.detectors.parts.inputs import as_batch, squared
from seewhy.detectors.parts.resolution import answer_to_a_dot
from seewhy.detectors.protocol import Calibrates, Single
from seewhy.detectors.weights.store import WeightsFile
from seewhy.errors import BadData, BadModel, MissingWeights
from seewhy.prompts import sentence
from seewhy.record import Sentence
from seewhy.types import Map, Pixels, Progress, ScoreMap, silent

CELL_SHARE = 1 / 32  # of the photo's side: a place as these models tell places apart, before it is measured
THUMB = 8  # side of the grey thumbnail that describes a photo as a whole
BACKBONE_OPTIONS = ("backbone", "encoder_name", "teacher_backbone")
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
        self._row, self._device = row_of_model(self._settings.model), device
        class_of(self._settings.model)  # refuses what the installed anomalib doesn't have
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
    def kind(self) -> str:
        """The registry's key."""
        return f"{PREFIX}{self._settings.model}"

    @property
    def name(self) -> str:
        """Another backbone than its own, and what stands in for weights and data, are part of it: the figures are not the model's."""
        backbone = next((f"/{self._settings.options[o]}" for o in BACKBONE_OPTIONS if o in self._settings.options), "")
        return f"{self.kind}{backbone}" + (" with stand-ins" if stood_in(self._used) else "")

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
    def settings(self) -> AnomalibSettings:
        """As asked, with the model's name."""
        return self._settings

    @property
    def learned(self) -> dict[str, Any]:
        """What it took from this machine, and what was measured."""
        self._fitted()
        return {"used": [asdict(w) for w in self._used], "resolution_cells": self._resolution_cells}

    def fit(self, photos: Sequence[Pixels], progress: Progress[Any] = silent) -> None:
        """Train on good photos as anomalib trains, then make sure that what would be saved scores as what was trained.

        Raises:
            MissingWeights: pretrained weights or a data set are not on this machine.
            BadData: there is no photo, or too little memory for what a model keeps of all.
            BadModel: training failed, gave no finite score, or made a model that can't be kept without a pickle.
        """
        if not len(photos):
            raise BadData(f"{self.name} needs at least one good photo")
        with tempfile.TemporaryDirectory(prefix="seewhy-") as folder, seeded(self._settings.seed), quiet():
            s = self._settings
            module, self._used = built(s.model, s.options, s.input_px, "stand-in" if s.stand_ins else "refuse", Path(folder))
            module.to(self._device)
            try:
                if self._row.epochs:
                    epochs, batch = self._settings.epochs or self._row.epochs, self._settings.batch or self._row.batch
                    train(module, photos, epochs, batch, self._device, self.name, progress)
                elif hasattr(module, "is_setup"):  # WinCLIP
                    module.setup("fit")
            except (BadData, MissingWeights, MemoryError, torch.OutOfMemoryError):
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
        return {"model.safetensors": state_of(self._fitted(), self.name)}

    @classmethod
    def from_files(cls, settings: AnomalibSettings, learned: Mapping[str, Any], files: Mapping[str, bytes], device: str = "cpu") -> Self:
        """The detector that was saved; needs no pretrained weights any more."""
        detector = cls(settings, device=device)
        detector._module = detector._loaded(files["model.safetensors"])
        detector._used = tuple(WeightsFile(**w) for w in learned["used"])
        detector._resolution_cells = learned["resolution_cells"]
        return detector

    def _fitted(self) -> Any:
        if self._module is None:
            raise BadModel(f"{self.kind} was not fitted; call fit first or load a model")
        return self._module

    @torch.no_grad()
    def _asked(self, pixels: Pixels) -> tuple[float, Map | None]:
        module = self._fitted()
        if hasattr(module, "vlm_backend"):
            with tempfile.TemporaryDirectory(prefix="seewhy-") as folder:
                photo = Path(folder) / "photo.png"
                Image.fromarray(pixels).save(photo)
                said = str(module.vlm_backend.predict(photo, module.prompt))
            return float(_says_yes(said)), None
        image = as_batch([squared(pixels, side_of(module))]).contiguous().to(self._device)
        if module.pre_processor is not None:
            image = module.pre_processor.transform(image)
        out = module.model(image)
        cells: Map | None = None if out.anomaly_map is None else out.anomaly_map.squeeze().float().cpu().numpy()
        if out.pred_score is None and cells is None:
            raise BadModel(f"{self.name} gave neither a score nor a map")
        return float(out.pred_score.flatten()[0] if cells is None or out.pred_score is not None else cells.max()), cells

    def _loaded(self, data: bytes) -> Any:
        with tempfile.TemporaryDirectory(prefix="seewhy-") as folder, seeded(self._settings.seed), quiet():
            module, _ = built(self._settings.model, self._settings.options, self._settings.input_px, "leave", Path(folder))
            if hasattr(module, "is_setup"):
                module.setup("fit")
        state = load_tensors(data)
        try:
            make_room(module, state)
            module.load_state_dict(state)
        except (RuntimeError, AttributeError) as error:
            raise BadModel(f"what was saved of {self.kind} doesn't fit this version of anomalib; fit it again") from error
        return module.to(self._device).eval()

    def _must_survive_saving(self, sample: Pixels) -> None:
        if hasattr(self._module, "vlm_backend"):
            return  # nothing of it is kept here
        trained, before = self._module, self.score(sample).score
        self._module = self._loaded(state_of(trained, self.name))
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
