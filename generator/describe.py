"""Reads a contract into a description of its Python API.

openapi-python-client turns the schemas into typed properties; this module says which classes,
fields and methods they become. The templates only lay it out.
"""

import copy
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser.errors import GeneratorError, ParseError
from openapi_python_client.parser.openapi import GeneratorData
from openapi_python_client.parser.properties import LiteralEnumProperty, Property
from openapi_python_client.schema.untrusted_string import UntrustedString
from openapi_python_client.strings import PythonIdentifier

from .api import Api, Argument, Enum, Field, Method, Model
from .contract import SCHEMAS, Contract, Json, Pointer, SpecError, is_choice_of_fields, wire_name
from .kinds import Kinds
from .rules import check

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
        SpecError: It breaks a rule, or openapi-python-client cannot read it.
    """
    check(contract)
    return _Reader(contract).api()


class _Reader:
    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.schemas: Json = contract.spec["components"]["schemas"]
        data = _parse(contract)
        self.properties = {str(model.class_info.name): model for model in data.models}
        self.kinds = Kinds(contract, self.properties)
        self.sent = self._reachable(self._sent_roots())
        self.received = self._reachable(method["returns"] for method, _ in self._methods())

    def api(self) -> Api:
        names = self._with_fields()
        # Absent and null differ in what is sent and are one in what is received.
        problem = "a schema cannot be both sent and received"
        both = [name for name in names if name in self.sent and name in self.received]
        self.contract.refuse(((*SCHEMAS, name), problem) for name in both)
        models = {name: self._model(name) for name in names}
        methods = tuple(self._method(method, pointer) for method, pointer in self._methods())
        return Api(
            models=tuple(self._dependencies_first(models)),
            methods=methods,
            servers=self._servers(),
        )

    def _servers(self) -> dict[str, str]:
        api = self.contract.spec["servers"]
        deliveries = (
            operation["servers"]
            for _, operation in self.contract.operations()
            if "x-delivers" in operation
        )
        return {"API_SERVER": api[0]["url"], "EVENTS_SERVER": next(deliveries, api)[0]["url"]}

    def _refusal(self, pointer: Pointer, problem: str) -> SpecError:
        return SpecError([self.contract.fault(pointer, problem)])

    # ---- What is sent, what is received ----

    def _methods(self) -> Iterator[tuple[Json, Pointer]]:
        for pointer, operation in self.contract.operations():
            for index, method in enumerate(operation["x-client-methods"]):
                yield method, (*pointer, "x-client-methods", index)

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
                schema = self.schemas[name]
                keyed = schema.get("x-keyed-by-name")
                # Python sees the named form of such things alone.
                queue.extend([keyed] if keyed else _references(schema))
        return found

    def _with_fields(self) -> list[str]:
        used = {*self.sent, *self.received}
        return [n for n, schema in self.schemas.items() if "properties" in schema and n in used]

    # ---- Models ----

    def _model(self, name: str) -> Model:
        schema = self.schemas[name]
        request = name in self.sent
        if name not in self.properties or name in _TAKEN_CLASSES:
            raise self._refusal((*SCHEMAS, name), "a class needs a free name like StatsigUser")
        if "oneOf" in schema:
            raise self._refusal(
                (*SCHEMAS, name, "oneOf"), "a class can only say anyOf of its fields"
            )
        if request and not schema.keys().isdisjoint(("x-python-base", "x-fallback")):
            raise self._refusal((*SCHEMAS, name), "x-python-base and x-fallback are for replies")
        parsed = self.properties[name]
        properties = (parsed.required_properties or []) + (parsed.optional_properties or [])
        by_wire = {_raw(prop.name): prop for prop in properties}
        fields = [
            self._field(name, wire, by_wire[wire], request=request)
            for wire in sorted(schema["properties"], key=lambda key: not by_wire[key].required)
        ]
        self._refuse_taken_names(name, fields)
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
            extra=self.kinds.kind(extra, (*SCHEMAS, name), request=request).given
            if extra
            else "JsonValue",
        )

    def _field(self, model: str, wire: str, prop: Property, *, request: bool) -> Field:
        declared = self.schemas[model]["properties"][wire]
        pointer = (*SCHEMAS, model, "properties", wire)
        prop.set_python_name(UntrustedString(_singular_acronyms(wire)), CONFIG)
        name = _unreserved(str(prop.python_name))
        kind = self.kinds.kind(prop, pointer, request=request)
        default: str | None = None
        if not prop.required:
            default = "UNSET" if request and kind.nullable else "None"
            if not request and "default" in declared:
                default = repr(declared["default"])
            elif not request and not kind.nullable:
                problem = "an optional field of a reply must be nullable or have a default"
                raise self._refusal(pointer, problem)
        return Field(
            wire=wire,
            name=name,
            doc=declared["description"],
            kind=kind,
            required=prop.required,
            default=default,
        )

    def _refuse_taken_names(self, model: str, fields: list[Field]) -> None:
        schema = self.schemas[model]
        taken = {"additional_properties", "from_dict", "to_dict"}
        taken |= {"error"} if "x-fallback" in schema else set()
        taken |= {"get"} if schema.get("x-python-base") == "ParameterValues" else set()
        for field in fields:
            if field.name in taken:
                problem = f"the Python class has another {field.name!r} already"
                raise self._refusal((*SCHEMAS, model, "properties", field.wire), problem)
            taken.add(field.name)

    def _dependencies_first(self, models: dict[str, Model]) -> Iterator[Model]:
        done: set[str] = set()

        def visit(name: str, within: tuple[str, ...]) -> Iterator[Model]:
            if name in within:
                raise self._refusal(
                    (*SCHEMAS, name), "an object cannot contain objects of its own kind"
                )
            if name in done:
                return
            for member in models[name].fields:
                for used in member.kind.models:
                    yield from visit(used, (*within, name))
            done.add(name)
            yield models[name]

        for name in models:
            yield from visit(name, ())

    # ---- Methods ----

    def _method(self, method: Json, pointer: Pointer) -> Method:
        operation = self.contract.spec["paths"][pointer[1]][pointer[2]]
        schema = self.contract.request_schema(operation)
        arguments = tuple(
            self._argument(argument, schema, (*pointer, "arguments", index))
            for index, argument in enumerate(method["arguments"])
        )
        entity = next((a.name for a in arguments if a.wire == method.get("entity")), None)
        returns, parse = self._returned(method["returns"], (*pointer, "returns"))
        return Method(
            name=method["name"],
            doc=method["description"],
            path=str(pointer[1]),
            delivers=operation.get("x-delivers"),
            arguments=arguments,
            returns=returns,
            returns_doc=method["returns-description"],
            parse=parse,
            fallback=self._fallback(method["returns"], entity),
        )

    def _argument(self, argument: Json, schema: Json, pointer: Pointer) -> Argument:
        wire = wire_name(argument)
        shown = argument[wire] if isinstance(argument, dict) else wire
        name = _unreserved(str(PythonIdentifier(_singular_acronyms(shown), "field_")))
        declared = schema["properties"][wire]
        target = self.contract.resolve(declared)
        least, most = target.get("minItems", 0), target.get("maxItems")
        if isinstance(target.get("type"), str) and target["type"] in _ARGUMENTS:
            annotation, parse = _ARGUMENTS[target["type"]]
            expression = f'argument("{name}", {name}, {parse})'
        elif "properties" in target:
            (model,) = _references(declared)
            annotation = f"{model} | {model}Dict"
            expression = f'wire("{name}", {name}, {model})'
        elif models := self._item_models(target):
            annotation = f"Iterable[{' | '.join(f'{model} | {model}Dict' for model in models)}]"
            expression = f'wires("{name}", {name}, {least}, {most}, {", ".join(models)})'
        elif self.contract.resolve(target.get("items", {})).get("type") == "string":
            annotation = "Iterable[str]"
            expression = f'texts("{name}", {name}, {least}, {most})'
        else:
            raise self._refusal(
                pointer, f"{wire!r} cannot be an argument: its type has no Python form"
            )
        if "enum" in target:
            raise self._refusal(pointer, f"{wire!r} cannot be an argument: it is an enum")
        return Argument(
            wire=wire,
            name=name,
            doc=declared["description"],
            annotation=annotation,
            expression=expression,
            several=expression.startswith("texts"),
            least=least,
            most=most,
        )

    def _item_models(self, target: Json) -> list[str]:
        """The models of which a list consists, if it consists of models."""
        items = target.get("items", {})
        alternatives = items.get("anyOf", [items])
        names = [name for part in alternatives for name in _references(part)]
        models = [name for name in names if "properties" in self.schemas[name]]
        return models if len(models) == len(alternatives) else []

    def _returned(self, name: str, pointer: Pointer) -> tuple[str, str]:
        schema = self.schemas[name]
        if "x-keyed-by-name" in schema:
            item = schema["x-keyed-by-name"]
            return f"dict[str, {item}]", f"keyed_by_name({item}.from_dict)"
        if models := self._item_models(schema):
            if len(models) == 1:
                return f"list[{models[0]}]", f"array_of({models[0]}.from_dict)"
        elif "properties" in schema:
            return name, f"{name}.from_dict"
        raise self._refusal(
            pointer, f"a method cannot return a {name}: expected an object or an array"
        )

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


_TAKEN_CLASSES = {
    "APIResponse", "AsyncOperations", "AsyncRawOperations", "Call", "Final", "GateValue",
    "Iterable", "JsonObject", "Literal", "Mapping", "NotRequired", "ObjectReader", "Operations",
    "ParameterValues", "Parser", "RawOperations", "SchemaError", "Self", "Sequence", "StatsigError",
    "TypeAlias", "TypedDict", "Unset",
}  # fmt: skip
_RESERVED = {
    "argument", "array_of", "boolean", "calls", "either", "field", "integer", "json_object",
    "json_value", "keyed_by_name", "map_of", "model_or_object", "nullable", "number", "one_of",
    "string", "texts", "typed", "wire", "wires",
}  # fmt: skip
_ARGUMENTS = {
    "string": ("str", "string"),
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
        raise SpecError([contract.fault((), _told(data))])
    errors: list[ParseError] = [*data.errors]
    for collection in data.endpoint_collections_by_tag.values():
        errors += collection.parse_errors
    contract.refuse(((), _told(error)) for error in errors)
    return data


def _told(error: GeneratorError) -> str:
    return " ".join(f"{error.header} {error.detail or ''}".split())


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


def _unreserved(name: str) -> str:
    """A name that hides none of those which the code around it needs."""
    return f"{name}_" if name in _RESERVED else name


def _singular_acronyms(name: str) -> str:
    """`customIDs` is `custom_ids`; without this it would be `custom_i_ds`."""
    return re.sub(r"([A-Z])([A-Z]+)s(?=[A-Z_]|$)", lambda m: f"{m[1]}{m[2].lower()}s", name)


def _raw(name: UntrustedString) -> str:
    return name.get_untrusted_value()
