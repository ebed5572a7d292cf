"""What has become of every record, and the checkpoint that remembers it."""

import json
import os
import time
from pathlib import Path
from typing import Final, cast

from attrs import asdict

from .batches import Batch, Span
from .errors import SourceError
from .sources import Place

_SYNC_EVERY: Final = 1.0
"""Seconds between two waits for the disk: what is between survives a killed process, and may be
lost with the machine's power."""


class Ledger:
    """The account of an import, over all of its runs."""

    def __init__(self, path: Path | None, identity: dict[str, object]) -> None:
        self._path = path
        self._identity = identity
        self._open: dict[int, Batch] = {}
        """Batches that may be on their way, by their first records."""
        self._left: list[Batch] = []
        """Batches that have come back with records that were not sent."""
        self._settled: list[Span] = []
        self._synced = 0.0
        self.number: int = 0
        """The number of the record with which to go on."""
        self.place: Place = Place()
        self.in_flight: list[Span] = []
        """What an earlier run was sending when it ended."""
        self.dead_letter_bytes: int | None = None
        """What is known to be in the file of dead letters; None if nothing is known."""
        self.dead_letters: int = 0
        """How many of them are of this import."""

    @property
    def settled(self) -> list[Span]:
        """What is accounted for behind `number`, in order."""
        return _merged(self._settled, self.number)

    def load(self, *, force: bool) -> None:
        """Go on where an earlier run was, if there is a checkpoint.

        Raises:
            SourceError: It cannot be read, or is of another input.
        """
        if self._path is None:
            return
        try:
            data = json.loads(self._path.read_text(encoding="utf-8"))
            identity = data["input"]
            self.number, self.place = data["number"], Place(**data["place"])
            self._settled = [(first, end) for first, end in data["settled"]]
            self.in_flight = [(first, end) for first, end in data["in_flight"]]
            self.dead_letter_bytes = data["dead_letter_bytes"]
            self.dead_letters = data["dead_letters"]
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SourceError(
                f"{self._path}: the checkpoint cannot be read ({error!r}); restart sends everything"
            ) from None
        if identity != json.loads(json.dumps(self._identity)) and not force:
            raise SourceError(
                f"{self._path}: {_difference(identity, self._identity)} since the checkpoint was "
                "made; force goes on all the same, restart sends everything"
            )

    def was_in_flight(self, numbers: list[int]) -> int:
        """How many of these an earlier run was sending when it ended."""
        spans = self.in_flight
        return sum(any(low <= n < end for low, end in spans) for n in numbers) if spans else 0

    def begin(self, batch: Batch) -> None:
        """A batch was read, and is about to be sent."""
        self._open[batch.first] = batch
        self.number, self.place = batch.end, batch.behind

    def settle(self, batch: Batch, numbers: list[int]) -> int:
        """A batch has come back; what is not in `numbers` is sent by the next run.

        Returns:
            How many records that are.
        """
        left = batch.end - batch.first - len(numbers) - len(batch.settled)
        if left:
            self._settled += _spans(sorted([*numbers, *batch.settled]))
            self._left.append(batch)
        else:
            self._settled.append((batch.first, batch.end))
        del self._open[batch.first]
        return left

    def save(self) -> None:
        """Write the checkpoint, whole or not at all.

        Raises:
            OSError: It cannot be written.
        """
        number, place = self.number, self.place
        if unfinished := [*self._open.values(), *self._left]:
            oldest = min(unfinished, key=lambda batch: batch.first)
            number, place = oldest.first, oldest.start
        self._settled = _merged(self._settled, number)
        if self._path is None:
            return
        data = {
            "input": self._identity,
            "number": number,
            "place": asdict(place),
            "settled": self._settled,
            "in_flight": _merged(
                [*self.in_flight, *((batch.first, batch.end) for batch in self._open.values())],
                number,
            ),
            "dead_letter_bytes": self.dead_letter_bytes,
            "dead_letters": self.dead_letters,
        }
        try:
            self._replace(self._path, json.dumps(data))
        except OSError as error:
            error.filename = str(self._path)
            raise

    def _replace(self, path: Path, content: str) -> None:
        new = path.with_name(f"{path.name}.new")
        with new.open("w", encoding="utf-8") as file:
            file.write(content)
            if time.monotonic() - self._synced > _SYNC_EVERY:
                file.flush()
                os.fsync(file.fileno())
                self._synced = time.monotonic()
        new.replace(path)


def _spans(numbers: list[int]) -> list[Span]:
    spans: list[Span] = []
    for number in numbers:
        if spans and spans[-1][1] == number:
            spans[-1] = (spans[-1][0], number + 1)
        else:
            spans.append((number, number + 1))
    return spans


def _merged(spans: list[Span], low: int) -> list[Span]:
    """Spans in order, those that touch as one, without what is before `low`."""
    merged: list[Span] = []
    for first, end in sorted(spans):
        if end <= low:
            continue
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((max(first, low), end))
    return merged


def _difference(before: object, now: dict[str, object]) -> str:
    """What is not as it was."""
    old = cast("dict[str, object]", before) if isinstance(before, dict) else {}
    names = [name for name in now if old.get(name) != json.loads(json.dumps(now[name]))]
    return f"{' and '.join(names) or 'the input'} changed"
