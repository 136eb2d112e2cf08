"""A model of anomalib's before it is trained: made with weights and data sets from this machine; and its state, as tensors alone."""

from __future__ import annotations

import inspect
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from seewhy.detectors.anomalib.from_disk import STAND_IN, Missing, from_disk, stand_in
from seewhy.detectors.anomalib.models import MODELS, PREFIX, Model
from seewhy.detectors.weights import datasets, known, store
from seewhy.detectors.weights.store import WeightsFile
from seewhy.errors import BadData, BadModel, MissingExtra, UnknownName

DATASET_OPTION = {"dtd": "dtd_dir", "imagenette": "imagenet_dir"}


def row_of_model(model: str) -> Model:
    """What is known of one of its registry's models; of one outside the survey, little."""
    return MODELS.get(model, Model(model, "", "", 1))


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


def class_of(model: str) -> Any:
    """The class of one of its models.

    Raises:
        UnknownName: the installed anomalib has none of that name.
    """
    classes = registered()
    if model not in classes:
        raise UnknownName("model of anomalib", model, classes)
    import anomalib.models.image as image

    return getattr(image, classes[model])


def built(model: str, own_options: Mapping[str, Any], input_px: int, missing: Missing, folder: Path) -> tuple[Any, tuple[WeightsFile, ...]]:
    """A model before training, and what it took from this machine.

    Args:
        model: its name in anomalib.
        own_options: of its constructor, beside its row's.
        input_px: side of the square that photos are brought to; 0: the model's own.
        missing: what becomes of weights and data sets that are not here.
        folder: where data sets that stand in for others go.

    Raises:
        BadData: it can't be made with these options, or lacks a variable of the environment.
        MissingExtra: it needs a package beside anomalib.
        MissingWeights: weights or a data set are not here, and nothing may stand in for them.
    """
    row = row_of_model(model)
    unset = [v for v in row.variables if not os.environ.get(v)]
    if unset:
        raise BadData(f"{PREFIX}{model} asks a VLM server; set {' and '.join(unset)} in the environment")
    folders, taken = _data_sets(row, missing, folder)
    options: dict[str, Any] = {**row.options, **own_options, **folders}
    kind = class_of(model)
    accepted = inspect.signature(kind.__init__).parameters
    options |= {part: False for part in ("post_processor", "evaluator", "visualizer") if part in accepted}
    if input_px and "pre_processor" in accepted:
        options["pre_processor"] = kind.configure_pre_processor((input_px,) * 2)
    with from_disk(missing) as given:
        try:
            module = kind(**options)
        except (TypeError, ValueError) as error:
            raise BadData(f"{PREFIX}{model} can't be made with {dict(own_options)}: {error}") from error
        except ImportError as error:
            raise MissingExtra(f"{PREFIX}{model}", "anomalib") from error
    if model in OWN_WEIGHTS and missing != "leave":
        given.used.append(OWN_WEIGHTS[model](module, missing))
    _take_in_the_whole(module)
    return module, (*given.used, *taken)


def stood_in(used: Sequence[WeightsFile]) -> bool:
    """Whether something stands in for weights or a data set that are not here."""
    return any(file.name.startswith((STAND_IN, "textures")) for file in used)


def side_of(module: Any) -> int:
    """Side of the square that it takes, in pixels."""
    size: Any = module.input_size if getattr(module, "pre_processor", None) is not None else None
    return int(size[0]) if size else 256


def state_of(module: Any, name: str) -> bytes:
    """Everything that it learned, as safetensors.

    Raises:
        BadModel: it keeps something that is no tensor.
    """
    state = module.state_dict()
    odd = [key for key, value in state.items() if not isinstance(value, Tensor)]
    if odd:
        raise BadModel(f"{name} keeps {odd[0]!r}, which is no tensor, and seewhy writes no pickles; choose another model")
    return save_tensors({key: value.detach().cpu().contiguous().clone() for key, value in state.items()})


def make_room(module: Any, state: Mapping[str, Tensor]) -> None:
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


def _data_sets(row: Model, missing: Missing, folder: Path) -> tuple[dict[str, Path], list[WeightsFile]]:
    """Folders of the data sets that a model trains with, by option, and what they are."""
    folders, taken = dict[str, Path](), list[WeightsFile]()
    for name in row.datasets:
        where = folder / name
        if missing == "leave" or (missing == "stand-in" and not datasets.is_here(name)):
            where.mkdir(parents=True, exist_ok=True)
            if missing == "stand-in":
                taken.append(datasets.textures(where))
        else:
            where, file = datasets.dataset(name)
            taken.append(file)
        folders[DATASET_OPTION[name]] = where
    return folders, taken


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


def _take_in_the_whole(module: Any) -> None:
    """Scale to the size that a centre crop would leave: a crop would lose the photo's border."""
    from torchvision.transforms.v2 import CenterCrop, Compose, Resize

    pre: Any = getattr(module, "pre_processor", None)
    steps = list(getattr(getattr(pre, "transform", None), "transforms", ()))
    if not any(isinstance(s, CenterCrop) for s in steps):
        return
    rest = [s for s in steps if not isinstance(s, CenterCrop | Resize)]
    pre.transform = Compose([Resize((side_of(module),) * 2, antialias=True), *rest])
