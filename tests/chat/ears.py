"""Outlets and wires that keep what they are given."""

from collections.abc import Sequence


class Wire:
    """Frames as lines; `made` counts how often it was asked to make some."""

    def __init__(self) -> None:
        self.made = 0

    def frames(self, payloads: Sequence[bytes]) -> bytes:
        self.made += 1
        return b"".join(payload + b"\n" for payload in payloads)


class Ear:
    """An outlet that keeps each line it is sent, and the rooms whose loss it is told of."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.heard: list[str] = []
        self.lost: list[str] = []
        self.slow = False

    def offer(self, chunk: bytes) -> None:
        self.heard.extend(chunk.decode().splitlines())

    def offer_lossy(self, chunk: bytes) -> None:
        if not self.slow:
            self.offer(chunk)

    def resync(self, room: str) -> None:
        self.lost.append(room)
