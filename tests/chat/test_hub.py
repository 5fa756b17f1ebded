"""The hub: rooms come with their first listener, go with their last, and wake the loop once."""

from collections.abc import Callable, Coroutine
from typing import Any, cast

import msgspec
import pytest

from chat.engine import Phase, Storage
from chat.frames import User
from chat.hub import Hub
from chat.log import Event, MessageLog, Position
from chat.presence import Disconnect
from tests.chat.ears import Ear, Wire
from tests.chat.world import Pause


class Following:
    """The part of a log that a hub asks: every `follow` waits once and then is at `position`."""

    def __init__(self) -> None:
        self.position = Position("e1", 0)
        self.followed: list[str] = []
        self.unfollowed: list[str] = []

    async def follow(self, room: str) -> Position:
        self.followed.append(room)
        position = self.position
        await Pause()
        return position

    def unfollow(self, room: str) -> None:
        self.unfollowed.append(room)


class Bench:
    """A hub, its log and the number of times it asked for a flush."""

    def __init__(self) -> None:
        self.woken = 0
        self.following = Following()
        self.holds: list[tuple[float, Callable[[], None]]] = []
        self.hub = Hub(self._wake, self._later, lambda: 0)

    def _wake(self) -> None:
        self.woken += 1

    def _later(self, seconds: float, callback: Callable[[], None]) -> None:
        self.holds.append((seconds, callback))

    @property
    def log(self) -> MessageLog:
        return cast("MessageLog", self.following)

    def begin(self, room: str, ear: Ear) -> Coroutine[Any, Any, None]:
        """Enter, and begin to follow."""
        self.hub.enter(room, ear, watch=False)
        work = self.hub.follow(self.log, room)
        run(work)
        return work

    def seat(self, room: str, ear: Ear, *, watch: bool = False) -> None:
        """Bring an outlet in, live from where the stream stands."""
        self.hub.enter(room, ear, watch=watch)
        work = self.hub.follow(self.log, room)
        run(work)
        run(work)
        assert self.hub.settle(room, ear, self.following.position)

    def fill(self, room: str, count: int) -> list[Ear]:
        """Bring so many in."""
        ears = [Ear(Wire()) for _ in range(count)]
        for ear in ears:
            self.seat(room, ear)
        return ears

    def say(self, room: str, seq: int, *, more: bool | None = None) -> None:
        self.hub.committed(room, "e1", [Event(seq, b"%d" % seq)], more=more)

    def flush(self) -> None:
        """Do what it asked for, if it did."""
        if self.woken:
            self.woken = 0
            self.hub.flush()


def run(work: Coroutine[Any, Any, None]) -> None:
    """Carry a coroutine on to its next await; one that has ended stays so."""
    try:
        work.send(None)
    except (StopIteration, RuntimeError):
        work.close()


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_room_is_followed_once_and_left_by_the_last(bench: Bench) -> None:
    """The first in makes the node hear a room, later ones do not ask, the last out ends it."""
    one, two = Ear(Wire()), Ear(Wire())
    bench.seat("den", one)
    bench.seat("den", two)
    assert bench.following.followed == ["den"]
    bench.hub.leave(bench.log, "den", one)
    assert bench.following.unfollowed == []
    bench.hub.leave(bench.log, "den", two)
    assert bench.following.unfollowed == ["den"]
    assert bench.hub.statistics() == {"rooms": 0, "live": 0, "catching": 0}


def test_leaving_where_one_is_not_is_nothing(bench: Bench) -> None:
    """Leaving an unknown room, or one of others, tells the log nothing."""
    bench.seat("den", Ear(Wire()))
    bench.hub.leave(bench.log, "hall", Ear(Wire()))
    bench.hub.leave(bench.log, "den", Ear(Wire()))
    assert bench.following.unfollowed == []


def test_a_join_never_moves_the_nodes_place(bench: Bench) -> None:
    """An answer to `follow` that is older than what the stream brought meanwhile is ignored."""
    ear = Ear(Wire())
    work = bench.begin("den", ear)
    bench.say("den", 1)
    run(work)
    assert bench.hub.settle("den", ear, Position("e1", 1))
    assert bench.hub.statistics()["live"] == 1
    bench.say("den", 2)
    bench.hub.flush()
    assert ear.heard == ["2"]


