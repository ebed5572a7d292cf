"""A local Statsig server: develop and test with no account and no network.

    python -m statsig_api_client.local project.yaml

or from Python, `LocalServer`; `LocalControl` steers one that runs already. It needs the extra
`local`.
"""

try:
    from .client import ControlError, LocalControl, LocalProject, UnknownNameError
    from .project.model import ProjectError
    from .recording import RecordedEvent, RecordedExposure, RecordingError, SecondaryExposure
    from .server import LocalServer
except ModuleNotFoundError as _missing:
    raise ModuleNotFoundError(
        f"the local server needs {_missing.name}: pip install 'statsig-api-client[local]'",
        name=_missing.name,
    ) from None

__all__ = [
    "ControlError",
    "LocalControl",
    "LocalProject",
    "LocalServer",
    "ProjectError",
    "RecordedEvent",
    "RecordedExposure",
    "RecordingError",
    "SecondaryExposure",
    "UnknownNameError",
]
