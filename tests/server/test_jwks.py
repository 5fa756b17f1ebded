"""Public keys over real TLS: every family, rotation, and a key server that misbehaves."""

import asyncio
import hmac
import json
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.utils import base64url_encode

from chat.errors import Refusal
from server.environment import Secret
from server.jwks import BOUND, Jwks
from server.settings import PUBLIC
from server.tokens import JwtTokens
from tests.certificates import issue

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
KEYS: dict[str, Any] = {
    "RS": RSA_KEY,
    "PS": RSA_KEY,
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "ES384": ec.generate_private_key(ec.SECP384R1()),
    "ES512": ec.generate_private_key(ec.SECP521R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}


def key_for(algorithm: str) -> Any:
    return KEYS.get(algorithm) or KEYS[algorithm[:2]]


def public(algorithm: str, kid: str) -> dict[str, Any]:
    """Return the public JWK."""
    form = jwt.get_algorithm_by_name(algorithm)
    found: dict[str, Any] = json.loads(form.to_jwk(key_for(algorithm).public_key()))
    return {**found, "kid": kid, "use": "sig"}


def token(algorithm: str, kid: str, headers: dict[str, Any] | None = None) -> str:
    now = int(time.time())
    claims = {"aud": "chat", "sub": "ann", "iat": now, "exp": now + 600, "rooms": {"*": "rw"}}
    return jwt.encode(
        claims, key_for(algorithm), algorithm, headers={"kid": kid, **(headers or {})}
    )


class KeyServer:
    """Serves a key set over TLS, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.keys = [public(name, f"kid-{name}") for name in ("RS256", *list(KEYS)[2:])]
        self.answer: Callable[[], Awaitable[web.StreamResponse]] = self._set
        self.url = ""

    async def handle(self, _: web.Request) -> web.StreamResponse:
        self.asked += 1
        return await self.answer()

    async def _set(self) -> web.Response:
        return web.json_response({"keys": self.keys})


@pytest.fixture
def certified(tmp_path: Path) -> tuple[Path, Path]:
    return issue(tmp_path)


@pytest.fixture
async def server(certified: tuple[Path, Path]) -> AsyncIterator[KeyServer]:
    keys = KeyServer()
    app = web.Application()
    app.router.add_get("/keys", keys.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certified)
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    keys.url = f"https://127.0.0.1:{runner.addresses[0][1]}/keys"
    yield keys
    await runner.cleanup()


@pytest.fixture
def tokens(server: KeyServer, certified: tuple[Path, Path]) -> JwtTokens:
    tls = ssl.create_default_context(cafile=str(certified[0]))
    return JwtTokens(Secret(""), Jwks(server.url, tls=tls), PUBLIC, "chat", "")


async def gone() -> web.Response:
    return web.Response(status=500)


async def code_of(tokens: JwtTokens, text: str) -> str:
    with pytest.raises(Refusal) as caught:
        await tokens.verify(text)
    return caught.value.code


@pytest.mark.parametrize(
    ("algorithm", "kid"),
    [
        *((name, "kid-RS256") for name in PUBLIC if name[:2] in {"RS", "PS"}),
        *((name, f"kid-{name}") for name in ("ES256", "ES384", "ES512", "EdDSA")),
    ],
)
async def test_every_family(tokens: JwtTokens, algorithm: str, kid: str) -> None:
    """A token signed by a key of the set is accepted, for each algorithm."""
    assert (await tokens.verify(token(algorithm, kid))).sub == "ann"


async def test_one_fetch_for_fifty(server: KeyServer, tokens: JwtTokens) -> None:
    """Fifty tokens at once cause one fetch, and later ones none."""
    await asyncio.gather(*(tokens.verify(token("ES256", "kid-ES256")) for _ in range(50)))
    await tokens.verify(token("EdDSA", "kid-EdDSA"))
    assert server.asked == 1


async def test_who_hangs_up_stops_no_fetch(server: KeyServer, tokens: JwtTokens) -> None:
    """The fetch goes on when the first who needed it is gone: the next one has its keys."""
    served, asked, answering = server.answer, asyncio.Event(), asyncio.Event()

    async def late() -> web.StreamResponse:
        asked.set()
        await answering.wait()
        return await served()

    server.answer = late
    first = asyncio.create_task(tokens.verify(token("ES256", "kid-ES256")))
    await asked.wait()
    first.cancel()
    await asyncio.wait({first})
    answering.set()
    assert (await tokens.verify(token("ES256", "kid-ES256"))).sub == "ann"
    assert server.asked == 1


async def test_unknown_kid_flood(server: KeyServer, tokens: JwtTokens) -> None:
    """A flood of unknown key ids causes no flood of fetches, and who has a new key is told when."""
    await tokens.verify(token("ES256", "kid-ES256"))
    for number in range(100):
        with pytest.raises(Refusal) as caught:
            await tokens.verify(token("ES256", f"other-{number}"))
        assert caught.value.code == "rate_limited"
        assert 0 < (caught.value.retry_ms or 0) <= 30_000
    assert server.asked == 1


async def test_rotation(
    server: KeyServer, tokens: JwtTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new key is found by its id as soon as a refetch is allowed."""
    await tokens.verify(token("ES256", "kid-ES256"))
    assert await code_of(tokens, token("ES384", "new")) == "rate_limited"
    server.keys.append(public("ES384", "new"))
    monkeypatch.setattr("server.jwks.REFETCH_S", 0.0)
    assert (await tokens.verify(token("ES384", "new"))).sub == "ann"


async def test_keys_outlive_their_server(
    server: KeyServer, tokens: JwtTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the server of keys is gone, the keys that are known go on."""
    await tokens.verify(token("ES256", "kid-ES256"))

    server.answer = gone
    monkeypatch.setattr("server.jwks.REFETCH_S", 0.0)
    monkeypatch.setattr("server.jwks.FRESH_S", 0.0)
    assert (await tokens.verify(token("ES256", "kid-ES256"))).sub == "ann"


async def test_a_new_key_is_not_refused_while_its_server_is_gone(
    server: KeyServer, tokens: JwtTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a fetch that failed nobody can tell a new key from a made-up one: come back later."""
    await tokens.verify(token("ES256", "kid-ES256"))
    served = server.answer

    server.answer = gone
    server.keys.append(public("ES384", "new"))
    monkeypatch.setattr("server.jwks.REFETCH_S", 0.0)
    assert await code_of(tokens, token("ES384", "new")) == "unavailable"
    server.answer = served
    assert (await tokens.verify(token("ES384", "new"))).sub == "ann"
    assert await code_of(tokens, token("ES384", "made-up")) == "token_invalid"


async def test_a_known_key_waits_for_no_slow_server(
    server: KeyServer, tokens: JwtTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A set is renewed while its keys are used; only a new key, or one long unasked for, waits."""
    served, answering = server.answer, asyncio.Event()

    async def late() -> web.StreamResponse:
        await answering.wait()
        return await served()

    await tokens.verify(token("ES256", "kid-ES256"))
    server.answer = late
    server.keys = [public("ES384", "new")]
    monkeypatch.setattr("server.jwks.REFETCH_S", 0.0)
    monkeypatch.setattr("server.jwks.FRESH_S", 0.0)
    async with asyncio.timeout(1):
        assert (await tokens.verify(token("ES256", "kid-ES256"))).sub == "ann"
    monkeypatch.setattr("server.jwks.AGED_S", 0.0)
    waiting = [asyncio.create_task(code_of(tokens, token("ES256", "kid-ES256"))) for _ in range(2)]
    new = asyncio.create_task(tokens.verify(token("ES384", "new")))
    await asyncio.wait({new, *waiting}, timeout=0.2)
    assert not any(task.done() for task in (new, *waiting))
    answering.set()
    assert await asyncio.gather(*waiting) == ["token_invalid"] * 2
    assert ((await new).sub, server.asked) == ("ann", 2)


async def test_confusion_of_families(tokens: JwtTokens) -> None:
    """A public key is no secret, a key of one family signs for no other, headers choose no key."""
    pem = RSA_KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    claims = {"aud": "chat", "sub": "ann", "exp": int(time.time()) + 60}
    head = json.dumps({"alg": "HS256", "kid": "kid-RS256"}).encode()
    signed = b".".join(map(base64url_encode, (head, json.dumps(claims).encode())))
    signature = hmac.digest(pem, signed, "sha256")
    forged = b".".join((signed, base64url_encode(signature))).decode()
    assert await code_of(tokens, forged) == "token_invalid"
    assert await code_of(tokens, token("ES256", "kid-RS256")) == "token_invalid"
    own = {"jwk": public("ES256", "kid-EdDSA"), "jku": "https://evil.example/keys"}
    assert await code_of(tokens, token("ES256", "kid-EdDSA", own)) == "token_invalid"


async def redirected() -> web.StreamResponse:
    raise web.HTTPFound("/keys")


async def huge() -> web.Response:
    return web.Response(text=json.dumps({"keys": [], "pad": "x" * BOUND}))


async def nonsense() -> web.Response:
    return web.Response(text="<html>")


async def slow() -> web.Response:
    await asyncio.sleep(2)
    return web.Response(text="{}")


@pytest.mark.parametrize("answer", [redirected, huge, nonsense, slow])
async def test_bad_key_server(
    server: KeyServer,
    tokens: JwtTokens,
    monkeypatch: pytest.MonkeyPatch,
    answer: Callable[[], Awaitable[web.StreamResponse]],
) -> None:
    """No redirect is followed, no flood read, no patience spent: `unavailable`, not `invalid`."""
    monkeypatch.setattr("server.jwks.FETCH_S", 0.5)
    server.answer = answer
    began = time.monotonic()
    assert await code_of(tokens, token("ES256", "kid-ES256")) == "unavailable"
    assert time.monotonic() - began < 1.5
    assert server.asked == 1


async def test_certificate_is_verified(server: KeyServer) -> None:
    """A server that nobody vouches for gives no keys."""
    strict = JwtTokens(Secret(""), Jwks(server.url), PUBLIC, "chat", "")
    assert await code_of(strict, token("ES256", "kid-ES256")) == "unavailable"
    assert server.asked == 0
