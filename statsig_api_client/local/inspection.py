"""Read access to a running local server: project, entities, explanations, events."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Literal, Self, TypeAlias, cast

from attrs import frozen

from .._runtime.parsers import (
    JsonObject,
    ObjectReader,
    array_of,
    integer,
    json_object,
    nullable,
    string,
)
from ..generated import StatsigUser, StatsigUserDict
from .config_specs.catalog import EntityKind
from .control_connection import ControlConnection, ControlError, UnknownNameError, items_of
from .faults import InjectedFault
from .inspection_results import (
    EntityDetails,
    EntityExplanation,
    LocalEntity,
    LocalOverride,
    LocalStatus,
)
from .recording import ExposureCount, RecordedEvent, RecordedExposure, recorded_event

EventOrder: TypeAlias = Literal["oldest", "newest"]
"""The order of events: oldest first, or newest first."""

ExposureKind: TypeAlias = Literal["gate", "config", "layer"]
"""The kind of entity that a user was exposed to; an experiment is a config."""


@frozen(kw_only=True)
class LocalProject:
    """The project that a local server serves."""

    file: str
    """The project's file, as a path of the server."""
    secret_key: str
    client_key: str
    environments: tuple[str, ...]
    gates: tuple[str, ...]
    """The names of the gates, without segments and holdouts."""
    configs: tuple[str, ...]
    experiments: tuple[str, ...]
    layers: tuple[str, ...]
    segments: tuple[str, ...]
    holdouts: tuple[str, ...]
    id_lists: tuple[str, ...]
    time: int
    """The time of the last change, or of the server's start, in milliseconds since 1970."""
    problem: str | None
    """The reason why an older version of the file is served, or None."""

    @classmethod
    def from_dict(cls, data: object, path: str = "$") -> Self:
        """Create a project from its JSON form."""
        fields = ObjectReader(data, path)
        keys = ObjectReader(fields.required("keys", json_object), f"{path}.keys")

        def names(section: str) -> tuple[str, ...]:
            return tuple(fields.required(section, array_of(string)))

        return cls(
            file=fields.required("file", string),
            secret_key=keys.required("secret", string),
            client_key=keys.required("client", string),
            environments=names("environments"),
            gates=names("gates"),
            configs=names("configs"),
            experiments=names("experiments"),
            layers=names("layers"),
            segments=names("segments"),
            holdouts=names("holdouts"),
            id_lists=names("idLists"),
            time=fields.required("time", integer),
            problem=fields.required("problem", nullable(string)),
        )


