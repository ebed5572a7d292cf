"""Reports and statistics of event delivery."""

import json
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from attrs import field, frozen

from .._errors import StatsigError
from .._runtime.parsers import JsonValue

if TYPE_CHECKING:
    from .options import CheckedOptions

logger: logging.Logger = logging.getLogger("statsig_api_client")

State: TypeAlias = Literal["delivered", "rejected", "ambiguous", "dropped"]


@frozen(kw_only=True)
class Delivery:
    """Events that reached a final state: the argument of `on_delivery`."""

    state: State
    """Final state of the events.

    * `delivered`: Statsig accepted them.
    * `rejected`: Statsig rejected them, or kept returning 503 for one of them alone.
    * `ambiguous`: sent, but the response was lost (`resend_ambiguous=False`, or repeatedly).
    * `dropped`: discarded because the queue was full and `overflow` allowed it.
    """
    encoded: Sequence[bytes] = field(repr=False)
    """The events in their wire form, each a JSON object in UTF-8."""
    error: StatsigError | None = None
    """The reason if they were not delivered."""

    @property
    def events(self) -> list[dict[str, JsonValue]]:
        """Return the events in their wire form, parsed."""
        return [cast("dict[str, JsonValue]", json.loads(event)) for event in self.encoded]


def report(options: "CheckedOptions", delivery: Delivery) -> None:
    """Call `on_delivery`; its errors are logged and must not stop the delivery."""
    if options.on_delivery is None:
        return
    try:
        options.on_delivery(delivery)
    except Exception:
        logger.exception("on_delivery failed")


@frozen(kw_only=True)
class EventStats:
    """The account of an event logger, or of its spool: of all processes, since it was created.

    At any time `accepted == delivered + rejected + ambiguous + dropped + pending`.
    """

    accepted: int = 0
    """Events that `log()` accepted."""
    delivered: int = 0
    """Events that Statsig accepted."""
    rejected: int = 0
    """Events that Statsig rejected."""
    ambiguous: int = 0
    """Events that are not sent again because their response was lost."""
    dropped: int = 0
    """Events discarded because the queue was full."""
    pending: int = 0
    """Events that wait, or are being sent."""
    retried: int = 0
    """Events that had to be sent again, counted each time."""
    resent_ambiguous: int = 0
    """Those of `retried` that Statsig may have accepted before, and so may have counted twice."""
    spooled_bytes: int = 0
    """The size of the spool in bytes; 0 without one."""
    oldest_age: float = 0.0
    """Seconds since the oldest pending event was logged, to about a batch's time."""


@frozen(kw_only=True)
class FlushResult:
    """The changes of the account during a `flush()` or `close()`."""

    delivered: int
    """Events that Statsig accepted meanwhile."""
    pending: int
    """Events that still wait; 0 when all events logged before have a final state."""
    rejected: int
    """Events that Statsig rejected."""
    ambiguous: int
    """Events that are not sent again because their response was lost."""


def difference(before: EventStats, after: EventStats) -> FlushResult:
    """Return the changes between two accounts; the second one may be of a new spool."""
    return FlushResult(
        delivered=max(0, after.delivered - before.delivered),
        pending=after.pending,
        rejected=max(0, after.rejected - before.rejected),
        ambiguous=max(0, after.ambiguous - before.ambiguous),
    )
