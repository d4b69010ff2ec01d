"""Windows builds, and what an image's name says of the build inside.

Process isolation needs the same build in image and node; Windows Server 2025 also runs images of 2022:
learn.microsoft.com/virtualization/windowscontainers/deploy-containers/version-compatibility
"""

import re
from dataclasses import dataclass

from ..config.operating_systems import WINDOWS_RELEASES

WINDOWS_2019 = "10.0.17763"
WINDOWS_2022 = "10.0.20348"
WINDOWS_2025 = "10.0.26100"


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeBuild:
    """A Windows Server that nodes run, and the builds of the images that start on it."""

    name: str
    tag: str
    runs: frozenset[str]


NODE_BUILDS = {
    system.build: NodeBuild(name=system.title, tag=f"ltsc{release}", runs=system.runs)
    for release, system in WINDOWS_RELEASES.items()
}

# Words of a tag. The releases without a node above are here to be told apart: no supported node starts them.
_YEARS = {"2016": "10.0.14393", "2019": WINDOWS_2019, "2022": WINDOWS_2022, "2025": WINDOWS_2025}
_LONG_TERM = {f"{word}{year}": build for year, build in _YEARS.items() for word in ("ltsc", "windows", "win")}
_RELEASES = {
    "sac2016": "10.0.14393",
    "1607": "10.0.14393",
    "1709": "10.0.16299",
    "1803": "10.0.17134",
    "1809": WINDOWS_2019,
    "1903": "10.0.18362",
    "1909": "10.0.18363",
    "2004": "10.0.19041",
    "20h2": "10.0.19042",
}
_BUILDS = frozenset({*_LONG_TERM.values(), *_RELEASES.values()})
_FULL_BUILD = re.compile(r"(?:^|[-_])(10\.0\.[0-9]{5})(?![0-9])", re.ASCII)
# A year between others is a date: windows-2022-01-05.
_DATE_PART = re.compile(r"[0-9]{1,2}", re.ASCII)

_WINDOWS_REPOSITORIES = (
    "mcr.microsoft.com/windows/",
    "mcr.microsoft.com/dotnet/framework/",
    # Of before 2018, still written in manifests.
    *(f"microsoft/{name}/" for name in ("windowsservercore", "nanoserver", "iis", "aspnet", "wcf")),
)
# Images with neither an entrypoint nor a `latest`:
# learn.microsoft.com/virtualization/windowscontainers/manage-containers/ container-base-images;
# microsoft/Windows-Containers#447.
_BASE_IMAGES = frozenset(
    {
        *(
            "mcr.microsoft.com/windows",
            "mcr.microsoft.com/windows/nanoserver",
            "mcr.microsoft.com/windows/servercore",
        ),
        *(
            "mcr.microsoft.com/windows/server",
            "mcr.microsoft.com/windows/insider",
            "microsoft/windowsservercore",
            "microsoft/nanoserver",
        ),
    }
)
_WINDOWS_WORDS = {"windowsservercore", "nanoserver", "windows", *_LONG_TERM}
_LINUX_NAMES = {"alpine", "busybox", "debian", "fedora", "rockylinux", "ubuntu"}
_LINUX_WORDS = re.compile(
    r"(alpine|debian|ubuntu|ubi)[0-9.]*|stretch|buster|bullseye|bookworm|trixie|bionic|focal|jammy|noble"
    r"|linux|musl"
)


@dataclass(frozen=True, slots=True)
class Image:
    """An image reference taken apart."""

    repository: str
    tag: str
    digest: str

    @property
    def words(self) -> list[str]:
        return re.split(r"[-_]", self.tag.lower())

    @property
    def written(self) -> str:
        return f"{self.repository}{':' if self.tag else ''}{self.tag}"

    @property
    def name(self) -> str:
        """The repository; only of the registry's host may any letter be a capital one."""
        host, slash, rest = self.repository.lower().partition("/")
        return f"{host.removesuffix(':443')}{slash}{rest}".removeprefix("index.").removeprefix("docker.io/")

    @property
    def is_microsofts(self) -> bool:
        """One of the images that Microsoft publishes for Windows alone."""
        return f"{self.name}/".startswith(_WINDOWS_REPOSITORIES)

    @property
    def is_base(self) -> bool:
        """A base image of Windows: it has no entrypoint of its own, so a container's args are the program."""
        return self.name in _BASE_IMAGES

    @property
    def is_latest(self) -> bool:
        return self.tag in ("", "latest") and not self.digest

    @property
    def names_no_build(self) -> bool:
        """Of a base image: neither a digest nor a tag of those that Microsoft publishes, each of which
        names a build.
        """
        known = {*_LONG_TERM, *_RELEASES}
        return not self.digest and not any(word in known or word.startswith("10.0.") for word in self.words)

    @property
    def is_windows(self) -> bool:
        """The name itself says Windows.

        A bare release such as 1809 does not: it may be any program's build number.
        """
        return self.is_microsofts or bool(_WINDOWS_WORDS.intersection(self.words))

    @property
    def sounds_windows(self) -> bool:
        """The repository is named after Windows; the program inside may be one of Linux for Windows."""
        return bool(_WINDOWS_WORDS.intersection(re.split(r"[-_.]", self.name.rpartition("/")[2])))

    @property
    def is_linux(self) -> bool:
        """The name sounds of Linux.

        It may still be for both: Kubernetes' own test images have Windows under `nginx:1.15-alpine`.
        """
        name = self.repository.rpartition("/")[2]
        return not self.is_windows and (
            name in _LINUX_NAMES or any(_LINUX_WORDS.fullmatch(word) for word in self.words)
        )

    @property
    def build(self) -> str:
        """The build that the tag names, or an empty text.

        `curl:1803` names none: a number alone may be of any program.
        """
        full = _FULL_BUILD.search(self.tag)
        if full and full[1] in _BUILDS:
            return full[1]
        return next((_LONG_TERM[word] for word in self.words if word in _LONG_TERM), self._release)

    @property
    def _release(self) -> str:
        """The release in a tag that says Windows before it:

        `build-1903-windows` is the 1903rd build of a program.
        """
        words = self.words
        first = (
            0
            if self.is_microsofts
            else next(
                (place for place, word in enumerate(words, start=1) if word in _WINDOWS_WORDS), len(words)
            )
        )
        for place, word in enumerate(words[first:], start=first + 1):
            if word in _RELEASES:
                return _RELEASES[word]
            if (
                word in _YEARS
                and words[place - 2 : place - 1] == ["windows"]
                and not _DATE_PART.fullmatch("".join(words[place : place + 1]))
            ):
                return _YEARS[word]
        return ""


def parse(reference: str) -> Image:
    """`registry:5000/team/app:tag@sha256:…` in its parts."""
    name, _, digest = reference.strip().partition("@")
    path, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    return Image(f"{path}{slash}{last}", tag, digest)


def describe(build: str) -> str:
    """A build as a person knows it."""
    known = NODE_BUILDS.get(build)
    return f"{known.name} ({build})" if known else f"Windows build {build}"
