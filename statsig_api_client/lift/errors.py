"""Errors of `statsig_api_client.lift`."""

from .._errors import StatsigError


class LiftError(StatsigError):
    """An experiment, a metric or a source that cannot be analyzed; the message has the reason."""
