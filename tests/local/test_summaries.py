"""Summaries of requests in the access log."""

from typing import Any, cast

import pytest
from starlette.requests import Request

from statsig_api_client.local.http.summaries import (
    request_summary,
    summarize,
    summarize_events,
)


@pytest.fixture
def request_() -> Request:
    return Request({"type": "http", "headers": []})


@pytest.mark.parametrize(
    ("user", "results", "summary"),
    [
        ({"userID": "42"}, {"a_gate": True}, ", a_gate: true for userID 42"),
        ({}, {"a": {"b": 1}, "c": None}, ', a: {"b":1}, c: null for a user without ID'),
        ({"customIDs": {"companyID": "acme"}}, {"a": False}, ", a: false for companyID acme"),
        ({"userID": "a\nb"}, {"a": False}, ', a: false for userID "a\\nb"'),
    ],
)
def test_evaluation_is_summarized(
    request_: Request, user: dict[str, Any], results: dict[str, Any], summary: str
) -> None:
    summarize(request_, user, results)
    assert request_summary(request_) == summary


def test_events_are_counted_by_name(request_: Request) -> None:
    events = [{"eventName": name} for name in ("b", "a", "b")]
    summarize_events(request_, cast("Any", events))
    assert request_summary(request_) == ", 2 b, 1 a"


def test_long_summary_is_truncated(request_: Request) -> None:
    summarize(request_, {"userID": "x" * 1000}, {"a": True})
    assert len(request_summary(request_)) == 203


def test_request_without_summary_is_empty(request_: Request) -> None:
    assert request_summary(request_) == ""
