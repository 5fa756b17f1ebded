"""All settings of the server: their names in the environment, types, bounds and defaults."""

import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta
from opentelemetry.util.re import parse_env_headers

from resilience.url import parse
from server.environment import ConfigurationError, Secret, read

Network = IPv4Network | IPv6Network
_LAST_PORT: Final = 65_535
Port = Annotated[int, Meta(ge=0, le=_LAST_PORT, description="a port, 0 for any free one")]
# With the bytes of their hash: RFC 7518 §3.2 asks for a key at least as long.
SHARED: Final = {"HS256": 32, "HS384": 48, "HS512": 64}
PUBLIC: Final = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)

_PER_IP: Final = 20
_DISTINCT: Final = 8  # fewer different characters are a pattern, not a secret
_HTTPS: Final = re.compile(r"https://[^\s/@]+(/\S*)?")  # no login in it: it would be logged
_COLLECTOR: Final = re.compile(r"https?://[^\s/@]+(/[^\s@]*)?")
# What OpenTelemetry takes; anything else it would log as it stands, and go without.
_HEADER: Final = re.compile(r"[!#-'*+.0-9A-Z^-z|~-]+[ \t]*=[ \t]*[ !#-+\--:<-\[\]-~]*")
_ORIGIN: Final = re.compile(r"(https?)://(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::([1-9]\d{0,4}))?")
UNSAID: Final = {"http": 80, "https": 443}  # RFC 6454 §6.1: browsers leave these out of an origin
_MAPPED: Final = IPv6Network("::ffff:0:0/96")
MEMORY: Final = "memory://"


def _whole(low: int, high: int) -> Meta:
    return Meta(ge=low, le=high, description=f"a whole number from {low:,} to {high:,}")


def _seconds(low: float, high: float) -> Meta:
    return Meta(ge=low, le=high, description=f"seconds from {low:g} to {high:g}")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """One field for each variable: `websocket_timeout` is `WEBSOCKET_TIMEOUT`."""

    redis_url: Annotated[Secret, Meta(description="where the log is kept")] = Secret("")
    redis_ack_replicas: Annotated[int, _whole(0, 10)] | None = None
    redis_wait_at_start: bool = False

    host: str = "127.0.0.1"
    port: Port = 8080
    admin_host: str = "127.0.0.1"
    admin_port: Port = 9464

    websocket_max_connections: Annotated[int, _whole(1, 1_000_000)] = 100
    websocket_max_connections_per_ip: Annotated[int, _whole(1, 1_000_000)] | None = None
    websocket_max_connections_per_user: Annotated[int, _whole(1, 10_000)] = 10
    websocket_max_unauthenticated_per_ip: Annotated[int, _whole(1, 1_000_000)] = 20
    websocket_handshakes_per_minute: Annotated[int, _whole(1, 1_000_000)] = 120
    websocket_timeout: Annotated[float, _seconds(1, 86_400)] = 300
    rate_limit_messages_per_minute: Annotated[int, _whole(1, 1_000_000)] = 30

    cors_allowed_origins: str = "http://localhost:3000,http://localhost:3001"
    trusted_proxies: str = ""

    jwt_secret: Annotated[Secret, Meta(description="the key of HS tokens")] = Secret("")
    jwt_jwks_url: str = ""
    jwt_algorithms: str = ""
    jwt_audience: str = "chat"
    jwt_issuer: str = ""

    publish_hold_seconds: Annotated[float, _seconds(0.1, 15)] = 15
    room_history: Annotated[int, _whole(100, 1_000_000)] = 10_000
    dedup_seconds: Annotated[int, _whole(60, 86_400)] = 600
    drain_seconds: Annotated[float, _seconds(0, 300)] = 10

    console: bool = False
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    trace_ratio: Annotated[float, Meta(ge=0, le=1, description="a ratio from 0 to 1")] = 0.01
    otel_exporter_otlp_endpoint: str = ""
    otel_exporter_otlp_traces_endpoint: str = ""
    otel_exporter_otlp_headers: Secret = Secret("")
    otel_exporter_otlp_traces_headers: Secret = Secret("")
    otel_traces_exporter: Literal["otlp", "none"] = "otlp"
    otel_service_name: str = "holdfast"
    otel_bsp_max_queue_size: Annotated[int, _whole(512, 1_000_000)] = 2_048
    otel_bsp_max_export_batch_size: Annotated[int, _whole(1, 1_000_000)] = 512
    otel_sdk_disabled: bool = False

    @property
    def origins(self) -> frozenset[str]:
        """The origins a browser may come from."""
        return frozenset(_list(self.cors_allowed_origins))

    @property
    def connections_per_ip(self) -> int:
        """How many connections an address may have: left out, as many as there may be, up to 20."""
        given = self.websocket_max_connections_per_ip
        return min(_PER_IP, self.websocket_max_connections) if given is None else given

    @property
    def proxies(self) -> tuple[Network, ...]:
        """The networks whose `X-Forwarded-For` is believed."""
        return tuple(ip_network(text) for text in _list(self.trusted_proxies))

    @property
    def secrets(self) -> tuple[str, ...]:
        """What may be told to nobody: keys and passwords, as they are typed."""
        found: list[str | None] = [self.jwt_secret.reveal(), *self.otlp_headers.values()]
        if not self.redis_url.reveal().startswith(MEMORY):
            target = parse(self.redis_url.reveal())
            found += [target.credentials.password, target.sentinel_credentials.password]
        return tuple(secret for secret in found if secret)

    @property
    def otlp_headers(self) -> Mapping[str, str]:
        """What spans are sent with: the collector's key."""
        given = self.otel_exporter_otlp_traces_headers or self.otel_exporter_otlp_headers
        return parse_env_headers(given.reveal(), liberal=True)

    @property
    def algorithms(self) -> tuple[str, ...]:
        """The signature algorithms accepted: those named, or HS256 and the common public ones."""
        named = _list(self.jwt_algorithms)
        shared = ["HS256"] if self.jwt_secret.reveal() else []
        public = ["RS256", "PS256", "ES256", "EdDSA"] if self.jwt_jwks_url else []
        return tuple(named or shared + public)

    @property
    def shared_algorithm(self) -> str:
        """The algorithm of the tokens made here; empty: none that is made here is accepted."""
        return next((name for name in self.algorithms if name in SHARED), "")


