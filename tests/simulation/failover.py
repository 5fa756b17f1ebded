"""One failover, step by step, as its leader does it; a leader that dies leaves it undone."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from resilience.address import Address

if TYPE_CHECKING:
    from tests.simulation.redis_node import RedisNode
    from tests.simulation.sentinels import Sentinel, Sentinels

_SELECT_S: Final = (0.02, 0.2)
_PROMOTE_S: Final = (0.02, 0.1)  # after +selected-slave
_NOTICE_S: Final = (0.1, 1.0)  # the leader's next INFO of the promoted one
_TICK_S: Final = (0.0, 0.1)  # its timer then tells the others and turns the replicas, together
_FINISH_S: Final = (0.2, 2.0)
_HELLO_S: Final = (0.0, 0.02)  # through the promoted one
_INFO_VALID_S: Final = (5.0, 30.0)  # with the master down, and without


class Failover:
    """From the choice of a successor to its being named by all."""

    def __init__(
        self, world: "Sentinels", leader: "Sentinel", epoch: int, *, planned: bool
    ) -> None:
        self._world = world
        self._leader = leader
        self._epoch = epoch
        self._old: Address = leader.master
        self._planned = planned
        self._chosen: RedisNode | None = None
        self.born = world.network.loop.time()
        self.over = False
        leader.leads = self
        self._later(_SELECT_S, self._select)

    def _later(self, between: tuple[float, float], step: Callable[[], None]) -> None:
        delay = self._world.random.uniform(*between)
        self._world.network.loop.call_later(delay, self._step, step)

    def _step(self, step: Callable[[], None]) -> None:
        if not self.over and not self._leader.is_deaf():
            step()

    def _reaches(self, node: "RedisNode") -> bool:
        reached = self._world.network.reaches(self._leader.name, node.name)
        return reached and not node.is_deaf()

    def _select(self) -> None:
        """Choose by the offset that the leader knows of; then by run id: by chance."""
        leader = self._leader
        offsets = {node.name: self._offset(node) for node in self._world.nodes}
        able = [node for node in self._world.nodes if offsets[node.name] is not None]
        if not able:
            leader.tell("-failover-abort-no-good-slave", f"master {self._old.host}")
            self.over = True
            return
        draw = {node.name: self._world.random.random() for node in able}
        self._chosen = max(able, key=lambda node: (offsets[node.name], draw[node.name]))
        new = self._chosen.address
        said = f"slave {new} {new.host} {new.port} @ mymaster {self._old.host} {self._old.port}"
        leader.tell("+selected-slave", said)
        self._later(_PROMOTE_S, self._promote)

    def _offset(self, node: "RedisNode") -> int | None:
        """Return what it is weighed by; None: it can't be chosen (sentinelSelectSlave)."""
        leader, info = self._leader, self._leader.offsets.get(node.address)
        if node.address == self._old or node.address in leader.down or not self._reaches(node):
            return None
        valid_s = _INFO_VALID_S[self._old not in leader.down]
        if info is None or self._world.network.loop.time() - info.asked > valid_s:
            return None
        return info.offset

    def _promote(self) -> None:
        if self._chosen is None or not self._reaches(self._chosen):
            return  # tried in vain, until the timeout ends it
        self._chosen.promote()
        self._chosen.drop_clients()
        self._later(_NOTICE_S, self._notice)

    def _notice(self) -> None:
        """The leader sees the new master: the old name goes on, under the new epoch."""
        chosen = self._chosen
        if chosen is None or not self._reaches(chosen) or not chosen.is_master:
            return
        leader = self._leader
        leader.epoch = self._epoch
        leader.tell("+promoted-slave", f"slave {chosen.name}")
        self._later(_TICK_S, self._turn_all)
        self._later(_FINISH_S, self._finish)

    def _turn_all(self) -> None:
        """Send hello and REPLICAOF, in one turn of its loop: no death comes between them."""
        world = self._world
        for sentinel in world.majority(self._leader):
            if sentinel is not self._leader:
                delay = world.random.uniform(*_HELLO_S)
                world.network.loop.call_later(delay, self._spread, sentinel)
        for node in world.nodes:
            if node is not self._chosen and node.address != self._old:
                self._turn(node)

    def _spread(self, sentinel: "Sentinel") -> None:
        if self._chosen is not None and sentinel.epoch < self._epoch and not sentinel.is_deaf():
            sentinel.switch(self._chosen.address, self._epoch)

    def _turn(self, node: "RedisNode") -> None:
        if self._chosen is not None and self._reaches(node):
            node.follow(self._chosen.address)
            node.drop_clients()

    def _finish(self) -> None:
        if self._chosen is not None:
            self._leader.switch(self._chosen.address, self._epoch)
            self._leader.tell("+failover-end", f"master {self._chosen.name}")
        self.end()

    def end(self) -> None:
        """It is over, well or not; a leader that had seen the promotion names the new master."""
        if self._leader.leads is self:
            self._leader.leads = None
            if self._leader.epoch == self._epoch and self._chosen is not None:
                self._leader.master = self._chosen.address
        self.over = True
