"""The OpenFeature provider."""

import asyncio
from typing import TypeVar

from openfeature.evaluation_context import EvaluationContext
from openfeature.event import ProviderEventDetails
from openfeature.exception import ErrorCode, GeneralError, ProviderFatalError
from openfeature.flag_evaluation import FlagResolutionDetails
from openfeature.provider import AbstractProvider, Metadata
from openfeature.track import TrackingEventDetails

from .._async_client import AsyncStatsig
from .._client import Statsig
from .._errors import AuthenticationError, PermissionDeniedError, StatsigError
from .._openfeature.errors import ResolutionError
from .._openfeature.values import BOOLEAN, FLOAT, INTEGER, OBJECT, STRING, ObjectValue, ValueType
from .._options import ClientOptions
from .._redaction import clear_locals
from ..events import EventLogger
from .clients import Clients
from .details import details_of, error_details
from .queries import evaluate, evaluate_async, query_of
from .tracking import track

T = TypeVar("T")

_ERRORS = (ResolutionError, StatsigError, TypeError, ValueError)
_REJECTED_KEY = (AuthenticationError, PermissionDeniedError)
_PROBE_GATE = "statsig_api_client.openfeature"
"""The name of a gate that no project has, to check the key with."""


class StatsigProvider(AbstractProvider):
    """Statsig as an OpenFeature provider, blocking and asynchronous.

    The key of a flag is `NAME` or `NAME:PARAMETER`, optionally after `gate:`, `config:`,
    `experiment:` or `layer:`. `docs/openfeature.md` describes how keys, contexts and results map.

    Each evaluation is a request and, unless `log_exposures` is false, an exposure. A provider may
    be used from any number of threads and in an event loop, which it never blocks.

    Args:
        api_key: The key, for a provider that makes its own clients. Default: the environment
            variable STATSIG_API_KEY.
        base_url: The URL of the server for its own clients, as for `Statsig`.
        statsig: The client to evaluate with. It is not closed with the provider.
        async_statsig: The client to evaluate with in an event loop; it is not closed either. If
            only `statsig` is given, asynchronous evaluations use it in threads.
        events: The logger for `track`; `shutdown` flushes it. Default: a logger without a spool,
            which `shutdown` closes.
        log_exposures: Whether Statsig logs an exposure of each evaluation, if the client allows it.
        require_targeting_key: Whether a context with neither a targeting key nor `customIDs` is an
            error. Statsig would treat all such users as one.
        check_key: Whether `initialize` checks the key by one evaluation without an exposure.

    Raises:
        ConfigurationError: The key is missing or malformed, or a client is given, too.
        TypeError: An argument has the wrong type.

    Example:
        >>> from openfeature import api
        >>> api.set_provider_and_wait(StatsigProvider())
        >>> client = api.get_client()
        >>> client.get_boolean_value("new_checkout", False, EvaluationContext("42"))
    """

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        statsig: Statsig | None = None,
        async_statsig: AsyncStatsig | None = None,
        events: EventLogger | None = None,
        log_exposures: bool = True,
        require_targeting_key: bool = True,
        check_key: bool = True,
    ) -> None:
        super().__init__()
        try:
            self._clients = Clients(api_key, base_url, statsig, async_statsig, events)
        except BaseException as error:
            clear_locals(error)
            del api_key  # a traceback would show the key
            raise
        # Errors carry what a fallback of the client would hide.
        options = ClientOptions(on_error="raise")
        if not log_exposures:
            options["log_exposures"] = False
        self._statsig = self._clients.statsig.with_options(**options)
        self._quiet = self._statsig.with_options(log_exposures=False)
        client = self._clients.async_statsig
        self._async: tuple[AsyncStatsig, AsyncStatsig] | None = None
        if client is not None:
            client = client.with_options(**options)
            self._async = client, client.with_options(log_exposures=False)
        self._needs_id = require_targeting_key
        self._checks_key = check_key
        self._is_fatal = False

    def __repr__(self) -> str:
        if not hasattr(self, "_clients"):  # error trackers show providers with invalid options
            return "<StatsigProvider>"
        return f"<StatsigProvider of {self._clients.statsig!r}>"

    def get_metadata(self) -> Metadata:
        """Return the name of the provider."""
        return Metadata(name="Statsig")

    def initialize(self, evaluation_context: EvaluationContext) -> None:  # noqa: ARG002
        """Check the key.

        Raises:
            ProviderFatalError: Statsig rejects the key.
            GeneralError: Statsig cannot be reached. The provider still evaluates.
        """
        self._is_fatal = False
        if not self._checks_key:
            return
        try:
            self._quiet.check_gate({"userID": _PROBE_GATE}, _PROBE_GATE)
        except _REJECTED_KEY as error:
            self._is_fatal = True
            raise ProviderFatalError(str(error)) from None
        except StatsigError as error:
            raise GeneralError(str(error)) from None

    def shutdown(self) -> None:
        """Send pending events, and close the clients and the logger that the provider created."""
        self._clients.close()

    def track(
        self,
        tracking_event_name: str,
        evaluation_context: EvaluationContext | None = None,
        tracking_event_details: TrackingEventDetails | None = None,
    ) -> None:
        """Log an event to Statsig, without waiting for the network.

        An event that is invalid or cannot be queued is reported in the log.

        Args:
            tracking_event_name: The name of the event.
            evaluation_context: The user of the event.
            tracking_event_details: The value and the metadata of the event. Attributes that are not
                strings become JSON.
        """
        track(self._clients, tracking_event_name, evaluation_context, tracking_event_details)

    def resolve_boolean_details(
        self,
        flag_key: str,
        default_value: bool,  # noqa: FBT001  (the SDK's signature)
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[bool]:
        """Resolve a gate, or a boolean parameter."""
        return self._resolve(BOOLEAN, flag_key, default_value, evaluation_context)

    async def resolve_boolean_details_async(
        self,
        flag_key: str,
        default_value: bool,  # noqa: FBT001  (the SDK's signature)
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[bool]:
        """See `resolve_boolean_details`; the event loop is not blocked."""
        return await self._resolve_async(BOOLEAN, flag_key, default_value, evaluation_context)

    def resolve_string_details(
        self,
        flag_key: str,
        default_value: str,
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[str]:
        """Resolve a string."""
        return self._resolve(STRING, flag_key, default_value, evaluation_context)

    async def resolve_string_details_async(
        self,
        flag_key: str,
        default_value: str,
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[str]:
        """See `resolve_string_details`; the event loop is not blocked."""
        return await self._resolve_async(STRING, flag_key, default_value, evaluation_context)

    def resolve_integer_details(
        self,
        flag_key: str,
        default_value: int,
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[int]:
        """Resolve an integer."""
        return self._resolve(INTEGER, flag_key, default_value, evaluation_context)

    async def resolve_integer_details_async(
        self,
        flag_key: str,
        default_value: int,
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[int]:
        """See `resolve_integer_details`; the event loop is not blocked."""
        return await self._resolve_async(INTEGER, flag_key, default_value, evaluation_context)

    def resolve_float_details(
        self,
        flag_key: str,
        default_value: float,
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[float]:
        """Resolve a number."""
        return self._resolve(FLOAT, flag_key, default_value, evaluation_context)

    async def resolve_float_details_async(
        self,
        flag_key: str,
        default_value: float,
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[float]:
        """See `resolve_float_details`; the event loop is not blocked."""
        return await self._resolve_async(FLOAT, flag_key, default_value, evaluation_context)

    def resolve_object_details(
        self,
        flag_key: str,
        default_value: ObjectValue,
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[ObjectValue]:
        """Resolve a config, or a parameter that is an object or an array."""
        return self._resolve(OBJECT, flag_key, default_value, evaluation_context)

    async def resolve_object_details_async(
        self,
        flag_key: str,
        default_value: ObjectValue,
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[ObjectValue]:
        """See `resolve_object_details`; the event loop is not blocked."""
        return await self._resolve_async(OBJECT, flag_key, default_value, evaluation_context)

    def _resolve(
        self,
        value_type: ValueType[T],
        flag_key: str,
        default: T,
        context: EvaluationContext | None,
    ) -> FlagResolutionDetails[T]:
        try:
            query = query_of(value_type, flag_key, context, needs_id=self._needs_id)
            other = None
            entity = evaluate(self._statsig, query.kind, query.name, query.user)
            if entity is None and query.other_kind is not None:
                other = evaluate(self._quiet, query.other_kind, query.name, query.user)
            return details_of(query.resolve(entity, other), default)
        except _ERRORS as error:
            return self._failure(error, default)

    async def _resolve_async(
        self,
        value_type: ValueType[T],
        flag_key: str,
        default: T,
        context: EvaluationContext | None,
    ) -> FlagResolutionDetails[T]:
        if self._async is None:
            return await asyncio.to_thread(self._resolve, value_type, flag_key, default, context)
        self._clients.note_loop()
        client, quiet = self._async
        try:
            query = query_of(value_type, flag_key, context, needs_id=self._needs_id)
            other = None
            entity = await evaluate_async(client, query.kind, query.name, query.user)
            if entity is None and query.other_kind is not None:
                other = await evaluate_async(quiet, query.other_kind, query.name, query.user)
            return details_of(query.resolve(entity, other), default)
        except _ERRORS as error:
            return self._failure(error, default)

    def _failure(self, error: Exception, default: T) -> FlagResolutionDetails[T]:
        if isinstance(error, _REJECTED_KEY) and not self._is_fatal:
            self._is_fatal = True
            self.emit_provider_error(
                ProviderEventDetails(message=str(error), error_code=ErrorCode.PROVIDER_FATAL)
            )
        return error_details(error, default)
