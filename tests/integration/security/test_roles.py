"""Test the permissions of each machine's role: the calls of its scripts succeed, all others that are tried
are refused.

The fake cloud checks each session's signature and its role's policies (`--enforce-iam`) before moto sees the
call.
"""

import functools
import json
from typing import Any, NamedTuple

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from infra import iam, join_parameters, security
from infra.config import expiry
from infra.config.naming import Names
from rehearsal.fake_aws.settings import ACCOUNT, KMS_KEY
from tests.support.fake_aws import REGION, served_aws

OWN, OTHER = (
    Names(stack="dev", expires_at="2027-01-31T18:00:00Z"),
    Names(stack="prod", expires_at="2027-01-31T18:00:00Z"),
)
STATUS = tuple(f"status/{node}" for node in ("control-plane", "linux-0", "windows-0"))
PATHS = (*join_parameters.DOCUMENTS, *STATUS, expiry.PARAMETER)
ROLES = (security.CONTROL_PLANE, security.LINUX_WORKER, security.WINDOWS_WORKER)
SCRIPTS, FOREIGN_BUCKET, KEY = "dev-scripts", "prod-scripts", "windows-node-1.ps1"
REFUSALS = ("AccessDeniedException", "AccessDenied", "UnauthorizedOperation")

# Written by hand from the design: the reader and writer of each parameter below /microcosm/<own stack>.
READS = {
    security.CONTROL_PLANE: {"expiry"},
    security.LINUX_WORKER: {"join", "expiry"},
    security.WINDOWS_WORKER: {"join", "windows-network", "expiry"},
}
WRITES = {
    security.CONTROL_PLANE: {"join", "kubeconfig", "windows-network", "status/control-plane"},
    security.LINUX_WORKER: set(STATUS),
    security.WINDOWS_WORKER: set(STATUS),
}


class Cloud(NamedTuple):
    """Clients of the operator, and of a session of each role."""

    operator: Any
    machine: Any


@pytest.fixture(scope="module")
def cloud(tmp_path_factory) -> Any:
    with served_aws(tmp_path_factory.mktemp("state") / "machines") as served:
        keys = served.environment()
        session = boto3.Session(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], region_name=REGION)
        operator = functools.cache(lambda service: session.client(service, endpoint_url=served.endpoint))
        for names in (OWN, OTHER):
            for path in PATHS:
                operator("ssm").put_parameter(
                    Name=names.parameter(path), Value="pending", Type="SecureString"
                )
        for bucket in (SCRIPTS, FOREIGN_BUCKET):
            operator("s3").create_bucket(
                Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION}
            )
            operator("s3").put_object(Bucket=bucket, Key=KEY, Body=b"script")
        credentials = {role: assume(operator, role) for role in ROLES}

        @functools.cache
        def machine(role: str, service: str) -> Any:
            own = credentials[role]
            given = {
                "aws_access_key_id": own["AccessKeyId"],
                "aws_secret_access_key": own["SecretAccessKey"],
                "aws_session_token": own["SessionToken"],
            }
            # No retries after a refusal; and the cloud must judge the call, not the SDK its arguments.
            config = Config(retries={"total_max_attempts": 1}, parameter_validation=False)
            return session.client(service, endpoint_url=served.endpoint, config=config, **given)

        yield Cloud(operator, machine)


def assume(operator: Any, role: str) -> dict[str, str]:
    """Return the session of a machine, with the role that infra/iam.py declares."""
    name = OWN.of(role)
    operator("iam").create_role(RoleName=name, AssumeRolePolicyDocument=iam.assume_role_policy())
    document = iam.role_policy(
        role, OWN, account=ACCOUNT, region=REGION, partition="aws", script_bucket=SCRIPTS
    )
    operator("iam").put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=document)
    return operator("sts").assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{name}", RoleSessionName="i-1")[
        "Credentials"
    ]


def is_refused(call: Any) -> bool:
    """Report whether the role's policies refused the call; any other answer means that it was allowed."""
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"] in REFUSALS
    return False


