"""One photo on disk, and what is known of it before it is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from seewhy.agent.photos.names import recorded
from seewhy.record import PartIdentity

# Layouts that are known, as people call them; the command line's help lists them, so this module imports nothing heavy.
SPLIT = "MVTec AD, MVTec AD 2, MVTec LOCO AD, MPDD, BTAD, GoodsAD, VisA (raw or split)"
VISA_RAW, REAL_IAD, BESIDE = "VisA as downloaded", "Real-IAD", "KolektorSDD, KolektorSDD2"
BY_FOLDER = "anomalib's folders (good, one per defect, mask)"
LABELLED = "labels by COCO, Labelme or Pascal VOC"
LISTED = "a CSV with the columns path and label"
NAMES = (SPLIT, REAL_IAD, BESIDE, BY_FOLDER, LABELLED, LISTED)

GOOD_WORDS = frozenset({"good", "ok", "normal", "pass", "io", "i.o.", "gut", "양품", "정상", "합격"})
SPLITS = {"train": "train", "validation": "validation", "val": "validation", "test": "test", "test_public": "test"}
SAYS_GOOD = GOOD_WORDS | {"train"}  # names of folders that say what photos are for, and nothing of the product
UNLABELLED = "unlabelled"  # the kind of a photo among labelled ones that has no label: nothing is known of it


@dataclass(frozen=True, slots=True)
class Sample:
    """One photo on disk and what the layout says of it."""

    path: Path
    root: Path  # no link may lead out of it
    name: str  # unique in its layout; "/" between parts; as `seewhy.agent.photos.names.recorded` writes it
    product: str
    split: str = ""  # "train", "validation", "test", "private" or unknown
    kind: str = ""  # "good", a defect's name, or unknown
    mask: Path | None = None  # what marks the defect: a picture, a folder of pictures, a file of labels; see `masks`
    part: PartIdentity | None = None  # which part it shows, where that is known; see `identity`

    @property
    def good(self) -> bool:
        """Whether the layout calls it a good photo."""
        return self.kind == "good"


def kind_of(word: str) -> str:
    """ "good" for whatever means that, in English, Korean or German; else the word itself.

    >>> kind_of("OK"), kind_of("양품"), kind_of("Crack")
    ('good', 'good', 'Crack')
    """
    return "good" if word.strip().lower() in GOOD_WORDS else word.strip()


def product_folder(folder: Path) -> Path:
    """The folder that a product is called after: `folder`, or the one above where its name says no more than that its photos are good.

    >>> str(product_folder(Path("/line4/bracket/train/good"))), str(product_folder(Path("/line4/bracket")))
    ('/line4/bracket', '/line4/bracket')
    """
    whole = folder.resolve()
    return next((one for one in (whole, *whole.parents) if one.name and one.name.lower() not in SAYS_GOOD), whole)


def sample(path: Path, root: Path, folder: Path, split: str = "", kind: str = "", mask: Path | None = None) -> Sample:
    """`path` under `root`, of the product whose folder is `folder`."""
    return Sample(path, root, recorded(path.relative_to(root)), recorded(folder.resolve().name), split, kind, mask)
