"""The bounds of one connection and one message, each with the reason for its default."""

from typing import Final

import msgspec

MINUTE_S: Final = 60.0


class Limits(msgspec.Struct, frozen=True):
    """What a client may do; sent to it in `welcome.limits`.

    `frame` and `data` are bytes, `text` code points after NFC, `dedup_s` seconds; `publish` is
    (messages, seconds): never more than so many in *any* window of that length, per user.
    """

    frame: int = 16_384  # holds 4,000 code points of four bytes each, and the envelope
    text: int = 4_000
    data: int = 4_096
    batch: int = 64
    rooms: int = 50
    history: int = 100
    dedup_s: int = 600  # ten minutes: longer than a phone's way through a tunnel
    publish: tuple[int, int] = (30, 60)


class Pace(msgspec.Struct, frozen=True):
    """How often one connection may do what is not a publish; counts per 60 s."""

    frames: int = 120
    malformed: int = 10  # the tenth in a minute closes with 4000
    refusals: int = 60  # so many rate_limited answers in a minute close with 4200
    typing_s: float = 2.0  # one typing signal per room in so many seconds


REPLAY: Final = 1_000  # a client that missed more is told `too_far` and starts anew
RESET_EVENTS: Final = 50  # how much of the room a reset client is shown
DEFAULT_HISTORY: Final = 50
PAGE_EVENTS: Final = 100  # events in one frame of a catch-up
PAGE_BYTES: Final = 1 << 18  # of them, unless one is longer; and unsent, for more to follow
HELD_PER_CONNECTION: Final = 64  # publishes of one connection that wait for their ack
MENTIONS: Final = 20
