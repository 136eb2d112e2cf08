"""Measuring: metrics, data sets, synthetic defects of known size, and the figures in `results/`."""
