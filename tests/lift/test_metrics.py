"""Metrics, their names and invalid ones."""

from typing import Any

import pytest

from statsig_api_client.lift import (
    EventCount,
    LiftError,
    Mean,
    Metric,
    Ratio,
    Sum,
    Users,
    Where,
    parse_metric,
)

A1 = Where("sku", "=", "A1")


@pytest.mark.parametrize(
    ("text", "metric"),
    [
        ("purchase:count", EventCount("purchase")),
        ("purchase:users", Users("purchase")),
        ("purchase:sum", Sum("purchase")),
        ("purchase:sum:price", Sum("purchase", "price")),
        ("purchase:mean", Mean("purchase")),
        ("purchase:mean:unit price", Mean("purchase", "unit price")),
        ("shop::purchase:count", EventCount("shop::purchase")),
        ("a/b:count", EventCount("a/b")),
        ("purchase[sku=A1]:count", EventCount("purchase", where=A1)),
        (
            "purchase[value>=9.5,sku!=A1]:users",
            Users("purchase", where=[Where("value", ">=", 9.5), Where("sku", "!=", "A1")]),
        ),
        ("purchase:sum/view:count", Ratio(Sum("purchase"), EventCount("view"))),
        (
            "purchase[sku=A1]:sum:price/view:users",
            Ratio(Sum("purchase", "price", where=A1), Users("view")),
        ),
    ],
)
def test_metric_is_named_as_it_is_parsed(text: str, metric: Metric) -> None:
    assert parse_metric(text) == metric
    assert metric.name == text


def test_parsed_metric_has_window_and_percentile() -> None:
    parsed = parse_metric("purchase:count", window=7, winsorize=None)
    assert parsed == EventCount("purchase", window=7, winsorize=None)
    assert EventCount("purchase", window=7) == EventCount("purchase", window=(0, 7))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("purchase", "metric: expected EVENT:count, EVENT:sum, EVENT:mean or EVENT:users"),
        ("purchase:median", "metric: expected EVENT:count"),
        (":count", "metric: expected EVENT:count"),
        ("purchase:count:price", "expected no field after count, got 'price'"),
        ("purchase:sum/view:mean", "expected count, sum or users in a ratio, got mean"),
        ("purchase[sku]:count", "where: expected FIELD=VALUE, got 'sku'"),
        ("purchase:sum:a'b", "field: expected `value` or a key of the metadata"),
    ],
)
def test_malformed_metric_is_rejected(text: str, message: str) -> None:
    with pytest.raises(LiftError, match=message):
        parse_metric(text)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda: EventCount(""), "event: expected the name", id="event"),
        pytest.param(lambda: EventCount("a", winsorize=99.9), "winsorize: expected", id="percent"),
        pytest.param(lambda: EventCount("a", window=(3, 3)), "window: expected days", id="window"),
        pytest.param(lambda: Where("a", "~", 1), "where: expected one of =, !=", id="operator"),
        pytest.param(lambda: Where("a", "=", None), "a string or a number", id="value"),
        pytest.param(lambda: Where("a", "=", value=True), "a string or a number", id="boolean"),
        pytest.param(lambda: Where("a", "=", float("nan")), "a finite number", id="nan"),
        pytest.param(lambda: Ratio(Mean("a"), Users("a")), "expected EventCount, Sum", id="ratio"),
    ],
)
def test_invalid_argument_is_rejected(make: Any, message: str) -> None:
    with pytest.raises(LiftError, match=message):
        make()
