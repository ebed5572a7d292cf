"""Options of imports."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from attrs import field, frozen

from .._validators import boolean, instance_of, integer, one_of, optional, positive_number, seconds
from .mapping.fields import EventMapping
from .summary import ImportProgress

InputFormat: TypeAlias = Literal["jsonl", "csv", "parquet"]
Delimiter: TypeAlias = Literal["comma", "semicolon", "tab", "pipe"]


@frozen(kw_only=True)
class ImportOptions:
    """Options of `import_events` and `dry_run_import`.

    Raises:
        TypeError: An option does not exist, or its value has the wrong type.
        ConfigurationError: A value is out of range.
    """

    format: InputFormat | None = field(
        default=None, validator=optional(one_of(*get_args(InputFormat)))
    )
    """Format of the input; by default, the file name determines it, else it is JSON lines."""
    delimiter: Delimiter | None = field(
        default=None, validator=optional(one_of(*get_args(Delimiter)))
    )
    """Character between two cells of CSV; by default, a tab in .tsv files, else a comma."""
    mapping: EventMapping | None = field(
        default=None, validator=optional(instance_of(EventMapping))
    )
    """Mapping of columns to event fields; by default, events have the format of the HTTP API."""
    allow_truncation: bool = field(default=False, validator=boolean)
    """Send events of which Statsig may truncate or drop a part, instead of rejecting them."""
    allow_missing_time: bool = field(default=False, validator=boolean)
    """Send events without a time; Statsig uses the time of arrival."""
    checkpoint: str | Path | None = None
    """File that stores the progress of the import; by default, next to the first input file."""
    dead_letters: str | Path | None = None
    """File to which undelivered events are appended; by default, next to the first input file."""
    force: bool = field(default=False, validator=boolean)
    """Resume although the input or the mapping has changed."""
    restart: bool = field(default=False, validator=boolean)
    """Discard the checkpoint and the dead letters, and send everything."""
    max_batch: int = field(default=1000, validator=integer(minimum=1))
    """Maximum number of events per request."""
    max_batch_bytes: int = field(default=1024 * 1024, validator=integer(minimum=1))
    """Maximum size of the events of a request in bytes, before compression."""
    max_concurrency: int = field(default=8, validator=integer(minimum=1))
    """Maximum number of concurrent requests. The import starts with one."""
    max_rate: float | None = field(default=None, validator=optional(positive_number))
    """Maximum number of events per second; by default, unlimited."""
    resend_ambiguous: bool = field(default=False, validator=boolean)
    """Resend events that Statsig may have accepted; they may be counted twice."""
    give_up_after: float = field(default=300.0, validator=seconds)
    """Seconds without a successful request after which the import stops."""
    max_rejected: int = field(default=100, validator=integer(minimum=1))
    """Number of rejected events, without any accepted one, after which the import stops."""
    compress: bool = field(default=True, validator=boolean)
    """Compress requests with gzip."""
    on_progress: Callable[[ImportProgress], object] | None = None
    """Function that is called about twice a second, from the importing thread."""
    stop: threading.Event | None = None
    """Event that stops the import when it is set; the same call resumes it."""

    @property
    def events_per_request(self) -> int:
        """Maximum number of events per request; `max_rate` limits it to those of one second."""
        return max(1, int(min(self.max_batch, self.max_rate or self.max_batch)))
