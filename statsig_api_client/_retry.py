"""Retries: the attempts of one call and the delays between them.

Evaluations are reads and are retried after any transient failure. Events and exposures have no
idempotency key, and Statsig does not deduplicate: they are retried only if Statsig cannot have
accepted them, unless `retry_ambiguous` is set.
"""

import re
from typing import TYPE_CHECKING, Final

from ._clock import Clock
from ._errors import CallFacts
from ._fork import hold_forks
from ._logging import debug_logger
from ._options import Options
from ._request import PreparedRequest
from ._transports.base import TransportFailure, TransportRequest, TransportResult

if TYPE_CHECKING:
    import logging

BASE_DELAY: Final = 0.5
"""Maximum first delay in seconds; each further maximum is twice as long."""
MAX_DELAY: Final = 8.0
"""Maximum delay in seconds, unless `Retry-After` is longer."""


class RetryState:
    """The attempts of one call, without I/O."""

    def __init__(self, request: PreparedRequest, options: Options, clock: Clock) -> None:
        self.request = request
        self.attempts = 0
        """The number of attempts."""
        self.elapsed = 0.0
        """The seconds from the start to the end of the last attempt."""
        self.ambiguous = False
        """Whether a failed attempt may have delivered events or exposures."""
        self._options = options
        self._clock = clock
        self._started = clock.monotonic()
        self._deadline = self._started + options.deadline

    def next_attempt(self) -> TransportRequest:
        """Count an attempt and return its request."""
        self.attempts += 1
        # Statsig corrects event times with this header.
        now = str(int(self._clock.time() * 1000))
        options = self._options
        return TransportRequest(
            url=self.request.url,
            headers=self.request.headers.with_header("STATSIG-CLIENT-TIME", now),
            body=self.request.body,
            connect_timeout=min(options.connect_timeout, options.timeout),
            timeout=min(options.timeout, self._deadline - self._clock.monotonic()),
        )

    def record(self, result: TransportResult) -> None:
        """Record the result of an attempt."""
        self.elapsed = self._clock.monotonic() - self._started
        if self.request.delivers is not None and _may_be_accepted(result):
            self.ambiguous = True
        logger = debug_logger()
        if logger is not None:
            self._log(logger, result)

    def next_delay(self, result: TransportResult) -> float | None:
        """Return the delay in seconds before the next attempt, or None after the last one."""
        options = self._options
        if not _is_transient(result) or self.attempts > options.max_retries:
            return None
        is_ambiguous = self.request.delivers is not None and _may_be_accepted(result)
        if is_ambiguous and not options.retry_ambiguous:
            return None
        maximum = min(MAX_DELAY, BASE_DELAY * 2 ** min(self.attempts - 1, 8))
        delay = max(maximum * self._clock.random(), self.retry_after(result) or 0.0)
        return delay if self._started + self.elapsed + delay < self._deadline else None

    def retry_after(self, result: TransportResult) -> float | None:
        """Return the delay in seconds from the header `Retry-After`, or None."""
        if isinstance(result, TransportFailure):
            return None
        value = result.headers.get("retry-after", "").strip()
        if re.fullmatch("[0-9]{1,9}", value):
            return float(value)
        if not value.endswith("GMT"):
            return None
        with hold_forks():  # importing it takes as long as the rest of this package
            from email.utils import parsedate_to_datetime

        try:
            return max(0.0, parsedate_to_datetime(value).timestamp() - self._clock.time())
        except (ValueError, OverflowError):
            return None

    def facts(self) -> CallFacts:
        """Return the attributes of an error."""
        return CallFacts(
            operation=self.request.operation,
            attempts=self.attempts,
            elapsed=self.elapsed,
            ambiguous=self.ambiguous,
        )

    def _log(self, logger: "logging.Logger", result: TransportResult) -> None:
        text = result.reason if isinstance(result, TransportFailure) else str(result.status_code)
        logger.debug(
            "%s: attempt %d at %s, %.3f s after the start: %s",
            self.request.operation,
            self.attempts,
            self.request.host,
            self.elapsed,
            self.request.redact(text),
        )


def _is_transient(result: TransportResult) -> bool:
    """Return whether another attempt may succeed."""
    if isinstance(result, TransportFailure):
        return not result.unusable
    return result.status_code in (408, 429) or 500 <= result.status_code <= 599


def _may_be_accepted(result: TransportResult) -> bool:
    """Return whether the server may have processed a failed request."""
    if isinstance(result, TransportFailure):
        return result.sent
    # Statsig documents 503 as a rejection of events.
    return result.status_code == 408 or (result.status_code >= 500 and result.status_code != 503)
