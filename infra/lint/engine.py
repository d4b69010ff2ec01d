"""Objects in, findings out. No object, whatever is in it, makes this fail."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .declared import Declared
from .images import NODE_BUILDS
from .objects import Document, expand, workloads
from .placement import LINUX, WINDOWS
from .rule import Finding, finding
from .subjects import Pod, Service
from .table import EVERY_POD_RULES, LINUX_RULES, SERVICE_RULES, WINDOWS_RULES
from .values import dig, labels

RULES_OF = {LINUX: (*EVERY_POD_RULES, *LINUX_RULES), WINDOWS: (*EVERY_POD_RULES, *WINDOWS_RULES)}


def check(
    objects: Iterable[Mapping[str, Any]], *, windows_build: str | None, overlay: bool = True
) -> list[Finding]:
    """Find what is wrong with a set of Kubernetes objects (camelCase, as in YAML) on Windows nodes of a build
    such as 10.0.17763.

    Without a build, what depends on it is checked only where a pod names it. Objects of one cluster belong in
    one call: Services, autoscalers and runtime classes are matched with the pods of the same call. `overlay`
    says that the pod network is one (Flannel's vxlan), and not made of routes (host-gw).
    """
    documents = [Document(object=item, index=place) for place, item in enumerate(objects, start=1)]
    return check_documents(documents, windows_build=windows_build, overlay=overlay)


def check_documents(
    documents: Iterable[Document], *, windows_build: str | None, overlay: bool = True
) -> list[Finding]:
    """The same for objects that know where they were read; findings come in the order of the documents."""
    if windows_build is not None and windows_build not in NODE_BUILDS:
        raise ValueError(
            f"the Windows build {windows_build!r} is not known; known are {', '.join(NODE_BUILDS)}"
        )
    objects = list(expand(documents))
    declared = Declared.of(objects)
    pods = [
        Pod(each, declared, windows_build, overlay) for document in objects for each in workloads(document)
    ]
    windows = [pod for pod in pods if pod.is_windows]
    found = [*_of_pods(pods), *_of_services(declared.services(), windows)]
    order = {id(document.object): place for place, document in enumerate(objects)}
    return [one for _, one in sorted(found, key=lambda pair: order[id(pair[0].object)])]


def _of_pods(pods: Sequence[Pod]) -> Iterator[tuple[Document, Finding]]:
    for pod in pods:
        for rule in RULES_OF[WINDOWS if pod.is_windows else LINUX]:
            for what in rule.check(pod):
                yield pod.document, finding(rule, pod.document, what)


def _of_services(services: Sequence[Document], windows: Sequence[Pod]) -> Iterator[tuple[Document, Finding]]:
    for document in services:
        service = _service(document, windows)
        for rule in SERVICE_RULES if service.pods else ():
            for what in rule.check(service):
                yield document, finding(rule, document, what)


def _service(document: Document, windows: Sequence[Pod]) -> Service:
    selector = labels(dig(document.object, "spec", "selector")).items()
    behind = [
        pod
        for pod in windows
        if selector and pod.document.namespace == document.namespace and selector <= pod.labels.items()
    ]
    return Service(document, tuple(behind), sum(pod.declared.most_pods(pod.document) for pod in behind))
