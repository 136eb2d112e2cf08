"""What seewhy promises, measured: one table each in `evals/results`."""
