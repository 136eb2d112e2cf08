"""Programs that tests start."""

import signal


def hears() -> None:
    """Let a program hear what whoever runs the tests, under nohup or in the background, has let them ignore (`preexec_fn`)."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
