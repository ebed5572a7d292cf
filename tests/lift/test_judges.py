"""Random data against scipy, statsmodels and tea-tasting."""

import random
from math import isfinite
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statsig_api_client.lift import (
    Estimate,
    benjamini_hochberg_alpha,
    compare,
    estimate_mean,
    estimate_ratio,
    moments_of,
    sample_ratio,
    sample_size,
)

seeds = st.integers(0, 2**32 - 1)
MANY = settings(max_examples=100)


def values(seed: int, units: int) -> list[float]:
    chance = random.Random(seed)
    scale = 10 ** chance.uniform(-3, 3)
    return [scale * chance.lognormvariate(0, 1) for _ in range(units)]


def close(expected: float, relative: float = 1e-9) -> Any:
    return pytest.approx(expected, rel=relative, abs=1e-13)


def check_welch(seed: int, test_units: int, control_units: int) -> None:
    from scipy import stats

    test, control = values(seed, test_units), values(seed + 1, control_units)
    difference = compare(estimate_mean(moments_of(test)), estimate_mean(moments_of(control)))
    expected = stats.ttest_ind(test, control, equal_var=False)
    assert difference.degrees_of_freedom == close(expected.df)
    assert difference.p_value == close(expected.pvalue)
    interval = expected.confidence_interval(0.95)
    assert difference.interval is not None
    scale = abs(interval.low) + abs(interval.high)
    assert difference.interval.low == pytest.approx(interval.low, abs=1e-9 * scale)
    assert difference.interval.high == pytest.approx(interval.high, abs=1e-9 * scale)


def check_z(seed: int, units: int) -> None:
    weightstats = pytest.importorskip("statsmodels.stats.weightstats")
    test, control = values(seed, units), [x * 1.1 for x in values(seed + 1, units)]
    difference = compare(estimate_mean(moments_of(test)), estimate_mean(moments_of(control)))
    if difference.degrees_of_freedom is not None:
        return
    judge = weightstats.CompareMeans.from_data(test, control)
    _, p_value = judge.ztest_ind(usevar="unequal")
    low, high = judge.zconfint_diff(usevar="unequal")
    assert difference.p_value == close(p_value)
    assert difference.interval is not None
    scale = abs(low) + abs(high)
    assert difference.interval.low == pytest.approx(low, abs=1e-9 * scale)
    assert difference.interval.high == pytest.approx(high, abs=1e-9 * scale)


def check_tea_tasting(seed: int) -> None:
    tea_tasting = pytest.importorskip("tea_tasting")
    pandas = pytest.importorskip("pandas")
    columns = {
        group: (values(seed + 2 * group, 200), [1 + abs(x) for x in values(seed + 7 + group, 200)])
        for group in (0, 1)
    }
    frame = pandas.DataFrame(
        [
            {"variant": group, "x": x, "y": y}
            for group, (xs, ys) in columns.items()
            for x, y in zip(xs, ys, strict=True)
        ]
    )
    metrics = {
        "mean": tea_tasting.Mean("x", use_t=False, equal_var=False),
        "ratio": tea_tasting.RatioOfMeans("x", "y", use_t=False, equal_var=False),
    }
    found = tea_tasting.Experiment(metrics).analyze(frame)
    estimates = {
        "mean": {g: estimate_mean(moments_of(xs)) for g, (xs, _) in columns.items()},
        "ratio": {g: estimate_ratio(moments_of(*both)) for g, both in columns.items()},
    }
    for name, groups in estimates.items():
        difference, expected = compare(groups[1], groups[0]), found[name]
        assert difference.delta == pytest.approx(
            expected.effect_size, abs=1e-9 * max(groups[0].mean, groups[1].mean)
        )
        assert difference.relative_delta == pytest.approx(expected.rel_effect_size, rel=1e-7)
        if difference.degrees_of_freedom is None:
            assert difference.p_value == close(expected.pvalue)


@MANY
@given(seed=seeds, test_units=st.integers(2, 30), control_units=st.integers(2, 30))
def test_small_groups_match_welch_of_scipy(seed: int, test_units: int, control_units: int) -> None:
    check_welch(seed, test_units, control_units)


@MANY
@given(seed=seeds, units=st.integers(150, 400))
def test_large_groups_match_z_test_of_statsmodels(seed: int, units: int) -> None:
    check_z(seed, units)


@settings(max_examples=10)
@given(seed=seeds)
def test_mean_and_ratio_match_tea_tasting(seed: int) -> None:
    check_tea_tasting(seed)


@pytest.mark.slow
def test_500_data_sets_match_judges() -> None:
    chance = random.Random(2026)
    for _ in range(500):
        seed = chance.randrange(2**32)
        check_welch(seed, chance.randint(2, 40), chance.randint(2, 40))
        check_z(seed, chance.randint(150, 400))
        check_tea_tasting(seed)


@settings(max_examples=100)
@given(p_values=st.lists(st.floats(0, 1), min_size=1, max_size=12), alpha=st.floats(0.01, 0.3))
def test_benjamini_hochberg_matches_statsmodels(p_values: list[float], alpha: float) -> None:
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    rejected = multitest.multipletests(p_values, alpha, method="fdr_bh")[0]
    threshold = benjamini_hochberg_alpha(p_values, alpha)
    assert [p <= threshold for p in p_values] == [*rejected]


@settings(max_examples=100)
@given(units=st.lists(st.integers(1, 10**6), min_size=2, max_size=5), seed=seeds)
def test_sample_ratio_matches_chi_squared_of_scipy(units: list[int], seed: int) -> None:
    from scipy import stats

    chance = random.Random(seed)
    weights = [chance.uniform(0.1, 1) for _ in units]
    names = [str(number) for number in range(len(units))]
    ratio = sample_ratio(
        dict(zip(names, units, strict=True)), dict(zip(names, weights, strict=True))
    )
    expected = [sum(units) * weight / sum(weights) for weight in weights]
    judge = stats.chisquare(units, expected)
    assert ratio is not None
    assert ratio.chi_squared == close(judge.statistic)
    assert ratio.p_value == close(judge.pvalue)


@settings(max_examples=50)
@given(effect=st.floats(0.05, 1), power=st.floats(0.5, 0.99), times=st.floats(0.25, 4))
def test_sample_size_matches_power_of_statsmodels(
    effect: float, power: float, times: float
) -> None:
    judge = pytest.importorskip("statsmodels.stats.power")
    found = sample_size(
        10, effect, deviation=1, relative=False, power=power, control_share=1 / (1 + times)
    )
    exact = judge.NormalIndPower().solve_power(effect, power=power, alpha=0.05, ratio=times)
    assert found.control_units == pytest.approx(exact, abs=1.01, rel=0.01)


@MANY
@given(
    means=st.tuples(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9)),
    variances=st.tuples(st.floats(0, 1e9), st.floats(0, 1e9)),
    units=st.tuples(st.integers(1, 10**9), st.integers(1, 10**9)),
)
def test_differences_contain_no_nan(
    means: tuple[float, float], variances: tuple[float, float], units: tuple[int, int]
) -> None:
    test, control = (
        Estimate(units=n, mean=mean, variance=variance)
        for n, mean, variance in zip(units, means, variances, strict=True)
    )
    found = compare(test, control)
    numbers = [found.delta, found.standard_error, found.p_value, found.sequential_p_value]
    for interval in (found.interval, found.relative_interval, found.sequential_interval):
        numbers += [] if interval is None else [interval.low, interval.high]
    assert all(number is None or isfinite(number) for number in numbers)
