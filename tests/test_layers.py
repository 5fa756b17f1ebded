"""Imports go down only: the layers of CONTRIBUTING.md, read from the source by its syntax trees."""

import ast
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
EDGE = {"aiohttp", "aiohttp_cors", "aiohttp_jinja2", "jinja2", "multidict", "yarl"}
# What a layer may import beside the standard library; a folder that is not here may import all.
ALLOWED = {
    "chat": {"chat", "msgspec"},
    "resilience": {"chat", "resilience", "hiredis", "msgspec", "redis", "tenacity"},
    "handlers": {"chat", "handlers", "msgspec"} | EDGE,
}
# The rules know no socket and no clock: time comes in as an argument.
OUTSIDE_WORLD = {"selectors", "socket", "ssl", "subprocess", "threading", "time"}
FORBIDDEN = {"chat": OUTSIDE_WORLD, "server": {"redis"}, "bench": {"server"}, "deploy": {"server"}}
PACKAGES = ("chat", "resilience", "handlers", "server", "bench", "deploy")


class Import(NamedTuple):
    module: str  # absolute, as far as the syntax tells: `from chat import frames` is chat.frames
    typing_only: bool


class Module(NamedTuple):
    name: str
    imports: list[Import]


def name_of(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_typing_guard(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def targets(node: ast.AST, package: list[str]) -> list[str]:
    """Name what one statement imports, seen from a module of `package`."""
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module=module, names=names, level=level):
            above = package[: len(package) - level + 1] if level else []
            source = ".".join([*above, *([module] if module else [])])
            return [f"{source}.{alias.name}" for alias in names]
    return []


def imports(node: ast.AST, package: list[str], *, typing_only: bool = False) -> Iterator[Import]:
    yield from (Import(target, typing_only) for target in targets(node, package))
    guarded = typing_only or is_typing_guard(node)
    for child in ast.iter_child_nodes(node):
        yield from imports(child, package, typing_only=guarded)


def sources(root: Path) -> Iterator[Path]:
    """Give the layers' own files: an environment or packages inside a folder are not source."""
    for path in sorted(path for package in PACKAGES for path in (root / package).rglob("*.py")):
        if not any(
            part[0] == "." or part == "node_modules" for part in path.relative_to(root).parts
        ):
            yield path


def modules(root: Path) -> Iterator[Module]:
    for path in sources(root):
        package = list(path.relative_to(root).parts[:-1])
        yield Module(name_of(path, root), list(imports(ast.parse(path.read_text()), package)))


def is_forbidden(layer: str, target: str) -> bool:
    top = target.partition(".")[0]
    allowed = ALLOWED.get(layer)
    unlisted = allowed is not None and top not in allowed and top not in sys.stdlib_module_names
    return unlisted or top in FORBIDDEN.get(layer, ())


def violations(root: Path) -> list[str]:
    """Say each import that goes up, sideways or around its layer."""
    return [
        f"{module.name} imports {target.module}"
        for module in modules(root)
        for target in module.imports
        if is_forbidden(module.name.partition(".")[0], target.module)
    ]


def cycle(root: Path) -> list[str]:
    """Name the modules of one import cycle at run time, or none."""
    found = list(modules(root))
    known = {module.name for module in found}
    graph = {
        module.name: {
            target if target in known else target.rpartition(".")[0]
            for target, typing_only in module.imports
            if not typing_only
        }
        & known
        for module in found
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_imports_go_down() -> None:
    """No module imports from a layer above or beside its own, nor a library of another layer."""
    assert violations(ROOT) == []


def test_no_import_cycles() -> None:
    """No module imports itself by way of others."""
    assert cycle(ROOT) == []


@pytest.mark.parametrize(
    ("path", "source", "fault"),
    [
        ("chat/bad.py", "import aiohttp.web", "chat.bad imports aiohttp.web"),
        ("chat/bad.py", "def f():\n import time", "chat.bad imports time"),
        ("chat/bad.py", "from resilience import feed", "chat.bad imports resilience.feed"),
        ("resilience/bad.py", "from aiohttp import web", "resilience.bad imports aiohttp.web"),
        ("resilience/bad.py", "import handlers", "resilience.bad imports handlers"),
        ("handlers/a/bad.py", "from redis import asyncio", "handlers.a.bad imports redis.asyncio"),
        ("handlers/bad.py", "from ..server import app", "handlers.bad imports server.app"),
        ("server/bad.py", "import redis", "server.bad imports redis"),
        ("bench/bad.py", "from server.app import build", "bench.bad imports server.app.build"),
        (
            "chat/bad.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import redis",
            "chat.bad imports redis",
        ),
    ],
)
def test_a_bad_import_is_caught(tmp_path: Path, path: str, source: str, fault: str) -> None:
    """An import against the direction is reported, in a function and for types only too."""
    file = tmp_path / path
    file.parent.mkdir(parents=True)
    file.write_text(source)
    assert violations(tmp_path) == [fault]


def test_a_cycle_is_caught(tmp_path: Path) -> None:
    """A cycle through a relative, an absolute and a nested import is named; one of types is not."""
    package = tmp_path / "chat"
    package.mkdir()
    package.joinpath("a.py").write_text("from .b import thing")
    package.joinpath("b.py").write_text("from chat import c")
    package.joinpath("c.py").write_text("def late():\n    import chat.a")
    assert set(cycle(tmp_path)) == {"chat.a", "chat.b", "chat.c"}
    package.joinpath("c.py").write_text("if TYPE_CHECKING:\n    import chat.a")
    assert cycle(tmp_path) == []
