"""Proxies between the clients and the chat servers: slices, silence, cuts, on the users' side."""

from collections.abc import Sequence

from deploy.local.chat_node import ChatNode
from deploy.local.edge import Edge
from deploy.local.ports import LOOPBACK, Port
from deploy.local.proxy import Door
from tests.drills.rig.wire import Address


class Doors:
    """One door before each chat server, each with one edge for all that comes by it."""

    def __init__(self, chats: Sequence[ChatNode]) -> None:
        self.edges = {chat.name: Edge("clients", chat.name) for chat in chats}
        self._ports = {chat.name: Port() for chat in chats}
        self._doors = [self._door(chat) for chat in chats]

    def _door(self, chat: ChatNode) -> Door:
        edge = self.edges[chat.name]
        return Door(self._ports[chat.name], chat.port, lambda _: edge)

    def address(self, chat: ChatNode) -> Address:
        return Address(chat.name, f"http://{LOOPBACK}:{self._ports[chat.name].number}")

    async def open(self) -> None:
        for door in self._doors:
            await door.open()

    async def close(self) -> None:
        for door in self._doors:
            await door.close()
        for port in self._ports.values():
            port.close()
