"""Run flanneld.exe and kube-proxy.exe until they need a Windows service that Wine lacks."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from rehearsal.wine import flags
from rehearsal.wine.command_lines import CommandLines, Network, filled, filled_text, value_of
from rehearsal.wine.computer import Process, WineHost
from rehearsal.wine.errors import WineError
from rehearsal.wine.subject import WindowsNode

_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """A program.

    `prints` are patterns in their order, with @TOKENS@; the last is its expected end under Wine.
    """

    name: str
    reaches: str
    prints: tuple[str, ...]


# Sources of the ends: flannel v0.28.9, pkg/backend/vxlan/vxlan_windows.go (hcn.RemoteSubnetSupported);
# kubernetes v1.35.8, pkg/proxy/winkernel/proxier.go (CanUseWinKernelProxier). Both call Windows' host
# networking service, which Wine lacks.
FLANNELD = Program(
    name="flanneld.exe",
    reaches="its network in the API, then HNS",
    prints=(
        r"Created subnet manager: Kubernetes Subnet Manager - @NODE_NAME@$",
        r"Found network config - Backend type: @BACKEND@$",
        r"Using interface with name \S+ and address @NODE_IP@$",
        r"hnsCall failed in Win32: Module not found",
    ),
)
KUBE_PROXY = Program(
    name="kube-proxy.exe",
    reaches="its node in the API, then kernelspace",
    prints=(
        r'"Successfully retrieved NodeIPs" NodeIPs=\["@NODE_IP@"\]',
        r"Windows kernel is not compatible for Kernel mode",
    ),
)
# The stand-in's flanneld uses worker.ps1's port in this network.
_FREE_PORTS = {"--healthz-port=8081": "--healthz-port=15781"}


@dataclass(frozen=True, slots=True)
class Started:
    """A started program with the values of its tokens."""

    program: Program
    process: Process
    values: Mapping[str, str]

    def finish(self) -> str:
        """Wait for the expected end and describe it."""
        for pattern in self.program.prints:
            self.process.wait_for(
                filled_text(pattern, {name: re.escape(value) for name, value in self.values.items()}),
                _SECONDS,
            )
        self.process.wait(_SECONDS)
        if deprecations := flags.deprecations(self.process.output):
            raise WineError(f"{self.program.name} reports: {'; '.join(deprecations)}")
        return f"{self.program.name} reached {self.program.reaches}"


def start(wine_host: WineHost, node: WindowsNode, lines: CommandLines) -> list[Started]:
    """Start both as their services would; they only read the stand-in's node and end before they would
    change it.
    """
    network = _network(node, lines)
    values = node.values(network, node=node.name) | {"BACKEND": node.inputs.flannel_backend}
    kube_proxy = filled(lines.kube_proxy + network.kube_proxy_arguments, values)
    flanneld = tuple(_FREE_PORTS.get(word, word) for word in filled(lines.flanneld, values))
    wine_host.write(value_of(flanneld, "--kubeconfig-file"), node.network_kubeconfig)
    wine_host.write(value_of(kube_proxy, "--kubeconfig"), node.network_kubeconfig)
    wine_host.write(value_of(flanneld, "--net-config-path"), node.inputs.flannel_net_conf)
    return [
        Started(FLANNELD, wine_host.start(FLANNELD.name, flanneld, {"NODE_NAME": node.name}), values),
        Started(KUBE_PROXY, wine_host.start(KUBE_PROXY.name, kube_proxy), values),
    ]


def _network(node: WindowsNode, lines: CommandLines) -> Network:
    if node.inputs.flannel_backend not in lines.networks:
        raise WineError(
            f"worker.ps1 has no network {node.inputs.flannel_backend}; it has {', '.join(lines.networks)}"
        )
    return lines.networks[node.inputs.flannel_backend]
