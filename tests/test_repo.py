"""What every commit keeps: hashed locks, targets with help, tests that say what they prove."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = sorted(ROOT.glob("requirements*.lock"))
EVERY_LOCK = [*LOCKS, *sorted(ROOT.glob("*/requirements*.lock"))]

REGISTRY = re.compile(
    r"pypi\.org|pythonhosted\.org|npmjs\.(?:com|org)|debian\.org|crates\.io|proxy\.golang"
)
MACHINE = re.compile(r"(?<![\w.*])/(?:work|root|home/\w+|opt/wheels)/")
PIN = re.compile(r"^(?P<name>[a-z0-9._-]+)==(?P<version>\S+)(?P<rest>.*)$")


def committed() -> Iterator[tuple[str, str]]:
    """Give the path and the text of each committed file that is text."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True)
    for name in filter(None, listed.stdout.decode().split("\0")):
        content = (ROOT / name).read_bytes() if (ROOT / name).is_file() else b""
        if b"\0" not in content:
            yield name, content.decode()


def pins(lock: str) -> dict[str, tuple[str, int]]:
    """Read a lock: name to (version, number of SHA-256 hashes)."""
    found = {}
    for entry in (
        re.sub(r"^\s*#.*\n", "", lock, flags=re.MULTILINE).replace("\\\n", " ").split("\n")
    ):
        if entry.strip():
            match = PIN.match(entry)
            assert match, f"not a pin: {entry[:60]}"
            hashes = re.findall(r"--hash=sha256:[0-9a-f]{64}\b", match["rest"])
            found[match["name"]] = (match["version"], len(hashes))
    return found


def unpinned(requirements: list[str], lock: str) -> list[str]:
    """Name the requirements that a lock lacks or pins outside their range."""
    locked = pins(lock)
    wanted = [Requirement(text) for text in requirements]
    return [
        need.name
        for need in wanted
        if (pin := locked.get(canonicalize_name(need.name))) is None
        or not need.specifier.contains(pin[0], prereleases=True)
    ]


def without_help(makefile: str) -> set[str]:
    """Name the targets that a developer can call and `make help` does not list."""
    phony = {
        name
        for line in re.findall(r"^\.PHONY:(.*)$", makefile, re.MULTILINE)
        for name in line.split()
    }
    return phony - set(re.findall(r"^([a-z-]+):.* ## \S", makefile, re.MULTILINE))


def speechless(source: str) -> list[str]:
    """Name the tests in a module whose docstring is missing or is no sentence."""
    return [
        node.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not (ast.get_docstring(node) or "").split("\n\n")[0].endswith(".")
    ]


@pytest.mark.parametrize("pattern", [REGISTRY, MACHINE], ids=["registry", "machine"])
def test_no_foreign_names(pattern: re.Pattern[str]) -> None:
    """No committed file names a package registry's host or a path of somebody's machine."""
    hits = [f"{name}: {hit[0]}" for name, text in committed() for hit in pattern.finditer(text)]
    assert hits == []


@pytest.mark.parametrize("lock", EVERY_LOCK, ids=lambda lock: str(lock.relative_to(ROOT)))
def test_locks_are_hashed(lock: Path) -> None:
    """Each requirement of each lock is pinned to one version with at least one SHA-256."""
    locked = pins(lock.read_text())
    assert locked
    assert [name for name, (_, hashes) in locked.items() if not hashes] == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_locks_say_how_they_are_made(lock: Path) -> None:
    """The head of each lock names the command that makes it again."""
    assert "make lock" in lock.read_text()[:200]


def test_locks_cover_the_project() -> None:
    """Each declared dependency is in the lock of its group, inside its range."""
    groups = PROJECT["dependency-groups"]
    runtime = PROJECT["project"]["dependencies"]
    assert unpinned(runtime, (ROOT / "requirements.lock").read_text()) == []
    assert unpinned(runtime + groups["dev"], (ROOT / "requirements-dev.lock").read_text()) == []
    assert unpinned(groups["tools"], (ROOT / "requirements-tools.lock").read_text()) == []


def test_tests_run_what_is_deployed() -> None:
    """The development lock holds every runtime pin at the same version."""
    runtime, dev = (pins((ROOT / f"requirements{kind}.lock").read_text()) for kind in ("", "-dev"))
    assert {name: pin for name, pin in runtime.items() if dev.get(name) != pin} == {}


def test_each_target_has_help() -> None:
    """`make help` lists each target that a developer can call."""
    assert without_help((ROOT / "Makefile").read_text()) == set()


def test_each_test_says_what_it_proves() -> None:
    """Each test of the project has a docstring that is a sentence."""
    modules = ROOT.joinpath("tests").rglob("test_*.py")
    silent = {str(path.relative_to(ROOT)): speechless(path.read_text()) for path in modules}
    assert {path: names for path, names in silent.items() if names} == {}


def test_violations_are_caught() -> None:
    """Each check of this file finds the fault it is for in a made-up text."""
    unhashed = "a==1.0 ; sys_platform != 'win32' \\\n    --hash=sha256:feed\nb==2 \\\n"
    assert pins(unhashed) == {"a": ("1.0", 0), "b": ("2", 0)}
    assert unpinned(["a>=2", "b", "C>=1"], unhashed) == ["a", "C"]
    assert REGISTRY.search("--index-url https://" + "pypi" + ".org/simple")
    assert MACHINE.search("cd " + "/work" + "/main")
    assert without_help(".PHONY: a b\na: ## Said\nb: a\n") == {"b"}
    assert speechless("def test_a() -> None: pass") == ["test_a"]


def test_no_merge_is_half_done() -> None:
    """No committed file holds the marks of a conflict."""
    mark = re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE)
    assert [name for name, text in committed() if mark.search(text)] == []
