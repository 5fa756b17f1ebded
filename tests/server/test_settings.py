"""The settings: their names and defaults, and every mistake at once without its value."""

import re
from pathlib import Path

import msgspec
import pytest

from server.environment import ConfigurationError, Secret, is_secret, variable
from server.settings import Settings, load

SECRET = "0123456789abcdef-0123456789abcdef-x"
ENOUGH = {"REDIS_URL": "memory://", "JWT_SECRET": SECRET}
EXAMPLE = Path(__file__).parents[2] / ".env.example"


def mistakes_of(**environment: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load({**ENOUGH, **environment})
    return caught.value.mistakes


def test_mission_defaults() -> None:
    """The mission's four variables have the mission's defaults."""
    settings = load(ENOUGH)
    assert settings.websocket_max_connections == 100
    assert settings.websocket_timeout == 300
    assert settings.rate_limit_messages_per_minute == 30
    assert settings.redis_url.reveal() == "memory://"


def test_every_variable_is_read() -> None:
    """A value given in the environment is the value of its field."""
    settings = load({**ENOUGH, "PORT": "9000", "CONSOLE": "true", "WEBSOCKET_TIMEOUT": "12.5"})
    assert (settings.port, settings.console, settings.websocket_timeout) == (9000, True, 12.5)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "7f3a"),
        ("PORT", "-1"),
        ("PORT", "65536"),
        ("ADMIN_PORT", "1e99"),
        ("WEBSOCKET_MAX_CONNECTIONS", "0"),
        ("WEBSOCKET_MAX_CONNECTIONS", "7f3a"),
        ("WEBSOCKET_TIMEOUT", "-5"),
        ("WEBSOCKET_TIMEOUT", "nan"),
        ("WEBSOCKET_TIMEOUT", "inf"),
        ("RATE_LIMIT_MESSAGES_PER_MINUTE", "0"),
        ("REDIS_ACK_REPLICAS", "-1"),
        ("PUBLISH_HOLD_SECONDS", "16"),
        ("DEDUP_SECONDS", "59"),
        ("CONSOLE", "7f3a"),
        ("LOG_LEVEL", "7f3a"),
        ("TRACE_RATIO", "1.5"),
        ("REDIS_URL", "http://7f3a"),
        ("REDIS_URL", "rediss://h?ssl_ca_certs=/nonexistent/7f3a"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "2049"),
        ("CORS_ALLOWED_ORIGINS", "*"),
        ("CORS_ALLOWED_ORIGINS", "http://7f3a/"),
        ("CORS_ALLOWED_ORIGINS", "null"),
        ("CORS_ALLOWED_ORIGINS", "https://7f3a:443"),
        ("CORS_ALLOWED_ORIGINS", "http://[::7f3a]:80"),
        ("CORS_ALLOWED_ORIGINS", "https://7f3a:65536"),
        ("CORS_ALLOWED_ORIGINS", "https://7f3a:0"),
        ("CORS_ALLOWED_ORIGINS", "https://7f3a:08080"),
        ("TRUSTED_PROXIES", "0.0.0.0/0"),
        ("TRUSTED_PROXIES", "::/0"),
        ("TRUSTED_PROXIES", "7f3a"),
        ("TRUSTED_PROXIES", "::ffff:10.0.0.0/104"),
        ("TRUSTED_PROXIES", "::ffff:10.0.0.1"),
        ("WEBSOCKET_MAX_CONNECTIONS_PER_IP", "101"),
        ("JWT_SECRET", "too-short-7f3a"),
        ("JWT_SECRET", "a" * 64),
        ("JWT_ALGORITHMS", "none"),
        ("JWT_ALGORITHMS", "HS256,7f3a"),
        ("JWT_SECRET_FILE", "/nonexistent/7f3a"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-team: key-7f3a"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=b,key-7f3a"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "x-team=7f3a;y"),
        ("OTEL_EXPORTER_OTLP_HEADERS_FILE", "/nonexistent/7f3a"),
    ],
)
def test_bad_value_is_named_but_not_shown(name: str, value: str) -> None:
    """A bad value is refused by its variable's name, and the message does not hold the value."""
    (line,) = [line for line in mistakes_of(**{name: value}) if line.startswith(f"{name}:")][:1]
    assert "7f3a" not in line


