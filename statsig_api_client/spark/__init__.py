"""Spark: a sink for events, in batches and streams, and evaluations as functions of columns.

    from . import StatsigDataSource, check_gate

    spark.dataSource.register(StatsigDataSource)
    events.write.format("statsig").mode("append").save("s3://bucket/statsig/2026-11-25")
    users.withColumn("new_checkout", check_gate("user", "new_checkout"))

`docs/spark.md` tells what is promised, and what not. It needs the extra `spark`.
"""

try:
    from .data_source import StatsigDataSource
    from .evaluations import check_gate, get_experiment
    from .totals import WriteSummary, read_summary
except ModuleNotFoundError as _missing:
    raise ModuleNotFoundError(
        f"Spark's part needs {_missing.name}: pip install 'statsig-api-client[spark]'",
        name=_missing.name,
    ) from None

__all__ = [
    "StatsigDataSource",
    "WriteSummary",
    "check_gate",
    "get_experiment",
    "read_summary",
]
