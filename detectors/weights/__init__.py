"""Pretrained weights and data sets: which are known, where they are, and whether they are the ones that were pinned."""
