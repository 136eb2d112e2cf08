"""Tests of what needs an optional package."""

from __future__ import annotations

from importlib.util import find_spec

import pytest


def needs(*modules: str) -> pytest.MarkDecorator:
    """Skips tests where one of the modules isn't installed.

    None is imported, as `pytest.importorskip` would: each process collects all tests, whoever runs them.
    """
    missing = [name for name in modules if find_spec(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")
