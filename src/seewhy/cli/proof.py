"""What can be proved: ledgers, bundles and documents checked, heads signed, inspections run again; and how long pictures stay."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from seewhy.cli.options import Device, Json, Language
from seewhy.cli.people import By, LedgerFile, Role, Why
from seewhy.cli.terminal import counted, out, plain, print_entered, print_json, print_verification

KEY = "SEEWHY_KEY_PASSPHRASE"
MOST_LINES = 6  # of a document's changes that are shown; --json has all


def verify(
    file: Annotated[
        Path,
        typer.Argument(
            help="A ledger, a bundle (.zip), a document that seewhy made (.html, .pdf, .json, .qif), a proof that it grew, or a receipt."
        ),
    ],
    head: Annotated[str | None, typer.Option(help="Of a ledger: a head noted elsewhere, for instance in a report.")] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Of a ledger or of a proof that it grew: a head that was signed, see `seewhy checkpoint`.")
    ] = None,
    public_key: Annotated[
        Path | None, typer.Option(help="Of a checkpoint, bundle, proof or receipt: who must have signed it (.pub).")
    ] = None,
    ledger: Annotated[Path | None, typer.Option(help="Of a document or receipt: the ledger that it was made from.")] = None,
    certificate: Annotated[Path | None, typer.Option(help="Of a signed PDF: whose certificate it must be, or who vouches for it.")] = None,
    json_: Json = False,
) -> None:
    """Check that nothing was changed, deleted, inserted or moved; exit 1 when something was, 2 when it could not be read."""
    from seewhy.agent.ledger.checkpoint import opened
    from seewhy.agent.ledger.checkpoint import public_key as read_public
    from seewhy.agent.ledger.store import verify as verify_ledger
    from seewhy.agent.proof.checking import check_bundle
    from seewhy.agent.proof.consistency import check_growth
    from seewhy.agent.proof.receipts import check_receipt

    by = read_public(_text(public_key)) if public_key else None
    kind = _kind(file)
    if kind == "document":
        return _document(file, ledger, certificate, json_)
    signed_before = opened(_text(checkpoint), by)[1] if checkpoint else None
    if kind == "bundle":
        found = check_bundle(file, by)
    elif kind == "growth":
        found = check_growth(file, by, signed_before)
    elif kind == "receipt":
        found = check_receipt(file, by, ledger)
    else:
        found = verify_ledger(file, head, signed_before)
    print_verification(found, json_)
    raise typer.Exit(0 if found.intact else 1)


def _kind(file: Path) -> str:
    """What a file is, by its first bytes and its ending; whatever isn't a bundle, document or proof is checked as a ledger."""
    from seewhy.agent.proof.consistency import START
    from seewhy.agent.proof.receipts import START as RECEIPT

    start = b""
    if file.is_file():
        with file.open("rb") as opened_:
            start = opened_.read(len(START))
    if start.startswith(b"SQLite format 3"):
        return "ledger"
    if start == START:
        return "growth"
    if start.startswith(RECEIPT):
        return "receipt"
    endings = {".zip": "bundle"} | dict.fromkeys((".html", ".pdf", ".json", ".csv", ".qif"), "document")
    return endings.get(file.suffix.lower(), "ledger") if start else "ledger"


def _document(file: Path, ledger: Path | None, certificate: Path | None, json_: bool) -> None:
    from dataclasses import asdict

    from seewhy.agent.proof.documents import check_document

    found = check_document(file, ledger, certificate)
    if json_:
        print_json({"intact": found.intact} | asdict(found))
    else:
        word = "[green]intact[/]" if found.intact else "[bold red]not intact[/]"
        why = found.problem or (f"made at the ledger's head {found.head}" if found.head else "made without a ledger")
        out.print(f"{word}: {plain(why)}", highlight=False, soft_wrap=True)
        if found.place:
            about = f" (entry {found.entry} of the ledger)" if found.entry else ""
            out.print(f"  first change: {plain(found.place)}{about}", highlight=False, soft_wrap=True)
        for line in (*found.changes[:MOST_LINES], *found.notes):
            out.print(f"  {plain(line)}", highlight=False, soft_wrap=True)
        if len(found.changes) > MOST_LINES:
            out.print(f"  and {len(found.changes) - MOST_LINES} lines more", highlight=False)
    raise typer.Exit(0 if found.intact else 1)


