"""What is written down about a photo: frozen, versioned, every field with its source, evidence and status."""

from __future__ import annotations

from typing import Any, ClassVar, Generic, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer

from seewhy.canonical import sha256_json
from seewhy.types import Outline

SCHEMA_VERSION = "1"

Source: TypeAlias = Literal["measured", "vlm", "rule", "human", "external"]  # external: a detector that isn't seewhy's
Status: TypeAlias = Literal["supported", "contradicted", "unverified", "missing"]
Verdict: TypeAlias = Literal["pass", "fail", "review"]
Severity: TypeAlias = Literal["minor", "major", "critical"]
Param: TypeAlias = str | int | float

NOT_CONTENT = ("people", "entry")  # what stands beside an entry that is read from a ledger: see `seewhy.people`

T = TypeVar("T")


class Saved(BaseModel):
    """Anything that goes to disk: frozen, and no field that the schema doesn't know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Grown(Saved):
    """Something that got fields after the first of its kind were written: where they hold nothing they are left out.

    So what was hashed before them still has the same hash.
    """

    grown: ClassVar[tuple[str, ...]] = ()

    @model_serializer(mode="wrap")
    def _without_what_came_later(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        data: dict[str, Any] = write(self)
        fields = type(self).model_fields
        return {name: value for name, value in data.items() if name not in self.grown or getattr(self, name) != fields[name].default}


class Sentence(Saved):
    """A sentence for people, kept as its catalogue key and values so that it can be said again in another language."""

    key: str
    params: dict[str, Param] = {}
    text: str


class Stated(Saved, Generic[T]):
    """One value, who says so, on what evidence, and whether it holds."""

    value: T | None
    source: Source
    status: Status = "supported"
    evidence: tuple[str, ...] = ()  # names of this record's evidence: "photo", "map", "crop-1", "reference-1"


class Quantity(Saved):
    """One measured number with its unit."""

    value: float | None
    unit: Literal["px", "px²", "%", "mm", "mm²", "°"]
    uncertainty: float | None = None  # half width of the interval that is meant to hold the true value in 95 % of cases (see evals/results)
    source: Source = "measured"
    status: Status = "supported"
    evidence: tuple[str, ...] = ("map",)


class Evidence(Saved):
    """A picture that a field rests on; the bytes are kept beside the record under their SHA-256."""

    name: str
    sha256: str
    media_type: Literal["image/jpeg", "image/png"]
    width_px: int
    height_px: int
    box_px: tuple[int, int, int, int]  # which part of the upright photo it shows, half-open


class PhotoFacts(Saved):
    """Which file was inspected."""

    name: str
    sha256: str
    file_bytes: int
    width_px: int
    height_px: int
    format: str
    mode: str
    orientation: int
    notes: tuple[Sentence, ...] = ()


class PartIdentity(Grown):
    """Which part a photo shows, and how it came before the camera; whatever isn't known is left out."""

    grown: ClassVar[tuple[str, ...]] = ("serial", "batch", "station", "camera", "view", "shot_at", "order", "shift")

    serial: str = ""  # or the number of the part in its batch: photos of one lot with the same serial show one part
    batch: str = ""
    station: str = ""
    camera: str = ""
    view: str = ""
    shot_at: str = ""  # ISO 8601; EXIF knows no time zone
    order: str = ""
    shift: str = ""


class Location(Saved):
    """Where a finding is, in the photo's own upright pixels; boxes are half-open."""

    centroid_px: Stated[tuple[float, float]]
    box_px: Stated[tuple[int, int, int, int]]  # x0, y0, x1, y1
    cell: Stated[str]  # of a 3x3 grid over the photo
    part: Stated[str]  # named by the product card; null where it names none there
    touches_border: Stated[bool]


class Size(Saved):
    """How large a finding is; millimetres only with a scale."""

    area: Quantity
    area_share: Quantity  # % of the product's outline, or of the photo where the card has none
    area_share_of: Literal["outline", "photo"]
    length: Quantity
    width: Quantity
    feret: Quantity
    orientation: Quantity
    area_mm: Quantity
    length_mm: Quantity
    width_mm: Quantity
    feret_mm: Quantity


class Strength(Saved):
    """How strange a finding is, in the detector's own unit."""

    peak: Stated[float]
    mean: Stated[float]
    threshold: Stated[float]


class Measured(Saved):
    """What was measured of one region."""

    outline: Stated[Outline]  # the photo at half contrast, fine features, the score map, or the mask or box that was given
    location: Location
    size: Size
    strength: Strength
    shape: Stated[Literal["line", "spot", "patch", "edge"]]
    material: Stated[Literal["missing", "extra"]] | None = None  # against a template; null where none was compared with


class Cause(Saved):
    """A possible cause from the product's knowledge file: a hypothesis, never a finding."""

    id: str
    text: str
    check: str
    stated_by: str  # the knowledge entry's own source
    label: Literal["hypothesis"] = "hypothesis"


