"""The queue of events in memory."""

from statsig_api_client._clock import Clock
from statsig_api_client.events.options import CheckedOptions
from statsig_api_client.events.queue.memory import MemoryQueue


def test_new_event_is_dropped_if_all_are_sent() -> None:
    options = CheckedOptions(max_pending=1, overflow="drop_oldest")
    queue = MemoryQueue(options, Clock(), lambda: None)
    queue.put(b"{}")
    batch = queue.claim()
    assert batch is not None
    queue.put(b"[]")
    stats = queue.stats()
    assert (batch.events, stats.pending, stats.dropped) == ([b"{}"], 1, 1)
