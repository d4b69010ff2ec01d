"""The programs that the rehearsal builds: a table of Go modules under tools/, pinned by their go.mod and go.sum.

These are the same sources that the publishers' binaries are made of. Pulumi and its Kubernetes provider are taken as they are
where they are installed in the pinned version; what runs inside the machines is always built, static, from the pins.
The aws provider is the rehearsal's own module (rehearsal/supplies/aws_provider.py)."""

import importlib.metadata
import json
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rehearsal.supplies.errors import SuppliesError
from rehearsal.supplies.steps import Run, Step
from rehearsal.supplies.store import Store, key_of, link_file

TOOLS = Path(__file__).parents[2] / "tools"
PROVIDER = Path(__file__).parents[1] / "provider"


@dataclass(frozen=True, kw_only=True)
class GoTool:
    """One module under tools/: which binaries it gives and how the publisher builds them."""

    folder: str
    binaries: Mapping[str, str]  # name -> package, "." for the module's own main.go
    system: str = "linux"  # Go's name for what they run on
    tags: str = ""
    stamps: Mapping[str, str] = field(default_factory=dict[str, str])  # linker -X, {version} is the module's
    version_of: str = ""  # the module whose version is stamped
    cgo: bool = False
    installed: tuple[str, ...] = ()  # arguments that make an installed program print its version
    version: str = ""  # where go.mod has only a pseudo-version
    path: Path | None = None  # where the module is not under tools/

    @property
    def module(self) -> Path:
        return self.path or TOOLS / self.folder

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
        stamps = " ".join(f"-X {name}={value.format(version=self.pinned_version)}" for name, value in self.stamps.items())
        return " ".join(filter(None, ("-s -w", "-extldflags -static" if self.cgo else "", stamps)))

    @property
    def command(self) -> tuple[str, ...]:
        tags = ("-tags", self.tags) if self.tags else ()
        return ("go", "build", *tags, "-ldflags", self.linker_flags, "-o", "{folder}/", *self.binaries.values())


def sdk_version() -> str:
    """The version of Pulumi's AWS SDK in the lock file, which is the provider's, too."""
    return importlib.metadata.version("pulumi_aws")


