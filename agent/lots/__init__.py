"""Many photos: a lot into a ledger, and the words that are still owed."""
