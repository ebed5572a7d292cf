"""What a server can do to a batch, and what must become of its events."""

import random
import time
from pathlib import Path
from typing import Final

from attrs import frozen

from tests.support.collector import Response, collecting, first

from .chance import logger

TIMEOUT: Final = 1.5
"""Seconds for an attempt; a hang takes longer."""


@frozen
class Fault:
    """One way to fail."""

    name: str
    variants: tuple[Response, ...]
    state: str
    """`rejected`: not accepted, sent again, counted once. `unclear`: sent again and perhaps
    counted twice, or dead-lettered if the user chose that. `accepted`: the status is 2xx.
    """
    delay: float = 0.0
    """Seconds that must pass before the next attempt."""


def rejected(status: int, **headers: str) -> Response:
    return Response(status, b'{"success": false}', headers, accepts=False)


def unclear(status: int) -> tuple[Response, Response]:
    return Response(status, b"oops", accepts=True), Response(status, b"<html>", accepts=False)


FAULTS: Final = (
    Fault("503", (rejected(503),), "rejected"),
    Fault("429 with Retry-After", (rejected(429, **{"Retry-After": "1"}),), "rejected", delay=1.0),
    Fault("500", unclear(500), "unclear"),
    Fault("408", unclear(408), "unclear"),
    Fault(
        "reset before response",
        (Response(reset=True), Response(reset=True, accepts=False)),
        "unclear",
    ),
    Fault("reset amid response", (Response(cut=30, reset=True),), "unclear"),
    Fault("truncated response", (Response(cut=-5),), "unclear"),
    Fault("garbage response", (Response(raw=b"\x00\x16\xff garbage\r\n\r\n"),), "unclear"),
    Fault("garbage body", (Response(body=b"\xff\xfe<html>not JSON"),), "accepted"),
    Fault(
        "hang",
        (Response(hangs=TIMEOUT + 0.5), Response(hangs=TIMEOUT + 0.5, accepts=False)),
        "unclear",
    ),
)


def run(fault: Fault, directory: Path, seed: int) -> None:
    """One batch, or two in a row, meet the fault; then the server is well."""
    dice = random.Random(seed)
    times = dice.choice((1, 1, 2)) if fault.name != "hang" else 1
    responses = [dice.choice(fault.variants) for _ in range(times)]
    count = dice.randint(1, 120)
    resend = dice.random() < 0.7
    spool = directory / f"{seed}.db" if dice.random() < 0.5 else None
    with (
        collecting(first(*responses)) as server,
        logger(
            server.url,
            timeout=TIMEOUT,
            spool=spool,
            max_batch=50,
            flush_interval=60,
            resend_ambiguous=resend,
        ) as events,
    ):
        for number in range(count):
            events.log({"userID": "42"}, "purchase", metadata={"n": str(number)})
        begun = time.monotonic()
        result = events.flush(30)
        took = time.monotonic() - begun
        stats = events.stats()

    tried = sum(map(len, server.requests[:times]))
    assert result.pending == 0, result
    assert took >= fault.delay * times, took
    everything = {str(number) for number in range(count)}
    if fault.state == "accepted":
        assert (stats.delivered, stats.retried) == (count, 0)
        assert set(server.accepted) == everything
        assert not server.doubles
    elif fault.state == "rejected":
        assert (stats.delivered, stats.retried, stats.resent_ambiguous) == (count, tried, 0)
        assert set(server.accepted) == everything
        assert not server.doubles
    elif resend:
        assert (stats.delivered, stats.retried, stats.resent_ambiguous) == (count, tried, tried)
        assert set(server.accepted) == everything
        assert server.doubles == (
            {
                name
                for names, response in zip(server.requests, responses, strict=False)
                for name in names
                if response.accepts
            }
        )
    else:
        assert not server.doubles
        assert stats.retried == 0
        assert stats.delivered + stats.ambiguous == count
        assert 0 < stats.ambiguous <= tried
