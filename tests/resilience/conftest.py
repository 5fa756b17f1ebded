"""Every engine under one contract: `node` is one of each; `pair` two nodes on one storage."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from functools import cache

import pytest
import uvloop

from chat.engine import Engine
from chat.log import MessageLog
from deploy.local.cluster import Cluster
from tests.resilience.nodes import Node, OpenNode, Pair, opener
from tests.resilience.recorder import Recorder
from tests.resilience.storages import ENGINES, SHARED, SIZES, Clusters, empty, of, started


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The contracts hold on the loop that the server runs on."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def clusters() -> Iterator[Clusters]:
    """Starts each kind of cluster when it is first asked for."""
    with ExitStack() as stack:
        yield cache(lambda kind: stack.enter_context(started(of(kind))))


@pytest.fixture(params=ENGINES)
def cluster(request: pytest.FixtureRequest, clusters: Clusters) -> Cluster | None:
    """The cluster behind each kind of engine; None for the one that needs none."""
    return clusters(request.param) if request.param in SIZES else None


@pytest.fixture
async def storage_url(cluster: Cluster | None) -> str:
    """The URL of a storage with nothing in it."""
    if cluster is None:
        return "memory://"
    await empty(cluster)
    return cluster.url()


@pytest.fixture
async def open_node(storage_url: str) -> AsyncIterator[OpenNode]:
    """Opens a node with the options of a test."""
    async with opener(storage_url) as open_node:
        yield open_node


@pytest.fixture
async def node(open_node: OpenNode) -> Node:
    return await open_node()


@pytest.fixture(params=SHARED)
def shared(request: pytest.FixtureRequest, clusters: Clusters) -> Cluster:
    """A cluster of each kind that several nodes can be on."""
    return clusters(request.param)


@pytest.fixture
def replicated(clusters: Clusters) -> Cluster:
    """A master whose replicas must have what it acknowledges."""
    return clusters("sentinel")


@pytest.fixture
async def open_replicated(replicated: Cluster) -> AsyncIterator[OpenNode]:
    """Opens nodes on it, with nothing in it."""
    await empty(replicated)
    async with opener(replicated.url()) as open_node:
        yield open_node


@pytest.fixture
async def open_shared(shared: Cluster) -> AsyncIterator[OpenNode]:
    """Opens nodes on one storage with nothing in it."""
    await empty(shared)
    async with opener(shared.url()) as open_node:
        yield open_node


@pytest.fixture
async def pair(open_shared: OpenNode) -> Pair:
    return Pair(await open_shared(node="a"), await open_shared(node="b"))


@pytest.fixture
def engine(node: Node) -> Engine:
    return node.engine


@pytest.fixture
def log(node: Node) -> MessageLog:
    return node.log


@pytest.fixture
def heard(node: Node) -> Recorder:
    return node.heard
