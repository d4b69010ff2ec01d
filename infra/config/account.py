"""The AWS account of a stack: the credentials that its configuration gives Pulumi's AWS provider, for boto3.

The provider takes `aws:profile`, `aws:accessKey`, `aws:assumeRoles` and the like from the stack; boto3 alone
would look into the account of the environment. A setting that boto3 cannot be given in the same way is
refused, so that no answer is about another account. Names and meaning of the keys: pulumi_aws 7.51.1,
config/__init__.pyi.

Pulumi and boto3 are imported by the functions that need them: a command's start must not wait for both.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, cast

PREFIX = "aws:"
KEYS = {"accessKey": "aws_access_key_id", "secretKey": "aws_secret_access_key", "token": "aws_session_token"}
TAKEN = ("profile", *KEYS, "assumeRoles")
REFUSED = ("assumeRoleWithWebIdentity", "sharedConfigFiles", "sharedCredentialsFiles", "endpoints")
# AssumeRole's own names. The duration is left out: boto3 assumes a role again before its credentials expire.
ROLE = {
    "roleArn": "RoleArn",
    "sessionName": "RoleSessionName",
    "externalId": "ExternalId",
    "policy": "Policy",
    "sourceIdentity": "SourceIdentity",
    "transitiveTagKeys": "TransitiveTagKeys",
}
SESSION_NAME = "microcosm"
# Regions of the other partitions: the machines' and the pipeline's ARNs begin with arn:aws.
FOREIGN = ("cn-", "us-gov-", "us-iso", "eu-iso", "eusc-")

# The `aws:` settings of a stack that choose its account, without the prefix.
Settings = Mapping[str, Any]


def settings(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Pick what chooses the account from a stack's configuration, whose keys have their prefix."""
    known = {
        name: configuration[f"{PREFIX}{name}"]
        for name in (*TAKEN, *REFUSED)
        if configuration.get(f"{PREFIX}{name}")
    }
    return {name: _parsed(value) if name == "assumeRoles" else value for name, value in known.items()}


def of_program() -> dict[str, Any]:
    """Read the settings of the running Pulumi program, decrypted."""
    import pulumi
    from pulumi.runtime import config

    keys = config.CONFIG.get() | config.get_config_env()
    own = pulumi.Config("aws")
    return settings({key: own.get(key.removeprefix(PREFIX)) for key in keys if key.startswith(PREFIX)})


def region_problems(region: str) -> list[str]:
    """Refuse China, GovCloud and the isolated regions, in which nothing of this has been tried or looked
    up.
    """
    if not region.startswith(FOREIGN):
        return []
    return [
        f"the region is {region!r}: accepted is a region of the partition aws, e.g. eu-west-1 (no China, "
        f"GovCloud or isolated region)"
    ]


def problems(known: Settings) -> list[str]:
    """Say what of the settings boto3 cannot follow, a sentence each."""
    found = [
        f"{PREFIX}{name} is set: microcosm cannot look into the account that it leads to; put it into a "
        f"profile of ~/.aws/config and name that "
        f"with {PREFIX}profile, or set it in the environment"
        for name in REFUSED
        if name in known
    ]
    found += [
        f"{PREFIX}{name} is encrypted in the stack's file, and this command cannot read it; put the keys "
        f"into a profile of ~/.aws/credentials "
        f"and name that with {PREFIX}profile"
        for name, value in known.items()
        if name in TAKEN and isinstance(value, Mapping)
    ]
    if "assumeRoles" in known and not isinstance(known["assumeRoles"], Mapping):
        found += _role_problems(known["assumeRoles"])
    return found


def session(known: Settings, region: str) -> Any:
    """Open the boto3 session of these settings, or that of the environment without any."""
    import boto3

    keys = {argument: known[name] for name, argument in KEYS.items() if name in known}
    opened = boto3.Session(profile_name=known.get("profile"), region_name=region, **keys)
    for role in known.get("assumeRoles", ()):
        opened = _in_role(opened, role, region)
    return opened


def _in_role(source: Any, role: Mapping[str, Any], region: str) -> Any:
    import boto3
    from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
    from botocore.session import Session

    wanted = {argument: role[name] for name, argument in ROLE.items() if name in role and name != "roleArn"}
    wanted |= {"PolicyArns": [{"arn": arn} for arn in role["policyArns"]]} if role.get("policyArns") else {}
    wanted |= (
        {"Tags": [{"Key": key, "Value": value} for key, value in role["tags"].items()]}
        if role.get("tags")
        else {}
    )

    def client(service: str, **keys: Any) -> Any:
        return boto3.Session(region_name=region).client(service, **keys)

    fetcher = AssumeRoleCredentialFetcher(
        client, source.get_credentials(), role["roleArn"], {"RoleSessionName": SESSION_NAME, **wanted}
    )
    inner = Session()
    # botocore has no public way in for credentials that renew themselves.
    credentials = DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")
    inner._credentials = credentials  # pyright: ignore[reportPrivateUsage]
    return boto3.Session(botocore_session=inner, region_name=region)


def _parsed(value: Any) -> Any:
    """A list comes as JSON text from Pulumi, and as a list from a stack's file."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _role_problems(roles: Any) -> Iterable[str]:
    known = {*ROLE, "duration", "policyArns", "tags"}
    if not isinstance(roles, list):
        return [f"{PREFIX}assumeRoles is {roles!r}: accepted is a list of roles, each with its roleArn"]
    items = cast("list[Any]", roles)
    wrong = [
        item
        for item in items
        if not isinstance(item, Mapping)
        or "roleArn" not in item
        or cast("Mapping[str, Any]", item).keys() - known
    ]
    accepted = f"accepted is an object with a roleArn, and of {', '.join(sorted(known))} what it needs"
    return [f"{PREFIX}assumeRoles has {item!r}: {accepted}" for item in wrong]
