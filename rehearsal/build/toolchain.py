"""The programs that the rehearsal builds: a table of Go modules, pinned under tools/
(rehearsal/build/modules.py).

These are the same sources that the publishers' binaries are made of. Pulumi and its Kubernetes provider are
taken as they are where they are installed in the pinned version; what runs inside the machines is always
built, static, from the pins. The aws provider is the rehearsal's own module
(rehearsal/build/aws_provider.py).
"""

import importlib.metadata
from dataclasses import replace

from infra.config.versions import DEFAULT_KUBERNETES
from rehearsal.build.errors import SuppliesError
from rehearsal.build.go_tool import GoTool
from rehearsal.build.modules import KUBERNETES, PROVIDER, pins_of


def sdk_version() -> str:
    """The version of Pulumi's AWS SDK in the lock file, which is the provider's, too."""
    return importlib.metadata.version("pulumi_aws")


_KUBERNETES_COMMANDS = (
    "kubeadm",
    "kubectl",
    "kubelet",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
)
_CNI_PLUGINS = ("ipam/host-local", "main/bridge", "main/loopback", "meta/portmap")
CONTAINERD = "github.com/containerd/containerd/v2"
COREDNS = "github.com/coredns/coredns"
ETCD = "go.etcd.io/etcd/server/v3"
_LIBCNI = "github.com/containernetworking/cni"
_FLANNEL = "github.com/flannel-io/flannel"
_PULUMI = "github.com/pulumi/pulumi"

AWS_PROVIDER = GoTool(
    folder="aws-provider",
    path=PROVIDER,
    version=sdk_version(),
    binaries={"pulumi-resource-aws": "."},
    stamps={"main.version": "{version}"},
)

_OWN = (
    AWS_PROVIDER,
    # kubeadm's static pods ask for the RuntimeDefault seccomp profile, so runc must be able to apply one
    # (libseccomp, static).
    GoTool(
        folder="runc",
        version_of="github.com/opencontainers/runc",
        binaries={"runc": "github.com/opencontainers/runc"},
        tags="seccomp,netgo,osusergo",
        stamps={"main.version": "{version}"},
        cgo=True,
    ),
    GoTool(
        folder="cni-plugins",
        version_of="github.com/containernetworking/plugins",
        binaries={
            path.split("/")[1]: f"github.com/containernetworking/plugins/plugins/{path}"
            for path in _CNI_PLUGINS
        },
    ),
    # cnitool is libcni's own loader: a test gives it the conflist of the Windows nodes.
    GoTool(
        folder="flannel-cni",
        version_of=_LIBCNI,
        binaries={"flannel-cni": ".", "cnitool": f"{_LIBCNI}/cnitool"},
    ),
    GoTool(
        folder="flannel",
        version_of=_FLANNEL,
        binaries={"flanneld": _FLANNEL, "install-conf": f"{_FLANNEL}/cmd/install_conf"},
        stamps={f"{_FLANNEL}/pkg/version.Version": "v{version}"},
        cgo=True,
    ),
    GoTool(folder="fake-cri", version_of="k8s.io/cri-client", binaries={"fake-cri": "."}),
    GoTool(
        folder="pulumi",
        version_of=f"{_PULUMI}/pkg/v3",
        binaries={"pulumi": f"{_PULUMI}/pkg/v3/cmd/pulumi"},
        tags="osusergo,grpcnotrace",
        stamps={f"{_PULUMI}/sdk/v3/go/common/version.Version": "v{version}"},
        installed=("version",),
    ),
    GoTool(
        folder="pulumi-kubernetes",
        version="4.24.1",
        binaries={"pulumi-resource-kubernetes": "."},
        tags="osusergo",
        installed=("--version",),
    ),
)

_DISTRIBUTION = "github.com/distribution/distribution/v3"
# Proofs of `microcosm image`: a registry with a login, and Microsoft's own reader of layers, for Windows.
OWN_IMAGE = (
    GoTool(
        folder="distribution",
        version_of=_DISTRIBUTION,
        binaries={"registry": f"{_DISTRIBUTION}/cmd/registry"},
        stamps={f"{_DISTRIBUTION}/version.version": "v{version}"},
    ),
    GoTool(
        folder="backuptar",
        version_of="github.com/Microsoft/go-winio",
        binaries={"backuptar.exe": "."},
        system="windows",
    ),
)

# Programs whose versions tools/kubernetes/<version> pins.
_RELEASED = (
    GoTool(
        folder="kubernetes",
        version_of=KUBERNETES,
        sums="k8s.io/",
        binaries={name: f"{KUBERNETES}/cmd/{name}" for name in _KUBERNETES_COMMANDS},
        stamps={
            "k8s.io/component-base/version.gitVersion": "v{version}",
            "k8s.io/component-base/version.gitMajor": "{major}",
            "k8s.io/component-base/version.gitMinor": "{minor}",
        },
    ),
    GoTool(
        folder="containerd",
        version_of=CONTAINERD,
        sums="github.com/containerd/containerd/",
        binaries={
            name: f"{CONTAINERD}/cmd/{name}" for name in ("containerd", "containerd-shim-runc-v2", "ctr")
        },
        stamps={f"{CONTAINERD}/version.Version": "{version}"},
    ),
    GoTool(folder="etcd", version_of=ETCD, sums="go.etcd.io/etcd/", binaries={"etcd": ETCD}),
    GoTool(folder="coredns", version_of=COREDNS, sums=f"{COREDNS} ", binaries={"coredns": COREDNS}),
)


def go_tools(kubernetes: str = DEFAULT_KUBERNETES) -> tuple[GoTool, ...]:
    """List what the Linux side of a rehearsal of this Kubernetes is made of."""
    if not (pins_of(kubernetes) / "go.mod").is_file():
        raise SuppliesError(
            f"tools/kubernetes has no {kubernetes}: `python -m rehearsal.build.pins {kubernetes}` writes "
            f"its pins"
        )
    return (*_OWN, *(replace(tool, kubernetes=kubernetes) for tool in _RELEASED))


def windows_tools(kubernetes: str = DEFAULT_KUBERNETES) -> tuple[GoTool, ...]:
    """List what runs on a Windows node, from the same pins; published for Windows without C, flanneld too."""
    by_folder = {tool.folder: tool for tool in go_tools(kubernetes)}
    programs = {f"{name}.exe": f"{KUBERNETES}/cmd/{name}" for name in ("kubeadm", "kubelet", "kube-proxy")}
    return (
        replace(by_folder["kubernetes"], system="windows", binaries=programs),
        replace(by_folder["flannel"], system="windows", binaries={"flanneld.exe": _FLANNEL}, cgo=False),
    )
