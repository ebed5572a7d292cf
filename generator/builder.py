"""The intermediate model of a spec.

openapi-python-client parses the schemas into typed properties. This module turns them into classes,
fields and methods; the templates only render these.
"""

import ast
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
from .docstrings import description
from .lint import REQUEST_BASE, check
from .spec import (
    SCHEMAS,
    Json,
    Pointer,
    Spec,
    argument_field,
    is_choice_of_fields,
    references,
    target_name,
)
from .types import TypeMapper

CONFIG = Config.from_sources(
    ConfigFile(literal_enums=True),
    MetaType.NONE,
    Path("openapi.yaml"),
    "utf-8",
    overwrite=True,
    output_path=None,
)
PACKAGE = Path(__file__).parents[1] / "statsig_api_client"
TEMPLATE_NAMES = {
    "API_SERVER", "AsyncOperations", "AsyncRawOperations", "EVENTS_SERVER", "Final", "Iterable",
    "Literal", "Mapping", "NotRequired", "Operations", "RawOperations", "Self", "Sequence",
    "TypeAlias", "TypedDict", "calls", "set_field", "warnings",
}  # fmt: skip
"""The names that generated modules define or import themselves."""
SCALARS = {
    "string": ("str", "string"),
    "boolean": ("bool", "boolean"),
    "integer": ("int", "integer"),
    "number": ("float", "number"),
}
"""The annotation and the parser of a scalar argument."""


def build_api(spec: Spec) -> Api:
    """Build the intermediate model of a spec.

    Raises:
        SpecError: The spec violates a rule, or the generator does not support a part of it.
    """
    check(spec)
    return _Builder(spec).api()


