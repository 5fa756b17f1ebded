"""JSON Schemas of the very types that validate and encode, for OpenAPI and AsyncAPI."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from chat.errors import ERRORS

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
    return components


def schema_of(form: Any) -> dict[str, Any]:
    """Return the schema of a type that is no struct."""
    return msgspec.json.schema(form)