def test_few_connections_are_few_for_each_address() -> None:
    """The limit of an address that is left out follows the total; one that is given stays."""
    few = load({**ENOUGH, "WEBSOCKET_MAX_CONNECTIONS": "5"})
    assert (few.connections_per_ip, load(ENOUGH).connections_per_ip) == (5, 20)
    mistakes = mistakes_of(WEBSOCKET_MAX_CONNECTIONS="5", WEBSOCKET_MAX_CONNECTIONS_PER_IP="20")
    assert mistakes == ["WEBSOCKET_MAX_CONNECTIONS_PER_IP: above WEBSOCKET_MAX_CONNECTIONS"]


@pytest.mark.parametrize(("algorithm", "size"), [("HS256", 32), ("HS384", 48), ("HS512", 64)])
def test_a_secret_as_long_as_the_hash(algorithm: str, size: int) -> None:
    """Of each algorithm that is accepted the secret has at least the hash's length (RFC 7518)."""
    secret = (2 * SECRET)[:size]
    named = {"JWT_ALGORITHMS": f"HS256,{algorithm}"}
    assert load({**ENOUGH, **named, "JWT_SECRET": secret}).jwt_secret.reveal() == secret
    (mistake,) = mistakes_of(**named, JWT_SECRET=secret[1:])
    assert mistake.startswith(f"JWT_SECRET: at least {size} random bytes")


def test_origins_as_browsers_say_them() -> None:
    """A port is part of an origin unless it is the scheme's own; that of the other scheme is."""
    origins = {"http://a.example:443", "https://a.example:80", "https://[::1]:65535", "http://a"}
    assert load({**ENOUGH, "CORS_ALLOWED_ORIGINS": ",".join(origins)}).origins == origins


def test_all_mistakes_at_once() -> None:
    """Four mistakes in one environment are four lines."""
    lines = mistakes_of(PORT="x", JWT_SECRET="y", REDIS_URL="", CONSOLE="z")
    assert [line.partition(":")[0] for line in lines] == [
        "CONSOLE",
        "JWT_SECRET",
        "PORT",
        "REDIS_URL",
    ]


@pytest.mark.parametrize("name", ["REDIS_URI", "WEBSOCKET_MAX_CONECTIONS", "JWT_SECRETS"])
def test_misspelt_variable(name: str) -> None:
    """A variable that is nearly one of ours is a mistake, with the name that was meant."""
    (line,) = mistakes_of(**{name: "1"})
    assert line.startswith(name)
    assert "meant?" in line


@pytest.mark.parametrize("name", ["REDIS_HOST", "PATH", "HOSTNAME", "HOME", "OTEL_SERVICE_NAME"])
def test_foreign_variables_are_left_alone(name: str) -> None:
    """Variables of other programs are no mistakes."""
    load({**ENOUGH, name: "anything"})


def test_secret_by_file(tmp_path: Path) -> None:
    """A secret may be the content of a file; giving both is a mistake."""
    path = tmp_path / "secret"
    path.write_text(SECRET + "\n")
    only_file = {"REDIS_URL": "memory://", "JWT_SECRET_FILE": str(path)}
    assert load(only_file).jwt_secret.reveal() == SECRET
    assert "not both" in mistakes_of(JWT_SECRET_FILE=str(path))[0]


def test_secrets_do_not_show_themselves() -> None:
    """Neither `repr` nor `str` of the settings or a secret shows the secret."""
    settings = load(ENOUGH)
    assert SECRET not in f"{settings!r} {settings} {settings.jwt_secret} {settings.jwt_secret!r}"
    assert Secret("x").reveal() == "x"


def test_example_is_complete() -> None:
    """.env.example names every setting, nothing else, and its values are the defaults."""
    lines = EXAMPLE.read_text().splitlines()
    found = (re.fullmatch(r"#?([A-Z_]+)=(.*)", line) for line in lines)
    shown = {match[1]: match[2] for match in found if match}
    fields = {variable(field.name): field for field in msgspec.structs.fields(Settings)}
    assert shown.keys() == fields.keys()
    for name, field in fields.items():
        if not is_secret(field):
            read = load({**ENOUGH, name: shown[name]})
            assert getattr(read, field.name) == field.default, name
