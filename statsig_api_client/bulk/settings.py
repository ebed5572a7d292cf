"""How an import behaves: its options and their defaults."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, TypeAlias, TypedDict, cast, get_args

import attrs
from attrs import field, frozen

from .._errors import ConfigurationError
from .._options import check_names, flag
from .mapping import EventMapping
from .summary import ImportProgress

Format: TypeAlias = Literal["jsonl", "csv", "parquet"]

MAX_EVENT: Final = 9 * 1024 * 1024
"""Bytes: Statsig drops requests above 10 MB."""


class ImportOptions(TypedDict, total=False):
    """The options of `import_events`."""

    format: Format | None
    """The form of the input. Default None: as the names of the files say, else JSON lines."""
    mapping: EventMapping | None
    """Which column is which field of an event. Default None: events are as on the wire."""
    allow_cut: bool
    """Send events of which Statsig may cut or lose a part: names and values above 64 characters,
    metadata above 4096, dots in its keys, user IDs above 128, users above 4096. Default False: they
    are rejected.
    """
    allow_no_time: bool
    """Send events without a time, which then happened when they arrive. Default False."""
    checkpoint: str | Path | None
    """The file that remembers how far an import is. Default: beside the first input."""
    dead_letters: str | Path | None
    """The file for what was rejected or is ambiguous, behind what is in it. Default: beside the
    first input."""
    force: bool
    """Go on although the input or the mapping has changed. Default False."""
    restart: bool
    """Forget the checkpoint, and send everything; new dead letters replace the old. Default False.
    """
    max_batch: int
    """The most events in one request. Default 1000."""
    max_batch_bytes: int
    """The most bytes of events in one request, before compression. Default 1 MiB."""
    max_concurrency: int
    """The most requests on their way at once. Default 8; it begins with one."""
    max_rate: float | None
    """The most events per second. Default None: as fast as Statsig takes them."""
    resend_ambiguous: bool
    """Send events again whose reply was lost; they may be counted twice. Default False."""
    give_up_after: float
    """Seconds without any success after which it ends, to be resumed. Default 300."""
    max_refused: int
    """How many events Statsig may refuse, one by one, as long as it has accepted none; then the
    import ends, and has used up none of them. Default 100."""
    compress: bool
    """Whether requests are compressed by gzip. Default True."""
    on_progress: Callable[[ImportProgress], object] | None
    """Called about twice a second, from the thread that imports. Default None."""
    stop: threading.Event | None
    """Set it to end the import in good order. Default None."""


def _positive(_: object, attribute: "attrs.Attribute[float]", value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{attribute.name}: expected a number, got {type(value).__name__}")
    if not value > 0:
        raise ConfigurationError(f"{attribute.name}: expected more than 0, got {value}")


def _rate(_: object, attribute: "attrs.Attribute[float | None]", value: object) -> None:
    if value is not None:
        _positive(_, cast("attrs.Attribute[float]", attribute), value)


def _count(_: object, attribute: "attrs.Attribute[int]", value: object) -> None:
    if isinstance(value, float):
        raise TypeError(f"{attribute.name}: expected a whole number, got {value}")
    _positive(_, cast("attrs.Attribute[float]", attribute), value)


def _format(_: object, attribute: "attrs.Attribute[Format | None]", value: object) -> None:
    if value is not None and value not in get_args(Format):
        raise ConfigurationError(
            f"{attribute.name}: expected one of {', '.join(get_args(Format))}, got {value!r}"
        )


def _mapping(_: object, attribute: "attrs.Attribute[EventMapping | None]", value: object) -> None:
    if not isinstance(value, EventMapping | None):
        raise TypeError(f"{attribute.name}: expected EventMapping, got {type(value).__name__}")


@frozen(kw_only=True)
class Settings:
    """The options of an import, checked; see `ImportOptions`."""

    format: Format | None = field(default=None, validator=_format)
    mapping: EventMapping | None = field(default=None, validator=_mapping)
    allow_cut: bool = field(default=False, validator=flag)
    allow_no_time: bool = field(default=False, validator=flag)
    checkpoint: str | Path | None = None
    dead_letters: str | Path | None = None
    force: bool = field(default=False, validator=flag)
    restart: bool = field(default=False, validator=flag)
    max_batch: int = field(default=1000, validator=_count)
    max_batch_bytes: int = field(default=1024 * 1024, validator=_count)
    max_concurrency: int = field(default=8, validator=_count)
    max_rate: float | None = field(default=None, validator=_rate)
    resend_ambiguous: bool = field(default=False, validator=flag)
    give_up_after: float = field(default=300.0, validator=_positive)
    max_refused: int = field(default=100, validator=_count)
    compress: bool = field(default=True, validator=flag)
    on_progress: Callable[[ImportProgress], object] | None = None
    stop: threading.Event | None = None

    @property
    def batch(self) -> int:
        """The most events in one request: none takes more than a second's share of the rate."""
        return max(1, int(min(self.max_batch, self.max_rate or self.max_batch)))


def settings(options: ImportOptions) -> Settings:
    """Check options.

    Raises:
        TypeError: There is no such option, or its value has the wrong type.
        ConfigurationError: A value is out of its limits.
    """
    check_names(options, Settings)
    return Settings(**options)
