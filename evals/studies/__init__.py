"""One-off questions. Not in the wheel."""
