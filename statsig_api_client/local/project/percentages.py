"""Reading percentages, as fine as Statsig can divide users."""

from .yaml_reader import Entry


def percentage(entry: Entry | None, default: float) -> float:
    """Read a percentage of two decimals: users are divided for it into ten thousand parts.

    Raises:
        ProjectError: It is no number from 0 to 100, or finer.
    """
    value = _from_0_to_100(entry, default)
    if entry is not None and abs(value * 100 - round(value * 100)) > 1e-6:
        entry.fail(f"expected a percentage of at most two decimals, got {entry.written()}")
    return value


def thousandths(entry: Entry | None, default: float) -> float:
    """Read a percentage that is rounded to one decimal: users are divided into a thousand parts.

    Raises:
        ProjectError: It is no number from 0 to 100, or so small that it would be nobody.
    """
    value = _from_0_to_100(entry, default)
    if entry is not None and 0 < value < 0.1:
        entry.fail(f"expected 0, or a percentage of at least 0.1, got {entry.written()}")
    return value


def _from_0_to_100(entry: Entry | None, default: float) -> float:
    if entry is None:
        return default
    value = entry.number()
    if not 0 <= value <= 100:
        entry.fail(f"expected a percentage from 0 to 100, got {entry.written()}")
    return value
