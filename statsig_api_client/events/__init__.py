"""Events that are never lost: logged in the background, and accounted for.

    from .._client import Statsig
    from . import EventLogger

    with Statsig() as statsig, EventLogger(statsig, spool="events.db") as events:
        events.log({"userID": "42"}, "purchase", value=9.99)

`AsyncEventLogger` is the same with `await`. `docs/events.md` tells what is promised, and what not.
"""

from .async_logger import AsyncEventLogger
from .errors import EventQueueFullError, SpoolError
from .logger import EventLogger
from .options import EventLoggerOptions
from .stats import Delivery, EventStats, FlushResult

__all__ = [
    "AsyncEventLogger",
    "Delivery",
    "EventLogger",
    "EventLoggerOptions",
    "EventQueueFullError",
    "EventStats",
    "FlushResult",
    "SpoolError",
]
