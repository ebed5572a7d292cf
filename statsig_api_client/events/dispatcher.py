"""The heart of delivery: what is sent next, and what follows from what came of it. No I/O.

    claim -> send -> delivered
                  -> something in it is bad: both halves, until the bad event is alone: set aside
                  -> not accepted:           given back, and a pause
                  -> not known:              the same, or set aside, as `resend_ambiguous` says
                  -> fails again and again:  see `isolation`

The loggers drive it, one in a thread, one in a task; tests drive it by hand.
"""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Literal

from .._delivery.backoff import Backoff
from .._delivery.result import SendResult
from .._errors import APIConnectionError
from .errors import SpoolError
from .isolation import Isolation
from .options import Settings
from .queue.base import Batch, Store
from .stats import Delivery, report

if TYPE_CHECKING:
    from .._clock import Clock

logger: logging.Logger = logging.getLogger("statsig_api_client")

_SPOOL_PAUSE: Final = 1.0
"""Seconds until a spool that failed is tried again."""


class Dispatch:
    """Decides what is sent and when. One thread or task at a time may drive it."""

    def __init__(self, settings: Settings, store: Store, clock: "Clock") -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._backoff = Backoff(clock)
        self._isolation = Isolation(settings.max_batch)
        self._parts: list[Batch] = []
        """What is left of the batch in hand; the last one is the next."""
        self._unwritten: list[Callable[[], None]] = []
        """What became of events and could not be written to the spool yet."""
        self._spool_again_at = 0.0
        self._insisted = False

    def next(self, *, hurry: bool) -> Batch | None:
        """What to send now, if anything.

        Args:
            hurry: Do not wait until a batch is full or old.
        """
        try:
            return None if self._pause() else self._next(hurry=hurry)
        except SpoolError as error:
            self._spool_failed(error)
            return None

    def wait(self, *, hurry: bool) -> float | None:
        """Seconds until `next` may have something; None when only a new event can change that."""
        pause = self._pause()
        if pause or hurry or self._parts or self._unwritten or self._isolation.suspects:
            # In a hurry, what others have in hand may come back at any time.
            return max(pause, _SPOOL_PAUSE / 20)
        return self._store.due_in()

    def is_behind(self, mark: int, *, here: bool = False) -> bool:
        """Whether some event up to a place has no final state yet.

        With `here`, what another process is sending is left to it.
        """
        try:
            return not self._store.reached(mark, here=here)
        except SpoolError as error:
            self._spool_failed(error)
            return True

    def insist(self) -> None:
        """There is little time left: make one attempt without the pause that is due by chance."""
        if not self._insisted:
            self._insisted = True
            self._backoff.insist()

    def settle(self, batch: Batch, result: SendResult) -> None:
        """Handle the result of an attempt to send a batch that `next` returned."""
        match result.status:
            case "accepted":
                self._backoff.succeeded()
                self._isolation.accepted(batch)
                self._write(lambda: self._store.delivered(batch))
                report(self._settings, Delivery(state="delivered", encoded=batch.events))
            case "invalid" if len(batch) > 1:
                self._backoff.succeeded()
                self._parts += reversed(batch.halves())
            case "invalid":
                self._backoff.succeeded()
                self._set_aside(batch, result, "rejected")
            case "ambiguous" if not self._settings.resend_ambiguous:
                self._failed(result)
                self._set_aside(batch, result, "ambiguous")
                self.let_go()
            case _:  # also "fatal": an API key or a URL may be corrected
                self._failed(result)
                self._retry_later(batch, result)

    def _retry_later(self, batch: Batch, result: SendResult) -> None:
        unclear = result.status == "ambiguous"
        match self._isolation.failed(batch, result):
            case "release":
                self._give_back([batch], retried=len(batch), unclear=unclear)
            case "hold":
                self._write(lambda: self._store.release([], retried=1, unclear=unclear))
            case _:  # give up
                self._set_aside(batch, result, "ambiguous" if unclear else "rejected")

    def interrupted(self, batch: Batch) -> None:
        """An attempt was broken off, and nobody knows what came of it."""
        if self._settings.resend_ambiguous:
            self._isolation.remove(batch)
            self._give_back([batch], retried=len(batch), unclear=True)
        else:
            error = APIConnectionError("log_events: the attempt was broken off", ambiguous=True)
            self._set_aside(batch, SendResult.from_error(error), "ambiguous")
            self.let_go()

    def let_go(self) -> None:
        """Give back what is in hand, since nothing more is sent from here."""
        self._give_back(self._isolation.remove_all(), retried=0, unclear=False)

    def _pause(self) -> float:
        spool = self._spool_again_at - self._clock.monotonic()
        return max(0.0, self._backoff.remaining, spool)

    def _next(self, *, hurry: bool) -> Batch | None:
        while self._unwritten:
            self._unwritten[0]()
            del self._unwritten[0]
        while self._parts:
            batch = self._parts.pop()
            if self._store.renew(batch):
                return batch
        self._renew_suspects()
        if suspect := self._isolation.suspect(is_proven=True):
            return suspect
        claimed = None
        if hurry or self._store.due_in() == 0.0:
            claimed = self._store.claim(self._isolation.limit)
        return claimed or self._isolation.suspect(is_proven=False)

    def _renew_suspects(self) -> None:
        """Keep the suspects, whose leases may have ended during a pause, from being claimed."""
        for batch in self._isolation.suspects:
            if not self._store.renew(batch):
                self._isolation.remove(batch)

    def _failed(self, result: SendResult) -> None:
        self._backoff.failed(result.retry_after)
        logger.warning("%s; the events wait for %.3g s", result.reason, self._backoff.remaining)

    def _set_aside(
        self, batch: Batch, result: SendResult, state: Literal["rejected", "ambiguous"]
    ) -> None:
        why = result.reason
        self._isolation.remove(batch)
        self._write(lambda: self._store.set_aside(batch, state, why))
        logger.error("%d events were set aside as %s: %s", len(batch), state, why)
        report(self._settings, Delivery(state=state, encoded=batch.events, error=result.error))

    def _give_back(self, tried: list[Batch], *, retried: int, unclear: bool) -> None:
        batches = [*tried, *reversed(self._parts)]
        if not batches:
            return
        self._parts = []
        self._write(lambda: self._store.release(batches, retried=retried, unclear=unclear))

    def _write(self, move: Callable[[], None]) -> None:
        """Move events in the store, or remember to do it before anything else is sent."""
        try:
            if not self._unwritten:
                move()
                return
        except SpoolError as error:
            self._spool_failed(error)
        self._unwritten.append(move)

    def _spool_failed(self, error: SpoolError) -> None:
        now = self._clock.monotonic()
        if now >= self._spool_again_at:  # else it is known already
            self._spool_again_at = now + _SPOOL_PAUSE
            logger.error("%s; trying again in %.3g s", error, _SPOOL_PAUSE)
