"""Detectors: what is strange about a photo, as a score map."""

from typing import Any

from seewhy.registry import Entry, Registry

DETECTORS = Registry(
    "detector",
    {
        "patchcore": Entry("seewhy.detectors.patchcore:PatchCore"),
        "dinomaly": Entry("seewhy.detectors.dinomaly.detector:Dinomaly", extra="dinomaly"),
        "mutual": Entry("seewhy.detectors.mutual:Mutual"),
        "template": Entry("seewhy.detectors.template.detector:Template"),
        "winclip": Entry("seewhy.detectors.winclip.detector:WinClip", extra="clip"),
    },
    {"anomalib/": Entry("seewhy.detectors.anomalib.detector:named", extra="anomalib")},
)


def detector_class(name: str) -> Any:
    """The class behind a detector's name as models and records give it: "dinomaly/efficientnet-lite0", "patchcore+template"."""
    if "+" in name:
        from seewhy.detectors.ensemble import Ensemble

        return Ensemble
    bare = name.split(" ")[0]
    return DETECTORS.get(bare if any(bare.startswith(prefix) for prefix in DETECTORS.families) else bare.split("/")[0])
