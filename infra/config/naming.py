"""Names and tags: one place, so that an audit can find by name and by tag all that a stack made."""

import re
from dataclasses import dataclass

STACK_TAG = "microcosm:stack"
NODE_TAG = "microcosm:node"
OS_TAG = "microcosm:os"
ROLE_TAG = "microcosm:role"
OWNER_TAG = "microcosm:owner"
EXPIRES_TAG = "microcosm:expires-at"

CONTROL_PLANE = "control-plane"
SCRIPTS = "scripts"
# The suffix of names that Pulumi generates.
MADE_UP = re.compile(r"-[0-9a-f]{7}")

# A stack name becomes part of role names (64 characters) and parameter paths; a pool name becomes part of
# node names.
_STACK_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}[a-z0-9]")
POOL_NAME = re.compile(r"[a-z]([a-z0-9-]{0,13}[a-z0-9])?")


# Prefixes that AWS reserves, with the kind of name: each of these names begins with the stack's.
_RESERVED = {
    # EC2 takes such a group's name for its id (EC2 API reference, CreateSecurityGroup).
    "sg-": "security group",
    # Amazon S3 user guide, "General purpose bucket naming rules".
    "xn--": "bucket",
    "sthree-": "bucket",
    "amzn-s3-demo-": "bucket",
}


def stack_name_problem(stack: str) -> str | None:
    """Why nothing can be built under this name, as the end of a sentence; None when it can."""
    if not _STACK_NAME.fullmatch(stack):
        return (
            "accepted are 2 to 32 lower-case letters, digits and hyphens, a letter first, because it "
            "becomes part of IAM role and parameter names"
        )
    for prefix, thing in _RESERVED.items():
        if f"{stack}-".startswith(prefix):
            return (
                f"AWS keeps names that begin with {prefix} for itself, so it would refuse {stack}-… as "
                f"the name of a {thing}"
            )
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """Names and tags of one stack."""

    stack: str
    owner: str = ""
    expires_at: str = ""

    def of(self, *parts: str) -> str:
        """The logical (Pulumi) name of a resource: `dev-linux-worker`."""
        return "-".join((self.stack, *parts))

    def tags(self, *parts: str, **extra: str) -> dict[str, str]:
        """The tags of an AWS object; `parts` become its Name, `extra` holds values by keyword role, node
        or os.
        """
        keys = {"role": ROLE_TAG, "node": NODE_TAG, "os": OS_TAG}
        tags = {"Name": self.of(*parts), STACK_TAG: self.stack} | {
            keys[key]: value for key, value in extra.items()
        }
        optional = {OWNER_TAG: self.owner, EXPIRES_TAG: self.expires_at}
        return tags | {key: value for key, value in optional.items() if value}

    def is_scripts_bucket(self, bucket: str) -> bool:
        """Whether a bucket has the name of this stack's:

        S3 makes it first and tags it in a second call, and no call may ever come.
        """
        name = self.of(SCRIPTS)
        return bucket.startswith(name) and bool(MADE_UP.fullmatch(bucket.removeprefix(name)))

    def parameter(self, *parts: str) -> str:
        """The name of an SSM parameter: `/microcosm/dev/join`."""
        return "/".join(("/microcosm", self.stack, *parts))


def node_name(pool: str, index: int) -> str:
    """The Kubernetes node name, the same in kubelet, kubeadm, flanneld and kube-proxy: `linux-0`."""
    return f"{pool}-{index}"


def family(os: str) -> str:
    """The family (linux or windows) of an operating system by its name, the value of OS_TAG."""
    return "windows" if os.startswith("windows") else "linux"
