"""Reads a contract into a description of its Python API.

openapi-python-client turns the schemas into typed properties; this module says how each of them
stands in Python. The templates only lay it out.
"""

import copy
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser.errors import GeneratorError, ParseError
from openapi_python_client.parser.openapi import GeneratorData
from openapi_python_client.parser.properties import (
    AnyProperty,
    LiteralEnumProperty,
    ModelProperty,
    Property,
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

from .api import Api, Argument, Enum, Field, Kind, Method, Model
from .contract import Contract, Json, Pointer, SpecError, is_choice_of_fields, wire_name

SCHEMAS: Pointer = ("components", "schemas")
CONFIG = Config.from_sources(
    ConfigFile(literal_enums=True),
    MetaType.NONE,
    Path("openapi.yaml"),
    "utf-8",
    overwrite=True,
    output_path=None,
)


def describe(contract: Contract) -> Api:
    """Describe the Python API of a contract.

    Raises:
        SpecError: openapi-python-client, or this generator, cannot express a part of it.
    """
    return _Reader(contract).api()


class _Reader:
    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.schemas: Json = contract.spec["components"]["schemas"]
        data = _parse(contract)
        self.properties = {str(model.class_info.name): model for model in data.models}
        self.sent = self._reachable(self._sent_roots())
        self.received = self._reachable(method["returns"] for method, _ in self._methods())

    def api(self) -> Api:
        both = sorted(set(self.sent) & set(self.received) & set(self._with_fields()))
        if both:
            # Absent and null differ in what is sent and are one in what is received.
            problem = "a schema cannot be both sent and received"
            raise SpecError([self.contract.fault((*SCHEMAS, name), problem) for name in both])
        models = {name: self._model(name) for name in self._with_fields()}
        servers = {
            "API_SERVER": self.contract.spec["servers"][0]["url"],
            "EVENTS_SERVER": next(
                operation["servers"][0]["url"]
                for _, operation in self.contract.operations()
                if "x-delivers" in operation
            ),
        }
        methods = tuple(self._method(method, pointer) for method, pointer in self._methods())
        return Api(models=tuple(_dependencies_first(models)), methods=methods, servers=servers)

    # ---- What is sent, what is received ----

    def _methods(self) -> Iterator[tuple[Json, Pointer]]:
        for pointer, operation in self.contract.operations():
            for method in operation["x-client-methods"]:
                yield method, pointer

    def _sent_roots(self) -> Iterator[str]:
        for method, pointer in self._methods():
            operation = self.contract.spec["paths"][pointer[1]][pointer[2]]
            properties = self.contract.request_schema(operation)["properties"]
            for argument in method["arguments"]:
                yield from _references(properties[wire_name(argument)])

    def _reachable(self, roots: Iterable[str]) -> dict[str, None]:
        found: dict[str, None] = {}
        queue = list(roots)
        while queue:
            name = queue.pop(0)
            if name not in found:
                found[name] = None
                queue.extend(_references(self.schemas[name]))
        return found

    def _with_fields(self) -> list[str]:
        keyed = {schema.get("x-keyed-by-name") for schema in self.schemas.values()}
        unnamed = {
            name
            for schema in self.schemas.values()
            if "x-keyed-by-name" in schema
            for name in _references(schema)
        } - keyed
        return [
            name
            for name, schema in self.schemas.items()
            if "properties" in schema
            and name not in unnamed
            and (name in self.sent or name in self.received)
        ]

    # ---- Models ----

    def _model(self, name: str) -> Model:
        schema = self.schemas[name]
        parsed = self.properties[name]
        request = name in self.sent
        properties = (parsed.required_properties or []) + (parsed.optional_properties or [])
        by_wire = {_raw(prop.name): prop for prop in properties}
        fields = [
            self._field(name, wire, by_wire[wire], request=request)
            for wire in sorted(schema["properties"], key=lambda key: not by_wire[key].required)
        ]
        enums = [
            Enum(
                name=str(prop.class_info.name),
                values=tuple(map(str, schema["properties"][wire]["enum"])),
                doc=schema["properties"][wire]["description"],
            )
            for wire, prop in by_wire.items()
            if isinstance(prop, LiteralEnumProperty) and request
        ]
        needs = [part["required"][0] for part in schema.get("anyOf", [])]
        extra = parsed.additional_properties
        return Model(
            name=name,
            doc=schema["description"],
            request=request,
            base=schema.get("x-python-base"),
            fallback=schema.get("x-fallback"),
            fields=tuple(fields),
            needs_one_of=tuple(
                field.name for wire in needs for field in fields if field.wire == wire
            ),
            enums=tuple(enums),
            extra=self._kind(extra, request=request).annotation if extra else "JsonValue",
        )

    def _field(self, model: str, wire: str, prop: Property, *, request: bool) -> Field:
        declared = self.schemas[model]["properties"][wire]
        pointer = (*SCHEMAS, model, "properties", wire)
        prop.set_python_name(UntrustedString(_singular_acronyms(wire)), CONFIG)
        kind = self._kind(prop, request=request, pointer=pointer)
        default: str | None = None
        if not prop.required:
            default = "UNSET" if request and kind.nullable else "None"
            if not request and "default" in declared:
                default = repr(declared["default"])
            elif not request and not kind.nullable:
                problem = "an optional field of a reply must be nullable or have a default"
                raise SpecError([self.contract.fault(pointer, problem)])
        return Field(
            wire=wire,
            name=str(prop.python_name),
            doc=declared["description"],
            kind=kind,
            required=prop.required,
            default=default,
        )

    def _kind(  # noqa: PLR0911  (one return a type)
        self, prop: PropertyProtocol, *, request: bool, pointer: Pointer = SCHEMAS
    ) -> Kind:
        match prop:
            case StringProperty():
                return _plain("str", "string")
            case BooleanProperty():
                return _plain("bool", "boolean")
            case IntProperty():
                return _plain("int", "integer")
            case FloatProperty():
                return _plain("float", "number")
            case AnyProperty():
                return Kind(
                    annotation="JsonValue", parse="json_value", check="json_value", hashable=False
                )
            case LiteralEnumProperty():
                # The next version of the service may answer with a value that is not known yet.
                name = str(prop.class_info.name)
                return _plain(name, f"_{snake(name)}") if request else _plain("str", "string")
            case ModelProperty():
                return self._model_kind(prop, request=request)
            case ListProperty():
                return self._list_kind(prop, request=request)
            case UnionProperty():
                return self._union_kind(prop, request=request)
            case _:
                problem = f"there is no Python form for {type(prop).__name__}"
                raise SpecError([self.contract.fault(pointer, problem)])

    def _model_kind(self, prop: ModelProperty, *, request: bool) -> Kind:
        name = str(prop.class_info.name)
        # A reference that was read before its target knows the target's name alone.
        prop = self.properties[name]
        if prop.required_properties or prop.optional_properties:
            if not request:
                return Kind(
                    annotation=name,
                    parse=f"{name}.from_dict",
                    check=f"{name}.from_dict",
                    write="{}.to_dict()",
                    models=(name,),
                )
            return Kind(
                annotation=f"{name} | {name}Dict",
                parse=f"{name}.from_dict",
                check=f"model_or_object({name})",
                write=f"wire(ARGUMENT, {{}}, {name})",
                hashable=False,
                models=(name,),
            )
        value = self._kind(prop.additional_properties or _ANY, request=request)
        parse = "json_object" if value.parse == "json_value" else f"map_of({value.parse})"
        annotation = "Mapping" if request else "dict"
        return Kind(
            annotation=f"{annotation}[str, {value.annotation}]",
            parse=parse,
            check=parse,
            hashable=False,
        )

    def _list_kind(self, prop: ListProperty, *, request: bool) -> Kind:
        item = self._kind(prop.inner_property, request=request)
        return Kind(
            annotation=f"{'Sequence' if request else 'list'}[{item.annotation}]",
            parse=f"array_of({item.parse})",
            check=f"array_of({item.check})",
            write="list({})"
            if item.write == "{}"
            else f"[{item.write.format('item')} for item in {{}}]",
            hashable=False,
            models=item.models,
        )

    def _union_kind(self, prop: UnionProperty, *, request: bool) -> Kind:
        kinds = [
            self._kind(inner, request=request)
            for inner in prop.inner_properties
            if not isinstance(inner, NoneProperty)
        ]
        nullable = len(kinds) < len(prop.inner_properties)
        first, *others = kinds
        parse, check = first.parse, first.check
        for other in others:
            parse, check = f"either({parse}, {other.parse})", f"either({check}, {other.check})"
        models = tuple(model for kind in kinds for model in kind.models)
        return Kind(
            annotation=" | ".join(kind.annotation for kind in kinds),
            parse=f"nullable({parse})" if nullable else parse,
            check=f"nullable({check})" if nullable else check,
            write=f"wire(ARGUMENT, {{}}, {', '.join(models)})" if models else "{}",
            nullable=nullable,
            hashable=all(kind.hashable for kind in kinds),
            models=models,
        )

    # ---- Methods ----

    def _method(self, method: Json, pointer: Pointer) -> Method:
        operation = self.contract.spec["paths"][pointer[1]][pointer[2]]
        schema = self.contract.request_schema(operation)
        arguments = tuple(self._argument(argument, schema) for argument in method["arguments"])
        entity = next((a.name for a in arguments if a.wire == method.get("entity")), None)
        returns, parse = self._returned(method["returns"])
        lists = {
            argument.name: self.contract.resolve(schema["properties"][argument.wire])
            for argument in arguments
            if argument.annotation.startswith("Iterable")
        }
        return Method(
            name=method["name"],
            doc=method["description"],
            operation=operation["operationId"],
            path=str(pointer[1]),
            delivers=operation.get("x-delivers"),
            arguments=arguments,
            returns=returns,
            returns_doc=method["returns-description"],
            parse=parse,
            fallback=self._fallback(method["returns"], entity),
            limits=tuple(
                f"`{name}` does not have {_limits(declared)} items"
                for name, declared in lists.items()
            ),
        )

    def _argument(self, argument: Json, schema: Json) -> Argument:
        wire = wire_name(argument)
        shown = argument[wire] if isinstance(argument, dict) else wire
        name = str(PythonIdentifier(_singular_acronyms(shown), "field_"))
        declared = schema["properties"][wire]
        target = self.contract.resolve(declared)
        if target.get("type") == "string":
            annotation, expression = "str", f'argument("{name}", {name}, string)'
        elif target.get("type") == "array":
            item = target["items"]
            names = [one for one in _references(item) if "properties" in self.schemas[one]]
            size = f"{target.get('minItems', 0)}, {target.get('maxItems')}"
            if names:
                inner = " | ".join(f"{one} | {one}Dict" for one in names)
                expression = f'wires("{name}", {name}, {size}, {", ".join(names)})'
            else:
                inner, expression = "str", f'texts("{name}", {name}, {size})'
            annotation = f"Iterable[{inner}]"
        elif "properties" in target:
            model = next(iter(_references(declared)))
            annotation = f"{model} | {model}Dict"
            expression = f'wire("{name}", {name}, {model})'
        else:
            annotation, parse = _ARGUMENTS[target["type"]]
            expression = f'argument("{name}", {name}, {parse})'
        return Argument(
            wire=wire,
            name=name,
            doc=declared["description"],
            annotation=annotation,
            expression=expression,
            several=expression.startswith("texts"),
        )

    def _returned(self, name: str) -> tuple[str, str]:
        schema = self.schemas[name]
        if "x-keyed-by-name" in schema:
            item = schema["x-keyed-by-name"]
            return f"dict[str, {item}]", f"keyed_by_name({item}.from_dict)"
        if schema.get("type") == "array":
            (item,) = _references(schema["items"])
            return f"list[{item}]", f"array_of({item}.from_dict)"
        return name, f"{name}.from_dict"

    def _fallback(self, name: str, entity: str | None) -> str | None:
        schema = self.schemas[name]
        if "x-keyed-by-name" in schema:
            one = self._fallback(schema["x-keyed-by-name"], "name")
            return f"{{name: {one} for name in {entity}}}" if one else None
        if "x-fallback" not in schema:
            return None
        if schema.get("type") == "array":
            return repr(schema["x-fallback"])
        values = {f"{key}={value!r}" for key, value in schema["x-fallback"].items()}
        return f"{name}({', '.join([f'name={entity}', *sorted(values), 'error=error'])})"


_ANY = AnyProperty.build(
    name=UntrustedString("any"),
    required=True,
    default=None,
    python_name=PythonIdentifier("any", ""),
    description=None,
    example=None,
)
_ARGUMENTS = {
    "boolean": ("bool", "boolean"),
    "integer": ("int", "integer"),
    "number": ("float", "number"),
}


def _parse(contract: Contract) -> GeneratorData:
    spec = copy.deepcopy(contract.spec)
    for schema in spec["components"]["schemas"].values():
        for key in ("anyOf", "oneOf"):
            # To openapi-python-client every alternative is a type; these only name fields.
            if is_choice_of_fields(schema.get(key, [])):
                schema.pop(key, None)
    data = GeneratorData.from_dict(spec, config=CONFIG)
    if isinstance(data, GeneratorError):
        raise SpecError([f"{contract.name}: {data.header}: {data.detail}"])
    errors: list[ParseError] = [*data.errors]
    for collection in data.endpoint_collections_by_tag.values():
        errors += collection.parse_errors
    if errors:
        raise SpecError([f"{contract.name}: {error.header}{error.detail}" for error in errors])
    return data


def _references(node: Json) -> list[str]:
    """The names of the schemas that a piece of the contract refers to, itself, not through them."""
    if isinstance(node, dict):
        if "$ref" in node:
            return [str(node["$ref"]).rpartition("/")[2]]
        skipped = {"example", "examples", "default"}
        return [n for key, value in node.items() if key not in skipped for n in _references(value)]
    if isinstance(node, list):
        return [name for value in node for name in _references(value)]
    return []


def _dependencies_first(models: dict[str, Model]) -> Iterator[Model]:
    done: set[str] = set()

    def visit(name: str) -> Iterator[Model]:
        if name in done:
            return
        done.add(name)
        for member in models[name].fields:
            for used in member.kind.models:
                yield from visit(used)
        yield models[name]

    for name in models:
        yield from visit(name)


def _limits(declared: Json) -> str:
    least, most = declared.get("minItems", 0), declared.get("maxItems")
    return f"{least} or more" if most is None else f"{least} to {most}"


def _plain(annotation: str, parse: str) -> Kind:
    return Kind(annotation=annotation, parse=parse, check=parse)


def snake(name: str) -> str:
    """A name in snake_case."""
    return str(PythonIdentifier(name, ""))


def _singular_acronyms(name: str) -> str:
    """`customIDs` is `custom_ids`; without this it would be `custom_i_ds`."""
    return re.sub(r"([A-Z])([A-Z]+)s(?=[A-Z_]|$)", lambda m: f"{m[1]}{m[2].lower()}s", name)


def _raw(name: UntrustedString) -> str:
    return name.get_untrusted_value()
