"""The lookup of machine images: what a user reads when a region lacks one, at preview and at once for all."""

from dataclasses import dataclass, field
from unittest import mock

import grpc
import pytest

from infra import readiness
from infra.errors import ImageError
from tests.support import stacks
from tests.support.engine import Answers, deploy

POOLS = [
    {"name": "legacy", "os": "windows-2019", "count": 1},
    {"name": "older", "os": "windows-2019", "count": 2},
    {"name": "new", "os": "windows-2025", "count": 1},
    {"name": "none", "os": "windows-2022", "count": 0},
]
WINDOWS = "/aws/service/ami-windows-latest/Windows_Server-{}-English-Core-Base"
# What the engine answers around the words of the provider.
FAILURE = "invocation of aws:ssm/getParameter:getParameter returned an error: {}"
NOT_FOUND = (
    "invoking aws:ssm/getParameter:getParameter: 1 error occurred:\n\t* reading SSM Parameter "
    "({}): couldn't find resource\n\n"
)
DENIED = (
    "invoking aws:ssm/getParameter:getParameter: 1 error occurred:\n\t* reading SSM Parameter ({}): "
    "AccessDeniedException: not authorized\n\n"
)


class Refused(grpc.RpcError):
    """An error of the monitor, as gRPC raises it."""

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNKNOWN

    def details(self) -> str:
        return FAILURE.format(*self.args)


@dataclass
class Without(Answers):
    """AWS that refuses some parameters."""

    refused: dict[str, str] = field(default_factory=dict)

    def call(self, args):
        if words := self.refused.get(args.args.get("name", "")):
            raise Refused(words.format(args.args["name"]))
        return super().call(args)


def complaint(refused: dict[str, str], preview: bool) -> str:
    config = stacks.raw({"nodePools": POOLS, "workloads": False})
    with mock.patch.object(readiness, "AmazonCloud", stacks.ReadyCloud), pytest.raises(ImageError) as caught:
        deploy(config=config, preview=preview, answers=Without(preview, refused=refused))
    return str(caught.value)


@pytest.mark.parametrize("preview", [True, False], ids=["preview", "up"])
def test_every_missing_image_is_named_with_its_region_and_pools_in_a_sentence_of_its_own(preview):
    missing = {WINDOWS.format(2019): NOT_FOUND, WINDOWS.format(2025): NOT_FOUND}

    assert complaint(missing, preview).splitlines() == [
        f"the SSM parameter {WINDOWS.format(2019)}, which names the image of windows-2019 for pool legacy "
        f"and pool older, "
        "does not exist in eu-west-1: choose another region (aws:region) or another `os`",
        f"the SSM parameter {WINDOWS.format(2025)}, which names the image of windows-2025 for pool new, "
        "does not exist in eu-west-1: choose another region (aws:region) or another `os`",
    ]


def test_an_image_that_may_not_be_read_is_not_called_missing():
    (line,) = complaint({WINDOWS.format(2025): DENIED}, preview=True).splitlines()
    assert line.endswith(
        f"cannot be read in eu-west-1: * reading SSM Parameter ({WINDOWS.format(2025)}): "
        f"AccessDeniedException: not authorized"
    )


def test_a_pool_without_machines_needs_no_image():
    config = stacks.raw({"nodePools": POOLS, "workloads": False})
    with mock.patch.object(readiness, "AmazonCloud", stacks.ReadyCloud):
        done = deploy(
            config=config, preview=True, answers=Without(True, refused={WINDOWS.format(2022): NOT_FOUND})
        )
    asked = [dict(invoke.args)["name"] for invoke in done.invokes if invoke.tok.startswith("aws:ssm")]
    assert sorted(name for name in asked if name.startswith("/aws/service/ami-windows")) == [
        WINDOWS.format(2019),
        WINDOWS.format(2025),
    ]
