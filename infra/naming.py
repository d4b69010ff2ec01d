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

# A stack name becomes part of role names (64 characters) and parameter paths; a pool name becomes part of node names.
STACK_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}[a-z0-9]")
POOL_NAME = re.compile(r"[a-z]([a-z0-9-]{0,13}[a-z0-9])?")


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
        """The tags of an AWS object; `parts` become its Name, `extra` holds values by keyword role, node or os."""
        keys = {"role": ROLE_TAG, "node": NODE_TAG, "os": OS_TAG}
        tags = {"Name": self.of(*parts), STACK_TAG: self.stack} | {keys[key]: value for key, value in extra.items()}
        optional = {OWNER_TAG: self.owner, EXPIRES_TAG: self.expires_at}
        return tags | {key: value for key, value in optional.items() if value}

    def parameter(self, *parts: str) -> str:
        """The name of an SSM parameter: `/microcosm/dev/join`."""
        return "/".join(("/microcosm", self.stack, *parts))


def node_name(pool: str, index: int) -> str:
    """The Kubernetes node name, the same in kubelet, kubeadm, flanneld and kube-proxy: `linux-0`."""
    return f"{pool}-{index}"
