"""Entries of quality work: criteria set before a test, studies with their results, runs of master parts, samples, fields of forms."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from seewhy.people import Digest, Document, Name, PersonsEntry
from seewhy.record import Saved

StudyName: TypeAlias = Literal["agreement", "detection", "escapes"]
Must: TypeAlias = Literal["stop", "pass"]
Form: TypeAlias = Literal["8d", "ncr", "dossier"]
LongText: TypeAlias = Annotated[str, Field(max_length=20_000)]


class Criterion(PersonsEntry):
    """What a study's result has to be, entered before its test; `why` says where it comes from."""

    kind: Literal["criterion"] = "criterion"
    protocol: Name  # of the test: a study of this protocol closes it
    study: StudyName
    measure: Name  # of the study's results
    relation: Literal["at_most", "at_least"]
    limit: float


class Held(Saved):
    """What became of one criterion."""

    criterion: Digest  # hash of its entry
    value: float | None  # null where the study has no such figure: not held
    held: bool


class StudyDone(PersonsEntry):
    """A study: from what, with which result, against which criteria."""

    kind: Literal["study"] = "study"
    protocol: str = Field(default="", max_length=200)
    study: StudyName
    inputs: dict[str, Any]  # what it was made from, as options
    measures: dict[str, float | None]  # by name; criteria are set on these
    results: dict[str, Any]  # all of it
    criteria: tuple[Held, ...] = ()
    rests_on: tuple[Digest, ...] = ()  # hashes of the entries that it was counted from
    evidence: tuple[Document, ...] = ()  # files that were given


class MasterPart(Saved):
    """A part that is known: what has to be found on it."""

    name: Name
    photo: Name  # file
    must: Must  # be stopped (fail or review), or pass
    defect: str = Field(default="", max_length=200)  # what is wrong with it, in a person's words
    box: tuple[int, int, int, int] | None = None  # where, in the photo's upright pixels, half-open: a finding has to lie there


class MasterResult(Saved):
    """What became of one master part."""

    master: MasterPart
    photo_sha256: str
    verdict: Literal["pass", "fail", "review", "refused"]
    held: bool
    score: float | None = None
    threshold: float | None = None
    refers_to: Digest  # hash of the inspection


class MasterRun(PersonsEntry):
    """Master parts that were run through the station; a missed one blocks certificates of lots until a person rules."""

    kind: Literal["master_run"] = "master_run"
    model_sha256: str
    results: tuple[MasterResult, ...]
    evidence: tuple[Document, ...] = ()  # the list

    @property
    def missed(self) -> tuple[MasterResult, ...]:
        """Masters that were not judged as they must be."""
        return tuple(one for one in self.results if not one.held)


class MasterRuling(PersonsEntry):
    """What a person decides about a run with a missed master part; `refers_to` is the run."""

    kind: Literal["master_ruling"] = "master_ruling"
    ruling: Literal["continue", "stop"]


class SampleDrawn(PersonsEntry):
    """Parts of a lot that people look at again, and by which plan; drawn by the ledger's head, which nobody could foresee."""

    kind: Literal["sample"] = "sample"
    plan: dict[str, Any]
    of: int  # parts that they were drawn from: those that passed
    seed: Digest
    photos: tuple[str, ...]


class FormField(PersonsEntry):
    """One field of a form as a person filled it in; the last one stands, the earlier ones are its revisions."""

    kind: Literal["field"] = "field"
    form: Form
    subject: Name  # which form: the complaint's number, the part, the protocol
    field: Name  # "D1", "containment", …
    text: LongText


QualityEntry: TypeAlias = Criterion | StudyDone | MasterRun | MasterRuling | SampleDrawn | FormField
QUALITY: tuple[type[PersonsEntry], ...] = (Criterion, StudyDone, MasterRun, MasterRuling, SampleDrawn, FormField)
