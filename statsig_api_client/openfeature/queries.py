"""Queries: the entity and the user of a flag, and the evaluation of any kind of entity."""

from typing import Generic, TypeVar

from attrs import define
from openfeature.evaluation_context import EvaluationContext

from .._async_client import AsyncStatsig
from .._client import Statsig
from .._errors import NotFoundError
from .._openfeature.context import user_of_context
from .._openfeature.keys import FlagKey, Kind
from .._openfeature.resolution import (
    Entity,
    Resolution,
    entity_kind,
    existing,
    not_found,
    other_kind,
    other_type,
    resolve,
)
from .._openfeature.values import ValueType
from ..generated import DynamicConfig, Experiment, FeatureGate, Layer, StatsigUserDict

T = TypeVar("T")

_NO_CONTEXT = EvaluationContext()


@define
class Query(Generic[T]):
    """The evaluation of a flag for a user, before it is sent."""

    value_type: ValueType[T]
    key: FlagKey
    kind: Kind
    user: StatsigUserDict

    @property
    def name(self) -> str:
        """The name of the entity."""
        return self.key.name

    @property
    def other_kind(self) -> Kind | None:
        """The kind of an entity that may have the same name and another type; None without one."""
        return other_kind(self.key, self.kind)

    def resolve(self, entity: Entity | None, other: Entity | None) -> Resolution[T]:
        """Return the resolution.

        Args:
            entity: The evaluation of the entity; None if it does not exist.
            other: The evaluation of the entity of the other kind.

        Raises:
            ResolutionError: FLAG_NOT_FOUND or TYPE_MISMATCH.
        """
        if entity is not None:
            return resolve(self.key, entity, self.value_type)
        if other is not None:
            raise other_type(self.key, self.value_type, other.kind)
        raise not_found(self.key, self.kind)


def query_of(
    value_type: ValueType[T],
    flag_key: str,
    context: EvaluationContext | None,
    *,
    needs_id: bool,
) -> Query[T]:
    """Return the query of an evaluation.

    Raises:
        ResolutionError: The key or the context is invalid.
    """
    context = context or _NO_CONTEXT
    key = FlagKey.parse(flag_key)
    user = user_of_context(context.targeting_key, context.attributes, needs_id=needs_id)
    return Query(value_type, key, entity_kind(key, value_type), user)


def evaluate(client: Statsig, kind: Kind, name: str, user: StatsigUserDict) -> Entity | None:
    """Evaluate an entity; return None if the project does not have it.

    Raises:
        StatsigError: The evaluation failed.
        ValueError: The name or the user cannot be serialized as JSON.
    """
    if kind == "gate":
        return _gate(client.check_gate(user, name))
    if kind == "experiment":
        return _config(kind, client.get_experiment(user, name))
    if kind == "config":
        return _config(kind, client.get_config(user, name))
    try:
        return _layer(client.get_layer(user, name))
    except NotFoundError:
        return None


async def evaluate_async(
    client: AsyncStatsig, kind: Kind, name: str, user: StatsigUserDict
) -> Entity | None:
    """Evaluate an entity; see `evaluate`."""
    if kind == "gate":
        return _gate(await client.check_gate(user, name))
    if kind == "experiment":
        return _config(kind, await client.get_experiment(user, name))
    if kind == "config":
        return _config(kind, await client.get_config(user, name))
    try:
        return _layer(await client.get_layer(user, name))
    except NotFoundError:
        return None


def _gate(gate: FeatureGate) -> Entity | None:
    return existing(
        Entity(kind="gate", value=gate.value, rule_id=gate.rule_id, group_name=gate.group_name)
    )


def _config(kind: Kind, config: DynamicConfig | Experiment) -> Entity | None:
    return existing(
        Entity(kind=kind, value=config.value, rule_id=config.rule_id, group_name=config.group_name)
    )


def _layer(layer: Layer) -> Entity:
    return Entity(
        kind="layer",
        value=layer.value,
        rule_id=layer.rule_id,
        allocated_experiment=layer.allocated_experiment_name,
    )