class _Builder:
    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.schemas: Json = spec.document["components"]["schemas"]
        self.models: dict[str, Model] = {}
        self.objects = {str(model.class_info.name): model for model in _parse(spec).models}
        self.types = TypeMapper(spec, self.objects)
        self.reserved = _runtime_names() | TEMPLATE_NAMES
        self.client_members = _client_members()
        self.sent = self._reachable(self._sent_roots())
        self.received = self._reachable(method["returns"] for method, *_ in self._methods())

    def api(self) -> Api:
        used = {*self.sent, *self.received}
        names = [n for n, schema in self.schemas.items() if "properties" in schema and n in used]
        # In a request, absent and null differ; in a response, they are the same.
        problem = "a schema cannot be part of both requests and responses"
        both = [name for name in names if name in self.sent and name in self.received]
        self.spec.reject(((*SCHEMAS, name), problem) for name in both)
        self.models = models = {name: self._model(name) for name in names}
        request_bodies = [
            str(target_name(self.spec.request_schema(operation)))
            for _, operation in self.spec.operations()
        ]
        self._reject_taken_names(models, request_bodies)
        return Api(
            models=tuple(_dependencies_first(models)),
            methods=tuple(self._method(*found) for found in self._methods()),
            servers=self._servers(),
            request_bodies=tuple(dict.fromkeys(request_bodies)),
        )

    def _servers(self) -> dict[str, str]:
        api = self.spec.document["servers"]
        deliveries = (
            operation["servers"]
            for _, operation in self.spec.operations()
            if "x-delivers" in operation
        )
        return {"API_SERVER": api[0]["url"], "EVENTS_SERVER": next(deliveries, api)[0]["url"]}

    # ---- Requests and responses ----

    def _methods(self) -> Iterator[tuple[Json, Json, Pointer]]:
        """Yield every method, its operation and its pointer."""
        for pointer, operation in self.spec.operations():
            for index, method in enumerate(operation["x-client-methods"]):
                yield method, operation, (*pointer, "x-client-methods", index)

    def _request_fields(self, operation: Json) -> Json:
        return self.spec.resolve(self.spec.request_schema(operation))["properties"]

    def _sent_roots(self) -> Iterator[str]:
        for method, operation, _ in self._methods():
            fields = self._request_fields(operation)
            for argument in method["arguments"]:
                yield from references(fields[argument_field(argument)])

    def _reachable(self, roots: Iterable[str]) -> dict[str, None]:
        found: dict[str, None] = {}
        queue = list(roots)
        while queue:
            name = queue.pop(0)
            if name not in found:
                found[name] = None
                schema = self.schemas[name]
                item = schema.get("x-keyed-by-name")
                # Items are parsed into the named schema; the other has no class.
                queue.extend([item] if item else references(schema))
        return found

    # ---- Models ----

    def _model(self, name: str) -> Model:
        schema = self.schemas[name]
        request = name in self.sent
        if name not in self.objects or not name.isascii():
            raise self.spec.error((*SCHEMAS, name), "expected a class name such as StatsigUser")
        if "oneOf" in schema:
            problem = "the generator supports only anyOf for a choice of fields"
            raise self.spec.error((*SCHEMAS, name, "oneOf"), problem)
        base = schema.get("x-python-base")
        if request and ("x-fallback" in schema or base not in (None, REQUEST_BASE)):
            problem = f"x-fallback and x-python-base, except {REQUEST_BASE}, are for responses"
            raise self.spec.error((*SCHEMAS, name), problem)
        if not request and base == REQUEST_BASE:
            raise self.spec.error((*SCHEMAS, name, "x-python-base"), f"{base} is for requests")
        parsed = self.objects[name]
        properties = (parsed.required_properties or []) + (parsed.optional_properties or [])
        by_wire = {prop.name.get_untrusted_value(): prop for prop in properties}
        fields = [
            self._field(name, wire, by_wire[wire], request=request)
            for wire in sorted(schema["properties"], key=lambda key: not by_wire[key].required)
        ]
        self._reject_taken_fields(name, fields)
        enums = [
            Enum(
                name=str(prop.class_info.name),
                values=tuple(map(str, schema["properties"][wire]["enum"])),
                doc=description(schema["properties"][wire]),
            )
            for wire, prop in by_wire.items()
            if isinstance(prop, LiteralEnumProperty) and request
        ]
        any_of = [part["required"][0] for part in schema.get("anyOf", [])]
        return Model(
            name=name,
            doc=description(schema),
            request=request,
            base=base,
            fallback=schema.get("x-fallback"),
            fields=tuple(fields),
            any_of=tuple(field.name for wire in any_of for field in fields if field.wire == wire),
            enums=tuple(enums),
        )

    def _field(self, model: str, wire: str, prop: Property, *, request: bool) -> Field:
        schema = self.schemas[model]["properties"][wire]
        pointer = (*SCHEMAS, model, "properties", wire)
        prop.set_python_name(UntrustedString(_fold_plural_acronyms(wire)), CONFIG)
        type_ = self.types.python_type(prop, pointer, request=request)
        default: str | None = None
        if not prop.required:
            default = "UNSET" if request and type_.nullable else "None"
            if not request and "default" in schema:
                default = repr(schema["default"])
            elif not request and not type_.nullable:
                problem = "an optional field of a response must be nullable or have a default"
                raise self.spec.error(pointer, problem)
        return Field(
            wire=wire,
            name=self._unreserved(str(prop.python_name), pointer),
            doc=description(schema),
            type=type_,
            required=prop.required,
            default=default,
        )

    def _unreserved(self, name: str, pointer: Pointer) -> str:
        """Return a Python name that does not shadow a name in the generated code."""
        if not name.isascii():
            raise self.spec.error(pointer, f"expected an ASCII name, got {name!r}")
        return f"{name}_" if name in self.reserved else name

    def _reject_taken_fields(self, model: str, fields: list[Field]) -> None:
        schema = self.schemas[model]
        taken = {"additional_properties", "from_dict", "to_dict"}
        taken |= {"error"} if "x-fallback" in schema else set()
        taken |= {"get"} if schema.get("x-python-base") == "ParameterValues" else set()
        for field in fields:
            if field.name in taken:
                problem = f"the class already has a member {field.name!r}"
                raise self.spec.error((*SCHEMAS, model, "properties", field.wire), problem)
            taken.add(field.name)

    def _reject_taken_names(self, models: dict[str, Model], request_bodies: list[str]) -> None:
        """Check that all generated classes, aliases and TypedDicts have distinct names."""
        sent = [*request_bodies, *(name for name, model in models.items() if model.request)]
        taken = self.reserved | {f"{name}Dict" for name in sent}
        for name, model in models.items():
            for own in (name, *(enum.name for enum in model.enums)):
                if own in taken:
                    problem = f"the generated code already has a name {own!r}"
                    raise self.spec.error((*SCHEMAS, name), problem)
                taken.add(own)

    # ---- Methods ----

    def _method(self, method: Json, operation: Json, pointer: Pointer) -> Method:
        if method["name"] in self.reserved | self.client_members:
            raise self.spec.error((*pointer, "name"), "the name is taken")
        fields = self._request_fields(operation)
        arguments = tuple(
            self._argument(argument, fields, (*pointer, "arguments", index))
            for index, argument in enumerate(method["arguments"])
        )
        entity = next((a.name for a in arguments if a.wire == method.get("entity")), None)
        returns, parse = self._returned(method["returns"], (*pointer, "returns"))
        deprecated = bool(operation.get("deprecated"))
        return Method(
            name=method["name"],
            doc=description({"description": method["description"], "deprecated": deprecated}),
            path=str(pointer[1]),
            delivers=operation.get("x-delivers"),
            arguments=arguments,
            returns=returns,
            returns_doc=method["returns-description"],
            parse=parse,
            fallback=self._fallback(method["returns"], entity),
            deprecated=deprecated,
        )

    def _argument(self, argument: Json, fields: Json, pointer: Pointer) -> Argument:
        wire = argument_field(argument)
        chosen = argument[wire] if isinstance(argument, dict) else wire
        identifier = str(PythonIdentifier(_fold_plural_acronyms(chosen), "field_"))
        name = self._unreserved(identifier, pointer)
        name = "error_" if name == "error" else name  # the parameter of fallbacks
        schema = self.spec.resolve(fields[wire])
        minimum, maximum = schema.get("minItems", 0), schema.get("maxItems")
        if "enum" in schema:
            raise self.spec.error(pointer, f"{wire!r} cannot be an argument: it is an enum")
        if isinstance(schema.get("type"), str) and schema["type"] in SCALARS:
            annotation, parser = SCALARS[schema["type"]]
            expression = f"check_argument({name!r}, {name}, {parser})"
        elif "properties" in schema:
            (model,) = references(fields[wire])
            annotation = f"{model} | {model}Dict"
            expression = f"model_json({name!r}, {name}, {model})"
        elif models := self._item_models(schema):
            bases = {self.schemas[model].get("x-python-base") for model in models} - {None}
            names = [*sorted(bases), *(f"{model} | {model}Dict" for model in models)]
            annotation = f"Iterable[{' | '.join(names)}]"
            expression = f"models_json({name!r}, {name}, {minimum}, {maximum}, {', '.join(models)})"
        elif self.spec.resolve(schema.get("items", {})).get("type") == "string":
            annotation = "Iterable[str]"
            expression = f"check_strings({name!r}, {name}, {minimum}, {maximum})"
        else:
            problem = f"{wire!r} cannot be an argument: its type is not supported"
            raise self.spec.error(pointer, problem)
        return Argument(
            wire=wire,
            name=name,
            doc=description(fields[wire]),
            annotation=annotation,
            expression=expression,
            reused=expression.startswith("check_strings"),
            min_items=minimum,
            max_items=maximum,
        )

    def _item_models(self, schema: Json) -> list[str]:
        """Return the models of the items of an array, or an empty list for other items."""
        items = schema.get("items", {})
        alternatives = items.get("anyOf", [items])
        names = [name for part in alternatives for name in references(part)]
        models = [name for name in names if "properties" in self.schemas[name]]
        return models if len(models) == len(alternatives) else []

    def _returned(self, name: str, pointer: Pointer) -> tuple[str, str]:
        """Return the annotation and the parser of a method's result."""
        schema = self.schemas[name]
        if "x-keyed-by-name" in schema:
            item = schema["x-keyed-by-name"]
            return f"dict[str, {item}]", f"keyed_by_name({item}.from_dict)"
        if models := self._item_models(schema):
            if len(models) == 1:
                return f"list[{models[0]}]", f"array_of({models[0]}.from_dict)"
        elif "properties" in schema:
            return name, f"{name}.from_dict"
        problem = f"a method cannot return {name}: expected an object or an array of objects"
        raise self.spec.error(pointer, problem)

    def _fallback(self, name: str, entity: str | None) -> str | None:
        """Return the expression of a result's fallback, or None."""
        schema = self.schemas[name]
        if "x-keyed-by-name" in schema:
            item = self._fallback(schema["x-keyed-by-name"], "name")
            return f"{{name: {item} for name in {entity}}}" if item else None
        if "x-fallback" not in schema:
            return None
        if schema.get("type") == "array":
            return repr(schema["x-fallback"])
        values = [
            f"{field.name}={schema['x-fallback'][field.wire]!r}"
            for field in self.models[name].fields
            if field.wire in schema["x-fallback"]
        ]
        return f"{name}({', '.join([f'name={entity}', *values, 'error=error'])})"


