"""Numbers of Spark rows keep their digits."""

import json
from decimal import Decimal
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql.types import DoubleType, StructType

from statsig_api_client.bulk import ImportOptions, TimeFormat, read_mapping
from statsig_api_client.bulk.event_builder import EventBuilder
from statsig_api_client.bulk.mapping.rows import RowMapper
from statsig_api_client.spark.functions import users_of
from statsig_api_client.spark.schema import rows_of
from tests.support.collector import Collector

from .tasks import source, write

NUMBERS = st.integers(-(10**37), 10**37).map(Decimal) | st.decimals(
    -(10**15), 10**15, allow_nan=False, places=9
).filter(bool)
MAPPING = (
    "eventName:=a;time:=1700000000000;value=number,user.userID=number,user.custom.deep=nested,"
    "user.customIDs.nested=nested.number,metadata.number=number,metadata.nested=nested.number"
)


@given(NUMBERS)
def test_number_of_spark_row_keeps_its_digits(number: Decimal) -> None:
    digits = f"{number:f}"
    batch = pa.RecordBatch.from_pylist([{"number": number, "nested": {"number": number}}])
    mapper = RowMapper(read_mapping(MAPPING.split(";"), TimeFormat("ms")))
    (row,) = rows_of([batch])
    sent = json.loads(
        EventBuilder(ImportOptions(), None, mapper)(row), parse_int=str, parse_float=str
    )
    assert Decimal(sent["value"]).as_tuple() == number.as_tuple()
    assert sent["user"]["custom"]["deep"]["number"] == sent["value"]
    assert sent["user"]["userID"] == sent["user"]["customIDs"]["nested"] == digits
    assert sent["metadata"] == {"number": digits, "nested": digits}


def test_double_id_is_exact_or_rejected(
    options: dict[str, Any], collector: Collector, tmp_path: Any
) -> None:
    schema = StructType().add("id", DoubleType())
    mapping = "eventName:=a; time:=1700000000000; user.userID=id"
    job = {**options, "path": tmp_path / "job", "map": mapping, "timeUnit": "ms"}
    writer = source(**job).writer(schema, overwrite=False)
    rows: list[dict[str, Any]] = [{"id": 42.0}, {"id": 0.5}, {"id": 2.0**53}]
    totals = write(writer, rows).totals
    assert (totals.delivered, totals.rejected) == (1, 2)
    assert collector.events[0]["user"] == {"userID": "42"}


def test_users_of_column_have_exact_ids() -> None:
    big = Decimal(2**70)
    user = {
        "userID": big,
        "customIDs": {"company": big},
        "custom": {"level": Decimal("1.50"), "all": [Decimal(3)]},
    }
    assert users_of(pa.array([user, None])) == [
        {
            "userID": str(2**70),
            "customIDs": {"company": str(2**70)},
            "custom": {"level": 1.5, "all": [3]},
        },
        None,
    ]
