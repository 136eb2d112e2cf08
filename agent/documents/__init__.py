"""Quality documents, one kind in each file: what stands on it, from a ledger's entries alone."""
