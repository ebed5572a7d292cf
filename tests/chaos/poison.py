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
    """All others are delivered, once; the bad one is set aside and named."""
    dice = random.Random(seed)
    bad = str(dice.randrange(EVENTS))
    status = dice.choice((400, 413))
    spool = folder / f"{seed}.db" if dice.random() < 0.5 else None
    told: list[Delivery] = []

    def plan(_: int, events: list[dict[str, object]]) -> Answer:
        poisoned = any(event["metadata"]["n"] == bad for event in events)  # type: ignore[index]
        return Answer(status, b'{"message": "bad event"}', takes=False) if poisoned else OK

    with (
        collecting(plan) as server,
        logger(
            server.url,
            spool=spool,
            on_delivery=lambda it: told.append(it) if it.state != "delivered" else None,
        ) as events,
    ):
        for number in range(EVENTS):
            events.log({"userID": "42"}, "purchase", metadata={"n": str(number)})
        assert events.flush(60).pending == 0
        stats = events.stats()
    assert (stats.delivered, stats.rejected) == (EVENTS - 1, 1), stats
    assert set(server.taken) == {str(number) for number in range(EVENTS)} - {bad}
    assert not server.doubles
    (rejected,) = told
    assert rejected.state == "rejected"
    assert rejected.events[0]["metadata"] == {"n": bad}
    assert rejected.error is not None
    assert rejected.error.status_code == status
    return f"found in {len(server.requests)} requests"
