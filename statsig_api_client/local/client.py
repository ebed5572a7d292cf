"""Control of a running local server: recorded events, overrides, faults."""

from collections.abc import Mapping, Sequence

from .._runtime.parsers import JsonObject, JsonValue
from .config_specs.overrides import OverrideKind
from .inspection import LocalInspection, unknown_names


class LocalControl(LocalInspection):
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

    def override_gate(
        self,
        gate_name: str,
        value: bool,  # noqa: FBT001  (as in Statsig's own SDKs)
        user_id: str | None = None,
        *,
        unit_id: tuple[str, str] | None = None,
    ) -> None:
        """Override a gate for all users, or for one unit.

        The override applies to every client: to the HTTP API at once, and to Statsig's SDKs at
        their next poll. It replaces an earlier one for the same unit. An override for one unit
        takes precedence over one for all users.

        Args:
            gate_name: The gate.
            value: Whether it passes.
            user_id: Only for this user.
            unit_id: Only for this unit: the ID type and the ID, such as `("companyID", "acme")`.

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
            TypeError: Both of `value` and `group` are given, or neither.
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

    def remove_overrides(
        self,
        kind: OverrideKind | None = None,
        name: str | None = None,
        user_id: str | None = None,
        *,
        unit_id: tuple[str, str] | None = None,
        only_everyone: bool = False,
    ) -> None:
        """Remove all overrides, or those that the arguments describe.

        Args:
            kind: Only overrides of gates, configs, experiments or layers.
            name: Only overrides of this entity.
            user_id: Only overrides for this user.
            unit_id: Only overrides for this unit: the ID type and the ID.
            only_everyone: Only overrides for all users.
        """
        query: dict[str, str | int] = {}
        if kind is not None:
            query["kind"] = kind
        if name is not None:
            query["name"] = name
        if user_id is not None:
            query["userID"] = user_id
        if unit_id is not None:
            query |= dict(zip(("unitType", "unitID"), unit_id, strict=True))
        if only_everyone:
            query["scope"] = "everyone"
        self._connection.request("DELETE", "/overrides", query=query)

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
        """Inject a fault into the next calls.

        Args:
            times: The number of calls that fail; None for all until `reset` or `remove_faults`.
            call: The call or calls that fail, such as `"check_gate"`; None for all.
            status: The status of the response; None returns the real response, after `delay`.
            retry_after: Seconds for the header `Retry-After`.
            delay: Seconds before the response.
            drop: Close the connection without a response.
            garbage: Respond with status 200 and a body that is not JSON.

        Raises:
            ControlError: The call does not exist, or a value is invalid.
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

    def reset(self, *, recorded: bool = True, overrides: bool = True, faults: bool = True) -> None:
        """Discard recorded events, overrides and faults.

        Args:
            recorded: Discard recorded events and exposures.
            overrides: Remove all overrides.
            faults: Remove all faults.
        """
        parts: JsonObject = {"recorded": recorded, "overrides": overrides, "faults": faults}
        self._connection.request("POST", "/reset", json=parts)

    def _override(
        self,
        kind: OverrideKind,
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
        with unknown_names():
            self._connection.request("PUT", "/overrides", json=override)
