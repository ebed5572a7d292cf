"""Markers of tests that run development tools, which other test environments lack."""

from importlib.util import find_spec
from typing import Final

import pytest

requires_mypy: Final = pytest.mark.skipif(not find_spec("mypy"), reason="requires mypy")
requires_ruff: Final = pytest.mark.skipif(not find_spec("ruff"), reason="requires ruff")
