"""Compute the bytes of each machine's user-data against EC2's limit."""

import base64
import gzip

from infra.config import model as config
from infra.config import operating_systems
from infra.config.model import StackConfig
from infra.node import boot, userdata

from .document import table
from .settings import Settings

GZIP_MAGIC = b"\x1f\x8b"
# The longest allowed name.
STACK = "a" * 32


def run(settings: Settings) -> str:
    settings.log("rendering")
    return report({"for ever": stack_config(""), "that expires": stack_config("2027-01-31T18:00:00Z")})


def stack_config(expires_at: str) -> StackConfig:
    """Return a configuration with one pool of each operating system."""
    pools = [
        {"name": name.split("-")[0] + name[-2:], "os": name, "count": 1}
        for name in operating_systems.OPERATING_SYSTEMS
    ]
    values: dict[str, object] = {
        "adminCidrs": ["203.0.113.7/32"],
        "nodePools": pools,
        "expiresAt": expires_at,
    }
    return config.parse(values, stack=STACK)


def machines(stack: StackConfig) -> dict[str, str]:
    """Render the user-data of each kind of machine."""
    found = {"control plane": boot.control_plane(stack, region=boot.REGION, public_ip=boot.PUBLIC_IP)}
    for pool in stack.node_pools:
        script = boot.SCRIPT if pool.os.family == "windows" else None
        found[f"worker, {pool.os.name}"] = boot.worker(
            stack,
            pool,
            pool.node_names[0],
            region=boot.REGION,
            control_plane_id=boot.INSTANCE_ID,
            script=script,
        )
    return found


def raw(user_data: str) -> bytes:
    """Return the bytes that EC2 counts: before base64; Windows user-data is text."""
    return user_data.encode() if user_data.startswith("<powershell>") else base64.b64decode(user_data)


def report(stacks: dict[str, StackConfig]) -> str:
    rows = [
        [f"{kind}, stack {life}", *cells(raw(user_data))]
        for life, stack in stacks.items()
        for kind, user_data in machines(stack).items()
    ]
    return table(["machine", "script bytes", "bytes given to EC2", f"of {userdata.RAW_LIMIT_BYTES}"], rows)


def cells(given: bytes) -> list[str]:
    script = gzip.decompress(given) if given.startswith(GZIP_MAGIC) else given
    packed = " (gzip)" if script is not given else ""
    return [str(len(script)), f"{len(given)}{packed}", f"{len(given) / userdata.RAW_LIMIT_BYTES:.0%}"]
