"""The few forms that the schemas of this API are made of."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

Schema = dict[str, Any]

COUNT: Schema = {"type": "integer", "minimum": 0}
FLAG: Schema = {"type": "boolean"}
TEXT: Schema = {"type": "string"}
SAID: Schema = {"type": "string", "minLength": 1}
MOMENT: Schema = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{6})?Z$",
    "description": "A moment in UTC.",
}


def ref(name: str) -> Schema:
    """A schema of the document's components, by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def closed(description: str = "", /, *, optional: Iterable[str] = (), **members: Schema) -> Schema:
    """An object with these members and no others; all of them are there, except where they are optional."""
    absent = set(optional)
    schema: Schema = {
        "type": "object",
        "properties": members,
        "required": [name for name in members if name not in absent],
        "additionalProperties": False,
    }
    return {"description": description, **schema} if description else schema


def listed(items: Schema, **limits: int) -> Schema:
    """A list of such values."""
    return {"type": "array", "items": items, **limits}


def counts(names: Iterable[str]) -> Schema:
    """Counts by these names, each of which may be absent."""
    return {"type": "object", "propertyNames": {"enum": list(names)}, "additionalProperties": COUNT}


def one_of(values: Iterable[str]) -> Schema:
    """A text out of a closed list."""
    return {"type": "string", "enum": list(dict.fromkeys(values))}


def words(kind: type[StrEnum]) -> Schema:
    """The values of an enumeration of the code, with what it says of itself."""
    return {**one_of(member.value for member in kind), "description": (kind.__doc__ or "").strip()}


def or_null(schema: Schema) -> Schema:
    """The same, or null."""
    return {"anyOf": [schema, {"type": "null"}]}
