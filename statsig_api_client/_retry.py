"""When a call is tried again: the attempts of one call, without any I/O.

An evaluation is a read, and may be repeated whenever there is hope. Events and exposures have no
idempotency key, and Statsig does not deduplicate: they are sent again only when it is sure that
they were not accepted.
"""

import logging
import re
from typing import Final, Literal

from ._clock import Clock
from ._errors import CallFacts
from ._fork import hold_forks
from ._options import ApiKey, Options
from ._redaction import Redactor
from ._transports.base import RequestHeaders, TransportFailure, TransportRequest, TransportResult

logger = logging.getLogger("statsig_api_client")

BACKOFF_FIRST: Final = 0.5
"""Seconds: the most that the first wait may take."""
BACKOFF_MOST: Final = 8.0
"""Seconds: the most that any wait may take that the server did not ask for."""


class Attempts:
    """The attempts of one call: how long each may take, and whether there is another."""

    def __init__(  # noqa: PLR0913
        self,
        *,
        operation: str,
        delivers: Literal["events", "exposures"] | None,
        url: str,
        headers: RequestHeaders,
        body: bytes,
        connect_timeout: float,
        options: Options,
        key: ApiKey,
        redact: Redactor,
        clock: Clock,
    ) -> None:
        self.operation = operation
        """The name of the client's method."""
        self.delivers = delivers
        """What is delivered; None for an evaluation."""
        self.redact = redact
        """Takes secrets out of what a server sent."""
        self.count = 0
        """How many there were."""
        self.elapsed = 0.0
        """Seconds from the start to the end of the last one."""
        self.ambiguous = False
        """Whether one of them may have delivered what then seemed lost."""
        self._url = url
        self._headers = headers
        self._body = body
        self._connect_timeout = connect_timeout
        self._options = options
        self._clock = clock
        self._key = key
        self._started = clock.monotonic()
        self._deadline = self._started + options.deadline

    @property
    def host(self) -> str:
        """The server's host, and its port if the URL has one."""
        return self._url.split("/")[2]

    def begin(self) -> TransportRequest:
        """What to send now."""
        self.count += 1
        # Statsig corrects the times of events by what this says, so each attempt says it anew.
        now = str(int(self._clock.time() * 1000))
        return TransportRequest(
            url=self._url,
            headers=self._headers
            + RequestHeaders(("STATSIG-API-KEY", self._key.value), ("STATSIG-CLIENT-TIME", now)),
            body=self._body,
            connect_timeout=self._connect_timeout,
            timeout=min(self._options.timeout, self._deadline - self._clock.monotonic()),
        )

    def pause_after(self, outcome: TransportResult) -> float | None:
        """The seconds to wait before the next attempt; None when this outcome stands."""
        now = self._clock.monotonic()
        self.elapsed = now - self._started
        if logger.isEnabledFor(logging.DEBUG):
            self._log(outcome)
        unclear = self.delivers is not None and _may_be_accepted(outcome)
        self.ambiguous = self.ambiguous or unclear
        if not _is_transient(outcome) or (unclear and not self._options.retry_ambiguous):
            return None
        if self.count > self._options.max_retries:
            return None
        most = min(BACKOFF_MOST, BACKOFF_FIRST * 2 ** min(self.count - 1, 8))
        pause = max(most * self._clock.random(), self.retry_after(outcome) or 0.0)
        return pause if now + pause < self._deadline else None

    def retry_after(self, outcome: TransportResult) -> float | None:
        """The seconds that a reply asks to wait; None when it does not, or makes no sense."""
        if isinstance(outcome, TransportFailure):
            return None
        value = outcome.headers.get("retry-after", "").strip()
        if re.fullmatch("[0-9]{1,9}", value):
            return float(value)
        if not value.endswith("GMT"):
            return None
        # It costs as much as all the rest of this package, and a date is rare.
        with hold_forks():
            from email.utils import parsedate_to_datetime  # noqa: PLC0415

        try:
            return max(0.0, parsedate_to_datetime(value).timestamp() - self._clock.time())
        except (ValueError, OverflowError):
            return None

    def facts(self) -> CallFacts:
        """What an error tells of them."""
        return CallFacts(
            operation=self.operation,
            attempts=self.count,
            elapsed=self.elapsed,
            ambiguous=self.ambiguous,
        )

    def _log(self, outcome: TransportResult) -> None:
        what = outcome.reason if isinstance(outcome, TransportFailure) else str(outcome.status_code)
        logger.debug(
            "%s: attempt %d at %s, %.3f s after the start: %s",
            self.operation,
            self.count,
            self.host,
            self.elapsed,
            self.redact(what),
        )


def _is_transient(outcome: TransportResult) -> bool:
    """Whether another attempt may end better."""
    if isinstance(outcome, TransportFailure):
        return not outcome.unusable
    return outcome.status_code in (408, 429) or 500 <= outcome.status_code <= 599


def _may_be_accepted(outcome: TransportResult) -> bool:
    """Whether the server may have done what it was asked for, and could not say so."""
    if isinstance(outcome, TransportFailure):
        return outcome.sent
    # Statsig documents 503 as its refusal of events.
    return outcome.status_code == 408 or (outcome.status_code >= 500 and outcome.status_code != 503)
