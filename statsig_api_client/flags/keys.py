"""Typed names of gates, configs, experiments and layers."""

from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, Generic, Self, TypeVar, overload

from attrs import define

from .._async_client import AsyncStatsig
from .._client import Statsig
from .._errors import StatsigError
from ..generated import Experiment as ExperimentModel
from ..generated import FeatureGate, StatsigUser, StatsigUserDict
from .parameters import Parameters

P = TypeVar("P", bound=Parameters)
G = TypeVar("G", bound=str)

_GATES_PER_REQUEST = 100


class Gate(str):
    """Name of a feature gate."""

    __slots__ = ()

    @overload
    def check(self, client: Statsig, user: StatsigUser | StatsigUserDict) -> FeatureGate: ...
    @overload
    def check(
        self, client: AsyncStatsig, user: StatsigUser | StatsigUserDict
    ) -> Coroutine[Any, Any, FeatureGate]: ...
    def check(
        self, client: Statsig | AsyncStatsig, user: StatsigUser | StatsigUserDict
    ) -> FeatureGate | Coroutine[Any, Any, FeatureGate]:
        """Check the gate for a user, as `Statsig.check_gate` does."""
        return client.check_gate(user, str(self))


class GateGroup(tuple[Gate, ...]):
    """The gates of a project; calling it checks them for one user."""

    __slots__ = ()

    @overload
    def __call__(
        self, client: Statsig, user: StatsigUser | StatsigUserDict
    ) -> dict[str, FeatureGate]: ...
    @overload
    def __call__(
        self, client: AsyncStatsig, user: StatsigUser | StatsigUserDict
    ) -> Coroutine[Any, Any, dict[str, FeatureGate]]: ...
    def __call__(
        self, client: Statsig | AsyncStatsig, user: StatsigUser | StatsigUserDict
    ) -> dict[str, FeatureGate] | Coroutine[Any, Any, dict[str, FeatureGate]]:
        """Check all gates for a user, 100 per request; index the result with a gate."""
        if isinstance(client, AsyncStatsig):
            return self._check_async(client, user)
        results: dict[str, FeatureGate] = {}
        for batch in self._batches():
            results |= client.check_gates(user, batch)
        return results

    async def _check_async(
        self, client: AsyncStatsig, user: StatsigUser | StatsigUserDict
    ) -> dict[str, FeatureGate]:
        results: dict[str, FeatureGate] = {}
        for batch in self._batches():
            results |= await client.check_gates(user, batch)
        return results

    def _batches(self) -> Sequence[Sequence[Gate]]:
        return [
            self[start : start + _GATES_PER_REQUEST]
            for start in range(0, len(self), _GATES_PER_REQUEST)
        ]


class _ParameterKey(str, Generic[P]):  # noqa: SLOT000  (a str with slots has no attributes)
    """Name of a flag with parameters."""

    parameters: type[P]

    def __new__(cls, name: str, parameters: type[P]) -> Self:
        key = super().__new__(cls, name)
        key.parameters = parameters
        return key

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the name with its parameters."""
        return type(self), (str(self), self.parameters)


class Config(_ParameterKey[P]):
    """Name of a dynamic config with parameters `P`."""

    @overload
    def get(self, client: Statsig, user: StatsigUser | StatsigUserDict) -> P: ...
    @overload
    def get(
        self, client: AsyncStatsig, user: StatsigUser | StatsigUserDict
    ) -> Coroutine[Any, Any, P]: ...
    def get(
        self, client: Statsig | AsyncStatsig, user: StatsigUser | StatsigUserDict
    ) -> P | Coroutine[Any, Any, P]:
        """Get the config's parameters for a user, as `Statsig.get_config` does."""
        if isinstance(client, Statsig):
            return self.parameters(client.get_config(user, str(self)))
        return self._get_async(client, user)

    async def _get_async(self, client: AsyncStatsig, user: StatsigUser | StatsigUserDict) -> P:
        return self.parameters(await client.get_config(user, str(self)))


class Layer(_ParameterKey[P]):
    """Name of a layer with parameters `P`."""

    @overload
    def get(self, client: Statsig, user: StatsigUser | StatsigUserDict) -> P: ...
    @overload
    def get(
        self, client: AsyncStatsig, user: StatsigUser | StatsigUserDict
    ) -> Coroutine[Any, Any, P]: ...
    def get(
        self, client: Statsig | AsyncStatsig, user: StatsigUser | StatsigUserDict
    ) -> P | Coroutine[Any, Any, P]:
        """Get the layer's parameters for a user, as `Statsig.get_layer` does."""
        if isinstance(client, Statsig):
            return self.parameters(client.get_layer(user, str(self)))
        return self._get_async(client, user)

    async def _get_async(self, client: AsyncStatsig, user: StatsigUser | StatsigUserDict) -> P:
        return self.parameters(await client.get_layer(user, str(self)))


@define(kw_only=True, eq=False)
class ExperimentResult(Generic[P, G]):
    """Group and parameters of one user in an experiment."""

    group_name: G | None
    """Group of the user; None outside of the experiment, or for an unknown group."""
    parameters: P
    """Parameters of the group, or the defaults."""

    @property
    def rule_id(self) -> str | None:
        """Rule that decided."""
        return self.parameters.__evaluation__.rule_id

    @property
    def error(self) -> StatsigError | None:
        """Error for which the defaults are returned, with `on_error="fallback"`."""
        return self.parameters.__evaluation__.error


class Experiment(_ParameterKey[P], Generic[P, G]):
    """Name of an experiment with parameters `P` and group names `G`."""

    groups: tuple[G, ...]
    _known_groups: Mapping[str | None, G]

    def __new__(cls, name: str, parameters: type[P], groups: tuple[G, ...] = ()) -> Self:
        """Create a name with its parameters and groups."""
        key = super().__new__(cls, name, parameters)
        key.groups = groups
        key._known_groups = dict(zip(groups, groups, strict=True))
        return key

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the name with its parameters and groups."""
        return type(self), (str(self), self.parameters, self.groups)

    @overload
    def get(
        self, client: Statsig, user: StatsigUser | StatsigUserDict
    ) -> ExperimentResult[P, G]: ...
    @overload
    def get(
        self, client: AsyncStatsig, user: StatsigUser | StatsigUserDict
    ) -> Coroutine[Any, Any, ExperimentResult[P, G]]: ...
    def get(
        self, client: Statsig | AsyncStatsig, user: StatsigUser | StatsigUserDict
    ) -> ExperimentResult[P, G] | Coroutine[Any, Any, ExperimentResult[P, G]]:
        """Get a user's group and parameters, as `Statsig.get_experiment` does."""
        if isinstance(client, Statsig):
            return self._read(client.get_experiment(user, str(self)))
        return self._get_async(client, user)

    async def _get_async(
        self, client: AsyncStatsig, user: StatsigUser | StatsigUserDict
    ) -> ExperimentResult[P, G]:
        return self._read(await client.get_experiment(user, str(self)))

    def _read(self, experiment: ExperimentModel) -> ExperimentResult[P, G]:
        return ExperimentResult(
            group_name=self._known_groups.get(experiment.group_name),
            parameters=self.parameters(experiment),
        )
