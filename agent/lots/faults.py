"""What goes wrong with one photo and was not foreseen: a reason for its entry, and the traceback in a log beside the ledger."""

from __future__ import annotations

import errno
import traceback
from datetime import UTC, datetime
from pathlib import Path

from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.inspection.recording import Examined
from seewhy.agent.photos.layouts import Sample
from seewhy.errors import BadImage, LedgerError, SeewhyError
from seewhy.record import PartIdentity, RefusedPhoto

DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}  # a disk that takes nothing more takes no entry either


def examined_or_refused(inspector: Inspector, sample: Sample, lot: str, log: Path) -> Examined | RefusedPhoto:
    """What a detector found on a photo, or why it could not look.

    Args:
        inspector: of the lot.
        sample: the photo.
        lot: its name.
        log: where the traceback of what was not foreseen goes.

    Raises:
        Exception: see `unforeseen`.
    """
    try:
        return inspector.examine(sample.path, lot=lot, name=sample.name, root=sample.root, part=sample.part)
    except BadImage as error:
        return refused(sample.name, error, lot, inspector.card.name, sample.part)
    except Exception as error:
        return refused(sample.name, unforeseen(error, sample.name, log), lot, inspector.card.name, sample.part)


def unforeseen(error: Exception, photo: str, log: Path, sha256: str | None = None) -> BadImage:
    """Make an error that nobody foresaw the reason of a refusal, so that the lot goes on.

    Args:
        error: what was raised.
        photo: its name.
        log: where the traceback goes.
        sha256: of the photo's bytes, where they were read.

    Raises:
        Exception: the error itself, where it is the ledger's, the model's or the disk's and would meet the next photo too.
        LedgerError: the log can't be written.
    """
    if isinstance(error, SeewhyError) or (isinstance(error, OSError) and error.errno in DISK):
        raise error
    when = datetime.now(UTC).isoformat(timespec="milliseconds")
    try:
        with log.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{when} photo {photo!r}\n{''.join(traceback.format_exception(error))}\n")
    except OSError as no_log:
        raise LedgerError(f"{log} could not be written, because of the disk or its permissions ({no_log.strerror})") from error
    why = f"{type(error).__name__}: {str(error)[:160]}"
    remedy = f"the traceback is in {log.name} under the photo's name; the next run tries the photo again"
    return BadImage("failed", f"{photo} could not be inspected ({why})", remedy, sha256)


def refused(name: str, error: BadImage, lot: str, product: str, part: PartIdentity | None = None) -> RefusedPhoto:
    """The ledger's entry for a photo that could not be inspected."""
    return RefusedPhoto(
        lot=lot,
        product=product,
        name=name,
        sha256=error.sha256,
        code=error.code,
        message=error.message,
        remedy=error.remedy,
        inspected_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        part=part,
    )
