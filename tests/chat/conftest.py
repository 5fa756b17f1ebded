"""Properties are tested without a clock: a busy machine fails none. Rooms to test in."""

import pytest
from hypothesis import HealthCheck, settings

from chat.log import Position
from chat.room import Room, Tally
from tests.chat.ears import Ear, Wire

settings.register_profile("chat", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("chat")


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def ear(wire: Wire) -> Ear:
    return Ear(wire)


@pytest.fixture
def room() -> Room:
    """A room whose stream stands at 5 in e1."""
    room = Room("den", Tally(lambda: 0))
    room.position = Position("e1", 5)
    return room