# --- parameters


@pytest.mark.parametrize("role", ROLES)
def test_a_role_reads_just_what_it_needs(cloud, role):
    """No worker reads the kubeconfig, and no role reads another stack."""
    ssm = cloud.machine(role, "ssm")
    read = {
        path
        for path in PATHS
        if not is_refused(lambda path=path: ssm.get_parameter(Name=OWN.parameter(path), WithDecryption=True))
    }
    foreign = {
        path
        for path in PATHS
        if not is_refused(lambda path=path: ssm.get_parameter(Name=OTHER.parameter(path)))
    }
    assert (read, foreign) == (READS[role], set())


@pytest.mark.parametrize("role", ROLES)
def test_a_role_writes_just_what_it_publishes(cloud, role):
    """A worker that could write `join` could lead the next worker into another cluster."""
    ssm = cloud.machine(role, "ssm")

    def put(names: Names, path: str) -> Any:
        return ssm.put_parameter(
            Name=names.parameter(path), Value="mine", Type="SecureString", Overwrite=True
        )

    written = {path for path in PATHS if not is_refused(lambda path=path: put(OWN, path))}
    foreign = {path for path in PATHS if not is_refused(lambda path=path: put(OTHER, path))}
    assert (written, foreign) == (WRITES[role], set())
    assert is_refused(lambda: ssm.put_parameter(Name="/microcosm/dev-2/join", Value="mine", Type="String")), (
        "a stack whose name begins alike"
    )
    assert is_refused(lambda: ssm.put_parameter(Name="/microcosm/dev/new", Value="mine", Type="String")), (
        "what no destroy would remove"
    )


@pytest.mark.parametrize("role", ROLES)
def test_no_role_goes_round_by_another_call(cloud, role):
    """Each of these would read or change what get_parameter and put_parameter refuse."""
    ssm, every = cloud.machine(role, "ssm"), [OWN.parameter(path) for path in PATHS]
    calls = {
        "several at once": lambda: ssm.get_parameters(Names=every, WithDecryption=True),
        "several of which one is its own": lambda: ssm.get_parameters(
            Names=[OWN.parameter("join"), OWN.parameter("kubeconfig")]
        ),
        "by path": lambda: ssm.get_parameters_by_path(
            Path="/microcosm/dev", Recursive=True, WithDecryption=True
        ),
        "the root": lambda: ssm.get_parameters_by_path(Path="/", Recursive=True),
        "older versions": lambda: ssm.get_parameter_history(
            Name=OWN.parameter("kubeconfig"), WithDecryption=True
        ),
        "a list": lambda: ssm.describe_parameters(),
        "delete": lambda: ssm.delete_parameter(Name=OWN.parameter("join")),
        "delete several": lambda: ssm.delete_parameters(Names=every),
        "label": lambda: ssm.label_parameter_version(Name=OWN.parameter("join"), Labels=["mine"]),
        "tag": lambda: ssm.add_tags_to_resource(
            ResourceType="Parameter", ResourceId=OWN.parameter("join"), Tags=[{"Key": "a", "Value": "b"}]
        ),
    }
    let_in = {what for what, call in calls.items() if not is_refused(call)}
    assert let_in == set()


# --- the key of the documents


