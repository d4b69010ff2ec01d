"""Join the cluster with kubeadm.exe and kubelet.exe, as on Windows.

Three things are replaced because of Wine:

  - containerd is a fake over TCP that is never ready: kubelet.exe registers its node, which stays NotReady;
  - kubelet-client-current.pem, a symbolic link, is made here: Wine's CreateSymbolicLink does nothing;
  - kubelet has another port, because the stand-in holds 10250 in this network.
"""

import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509

from infra.node.userdata import CRI_SOCKETS
from rehearsal.windows_node.bootstrap import public_key_hash
from rehearsal.wine import flags
from rehearsal.wine.command_lines import CommandLines, filled, value_of
from rehearsal.wine.computer import PROGRAMS, Process, WineHost
from rehearsal.wine.errors import WineError
from rehearsal.wine.subject import WindowsNode

_CRI_ADDRESS = "127.0.0.1:15735"
_KUBELET_PORT = 15750
_SECONDS = 60.0
# No containerd and no PowerShell answer here, and the stand-in has the port.
_NOT_HERE = "--ignore-preflight-errors=CRI,ContainerRuntimeVersion,SystemVerification,Port-10250"
_PKI = r"C:\var\lib\kubelet\pki"
_CONFIG = r"C:\var\lib\kubelet\config.yaml"
_ENVIRONMENT_FILE = r"C:\var\lib\kubelet\kubeadm-flags.env"
# Install-Node of kubernetes.ps1 creates these; without the last one kubeadm.exe fails.
_FOLDERS = (r"C:\etc\kubernetes", _PKI)


