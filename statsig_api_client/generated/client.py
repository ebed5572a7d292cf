# Generated from openapi.yaml (sha256 d3a89de7fd4d949ec48b772d6409f47aa50d68c6f848f2f27104f4c66a8e3fdd) with openapi-python-client 0.29.1, datamodel-code-generator 0.89.0. Do not edit.
"""The methods of the synchronous client."""

from collections.abc import Iterable

from statsig_api_client._runtime import APIResponse, Caller, Exposure, RawCaller

from . import calls
from .models import (
    DynamicConfig,
    Experiment,
    ExperimentExposure,
    FeatureGate,
    GateExposure,
    Layer,
    LogEventResult,
    RankedVariant,
    StatsigEvent,
    StatsigUser,
)
from .typed_dicts import (
    ExperimentExposureDict,
    GateExposureDict,
    StatsigEventDict,
    StatsigUserDict,
)


class Operations(Caller):
    """The API methods of `Statsig`."""

    __slots__ = ()

    def check_gate(self, user: StatsigUser | StatsigUserDict, gate_name: str) -> FeatureGate:
        """Evaluate a feature gate for a user. Statsig logs an exposure.

        An unknown gate does not pass.

        Args:
            user: The user to evaluate.
            gate_name: The name of the gate. Statsig documents 2 to 100 letters, digits, spaces,
                `_`, `-` and `.`; other names are sent unchanged, and the API may reject them.

        Returns:
            The evaluated gate. It is truthy if and only if it passes.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument cannot be serialized to JSON.
            APIStatusError: Statsig returned an error status; see the subclasses.
            APIConnectionError: No response arrived before the deadline.
            ResponseValidationError: The response does not match the API schema.
        """
        return self._call(calls.check_gate(user, gate_name))

    def check_gates(
        self, user: StatsigUser | StatsigUserDict, gate_names: Iterable[str]
    ) -> dict[str, FeatureGate]:
        """Evaluate several feature gates for a user. Statsig logs an exposure for each.

        Gates that are missing from the response are missing from the result.

        Args:
            user: The user to evaluate.
            gate_names: The names of 1 to 100 gates.

        Returns:
            The evaluated gates by name.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: `gate_names` does not have 1 to 100 items, or an argument cannot be
                serialized to JSON.
            APIStatusError: Statsig returned an error status; see the subclasses.
            APIConnectionError: No response arrived before the deadline.
            ResponseValidationError: The response does not match the API schema.
        """
        return self._call(calls.check_gates(user, gate_names))

    def get_config(self, user: StatsigUser | StatsigUserDict, config_name: str) -> DynamicConfig:
        """Evaluate a dynamic config for a user. Statsig logs an exposure.

        An unknown config has an empty value, so `get` returns its default.

        Args:
            user: The user to evaluate.
            config_name: The name of the config or experiment. Statsig documents 2 to 100 letters,
                digits, spaces, `_`, `-` and `.`; other names are sent unchanged, and the API may
                reject them.

        Returns:
            The config with its parameters for this user.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument cannot be serialized to JSON.
            APIStatusError: Statsig returned an error status; see the subclasses.
            APIConnectionError: No response arrived before the deadline.
            ResponseValidationError: The response does not match the API schema.
        """
        return self._call(calls.get_config(user, config_name))

    def get_experiment(
        self, user: StatsigUser | StatsigUserDict, experiment_name: str
    ) -> Experiment:
        """Evaluate an experiment for a user. Statsig logs an exposure.

        An unknown experiment has an empty value, so `get` returns its default.

        Args:
            user: The user to evaluate.
            experiment_name: The name of the config or experiment. Statsig documents 2 to 100
                letters, digits, spaces, `_`, `-` and `.`; other names are sent unchanged, and the
                API may reject them.

        Returns:
            The experiment with the parameters of the user's group.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument cannot be serialized to JSON.
            APIStatusError: Statsig returned an error status; see the subclasses.
            APIConnectionError: No response arrived before the deadline.
            ResponseValidationError: The response does not match the API schema.
        """
        return self._call(calls.get_experiment(user, experiment_name))

    def get_layer(self, user: StatsigUser | StatsigUserDict, layer_name: str) -> Layer:
        """Evaluate a layer for a user. Statsig logs one exposure, not one per parameter.

        An unknown layer raises `NotFoundError`.

        Args:
            user: The user to evaluate.
            layer_name: The name of the layer. Statsig documents no limits.

        Returns:
            The layer with its parameters, as set by the user's experiment.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument cannot be serialized to JSON.
            APIStatusError: Statsig returned an error status; see the subclasses.
            APIConnectionError: No response arrived before the deadline.
            ResponseValidationError: The response does not match the API schema.
        """
        return self._call(calls.get_layer(user, layer_name))

    def get_ranked_list(
        self, user: StatsigUser | StatsigUserDict, config_name: str
    ) -> list[RankedVariant]:
        """Rank the variants of a contextual bandit (Autotune AI) for a user.

        An unknown config, or one that is not a contextual bandit, raises `NotFoundError`.

        Args:
            user: The user to evaluate.
            config_name: The name of the contextual bandit. Statsig documents 2 to 100 letters,
                digits, spaces, `_` and `-`; other names are sent unchanged, and the API may reject
                them.

        Returns:
            The variants, best first.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument cannot be serialized to JSON.
            APIStatusError: Statsig returned an error status; see the subclasses.
            APIConnectionError: No response arrived before the deadline.
            ResponseValidationError: The response does not match the API schema.
        """
        return self._call(calls.get_ranked_list(user, config_name))

    def log_events(self, events: Iterable[StatsigEvent | StatsigEventDict]) -> LogEventResult:
        """Log a batch of events.

        Statsig does not deduplicate, so the client retries a batch only if Statsig cannot have
        accepted it. Private attributes of users are removed before sending.

        Args:
            events: At least one event. No maximum is documented; Statsig's SDKs send up to 2000
                events and drop requests above 10 MB.

        Returns:
            The acknowledgement of the batch.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: `events` does not have 1 or more items, or an argument cannot be serialized
                to JSON.
            APIStatusError: Statsig returned an error status; see the subclasses.
            APIConnectionError: No response arrived before the deadline.
            ResponseValidationError: The response does not match the API schema.
        """
        return self._call(calls.log_events(events))

    def log_custom_exposures(
        self,
        exposures: Iterable[
            Exposure | ExperimentExposure | ExperimentExposureDict | GateExposure | GateExposureDict
        ],
    ) -> LogEventResult:
        """Log a batch of exposures that you recorded yourself.

        Use it for evaluations with `log_exposures=False`, and for users whom another system
        assigned to a group. Batches are retried like those of `log_events`.

        Args:
            exposures: At least one exposure.

        Returns:
            The acknowledgement of the batch.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: `exposures` does not have 1 or more items, or an argument cannot be
                serialized to JSON.
            APIStatusError: Statsig returned an error status; see the subclasses.
            APIConnectionError: No response arrived before the deadline.
            ResponseValidationError: The response does not match the API schema.
        """
        return self._call(calls.log_custom_exposures(exposures))


