"""Sizes of experiments."""

from typing import Any

import pytest

from statsig_api_client.lift import LiftError, detectable_effect, sample_size


def test_size_for_share_of_users() -> None:
    found = sample_size(0.1, 0.05, units_per_day=2000)
    assert found.control_units == found.test_units == 57_760
    assert (found.units, found.days) == (115_520, 58)
    assert found.method == "z-test of two means with unpooled variances"


def test_size_for_several_groups() -> None:
    found = sample_size(10, 0.5, deviation=4, relative=False, test_groups=2, control_share=0.5)
    assert found.units == found.control_units + 2 * found.test_units
    assert found.control_units == pytest.approx(2 * found.test_units, abs=1)
    assert found.days is None


@pytest.mark.parametrize("side", ["two", "greater"])
def test_detectable_effect_is_inverse_of_size(side: Any) -> None:
    found = sample_size(10, 0.02, deviation=4, side=side)
    effect = detectable_effect(10, 4, found.control_units, found.test_units, side=side)
    assert effect == pytest.approx(0.02, rel=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"baseline": 1.5}, "baseline: expected shares of users between 0 and 1, got 1.5"),
        ({"baseline": 0.9, "effect": 0.5}, "got 0.9 and 1.35 with the effect"),
        ({"effect": 0}, "effect: expected a difference, got 0"),
        ({"deviation": -1}, "deviation: expected a positive number"),
        ({"alpha": 0}, "alpha: expected a fraction between 0 and 1"),
        ({"power": 1}, "power: expected a fraction between 0 and 1"),
        ({"control_share": 2}, "control_share: expected a fraction"),
        ({"test_groups": 0}, "test_groups: expected at least 1"),
        ({"units_per_day": 0}, "units_per_day: expected a positive number"),
    ],
)
def test_invalid_size_is_rejected(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(LiftError, match=message):
        sample_size(**{"baseline": 0.1, "effect": 0.05, **arguments})


def test_invalid_detectable_effect_is_rejected() -> None:
    with pytest.raises(LiftError, match="expected positive numbers"):
        detectable_effect(0, 1, 10, 10)
