"""Control of a running local server: recorded events, overrides, faults."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Literal, Self, TypeAlias, cast

from attrs import frozen

from .._runtime.parsers import JsonObject, JsonValue
from .control_connection import ControlConnection, ControlError, UnknownNameError
from .recording import RecordedEvent, RecordedExposure

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
    """The reason why an older version of the file is served; None if the file is served."""

    @classmethod
    def from_dict(cls, data: JsonObject) -> Self:
        """Create a project from its JSON form."""
        keys = cast("dict[str, str]", data["keys"])

        def names(section: str) -> tuple[str, ...]:
            return tuple(cast("list[str]", data[section]))

        return cls(
            file=cast("str", data["file"]),
            secret_key=keys["secret"],
            client_key=keys["client"],
            environments=names("environments"),
            gates=names("gates"),
            configs=names("configs"),
            experiments=names("experiments"),
            layers=names("layers"),
            segments=names("segments"),
            holdouts=names("holdouts"),
            id_lists=names("idLists"),
            time=cast("int", data["time"]),
            problem=cast("str | None", data["problem"]),
        )


class LocalControl:
    """A client of a running local server.

    Example:
        >>> with LocalControl("http://127.0.0.1:8765") as local:
        ...     local.override_gate("new_checkout", value=True)
        ...     ...  # run the program under test
        ...     assert local.exposures("new_checkout", user_id="42")

    Args:
        url: The server's URL, with or without `/v1`.

    Raises:
        ControlError: Each method raises it if the server cannot be reached or rejects the request.
    """

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
        return LocalProject.from_dict(self._connection.request("GET", "/project"))

    def events(
        self,
        name: str | None = None,
        *,
        user_id: str | None = None,
        since: int | None = None,
        until: int | None = None,
        order: EventOrder = "oldest",
    ) -> list[RecordedEvent]:
        """Return the recorded events without exposures, in the order of their arrival.

        Args:
            name: Only events of this name.
            user_id: Only events of users with this `user_id`, or with it among their `custom_ids`.
            since: Only events that arrived at this time or later, in milliseconds since 1970.
            until: Only events that arrived before this time, in milliseconds since 1970.
            order: `"newest"` reverses the order.
        """
        query = {"name": name, "userID": user_id, "since": since, "until": until, "order": order}
        found = self._connection.recorded_events("/events", query)
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
        found = self._connection.recorded_events("/exposures", query)
        return [RecordedExposure.from_dict(event) for event in found]

    def override_gate(
        self,
        gate_name: str,
        value: bool,  # noqa: FBT001  (as in Statsig's own SDKs)
        user_id: str | None = None,
        *,
        unit_id: tuple[str, str] | None = None,
    ) -> None:
        """Override a gate for all users, or for one unit.

        The override applies to every client: the HTTP API at once, and Statsig's SDKs when they
        next poll. It replaces an earlier one for the same unit. An override for one unit takes
        precedence over one for all users.

        Args:
            gate_name: The gate.
            value: Whether it passes.
            user_id: Only for this user.
            unit_id: Only for this unit: the ID type and the ID, as in `("companyID", "acme")`.

        Raises:
            UnknownNameError: The project has no such gate; the message suggests one.
        """
        self._override("gate", gate_name, {"value": value}, user_id, unit_id)

    def override_config(
        self,
        config_name: str,
        value: Mapping[str, JsonValue],
        user_id: str | None = None,
        *,
        unit_id: tuple[str, str] | None = None,
    ) -> None:
        """Override a dynamic config for all users, or for one unit; see `override_gate`.

        Args:
            config_name: The dynamic config.
            value: All of its parameters.
            user_id: Only for this user.
            unit_id: Only for this unit: the ID type and the ID.

        Raises:
            UnknownNameError: The project has no such config; the message suggests one.
        """
        self._override("config", config_name, {"value": dict(value)}, user_id, unit_id)

    def override_experiment(
        self,
        experiment_name: str,
        value: Mapping[str, JsonValue] | None = None,
        user_id: str | None = None,
        *,
        group: str | None = None,
        unit_id: tuple[str, str] | None = None,
    ) -> None:
        """Assign all users, or one unit, to a group of an experiment; see `override_gate`.

        Args:
            experiment_name: The experiment.
            value: All of its parameters, instead of a group. In a layer, other parameters keep the
                layer's values.
            user_id: Only for this user.
            group: The name of the group.
            unit_id: Only for this unit: the ID type and the ID.

        Raises:
            TypeError: Not exactly one of `value` and `group` was given.
            UnknownNameError: The project has no such experiment, or the experiment no such group;
                the message suggests one.
        """
        if (value is None) == (group is None):
            raise TypeError("override_experiment: expected either value or group")
        fields: JsonObject = {"group": group} if value is None else {"value": dict(value)}
        self._override("experiment", experiment_name, fields, user_id, unit_id)

    def override_layer(
        self,
        layer_name: str,
        value: Mapping[str, JsonValue],
        user_id: str | None = None,
        *,
        unit_id: tuple[str, str] | None = None,
    ) -> None:
        """Override parameters of a layer for all users, or for one unit; see `override_gate`.

        Args:
            layer_name: The layer.
            value: The parameters to override; others keep the layer's values.
            user_id: Only for this user.
            unit_id: Only for this unit: the ID type and the ID.

        Raises:
            UnknownNameError: The project has no such layer; the message suggests one.
        """
        self._override("layer", layer_name, {"value": dict(value)}, user_id, unit_id)

    def remove_overrides(self) -> None:
        """Remove all overrides."""
        self._connection.request("DELETE", "/overrides")

    def fail_next(
        self,
        *,
        times: int | None = 1,
        call: str | Sequence[str] | None = None,
        status: int | None = 503,
        retry_after: float | None = None,
        delay: float | None = None,
        drop: bool = False,
        garbage: bool = False,
    ) -> None:
        """Let the next calls fail.

        Args:
            times: The number of calls; None for all calls until `reset` or `remove_faults`.
            call: The call or calls that fail, such as `"check_gate"`; None for all.
            status: The status of the response; None for the real response, after a delay.
            retry_after: Seconds for the header `Retry-After`.
            delay: Seconds before the response.
            drop: Close the connection without a response.
            garbage: Respond with status 200 and a body that is not JSON.

        Raises:
            ControlError: There is no such call, or a value is invalid.
        """
        fault: JsonObject = {"times": times}
        if call is not None:
            fault["calls"] = [call] if isinstance(call, str) else list(call)
        if drop or garbage:
            fault |= {"drop": True} if drop else {"garbage": True}
        elif status is not None:
            fault["status"] = status
        if retry_after is not None:
            fault["retryAfter"] = retry_after
        if delay is not None:
            fault["delay"] = round(delay * 1000)
        self._connection.request("POST", "/faults", json=fault)

    def remove_faults(self) -> None:
        """Remove all injected faults."""
        self._connection.request("DELETE", "/faults")

    def reset(self) -> None:
        """Discard recorded events, overrides and faults."""
        self._connection.request("POST", "/reset", json={})

    def close(self) -> None:
        """Close the connections to the server. Closing twice is allowed."""
        self._connection.close()

    def _override(
        self,
        kind: str,
        name: str,
        fields: JsonObject,
        user_id: str | None,
        unit_id: tuple[str, str] | None,
    ) -> None:
        override: JsonObject = {"kind": kind, "name": name, **fields}
        if user_id is not None:
            override["userID"] = user_id
        if unit_id is not None:
            override["unitID"] = dict(zip(("type", "id"), unit_id, strict=True))
        try:
            self._connection.request("PUT", "/overrides", json=override)
        except ControlError as error:
            if error.status == 404:
                raise UnknownNameError(error.message, 404, error.path) from None
            raise
