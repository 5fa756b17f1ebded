"""All drills, in the order of the table of faults."""

from typing import Final

from tests.drills.rig.drill import DRILLS, Drill
from tests.drills.scenes import (
    clients,
    feeds,
    masters,
    nodes,
    outages,
    partitions,
    replicas,
    slowness,
)

SCENES: Final = (masters, partitions, replicas, outages, slowness, feeds, nodes, clients)
CATALOGUE: Final[dict[str, Drill]] = dict(sorted(DRILLS.items()))
