"""That a ledger only grew between two signed heads (RFC 9162, section 2.1.4), as a file that is checked without the ledger."""

from __future__ import annotations

import json
from pathlib import Path

from seewhy.agent.ledger.checkpoint import Checkpoint, PublicKey, opened
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.ledger.tree import consistency_path, consistent
from seewhy.agent.ledger.verification import Verification
from seewhy.canonical import canonical_json
from seewhy.errors import BadData

FORMAT = "seewhy-consistency-1"
START = b'{"format":"seewhy-consistency-'  # how such a file begins in canonical JSON, of whatever version


def growth_proof(ledger: Ledger, earlier: str, later: str) -> bytes:
    """The proof that a ledger's entries at one signed head are the first of those at a later one: both notes and the path between them.

    Args:
        ledger: that both were signed over.
        earlier: the first signed note.
        later: the second.

    Raises:
        BadData: a note is no checkpoint, the first is of an empty ledger, or the ledger doesn't begin with what it was signed over.
        LedgerDamaged: the file lacks a part of its tree.
    """
    (_, old), (_, new) = opened(earlier, None), opened(later, None)
    if not old.size:
        raise BadData("the earlier checkpoint is of an empty ledger: every ledger begins with that, and there is nothing to prove")
    path = consistency_path(old.size, new.size, ledger.subtree) if old.size <= new.size else []
    if not consistent(old.size, new.size, old.root, new.root, path):
        raise BadData(
            f"{ledger.path} doesn't begin with the {old.size} entries that the earlier checkpoint was signed over: its end was cut off "
            "or it was written anew; see `seewhy verify --checkpoint`"
        )
    return canonical_json({"format": FORMAT, "old": earlier, "new": later, "path": [step.hex() for step in path]})


def check_growth(file: Path, by: PublicKey | None = None, known: Checkpoint | None = None) -> Verification:
    """Check such a proof.

    Args:
        file: what `growth_proof` made.
        by: whose signature both heads must bear; None checks none, and the notes say so.
        known: an earlier head that was kept elsewhere; it must be the one that the proof begins with.
    """
    try:
        found = json.loads(file.read_bytes())
        if found["format"] != FORMAT:
            raise BadData(f"{file} is of a newer seewhy: {found['format']}")
        path = [bytes.fromhex(step) for step in found["path"]]
        (_, old), (origin, new) = opened(found["old"], by), opened(found["new"], by)
    except OSError as error:
        raise BadData(f"{file} can't be read ({error.strerror or error})") from error
    except BadData as error:
        return Verification(0, "", None, str(error))
    except (AttributeError, KeyError, TypeError, ValueError):
        return Verification(0, "", None, "it is no proof that a ledger only grew; `seewhy checkpoint --since` makes one")
    if known is not None and known != old:
        return Verification(new.size, new.head, None, "it begins with another head than the checkpoint that was given")
    if not consistent(old.size, new.size, old.root, new.root, path):
        return Verification(new.size, new.head, None, "its path doesn't lead from the earlier head to the later one")
    whose = f"both heads signed by {by.name}" if by is not None else "whose signatures they are was not checked (--public-key)"
    return Verification(new.size, new.head, None, "", (f"{origin} begins with the {old.size} entries of the earlier head", whose))
