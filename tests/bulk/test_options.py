"""The options of an import, and what they bound."""

from pathlib import Path
from typing import Any

import pytest

from statsig_api_client import ConfigurationError, Statsig
from statsig_api_client.bulk import ImportOptions, import_events
from tests.support.collector import Collector
from tests.support.event_files import write


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"max_rejected": 2.5}, TypeError, "max_rejected: expected an integer, got float"),
        ({"max_batch": "1"}, TypeError, "max_batch: expected an integer, got str"),
        ({"max_concurrency": 0}, ConfigurationError, "max_concurrency: expected 1 or more"),
        (
            {"allow_truncation": "no"},
            TypeError,
            "allow_truncation: expected True or False, got str",
        ),
        ({"format": "xml"}, ConfigurationError, "format: expected .jsonl., .csv. or"),
        ({"mapping": {"eventName": "e"}}, TypeError, "mapping: expected EventMapping, got dict"),
    ],
)
def test_options_of_another_kind_are_refused_before_anything_is_sent(
    options: dict[str, Any],
    error: type[Exception],
    said: str,
    statsig: Statsig,
    collector: Collector,
    tmp_path: Path,
) -> None:
    with pytest.raises(error, match=said):
        import_events(statsig, write(tmp_path / "e.jsonl", 1), ImportOptions(**options))
    assert not collector.requests


@pytest.mark.parametrize(("rate", "most"), [(20, 20), (0.9, 1), (float("inf"), 1000)])
def test_no_request_takes_more_than_a_second_of_the_rate(
    rate: float, most: int, statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    file = write(tmp_path / "e.jsonl", most + 1 if most > 1 else 1)
    assert import_events(statsig, file, ImportOptions(max_rate=rate)).complete
    assert max(map(len, collector.batches)) == most
