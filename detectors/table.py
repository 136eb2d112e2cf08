"""What there is to choose from: one row for each detector, from which the docs' table is made and `seewhy doctor` answers."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from seewhy.detectors import DETECTORS
from seewhy.detectors.weights import present


@dataclass(frozen=True, slots=True)
class Row:
    """One detector."""

    name: str  # in `DETECTORS`
    paradigm: str
    paper: str
    needs: str  # of photos
    weights: tuple[str, ...] = ()  # any one of them; the first is the default
    packages: tuple[str, ...] = ()  # what its extra brings

    @property
    def extra(self) -> str:
        """The optional install that it wants."""
        return DETECTORS.table[self.name].extra

    def lacks(self) -> str:
        """What is missing here, and how to get it; empty where it would run."""
        if not all(map(_installed, self.packages)):
            return f"pip install 'seewhy[{self.extra}]'"
        if self.weights and not any(present(w) for w in self.weights):
            return f"seewhy weights import {self.weights[0]} FILE"
        return ""


def _installed(package: str) -> bool:
    try:
        return bool(version(package))
    except PackageNotFoundError:
        return False


BANKS = ("efficientnet-lite0", "wide-resnet50-2", "dinov2-base-reg4")
DINOS = ("dinov2-with-registers-base", "dinov2-with-registers-small", "dinov2-with-registers-large", "dinov3-vitb16")
TABLE = (
    Row("patchcore", "memory bank", "Roth et al., CVPR 2022", "a few dozen good photos", BANKS),
    Row(
        "dinomaly",
        "reconstruction of features",
        "Guo et al., CVPR 2025",
        "good photos of one or many products, training",
        (*DINOS, "efficientnet-lite0"),
        ("transformers", "accelerate"),
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
    ),
)


def as_markdown() -> str:
    """The docs' table.

    >>> as_markdown().splitlines()[0]
    '| detector | paradigm | paper | needs | weights (any one) | install |'
    """
    lines = ["| detector | paradigm | paper | needs | weights (any one) | install |", "|---|---|---|---|---|---|"]
    for row in TABLE:
        install = f"`seewhy[{row.extra}]`" if row.extra else "nothing more"
        lines.append(f"| `{row.name}` | {row.paradigm} | {row.paper} | {row.needs} | {', '.join(row.weights) or 'none'} | {install} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(as_markdown(), end="")
