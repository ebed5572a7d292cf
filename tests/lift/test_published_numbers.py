"""Numbers that Statsig and NIST have published."""

from math import sqrt
from pathlib import Path
from statistics import stdev

import pytest

from statsig_api_client.lift import (
    Difference,
    Estimate,
    Sum,
    analyze,
    benjamini_hochberg_alpha,
    bonferroni_alpha,
    compare,
    estimate_mean,
    moments_of,
    sample_ratio,
    topline_impact,
)
from statsig_api_client.lift.distributions import normal_quantile
from tests.lift.records import LOGO_TEST, groups, source
from tests.lift.reference_data import NIST, CertifiedSet


def estimate(mean: float, error: float) -> Estimate:
    return Estimate(units=100_000, mean=mean, variance=error**2)


def half_width(difference: Difference, *, relative: bool = False) -> float:
    interval = difference.relative_interval if relative else difference.interval
    assert interval is not None
    assert interval.low is not None
    assert interval.high is not None
    return (interval.high - interval.low) / 2


def test_console_api_example_at_80_percent() -> None:
    test, control = estimate(61.56363636, 0.7461734328), estimate(62.12929624, 0.7248273670)
    difference = compare(test, control, alpha=0.2, relative="simplified")
    assert difference.delta == pytest.approx(-0.56565987, abs=2e-8)
    assert half_width(difference) == pytest.approx(1.3331521512, rel=1e-9)
    assert difference.relative_delta == pytest.approx(-0.0091045595, abs=1e-9)
    assert half_width(difference, relative=True) == pytest.approx(0.021457705656, rel=1e-9)
    one_sided = compare(test, control, alpha=0.2, side="greater")
    assert one_sided.p_value == pytest.approx(0.7066986121, abs=1e-8)


def test_console_api_example_at_90_percent() -> None:
    test, control = estimate(0.7159428911, 0.0038882254), estimate(0.7126860063, 0.0039530243)
    difference = compare(test, control, alpha=0.1, relative="simplified")
    assert half_width(difference) == pytest.approx(0.0091203681, abs=2e-10)
    assert difference.p_value == pytest.approx(0.5569502167, rel=1e-7)
    assert difference.relative_delta == pytest.approx(0.004569873, abs=1e-9)
    assert half_width(difference, relative=True) == pytest.approx(0.012797176, rel=1e-7)


def test_sample_ratio_example_is_alarming() -> None:
    units = {"a": 166_080, "b": 171_180, "c": 166_300}
    ratio = sample_ratio(units, dict.fromkeys(units, 1 / 3))
    assert ratio is not None
    assert ratio.chi_squared == pytest.approx(99.04, abs=0.005)
    assert ratio.p_value == pytest.approx(3.1e-22, rel=0.02)
    assert ratio.level == "alarm"


def test_bonferroni_example() -> None:
    primary = bonferroni_alpha(0.05, metrics=2, share=0.6)
    secondary = bonferroni_alpha(0.05, metrics=4, share=0.4)
    assert (primary, secondary) == pytest.approx((0.015, 0.005), rel=1e-12)
    halves = (
        bonferroni_alpha(0.05, metrics=2, share=0.6, variants=2),
        bonferroni_alpha(0.05, metrics=4, share=0.4, variants=2),
    )
    assert halves == pytest.approx((0.0075, 0.0025), rel=1e-12)


def test_benjamini_hochberg_rejects_up_to_largest_rank() -> None:
    # The example of Benjamini and Hochberg (1995): four of fifteen hypotheses are rejected.
    p_values = [
        *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459),
        *(0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000),
    ]
    assert benjamini_hochberg_alpha(p_values, 0.05) == pytest.approx(0.05 * 4 / 15)


def test_topline_example() -> None:
    assert topline_impact(1.0, 1000, 30) == pytest.approx(33.33, abs=0.005)


def test_sequential_interval_of_equal_groups_is_constant() -> None:
    for units in (50, 1000, 10**7):
        group = Estimate(units=units, mean=1.0, variance=2.5 / units)
        interval = compare(group, group).sequential_interval
        assert interval is not None
        assert interval.high is not None
        assert interval.high / sqrt(5.0 / units) == pytest.approx(3.5845, abs=5e-5)


def test_normal_quantile_of_975_permille() -> None:
    assert normal_quantile(0.975) == pytest.approx(1.959963984540054, rel=1e-14)


@pytest.mark.parametrize("data", [pytest.param(one, id=one.name) for one in NIST])
def test_moments_match_certified_values(data: CertifiedSet) -> None:
    moments = moments_of(data.values)
    assert moments.means[0] == pytest.approx(data.mean, rel=1e-14)
    assert sqrt(moments.covariances[0][0]) == pytest.approx(data.deviation, rel=data.precision)
    error = estimate_mean(moments).standard_error
    assert error == pytest.approx(data.deviation / sqrt(len(data.values)), rel=data.precision)


@pytest.mark.parametrize("data", [pytest.param(one, id=one.name) for one in NIST])
def test_moments_equal_exact_arithmetic(data: CertifiedSet) -> None:
    # `statistics` computes with fractions.
    exact = stdev(data.values)
    assert exact == pytest.approx(data.deviation, rel=data.precision)
    assert sqrt(moments_of(data.values).covariances[0][0]) == pytest.approx(exact, rel=1e-14)


@pytest.mark.parametrize("data", [pytest.param(one, id=one.name) for one in NIST])
def test_sql_equals_exact_arithmetic(tmp_path: Path, data: CertifiedSet) -> None:
    records = groups([[value] for value in data.values], [[1.0], [2.0]])
    metric = Sum("purchase", winsorize=None)
    result = analyze(source(tmp_path, records), LOGO_TEST, [metric]).results[0]
    assert result.control is not None
    deviation = result.control.standard_error * sqrt(len(data.values))
    assert deviation == pytest.approx(stdev(data.values), rel=1e-13)
