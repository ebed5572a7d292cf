"""Imports while the server fails or rejects events."""

import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statsig_api_client import Statsig
from statsig_api_client._clock import Clock
from statsig_api_client.bulk import (
    EventsRejectedError,
    ImportOptions,
    ImportStoppedError,
    import_events,
)
from tests.support.clients import KEY
from tests.support.collector import OK, Collector, Plan, Response, collecting, first
from tests.support.event_files import event, letters, lines, write

DOWN = Response(503, accepts=False)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_rejected_key_stops_without_consuming_rows(
    status: int, statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    file = tmp_path / "e.jsonl"
    file.write_bytes(lines(b"{", *map(event, range(100)), b""))
    collector.plan = lambda *_: Response(status, accepts=False)
    with pytest.raises(ImportStoppedError, match=str(status)) as stopped:
        import_events(statsig, file, ImportOptions(max_batch=10))
    summary = stopped.value.summary
    assert (summary.delivered, summary.rejected, summary.balances) == (0, 0, True)
    assert summary.unsent == summary.read
    assert len(collector.requests) == 1
    assert not (tmp_path / "e.jsonl.dead-letters.jsonl").exists()
    collector.plan = lambda *_: OK
    summary = import_events(statsig, file, ImportOptions(max_batch=10))
    assert (summary.delivered, summary.rejected, summary.blank) == (100, 1, 1)
    assert set(collector.accepted.values()) == {1}


def test_invalid_event_is_isolated(statsig: Statsig, collector: Collector, tmp_path: Path) -> None:
    def plan(_: int, events: list[dict[str, Any]]) -> Response:
        bad = any(one["metadata"]["n"] == "13" for one in events)
        return Response(400, b'{"message":"no"}', accepts=False) if bad else OK

    collector.plan = plan
    summary = import_events(statsig, write(tmp_path / "e.jsonl", 40))
    assert (summary.delivered, summary.rejected, summary.balances) == (39, 1, True)
    assert summary.dead_letters is not None
    (letter,) = letters(summary.dead_letters)
    assert (letter["line"], letter["state"]) == (14, "rejected")
    assert "400" in letter["reason"]


def test_lost_response_is_ambiguous_or_retried(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    collector.plan = first(Response(reset=True))
    summary = import_events(statsig, write(tmp_path / "a.jsonl", 5))
    assert (summary.ambiguous, summary.delivered, summary.balances) == (5, 0, True)
    assert summary.dead_letters is not None
    assert {letter["state"] for letter in letters(summary.dead_letters)} == {"ambiguous"}
    collector.plan = lambda number, _: Response(reset=True) if number == 1 else OK
    summary = import_events(
        statsig, write(tmp_path / "b.jsonl", 5, 5), ImportOptions(resend_ambiguous=True)
    )
    assert (summary.delivered, summary.resent, summary.retried) == (5, 5, 5)


def test_outage_stops_and_next_run_resumes(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    file = write(tmp_path / "e.jsonl", 100)
    collector.plan = lambda number, _: OK if number < 3 else DOWN
    with pytest.raises(ImportStoppedError, match="503") as stopped:
        import_events(statsig, file, ImportOptions(max_batch=10, give_up_after=0.05))
    before = stopped.value.summary
    assert before.delivered == 30
    assert before.balances
    collector.plan = lambda *_: OK
    after = import_events(statsig, file, ImportOptions(max_batch=10))
    assert (after.delivered, after.skipped, after.balances) == (70, 30, True)
    assert set(collector.accepted.values()) == {1}


ANSWERS = st.sampled_from(
    [
        *(OK, OK, OK, DOWN),
        *(Response(400, accepts=False), Response(reset=True), Response(401, accepts=False)),
    ]
)


@given(
    st.lists(st.sampled_from(["good", "bad", "blank"]), min_size=1, max_size=40),
    st.lists(ANSWERS, max_size=6),
    st.integers(1, 10),
)
def test_all_runs_balance(kinds: list[str], responses: list[Response], max_batch: int) -> None:
    with collecting() as collector, tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "e.jsonl"
        content = {"bad": b"{", "blank": b""}
        file.write_bytes(
            lines(
                *(content.get(k) or (event(n) if k == "good" else b"") for n, k in enumerate(kinds))
            )
        )
        collector.plan = first(*responses)
        total = dict.fromkeys(("delivered", "rejected", "ambiguous", "blank"), 0)
        with Statsig(KEY, base_url=collector.url) as statsig:
            for _ in range(len(responses) + 2):
                try:
                    summary = import_events(
                        statsig, file, ImportOptions(max_batch=max_batch, give_up_after=0.001)
                    )
                except ImportStoppedError as error:
                    summary = error.summary
                assert summary.balances
                for name in total:
                    total[name] += getattr(summary, name)
        assert summary.unsent == 0
        assert sum(total.values()) == summary.read == len(kinds)
        assert total["blank"] == kinds.count("blank")
        assert set(collector.accepted.values()) <= {1}
        assert len(collector.accepted) >= total["delivered"]
        dead = total["rejected"] + total["ambiguous"]
        path = Path(f"{file}.dead-letters.jsonl")
        assert (len(letters(path)) if path.exists() else 0) == dead


def test_server_rejecting_all_consumes_no_events(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    file = tmp_path / "e.jsonl"
    file.write_bytes(lines(b"{", *map(event, range(3000))))
    collector.plan = lambda *_: Response(400, b'{"message":"no such project"}', accepts=False)
    with pytest.raises(ImportStoppedError, match=r"accepted no event.*no such project") as stopped:
        import_events(statsig, file, ImportOptions(max_batch=200))
    assert isinstance(stopped.value.__cause__, EventsRejectedError)
    summary = stopped.value.summary
    assert (summary.delivered, summary.rejected, summary.balances) == (0, 0, True)
    assert summary.unsent == summary.read
    assert len(collector.requests) < 300
    assert not (tmp_path / "e.jsonl.dead-letters.jsonl").exists()
    collector.plan = lambda *_: OK
    summary = import_events(statsig, file)
    assert (summary.delivered, summary.rejected, summary.skipped) == (3000, 1, 0)
    assert set(collector.accepted.values()) == {1}


def test_rejected_batches_wait_for_accepted_one(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    def plan(_: int, events: list[dict[str, Any]]) -> Response:
        bad = any(int(one["metadata"]["n"]) < 30 for one in events)
        return Response(400, accepts=False) if bad else OK

    collector.plan = plan
    file = write(tmp_path / "e.jsonl", 60)
    with pytest.raises(ImportStoppedError, match="rejected 20 events one by one") as stopped:
        import_events(statsig, file, ImportOptions(max_batch=5, max_rejected=20, max_concurrency=1))
    assert stopped.value.summary.unsent == stopped.value.summary.read
    summary = import_events(statsig, file, ImportOptions(max_batch=5, max_concurrency=1))
    assert (summary.delivered, summary.rejected, summary.skipped) == (30, 30, 0)
    assert summary.balances
    assert summary.dead_letters is not None
    assert sorted(letter["line"] for letter in letters(summary.dead_letters)) == [*range(1, 31)]


def test_file_of_rejected_events_is_complete(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    collector.plan = lambda *_: Response(400, accepts=False)
    summary = import_events(statsig, write(tmp_path / "e.jsonl", 3))
    assert (summary.rejected, summary.delivered, summary.unsent) == (3, 0, 0)
    file = write(tmp_path / "f.jsonl", 3)
    with pytest.raises(ImportStoppedError, match="No space left") as stopped:
        import_events(statsig, file, ImportOptions(dead_letters="/dev/full"))
    assert (stopped.value.summary.unsent, stopped.value.summary.balances) == (3, True)


@pytest.fixture
def no_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Clock, "random", lambda _: 0.0)
    monkeypatch.setattr("statsig_api_client._delivery.backoff._GAP", 0.0)


def failing(response: Response, *numbers: int) -> Plan:
    """Fail on some events."""

    def plan(_: int, events: list[dict[str, Any]]) -> Response:
        bad = any(int(event["metadata"]["n"]) in numbers for event in events)
        return response if bad else OK

    return plan


@pytest.mark.usefixtures("no_delays")
@pytest.mark.parametrize(
    ("response", "state"),
    [
        pytest.param(Response(500, accepts=False), "ambiguous", id="500"),
        pytest.param(Response(503, accepts=False), "rejected", id="503"),
        pytest.param(Response(reset=True, accepts=False), "ambiguous", id="reset"),
    ],
)
def test_event_that_breaks_server_is_dead_letter(
    response: Response, state: str, statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    collector.plan = failing(response, 13, 77)
    file = write(tmp_path / "e.jsonl", 100)
    summary = import_events(statsig, file, ImportOptions(max_batch=20, resend_ambiguous=True))
    assert (summary.delivered, summary.balances, summary.unsent) == (98, True, 0)
    assert set(collector.accepted.values()) == {1}
    assert summary.dead_letters is not None
    found = sorted((letter["line"], letter["state"]) for letter in letters(summary.dead_letters))
    assert found == [(14, state), (78, state)]
    assert "the server fails on this event" in letters(summary.dead_letters)[0]["reason"]


@pytest.mark.usefixtures("no_delays")
@pytest.mark.parametrize("status", [429, 500, 503])
def test_outage_dead_letters_no_event(
    status: int, statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    stop = threading.Event()

    def fail(number: int, _: object) -> Response:
        if number == 60:
            stop.set()
        return Response(status, accepts=False)

    collector.plan = fail
    file = write(tmp_path / "e.jsonl", 20)
    options = ImportOptions(max_batch=10, resend_ambiguous=True, stop=stop)
    summary = import_events(statsig, file, options)
    assert summary.unsent == summary.read > 0
    collector.plan = lambda *_: OK
    assert import_events(statsig, file).delivered == 20
