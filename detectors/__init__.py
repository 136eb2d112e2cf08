"""Detectors: what is strange about a photo, as a score map."""

from seewhy.registry import Entry, Registry

DETECTORS = Registry(
    "detector",
    {
        "patchcore": Entry("seewhy.detectors.patchcore:PatchCore"),
        "dinomaly": Entry("seewhy.detectors.dinomaly:Dinomaly", extra="dinomaly"),
        "mutual": Entry("seewhy.detectors.mutual:Mutual"),
        "template": Entry("seewhy.detectors.template:Template"),
        "winclip": Entry("seewhy.detectors.winclip:WinClip", extra="clip"),
    },
)
