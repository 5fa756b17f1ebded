"""Drills on what nodes tell each other: pub/sub links that die, and messages lost in silence."""

import time
from typing import Final

from deploy.local.waiting import until
from tests.drills.mute import QUIET
from tests.drills.rig.drill import drill
from tests.drills.rig.stage import Stage

NOTICED: Final = 5.0  # seconds until a lost message is found in the log


@drill(
    "F17",
    "the pub/sub link dies, messages are lost on it in silence, and a node goes deaf",
    program=("tests.drills.broken", "mute"),
)
async def unheard(stage: Stage) -> None:
    await stage.flowing()
    await links_die(stage)
    await last_is_lost(stage)
    await deaf(stage)


async def links_die(stage: Stage) -> None:
    with stage.fault("F17") as fault:
        master, killed = await stage.cluster.master(), 0
        for _ in range(5):
            killed += await master.command("CLIENT", "KILL", "TYPE", "pubsub", "SKIPME", "yes")
            await stage.passing(0.1, 0.6)
        fault.proved(f"{killed} subscriptions were killed")
        await stage.flowing()


async def last_is_lost(stage: Stage) -> None:
    """Say a burst in a room of which nothing is ever published."""
    load = stage.load
    room = await load.new_room(QUIET)
    devices = [load.listen(f"device-quiet-{place}", room, place) for place in range(2)]
    await load.all_joined()
    speaker = load.speaker("speaker", 0)
    with stage.fault("F17") as fault:
        for _ in range(10):
            await speaker.say(room)
        said = time.monotonic()
        early = [device.held and device.held.seq for device in devices]

        async def seen() -> bool:
            return all(device.held and device.held.seq == 10 for device in devices)

        await until(seen, NOTICED, "the last message of a burst, read from the log")
        stage.terms.within("until the last of a burst is seen", time.monotonic() - said, NOTICED)
        fault.proved(f"10 events were never published; devices had got to {early}")
        await stage.flowing()


async def deaf(stage: Stage) -> None:
    """Take the right to subscribe away: the node lives, and hears nothing."""
    cluster = stage.cluster
    with stage.fault("F17") as fault:
        for node in cluster.nodes:
            await node.command("ACL", "SETUSER", "chat", "resetchannels")
        began = time.monotonic()

        async def told() -> bool:
            said = [await stage.ask(chat, "/health/ready") for chat in cluster.chats]
            return all(answer["status"] != "ready" for answer in said)

        await until(told, NOTICED, "readiness says that the nodes are deaf")
        stage.terms.within("until readiness says so", time.monotonic() - began, NOTICED)
        fault.proved("no node may subscribe, and readiness says so")
        for node in cluster.nodes:
            await node.command("ACL", "SETUSER", "chat", "&hf:*")
        fault.healed()
        await stage.flowing()
