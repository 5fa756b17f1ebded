"""Messages by REST: say one, page through a room, fetch one; the same bytes as everywhere."""

import asyncio
from typing import Annotated, Any, Final

import msgspec
from aiohttp import web
from msgspec import UNSET, Meta, UnsetType

from chat import publishing
from chat.commands import Content
from chat.errors import Refusal, Unavailable
from chat.log import Draft, MessageLog, Page, Receipt
from chat.names import MessageId, RoomName, UserId
from handlers.answers import json_bytes, json_response, refuse
from handlers.authorization import authorize
from handlers.bodies import one_header, read_body, read_path, read_query
from handlers.holding import DEFAULT_WAIT_S, preferred_wait, rate_headers, wait_headers
from handlers.node import NODE, Node
from handlers.tracing import answered

REUSED: Final = 422  # draft-ietf-httpapi-idempotency-key-header §2.7: same key, other content

Seq = Annotated[int, Meta(ge=0, le=2**53, description="A place in the room's log.")]


class Post(Content, frozen=True, kw_only=True, tag=False, tag_field=None):
    """A message to say: `text`, `data` or both. `user` takes the scope `chat.publish`."""

    user: UserId | None = None


class RoomPath(msgspec.Struct, frozen=True):
    room: RoomName


class MessagePath(msgspec.Struct, frozen=True):
    room: RoomName
    seq: Annotated[int, Meta(ge=1, le=2**53, description="A place in the room's log.")]


class PageQuery(msgspec.Struct, frozen=True):
    before: Seq | UnsetType = UNSET
    after: Seq | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=100)] = 50


class MessagePage(msgspec.Struct, frozen=True):
    """A stretch of a room's log, ascending, without gaps; `tail` to `head` is what is kept."""

    room: RoomName
    epoch: str
    tail: int
    head: int
    items: list[msgspec.Raw]


async def publish(request: web.Request) -> web.Response:
    """Say a message; `Idempotency-Key` is the `cid`, in one namespace with WebSocket."""
    node = request.app[NODE]
    claims = await authorize(request)
    room = read_path(request, RoomPath).room
    key = one_header(request, "Idempotency-Key", MessageId)
    post = await read_body(request, Post, node.limits.frame)
    draft = publishing.draft(
        claims,
        room,
        key,
        post,
        node.limits,
        author=post.user,
    )
    wait_s = preferred_wait(request)
    headers = wait_headers(wait_s)
    node.appending += 1
    try:
        async with asyncio.timeout(wait_s or DEFAULT_WAIT_S):
            response = await _append(node, draft, request.headers.get("traceparent"))
    except (Refusal, TimeoutError) as error:
        refusal = error if isinstance(error, Refusal) else Unavailable("not committed in time")
        if refusal.code == "rate_limited":
            node.statistics.rejections["publish"] += 1
        status = REUSED if refusal.code == "conflict" else None
        response = refuse(request, refusal, status=status)
        headers |= rate_headers(node.limits, refusal)
    else:
        headers |= rate_headers(node.limits)
    finally:
        node.appending -= 1
    response.headers.update(headers)
    return response


async def _append(node: Node, draft: Draft, client: str | None) -> web.Response:
    log = node.engine.log
    receipt = await _traced(node, draft, client)
    headers = {"Location": f"/v1/rooms/{draft.room}/messages/{receipt.seq}"}
    if not receipt.dup:
        return json_bytes(draft.payload(receipt.seq, receipt.ts), status=201, headers=headers)
    headers["Idempotency-Replayed"] = "true"
    return json_bytes(await _original(log, draft, receipt), headers=headers)


async def _traced(node: Node, draft: Draft, client: str | None) -> Receipt:
    """Append the draft, traced if it is drawn."""
    trace = None if node.tracing is None else node.tracing.publish(client)
    if trace is not None:
        draft = draft.traced(trace)
    since = node.now()

    def settle(outcome: Receipt | BaseException) -> None:
        seconds = node.now() - since
        answered(node.tracing, node.statistics, trace, outcome, client, seconds=seconds)
        if trace is not None:
            trace.end()

    try:
        receipt = await node.engine.log.append(draft)
    except BaseException as error:
        settle(error)
        raise
    settle(receipt)
    return receipt


async def _original(log: MessageLog, draft: Draft, receipt: Receipt) -> bytes:
    """Return the event as it stands in the log; once that is trimmed, as it must have been."""
    page = await log.read(draft.room, after=receipt.seq - 1, limit=1)
    for event in page.events:
        if event.seq == receipt.seq:
            return event.payload
    return draft.payload(receipt.seq, receipt.ts)


async def history(request: web.Request) -> web.Response:
    """Page through a room: before or after a place, or its end."""
    claims = await authorize(request)
    room = read_path(request, RoomPath).room
    query = read_query(request, PageQuery)
    if query.before is not UNSET and query.after is not UNSET:
        raise Refusal("bad_request", "before or after, not both", field="before")
    claims.require(room, "r")
    place: dict[str, Any] = msgspec.structs.asdict(query)
    bounds = {name: value for name, value in place.items() if value is not UNSET}
    page = await request.app[NODE].engine.log.read(room, **bounds)
    items = [event.raw for event in page.events]
    body = MessagePage(room, page.epoch, page.tail, page.head, items)
    return json_response(body, headers=_links(room, page, query.limit))


def _links(room: str, page: Page, limit: int) -> dict[str, str]:
    """Return `Link` (RFC 8288): `next` towards the newer, `prev` towards the older."""
    if not page.events:
        return {}
    first, last = page.events[0].seq, page.events[-1].seq
    links = []
    if last < page.head:
        links.append(f'</v1/rooms/{room}/messages?after={last}&limit={limit}>; rel="next"')
    if first > page.tail:
        links.append(f'</v1/rooms/{room}/messages?before={first}&limit={limit}>; rel="prev"')
    return {"Link": ", ".join(links)} if links else {}


async def message(request: web.Request) -> web.Response:
    """Fetch one message by its place."""
    claims = await authorize(request)
    path = read_path(request, MessagePath)
    claims.require(path.room, "r")
    page = await request.app[NODE].engine.log.read(path.room, after=path.seq - 1, limit=1)
    if path.seq > page.head:
        raise Refusal("not_found", "no such message yet")
    if not page.events or page.events[0].seq != path.seq:
        raise Refusal("gone", "trimmed")
    return json_bytes(page.events[0].payload)
