"""The supply chain: the audit can go red, the bill is whole, each dependency has a why."""

import json
import re
import subprocess
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
BAD = ("pyjwt", "1.5.0")  # CVE-2017-11424: a public key taken for a secret
PIN = re.compile(r"^([a-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)


class Advisories(BaseHTTPRequestHandler):
    """Stands in for the advisory database, and knows one bad version."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = asked["package"]["name"]
        bad = (name, asked["version"]) == BAD
        affected = [{"package": {"name": name, "ecosystem": "PyPI"}}]
        found = {"vulns": [{"id": "PYSEC-2017-24", "summary": "x", "affected": affected}]}
        body = json.dumps(found if bad else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def advisories() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Advisories) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()
        serving.join()


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=50
    )


def test_the_audit_goes_red(advisories: str, tmp_path: Path) -> None:
    """`make audit` fails on a version with an advisory, names it, and passes without one."""
    if not (ROOT / ".venv-tools/bin/pip-audit").exists():
        pytest.skip("`make audit` has not built its environment here")
    lock = tmp_path / "bad.lock"
    options = f"AUDIT=--vulnerability-service osv --osv-url {advisories}"
    for version, verdict in ((BAD[1], False), ("2.10.1", True)):
        lock.write_text(f"pyjwt=={version} --hash=sha256:{'0' * 64}\n")
        done = make("audit", f"LOCKS={lock}", options)
        assert (done.returncode == 0) == verdict, done.stderr
        assert ("PYSEC-2017-24" in done.stdout) != verdict


def test_the_bill_is_whole(tmp_path: Path) -> None:
    """`make sbom` names each pin of the runtime lock once, with its digests, the same each time."""
    written = []
    for name in ("one.json", "two.json"):
        done = make("sbom", f"SBOM={tmp_path / name}")
        assert done.returncode == 0, done.stderr
        written.append((tmp_path / name).read_text())
    assert written[0] == written[1]
    bill = json.loads(written[0])
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    listed = [(part["name"], part["version"]) for part in bill["components"]]
    assert listed == sorted(PIN.findall((ROOT / "requirements.lock").read_text()))
    for part in bill["components"]:
        assert part["purl"] == f"pkg:pypi/{part['name']}@{part['version']}"
        assert any(each["name"] == "holdfast:sha256" for each in part["properties"])
    (itself,) = bill["dependencies"]
    assert len(itself["dependsOn"]) == len(PROJECT["project"]["dependencies"])


def test_each_dependency_has_a_why() -> None:
    """docs/dependencies.md lists each declared dependency, and nothing that is none."""
    groups = PROJECT["dependency-groups"]
    declared = [*PROJECT["project"]["dependencies"], *groups["dev"], *groups["tools"]]
    page = (ROOT / "docs/dependencies.md").read_text()
    rows = dict(re.findall(r"^\| `([^`]+)` \| (\S.+?) \|$", page, re.MULTILINE))
    assert set(rows) == {Requirement(need).name for need in declared}
