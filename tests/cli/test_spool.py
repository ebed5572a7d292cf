"""The commands for the spool of an event logger."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from statsig_api_client.cli.main import main
from statsig_api_client.events import EventQueueFullError
from tests.chaos.chance import logger
from tests.support.clients import KEY
from tests.support.collector import Collector, Response, collecting


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as running:
        yield running


def fill(spool: Path, collector: Collector) -> None:
    """Create two dead letters and three pending events."""
    collector.plan = lambda *_: Response(400, b"bad", accepts=False)
    with logger(collector.url, spool=spool) as events:
        for number in range(2):
            events.log({"userID": "42"}, "purchase", metadata={"n": str(number)})
        events.flush(30)
        collector.plan = lambda *_: Response(503, b"", {"Retry-After": "60"}, accepts=False)
        for number in range(2, 5):
            events.log({"userID": "42"}, "purchase", metadata={"n": str(number)})
    collector.plan = lambda *_: Response()


def test_spool_is_listed_exported_retried_and_drained(
    collector: Collector,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spool = tmp_path / "events.db"
    fill(spool, collector)
    assert main(["spool", "list", str(spool)]) == 0
    listed = capsys.readouterr().out
    assert "2 rejected: log_events: status 400" in listed
    assert "the oldest pending event" in listed
    assert main(["spool", "export", str(spool)]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["state"] for line in lines] == ["pending"] * 3 + ["rejected"] * 2
    assert [line["event"]["metadata"]["n"] for line in lines] == ["2", "3", "4", "0", "1"]
    assert main(["spool", "retry", str(spool)]) == 0
    assert "2 dead letters are pending again" in capsys.readouterr().out
    monkeypatch.setenv("STATSIG_API_KEY", KEY)
    monkeypatch.setenv("STATSIG_BASE_URL", collector.url)
    assert main(["spool", "drain", str(spool)]) == 0
    assert "5 delivered, 0 rejected, 0 pending" in capsys.readouterr().out
    assert set(collector.accepted) == {"0", "1", "2", "3", "4"}
    assert main(["spool", "list", str(spool)]) == 0
    assert "oldest" not in capsys.readouterr().out


def test_discarded_dead_letters_stay_counted(
    collector: Collector, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spool = tmp_path / "events.db"
    collector.plan = lambda *_: Response(400, b"bad", accepts=False)
    full = {"spool": spool, "max_spool_bytes": 200_000, "overflow": "raise"}
    with logger(collector.url, **full) as events:

        def fill_up() -> None:
            while True:
                events.log({"userID": "42"}, "purchase", metadata={"text": "x" * 1000})

        with pytest.raises(EventQueueFullError):
            fill_up()
        events.flush(30)
        rejected = events.stats().rejected
        with pytest.raises(EventQueueFullError):
            fill_up()
        assert main(["spool", "discard", str(spool)]) == 0
        assert f"{rejected} dead letters are deleted" in capsys.readouterr().out
        collector.plan = lambda *_: Response()
        events.log({"userID": "42"}, "purchase", metadata={"n": "1"})
        events.flush(30)
        assert (events.stats().rejected, events.stats().delivered) == (rejected, 1)
    assert main(["spool", "export", str(spool)]) == 0
    assert not capsys.readouterr().out


def test_drain_reports_events_that_remain(
    collector: Collector,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spool = tmp_path / "events.db"
    fill(spool, collector)
    collector.plan = lambda *_: Response(503, b"", {"Retry-After": "60"}, accepts=False)
    monkeypatch.setenv("STATSIG_API_KEY", KEY)
    monkeypatch.setenv("STATSIG_BASE_URL", collector.url)
    assert main(["spool", "drain", str(spool), "--timeout", "0.3"]) == 1
    assert "3 pending" in capsys.readouterr().out


def test_interrupted_drain_keeps_events(
    collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> Response:
        os.kill(os.getpid(), signal.SIGINT)
        return Response(503, b"", accepts=False)

    spool = tmp_path / "events.db"
    fill(spool, collector)
    collector.plan = interrupt
    monkeypatch.setenv("STATSIG_API_KEY", KEY)
    monkeypatch.setenv("STATSIG_BASE_URL", collector.url)
    assert main(["spool", "drain", str(spool)]) == 130
    collector.plan = lambda *_: Response()
    assert main(["spool", "drain", str(spool)]) == 0
    assert set(collector.accepted) == {"2", "3", "4"}


def test_drain_without_key_fails(
    collector: Collector, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / "events.db", collector)
    assert main(["spool", "drain", str(tmp_path / "events.db")]) == 3
    assert "STATSIG_API_KEY" in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, b"", b"notes of mine\n" * 100])
def test_invalid_spool_is_unchanged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None
) -> None:
    path = tmp_path / "events.db"
    if content is not None:
        path.write_bytes(content)
    assert main(["spool", "list", str(path)]) == 1
    assert "events.db: " in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ([] if content is None else ["events.db"])


def test_list_shows_spools_of_children(
    collector: Collector, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("events.db", "100% #1 [a]?.db"):
        fill(tmp_path / name, collector)
        (tmp_path / f"{name}.child-7-7").touch()
        assert main(["spool", "list", str(tmp_path / name)]) == 0
        assert f"{name}.child-7-7" in capsys.readouterr().out
