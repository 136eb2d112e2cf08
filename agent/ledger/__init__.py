"""The ledger: what was written, how it reads now, what people said since."""
