"""Where machines leave what others wait for:

SSM parameters that Pulumi declares (so that destroy removes them) and machines overwrite.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from .config import expiry
from .config.naming import Names
from .node.report import PLACEHOLDER

JOIN, KUBECONFIG, WINDOWS_NETWORK = "join", "kubeconfig", "windows-network"
# Each holds JSON with the control plane's instance id once written, so that a stale one is never believed.
DOCUMENTS = (JOIN, KUBECONFIG, WINDOWS_NETWORK)
STATUS = "status"
# Properties that machines change after Pulumi has created a parameter. With `value` alone the AWS provider
# still plans an update, because it derives `version` from the value before Pulumi leaves out what is ignored,
# and then writes back the value that the state saw last (hashicorp/terraform-provider-aws 0073593e,
# internal/service/ssm/parameter.go). The write-only value is not in the list: a refresh loses it from the
# inputs, and Pulumi replaces an ignored input by the one in the state.
IGNORED = ("value", "version")


@dataclass(frozen=True, kw_only=True, slots=True)
class RendezvousArgs:
    names: Names
    node_names: tuple[str, ...]
    # The id or ARN of the user's KMS key for the documents; empty for AWS's own key.
    kms_key: str = ""


class Rendezvous(pulumi.ComponentResource):
    """The three documents of the control plane, encrypted, one progress report a node, and the stack's end
    if it has one.
    """

    documents: list[aws.ssm.Parameter]
    status: dict[str, aws.ssm.Parameter]
    # None or one.
    expiry: list[aws.ssm.Parameter]

    def __init__(self, name: str, args: RendezvousArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("microcosm:infra:Rendezvous", name, None, opts)
        self._names, self._key = args.names, args.kms_key
        self.documents = [self._document(document) for document in DOCUMENTS]
        self.status = {node: self._parameter("String", STATUS, node) for node in args.node_names}
        end = args.names.expires_at
        # Its value belongs to whoever extended last: an `up` from a configuration with an older date must not
        # shorten a life.
        self.expiry = [self._parameter("String", expiry.PARAMETER, value=expiry.document(end))] if end else []
        self.register_outputs({"documents": [parameter.name for parameter in self.documents]})

    def _document(self, document: str) -> aws.ssm.Parameter:
        """Declare a document whose value is write-only: no operation reads what the control plane publishes
        into the state.

        The provider writes the placeholder at creation, and then only if `value_wo_version` changes.
        """
        # With another key the document is made anew: an update would have to write a value, and there is none
        # that it could.
        anew = pulumi.ResourceOptions(replace_on_changes=["key_id"], delete_before_replace=True)
        return self._declare(
            document,
            opts=anew,
            type="SecureString",
            value_wo=PLACEHOLDER,
            value_wo_version=1,
            key_id=self._key or None,
        )

    def _parameter(self, kind: str, *parts: str, value: str = PLACEHOLDER) -> aws.ssm.Parameter:
        return self._declare(*parts, type=kind, value=value)

    def _declare(
        self, *parts: str, opts: pulumi.ResourceOptions | None = None, **inputs: Any
    ) -> aws.ssm.Parameter:
        own = pulumi.ResourceOptions(parent=self, ignore_changes=[*IGNORED])
        return aws.ssm.Parameter(
            self._names.of(*parts),
            name=self._names.parameter(*parts),
            tags=self._names.tags(*parts),
            opts=pulumi.ResourceOptions.merge(own, opts),
            **inputs,
        )


def arns(names: Names, account: str, region: str, partition: str, paths: Iterable[str]) -> list[str]:
    """The ARNs of parameters by their path below the stack's own, e.g. `join` or `status/*`."""
    return [f"arn:{partition}:ssm:{region}:{account}:parameter{names.parameter(path)}" for path in paths]