def load(environment: Mapping[str, str]) -> Settings:
    """Return the settings, or raise `ConfigurationError` with every mistake there is."""
    mistakes: list[str] = []
    settings = read(Settings, environment, mistakes)
    mistakes.extend(_examine(settings))
    if mistakes:
        raise ConfigurationError(sorted(set(mistakes)))
    return settings


def _list(text: str) -> list[str]:
    return [part for part in (piece.strip() for piece in text.split(",")) if part]


def _examine(settings: Settings) -> list[str]:
    """Return what is wrong though each value alone is well-formed."""
    return [
        *_examine_counts(settings),
        *_examine_redis(settings.redis_url),
        *_examine_origins(settings),
        *_examine_proxies(settings),
        *_examine_tokens(settings),
        *_examine_telemetry(settings),
    ]


def _examine_counts(settings: Settings) -> list[str]:
    if settings.connections_per_ip > settings.websocket_max_connections:
        return ["WEBSOCKET_MAX_CONNECTIONS_PER_IP: above WEBSOCKET_MAX_CONNECTIONS"]
    return []


def _examine_redis(url: Secret) -> list[str]:
    if not url.reveal():
        return ["REDIS_URL: required (or start with --dev: in memory, for development)"]
    if url.reveal().startswith(MEMORY):
        return []
    try:
        parse(url.reveal()).context()
    except OSError:
        return ["REDIS_URL: ssl_ca_certs is no readable file of certificates"]
    except ValueError as error:
        return [f"REDIS_URL: {error}"]
    return []


def _examine_origins(settings: Settings) -> list[str]:
    if all(_is_origin(text) for text in settings.origins):
        return []
    rule = "exact origins (scheme://host[:port], lower case, no path, no *), by commas"
    return [f"CORS_ALLOWED_ORIGINS: {rule}; :443 of https and :80 of http are left out"]


def _is_origin(text: str) -> bool:
    """Tell whether a browser could say this of itself."""
    match = _ORIGIN.fullmatch(text)
    if match is None:
        return False
    scheme, port = match.group(1), int(match.group(2) or 0)
    return port <= _LAST_PORT and port != UNSAID[scheme]


def _examine_proxies(settings: Settings) -> list[str]:
    try:
        if any(network.prefixlen == 0 for network in settings.proxies):
            return ["TRUSTED_PROXIES: a /0 network would trust everyone's X-Forwarded-For"]
        if any(_MAPPED.overlaps(network) for network in settings.proxies):
            return ["TRUSTED_PROXIES: IPv4 is written as such, not within ::ffff:0:0/96"]
    except ValueError:
        return ["TRUSTED_PROXIES: addresses or networks in CIDR notation, by commas"]
    return []


def _examine_tokens(settings: Settings) -> list[str]:
    mistakes = []
    secret, keys = settings.jwt_secret.reveal(), settings.jwt_jwks_url
    if not secret and not keys:
        mistakes.append("JWT_SECRET: required (or JWT_JWKS_URL)")
    needed = max(SHARED.get(name, 0) for name in (*settings.algorithms, "HS256"))
    if secret and (len(secret.encode()) < needed or len(set(secret)) < _DISTINCT):
        mistakes.append(
            f"JWT_SECRET: at least {needed} random bytes (HS256 32, HS384 48, HS512 64)"
        )
    if keys and not _HTTPS.fullmatch(keys):
        mistakes.append("JWT_JWKS_URL: an https URL")
    if not settings.jwt_audience:
        mistakes.append("JWT_AUDIENCE: required: whom tokens must be made for")
    allowed = (*(SHARED if secret else ()), *(PUBLIC if keys else ()))
    if not set(settings.algorithms) <= set(allowed):
        mistakes.append("JWT_ALGORITHMS: HS* with JWT_SECRET, RS* PS* ES* EdDSA with JWT_JWKS_URL")
    return mistakes


def _examine_telemetry(settings: Settings) -> list[str]:
    urls = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": settings.otel_exporter_otlp_endpoint,
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": settings.otel_exporter_otlp_traces_endpoint,
    }
    mistakes = [
        f"{name}: an http or https URL without a login"
        for name, url in urls.items()
        if url and not _COLLECTOR.fullmatch(url)
    ]
    headers = {
        "OTEL_EXPORTER_OTLP_HEADERS": settings.otel_exporter_otlp_headers,
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS": settings.otel_exporter_otlp_traces_headers,
    }
    mistakes += [
        f"{name}: name=value, by commas"
        for name, text in headers.items()
        if not all(map(_HEADER.fullmatch, _list(text.reveal())))
    ]
    if settings.otel_bsp_max_export_batch_size > settings.otel_bsp_max_queue_size:
        mistakes.append("OTEL_BSP_MAX_EXPORT_BATCH_SIZE: above OTEL_BSP_MAX_QUEUE_SIZE")
    return mistakes
