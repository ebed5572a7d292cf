"""What is in memory at once, and sent together."""

from pathlib import Path

from statsig_api_client.bulk import ImportOptions
from statsig_api_client.bulk.batches import BatchReader
from statsig_api_client.bulk.input import open_input
from statsig_api_client.bulk.readers.records import InputPosition
from tests.support.event_files import lines


def test_bad_lines_are_held_up_to_the_size_of_a_batch(tmp_path: Path) -> None:
    (tmp_path / "e.jsonl").write_bytes(lines(*[b"{" + b"x" * 999] * 10))
    options = ImportOptions(max_batch_bytes=3000)
    opened = open_input(tmp_path / "e.jsonl", options, None)
    batches = BatchReader(opened.sources, opened.build_event, options).read(0, InputPosition(), [])
    assert [len(batch.invalid) for batch in batches] == [3, 3, 3, 1]
