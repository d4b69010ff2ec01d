"""A stand-in for a Windows Server on EC2: what the node's script finds and changes, with time of its own.

It behaves as Windows and the programs do where that decides something: a feature is there only after a restart, an HNS
network takes the metadata route away, PrepareNode.ps1 half-works a second time, host-local refuses a second address,
kubeadm refuses to join over left-overs. Sources: docs/adr/0010 and 0011.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .cmdlets import Cmdlets
from .interpreter import Interpreter
from .programs import Programs
from .values import PsError, PsExit

NODE_IP, GATEWAY, INSTANCE, CONTROL_PLANE = "10.0.3.7", "10.0.0.1", "i-0win", "i-0cp"
METADATA = "169.254.169.254/32"
CONFLIST = "c:\\etc\\cni\\net.d\\10-flannel.conflist"
KUBELET_CONF = "c:\\etc\\kubernetes\\kubelet.conf"
TOKEN = "abcdef.0123456789abcdef"
JOIN = {"instance": CONTROL_PLANE, "endpoint": "10.0.0.4:6443", "token": TOKEN, "caCertHash": "sha256:ab", "expires": "2099-01-01T00:00:00+00:00"}
NETWORK = {"instance": CONTROL_PLANE, "kubeconfig": "a kubeconfig"}
DOWNLOADS = ("kubernetes-node", "containerd", "cni-plugins", "flanneld.exe", "flannel-cni.exe", "PrepareNode.ps1", "nssm")
# Verbs that change the machine. A crash at any other call is the same as one right after the change before.
EFFECTS = (
    "Add-",
    "Copy-",
    "Export-",
    "Install-",
    "Invoke-",
    "Move-",
    "New-",
    "Register-",
    "Remove-",
    "Restart-",
    "Set-",
    "Start-",
    "Stop-",
    "Write-SSM",
)
START = datetime.fromisoformat("2026-11-25T09:00:00+00:00").timestamp()


class Crash(BaseException):
    """Power is gone: nothing in the script can catch it."""


@dataclass
class Service:
    """A Windows service; `settings` are nssm's."""

    name: str
    Status: str = "Stopped"
    StartType: str = "Automatic"
    settings: dict[str, str] = field(default_factory=dict)

    def WaitForStatus(self, status: str, limit: object) -> None:
        if self.Status != status:
            raise PsError(f"{self.name} is {self.Status}")


@dataclass(frozen=True, order=True)
class Moment:
    """.NET's DateTimeOffset."""

    seconds: float

    def ToUnixTimeSeconds(self) -> int:
        return int(self.seconds)


def digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def inputs(**changes: Any) -> dict[str, Any]:
    """What bootstrap.ps1 keeps for the script; the content of a download is its URL."""
    urls = {name: f"https://example.org/{name}" for name in DOWNLOADS}
    return {
        "StackName": "dev",
        "Region": "eu-west-1",
        "NodeName": "windows-0",
        "ControlPlaneInstanceId": CONTROL_PLANE,
        "KubernetesVersion": "1.35.8",
        "ContainerdVersion": "2.2.7",
        "Artifacts": {name: {"Urls": [url], "Sum": f"sha256:{digest(url)}"} for name, url in urls.items()},
        "PauseImage": "registry.k8s.io/pause:3.10.2",
        "PrepullImages": ["mcr.microsoft.com/wcf:1"],
        "RegistryMirror": "",
        "FlannelBackend": "vxlan",
        "PodCidr": "10.244.0.0/16",
        "ServiceCidr": "10.96.0.0/12",
        "NodeCidr": "10.0.0.0/16",
        "JoinConfiguration": "endpoint: @API_ENDPOINT@\ntoken: @TOKEN@\nhash: @CA_HASH@\n",
        "ExpiryParameter": "",
    } | changes


