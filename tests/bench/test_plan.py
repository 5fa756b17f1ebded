"""The plan that the generator is given."""

from bench.peers import all_peers, chosen_peers
from bench.peers.contract import STAMP, Missed, Position
from bench.plan import Plan, Room, Traffic

HOLD = Traffic("hold", 1.0, 0.0)


def _lines(peer: str, rooms: tuple[Room, ...], missed: tuple[Missed, ...] = ()) -> list[str]:
    plan = Plan(chosen_peers(peer)[0], rooms, HOLD, (7001, 7002), (("server", 42),), missed=missed)
    return plan.text().splitlines()


def test_every_connection_gets_a_user_of_its_own_and_the_targets_take_turns() -> None:
    """No limit per user is met, and each server gets its share."""
    lines = _lines("plain", (Room(2, 1), Room(2, 0)))
    assert [line for line in lines if line.startswith("conn")] == [
        "conn 0 0 0",
        "conn 0 -1 1",
        "conn 1 -1 0",
        "conn 1 -1 1",
    ]
    assert sum('"user": "u3"' in line for line in lines) == 1


def test_only_publishers_have_a_message_to_publish() -> None:
    """A silent member costs no publish line."""
    publishes = [line for line in _lines("plain", (Room(5, 2),)) if line.startswith("publish")]
    assert len(publishes) == 2


def test_every_peers_message_has_a_place_for_the_stamp_and_fits_one_line() -> None:
    """A driver without it would measure nothing, and a line break would cut its frame."""
    for name, peer in all_peers().items():
        lines = _lines(name, (Room(1, 1),))
        assert any(STAMP in line for line in lines), name
        assert all(line.partition(" ")[2] for line in lines), name
        assert peer.name == name


def test_a_client_that_comes_back_asks_for_what_it_missed_and_waits_for_its_end() -> None:
    """The resume storm is only over for it when the last missed message is there."""
    missed = (Missed(Position("k3", 50), Position("k3", 100)),)
    text = "\n".join(_lines("holdfast", (Room(1, 0),), missed=missed))
    assert '"since":50,"epoch":"k3"' in text
    assert 'expect "seq":100,' in text


def test_a_room_is_at_one_server_or_at_all() -> None:
    """Members are dealt out over the servers; those of a room that stays together by rooms."""
    for together, servers in ((True, ["0", "0", "1", "1"]), (False, ["0", "1", "0", "1"])):
        rooms = (Room(2, 1, together=together),) * 2
        plan = Plan(chosen_peers("plain")[0], rooms, HOLD, (7001, 7002), ())
        told = [line.split() for line in plan.text().splitlines() if line.startswith("conn ")]
        assert [server for *_, server in told] == servers
