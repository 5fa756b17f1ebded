"""JSON Schemas of the very types that validate and encode, for OpenAPI and AsyncAPI."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import NODEFAULT, Raw, defstruct
from msgspec.structs import fields

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
    described = [_describable(form) for form in forms]
    _, components = msgspec.json.schema_components(described, ref_template=REF + "{name}")
    for schema in components.values():
        if "description" in schema:
            schema["description"] = " ".join(schema["description"].split())
    return components


def schema_of(form: Any) -> dict[str, Any]:
    """Return the schema of a type that is no struct."""
    return msgspec.json.schema(form)


def _describable(form: type) -> type:
    """Return the type, or its twin without the default that msgspec can't write down: no bytes."""
    parts = fields(form)
    if not any(isinstance(part.default, Raw) for part in parts):
        return form
    config = form.__struct_config__  # type: ignore[attr-defined]
    return defstruct(
        form.__name__,
        [(part.name, part.type, _default(part)) for part in parts],
        tag=config.tag,
        tag_field=config.tag_field,
        kw_only=True,
        namespace={"__doc__": form.__doc__},
    )


def _default(part: msgspec.structs.FieldInfo) -> Any:
    if isinstance(part.default, Raw):
        return msgspec.field(default_factory=Raw)
    return msgspec.field() if part.default is NODEFAULT else part.default
