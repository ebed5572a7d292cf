"""What is in memory at once, and sent together."""

from pathlib import Path

from statsig_api_client.bulk.batches import Batches
from statsig_api_client.bulk.input import open_input
from statsig_api_client.bulk.settings import settings
from statsig_api_client.bulk.sources import Place
from tests.bulk.conftest import lines


def test_bad_lines_are_held_up_to_the_size_of_a_batch(tmp_path: Path) -> None:
    (tmp_path / "e.jsonl").write_bytes(lines(*[b"{" + b"x" * 999] * 10))
    options = settings({"max_batch_bytes": 3000})
    opened = open_input(tmp_path / "e.jsonl", options, None)
    batches = Batches(opened.sources, opened.outgoing, options).read(0, Place(), [])
    assert [len(batch.faults) for batch in batches] == [3, 3, 3, 1]