class Claim(Saved):
    """One thing that a VLM said of a region, and what a check against mask, photo, card or a second question made of it."""

    name: Literal["visible", "form", "tone", "type", "appearance", "difference"]
    value: str
    status: Status
    because: Sentence


class Asked(Saved):
    """What a VLM was asked and what it answered, word for word."""

    model: str
    server: str  # name and version that the server gives itself; never an address or a key
    prompt_sha256: str  # of the texts
    schema_sha256: str
    pictures: tuple[str, ...]  # SHA-256 of the pictures sent, in order
    seed: int
    temperature: float
    requests: int  # that were answered, repairs, samples and second looks among them
    repaired: bool  # the first answer could not be read, a second one could
    prompt_tokens: int
    completion_tokens: int
    answers: tuple[str, ...]
    samples: int = 1
    agreement: float | None = None  # share of samples that name the type; null for one sample
    when_erased: Literal["changed", "unchanged"] | None = None  # the answer to the same crop with the region erased
    untranslated: tuple[str, ...] = ()  # texts that were wanted in another language too and stayed English
    past: tuple[str, ...] = ()  # entries of past findings whose names, given by people, it was told


class Explanation(Saved):
    """What words say about a region."""

    status: Literal["explained"] = "explained"
    explainer: str
    type: Stated[str]
    appearance: tuple[Stated[Sentence], ...]
    causes: tuple[Cause, ...]
    sentence: Sentence
    visible: Stated[Literal["yes", "no", "uncertain"]] | None = None  # whether a VLM sees a defect there
    confidence: Stated[Literal["low", "medium", "high"]] | None = None  # its own word for it
    claims: tuple[Claim, ...] = ()
    asked: Asked | None = None

    @property
    def contradicted(self) -> bool:
        """Whether a check found anything that was said to be wrong."""
        return any(claim.status == "contradicted" for claim in self.claims)


class Unexplained(Saved):
    """What happened instead. Never read as "no defect"."""

    status: Literal["unexplained"] = "unexplained"
    explainer: str
    reason: Literal["unavailable", "timeout", "refused", "unparseable", "wrong_language", "nonsense", "failed"]
    detail: str = ""
    asked: Asked | None = None


class Ruling(Grown):
    """What the policy made of a finding."""

    grown: ClassVar[tuple[str, ...]] = ("could_be",)

    severity: Stated[Severity]
    verdict: Stated[Verdict]
    rule: str  # the rule's id; "none" where nothing matched
    because: Sentence
    could_be: Severity | None = None  # graver, with another size out of the stated interval


class Hypothesis(Saved):
    """A type of defect that a detector's text side finds likely for a region: never a fact, no rule rests on it."""

    type: Stated[str]
    probability: float | None  # among the card's types alone; they sum to 1. Null for the name that an external detector gives
    by: str  # the detector


class Finding(Grown):
    """One region: measured facts, words, ruling."""

    grown: ClassVar[tuple[str, ...]] = ("p_value",)

    number: int
    measured: Measured
    hypotheses: tuple[Hypothesis, ...] = ()
    explanation: Explanation | Unexplained
    unexplained: Unexplained | None = None  # why the VLM did not speak, where one was asked; the words above are the embedded ones
    ruling: Ruling
    evidence: tuple[str, ...]
    p_value: Stated[float] | None = None  # how rarely the strongest place of a good photo is as strong; unverified: not rarely enough

    @property
    def also_unusual(self) -> bool:
        """Whether it lies in an unusual photo and would not be unusual by itself: it has no severity."""
        return self.p_value is not None and self.p_value.status == "unverified"


class Drift(Saved):
    """Good parts no longer score as the calibration's good photos did: what was promised of them is no longer known to hold."""

    since: str  # photo from which, by the best guess, they don't
    alarm: str  # photo at which that was certain enough
    alarm_lot: str
    way: Literal["higher", "lower"]  # than the calibration's
    photos: int  # that were compared until then
    bound: float  # how probable such an alarm is, in the whole life of a model, where nothing has changed


class Decision(Grown):
    """The photo's score against its lines: it passes below one, may fail above the other, and in between a person is asked."""

    grown: ClassVar[tuple[str, ...]] = ("review_rate", "review_threshold", "fail_threshold", "drift")

    score: Stated[float]
    threshold: Stated[float]
    p_value: Stated[float]
    alpha: float | None  # false-reject rate that was asked for; null for an external detector, of which none was asked
    calibration: Literal["calibrated", "uncalibrated", "external"]
    calibration_method: str
    calibration_photos: int
    calibration_needed: int
    anomalous: bool
    review_rate: float | None = None  # of good parts, how many more than alpha a person is asked about; null in models before it
    review_threshold: Stated[float] | None = None  # up to it a part passes; unverified: nothing passes, there are too few good photos
    fail_threshold: Stated[float] | None = None  # where alpha is not calibrated: above it a part may fail all the same
    drift: Drift | None = None  # from the photo on at which it was found; nothing passes by itself then

    @property
    def asked(self) -> bool:
        """Whether the score is above the line up to which parts pass."""
        line = self.review_threshold.value if self.review_threshold else None
        return self.anomalous or (line is not None and (self.score.value or 0.0) > line)


