"""`examine_events`: an import without sending, to see what would become of it."""

import time
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Unpack

from attrs import frozen

from .batches import Batches
from .input import open_input
from .settings import ImportOptions, settings
from .sources import Place

_FAULTS: Final = 10
_SAMPLE_EVERY: Final = 20


@frozen(kw_only=True)
class Examination:
    """What an import would do."""

    read: int
    good: int
    bad: int
    blank: int
    faults: list[str]
    """The first faults, each with file, line and field."""
    requests: int
    bytes: int
    """Bytes of the events, before compression."""
    compressed_bytes: int
    """Bytes on the wire, about, as samples say."""
    seconds: float
    """The least time that it would take: what reading and checking took, and what `max_rate` asks
    for. The network comes on top."""


def examine_events(
    source: str | Path | Sequence[str | Path],
    *,
    environment: str | None = None,
    **options: Unpack[ImportOptions],
) -> Examination:
    """Read and check everything, and send nothing. It needs no key, and writes no file.

    Args:
        source: As for `import_events`.
        environment: The environment of users who have none.
        **options: As for `import_events`.

    Raises:
        SourceError: The input cannot be read.
    """
    checked = settings(options)
    opened = open_input(source, checked, environment)
    began = time.monotonic()
    read = good = blank = requests = size = sampled = packed = 0
    faults: list[str] = []
    bad = 0
    batches = Batches(opened.sources, opened.outgoing, checked, opened.begun)
    for batch in batches.read(0, Place(), []):
        read = batch.end
        good += len(batch.events)
        bad += len(batch.faults)
        blank += len(batch.blank)
        for item, why in batch.faults[: _FAULTS - len(faults)]:
            faults.append(f"{opened.sources[item.file].name}:{item.record.line}: {why}")
        if batch.events:
            body = b",".join(batch.events)
            size += len(body)
            if requests % _SAMPLE_EVERY == 0:
                sampled += len(body)
                packed += len(zlib.compress(body, level=1, wbits=31))
            requests += 1
    least = good / checked.max_rate if checked.max_rate else 0.0
    return Examination(
        read=read,
        good=good,
        bad=bad,
        blank=blank,
        faults=faults,
        requests=requests,
        bytes=size,
        compressed_bytes=size * packed // max(1, sampled) if checked.compress else size,
        seconds=max(time.monotonic() - began, least),
    )
