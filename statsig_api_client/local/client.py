"""Steering a local server from Python: what it recorded, overrides, faults."""

from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Final, Literal, Self, TypeAlias, cast

import httpx
from attrs import frozen

from .._runtime.parsers import JsonObject, JsonValue
from .recording import RecordedEvent, RecordedExposure, RecordedJson

_PAGE: Final = 1000
"""How many events are read at once."""

ExposureKind: TypeAlias = Literal["gate", "config", "layer"]
"""What a user was exposed to; an experiment is a config."""


class ControlError(Exception):
    """What a local server refuses, or that there is none.

    Attributes:
        status: The status of its answer; None if there was none.
        path: The JSON path of what is wrong in the request, if the server says so.
    """

    def __init__(self, message: str, status: int | None = None, path: str | None = None) -> None:
        super().__init__(message, status, path)
        self.message = message
        self.status = status
        self.path = path

    def __str__(self) -> str:
        """Say what is wrong, and where: the server's message begins with the path."""
        return self.message


class UnknownNameError(ControlError):
    """A gate, config, experiment, layer or group that the project does not have."""


@frozen(kw_only=True)
class LocalProject:
    """What a local server serves."""

    file: str
    """The project's file, as the server calls it."""
    secret_key: str
    client_key: str
    environments: tuple[str, ...]
    gates: tuple[str, ...]
    """The names of the gates; without the segments and holdouts, which other rules ask."""
    configs: tuple[str, ...]
    experiments: tuple[str, ...]
    layers: tuple[str, ...]
    segments: tuple[str, ...]
    holdouts: tuple[str, ...]
    id_lists: tuple[str, ...]
    time: int
    """When it was last changed, or the server started, in milliseconds since 1970."""
    problem: str | None
    """Why the file as it is now is not served, but what it said before; None if it is served."""


