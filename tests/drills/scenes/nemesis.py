"""A random nemesis: faults, targets and durations from a seed, as long as one says."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from deploy.local.redis_node import RedisNode
from deploy.local.waiting import until
from tests.drills.rig.drill import Drill, Shape
from tests.drills.rig.fault import Harm
from tests.drills.rig.stage import Stage

Strike = Callable[[Stage, Harm], Awaitable[None]]

NAME: Final = "random"
LAST: Final = (0.2, 5.0)  # seconds that a fault lasts
BETWEEN: Final = (0.5, 2.0)  # seconds of peace
STRIKES: Final[list[Strike]] = []


def strike(act: Strike) -> Strike:
    """Enter a way to strike into the list that the seed chooses from."""
    STRIKES.append(act)
    return act


@dataclass(frozen=True)
class Nemesis:
    """Strikes for so many seconds; each strike is one fault of the history."""

    seconds: float

    async def __call__(self, stage: Stage) -> None:
        stage.leaving = True
        end = stage.now + self.seconds
        while stage.now < end:
            await stage.flowing()
            await stage.passing(*BETWEEN)
            act = stage.random.choice(STRIKES)
            with stage.fault(NAME) as fault:
                await act(stage, fault)
                await stage.flowing()
            await stage.whole_again()
            stage.say(f"{NAME} #{stage.faults[NAME]}: {act.__name__}: {fault.proof}")


def nemesis(seconds: float) -> Drill:
    """Return a drill of so many seconds."""
    shape = Shape(mesh=True, period=0.16)
    return Drill(NAME, "whatever the seed says", Nemesis(seconds), shape, NAME)


@strike
async def kill_master(stage: Stage, fault: Harm) -> None:
    old = await stage.cluster.master()
    await stage.cluster.kill(old)
    await stage.replaced(old, fault, 15)
    await stage.passing(*LAST)
    await stage.bring_back(old)


@strike
async def restart_master_at_once(stage: Stage, fault: Harm) -> None:
    """So soon that no sentinel may have noticed."""
    old = await stage.cluster.master()
    await stage.cluster.kill(old)
    fault.proved(f"{old.name} ended with {old.process.exit_status}")
    await stage.cluster.restart(old)


@strike
async def hang_master(stage: Stage, fault: Harm) -> None:
    old = await stage.cluster.master()
    stage.cluster.hang(old)
    await stage.replaced(old, fault, 15)
    await stage.passing(*LAST)
    stage.cluster.resume(old)


@strike
async def stall_master(stage: Stage, fault: Harm) -> None:
    """Freeze it for a time that may or may not be enough to be replaced."""
    old = await stage.cluster.master()
    stage.cluster.hang(old)
    await stage.passing(0.2, 2.5)
    stage.cluster.resume(old)
    fault.proved(f"{old.name} was frozen for {stage.now - fault.since:.2f} s")


@strike
async def planned_failover(stage: Stage, fault: Harm) -> None:
    old = await stage.cluster.master()
    await stage.cluster.failover()
    await stage.replaced(old, fault)


async def any_replica(stage: Stage) -> RedisNode:
    return stage.random.choice(await stage.cluster.replicas())


@strike
async def kill_replica(stage: Stage, fault: Harm) -> None:
    node = await any_replica(stage)
    await stage.cluster.kill(node)
    fault.proved(f"{node.name} ended with {node.process.exit_status}")
    await stage.passing(*LAST)
    await stage.cluster.restart(node)


@strike
async def hang_replica(stage: Stage, fault: Harm) -> None:
    node = await any_replica(stage)
    stage.cluster.hang(node)
    await stage.passing(*LAST)
    stage.cluster.resume(node)
    fault.proved(f"{node.name} was frozen for {stage.now - fault.since:.2f} s")


@strike
async def kill_sentinel(stage: Stage, fault: Harm) -> None:
    node = stage.random.choice(stage.cluster.sentinels)
    await stage.cluster.kill(node)
    fault.proved(f"{node.name} ended with {node.process.exit_status}")
    await stage.passing(*LAST)
    await stage.cluster.restart(node)


@strike
async def kill_server(stage: Stage, fault: Harm) -> None:
    chat = stage.random.choice(stage.cluster.chats)
    await stage.cluster.kill(chat)
    fault.proved(f"{chat.name} ended with {chat.process.exit_status}")
    await stage.passing(*LAST)
    await stage.cluster.restart(chat)


@strike
async def hang_server(stage: Stage, fault: Harm) -> None:
    chat = stage.random.choice(stage.cluster.chats)
    stage.cluster.hang(chat)
    await stage.passing(*LAST)
    stage.cluster.resume(chat)
    fault.proved(f"{chat.name} was frozen for {stage.now - fault.since:.2f} s")


@strike
async def isolate_redis(stage: Stage, fault: Harm) -> None:
    """Cut one Redis off from everybody, as if its host were unplugged."""
    node = stage.random.choice(stage.cluster.nodes)
    await cut(stage, fault, [node.name])


@strike
async def partition(stage: Stage, fault: Harm) -> None:
    """Cut a Redis and a chat server, together, off from the rest."""
    node, chat = stage.random.choice(stage.cluster.nodes), stage.random.choice(stage.cluster.chats)
    await cut(stage, fault, [node.name, chat.name])


@strike
async def isolate_server(stage: Stage, fault: Harm) -> None:
    await cut(stage, fault, [stage.random.choice(stage.cluster.chats).name])


async def cut(stage: Stage, fault: Harm, side: list[str]) -> None:
    others = [node.name for node in stage.cluster.everybody if node.name not in side]
    edges = stage.cluster.mesh.split(side, others)

    async def withheld() -> int:
        return sum(lane.withheld for edge in edges for lane in edge.lanes)

    size = await until(withheld, 10, f"something withheld from {' and '.join(side)}")
    await stage.passing(*LAST)
    stage.cluster.mesh.heal()
    fault.proved(f"{' and '.join(side)} cut off for {stage.now - fault.since:.2f} s, {size}+ bytes")


@strike
async def half_open(stage: Stage, fault: Harm) -> None:
    """Let a chat server speak to the master and hear nothing."""
    chat = stage.random.choice(stage.cluster.chats)
    edge = stage.cluster.mesh.edge(chat.name, (await stage.cluster.master()).name)
    edge.back.stall()
    await stage.passing(*LAST)
    withheld = edge.back.withheld
    edge.heal()
    if withheld:
        fault.proved(f"{withheld} bytes from the master did not come to {chat.name}")


@strike
async def reset_links(stage: Stage, fault: Harm) -> None:
    chat = stage.random.choice(stage.cluster.chats)
    edges = [stage.cluster.mesh.edge(chat.name, node.name) for node in stage.cluster.nodes]
    for edge in edges:
        edge.reset()
    fault.proved(f"{sum(edge.dropped for edge in edges)} links of {chat.name} were reset so far")
    await stage.passing(0, 0.5)
