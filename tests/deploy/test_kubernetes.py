"""The manifests: valid, hardened, with settings that the server takes and time for the drain."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from server.environment import variable
from server.settings import Settings, load

FILE = Path(__file__).parents[2] / "deploy" / "kubernetes" / "holdfast.yaml"
KINDS: dict[str, dict[str, Any]] = {
    manifest["kind"]: manifest for manifest in yaml.safe_load_all(FILE.read_text())
}
POD: dict[str, Any] = KINDS["Deployment"]["spec"]["template"]["spec"]
CONTAINER: dict[str, Any] = POD["containers"][0]
SETTINGS: dict[str, str] = KINDS["ConfigMap"]["data"]
AFTER_DRAIN_S = 10


@pytest.mark.parametrize("version", ["1.31", "1.33", "1.34"])
def test_the_schemas_of_kubernetes_take_them(version: str) -> None:
    """Each manifest passes the schema of that release, with no field that it does not know."""
    arguments = ("--strict", "-k", version, str(FILE))
    checked = subprocess.run(
        (sys.executable, "-m", "kubernetes_validate", *arguments),
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert (checked.stdout + checked.stderr).count(" passed ") == len(KINDS)


def test_the_pod_is_hardened() -> None:
    """Not root, nothing to gain, nothing to write to but /tmp, no token of the cluster."""
    security = POD["securityContext"]
    assert security["runAsNonRoot"] is True
    assert security["runAsUser"] == security["runAsGroup"] == 10001
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert POD["automountServiceAccountToken"] is False
    assert CONTAINER["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert CONTAINER["resources"]["limits"].keys() == {"memory"}


def test_the_server_takes_every_setting(tmp_path: Path) -> None:
    """The server accepts the settings all together, with secrets from files that are mounted."""
    known = {variable(field.name) for field in msgspec.structs.fields(Settings)}
    assert SETTINGS.keys() <= known
    (mount,) = [mount for mount in CONTAINER["volumeMounts"] if mount["name"] == "secrets"]
    (tmp_path / "jwt_secret").write_text("0123456789-abcdefghij-0123456789")
    (tmp_path / "redis_url").write_text("redis+sentinel://sentinel:26379/mymaster/0")
    files = {entry["name"]: entry["value"] for entry in CONTAINER["env"]}
    assert files.keys() == {"JWT_SECRET_FILE", "REDIS_URL_FILE"}
    local = {
        name: value.replace(mount["mountPath"], str(tmp_path)) for name, value in files.items()
    }
    assert load({**SETTINGS, **local}).drain_seconds == 20


def test_the_names_agree() -> None:
    """Selectors, the scaled target, the settings and the ports mean what the deployment has."""
    labels = KINDS["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert KINDS["Service"]["spec"]["selector"] == labels
    assert KINDS["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    assert KINDS["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    target = KINDS["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
    assert target["name"] == KINDS["Deployment"]["metadata"]["name"]
    assert CONTAINER["envFrom"] == [
        {"configMapRef": {"name": KINDS["ConfigMap"]["metadata"]["name"]}}
    ]
    ports = {port["name"]: port["containerPort"] for port in CONTAINER["ports"]}
    assert ports == {"chat": Settings().port, "operators": Settings().admin_port}
    assert KINDS["Service"]["spec"]["ports"][0]["targetPort"] in ports


def test_there_is_time_for_the_drain() -> None:
    """A pod is killed only after pause, drain, goodbyes and lanes have had their time."""
    pause_s = CONTAINER["lifecycle"]["preStop"]["sleep"]["seconds"]
    needed = pause_s + int(SETTINGS["DRAIN_SECONDS"]) + AFTER_DRAIN_S
    assert POD["terminationGracePeriodSeconds"] >= needed


def test_an_upgrade_moves_each_socket_once() -> None:
    """All of the new version is there before anything of the old one goes."""
    rolling = KINDS["Deployment"]["spec"]["strategy"]["rollingUpdate"]
    assert rolling == {"maxSurge": "100%", "maxUnavailable": 0}
    assert KINDS["Deployment"]["spec"]["minReadySeconds"] > 0


def test_readiness_and_liveness_ask_different_questions() -> None:
    """Redis being away never restarts a pod: liveness does not ask for it."""
    assert CONTAINER["readinessProbe"]["httpGet"]["path"] == "/health/ready"
    assert CONTAINER["livenessProbe"]["httpGet"]["path"] == "/health/live"


def test_an_apply_undoes_no_scaling() -> None:
    """How many pods there are is for the autoscaler alone to say, and it says two at least."""
    assert "replicas" not in KINDS["Deployment"]["spec"]
    assert KINDS["HorizontalPodAutoscaler"]["spec"]["minReplicas"] == 2


def test_pods_are_evicted_one_by_one() -> None:
    """However many pods there are, the clients of one at a time have to move."""
    assert KINDS["PodDisruptionBudget"]["spec"]["maxUnavailable"] == 1


def test_it_scales_before_it_is_full() -> None:
    """The connections at which a pod is added are less than what one pod takes, by a quarter."""
    (metric,) = KINDS["HorizontalPodAutoscaler"]["spec"]["metrics"]
    average = int(re.sub(r"\D", "", metric["pods"]["target"]["averageValue"]))
    assert average <= 0.75 * int(SETTINGS["WEBSOCKET_MAX_CONNECTIONS"])
