"""The Python type of a schema: its annotation, parser and serializer."""

from collections.abc import Mapping

from openapi_python_client.parser.properties import (
    AnyProperty,
    LiteralEnumProperty,
    ModelProperty,
)
from openapi_python_client.parser.properties.boolean import BooleanProperty
from openapi_python_client.parser.properties.float import FloatProperty
from openapi_python_client.parser.properties.int import IntProperty
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.parser.properties.none import NoneProperty
from openapi_python_client.parser.properties.protocol import PropertyProtocol
from openapi_python_client.parser.properties.string import StringProperty
from openapi_python_client.parser.properties.union import UnionProperty
from openapi_python_client.schema.untrusted_string import UntrustedString
from openapi_python_client.strings import PythonIdentifier

from .api import PythonType
from .spec import Pointer, Spec


class TypeMapper:
    """The mapping from properties of openapi-python-client to Python types.

    Args:
        spec: The spec, for the location of errors.
        objects: The objects and maps by name.
    """

    def __init__(self, spec: Spec, objects: Mapping[str, ModelProperty]) -> None:
        self.spec = spec
        self.objects = objects

    def python_type(self, prop: PropertyProtocol, pointer: Pointer, *, request: bool) -> PythonType:
        """Return the Python type of a property.

        Args:
            prop: The property.
            pointer: Its location, for errors.
            request: Whether it is part of a request, not of a response.

        Raises:
            SpecError: The property has no Python type.
        """
        match prop:
            case LiteralEnumProperty() if request:
                name = str(prop.class_info.name)
                return _scalar(name, f"_{snake_case(name)}")
            case ModelProperty():
                return self._object(prop, pointer, request=request)
            case ListProperty():
                return self._array(prop, pointer, request=request)
            case UnionProperty():
                return self._union(prop, pointer, request=request)
            case AnyProperty():
                annotation = "JsonInput" if request else "JsonValue"
                return _scalar(annotation, "json_value", hashable=False)
            case _ if type(prop) in _SCALARS:
                return _SCALARS[type(prop)]
            case _:
                kind = type(prop).__name__
                raise self.spec.error(pointer, f"the generator does not support a {kind}")

    def _object(self, prop: ModelProperty, pointer: Pointer, *, request: bool) -> PythonType:
        # A reference that was parsed before its target has only the name of the target.
        prop = self.objects[str(prop.class_info.name)]
        if prop.required_properties or prop.optional_properties:
            return _model(str(prop.class_info.name), request=request)
        return self._map(prop, pointer, request=request)

    def _map(self, prop: ModelProperty, pointer: Pointer, *, request: bool) -> PythonType:
        value = self.python_type(prop.additional_properties or _ANY, pointer, request=request)
        annotation = f"{'Mapping' if request else 'dict'}[str, {value.optional_annotation}]"
        if value.parse == "json_value":
            return _scalar(annotation, "json_object", exact=("dict",), hashable=False)
        item = value.serialize("item")
        return PythonType(
            annotation=annotation,
            parse=f"map_of({value.parse})",
            check=f"map_of({value.check})",
            to_json="VALUE"
            if item == "item"
            else f"{{key: {item} for key, item in VALUE.items()}}",
            hashable=False,
            models=value.models,
        )

    def _array(self, prop: ListProperty, pointer: Pointer, *, request: bool) -> PythonType:
        value = self.python_type(prop.inner_property, pointer, request=request)
        item = value.serialize("item")
        return PythonType(
            annotation=f"{'Sequence' if request else 'list'}[{value.optional_annotation}]",
            parse=f"array_of({value.parse})",
            check=f"array_of({value.check})",
            to_json="list(VALUE)" if item == "item" else f"[{item} for item in VALUE]",
            hashable=False,
            models=value.models,
        )

    def _union(self, prop: UnionProperty, pointer: Pointer, *, request: bool) -> PythonType:
        parts = [
            self.python_type(inner, pointer, request=request)
            for inner in prop.inner_properties
            if not isinstance(inner, NoneProperty)
        ]
        if not parts:
            raise self.spec.error(pointer, "the generator does not support null without a type")
        nullable = len(parts) < len(prop.inner_properties)
        first, *others = parts
        parse, check = first.parse, first.check
        for other in others:
            parse, check = f"either({parse}, {other.parse})", f"either({check}, {other.check})"
        models = tuple(model for part in parts for model in part.models)
        if not others:
            to_json = first.to_json
        elif all(part.parse.endswith(".from_dict") for part in parts):
            to_json = "nested_json(VALUE)" if request else "VALUE.to_dict()"
        elif all(part.to_json == "VALUE" for part in parts):
            to_json = "VALUE"
        else:
            raise self.spec.error(
                pointer, "the generator does not support a union of objects or arrays and others"
            )
        return PythonType(
            annotation=" | ".join(part.annotation for part in parts),
            parse=f"nullable({parse})" if nullable else parse,
            check=f"nullable({check})" if nullable else check,
            exact=tuple(name for part in parts for name in part.exact)
            if all(part.exact for part in parts)
            else (),
            to_json=to_json,
            nullable=nullable,
            hashable=all(part.hashable for part in parts),
            models=models,
        )


def _scalar(
    annotation: str, parse: str, *, exact: tuple[str, ...] = (), hashable: bool = True
) -> PythonType:
    return PythonType(
        annotation=annotation, parse=parse, check=parse, exact=exact, hashable=hashable
    )


_SCALARS: dict[type, PythonType] = {
    StringProperty: _scalar("str", "string", exact=("str",)),
    BooleanProperty: _scalar("bool", "boolean", exact=("bool",)),
    IntProperty: _scalar("int", "integer", exact=("int",)),
    FloatProperty: _scalar("float", "number", exact=("float", "int")),
    # Enums of responses are open: the next version of the API may add a value.
    LiteralEnumProperty: _scalar("str", "string"),
}
_ANY = AnyProperty.build(
    name=UntrustedString("any"),
    required=True,
    default=None,
    python_name=PythonIdentifier("any", ""),
    description=None,
    example=None,
)


def _model(name: str, *, request: bool) -> PythonType:
    if not request:
        return PythonType(
            annotation=name,
            parse=f"{name}.from_dict",
            check=f"{name}.from_dict",
            to_json="VALUE.to_dict()",
            models=(name,),
        )
    return PythonType(
        annotation=f"{name} | {name}Dict",
        parse=f"{name}.from_dict",
        check=f"model_or_object({name})",
        exact=(name,),
        to_json="nested_json(VALUE)",
        hashable=False,
        models=(name,),
    )


def snake_case(name: str) -> str:
    """Return a name in snake_case."""
    return str(PythonIdentifier(name, ""))
