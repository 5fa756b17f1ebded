"""A storage's URL taken apart: which Redis, found how, with whose credentials."""

import re
import ssl
from ipaddress import IPv6Address
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from resilience.address import Address

REDIS_PORT: Final = 6379
SENTINEL_PORT: Final = 26379
SCHEMES: Final = ("redis", "rediss", "redis+sentinel", "rediss+sentinel")
_DIGITS: Final = 5  # of a port; more of them than 4,300 Python refuses in words of its own
# RFC 1123's names, and `_`, which is in those of containers; how long a label is, IDNA looks at.
_NAME: Final = re.compile(r"[\w.-]{1,254}", re.ASCII)
_OPTIONS: Final = frozenset({"sentinel_username", "sentinel_password", "ssl_ca_certs"})


class Credentials(msgspec.Struct, frozen=True):
    """Who logs in; without a password nobody does. `optional`: go on where no login is known."""

    username: str | None = None
    password: str | None = None
    optional: bool = False

    def __repr__(self) -> str:
        return f"Credentials({'some' if self.password else 'none'})"


class Target(msgspec.Struct, frozen=True):
    """What a URL names: a single Redis at the one address, or the sentinels of `master_name`."""

    addresses: tuple[Address, ...]
    master_name: str | None = None
    database: int = 0
    credentials: Credentials = Credentials()
    sentinel_credentials: Credentials = Credentials()
    tls: bool = False
    authorities: str | None = None

    def context(self) -> ssl.SSLContext | None:
        """Return how TLS is spoken, if it is; certificates and names are always verified."""
        return ssl.create_default_context(cafile=self.authorities) if self.tls else None


def parse(url: str) -> Target:
    """Take a URL apart; `ValueError` says what is wrong, without repeating any of it.

    `redis://[user:pass@]host[:port][/db]`, `rediss://` with TLS, and
    `redis+sentinel://[user:pass@]host[:port],…/master-name[/db]` or `rediss+sentinel://`. Options:
    `sentinel_username` and `sentinel_password` (otherwise Sentinel is offered the same login, and
    may do without), `ssl_ca_certs` (a file of authorities).
    """
    scheme, _, _ = url.partition("://")
    if scheme not in SCHEMES:
        raise ValueError(f"the scheme is one of {', '.join(SCHEMES)}")
    try:
        parts = urlsplit(url)
    except ValueError:  # its text repeats a part of the URL, and that is the password's
        raise ValueError("the host can't be read") from None
    if "@" in parts.path or parts.fragment:
        raise ValueError("in a password / is written %2F, ? %3F and # %23")
    options = _options(parts.query)
    if "ssl_ca_certs" in options and not scheme.startswith("rediss"):
        raise ValueError("ssl_ca_certs needs rediss or rediss+sentinel")
    login, _, hosts = parts.netloc.rpartition("@")
    credentials = _credentials(login)
    path = [unquote(piece) for piece in parts.path.split("/") if piece]
    by_sentinel = scheme.endswith("+sentinel")
    port = SENTINEL_PORT if by_sentinel else REDIS_PORT
    addresses = tuple(_address(host, port) for host in hosts.split(","))
    if not by_sentinel and len(addresses) > 1:
        raise ValueError("several hosts need redis+sentinel")
    if by_sentinel and not path:
        raise ValueError("the path begins with the name of the master")
    return Target(
        addresses=addresses,
        master_name=path.pop(0) if by_sentinel else None,
        database=_database(path),
        credentials=credentials,
        sentinel_credentials=_sentinel_credentials(options, credentials),
        tls=scheme.startswith("rediss"),
        authorities=options.get("ssl_ca_certs"),
    )


def _options(query: str) -> dict[str, str]:
    options = {name: values[-1] for name, values in parse_qs(query, keep_blank_values=True).items()}
    if not options.keys() <= _OPTIONS:
        raise ValueError(f"the options are {', '.join(sorted(_OPTIONS))}")
    return options


def _credentials(login: str) -> Credentials:
    if not login:
        return Credentials()
    username, _, password = login.partition(":")
    return Credentials(unquote(username) or None, unquote(password))


def _sentinel_credentials(options: dict[str, str], inherited: Credentials) -> Credentials:
    if "sentinel_password" not in options:
        return Credentials(inherited.username, inherited.password, optional=True)
    return Credentials(options.get("sentinel_username"), options["sentinel_password"])


def _address(text: str, default: int) -> Address:
    bracketed = text.startswith("[")
    host, _, port = text[1:].partition("]") if bracketed else text.partition(":")
    if bracketed:
        port = port.removeprefix(":")
    if not host:
        raise ValueError("a host is missing")
    if not (_is_ipv6(host) if bracketed else _is_name(host)):
        raise ValueError("a host is neither a name nor an address")
    if not port:
        return Address(host, default)
    if not port.isascii() or not port.isdigit() or len(port) > _DIGITS or not 0 < int(port) < 2**16:
        raise ValueError("a port is a number from 1 to 65535")
    return Address(host, int(port))


def _is_ipv6(host: str) -> bool:
    try:
        IPv6Address(host)
    except ValueError:
        return False
    return True


def _is_name(host: str) -> bool:
    """Tell whether a resolver can be asked for it; an IPv4 address is a name to it."""
    try:
        name = host.encode("idna").decode()
    except UnicodeError:
        return False
    return _NAME.fullmatch(name) is not None


def _database(path: list[str]) -> int:
    if not path:
        return 0
    if len(path) > 1 or not path[0].isascii() or not path[0].isdigit() or len(path[0]) > _DIGITS:
        raise ValueError("the database is a number")
    return int(path[0])
