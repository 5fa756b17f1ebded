"""Presence by REST: users counted once, over all their connections."""

from tests.conftest import Connect
from tests.handlers.conftest import Rest

ROOM = "/v1/rooms/general/presence"


async def test_who_is_there(rest: Rest, connect: Connect) -> None:
    """A user with two connections counts once, with the name of the token; who left is gone."""
    assert (await rest.ask("GET", ROOM)).json == {"count": 0, "members": []}
    clients = [await connect(user, to=rest.served) for user in ("bo", "ann", "ann")]
    for client in clients:
        await client.join()
    view = (await rest.ask("GET", ROOM)).json
    assert view["count"] == 2
    assert view["members"] == [{"id": "ann", "name": "Ann"}, {"id": "bo", "name": "Bo"}]
    first = (await rest.ask("GET", f"{ROOM}?limit=1")).json
    assert (first["count"], len(first["members"])) == (2, 1)
    await clients[0].ask({"type": "leave", "room": "general"})
    assert (await rest.ask("GET", ROOM)).json["count"] == 1


async def test_presence_takes_the_right_to_read(rest: Rest) -> None:
    """Without `r` nobody learns who is in a room."""
    answer = await rest.ask("GET", ROOM, rooms={"general": "w"})
    assert (answer.status, answer.json["code"]) == (403, "forbidden")
