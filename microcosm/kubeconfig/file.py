"""Read, lock and replace kubeconfig files; the lock is kubectl's."""

import os
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from .. import files
from ..errors import OperatorError, UsageError
from .document import Document, check

PRIVATE = 0o600
LOCK_TIMEOUT_SECONDS = 5.0


# Dates are read as text; otherwise PyYAML would write them back in another form.
_WITHOUT_DATES = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers = _WITHOUT_DATES


class _Dumper(yaml.SafeDumper):
    yaml_implicit_resolvers = _WITHOUT_DATES


def users_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the file that kubectl itself would write a new context to.

    It is the first existing file of KUBECONFIG, else its last, else ~/.kube/config (client-go v0.35.8,
    tools/clientcmd/config.go, GetDefaultFilename).
    """
    named = [Path(part) for part in environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    if not named:
        return Path.home() / ".kube" / "config"
    return next((path for path in named if path.exists()), named[-1])


def own_file(stack: str) -> Path:
    """Return the default file for the kubeconfig of one stack alone; it is outside any checkout."""
    return Path.home() / ".kube" / f"microcosm-{stack}.yaml"


def dump(config: Document) -> str:
    """Render a document as YAML, in its own order."""
    return yaml.dump(config, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def load(path: Path) -> Document:
    """Read the document of a file; an absent or empty file is an empty document."""
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        document: Any = yaml.load(text, Loader=_Loader)  # noqa: S506 (it is a SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as problem:
        raise UsageError(
            f"{path} cannot be read as YAML ({type(problem).__name__}): nothing was changed"
        ) from problem
    return check(document, str(path))


def write(path: Path, config: Document) -> None:
    """Replace a file by a document; only its owner can read it."""
    try:
        files.replace(path, dump(config))
    except OSError as problem:
        raise OperatorError(f"{path} cannot be written: {problem.strerror}") from problem


def edit(path: Path, change: Callable[[Document], Document]) -> tuple[Document, Document]:
    """Apply a change to a file under kubectl's lock and return the documents before and after.

    Unchanged content is not written.
    """
    with _locked(path):
        before = load(path)
        after = change(before)
        if after != before:
            write(path, after)
    return before, after


@contextmanager
def _locked(path: Path) -> Generator[None]:
    """Hold `<path>.lock`, whose existence is kubectl's lock.

    Source: client-go v0.35.8, tools/clientcmd/loader.go, lockFile.
    """
    lock = path.with_name(f"{path.name}.lock")
    deadline = time.monotonic() + LOCK_TIMEOUT_SECONDS
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL, PRIVATE))
            break
        except FileExistsError as held:
            if time.monotonic() >= deadline:
                raise OperatorError(
                    f"{path} is locked by another program; if none is running, delete {lock} and try again"
                ) from held
            time.sleep(0.1)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
