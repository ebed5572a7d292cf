"""Options of event loggers: defaults, limits and validation."""

from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, TypedDict, get_args

from attrs import field, frozen

from .._validators import boolean, check_names, function, integer, one_of, optional, seconds, string

if TYPE_CHECKING:
    from collections.abc import Callable

    from .stats import Delivery

Overflow: TypeAlias = Literal["block", "drop_oldest", "drop_newest", "raise"]
Durability: TypeAlias = Literal["process", "power"]

MAX_REQUEST: Final = 9 * 1024 * 1024
"""Bytes. Statsig drops requests above 10 MB, including what surrounds the events."""


class EventLoggerOptions(TypedDict, total=False):
    """The options of `EventLogger`, `AsyncEventLogger` and `statsig.events`."""

    spool: str | Path | None
    """The file that holds pending events, an SQLite database that is created if it is missing.
    Several processes may share it. Default None: events stay in memory and end with the process.
    """
    durability: Durability
    """`process`: events in the spool survive any end of the process. `power`: they also survive a
    power failure, at the cost of waiting for the disk. Default `process`.
    """
    max_spool_bytes: int
    """The maximum size of the spool in bytes, including dead letters. Default 256 MiB."""
    max_batch: int
    """The maximum number of events in one request. Default 500."""
    max_batch_bytes: int
    """The maximum size of one request in bytes before compression, up to 9 MiB. It also limits a
    single event. Default 1 MiB.
    """
    max_concurrency: int
    """The maximum number of concurrent requests. There are several only while many events wait and
    the server accepts them; 1 keeps the order of events. Default 16.
    """
    flush_interval: float
    """Seconds after which a batch is sent although it is not full. Default 5."""
    max_pending: int
    """The maximum number of pending events in memory. Default 100,000. A spool has
    `max_spool_bytes` instead.
    """
    overflow: Overflow
    """The behaviour of `log()` when the queue is full: wait (`block`), discard the oldest event or
    the new one (`drop_oldest`, `drop_newest`), or raise an `EventQueueFullError` (`raise`). Default
    `block`.
    """
    on_delivery: "Callable[[Delivery], object] | None"
    """Called with events that reached a final state, from the background thread; with dropped
    events, from the thread that logs. Default None.
    """
    resend_ambiguous: bool
    """Whether to send events again whose response was lost. They may be counted twice; with False
    they may be lost, and become dead letters. Default True.
    """
    event_id_key: str | None
    """The metadata key for a unique ID of each event, by which duplicates can be found. Default
    None: events carry no ID.
    """
    compress: bool
    """Whether to compress requests with gzip. Default True."""
    close_timeout: float
    """Maximum seconds that the end of a `with` block waits for pending events. Default 30."""


def _path(value: object) -> Path | None:
    if value is None:
        return None
    if isinstance(value, str | Path) and str(value):
        return Path(value).absolute()  # the program may change its working directory
    raise TypeError(f"spool: expected a path, got {type(value).__name__}")


@frozen(kw_only=True)
class CheckedOptions:
    """The options of an event logger, checked; see `EventLoggerOptions`."""

    spool: Path | None = field(default=None, converter=_path)
    durability: Durability = field(default="process", validator=one_of(*get_args(Durability)))
    max_spool_bytes: int = field(default=256 * 1024 * 1024, validator=integer(minimum=1))
    max_batch: int = field(default=500, validator=integer(minimum=1))
    max_batch_bytes: int = field(
        default=1024 * 1024,
        validator=integer(
            minimum=1, maximum=MAX_REQUEST, reason="Statsig drops requests above 10 MB"
        ),
    )
    max_concurrency: int = field(default=16, validator=integer(minimum=1))
    flush_interval: float = field(default=5.0, validator=seconds)
    max_pending: int = field(default=100_000, validator=integer(minimum=1))
    overflow: Overflow = field(default="block", validator=one_of(*get_args(Overflow)))
    on_delivery: "Callable[[Delivery], object] | None" = field(
        default=None, validator=optional(function)
    )
    resend_ambiguous: bool = field(default=True, validator=boolean)
    event_id_key: str | None = field(default=None, validator=optional(string(example="event_id")))
    compress: bool = field(default=True, validator=boolean)
    close_timeout: float = field(default=30.0, validator=seconds)


def check_options(options: EventLoggerOptions) -> CheckedOptions:
    """Check options and return them with defaults.

    Raises:
        TypeError: An option does not exist, or its value has the wrong type.
        ConfigurationError: A value is out of range.
    """
    check_names(options, CheckedOptions)
    return CheckedOptions(**options)
