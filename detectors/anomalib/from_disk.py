"""What other libraries fetch from the network comes from this machine's weights folder instead, by name and digest, or is refused.

timm, torchvision and open_clip each load pretrained weights in one function. While a model is being built that function is replaced by one
that asks `store.load`; nothing is downloaded. What is missing is named exactly, or, where it was asked for, replaced by a stand-in with
random numbers that says what it stands for wherever it goes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import RLock
from typing import Any, Literal

from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from seewhy.canonical import sha256_bytes
from seewhy.detectors.parts.backbones import BACKBONES
from seewhy.detectors.parts.encoder import fitted_state
from seewhy.detectors.weights import known, store
from seewhy.detectors.weights.store import WeightsFile
from seewhy.errors import WeightsMismatch

STAND_IN = "stand-in for "  # before the name of what is missing
ONE_AT_A_TIME = RLock()  # other threads build their models before or after
Missing = Literal["refuse", "stand-in", "leave"]  # leave: as built, for a model whose state is loaded afterwards


@dataclass(slots=True)
class Pretrained:
    """Gives pretrained weights by name, and notes what it gave."""

    missing: Missing = "refuse"
    used: list[WeightsFile] = field(default_factory=list)

    def fill(self, net: nn.Module, name: str, source: str, renamed: Callable[[dict[str, Tensor]], Mapping[str, Tensor]] = dict) -> None:
        """Load the weights `name` into `net`.

        Args:
            net: of the architecture.
            name: in the weights table.
            source: where they can be had, for the stand-in's note.
            renamed: brings the file's names to the network's.

        Raises:
            MissingWeights: they are not here, and no stand-in was asked for.
            WeightsMismatch: they are of another architecture.
        """
        if self.missing == "leave":
            return
        if self.missing == "stand-in" and not store.present(name):
            self.used.append(stand_in(net, name, source))
            return
        state, file = store.load(name)
        own = net.state_dict()
        fits = {key: value for key, value in renamed(state).items() if key in own}
        lost = [key for key in own if key not in fits and not key.endswith("num_batches_tracked")]
        if any(own[key].shape != value.shape for key, value in fits.items()) or len(lost) > len(own) - len(fits):
            raise WeightsMismatch(f"the weights {name!r} are of another architecture; import the right file again")
        if lost:
            raise WeightsMismatch(f"the weights {name!r} lack {lost[0]!r}; import the right file again")
        net.load_state_dict(fits, strict=False)
        self.used.append(file)


def stand_in(net: nn.Module, name: str, source: str) -> WeightsFile:
    """What stands for the weights `name`: the numbers that the network's own code drew when it was built."""
    state = {key: value.contiguous().clone() for key, value in net.state_dict().items()}
    return WeightsFile(f"{STAND_IN}{name}", "random", sha256_bytes(save_tensors(state)), "none", f"made here, instead of {source}")


@contextmanager
def from_disk(missing: Missing = "refuse") -> Iterator[Pretrained]:
    """Inside, timm, torchvision and open_clip take pretrained weights from this machine."""
    given = Pretrained(missing)
    with ONE_AT_A_TIME, _timm(given), _torchvision(given), _open_clip(given):
        yield given


@contextmanager
def _timm(given: Pretrained) -> Iterator[None]:
    from timm.models import _builder

    def load(model: nn.Module, pretrained_cfg: Any = None, *_args: Any, **_more: Any) -> None:
        config = pretrained_cfg if isinstance(pretrained_cfg, Mapping) else vars(pretrained_cfg or model.pretrained_cfg)
        published = ".".join(filter(None, (str(config["architecture"]), str(config.get("tag") or ""))))
        if published in SAME:
            row = BACKBONES[SAME[published]]
            return given.fill(model, row.weights, published, lambda state: fitted_state(row, state))
        return given.fill(model, f"{known.TIMM}{published}", f"huggingface.co/timm/{published}")

    with replaced(_builder, "load_pretrained", load):
        yield


SAME = {"tf_efficientnet_lite0.in1k": "efficientnet-lite0", "wide_resnet50_2.tv_in1k": "wide-resnet50-2"}  # in timm, and in `BACKBONES`


@contextmanager
def _torchvision(given: Pretrained) -> Iterator[None]:
    from torchvision.models import _api

    def load(self: Any, *_args: Any, **_more: Any) -> Any:
        return _Later(given, self.url)

    real = nn.Module.load_state_dict

    def fill(self: nn.Module, state_dict: Any, *args: Any, **more: Any) -> Any:
        if not isinstance(state_dict, _Later):
            return real(self, state_dict, *args, **more)
        return state_dict.given.fill(self, f"{known.HUB}{state_dict.url.rsplit('/', 1)[-1]}", state_dict.url)

    with replaced(_api.WeightsEnum, "get_state_dict", load), replaced(nn.Module, "load_state_dict", fill):
        yield


@dataclass(frozen=True, slots=True)
class _Later:
    """What torchvision would have fetched; known to the network that it is for when that loads it."""

    given: Pretrained
    url: str


@contextmanager
def _open_clip(given: Pretrained) -> Iterator[None]:
    try:
        import open_clip
    except ImportError:
        yield
        return
    real = open_clip.create_model_and_transforms

    def create(name: str, pretrained: str | None = None, **more: Any) -> Any:
        made = real(name, pretrained=None, **more)
        if pretrained:
            given.fill(made[0], f"{known.CLIP}{name}", f"open_clip's {pretrained} of {name}")
        return made

    with replaced(open_clip, "create_model_and_transforms", create):
        yield


@contextmanager
def replaced(where: Any, name: str, by: Any) -> Iterator[None]:
    """An attribute, for a while."""
    before = getattr(where, name)
    setattr(where, name, by)
    try:
        yield
    finally:
        setattr(where, name, before)
