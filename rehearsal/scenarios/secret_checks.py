"""Check that pods get no credentials and that no secret of the cluster is readable."""

import base64
import gzip
import json
import re
from collections.abc import Iterator
from typing import Any

from infra import join_parameters
from infra.config import naming

from ..fake_aws.settings import STATE_BUCKET
from ..session import STACK, Session
from . import checks

# Asks for a session token as an intruder would: from the machine itself, then from the network namespace of
# each of its pods (the CNI names them cni-...). One line each: who asks, and the HTTP status, 000 without an
# answer.
_TOKENS = """
ask() { "$@" curl -sS -m 3 -o /dev/null -w '%{http_code}' \
  -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 9' \
  http://169.254.169.254/latest/api/token 2>/dev/null; }
echo "machine $(ask)"
for pod in $(ip netns list | cut -d ' ' -f 1 | grep '^cni-'); do echo "$pod $(ask ip netns exec "$pod")"; done
"""


def no_credentials_for_pods(session: Session, node: str) -> str:
    """No pod of a Linux machine gets a token of the metadata service, and so none gets the credentials of
    the machine's role.
    """
    answers = dict(
        line.split() for line in checks.in_machine(session, node, "bash", "-c", _TOKENS).splitlines()
    )
    if answers.pop("machine", None) != "200":
        raise checks.CheckFailed(
            f"{node} itself gets no token of the metadata service, so that its pods get none proves nothing"
        )
    if not answers:
        raise checks.CheckFailed(f"{node} has no pod with a network of its own to ask from")
    if reached := [f"{pod} ({status})" for pod, status in answers.items() if status != "000"]:
        raise checks.CheckFailed(
            f"pods on {node} reach the token of the metadata service: {', '.join(reached)}"
        )
    return (
        f"{node} gets a token of the metadata service, its {len(answers)} pods with a network of their "
        f"own get none"
    )


def no_secret_in_the_open(session: Session) -> str:
    """Greps for every secret of the cluster wherever it must not stand."""
    secrets = dict(_secrets(session))
    places = dict(_places(session))
    for place, content in places.items():
        for name, secret in secrets.items():
            if secret in content:
                raise checks.CheckFailed(f"the {name} stands in {place}")
    return (
        f"{len(secrets)} secrets looked for in {len(places)} places: "
        f"{', '.join(sorted({place.split(':')[0] for place in places}))}"
    )


def _secrets(session: Session) -> Iterator[tuple[str, bytes]]:
    names, ssm = naming.Names(stack=STACK), session.client("ssm")
    documents = {
        name: json.loads(
            ssm.get_parameter(Name=names.parameter(name), WithDecryption=True)["Parameter"]["Value"]
        )
        for name in join_parameters.DOCUMENTS
    }
    yield "join token", documents[join_parameters.JOIN]["token"].encode()
    for name in (join_parameters.KUBECONFIG, join_parameters.WINDOWS_NETWORK):
        encoded = re.search(r"client-key-data: (\S+)", documents[name]["kubeconfig"])
        if not encoded:
            raise checks.CheckFailed(f"the document {name} holds no client key")
        yield f"private key of {name} (base64)", encoded[1].encode()
        yield f"private key of {name}", base64.b64decode(encoded[1]).splitlines()[1]
    yield (
        "CA key",
        checks.in_machine(session, naming.CONTROL_PLANE, "cat", "/etc/kubernetes/pki/ca.key")
        .splitlines()[1]
        .encode(),
    )


def _places(session: Session) -> Iterator[tuple[str, bytes]]:
    ec2, ssm, s3 = (session.client(service) for service in ("ec2", "ssm", "s3"))
    for reservation in ec2.describe_instances()["Reservations"]:
        for instance in reservation["Instances"]:
            yield from _instance_places(ec2, instance["InstanceId"])
    yield "stack outputs", session.output("pulumi", "stack", "output", "--json", "--stack", STACK).encode()
    for entry in s3.get_paginator("list_objects_v2").paginate(Bucket=STATE_BUCKET).search("Contents[]"):
        yield (
            f"state: {entry['Key']}",
            _unzipped(s3.get_object(Bucket=STATE_BUCKET, Key=entry["Key"])["Body"].read()),
        )
    path = naming.Names(stack=STACK).parameter(join_parameters.STATUS)
    for item in ssm.get_paginator("get_parameters_by_path").paginate(Path=path).search("Parameters[]"):
        yield f"status reports: {item['Name']}", item["Value"].encode()


def _instance_places(ec2: Any, instance_id: str) -> Iterator[tuple[str, bytes]]:
    attribute = ec2.describe_instance_attribute(InstanceId=instance_id, Attribute="userData")["UserData"]
    if attribute.get("Value"):
        yield f"user-data: {instance_id}", _unzipped(base64.b64decode(attribute["Value"]))
    output = ec2.get_console_output(InstanceId=instance_id).get("Output", "")
    yield f"console output: {instance_id}", output.encode()


def _unzipped(content: bytes) -> bytes:
    return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
