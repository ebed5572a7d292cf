"""How many requests go at once, and how that follows from what came of them."""

import threading

from statsig_api_client import APIConnectionError
from statsig_api_client.bulk.pace import Pace


def test_concurrency_doubles_is_halved_by_a_failure_and_then_grows_slowly() -> None:
    pace = Pace(most=8, rate=None, give_up_after=60, stop=threading.Event())
    for _ in range(3):
        began = pace.begin(1)
        assert began is not None
        pace.succeeded(began)
    assert pace.concurrency == 4
    early, other, third = pace.begin(1), pace.begin(1), pace.begin(1)
    assert early is not None
    assert other is not None
    assert third is not None
    pace.failed(early, APIConnectionError("no"), None)
    assert pace.concurrency == 2
    pace.failed(third, APIConnectionError("no"), None)
    # They were on their way when the first failed, and say nothing about now.
    pace.succeeded(other)
    assert pace.concurrency == 2


def test_who_waits_is_told_when_no_more_goes() -> None:
    pace = Pace(most=1, rate=None, give_up_after=60, stop=threading.Event())
    assert pace.begin(1) is not None
    waiting = threading.Timer(0.05, pace.halt)
    waiting.start()
    assert pace.begin(1) is None
    waiting.join()
