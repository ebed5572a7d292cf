"""Events on which the server fails: they stop nothing else."""

from pathlib import Path
from typing import Any

import pytest

from statsig_api_client import Statsig
from statsig_api_client._clock import Clock
from statsig_api_client.bulk import ImportOptions, ImportStoppedError, import_events
from tests.support.collector import OK, Answer, Collector, Plan
from tests.support.event_files import letters, write


@pytest.fixture(autouse=True)
def _no_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Clock, "random", lambda _: 0.0)
    monkeypatch.setattr("statsig_api_client._delivery.backoff._GAP", 0.0)


def failing(answer: Answer, *numbers: int) -> Plan:
    """Fail on some events."""

    def plan(_: int, events: list[dict[str, Any]]) -> Answer:
        bad = any(int(event["metadata"]["n"]) in numbers for event in events)
        return answer if bad else OK

    return plan


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        pytest.param(Answer(500, takes=False), "ambiguous", id="500"),
        pytest.param(Answer(503, takes=False), "rejected", id="503"),
        pytest.param(Answer(reset=True, takes=False), "ambiguous", id="reset"),
    ],
)
def test_event_that_breaks_server_is_dead_letter(
    answer: Answer, state: str, statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    collector.plan = failing(answer, 13, 77)
    file = write(tmp_path / "e.jsonl", 100)
    summary = import_events(statsig, file, ImportOptions(max_batch=20, resend_ambiguous=True))
    assert (summary.delivered, summary.balances, summary.unsent) == (98, True, 0)
    assert set(collector.taken.values()) == {1}
    assert summary.dead_letters is not None
    found = sorted((letter["line"], letter["state"]) for letter in letters(summary.dead_letters))
    assert found == [(14, state), (78, state)]
    assert "the server fails on this event" in letters(summary.dead_letters)[0]["reason"]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_outage_gives_up_no_event(
    status: int, statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    collector.plan = lambda *_: Answer(status, takes=False)
    file = write(tmp_path / "e.jsonl", 20)
    with pytest.raises(ImportStoppedError, match=str(status)) as stopped:
        import_events(
            statsig,
            file,
            ImportOptions(
                max_batch=10, max_concurrency=1, resend_ambiguous=True, give_up_after=0.3
            ),
        )
    assert stopped.value.summary.unsent == stopped.value.summary.read
    assert len(collector.requests) > 20
    collector.plan = lambda *_: OK
    assert import_events(statsig, file).delivered == 20