class RawOperations(RawCaller):
    """The API methods of `Statsig.with_raw_response`."""

    __slots__ = ()

    def check_gate(
        self, user: StatsigUser | StatsigUserDict, gate_name: str
    ) -> APIResponse[FeatureGate]:
        """Call `Statsig.check_gate` and return the raw response."""
        return self._call(calls.check_gate(user, gate_name))

    def check_gates(
        self, user: StatsigUser | StatsigUserDict, gate_names: Iterable[str]
    ) -> APIResponse[dict[str, FeatureGate]]:
        """Call `Statsig.check_gates` and return the raw response."""
        return self._call(calls.check_gates(user, gate_names))

    def get_config(
        self, user: StatsigUser | StatsigUserDict, config_name: str
    ) -> APIResponse[DynamicConfig]:
        """Call `Statsig.get_config` and return the raw response."""
        return self._call(calls.get_config(user, config_name))

    def get_experiment(
        self, user: StatsigUser | StatsigUserDict, experiment_name: str
    ) -> APIResponse[Experiment]:
        """Call `Statsig.get_experiment` and return the raw response."""
        return self._call(calls.get_experiment(user, experiment_name))

    def get_layer(self, user: StatsigUser | StatsigUserDict, layer_name: str) -> APIResponse[Layer]:
        """Call `Statsig.get_layer` and return the raw response."""
        return self._call(calls.get_layer(user, layer_name))

    def get_ranked_list(
        self, user: StatsigUser | StatsigUserDict, config_name: str
    ) -> APIResponse[list[RankedVariant]]:
        """Call `Statsig.get_ranked_list` and return the raw response."""
        return self._call(calls.get_ranked_list(user, config_name))

    def log_events(
        self, events: Iterable[StatsigEvent | StatsigEventDict]
    ) -> APIResponse[LogEventResult]:
        """Call `Statsig.log_events` and return the raw response."""
        return self._call(calls.log_events(events))

    def log_custom_exposures(
        self,
        exposures: Iterable[
            Exposure | ExperimentExposure | ExperimentExposureDict | GateExposure | GateExposureDict
        ],
    ) -> APIResponse[LogEventResult]:
        """Call `Statsig.log_custom_exposures` and return the raw response."""
        return self._call(calls.log_custom_exposures(exposures))
