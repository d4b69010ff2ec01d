"""The pipeline's role in the fake cloud, and the commands of a preview run with it."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from microcosm.preview import pipeline_policy
from rehearsal.fake_aws.asked_ec2 import Required
from rehearsal.fake_aws.settings import ACCOUNT, JOURNAL
from rehearsal.project import Project
from rehearsal.scenarios.permissions.permission import BOUNDARY, KEY, Permission, document
from rehearsal.simulated import World, simulated_world
from rehearsal.simulated.world import CONFIG


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


ROLE = "preview-pipeline"
PULL_REQUEST = "7"
# moto's longest; a trial takes minutes.
SESSION_SECONDS = 43_200
ANYBODY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ACCOUNT}}],
}
CONFIGURATION = {**CONFIG, "permissionsBoundary": BOUNDARY, "kmsKeyId": KEY}
SETTINGS = tuple(part for key, value in CONFIGURATION.items() for part in ("--set", f"{key}={_text(value)}"))
# With the whole policy `up` must succeed, however busy this machine is.
PATIENT = ("--set", "readyTimeoutMinutes=5")
# The life of a preview. The end moves, so the second `up` has tags to change.
COMMANDS = {
    "up": ("up", "--pr", PULL_REQUEST, *SETTINGS),
    "list": ("list",),
    "extend": ("extend", "--pr", PULL_REQUEST, "--by", "1h"),
    "up again": ("up", "--pr", PULL_REQUEST, *SETTINGS),
    "down": ("down", "--pr", PULL_REQUEST),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a command: what IAM was asked meanwhile, and which actions it denied."""

    code: int
    text: str
    asked: Sequence[Required] = ()
    denied: frozenset[str] = frozenset()

    def fails_for_want_of(self, permission: Permission) -> bool:
        """By what IAM answered and not by what the command says: the answer to a HEAD request has no body
        that could name an action.
        """
        return self.code != 0 and permission.action in self.denied


@dataclass(slots=True)
class Pipeline:
    """A role session that runs commands."""

    project: Project
    journal: Path
    _iam: Any
    _read: int = field(default=0)

    def run(self, command: str, missing: Permission | None = None) -> Outcome:
        """One of COMMANDS with the policy less a permission."""
        self._iam.put_role_policy(
            RoleName=ROLE, PolicyName="permissions", PolicyDocument=json.dumps(document(missing))
        )
        words = COMMANDS[command]
        if missing is None and words[0] == "up":
            words = (*words, *PATIENT)
        code, text = self.project.attempt(sys.executable, "-m", "microcosm", "preview", *words)
        answers = [*self._answers()]
        return Outcome(
            code,
            text,
            [asked for asked, _ in answers],
            frozenset(asked.action for asked, allowed in answers if not allowed),
        )

    def _answers(self) -> Iterator[tuple[Required, bool]]:
        """Return what IAM was asked since the last time, and whether it allowed that."""
        lines = self.journal.read_text().splitlines()
        new, self._read = lines[self._read :], len(lines)
        for line in map(json.loads, new):
            if line.pop("role") == ROLE:
                allowed = line.pop("allowed")
                yield Required(**line), allowed


@contextmanager
def running_pipeline(folder: Path, programs: Path | None = None) -> Generator[Pipeline]:
    """The role, its session and a project folder, in a fake cloud that holds sessions to their policies."""
    with simulated_world(folder, programs, enforce_iam=True) as world:
        iam = world.session().client("iam", endpoint_url=world.cloud.endpoint)
        # Roles of others are looked at, too: this one is the account's only other.
        iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(ANYBODY))
        iam.create_instance_profile(InstanceProfileName="theirs")
        bounds = json.dumps(pipeline_policy.boundary_of_nodes(ACCOUNT, KEY))
        iam.create_policy(PolicyName=BOUNDARY.rpartition("/")[2], PolicyDocument=bounds)
        project = replace(world.stack, environment={**world.stack.environment, **_session(world)})
        yield Pipeline(project, folder / "cloud" / JOURNAL, iam)


def _session(world: World) -> dict[str, str]:
    sts = world.session().client("sts", endpoint_url=world.cloud.endpoint)
    arn = f"arn:aws:iam::{ACCOUNT}:role/{ROLE}"
    keys = sts.assume_role(RoleArn=arn, RoleSessionName="run", DurationSeconds=SESSION_SECONDS)["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
    }
