"""A detector as a manifest holds it, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seewhy.detectors.catalogue import DETECTORS, row_of
from seewhy.detectors.protocol import Detector
from seewhy.detectors.settings import plain


def facts_of(detector: Detector) -> dict[str, Any]:
    """What a manifest says of a fitted detector, beside its files: plain JSON data."""
    return {
        "kind": detector.kind,
        "detector": detector.name,
        "settings": plain(detector.settings),
        "learned": dict(detector.learned),
    }


def restored(facts: Mapping[str, Any], files: Mapping[str, bytes], device: str) -> Detector:
    """The detector that `facts_of` and its `files` describe.

    Raises:
        UnknownName: nothing here is of that kind.
        BrokenPlugin: a plug-in brought it and can't be used.
        BadData: a setting doesn't fit this version's, or the detector can't use the device.
    """
    row = row_of(facts["kind"])
    row.check_device(device)
    detector: Detector = DETECTORS.get(facts["kind"]).from_files(row.settings_from(facts["settings"]), facts["learned"], files, device)
    return detector
