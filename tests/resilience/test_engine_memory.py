"""The memory engine: opened and closed, with an epoch of its own and clocks from outside."""

import pytest

from chat.frames import User
from chat.log import Receipt
from resilience.engine_memory import open_memory
from resilience.options import EngineOptions
from tests.resilience.recorder import Recorder, draft

OPTIONS = EngineOptions(node="n1")


async def test_every_life_has_an_epoch_of_its_own() -> None:
    """A history that ended with its engine is never continued under the same epoch."""
    epochs = set()
    for _ in range(2):
        async with open_memory(Recorder(), OPTIONS) as engine:
            epochs.add((await engine.log.follow("den")).epoch)
    assert len(epochs) == 2


async def test_closing_settles_and_falls_silent() -> None:
    """At the end, a failed one too, pending appends are answered and told, presence is not."""
    heard = Recorder()
    answers = []

    async def fail() -> None:
        async with open_memory(heard, OPTIONS) as engine:
            await engine.log.follow("den")
            engine.presence.enter("den", "1", User("ann"))
            answers.append(engine.log.append(draft()))
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert [answer.result().seq for answer in answers] == [1]
    assert heard.seqs() == [1]
    assert heard.changes == {}


async def test_clocks_come_from_outside() -> None:
    """Times of events and of the phase are those of the wall clock that was handed in."""
    async with open_memory(Recorder(), OPTIONS, clock=lambda: 0.0, wall=lambda: 77) as engine:
        assert engine.storage.since == 77
        assert await engine.log.append(draft()) == Receipt(1, 77)


async def test_an_administrator_sees_what_is_kept() -> None:
    """The description has the engine's kind, its one node and the counts of the log."""
    async with open_memory(Recorder(), OPTIONS, wall=lambda: 77) as engine:
        await engine.log.append(draft())
        assert await engine.cluster() == {
            "engine": "memory",
            "node": "n1",
            "storage": {"phase": "up", "reason": "in this process's memory", "since": 77},
            "nodes": {"n1": {"connections": 0}},
            "log": {"rooms": 1, "events": 1, "keys": 1, "users": 1},
        }
