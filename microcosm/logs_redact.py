"""What is a secret in a log, as one table for three readers: sed on Linux, .NET on Windows, and re here.

A pattern uses only what POSIX extended expressions (GNU), .NET and Python spell alike. What is cut out on the machine
never reaches Run Command's history; what comes from elsewhere (console, status report) is cut out here.
"""

import re
from dataclasses import dataclass

GONE = "[redacted]"
KEY_BEGIN, KEY_END = "-----BEGIN [A-Z ]*PRIVATE KEY-----", "-----END [A-Z ]*PRIVATE KEY-----"


@dataclass(frozen=True, kw_only=True, slots=True)
class Secret:
    """A pattern of one line; the group it begins with, if any, is what stays."""

    what: str
    pattern: str
    stays: bool = False


SECRETS = (
    Secret(what="bootstrap token (kubeadm: [a-z0-9]{6}.[a-z0-9]{16})", pattern=r"\b[a-z0-9]{6}\.[a-z0-9]{16}\b"),
    Secret(what="PEM file in base64, as in a kubeconfig", pattern=r"LS0tLS1CRUdJTi[A-Za-z0-9+/=]{40,}"),
    Secret(
        what="value of a field that holds a secret",
        pattern=r"(--certificate-key[ =]|(client-key-data|certificateKey|[Pp]assword|[Ss]ecretAccessKey|aws_secret_access_key|SessionToken|"
        r'[Ss]ecurity-[Tt]oken|[Tt]oken)"? *[=:] *"?)[A-Za-z0-9+/=_.-]{12,}',
        stays=True,
    ),
    Secret(what="AWS access key", pattern=r"\b(AKIA|ASIA)[A-Z0-9]{16}\b"),
    Secret(what="JSON web token (service account)", pattern=r"\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*"),
)


def redact(text: str) -> str:
    """The text without secrets."""
    text = re.sub(f"(?s){KEY_BEGIN}.*?({KEY_END}|\\Z)", GONE, text)
    for secret in SECRETS:
        text = re.sub(secret.pattern, _kept(secret) + GONE, text)
    return text


def _kept(secret: Secret) -> str:
    """What stays of a match, as sed and Python spell it."""
    return r"\1" if secret.stays else ""


def for_sed() -> str:
    """The same as a program for `sed --regexp-extended`; a private key that has no end is cut to the end of the text."""
    lines = [f"s#{secret.pattern}#{_kept(secret)}{GONE}#g" for secret in SECRETS]
    return "\n".join([f"/{KEY_BEGIN}/,/{KEY_END}/c\\", GONE, *lines])


def for_dotnet() -> list[tuple[str, str]]:
    """The same as pairs for [regex]::Replace."""
    keys = (f"(?s){KEY_BEGIN}.*?({KEY_END}|\\z)", GONE)
    return [keys, *((secret.pattern, f"${{1}}{GONE}" if secret.stays else GONE) for secret in SECRETS)]
