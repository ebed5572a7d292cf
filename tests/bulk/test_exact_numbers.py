"""Numbers keep their digits from any source to IDs, strings, metadata and the wire."""

import json
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from statsig_api_client import Statsig
from statsig_api_client.bulk import (
    Constant,
    EventMapping,
    ImportOptions,
    TimeFormat,
    import_events,
    read_mapping_file,
)
from statsig_api_client.bulk.batches import BatchReader
from statsig_api_client.bulk.input import open_input
from statsig_api_client.bulk.readers.records import InputPosition
from tests.support.clients import KEY
from tests.support.collector import Collector
from tests.support.event_files import event, lines

NUMBERS = st.integers(-(10**40), 10**40).map(Decimal) | st.decimals(
    -(10**15), 10**15, allow_nan=False, places=9
).filter(bool)
FIELDS: dict[str, str | Constant] = {
    "eventName": Constant("a"),
    "time": Constant(1_700_000_000_000),
    "value": "number",
    "user.userID": "number",
    "user.customIDs.nested": "nested.number",
    "user.custom.level": "number",
    "metadata.number": "number",
    "metadata.nested": "nested.number",
}


def wire(path: Path, mapping: EventMapping | None, environment: str | None = None) -> Any:
    """Return the only event of a file in its wire form, with numbers as strings."""
    options = ImportOptions(mapping=mapping)
    opened = open_input(path, options, environment)
    (batch,) = BatchReader(opened.sources, opened.build_event, options).read(0, InputPosition(), [])
    assert batch.invalid == []
    (sent,) = batch.events
    return json.loads(sent, parse_int=str, parse_float=str)


@given(NUMBERS)
def test_number_from_any_source_keeps_digits(number: Decimal) -> None:
    digits = f"{number:f}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        row = f'"number": {digits}'
        (folder / "e.jsonl").write_text(f'{{{row}, "nested": {{{row}}}}}')
        (folder / "e.csv").write_text(f"number,nested.number\n{digits},{digits}\n")
        column = pa.array([number])
        table = pa.table({"number": column, "nested": [{"number": number}]})
        pq.write_table(table, folder / "e.parquet")
        found = [
            wire(folder / f"e.{suffix}", EventMapping(FIELDS, TimeFormat("ms")))
            for suffix in ("jsonl", "csv", "parquet")
        ]
    for sent in found:
        for sent_number in (sent["value"], sent["user"]["custom"]["level"]):
            assert Decimal(sent_number).as_tuple() == number.as_tuple()
        assert sent["user"]["userID"] == sent["user"]["customIDs"]["nested"] == digits
        assert sent["metadata"] == {"number": digits, "nested": digits}


@given(NUMBERS)
def test_number_in_line_with_environment_keeps_digits(number: Decimal) -> None:
    digits = f"{number:f}"
    one = event(1, value=0, user={"userID": "1", "custom": {"level": [0]}})
    line = json.dumps(one).replace('"value": 0', f'"value": {digits}').replace("[0]", f"[{digits}]")
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "e.jsonl"
        path.write_text(line)
        sent = wire(path, None, "staging")
    assert Decimal(sent["value"]).as_tuple() == number.as_tuple()
    assert sent["user"]["custom"]["level"] == [sent["value"]]
    assert sent["user"]["statsigEnvironment"] == {"tier": "staging"}


def test_users_beyond_64_bits_stay_apart(
    collector: Collector, statsig: Statsig, tmp_path: Path
) -> None:
    ids = [2**64, 2**64 + 1]
    (tmp_path / "e.jsonl").write_bytes(lines(*({"id": one} for one in ids)))
    fields = {name: FIELDS[name] for name in ("eventName", "time")} | {"user.userID": "id"}
    import_events(
        statsig, tmp_path / "e.jsonl", ImportOptions(mapping=EventMapping(fields, TimeFormat("ms")))
    )
    assert [sent["user"]["userID"] for sent in collector.events] == [str(one) for one in ids]


