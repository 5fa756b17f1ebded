"""Who changes a small world: publishers that try again, and faults that may lose history."""

from tests.drills.history import Fail, Fault, Info, Invoke, Key, Ok
from tests.drills.world.stage import Actor, Room, World


def break_things(world: World) -> Actor:
    """One fault after the other, each proved and held until enough was acknowledged."""
    add = world.recorder.add
    for n, loses in enumerate(world.shape.faults):
        for _ in range(world.random.randint(0, 200)):
            yield
        name, goal = f"F{n:02}", world.acked + world.shape.acks_per_fault
        add(Fault(name=name, step="start", loses_history=loses))
        yield
        for room in world.rooms:
            if loses and world.chance(0.8):
                room.lose(world.random.randint(0, len(room.log.entries)))
        yield
        add(Fault(name=name, step="proved", said="the world says so"))
        add(Fault(name=name, step="heal"))
        while world.acked < goal:
            yield
        add(Fault(name=name, step="end"))
        world.faults_left -= 1


def publish(world: World, user: str) -> Actor:
    """Send messages one after the other, and now and then other content under a used key."""
    sent = 0
    while sent < world.shape.messages or world.faults_left:
        room, cid = world.random.choice(world.rooms), f"c{sent}"
        yield from send(world, room, (user, cid), f"{user} says {sent}")
        if world.chance(0.05):
            yield from send(world, room, (user, cid), f"{user} says otherwise")
        sent += 1


def send(world: World, room: Room, key: Key, text: str) -> Actor:
    """Try until the message is acknowledged, refused for good or given up."""
    add = world.recorder.add
    while True:
        attempt = add(Invoke(room=room.name, user=key[0], cid=key[1], text=text))
        yield
        fate = world.random.random()
        if fate < 0.05:
            add(Fail(attempt=attempt, code="rate_limited"))
        elif fate < 0.15:
            if world.chance(0.5):
                world.start(write_late(world, room, key, text), writes=True)
            add(Info(attempt=attempt, code="unavailable"))
        else:
            receipt = room.append(key, text)
            yield
            if receipt is None:
                add(Fail(attempt=attempt, code="conflict"))
                return
            if fate > 0.25:
                add(Ok(attempt=attempt, seq=receipt[0], dup=receipt[1]))
                world.acked += 1
                return
            if fate > 0.2:
                add(Info(attempt=attempt, code="timeout"))
        if world.chance(0.15):
            return


def write_late(world: World, room: Room, key: Key, text: str) -> Actor:
    for _ in range(world.random.randint(1, 30)):
        yield
    room.append(key, text)
