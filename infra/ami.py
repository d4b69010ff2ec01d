"""Machine images: the publishers' own SSM parameters name the current one of each operating system."""

import asyncio
from collections.abc import Mapping, Sequence
from importlib.metadata import version

import pulumi
from pulumi.runtime import invoke_async

from .config.operating_systems import OPERATING_SYSTEMS
from .errors import ImageError

# By the name of an operating system: the machines that run it, as a user calls them, e.g. "pool windows".
Uses = Mapping[str, Sequence[str]]
# How pulumi-aws says that a parameter does not exist (hashicorp/terraform-provider-aws,
# internal/service/ssm/parameter_data_source.go, with the NotFoundError of terraform-plugin-sdk 2.x,
# helper/retry/error.go), and how AWS does.
ABSENT = ("couldn't find resource", "ParameterNotFound", "there is no SSM parameter")


def current(uses: Uses, region: pulumi.Output[str], parent: pulumi.Resource) -> dict[str, pulumi.Output[str]]:
    """Look up the current AMI of each operating system, by its name; ImageError names all that cannot be
    found, at preview already.

    AMIs move about monthly: instances ignore a change, or each patch day would replace the cluster.
    """
    found = pulumi.Output.from_input(_all(uses, region, parent))
    return {system: found.apply(lambda amis, system=system: amis[system]) for system in uses}


async def _all(uses: Uses, region: pulumi.Output[str], parent: pulumi.Resource) -> dict[str, str]:
    answers = await asyncio.gather(*(_ami(system, parent) for system in uses), return_exceptions=True)
    failures = [
        (system, answer)
        for system, answer in zip(uses, answers, strict=True)
        if isinstance(answer, Exception)
    ]
    if failures:
        here = str(await region.future())
        raise ImageError("\n".join(_problem(system, uses[system], here, error) for system, error in failures))
    return {system: str(answer) for system, answer in zip(uses, answers, strict=True)}


async def _ami(system: str, parent: pulumi.Resource) -> str:
    # Not aws.ssm.get_parameter_output: Pulumi ends the program with the traceback of the first one that
    # fails, whatever the program does.
    opts = pulumi.InvokeOptions(parent=parent, version=version("pulumi_aws"))
    answer = await invoke_async(
        "aws:ssm/getParameter:getParameter", {"name": OPERATING_SYSTEMS[system].ami_parameter}, opts
    )
    return answer["value"]


def _problem(system: str, users: Sequence[str], region: str, error: Exception) -> str:
    subject = (
        f"the SSM parameter {OPERATING_SYSTEMS[system].ami_parameter}, which names the image of "
        f"{system} for {' and '.join(users)},"
    )
    said = str(error).strip()
    if any(words in said for words in ABSENT):
        return f"{subject} does not exist in {region}: choose another region (aws:region) or another `os`"
    return f"{subject} cannot be read in {region}: {said.splitlines()[-1].strip()}"
