"""The JSON Schema of project files, for completion and validation in editors.

The reader takes the keys of each mapping from these tables.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from ..._runtime.parsers import JsonObject, JsonValue
from .operators import (
    CRITERIA,
    CUSTOM,
    CUSTOM_ID_MEANING,
    CUSTOM_ID_OPERATORS,
    CUSTOM_IDS,
    CUSTOM_MEANING,
    CUSTOM_OPERATORS,
    GATE_CRITERIA,
    OPERATORS,
    SHARE,
    Operand,
    Operator,
)

NAME: Final = "[a-zA-Z0-9_\\-. ]{2,100}"
"""The pattern of entity names."""


def _string(description: str) -> JsonObject:
    return {"type": "string", "description": description}


def _boolean(description: str) -> JsonObject:
    return {"type": "boolean", "default": True, "description": description}


def _percentage(description: str, default: int | None = None) -> JsonObject:
    defaults: JsonObject = {} if default is None else {"default": default}
    schema: JsonObject = {"type": "number", "minimum": 0, "maximum": 100}
    return {**schema, **defaults, "description": description}


def _parameters(description: str) -> JsonObject:
    return {"type": "object", "description": description}


def _reference(name: str, description: str) -> JsonObject:
    return {"$ref": f"#/$defs/{name}", "description": description}


def _mapping(fields: JsonObject, required: Sequence[str] = ()) -> JsonObject:
    needed: JsonObject = {"required": [*required]} if required else {}
    return {"type": "object", "properties": fields, "additionalProperties": False, **needed}


def _entities(item: JsonObject, description: str) -> JsonObject:
    return {
        "type": "object",
        "propertyNames": {"pattern": f"^{NAME}$"},
        "additionalProperties": item,
        "description": description,
    }


_ENTITY: Final[JsonObject] = {
    "description": _string("A description, for readers of the file."),
    "idType": {
        **_string("The ID that divides users: userID, or a custom ID type."),
        "default": "userID",
    },
}

RULE: Final[JsonObject] = {
    "name": _string("The name of the rule; renaming it assigns users again."),
    "if": _reference("conditions", "The conditions of the rule; by default everyone."),
    "rollout": _percentage("The percentage of matching users, with at most two decimals.", 100),
}
CONFIG_RULE: Final[JsonObject] = {
    **RULE,
    "value": _parameters("The parameters for users of the rule, in place of the default."),
}
SEGMENT: Final[JsonObject] = {
    **_ENTITY,
    "rules": {
        "type": "array",
        "items": _mapping(RULE, ["name"]),
        "description": "The rules; the first whose conditions hold applies.",
    },
}
GATE: Final[JsonObject] = {**SEGMENT, "enabled": _boolean("False: fails for everyone.")}
CONFIG: Final[JsonObject] = {
    **_ENTITY,
    "enabled": _boolean("False: everyone gets the default."),
    "default": _parameters("The parameters for users without a rule."),
    "rules": {
        "type": "array",
        "items": _mapping(CONFIG_RULE, ["name", "value"]),
        "description": "The rules; the first whose conditions hold applies.",
    },
}
GROUP: Final[JsonObject] = {
    "description": _string("A description, for readers of the file."),
    "share": _percentage("The percentage of the experiment's users; by default equal shares."),
    "value": _parameters("The parameters that differ from the default."),
}
EXPERIMENT: Final[JsonObject] = {
    **_ENTITY,
    "active": _boolean("False: not started; everyone gets the default."),
    "layer": _string("The layer of the experiment, which defines idType and default."),
    "allocation": _percentage(
        "The percentage of users, or of the layer's users, who can be in the experiment.", 100
    ),
    "targeting": _reference("conditions", "The conditions on users who can be in the experiment."),
    "default": _parameters("The parameters for users outside the experiment."),
    "groups": {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": _mapping(GROUP, ["value"]),
        "description": "The groups by name; shares add up to 100.",
    },
}
LAYER: Final[JsonObject] = {
    **_ENTITY,
    "default": _parameters("The parameters and their default values."),
}


def _all_or_list(kind: str) -> JsonObject:
    return {
        "type": ["string", "array"],
        "pattern": "^all$",
        "items": {"type": "string"},
        "minItems": 1,
        "description": f"`all`, or a list of {kind}.",
    }


HELD_OUT: Final[JsonObject] = {
    kind: _all_or_list(kind) for kind in ("gates", "configs", "experiments", "layers")
}
HOLDOUT: Final[JsonObject] = {
    **_ENTITY,
    "share": _percentage("The percentage of users to hold out, with at most two decimals."),
    "if": _reference(
        "conditions", "The conditions on users who can be held out; by default everyone."
    ),
    "from": {
        **_mapping(HELD_OUT),
        "type": ["string", "object"],
        "pattern": "^everything$",
        "minProperties": 1,
        "description": "The entities to hold users out of: `everything`, or a list per kind.",
    },
}
_CLIENT_READS_SPECS: Final = "client reads specs"
KEYS: Final[JsonObject] = {
    **{
        kind: {"type": "string", "pattern": f"^{kind}-[!-~]*$", "description": description}
        for kind, description in {
            "secret": "The server secret key.",
            "client": "The client SDK key.",
        }.items()
    },
    _CLIENT_READS_SPECS: {
        "type": "boolean",
        "default": False,
        "description": "Whether SDKs that evaluate on a device may download all rules.",
    },
}
PROJECT: Final[JsonObject] = {
    "description": _string("A description, for readers of the file."),
    "keys": {
        **_mapping(KEYS),
        "description": "The API keys that the server accepts in the header statsig-api-key.",
    },
    "environments": {
        "type": "array",
        "items": {"type": "string"},
        "minItems": 1,
        "uniqueItems": True,
        "default": ["development", "staging", "production"],
        "description": "The environments that conditions can name.",
    },
    "id lists": _entities(
        {
            "type": ["string", "array"],
            "items": {"type": ["string", "number"]},
            "description": "The IDs, or the relative path of a file with one ID per line.",
        },
        "ID lists for the operators `in list` and `not in list`.",
    ),
    "segments": _entities(_mapping(SEGMENT), "Segments: groups of users for use in conditions."),
    "holdouts": _entities(
        _mapping(HOLDOUT, ["share", "from"]),
        "Holdouts: shares of users who get no new features, to measure their combined effect.",
    ),
    "gates": _entities(_mapping(GATE), "Feature gates."),
    "configs": _entities(_mapping(CONFIG), "Dynamic configs: parameters by rule."),
    "experiments": _entities(_mapping(EXPERIMENT, ["groups"]), "Experiments: parameters by group."),
    "layers": _entities(
        _mapping(LAYER, ["default"]),
        "Layers: parameters that experiments share; a user is in at most one of them.",
    ),
}

NAMED_SHARE: Final[JsonObject] = {
    "named": _string("The name of the share; the same name selects the same users everywhere."),
    "from": _percentage("The percentage at which the share starts.", 0),
    "to": _percentage("The percentage at which the share ends.", 100),
}


_SCALAR: Final[list[JsonValue]] = ["string", "number", "boolean"]
_VALUES: Final[JsonObject] = {
    "type": [*_SCALAR, "array"],
    "items": {"type": _SCALAR},
    "minItems": 1,
}
_NAMES: Final[JsonObject] = {
    "type": ["string", "array"],
    "items": {"type": "string"},
    "minItems": 1,
}
_OPERANDS: Final[Mapping[Operand, JsonObject]] = {
    Operand.VALUES: _VALUES,
    Operand.VALUE: {"type": _SCALAR},
    Operand.NUMBER: {"type": "number"},
    Operand.VERSION: {"type": ["string", "number"], "pattern": "^\\d"},
    Operand.PATTERN: {"type": "string", "format": "regex"},
    Operand.TIME: {"type": ["string", "integer"]},
    Operand.PRESENCE: {"type": "boolean"},
    Operand.ID_LIST: {"type": "string"},
}


def _sentence(meaning: str) -> str:
    return f"{meaning[0].upper()}{meaning[1:]}."


def _definition(word: str) -> str:
    return word.replace(" ", "-")  # A space would have to be escaped in references.


def _criterion(operators: Mapping[str, Operator], description: str) -> JsonObject:
    # One schema for both forms: with `anyOf`, editors would show the errors of both.
    forms: list[JsonValue] = ["object"]
    short: JsonObject = {}
    if "is" in operators:
        forms = [*_SCALAR, "array", "object"]
        short = {"items": {"type": _SCALAR}, "minItems": 1}
    fields: JsonObject = {word: {"$ref": f"#/$defs/{_definition(word)}"} for word in operators}
    return {
        **_mapping(fields),
        **short,
        "type": forms,
        "minProperties": 1,
        "description": description,
    }


def _conditions() -> JsonObject:
    fields: JsonObject = {
        **{name: _criterion(it.operators, _sentence(it.meaning)) for name, it in CRITERIA.items()},
        **{
            name: {**_NAMES, "description": _sentence(it.meaning)}
            for name, it in GATE_CRITERIA.items()
        },
        SHARE: {
            **_mapping(NAMED_SHARE, ["named"]),
            "minProperties": 2,
            "description": "A named share of all users, the same wherever it is named.",
        },
    }
    others: JsonObject = {
        f"^{CUSTOM.replace('.', '[.]')}.": _criterion(CUSTOM_OPERATORS, _sentence(CUSTOM_MEANING)),
        f"^{CUSTOM_IDS.replace('.', '[.]')}.": _criterion(
            CUSTOM_ID_OPERATORS, _sentence(CUSTOM_ID_MEANING)
        ),
    }
    return {
        **_mapping(fields),
        "type": ["string", "object"],
        "pattern": "^everyone$",
        "patternProperties": others,
        "description": "Conditions that must all hold, or `everyone`.",
    }


def project_schema() -> JsonObject:
    """Return the JSON Schema of project files, draft 2020-12.

    Only the reader checks that referenced names exist and that shares add up.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Project file of the local Statsig server",
        **_mapping(PROJECT),
        "$defs": {
            "conditions": _conditions(),
            **{
                _definition(name): {
                    **_OPERANDS[it.operand],
                    "description": f"True if the value {it.meaning}.",
                }
                for name, it in OPERATORS.items()
            },
        },
    }
