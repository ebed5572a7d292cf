"""`dry_run_import`: an import without sending."""

import time
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from attrs import frozen

from .batches import BatchReader
from .input import open_input
from .options import ImportOptions
from .readers.records import InputPosition
from .reasons import ReasonCounter
from .summary import RejectionReason

_MAX_ERRORS: Final = 10
_SAMPLE_INTERVAL: Final = 20
"""Number of requests of which one is compressed, to estimate the others."""


@frozen(kw_only=True)
class DryRunResult:
    """Result of `dry_run_import`: what an import would send."""

    read: int
    """Lines or rows."""
    valid: int
    """Events that would be sent."""
    invalid: int
    """Lines that would be rejected."""
    blank: int
    """Lines without content."""
    errors: list[str]
    """The first errors, each with file, line and field."""
    reasons: tuple[RejectionReason, ...] = ()
    """The three most frequent reasons why lines are invalid."""
    requests: int
    """Requests that would be sent."""
    bytes: int
    """Size of the events in bytes, before compression."""
    compressed_bytes: int
    """Estimated size of the requests in bytes."""
    seconds: float
    """Minimum duration of an import, without the network: the time for reading and checking, or
    the minimum that `max_rate` allows."""


def dry_run_import(
    source: str | Path | Sequence[str | Path],
    options: ImportOptions | None = None,
    *,
    environment: str | None = None,
) -> DryRunResult:
    """Read and check the input without sending it. Requires no API key, and writes no file.

    Args:
        source: Files, patterns, or `-`; see `import_events`.
        options: Options of the import.
        environment: Environment of users without one.

    Raises:
        SourceError: The input cannot be read.
    """
    options = options or ImportOptions()
    opened = open_input(source, options, environment)
    started = time.monotonic()
    read = valid = invalid = blank = requests = size = sampled = compressed = 0
    errors: list[str] = []
    reasons = ReasonCounter()
    batches = BatchReader(opened.sources, opened.build_event, options, opened.standard_input)
    for batch in batches.read(0, InputPosition(), []):
        read = batch.end
        valid += len(batch.events)
        invalid += len(batch.invalid)
        blank += len(batch.blank)
        for numbered, reason in batch.invalid:
            place = f"{opened.sources[numbered.file].name}:{numbered.record.line}"
            reasons.add(reason, place)
            if len(errors) < _MAX_ERRORS:
                errors.append(f"{place}: {reason}")
        if batch.events:
            body = b",".join(batch.events)
            size += len(body)
            if requests % _SAMPLE_INTERVAL == 0:
                sampled += len(body)
                compressed += len(zlib.compress(body, level=1, wbits=31))
            requests += 1
    minimum = valid / options.max_rate if options.max_rate else 0.0
    return DryRunResult(
        read=read,
        valid=valid,
        invalid=invalid,
        blank=blank,
        errors=errors,
        reasons=reasons.most_frequent(),
        requests=requests,
        bytes=size,
        compressed_bytes=size * compressed // max(1, sampled) if options.compress else size,
        seconds=max(time.monotonic() - started, minimum),
    )
