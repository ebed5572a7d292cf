"""How the types of a contract stand in Python."""

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

from .api import Kind
from .contract import Contract, Pointer, SpecError


class Kinds:
    """The types of a contract, in Python.

    Args:
        contract: The contract.
        properties: Its objects and maps by name, as openapi-python-client reads them.
    """

    def __init__(self, contract: Contract, properties: Mapping[str, ModelProperty]) -> None:
        self.contract = contract
        self.properties = properties

    def kind(  # noqa: PLR0911  (one return a type)
        self, prop: PropertyProtocol, pointer: Pointer, *, request: bool
    ) -> Kind:
        """Say how a type stands in Python.

        Args:
            prop: The type.
            pointer: Where it stands, for errors.
            request: Whether its values are sent; else they are received.

        Raises:
            SpecError: It has no form in Python.
        """
        match prop:
            case StringProperty():
                return _plain("str", "string", exact=("str",))
            case BooleanProperty():
                return _plain("bool", "boolean", exact=("bool",))
            case IntProperty():
                return _plain("int", "integer", exact=("int",))
            case FloatProperty():
                return _plain("float", "number", exact=("float", "int"))
            case AnyProperty():
                return _plain("JsonValue", "json_value", hashable=False)
            case LiteralEnumProperty():
                # The next version of the service may answer with a value that is not known yet.
                name = str(prop.class_info.name)
                return _plain(name, f"_{snake(name)}") if request else _plain("str", "string")
            case ModelProperty():
                return self._object_kind(prop, pointer, request=request)
            case ListProperty():
                return self._list_kind(prop, pointer, request=request)
            case UnionProperty():
                return self._union_kind(prop, pointer, request=request)
            case _:
                raise self._refusal(pointer, f"there is no Python form for a {type(prop).__name__}")

    def _object_kind(self, prop: ModelProperty, pointer: Pointer, *, request: bool) -> Kind:
        # A reference that was read before its target knows the target's name alone.
        prop = self.properties[str(prop.class_info.name)]
        if prop.required_properties or prop.optional_properties:
            return _model_kind(str(prop.class_info.name), request=request)
        return self._map_kind(prop, pointer, request=request)

    def _map_kind(self, prop: ModelProperty, pointer: Pointer, *, request: bool) -> Kind:
        value = self.kind(prop.additional_properties or _ANY, pointer, request=request)
        annotation = f"{'Mapping' if request else 'dict'}[str, {value.given}]"
        if value.parse == "json_value":
            return _plain(annotation, "json_object", exact=("dict",), hashable=False)
        written = value.writing("item")
        return Kind(
            annotation=annotation,
            parse=f"map_of({value.parse})",
            check=f"map_of({value.check})",
            write="VALUE"
            if written == "item"
            else f"{{key: {written} for key, item in VALUE.items()}}",
            hashable=False,
            models=value.models,
        )

    def _list_kind(self, prop: ListProperty, pointer: Pointer, *, request: bool) -> Kind:
        item = self.kind(prop.inner_property, pointer, request=request)
        written = item.writing("item")
        return Kind(
            annotation=f"{'Sequence' if request else 'list'}[{item.given}]",
            parse=f"array_of({item.parse})",
            check=f"array_of({item.check})",
            write="list(VALUE)" if written == "item" else f"[{written} for item in VALUE]",
            hashable=False,
            models=item.models,
        )

    def _union_kind(self, prop: UnionProperty, pointer: Pointer, *, request: bool) -> Kind:
        kinds = [
            self.kind(inner, pointer, request=request)
            for inner in prop.inner_properties
            if not isinstance(inner, NoneProperty)
        ]
        if not kinds:
            raise self._refusal(pointer, "there is no Python form for null alone")
        nullable = len(kinds) < len(prop.inner_properties)
        first, *others = kinds
        parse, check = first.parse, first.check
        for other in others:
            parse, check = f"either({parse}, {other.parse})", f"either({check}, {other.check})"
        models = tuple(model for kind in kinds for model in kind.models)
        if not others:
            write = first.write
        elif all(kind.parse.endswith(".from_dict") for kind in kinds):
            write = f"wire(ARGUMENT, VALUE, {', '.join(models)})"
        elif all(kind.write == "VALUE" for kind in kinds):
            write = "VALUE"
        else:
            raise self._refusal(
                pointer, "there is no Python form for objects or lists beside other types"
            )
        return Kind(
            annotation=" | ".join(kind.annotation for kind in kinds),
            parse=f"nullable({parse})" if nullable else parse,
            check=f"nullable({check})" if nullable else check,
            exact=tuple(kind for part in kinds for kind in part.exact)
            if all(part.exact for part in kinds)
            else (),
            write=write,
            nullable=nullable,
            hashable=all(kind.hashable for kind in kinds),
            models=models,
        )

    def _refusal(self, pointer: Pointer, problem: str) -> SpecError:
        return SpecError([self.contract.fault(pointer, problem)])


_ANY = AnyProperty.build(
    name=UntrustedString("any"),
    required=True,
    default=None,
    python_name=PythonIdentifier("any", ""),
    description=None,
    example=None,
)


def _model_kind(name: str, *, request: bool) -> Kind:
    if not request:
        return Kind(
            annotation=name,
            parse=f"{name}.from_dict",
            check=f"{name}.from_dict",
            write="VALUE.to_dict()",
            models=(name,),
        )
    return Kind(
        annotation=f"{name} | {name}Dict",
        parse=f"{name}.from_dict",
        check=f"model_or_object({name})",
        exact=(name,),
        write=f"wire(ARGUMENT, VALUE, {name})",
        hashable=False,
        models=(name,),
    )


def _plain(
    annotation: str, parse: str, *, exact: tuple[str, ...] = (), hashable: bool = True
) -> Kind:
    return Kind(annotation=annotation, parse=parse, check=parse, exact=exact, hashable=hashable)


def snake(name: str) -> str:
    """A name in snake_case."""
    return str(PythonIdentifier(name, ""))
