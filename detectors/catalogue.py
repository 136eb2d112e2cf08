"""What there is to choose from: one row for each detector, from which the docs' table is made and `seewhy doctor` answers."""

from __future__ import annotations

import os
from dataclasses import dataclass

from seewhy.detectors.anomalib.models import LITE, MODELS, PREFIX
from seewhy.detectors.weights.datasets import KNOWN as DATASETS
from seewhy.detectors.weights.datasets import is_here
from seewhy.detectors.weights.known import known
from seewhy.detectors.weights.store import present
from seewhy.packages import installed


@dataclass(frozen=True, slots=True)
class Row:
    """One detector; its code's licence is Apache-2.0, seewhy's own and anomalib's alike."""

    name: str  # as `--detector` takes it
    paradigm: str
    paper: str
    needs: str  # of photos
    weights: tuple[str, ...] = ()  # any one of them, the first is the default; all of them for a model of anomalib
    packages: tuple[str, ...] = ()  # what its extra brings
    datasets: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()  # of the environment
    lite: bool = False  # whether `--encoder efficientnet-lite0` spares it its weights
    extra: str = ""

    def lacks(self) -> str:
        """What is missing here, and how to get it; empty where it would run."""
        if not all(map(installed, self.packages)):
            return f"pip install 'seewhy[{self.extra}]'"
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


BANKS = ("efficientnet-lite0", "wide-resnet50-2", "dinov2-base-reg4")
DINOS = ("dinov2-with-registers-base", "dinov2-with-registers-small", "dinov2-with-registers-large", "dinov3-vitb16")
OWN = (
    Row("patchcore", "memory bank", "Roth et al., CVPR 2022", "a few dozen good photos", BANKS),
    Row(
        "dinomaly",
        "reconstruction of features",
        "Guo et al., CVPR 2025",
        "good photos of one or many products, training",
        (*DINOS, "efficientnet-lite0"),
        ("transformers", "accelerate"),
        extra="dinomaly",
    ),
    Row("template", "comparison with golden photos", "classical", "one or more good photos of each place, parts in one pose"),
    Row("mutual", "mutual scoring of a lot", "Li et al., ICLR 2024 (MuSc)", "a lot; no photo need be known to be good", BANKS),
    Row(
        "winclip",
        "words",
        "Jeong et al., CVPR 2023",
        "words; one to four good photos help",
        ("clip-ViT-B-16-plus-240",),
        ("open_clip_torch",),
        extra="clip",
    ),
)
BORROWED = tuple(
    Row(
        f"{PREFIX}{m.name}",
        m.paradigm,
        m.paper,
        m.needs + (", no map" if m.whole_only else ""),
        m.weights,
        ("anomalib", *m.packages),
        m.datasets,
        m.variables,
        bool(m.lite),
        "anomalib",
    )
    for m in MODELS.values()
)
TABLE = (*OWN, *BORROWED)


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


if __name__ == "__main__":
    print(as_markdown(), end="")
