"""`python -m seewhy`."""

from seewhy.agent.cli import main

main()
