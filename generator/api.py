"""The Python API that a contract gives, as data: its models, their fields, its methods."""

from attrs import frozen


@frozen(kw_only=True)
class Kind:
    """How a type of the contract stands in Python."""

    annotation: str
    parse: str
    """The parser that reads it."""
    check: str
    """The parser that checks an argument of a constructor."""
    exact: tuple[str, ...] = ()
    """The Python types whose values need no such check."""
    write: str = "VALUE"
    """The expression that writes VALUE; ARGUMENT is what errors call it."""
    nullable: bool = False
    hashable: bool = True
    models: tuple[str, ...] = ()
    """The models that it is made of."""

    @property
    def given(self) -> str:
        """The type of a value that is there."""
        return f"{self.annotation} | None" if self.nullable else self.annotation

    def writing(self, value: str, *, may_be_none: bool = True) -> str:
        """The expression that writes `value`."""
        expression = self.write.replace("VALUE", value)
        if self.nullable and may_be_none and expression != value:
            return f"None if {value} is None else {expression}"
        return expression


@frozen(kw_only=True)
class Enum:
    """A closed set of texts."""

    name: str
    values: tuple[str, ...]
    doc: str


@frozen(kw_only=True)
class Field:
    """A field of a model."""

    wire: str
    name: str
    doc: str
    kind: Kind
    required: bool
    default: str | None
    """What absence reads as; None for a required field."""

    @property
    def annotation(self) -> str:
        """The type of the field."""
        parts = [self.kind.annotation]
        if self.default == "UNSET":
            parts.append("Unset")
        if self.kind.nullable or self.default == "None":
            parts.append("None")
        return " | ".join(parts)


@frozen(kw_only=True)
class Model:
    """A class of the generated code."""

    name: str
    doc: str
    request: bool
    """Whether it is sent; else it is received."""
    base: str | None
    fallback: dict[str, object] | None
    fields: tuple[Field, ...]
    needs_one_of: tuple[str, ...]
    enums: tuple[Enum, ...]
    extra: str
    """What the values of unknown fields are."""


@frozen(kw_only=True)
class Argument:
    """An argument of a method."""

    wire: str
    name: str
    doc: str
    annotation: str
    expression: str
    """What checks it and gives its wire form."""
    several: bool = False
    """Whether it is a list of strings, which may be read only once."""
    least: int = 0
    most: int | None = None
    """How many items a list must have, and may have."""

    @property
    def size(self) -> str | None:
        """How many items it must have, in words."""
        if self.most is None:
            return f"{self.least} or more" if self.least else None
        return f"{self.least} to {self.most}"


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


@frozen(kw_only=True)
class Api:
    """All that a user of the generated package can see."""

    models: tuple[Model, ...]
    methods: tuple[Method, ...]
    servers: dict[str, str]

    @property
    def requests(self) -> tuple[str, ...]:
        """The names of the models that are sent."""
        return tuple(model.name for model in self.models if model.request)
