"""All supplies together: which steps there are for the present pins, and where their results lie."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from rehearsal.supplies import artifacts, base_image, container_images, debian, language_exec, toolchain, wine_prefix
from rehearsal.supplies.pause import pause_step
from rehearsal.supplies.progress import Progress, Silent
from rehearsal.supplies.steps import Run, Runner, Step
from rehearsal.supplies.store import Store, default_home, key_of, link_file

HOST_STEP = "host packages"
# What a scenario may need beside Linux machines, and the Debian packages of each.
STAND_IN, WINE = "stand-in", "wine"
PARTS = {STAND_IN: debian.STAND_IN_PACKAGES, WINE: debian.WINE_PACKAGES}
ALL = frozenset(PARTS)
LINUX_ALONE: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Supplies:
    """What a rehearsal uses. Everything is read-only: copy or overlay it."""

    bin: Path  # every program that was built, for PATH: pulumi, pulumi-resource-kubernetes, kubectl, kubeadm, flanneld ...
    machine_root: Path  # the root filesystem of a Linux machine: the lower layer of an overlay
    registry: Path  # an OCI image layout: `python -m rehearsal.supplies.registry` serves it
    artifacts: Path  # <host>/<path> of every Linux download: the document root of `artifactMirror`
    bom: Path  # the bill of materials that fits these artifacts: the program's `bom`
    windows: Path  # kubeadm.exe, kubelet.exe, kube-proxy.exe and flanneld.exe, from the same pins
    wine_prefix: Path  # what they run on where there is no Windows: `rehearsal.supplies.wine_prefix.copy` makes one to write into
    fake_cri: Path  # the container runtime that kubelet.exe asks there
    versions: Mapping[str, str]  # by folder of tools/
    cpu_seconds: float = field(default=0.0, compare=False)  # of the builds that this call had to make


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """The steps for the present pins, and the supplies that they make."""

    linux: tuple[Step, ...]
    wine: tuple[Step, ...]  # what only the check of the Windows binaries needs
    programs: tuple[Step, ...]  # those of `linux` that make `supplies.bin`
    supplies: Supplies

    @property
    def steps(self) -> tuple[Step, ...]:
        return (*self.linux, *self.wine)


def catalogue(store: Store) -> Catalogue:
    """Reads the pins; builds nothing."""
    go_version = toolchain.go_version()
    versions = {tool.folder: tool.pinned_version for tool in toolchain.GO_TOOLS}
    tools = {tool.folder: toolchain.tool_step(store, tool, go_version) for tool in toolchain.GO_TOOLS}
    windows_tools = [toolchain.tool_step(store, tool, go_version) for tool in toolchain.WINDOWS_TOOLS]
    pause = pause_step(store, versions["kubernetes"])
    debian_root = base_image.debian_step(store)
    machine = base_image.image_step(store, debian_root)
    parts = container_images.parts_step(store)
    images = container_images.images_step(store, parts, {**tools, "pause": pause}, versions)
    mirror = artifacts.artifacts_step(store, tools, versions["kubernetes"])
    language = language_exec.exec_step(store)
    fake_cri = tools["fake-cri"]
    made = [*(step for step in tools.values() if step is not fake_cri), language]
    programs = _programs_step(store, "programs", "bin", made)
    windows = _programs_step(store, "windows programs", "windows", windows_tools)
    prefix = wine_prefix.prefix_step(store)
    supplies = Supplies(
        bin=programs.entry,
        machine_root=machine.entry,
        registry=images.entry,
        artifacts=mirror.entry / artifacts.MIRROR_NAME,
        bom=mirror.entry / artifacts.BOM_NAME,
        windows=windows.entry,
        wine_prefix=prefix.entry,
        fake_cri=fake_cri.entry / "fake-cri",
        versions=versions,
    )
    linux = (debian_root, machine, parts, *made, pause, programs, images, mirror)
    return Catalogue(linux=linux, wine=(fake_cri, *windows_tools, windows, prefix), programs=(*made, programs), supplies=supplies)


def _programs_step(store: Store, name: str, folder_name: str, tools: Collection[Step]) -> Step:
    """Every program that these steps give, in one folder."""

    def build(folder: Path, _: Run) -> None:
        for step in tools:
            for program in step.entry.iterdir():
                link_file(program, folder / program.name)

    key = key_of(*(step.entry.name for step in tools))
    return Step(name=name, entry=store.entry(folder_name, key), build=build, needs=tuple(step.name for step in tools))


def ensure(progress: Progress | None = None, home: Path | None = None, parts: Collection[str] = ALL) -> Supplies:
    """Make what is missing and say where everything is. Well under a second when nothing is missing."""
    runner = Runner(Store(home or default_home()), progress or Silent())
    with runner.store.locked():
        made = make(runner, parts)
    return replace(made.supplies, cpu_seconds=sum(runner.cpu_seconds.values()))


def ensure_programs(progress: Progress | None = None, home: Path | None = None) -> Path:
    """As `ensure`, for whoever boots no machine: only the folder of programs, which needs neither root nor Debian."""
    runner = Runner(Store(home or default_home()), progress or Silent())
    with runner.store.locked():
        wanted = catalogue(runner.store)
        runner.make(wanted.programs)
        return wanted.supplies.bin


def make(runner: Runner, parts: Collection[str] = ALL) -> Catalogue:
    """As `ensure`, for a caller that holds the store's lock and reads the steps and their costs afterwards."""
    debian.require_host()
    if missing := debian.missing_packages(_packages(parts)):
        runner.during(HOST_STEP, lambda run: debian.install(missing, run))
    debian.require_bridge_filter()
    made = catalogue(runner.store)
    runner.make(made.steps if WINE in parts else made.linux)
    return made


def is_missing(part: str, home: Path | None = None) -> bool:
    """Whether a part would have to be made or installed now."""
    debian.require_host()
    if debian.missing_packages(PARTS[part]):
        return True
    steps = catalogue(Store(home or default_home())).wine if part == WINE else ()
    return not all(step.done for step in steps)


def _packages(parts: Collection[str]) -> list[str]:
    return [*debian.LINUX_PACKAGES, *(package for part in parts for package in PARTS[part])]
