"""Act on a running cluster and its machines from outside."""

import json
import ssl
import subprocess
import urllib.request
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from infra.config.naming import NODE_TAG, STACK_TAG
from rehearsal.fake_aws.settings import CLOCK_AHEAD
from rehearsal.hosts import record
from rehearsal.hosts.layout import SERVICE_ADDRESS, Layout
from rehearsal.hosts.servers import METADATA_ADDRESS
from rehearsal.scenarios import checks
from rehearsal.scenarios.checks import CheckFailed
from rehearsal.scenarios.life import Run
from rehearsal.session import STACK, RehearsalError
from rehearsal.waiting import poll

from .command import Command

UP = ("pulumi", "up", "--yes", "--skip-preview", "--stack", STACK)
METADATA = (METADATA_ADDRESS, 80)
AWS_API = (SERVICE_ADDRESS, 443)
BOOT_SECONDS = 90.0
LINE_SECONDS = 240.0
PHASES = "var/lib/microcosm/phases"
_TABLE = "microcosm_fault"
_Found = TypeVar("_Found")


@dataclass(slots=True)
class Stage:
    """The cluster of one run. `linux_workers` is the count in the stack's configuration."""

    run: Run
    linux_workers: int = 1

    # --- the stack

    @property
    def nodes(self) -> list[str]:
        return ["control-plane", *(f"linux-{number}" for number in range(self.linux_workers)), "windows-0"]

    def configure(self, linux_workers: int) -> None:
        """Write the stack's configuration."""
        self.linux_workers = linux_workers
        pools = [
            {"name": "linux", "os": "ubuntu-24.04", "count": self.linux_workers},
            {"name": "windows", "os": "windows-2019", "count": 1},
        ]
        self.run.session.write_config(nodePools=pools)

    def one_more_worker(self) -> str:
        """Add a worker to the configuration; return the name of the node that the next `up` creates."""
        self.configure(self.linux_workers + 1)
        return f"linux-{self.linux_workers - 1}"

    def command(self, *arguments: str, environment: Mapping[str, str] | None = None) -> Command:
        return Command(self.run.session, *arguments, tell=self.run.tell, environment=environment)

    def up(self) -> Command:
        """Start `pulumi up`."""
        return self.command(*UP)

    def objects(self, *what: str) -> list[dict[str, Any]]:
        """Return the result of `kubectl get` with the published kubeconfig; nothing while the API does not
        answer.
        """
        try:
            return json.loads(
                self.run.session.output("kubectl", "get", *what, "--output=json", "--request-timeout=5s")
            )["items"]
        except RehearsalError:
            return []

    # --- machines

    def instance(self, node: str, seconds: float = BOOT_SECONDS) -> dict[str, Any]:
        """Wait until EC2 has an instance of the node, and return it."""
        filters = [
            {"Name": f"tag:{STACK_TAG}", "Values": [STACK]},
            {"Name": f"tag:{NODE_TAG}", "Values": [node]},
            {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]},
        ]

        def living() -> list[dict[str, Any]]:
            found = self.ec2.describe_instances(Filters=filters)["Reservations"]
            return [instance for reservation in found for instance in reservation["Instances"]]

        return wait_until(living, seconds, f"EC2 has an instance of {node}")[0]

    @property
    def ec2(self) -> Any:
        return self.run.session.client("ec2")

    @property
    def layout(self) -> Layout:
        return Layout(self.run.session.state)

    def disk(self, instance_id: str) -> Path:
        """Return the writable layer of the machine's disk."""
        return self.layout.machine(instance_id).upper

    def wait_for_file(self, node: str, path: str, content: str = "", since: float = 0.0) -> str:
        """Wait until the machine has a file, written after `since`, with `content`; return the instance's
        id.
        """
        id = self.instance(node)["InstanceId"]
        file = self.disk(id) / path

        def there() -> bool:
            return (
                file.exists()
                and file.stat().st_mtime > since
                and (not content or content in file.read_text())
            )

        wait_until(there, BOOT_SECONDS, f"{node} has {path}")
        return id

    def leader(self, instance_id: str) -> int | None:
        machine = record.read(self.layout)["machines"].get(instance_id)
        return machine["leader"] if machine else None

    def cut_power(self, instance_id: str) -> None:
        """Cut the machine's power, as when its host fails and EC2 starts the instance on another."""
        self.wait_for_restart(instance_id, self.layout.machine(instance_id).power_cut.touch)

    def reboot(self, instance_id: str) -> None:
        self.wait_for_restart(instance_id, lambda: self.ec2.reboot_instances(InstanceIds=[instance_id]))

    def wait_for_restart(self, instance_id: str, act: Callable[[], object]) -> None:
        """Run the action and wait until the machine runs again."""
        before = wait_until(lambda: self.leader(instance_id), BOOT_SECONDS, f"{instance_id} runs")
        act()
        wait_until(
            lambda: self.leader(instance_id) not in (before, None), BOOT_SECONDS, f"{instance_id} runs again"
        )

    def run_in(self, node: str, *command: str) -> str:
        return checks.in_machine(self.run.session, node, *command)

    def terminate(self, node: str) -> str:
        """Terminate the node's instance without Pulumi, as in the console or by EC2 after a disk failure."""
        id = self.instance(node)["InstanceId"]
        self.ec2.terminate_instances(InstanceIds=[id])
        wait_until(lambda: self.leader(id) is None, BOOT_SECONDS, f"{node} has ended")
        return id

    # --- what machines depend on

    @contextmanager
    def unreachable(self, service: tuple[str, int], node: str) -> Generator[None]:
        """Drop the node's packets to the service during the block."""
        instance = self.instance(node)
        address, port = service
        table = f"{_TABLE}_{node.replace('-', '_')}"
        namespace = self.layout.namespace(instance["VpcId"])
        rule = f"ip saddr {instance['PrivateIpAddress']} ip daddr {address} tcp dport {port} drop"
        self._nft(
            namespace,
            f"table inet {table} {{ chain input {{ type filter hook input priority -10; {rule}; }}; }}",
        )
        try:
            yield
        finally:
            self._nft(namespace, f"delete table inet {table}")

    def _nft(self, namespace: str, rules: str) -> None:
        subprocess.run(
            ["ip", "netns", "exec", namespace, "nft", "--file", "-"], input=rules, text=True, check=True
        )

    @contextmanager
    def faulty_mirror(self, **orders: Mapping[str, object]) -> Generator[None]:
        """Order faults of these files from the artifact mirror during the block
        (rehearsal/hosts/mirror.py).
        """
        self.layout.mirror_faults.write_text(json.dumps(orders))
        try:
            yield
        finally:
            self.layout.mirror_faults.unlink()

    @contextmanager
    def clock_ahead(self, seconds: float) -> Generator[None]:
        """Set AWS's clock ahead of the machines' clocks during the block."""
        path = self.run.session.state / CLOCK_AHEAD
        path.write_text(str(seconds))
        try:
            yield
        finally:
            path.unlink()

    def stop_api(self) -> None:
        """Remove the API server's manifest, so that the kubelet stops it."""
        self.run_in("control-plane", "mv", "/etc/kubernetes/manifests/kube-apiserver.yaml", "/root/")
        wait_until(lambda: not self.api_answers(), BOOT_SECONDS, "the API server is gone")

    def start_api(self) -> None:
        self.run_in("control-plane", "mv", "/root/kube-apiserver.yaml", "/etc/kubernetes/manifests/")

    def api_answers(self) -> bool:
        """Report whether the API answers at the control plane's Elastic IP, without checking its
        certificate.
        """
        address = self.ec2.describe_addresses()["Addresses"][0]["PublicIp"]
        # Only whether it answers matters here.
        unverified = ssl.create_default_context()
        unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
        try:
            with urllib.request.urlopen(
                f"https://{address}:6443/livez", timeout=2, context=unverified
            ) as answer:
                return answer.status == 200
        except OSError:
            return False


def wait_until(condition: Callable[[], _Found], seconds: float, what: str) -> _Found:
    if found := poll(condition, seconds):
        return found
    raise CheckFailed(f"{what}: not within {seconds:.0f} s")
