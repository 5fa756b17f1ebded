"""All drills, in the order of the table of faults."""

from typing import Final

from tests.drills.rig.drill import DRILLS, Drill
from tests.drills.scenes import masters, outages, partitions, replicas

SCENES: Final = (masters, partitions, replicas, outages)
CATALOGUE: Final[dict[str, Drill]] = dict(sorted(DRILLS.items()))
