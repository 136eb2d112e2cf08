"""What is on this machine: packages, weights, servers."""
