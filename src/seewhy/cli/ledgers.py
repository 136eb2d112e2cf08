"""What is in a ledger, and what is added to it later."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from seewhy.cli.options import (
    Card,
    Json,
    Language,
    PolicyFile,
    Vlm,
    VlmModel,
    VlmTimeout,
    explainer_at,
)
from seewhy.cli.stopping import NOW
from seewhy.cli.terminal import counted, out, print_json, print_verification, progress


def report(
    ledger: Annotated[Path, typer.Argument(help="Ledger file.")],
    out_: Annotated[Path, typer.Option("--out", "-o", help="Report file: .html, .pdf, .json, .csv or .qif.")],
    lot: Annotated[str, typer.Option(help="Which lot; may be left out when there is one.")] = "",
    part: Annotated[str, typer.Option(help="Only this part: a photo's name, or a serial number with all its photos.")] = "",
    kind: Annotated[
        str,
        typer.Option(
            help="lot (.csv and .qif too), certificate, lot-certificate, ncr, 8d, study, masters, monthly, audit, dossier or validation."
        ),
    ] = "lot",
    product: Annotated[str, typer.Option(help="With monthly, masters, audit and study: of this product.")] = "",
    month: Annotated[str, typer.Option(help="With monthly and masters: YYYY-MM.")] = "",
    complaint: Annotated[str, typer.Option(help="With 8d: the complaint's number.")] = "",
    protocol: Annotated[str, typer.Option(help="With dossier and study: the test's.")] = "",
    entry: Annotated[str, typer.Option(help="With study: the entry's number; default: the last one.")] = "",
    sign: Annotated[
        Path | None, typer.Option(help="Sign the PDF with this certificate (PKCS#12); its passphrase comes from SEEWHY_KEY_PASSPHRASE.")
    ] = None,
    reason: Annotated[str, typer.Option(help="With --sign: why, kept in the signature.")] = "",
    time_stamps: Annotated[str, typer.Option(help="With --sign: address of a time stamp server (RFC 3161).")] = "",
    language: Language = "en",
    json_: Json = False,
) -> None:
    """Make a report or a quality document from the ledger alone."""
    from seewhy.agent.documents.kinds import make
    from seewhy.agent.ledger.reading import entries as entries_
    from seewhy.agent.ledger.store import Ledger
    from seewhy.agent.people.parts import find_part, photo_name
    from seewhy.errors import BadData
    from seewhy.reports import document, write_report

    if sign is not None and (out_.suffix.lower() != ".pdf" or not reason.strip()):
        raise BadData("--sign signs a .pdf, and needs the --reason that it is signed for")
    options = {"lot": lot, "part": part, "product": product, "month": month, "complaint": complaint, "protocol": protocol, "entry": entry}
    if kind != "lot":
        with Ledger(ledger, read_only=True) as book:
            data = make(book, kind, out_.suffix.lower().lstrip("."), language=language, **options)
            _write(out_, data, sign, reason, time_stamps)
            facts = {"document": str(out_), "kind": kind, "entries": book.head[0], "head": book.head[1]}
        return print_json(facts) if json_ else out.print(f"{kind} written to {out_}", highlight=False)
    with Ledger(ledger, read_only=True) as book:
        lots = book.lots()
        if part:
            lot = (found := find_part(book, part, lot or None)).lot
        if not lot and len(lots) > 1:
            raise BadData(f"{ledger} holds several lots; give one with --lot: {', '.join(lots)}")
        if lot and lot not in lots:
            raise BadData(f"{ledger} holds no lot {lot!r}; it holds {', '.join(lots) or 'none'}")
        entries = list(entries_(book, lot or None))
        if part:
            entries = [entry for entry in entries if photo_name(entry) in {photo.name for photo in found.photos}]
        if sign is None:
            write_report(entries, book.evidence, out_, head=book.head[1], language=language)
        else:
            _write(out_, document(entries, book.evidence, "pdf", head=book.head[1], language=language), sign, reason, time_stamps)
    told = {"report": str(out_), "lot": lot or (lots[0] if lots else ""), "entries": len(entries)}
    return print_json(told) if json_ else out.print(f"{counted(len(entries), 'entry', 'entries')} written to {out_}")


def _write(path: Path, data: bytes, sign: Path | None, reason: str, time_stamps: str) -> None:
    """A document, signed where a certificate was given."""
    from seewhy.agent.proof.signing import signed_pdf
    from seewhy.disk import write_file

    if sign is not None:
        data = signed_pdf(data, sign, os.environ.get("SEEWHY_KEY_PASSPHRASE", ""), reason=reason, time_stamps=time_stamps)
    write_file(path, data)


def explain(
    ledger: Annotated[Path, typer.Argument(help="Ledger file.")],
    vlm: Vlm,
    missing: Annotated[bool, typer.Option("--missing", help="Ask again where a VLM was asked and gave no words.")] = False,
    vlm_model: VlmModel = "",
    vlm_timeout: VlmTimeout = 60.0,
    lot: Annotated[str, typer.Option(help="Only this lot.")] = "",
    card: Card = None,
    policy: PolicyFile = None,
    language: Language = "en",
    json_: Json = False,
) -> None:
    """Fill in words that a VLM owes, as new entries that refer to the old ones; exit 1 while some are still missing."""
    from dataclasses import asdict

    from seewhy.agent.inspection.policy import load_policy
    from seewhy.agent.ledger.store import Ledger
    from seewhy.agent.lots.owed import explain_missing
    from seewhy.card import load_card
    from seewhy.errors import BadData

    if not missing:
        raise BadData("explain fills in what is missing and nothing else; say so with --missing")
    NOW.then = f"words that came stand in {ledger}; the same command goes on from there"
    with Ledger(ledger, create=False) as book:
        filled = explain_missing(
            book,
            explainer_at(vlm, vlm_model, vlm_timeout, language),
            card=load_card(card) if card else None,
            policy=load_policy(policy) if policy else None,
            lot=lot or None,
            progress=progress,
        )
        head = book.head[1]
    if json_:
        print_json(asdict(filled) | {"head": head})
    else:
        out.print(f"{filled.explained} of {filled.findings} findings in {filled.records} records got their words", highlight=False)
        if filled.reviews:
            out.print(f"[yellow]{filled.reviews} parts[/] moved from pass to review", highlight=False)
        out.print(f"ledger head {head}", highlight=False, soft_wrap=True)
    raise typer.Exit(0 if filled.explained == filled.findings else 1)


def backup(
    ledger: Annotated[Path, typer.Argument(help="Ledger file.")],
    out_: Annotated[Path, typer.Option("--out", "-o", help="Where the copy goes; nothing may be there.")],
    json_: Json = False,
) -> None:
    """Copy a ledger, also while a lot is being inspected into it, and verify the copy; exit 1 when that is not intact."""
    from seewhy.agent.ledger.backup import backup as backup_

    found = backup_(ledger, out_)
    print_verification(found, json_)
    raise typer.Exit(0 if found.intact else 1)
