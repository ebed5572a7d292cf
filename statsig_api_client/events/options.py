"""How an event logger behaves: its options, their defaults and their limits."""

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
"""Bytes: Statsig drops requests above 10 MB; what surrounds the events needs some room, too."""


class EventLoggerOptions(TypedDict, total=False):
    """The options of `EventLogger`, `AsyncEventLogger` and `statsig.events`."""

    spool: str | Path | None
    """The file in which events wait, an SQLite database that is made if it is missing; several
    processes may share it. Default None: they wait in memory, and end with the process.
    """
    durability: Durability
    """What an event in the spool survives: the end of the process, however it comes (`process`), or
    the machine's loss of power too (`power`), which waits for the disk. Default `process`.
    """
    max_spool_bytes: int
    """The most that the spool may hold, dead letters among it. Default 256 MiB."""
    max_batch: int
    """The most events in one request. Default 500."""
    max_batch_bytes: int
    """The most bytes of events in one request, before compression, at most 9 MiB; also the most
    that a single event may have. Default 1 MiB.
    """
    flush_interval: float
    """Seconds after which a batch leaves although it is not full. Default 5."""
    max_pending: int
    """The most events that wait in memory. Default 100,000. A spool has `max_spool_bytes`."""
    overflow: Overflow
    """What happens to an event when there is no room for it: wait for room (`block`), give up the
    oldest event or this one (`drop_oldest`, `drop_newest`), or raise an `EventQueueFullError`
    (`raise`). Default `block`.
    """
    on_delivery: "Callable[[Delivery], object] | None"
    """Called with what became of events, from the thread or task that sends; with those that were
    given up because there was no room, from the one that logs. Default None.
    """
    resend_ambiguous: bool
    """Whether events are sent again when the reply was lost and they may have been accepted. Such
    events may be counted twice; without it they may be lost, and are set aside. Default True.
    """
    event_id_key: str | None
    """The key in an event's metadata under which each event carries an ID that no other has, by
    which those that were counted twice can be found. Default None: they carry none.
    """
    compress: bool
    """Whether requests are compressed by gzip. Default True."""


def _path(value: object) -> Path | None:
    if value is None:
        return None
    if isinstance(value, str | Path) and str(value):
        return Path(value).absolute()  # whatever folder the program goes to
    raise TypeError(f"spool: expected a path, got {type(value).__name__}")


@frozen(kw_only=True)
class Settings:
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
    flush_interval: float = field(default=5.0, validator=seconds)
    max_pending: int = field(default=100_000, validator=integer(minimum=1))
    overflow: Overflow = field(default="block", validator=one_of(*get_args(Overflow)))
    on_delivery: "Callable[[Delivery], object] | None" = field(
        default=None, validator=optional(function)
    )
    resend_ambiguous: bool = field(default=True, validator=boolean)
    event_id_key: str | None = field(default=None, validator=optional(string(example="event_id")))
    compress: bool = field(default=True, validator=boolean)


def settings(options: EventLoggerOptions) -> Settings:
    """Check options.

    Raises:
        TypeError: There is no such option, or its value has the wrong type.
        ConfigurationError: A value is out of its limits.
    """
    check_names(options, Settings)
    return Settings(**options)
