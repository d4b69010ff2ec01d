"""flanneld.exe and kube-proxy.exe: what each must say on its way, and the point at which Wine ends and Windows would begin."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from rehearsal.wine import flags
from rehearsal.wine.command_lines import CommandLines, Network, filled, filled_text, value_of
from rehearsal.wine.computer import Computer, Process
from rehearsal.wine.errors import WineError
from rehearsal.wine.subject import Subject

_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """`says` are patterns in their order, with @TOKENS@; the last of them is the end that is expected under Wine."""

    name: str
    reaches: str
    says: tuple[str, ...]


# Where they end: flannel v0.28.9, pkg/backend/vxlan/vxlan_windows.go (hcn.RemoteSubnetSupported); kubernetes v1.35.8,
# pkg/proxy/winkernel/proxier.go (CanUseWinKernelProxier). Both ask Windows' host networking service, which Wine has not.
FLANNELD = Program(
    name="flanneld.exe",
    reaches="its network in the API, then HNS",
    says=(
        r"Created subnet manager: Kubernetes Subnet Manager - @NODE_NAME@$",
        r"Found network config - Backend type: @BACKEND@$",
        r"Using interface with name \S+ and address @NODE_IP@$",
        r"hnsCall failed in Win32: Module not found",
    ),
)
KUBE_PROXY = Program(
    name="kube-proxy.exe",
    reaches="its node in the API, then kernelspace",
    says=(
        r'"Successfully retrieved NodeIPs" NodeIPs=\["@NODE_IP@"\]',
        r"Windows kernel is not compatible for Kernel mode",
    ),
)
# The stand-in's own flanneld has the port of worker.ps1 in this network.
_FREE_PORTS = {"--healthz-port=8081": "--healthz-port=15781"}


@dataclass(frozen=True, slots=True)
class Started:
    """A program that was started, and what its patterns are filled in with."""

    program: Program
    process: Process
    values: Mapping[str, str]

    def finish(self) -> str:
        """Wait for the expected end; where it was reached."""
        for pattern in self.program.says:
            self.process.wait_for(filled_text(pattern, {name: re.escape(value) for name, value in self.values.items()}), _SECONDS)
        self.process.wait(_SECONDS)
        if complaints := flags.complaints(self.process.output):
            raise WineError(f"{self.program.name} says of its flags: {'; '.join(complaints)}")
        return f"{self.program.name} reached {self.program.reaches}"


def start(computer: Computer, subject: Subject, lines: CommandLines) -> list[Started]:
    """Both of them, as their services would; they only look at the stand-in's node, and end before they would change it."""
    network = _network(subject, lines)
    values = subject.values(network, node=subject.name) | {"BACKEND": subject.inputs.flannel_backend}
    kube_proxy = filled(lines.kube_proxy + network.kube_proxy_arguments, values)
    flanneld = tuple(_FREE_PORTS.get(word, word) for word in filled(lines.flanneld, values))
    computer.write(value_of(flanneld, "--kubeconfig-file"), subject.network_kubeconfig)
    computer.write(value_of(kube_proxy, "--kubeconfig"), subject.network_kubeconfig)
    computer.write(value_of(flanneld, "--net-config-path"), filled_text(network.net_conf, values))
    return [
        Started(FLANNELD, computer.start(FLANNELD.name, flanneld, {"NODE_NAME": subject.name}), values),
        Started(KUBE_PROXY, computer.start(KUBE_PROXY.name, kube_proxy), values),
    ]


def _network(subject: Subject, lines: CommandLines) -> Network:
    if subject.inputs.flannel_backend not in lines.networks:
        raise WineError(f"worker.ps1 has no network {subject.inputs.flannel_backend}; it has {', '.join(lines.networks)}")
    return lines.networks[subject.inputs.flannel_backend]
