"""What a project file may say, as a JSON Schema, by which editors complete and check it.

The keys of each mapping stand here once: the reader takes them from these tables too.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from ..._runtime.parsers import JsonObject, JsonValue
from .operators import (
    CUSTOM,
    CUSTOM_ID_OPERATORS,
    CUSTOM_IDS,
    CUSTOM_OPERATORS,
    OPERATORS,
    QUESTIONS,
    SHARE,
    SUBJECTS,
    Operand,
    Operator,
)

NAME: Final = "[a-zA-Z0-9_\\-. ]{2,100}"
"""The form of the names of gates, configs and the like."""


def _text(description: str) -> JsonObject:
    return {"type": "string", "description": description}


def _flag(description: str) -> JsonObject:
    return {"type": "boolean", "default": True, "description": description}


def _percent(description: str, default: int | None = None) -> JsonObject:
    defaults: JsonObject = {} if default is None else {"default": default}
    schema: JsonObject = {"type": "number", "minimum": 0, "maximum": 100}
    return {**schema, **defaults, "description": description}


def _parameters(description: str) -> JsonObject:
    return {"type": "object", "description": description}


def _defined(name: str, description: str) -> JsonObject:
    return {"$ref": f"#/$defs/{name}", "description": description}


def _mapping(fields: JsonObject, required: Sequence[str] = ()) -> JsonObject:
    needed: JsonObject = {"required": [*required]} if required else {}
    return {"type": "object", "properties": fields, "additionalProperties": False, **needed}


def _by_name(item: JsonObject, description: str) -> JsonObject:
    return {
        "type": "object",
        "propertyNames": {"pattern": f"^{NAME}$"},
        "additionalProperties": item,
        "description": description,
    }


_ENTITY: Final[JsonObject] = {
    "description": _text("What it is for."),
    "idType": {
        **_text("The ID by which it divides: userID, or the name of one of the customIDs."),
        "default": "userID",
    },
}

RULE: Final[JsonObject] = {
    "name": _text("Tells rules apart, and is part of what divides users."),
    "if": _defined("conditions", "Whom the rule is for: everyone if left out."),
    "rollout": _percent(
        "Percent of those for whom the conditions hold, of two decimals at most.", 100
    ),
}
CONFIG_RULE: Final[JsonObject] = {**RULE, "value": _parameters("What users of this rule get.")}
SEGMENT: Final[JsonObject] = {
    **_ENTITY,
    "rules": {
        "type": "array",
        "items": _mapping(RULE, ["name"]),
        "description": "The first rule whose conditions hold decides.",
    },
}
GATE: Final[JsonObject] = {**SEGMENT, "enabled": _flag("False: it passes for nobody.")}
CONFIG: Final[JsonObject] = {
    **_ENTITY,
    "enabled": _flag("False: everyone gets the default."),
    "default": _parameters("What users get for whom no rule is."),
    "rules": {
        "type": "array",
        "items": _mapping(CONFIG_RULE, ["name", "value"]),
        "description": "The first rule whose conditions hold decides; its value replaces all.",
    },
}
GROUP: Final[JsonObject] = {
    "description": _text("What it is for."),
    "share": _percent("Percent of the experiment's users; equal shares if left out."),
    "value": _parameters("The parameters whose values differ from the default."),
}
EXPERIMENT: Final[JsonObject] = {
    **_ENTITY,
    "active": _flag("False: not started, everyone gets the default."),
    "layer": _text("The layer that it is in, which has the ID type and the default."),
    "allocation": _percent("Percent of all users, or of the layer's, who may be in it.", 100),
    "targeting": _defined("conditions", "Who may be in it."),
    "default": _parameters("What users get who are in no group."),
    "groups": {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": _mapping(GROUP, ["value"]),
        "description": "The groups by name; their shares add up to 100.",
    },
}
LAYER: Final[JsonObject] = {**_ENTITY, "default": _parameters("The parameters and their values.")}


def _some(kind: str) -> JsonObject:
    return {
        "type": ["string", "array"],
        "pattern": "^all$",
        "items": {"type": "string"},
        "minItems": 1,
        "description": f"`all`, or a list of {kind}.",
    }


HELD_OUT: Final[JsonObject] = {
    kind: _some(kind) for kind in ("gates", "configs", "experiments", "layers")
}
HOLDOUT: Final[JsonObject] = {
    **_ENTITY,
    "share": _percent("Percent of users who are held out, of two decimals at most."),
    "if": _defined("conditions", "Who can be held out: everyone if left out."),
    "from": {
        **_mapping(HELD_OUT),
        "type": ["string", "object"],
        "pattern": "^everything$",
        "minProperties": 1,
        "description": "What they are held out from: `everything`, or a list for each kind.",
    },
}
KEYS: Final[JsonObject] = {
    kind: {"type": "string", "pattern": f"^{kind}-[!-~]*$", "description": description}
    for kind, description in {
        "secret": "The server secret key.",
        "client": "The client SDK key.",
    }.items()
}
PROJECT: Final[JsonObject] = {
    "description": _text("What the project is."),
    "keys": {
        **_mapping(KEYS),
        "description": "What clients send in the header statsig-api-key.",
    },
    "environments": {
        "type": "array",
        "items": {"type": "string"},
        "minItems": 1,
        "uniqueItems": True,
        "default": ["development", "staging", "production"],
        "description": "The tiers that conditions may name.",
    },
    "id lists": _by_name(
        {
            "type": ["string", "array"],
            "items": {"type": ["string", "number"]},
            "description": "The IDs, or a file beside the project that has one in each line.",
        },
        "Lists of IDs, for the operators `in list` and `not in list`.",
    ),
    "segments": _by_name(_mapping(SEGMENT), "Groups of users that conditions name."),
    "holdouts": _by_name(
        _mapping(HOLDOUT, ["share", "from"]),
        "Shares of users who are kept out of what is new, to measure its whole effect.",
    ),
    "gates": _by_name(_mapping(GATE), "Feature gates: on or off."),
    "configs": _by_name(_mapping(CONFIG), "Dynamic configs: parameters by rules."),
    "experiments": _by_name(_mapping(EXPERIMENT, ["groups"]), "Experiments: parameters by groups."),
    "layers": _by_name(
        _mapping(LAYER, ["default"]), "Layers: parameters that experiments share, one per user."
    ),
}

NAMED_SHARE: Final[JsonObject] = {
    "named": _text("A name of your own: all conditions with it divide users alike."),
    "from": _percent("Where the share begins.", 0),
    "to": _percent("Where the share ends.", 100),
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
    Operand.MOMENT: {"type": ["string", "integer"]},
    Operand.PRESENCE: {"type": "boolean"},
    Operand.ID_LIST: {"type": "string"},
}


def _definition(word: str) -> str:
    return word.replace(" ", "-")  # A blank would have to be escaped wherever it is referred to.


def _test(operators: Mapping[str, Operator], description: str) -> JsonObject:
    # One schema for both forms, since each keyword is about one type only; with `anyOf`, an editor
    # would show the complaints of either.
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
        **{word: _test(s.operators, s.meaning) for word, s in SUBJECTS.items()},
        **{word: {**_NAMES, "description": q.meaning} for word, q in QUESTIONS.items()},
        SHARE: {
            **_mapping(NAMED_SHARE, ["named"]),
            "minProperties": 2,
            "description": "The same part of all users, wherever it is named.",
        },
    }
    others: JsonObject = {
        f"^{CUSTOM.replace('.', '[.]')}.": _test(
            CUSTOM_OPERATORS, "An attribute of the user, public or private."
        ),
        f"^{CUSTOM_IDS.replace('.', '[.]')}.": _test(
            CUSTOM_ID_OPERATORS, "Another ID of the user than userID."
        ),
    }
    return {
        **_mapping(fields),
        "type": ["string", "object"],
        "pattern": "^everyone$",
        "patternProperties": others,
        "description": "All of these hold; or `everyone`.",
    }


def project_schema() -> JsonObject:
    """The JSON Schema of project files, of draft 2020-12.

    What a schema cannot say, only reading the file does: whether the names exist that conditions
    refer to, and whether shares add up.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A project of the local Statsig server",
        **_mapping(PROJECT),
        "$defs": {
            "conditions": _conditions(),
            **{
                _definition(word): {**_OPERANDS[it.operand], "description": it.meaning}
                for word, it in OPERATORS.items()
            },
        },
    }
