"""`python -m seewhy.detectors` prints the table of the docs."""

from seewhy.detectors.catalogue import as_markdown

print(as_markdown(), end="")
