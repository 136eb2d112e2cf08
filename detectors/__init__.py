"""Detectors: what is strange about a photo, as a score map."""

from seewhy.detectors.catalogue import DETECTORS as DETECTORS