def test_an_answer_for_a_room_that_is_gone_is_nothing(bench: Bench) -> None:
    """Who left while `follow` was under way, and came back, waits for the new answer."""
    ear = Ear(Wire())
    late = bench.begin("den", ear)
    bench.hub.leave(bench.log, "den", ear)
    bench.following.position = Position("e1", 5)
    work = bench.begin("den", ear)
    run(late)
    run(work)
    assert bench.hub.settle("den", ear, Position("e1", 5))
    assert bench.hub.statistics() == {"rooms": 1, "live": 1, "catching": 0}


def test_one_wake_for_each_turn(bench: Bench) -> None:
    """However many rooms and events, one flush is asked for until it was carried out."""
    ears = {room: Ear(Wire()) for room in ("den", "hall")}
    for room, ear in ears.items():
        bench.seat(room, ear)
    for seq in (1, 2, 3):
        for room in ears:
            bench.say(room, seq)
    assert bench.woken == 1
    bench.hub.flush()
    assert [ear.heard for ear in ears.values()] == [["1", "2", "3"]] * 2
    bench.hub.flush()
    bench.say("den", 4)
    assert bench.woken == 2


def test_a_room_that_is_gone_is_handed_out_no_more(bench: Bench) -> None:
    """What was gathered for listeners who left in the same turn does not count as handed out."""
    ear = Ear(Wire())
    bench.seat("den", ear)
    bench.say("den", 1)
    bench.hub.leave(bench.log, "den", ear)
    bench.hub.flush()
    assert bench.hub.tally.flushes == 0


def test_a_full_room_rests_after_it_was_written_to(bench: Bench) -> None:
    """What is said meanwhile leaves together, once the rest is over: half a write each."""
    ears = bench.fill("den", 200)
    bench.say("den", 1)
    bench.flush()
    bench.say("den", 2)
    bench.say("den", 3)
    assert bench.woken == 0
    ((seconds, over),) = bench.holds
    assert seconds == pytest.approx(0.002)
    bench.flush()
    assert ears[0].heard == ["1"]
    over()
    assert bench.woken == 1
    bench.flush()
    assert all(ear.heard == ["1", "2", "3"] for ear in ears)


def test_a_rest_with_nothing_said_is_over(bench: Bench) -> None:
    """Who speaks after the rest is heard at once; nobody is woken for nothing."""
    bench.fill("den", 50)
    bench.say("den", 1)
    bench.flush()
    bench.holds.pop()[1]()
    assert bench.woken == 0
    bench.say("den", 2)
    assert bench.woken == 1


@pytest.mark.parametrize("more", [None, True])
def test_a_small_room_waits_for_nothing(bench: Bench, *, more: bool | None) -> None:
    """A few writes take less than a timer, and what comes alone comes sooner."""
    bench.fill("den", 49)
    bench.say("den", 1, more=more)
    bench.flush()
    assert bench.holds == []
    assert bench.hub.tally.flushes == 1


def test_a_room_left_while_it_rests_hands_nothing_out(bench: Bench) -> None:
    """The rest of a room that is gone ends in nothing."""
    ears = bench.fill("den", 50)
    bench.say("den", 1)
    bench.flush()
    bench.say("den", 2)
    for ear in ears:
        bench.hub.leave(bench.log, "den", ear)
    bench.holds.pop()[1]()
    assert bench.woken == 0
    assert bench.hub.tally.events == 1


def test_a_full_room_waits_for_what_the_node_commits_next(bench: Bench) -> None:
    """What was on its way together leaves together, and waits for one commit only."""
    ears = bench.fill("den", 50)
    bench.say("den", 1, more=True)
    bench.flush()
    assert ears[0].heard == []
    bench.say("den", 2)  # from another node
    bench.flush()
    assert ears[0].heard == []
    bench.say("den", 3, more=True)
    bench.flush()
    assert all(ear.heard == ["1", "2", "3"] for ear in ears)


