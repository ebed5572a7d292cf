"""Spark: a data source that sends events, and evaluations as functions of columns.

    from statsig_api_client.spark import StatsigDataSource, check_gate

    spark.dataSource.register(StatsigDataSource)
    events.write.format("statsig").mode("append").save("s3://bucket/statsig/2026-11-25")
    users.withColumn("new_checkout", check_gate("user", "new_checkout"))

See `docs/spark.md`. Requires the extra `spark`.
"""

try:
    from .data_source import StatsigDataSource
    from .functions import EvaluationOptions, check_gate, get_experiment
    from .totals import Totals, WriteSummary, read_summary
except ModuleNotFoundError as _missing:
    raise ModuleNotFoundError(
        f"Spark support requires {_missing.name}: pip install 'statsig-api-client[spark]'",
        name=_missing.name,
    ) from None

__all__ = [
    "EvaluationOptions",
    "StatsigDataSource",
    "Totals",
    "WriteSummary",
    "check_gate",
    "get_experiment",
    "read_summary",
]
