"""A product's model: a fitted detector, its calibration, and good photos to compare with."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from seewhy.agent.models.calibration import LOT, Calibration, needed
from seewhy.agent.models.familiarity import Familiarity
from seewhy.agent.models.folder import Considered, considered_in, load_folder, save_folder
from seewhy.agent.models.good import GoodPhotos, Noticing
from seewhy.agent.models.references import References, chosen_references
from seewhy.agent.models.sharp import Sharp, watching_of
from seewhy.agent.photos.lazy import Chosen, Photos, pixels_of
from seewhy.card import ProductCard
from seewhy.detectors.protocol import Detector, scored_good
from seewhy.detectors.saved import facts_of, restored
from seewhy.errors import BadData, BadModel, SeewhyError, UnknownName
from seewhy.types import Descriptor, Progress, ScoreMap, silent

SPLIT_FROM = 1000  # good photos of which a fifth is set aside for calibration rather than each left out once: it says enough then
SHARE = 0.2  # of the good photos that is set aside
DEFAULT_REVIEW = 0.05  # of good parts, about which a person is asked besides those that alpha rejects
MOST_WHOLES = 200  # good photos whose descriptions as wholes are learned
FINE = "fine/"  # of a product's folder, what outlines its findings
ODD = "odd/"  # likewise, pictures of the good photos that score highest
VALUES_PER_PHOTO = 4096  # map values per photo behind the noise floor


CalibrationWay: TypeAlias = Literal["auto", "split", "leave-one-out"]


@dataclass(frozen=True, slots=True, eq=False)
class ProductModel:
    """All that inspecting a product needs."""

    product: str
    detector: Detector
    calibration: Calibration
    references: References
    good_photos: int
    sha256: str = ""  # of the manifest; empty until saved
    considered: Considered = ()
    familiarity: Familiarity | None = None  # where the detector knows several products
    card: ProductCard | None = None  # that it was fitted with
    policy: Mapping[str, Any] | None = None  # likewise, as plain data; None: the default one
    alpha: float | None = None  # that it was fitted for; None in models of schema 1
    review: float | None = None  # further share of good parts that a person is asked about; None in models from before there was one
    copies: tuple[tuple[str, str], ...] = ()  # good photos that were left out, each with the one that it is a copy of
    sharp: Sharp | None = None  # what outlines findings; None in models from before, of a lot, and without good photos
    good: GoodPhotos = field(default_factory=GoodPhotos)  # which photos it was fitted on, and the oddest of them
    scored: tuple[float, ...] = ()  # the photos that calibrated, in their order; only between fit and save

    @classmethod
    def fit(
        cls,
        photos: Photos,
        detector: Detector,
        *,
        product: str = "product",
        alpha: float = 0.01,
        calibration: CalibrationWay = "auto",
        progress: Progress[Any] = silent,
    ) -> ProductModel:
        """Fit a detector on good photos and calibrate it on good photos that it has not seen.

        "split" sets photos aside (split conformal: the bound on false rejects is exact); "leave-one-out" scores each photo
        by the final detector without what that photo taught it (jackknife), so that all photos teach and all calibrate.
        "auto" leaves each out once, and sets a fifth aside from `SPLIT_FROM` photos on; whatever alpha is, so that a model's lines for all
        alphas rest on the same scores. A detector that knows each good photo as the only one of
        its place (template) is calibrated on disturbed copies of them, one that learns from a lot (mutual) on that lot, defects and
        all; the record says so.

        Args:
            photos: good ones only; read lazily, several times. None at all suits a detector that reads words.
            detector: unfitted.
            product: its name.
            alpha: the false-reject rate that is meant; says how many photos calibration needs.
            calibration: see above.
            progress: wraps the loops over photos.
        """
        pixels = pixels_of(photos)
        count = len(photos)
        way = detector.calibrates
        many = calibration == "auto" and count >= SPLIT_FROM
        aside = calibration == "split" or way == "held_out" or (many and way == "left_out")
        if aside and count > 1 and way != "lot":
            parts = learned_and_aside(count, alpha)
            detector.fit(Chosen(pixels, parts[0]), progress)
            return cls.calibrated(photos, detector, parts, product=product, alpha=alpha, progress=progress)
        detector.fit(pixels, progress)
        way = detector.calibrates  # a template that has seen many photos of each view can leave one out after all
        alone = way in ("left_out", "held_out") and count < 2  # nothing is left to score a single photo by
        watching, noticing = watching_of(pixels, range(count), way, progress), Noticing(photos)
        maps = iter(()) if alone else scored_good(detector, pixels, range(count), progress, beside=watching)
        found, described = _calibration(noticing(maps), way)
        if way == "lot":
            described = {}  # nobody said that they are good: none may stand beside a finding as the good photo
        elif not described and count:
            described = {0: detector.score(pixels[0]).descriptor}
        references, good = chosen_references(photos, described), GoodPhotos(odd=() if way == LOT else noticing.odd)
        known: dict[str, Any] = {"sharp": watching.sharp, "good": good, "scored": noticing.scores}
        return cls(product, detector, found, references, count, alpha=alpha, **known)

    @classmethod
    def calibrated(
        cls,
        photos: Photos,
        detector: Detector,
        parts: tuple[list[int], list[int]],
        *,
        product: str,
        alpha: float,
        progress: Progress[Any] = silent,
    ) -> ProductModel:
        """A fitted detector, calibrated on the photos that were set aside.

        Args:
            photos: all good photos of the product.
            detector: fitted on those of the first part (perhaps beside other products').
            parts: numbers of the photos that it learned from, and of those that it did not; see `learned_and_aside`.
            product: its name.
            alpha: the false-reject rate that is meant.
            progress: wraps the loop.
        """
        pixels, (learned, aside) = pixels_of(photos), parts
        watching, noticing = watching_of(pixels, learned, "held_out", progress), Noticing(photos)

        def scored(number: int) -> tuple[int, ScoreMap]:
            found = detector.score(pixels[number])
            watching(number, found)
            return number, found

        maps = map(scored, progress(aside, "calibrating", len(aside)))
        found, described = _calibration(noticing(maps), "held_out")
        familiar = None
        if detector.calibrates == "held_out":
            wholes = [detector.score(pixels[i]).descriptor for i in learned[:MOST_WHOLES]]
            familiar = Familiarity.of([w for w in wholes if w is not None], [d for d in described.values() if d is not None])
        if not described:
            described = {learned[0]: detector.score(pixels[learned[0]]).descriptor}
        references, good = chosen_references(photos, described), GoodPhotos(odd=noticing.odd)
        known: dict[str, Any] = {"familiarity": familiar, "alpha": alpha, "sharp": watching.sharp, "good": good, "scored": noticing.scores}
        return cls(product, detector, found, references, len(photos), **known)

    def save(self, folder: Path) -> ProductModel:
        """Write the model folder; the model with its hash comes back.

        Raises:
            BadModel: something else than a model stands there.
            NotWritten: the disk is full or the place can't be written.
        """
        return save_members(folder, {self.product: self})[self.product]

    @classmethod
    def load(cls, folder: Path, *, product: str = "", device: str = "cpu") -> ProductModel:
        """Read a model folder, every file checked against the manifest.

        Args:
            folder: of one product, or of several.
            product: which of several.
            device: where it runs.

        Raises:
            BadModel: it was changed, or was made with other weights than are here.
            BadData: it is of several products and `product` is empty.
            UnknownName: none of its products is called `product`.
        """
        manifest = load_folder(folder)
        with _sound(folder):
            known = products_of(manifest)
            name = product or (next(iter(known)) if len(known) == 1 else "")
            if not name:
                raise BadData(f"{folder} knows several products; say which with --product: {', '.join(known)}")
            if name not in known:
                raise UnknownName("product of this model", name, known)
            return _read_member(folder, manifest, name, known[name], _read_detector(folder, manifest, device))


def save_members(folder: Path, members: Mapping[str, ProductModel]) -> dict[str, ProductModel]:
    """Write models that share a detector as one folder; they come back with its hash.

    Args:
        folder: where; see `save_folder`.
        members: by product.
    """
    first = next(iter(members.values()))
    files = {f"detector/{name}": data for name, data in first.detector.files().items()}
    products = dict[str, Any]()
    for number, (name, member) in enumerate(members.items()):
        inside = f"products/{number:03}/"
        files |= {f"{inside}{file}": data for file, data in _member_files(member).items()}
        products[name] = {"folder": inside} | _member_facts(member)
    facts = {
        **facts_of(first.detector),
        "weights": [asdict(w) for w in first.detector.weights],
        "considered": [[name, why.model_dump(mode="json")] for name, why in first.considered],
        "products": products,
    }
    digest = save_folder(folder, facts, files)
    return {name: replace(member, sha256=digest) for name, member in members.items()}


def load_members(folder: Path, *, device: str = "cpu") -> dict[str, ProductModel]:
    """All models of a folder, by product, with one detector; errors as for `ProductModel.load`."""
    manifest = load_folder(folder)
    with _sound(folder):
        detector = _read_detector(folder, manifest, device)
        return {name: _read_member(folder, manifest, name, own, detector) for name, own in products_of(manifest).items()}


@contextmanager
def _sound(folder: Path) -> Iterator[None]:
    """Files that are those of their manifest may hold nonsense all the same, where somebody sealed them anew; readers raise many kinds."""
    try:
        yield
    except SeewhyError:
        raise
    except Exception as error:
        why = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise BadModel(f"{folder} can't be opened, though its files are those of its manifest ({why}); fit the model again") from error


def products_of(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a manifest says of each product; one of a single product of schema 1 says it at its top."""
    products: Mapping[str, Any] = manifest["products"] if "products" in manifest else {manifest["product"]: {**manifest, "folder": ""}}
    return products


def _member_facts(member: ProductModel) -> dict[str, Any]:
    return {
        "alpha": member.alpha,
        "review": member.review,
        "copies": [list(pair) for pair in member.copies],
        "calibration": member.calibration.to_json(),
        "reference_photos": list(member.references.sha256),
        "good_photos": member.good_photos,
        "familiarity": member.familiarity.to_json() if member.familiarity else None,
        **({"sharp": member.sharp.facts()} if member.sharp else {}),
        "good": member.good.facts(),
    }


def _member_files(member: ProductModel) -> dict[str, bytes]:
    documents = {"card.json": member.card and member.card.model_dump(mode="json"), "policy.json": member.policy}
    files = {name: json.dumps(document, ensure_ascii=False).encode() for name, document in documents.items() if document is not None}
    files |= {f"{FINE}{name}": data for name, data in (member.sharp.fine.files() if member.sharp else {}).items()}
    files |= {f"{ODD}{name}": data for name, data in member.good.files().items()}
    files |= {f"references/{i:03}.jpg": data for i, data in enumerate(member.references.jpegs)}
    return files | {"references.safetensors": save_arrays({"descriptors": member.references.descriptors})}


def _read_detector(folder: Path, manifest: Mapping[str, Any], device: str) -> Detector:
    names = [n for n in manifest["files"] if n.startswith("detector/")]
    files = {name.removeprefix("detector/"): (folder / name).read_bytes() for name in names}
    detector = restored(manifest, files, device)
    if [asdict(w) for w in detector.weights] != manifest["weights"]:
        raise BadModel(f"{folder} was made with other weights than are on this machine; fit it again or import those weights")
    return detector


def _read_member(folder: Path, manifest: Mapping[str, Any], product: str, own: Mapping[str, Any], detector: Detector) -> ProductModel:
    here = folder / own["folder"]
    documents = {name: json.loads((here / name).read_bytes()) for name in ("card.json", "policy.json") if (here / name).is_file()}
    descriptors = load_arrays((here / "references.safetensors").read_bytes())["descriptors"]
    if descriptors.ndim != 2 or len(descriptors) != len(own["reference_photos"]):
        raise ValueError("each kept good photo has one descriptor")
    fine, odd = (_files_in(folder, manifest, f"{own['folder']}{room}") for room in (FINE, ODD))
    jpegs = tuple((here / f"references/{i:03}.jpg").read_bytes() for i in range(len(own["reference_photos"])))
    return ProductModel(
        product,
        detector,
        Calibration.from_json(own["calibration"]),
        References(jpegs, tuple(own["reference_photos"]), descriptors),
        int(own["good_photos"]),
        manifest["manifest_sha256"],
        considered_in(manifest),
        Familiarity.from_json(own.get("familiarity")),
        ProductCard.model_validate(documents["card.json"]) if "card.json" in documents else None,
        documents.get("policy.json"),
        None if own.get("alpha") is None else float(own["alpha"]),
        None if own.get("review") is None else float(own["review"]),
        tuple((str(copy), str(of)) for copy, of in own.get("copies", ())),
        Sharp.from_facts(own["sharp"], fine) if "sharp" in own else None,
        GoodPhotos.from_facts(own["good"], odd) if "good" in own else GoodPhotos(),
    )


def _files_in(folder: Path, manifest: Mapping[str, Any], room: str) -> dict[str, bytes]:
    return {name.removeprefix(room): (folder / name).read_bytes() for name in manifest["files"] if name.startswith(room)}


def learned_and_aside(count: int, alpha: float) -> tuple[list[int], list[int]]:
    """Numbers of the good photos to learn from, and of those set aside for calibration.

    A fifth is set aside; up to half where alpha needs it; and a fifth again where half wouldn't do.

    >>> [len(part) for part in learned_and_aside(50, 0.05)], [len(part) for part in learned_and_aside(20, 0.05)]
    ([31, 19], [16, 4])
    """
    wanted = needed(alpha) / max(1, count)
    share = wanted if SHARE < wanted <= 0.5 else SHARE
    aside = sorted({int(i / share) for i in range(int(count * share))}) if count > 1 else []
    held = set(aside)
    return [i for i in range(count) if i not in held], aside


def _calibration(maps: Iterable[tuple[int, ScoreMap]], method: str) -> tuple[Calibration, dict[int, Descriptor | None]]:
    """What the scored photos say of good ones, and their descriptors by number."""
    scores, peaks, values = list[float](), list[float](), list[npt.NDArray[np.float32]]()
    described: dict[int, Descriptor | None] = {}
    for number, scored in maps:
        scores.append(scored.score)
        peaks.append(float(scored.values.max()))
        flat = scored.values.ravel()
        values.append(flat[:: max(1, len(flat) // VALUES_PER_PHOTO)].copy())
        described[number] = scored.descriptor
    pooled = np.concatenate(values) if values else np.zeros(1, np.float32)
    median, noise = (float(v) for v in np.quantile(pooled, (0.5, 0.99)))
    return Calibration(np.sort(np.array(scores, np.float64)), np.sort(np.array(peaks, np.float64)), median, noise, method), described