class LocalInspection:
    """The read-only methods of `LocalControl`."""

    def __init__(self, url: str) -> None:
        self._connection = ControlConnection(url)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The base URL of the HTTP API, for clients."""
        return f"{self._connection.url}/v1"

    @property
    def secret_key(self) -> str:
        """The project's server secret key."""
        return self.project().secret_key

    @property
    def client_key(self) -> str:
        """The project's client SDK key."""
        return self.project().client_key

    @property
    def gates(self) -> tuple[str, ...]:
        """The names of the gates, without segments and holdouts."""
        return self.project().gates

    @property
    def configs(self) -> tuple[str, ...]:
        """The names of the dynamic configs."""
        return self.project().configs

    @property
    def experiments(self) -> tuple[str, ...]:
        """The names of the experiments."""
        return self.project().experiments

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of the layers."""
        return self.project().layers

    def project(self) -> LocalProject:
        """Return the project that is served."""
        return self._connection.read("/project", LocalProject.from_dict)

    def events(
        self,
        name: str | None = None,
        *,
        user_id: str | None = None,
        since: int | None = None,
        until: int | None = None,
        order: EventOrder = "oldest",
        limit: int | None = None,
    ) -> list[RecordedEvent]:
        """Return the recorded events without exposures, in the order of their arrival.

        Args:
            name: Only events of this name.
            user_id: Only events of users with this `user_id`, or with it among their `custom_ids`.
            since: Only events that arrived at this time or later, in milliseconds since 1970.
            until: Only events that arrived before this time, in milliseconds since 1970.
            order: `"newest"` reverses the order.
            limit: The maximum number; None for all.
        """
        query = {"name": name, "userID": user_id, "since": since, "until": until, "order": order}
        found = self._connection.recorded_events("/events", query, limit)
        return [RecordedEvent.from_dict(event) for event in found]

    def exposures(
        self,
        name: str | None = None,
        *,
        kind: ExposureKind | None = None,
        user_id: str | None = None,
        rule_id: str | None = None,
        since: int | None = None,
        until: int | None = None,
        order: EventOrder = "oldest",
        limit: int | None = None,
    ) -> list[RecordedExposure]:
        """Return the exposures that clients or the server logged, in the order of their arrival.

        Args:
            name: Only exposures to the gate, config, experiment or layer of this name.
            kind: Only exposures to gates, to configs (experiments are configs), or to layers.
            user_id: Only exposures of users with this `user_id`, or with it among their
                `custom_ids`.
            rule_id: Only exposures that this rule decided.
            since: Only exposures that arrived at this time or later, in milliseconds since 1970.
            until: Only exposures that arrived before this time, in milliseconds since 1970.
            order: `"newest"` reverses the order.
            limit: The maximum number; None for all.
        """
        query = {
            "name": name,
            "kind": kind,
            "userID": user_id,
            "ruleID": rule_id,
            "since": since,
            "until": until,
            "order": order,
        }
        found = self._connection.recorded_events("/exposures", query, limit)
        return [RecordedExposure.from_dict(event) for event in found]

    def exposure_counts(
        self, name: str, *, kind: ExposureKind | None = None, since: int | None = None
    ) -> list[ExposureCount]:
        """Return the numbers of exposures to an entity by rule, in descending order.

        Args:
            name: The gate, config, experiment or layer.
            kind: Only exposures to gates, to configs (experiments are configs), or to layers.
            since: Only exposures that arrived at this time or later, in milliseconds since 1970.
        """
        query = {"name": name, "kind": kind, "since": since}
        return self._connection.read("/exposures/counts", items_of(_exposure_count), query)

    def stream(self, after: int | None = None) -> Iterator[RecordedEvent]:
        """Yield events and exposures as they arrive, until the server stops.

        Args:
            after: The ID of the event that precedes the stream; None for the newest.
        """
        for data in self._connection.stream("/stream", {"after": after}):
            yield recorded_event(data)

    def entities(self, kind: EntityKind | None = None) -> list[LocalEntity]:
        """Return the entities of the project by kind and name.

        Args:
            kind: Only entities of this kind.
        """
        query = {"kind": kind}
        return self._connection.read("/entities", items_of(LocalEntity.from_dict), query)

    def entity(self, kind: EntityKind, name: str) -> EntityDetails:
        """Return an entity with its rules and overrides.

        Raises:
            UnknownNameError: The project has no such entity; the message suggests one.
        """
        with unknown_names():
            query = {"kind": kind, "name": name}
            return self._connection.read("/entity", EntityDetails.from_dict, query)

    def explain(
        self,
        user: StatsigUser | StatsigUserDict,
        *,
        kind: EntityKind | None = None,
        name: str | None = None,
    ) -> list[EntityExplanation]:
        """Evaluate a user against all entities, and return the deciding conditions.

        Statsig's own core evaluates the entities, and each condition alone. No exposure is
        recorded.

        Args:
            user: The user.
            kind: Only entities of this kind.
            name: Only the entity of this name.

        Raises:
            UnknownNameError: The project has no entity of this kind and name.
        """
        fields = user.to_dict() if isinstance(user, StatsigUser) else user
        request: JsonObject = {"user": cast("JsonObject", fields)}
        if kind is not None:
            request["kind"] = kind
        if name is not None:
            request["name"] = name
        with unknown_names():
            parse = items_of(EntityExplanation.from_dict)
            return self._connection.read("/explain", parse, json=request)

    def overrides(self) -> list[LocalOverride]:
        """Return the overrides, oldest first."""
        return self._connection.read("/overrides", items_of(LocalOverride.from_dict))

    def faults(self) -> list[InjectedFault]:
        """Return the armed faults, oldest first."""
        return self._connection.read("/faults", items_of(InjectedFault.from_dict))

    def status(self) -> LocalStatus:
        """Return the state of the server."""
        return self._connection.read("/status", LocalStatus.from_dict)

    def close(self) -> None:
        """Close the connections to the server. Further calls have no effect."""
        self._connection.close()


def _exposure_count(data: object, path: str) -> ExposureCount:
    fields = ObjectReader(data, path)
    return ExposureCount(
        rule_id=fields.required("ruleID", nullable(string)),
        exposures=fields.required("exposures", integer),
        users=fields.required("users", integer),
    )


@contextmanager
def unknown_names() -> Generator[None]:
    """Raise error responses with status 404 as `UnknownNameError`."""
    try:
        yield
    except ControlError as error:
        if error.status == 404:
            raise UnknownNameError(error.message, 404, error.path) from None
        raise
