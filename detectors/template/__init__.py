"""Comparison with golden photos."""
