"""seewhy: see the defect, know why.

>>> import seewhy  # doctest: +SKIP
>>> inspector = seewhy.fit("photos/good")
>>> found = inspector.inspect("photos/part.jpg")
>>> print(found.record.sentence)
>>> found.report("part.html")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seewhy.errors import SeewhyError
from seewhy.packages import keep_quiet

if TYPE_CHECKING:
    from seewhy.agent.api.explain import explain, explain_all
    from seewhy.agent.api.learn import fit
    from seewhy.agent.api.lines import lines
    from seewhy.agent.api.load import load
    from seewhy.agent.api.oddest import oddest
    from seewhy.agent.api.similar import similar
    from seewhy.agent.api.speak import vlm
    from seewhy.agent.api.words import from_words
    from seewhy.agent.detections.detection import Detection
    from seewhy.agent.inspection.inspector import Inspector
    from seewhy.agent.inspection.result import Inspection

keep_quiet()

__version__ = "0.1.0"
__all__ = [
    "Detection",
    "Inspection",
    "Inspector",
    "SeewhyError",
    "__version__",
    "explain",
    "explain_all",
    "fit",
    "from_words",
    "lines",
    "load",
    "oddest",
    "similar",
    "vlm",
]

_LAZY = {
    "explain": "seewhy.agent.api.explain",
    "explain_all": "seewhy.agent.api.explain",
    "Detection": "seewhy.agent.detections.detection",
    "fit": "seewhy.agent.api.learn",
    "from_words": "seewhy.agent.api.words",
    "lines": "seewhy.agent.api.lines",
    "load": "seewhy.agent.api.load",
    "oddest": "seewhy.agent.api.oddest",
    "similar": "seewhy.agent.api.similar",
    "vlm": "seewhy.agent.api.speak",
    "Inspection": "seewhy.agent.inspection.result",
    "Inspector": "seewhy.agent.inspection.inspector",
}


def __getattr__(name: str) -> Any:
    """Import torch and its like only when something needs them."""
    if name not in _LAZY:
        raise AttributeError(f"module 'seewhy' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_LAZY[name]), name)
