"""Dinomaly: one reconstruction model for many products."""
