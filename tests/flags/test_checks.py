"""Run-time checks follow the annotations that the generator writes."""

from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict

import pytest

from statsig_api_client.flags.checks import check_of


class Nested(TypedDict, total=False):
    name: str
    sizes: Sequence[int]


@pytest.mark.parametrize(
    ("annotation", "fitting", "unfit"),
    [
        pytest.param(bool, [True], [1, "true", None], id="bool"),
        pytest.param(int, [1, -3], [True, 1.5, "1"], id="int"),
        pytest.param(float, [1, 1.5], [True, "1"], id="float"),
        pytest.param(str, ["", "a"], [1, None], id="str"),
        pytest.param(str | None, ["a", None], [1], id="optional"),
        pytest.param(Literal["a", "b"], ["a"], ["c", 1], id="literal"),
        pytest.param(Sequence[int], [[], [1]], [["a"], "ab", None], id="sequence"),
        pytest.param(Mapping[str, object], [{}, {"a": 1}], [[], 1], id="mapping"),
        pytest.param(
            Nested, [{}, {"name": "a"}, {"sizes": [1], "more": 1}], [{"name": 1}, []], id="object"
        ),
        pytest.param(object, [None, 1, "a"], [], id="object type"),
    ],
)
def test_check_accepts_fitting_values(
    annotation: object, fitting: list[object], unfit: list[object]
) -> None:
    check = check_of(annotation)
    assert all(check(value) for value in fitting)
    assert not any(check(value) for value in unfit)


def test_check_rejects_other_annotations() -> None:
    with pytest.raises(TypeError, match="expected an annotation of a JSON value"):
        check_of(set[int])
