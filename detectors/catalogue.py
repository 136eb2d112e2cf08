"""What there is to choose from: one row for each detector.

The registry, `--detector auto`, `--option`, `seewhy doctor`, `seewhy recommend`, the contract test and the docs' table are read from it.
A plug-in's row is its class's attribute `row`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from seewhy.detectors.anomalib.models import LITE, MODELS, PREFIX
from seewhy.detectors.parts.devices import prepare_torch, torch_beside
from seewhy.detectors.settings import read
from seewhy.detectors.weights.datasets import KNOWN as DATASETS
from seewhy.detectors.weights.datasets import is_here
from seewhy.detectors.weights.known import known
from seewhy.detectors.weights.store import present
from seewhy.errors import BadData, BrokenPlugin, SeewhyError
from seewhy.packages import installed
from seewhy.registry import Entry, Registry, imported


@dataclass(frozen=True, slots=True)
class Example:
    """What the contract test tries a detector on."""

    photos: Literal["surfaces", "boards"]  # a few good ones and one with a defect
    settings: Mapping[str, Any] = field(default_factory=dict)  # by field, small enough for seconds, with weights that pip brings


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One detector; the code of the built-in ones is Apache-2.0, seewhy's own and anomalib's alike."""

    name: str  # as `--detector` takes it, and its `kind`
    settings: str  # its settings dataclass, "module:Class"
    target: str = ""  # its class, "module:Class"; of a plug-in and of a family the registry knows it
    paradigm: str = ""
    paper: str = ""
    needs: str = ""  # of photos
    weights: tuple[str, ...] = ()  # any one of them, the first is the default; all of them for a model of anomalib
    packages: tuple[str, ...] = ()  # what its extra brings
    datasets: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()  # of the environment
    lite: Mapping[str, Any] = field(default_factory=dict)  # options by which `--encoder efficientnet-lite0` spares it its weights
    extra: str = ""
    auto: tuple[str, ...] | None = None  # `auto` asks it unless one of these reasons of `seewhy.agent.models.choice` holds; None: never
    candidate: Mapping[str, Any] | None = None  # settings, by field, with which `recommend` tries it unasked; None: it doesn't
    example: Example | None = None
    beyond_torch: bool = False  # it runs on devices that torch doesn't know, too: its network is kept as exported, or it has none
    tests: str = ""  # of the tests' modules, the one that tries it where no example can: its weights are not everywhere

    def settings_from(self, data: Mapping[str, Any]) -> Any:
        """Its settings, from plain data by field.

        Raises:
            BadData: a value doesn't fit its field.
        """
        return read(imported(self.settings), data)

    def check_device(self, device: str) -> None:
        """Refuse a device that it can't use.

        Raises:
            BadData: torch runs it, and doesn't know the device, or it isn't here.
        """
        if self.beyond_torch:
            return
        if torch_beside(device) != device:
            raise BadData(f"{self.name} is run by torch, which doesn't know the device {device!r}; use cpu or cuda")
        prepare_torch(device)

    def lacks(self) -> str:
        """What is missing here, and how to get it; empty where it would run."""
        if not all(map(installed, self.packages)):
            return f"pip install 'seewhy[{self.extra}]'" if self.extra else f"pip install {' '.join(self.packages)}"
        missing = [w for w in self.weights if not present(w)]
        if missing and (self.name.startswith(PREFIX) or len(missing) == len(self.weights)):
            return f"seewhy weights import {missing[0]} FILE"
        absent = [d for d in self.datasets if not is_here(d)]
        if absent:
            return f"seewhy weights import {absent[0]} FOLDER"
        unset = [v for v in self.variables if not os.environ.get(v)]
        return f"set {unset[0]} in the environment" if unset else ""

    def runs(self) -> str:
        """How it would run here; empty where it would not."""
        if not self.lacks():
            return "would run"
        spared = self.lite and present(LITE) and all(map(installed, self.packages)) and all(map(is_here, self.datasets))
        return f"would run with --encoder {LITE}" if spared else ""

    def licences(self) -> str:
        """Of weights and data sets."""
        each = [known(w).licence for w in self.weights] + [DATASETS[d].licence for d in self.datasets]
        return ", ".join(dict.fromkeys(each)) or "none needed"


