"""`Engine`: its name, the phase of its storage, and what it says to an administrator."""

import time

import msgspec
import pytest

from chat.engine import Phase
from tests.resilience.nodes import OpenNode
from tests.resilience.recorder import draft


async def test_an_open_engine_is_up(open_node: OpenNode) -> None:
    """One that waits at the start is open when publishes are committed at once: up, and since when.

    Without that it waits for a second only, which a busy machine may take.
    """
    engine = (await open_node(wait_at_start=True)).engine
    assert engine.storage.phase is Phase.UP
    assert engine.storage.up
    assert engine.storage.reason
    assert engine.storage.since == pytest.approx(time.time() * 1000, abs=60_000)


async def test_the_node_has_the_name_it_was_given(open_node: OpenNode) -> None:
    """The engine calls its node as it was told to."""
    assert (await open_node(node="n1")).engine.node == "n1"


async def test_nodes_name_themselves_apart(open_node: OpenNode) -> None:
    """Two nodes that are given no name have different ones."""
    assert (await open_node()).engine.node != (await open_node()).engine.node


async def test_the_cluster_can_be_shown(open_node: OpenNode) -> None:
    """The description is JSON, and names the engine, the storage's phase and this node."""
    engine = (await open_node(node="n1")).engine
    await engine.log.append(draft())
    cluster = msgspec.json.decode(msgspec.json.encode(await engine.cluster()))
    assert isinstance(cluster["engine"], str)
    assert cluster["storage"]["phase"] == "up"
    assert "n1" in cluster["nodes"]
