"""List the permissions of a CI pipeline's role that no run proves: repair, explanation, and the calls that
only the official AWS provider makes.
"""

from .pipeline_grants import NAMES, OWN, PARAMETERS, SCRIPTS, Grant

# Needed only after a run that was cut off, to delete what it made and could not write down
# (microcosm/audit/cleanup.py).
RECOVERY: tuple[Grant, ...] = (
    Grant(
        sid="RepairDisks", why="a disk whose machine is gone", actions=("ec2:DeleteVolume",), condition=OWN
    ),
    Grant(
        sid="RepairBuckets",
        why="a bucket is emptied before it is deleted",
        actions=("s3:DeleteObjectVersion", "s3:ListBucketVersions"),
        resources=(*SCRIPTS, *(f"{bucket}/*" for bucket in SCRIPTS)),
    ),
)
# Without this nothing fails, but what has failed is told without its cause.
CONSOLE = Grant(
    sid="Explain",
    why="the console of a machine that failed, in the error message",
    actions=("ec2:GetConsoleOutput",),
)
# Calls that only hashicorp/terraform-provider-aws, which pulumi-aws bridges, makes for this program's
# resources. They were read in its source, file by file
# (docs/adr/0014-permissions-of-the-official-provider.md), and no run has proven them.
PROVIDER_ONLY: tuple[Grant, ...] = (
    Grant(
        sid="ProviderLooks",
        why="read back by the official provider, and waited for",
        actions=(
            "ec2:DescribeAddressesAttribute", "ec2:DescribeInstanceCreditSpecifications",
            "ec2:DescribeInstanceTypes", "ec2:DescribeTags",
            "ec2:DescribeVolumesModifications",
        ),
    ),
    Grant(
        sid="ProviderEdits",
        why="what a machine does when it shuts down; then tags taken away, and another type, disk or rule "
            "in place",
        actions=(
            "ec2:DeleteTags", "ec2:ModifyInstanceAttribute", "ec2:ModifySecurityGroupRules",
            "ec2:ModifyVolume", "ec2:StartInstances",
            "ec2:StopInstances",
        ),
        condition=OWN,
    ),
    Grant(
        sid="ProviderRoles",
        why="a role is read with its policies, and taken out of its profiles before it is deleted",
        actions=(
            "iam:ListAttachedRolePolicies", "iam:ListInstanceProfilesForRole", "iam:ListRolePolicies",
            "iam:UntagInstanceProfile", "iam:UntagRole",
        ),
        resources=NAMES,
    ),
    Grant(
        sid="ProviderParameters",
        why="tags are taken away",
        actions=("ssm:RemoveTagsFromResource",),
        resources=PARAMETERS,
    ),
    Grant(
        sid="ProviderBucket",
        why="a bucket is tagged when it is made, and read back with all its settings",
        actions=(
            "s3:GetAccelerateConfiguration", "s3:GetBucketAcl", "s3:GetBucketCORS", "s3:GetBucketLogging",
            "s3:GetBucketObjectLockConfiguration", "s3:GetBucketPolicy", "s3:GetBucketRequestPayment",
            "s3:GetBucketVersioning",
            "s3:GetBucketWebsite", "s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration",
            "s3:GetReplicationConfiguration",
            "s3:ListTagsForResource", "s3:TagResource", "s3:UntagResource",
        ),
        resources=SCRIPTS,
    ),
)  # fmt: skip

UNPROVEN = (*RECOVERY, CONSOLE, *PROVIDER_ONLY)
