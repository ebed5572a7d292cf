"""What a server can do to a batch, and what must become of its events."""

import random
import time
from pathlib import Path
from typing import Final

from attrs import frozen

from tests.support.collector import Answer, collecting, first

from .chance import logger

TIMEOUT: Final = 1.5
"""Seconds for an attempt; a hang takes longer."""


@frozen
class Fault:
    """One way to fail."""

    name: str
    variants: tuple[Answer, ...]
    state: str
    """`refused`: not taken, sent again, counted once. `unclear`: may be taken, so sent again and
    perhaps counted twice, or dead-lettered if the user says so. `taken`: the status said yes.
    """
    pause: float = 0.0
    """Seconds that must pass before the next attempt."""


def refused(status: int, **headers: str) -> Answer:
    return Answer(status, b'{"success": false}', headers, takes=False)


def unclear(status: int) -> tuple[Answer, Answer]:
    return Answer(status, b"oops", takes=True), Answer(status, b"<html>", takes=False)


FAULTS: Final = (
    Fault("503", (refused(503),), "refused"),
    Fault("429 with Retry-After", (refused(429, **{"Retry-After": "1"}),), "refused", pause=1.0),
    Fault("500", unclear(500), "unclear"),
    Fault("408", unclear(408), "unclear"),
    Fault("reset before reply", (Answer(reset=True), Answer(reset=True, takes=False)), "unclear"),
    Fault("reset mid-reply", (Answer(cut=30, reset=True),), "unclear"),
    Fault("truncated reply", (Answer(cut=-5),), "unclear"),
    Fault("garbage reply", (Answer(raw=b"\x00\x16\xff garbage\r\n\r\n"),), "unclear"),
    Fault("garbage body", (Answer(body=b"\xff\xfe<html>not JSON"),), "taken"),
    Fault(
        "hang", (Answer(hangs=TIMEOUT + 0.5), Answer(hangs=TIMEOUT + 0.5, takes=False)), "unclear"
    ),
)


def run(fault: Fault, folder: Path, seed: int) -> None:
    """One batch, or two in a row, meet the fault; then the server is well."""
    dice = random.Random(seed)
    times = dice.choice((1, 1, 2)) if fault.name != "hang" else 1
    answers = [dice.choice(fault.variants) for _ in range(times)]
    count = dice.randint(1, 120)
    resend = dice.random() < 0.7
    spool = folder / f"{seed}.db" if dice.random() < 0.5 else None
    with (
        collecting(first(*answers)) as server,
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
    assert took >= fault.pause * times, took
    everything = {str(number) for number in range(count)}
    if fault.state == "taken":
        assert (stats.delivered, stats.retried) == (count, 0)
        assert set(server.taken) == everything
        assert not server.doubles
    elif fault.state == "refused":
        assert (stats.delivered, stats.retried, stats.resent_ambiguous) == (count, tried, 0)
        assert set(server.taken) == everything
        assert not server.doubles
    elif resend:
        assert (stats.delivered, stats.retried, stats.resent_ambiguous) == (count, tried, tried)
        assert set(server.taken) == everything
        assert server.doubles == (
            {
                name
                for names, answer in zip(server.requests, answers, strict=False)
                for name in names
                if answer.takes
            }
        )
    else:
        assert not server.doubles
        assert stats.retried == 0
        assert stats.delivered + stats.ambiguous == count
        assert 0 < stats.ambiguous <= tried
