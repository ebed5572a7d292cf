"""How packed files are unpacked."""

import tracemalloc
from pathlib import Path

import zstandard

from statsig_api_client.bulk.readers.streams import InputStream


def test_lines_that_repeat_take_no_more_memory_than_others(tmp_path: Path) -> None:
    file, lines = tmp_path / "e.jsonl.zst", b'{"eventName": "the same again"}\n' * 10_000
    with zstandard.open(file, "wb") as packed:
        for _ in range(500):
            packed.write(lines)
    tracemalloc.start()
    try:
        stream = InputStream(file)
        size = sum(map(len, iter(lambda: stream.lines.read(1 << 18), b"")))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        stream.close()
    assert size == 500 * len(lines)
    assert peak < size / 4
