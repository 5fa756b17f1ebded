"""Drills that cut ways: a chat server from the master, half of a link, one side from the other."""

from typing import Final

from deploy.local.waiting import until
from tests.drills.rig.drill import drill
from tests.drills.rig.stage import DOWN_AFTER, Stage

RECONNECTS: Final = 5  # a second
CUT: Final = (4.0, 6.0)  # seconds


async def cut_off(stage: Stage, *, half_open: bool) -> None:
    """Let silence fall between one chat server and the master; the other one goes on."""
    chat = stage.random.choice(stage.cluster.chats)
    other = next(one for one in stage.cluster.chats if one is not chat)
    edge = stage.cluster.mesh.edge(chat.name, (await stage.cluster.master()).name)
    await stage.flowing()
    with stage.fault("F05") as fault:
        tried = len(edge.connections)
        lanes = [edge.back] if half_open else [edge.forward, edge.back]
        for lane in lanes:
            lane.stall()
        await stage.passing(*CUT)
        withheld = sum(lane.withheld for lane in lanes)
        acked = len(stage.journal.answered_late(fault.since, chat.name))
        if withheld and not acked:
            fault.proved(f"{withheld} bytes withheld between {chat.name} and the master")
        stage.terms.most("acks of who is cut off", acked, 0)
        stage.terms.least(
            "acks of the other", len(stage.journal.acks_after(fault.since, other.name)), 100
        )
        rate = (len(edge.connections) - tried) / (stage.now - fault.since)
        stage.terms.most("reconnects a second", rate, RECONNECTS)
        edge.heal()
        healed = fault.healed()
        await until_acked(stage, healed, chat.name)
        stage.terms.recovered(stage.journal.acks_after(healed, chat.name)[0].at - healed, 2)
        await stage.flowing()


async def until_acked(stage: Stage, moment: float, node: str | None = None) -> None:
    """Wait for an ack of a node after a moment."""

    async def acked() -> bool:
        return bool(stage.journal.acks_after(moment, node))

    await until(acked, 20, f"an ack by {node or 'any node'}")


@drill("F05", "a chat server is cut off from the master alone, then hears no answer", mesh=True)
async def one_way(stage: Stage) -> None:
    await cut_off(stage, half_open=False)
    await cut_off(stage, half_open=True)


@drill("F06", "the master and one chat server on one side, all the others on the other", mesh=True)
async def partition(stage: Stage) -> None:
    cluster = stage.cluster
    await stage.flowing()
    await stage.passing(0, 1)
    old = await cluster.master()
    chat = stage.random.choice(cluster.chats)
    lonely = {old.name, chat.name}
    others = [node.name for node in cluster.everybody if node.name not in lonely]
    with stage.fault("F06") as fault:
        edges = cluster.mesh.split(lonely, others)
        await stage.replaced(old, fault)
        await stage.passing(*CUT)
        withheld = sum(lane.withheld for edge in edges for lane in edge.lanes)
        tried = len([ack for ack in stage.journal.acks_after(fault.since) if ack.node != chat.name])
        fault.proved(f"{withheld} bytes withheld; {tried} acks on the side of the majority")
        late = len(stage.journal.answered_late(fault.since, chat.name))
        stage.terms.most("acks beside the deposed master", late, 0)
        stage.terms.least("acks on the other side", tried, 100)
        cluster.mesh.heal()
        healed = fault.healed()
        await until_acked(stage, healed, chat.name)
        stage.terms.recovered(
            stage.journal.acks_after(healed, chat.name)[0].at - healed, DOWN_AFTER + 2
        )
        await stage.flowing()
        await stage.whole_again()
