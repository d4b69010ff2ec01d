"""Rules on names that Windows holds for the same, and on what webhooks add to a pod."""

import re
from collections.abc import Callable, Iterable, Iterator

from .rule import Rule, Severity
from .subjects import Pod
from .values import Object, dig, labels, mapping, mappings, text

INTRO = "https://kubernetes.io/docs/concepts/windows/intro/"
NAMES = "https://learn.microsoft.com/windows/win32/fileio/naming-a-file#naming-conventions"
_DRIVE = re.compile(r"^c:", re.IGNORECASE)
# Names of devices, also before an extension; characters that no name has; a dot or a space at the end, which
# Windows drops.
_DEVICE = r"^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)"
_REFUSED = re.compile(rf'{_DEVICE}|[<>:"|?*\x00-\x1f]|(?<=[^.])[. ]$', re.IGNORECASE)
# Labels or annotations of a pod or its namespace by which a webhook adds Linux containers, and the values
# that mean it. istio.io docs reference/config/{annotations,labels}; linkerd.io docs features/proxy-injection;
# developer.hashicorp.com vault platform/k8s/injector and consul connect-inject; kuma.io docs
# production/dp-config/dpp-on-kubernetes; opentelemetry-operator README.
_INJECTED: dict[str, frozenset[str]] = {
    "istio-injection": frozenset({"enabled"}),
    "sidecar.istio.io/inject": frozenset({"true", "y", "yes", "on"}),
    "linkerd.io/inject": frozenset({"enabled", "ingress"}),
    "kuma.io/sidecar-injection": frozenset({"enabled", "true"}),
    "openservicemesh.io/sidecar-injection": frozenset({"enabled", "true", "yes"}),
    "appmesh.k8s.aws/sidecarInjectorWebhook": frozenset({"enabled"}),
    "consul.hashicorp.com/connect-inject": frozenset({"true"}),
    "vault.hashicorp.com/agent-inject": frozenset({"true"}),
    "sidecar.opentelemetry.io/inject": frozenset(),
    "sidecar.jaegertracing.io/inject": frozenset(),
    **{
        f"instrumentation.opentelemetry.io/inject-{language}": frozenset[str]()
        for language in ("java", "nodejs", "python", "dotnet", "go")
    },
    "istio.io/rev": frozenset(),
}
# Values of a pod's label or annotation that turn an injection off.
_OFF = frozenset({"false", "disabled", "no", "n", "off", ""})


def names_by_case(pod: Pod) -> Iterator[str]:
    for container in pod.containers:
        own = [
            (text(variable.get("name")), _value(variable)) for variable in mappings(container.raw.get("env"))
        ]
        variables = [*_from_objects(pod, container.raw), *own]
        for same in _same([name for name, _ in variables], str.lower):
            # HTTP_PROXY and http_proxy of one value are a habit, and harmless.
            values = [value for name, value in variables if name in same.split(" and ")]
            if any(value != values[0] for value in values):
                yield f"{container.where}: the variables {same}"
        paths = [text(mount.get("mountPath")) for mount in container.mounts]
        yield from (f"{container.where}: the mounts {same}" for same in _same(paths, _path))
    for volume in pod.volumes:
        yield from (
            f"volume {text(volume.get('name'))}: the files {same}"
            for same in _same(_files(pod, volume), _path)
        )


def file_names(pod: Pod) -> Iterator[str]:
    for volume in pod.volumes:
        for path in dict.fromkeys(_files(pod, volume)):
            if any(_REFUSED.search(part) for part in re.split(r"[/\\]", path)):
                yield f"volume {text(volume.get('name'))}: the file {path[:60]}"


