"""A bundle: one part's or one lot's entries with their pictures, documents and proofs, checkable without the ledger and without seewhy.

| file | what |
|---|---|
| `bundle.json` | the entries' columns word for word, each with its path to the root of the tree over the whole ledger (RFC 9162) |
| `evidence/` | what the entries name by SHA-256: pictures, cards, policies, model manifests |
| `photos/` | the photos' files, where they were given |
| `report.html`, `report.pdf` | the documents |
| `checkpoint.txt`, `signer.pub` | the ledger's head, signed, where a key was given |
| `verify.html` | a page that checks all of this in a browser, without a server |
| `SHA256SUMS` | of all other files, for `sha256sum --check` |
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from seewhy.agent.ledger.chain import Stored
from seewhy.agent.ledger.reading import entries as entries_of
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.ledger.tree import inclusion_path
from seewhy.agent.people.parts import find_part, photo_name
from seewhy.agent.photos.names import on_disk
from seewhy.agent.proof.archive import archive
from seewhy.canonical import canonical_json, sha256_bytes
from seewhy.disk import new_file
from seewhy.errors import BadData, LedgerError, NotWritten
from seewhy.reports import document
from seewhy.reports.verifier import verifier_page

FORMAT = "seewhy-bundle-1"
ENDINGS = {"image/jpeg": "jpg", "image/png": "png", "application/json": "json"}


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes into a bundle besides the entries.

    Attributes:
        photos: folder that holds the photos' files, under the names that the records have; None leaves them out.
        checkpoint: the ledger's head, signed (see `seewhy.agent.ledger.checkpoint`); empty leaves it out.
        signer: the public key of who signed it.
        models: manifests of models as canonical JSON, for those that the ledger has no release of.
        language: of the documents.
    """

    photos: Path | None = None
    checkpoint: str = ""
    signer: str = ""
    models: Sequence[bytes] = ()
    language: str = "en"


@dataclass(slots=True)
class _Files:
    """The bundle's files, as they are gathered."""

    found: dict[str, bytes] = field(default_factory=dict)

    def add(self, name: str, data: bytes) -> None:
        self.found.setdefault(name, data)


def bundle(ledger: Ledger, out: Path, *, lot: str = "", part: str = "", contents: Contents | None = None) -> int:
    """Write a bundle of one lot, or of one part.

    Args:
        ledger: that holds it.
        out: the zip; nothing may be there.
        lot: its name; with `part`: where several lots have the part.
        part: a photo's name or a part's serial number.
        contents: what else goes in.

    Returns:
        How many entries it holds.

    Raises:
        BadData: there is no such lot or part, or a photo is missing or another one.
        LedgerError: an entry or a picture is not as it was written.
        NotWritten: something is there, or the place can't be written.
    """
    contents = contents or Contents()
    rows = _rows(ledger, lot, part)
    files = _Files()
    files.add("bundle.json", canonical_json(_described(ledger, rows, lot, part)))
    _add_evidence(files, ledger, rows, contents.models)
    _add_photos(files, rows, contents.photos)
    _add_documents(files, ledger, rows, part, contents.language)
    if contents.checkpoint:
        files.add("checkpoint.txt", contents.checkpoint.encode())
        files.add("signer.pub", contents.signer.encode())
    files.add("verify.html", verifier_page(contents.language))
    listed = sorted(files.found.items())
    sums = "".join(f"{sha256_bytes(data)}  {name}\n" for name, data in listed)
    try:
        with new_file(out) as fresh, fresh.open("wb") as file:
            for piece in archive([*listed, ("SHA256SUMS", sums.encode())]):
                file.write(piece)
    except FileExistsError as error:
        raise NotWritten(out, "something of that name is there, and was left as it is") from error
    return len(rows)


