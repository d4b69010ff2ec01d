"""Find the login of a registry: ~/.docker/config.json with its helpers, and ECR by the AWS credentials
that are there.
"""

import base64
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

from ..errors import OperatorError

Login = tuple[str, str]
_ECR = re.compile(r"\d{12}\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?")
# The names under which docker keeps Docker Hub.
_HUB = ("https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io")


def find(host: str) -> Login | None:
    """Return user and password for a registry, or None.

    What docker was logged in to wins over ECR's own way.
    """
    config = _config()
    hosts = _HUB if host in _HUB else (host, f"https://{host}", f"https://{host}/v1/", f"https://{host}/v2/")
    for name in hosts:
        helper = config.get("credHelpers", {}).get(name)
        if helper and (login := _by_helper(helper, name)):
            return login
    for name in hosts:
        if login := _written(config.get("auths", {}).get(name)):
            return login
    store = str(config.get("credsStore") or "")
    for name in hosts if store else ():
        if login := _by_helper(store, name):
            return login
    ecr = _ECR.fullmatch(host)
    return _ecr(ecr[1]) if ecr else None


def _config() -> dict[str, Any]:
    path = Path(os.environ.get("DOCKER_CONFIG", Path.home() / ".docker")) / "config.json"
    if not path.exists():
        return {}
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as problem:
        raise OperatorError(
            f"{path}: not readable as JSON ({problem}); correct it, or log in again with docker login"
        ) from problem


def _written(entry: dict[str, str] | None) -> Login | None:
    if not entry or not entry.get("auth"):
        return None
    user, _, password = base64.b64decode(entry["auth"]).decode().partition(":")
    return user, password


def _by_helper(helper: str, name: str) -> Login | None:
    """Ask a helper (github.com/docker/docker-credential-helpers):

    `get`, the name on standard input, JSON back.
    """
    program = f"docker-credential-{helper}"
    try:
        done = subprocess.run(
            [program, "get"], input=name, capture_output=True, text=True, timeout=60, check=False
        )
        answer = json.loads(done.stdout) if done.returncode == 0 else {}
    except FileNotFoundError as problem:
        raise OperatorError(
            f"{program} is named in docker's config.json and is not on PATH; install it, or log in again"
        ) from problem
    except (ValueError, subprocess.TimeoutExpired) as problem:
        raise OperatorError(f"{program} gave no answer for {name}; log in again") from problem
    return (answer["Username"], answer["Secret"]) if answer.get("Secret") else None


def _ecr(region: str) -> Login:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer = boto3.client("ecr", region_name=region).get_authorization_token()
    except (BotoCoreError, ClientError) as problem:
        raise OperatorError(
            f"ECR in {region} gives no login ({problem}); set AWS credentials that may "
            f"ecr:GetAuthorizationToken"
        ) from problem
    user, _, password = (
        base64.b64decode(answer["authorizationData"][0]["authorizationToken"]).decode().partition(":")
    )
    return user, password
