"""How long a REST write waits for the storage, and what is told of the publish rate."""

import re
from typing import Final

from aiohttp import web

from chat.errors import Refusal
from chat.limits import Limits

DEFAULT_WAIT_S: Final = 10
LONGEST_WAIT_S: Final = 15  # the hold time: past it nothing is being waited for
_WAIT: Final = re.compile(r'wait\s*=\s*"?(\d{1,9})"?\s*(;.*)?', re.IGNORECASE)


def preferred_wait(request: web.Request) -> int | None:
    """Return the seconds of `Prefer: wait=<s>` that are honoured, 1 to 15, or None.

    RFC 7240 §2: the first of several counts, and what is not understood is ignored.
    """
    lines = request.headers.getall("Prefer", [])
    for preference in (item.strip() for line in lines for item in line.split(",")):
        match = _WAIT.fullmatch(preference)
        if match:
            return min(max(int(match[1]), 1), LONGEST_WAIT_S)
    return None


def wait_headers(wait_s: int | None) -> dict[str, str]:
    """Return `Preference-Applied`, when a preference was."""
    return {} if wait_s is None else {"Preference-Applied": f"wait={wait_s}"}


def rate_headers(limits: Limits, refusal: Refusal | None = None) -> dict[str, str]:
    """Return the fields of draft-ietf-httpapi-ratelimit-headers.

    What is left is known only when it is nothing: the log counts, not this node.
    """
    count, seconds = limits.publish
    headers = {"RateLimit-Policy": f'"publish";q={count};w={seconds}'}
    if refusal is not None and refusal.code == "rate_limited":
        reset_s = -(-(refusal.retry_ms or 0) // 1000)
        headers["RateLimit"] = f'"publish";r=0;t={reset_s}'
    return headers
