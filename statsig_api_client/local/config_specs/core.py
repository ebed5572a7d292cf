"""Statsig's own evaluation core, set up to send nothing, log nothing and write no file."""

import json
from types import TracebackType
from typing import TYPE_CHECKING, Final, Literal, NotRequired, Self, TypeAlias, TypedDict, cast

from statsig_python_core import (
    DataStore,
    DataStoreResponse,
    StatsigBasePy,
    StatsigOptions,
    StatsigUser,
)

from ..._runtime.parsers import JsonObject, JsonValue
from ...generated.typed_dicts import SecondaryExposureDict
from .complaint import complaint

if TYPE_CHECKING:
    from statsig_python_core.statsig_python_core import (
        AttributesDict,
        CustomIdsDict,
        EnvironmentDict,
    )

_USER_TEXTS: Final = {
    "userID": "user_id",
    "email": "email",
    "ip": "ip",
    "userAgent": "user_agent",
    "country": "country",
    "locale": "locale",
    "appVersion": "app_version",
}
_USER_MAPS: Final = frozenset({"custom", "customIDs", "privateAttributes", "statsigEnvironment"})

Section: TypeAlias = Literal["feature_gates", "dynamic_configs", "layer_configs"]
"""A section of config specs, and of the core's answers."""

HashAlgorithm: TypeAlias = Literal["none", "sha256", "djb2"]
"""How names are hidden in what is sent to browsers and apps."""


class Answer(TypedDict):
    """What the core says of one gate, config, experiment or layer."""

    value: JsonValue
    rule_id: str
    group_name: NotRequired[str]
    passed: NotRequired[bool]
    allocated_experiment_name: NotRequired[str]
    secondary_exposures: list[SecondaryExposureDict]


class Answers(TypedDict):
    """What the core says of a whole project, by name."""

    feature_gates: dict[str, Answer]
    dynamic_configs: dict[str, Answer]
    layer_configs: dict[str, Answer]


class Core:
    """Config specs, loaded into the core.

    Raises:
        ValueError: The core cannot read the specs; the message says why.
    """

    def __init__(self, specs: JsonObject) -> None:
        text = json.dumps(specs)
        self._core = _start(text)
        if not self._core.get_initialize_details().is_config_spec_ready:
            self.close()
            raise ValueError(complaint(text))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def evaluate(self, user: JsonObject) -> Answers:
        """Evaluate everything for a user in the form of the wire.

        Everything, because no other public answer of the core has the secondary exposures, or says
        whether a config's rule passed. It costs 0.1 ms for 20 entities, 1 ms for 160.
        """
        return cast("Answers", json.loads(self.initialize(user, "none")))

    def initialize(self, user: JsonObject, algorithm: HashAlgorithm) -> str:
        """What a client SDK is told of a user: the JSON that `/v1/initialize` answers."""
        return self._core.get_client_initialize_response(_core_user(user), hash=algorithm)

    def close(self) -> None:
        """Stop the core."""
        self._core.shutdown().wait()


def _core_user(user: JsonObject) -> StatsigUser:
    # A number is what an SDK in JavaScript sends that was given one.
    texts = {
        name: str(value)
        for field, name in _USER_TEXTS.items()
        if type(value := user.get(field)) in {str, int, float}
    }
    maps = {field: value for field in _USER_MAPS if isinstance(value := user.get(field), dict)}
    # Fields such as os_name may stand beside userID too, where the core has no place for them.
    others = {field: user[field] for field in user.keys() - _USER_TEXTS.keys() - _USER_MAPS}
    # The casts: the core takes whatever JSON can say, and ignores what it cannot compare.
    return StatsigUser(
        **texts,
        custom=cast("AttributesDict", others | maps.get("custom", {})),
        custom_ids=cast("CustomIdsDict", maps.get("customIDs")),
        private_attributes=cast("AttributesDict", maps.get("privateAttributes")),
        statsig_environment=cast("EnvironmentDict", maps.get("statsigEnvironment")),
    )


# The core calls the hook below from a thread of its own, which Python's tracing does not see, and
# so neither does the measuring of coverage; it is one line, and whatever is evaluated has gone
# through it.


def _start(text: str) -> StatsigBasePy:
    response = DataStoreResponse(result=text, time=1)

    class Specs(DataStore):
        """Hands the specs to the core, in place of the network."""

        def get(self, key: str) -> DataStoreResponse:  # noqa: ARG002
            return response  # pragma: no cover

    options = StatsigOptions(output_log_level="none")
    options.data_store = Specs()  # type: ignore[no-untyped-call]  # it is untyped there
    options.disable_network = True
    options.disable_all_logging = True
    options.disable_disk_access = True
    # Without these two, conditions on country and browser are wrong until both have loaded.
    options.wait_for_country_lookup_init = True
    options.wait_for_user_agent_init = True
    # "If the environment tier is unset, all checks will default to production" (Statsig's docs).
    options.environment = "production"
    core = StatsigBasePy("secret-local", options)
    core.initialize().wait()
    return core
