"""`Signals`: ephemeral frames, here at once, and in the log never."""

from chat.engine import Engine
from tests.resilience.recorder import Recorder, draft

TYPING = b'{"type":"typing","room":"den","user":"ann","on":true,"ttl_ms":6000}'


async def test_a_signal_is_here_at_once(engine: Engine, heard: Recorder) -> None:
    """The listener has the very bytes when `send` returns."""
    await engine.log.follow("den")
    engine.signals.send("den", TYPING)
    assert heard.signals == [("den", TYPING)]


async def test_a_signal_is_heard_once(engine: Engine, heard: Recorder) -> None:
    """What went out to all nodes does not come back to this one."""
    await engine.log.follow("den")
    engine.signals.send("den", TYPING)
    await engine.log.append(draft())
    await heard.hears(1)
    assert heard.signals == [("den", TYPING)]


async def test_signals_of_other_rooms_are_not_heard(engine: Engine, heard: Recorder) -> None:
    """A room that is not followed, or no more, brings no signals."""
    await engine.log.follow("lounge")
    engine.log.unfollow("lounge")
    await engine.log.follow("den")
    engine.signals.send("lounge", TYPING)
    engine.signals.send("cellar", TYPING)
    engine.signals.send("den", TYPING)
    assert heard.signals == [("den", TYPING)]


async def test_signals_leave_no_trace(engine: Engine) -> None:
    """A signal takes no place in the log."""
    await engine.log.follow("den")
    engine.signals.send("den", TYPING)
    assert (await engine.log.append(draft())).seq == 1
    assert (await engine.log.read("den", limit=10)).head == 1