JOIN = "+"  # between the names of detectors that speak as one
BANKS = ("efficientnet-lite0", "wide-resnet50-2", "dinov2-base-reg4")
DINOS = ("dinov2-with-registers-base", "dinov2-with-registers-small", "dinov2-with-registers-large", "dinov3-vitb16")
OWN = (  # in the order in which `auto` asks them
    Row(
        name="template",
        target="seewhy.detectors.template.detector:Template",
        settings="seewhy.detectors.template.detector:TemplateSettings",
        paradigm="comparison with golden photos",
        paper="classical",
        needs="one or more good photos of each place, parts in one pose",
        auto=("no_good", "no_material"),
        candidate={},
        example=Example("boards"),
        beyond_torch=True,
    ),
    Row(
        name="dinomaly",
        target="seewhy.detectors.dinomaly.detector:Dinomaly",
        settings="seewhy.detectors.dinomaly.settings:DinomalySettings",
        paradigm="reconstruction of features",
        paper="Guo et al., CVPR 2025",
        needs="good photos of one or many products, training",
        weights=(*DINOS, "efficientnet-lite0"),
        packages=("transformers", "accelerate"),
        extra="dinomaly",
        auto=("no_good", "few_to_train", "slow_to_train"),
        candidate={"encoder": "efficientnet-lite0", "depth": 4, "steps": 300},
        example=Example("surfaces", {"encoder": "efficientnet-lite0", "input_px": 128, "depth": 2, "steps": 150, "batch": 8, "at_once": 8}),
        beyond_torch=True,
    ),
    Row(
        name="winclip",
        target="seewhy.detectors.winclip.detector:WinClip",
        settings="seewhy.detectors.winclip.settings:WinClipSettings",
        paradigm="words",
        paper="Jeong et al., CVPR 2023",
        needs="words; one to four good photos help",
        weights=("clip-ViT-B-16-plus-240",),
        packages=("open_clip_torch",),
        extra="clip",
        auto=("no_words", "bank_is_better"),
        tests="test_winclip",
    ),
    Row(
        name="patchcore",
        target="seewhy.detectors.patchcore:PatchCore",
        settings="seewhy.detectors.patchcore:PatchCoreSettings",
        paradigm="memory bank",
        paper="Roth et al., CVPR 2022",
        needs="a few dozen good photos",
        weights=BANKS,
        auto=("no_good",),
        candidate={},
        example=Example("surfaces", {"input_px": 192, "bank_rows": 600, "candidate_rows": 4000}),
        beyond_torch=True,
    ),
    Row(
        name="mutual",
        target="seewhy.detectors.mutual:Mutual",
        settings="seewhy.detectors.mutual:MutualSettings",
        paradigm="mutual scoring of a lot",
        paper="Li et al., ICLR 2024 (MuSc)",
        needs="a lot; no photo need be known to be good",
        weights=BANKS,
        auto=("no_lot",),
        example=Example("surfaces", {"input_px": 192}),
        beyond_torch=True,
    ),
)
FAMILY = Row(  # of which the models of anomalib are
    name=PREFIX,
    target="seewhy.detectors.anomalib.detector:named",
    settings="seewhy.detectors.anomalib.detector:AnomalibSettings",
    packages=("anomalib",),
    extra="anomalib",
    tests="test_anomalib",
)
BORROWED = tuple(
    replace(
        FAMILY,
        name=f"{PREFIX}{m.name}",
        target="",
        paradigm=m.paradigm,
        paper=m.paper,
        needs=m.needs + (", no map" if m.whole_only else ""),
        weights=m.weights,
        packages=(*FAMILY.packages, *m.packages),
        datasets=m.datasets,
        variables=m.variables,
        lite=m.lite,
    )
    for m in MODELS.values()
)
TABLE = (*OWN, *BORROWED)
ENSEMBLE = Row(
    name="ensemble", target="seewhy.detectors.ensemble:Ensemble", settings="seewhy.detectors.ensemble:EnsembleSettings"
)  # asked for by its members' names alone, and so in no table
DETECTORS = Registry(
    "detector",
    {row.name: Entry(row.target, row.extra) for row in (*OWN, ENSEMBLE)},
    {PREFIX: Entry(FAMILY.target, FAMILY.extra)},
    group="seewhy.detectors",
)


def row_of(name: str) -> Row:
    """The row of a detector, built in or plugged in, by the name that `--detector` takes.

    Raises:
        UnknownName: there is none.
        BrokenPlugin: it is a plug-in's that can't be used.
    """
    row = next((row for row in (*TABLE, ENSEMBLE) if row.name == name), None)
    if row is None and name.startswith(PREFIX):
        row = replace(FAMILY, name=name)
    return row or _row_of_plugin(name)


def rows() -> tuple[Row, ...]:
    """The table, and after it the rows of those plug-ins that can be used."""
    usable = list(TABLE)
    for plugin in DETECTORS.plugins():
        if not plugin.problem:
            try:
                usable.append(row_of(plugin.name))
            except BrokenPlugin:
                continue  # `seewhy doctor` tells why
    return tuple(usable)


def _row_of_plugin(name: str) -> Row:
    row = getattr(DETECTORS.get(name), "row", None)
    if not isinstance(row, Row) or row.name != name:
        bringer = ", ".join(f"{d} {v}" for d, v in DETECTORS.plugin_versions(name).items())
        raise BrokenPlugin(f"the detector {name!r} of {bringer} has no `row`, a seewhy.detectors.catalogue.Row of that name")
    try:
        row.lacks()
    except (SeewhyError, KeyError) as error:
        raise BrokenPlugin(f"the row of the detector {name!r} names what is in no table: {error}") from error
    return row


def as_markdown() -> str:
    """The docs' table.

    >>> as_markdown().splitlines()[0]
    '| detector | paradigm | paper | needs | weights and data sets | their licence |'
    """
    lines = ["| detector | paradigm | paper | needs | weights and data sets | their licence |", "|---|---|---|---|---|---|"]
    for row in TABLE:
        joint = " and " if row.name.startswith(PREFIX) else ", "
        wanted = joint.join(dict.fromkeys((*row.weights, *row.datasets))) or "none"
        spared = " (*)" if row.lite else ""
        lines.append(f"| `{row.name}` | {row.paradigm} | {row.paper} | {row.needs} | {wanted}{spared} | {row.licences()} |")
    return "\n".join(lines) + "\n"
