"""Events that are never lost: logged in the background, and accounted for.

    from statsig_api_client import Statsig
    from statsig_api_client.events import EventLogger

    with Statsig() as statsig, EventLogger(statsig, spool="events.db") as events:
        events.log({"userID": "42"}, "purchase", value=9.99)

`AsyncEventLogger` is the same with `await`. `docs/events.md` tells what is promised, and what not.
"""

from .asynchronous import AsyncEventLogger
from .blocking import EventLogger
from .errors import EventQueueFullError, SpoolError
from .outcome import Delivery, EventStats, FlushResult
from .settings import EventLoggerOptions

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