def _parse(spec: Spec) -> GeneratorData:
    document = copy.deepcopy(spec.document)
    for schema in document["components"]["schemas"].values():
        for key in ("anyOf", "oneOf"):
            # openapi-python-client interprets every alternative as a type.
            if is_choice_of_fields(schema.get(key, [])):
                schema.pop(key, None)
    data = GeneratorData.from_dict(document, config=CONFIG)
    if isinstance(data, GeneratorError):
        raise spec.error((), _message(data))
    errors: list[ParseError] = [*data.errors]
    for collection in data.endpoint_collections_by_tag.values():
        errors += collection.parse_errors
    spec.reject(((), _message(error)) for error in errors)
    return data


def _message(error: GeneratorError) -> str:
    return " ".join(f"{error.header} {error.detail or ''}".split())


def _runtime_names() -> set[str]:
    """Return the names that generated code can import from `_runtime`.

    The module is parsed, not imported, because its package imports the generated code.
    """
    module = PACKAGE / "_runtime" / "__init__.py"
    for statement in ast.parse(module.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "__all__":
            return set(ast.literal_eval(statement.value))
    raise ValueError(f"{module}: expected `__all__`")


def _client_members() -> set[str]:
    """Return the names of hand-written methods, which would override generated ones."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    modules = [ast.parse(file.read_text(encoding="utf-8")) for file in PACKAGE.glob("_*client.py")]
    return {n.name for module in modules for n in ast.walk(module) if isinstance(n, functions)}


def _dependencies_first(models: dict[str, Model]) -> Iterator[Model]:
    finished: set[str] = set()

    def visit(name: str) -> Iterator[Model]:
        if name not in finished:
            finished.add(name)
            for field in models[name].fields:
                for used in field.type.models:
                    yield from visit(used)
            yield models[name]

    for name in models:
        yield from visit(name)


def _fold_plural_acronyms(name: str) -> str:
    """Change `customIDs` to `customIds`, which becomes `custom_ids` and not `custom_i_ds`."""
    return re.sub(r"([A-Z])([A-Z]+)s(?=[A-Z_]|$)", lambda m: f"{m[1]}{m[2].lower()}s", name)