class Windows(Cmdlets, Programs):
    """The machine. `calls` counts what scripts do; at the number `crash_at` the power goes."""

    shell: Interpreter

    def __init__(self, **changes: Any) -> None:
        self.inputs = inputs(**changes)
        self.files: dict[str, str] = {}
        self.web = {url: url for artifact in self.inputs["Artifacts"].values() for url in artifact["Urls"]}
        self.parameters = {"/microcosm/dev/join": json.dumps(JOIN), "/microcosm/dev/windows-network": json.dumps(NETWORK)}
        self.services = {"w32time": Service("w32time", "Stopped", "Manual"), "hns": Service("hns", "Running")}
        self.firewall: dict[str, str] = {}
        self.registry: dict[str, Any] = {}
        self.registry_keys: dict[str, str] = {}
        self.excluded: list[str] = []  # from Defender
        self.tasks: dict[str, str] = {}
        self.routes = {"0.0.0.0/0", METADATA}
        self.stale_routes: set[str] = set()  # of the adapter from before the first network
        self.feature, self.feature_after_install = "Available", "InstallPending"
        self.build, self.boot, self.restarting = 17763, 1, False
        self.hns_network, self.hns_confused, self.addresses, self.pod_cidr = False, False, 0, "10.244.2.0/24"
        self.clock, self.later = START, list[tuple[float, Callable[[], None]]]()
        self.reports: list[dict[str, Any]] = []
        self.log: list[str] = []
        self.calls, self.crash_at = 0, 0
        self.broken: set[str] = set()

    # --- life ---

    def run(self, script: str, **variables: Any) -> int:
        """Run a script as the startup task does; its exit code."""
        cmdlets = {name: self._counted(function) if name.startswith(EFFECTS) else function for name, function in self.cmdlets().items()}
        self.shell = Interpreter(cmdlets, self._counted(self.program), self._statics())
        self.shell.environment.update({"programfiles": "C:\\Program Files", "systemroot": "C:\\Windows", "programdata": "C:\\ProgramData"})
        self.shell.scopes[0].update({name.lower(): value for name, value in variables.items()})
        try:
            self.shell.run(script)
        except PsExit as end:
            return end.code
        return 0

    def run_at_every_start(self, script: str) -> int:
        """Run until the script ends with the machine up; its exit code. A crash, like a restart, begins another start."""
        for _ in range(10):
            try:
                code = self.run(script)
            except Crash:
                self.restart()
                continue
            return code
        raise AssertionError(f"not settled after 10 starts: {self.log[-3:]}")

    def restart(self) -> None:
        """What a start of Windows does: a pending feature comes, networks are gone, automatic services run."""
        self.boot += 1
        self.restarting = False
        self.feature = "Installed" if self.feature == "InstallPending" else self.feature
        self.hns_network = False
        self.routes.add(METADATA)
        for service in self.services.values():
            service.Status = "Stopped"
        for service in self.services.values():
            if service.StartType == "Automatic":
                self.start(service.name)

    def now(self) -> "Moment":
        return Moment(self.clock)

    def sleep(self, seconds: float) -> None:
        """Time passes, and with it happens what was put in `later`."""
        self.clock += seconds
        due = [what for when, what in self.later if START + when <= self.clock]
        self.later = [(when, what) for when, what in self.later if START + when > self.clock]
        for what in due:
            what()

    def tick(self) -> None:
        self.calls += 1
        self.clock += 0.1
        if self.calls == self.crash_at or self.restarting:
            raise Crash

    def _counted(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*positional: Any, **named: Any) -> Any:
            self.tick()
            return function(*positional, **named)

        return call

    # --- services and network ---

    def add_service(self, name: str) -> None:
        if name in self.services:
            raise PsError(f"the service {name} exists")
        self.services[name] = Service(name)

    def start(self, name: str) -> None:
        self.services[name].Status = "Running"
        if name == "kubelet" and "c:\\var\\lib\\kubelet\\kubeadm-flags.env" in self.files:
            self.files[KUBELET_CONF] = "bootstrapped"
        if name == "flanneld" and not self.hns_network and not self.hns_confused:
            self.hns_network = True
            self.routes.discard(METADATA)

    def runs(self, name: str) -> bool:
        return name in self.services and self.services[name].Status == "Running"

    @property
    def node_is_ready(self) -> bool:
        return CONFLIST in self.files and self.hns_network and self.runs("kubelet")

    def answers(self, url: str) -> bool:
        """The local health pages of flanneld and kube-proxy."""
        arguments = self.services["kube-proxy"].settings.get("AppParameters", "") if "kube-proxy" in self.services else ""
        overlay_is_whole = self.inputs["FlannelBackend"] != "vxlan" or "--source-vip=10.244." in arguments
        return self.hns_network and (self.runs("flanneld") if "8081" in url else self.runs("kube-proxy") and overlay_is_whole)

    def need(self, path: str) -> str:
        if path.lower() not in self.files:
            raise PsError(f"{path} is not there")
        return self.files[path.lower()]

    def _statics(self) -> dict[str, Any]:
        return {
            "net.securityprotocoltype::tls12": None,
            "datetime::utcnow": "now",
            "datetimeoffset::parse": lambda text: Moment(datetime.fromisoformat(text).timestamp()),
            "timespan::fromseconds": lambda seconds: seconds,
            "timespan::zero": 0,
            "math::min": min,
        }