class DetectorNote(Saved):
    """A detector that was considered, and why it spoke or didn't."""

    name: str
    spoke: bool
    because: Sentence
    familiar_p: float | None = None  # how rare a photo so unlike the product's good ones as a whole is among them; where it was tested


class External(Saved):
    """A detector that isn't seewhy's, as whoever called says of it."""

    name: str
    version: str  # empty where nobody gave it
    kinds: tuple[str, ...]  # how its regions were given: "box", "mask", "polygon", "heat map"
    meaning: str  # of its score, threshold and p-value; empty where none was given


class Provenance(Grown):
    """What made this record, by hash."""

    grown: ClassVar[tuple[str, ...]] = ("overrides", "external", "engine")

    model_sha256: str  # empty where the regions were given and no model of seewhy's was there to compare with
    detector: str
    weights: tuple[dict[str, str], ...]
    policy_name: str
    policy_version: str
    policy_sha256: str
    card_sha256: str
    prompts_sha256: str | None = None  # of the words that a detector read
    reference_sha256: str | None  # photo beside which the crops are shown
    device: str
    versions: dict[str, str]
    overrides: tuple[Sentence, ...] = ()  # where card, policy or alpha are other ones than the model was fitted with
    external: External | None = None  # who detected, where it was not seewhy
    engine: Sentence | None = None  # what ran the detector's network, where the model says it


class Missing(Saved):
    """Something that this record lacks, and what follows from that."""

    what: str
    because: Sentence


class InspectionRecord(Grown):
    """Everything known about one inspected photo."""

    grown: ClassVar[tuple[str, ...]] = ("part",)

    kind: Literal["inspection"] = "inspection"
    schema_version: Literal["1"] = "1"
    lot: str
    product: str
    photo: PhotoFacts
    verdict: Stated[Verdict]
    severity: Stated[Severity]
    reasons: tuple[Sentence, ...]
    decision: Decision
    findings: tuple[Finding, ...]
    detectors: tuple[DetectorNote, ...]
    provenance: Provenance
    missing: tuple[Missing, ...]
    evidence: tuple[Evidence, ...]
    inspected_at: str  # ISO 8601, UTC
    timings_ms: dict[str, float]
    part: PartIdentity | None = None

    @property
    def counted(self) -> int:
        """How many findings a rule counts: those that are unusual by themselves."""
        return sum(not finding.also_unusual for finding in self.findings)

    @property
    def sentence(self) -> str:
        """The record in one breath: verdict, and what was found."""
        return " ".join(s.text for s in self.reasons)

    @property
    def content_sha256(self) -> str:
        """SHA-256 of everything but when and how fast it was made: equal for equal inspections."""
        return sha256_json(self.model_dump(mode="json", exclude={"inspected_at", "timings_ms", *NOT_CONTENT}))


class RefusedPhoto(Grown):
    """A file that could not be inspected. It is neither good nor bad."""

    grown: ClassVar[tuple[str, ...]] = ("part",)

    kind: Literal["refusal"] = "refusal"
    schema_version: Literal["1"] = "1"
    lot: str
    product: str
    name: str
    sha256: str | None  # of the bytes, where they could be read
    code: str
    message: str
    remedy: str
    inspected_at: str
    part: PartIdentity | None = None

    @property
    def content_sha256(self) -> str:
        """As for an inspection."""
        return sha256_json(self.model_dump(mode="json", exclude={"inspected_at", *NOT_CONTENT}))


Entry: TypeAlias = InspectionRecord | RefusedPhoto


class FindingWords(Saved):
    """New words for one finding of an earlier record, and what the policy makes of them."""

    number: int
    explanation: Explanation | Unexplained
    unexplained: Unexplained | None = None
    ruling: Ruling


class Referring(Saved):
    """An entry about an earlier one, which stays as it was written."""

    schema_version: Literal["1"] = "1"
    lot: str
    product: str
    name: str  # of the photo
    sha256: str
    refers_to: str  # hash of the record's ledger entry


class LaterWords(Referring):
    """Words that came after a record was written. They change nothing measured, and can only ask for a person."""

    kind: Literal["explanation"] = "explanation"
    findings: tuple[FindingWords, ...]
    verdict: Stated[Verdict]
    severity: Stated[Severity]
    reasons: tuple[Sentence, ...]
    missing: tuple[Missing, ...]
    versions: dict[str, str]
    explained_at: str


class Confirmation(Referring, Grown):
    """What a person says a finding is. It names; it passes and fails nothing."""

    grown: ClassVar[tuple[str, ...]] = ("role",)

    kind: Literal["confirmation"] = "confirmation"
    finding: int
    type: str
    by: str
    comment: str = ""
    confirmed_at: str
    role: str = ""


Later: TypeAlias = LaterWords | Confirmation  # entries that refer to a record
