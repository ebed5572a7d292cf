"""Conversion of tracking events to Statsig events."""

import json
import logging

from openfeature.evaluation_context import EvaluationContext
from openfeature.track import TrackingEventDetails

from .._errors import StatsigError
from .._openfeature.context import json_of, user_of_context
from .._openfeature.errors import ResolutionError
from .clients import Clients

_logger = logging.getLogger("statsig_api_client")


def track(
    clients: Clients,
    event_name: str,
    context: EvaluationContext | None,
    details: TrackingEventDetails | None,
) -> None:
    """Log an event, or a warning if it is invalid or cannot be queued."""
    context, details = context or EvaluationContext(), details or TrackingEventDetails()
    try:
        user = user_of_context(context.targeting_key, context.attributes, needs_id=False)
        metadata = {name: _text(name, value) for name, value in details.attributes.items()}
        clients.events.log(user, event_name, value=details.value, metadata=metadata or None)
    except (ResolutionError, StatsigError, TypeError, ValueError, RecursionError) as error:
        # OpenFeature's `track` has no result, and its callers expect no exception.
        _logger.warning("track: the event %.100r was not logged: %s", event_name, error)


def _text(name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    converted = json_of(f"attributes.{name}", value)
    return converted if isinstance(converted, str) else json.dumps(converted, ensure_ascii=False)
