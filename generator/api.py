"""Intermediate model of the generated code: models, fields, methods and arguments."""

from attrs import frozen


@frozen(kw_only=True)
class PythonType:
    """The Python form of a schema."""

    annotation: str
    parse: str
    """The parser of its JSON values."""
    check: str
    """The parser that checks a constructor argument."""
    exact: tuple[str, ...] = ()
    """The Python types whose values need no check."""
    to_json: str = "VALUE"
    """The expression that converts VALUE to JSON; ARGUMENT is the name in errors."""
    nullable: bool = False
    hashable: bool = True
    models: tuple[str, ...] = ()
    """The models in it."""

    @property
    def optional_annotation(self) -> str:
        """The annotation, with None if null is allowed."""
        return f"{self.annotation} | None" if self.nullable else self.annotation

    def serialize(self, value: str, *, may_be_none: bool = True) -> str:
        """Return the expression that converts `value` to JSON."""
        expression = self.to_json.replace("VALUE", value)
        if self.nullable and may_be_none and expression != value:
            return f"None if {value} is None else {expression}"
        return expression


@frozen(kw_only=True)
class Enum:
    """A closed set of strings."""

    name: str
    values: tuple[str, ...]
    doc: str


@frozen(kw_only=True)
class Field:
    """A field of a model."""

    wire: str
    """The name in JSON."""
    name: str
    doc: str
    type: PythonType
    required: bool
    default: str | None
    """The value of an absent field; None for a required field."""

    @property
    def annotation(self) -> str:
        """The annotation of the field."""
        parts = [self.type.annotation]
        if self.default == "UNSET":
            parts.append("Unset")
        if self.type.nullable or self.default == "None":
            parts.append("None")
        return " | ".join(parts)


@frozen(kw_only=True)
class Model:
    """A generated class."""

    name: str
    doc: str
    request: bool
    """Whether it is part of a request, not of a response."""
    base: str | None
    fallback: dict[str, object] | None
    fields: tuple[Field, ...]
    any_of: tuple[str, ...]
    """The fields of which at least one is required."""
    enums: tuple[Enum, ...]


@frozen(kw_only=True)
class Argument:
    """An argument of a method."""

    wire: str
    """The name of its request field."""
    name: str
    doc: str
    annotation: str
    expression: str
    """The expression that checks it and converts it to JSON."""
    reused: bool = False
    """Whether the fallback uses it, too; an iterator can be consumed only once."""
    min_items: int = 0
    max_items: int | None = None

    @property
    def size(self) -> str | None:
        """The allowed number of items in words, or None without a limit."""
        if self.max_items is None:
            return f"{self.min_items} or more" if self.min_items else None
        return f"{self.min_items} to {self.max_items}"


@frozen(kw_only=True)
class Method:
    """A method of the client."""

    name: str
    doc: str
    path: str
    delivers: str | None
    arguments: tuple[Argument, ...]
    returns: str
    returns_doc: str
    parse: str
    fallback: str | None
    deprecated: bool


@frozen(kw_only=True)
class Api:
    """The public API of the generated package."""

    models: tuple[Model, ...]
    methods: tuple[Method, ...]
    servers: dict[str, str]
    request_bodies: tuple[str, ...]
    """The names of the schemas of request bodies."""

    @property
    def requests(self) -> tuple[str, ...]:
        """The names of the request models."""
        return tuple(model.name for model in self.models if model.request)
