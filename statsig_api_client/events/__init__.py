"""Durable event logging, with an exact account of every event.

    from statsig_api_client import Statsig
    from statsig_api_client.events import EventLogger

    with Statsig() as statsig, EventLogger(statsig, spool="events.db") as events:
        events.log({"userID": "42"}, "purchase", value=9.99)

`AsyncEventLogger` has the same methods with `await`. `docs/events.md` lists the guarantees.
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