def test_a_full_room_waits_for_nothing_if_the_node_commits_nothing_more(bench: Bench) -> None:
    """The last of what was on its way leaves at once, also out of a rest."""
    ears = bench.fill("den", 50)
    bench.say("den", 1, more=False)
    bench.flush()
    bench.say("den", 2, more=False)
    bench.flush()
    assert ears[0].heard == ["1", "2"]


def test_a_commit_that_never_comes_is_waited_for_10_ms(bench: Bench) -> None:
    """What was to be committed next may be refused or held; what is committed is shown."""
    ears = bench.fill("den", 50)
    bench.say("den", 1, more=True)
    ((seconds, over),) = bench.holds
    assert seconds == pytest.approx(0.010)
    over()
    bench.flush()
    assert ears[0].heard == ["1"]


def test_the_time_of_an_earlier_wait_does_not_end_a_later_one(bench: Bench) -> None:
    """Each wait has its own time."""
    ears = bench.fill("den", 50)
    bench.say("den", 1, more=True)
    bench.say("den", 2, more=False)
    bench.flush()
    bench.say("den", 3, more=True)
    first, rest, last = (over for _, over in bench.holds)
    first()
    rest()
    bench.flush()
    assert ears[0].heard == ["1", "2"]
    last()
    bench.flush()
    assert ears[0].heard == ["1", "2", "3"]


def test_nothing_is_asked_for_nothing(bench: Bench) -> None:
    """Events of a room without listeners, or no events at all, wake nobody."""
    bench.seat("den", Ear(Wire()))
    bench.say("hall", 1)
    bench.hub.committed("den", "e1", [])
    bench.hub.lost("hall", Position("e2", 0))
    bench.hub.signalled("hall", b"{}")
    bench.hub.presence_changed("hall", 1, [User("u")], [])
    assert bench.woken == 0


def test_a_lost_history_is_told_to_its_room(bench: Bench) -> None:
    """Everyone live in the room is asked to come back in, nobody in another."""
    one, two, other = Ear(Wire()), Ear(Wire()), Ear(Wire())
    for room, ear in (("den", one), ("den", two), ("hall", other)):
        bench.seat(room, ear)
    bench.hub.lost("den", Position("e2", 0))
    assert (one.lost, two.lost, other.lost) == (["den"], ["den"], [])
    assert bench.hub.statistics() == {"rooms": 2, "live": 1, "catching": 2}


def test_signals_go_to_the_live(bench: Bench) -> None:
    """An ephemeral frame reaches who is live in the room, and nobody who is still on the way."""
    live, coming = Ear(Wire()), Ear(Wire())
    bench.seat("den", live)
    bench.hub.enter("den", coming, watch=False)
    bench.hub.signalled("den", b"typing")
    assert (live.heard, coming.heard) == (["typing"], [])


def test_presence_goes_to_who_asked(bench: Bench) -> None:
    """Who came and went is told to watchers only, with what is empty left out."""
    watcher, other = Ear(Wire()), Ear(Wire())
    bench.seat("den", watcher, watch=True)
    bench.seat("den", other)
    bench.hub.presence_changed("den", 13, [User("u9", "Cy")], ["u3"])
    bench.hub.presence_changed("den", 12, [], ["u9"])
    assert other.heard == []
    assert [msgspec.json.decode(line) for line in watcher.heard] == [
        {
            "type": "presence",
            "room": "den",
            "count": 13,
            "join": [{"id": "u9", "name": "Cy"}],
            "leave": ["u3"],
        },
        {"type": "presence", "room": "den", "count": 12, "leave": ["u9"]},
    ]


def test_news_of_storage_and_orders_are_passed_on(bench: Bench) -> None:
    """A phase of the storage and an administrator's order reach those who are set to hear them."""
    news: list[object] = []
    storage, order = Storage(Phase.DOWN, "gone", 1), Disconnect(close="kicked", user="u1")
    bench.hub.storage_changed(storage)
    bench.hub.ordered(order)
    bench.hub.on_storage = news.append
    bench.hub.on_order = news.append
    bench.hub.storage_changed(storage)
    bench.hub.ordered(order)
    assert news == [storage, order]
    assert not storage.up
