"""A document's seal: the SHA-256 of its own bytes, taken with the seal's digits at zero; and the QR code of the ledger's head.

Whoever changes a document and makes its seal anew is found by the ledger: see `seewhy.agent.proof.documents`.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

import segno

from seewhy.canonical import canonical_json, sha256_bytes
from seewhy.errors import BadData
from seewhy.reports.places import Place, changed_place, indexed

EMPTY = "seewhy-sha256:" + "0" * 64  # what a format puts where its seal goes, as often as it likes
SEAL = re.compile(rb"seewhy-sha256:([0-9a-f]{64})")
HEAD = re.compile(rb"seewhy-head:([0-9a-f]{64})")
RECIPE = re.compile(rb"seewhy-recipe:([A-Za-z0-9_-]+=*)")


def sealed(data: bytes) -> bytes:
    """The document with its seal and the index of its sections; as it is where it has no place for one (CSV, formats of plug-ins)."""
    empty = EMPTY.encode()
    if empty not in data:
        return data
    data = indexed(data, empty)
    return data.replace(empty, empty[:-64] + sha256_bytes(data).encode())


def check_seal(data: bytes) -> str:
    """The ledger's head that a document was made at, its seal checked; empty where it was made without a ledger.

    Raises:
        BadData: it has no seal, or was changed after it was made.
    """
    found = SEAL.search(data)
    if found is None:
        raise BadData("it has no seal: a CSV, a document of another program or of an earlier version, or the seal was taken out")
    if sha256_bytes(data.replace(found[0], EMPTY.encode())) != found[1].decode():
        raise BadData("it was changed after it was made: its bytes are not those of its seal")
    head = HEAD.search(data)
    return head[1].decode() if head else ""


def where_changed(data: bytes, made: bytes | None = None) -> Place | None:
    """The first section of a document that isn't as it was written; None where that can't be said.

    Args:
        data: of the document.
        made: the document as it should be; None goes by the document's own index.
    """
    return changed_place(SEAL.sub(EMPTY.encode(), data), made)


def recipe_mark(recipe: Mapping[str, Any]) -> str:
    """What a quality document carries so that it can be made again: its kind, options and language."""
    return f"seewhy-recipe:{base64.urlsafe_b64encode(canonical_json(dict(recipe))).decode()}"


def recipe_in(data: bytes) -> dict[str, str] | None:
    """A quality document's recipe; None for any other document."""
    found = RECIPE.search(data)
    if found is None:
        return None
    try:
        recipe: dict[str, str] = json.loads(base64.urlsafe_b64decode(found[1]))
    except ValueError:
        return None
    return recipe if isinstance(recipe, dict) and all(isinstance(v, str) for v in recipe.values()) and "kind" in recipe else None


def marks(head: str) -> str:
    """What a document carries for machines: the ledger's head, where there is one, and the place of its seal."""
    return f"seewhy-head:{head} {EMPTY}" if head else EMPTY


def qr(head: str) -> list[str]:
    """The QR code of the ledger's head as rows of 0 and 1 (ISO/IEC 18004); empty without one."""
    return ["".join("1" if dark else "0" for dark in row) for row in segno.make(f"seewhy-head:{head}", micro=False).matrix] if head else []
