"""deploy/observability: files that their programs accept, rules that hold, references that lead."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).parents[2] / "deploy" / "observability"
COMPOSE = yaml.safe_load((FOLDER.parent / "docker-compose.yml").read_text())
REQUESTS = "http_server_request_duration_seconds_count"
DASHBOARD: dict[str, Any] = json.loads(
    (FOLDER / "grafana" / "dashboards" / "holdfast.json").read_text()
)


def read(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text())


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(("promtool", *arguments), capture_output=True, text=True, check=False)


def test_prometheus_takes_its_configuration() -> None:
    """`promtool check config` accepts the configuration and the rules that it names."""
    checked = promtool("check", "config", str(FOLDER / "prometheus.yml"))
    assert checked.returncode == 0, checked.stderr
    assert "rules found" in checked.stdout


def test_each_alert_fires_when_it_should() -> None:
    """`promtool test rules`: outages are told, a normal failover is not."""
    tested = promtool("test", "rules", str(FOLDER / "rules_test.yml"))
    assert tested.returncode == 0, tested.stdout + tested.stderr


@pytest.mark.parametrize(
    ("rule", "broken"),
    [
        ("expr: chat_redis_up == 0\n        for: 20s", "expr: chat_redis_up == 0\n        for: 0s"),
        ("seconds > 5\n        for: 20s", "seconds > 5\n        for: 10s"),
        ("expr: chat_canary_age_seconds > 20", "expr: chat_canary_age_seconds > 200"),
        (f"{REQUESTS} unless {REQUESTS} offset 5m\n            or increase(", "increase("),
        ("expr: max(chat_redis_failovers_total)", "expr: sum(chat_redis_failovers_total)"),
        ('(sum(up{job="holdfast"}) or vector(0)) < 2', 'up{job="holdfast"} == 0'),
        ('(sum(up{job="holdfast"}) or vector(0)) < 2', 'sum(up{job="holdfast"}) < 2'),
        ("or vector(0)) < 2", "or vector(0)) < 1"),
        ("or vector(0)) < 2", "or vector(0)) < 4"),
    ],
)
def test_the_rule_tests_can_fail(tmp_path: Path, rule: str, broken: str) -> None:
    """A rule that pages for a failover, or not for an outage, or counts per node, is found out."""
    text = (FOLDER / "rules.yml").read_text()
    assert rule in text
    (tmp_path / "rules.yml").write_text(text.replace(rule, broken))
    shutil.copy(FOLDER / "rules_test.yml", tmp_path)
    assert promtool("test", "rules", str(tmp_path / "rules_test.yml")).returncode != 0


def test_every_alert_is_tested() -> None:
    """Each alert is expected to fire in one of the rule tests."""
    alerts = {
        rule["alert"]
        for group in read("rules.yml")["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }
    fired = {
        expected["alertname"]
        for test in read("rules_test.yml")["tests"]
        for expected in test["alert_rule_test"]
        if expected["exp_alerts"]
    }
    assert fired == alerts


def test_what_is_scraped_is_deployed() -> None:
    """Each target is a container of the composition, by the port that it listens on."""
    services = COMPOSE["services"]
    for job in read("prometheus.yml")["scrape_configs"]:
        for target in (t for c in job["static_configs"] for t in c["targets"]):
            host = target.removeprefix("redis://").partition(":")[0]
            assert host in services, target
    relabel = next(
        job for job in read("prometheus.yml")["scrape_configs"] if job["job_name"] == "redis"
    )["relabel_configs"]
    assert relabel[-1]["replacement"] == "exporter:9121"
    assert "exporter" in services
    assert read("collector.yaml")["exporters"]["otlp"]["endpoint"] == "jaeger:4317"
    assert read("jaeger.yaml")["receivers"]["otlp"]["protocols"]["grpc"]["endpoint"].endswith(
        ":4317"
    )


def test_both_versions_are_one_job() -> None:
    """Alerts and dashboard ask for one job: it has all places of chat servers, next ones too."""
    jobs = {job["job_name"]: job for job in read("prometheus.yml")["scrape_configs"]}
    (places,) = jobs["holdfast"]["static_configs"]
    chats = {f"{name}:9464" for name in COMPOSE["services"] if name.startswith("chat-")}
    assert set(places["targets"]) == chats


def test_alertmanager_tells_receivers_that_exist() -> None:
    """Each route has its receiver, and each inhibition is of alerts that there are."""
    routing, rules = read("alertmanager.yml"), (FOLDER / "rules.yml").read_text()
    receivers = {receiver["name"] for receiver in routing["receivers"]}
    used = [routing["route"], *routing["route"]["routes"]]
    assert {route["receiver"] for route in used} == receivers
    for rule in routing["inhibit_rules"]:
        for matcher in rule["source_matchers"] + rule["target_matchers"]:
            names = matcher.partition('"')[2].rstrip('"')
            assert all(f"alert: {name}\n" in rules for name in names.split("|"))


def test_the_dashboard_asks_sources_that_exist() -> None:
    """Panels have places and ids of their own, a title, a sentence, and a provisioned source."""
    sources = read("grafana/provisioning/datasources/sources.yaml")["datasources"]
    known = {source["uid"] for source in sources}
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        assert panel["title"]
        if panel["type"] != "row":
            assert panel["description"].endswith(".")
            assert panel["datasource"]["uid"] in known
            assert panel["targets"]
    (prometheus,) = (source for source in sources if source["type"] == "prometheus")
    (exemplars,) = prometheus["jsonData"]["exemplarTraceIdDestinations"]
    assert exemplars == {"name": "trace_id", "datasourceUid": "jaeger"}
    assert any(t.get("exemplar") for p in panels for t in p.get("targets", []))


def test_rates_are_taken_over_several_scrapes() -> None:
    """Grafana knows how often is scraped: `$__rate_interval` is four times that, or more."""
    sources = read("grafana/provisioning/datasources/sources.yaml")["datasources"]
    (prometheus,) = (source for source in sources if source["type"] == "prometheus")
    scraped = read("prometheus.yml")["global"]["scrape_interval"]
    assert prometheus["jsonData"]["timeInterval"] == scraped


def test_panels_do_not_overlap() -> None:
    """No two panels share a cell of the grid."""
    cells = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
