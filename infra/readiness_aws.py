"""Ask AWS and the API server for the readiness wait, by boto3 and HTTPS."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Protocol

from . import kubernetes_api
from .config import account, naming
from .node import report
from .node.diagnosis import Instance
from .node.report import Report


class Cloud(Protocol):
    """The calls that the readiness wait makes; tests bring their own."""

    def parameter(self, name: str) -> str:
        """The value of an SSM parameter, decrypted."""
        ...

    def report(self, node: str, parameter: str) -> Report | None:
        """Read the report in one status parameter."""
        ...

    def reports(self, path: str) -> dict[str, Report | None]:
        """Read the reports in all parameters below a path, by node."""
        ...

    def instances(self, stack: str) -> dict[str, Instance]:
        """List the stack's instances that EC2 still knows, by id."""
        ...

    def console_output(self, instance_id: str) -> str:
        """Return the latest console output of an instance."""
        ...

    def api_is_ready(self, kubeconfig: str) -> bool:
        """Whether the API server of a kubeconfig answers /readyz."""
        ...

    def kubernetes(self, kubeconfig: str) -> kubernetes_api.Read:
        """Return a function that reads objects of the Kubernetes API."""
        ...


class AmazonCloud:
    """The real thing: boto3, and HTTPS to the API server.

    boto3 and its clients are made when first asked: a preview asks EC2 nothing, and a preview of a new
    cluster nothing at all.
    """

    def __init__(self, region: str, settings: account.Settings) -> None:
        """`settings` are those of the stack that choose its account."""
        self._region, self._settings = region, settings

    @cached_property
    def _session(self) -> Any:
        return account.session(self._settings, self._region)

    @cached_property
    def _ssm(self) -> Any:
        return self._client("ssm")

    @cached_property
    def _ec2(self) -> Any:
        return self._client("ec2")

    def _client(self, service: str) -> Any:
        return self._session.client(service)

    def parameter(self, name: str) -> str:
        return self._ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]

    def report(self, node: str, parameter: str) -> Report | None:
        return report.parameter(node, self._ssm.get_parameter(Name=parameter)["Parameter"])

    def reports(self, path: str) -> dict[str, Report | None]:
        pages = self._ssm.get_paginator("get_parameters_by_path").paginate(Path=path, Recursive=False)
        return report.parameters(path, pages.search("Parameters[]"))

    def instances(self, stack: str) -> dict[str, Instance]:
        filters = [{"Name": f"tag:{naming.STACK_TAG}", "Values": [stack]}]
        pages = self._ec2.get_paginator("describe_instances").paginate(Filters=filters)
        return {entry["InstanceId"]: _instance(entry) for entry in pages.search("Reservations[].Instances[]")}

    def console_output(self, instance_id: str) -> str:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return self._ec2.get_console_output(InstanceId=instance_id, Latest=True).get("Output", "")
        except (BotoCoreError, ClientError) as error:
            # Only a help for the reader: older instance types have no latest output, and the caller may not
            # be allowed.
            return f"(no console output: {error})"

    def api_is_ready(self, kubeconfig: str) -> bool:
        return kubernetes_api.is_ready(kubeconfig)

    def kubernetes(self, kubeconfig: str) -> kubernetes_api.Read:
        return kubernetes_api.reader(kubeconfig)


def _instance(entry: Mapping[str, Any]) -> Instance:
    os = next((tag["Value"] for tag in entry.get("Tags", ()) if tag["Key"] == naming.OS_TAG), "")
    return Instance(
        state=entry["State"]["Name"],
        launched=entry["LaunchTime"].timestamp(),
        family=naming.family(os),
    )
