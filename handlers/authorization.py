"""Who asks: the bearer token of a REST request (RFC 6750 §2.1), turned into claims."""

import re
from typing import Final

from aiohttp import web

from chat.claims import Claims
from chat.errors import Refusal, Revoked
from handlers.address import client_address
from handlers.node import NODE

_BEARER: Final = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)


async def authorize(request: web.Request) -> Claims:
    """Return the claims, or raise `unauthorized`, `token_invalid` or `token_expired`.

    `rate_limited` for an address that has sent too many bad ones: a guess costs a signature.
    The token is looked for in the header alone: a URL ends up in logs, histories and referrers.
    """
    lines = request.headers.getall("Authorization", [])
    if not lines:
        raise Refusal("unauthorized", "a bearer token is required")
    match = _BEARER.fullmatch(lines[0]) if len(lines) == 1 else None
    if match is None:
        raise Refusal("token_invalid", "one bearer token is required")
    node = request.app[NODE]
    address = client_address(request, node.options.trusted_proxies)
    node.gate.admit_token(address, node.now())
    try:
        return await node.verify(match[1])
    except Refusal as refusal:
        if refusal.code == "token_invalid" and not isinstance(refusal, Revoked):
            node.gate.count_bad_token(address, node.now())
        raise
