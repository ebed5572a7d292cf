"""The command that looks after a spool."""

import json
import os
import runpy
import signal
import sys
from pathlib import Path

import pytest

from statsig_api_client.events import EventQueueFullError
from statsig_api_client.events.__main__ import main
from tests.chaos.chance import logger
from tests.support.clients import KEY
from tests.support.collector import Answer, Collector


def fill(spool: Path, collector: Collector) -> None:
    """Two dead letters, and three events that wait."""
    collector.plan = lambda *_: Answer(400, b"bad", takes=False)
    with logger(collector.url, spool=spool) as events:
        for number in range(2):
            events.log({"userID": "42"}, "purchase", metadata={"n": str(number)})
        events.flush(30)
        collector.plan = lambda *_: Answer(503, b"", {"Retry-After": "60"}, takes=False)
        for number in range(2, 5):
            events.log({"userID": "42"}, "purchase", metadata={"n": str(number)})
    collector.plan = lambda *_: Answer()


def test_a_spool_is_listed_exported_requeued_and_drained(
    collector: Collector,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spool = tmp_path / "events.db"
    fill(spool, collector)
    assert main([str(spool)]) == 0
    listed = capsys.readouterr().out
    assert "2 rejected: log_events: status 400" in listed
    assert "the oldest waits" in listed
    assert main([str(spool), "export"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["state"] for line in lines] == ["pending"] * 3 + ["rejected"] * 2
    assert [line["event"]["metadata"]["n"] for line in lines] == ["2", "3", "4", "0", "1"]
    assert main([str(spool), "requeue"]) == 0
    assert "2 dead letters are queued again" in capsys.readouterr().out
    monkeypatch.setenv("STATSIG_API_KEY", KEY)
    monkeypatch.setenv("STATSIG_BASE_URL", collector.url)
    assert main([str(spool), "drain"]) == 0
    assert "5 delivered, 0 rejected, 0 pending" in capsys.readouterr().out
    assert set(collector.taken) == {"0", "1", "2", "3", "4"}
    assert main([str(spool), "list"]) == 0
    assert "oldest" not in capsys.readouterr().out


def test_dead_letters_that_are_discarded_make_room_and_stay_in_the_account(
    collector: Collector, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spool = tmp_path / "events.db"
    collector.plan = lambda *_: Answer(400, b"bad", takes=False)
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
        assert main([str(spool), "discard"]) == 0
        assert f"{rejected} dead letters are deleted" in capsys.readouterr().out
        collector.plan = lambda *_: Answer()
        events.log({"userID": "42"}, "purchase", metadata={"n": "1"})
        events.flush(30)
        assert (events.stats().rejected, events.stats().delivered) == (rejected, 1)
    assert main([str(spool), "export"]) == 0
    assert not capsys.readouterr().out


def test_what_cannot_be_drained_is_told(
    collector: Collector,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spool = tmp_path / "events.db"
    fill(spool, collector)
    collector.plan = lambda *_: Answer(503, b"", {"Retry-After": "60"}, takes=False)
    monkeypatch.setenv("STATSIG_API_KEY", KEY)
    monkeypatch.setenv("STATSIG_BASE_URL", collector.url)
    assert main([str(spool), "drain", "--timeout", "0.3"]) == 1
    assert "3 pending" in capsys.readouterr().out


def test_a_drain_that_is_interrupted_leaves_the_rest(
    collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> Answer:
        os.kill(os.getpid(), signal.SIGINT)
        return Answer(503, b"", takes=False)

    spool = tmp_path / "events.db"
    fill(spool, collector)
    collector.plan = interrupt
    monkeypatch.setenv("STATSIG_API_KEY", KEY)
    monkeypatch.setenv("STATSIG_BASE_URL", collector.url)
    assert main([str(spool), "drain"]) == 130
    collector.plan = lambda *_: Answer()
    assert main([str(spool), "drain"]) == 0
    assert set(collector.taken) == {"2", "3", "4"}


def test_drain_needs_a_key(
    collector: Collector, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / "events.db", collector)
    assert main([str(tmp_path / "events.db"), "drain"]) == 1
    assert "STATSIG_API_KEY" in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, b"", b"notes of mine\n" * 100])
def test_what_is_no_spool_is_told_and_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None
) -> None:
    path = tmp_path / "events.db"
    if content is not None:
        path.write_bytes(content)
    assert main([str(path), "list"]) == 1
    assert "events.db: " in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ([] if content is None else ["events.db"])


def test_the_spool_of_a_child_is_listed(
    collector: Collector, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("events.db", "100% #1 [a]?.db"):
        fill(tmp_path / name, collector)
        (tmp_path / f"{name}.child-7-7").touch()
        assert main([str(tmp_path / name)]) == 0
        assert f"{name}.child-7-7" in capsys.readouterr().out


def test_the_module_is_a_command(
    collector: Collector,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fill(tmp_path / "events.db", collector)
    monkeypatch.delitem(sys.modules, "statsig_api_client.events.__main__")
    monkeypatch.setattr(sys, "argv", ["events", str(tmp_path / "events.db")])
    # The importer of pytest, which takes care of packages that bring plugins, cannot run modules.
    importers = [i for i in sys.meta_path if type(i).__module__ != "_pytest.assertion.rewrite"]
    monkeypatch.setattr(sys, "meta_path", importers)
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("statsig_api_client.events", run_name="__main__")
    assert ended.value.code == 0
    assert "2 rejected" in capsys.readouterr().out