class LocalControl:
    """A local server that was started elsewhere, to look into and to steer.

    Example:
        >>> with LocalControl("http://127.0.0.1:8765") as local:
        ...     local.override_gate("new_checkout", value=True)
        ...     ...  # whatever your program does
        ...     assert local.exposures("new_checkout", user_id="42")

    Args:
        url: Where it is, with or without `/v1`.

    Raises:
        ControlError: Each method raises it if there is no server, or if it refuses.
    """

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/").removesuffix("/v1")
        self._http = httpx.Client(
            base_url=f"{self._url}/local",
            timeout=10,
            # Each call has a connection of its own: two processes after a fork cannot share one.
            limits=httpx.Limits(max_keepalive_connections=0),
            # No proxy can reach a server on this machine.
            trust_env=False,
        )

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
        """Where the API is, to be given to a client as its base URL."""
        return f"{self._url}/v1"

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
        """The names of the gates; without the segments and holdouts, which other rules ask."""
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
        """What is served now."""
        answer = self._call("GET", "/project")
        keys = cast("dict[str, str]", answer["keys"])

        def names(section: str) -> tuple[str, ...]:
            return tuple(cast("list[str]", answer[section]))

        return LocalProject(
            file=cast("str", answer["file"]),
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
            time=cast("int", answer["time"]),
            problem=cast("str | None", answer["problem"]),
        )

    def events(
        self,
        name: str | None = None,
        *,
        user_id: str | None = None,
        since: int | None = None,
        until: int | None = None,
    ) -> list[RecordedEvent]:
        """The events that were logged, but not the exposures, in the order of their arrival.

        Args:
            name: Only those of this name.
            user_id: Only those of users with this for `user_id`, or among their `custom_ids`.
            since: Only those that arrived at this time or later, in milliseconds since 1970.
            until: Only those that arrived before this time, in milliseconds since 1970.
        """
        query = {"name": name, "userID": user_id, "since": since, "until": until}
        return [RecordedEvent.from_dict(event) for event in self._recorded("/events", query)]

    def exposures(  # noqa: PLR0913
        self,
        name: str | None = None,
        *,
        kind: ExposureKind | None = None,
        user_id: str | None = None,
        rule_id: str | None = None,
        since: int | None = None,
        until: int | None = None,
    ) -> list[RecordedExposure]:
        """The exposures, logged by clients or by the server itself, in the order of their arrival.

        Args:
            name: Only those to the gate, config, experiment or layer of this name.
            kind: Only those to gates, to configs (experiments are configs), or to layers.
            user_id: Only those of users with this for `user_id`, or among their `custom_ids`.
            rule_id: Only those that this rule decided.
            since: Only those that arrived at this time or later, in milliseconds since 1970.
            until: Only those that arrived before this time, in milliseconds since 1970.
        """
        recorded = self._recorded(
            "/exposures",
            {
                "name": name,
                "kind": kind,
                "userID": user_id,
                "ruleID": rule_id,
                "since": since,
                "until": until,
            },
        )
        return [RecordedExposure.from_dict(exposure) for exposure in recorded]

    def override_gate(
        self,
        gate_name: str,
        value: bool,  # noqa: FBT001  (as in Statsig's own SDKs)
        user_id: str | None = None,
        *,
        unit_id: tuple[str, str] | None = None,
    ) -> None:
        """Give everyone, or one unit, a value of a gate, in place of what its rules say.

        It holds for whoever asks: this client, `curl`, and Statsig's SDKs when they next poll. What
        was said of the same unit before is replaced; what is said of one unit goes before what is
        said of everyone.

        Args:
            gate_name: The gate.
            value: Whether it passes.
            user_id: Only for this user.
            unit_id: Only for this unit: the type of the ID, and the ID, `("companyID", "acme")`.

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
        """Give everyone, or one unit, the parameters of a config; see `override_gate`.

        Args:
            config_name: The dynamic config.
            value: Its parameters, all of them.
            user_id: Only for this user.
            unit_id: Only for this unit: the type of the ID, and the ID, `("companyID", "acme")`.

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
        """Put everyone, or one unit, into a group of an experiment; see `override_gate`.

        Args:
            experiment_name: The experiment.
            value: Its parameters, in place of a group: all of them, but that in a layer those that
                are not named keep the layer's values.
            user_id: Only for this user.
            group: The name of the group.
            unit_id: Only for this unit: the type of the ID, and the ID, `("companyID", "acme")`.

        Raises:
            TypeError: There is neither a value nor a group, or both.
            UnknownNameError: The project has no such experiment, or it no such group; the message
                suggests one.
        """
        if (value is None) == (group is None):
            raise TypeError("override_experiment: expected either a value or a group")
        what: JsonObject = {"group": group} if value is None else {"value": dict(value)}
        self._override("experiment", experiment_name, what, user_id, unit_id)

    def override_layer(
        self,
        layer_name: str,
        value: Mapping[str, JsonValue],
        user_id: str | None = None,
        *,
        unit_id: tuple[str, str] | None = None,
    ) -> None:
        """Give everyone, or one unit, the parameters of a layer; see `override_gate`.

        Args:
            layer_name: The layer.
            value: Its parameters; those that are not named keep the layer's values.
            user_id: Only for this user.
            unit_id: Only for this unit: the type of the ID, and the ID, `("companyID", "acme")`.

        Raises:
            UnknownNameError: The project has no such layer; the message suggests one.
        """
        self._override("layer", layer_name, {"value": dict(value)}, user_id, unit_id)

    def remove_overrides(self) -> None:
        """Let the project's rules decide again, for everyone."""
        self._call("DELETE", "/overrides")

    def fail_next(  # noqa: PLR0913
        self,
        n: int | None = 1,
        *,
        call: str | Sequence[str] | None = None,
        status: int | None = 503,
        retry_after: float | None = None,
        delay: float | None = None,
        drop: bool = False,
        garbage: bool = False,
    ) -> None:
        """Have the next calls fail, to see how a program takes it.

        Args:
            n: How many; None for all, until `reset` or `remove_faults`.
            call: Only of this call or these, such as `"check_gate"`; of all, if not given.
            status: The status of the answer; None answers as always, which makes sense with a
                delay.
            retry_after: Seconds to wait, for the answer's header `Retry-After`.
            delay: Seconds until the answer.
            drop: Close the connection in place of an answer.
            garbage: Answer 200, and what is no JSON.

        Raises:
            ControlError: There is no such call, or a value makes no sense; the message says which.
        """
        fault: JsonObject = {"times": n}
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
        self._call("POST", "/faults", json=fault)

    def remove_faults(self) -> None:
        """Let calls succeed again."""
        self._call("DELETE", "/faults")

    def reset(self) -> None:
        """Forget what was recorded, and remove all overrides and faults."""
        self._call("POST", "/reset", json={})

    def close(self) -> None:
        """Close the connections to the server. Closing twice is fine."""
        self._http.close()

    def _override(
        self,
        kind: str,
        name: str,
        what: JsonObject,
        user_id: str | None,
        unit_id: tuple[str, str] | None,
    ) -> None:
        override: JsonObject = {"kind": kind, "name": name, **what}
        if user_id is not None:
            override["userID"] = user_id
        if unit_id is not None:
            override["unitID"] = dict(zip(("type", "id"), unit_id, strict=True))
        try:
            self._call("PUT", "/overrides", json=override)
        except ControlError as error:
            if error.status == 404:
                raise UnknownNameError(error.message, 404, error.path) from None
            raise

    def _recorded(self, path: str, query: Mapping[str, str | int | None]) -> Iterator[RecordedJson]:
        conditions = {name: value for name, value in query.items() if value is not None}
        after: int | None = 0
        while after is not None:
            page = self._call("GET", path, query={**conditions, "after": after, "limit": _PAGE})
            yield from cast("list[RecordedJson]", page["items"])
            after = cast("int | None", page["next"])

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        json: JsonObject | None = None,
    ) -> JsonObject:
        try:
            reply = self._http.request(method, path, params=query, json=json)
        except (httpx.HTTPError, RuntimeError) as error:
            # RuntimeError is what httpx raises once its client is closed.
            raise ControlError(f"no local server at {self._url}: {error}") from error
        if not reply.is_success:
            raise _refusal(reply)
        try:
            return cast("JsonObject", reply.json()) if reply.content else {}
        except ValueError:
            raise _refusal(reply) from None


def _refusal(reply: httpx.Response) -> ControlError:
    try:
        error = cast("dict[str, JsonValue]", reply.json())
        message, path = str(error["message"]), error.get("path")
    except (ValueError, TypeError, KeyError):
        message, path = f"no local server answers {reply.url}", None
    return ControlError(message, reply.status_code, path if isinstance(path, str) else None)
