"""Read the inputs of the stand-in's node from the fake cloud, as the node does."""

import base64
import ipaddress
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from infra import join_parameters
from infra.config import naming
from rehearsal.hosts import record
from rehearsal.hosts.layout import Layout
from rehearsal.session import STACK, Session
from rehearsal.windows_node import inputs
from rehearsal.windows_node.inputs import NodeInputs
from rehearsal.windows_node.rendezvous import validated
from rehearsal.wine.command_lines import Network, filled_text
from rehearsal.wine.errors import WineError

_SYSTEM = "tag:microcosm:os"


@dataclass(frozen=True, kw_only=True, slots=True)
class WindowsNode:
    """The stand-in's node. kubeadm.exe joins as `second_name`, because kubeadm refuses a name that is in
    use.
    """

    name: str
    ip: str
    namespace: str
    pod_cidr: str
    inputs: NodeInputs
    join: dict[str, Any]
    network_kubeconfig: str

    @property
    def second_name(self) -> str:
        return f"{self.name}-under-wine"

    @property
    def join_configuration(self) -> str:
        """Return the rendered JoinConfiguration, completed from the join document, with the second name."""
        own = f'"name": "{self.name}"'
        if (count := self.inputs.join_configuration.count(own)) != 1:
            raise WineError(f"the JoinConfiguration of {self.name} has {own} {count} times; once is wanted")
        values = {
            "API_ENDPOINT": self.join["endpoint"],
            "TOKEN": self.join["token"],
            "CA_HASH": self.join["caCertHash"],
        }
        return filled_text(
            self.inputs.join_configuration.replace(own, f'"name": "{self.second_name}"'), values
        )

    def values(self, network: Network, *, node: str) -> dict[str, str]:
        """Return the values of worker.ps1's tokens.

        The source VIP is the first address that host-local would assign.
        """
        return {
            "NODE_NAME": node,
            "NODE_IP": self.ip,
            "NETWORK": network.name,
            "SOURCE_VIP": str(ipaddress.ip_network(self.pod_cidr)[2]),
        }


def of(session: Session) -> WindowsNode:
    """Return the first Windows node of the running rehearsal."""
    instance = _instance(session)
    name = next(tag["Value"] for tag in instance["Tags"] if tag["Key"] == "microcosm:node")
    attribute = session.client("ec2").describe_instance_attribute(
        InstanceId=instance["InstanceId"], Attribute="userData"
    )
    node_inputs = inputs.from_user_data(base64.b64decode(attribute["UserData"]["Value"]))
    node = json.loads(session.run("kubectl", "get", "node", name, "--output", "json"))
    return WindowsNode(
        name=name,
        ip=instance["PrivateIpAddress"],
        namespace=record.machine_of(record.read(Layout(session.state)), name)["netns"],
        pod_cidr=node["spec"]["podCIDR"],
        inputs=node_inputs,
        join=_document(session, join_parameters.JOIN, node_inputs.control_plane_id),
        network_kubeconfig=_document(session, join_parameters.WINDOWS_NETWORK, node_inputs.control_plane_id)[
            "kubeconfig"
        ],
    )


def _instance(session: Session) -> dict[str, Any]:
    filters = [
        {"Name": _SYSTEM, "Values": ["windows-*"]},
        {"Name": "instance-state-name", "Values": ["running"]},
    ]
    pages = session.client("ec2").get_paginator("describe_instances").paginate(Filters=filters)
    found = list(pages.search("Reservations[].Instances[]"))
    if not found:
        raise WineError("the rehearsal has no Windows instance, whose place the Windows binaries could take")
    return min(found, key=lambda instance: instance["PrivateIpAddress"])


def _document(session: Session, name: str, control_plane: str) -> dict[str, Any]:
    parameter = naming.Names(stack=STACK).parameter(name)
    value = session.client("ssm").get_parameter(Name=parameter, WithDecryption=True)["Parameter"]["Value"]
    document, instead = validated(value, control_plane, now=datetime.now(UTC))
    if document is None:
        raise WineError(f"{parameter} holds {instead}, not a document of the control plane {control_plane}")
    return document
