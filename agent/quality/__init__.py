"""Statistics of quality work: pure mathematics, one subject in each file, and the studies that use it."""
