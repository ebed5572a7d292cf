"""Sample ratios."""

import pytest

from statsig_api_client.lift import sample_ratio


@pytest.mark.parametrize(
    ("units", "level"),
    [
        pytest.param({"a": 5000, "b": 5000}, "ok", id="equal"),
        pytest.param({"a": 5000, "b": 5290}, "warning", id="p 0.004"),
        pytest.param({"a": 5000, "b": 5500}, "alarm", id="small p"),
        pytest.param({"a": 50_000_000, "b": 50_050_000}, "warning", id="small deviation"),
        pytest.param({"a": 10}, "warning", id="missing group"),
    ],
)
def test_level_follows_p_value_and_deviation(units: dict[str, int], level: str) -> None:
    ratio = sample_ratio(units, {"a": 50, "b": 50})
    assert ratio is not None
    assert ratio.level == level


@pytest.mark.parametrize(
    ("units", "planned"),
    [({}, {"a": 1.0, "b": 1.0}), ({"a": 1, "b": 1}, {"a": 1.0, "b": None})],
)
def test_ratio_needs_units_and_plan(
    units: dict[str, int], planned: dict[str, float | None]
) -> None:
    assert sample_ratio(units, planned) is None
