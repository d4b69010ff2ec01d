"""The base images: which one a service gets, and which features of Windows are in it (assets/bases.yaml)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

from infra.config.operating_systems import OPERATING_SYSTEMS, WINDOWS_RELEASES

# .NET Framework by Windows Server: 4.8 is the last one of 2019.
FRAMEWORKS = {release: system.dotnet for release, system in WINDOWS_RELEASES.items()}
RELEASES = tuple(FRAMEWORKS)
# The label by which an own base says what it has, as --base-has does.
LABEL = "dev.microcosm.features"


@dataclass(frozen=True, kw_only=True, slots=True)
class Base:
    """A base image as far as it is known: `has` is None if nothing says what is in it."""

    reference: str
    release: str
    framework: str
    has: frozenset[str] | None

    @property
    def build(self) -> str:
        return build(self.release)

    def lacks(self, feature: str) -> bool:
        """Whether the base is known not to have the feature."""
        return self.has is not None and feature not in self.has

    def dockerfile(self, feature: str) -> str:
        """Return the lines of a Dockerfile that add the feature."""
        known = features()[feature]
        if self.release == "2019" and "old" in known:
            run = f"RUN powershell Add-WindowsFeature {known['old']}"
        else:
            run = (
                known.get("run")
                or f"RUN dism /Online /Quiet /Enable-Feature /All /FeatureName:{known['new']}"
            )
        return f"FROM {self.reference}\n{run}"


def build(release: str) -> str:
    return OPERATING_SYSTEMS[f"windows-{release}"].build


@cache
def table() -> dict[str, Any]:
    return yaml.safe_load((resources.files("microcosm.image") / "assets" / "bases.yaml").read_text())


@cache
def known_modules() -> frozenset[str]:
    """Return the modules of IIS that the bases have, or that one of the features brings; in small letters."""
    return frozenset(name.lower() for name in table()["modules"])


@cache
def known_sections() -> frozenset[str]:
    """Return the sections of system.webServer that IIS has, or that one of the features brings."""
    return frozenset(table()["sections"])


def features() -> Mapping[str, dict[str, str]]:
    return table()["features"]


def published(family: str, release: str) -> Base:
    """Return the base image of a family (runtime, aspnet or wcf) of the same date as the stack's own WCF
    image.
    """
    reference = OPERATING_SYSTEMS[f"windows-{release}"].wcf_image.replace("/wcf:", f"/{family}:")
    return Base(reference=reference, release=release, framework=FRAMEWORKS[release], has=_has(family))


def _has(family: str) -> frozenset[str]:
    return frozenset(table()["families"][family]["has"])


def named(reference: str, release: str, has: Collection[str] | None) -> Base:
    """Return a base that the user names.

    Microsoft's own are known by name; another has what the user or its label says.
    """
    framework = FRAMEWORKS[release]
    for family in table()["families"]:
        if reference.startswith((f"{table()['repository']}/{family}:", f"{table()['repository']}/{family}@")):
            return Base(
                reference=reference,
                release=release,
                framework=framework,
                has=_has(family) | frozenset(has or ()),
            )
    return Base(
        reference=reference,
        release=release,
        framework=framework,
        has=frozenset(has) if has is not None else None,
    )


def release_of(os_version: str) -> str | None:
    """Return the Windows Server of an image's `os.version` such as 10.0.17763.6414."""
    return next((release for release in RELEASES if os_version.startswith(build(release))), None)
