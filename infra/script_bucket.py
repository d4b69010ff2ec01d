"""Where a Windows machine finds its script: the state machine is larger than user-data may be, so
user-data carries its sum.
"""

import hashlib
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from .config import naming
from .config.naming import Names
from .node import userdata


@dataclass(frozen=True, kw_only=True, slots=True)
class StagedScript:
    """One object, and the sha256 of what it must hold."""

    bucket: str
    key: str
    sha256: str


class Staging(pulumi.ComponentResource):
    """A bucket with the Windows script as its one object. S3 keeps new buckets private by itself."""

    script: pulumi.Output[StagedScript]
    bucket: pulumi.Output[str]

    def __init__(self, name: str, names: Names, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("microcosm:infra:Staging", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        content = userdata.windows_script()
        digest = hashlib.sha256(content.encode("ascii")).hexdigest()
        # S3 wants lower-case names that nobody on earth has: the provider adds random digits to the prefix.
        bucket = aws.s3.Bucket(names.of(naming.SCRIPTS), tags=names.tags(naming.SCRIPTS), opts=child)
        script = aws.s3.BucketObjectv2(
            names.of("windows-node"),
            bucket=bucket.bucket,
            # The sum in the key: a machine that boots while the script changes still finds its own.
            key=f"windows-node-{digest[:12]}.ps1",
            content=content,
            content_type="text/plain; charset=us-ascii",
            tags=names.tags("windows-node"),
            opts=child,
        )
        self.bucket = bucket.bucket
        self.script = pulumi.Output.all(script.bucket, script.key).apply(
            lambda place: StagedScript(bucket=place[0], key=place[1], sha256=digest)
        )
        self.register_outputs({"bucket": self.bucket})