def test_a_role_uses_the_users_key_only_through_its_own_documents(cloud):
    """Each role as infra/iam.py declares it with the key, and one as it is without: the documents of the
    stack are encrypted with it.
    """
    operator, sealed = cloud.operator("ssm"), {*join_parameters.DOCUMENTS}
    names = Names(stack="keyed")
    for path in PATHS:
        kind = {"Type": "SecureString", "KeyId": KMS_KEY} if path in sealed else {"Type": "String"}
        operator.put_parameter(Name=names.parameter(path), Value="pending", **kind)
    for role in ROLES:
        clients = {key: session_of(cloud, role, names, key) for key in (KMS_KEY, "")}
        readable = {
            key: {
                path
                for path in PATHS
                if not is_refused(
                    lambda c=c, path=path: c("ssm").get_parameter(
                        Name=names.parameter(path), WithDecryption=True
                    )
                )
            }
            for key, c in clients.items()
        }
        assert readable == {KMS_KEY: READS[role] - {"expiry"}, "": READS[role] - sealed - {"expiry"}}, role
        for path in WRITES[role] & sealed:
            call = {
                "Name": names.parameter(path),
                "Value": "mine",
                "Type": "SecureString",
                "Overwrite": True,
                "KeyId": KMS_KEY,
            }
            assert {
                key: is_refused(lambda c=c, call=call: c("ssm").put_parameter(**call))
                for key, c in clients.items()
            } == {
                KMS_KEY: False,
                "": True,
            }
        for call in (
            lambda c: c.encrypt(KeyId=KMS_KEY, Plaintext=b"x"),
            lambda c: c.decrypt(KeyId=KMS_KEY, CiphertextBlob=b"x"),
        ):
            assert is_refused(lambda call=call, c=clients[KMS_KEY]: call(c("kms"))), (
                "directly, without Systems Manager"
            )


def session_of(cloud: Cloud, role: str, names: Names, key: str) -> Any:
    """Clients of a session of a role whose policy has the key, or none."""
    iam_, name = cloud.operator("iam"), f"{names.of(role)}-{bool(key)}"
    iam_.create_role(RoleName=name, AssumeRolePolicyDocument=iam.assume_role_policy())
    document = iam.role_policy(role, names, account=ACCOUNT, region=REGION, partition="aws", kms_key=key)
    iam_.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=document)
    own = cloud.operator("sts").assume_role(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{name}", RoleSessionName="i-1"
    )["Credentials"]
    session = boto3.Session(
        own["AccessKeyId"], own["SecretAccessKey"], own["SessionToken"], region_name=REGION
    )
    return functools.partial(
        session.client, endpoint_url=iam_.meta.endpoint_url, config=Config(retries={"total_max_attempts": 1})
    )


def test_a_boundary_takes_away_what_the_policy_of_a_role_allows(cloud):
    """A role has what both allow; the boundary alone gives nothing."""
    names, role = Names(stack="bounded"), security.LINUX_WORKER
    ssm, iam_ = session_of(cloud, role, names, "")("ssm"), cloud.operator("iam")
    read = functools.partial(ssm.get_parameter, Name=names.parameter("join"))
    assert not is_refused(read)
    document = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "ssm:PutParameter", "Resource": "*"}],
        }
    )
    arn = iam_.create_policy(PolicyName="bounds", PolicyDocument=document)["Policy"]["Arn"]
    iam_.put_role_permissions_boundary(RoleName=f"{names.of(role)}-False", PermissionsBoundary=arn)
    assert is_refused(read)
    assert is_refused(lambda: ssm.put_parameter(Name=names.parameter("join"), Value="x", Type="String")), (
        "the policy of the role does not allow it"
    )
    assert not is_refused(
        lambda: ssm.put_parameter(Name=names.parameter("status/linux-0"), Value="x", Type="String")
    )


# --- the staged script


@pytest.mark.parametrize("role", ROLES)
def test_the_script_is_read_by_windows_workers_and_written_by_nobody(cloud, role):
    """The script runs as SYSTEM."""
    s3 = cloud.machine(role, "s3")
    may = {
        "read": not is_refused(lambda: s3.get_object(Bucket=SCRIPTS, Key=KEY)),
        "read another's": not is_refused(lambda: s3.get_object(Bucket=FOREIGN_BUCKET, Key=KEY)),
        "read the state": not is_refused(
            lambda: s3.get_object(Bucket="state", Key=".pulumi/stacks/microcosm/dev.json")
        ),
        "write": not is_refused(lambda: s3.put_object(Bucket=SCRIPTS, Key=KEY, Body=b"mine")),
        "delete": not is_refused(lambda: s3.delete_object(Bucket=SCRIPTS, Key=KEY)),
        "list": not is_refused(lambda: s3.list_objects_v2(Bucket=SCRIPTS)),
        "list all": not is_refused(lambda: s3.list_buckets()),
        "policy": not is_refused(lambda: s3.put_bucket_policy(Bucket=SCRIPTS, Policy="{}")),
        "make": not is_refused(lambda: s3.create_bucket(Bucket="mine")),
    }
    assert {what for what, allowed in may.items() if allowed} == (
        {"read"} if role == security.WINDOWS_WORKER else set()
    )
    assert cloud.operator("s3").get_object(Bucket=SCRIPTS, Key=KEY)["Body"].read() == b"script"


