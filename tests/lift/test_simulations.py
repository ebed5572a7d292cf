"""Error rates and coverage in simulated experiments."""

from math import sqrt

import pytest

from statsig_api_client.lift import Estimate, compare, detectable_effect, sample_size

numpy = pytest.importorskip("numpy")
RUNS = 20_000

pytestmark = pytest.mark.slow


def estimates(
    values: "numpy.ndarray[tuple[int, int], numpy.dtype[numpy.float64]]",
) -> list[Estimate]:
    """Return the estimate of each row."""
    units = values.shape[1]
    means, variances = values.mean(axis=1), values.var(axis=1, ddof=1) / units
    return [
        Estimate(units=units, mean=float(mean), variance=float(variance))
        for mean, variance in zip(means, variances, strict=True)
    ]


def test_false_alarms_and_coverage_of_20000_experiments() -> None:
    chance = numpy.random.default_rng(2026)
    alarms = covered = 0
    for _ in range(RUNS // 2000):
        tests, controls = (estimates(chance.lognormal(0, 0.6, size=(2000, 1000))) for _ in range(2))
        for test, control in zip(tests, controls, strict=True):
            found = compare(test, control)
            assert found.p_value is not None
            alarms += found.p_value < 0.05
            lifted = Estimate(units=test.units, mean=1.1 * test.mean, variance=1.21 * test.variance)
            interval = compare(lifted, control).relative_interval
            assert interval is not None
            covered += interval.contains(0.1)
    assert alarms / RUNS == pytest.approx(0.05, abs=0.005)
    assert covered / RUNS == pytest.approx(0.95, abs=0.007)


def test_sequential_test_with_20_looks_keeps_alpha() -> None:
    chance = numpy.random.default_rng(7)
    looks, runs = 20, RUNS // 5
    fixed = sequential = 0
    for _ in range(runs):
        values = chance.normal(10, 3, size=(2, looks * 50))
        sums, squares = values.cumsum(axis=1), (values**2).cumsum(axis=1)
        has_fixed = has_sequential = False
        for units in range(50, looks * 50 + 1, 50):
            pair = [
                Estimate(
                    units=units,
                    mean=float(sums[group, units - 1]) / units,
                    variance=float(
                        (squares[group, units - 1] - sums[group, units - 1] ** 2 / units)
                        / (units - 1)
                        / units
                    ),
                )
                for group in range(2)
            ]
            found = compare(*pair)
            assert found.p_value is not None
            assert found.sequential_p_value is not None
            has_fixed |= found.p_value < 0.05
            has_sequential |= found.sequential_p_value < 0.05
        fixed += has_fixed
        sequential += has_sequential
    assert sequential / runs < 0.05
    assert fixed / runs > 0.15


def test_power_at_planned_size() -> None:
    chance = numpy.random.default_rng(11)
    size = sample_size(0.2, 0.25)
    controls = chance.binomial(size.control_units, 0.2, RUNS) / size.control_units
    tests = chance.binomial(size.test_units, 0.25, RUNS) / size.test_units
    found = 0
    for test, control in zip(tests, controls, strict=True):
        pair = [
            Estimate(
                units=size.test_units,
                mean=float(mean),
                variance=float(mean * (1 - mean)) / size.test_units,
            )
            for mean in (test, control)
        ]
        p_value = compare(*pair).p_value
        assert p_value is not None
        found += p_value < 0.05
    assert found / RUNS == pytest.approx(0.8, abs=0.01)
    deviation = sqrt(0.2 * 0.8 / 2 + 0.25 * 0.75 / 2)
    effect = detectable_effect(0.2, deviation, size.control_units, size.test_units)
    assert effect == pytest.approx(0.25, rel=0.01)
