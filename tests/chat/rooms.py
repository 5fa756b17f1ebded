"""A room whose stream the test moves by hand."""

from collections.abc import Sequence

from chat.log import Event, Position
from chat.room import Room
from tests.chat.ears import Ear


def events(epoch: str, seqs: Sequence[int]) -> list[Event]:
    return [Event(seq, f"{epoch}/{seq}".encode()) for seq in seqs]


def commit(room: Room, epoch: str, first: int, last: int) -> None:
    room.commit(Position(epoch, last), events(epoch, range(first, last + 1)))


def live(room: Room, ear: Ear) -> None:
    room.enter(ear, watch=False)
    assert room.position is not None
    assert room.settle(ear, room.position)
