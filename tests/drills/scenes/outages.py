"""Drills on several at once: sentinels, all of Redis, memory, disk."""

from typing import Final

from deploy.local.redis_node import RedisNode
from deploy.local.sentinel_node import SentinelNode
from deploy.local.waiting import together, until
from tests.drills.rig.drill import drill
from tests.drills.rig.fault import Harm
from tests.drills.rig.stage import Stage
from tests.drills.rig.vault import stat
from tests.drills.scenes.masters import FAILOVER
from tests.drills.scenes.partitions import until_acked

HOLD: Final = 5.0  # seconds; the servers', in the drill of the sentinels
OUTAGE: Final = 20.0
REPLACED: Final = (
    6.0  # a node without disk still answers; Sentinel's patience begins anew with each
)


# Held for less than 10 x down-after: beyond that, sentinels that were restarted meanwhile take the
# replicas' links for too old, and promote none (sentinel.c, sentinelSelectSlave).
@drill("F11", "a sentinel is lost, then the master; two sentinels are lost, then the master",
       settings={"PUBLISH_HOLD_SECONDS": str(HOLD)})  # fmt: skip
async def sentinels(stage: Stage) -> None:
    cluster, journal = stage.cluster, stage.journal
    first, *others = stage.random.sample(cluster.sentinels, 3)
    await stage.flowing()
    with stage.fault("F11") as fault:
        await cluster.kill(first)
        await stage.passing(1)
        stage.terms.within("pause without a sentinel", journal.pause(fault.since), 0.5)
        await kill_master(stage, fault)
        await cluster.restart(first)
        await stage.whole_again()
    with stage.fault("F11") as fault:
        for one in others:
            await cluster.kill(one)
        await stage.passing(1)
        stage.terms.within("pause without a quorum", journal.pause(fault.since), 0.5)
        old = await cluster.master()
        await cluster.kill(old)
        killed = stage.now
        fault.proved(f"{old.name} was killed, with one sentinel left")
        await stage.passing(HOLD + 1.5)
        stage.terms.most(
            "false acks", len([a for a in journal.acks_after(killed) if a.invoked > killed]), 0
        )
        stage.terms.least("publishes told `unavailable`", journal.errors["unavailable"], 1)
        await together(*(cluster.restart(one) for one in others))
        healed = fault.healed()
        await until_acked(stage, healed)
        stage.terms.recovered(journal.acks_after(healed)[0].at - healed, 10)
        await stage.bring_back(old)


async def kill_master(stage: Stage, fault: Harm) -> None:
    """Kill the master, see it replaced and the acks go on, bring it back."""
    old = await stage.cluster.master()
    before = stage.now
    await stage.cluster.kill(old)
    await stage.replaced(old, fault)
    await stage.flowing()
    stage.terms.within("R without a sentinel", stage.journal.recovery(before), FAILOVER)
    await stage.bring_back(old)


async def end_all(stage: Stage, fault: Harm, *, empty: bool) -> None:
    """Kill every Redis and Sentinel process at once; 20 s later all of them start again."""
    cluster = stage.cluster
    master = await cluster.master()
    everybody: list[RedisNode | SentinelNode] = [*cluster.nodes, *cluster.sentinels]
    await together(*(cluster.kill(node) for node in everybody))
    fault.proved("three redis-server and three sentinels were killed")
    await stage.passing(OUTAGE)
    await together(*(cluster.restart(node, empty=empty) for node in everybody))
    healed = fault.healed()
    await until_acked(stage, healed)
    stage.terms.recovered(stage.journal.acks_after(healed)[0].at - healed, 5)
    await stage.flowing()
    assert await cluster.master() is master


@drill("F12", "all six Redis processes are killed for 20 s, their disks are kept")
async def all_gone(stage: Stage) -> None:
    await stage.flowing()
    await stage.passing(0, 1)
    with stage.fault("F12") as fault:
        await end_all(stage, fault, empty=False)
    await stage.whole_again()


@drill("F13", "all six are killed for 20 s and come back with empty disks")
async def all_empty(stage: Stage) -> None:
    await stage.flowing()
    with stage.fault("F13", loses_history=True) as fault:
        await end_all(stage, fault, empty=True)
    told = [device for device in stage.load.devices if device.resets]
    stage.terms.least("devices told of the new epoch", len(told), len(stage.load.devices))
    await stage.whole_again()


@drill(
    "F14", "no memory is left, then the master has no disk", settings={"PUBLISH_HOLD_SECONDS": "3"}
)
async def full(stage: Stage) -> None:
    master = await stage.cluster.master()
    await stage.flowing()
    with stage.fault("F14") as fault:
        await master.command("CONFIG", "SET", "maxmemory", "1mb")
        await refused(stage, fault, "OOM")
        await master.command("CONFIG", "SET", "maxmemory", "256mb")
        await acked_again(stage, fault.healed())
    await no_disk(stage, master)


async def no_disk(stage: Stage, master: RedisNode) -> None:
    """Let a snapshot fail as on a full disk: PING is answered by MISCONF, and Sentinel acts."""
    with stage.fault("F14") as fault:
        obstacle = master.directory / "dump.rdb" / "what a snapshot cannot be renamed to"
        obstacle.mkdir(parents=True)
        await master.command("CONFIG", "SET", "save", "3600 1")
        await master.command("BGSAVE")
        await stage.replaced(master, fault)
        count = await stat(master, "errorstats", "errorstat_MISCONF")
        fault.proved(f"{master.name} said MISCONF: {count}, and was replaced")
        await stage.flowing()
        stage.terms.recovered(stage.journal.recovery(fault.since), REPLACED)
        await master.command("CONFIG", "SET", "save", "")
        obstacle.rmdir()
        obstacle.parent.rmdir()
        fault.healed()
    await stage.whole_again()


async def refused(stage: Stage, fault: Harm, code: str) -> None:
    """Wait until the master has refused writes, and clients were told; history goes on."""
    master = await stage.cluster.master()

    async def said() -> str | None:
        return await stat(master, "errorstats", f"errorstat_{code}")

    count = await until(said, 10, f"{code} from the master")
    before = stage.journal.errors["unavailable"]
    began, reads = stage.now, len(stage.load.historian.reads)
    await stage.passing(4)
    fault.proved(f"{master.name} said {code}: {count}")
    late = [ack for ack in stage.journal.acks_after(began) if ack.invoked > began]
    stage.terms.most(f"acks under {code}", len(late), 0)
    stage.terms.least(
        "publishes told `unavailable`", stage.journal.errors["unavailable"] - before, 1
    )
    stage.terms.least(f"pages read under {code}", len(stage.load.historian.reads) - reads, 1)


async def acked_again(stage: Stage, healed: float) -> None:
    await until_acked(stage, healed)
    stage.terms.recovered(stage.journal.acks_after(healed)[0].at - healed, 2)
    await stage.flowing()
