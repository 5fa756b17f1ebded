"""JSON Schemas of the very types that validate and encode, for OpenAPI and AsyncAPI."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from chat.errors import ERRORS
from chat.names import END

REF: Final = "#/components/schemas/"
VERSION: Final = "1.0.0"  # of the protocol chat.v1, not of the server
ERROR_TABLE: Final = [
    {
        "code": code,
        "http": rule.status,
        "repeat": str(rule.repeat),
        "meaning": rule.meaning,
    }
    for code, rule in ERRORS.items()
]


def ref(form: type) -> dict[str, str]:
    """Return the reference to a type's schema."""
    return {"$ref": REF + form.__name__}


def schemas(forms: Sequence[type]) -> dict[str, Any]:
    """Return the schemas of these types and all they are made of, by name."""
    _, components = msgspec.json.schema_components(forms, ref_template=REF + "{name}")
    for schema in components.values():
        if "description" in schema:
            schema["description"] = " ".join(schema["description"].split())
    return {name: _portable(schema) for name, schema in components.items()}


def schema_of(form: Any) -> dict[str, Any]:
    """Return the schema of a type that is no struct."""
    schema: dict[str, Any] = _portable(msgspec.json.schema(form))
    return schema


def _portable(schema: Any) -> Any:
    r"""Return the schema with patterns for everybody: `\Z` is Python's alone.

    JSON Schema's `$` is ECMAScript's, the end of the text; that of Go and Rust is the same.
    """
    if isinstance(schema, list):
        return [_portable(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    portable = {name: _portable(item) for name, item in schema.items()}
    if isinstance(portable.get("pattern"), str):
        portable["pattern"] = portable["pattern"].replace(END, "$")
    return portable
