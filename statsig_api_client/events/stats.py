"""What becomes of events, and how that is counted."""

import json
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from attrs import field, frozen

from .._errors import StatsigError
from .._runtime.parsers import JsonValue

if TYPE_CHECKING:
    from .options import Settings

logger: logging.Logger = logging.getLogger("statsig_api_client")

State: TypeAlias = Literal["delivered", "rejected", "ambiguous", "dropped"]


@frozen(kw_only=True)
class Delivery:
    """What became of some events: what `on_delivery` is called with."""

    state: State
    """
    * `delivered`: Statsig accepted them.
    * `rejected`: Statsig said that they are bad. They are not sent again.
    * `ambiguous`: sent, the reply was lost, and `resend_ambiguous` is False.
    * `dropped`: given up, since there was no room and `overflow` allowed it.
    """
    encoded: Sequence[bytes] = field(repr=False)
    """The events as they go over the wire, each a JSON object in UTF-8."""
    error: StatsigError | None = None
    """Why, if they were not delivered."""

    @property
    def events(self) -> list[dict[str, JsonValue]]:
        """The events in their wire form."""
        return [cast("dict[str, JsonValue]", json.loads(event)) for event in self.encoded]


def report(settings: "Settings", delivery: Delivery) -> None:
    """Tell `on_delivery`, whose mistakes must not stop the delivery."""
    if settings.on_delivery is None:
        return
    try:
        settings.on_delivery(delivery)
    except Exception:
        logger.exception("on_delivery failed")


@frozen(kw_only=True)
class EventStats:
    """The account of an event logger, or of its spool: of all processes, since it was made.

    At any time `accepted == delivered + rejected + ambiguous + dropped + pending`.
    """

    accepted: int = 0
    """Events that `log()` took."""
    delivered: int = 0
    """Events that Statsig accepted."""
    rejected: int = 0
    """Events that Statsig said are bad."""
    ambiguous: int = 0
    """Events set aside because their reply was lost."""
    dropped: int = 0
    """Events given up because there was no room."""
    pending: int = 0
    """Events that wait, or are on their way."""
    retried: int = 0
    """Events that had to be sent once more, counted each time."""
    resent_ambiguous: int = 0
    """Those of `retried` that Statsig may have accepted before: the most that are counted twice."""
    spooled_bytes: int = 0
    """The size of the spool; 0 without one."""
    oldest_age: float = 0.0
    """Seconds since the oldest pending event was logged, to about a batch's time."""


@frozen(kw_only=True)
class FlushResult:
    """What became of events during a `flush()` or `close()`."""

    delivered: int
    """Events that Statsig accepted meanwhile."""
    pending: int
    """Events that still wait. 0: all that was logged before has a final state."""
    rejected: int
    """Events that Statsig said are bad."""
    ambiguous: int
    """Events set aside because their reply was lost."""


def difference(before: EventStats, after: EventStats) -> FlushResult:
    """What became of events between two looks at the account, which may be a new one meanwhile."""
    return FlushResult(
        delivered=max(0, after.delivered - before.delivered),
        pending=after.pending,
        rejected=max(0, after.rejected - before.rejected),
        ambiguous=max(0, after.ambiguous - before.ambiguous),
    )
