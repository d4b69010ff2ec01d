"""Which nodes a pod may land on, as the scheduler sees it: node selector, required node affinity, tolerations."""

from collections.abc import Iterable, Mapping

from .images import NODE_BUILDS
from .values import Object, dig, labels, mappings, text, texts

OS_LABEL = "kubernetes.io/os"
BETA_OS_LABEL = "beta.kubernetes.io/os"
BUILD_LABEL = "node.kubernetes.io/windows-build"
LINUX, WINDOWS = "linux", "windows"
ANY_SYSTEM = frozenset({LINUX, WINDOWS})
# The taint of every Windows node of the cluster: kubernetes.io/docs/concepts/windows/user-guide/#taints-and-tolerations
TAINT = {"key": "os", "value": "windows", "effect": "NoSchedule"}


def systems(selector: Mapping[str, str], spec: Object) -> frozenset[str]:
    """The operating systems whose nodes satisfy selector and affinity."""
    wanted = _by_terms([[{"key": key, "operator": "In", "values": [value]} for key, value in selector.items()]])
    return wanted & _by_terms(_affinity_terms(spec))


def builds(selector: Mapping[str, str], spec: Object) -> tuple[str, ...]:
    """The Windows builds that selector or affinity ask for by name."""
    asked = [selector[BUILD_LABEL]] if BUILD_LABEL in selector else []
    for term in _affinity_terms(spec):
        for expression in term:
            if expression.get("key") == BUILD_LABEL and expression.get("operator") == "In":
                asked += texts(expression.get("values"))
    return tuple(build for build in dict.fromkeys(asked) if build in NODE_BUILDS)


def label_keys(selector: Mapping[str, str], spec: Object) -> set[str]:
    """Every node label that selector or affinity speak of."""
    return set(selector) | {text(expression.get("key")) for term in _affinity_terms(spec) for expression in term}


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
    return operator == "Exists" or (operator == "Equal" and key != "" and toleration.get("value") == TAINT["value"])


def _affinity_terms(spec: Object) -> list[list[Object]]:
    required = dig(spec, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
    return [mappings(term.get("matchExpressions")) for term in mappings(required)]


def _by_terms(terms: list[list[Object]]) -> frozenset[str]:
    """Terms are alternatives, the expressions of one term must all hold; no term at all asks for nothing."""
    if not terms:
        return ANY_SYSTEM
    return frozenset(system for term in terms for system in ANY_SYSTEM if all(_holds(expression, system) for expression in term))


def _holds(expression: Object, system: str) -> bool:
    """Whether a node of this system can satisfy an expression; what is not about the system can be."""
    key, operator, values = text(expression.get("key")), expression.get("operator"), texts(expression.get("values"))
    if key == BUILD_LABEL:
        return system == WINDOWS or operator in ("NotIn", "DoesNotExist")
    if key not in (OS_LABEL, BETA_OS_LABEL):
        return True
    return {"In": system in values, "NotIn": system not in values, "DoesNotExist": False}.get(text(operator), True)
