"""The programs that the script starts, as far as their effect or their refusal decides something."""

import json
from collections.abc import Callable
from pathlib import PureWindowsPath
from typing import TYPE_CHECKING, Any

from .values import PsError

if TYPE_CHECKING:
    from .machine import Windows

ARCHIVES = {
    "containerd": ("containerd.exe", "ctr.exe"),
    "cni-plugins": ("host-local.exe", "win-overlay.exe"),
    "kubernetes-node": ("kubelet.exe", "kubeadm.exe", "kubectl.exe", "kube-proxy.exe"),
}
LINK = "c:\\var\\lib\\kubelet\\etc\\kubernetes\\pki"


class Programs:
    """Mixed into Windows. Each takes arguments and standard input, and gives its lines or refuses with PsError."""

    def program(self: "Windows", path: str, arguments: list[str], text: str) -> tuple[int, list[str]]:
        name = PureWindowsPath(path).name
        self.log.append(f"{name} {' '.join(arguments)}".rstrip())
        known: dict[str, Callable[[list[str], str], list[str] | None]] = {
            "tar.exe": self._tar,
            "containerd.exe": lambda *_: self.add_service("containerd"),
            "sc.exe": lambda words, _: self.services.pop(words[1]) and None if words[0] == "delete" else None,
            "nssm.exe": self._nssm,
            "kubeadm.exe": self._kubeadm,
            "kubectl.exe": self._kubectl,
            "host-local.exe": self._host_local,
        }
        try:
            if name in self.broken:
                raise PsError(f"{name} is broken\nand says so")
            return 0, known.get(name, lambda *_: None)(arguments, text) or []
        except PsError as error:
            return 1, [str(error)]

    def _tar(self: "Windows", arguments: list[str], text: str) -> None:
        self.need(arguments[2])
        members = ARCHIVES[PureWindowsPath(arguments[2]).name]
        self.files.update({f"{arguments[4]}\\{member}".lower(): member for member in members})

    def _nssm(self: "Windows", arguments: list[str], text: str) -> None:
        if arguments[0] == "install":
            self.add_service(arguments[1])
        else:
            self.services[arguments[1]].settings[arguments[2]] = arguments[3]

    def _kubeadm(self: "Windows", arguments: list[str], text: str) -> None:
        left = [name for name in ("c:\\etc\\kubernetes\\kubelet.conf", "c:\\etc\\kubernetes\\pki\\ca.crt") if name in self.files]
        if left or self.runs("kubelet"):
            raise PsError(f"[preflight] {left} exists, or port 10250 is in use")
        self.need(arguments[1].removeprefix("--config="))
        self.files["c:\\etc\\kubernetes\\pki\\ca.crt"] = "ca"
        self.files["c:\\var\\lib\\kubelet\\kubeadm-flags.env"] = 'KUBELET_KUBEADM_ARGS="--register-with-taints=os=windows:NoSchedule"\n'
        self.tick()
        self.start("kubelet")

    def _kubectl(self: "Windows", arguments: list[str], text: str) -> list[str]:
        conditions = [{"type": "MemoryPressure", "status": "False"}, {"type": "Ready", "status": str(self.node_is_ready)}]
        return [json.dumps({"spec": {"podCIDR": self.pod_cidr}, "status": {"conditions": conditions}})]

    def _host_local(self: "Windows", arguments: list[str], text: str) -> list[str]:
        config = json.loads(text)
        reservation = f"{config['ipam']['dataDir']}/{config['name']}/kube-proxy"
        if self.shell.environment["cni_command"] == "DEL":
            self.files.pop(reservation, None)
            return []
        if reservation in self.files:
            raise PsError("duplicate allocation is not allowed")
        self.addresses += 1
        network = config["ipam"]["ranges"][0][0]["subnet"].rsplit(".", 1)[0]
        self.files[reservation] = f"{network}.{self.addresses + 1}"
        return [json.dumps({"cniVersion": "1.0.0", "ips": [{"address": f"{network}.{self.addresses + 1}/24"}]})]

    def prepare_node(self: "Windows", **named: Any) -> None:
        """PrepareNode.ps1 (kubernetes-sigs/sig-windows-tools 401ee6f, hostprocess/), as far as it can fail."""
        if not self.runs("containerd"):
            raise PsError("ContainerD service was not detected")
        binaries = f"https://dl.k8s.io/{named['kubernetesversion']}/bin/windows/amd64"
        for name in ("kubelet.exe", "kubeadm.exe"):
            self._curl(f"C:\\k\\{name}", f"{binaries}/{name}")
        if LINK in self.files:
            raise PsError("New-Item: the link exists")
        self.files[LINK] = "link"
        self.tick()
        self._curl("nssm.zip", "https://k8stestinfrabinaries.blob.core.windows.net/nssm-mirror/nssm-2.24.zip")
        self.tick()
        if "kubelet" not in self.services:  # nssm says that it exists, and nobody looks
            self.add_service("kubelet")
        self.tick()
        if "kubelet" in self.firewall:
            raise PsError("New-NetFirewallRule: the rule exists")
        self.firewall["kubelet"] = "Allow Inbound TCP 10250"

    def _curl(self: "Windows", destination: str, url: str) -> None:
        """`curl.exe` in the script: a function of that name goes before the program."""
        if "curl.exe" not in self.shell.functions:
            raise PsError(f"the machine downloaded {url} without checking it")
        self.shell.call("curl.exe", "--silent", "--fail", "-Lo", destination, url)
