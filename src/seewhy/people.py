"""What people enter in the ledger beside the machine's entries: who, in which role, when, why. The machine's entry stays as it was."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self, TypeAlias

from pydantic import Field, field_validator, model_validator

from seewhy.errors import Unfit
from seewhy.record import NOT_CONTENT, Evidence, InspectionRecord, RefusedPhoto, Saved, Severity

Decided: TypeAlias = Literal["pass", "fail"]
Action: TypeAlias = Literal["rework", "repair", "use_as_is", "scrap", "return", "sort"]
Meaning: TypeAlias = Literal["review", "approval", "responsibility", "authorship"]
Released: TypeAlias = Literal["model", "card", "policy", "roles"]
Cause: TypeAlias = Literal["defective", "other_product", "blurred", "exposure", "process"]  # process: made or shot as none will be
Words: TypeAlias = Annotated[str, Field(min_length=1, max_length=4000)]
Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=200)]
Digest: TypeAlias = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Document(Saved):
    """A file that an entry rests on, kept beside it under its SHA-256."""

    name: str
    sha256: Digest
    media_type: Literal["application/json"] = "application/json"


class PersonsEntry(Saved):
    """What all of them say. `name` is the photo's, empty where an entry is about none."""

    schema_version: Literal["1"] = "1"
    lot: str = ""
    product: str = ""
    name: str = ""
    sha256: str | None = None  # of the photo
    refers_to: Digest | None = None  # hash of the entry that it is about
    by: Name
    role: str = Field(default="", max_length=200)
    why: Words
    entered_at: str  # ISO 8601, UTC

    rests_on_all: ClassVar[bool] = False  # whether nothing that stands before it may be withdrawn while it stands

    @field_validator("by", "why", "role")
    @classmethod
    def _trimmed(cls, text: str) -> str:
        if text != text.strip():
            raise ValueError("has blanks around it")
        return text


class Review(PersonsEntry):
    """A person's verdict beside the machine's: agrees with it, overrules it, or decides what the machine left to a person."""

    kind: Literal["review"] = "review"
    verdict: Decided
    machine: Literal["pass", "fail", "review", "refused"]  # what it says in the entry that this is about
    opinion: Literal["agree", "overrule", "decide"]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.opinion != opinion_of(self.machine, self.verdict):
            raise ValueError(f"{self.verdict} about {self.machine} is no {self.opinion}")
        return self


class Disposition(PersonsEntry):
    """What becomes of a nonconforming part (ISO 9001:2015, 8.7.1; ISO 9000:2015, 3.12)."""

    kind: Literal["disposition"] = "disposition"
    action: Action
    concession: str = Field(default="", max_length=200)  # number or authority of the concession (ISO 9001:2015, 8.7.2 c)

    rests_on_all: ClassVar[bool] = True

    @model_validator(mode="after")
    def _conceded(self) -> Self:
        if self.action == "use_as_is" and not self.concession.strip():
            raise Unfit("concession", "use as is needs the concession that allows it: its number, or who granted it")
        return self


class Region(Saved):
    """Where a defect really is: a box in the photo's own upright pixels (half-open), and a mask where one was drawn."""

    box_px: tuple[int, int, int, int]  # x0, y0, x1, y1
    mask: Evidence | None = None


class Correction(PersonsEntry):
    """The region that a finding should have had."""

    kind: Literal["correction"] = "correction"
    finding: int
    region: Region
    evidence: tuple[Evidence, ...] = ()


class FalseAlarm(PersonsEntry):
    """A finding that is no defect. The part's verdict is a review of its own."""

    kind: Literal["false_alarm"] = "false_alarm"
    finding: int


class MissedDefect(PersonsEntry):
    """A defect that the machine did not find; its part does not conform."""

    kind: Literal["missed_defect"] = "missed_defect"
    type: Name
    severity: Severity | None = None
    region: Region
    evidence: tuple[Evidence, ...] = ()


class Comment(PersonsEntry):
    """A remark: kept, shown, and never read as an instruction."""

    kind: Literal["comment"] = "comment"


class Withdrawal(PersonsEntry):
    """Takes back an earlier entry of a person; both stay in the ledger."""

    kind: Literal["withdrawal"] = "withdrawal"


class SignOff(PersonsEntry):
    """A signature with its meaning, bound to the entries that it signs (21 CFR Part 11, §11.50 and §11.70)."""

    kind: Literal["sign_off"] = "sign_off"
    meaning: Meaning
    points_to: tuple[Digest, ...]  # hashes of all entries that it signs

    rests_on_all: ClassVar[bool] = True


class Release(PersonsEntry):
    """From now on a product is inspected with this model, card or policy; or these people have these roles."""

    kind: Literal["release"] = "release"
    what: Released
    content_sha256: Digest
    approved_by: str = ""
    evidence: tuple[Document, ...] = ()


