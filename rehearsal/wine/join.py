"""kubeadm.exe and kubelet.exe take a node into the cluster, as they do on Windows.

What Wine cannot do is done in its place, and nothing else:
  - containerd is a fake that is never ready, over TCP: so kubelet.exe registers its node, and the node stays NotReady;
  - kubelet-client-current.pem, a symbolic link, is made here: Wine's CreateSymbolicLink does nothing;
  - kubelet's own port is another one: the stand-in's holds 10250 in this network."""

import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509

from infra.userdata import CRI_SOCKETS
from rehearsal.windows_standin.bootstrap import public_key_hash
from rehearsal.wine import flags
from rehearsal.wine.command_lines import CommandLines, filled, value_of
from rehearsal.wine.computer import PROGRAMS, Computer, Process
from rehearsal.wine.errors import WineError
from rehearsal.wine.subject import Subject

_CRI_ADDRESS = "127.0.0.1:15735"
_KUBELET_PORT = 15750
_SECONDS = 60.0
# There is no containerd to ask and no PowerShell to ask for the system's version, and the stand-in has the port.
_NOT_HERE = "--ignore-preflight-errors=CRI,ContainerRuntimeVersion,SystemVerification,Port-10250"
_PKI = r"C:\var\lib\kubelet\pki"
_CONFIG = r"C:\var\lib\kubelet\config.yaml"
_ENVIRONMENT_FILE = r"C:\var\lib\kubelet\kubeadm-flags.env"
# Install-Node of kubernetes.ps1 makes these; kubeadm.exe fails where the last is missing.
_FOLDERS = (r"C:\etc\kubernetes", _PKI)


@dataclass(frozen=True, kw_only=True, slots=True)
class Joining:
    """What joins, and with what."""

    computer: Computer
    subject: Subject
    lines: CommandLines
    fake_cri: Path

    def run(self) -> None:
        """Join, until kubelet.exe has registered its node; it runs on until the computer is shut down."""
        for folder in _FOLDERS:
            self.computer.path(folder).mkdir(parents=True)
        join_file = value_of(self.lines.kubeadm, "--config")
        self.computer.write(join_file, self.subject.join_configuration)
        self.computer.run("kubeadm.exe", ("config", "validate", f"--config={join_file}"), _SECONDS)
        # PrepareNode.ps1 puts its folder on the PATH, where kubeadm looks for kubelet.
        kubeadm = self.computer.start("kubeadm.exe", (*self.lines.kubeadm, _NOT_HERE), {"WINEPATH": PROGRAMS})
        kubeadm.wait_for(r"Waiting for a healthy kubelet", _SECONDS)
        self._check_files()
        with self._runtime():
            self._bring_up(kubeadm)

    def _check_files(self) -> None:
        """What kubeadm.exe has written is what a Windows kubelet needs, on the drive that it needs it on."""
        config = yaml.safe_load(self.computer.read(_CONFIG))
        found = {
            "clientCAFile": config["authentication"]["x509"]["clientCAFile"],
            "staticPodPath": config["staticPodPath"],
            "resolvConf": config["resolvConf"],
            "containerRuntimeEndpoint": config["containerRuntimeEndpoint"],
            "caCertHash": public_key_hash(x509.load_pem_x509_certificate(self.computer.read(r"C:\etc\kubernetes\pki\ca.crt").encode())),
        }
        wanted = {
            "clientCAFile": r"C:\etc\kubernetes\pki\ca.crt",
            "staticPodPath": r"C:\etc\kubernetes\manifests",
            "resolvConf": "",
            "containerRuntimeEndpoint": CRI_SOCKETS["windows"],
            "caCertHash": self.subject.join["caCertHash"],
        }
        if wrong := [f"{name} is {found[name]!r}, not {value!r}" for name, value in wanted.items() if found[name] != value]:
            raise WineError(f"kubeadm.exe has written something else than a Windows node needs: {'; '.join(wrong)}")

    def _bring_up(self, kubeadm: Process) -> None:
        """kubelet.exe twice, as its service would restart it: once for its certificate, once with it."""
        settings = yaml.safe_load(self.computer.read(_CONFIG))
        self.computer.write(_CONFIG, yaml.safe_dump(settings | {"containerRuntimeEndpoint": f"tcp://{_CRI_ADDRESS}", "port": _KUBELET_PORT}))
        first = self.computer.start("kubelet.exe", self._kubelet_arguments())
        first.wait_for("Unable to store the new cert/key pair", _SECONDS)
        first.end()
        self._link_certificate()
        second = self.computer.start("kubelet.exe", self._kubelet_arguments())
        second.wait_for("Successfully registered node", _SECONDS)
        kubeadm.wait_for("This node has joined the cluster", _SECONDS)
        if complaints := flags.complaints(second.output):
            raise WineError(f"kubelet.exe says of its flags: {'; '.join(complaints)}")

    def _kubelet_arguments(self) -> tuple[str, ...]:
        """As Start-Kubelet of kubernetes.ps1: worker.ps1's own, then what kubeadm left for it."""
        text = self.computer.read(_ENVIRONMENT_FILE).strip().removeprefix("KUBELET_KUBEADM_ARGS=").strip('"')
        values = {"NODE_NAME": self.subject.guest, "NODE_IP": self.subject.ip}
        return (*filled(self.lines.kubelet, values), *text.split())

    def _link_certificate(self) -> None:
        folder = self.computer.path(_PKI)
        issued = sorted(folder.glob("kubelet-client-2*.pem"))
        if not issued:
            raise WineError(f"kubelet.exe has kept no certificate in {_PKI}; there are {', '.join(path.name for path in folder.iterdir())}")
        (folder / "kubelet-client-current.pem").symlink_to(issued[-1].name)

    @contextmanager
    def _runtime(self) -> Generator[None]:
        """The fake runtime, in the same network."""
        command = ("setpriv", "--pdeathsig", "KILL", *self.computer.entering, self.fake_cri, _CRI_ADDRESS)
        with (self.computer.logs / "fake-cri.log").open("wb") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.kill()
            process.wait()


def check_node(subject: Subject, node: dict[str, Any], stand_in: dict[str, Any]) -> str:
    """The Node that kubelet.exe made: as the JoinConfiguration says, and so that the stand-in's is no different in kind."""
    labels, info = node["metadata"]["labels"], node["status"]["nodeInfo"]
    wanted = {taint_text(taint) for taint in yaml.safe_load(subject.join_configuration)["nodeRegistration"]["taints"]}
    taints = {taint_text(taint) for taint in node["spec"]["taints"]}
    if missing := wanted - taints:
        raise WineError(f"kubelet.exe registered its node without {', '.join(missing)}; it has {', '.join(taints)}")
    if (system := info["operatingSystem"]) != "windows":
        raise WineError(f"kubelet.exe registered a node whose system is {system}")
    if foreign := labels.keys() - stand_in["metadata"]["labels"].keys():
        raise WineError(f"the stand-in's node lacks labels that kubelet.exe gives its own: {', '.join(sorted(foreign))}")
    return f"Node {info['operatingSystem']}/{info['architecture']} {info['kubeletVersion']}, tainted {', '.join(sorted(wanted))}"


def taint_text(taint: dict[str, str]) -> str:
    return f"{taint['key']}={taint.get('value', '')}:{taint['effect']}"
