"""Published data: NIST's univariate sets with certified values (public domain)."""

from attrs import frozen


@frozen
class CertifiedSet:
    """A data set of NIST's Statistical Reference Datasets."""

    name: str
    values: tuple[float, ...]
    mean: float
    deviation: float
    precision: float = 1e-10
    """The relative precision that doubles permit."""


def _alternating(first: float, low: float, high: float) -> tuple[float, ...]:
    return (first, *((low, high) * 500))


_MICHELSON = """
    85 74 90 107 93 85 95 98 98 88 100 98 93 65 76 81 100 100 96 96 96 94 96 94 88 80 85 88 90 84
    83 79 81 88 88 83 80 79 76 80 88 88 88 86 72 72 62 86 97 95 88 91 85 87 84 84 85 84 84 84 89 81
    81 82 80 77 76 74 75 76 91 92 89 86 88 72 84 85 85 78 89 84 78 81 76 81 79 81 82 85 87 87 81 74
    81 94 95 80 81 87
"""
_MAVRO = """
    180 170 180 190 180 170 150 140 150 150 170 180 180 190 190 210 200 160 140 130 130 150 150 160
    150 140 130 140 150 140 150 160 150 160 190 200 200 210 220 230 240 250 270 260 260 260 270 260
    250 240
"""

NIST = (
    CertifiedSet("NumAcc1", (10000001.0, 10000003.0, 10000002.0), 10000002.0, 1.0),
    CertifiedSet("NumAcc2", _alternating(1.2, 1.1, 1.3), 1.2, 0.1),
    # The doubles nearest to these values have other deviations: by 3.5e-10 and 5.6e-9, exactly.
    CertifiedSet("NumAcc3", _alternating(1000000.2, 1000000.1, 1000000.3), 1000000.2, 0.1, 4e-10),
    CertifiedSet(
        "NumAcc4", _alternating(10000000.2, 10000000.1, 10000000.3), 10000000.2, 0.1, 6e-9
    ),
    CertifiedSet(
        "Michelson",
        tuple(float(f"{299 + int(c) // 100}.{int(c) % 100:02}") for c in _MICHELSON.split()),
        299.8524,
        0.0790105478190518,
    ),
    CertifiedSet(
        "Mavro", tuple(float(f"2.00{c}") for c in _MAVRO.split()), 2.001856, 0.000429123454003053
    ),
)
