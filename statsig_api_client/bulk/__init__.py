"""Files of past events, sent to Statsig: every line accounted for, and resumable.

    from .._client import Statsig
    from . import import_events

    with Statsig() as statsig:
        summary = import_events(statsig, "events.jsonl.gz")

`docs/bulk-import.md` tells what is promised, and what not. It needs the extra `bulk`.
"""

try:
    from .dry_run import Examination, examine_events
    from .errors import (
        CheckpointInUseError,
        EventsRefusedError,
        ImportStoppedError,
        SourceError,
    )
    from .importing import import_events
    from .mapping import Constant, EventMapping, read_mapping, read_mapping_file
    from .settings import ImportOptions
    from .summary import ImportProgress, ImportSummary
    from .times import Times
except ModuleNotFoundError as _missing:
    raise ModuleNotFoundError(
        f"bulk imports need {_missing.name}: pip install 'statsig-api-client[bulk]'",
        name=_missing.name,
    ) from None

__all__ = [
    "CheckpointInUseError",
    "Constant",
    "EventMapping",
    "EventsRefusedError",
    "Examination",
    "ImportOptions",
    "ImportProgress",
    "ImportStoppedError",
    "ImportSummary",
    "SourceError",
    "Times",
    "examine_events",
    "import_events",
    "read_mapping",
    "read_mapping_file",
]
