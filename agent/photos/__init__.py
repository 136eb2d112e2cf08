"""Photos on disk: where they lie, and what their bytes show."""
