"""Faked machines, a stand-in for the machine room: no machine boots, but whatever waits for machines is told what theirs would tell.

For runs that are about AWS, the engine or the size of a stack, where booting machines would only cost minutes (and root).
The engine, the program, the Kubernetes API server, its controllers and its scheduler are real. Instances are not: each is only
a Node object and the reports that its scripts would have written. Pods run nothing; they are only said to be ready.

Modules, each using only those before it:
  api           a real Kubernetes API on loopback, which can be made new within a second
  birth         what an instance was told at its launch: user-data -> node registration
  pods          a hollow kubelet for all nodes: every pod that is placed is Ready
  machines      follows the cloud's instances and speaks for each
  world         all of it together with a fake cloud and a project folder: what tests, sweeps and benchmarks open

    with faked_world(folder, programs) as world:
        world.stack.run("pulumi", "up", "--yes", "--skip-preview")
"""

from rehearsal.faked.machines import FakedMachines, faked_machines
from rehearsal.faked.world import World, faked_world

__all__ = ["FakedMachines", "World", "faked_machines", "faked_world"]
