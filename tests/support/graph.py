"""Simulate a destroy: the engine's rounds of deletion, and the deletions that providers are called for.

Source: pulumi/pulumi v3.260.0: pkg/resource/graph/dependency_graph.go (DependenciesOf),
pkg/resource/deploy/step_generator.go (ScheduleDeletes: antichains, in reverse) and step.go
(DeleteStep.Apply).
"""

from collections.abc import Collection, Iterable, Iterator

from tests.support.engine import Deployment, Registration


def direct(deployment: Deployment, resource: Registration) -> set[str]:
    """Return the URNs of direct dependencies: parent, provider, dependencies, and deletedWith."""
    raw = resource.raw
    provider = raw.provider.rpartition("::")[0]
    by_property = (urn for dependencies in raw.propertyDependencies.values() for urn in dependencies.urns)
    urns = {raw.parent, provider, raw.deletedWith, *raw.dependencies, *by_property}
    return urns & deployment.registrations.keys()


def reachable(deployment: Deployment, resource: Registration) -> set[str]:
    """Return the resources that are created before this one and deleted after it."""
    found: set[str] = set()
    waiting = direct(deployment, resource)
    while waiting:
        urn = waiting.pop()
        found.add(urn)
        waiting |= direct(deployment, deployment.registrations[urn]) - found
    return found


def destroy_rounds(
    deployment: Deployment, condemned: Iterable[str] | None = None
) -> list[list[Registration]]:
    """Return the rounds of deletion; `condemned` are all resources unless URNs are given."""
    left = set(deployment.registrations if condemned is None else condemned)
    rounds: list[list[Registration]] = []
    while left:
        free = [urn for urn in left if not direct(deployment, deployment.registrations[urn]) & left]
        assert free, "the dependencies have a cycle"
        rounds.append([deployment.registrations[urn] for urn in free])
        left -= set(free)
    return rounds[::-1]


def deletions(rounds: Collection[Collection[Registration]]) -> Iterator[tuple[int, Registration]]:
    """Yield the deletions that a provider is called for, each with its round."""
    condemned = {resource.urn for together in rounds for resource in together}
    for number, together in enumerate(rounds):
        for resource in together:
            raw = resource.raw
            if raw.custom and not raw.retainOnDelete and raw.deletedWith not in condemned:
                yield number, resource
