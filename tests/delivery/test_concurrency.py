"""Adaptive concurrency."""

import threading

from statsig_api_client import APIConnectionError
from statsig_api_client._delivery.concurrency import RequestLimiter


def limiter(max_concurrency: int) -> RequestLimiter:
    return RequestLimiter(
        max_concurrency=max_concurrency, max_rate=None, give_up_after=60, stop=threading.Event()
    )


def test_concurrency_follows_results_of_requests() -> None:
    limit = limiter(8)
    for _ in range(2):
        for request in start_all(limit):
            limit.record_accepted(request)
    assert limit.concurrency == 4
    early, other, third, fourth = start_all(limit)
    limit.record_failure(early, APIConnectionError("no"), None)
    assert limit.concurrency == 1
    # Requests that started before the failure do not change the limit.
    limit.record_failure(third, APIConnectionError("no"), None)
    limit.record_accepted(other)
    limit.record_invalid(fourth)
    assert limit.concurrency == 1
    assert limit.accepted == 4
    request = limit.start(1)
    assert request is not None
    limit.record_accepted(request)
    assert limit.concurrency == 2


def start_all(limit: RequestLimiter) -> list[int]:
    requests = [limit.start(1) for _ in range(limit.concurrency)]
    return [request for request in requests if request is not None]


def test_stop_wakes_waiting_threads() -> None:
    limit = limiter(1)
    assert limit.start(1) is not None
    timer = threading.Timer(0.05, limit.stop)
    timer.start()
    assert limit.start(1) is None
    timer.join()
