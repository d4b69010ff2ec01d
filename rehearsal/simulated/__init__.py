"""Simulate the machines of a stack: no machine boots, but the stack gets the reports and Node objects of its
machines.

Runs that are about AWS, the engine or the size of a stack use this: they need neither root nor the minutes
that machines take. The engine, the program, the Kubernetes API server, its controllers and its scheduler are
real. An instance is only a Node object and the reports that its scripts would have written. Pods run nothing
and are Ready.

    with simulated_world(folder, programs) as world:
        world.stack.run("pulumi", "up", "--yes", "--skip-preview")
"""

from rehearsal.simulated.machines import SimulatedMachines, simulated_machines
from rehearsal.simulated.world import World, simulated_world

__all__ = ["SimulatedMachines", "World", "simulated_machines", "simulated_world"]
