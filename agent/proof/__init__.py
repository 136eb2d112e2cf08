"""Proof: one part's entries shown without the others', documents checked, inspections run again."""
