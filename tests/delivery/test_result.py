"""Classification of delivery errors."""

import pytest

from statsig_api_client import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    BadRequestError,
    ConfigurationError,
    RateLimitError,
    ResponseValidationError,
    StatsigError,
)
from statsig_api_client._delivery.result import ACCEPTED, SendResult


def status(code: int, *, ambiguous: bool = False) -> StatsigError:
    return APIStatusError("no", status_code=code, ambiguous=ambiguous)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (BadRequestError("no", status_code=400), "invalid"),
        (status(413), "invalid"),
        (status(422), "invalid"),
        (RateLimitError("no", status_code=429), "retryable"),
        (status(408), "retryable"),
        (status(425), "retryable"),
        (status(503), "retryable"),
        (status(500, ambiguous=True), "ambiguous"),
        (APIConnectionError("no"), "retryable"),
        (APIConnectionError("no", ambiguous=True), "ambiguous"),
        (APITimeoutError("no", ambiguous=True), "ambiguous"),
        (status(202), "fatal"),
        (status(301), "fatal"),
        (status(401), "fatal"),
        (status(403), "fatal"),
        (status(404), "fatal"),
        (ConfigurationError("no"), "fatal"),
        (StatsigError("no"), "fatal"),
    ],
    ids=repr,
)
def test_error_is_classified(error: StatsigError, expected: str) -> None:
    result = SendResult.from_error(error)
    assert (result.status, result.error, result.reason) == (expected, error, "no")


def test_invalid_response_body_counts_as_accepted() -> None:
    error = ResponseValidationError("no", status_code=200, path=None, ambiguous=True)
    assert SendResult.from_error(error) is ACCEPTED
    assert (ACCEPTED.status, ACCEPTED.error, ACCEPTED.reason) == ("accepted", None, "")


def test_retry_after_equals_that_of_error() -> None:
    limited = RateLimitError("no", status_code=429, retry_after=30.0)
    assert SendResult.from_error(limited).retry_after == 30.0
    assert SendResult.from_error(APIConnectionError("no")).retry_after is None
    assert ACCEPTED.retry_after is None
