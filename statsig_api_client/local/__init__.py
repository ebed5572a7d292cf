"""Local Statsig server, for development and tests without an account or a network.

Start it with `statsig-api serve project.yaml` or with `LocalServer`; `LocalControl` connects to a
running one. It needs the extra `local`.
"""

try:
    from .client import LocalControl, LocalProject
    from .control_connection import ControlError, UnknownNameError
    from .project.model import ProjectError
    from .recording import RecordedEvent, RecordedExposure, RecordingError
    from .server import EXAMPLE_PROJECT, LocalServer
except ModuleNotFoundError as _missing:
    raise ModuleNotFoundError(
        f"the local server needs {_missing.name}: pip install 'statsig-api-client[local]'",
        name=_missing.name,
    ) from None

__all__ = [
    "EXAMPLE_PROJECT",
    "ControlError",
    "LocalControl",
    "LocalProject",
    "LocalServer",
    "ProjectError",
    "RecordedEvent",
    "RecordedExposure",
    "RecordingError",
    "UnknownNameError",
]
