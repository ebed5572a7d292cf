"""Faults on demand: what goes wrong with the next calls, so that one can see who copes with it."""

from collections.abc import Sequence
from itertools import count

from attrs import evolve, frozen


@frozen(kw_only=True)
class Fault:
    """Something that goes wrong."""

    id: int = 0
    """Its number, which it gets when it is added."""
    calls: frozenset[str] | None
    """The calls that it befalls, such as `check_gate`; None for all."""
    times: int | None
    """How many calls more it befalls; None for all, until it is removed."""
    delay: int
    """Milliseconds before the answer."""
    status: int | None
    """The status of the answer; None for the answer that there would be without it."""
    retry_after: float | None
    """Seconds, for the header `Retry-After`."""
    body: str | None
    drop: bool
    """Close the connection in place of an answer."""
    garbage: bool
    """Answer 200, and what is no JSON."""


class Faults:
    """The faults that are still to come, in the order in which they were asked for."""

    def __init__(self) -> None:
        self._faults: dict[int, Fault] = {}
        self._ids = count(1)

    @property
    def items(self) -> Sequence[Fault]:
        """All of them."""
        return tuple(self._faults.values())

    def add(self, fault: Fault) -> Fault:
        """Add a fault, which gets an ID."""
        added = evolve(fault, id=next(self._ids))
        self._faults[added.id] = added
        return added

    def clear(self) -> None:
        """Remove all faults."""
        self._faults.clear()

    def take(self, call: str) -> Fault | None:
        """The fault that befalls a call; it is thereby one time less to come."""
        for fault in self._faults.values():
            if fault.calls is None or call in fault.calls:
                if fault.times == 1:
                    del self._faults[fault.id]
                elif fault.times is not None:
                    self._faults[fault.id] = evolve(fault, times=fault.times - 1)
                return fault
        return None