# --- everything else

# Every operation of these services in the SDK, without arguments: the refusal comes before they would be
# read.
WHOLE_SERVICES = ("iam", "ssm", "sts")
# Of the other services, the first calls of an intruder.
TRIED = {
    "ec2": (
        "run_instances terminate_instances stop_instances describe_instances describe_instance_attribute "
        "modify_instance_attribute get_console_output get_password_data create_key_pair import_key_pair "
        "authorize_security_group_ingress describe_security_groups create_security_group "
        "modify_instance_metadata_options associate_iam_instance_profile "
        "replace_iam_instance_profile_association create_image create_snapshot modify_snapshot_attribute "
        "describe_volumes attach_volume describe_vpcs create_route associate_address allocate_address "
        "release_address delete_vpc create_tags delete_tags create_launch_template "
        "request_spot_instances"
    ),
    "secretsmanager": "get_secret_value list_secrets put_secret_value",
    "kms": "decrypt encrypt list_keys create_grant schedule_key_deletion",
    "cloudformation": "create_stack describe_stacks",
    "logs": "put_log_events describe_log_groups get_log_events",
    "resourcegroupstaggingapi": "get_resources tag_resources",
}
# IAM allows it to all. Session Manager's agent uses calls that the SDK lacks: tests/unit/infra/test_iam.py
# tests those.
ALLOWED = {"GetCallerIdentity"}


def arguments(operation: Any) -> dict[str, Any]:
    """Return a value for each argument that the SDK writes into the address; the others may be missing."""
    members = operation.input_shape.members if operation.input_shape else {}
    return {name: "x" for name, shape in members.items() if shape.serialization.get("location") == "uri"}


def let_in(client: Any, operations: set[str]) -> set[str]:
    """Return the operations that were not refused."""
    model = client.meta.service_model
    methods = {name: method for method, name in client.meta.method_to_api_mapping.items()}
    return {
        name
        for name in operations
        if not is_refused(
            functools.partial(getattr(client, methods[name]), **arguments(model.operation_model(name)))
        )
    }


@pytest.mark.parametrize("service", WHOLE_SERVICES)
@pytest.mark.parametrize("role", ROLES)
def test_a_role_can_do_nothing_else_of_a_service(cloud, role, service):
    """All operations of the installed SDK: a new one is tested as soon as it appears."""
    client = cloud.machine(role, service)
    # These need no permission (IAM user guide, "Requesting temporary security credentials"): they carry
    # another proof.
    unsigned = {"AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"}
    operations = set(client.meta.service_model.operation_names) - unsigned
    assert len(operations) > 5
    assert let_in(client, operations - ALLOWED) == set()


@pytest.mark.parametrize("service", TRIED)
@pytest.mark.parametrize("role", ROLES)
def test_what_an_intruder_tries_first_is_refused(cloud, role, service):
    client = cloud.machine(role, service)
    operations = {client.meta.method_to_api_mapping[method] for method in TRIED[service].split()}
    assert let_in(client, operations) == set()


@pytest.mark.parametrize("role", ROLES)
def test_a_machine_takes_no_other_role(cloud, role):
    """Only EC2 hands out the roles of machines."""
    sts = cloud.machine(role, "sts")
    for other in ROLES:
        assert is_refused(
            lambda other=other: sts.assume_role(
                RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{OWN.of(other)}", RoleSessionName="mine"
            )
        )
    assert sts.get_caller_identity()["Arn"].endswith(f"assumed-role/{OWN.of(role)}/i-1")
