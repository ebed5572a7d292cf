"""Delivery from a thread on an event loop that ends, or that another one replaces."""

import asyncio
import math
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from statsig_api_client._delivery.result import ACCEPTED, SendResult
from statsig_api_client.events.loop_sender import LoopSender


class Endpoint:
    """An `AsyncEventSender` whose requests end when they are released."""

    longest_attempt = 10.0

    def __init__(self) -> None:
        self.has_started = asyncio.Event()
        self.release: asyncio.Event | None = None
        self.is_closed = False

    async def aclose(self) -> None:
        self.is_closed = True

    async def send(self, events: Sequence[bytes], within: float) -> SendResult:  # noqa: ARG002
        self.has_started.set()
        if self.release is not None:
            await self.release.wait()
        return ACCEPTED


class Scene:
    """A sender, and threads that use it."""

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self.endpoint = Endpoint()
        endpoint: Any = self.endpoint
        self.sender = LoopSender(endpoint)
        self._threads = threads

    async def attach(self) -> None:
        self.sender.attach()

    async def begin(self) -> "Future[SendResult]":
        """Begin an attempt that hangs; return when its request has started."""
        self.sender.attach()
        self.endpoint.release = asyncio.Event()
        attempt = self.send()
        await self.endpoint.has_started.wait()
        return attempt

    def send(self) -> "Future[SendResult]":
        return self._threads.submit(self.sender.send, [b"{}"])


@pytest.fixture
def scene() -> Iterator[Scene]:
    with ThreadPoolExecutor(2) as threads:
        yield Scene(threads)


def test_batch_is_sent_on_attached_loop(scene: Scene) -> None:
    async def main() -> SendResult:
        await scene.attach()
        assert scene.sender.ready_in() == 0
        return await asyncio.wrap_future(scene.send())

    assert scene.sender.ready_in() == math.inf
    assert asyncio.run(main()) is ACCEPTED
    assert scene.sender.ready_in() == math.inf


def test_stopped_loop_is_asked_again(scene: Scene) -> None:
    with asyncio.Runner() as runner:
        runner.run(scene.attach())
        assert 0 < scene.sender.ready_in() < math.inf


def test_closed_loop_makes_attempt_retryable(scene: Scene) -> None:
    asyncio.run(scene.attach())
    assert scene.send().result(30).status == "retryable"
    assert not scene.endpoint.has_started.is_set()


def test_loop_end_makes_started_attempt_ambiguous(scene: Scene) -> None:
    attempt = asyncio.run(scene.begin())
    assert attempt.result(30).status == "ambiguous"


def test_abruptly_closed_loop_makes_started_attempt_ambiguous(scene: Scene) -> None:
    loop = asyncio.new_event_loop()
    attempt = loop.run_until_complete(scene.begin())
    loop.close()
    assert attempt.result(30).status == "ambiguous"


def test_replaced_loop_makes_attempt_ambiguous(scene: Scene) -> None:
    with asyncio.Runner() as first, asyncio.Runner() as second:
        attempt = first.run(scene.begin())
        second.run(scene.attach())
        assert attempt.result(30).status == "ambiguous"
        first.run(asyncio.sleep(0))


def test_attempt_before_loop_runs_is_retryable(scene: Scene) -> None:
    with asyncio.Runner() as first, asyncio.Runner() as second:
        first.run(scene.attach())
        attempt = scene.send()
        second.run(scene.attach())
        assert attempt.result(30).status == "retryable"
        first.run(asyncio.sleep(0.01))
    assert not scene.endpoint.has_started.is_set()


def test_cancelled_attempt_is_ambiguous(scene: Scene) -> None:
    async def main() -> SendResult:
        attempt = await scene.begin()
        scene.sender.cancel()
        return await asyncio.wrap_future(attempt)

    assert asyncio.run(main()).status == "ambiguous"


def test_attempt_after_cancel_ends_at_once(scene: Scene) -> None:
    async def main() -> SendResult:
        await scene.attach()
        scene.endpoint.release = asyncio.Event()
        scene.sender.cancel()
        return await asyncio.wrap_future(scene.send())

    assert asyncio.run(main()).status == "ambiguous"


def test_exit_attempt_is_cancelled(scene: Scene) -> None:
    scene.sender.prepare_exit()
    scene.endpoint.release = asyncio.Event()
    attempt = scene.send()
    while not scene.endpoint.has_started.is_set():
        time.sleep(0.001)
    scene.sender.cancel()
    assert attempt.result(30).status == "ambiguous"
    assert scene.send().result(30).status == "retryable"
    scene.sender.close()
    assert scene.endpoint.is_closed


def test_running_exit_attempt_is_left_alone(scene: Scene) -> None:
    scene.sender.prepare_exit()
    scene.endpoint.release = asyncio.Event()
    attempt = scene.send()
    while not scene.endpoint.has_started.is_set():
        time.sleep(0.001)
    scene.sender.close()
    assert not scene.endpoint.is_closed
    scene.sender.cancel()
    attempt.result(30)
    scene.sender.close()


def test_attempts_share_loop(scene: Scene) -> None:
    async def main() -> list[SendResult]:
        attempts = [await scene.begin()]
        scene.endpoint.has_started.clear()
        attempts.append(scene.send())
        await scene.endpoint.has_started.wait()
        scene.sender.cancel()
        return await asyncio.gather(*map(asyncio.wrap_future, attempts))

    assert [result.status for result in asyncio.run(main())] == ["ambiguous"] * 2


def test_exit_attempts_wait_for_each_other(scene: Scene) -> None:
    scene.sender.prepare_exit()
    scene.endpoint.release = asyncio.Event()
    attempt = scene.send()
    while not scene.endpoint.has_started.is_set():
        time.sleep(0.001)
    assert scene.sender.send([b"{}"], 0.01).status == "retryable"
    other = scene.send()
    scene.sender.cancel()
    assert attempt.result(30).status == "ambiguous"
    assert other.result(30).status == "retryable"
    scene.sender.close()
