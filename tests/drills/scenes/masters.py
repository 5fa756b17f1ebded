"""Drills on the master: killed, frozen, replaced by plan, demoted under the connection."""

from typing import Final

from deploy.local.health import role
from deploy.local.ports import LOOPBACK
from deploy.local.redis_node import RedisNode
from deploy.local.waiting import until
from tests.drills.rig.drill import drill
from tests.drills.rig.stage import DOWN_AFTER, Stage
from tests.drills.rig.vault import stat, unread

FAILOVER: Final = DOWN_AFTER + 1.8  # seconds; R of a killed master
# Sentinel's patience with who is silent begins at the first PING without an answer, and it sends
# one a second (sentinel.c, SENTINEL_PING_PERIOD); with who is gone, at the last answer.
HUNG: Final = FAILOVER + 1.0
HELD: Final = 1.0  # seconds that the servers are kept from their sentinels


async def kill_the_master(stage: Stage, bound: float) -> None:
    """Kill whoever is master now; it comes back as a replica."""
    cluster = stage.cluster
    await stage.flowing()
    await stage.passing(0, 0.5)
    old = await cluster.master()
    with stage.fault("F01") as fault:
        await cluster.kill(old)
        await stage.replaced(old, fault)
        await stage.flowing()
        stage.terms.recovered(stage.journal.recovery(fault.since), bound)
        fault.healed()
        await stage.bring_back(old)


@drill("F01", "the master is killed, five times in a row, each time another one")
async def killed(stage: Stage) -> None:
    for _ in range(5):
        await kill_the_master(stage, FAILOVER)


@drill("F02", "the master hangs, is replaced, and comes back still believing that it is one")
async def hung(stage: Stage) -> None:
    cluster = stage.cluster
    await stage.flowing()
    await stage.passing(0, 1)
    old = await cluster.master()
    with stage.fault("F02") as fault:
        cluster.hang(old)

        async def tried() -> int:
            return unread(old.port)

        size = await until(tried, 2, "a write to the frozen master")
        await stage.replaced(old, fault)
        await stage.flowing()
        stage.terms.recovered(stage.journal.recovery(fault.since), HUNG)
        cluster.resume(old)
        back = fault.healed()
        believed = await role(old)
        fault.proved(f"{size} bytes were written to {old.name} in vain; back, it said {believed}")
        await stage.flowing()
        await stage.passing(3)
        stage.terms.within("pause at its return", stage.journal.pause(back), 1)
        await stage.whole_again()


@drill("F03", "a planned failover under load, three times")
async def planned(stage: Stage) -> None:
    cluster = stage.cluster
    for _ in range(3):
        await stage.flowing()
        await stage.passing(0, 1)
        old = await cluster.master()
        with stage.fault("F03") as fault:
            await cluster.failover()
            await stage.replaced(old, fault)
            await stage.passing(2)
            await stage.flowing()
            stage.terms.recovered(stage.journal.recovery(fault.since), 2)
            await stage.whole_again()


# So few publish that a lane rarely waits for replicas, which a demotion would end with UNBLOCKED.
@drill("F04", "the master is demoted under its connections, by Sentinel, then by an operator",
       mesh=True, publishers=16, period=0.2)  # fmt: skip
async def demoted(stage: Stage) -> None:
    await by_sentinel(stage)
    await by_operator(stage)
    stage.terms.most("errors told to clients", sum(stage.journal.errors.values()), 0)


async def by_sentinel(stage: Stage) -> None:
    """Fail over while the servers hear no sentinel: they learn it from the demoted one."""
    cluster = stage.cluster
    await stage.flowing()
    old = await cluster.master()
    edges = cluster.mesh.between(stage.chat_names, [node.name for node in cluster.sentinels])
    with stage.fault("F04") as fault:
        for edge in edges:
            edge.stall()
        await cluster.failover()
        new = await stage.successor(old, 5)
        # Before Sentinel does it, which would cut the connections off.
        await old.command("REPLICAOF", LOOPBACK, new.announced)
        fault.proved(f"{old.name} follows {new.name} and {await noticed(old)}")
        await stage.passing(HELD)
        cluster.mesh.heal()
        healed = fault.healed()
        await stage.flowing()
        stage.terms.recovered(stage.journal.recovery(healed), 2)
    await stage.whole_again()


async def by_operator(stage: Stage) -> None:
    """Demote the master by mistake, and take it back: no sentinel would for twenty seconds."""
    await stage.flowing()
    master = await stage.cluster.master()
    replica, _ = await stage.cluster.replicas()
    with stage.fault("F04") as fault:
        await master.command("REPLICAOF", LOOPBACK, replica.announced)
        count = await refusals(master, "READONLY")
        fault.proved(f"{master.name} said READONLY: {count}")
        await stage.passing(HELD)
        await master.command("REPLICAOF", "NO", "ONE")
        healed = fault.healed()
        await stage.flowing()
        stage.terms.recovered(stage.journal.recovery(healed), 2)
    await stage.whole_again()


async def refusals(node: RedisNode, code: str) -> str:
    """Wait until a node has refused something by this code; return how often it did."""

    async def said() -> str | None:
        return await stat(node, "errorstats", f"errorstat_{code}")

    return await until(said, 5, f"{code} from {node.name}")


async def noticed(node: RedisNode) -> str:
    """Wait until the servers have noticed its demotion; return how.

    Refused, or cut short in a WAIT; or they had asked the successor for its role, and hung up.
    """

    async def said() -> str | None:
        for code in ("UNBLOCKED", "READONLY"):
            if count := await stat(node, "errorstats", f"errorstat_{code}"):
                return f"said {code}: {count}"
        return None if "user=chat " in await node.command("CLIENT", "LIST") else "was left by all"

    return await until(said, 5, f"a demotion that is noticed at {node.name}")
