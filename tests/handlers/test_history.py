"""Paging through a room by REST: every message once, in order, by following the links."""

from yarl import URL

from tests.chatting import token
from tests.handlers.conftest import Rest

ROOM = "/v1/rooms/general/messages"


async def links(rest: Rest, query: str) -> tuple[list[int], dict[str, str]]:
    """Return the seqs of a page, and its links by rel."""
    async with rest.served.session.get(
        f"{rest.served.url}{ROOM}{query}", headers={"Authorization": f"Bearer {token('ann')}"}
    ) as response:
        page = await response.json()
        found = {str(rel): URL(link["url"]).path_qs for rel, link in response.links.items()}
    return [item["seq"] for item in page["items"]], found


async def test_pages_and_their_links(rest: Rest) -> None:
    """Following `prev` from the end, then `next` from the start, shows each message once."""
    for number in range(7):
        await rest.say(str(number))
    seqs, found = await links(rest, "?limit=3")
    assert seqs == [5, 6, 7]
    assert set(found) == {"prev"}
    older, found = await links(rest, found["prev"].removeprefix(ROOM))
    assert older == [2, 3, 4]
    assert set(found) == {"prev", "next"}
    oldest, found = await links(rest, found["prev"].removeprefix(ROOM))
    assert oldest == [1]
    walked, query = [], "?after=0&limit=3"
    while query:
        seqs, found = await links(rest, query)
        walked += seqs
        query = found.get("next", "").removeprefix(ROOM)
    assert walked == [1, 2, 3, 4, 5, 6, 7]


async def test_an_empty_room(rest: Rest) -> None:
    """A room that never was is an empty page with an epoch and no links."""
    page = await rest.ask("GET", ROOM)
    assert page.status == 200
    assert (page.json["tail"], page.json["head"], page.json["items"]) == (1, 0, [])
    assert page.json["epoch"]
    assert "Link" not in page.headers


async def test_one_message(rest: Rest) -> None:
    """A place above the head is 404; permission is asked before anything is told."""
    await rest.say("x")
    assert (await rest.ask("GET", f"{ROOM}/2")).json["code"] == "not_found"
    for seq in (1, 2):
        hidden = await rest.ask("GET", f"{ROOM}/{seq}", rooms={})
        assert (hidden.status, hidden.json["code"]) == (403, "forbidden")
