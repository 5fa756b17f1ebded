"""A backup is taken and restored by the commands of docs/deploy.md."""

import asyncio
import re
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from deploy.local.audience import ticket
from deploy.local.cluster import Cluster
from deploy.local.demo import GENEROUS
from deploy.local.redis_node import RedisNode
from deploy.local.waiting import together, until

PAGE: Final = (Path(__file__).parents[2] / "docs" / "deploy.md").read_text()
DOWN_AFTER_MS: Final = 1500
END_S: Final = 10.0


async def redis_cli(node: RedisNode, *arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *("redis-cli", "-e", "-p", str(node.port), "--user", "admin", *arguments),
        env={"PATH": "/usr/bin:/bin", "REDISCLI_AUTH": node.plan.passwords.admin},
        stdout=PIPE,
        stderr=STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode().strip()


def commands() -> list[list[str]]:
    """Return what the page says to a node that is restored, word by word."""
    restoring = PAGE.partition("To restore: ")[2]
    (block,) = re.findall(r"```\n(.*?)```", restoring, re.DOTALL)
    return [line.split() for line in block.splitlines()]


def edit(node: RedisNode, old: str, new: str) -> None:
    file = node.directory / "redis.conf"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


async def restore(node: RedisNode, backup: Path) -> None:
    """Start a node alone with the backup, in the files of a very first start, and keep its data."""
    node.configure(None)
    backup.rename(node.directory / "dump.rdb")
    edit(node, "appendonly yes", "appendonly no")
    await node.start()
    await until(lambda: says(node, "loading:0"), 10, "the backup is loaded")
    for command in commands():
        await redis_cli(node, *command)
    assert int(await redis_cli(node, "GET", "hf:break")) > 0
    await until(lambda: says(node, "aof_rewrite_in_progress:0"), 10, "the data is kept")
    await node.process.terminate(END_S)
    edit(node, "appendonly no", "appendonly yes")
    await node.start()


async def says(node: RedisNode, what: str) -> bool:
    return what in await redis_cli(node, "INFO", "persistence")


@pytest.mark.timeout(120)
async def test_a_restored_backup_is_another_history(tmp_path: Path) -> None:
    """What the backup has is there again; who had seen more is told, not given other messages."""
    async with Cluster(chats=1, settings=GENEROUS) as cluster:
        (first, *others), (chat,) = cluster.nodes, cluster.chats
        await publish(chat.url, cluster.jwt_secret, 3)
        await redis_cli(others[0], "--rdb", str(tmp_path / "holdfast.rdb"))
        await publish(chat.url, cluster.jwt_secret, 2)
        before = await joined(chat.url, cluster.jwt_secret, {"history": 10})
        assert before["head"] == 5
        for one in reversed(cluster.everybody):
            await one.kill()
        for node in cluster.nodes:
            node.empty()
        await restore(first, tmp_path / "holdfast.rdb")
        for node in others:
            node.configure(first.announced)
        for sentinel in cluster.sentinels:
            sentinel.configure(first, others, cluster.sentinels, DOWN_AFTER_MS)
        await together(*(node.start() for node in (*others, *cluster.sentinels)))
        await cluster.wait_until_healthy()
        await chat.start()
        await publish(chat.url, cluster.jwt_secret, 4)
        cursor = {"since": before["head"], "epoch": before["epoch"]}
        after = await joined(chat.url, cluster.jwt_secret, cursor)
        assert (after["reset"], after["head"]) == ("epoch", 7)
        assert [event["text"] for event in after["events"]][:3] == ["0", "1", "2"]


async def publish(url: str, secret: str, count: int) -> None:
    headers = {"Authorization": f"Bearer {ticket(secret, 'ann')}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        for number in range(count):
            body = {"text": str(number)}
            async with session.post(f"{url}/v1/rooms/general/messages", json=body) as answer:
                assert answer.status == 201


async def joined(url: str, secret: str, cursor: dict[str, Any]) -> dict[str, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{url}/ws", protocols=("chat.v1",)) as socket,
    ):
        await socket.send_json({"type": "auth", "token": ticket(secret, "bo")})
        await socket.send_json({"type": "join", "room": "general", **cursor})
        while (frame := await socket.receive_json(timeout=10))["type"] != "joined":
            pass
        found: dict[str, Any] = frame
        return found
