"""The key is in no plan, no log and no page of Spark's UI."""

from pathlib import Path

import httpx
from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession

from statsig_api_client.spark import EvaluationOptions, check_gate, read_summary
from tests.support.clients import KEY
from tests.support.collector import Collector, Response

from .conftest import events

ECHO = Response(401, b'{"message": "not %s"}' % KEY.encode(), accepts=False)


def ui(spark: SparkSession) -> dict[str, str]:
    """Return the pages of Spark's UI, and the responses of its REST API."""
    address = str(spark.sparkContext.uiWebUrl)
    application = f"{address}/api/v1/applications/{spark.sparkContext.applicationId}"
    pages = [f"{address}/{page}/" for page in ("jobs", "stages", "environment", "executors", "SQL")]
    pages += [f"{application}/{part}" for part in ("jobs", "stages", "environment")]
    pages += [f"{application}/sql?details=true&planDescription=true&length=1000"]
    with httpx.Client(follow_redirects=True, timeout=60) as client:
        return {page: client.get(page).raise_for_status().text for page in pages}


def test_key_of_executors_is_never_visible(
    spark: SparkSession, spark_folder: Path, collector: Collector, tmp_path: Path
) -> None:
    writes = events(spark, 100).write.format("statsig").mode("append")
    writes.option("url", collector.url).save(str(tmp_path / "job"))
    assert read_summary(str(tmp_path / "job")).totals.delivered == 100
    gates = events(spark, 1).select(
        check_gate("user", "gate", EvaluationOptions(url=collector.url, on_error="null"))
    )
    plan = gates._jdf.queryExecution().toString()  # noqa: SLF001  (`explain` only prints it)
    collector.plan = lambda *_: ECHO
    try:
        writes.option("url", collector.url).save(str(tmp_path / "refused"))
    except AnalysisException as error:
        message = str(error)
    assert "status 401" in message

    texts: dict[str, str] = {"plan": plan, "error": message, **ui(spark)}
    files = [*spark_folder.rglob("*"), *tmp_path.rglob("*")]
    texts |= {str(path): path.read_text(errors="replace") for path in files if path.is_file()}
    everything = "\n".join(texts.values())
    assert "AppendData" in everything
    assert "SparkListenerJobStart" in everything
    assert "INFO org.apache.spark" in everything
    assert [where for where, text in texts.items() if KEY in text] == []
