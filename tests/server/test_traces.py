"""Traces of two real server processes on a real Redis with Sentinel, received by real OTLP.

One message is one trace: its publish, the group commit, and a process span on each node with
listeners. Nothing else is exported, nothing of it is private, and each check can fail.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import aiohttp
import pytest

from deploy.local.audience import ticket
from deploy.local.chat_node import ChatNode
from deploy.local.cluster import Cluster
from deploy.local.demo import GENEROUS
from tests.chatting import Client
from tests.server.otlp import Receiver, Span, receiving

ROOM = "privateroom"
TEXT = "privatetext"
USERS = ("privateann", "privatebo", "privatecy")
QUERY = "privatequery"
AGENT = "privateagent"
PRIVATE = (ROOM, TEXT, QUERY, AGENT, *USERS, "privatecid", "127.0.0.1:8")
CLIENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"
FIELDS = """
local names = {}
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '+')) do
  for i = 1, #entry[2], 2 do names[#names + 1] = entry[2][i] end
end
return names
"""
SETTLED_S = 1.0  # five times the exporter's delay: what has not come by then does not come
EXPORTING = {**GENEROUS, "OTEL_BSP_SCHEDULE_DELAY": "200", "DRAIN_SECONDS": "0"}


@asynccontextmanager
async def cluster_of_two(receiver: Receiver, ratio: str) -> AsyncIterator[Cluster]:
    settings = {**EXPORTING, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "TRACE_RATIO": ratio}
    async with Cluster(chats=2, settings=settings) as cluster:
        yield cluster


@asynccontextmanager
async def signed_in(cluster: Cluster, chat: ChatNode, user: str) -> AsyncIterator[Client]:
    """A client in the room."""
    headers = {"User-Agent": AGENT}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.ws_connect(f"{chat.url}/ws", protocols=("chat.v1",)) as socket,
    ):
        client = Client(socket)
        await client.ask({"type": "auth", "token": ticket(cluster.jwt_secret, user)})
        await client.join(ROOM)
        yield client


async def say_by_rest(cluster: Cluster, chat: ChatNode) -> None:
    token = ticket(cluster.jwt_secret, USERS[0])
    headers = {"Authorization": f"Bearer {token}", "User-Agent": AGENT, "traceparent": CLIENT}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(
            f"{chat.url}/v1/rooms/{ROOM}/messages",
            params={"token": QUERY},
            json={"text": TEXT},
        ) as answer,
    ):
        assert answer.status == 201


def assert_message(spans: Sequence[Span], publisher: str, nodes: set[str]) -> None:
    """The spans of one message: exactly the tree, in causal order."""
    assert len({span.trace for span in spans}) == 1
    by_kind = {kind: [s for s in spans if s.kind == kind] for kind in {s.kind for s in spans}}
    assert by_kind.keys() == {"PRODUCER", "CLIENT", "CONSUMER"}
    (publish,), (commit,), processes = (
        by_kind["PRODUCER"],
        by_kind["CLIENT"],
        by_kind["CONSUMER"],
    )
    assert (publish.name, publish.parent, publish.node) == ("publish room:{room}", "", publisher)
    assert (commit.name, commit.parent, commit.node) == (
        "PIPELINE EVALSHA",
        publish.id,
        publisher,
    )
    assert publish.id in commit.links
    assert publish.start <= commit.start <= commit.end <= publish.end
    assert not publish.failed
    assert {span.node for span in processes} == nodes
    assert len(processes) == len(nodes)
    for process in processes:
        assert process.name == "process room:{room}"
        assert (process.parent, process.links) == (publish.id, (publish.id,))
        first, last = process.event("first_write"), process.event("last_write")
        assert commit.end <= process.start <= first.at <= last.at == process.end
        assert (
            process.attributes["messaging.message.id"] == publish.attributes["messaging.message.id"]
        )


def assert_private(raw: bytes) -> None:
    """Nothing that a client said or is called is in what was exported."""
    assert [word for word in PRIVATE if word.encode() in raw] == []


def traces_of(spans: Sequence[Span]) -> list[list[Span]]:
    """Sort spans by their trace, the oldest first."""
    ids = dict.fromkeys(span.trace for span in sorted(spans, key=lambda s: s.start))
    return [[span for span in spans if span.trace == one] for one in ids]


@pytest.mark.timeout(120)
async def test_one_message_is_one_trace() -> None:
    """Each message is the tree of its way, by WebSocket and by REST, and there is nothing else."""
    async with receiving() as receiver, cluster_of_two(receiver, "1") as cluster:
        here, there = cluster.chats
        async with (
            signed_in(cluster, here, USERS[0]) as ann,
            signed_in(cluster, there, USERS[1]) as bo,
            signed_in(cluster, there, USERS[2]),
        ):
            ack = await ann.publish(TEXT, ROOM, cid="privatecid", traceparent=CLIENT)
            assert ack["type"] == "ack"
            await bo.until("message")
            await say_by_rest(cluster, there)
            await receiver.until(3 + 4 + 4 + 1)
            await asyncio.sleep(SETTLED_S)
        handshakes = receiver.named("GET /ws")
        requests = receiver.named("POST ")
        nodes = [handshakes[0].node, handshakes[1].node]
        messages = traces_of([s for s in receiver.spans if s not in handshakes + requests])
        assert len(messages) == 2
        assert_message(messages[0], nodes[0], set(nodes))
        assert_message(messages[1], nodes[1], set(nodes))
        assert_edge(handshakes, requests)
        for spans in messages:
            (publish,) = (span for span in spans if span.kind == "PRODUCER")
            assert publish.links == (CLIENT.split("-")[2],)
        sizes = {(s.node, s.attributes["chat.fanout.size"]) for s in receiver.named("process")}
        assert sizes == {(nodes[0], 1), (nodes[1], 2)}
        assert_private(receiver.raw)
        controls(messages[0], nodes, receiver.raw)


def assert_edge(handshakes: Sequence[Span], requests: Sequence[Span]) -> None:
    """A handshake is over when the socket is open; a request says its route and its status."""
    assert len(handshakes) == 3
    for span in handshakes:
        assert span.attributes["http.response.status_code"] == 101
        assert span.end - span.start < 5e8
        assert span.parent == ""
    (request,) = requests
    assert request.name == "POST /v1/rooms/{room}/messages"
    assert request.parent == CLIENT.split("-")[2]
    assert dict(request.attributes) == {
        "http.request.method": "POST",
        "http.route": "/v1/rooms/{room}/messages",
        "http.response.status_code": 201,
        "network.protocol.version": "1.1",
        "url.scheme": "http",
    }


def controls(spans: Sequence[Span], nodes: Sequence[str], raw: bytes) -> None:
    """Show that the checks see what they are there for: each damage fails one."""
    publish = next(span for span in spans if span.kind == "PRODUCER")
    commit = next(span for span in spans if span.kind == "CLIENT")
    process = next(span for span in spans if span.kind == "CONSUMER")
    others = [span for span in spans if span is not process]
    damages: list[Callable[[], list[Span]]] = [
        lambda: others,
        lambda: [*spans, process],
        lambda: [*spans, process._replace(kind="INTERNAL")],
        lambda: [*others, process._replace(parent=commit.id)],
        lambda: [*others, process._replace(links=())],
        lambda: [*others, process._replace(start=commit.end - 1)],
        lambda: [*others, process._replace(trace="0" * 32)],
        lambda: [*others, process._replace(end=process.end + 1)],
        lambda: [
            *(s for s in spans if s is not publish),
            publish._replace(end=commit.end - 1),
        ],
    ]
    for damage in damages:
        with pytest.raises(AssertionError):
            assert_message(damage(), nodes[0], set(nodes))
    with pytest.raises(AssertionError):
        assert_private(raw + TEXT.encode())


@pytest.mark.timeout(120)
async def test_what_is_not_drawn_is_not_exported() -> None:
    """At ratio 0 nothing leaves, a client's own sampled flag notwithstanding; nor is it stored."""
    async with receiving() as receiver, cluster_of_two(receiver, "0") as cluster:
        here, there = cluster.chats
        async with (
            signed_in(cluster, here, USERS[0]) as ann,
            signed_in(cluster, there, USERS[1]) as bo,
        ):
            await ann.publish(TEXT, ROOM, traceparent=CLIENT[:-1] + "1")
            await bo.until("message")
            await say_by_rest(cluster, there)
            await asyncio.sleep(SETTLED_S)
        assert receiver.spans == []
        master = await cluster.master()
        stored = await master.command("EVAL_RO", FIELDS, 1, f"hf:{{{ROOM}}}:log")
        assert stored == ["e", "u", "c", "t", "d"] * 2
