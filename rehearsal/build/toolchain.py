"""The programs that the rehearsal builds: a table of Go modules, pinned under tools/
(rehearsal/build/modules.py).

These are the same sources that the publishers' binaries are made of. Pulumi and its Kubernetes provider are
taken as they are where they are installed in the pinned version; what runs inside the machines is always
built, static, from the pins. The aws provider is the rehearsal's own module
(rehearsal/build/aws_provider.py).
"""

import importlib.metadata
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from infra.config.versions import DEFAULT_KUBERNETES
from rehearsal.build.errors import SuppliesError
from rehearsal.build.modules import KUBERNETES, PROVIDER, TOOLS, lay_out, module_version, output_of, pins_of
from rehearsal.build.steps import Run, Step
from rehearsal.build.store import Store, key_of, link_file, remove_tree


@dataclass(frozen=True, kw_only=True)
class GoTool:
    """One module: which binaries it gives and how the publisher builds them.

    Without `kubernetes` it is the one in tools/`folder`.
    """

    folder: str
    binaries: Mapping[str, str]  # name -> package, "." for the module's own main.go
    system: str = "linux"  # Go's name for what they run on
    tags: str = ""
    stamps: Mapping[str, str] = field(
        default_factory=dict[str, str]
    )  # linker -X, {version} is the module's, as are {major} and {minor}
    version_of: str = ""  # the module whose version is stamped
    kubernetes: str = ""  # the Kubernetes version whose pins name that module
    sums: str = ""  # what the lines of its repository in their go.sum begin with
    cgo: bool = False
    installed: tuple[str, ...] = ()  # arguments that make an installed program print its version
    version: str = ""  # where go.mod has only a pseudo-version
    path: Path | None = None  # where the module is not under tools/

    @property
    def module(self) -> Path:
        return self.path or (pins_of(self.kubernetes) if self.kubernetes else TOOLS / self.folder)

    @property
    def pins(self) -> tuple[str | Path, ...]:
        """The versions that decide which sources are built."""
        if not self.kubernetes:
            return tuple(
                sorted(
                    path
                    for path in self.module.rglob("*")
                    if path.name in ("go.mod", "go.sum") or path.suffix == ".go"
                )
            )
        lines = (self.module / "go.sum").read_text().splitlines()
        return (self.pinned_version, *(line for line in lines if line.startswith(self.sums)))

    @property
    def name(self) -> str:
        return self.folder if self.system == "linux" else f"{self.folder}-{self.system}"

    @property
    def suffix(self) -> str:
        return ".exe" if self.system == "windows" else ""

    @property
    def pinned_version(self) -> str:
        return self.version or module_version(self.module / "go.mod", self.version_of)

    @property
    def linker_flags(self) -> str:
        version = self.pinned_version
        major, minor, *_ = version.split(".")
        stamps = " ".join(
            f"-X {name}={value.format(version=version, major=major, minor=minor)}"
            for name, value in self.stamps.items()
        )
        return " ".join(filter(None, ("-s -w", "-extldflags -static" if self.cgo else "", stamps)))

    @property
    def command(self) -> tuple[str, ...]:
        tags = ("-tags", self.tags) if self.tags else ()
        return (
            "go",
            "build",
            *tags,
            "-ldflags",
            self.linker_flags,
            "-o",
            "{folder}/",
            *self.binaries.values(),
        )


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

# What comes with a Kubernetes version: in the versions that tools/kubernetes/<version> pins.
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


def tool_step(store: Store, tool: GoTool, go_version: str) -> Step:
    """Build one module's binaries, unless the pinned version is installed already."""
    key = key_of(*tool.pins, *tool.command, str(tool.cgo), go_version)

    def build(folder: Path, run: Run) -> None:
        if not adopt_installed(tool, folder):
            _compile(tool, folder, run)

    return Step(name=f"build {tool.name}", entry=store.entry(tool.name, key), build=build)


def _compile(tool: GoTool, folder: Path, run: Run) -> None:
    module = tool.module
    if tool.kubernetes:
        module = folder / "module"
        lay_out(module, tool.module, tool.version_of)
    command = [word.format(folder=folder) for word in tool.command]
    run(
        command,
        cwd=module,
        env={
            "CGO_ENABLED": "1" if tool.cgo else "0",
            "GOOS": tool.system,
            "GOARCH": "amd64",
            "GOWORK": "off",
        },
    )
    for name, package in tool.binaries.items():
        built = tool.module.name if package == "." else re.sub(r"/v\d+$", "", package).rsplit("/", 1)[-1]
        (folder / f"{built}{tool.suffix}").rename(folder / name)
    if tool.kubernetes:
        remove_tree(module)


def adopt_installed(tool: GoTool, folder: Path) -> bool:
    """Take a program that its own installer put on PATH, or where the engine keeps plugins, if it is the
    pinned version.
    """
    for name in tool.binaries if tool.installed else ():
        program = shutil.which(name)
        if (
            program is None
            or tool.pinned_version not in output_of([program, *tool.installed]).replace("v", " ").split()
        ):
            return False
        link_file(Path(program), folder / name)
    return bool(tool.installed)