def checkpoint(
    ledger: LedgerFile,
    key: Annotated[Path, typer.Option(help=f"The signer's private key; its passphrase comes from {KEY}.")],
    out_: Annotated[Path | None, typer.Option("--out", "-o", help="Where the signed head goes; give it to somebody else.")] = None,
    new_key: Annotated[str, typer.Option(help="Make the key first, for a signer of this name; the public key lies beside it (.pub).")] = "",
    since: Annotated[Path | None, typer.Option(help="An earlier checkpoint: prove that the ledger only grew since (--proof).")] = None,
    proof: Annotated[Path | None, typer.Option(help="Where that proof goes; `seewhy verify` checks it without the ledger.")] = None,
    json_: Json = False,
) -> None:
    """Sign a ledger's head, so that its owner can't cut it off or write it anew unseen."""
    from seewhy.agent.ledger.checkpoint import make_key, read_key, signed
    from seewhy.agent.ledger.store import Ledger
    from seewhy.agent.proof.consistency import growth_proof
    from seewhy.disk import write_file
    from seewhy.errors import BadData

    if (since is None) != (proof is None):
        raise BadData("a proof that the ledger only grew takes --since CHECKPOINT and --proof FILE, both of them")
    passphrase = os.environ.get(KEY, "")
    if new_key:
        make_key(key, new_key, passphrase)
    name, private = read_key(key, passphrase)
    with Ledger(ledger, read_only=True) as book:
        head = book.checkpoint
        note = signed(head, ledger.name, name, private)
        grown = growth_proof(book, _text(since), note) if since else b""
    if proof is not None:
        write_file(proof, grown)
    if out_ is not None:
        write_file(out_, note.encode())
    facts = {"entries": head.size, "head": head.head, "root": head.root.hex(), "signed_by": name, "note": note}
    print_json(facts) if json_ else out.print(plain(note), highlight=False, soft_wrap=True)


def receipt(
    ledger: LedgerFile,
    entry: Annotated[str, typer.Argument(help="Number of an entry, or the first digits of its hash.")],
    key: Annotated[
        Path, typer.Option(help=f"The signer's private key (see `seewhy checkpoint --new-key`); its passphrase comes from {KEY}.")
    ],
    out_: Annotated[Path, typer.Option("--out", "-o", help="Where the receipt goes.")],
    json_: Json = False,
) -> None:
    """Sign that one entry is in the ledger, in a form that others' software checks (COSE Receipt, RFC 9942)."""
    from datetime import UTC, datetime

    from seewhy.agent.ledger.checkpoint import read_key
    from seewhy.agent.ledger.store import Ledger
    from seewhy.agent.people.acts import find_entry
    from seewhy.agent.proof.receipts import receipt as receipt_
    from seewhy.disk import write_file

    name, private = read_key(key, os.environ.get(KEY, ""))
    with Ledger(ledger, read_only=True) as book:
        row = find_entry(book, entry)
        data = receipt_(book, row, name, private, datetime.now(UTC))
    write_file(out_, data)
    facts = {"receipt": str(out_), "entry": row.seq, "sha256": row.hash, "signed_by": name, "bytes": len(data)}
    print_json(facts) if json_ else out.print(f"receipt of entry {row.seq} ({row.hash}) written to {out_}", highlight=False, soft_wrap=True)


def bundle(
    ledger: LedgerFile,
    out_: Annotated[Path, typer.Option("--out", "-o", help="The zip; nothing may be there.")],
    lot: Annotated[str, typer.Option(help="Everything about this lot.")] = "",
    part: Annotated[str, typer.Option(help="Everything about this part: a photo's name or a serial number.")] = "",
    photos: Annotated[Path | None, typer.Option(help="Folder of the photos as they were inspected, to go in too.")] = None,
    model: Annotated[list[Path] | None, typer.Option("--model", "-m", help="Model folder whose manifest goes in; several times.")] = None,
    key: Annotated[Path | None, typer.Option(help=f"Sign the ledger's head with this key; its passphrase comes from {KEY}.")] = None,
    language: Language = "en",
    json_: Json = False,
) -> None:
    """One lot's or part's entries with pictures, documents and proofs, checkable without the ledger and without seewhy."""
    from seewhy.agent.ledger.checkpoint import read_key, signed
    from seewhy.agent.ledger.store import Ledger
    from seewhy.agent.models.folder import manifest_bytes
    from seewhy.agent.proof.bundle import Contents
    from seewhy.agent.proof.bundle import bundle as bundle_
    from seewhy.errors import BadData

    if not lot and not part:
        raise BadData("a bundle is of a --lot or of a --part")
    note = signer = ""
    with Ledger(ledger, read_only=True) as book:
        if key is not None:
            name, private = read_key(key, os.environ.get(KEY, ""))
            note, signer = signed(book.checkpoint, ledger.name, name, private), _text(key.with_name(f"{key.name}.pub"))
        manifests = tuple(manifest_bytes(folder) for folder in model or ())
        count = bundle_(book, out_, lot=lot, part=part, contents=Contents(photos, note, signer, manifests, language))
    print_json({"bundle": str(out_), "entries": count}) if json_ else out.print(
        f"{counted(count, 'entry', 'entries')} written to {out_}", highlight=False
    )


