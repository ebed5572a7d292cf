"""Refusing gates, segments and holdouts whose evaluation would never end."""

from collections.abc import Iterable, Mapping

from .model import Condition, Gate, Holdout, segment_spec
from .yaml_reader import Entry


def check_circles(
    gates: Iterable[Gate],
    segments: Iterable[Gate],
    holdouts: Iterable[Holdout],
    named: Mapping[str, Mapping[str, Entry]],
) -> None:
    """Refuse a gate, segment or holdout that depends on itself.

    Raises:
        ProjectError: There is one; the message names the whole circle.
    """
    segment_entries = {segment_spec(name): entry for name, entry in named["segments"].items()}
    entries = {**named["gates"], **segment_entries, **named["holdouts"]}
    holdouts = [*holdouts]
    left = {gate.name: _asked(c for rule in gate.rules for c in rule.conditions) for gate in gates}
    for gate, asked in left.items():
        asked |= {holdout.name for holdout in holdouts if gate in holdout.gates}
    for segment in segments:
        conditions = (c for rule in segment.rules for c in rule.conditions)
        left[segment_spec(segment.name)] = _asked(conditions)
    left |= {holdout.name: _asked(holdout.conditions) for holdout in holdouts}
    # Peel off what asks nothing that is left; what cannot be peeled is, or leads to, a circle.
    while free := [name for name, asked in left.items() if not asked & left.keys()]:
        for name in free:
            del left[name]
    if left:
        circle = _circle(left)
        entries[circle[0]].fail("asks itself, in a circle: " + " -> ".join([*circle, circle[0]]))


def _asked(conditions: Iterable[Condition]) -> set[str]:
    return {str(c.target) for c in conditions if c.type in {"pass_gate", "fail_gate"}}


def _circle(left: Mapping[str, set[str]]) -> list[str]:
    walk = [next(iter(left))]
    while (following := next(name for name in left if name in left[walk[-1]])) not in walk:
        walk.append(following)
    return walk[walk.index(following) :]
