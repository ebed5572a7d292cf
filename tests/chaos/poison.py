"""One event that the server calls bad, among thousands."""

import random
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.collector import OK, Response, collecting

from .chance import logger

if TYPE_CHECKING:
    from statsig_api_client.events import Delivery

EVENTS = 5000


def run(directory: Path, seed: int) -> str:
    """All others are delivered, once; the bad one is dead-lettered and named."""
    dice = random.Random(seed)
    status = dice.choice((400, 413))
    response = Response(status, b'{"message": "bad event"}', accepts=False)
    requests, event = _poison(directory, seed, response, "rejected", bad=dice.randrange(EVENTS))
    assert event.error is not None
    assert event.error.status_code == status
    return f"found in {requests} requests"


def run_failing(directory: Path, seed: int, events: int = EVENTS) -> str:
    """The same for an event on which the server fails, as in an outage."""
    dice = random.Random(seed)
    response, state = dice.choice(
        (
            (Response(500, b"oops", accepts=False), "ambiguous"),
            (Response(reset=True, accepts=False), "ambiguous"),
            (Response(503, b"", accepts=False), "rejected"),
        )
    )
    # Some events must come after it: without them nothing shows that the server works.
    bad = dice.randrange(events - 100)
    requests, event = _poison(directory, seed, response, state, bad=bad, count=events)
    assert event.error is not None
    return f"found in {requests} requests"


def _poison(
    directory: Path, seed: int, response: Response, state: str, bad: int, count: int = EVENTS
) -> "tuple[int, Delivery]":
    """Deliver all events but one; return the number of requests and the state of that one."""
    spool = directory / f"{seed}.db" if seed % 2 else None
    reported: list[Delivery] = []

    def plan(_: int, events: list[dict[str, object]]) -> Response:
        poisoned = any(event["metadata"]["n"] == str(bad) for event in events)  # type: ignore[index]
        return response if poisoned else OK

    with (
        collecting(plan) as server,
        logger(
            server.url,
            spool=spool,
            on_delivery=lambda it: reported.append(it) if it.state != "delivered" else None,
        ) as events,
    ):
        for number in range(count):
            events.log({"userID": "42"}, "purchase", metadata={"n": str(number)})
        assert events.flush(60).pending == 0, events.stats()
        stats = events.stats()
    assert (stats.accepted, stats.delivered, getattr(stats, state)) == (count, count - 1, 1), stats
    assert set(server.accepted) == {str(number) for number in range(count)} - {str(bad)}
    assert not server.doubles
    (event,) = reported
    assert event.state == state
    assert event.events[0]["metadata"] == {"n": str(bad)}
    return len(server.requests), event