class SettingsChange(PersonsEntry):
    """A product is inspected with other settings than before: changed by a person, or found by a run that begins a lot with them."""

    kind: Literal["settings_change"] = "settings_change"
    before: dict[str, str]
    after: dict[str, str]


class GoodPhoto(PersonsEntry):
    """A person's word on a photo that a model learned as good: it stays, or the next fit leaves it out for what is wrong with it.

    That it scores high is no cause: whoever drops photos by their scores moves the line below what good parts will score.
    """

    kind: Literal["good_photo"] = "good_photo"
    decision: Literal["keep", "drop"]
    cause: Cause | None = None
    model_sha256: Digest  # that learned it

    @model_validator(mode="after")
    def _caused(self) -> Self:
        if (self.decision == "drop") != (self.cause is not None):
            raise ValueError("a photo is dropped for a cause, and kept without one")
        return self


class Complaint(PersonsEntry):
    """A customer's complaint and the inspections that it is about."""

    kind: Literal["complaint"] = "complaint"
    reference: Name  # the complaint's number
    customer: str = Field(default="", max_length=200)
    points_to: tuple[Digest, ...]


class Hold(PersonsEntry):
    """A legal hold: nothing of the part, or of the lot where `name` is empty, is erased until it is withdrawn."""

    kind: Literal["hold"] = "hold"


class Erasure(PersonsEntry):
    """Pictures that were deleted from the ledger; their hashes stay in the records that rested on them."""

    kind: Literal["erasure"] = "erasure"
    before: str  # ISO 8601: of entries older than this
    erased: tuple[Digest, ...]


AboutPart: TypeAlias = Review | Disposition | Correction | FalseAlarm | MissedDefect | Comment | Withdrawal | SignOff
Person: TypeAlias = AboutPart | Release | SettingsChange | GoodPhoto | Complaint | Hold | Erasure
WORST = ("fail", "refused", "review", "pass")  # verdicts of a part's photos, the one that decides first
PERSONS: tuple[type[PersonsEntry], ...] = (
    Review,
    Disposition,
    Correction,
    FalseAlarm,
    MissedDefect,
    Comment,
    Withdrawal,
    SignOff,
    Release,
    SettingsChange,
    GoodPhoto,
    Complaint,
    Hold,
    Erasure,
)


class LedgerPlace(Saved):
    """Where an entry stands in its ledger."""

    seq: int  # its number, from 1
    sha256: Digest  # of the entry and all before it


class ReviewedRecord(InspectionRecord):
    """A record as it reads in its ledger now, with what people entered about it since; never written to one."""

    grown: ClassVar[tuple[str, ...]] = (*InspectionRecord.grown, *NOT_CONTENT)

    people: tuple[Person, ...] = ()
    entry: LedgerPlace | None = None


class ReviewedRefusal(RefusedPhoto):
    """A refusal, likewise."""

    grown: ClassVar[tuple[str, ...]] = (*RefusedPhoto.grown, *NOT_CONTENT)

    people: tuple[Person, ...] = ()
    entry: LedgerPlace | None = None


def opinion_of(machine: str, verdict: str) -> Literal["agree", "overrule", "decide"]:
    """What a person's verdict is to the machine's.

    >>> opinion_of("fail", "pass"), opinion_of("review", "pass")
    ('overrule', 'decide')
    """
    if machine not in ("pass", "fail"):
        return "decide"
    return "agree" if machine == verdict else "overrule"


def people_of(entry: InspectionRecord | RefusedPhoto) -> tuple[Person, ...]:
    """What people entered about a photo since, withdrawn entries left out."""
    return entry.people if isinstance(entry, ReviewedRecord | ReviewedRefusal) else ()


def place_of(entry: InspectionRecord | RefusedPhoto) -> LedgerPlace | None:
    """Where an entry stands in the ledger that it was read from; None of one that was not."""
    return entry.entry if isinstance(entry, ReviewedRecord | ReviewedRefusal) else None


def decided_by(people: tuple[Person, ...]) -> Review | MissedDefect | None:
    """The entry that a part's verdict by people rests on, the last of its kind; None while nobody decided."""
    return next((one for one in reversed(people) if isinstance(one, Review | MissedDefect)), None)


def verdict_by(people: tuple[Person, ...]) -> Decided | None:
    """A part's verdict by people."""
    decided = decided_by(people)
    return None if decided is None else decided.verdict if isinstance(decided, Review) else "fail"


def outcome(verdict: str, people: tuple[Person, ...]) -> str:
    """A part's verdict as it stands: people's word, else the machine's."""
    return verdict_by(people) or verdict
