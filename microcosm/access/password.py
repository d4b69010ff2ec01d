"""Read the Windows administrator's password from EC2 and decrypt it with the private key, without storing it.

EC2 stores the password encrypted with the public key of the instance's key pair (PKCS #1 v1.5).
"""

import base64
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

from ..aws.machines import Machine
from ..aws.session import Session
from ..errors import OperatorError, UsageError
from ..output import duration

USER = "Administrator"
# "We recommend that you wait up to 15 minutes after launching an instance" (EC2 API, GetPasswordData).
PASSWORD_SECONDS = 15 * 60
# EC2Launch's passwords are longer. A wrong key yields shorter random texts too often to accept them.
SHORTEST = 8
OPENSSH = b"-----BEGIN OPENSSH PRIVATE KEY-----"
ALTERNATIVE = "`microcosm shell {node}` needs no password; there, `net user Administrator *` sets one"


def read_key(path: Path, prompt: Callable[[], str]) -> RSAPrivateKey:
    """Read the private key of a file; `prompt` returns the passphrase if the key has one."""
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise UsageError(
            f"--key {path} cannot be read ({problem.strerror}): name the private key file of the EC2 key pair"
        ) from problem
    key = _load(path, content, prompt)
    if not isinstance(key, RSAPrivateKey):
        raise UsageError(
            f"--key {path} is no RSA key: EC2 encrypts Windows passwords with RSA key pairs only"
        )
    return key


def _load(path: Path, content: bytes, prompt: Callable[[], str]) -> Any:
    load: Callable[[bytes, bytes | None], Any] = (
        load_ssh_private_key if content.lstrip().startswith(OPENSSH) else load_pem_private_key
    )
    try:
        return load(content, None)
    except TypeError:
        pass  # the library raises TypeError if a passphrase is needed
    except (ValueError, UnsupportedAlgorithm) as problem:
        raise UsageError(
            f"--key {path} is not a private key in PEM or OpenSSH form: name the private key file of the "
            f"EC2 key pair"
        ) from problem
    try:
        return load(content, prompt().encode())
    except (ValueError, TypeError) as problem:
        raise UsageError(f"--key {path}: the passphrase is wrong") from problem


def fetch(
    session: Session, machine: Machine, key: RSAPrivateKey, clock: Callable[[], float] = time.time
) -> str:
    """Return the administrator's password of a Windows machine."""
    ec2 = session.client("ec2")
    pair = _key_pair(ec2, machine)
    encrypted = str(ec2.get_password_data(InstanceId=machine.instance)["PasswordData"]).strip()
    if not encrypted:
        raise OperatorError(_not_ready(machine, clock() - machine.launched))
    origin = f"the password of {machine.node} ({machine.instance}) was encrypted for the key pair {pair!r}"
    return decrypt(encrypted, key, origin)


def _key_pair(ec2: Any, machine: Machine) -> str:
    entry = ec2.describe_instances(InstanceIds=[machine.instance])["Reservations"][0]["Instances"][0]
    name = str(entry.get("KeyName") or "")
    if not name:
        alternative = ALTERNATIVE.format(node=machine.node)
        raise OperatorError(
            f"{machine.node} ({machine.instance}) was launched without a key pair, so EC2 has no password: "
            f"{alternative}"
        )
    return name


def _not_ready(machine: Machine, age: float) -> str:
    fact = (
        f"EC2 has no password of {machine.node} ({machine.instance}), which was launched {duration(age)} ago"
    )
    if age < PASSWORD_SECONDS:
        return f"{fact}: Windows takes up to {duration(PASSWORD_SECONDS)}, try again later"
    return (
        f"{fact}; Windows takes at most {duration(PASSWORD_SECONDS)}: {ALTERNATIVE.format(node=machine.node)}"
    )


def decrypt(encrypted: str, key: RSAPrivateKey, origin: str) -> str:
    """Decrypt the password and check it.

    A wrong key yields random bytes without an error (implicit rejection), so the result must look like a
    password.
    """
    wrong = OperatorError(f"{origin}: --key is the private key of another pair")
    try:
        password = key.decrypt(base64.b64decode(encrypted), PKCS1v15()).decode("ascii")
    except ValueError as problem:
        raise wrong from problem
    if len(password) < SHORTEST or not password.isprintable():
        raise wrong
    return password
