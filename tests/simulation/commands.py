"""The commands that the model of Redis knows, and when it refuses them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from resilience.link import Command, ReplyError
from tests.simulation import scripts
from tests.simulation.connection import BLOCKED, Connection
from tests.simulation.keyspace import NEVER, Stream, after, before
from tests.simulation.scripts import SCRIPTS, raw, text

if TYPE_CHECKING:
    from tests.simulation.redis_node import RedisNode

Handler = Callable[["RedisNode", Connection, Command], Any]
_OK: Final = b"OK"
_ALL: Final = 2**60


def execute(node: "RedisNode", connection: Connection, command: Command) -> Any:
    """Carry a command out; errors are replies."""
    name = str(command[0])
    if name in _WRITES and (refusal := _refusal(node)) is not None:
        return refusal
    return _COMMANDS[name](node, connection, command)


def _refusal(node: "RedisNode") -> ReplyError | None:
    if node.following is not None:
        return ReplyError("READONLY You can't write against a read only replica.")
    if node.good_replicas() < node.min_replicas:
        return ReplyError("NOREPLICAS Not enough good replicas to write.")
    if node.full:
        return ReplyError("OOM command not allowed when used memory > 'maxmemory'.")
    return None


def _evalsha(node: "RedisNode", _: Connection, command: Command) -> Any:
    sha = str(command[1])
    if sha not in node.scripts:
        return ReplyError("NOSCRIPT No matching script. Please use EVAL.")
    if (refusal := _refusal(node)) is not None:
        return refusal
    return _run(node, SCRIPTS[sha], command)


def _eval(node: "RedisNode", _: Connection, command: Command) -> Any:
    return _run(node, scripts.raise_mark, command)


def _run(node: "RedisNode", script: Any, command: Command) -> Any:
    count = int(command[2])
    keys, arguments = command[3 : 3 + count], command[3 + count :]
    try:
        return script(node, keys, arguments)
    except scripts.ScriptError as error:
        return ReplyError(str(error))


def _script(node: "RedisNode", _: Connection, command: Command) -> Any:
    for sha in SCRIPTS:
        if scripts.SOURCES[sha] == command[2]:
            node.scripts.add(sha)
            return sha.encode()
    raise NotImplementedError("a script that the model does not know")


def _set(node: "RedisNode", _: Connection, command: Command) -> Any:
    node.write("set", text(command[1]), raw(command[2]), NEVER)
    return _OK


def _get(node: "RedisNode", _: Connection, command: Command) -> Any:
    return node.look(text(command[1]))


def _hmget(node: "RedisNode", _: Connection, command: Command) -> Any:
    held = node.look(text(command[1])) or {}
    return [held.get(text(field)) for field in command[2:]]


def _xrange(node: "RedisNode", _: Connection, command: Command) -> Any:
    """XRANGE key (1-n + COUNT n."""
    stream: Stream = node.look(text(command[1])) or []
    low, limit = text(command[2]), int(command[5])
    found = after(stream, 0 if low == "-" else int(low.partition("-")[2]), limit)
    return [scripts.entry(it) for it in found]


def _xrevrange(node: "RedisNode", _: Connection, command: Command) -> Any:
    """XREVRANGE key (1-n - COUNT n."""
    stream: Stream = node.look(text(command[1])) or []
    high, limit = text(command[2]), int(command[5])
    found = before(stream, _ALL if high == "+" else int(high.partition("-")[2]), limit)
    return [scripts.entry(it) for it in found]


def _role(node: "RedisNode", _: Connection, command: Command) -> Any:
    if node.following is None:
        followers = [
            [name.encode(), b"6379", b"%d" % stream.acked]
            for name, stream in node.followers.items()
            if stream.online
        ]
        return [b"master", node.log.offset, followers]
    state = b"connected" if node.is_linked else b"connect"
    leader = node.following
    return [b"slave", leader.host.encode(), leader.port, state, node.log.offset]


def _info(node: "RedisNode", _: Connection, command: Command) -> Any:
    log = node.log
    return (
        f"role:{'master' if node.is_master else 'slave'}\r\n"
        f"master_replid:{log.id}\r\nmaster_replid2:{log.parent_id}\r\n"
        f"master_repl_offset:{log.offset}\r\nsecond_repl_offset:{log.parent_end}\r\n"
        f"uptime_in_seconds:{int(node.up_s)}\r\n"
    ).encode()


def _wait(node: "RedisNode", connection: Connection, command: Command) -> Any:
    if node.following is not None:
        return ReplyError("ERR WAIT cannot be used with replica instances.")
    wanted, timeout_ms = int(command[1]), int(command[2])
    having = node.count(connection.written)
    if having >= wanted:
        return having
    connection.block(connection.written, wanted, timeout_ms / 1000)
    node.ask_acks()
    return BLOCKED


def _publish(node: "RedisNode", _: Connection, command: Command) -> Any:
    channel, payload = text(command[1]), raw(command[2])
    if node.following is None:
        node.announce(channel, payload)
    return node.publish(channel, payload)


def _pubsub(node: "RedisNode", _: Connection, command: Command) -> Any:
    """PUBSUB NUMSUB channel…."""
    names = [text(name) for name in command[2:]]
    counted = [(name.encode(), len(node.subscribers.get(name, ()))) for name in names]
    return [part for pair in counted for part in pair]


_COMMANDS: Final[dict[str, Handler]] = {
    "EVALSHA": _evalsha,
    "EVAL": _eval,
    "SCRIPT": _script,
    "SET": _set,
    "GET": _get,
    "HMGET": _hmget,
    "XRANGE": _xrange,
    "XREVRANGE": _xrevrange,
    "ROLE": _role,
    "INFO": _info,
    "WAIT": _wait,
    "PUBLISH": _publish,
    "PUBSUB": _pubsub,
}
_WRITES: Final = frozenset({"EVAL", "SET"})


def attend(node: "RedisNode", connection: Connection, command: Command) -> None:
    """Carry out what a subscriber says; the replies are pushes."""
    push = connection.push
    if push is None:
        raise NotImplementedError("a subscription without anybody to hear it")
    names = [text(name) for name in command[1:]]
    match command[0]:
        case "SUBSCRIBE":
            for name in names:
                connection.channels[name] = None
                node.subscribers.setdefault(name, {})[connection] = None
                count = len(connection.channels)
                connection.back.send(push, [b"subscribe", name.encode(), count])
        case "UNSUBSCRIBE":
            for name in names:
                connection.channels.pop(name, None)
                node.subscribers.get(name, {}).pop(connection, None)
                count = len(connection.channels)
                connection.back.send(push, [b"unsubscribe", name.encode(), count])
        case "PING":
            connection.back.send(push, [b"pong", b""])
