"""Files of dead letters."""

import sys
import threading
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from statsig_api_client import Statsig
from statsig_api_client.bulk import (
    ImportOptions,
    ImportProgress,
    import_events,
)
from tests.support.event_files import event, letters, lines, write


def test_resumed_import_keeps_foreign_dead_letters(statsig: Statsig, tmp_path: Path) -> None:
    dead, stop = tmp_path / "dead.jsonl", threading.Event()

    def stopping(progress: ImportProgress) -> None:
        if progress.summary.rejected:
            stop.set()

    for name in ("a.jsonl", "b.jsonl"):
        bad_and_good = (each for n in range(2000) for each in (b"{", event(n)))
        (tmp_path / name).write_bytes(lines(*bad_and_good))
    a, b = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    first = import_events(
        statsig,
        a,
        ImportOptions(
            dead_letters=dead, max_batch=10, max_rate=100, stop=stop, on_progress=stopping
        ),
    )
    assert 0 < first.rejected < 2000
    assert import_events(statsig, b, ImportOptions(dead_letters=dead)).rejected == 2000
    with dead.open("ab") as file:
        file.write(b'{"file":"a process that was killed wr')
    rest = import_events(statsig, a, ImportOptions(dead_letters=dead))
    assert first.rejected + rest.rejected == 2000
    names = [Path(letter["file"]).name for letter in letters(dead)]
    assert (names.count("a.jsonl"), names.count("b.jsonl")) == (2000, 2000)


def test_dead_letters_of_resent_batch_are_removed(statsig: Statsig, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(lines(b"{", event(1)))
    dead = import_events(statsig, file).dead_letters
    assert dead is not None
    # As if it had been killed before it wrote the checkpoint.
    letter = dead.read_bytes()
    dead.write_bytes(letter + letter + letter[:20])
    file.write_bytes(lines(b"{", event(1), b"}"))
    import_events(statsig, file, ImportOptions(force=True))
    assert [letter["line"] for letter in letters(dead)] == [1, 3]


def test_next_run_reports_earlier_dead_letters(statsig: Statsig, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines(b"{", event(1)))
    first = import_events(statsig, tmp_path / "a.jsonl")
    again = import_events(statsig, tmp_path / "a.jsonl")
    assert (again.skipped, again.dead_letters) == (2, first.dead_letters)
    assert not again.complete
    (tmp_path / "a.jsonl").write_bytes(lines(event(0), event(1)))
    assert import_events(statsig, tmp_path / "a.jsonl", ImportOptions(restart=True)).complete
    # Dead letters of other imports in the same file are not counted either.
    threes = lines(*map(event, range(3)))
    (tmp_path / "b.jsonl").write_bytes(threes)
    import_events(statsig, tmp_path / "b.jsonl", ImportOptions(dead_letters=first.dead_letters))
    assert import_events(
        statsig, tmp_path / "b.jsonl", ImportOptions(dead_letters=first.dead_letters)
    ).complete


def test_dead_letters_of_other_import_stay(statsig: Statsig, tmp_path: Path) -> None:
    dead = tmp_path / "dead.jsonl"
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_bytes(lines(b"{", event(1)))
        import_events(statsig, tmp_path / name, ImportOptions(dead_letters=dead))
    write(tmp_path / "c.jsonl", 1)
    assert (
        import_events(statsig, tmp_path / "c.jsonl", ImportOptions(dead_letters=dead)).dead_letters
        is None
    )
    assert [Path(letter["file"]).name for letter in letters(dead)] == ["a.jsonl", "b.jsonl"]
    import_events(statsig, tmp_path / "b.jsonl", ImportOptions(dead_letters=dead, restart=True))
    assert [Path(letter["file"]).name for letter in letters(dead)] == ["b.jsonl"]


def test_decimal_is_string_in_dead_letter(statsig: Statsig, tmp_path: Path) -> None:
    table = pa.table({"eventName": ["a"], "time": [1], "value": pa.array([Decimal("1.50")])})
    pq.write_table(table, tmp_path / "e.parquet")
    summary = import_events(statsig, tmp_path / "e.parquet")
    assert summary.dead_letters is not None
    assert letters(summary.dead_letters)[0]["original"]["value"] == "1.50"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
@pytest.mark.parametrize("mode", [0o600, 0o640])
def test_output_files_have_mode_of_input(statsig: Statsig, tmp_path: Path, mode: int) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(lines(b"{", event(1)))
    file.chmod(mode)
    summary = import_events(statsig, file)
    checkpoint = tmp_path / "a.jsonl.checkpoint"
    assert summary.dead_letters is not None
    assert [it.stat().st_mode & 0o777 for it in (summary.dead_letters, checkpoint)] == [mode] * 2