def _rows(ledger: Ledger, lot: str, part: str) -> list[Stored]:
    """The entries about a lot or a part, and the releases that it was inspected under."""
    if not part:
        rows = ledger.found_stored("lot = ?", (lot,))
        if not rows or not lot:
            raise BadData(f"{ledger.path} holds no lot {lot!r}; it holds {', '.join(ledger.lots()) or 'none'}")
    else:
        found = find_part(ledger, part, lot or None)
        marks = ", ".join("?" * len(found.history))
        rows = ledger.found_stored(f"seq IN ({marks})", [row.seq for row in found.history])
    products = {json.loads(row.body)["product"] for row in rows}
    released = [row for row in ledger.found_stored("kind = 'release'") if json.loads(row.body)["product"] in ("", *products)]
    pictures = {digest for row in rows for digest, _ in named_in(row)}
    erasures = [row for row in ledger.found_stored("kind = 'erasure'") if pictures & set(json.loads(row.body)["erased"])]
    return sorted({row.seq: row for row in (*rows, *released, *erasures)}.values())


def _described(ledger: Ledger, rows: Sequence[Stored], lot: str, part: str) -> dict[str, Any]:
    head = ledger.checkpoint
    subtree = ledger.subtree
    return {
        "format": FORMAT,
        "lot": lot,
        "part": part,
        "ledger": {"entries": head.size, "head": head.head, "root": head.root.hex()},
        "entries": [{**row._asdict(), "proof": [step.hex() for step in inclusion_path(row.seq - 1, head.size, subtree)]} for row in rows],
    }


def named_in(row: Stored) -> Iterable[tuple[str, bool]]:
    """(SHA-256, whether it has to be there) of what an entry rests on: pictures, documents, card, policy, model manifest."""
    body = json.loads(row.body)
    for item in body.get("evidence", ()):
        yield item["sha256"], True
    made_by = body.get("provenance", {})
    for what in ("card", "policy", "model"):
        if f"{what}_sha256" in made_by:
            yield made_by[f"{what}_sha256"], False


def _add_evidence(files: _Files, ledger: Ledger, rows: Sequence[Stored], models: Sequence[bytes]) -> None:
    given = {sha256_bytes(data): data for data in models}
    for row in rows:
        for digest, needed in named_in(row):
            kept = ledger.media(digest)
            media, data = kept if kept is not None else ("application/json", given.get(digest))
            if data is not None:
                files.add(f"evidence/{digest}.{ENDINGS[media]}", data)
            elif needed and not ledger.erased(digest):
                raise LedgerError(f"entry {row.seq} of {ledger.path} lacks its picture {digest[:12]}…; run `seewhy verify`")


def _add_photos(files: _Files, rows: Sequence[Stored], folder: Path | None) -> None:
    if folder is None:
        return
    for row in rows:
        if row.kind == "inspection" and row.photo_sha256 is not None:
            path = folder / on_disk(row.photo)
            if not path.is_file():
                raise BadData(f"{path} is missing; give the folder that holds the photos as they were inspected, or leave --photos out")
            data = path.read_bytes()
            if sha256_bytes(data) != row.photo_sha256:
                raise BadData(f"{path} is not the photo that entry {row.seq} is about; its bytes are others")
            files.add(f"photos/{row.photo_sha256}{path.suffix.lower()}", data)


def _add_documents(files: _Files, ledger: Ledger, rows: Sequence[Stored], part: str, language: str) -> None:
    lots = {row.lot for row in rows if row.kind in ("inspection", "refusal")}
    names = {row.photo for row in rows}
    shown = [e for lot in sorted(lots) for e in entries_of(ledger, lot) if not part or photo_name(e) in names]
    endings = ["html", *(["pdf"] if find_spec("typst") else [])]
    for ending in endings if shown else ():
        files.add(f"report.{ending}", document(shown, ledger.evidence, ending, head=ledger.head[1], language=language))


@dataclass(frozen=True, slots=True)
class Head:
    """The ledger's head as a bundle has it."""

    entries: int
    head: str
    root: str


def described(data: Mapping[str, bytes]) -> tuple[Head, list[tuple[Stored, list[bytes]]]]:
    """The head and the entries with their proofs, as a bundle has them.

    Raises:
        BadData: `bundle.json` is missing or is none.
    """
    try:
        found = json.loads(data["bundle.json"])
        if found["format"] != FORMAT or canonical_json(found) != data["bundle.json"]:
            raise ValueError(found["format"])
        head = Head(**found["ledger"])
        rows = [
            (Stored(**{name: row[name] for name in Stored._fields}), [bytes.fromhex(step) for step in row["proof"]])
            for row in found["entries"]
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise BadData("its bundle.json is not that of a bundle of this version") from error
    return head, rows
