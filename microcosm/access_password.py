"""The Windows administrator's password: asked of EC2, decrypted here with the private key, and kept nowhere.

EC2 stores it encrypted with the public key of the pair that the instance was launched with (PKCS #1 v1.5).
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

from .aws import Session
from .errors import OperatorError, UsageError
from .fleet import Machine
from .output import duration

USER = "Administrator"
# "We recommend that you wait up to 15 minutes after launching an instance" (EC2 API, GetPasswordData).
PASSWORD_SECONDS = 15 * 60
# Shorter texts than any password of EC2Launch come out of a wrong key too often to be believed.
SHORTEST = 8
OPENSSH = b"-----BEGIN OPENSSH PRIVATE KEY-----"
WITHOUT = "`microcosm shell {node}` works without: there, `net user Administrator *` sets one"


def read_key(path: Path, ask: Callable[[], str]) -> RSAPrivateKey:
    """The private key of a file; `ask` is asked for the passphrase if there is one."""
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise UsageError(f"--key {path} cannot be read ({problem.strerror}): name the private key file of the EC2 key pair") from problem
    key = _load(path, content, ask)
    if not isinstance(key, RSAPrivateKey):
        raise UsageError(f"--key {path} is no RSA key: EC2 encrypts Windows passwords with RSA key pairs only")
    return key


def _load(path: Path, content: bytes, ask: Callable[[], str]) -> Any:
    load: Callable[[bytes, bytes | None], Any] = load_ssh_private_key if content.lstrip().startswith(OPENSSH) else load_pem_private_key
    try:
        return load(content, None)
    except TypeError:
        pass  # the library's way to say that a passphrase is needed
    except (ValueError, UnsupportedAlgorithm) as problem:
        raise UsageError(f"--key {path} is not a private key in PEM or OpenSSH form: name the file that EC2 gave when the pair was made") from problem
    try:
        return load(content, ask().encode())
    except (ValueError, TypeError) as problem:
        raise UsageError(f"--key {path}: that is not its passphrase") from problem


def fetch(session: Session, machine: Machine, key: RSAPrivateKey, clock: Callable[[], float] = time.time) -> str:
    """The administrator's password of a Windows machine."""
    ec2 = session.client("ec2")
    pair = _key_pair(ec2, machine)
    encrypted = str(ec2.get_password_data(InstanceId=machine.instance)["PasswordData"]).strip()
    if not encrypted:
        raise OperatorError(_not_ready(machine, clock() - machine.launched))
    return decrypt(encrypted, key, f"the password of {machine.node} ({machine.instance}) was encrypted for the key pair {pair!r}")


def _key_pair(ec2: Any, machine: Machine) -> str:
    entry = ec2.describe_instances(InstanceIds=[machine.instance])["Reservations"][0]["Instances"][0]
    name = str(entry.get("KeyName") or "")
    if not name:
        without = WITHOUT.format(node=machine.node)
        raise OperatorError(f"{machine.node} ({machine.instance}) was launched without a key pair, so EC2 has no password of it: {without}")
    return name


def _not_ready(machine: Machine, age: float) -> str:
    since = f"{machine.node} ({machine.instance}), launched {duration(age)} ago, has told EC2 no password"
    if age < PASSWORD_SECONDS:
        return f"{since} yet: Windows takes up to {duration(PASSWORD_SECONDS)}, try again later"
    return f"{since}, though Windows takes {duration(PASSWORD_SECONDS)} at most: {WITHOUT.format(node=machine.node)}"


def decrypt(encrypted: str, key: RSAPrivateKey, whose: str) -> str:
    """The password. A wrong key gives random bytes without an error (implicit rejection), so the result is looked at."""
    wrong = OperatorError(f"{whose}: --key is the private key of another pair")
    try:
        password = key.decrypt(base64.b64decode(encrypted), PKCS1v15()).decode("ascii")
    except ValueError as problem:
        raise wrong from problem
    if len(password) < SHORTEST or not password.isprintable():
        raise wrong
    return password