def replay(
    ledger: LedgerFile,
    entry: Annotated[str, typer.Argument(help="Number of an inspection, or the first digits of its hash.")],
    model: Annotated[Path, typer.Option("--model", "-m", help="The model folder that made it.")],
    photo: Annotated[Path, typer.Option(help="The photo, the folder that held the lot, or a bundle made with --photos.")],
    tolerance: Annotated[float, typer.Option(help="Of numbers, relative: other processors and versions round otherwise.")] = 1e-3,
    device: Device = "cpu",
    json_: Json = False,
) -> None:
    """Run a past inspection again and say whether it is equal, or what differs; exit 1 when it differs."""
    from dataclasses import asdict

    from seewhy.agent.ledger.store import Ledger
    from seewhy.agent.proof.replay import replay as replay_

    with Ledger(ledger, read_only=True) as book:
        found = replay_(book, entry, model, photo, tolerance=tolerance, device=device)
    if json_:
        print_json(asdict(found))
    else:
        colour = {"equal": "green", "within tolerance": "yellow"}.get(found.result, "bold red")
        out.print(f"[{colour}]{found.result}[/]", highlight=False)
        for line in (*found.differences, *found.versions, *(() if found.words else ("words of a VLM are not asked for again",))):
            out.print(f"  {plain(line)}", highlight=False, soft_wrap=True)
    raise typer.Exit(0 if found.holds else 1)


def hold(
    ledger: LedgerFile,
    by: By,
    why: Why,
    lot: Annotated[str, typer.Option(help="The lot.")] = "",
    part: Annotated[str, typer.Option(help="Only this part of it.")] = "",
    lift: Annotated[str, typer.Option(help="Lift a hold instead: its number or hash.")] = "",
    role: Role = "",
    json_: Json = False,
) -> None:
    """Keep all pictures of a lot or part whatever the policy says (legal hold), or lift that."""
    from seewhy.agent.ledger.store import Ledger
    from seewhy.agent.people import retention
    from seewhy.agent.people.roles import Who
    from seewhy.errors import BadData

    if bool(lot) == bool(lift):
        raise BadData("hold takes a --lot (with --part for one part), or --lift ENTRY")
    who = Who(by, why, role)
    with Ledger(ledger, create=False) as book:
        print_entered(retention.lift(book, lift, who) if lift else retention.hold(book, who, lot=lot, part=part), json_)


def erase(
    ledger: LedgerFile,
    older_than_days: Annotated[float, typer.Option(help="Age of the entries whose pictures go.")],
    by: By,
    why: Annotated[str, typer.Option(help="By which policy.")],
    lot: Annotated[str, typer.Option(help="Only this lot.")] = "",
    role: Role = "",
    json_: Json = False,
) -> None:
    """Delete old pictures from a ledger, except what is on hold; records and hashes stay, and the ledger stays intact."""
    from seewhy.agent.ledger.store import Ledger
    from seewhy.agent.people import retention
    from seewhy.agent.people.roles import Who

    with Ledger(ledger, create=False) as book:
        row: Any = retention.erase(book, Who(by, why, role), older_than_days=older_than_days, lot=lot)
    if row is not None:
        return print_entered(row, json_)
    return print_json({"erased": []}) if json_ else out.print("nothing is old enough, or all of it is on hold")


def _text(path: Path) -> str:
    from seewhy.errors import BadData

    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadData(f"{path} can't be read ({getattr(error, 'strerror', None) or error})") from error
