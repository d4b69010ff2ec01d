"""The digest of a blob, as registries and OCI layouts write it."""

import hashlib
from typing import Protocol


class Hash(Protocol):
    def hexdigest(self) -> str: ...


def of(data: bytes) -> str:
    """Return the digest of bytes that are all here."""
    return written(hashlib.sha256(data))


def written(made: Hash) -> str:
    """Return the digest of a SHA-256 that was fed piece by piece."""
    return f"sha256:{made.hexdigest()}"