_KUBERNETES_COMMANDS = ("kubeadm", "kubectl", "kubelet", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy")
_CNI_PLUGINS = ("ipam/host-local", "main/bridge", "main/loopback", "meta/portmap")
_CONTAINERD = "github.com/containerd/containerd/v2"
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

GO_TOOLS = (
    AWS_PROVIDER,
    GoTool(
        folder="kubernetes",
        version_of="k8s.io/kubernetes",
        binaries={name: f"k8s.io/kubernetes/cmd/{name}" for name in _KUBERNETES_COMMANDS},
        stamps={
            "k8s.io/component-base/version.gitVersion": "v{version}",
            "k8s.io/component-base/version.gitMajor": "1",
            "k8s.io/component-base/version.gitMinor": "35",
        },
    ),
    GoTool(
        folder="containerd",
        version_of=_CONTAINERD,
        binaries={name: f"{_CONTAINERD}/cmd/{name}" for name in ("containerd", "containerd-shim-runc-v2", "ctr")},
        stamps={f"{_CONTAINERD}/version.Version": "{version}"},
    ),
    # kubeadm's static pods ask for the RuntimeDefault seccomp profile, so runc must be able to apply one (libseccomp, static).
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
        binaries={path.split("/")[1]: f"github.com/containernetworking/plugins/plugins/{path}" for path in _CNI_PLUGINS},
    ),
    # cnitool is libcni's own loader: a test gives it the conflist of the Windows nodes.
    GoTool(folder="flannel-cni", version_of=_LIBCNI, binaries={"flannel-cni": ".", "cnitool": f"{_LIBCNI}/cnitool"}),
    GoTool(
        folder="flannel",
        version_of=_FLANNEL,
        binaries={"flanneld": _FLANNEL, "install-conf": f"{_FLANNEL}/cmd/install_conf"},
        stamps={f"{_FLANNEL}/pkg/version.Version": "v{version}"},
        cgo=True,
    ),
    GoTool(folder="fake-cri", version_of="k8s.io/cri-client", binaries={"fake-cri": "."}),
    GoTool(folder="etcd", version_of="go.etcd.io/etcd/server/v3", binaries={"etcd": "."}),
    GoTool(folder="coredns", version_of="github.com/coredns/coredns", binaries={"coredns": "github.com/coredns/coredns"}),
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

_BY_FOLDER = {tool.folder: tool for tool in GO_TOOLS}

# What runs on a Windows node, from the same pins; published for Windows without C, flanneld too.
WINDOWS_TOOLS = (
    replace(
        _BY_FOLDER["kubernetes"],
        system="windows",
        binaries={f"{name}.exe": f"k8s.io/kubernetes/cmd/{name}" for name in ("kubeadm", "kubelet", "kube-proxy")},
    ),
    replace(_BY_FOLDER["flannel"], system="windows", binaries={"flanneld.exe": _FLANNEL}, cgo=False),
)


def module_version(go_mod: Path, module: str) -> str:
    """The version that a go.mod pins, without the v."""
    match = re.search(rf"^(?:require)?\s*{re.escape(module)} v(\S+)", go_mod.read_text(), re.MULTILINE)
    if not match:
        raise SuppliesError(f"{go_mod} does not pin {module}, which the table in rehearsal/supplies/toolchain.py builds")
    return match[1]


def module_folder(tool: str, module: str) -> Path:
    """Say where Go keeps a module's source; download it if it is not there yet. tools/`tool` has its sum."""
    command = ["go", "mod", "download", "-json", module]
    answer = subprocess.run(command, cwd=TOOLS / tool, capture_output=True, text=True, check=False)
    if answer.returncode:
        reason = json.loads(answer.stdout or "{}").get("Error") or answer.stderr.strip()
        raise SuppliesError(f"{module} cannot be downloaded: {reason}")
    return Path(json.loads(answer.stdout)["Dir"])


def tool_step(store: Store, tool: GoTool, go_version: str) -> Step:
    """Build one module's binaries, unless the pinned version is installed already."""
    key = key_of(*_sources(tool.module), *tool.command, str(tool.cgo), go_version)

    def build(folder: Path, run: Run) -> None:
        if not adopt_installed(tool, folder):
            _compile(tool, folder, run)

    return Step(name=f"build {tool.name}", entry=store.entry(tool.name, key), build=build)


def _sources(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.name in ("go.mod", "go.sum") or path.suffix == ".go")


def _compile(tool: GoTool, folder: Path, run: Run) -> None:
    command = [word.format(folder=folder) for word in tool.command]
    run(command, cwd=tool.module, env={"CGO_ENABLED": "1" if tool.cgo else "0", "GOOS": tool.system, "GOARCH": "amd64", "GOWORK": "off"})
    for name, package in tool.binaries.items():
        built = tool.module.name if package == "." else package.rsplit("/", 1)[-1]
        (folder / f"{built}{tool.suffix}").rename(folder / name)


def adopt_installed(tool: GoTool, folder: Path) -> bool:
    """Take a program that its own installer put on PATH, or where the engine keeps plugins, if it is the pinned version."""
    for name in tool.binaries if tool.installed else ():
        program = shutil.which(name)
        if program is None or tool.pinned_version not in _output([program, *tool.installed]).replace("v", " ").split():
            return False
        link_file(Path(program), folder / name)
    return bool(tool.installed)


def _output(command: Sequence[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):  # whatever that program is, it is not the one that is wanted
        return ""


def go_version() -> str:
    """The Go on PATH, which must be as new as the newest module asks for."""
    wanted = max(map(_go_directive, (*TOOLS.glob("*/go.mod"), PROVIDER / "go.mod")))
    wanted_text = ".".join(map(str, wanted))
    if shutil.which("go") is None:
        raise SuppliesError(f"go is not on PATH: the rehearsal builds its programs with Go {wanted_text} or newer (https://go.dev/dl/)")
    present = _output(["go", "env", "GOVERSION"]).strip()
    if _numbers(present) < wanted:
        raise SuppliesError(f"go on PATH is {present or 'unusable'}: the rehearsal needs Go {wanted_text} or newer (https://go.dev/dl/)")
    return present


def _go_directive(go_mod: Path) -> tuple[int, ...]:
    match = re.search(r"^go (\S+)$", go_mod.read_text(), re.MULTILINE)
    return _numbers(match[1]) if match else ()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)[:3]))
