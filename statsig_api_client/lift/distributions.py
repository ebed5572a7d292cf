"""Quantiles and tail probabilities of the normal, Student's t and chi-squared distributions."""

# scipy is untyped: convert its values to floats here, so that callers are checked.
# mypy: disable-error-code="import-untyped"
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from scipy import special


def normal_cdf(z: float) -> float:
    """Return the probability that a standard normal variable is at most `z`."""
    return float(special.ndtr(z))


def normal_quantile(probability: float) -> float:
    """Return the quantile of the standard normal distribution."""
    return float(special.ndtri(probability))


def student_cdf(t: float, degrees_of_freedom: float) -> float:
    """Return the probability that a variable with Student's distribution is at most `t`."""
    return float(special.stdtr(degrees_of_freedom, t))


def student_quantile(probability: float, degrees_of_freedom: float) -> float:
    """Return the quantile of Student's distribution."""
    return float(special.stdtrit(degrees_of_freedom, probability))


def chi_squared_tail(statistic: float, degrees_of_freedom: int) -> float:
    """Return the probability that a chi-squared variable exceeds a value."""
    return float(special.chdtrc(degrees_of_freedom, statistic))
