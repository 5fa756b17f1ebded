"""Every engine under one contract: `node` is one of each; `pair` two nodes on one storage."""

from collections.abc import AsyncIterator

import pytest

from chat.engine import Engine
from chat.log import MessageLog
from tests.resilience.nodes import Node, OpenNode, opener
from tests.resilience.recorder import Recorder

ENGINES = ("memory",)


@pytest.fixture(params=ENGINES)
def storage_url(request: pytest.FixtureRequest) -> str:
    """The URL of a storage with nothing in it, of each kind there is."""
    return "memory://"


@pytest.fixture
async def open_node(storage_url: str) -> AsyncIterator[OpenNode]:
    """Opens a node with the options of a test."""
    async with opener(storage_url) as open_node:
        yield open_node


@pytest.fixture
async def node(open_node: OpenNode) -> Node:
    return await open_node()


@pytest.fixture
def engine(node: Node) -> Engine:
    return node.engine


@pytest.fixture
def log(node: Node) -> MessageLog:
    return node.log


@pytest.fixture
def heard(node: Node) -> Recorder:
    return node.heard