@pytest.mark.parametrize(
    ("double", "expected"),
    [
        pytest.param(42.0, "42", id="integer"),
        pytest.param(-0.0, "0", id="negative-zero"),
        pytest.param(2.0**53 - 1, str(2**53 - 1), id="largest"),
        pytest.param(2.0**53, None, id="rounded"),
        pytest.param(42.5, None, id="fraction"),
        pytest.param(float("inf"), None, id="infinite"),
    ],
)
def test_double_id_is_exact_or_rejected(
    double: float, expected: str | None, statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    columns = {"eventName": ["a"], "time": [1_700_000_000_000]}
    pq.write_table(pa.table({**columns, "user.userID": [double]}), tmp_path / "e.parquet")
    summary = import_events(statsig, tmp_path / "e.parquet")
    assert (summary.delivered, summary.rejected) == ((1, 0) if expected else (0, 1))
    assert [sent["user"]["userID"] for sent in collector.events] == [expected] * bool(expected)


@pytest.mark.parametrize(
    ("double", "expected"),
    [(42.0, "42"), (9.99, "9.99"), (1e22, "1" + "0" * 22), (1e-7, "0.0000001")],
)
def test_double_as_metadata_has_no_exponent(
    double: float, expected: str, statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    columns = {"eventName": ["a"], "time": [1_700_000_000_000]}
    pq.write_table(pa.table({**columns, "metadata.x": [double]}), tmp_path / "e.parquet")
    import_events(statsig, tmp_path / "e.parquet")
    assert collector.events[0]["metadata"] == {"x": expected}


def test_constants_keep_their_digits(tmp_path: Path) -> None:
    file = tmp_path / "map.yaml"
    file.write_text(
        "fields:\n  eventName: {constant: a}\n  time: {constant: 1700000000000}\n"
        "  value: {constant: 1.10}\n  user.userID: {constant: 18446744073709551617}\n"
        "  user.custom.x: {constant: {deep: [18446744073709551617, 2.50, .5]}}\n"
    )
    (tmp_path / "e.jsonl").write_text("{}")
    sent = wire(tmp_path / "e.jsonl", read_mapping_file(file, TimeFormat("ms")))
    assert (sent["value"], sent["user"]["userID"]) == ("1.10", "18446744073709551617")
    assert sent["user"]["custom"] == {"x": {"deep": ["18446744073709551617", "2.50", "0.5"]}}


def test_number_without_decimal_is_rejected(collector: Collector, tmp_path: Path) -> None:
    line = json.dumps(event(1, value=0)).replace('"value": 0', '"value": 1e-9999999999999999999')
    (tmp_path / "e.jsonl").write_text(line)
    with Statsig(KEY, base_url=collector.url, environment="staging") as client:
        assert import_events(client, tmp_path / "e.jsonl").rejected == 1


@pytest.mark.parametrize(
    "literal", ["-0", "-0.0", "1.10", "18446744073709551616", "-9223372036854775809"]
)
def test_number_of_json_is_sent_as_written(literal: str, tmp_path: Path) -> None:
    (tmp_path / "e.jsonl").write_text(f'{{"number": {literal}, "nested": {{"number": {literal}}}}}')
    sent = wire(tmp_path / "e.jsonl", EventMapping(FIELDS, TimeFormat("ms")))
    assert sent["user"]["userID"] == sent["value"] == sent["metadata"]["nested"] == literal


def test_version_in_string_does_not_prevent_environment(tmp_path: Path) -> None:
    (tmp_path / "e.jsonl").write_bytes(lines(event(1, metadata={"n": "1", "app": "ios,1.2.3"})))
    sent = wire(tmp_path / "e.jsonl", None, "staging")
    assert sent["metadata"]["app"] == "ios,1.2.3"
    assert sent["user"]["statsigEnvironment"] == {"tier": "staging"}
