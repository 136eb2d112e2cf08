"""A PDF report signed with a certificate (PAdES, ETSI EN 319 142-1), through pyHanko; and whether such a signature holds.

The signature is an increment: the document that was sealed (`seewhy.reports.seal`) stays as it was, byte for byte, at its beginning.
"""

from __future__ import annotations

import io
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from seewhy.errors import BadData, MissingExtra

FIELD = "Signature"
END = b"%%EOF"
MAY_SIGN = ("digital_signature", "non_repudiation")  # key usages, RFC 5280, 4.2.1.3


@dataclass(frozen=True, slots=True)
class Signature:
    """What is known of a PDF's signature.

    Attributes:
        by: the certificate's subject.
        holds: over these bytes, to the end of the file.
        trusted: whether the certificate leads to one that was given; None where none was.
        signed_at: as the signer's clock or the time stamp has it; empty where neither says.
        stamped_by: subject of the server whose time stamp (RFC 3161) it bears; empty where it bears none. Nobody vouches for it here.
    """

    by: str
    holds: bool
    trusted: bool | None
    signed_at: str
    stamped_by: str = ""


def signed_pdf(data: bytes, certificate: Path, passphrase: str, *, reason: str, time_stamps: str = "") -> bytes:
    """Sign a PDF.

    Args:
        data: a report's bytes.
        certificate: key and certificates, PKCS#12 (.p12, .pfx).
        passphrase: of that file.
        reason: why it is signed, kept in the signature.
        time_stamps: address of a time stamp server (RFC 3161); empty for none.

    Raises:
        BadData: it is no PDF, the passphrase is wrong, the certificate has expired or may not sign, or the time stamp server doesn't
            answer.
        MissingExtra: pyHanko isn't installed.
    """
    try:
        from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
        from pyhanko.sign import fields, signers
        from pyhanko.sign.timestamps import HTTPTimeStamper
    except ModuleNotFoundError as error:
        raise MissingExtra("a signed PDF", "sign") from error
    _quiet()
    signer = _signer(certificate, passphrase)
    stamper = HTTPTimeStamper(time_stamps, timeout=30) if time_stamps else None
    meta = signers.PdfSignatureMetadata(field_name=FIELD, reason=reason, subfilter=fields.SigSeedSubFilter.PADES, md_algorithm="sha256")
    try:
        made: bytes = signers.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(data)), meta, signer=signer, timestamper=stamper).getvalue()
    except Exception as error:  # of pyHanko, of its client of time stamps, and of whatever they read
        what = f"the time stamp server {time_stamps} gave no time stamp" if time_stamps else "the document can't be signed"
        raise BadData(f"{what} ({error}); nothing was written") from error
    return made


def _signer(certificate: Path, passphrase: str) -> Any:
    from pyhanko.sign import signers

    if not certificate.is_file():
        raise BadData(f"there is no certificate at {certificate}")
    signer = signers.SimpleSigner.load_pkcs12(certificate, passphrase=passphrase.encode())  # type: ignore[no-untyped-call]
    if signer is None:
        raise BadData(f"{certificate} can't be opened: a wrong passphrase (SEEWHY_KEY_PASSPHRASE), or no PKCS#12")
    cert, now = signer.signing_cert, datetime.now(UTC)
    if not cert.not_valid_before <= now <= cert.not_valid_after:
        raise BadData(f"the certificate of {cert.subject.human_friendly} is valid from {cert.not_valid_before} to {cert.not_valid_after}")
    usage = cert.key_usage_value
    if usage is not None and not set(usage.native) & set(MAY_SIGN):
        raise BadData(f"the certificate of {cert.subject.human_friendly} may not sign: its key is for {', '.join(sorted(usage.native))}")
    return signer


def _quiet() -> None:
    """pyHanko logs tracebacks of what is told here in one sentence: a wrong passphrase, a certificate that nobody vouches for."""
    log = logging.getLogger("pyhanko")
    log.propagate = False
    log.addHandler(logging.NullHandler())


def unsigned_part(data: bytes) -> bytes:
    """The document as it was before it was signed: up to its first end."""
    end = data.find(END)
    return data[: end + len(END)] if data.startswith(b"%PDF") and end >= 0 and END in data[end + len(END) :] else data


def signature_of(data: bytes, trust: Path | None = None) -> Signature | None:
    """A PDF's signature, checked; None where it bears none.

    Args:
        data: of the file.
        trust: certificate (PEM or DER) that the signer's must lead to, or be.

    Raises:
        BadData: more than one signature, or a PDF that can't be read; or `trust` is no certificate.
        MissingExtra: pyHanko isn't installed.
    """
    try:
        from pyhanko.keys import load_certs_from_pemder
        from pyhanko.pdf_utils.reader import PdfFileReader
        from pyhanko.sign.validation import validate_pdf_signature
        from pyhanko_certvalidator import ValidationContext
    except ModuleNotFoundError as error:
        raise MissingExtra("a signed PDF", "sign") from error
    _quiet()
    try:
        roots = list(load_certs_from_pemder([str(trust)])) if trust else []  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise BadData(f"{trust} is no certificate that can be read ({error})") from error
    try:
        signatures = PdfFileReader(io.BytesIO(data)).embedded_signatures
        if len(signatures) > 1:
            raise BadData(f"it bears {len(signatures)} signatures; seewhy checks one")
        if not signatures:
            return None
        status = validate_pdf_signature(signatures[0], ValidationContext(trust_roots=roots, allow_fetching=False))
    except BadData:
        raise
    except Exception as error:  # whatever a changed file leads the reader to
        raise BadData(f"its signature can't be read: {error}") from error
    whole = status.coverage is not None and status.coverage.name == "ENTIRE_FILE"
    stamp = status.timestamp_validity
    if stamp is not None and not (stamp.intact and stamp.valid):
        raise BadData("its time stamp does not hold: it was changed, or is of another document")
    at = stamp.timestamp if stamp else status.signer_reported_dt
    by = str(status.signing_cert.subject.human_friendly)
    holds, trusted = bool(status.intact and status.valid and whole), bool(status.trusted) if trust else None
    stamper = str(stamp.signing_cert.subject.human_friendly) if stamp else ""
    return Signature(by, holds, trusted, at.isoformat() if at else "", stamper)
