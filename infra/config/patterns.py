"""Patterns for the texts of a configuration, each as the system that takes it in the end wants it.

Pure.
"""

import re

CIDR = re.compile(r"[0-9.]{7,15}/[0-9]{1,2}", re.ASCII)
ZONE = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9][a-z]")
INSTANCE_TYPE = re.compile(r"[a-z][a-z0-9-]*\.[a-z0-9-]+")
# Graviton families: a `g` right after the generation (t4g, c7gn, is4gen), and a1. The bill of materials is
# amd64.
ARM_TYPE = re.compile(r"(a1|[a-z]+[0-9]+g[a-z]*)\..*")
URL = re.compile(r"https?://[A-Za-z0-9]([A-Za-z0-9._~:/-]*[A-Za-z0-9])?")
# Letters of any script, so that a sentence that names the file stays on one printable line.
PATH = re.compile(r"[\w ./~+@=,:-]{1,255}")
# Blanks at an end are lost on the way to AWS, or refused there.
_TRIMMED = r"(?! )(?!.* \Z)"
KEY_NAME = re.compile(rf"{_TRIMMED}[ -~]{{1,255}}")
# IAM user guide, "Rules for tagging in IAM and AWS STS": no value begins with `aws:`.
OWNER = re.compile(rf"(?!(?i:aws:)){_TRIMMED}[A-Za-z0-9 _.:/=+@-]{{1,128}}")
# IAM API reference, PolicyName and path; `aws` is the account of AWS's own policies.
POLICY_ARN = re.compile(
    r"arn:aws[a-z-]{0,20}:iam::([0-9]{12}|aws):policy/([\x21-\x7e]{1,200}/)?[A-Za-z0-9_+=,.@-]{1,128}",
    re.ASCII,
)
# KMS developer guide, "Key identifiers": a key's id, or its ARN. An alias would not do: IAM takes none as a
# resource.
_KEY_ID = r"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|mrk-[0-9a-f]{32})"
KEY_ARN = re.compile(rf"arn:aws[a-z-]{{0,20}}:kms:[a-z0-9-]{{1,30}}:[0-9]{{12}}:key/{_KEY_ID}", re.ASCII)
KEY = re.compile(rf"({KEY_ARN.pattern}|{_KEY_ID})", re.ASCII)
PREFLIGHT = re.compile(r"[A-Za-z0-9-]+")
# RFC 3339, which Python, .NET and AWS's tags all take.
MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})", re.ASCII
)

# Kubernetes, "Labels and selectors", syntax and character set: a kubelet that is given another one does not
# start.
_NAME = r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
_DOMAIN_PART = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_KEY = rf"(?![^/]{{254}})({_DOMAIN_PART}(\.{_DOMAIN_PART})*/)?{_NAME}"
# A kubelet may not give itself labels of the kubernetes.io domains (NodeRestriction admission).
LABEL = re.compile(rf"(?!([^/]*\.)?(k8s|kubernetes)\.io/){_KEY}=({_NAME})?")
TAINT = re.compile(rf"{_KEY}(=({_NAME})?)?:(NoSchedule|PreferNoSchedule|NoExecute)")
