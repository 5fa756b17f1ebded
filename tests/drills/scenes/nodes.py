"""Drills on the chat servers: killed in mid-publish, told to stop, a storm of reconnects."""

import time
from typing import Final

from deploy.local.waiting import until
from tests.drills.rig.drill import drill
from tests.drills.rig.lag import watching
from tests.drills.rig.stage import Stage

EXIT: Final = 15.0  # seconds from SIGTERM to the end
STORM: Final = 30.0  # seconds until all are back


@drill("F18", "a chat server is killed in mid-publish, three times")
async def killed(stage: Stage) -> None:
    stage.leaving = True
    for _ in range(3):
        await stage.flowing()
        await stage.passing(0, 0.5)
        chat = stage.random.choice(stage.cluster.chats)
        with stage.fault("F18") as fault:
            before = len(stage.journal.closes)
            await stage.cluster.kill(chat)
            await stage.flowing()
            lost = len(stage.journal.closes) - before
            fault.proved(f"{chat.name} ended with {chat.process.exit_status}, {lost} sockets lost")
            stage.terms.recovered(stage.journal.recovery(fault.since), 2)
            await stage.cluster.restart(chat)
            fault.healed()
            await stage.flowing()


@drill("F19", "a chat server is told to stop under load, then the other one")
async def stopped(stage: Stage) -> None:
    stage.leaving = True
    for chat in stage.cluster.chats:
        await stage.flowing()
        with stage.fault("F19") as fault:
            status = await chat.process.terminate(EXIT + 5)
            took = time.monotonic() - fault.since
            fault.proved(f"{chat.name} ended with {status} after {took:.1f} s")
            stage.terms.most("exit status", abs(status), 0)
            stage.terms.within("seconds until its end", took, EXIT)
            await stage.flowing()
            await chat.start()
            fault.healed()
            await stage.flowing()
    unkind = [code for _, _, code in stage.journal.closes if code != RESTART]
    stage.terms.most("sockets lost without a word", len(unkind), 0)


RESTART: Final = 1012


@drill("F21", "a chat server dies, and 300 clients come to the other at once",
       publishers=20, period=1.0, devices=75)  # fmt: skip
async def storm(stage: Stage) -> None:
    stage.leaving = True
    chat, other = stage.random.sample(stage.cluster.chats, 2)
    devices = stage.load.devices
    await stage.flowing()
    async with watching(stage) as lags:
        with stage.fault("F21") as fault:
            lost = sum(device.at == chat.name for device in devices)
            await stage.cluster.kill(chat)

            async def back() -> bool:
                return all(device.at == other.name for device in devices)

            await until(back, STORM, "all devices on the other server")
            stage.terms.recovered(time.monotonic() - fault.since, STORM)
            fault.proved(f"{lost} devices lost {chat.name} and came to {other.name}")
            await stage.flowing()
            await stage.cluster.restart(chat)
            fault.healed()
    stage.terms.least("clients that had to come back", lost, 250)
    stage.terms.most("loop lag beyond the machine's", lags.beyond, 0.5)
