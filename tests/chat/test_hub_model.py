"""Catch-up, room and hub together, against a log that never errs: the heart of the delivery."""

from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    precondition,
    rule,
    run_state_machine_as_test,
)

from chat import catchup, hub, room
from chat.hub import Hub
from chat.log import Position
from tests.chat.ears import Wire
from tests.chat.world import ROOM, Client, FakeLog, History

CLIENTS = st.integers(0, 2)


@pytest.fixture(autouse=True)
def _small_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds so small that a few events reach them."""
    monkeypatch.setattr(room, "BUFFERED", 6)
    monkeypatch.setattr(catchup, "PAGE_EVENTS", 3)
    monkeypatch.setattr(catchup, "PAGE_BYTES", 8)
    monkeypatch.setattr(catchup, "REPLAY", 12)
    monkeypatch.setattr(catchup, "RESET_EVENTS", 4)
    monkeypatch.setattr(hub, "MANY", 1)


class Delivery(RuleBasedStateMachine):
    """Clients come, go and come back while the log grows, is trimmed, is lost, and is late."""

    def __init__(self) -> None:
        super().__init__()
        self.woken = False
        self.log = FakeLog()
        self.holds: list[Callable[[], None]] = []
        self.hub = Hub(self.wake, self.hold, lambda: 0)
        wires = [Wire(), Wire()]
        self.clients = [Client(self.hub, self.log, wires[n % 2]) for n in range(3)]

    def wake(self) -> None:
        self.woken = True

    def hold(self, _seconds: float, callback: Callable[[], None]) -> None:
        self.holds.append(callback)

    @precondition(lambda self: self.holds)
    @rule()
    def end_a_hold(self) -> None:
        self.holds.pop(0)()

    @rule(count=st.integers(1, 4))
    def append(self, count: int) -> None:
        self.log.history.head += count

    @rule(count=st.integers(1, 4))
    def trim(self, count: int) -> None:
        history = self.log.history
        history.tail = min(history.tail + count, history.head + 1)

    @rule(head=st.integers(0, 9))
    def lose_the_history(self, head: int) -> None:
        self.log.history = History(f"e{int(self.log.history.epoch[1:]) + 1}")
        self.log.history.head = head

    @precondition(lambda self: self.log.stream and self.log.stream.seq < self.log.streamed.head)
    @rule(count=st.integers(1, 12), more=st.sampled_from([None, True, False]))
    def stream(self, count: int, *, more: bool | None = None) -> None:
        here, history = self.log.stream, self.log.streamed
        assert here is not None
        events = history.events(here.seq + 1, here.seq + count)
        self.log.stream = Position(history.epoch, events[-1].seq)
        self.hub.committed(ROOM, history.epoch, events, more=more)
        for each in self.hub._rooms.values():
            assert all(len(c.buffer) <= room.BUFFERED for c in each.catching.values())

    @precondition(lambda self: self.log.stream and self.log.streamed is not self.log.history)
    @rule(behind=st.integers(0, 4))
    def notice_the_loss(self, behind: int) -> None:
        history = self.log.history
        self.log.streamed = history
        self.log.stream = Position(history.epoch, max(0, history.head - behind))
        self.hub.lost(ROOM, self.log.stream)

    @rule(lag=st.integers(0, 3))
    def begin_streams_behind(self, lag: int) -> None:
        self.log.lag = lag

    @precondition(lambda self: self.woken)
    @rule()
    def flush(self) -> None:
        self.woken = False
        self.hub.flush()

    @rule(n=CLIENTS, history=st.integers(0, 5))
    def join_anew(self, n: int, history: int) -> None:
        if not self.clients[n].joining:
            self.clients[n].join(history=history)

    @rule(n=CLIENTS)
    def join_where_it_stood(self, n: int) -> None:
        if not self.clients[n].joining:
            self.clients[n].join()

    @rule(n=CLIENTS, steps=st.integers(1, 8))
    def carry_on(self, n: int, steps: int) -> None:
        for _ in range(steps):
            if self.clients[n].joining or self.clients[n].astray:
                self.clients[n].step()

    @rule(n=CLIENTS)
    def fail(self, n: int) -> None:
        if self.clients[n].joining:
            self.clients[n].step(failing=True)

    @rule(n=CLIENTS)
    def leave(self, n: int) -> None:
        self.clients[n].leave()

    @rule()
    def come_to_rest(self) -> None:
        """After all is read, streamed and flushed, everyone who is here has all that is there."""
        for _ in range(3):
            self.settle_everyone()
            if self.log.stream and self.log.streamed is not self.log.history:
                self.notice_the_loss(0)
        self.settle_everyone()
        here = [client for client in self.clients if client.present]
        history = self.log.history
        assert all((c.epoch, c.last) == (history.epoch, history.head) for c in here)
        assert (self.log.stream is not None) == bool(here)
        live = self.hub.statistics()
        assert live == {"rooms": int(bool(here)), "live": len(here), "catching": 0}

    def settle_everyone(self) -> None:
        for client in self.clients:
            for _ in range(100):
                if client.joining or client.astray:
                    client.step()
        assert not any(client.joining or client.astray for client in self.clients)
        while self.log.stream and self.log.stream.seq < self.log.streamed.head:
            self.stream(12)
        while self.holds:
            self.end_a_hold()
        if self.woken:
            self.flush()

    def teardown(self) -> None:
        self.come_to_rest()


def test_everyone_sees_every_event_once_in_order() -> None:
    """Whatever interleaves, what a client is sent is contiguous from what it was shown."""
    run_state_machine_as_test(
        Delivery, settings=settings(max_examples=300, stateful_step_count=40, deadline=None)
    )
