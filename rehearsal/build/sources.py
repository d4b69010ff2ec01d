"""List the steps in which the two ways differ: all is built here, or taken from its publishers."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from infra.config import versions as matrix
from rehearsal.build import artifacts, aws_provider, container_images, language_exec, publishers, toolchain
from rehearsal.build.download import Downloader
from rehearsal.build.go_tool import GoTool, tool_step
from rehearsal.build.pause import pause_step
from rehearsal.build.publishers import PUBLISHED
from rehearsal.build.pulled_images import pulled_images_step
from rehearsal.build.steps import Step
from rehearsal.build.store import Store
from rehearsal.build.toolchain import go_tools, windows_tools
from rehearsal.build.way import MIRROR_SETTING, REGISTRY_SETTING

# Runs in an image alone.
_ONLY_AN_IMAGE = "coredns"


@dataclass(frozen=True, kw_only=True)
class Sources:
    """`programs` make the folder of programs, `others` are what only the images need."""

    tools: Mapping[str, Step]  # by folder of tools/
    windows: Sequence[Step]
    programs: Sequence[Step]
    others: Sequence[Step]
    images: Step
    mirror: Step


def built(store: Store, go_version: str, versions: Mapping[str, str]) -> Sources:
    """Everything from the sources of its Go module."""
    tools = {tool.folder: _built(store, tool, go_version) for tool in go_tools(versions["kubernetes"])}
    windows = [tool_step(store, tool, go_version) for tool in windows_tools(versions["kubernetes"])]
    pause, parts = pause_step(store, versions["kubernetes"]), container_images.parts_step(store)
    return Sources(
        tools=tools,
        windows=windows,
        programs=[*tools.values(), language_exec.exec_step(store)],
        others=[pause, parts],
        images=container_images.images_step(store, parts, {**tools, "pause": pause}, versions),
        mirror=artifacts.artifacts_step(store, tools, versions),
    )


def _built(store: Store, tool: GoTool, go_version: str) -> Step:
    """Build a tool, or take Pulumi's own provider in its place."""
    if tool is toolchain.AWS_PROVIDER and (plugin := aws_provider.official(store)):
        return aws_provider.official_step(store, plugin)
    return tool_step(store, tool, go_version)


def downloader(store: Store) -> Downloader:
    return Downloader(store.downloads, mirror=os.environ.get(MIRROR_SETTING, ""))


def registry_mirror() -> str:
    return os.environ.get(REGISTRY_SETTING, "")


def published(store: Store, go_version: str, versions: Mapping[str, str]) -> Sources:
    """The publishers' own files and images; what has no publisher is built."""
    bom = artifacts.BOMS / f"{versions['kubernetes']}.json"
    pins, fetching = publishers.pinned(bom), downloader(store)

    def step(tool: GoTool) -> Step:
        if tool.name in PUBLISHED:
            return publishers.published_step(store, tool, fetching, pins)
        return _built(store, tool, go_version)

    tools = {
        tool.folder: step(tool) for tool in go_tools(versions["kubernetes"]) if tool.folder != _ONLY_AN_IMAGE
    }
    references = [
        container_images.FLANNEL.format(version=versions["flannel"]),
        container_images.FLANNEL_CNI_PLUGIN,
        matrix.pause_image(versions["kubernetes"]),
        container_images.NGINX,
        container_images.BUSYBOX,
    ]
    kubernetes = versions["kubernetes"]
    return Sources(
        tools=tools,
        windows=[step(tool) for tool in windows_tools(versions["kubernetes"])],
        programs=[*tools.values()],
        others=[],
        images=pulled_images_step(store, tools["kubernetes"], kubernetes, references, registry_mirror()),
        mirror=publishers.mirror_step(store, bom, fetching),
    )


def probes(store: Store) -> list[str]:
    return publishers.probes((*go_tools(), *windows_tools()), downloader(store), registry_mirror())
