"""One event that the server calls bad, among thousands."""

import random
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.collector import OK, Answer, collecting

from .chance import logger

if TYPE_CHECKING:
    from statsig_api_client.events import Delivery

EVENTS = 5000


def run(folder: Path, seed: int) -> str:
    """All others are delivered, once; the bad one is dead-lettered and named."""
    dice = random.Random(seed)
    status = dice.choice((400, 413))
    answer = Answer(status, b'{"message": "bad event"}', takes=False)
    requests, event = _poison(folder, seed, answer, "rejected", bad=dice.randrange(EVENTS))
    assert event.error is not None
    assert event.error.status_code == status
    return f"found in {requests} requests"


def run_failing(folder: Path, seed: int, events: int = EVENTS) -> str:
    """The same for an event on which the server fails, as in an outage."""
    dice = random.Random(seed)
    answer, state = dice.choice(
        (
            (Answer(500, b"oops", takes=False), "ambiguous"),
            (Answer(reset=True, takes=False), "ambiguous"),
            (Answer(503, b"", takes=False), "rejected"),
        )
    )
    # Some events must come after it: without them nothing shows that the server works.
    bad = dice.randrange(events - 100)
    requests, event = _poison(folder, seed, answer, state, bad=bad, count=events)
    assert event.error is not None
    return f"found in {requests} requests"


def _poison(
    folder: Path, seed: int, answer: Answer, state: str, bad: int, count: int = EVENTS
) -> "tuple[int, Delivery]":
    """Deliver all events but one; return the number of requests and the state of that one."""
    spool = folder / f"{seed}.db" if seed % 2 else None
    told: list[Delivery] = []

    def plan(_: int, events: list[dict[str, object]]) -> Answer:
        poisoned = any(event["metadata"]["n"] == str(bad) for event in events)  # type: ignore[index]
        return answer if poisoned else OK

    with (
        collecting(plan) as server,
        logger(
            server.url,
            spool=spool,
            on_delivery=lambda it: told.append(it) if it.state != "delivered" else None,
        ) as events,
    ):
        for number in range(count):
            events.log({"userID": "42"}, "purchase", metadata={"n": str(number)})
        assert events.flush(60).pending == 0, events.stats()
        stats = events.stats()
    assert (stats.accepted, stats.delivered, getattr(stats, state)) == (count, count - 1, 1), stats
    assert set(server.taken) == {str(number) for number in range(count)} - {str(bad)}
    assert not server.doubles
    (event,) = told
    assert event.state == state
    assert event.events[0]["metadata"] == {"n": str(bad)}
    return len(server.requests), event
