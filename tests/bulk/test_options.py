"""Options of imports."""

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

from statsig_api_client import ConfigurationError, Statsig
from statsig_api_client.bulk import (
    ImportOptions,
    SourceError,
    import_events,
)
from tests.support.collector import Collector
from tests.support.event_files import write


def test_options_are_checked(statsig: Statsig, tmp_path: Path) -> None:
    file = write(tmp_path / "e.jsonl", 1)
    with pytest.raises(TypeError, match="speed"):
        import_events(statsig, file, ImportOptions(speed=1))  # type: ignore[call-arg]
    with pytest.raises(ConfigurationError, match="max_batch: expected 1 or more"):
        import_events(statsig, file, ImportOptions(max_batch=0))
    with pytest.raises(TypeError, match="max_rate: expected a number"):
        import_events(statsig, file, ImportOptions(max_rate="x"))  # type: ignore[arg-type]
    with pytest.raises(SourceError, match="no such file"):
        import_events(statsig, tmp_path / "none")
    with pytest.raises(SourceError, match="source: expected at least one file, got none"):
        import_events(statsig, [])
    with pytest.raises(SourceError, match="expected a regular file; pass a pattern"):
        import_events(statsig, tmp_path)


@pytest.mark.parametrize(
    ("options", "error", "problem"),
    [
        ({"max_rejected": 2.5}, TypeError, "max_rejected: expected an integer, got float"),
        ({"max_batch": "1"}, TypeError, "max_batch: expected an integer, got str"),
        ({"max_rate": 0}, ConfigurationError, "max_rate: expected a number above 0, got 0"),
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
def test_invalid_option_is_rejected_before_sending(
    options: dict[str, Any],
    error: type[Exception],
    problem: str,
    statsig: Statsig,
    collector: Collector,
    tmp_path: Path,
) -> None:
    with pytest.raises(error, match=problem):
        import_events(statsig, write(tmp_path / "e.jsonl", 1), ImportOptions(**options))
    assert not collector.requests


@pytest.mark.parametrize(("rate", "most"), [(20, 20), (0.9, 1), (float("inf"), 1000)])
def test_request_has_at_most_one_second(
    rate: float, most: int, statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    file = write(tmp_path / "e.jsonl", most + 1 if most > 1 else 1)
    assert import_events(statsig, file, ImportOptions(max_rate=rate)).complete
    assert max(map(len, collector.batches)) == most


def test_missing_extra_raises_with_install_command(monkeypatch: pytest.MonkeyPatch) -> None:
    package = "statsig_api_client.bulk"
    for name in [name for name in sys.modules if name.startswith(package)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "orjson", None)
    with pytest.raises(ImportError, match=r"orjson: pip install 'statsig-api-client\[bulk\]'"):
        importlib.import_module(package)
