"""Local Statsig server, for development and tests without an account or a network.

Start it with `statsig-api serve project.yaml` or with `LocalServer`; `LocalControl` connects to a
running one. Requires the extra `local`.
"""

try:
    from .client import LocalControl
    from .control_connection import ControlError, UnknownNameError
    from .faults import InjectedFault
    from .inspection import LocalProject
    from .inspection_results import (
        CheckedRule,
        EntityDetails,
        EntityExplanation,
        EntityRule,
        LocalEntity,
        LocalOverride,
        LocalStatus,
        RuleCondition,
    )
    from .project.model import ProjectError
    from .recording import ExposureCount, RecordedEvent, RecordedExposure, RecordingError
    from .server import EXAMPLE_PROJECT, LocalServer
    from .unknown_names import UnknownName
except ModuleNotFoundError as _missing:
    raise ModuleNotFoundError(
        f"the local server requires {_missing.name}: pip install 'statsig-api-client[local]'",
        name=_missing.name,
    ) from None

__all__ = [
    "EXAMPLE_PROJECT",
    "CheckedRule",
    "ControlError",
    "EntityDetails",
    "EntityExplanation",
    "EntityRule",
    "ExposureCount",
    "InjectedFault",
    "LocalControl",
    "LocalEntity",
    "LocalOverride",
    "LocalProject",
    "LocalServer",
    "LocalStatus",
    "ProjectError",
    "RecordedEvent",
    "RecordedExposure",
    "RecordingError",
    "RuleCondition",
    "UnknownName",
    "UnknownNameError",
]