@dataclass(frozen=True, kw_only=True, slots=True)
class Joining:
    """The inputs of a join."""

    wine_host: WineHost
    node: WindowsNode
    lines: CommandLines
    fake_cri: Path

    def run(self) -> None:
        """Join until kubelet.exe has registered its node; it runs until the Wine host is shut down."""
        for folder in _FOLDERS:
            self.wine_host.path(folder).mkdir(parents=True)
        join_file = value_of(self.lines.kubeadm, "--config")
        self.wine_host.write(join_file, self.node.join_configuration)
        self.wine_host.run("kubeadm.exe", ("config", "validate", f"--config={join_file}"), _SECONDS)
        # PrepareNode.ps1 puts this folder on the PATH, where kubeadm looks for kubelet.
        kubeadm = self.wine_host.start(
            "kubeadm.exe", (*self.lines.kubeadm, _NOT_HERE), {"WINEPATH": PROGRAMS}
        )
        kubeadm.wait_for(r"Waiting for a healthy kubelet", _SECONDS)
        self._check_files()
        with self._runtime():
            self._bring_up(kubeadm)

    def _check_files(self) -> None:
        """Check that kubeadm.exe wrote the files of a Windows kubelet, on the right drive."""
        config = yaml.safe_load(self.wine_host.read(_CONFIG))
        found = {
            "clientCAFile": config["authentication"]["x509"]["clientCAFile"],
            "staticPodPath": config["staticPodPath"],
            "resolvConf": config["resolvConf"],
            "containerRuntimeEndpoint": config["containerRuntimeEndpoint"],
            "caCertHash": public_key_hash(
                x509.load_pem_x509_certificate(self.wine_host.read(r"C:\etc\kubernetes\pki\ca.crt").encode())
            ),
        }
        wanted = {
            "clientCAFile": r"C:\etc\kubernetes\pki\ca.crt",
            "staticPodPath": r"C:\etc\kubernetes\manifests",
            "resolvConf": "",
            "containerRuntimeEndpoint": CRI_SOCKETS["windows"],
            "caCertHash": self.node.join["caCertHash"],
        }
        if wrong := [
            f"{name} is {found[name]!r}, not {value!r}"
            for name, value in wanted.items()
            if found[name] != value
        ]:
            raise WineError(
                f"kubeadm.exe has written something else than a Windows node needs: {'; '.join(wrong)}"
            )

    def _bring_up(self, kubeadm: Process) -> None:
        """Run kubelet.exe twice, as its service would restart it: once to get its certificate, once
        with it.
        """
        settings = yaml.safe_load(self.wine_host.read(_CONFIG))
        self.wine_host.write(
            _CONFIG,
            yaml.safe_dump(
                settings | {"containerRuntimeEndpoint": f"tcp://{_CRI_ADDRESS}", "port": _KUBELET_PORT}
            ),
        )
        first = self.wine_host.start("kubelet.exe", self._kubelet_arguments())
        first.wait_for("Unable to store the new cert/key pair", _SECONDS)
        first.end()
        self._link_certificate()
        second = self.wine_host.start("kubelet.exe", self._kubelet_arguments())
        second.wait_for("Successfully registered node", _SECONDS)
        kubeadm.wait_for("This node has joined the cluster", _SECONDS)
        if deprecations := flags.deprecations(second.output, self._from_kubeadm()):
            raise WineError(f"kubelet.exe reports: {'; '.join(deprecations)}")

    def _kubelet_arguments(self) -> tuple[str, ...]:
        """Return the arguments as Start-Kubelet of kubernetes.ps1 does: worker.ps1's, then those that
        kubeadm wrote.
        """
        values = {"NODE_NAME": self.node.second_name, "NODE_IP": self.node.ip}
        return (*filled(self.lines.kubelet, values), *self._from_kubeadm())

    def _from_kubeadm(self) -> list[str]:
        return (
            self.wine_host.read(_ENVIRONMENT_FILE)
            .strip()
            .removeprefix("KUBELET_KUBEADM_ARGS=")
            .strip('"')
            .split()
        )

    def _link_certificate(self) -> None:
        folder = self.wine_host.path(_PKI)
        issued = sorted(folder.glob("kubelet-client-2*.pem"))
        if not issued:
            names = [path.name for path in folder.iterdir()]
            raise WineError(f"kubelet.exe has kept no certificate in {_PKI}; it has {', '.join(names)}")
        (folder / "kubelet-client-current.pem").symlink_to(issued[-1].name)

    @contextmanager
    def _runtime(self) -> Generator[None]:
        """Run the fake container runtime in the same network during the block."""
        command = ("setpriv", "--pdeathsig", "KILL", *self.wine_host.entering, self.fake_cri, _CRI_ADDRESS)
        with (self.wine_host.logs / "fake-cri.log").open("wb") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.kill()
            process.wait()


def check_node(node: WindowsNode, registered: dict[str, Any], stand_in: dict[str, Any]) -> str:
    """Check kubelet.exe's Node against the JoinConfiguration and the stand-in's Node; return a summary."""
    labels, info = registered["metadata"]["labels"], registered["status"]["nodeInfo"]
    wanted = {
        taint_text(taint) for taint in yaml.safe_load(node.join_configuration)["nodeRegistration"]["taints"]
    }
    taints = {taint_text(taint) for taint in registered["spec"]["taints"]}
    if missing := wanted - taints:
        raise WineError(
            f"kubelet.exe registered its node without {', '.join(missing)}; it has {', '.join(taints)}"
        )
    if (system := info["operatingSystem"]) != "windows":
        raise WineError(f"kubelet.exe registered a node whose system is {system}")
    if foreign := labels.keys() - stand_in["metadata"]["labels"].keys():
        raise WineError(
            f"the stand-in's node lacks labels of kubelet.exe's node: {', '.join(sorted(foreign))}"
        )
    version = f"{system}/{info['architecture']} {info['kubeletVersion']}"
    return f"Node {version}, tainted {', '.join(sorted(wanted))}"


def taint_text(taint: dict[str, str]) -> str:
    return f"{taint['key']}={taint.get('value', '')}:{taint['effect']}"
