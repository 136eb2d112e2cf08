"""People: what they enter about parts, by which rules, and what the ledger says of that later."""
