"""WinCLIP: anomalies from words, and from a few good photos."""
