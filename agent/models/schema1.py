"""Model manifests of schema 1, which knew a detector by its display name and mixed what was asked with what was learned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seewhy.detectors.anomalib.models import PREFIX
from seewhy.detectors.catalogue import ENSEMBLE, JOIN


def as_schema_2(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest of schema 1, read as the present schema has it."""
    return {**manifest, **_detector(manifest["detector"], manifest["settings"])}


def _detector(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Kind, settings and what was learned; the latter two are read by name, so that either may hold the other's."""
    learned = dict(settings)
    if "members" in learned:
        learned["members"] = [{**m, **_detector(m["detector"], m["settings"])} for m in learned["members"]]
    return {"kind": kind_of(name), "settings": settings, "learned": learned}


def kind_of(name: str) -> str:
    """The registry's key in a display name.

    >>> [kind_of(name) for name in ("dinomaly/efficientnet-lite0", "patchcore+template", "anomalib/padim/resnet18 with stand-ins")]
    ['dinomaly', 'ensemble', 'anomalib/padim']
    """
    if JOIN in name:
        return ENSEMBLE.name
    bare = name.split(" ")[0]
    return "/".join(bare.split("/")[: 2 if bare.startswith(PREFIX) else 1])
