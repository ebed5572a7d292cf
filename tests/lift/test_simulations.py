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
    looks = numpy.arange(50, 1001, 50)
    fixed = sequential = 0
    for _ in range(RUNS // 1000):
        values = chance.normal(0, 3, size=(1000, 2, looks[-1]))
        means = values.cumsum(axis=2)[:, :, looks - 1] / looks
        squares = (values**2).cumsum(axis=2)[:, :, looks - 1] / looks
        variances = (squares - means**2) / (looks - 1)
        z = (means[:, 0] - means[:, 1]) / numpy.sqrt(variances.sum(axis=1))
        has_fixed, has_sequential = set[int](), set[int]()
        # Every critical value is at least 1.96, so only larger differences need the full test.
        for run, look in numpy.argwhere(abs(z) > 1.9).tolist():
            found = compare(
                *(
                    Estimate(
                        units=int(looks[look]),
                        mean=float(means[run, group, look]),
                        variance=float(variances[run, group, look]),
                    )
                    for group in range(2)
                )
            )
            assert found.p_value is not None
            assert found.sequential_p_value is not None
            if found.p_value < 0.05:
                has_fixed.add(run)
            if found.sequential_p_value < 0.05:
                has_sequential.add(run)
        fixed += len(has_fixed)
        sequential += len(has_sequential)
    assert sequential / RUNS < 0.05
    assert fixed / RUNS == pytest.approx(0.25, abs=0.02)


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
