"""Log messages of the package, without importing `logging` before the first message.

A program that has not imported `logging` has no handler for debug messages, and importing it takes
as long as importing this package.
"""

import sys
from functools import cache
from typing import TYPE_CHECKING

from ._fork import hold_forks

if TYPE_CHECKING:
    import logging


@cache
def _logger() -> "logging.Logger":
    with hold_forks():
        import logging

    return logging.getLogger("statsig_api_client")


def debug_logger() -> "logging.Logger | None":
    """Return the logger if it is enabled for debug messages."""
    if "logging" not in sys.modules:
        return None
    logger = _logger()
    return logger if logger.isEnabledFor(10) else None


def warn(message: str, *arguments: object) -> None:
    """Log a warning."""
    _logger().warning(message, *arguments)
