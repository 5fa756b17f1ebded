"""Debian's Prometheus with the rules that are deployed, and its exporter, on a local cluster."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import yaml

from deploy.local.cluster import Cluster
from deploy.local.ports import LOOPBACK, Port
from deploy.local.waiting import until

FOLDER: Final = Path(__file__).parents[2] / "deploy" / "observability"
START_S: Final = 20.0
SCRAPE: Final = "500ms"  # ten times as often as deployed: a test waits for several


class Prometheus:
    """A running Prometheus, to be asked."""

    def __init__(self, port: int) -> None:
        self.url = f"http://{LOOPBACK}:{port}"

    async def ask(self, path: str, **query: str) -> Any:
        """Return the data of an answer of its API."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.url}{path}", params=query) as answer,
        ):
            body = await answer.json()
            assert body["status"] == "success", body
            return body["data"]

    async def query(self, text: str) -> dict[str, float]:
        """Return the values of an expression now, by the server or target they are of."""
        found = (await self.ask("/api/v1/query", query=text))["result"]
        return {one["metric"].get("instance", ""): float(one["value"][1]) for one in found}

    async def names(self) -> set[str]:
        """Return the name of every series there is."""
        return set(await self.ask("/api/v1/label/__name__/values"))

    async def alerts(self) -> set[str]:
        """Return the names of the alerts that fire or are about to."""
        found = (await self.ask("/api/v1/alerts"))["alerts"]
        return {one["labels"]["alertname"] for one in found if one["state"] == "firing"}


def configuration(cluster: Cluster, exporter: int) -> dict[str, Any]:
    """Return the configuration that is deployed, with the addresses of this cluster."""
    deployed: dict[str, Any] = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    deployed["global"].update(scrape_interval=SCRAPE, scrape_timeout=SCRAPE)
    deployed["rule_files"] = [str(FOLDER / "rules.yml")]
    del deployed["alerting"]
    jobs = {job["job_name"]: job for job in deployed["scrape_configs"]}
    servers = [f"{LOOPBACK}:{chat.admin_port}" for chat in cluster.chats]
    jobs["holdfast"]["static_configs"] = [{"targets": servers}]
    jobs["redis"]["static_configs"] = [{"targets": targets(cluster)}]
    jobs["redis"]["relabel_configs"][-1]["replacement"] = f"{LOOPBACK}:{exporter}"
    deployed["scrape_configs"] = [jobs["holdfast"], jobs["redis"]]
    return deployed


def targets(cluster: Cluster) -> list[str]:
    """Return what the exporter is asked about."""
    return [f"redis://{LOOPBACK}:{node.port}" for node in (*cluster.nodes, *cluster.sentinels)]


@asynccontextmanager
async def exporting(cluster: Cluster, folder: Path, port: int) -> AsyncIterator[None]:
    """Run the exporter as it is deployed: as its own user, with passwords by target."""
    # By target as well as by user and target: what is looked up differs between its versions.
    passwords = {
        f"redis://{user}{target.removeprefix('redis://')}": cluster.passwords.monitor
        for target in targets(cluster)
        for user in ("", "monitor@")
    }
    file = folder / "passwords.json"
    file.write_text(json.dumps(passwords))
    async with running(
        "prometheus-redis-exporter",
        "-redis.addr=",
        "-redis.user=monitor",
        f"-redis.password-file={file}",
        "-config-command=-",
        f"-web.listen-address={LOOPBACK}:{port}",
        log=folder / "exporter.log",
    ):
        yield


@asynccontextmanager
async def watching(cluster: Cluster, folder: Path) -> AsyncIterator[Prometheus]:
    """Let Prometheus scrape a cluster and its Redis."""
    with Port() as port, Port() as exporter:
        file = folder / "prometheus.yml"
        file.write_text(yaml.safe_dump(configuration(cluster, exporter.number)))
        command: Sequence[str] = (
            "prometheus",
            f"--config.file={file}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={LOOPBACK}:{port.number}",
            "--enable-feature=exemplar-storage",
        )
        log = folder / "prometheus.log"
        async with exporting(cluster, folder, exporter.number), running(*command, log=log):
            prometheus = Prometheus(port.number)

            async def scraped() -> bool:
                try:
                    up = await prometheus.query("up == 1")
                    logged_in = await prometheus.query("redis_up == 1")
                except (aiohttp.ClientError, AssertionError):
                    return False
                everyone = len(cluster.chats) + len(targets(cluster))
                return (len(up), len(logged_in)) == (everyone, len(targets(cluster)))

            await until(scraped, START_S, "everything is scraped")
            yield prometheus


@asynccontextmanager
async def running(*command: str, log: Path) -> AsyncIterator[None]:
    """Run a program within the block."""
    with log.open("wb") as output:
        program = await asyncio.create_subprocess_exec(*command, stdout=output, stderr=output)
        try:
            yield
        finally:
            if program.returncode is None:
                program.terminate()
            await program.wait()
