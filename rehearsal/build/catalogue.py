"""All supplies together: which steps there are for the present pins, and where their results lie."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from infra.config.versions import DEFAULT_KUBERNETES
from rehearsal.build import (
    artifacts,
    aws_provider,
    base_image,
    debian,
    go_tool,
    modules,
    sources,
    toolchain,
    wine_prefix,
)
from rehearsal.build.progress import Progress, Silent
from rehearsal.build.steps import Run, Runner, Step
from rehearsal.build.store import Store, default_home, key_of, link_file
from rehearsal.build.way import Way, choose

HOST_STEP = "host packages"
# Parts that a scenario may need besides Linux machines, and the Debian packages of each.
STAND_IN, WINE, OWN_IMAGE = "stand-in", "wine", "own-image"
PARTS = {STAND_IN: debian.STAND_IN_PACKAGES, WINE: debian.WINE_PACKAGES, OWN_IMAGE: debian.OWN_IMAGE_PACKAGES}
ALL = frozenset({STAND_IN, WINE})
LINUX_ALONE: frozenset[str] = frozenset()
_decided: dict[tuple[Path, str], Way] = {}


@dataclass(frozen=True, kw_only=True)
class Supplies:
    """The supplies of a rehearsal. Everything is read-only: copy or overlay it."""

    bin: Path  # every program that was built, for PATH: pulumi, kubectl, kubeadm, flanneld ...
    machine_root: Path  # the root filesystem of a Linux machine: the lower layer of an overlay
    registry: Path  # an OCI image layout: `python -m rehearsal.build.registry` serves it
    artifacts: Path  # <host>/<path> of every Linux download: the document root of `artifactMirror`
    bom: Path  # the bill of materials that fits these artifacts: the program's `bom`
    windows: Path  # kubeadm.exe, kubelet.exe, kube-proxy.exe and flanneld.exe, from the same pins
    wine_prefix: Path  # what they run on without Windows: `wine_prefix.copy` makes one to write into
    own_registry: Path  # a private registry, for the scenario own-image
    fake_cri: Path  # the container runtime that kubelet.exe asks there
    versions: Mapping[str, str]  # by folder of tools/
    downloads: bool  # whether they come from their publishers
    official_provider: bool  # whether the aws provider is Pulumi's own
    cpu_seconds: float = field(default=0.0, compare=False)  # of the builds that this call had to make


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """The steps for the present pins, and the supplies that they make."""

    linux: tuple[Step, ...]
    wine: tuple[Step, ...]  # what only the check of the Windows binaries needs
    own_image: tuple[Step, ...]  # what only the scenario own-image needs
    tools: tuple[Step, ...]  # those of `linux` that make programs
    programs: tuple[Step, ...]  # `tools`, and what puts them into `supplies.bin`
    supplies: Supplies

    @property
    def steps(self) -> tuple[Step, ...]:
        return (*self.linux, *self.wine, *self.own_image)

    def of(self, parts: Collection[str]) -> tuple[Step, ...]:
        """The steps of a scenario that needs these parts."""
        return (
            *self.linux,
            *(self.wine if WINE in parts else ()),
            *(self.own_image if OWN_IMAGE in parts else ()),
        )


def catalogue(
    store: Store, kubernetes: str = DEFAULT_KUBERNETES, *, downloads: bool = False, go_version: str = ""
) -> Catalogue:
    """Reads the pins for a Kubernetes version; builds and downloads nothing."""
    versions = {tool.folder: tool.pinned_version for tool in toolchain.go_tools(kubernetes)}
    came = (sources.published if downloads else sources.built)(
        store, go_version or modules.go_version(), versions
    )
    debian_root = base_image.debian_step(store)
    machine = base_image.image_step(store, debian_root)
    fake_cri = came.tools["fake-cri"]
    made = [step for step in came.programs if step is not fake_cri]
    programs = _programs_step(store, "programs", "bin", made)
    windows = _programs_step(store, "windows programs", "windows", came.windows)
    prefix = wine_prefix.prefix_step(store)
    proofs = [
        go_tool.tool_step(store, tool, go_version or modules.go_version()) for tool in toolchain.OWN_IMAGE
    ]
    supplies = Supplies(
        bin=programs.entry,
        machine_root=machine.entry,
        registry=came.images.entry,
        artifacts=came.mirror.entry / artifacts.MIRROR_NAME,
        bom=came.mirror.entry / artifacts.BOM_NAME,
        windows=windows.entry,
        wine_prefix=prefix.entry,
        own_registry=proofs[0].entry / "registry",
        fake_cri=fake_cri.entry / "fake-cri",
        versions=versions,
        downloads=downloads,
        official_provider=aws_provider.official(store) is not None,
    )
    return Catalogue(
        linux=(debian_root, machine, *made, *came.others, programs, came.images, came.mirror),
        wine=(fake_cri, *came.windows, windows, prefix),
        own_image=tuple(proofs),
        tools=tuple(made),
        programs=(*made, programs),
        supplies=supplies,
    )


def chosen(store: Store, kubernetes: str = DEFAULT_KUBERNETES) -> tuple[Catalogue, Way]:
    """The catalogue of the way that SUPPLIES, the cache or the network decides."""
    go_version = modules.go_version()
    building, downloading = (
        catalogue(store, kubernetes, downloads=way, go_version=go_version) for way in (False, True)
    )
    # One decision for a process: publishers that answer later on must not lead to half of each way.
    if (asked := (store.home, kubernetes)) not in _decided:
        _decided[asked] = choose(
            built=lambda: _is_whole(building, downloading),
            downloaded=lambda: _is_whole(downloading, building),
            probes=lambda: sources.probes(store),
        )
    way = _decided[asked]
    return (downloading if way.downloads else building), way


def _is_whole(one: Catalogue, other: Catalogue) -> bool:
    """Whether the programs are there that are had in this way alone."""
    shared = {step.entry for step in other.tools}
    return all(step.done for step in one.tools if step.entry not in shared)


def _programs_step(store: Store, name: str, folder_name: str, tools: Collection[Step]) -> Step:
    """Every program that these steps give, in one folder."""

    def build(folder: Path, _: Run) -> None:
        for step in tools:
            for program in step.entry.iterdir():
                link_file(program, folder / program.name)

    key = key_of(*(step.entry.name for step in tools))
    return Step(
        name=name, entry=store.entry(folder_name, key), build=build, needs=tuple(step.name for step in tools)
    )


def ensure(
    progress: Progress | None = None,
    home: Path | None = None,
    parts: Collection[str] = ALL,
    kubernetes: str = DEFAULT_KUBERNETES,
) -> Supplies:
    """Make what is missing and say where everything is.

    Well under a second when nothing is missing, and then without waiting for others.
    """
    runner = Runner(Store(home or default_home()), progress or Silent())
    wanted, way = _prepared(runner, parts, kubernetes)
    _make(runner, wanted.of(parts), way)
    return replace(wanted.supplies, cpu_seconds=sum(runner.cpu_seconds.values()))


def ensure_programs(progress: Progress | None = None, home: Path | None = None) -> Path:
    """As `ensure`, for whoever boots no machine: only the folder of programs, which needs neither root nor
    Debian.
    """
    runner = Runner(Store(home or default_home()), progress or Silent())
    wanted, way = chosen(runner.store)
    _make(runner, wanted.programs, way)
    return wanted.supplies.bin


def _make(runner: Runner, steps: Sequence[Step], way: Way) -> None:
    """Wait for nobody where nothing is missing: another version may be under construction for half an
    hour.
    """
    if not all(step.done for step in steps):
        with runner.store.locked():
            runner.progress.note(str(way))
            runner.make(steps)


def make(runner: Runner, parts: Collection[str] = ALL, kubernetes: str = DEFAULT_KUBERNETES) -> Catalogue:
    """As `ensure`, for a caller that holds the store's lock and reads the steps and their costs
    afterwards.
    """
    made, way = _prepared(runner, parts, kubernetes)
    runner.progress.note(str(way))
    runner.make(made.of(parts))
    return made


def _prepared(runner: Runner, parts: Collection[str], kubernetes: str) -> tuple[Catalogue, Way]:
    """The catalogue, once the host has what it takes to make it."""
    debian.require_host()
    made, way = chosen(runner.store, kubernetes)
    if missing := debian.missing_packages(_packages(parts, way)):
        runner.during(HOST_STEP, lambda run: debian.install(missing, run))
        made = catalogue(runner.store, kubernetes, downloads=way.downloads)  # Wine's version is in a key
    debian.require_bridge_filter()
    return made, way


def is_missing(part: str, home: Path | None = None, kubernetes: str = DEFAULT_KUBERNETES) -> bool:
    """Whether a part would have to be made or installed now."""
    debian.require_host()
    if debian.missing_packages(PARTS[part]):
        return True
    steps = chosen(Store(home or default_home()), kubernetes)[0].wine if part == WINE else ()
    return not all(step.done for step in steps)


def _packages(parts: Collection[str], way: Way) -> list[str]:
    of_the_way = debian.DOWNLOAD_PACKAGES if way.downloads else debian.BUILD_PACKAGES
    return [*debian.LINUX_PACKAGES, *of_the_way, *(package for part in parts for package in PARTS[part])]
