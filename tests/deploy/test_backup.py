"""A backup is taken and restored by the commands of docs/deploy.md."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from deploy.local.audience import ticket
from deploy.local.cluster import Cluster
from deploy.local.demo import GENEROUS
from deploy.local.redis_node import RedisNode
from deploy.local.waiting import until

PAGE = (Path(__file__).parents[2] / "docs" / "deploy.md").read_text()


async def redis_cli(node: RedisNode, *arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *("redis-cli", "-p", str(node.port), "--user", "admin", *arguments),
        env={"PATH": "/usr/bin:/bin", "REDISCLI_AUTH": node.plan.passwords.admin},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert await process.wait() == 0


def edit(node: RedisNode, old: str, new: str) -> None:
    file = node.directory / "redis.conf"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


@pytest.mark.timeout(90)
async def test_a_restored_backup_is_another_history(tmp_path: Path) -> None:
    """What the backup has is there again; who had seen more is told, not given other messages."""
    async with Cluster(replicas=0, sentinels=0, chats=1, settings=GENEROUS) as cluster:
        (node,), (chat,) = cluster.nodes, cluster.chats
        await publish(chat.url, cluster.jwt_secret, 3)
        await redis_cli(node, "--rdb", str(tmp_path / "holdfast.rdb"))
        await publish(chat.url, cluster.jwt_secret, 2)
        before = await joined(chat.url, cluster.jwt_secret, {"history": 10})
        assert before["head"] == 5
        await chat.kill()
        await node.kill()
        node.empty()
        (tmp_path / "holdfast.rdb").rename(node.directory / "dump.rdb")
        edit(node, "appendonly yes", "appendonly no")
        await node.start()
        await until(lambda: loaded(node), 10, "the backup is loaded")
        for command in ("CONFIG SET appendonly yes", "INCR hf:break"):
            assert command in PAGE
            await redis_cli(node, *command.split())
        await chat.start()
        await publish(chat.url, cluster.jwt_secret, 4)
        cursor = {"since": before["head"], "epoch": before["epoch"]}
        after = await joined(chat.url, cluster.jwt_secret, cursor)
        assert (after["reset"], after["head"]) == ("epoch", 7)
        assert [event["text"] for event in after["events"]][:3] == ["0", "1", "2"]


async def loaded(node: RedisNode) -> bool:
    return "loading:0" in str(await node.command("INFO", "persistence"))


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
