"""`python -m seewhy.detectors` prints the table of the docs."""

from seewhy.detectors.catalogue import as_markdown

if __name__ == "__main__":
    print(as_markdown(), end="")
