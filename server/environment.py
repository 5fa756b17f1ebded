"""Reading typed values from the environment: every mistake at once, never a value in a message."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, get_args, get_origin

import msgspec

T = TypeVar("T", bound=msgspec.Struct)

OTHERS: Final = "OTEL_"  # OpenTelemetry's own, of which it reads more than we do
_CLOSE_ENOUGH: Final = 0.84  # REDIS_URI is REDIS_URL misspelt; REDIS_HOST is another program's


class Secret(str):
    """A string that does not show itself; `reveal()` gives it to who must have it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def reveal(self) -> str:
        """Return the secret."""
        return str.__str__(self)


class ConfigurationError(Exception):
    """Everything that is wrong with the settings; one line each, the variable and the rule."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


def read(form: type[T], environment: Mapping[str, str], mistakes: list[str]) -> T:
    """Return the settings; what is wrong is added to `mistakes` and stands at its default.

    A field `websocket_timeout` is the variable `WEBSOCKET_TIMEOUT`; an empty variable is as good
    as none. A field of type `Secret` may also be named by `<VARIABLE>_FILE`, a file that holds it.
    """
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(form):
        text = _text(field, environment, mistakes)
        if not text:
            continue
        try:
            values[field.name] = msgspec.convert(text, field.type, strict=False, dec_hook=_decode)
        except msgspec.ValidationError:
            mistakes.append(f"{variable(field.name)}: {_rule(field.type)}")
    mistakes.extend(_misspelt(form, environment))
    return form(**values)


def variable(name: str) -> str:
    """Return the variable of a field."""
    return name.upper()


def _text(
    field: msgspec.structs.FieldInfo, environment: Mapping[str, str], mistakes: list[str]
) -> str:
    name = variable(field.name)
    text = environment.get(name, "").strip()
    path = environment.get(f"{name}_FILE", "").strip()
    if not path or not is_secret(field):
        return text
    if text:
        mistakes.append(f"{name}: give it or {name}_FILE, not both")
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        mistakes.append(f"{name}_FILE: the file can't be read")
        return ""


def is_secret(field: msgspec.structs.FieldInfo) -> bool:
    """Tell whether a field holds a secret, and so may come from a file."""
    return field.type is Secret or "Secret" in str(field.type)


def _decode(kind: type[Any], value: Any) -> Any:
    if kind is Secret:
        return Secret(value)
    raise NotImplementedError(kind)


def _rule(kind: Any) -> str:
    """Return the rule a value must follow, in the words of its type."""
    for meta in getattr(kind, "__metadata__", ()):
        if isinstance(meta, msgspec.Meta) and meta.description:
            return meta.description
    options = get_args(kind)
    if get_origin(kind) is Literal:
        return f"one of {', '.join(options)}"
    if options:
        return _rule(options[0])
    return "true or false" if kind is bool else "malformed"


def _misspelt(form: type[msgspec.Struct], environment: Mapping[str, str]) -> list[str]:
    known: list[str] = []
    for field in msgspec.structs.fields(form):
        known.append(variable(field.name))
        if is_secret(field):
            known.append(f"{variable(field.name)}_FILE")
    mistakes = []
    for name in sorted(set(environment) - set(known)):
        if name.startswith(OTHERS):
            continue
        meant = difflib.get_close_matches(name, known, n=1, cutoff=_CLOSE_ENOUGH)
        if meant and "_" in name:
            mistakes.append(f"{name}: no setting has this name; is {meant[0]} meant?")
    return mistakes
