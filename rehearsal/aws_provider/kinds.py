"""Every resource type of this provider, registered by being imported."""

from rehearsal.aws_provider import address, compute, iam, network, routing, s3, security, ssm
from rehearsal.aws_provider.kind import REGISTRY, Kind

MODULES = (address, compute, iam, network, routing, s3, security, ssm)


def load() -> dict[str, Kind]:
    return REGISTRY
