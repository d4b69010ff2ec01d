"""Rules for manifests on Windows nodes, as a table. Pure: no Pulumi, no AWS, no Kubernetes
API.

values      reading of untyped objects that never fails
images      Windows builds, and what an image's name says of them
placement   which nodes a pod may land on
programs    what a command says: a program of Windows, of Linux, or of either
objects     documents, their identities, and the pod templates in them, also those of custom resources
declared    what the other objects say of a pod: Services, autoscalers, runtime classes, namespaces, claims,
ConfigMaps
subjects    the typed views that rules look at: Pod, Container, Service
signs       which system a pod is for, by all that it says
rule        Rule, Finding, Severity
rules_*     the rules, a module for each matter; linux_fields, pod_security and storage hold what several of
them need
table       all rules, and their Markdown form
engine      objects -> findings
"""

from .engine import check, check_documents
from .images import NODE_BUILDS
from .objects import Document, not_looked_into
from .rule import Finding, Severity
from .table import POD_RULES, RULES, SERVICE_RULES, markdown

__all__ = [
    "NODE_BUILDS",
    "POD_RULES",
    "RULES",
    "SERVICE_RULES",
    "Document",
    "Finding",
    "Severity",
    "check",
    "check_documents",
    "markdown",
    "not_looked_into",
]
