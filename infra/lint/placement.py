"""Which nodes a pod may land on, as the scheduler sees it: node selector, required node affinity,
tolerations.
"""

from collections.abc import Iterable, Mapping

from .images import NODE_BUILDS
from .values import Object, dig, labels, mappings, text, texts

OS_LABEL = "kubernetes.io/os"
BETA_OS_LABEL = "beta.kubernetes.io/os"
BUILD_LABEL = "node.kubernetes.io/windows-build"
LINUX, WINDOWS = "linux", "windows"
ANY_SYSTEM = frozenset({LINUX, WINDOWS})
# Labels that every node of a system has. Kubernetes has Windows nodes on amd64 only, and the control plane
# is Linux.
NODE_LABELS: Mapping[str, Mapping[str, str]] = {
    LINUX: {OS_LABEL: LINUX, BETA_OS_LABEL: LINUX},
    WINDOWS: {
        OS_LABEL: WINDOWS,
        BETA_OS_LABEL: WINDOWS,
        "kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/arch": "amd64",
    },
}
ABSENT_LABELS: Mapping[str, frozenset[str]] = {
    LINUX: frozenset({BUILD_LABEL}),
    WINDOWS: frozenset({"node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"}),
}
# The taint of every Windows node of the cluster:
# kubernetes.io/docs/concepts/windows/user-guide/#taints-and-tolerations
TAINT = {"key": "os", "value": "windows", "effect": "NoSchedule"}

# The one runtime of containerd for Windows that works without Hyper-V, and how all of them begin.
HANDLER = "runhcs-wcow-process"
HANDLERS_OF_WINDOWS = "runhcs-wcow"


def systems(selector: Mapping[str, str], spec: Object) -> frozenset[str]:
    """The operating systems whose nodes satisfy selector and affinity."""
    wanted = _by_terms(
        [[{"key": key, "operator": "In", "values": [value]} for key, value in selector.items()]]
    )
    terms = _affinity_terms(spec)
    # A term without expressions matches no node (k8s.io/component-helpers v0.35.8,
    # scheduling/corev1/nodeaffinity, isEmptyNodeSelectorTerm).
    return wanted & _by_terms(terms) if terms or not _required(spec) else frozenset()


def names_a_node(spec: Object) -> bool:
    """Whether the pod says by its name on which node it wants to be."""
    return bool(spec.get("nodeName")) or any(bool(term.get("matchFields")) for term in _required(spec))


def builds(selector: Mapping[str, str], spec: Object) -> tuple[str, ...]:
    """The Windows builds that selector or affinity ask for by name, and that some node has."""
    return tuple(build for build in _asked_builds(selector, spec) if build in NODE_BUILDS)


def no_builds(selector: Mapping[str, str], spec: Object) -> list[str]:
    """Return the build that selector or affinity ask for where no node of Windows has any of it."""
    asked = _asked_builds(selector, spec)
    return [] if any(build in NODE_BUILDS for build in asked) else asked


def _asked_builds(selector: Mapping[str, str], spec: Object) -> list[str]:
    asked = [selector[BUILD_LABEL]] if BUILD_LABEL in selector else []
    for term in _affinity_terms(spec):
        for expression in term:
            if expression.get("key") == BUILD_LABEL and expression.get("operator") == "In":
                asked += texts(expression.get("values"))
    return [*dict.fromkeys(asked)]


def label_keys(selector: Mapping[str, str], spec: Object) -> set[str]:
    """Every node label that selector or affinity speak of."""
    return set(selector) | {
        text(expression.get("key")) for term in _affinity_terms(spec) for expression in term
    }


def labels_named_after_windows(selector: Mapping[str, str], spec: Object) -> list[str]:
    """Labels of other clusters, and misspelt ones, whose value says Windows:
    kubernetes.azure.com/os-sku=Windows2022.
    """
    asked = [*selector.items()]
    for term in _affinity_terms(spec):
        asked += [
            (text(each.get("key")), value)
            for each in term
            if each.get("operator") == "In"
            for value in texts(each.get("values"))
        ]
    of_others = [
        (key, value)
        for key, value in asked
        if value.lower().startswith(WINDOWS) and key not in (OS_LABEL, BETA_OS_LABEL)
    ]
    # `Windows` for windows: no node has that value.
    misspelt = [(key, value) for key, value in asked if value != WINDOWS and value.lower() == WINDOWS]
    return [f"{key}={value}" for key, value in dict.fromkeys([*of_others, *misspelt])]


def preferred(spec: Object) -> frozenset[str]:
    """The operating systems that the pod would rather have; all where it prefers none."""
    terms = mappings(dig(spec, "affinity", "nodeAffinity", "preferredDuringSchedulingIgnoredDuringExecution"))
    return _by_terms([mappings(dig(term, "preference", "matchExpressions")) for term in terms])


def tolerates_windows(tolerations: Iterable[Object]) -> bool:
    """Whether one of them lets the pod onto a Windows node (k8s.io/api core/v1 Toleration.ToleratesTaint)."""
    return any(_tolerates(toleration) for toleration in tolerations)


def merged(selector: object, more: object) -> dict[str, str]:
    """A pod's selector with that of its runtime class."""
    return labels(more) | labels(selector)


def _tolerates(toleration: Object) -> bool:
    key, operator = toleration.get("key") or "", toleration.get("operator") or "Equal"
    if toleration.get("effect") not in (None, "", TAINT["effect"]):
        return False
    if key not in ("", TAINT["key"]):
        return False
    return operator == "Exists" or (
        operator == "Equal" and key != "" and toleration.get("value") == TAINT["value"]
    )


def _affinity_terms(spec: Object) -> list[list[Object]]:
    terms = [term for term in _required(spec) if term.get("matchExpressions") or term.get("matchFields")]
    return [mappings(term.get("matchExpressions")) for term in terms]


def _required(spec: Object) -> list[Object]:
    required = dig(spec, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    return mappings(dig(required, "nodeSelectorTerms"))


def _by_terms(terms: list[list[Object]]) -> frozenset[str]:
    """Terms are alternatives, the expressions of one term must all hold; no term at all asks for nothing."""
    if not terms:
        return ANY_SYSTEM
    return frozenset(
        system
        for term in terms
        for system in ANY_SYSTEM
        if all(_holds(expression, system) for expression in term)
    )


def _holds(expression: Object, system: str) -> bool:
    """Whether a node of this system can satisfy an expression; where nothing is known of the label, it
    can.
    """
    key, operator, values = (
        text(expression.get("key")),
        text(expression.get("operator")),
        texts(expression.get("values")),
    )
    if key in ABSENT_LABELS[system]:
        return operator in ("NotIn", "DoesNotExist")
    known = NODE_LABELS[system].get(key)
    return known is None or {"In": known in values, "NotIn": known not in values, "DoesNotExist": False}.get(
        operator, True
    )