def injected(pod: Pod) -> Iterator[str]:
    own = {**labels(pod.metadata.get("annotations")), **pod.labels}
    namespace = pod.declared.unnamespaced("Namespace", pod.document.namespace)
    around = {
        **labels(dig(namespace, "metadata", "annotations")),
        **labels(dig(namespace, "metadata", "labels")),
    }
    for key, values in _INJECTED.items():
        value, where = (
            (own[key], "the pod")
            if key in own
            else (around.get(key, ""), f"namespace {pod.document.namespace}")
        )
        if (
            value
            and value.lower() not in _OFF
            and (not values or value.lower() in values)
            and not _opts_out(key, own)
        ):
            yield f"{where} says {key}: {value}"


def _opts_out(key: str, own: dict[str, str]) -> bool:
    """Istio's pods say so by a label of another name than the namespace's."""
    return "istio" in key and own.get("sidecar.istio.io/inject", "true").lower() in _OFF


def _same(names: Iterable[str], key: Callable[[str], str]) -> Iterator[str]:
    """Yield the different names that Windows holds for one."""
    found: dict[str, list[str]] = {}
    for name in filter(None, names):
        found.setdefault(key(name), []).append(name)
    for same in found.values():
        if len(set(same)) > 1:
            yield " and ".join(dict.fromkeys(same))


def _value(variable: Object) -> Object:
    return {key: value for key, value in variable.items() if key != "name"}


def _from_objects(pod: Pod, container: Object) -> Iterator[tuple[str, Object]]:
    """The variables that come of ConfigMaps and Secrets of the set."""
    for source in mappings(container.get("envFrom")):
        prefix = text(source.get("prefix"))
        for kind, field in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
            held = pod.declared.object(kind, pod.document.namespace, text(dig(source, field, "name")))
            for part in ("data", "stringData"):
                yield from (
                    (f"{prefix}{key}", {part: value}) for key, value in labels(held.get(part)).items()
                )


def _path(path: str) -> str:
    return _DRIVE.sub("", path.replace("\\", "/").lower()).rstrip("/")


def _files(pod: Pod, volume: Object) -> list[str]:
    """The files of a volume made of objects: the keys that it names, or those of an object of the set."""
    found: list[str] = []
    for source in (volume, *mappings(dig(volume, "projected", "sources"))):
        for kind, field, name_key in (("ConfigMap", "configMap", "name"), ("Secret", "secret", "secretName")):
            wanted = mapping(source.get(field))
            if named := mappings(wanted.get("items")):
                found += [text(item.get("path")) for item in named]
            elif wanted:
                name = text(wanted.get(name_key)) or text(wanted.get("name"))
                held = pod.declared.object(kind, pod.document.namespace, name)
                found += [
                    key
                    for part in ("data", "binaryData", "stringData")
                    for key in mapping(held.get(part))
                    if isinstance(key, str)
                ]
        found += [text(item.get("path")) for item in mappings(dig(source, "downwardAPI", "items"))]
        found += [text(dig(source, field, "path")) for field in ("serviceAccountToken", "clusterTrustBundle")]
    return found


_E, _W = Severity.ERROR, Severity.WARNING

WINDOWS_RULES: tuple[Rule[Pod], ...] = (
    Rule(
        id="names-by-case",
        severity=_E,
        what="names that differ only in case",
        why="Windows holds them for the same variable, file or folder: one takes the place of the other.",
        page=f"{INTRO}#api",
        fix="give them names that differ in more than case",
        check=names_by_case,
    ),
    Rule(
        id="file-name",
        severity=_E,
        what="a file of a volume with a name that Windows does not take",
        why="The kubelet writes the file on the node's disk under that name, which Windows refuses or takes "
        "for a device.",
        page=NAMES,
        fix="another key, or another path in items",
        check=file_names,
    ),
    Rule(
        id="injected-container",
        severity=_W,
        what="a webhook that adds containers of Linux",
        why="Where that webhook is installed, it adds containers to the pod whose images exist for Linux "
        "only: the pod does not start.",
        page="https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/",
        fix='turn the injection off for the pod, e.g. sidecar.istio.io/inject: "false"',
        check=injected,
    ),
)
