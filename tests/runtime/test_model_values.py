"""Laws of models: copying, pickling, equality, hashing and immutability."""

import copy
import json
import pickle

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from statsig_api_client._errors import StatsigError
from statsig_api_client._runtime.parsers import UNSET
from tests.support.spec import MODELS, SCHEMAS, alike, choice, field_name, minimal, reference
from tests.support.strategies import arguments, models

from .cases import each_model, each_response


@each_model
@given(data=st.data())
def test_copies_are_equal(name: str, data: st.DataObject) -> None:
    model = data.draw(models(name))
    for one in (copy.copy(model), copy.deepcopy(model), model.__replace__()):
        assert one == model
        assert alike(one.to_dict(), model.to_dict())


@each_model
@given(data=st.data(), protocol=st.integers(0, pickle.HIGHEST_PROTOCOL))
def test_unpickled_models_are_equal(name: str, data: st.DataObject, protocol: int) -> None:
    model = data.draw(models(name))
    again = pickle.loads(pickle.dumps(model, protocol))  # noqa: S301  (our own)
    assert again == model
    assert alike(again.to_dict(), model.to_dict())


@each_model
@given(data=st.data())
def test_repr_evaluates_to_equal_model(name: str, data: st.DataObject) -> None:
    model = data.draw(models(name, sendable=True))
    assert repr(model).startswith(f"{name}(")
    assert eval(repr(model), {**MODELS, "UNSET": UNSET}) == model  # noqa: S307  (our own)


@each_model
@given(data=st.data())
def test_repr_never_raises(name: str, data: st.DataObject) -> None:
    assert name in repr(data.draw(models(name)))


@each_model
@given(data=st.data())
def test_equal_models_have_equal_hashes(name: str, data: st.DataObject) -> None:
    model = data.draw(models(name, nested="models"))
    again = MODELS[name].from_dict(json.loads(json.dumps(model.to_dict())))
    assert again == model
    assert hash(again) == hash(model)
    assert {model: 1}[again] == 1


@each_model
@given(data=st.data())
def test_models_with_equal_fields_are_equal(name: str, data: st.DataObject) -> None:
    model = data.draw(models(name, nested="models"))
    others = data.draw(arguments(name, nested="models"))
    assume(others)
    field = data.draw(st.sampled_from(sorted(others)))
    # None would remove the last of a choice of required fields.
    choices = {field_name(name, key) for key in choice(SCHEMAS[name])}
    assume(others[field] is not None or field not in choices)
    changed = model.__replace__(**{field: others[field]})
    assert (changed == model) == (others[field] == getattr(model, field))
    assert (changed != model) == (others[field] != getattr(model, field))


@each_model
@given(data=st.data())
def test_model_differs_from_other_types(name: str, data: st.DataObject) -> None:
    model = data.draw(models(name))
    assert model != model.to_dict()
    assert model != tuple(model.to_dict().values())
    others = [MODELS[other].from_dict(minimal(reference(other))) for other in MODELS]
    assert model not in [other for other in others if type(other) is not MODELS[name]]
    with pytest.raises(TypeError):
        sorted([model, copy.copy(model)])


@each_model
def test_model_is_immutable(name: str) -> None:
    model = MODELS[name].from_dict(minimal(reference(name)))
    for field in [*MODELS[name].__slots__, "a_new_one"]:
        with pytest.raises(AttributeError):
            setattr(model, field, None)
        with pytest.raises(AttributeError):
            delattr(model, field)
    assert model == MODELS[name].from_dict(minimal(reference(name)))
    assert not hasattr(model, "__dict__")


@each_response
def test_fallback_error_is_not_compared(name: str) -> None:
    model = MODELS[name].from_dict(minimal(reference(name)))
    if "x-fallback" not in SCHEMAS[name]:
        assert "error" not in MODELS[name].__slots__ or "error" in SCHEMAS[name]["properties"]
        return
    fallback = model.__replace__(error=StatsigError("down"))
    assert fallback == model
    assert hash(fallback) == hash(model)
    assert fallback.to_dict() == model.to_dict()
