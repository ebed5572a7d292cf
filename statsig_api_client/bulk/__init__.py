"""Bulk imports of files of events.

    from statsig_api_client import Statsig
    from statsig_api_client.bulk import import_events

    with Statsig() as statsig:
        summary = import_events(statsig, "events.jsonl.gz")

See `docs/bulk-import.md`. Requires the extra `bulk`.
"""

try:
    from .dry_run import DryRunResult, dry_run_import
    from .errors import (
        CheckpointInUseError,
        EventsRejectedError,
        ImportStoppedError,
        SourceError,
    )
    from .importer import import_events
    from .mapping.entries import Constant
    from .mapping.fields import EventMapping, read_mapping, read_mapping_file
    from .mapping.times import TimeFormat
    from .options import ImportOptions
    from .summary import ImportProgress, ImportSummary, RejectionReason
except ModuleNotFoundError as _missing:
    raise ModuleNotFoundError(
        f"bulk imports require {_missing.name}: pip install 'statsig-api-client[bulk]'",
        name=_missing.name,
    ) from None

__all__ = [
    "CheckpointInUseError",
    "Constant",
    "DryRunResult",
    "EventMapping",
    "EventsRejectedError",
    "ImportOptions",
    "ImportProgress",
    "ImportStoppedError",
    "ImportSummary",
    "RejectionReason",
    "SourceError",
    "TimeFormat",
    "dry_run_import",
    "import_events",
    "read_mapping",
    "read_mapping_file",
]
