"""Drills on the replicas: killed, frozen, all lost, lagging, or dying together with the master."""

import time
from typing import Final

from deploy.local.waiting import until
from tests.drills.rig.drill import drill
from tests.drills.rig.stage import DOWN_AFTER, Stage
from tests.drills.scenes.partitions import until_acked

SHORT: Final = 0.5  # seconds without acks when a replica dies
MAJORITY: Final = DOWN_AFTER + 4  # until most sentinels call a frozen one down


@drill("F07", "one replica is killed, then one hangs")
async def one_replica(stage: Stage) -> None:
    cluster = stage.cluster
    await stage.flowing()
    replica = stage.random.choice(await cluster.replicas())
    with stage.fault("F07") as fault:
        await cluster.kill(replica)
        fault.proved(f"{replica.name} ended with {replica.process.exit_status}")
        await stage.passing(2)
        stage.terms.within("pause by a death", stage.journal.pause(fault.since), SHORT)
        fault.healed()
        await stage.bring_back(replica)
    await stage.flowing()
    replica = stage.random.choice(await cluster.replicas())
    with stage.fault("F07") as fault:
        cluster.hang(replica)
        await stage.passing(1)
        if not stage.journal.acks_after(fault.since + SHORT):
            fault.proved(f"{replica.name} was frozen, and acks were held")
        await until_acked(stage, fault.since + SHORT)
        await stage.flowing()
        stage.terms.recovered(stage.journal.recovery(fault.since), MAJORITY)
        cluster.resume(replica)
        fault.healed()
        await stage.flowing()
    stage.terms.most("errors told to clients", sum(stage.journal.errors.values()), 0)
    await stage.whole_again()


@drill("F07b", "one replica is cut off from the master and the sentinels, not from the servers",
       mesh=True)  # fmt: skip
async def replica_cut_off(stage: Stage) -> None:
    cluster = stage.cluster
    await stage.flowing()
    old = await cluster.master()
    replica = stage.random.choice(await cluster.replicas())
    with stage.fault("F07") as fault:
        others = [node.name for node in [old, *cluster.sentinels]]
        edges = cluster.mesh.isolate(replica.name, others)
        await stage.passing(MAJORITY)
        await stage.flowing()
        withheld = sum(lane.withheld for edge in edges for lane in edge.lanes)
        fault.proved(f"{withheld} bytes withheld from {replica.name}, and acks went on")
        stage.terms.recovered(stage.journal.recovery(fault.since), MAJORITY)
        cluster.mesh.heal()
        healed = fault.healed()
        await stage.flowing()
        stage.terms.within("pause at its return", stage.journal.pause(healed), 1)
    stage.terms.most("errors told to clients", sum(stage.journal.errors.values()), 0)
    await stage.whole_again()


@drill("F08", "all replicas are lost while the master lives")
async def all_replicas(stage: Stage) -> None:
    cluster = stage.cluster
    await stage.flowing()
    replicas = await cluster.replicas()
    with stage.fault("F08") as fault:
        for replica in replicas:
            await cluster.kill(replica)
        lost = time.monotonic()
        fault.proved(f"{' and '.join(node.name for node in replicas)} were killed")
        await stage.passing(4, 8)
        late = [ack for ack in stage.journal.acks_after(lost) if ack.invoked > lost]
        stage.terms.most("acks without a replica", len(late), 0)
        await cluster.restart(replicas[0])
        back = fault.healed()
        await until_acked(stage, back)
        stage.terms.recovered(stage.journal.acks_after(back)[0].at - back, 3)
        await cluster.restart(replicas[1])
        await stage.flowing()
    await stage.whole_again()


@drill("F09", "a replica lags behind, then the master dies", mesh=True)
async def lagging(stage: Stage) -> None:
    cluster = stage.cluster
    await stage.flowing()
    old = await cluster.master()
    slow = stage.random.choice(await cluster.replicas())
    with stage.fault("F09") as fault:
        link = cluster.mesh.edge(slow.name, old.name)
        link.back.stall()
        await stage.passing(0.3, 1)
        withheld = link.back.withheld
        held = not stage.journal.acks_after(time.monotonic() - SHORT / 2)
        await cluster.kill(old)
        new = await stage.replaced(old, fault)
        said = "acks were withheld" if held else "acks went on"
        fault.proved(f"{slow.name} lacked {withheld} bytes, {said}, {new.name} was promoted")
        stage.terms.least("withheld, or promoted who had it", held or new is not slow, 1)
        link.heal()
        fault.healed()
        await stage.flowing()
        await stage.bring_back(old)
        await stage.flowing()


@drill("F10", "the master and the only replica that had the data die together", mesh=True)
async def both(stage: Stage) -> None:
    cluster = stage.cluster
    await stage.flowing()
    old = await cluster.master()
    has, lacks = await cluster.replicas()
    others = [node.name for node in [*cluster.sentinels, old]]
    with stage.fault("F10", loses_history=True) as fault:
        cluster.mesh.isolate(lacks.name, others)

        async def left() -> bool:
            """The servers do without it: acks went on."""
            return len(stage.journal.acks_after(time.monotonic() - SHORT)) > 50 and (
                stage.now - fault.since > DOWN_AFTER
            )

        await until(left, 8, "acks without the replica that is cut off")
        for edge in cluster.mesh.between([lacks.name], [one.name for one in cluster.sentinels]):
            edge.heal()
        await stage.passing(2)
        await cluster.kill(old)
        await cluster.kill(has)
        died = time.monotonic()
        new = await stage.successor(old, 15)
        fault.proved(f"{old.name} and {has.name} died, {new.name} was promoted without their data")
        cluster.mesh.heal()
        await stage.bring_back(has)
        fault.healed()
        await until_acked(stage, died + 1)
        await stage.bring_back(old)
        await stage.flowing()
    told = [device for device in stage.load.devices if device.resets]
    stage.terms.least("devices told of the new epoch", len(told), len(stage.load.devices))
