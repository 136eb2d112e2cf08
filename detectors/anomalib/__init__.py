"""anomalib's models behind the one protocol."""
