"""Reasons of dead letters."""

from pathlib import Path

from statsig_api_client import Statsig
from statsig_api_client.bulk import RejectionReason, dry_run_import, import_events
from statsig_api_client.bulk.reasons import ReasonCounter
from tests.support.event_files import event, lines


def test_most_frequent_reasons_are_in_summary(statsig: Statsig, tmp_path: Path) -> None:
    bad = [b"{" for _ in range(3)] + [event(n, time=n) for n in range(5)]
    others = [event(1, eventName=""), event(2, eventName="a;")]
    file = tmp_path / "e.jsonl"
    file.write_bytes(lines(event(9), *bad, *others))
    summary, found = import_events(statsig, file), dry_run_import(file)
    assert summary.reasons == found.reasons
    assert [(one.count, one.example) for one in summary.reasons] == [
        (5, f"{file}:5"),
        (3, f"{file}:2"),
        (1, f"{file}:10"),
    ]
    assert summary.reasons[0].reason.startswith("time: 0 milliseconds is before the year 2000")


def test_kinds_of_reasons_are_limited() -> None:
    counter = ReasonCounter()
    for number in range(1100):
        counter.add("x" * number, f"e:{number}")
    assert counter.most_frequent()[0] == RejectionReason(
        reason="other reasons", count=100, example="e:1000"
    )
