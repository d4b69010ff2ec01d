"""Kubeconfig files: read without loss, replaced in one step, locked as kubectl locks them."""

import os
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from .errors import OperatorError, UsageError
from .kubeconfig import Document, check

PRIVATE = 0o600
LOCK_PATIENCE_SECONDS = 5.0


# A date is the text that it is: read as a date it would be written back in another form.
_WITHOUT_DATES = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers = _WITHOUT_DATES


class _Dumper(yaml.SafeDumper):
    yaml_implicit_resolvers = _WITHOUT_DATES


def users_file(environ: Mapping[str, str] = os.environ) -> Path:
    """The file that kubectl itself would write a new context to (client-go v0.35.8, tools/clientcmd/config.go,
    GetDefaultFilename): the first existing one of KUBECONFIG, else its last, else ~/.kube/config."""
    named = [Path(part) for part in environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    if not named:
        return Path.home() / ".kube" / "config"
    return next((path for path in named if path.exists()), named[-1])


def own_file(stack: str) -> Path:
    """Where a kubeconfig of one stack alone goes unless told otherwise: outside any checkout."""
    return Path.home() / ".kube" / f"microcosm-{stack}.yaml"


def dump(config: Document) -> str:
    """A document as YAML, in its own order."""
    return yaml.dump(config, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def load(path: Path) -> Document:
    """The document in a file; an absent or empty file is an empty document."""
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        document: Any = yaml.load(text, Loader=_Loader)  # noqa: S506 (it is a SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as problem:
        raise UsageError(f"{path} cannot be read as YAML ({type(problem).__name__}): nothing was changed") from problem
    return check(document, str(path))


def write(path: Path, config: Document) -> None:
    """Put a document in a file that only its owner can read, in one step; a link is followed, not replaced."""
    place = path.resolve()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        # A temporary file is created with mode 0600, so that the key in it is never readable by others.
        with tempfile.NamedTemporaryFile("w", dir=place.parent, prefix=f".{place.name}.", delete=False, encoding="utf-8") as draft:
            draft.write(dump(config))
            draft.flush()
            os.fsync(draft.fileno())
        os.chmod(draft.name, PRIVATE)
        os.replace(draft.name, place)
    except OSError as problem:
        raise OperatorError(f"{path} cannot be written: {problem.strerror}") from problem


def edit(path: Path, change: Callable[[Document], Document]) -> tuple[Document, Document]:
    """Apply a change to a file under kubectl's lock; unchanged content is not written. Returns before and after."""
    with _locked(path):
        before = load(path)
        after = change(before)
        if after != before:
            write(path, after)
    return before, after


@contextmanager
def _locked(path: Path) -> Generator[None]:
    """Hold `<path>.lock`, the file whose existence is kubectl's lock (client-go v0.35.8, tools/clientcmd/loader.go, lockFile)."""
    lock = path.with_name(f"{path.name}.lock")
    deadline = time.monotonic() + LOCK_PATIENCE_SECONDS
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL, PRIVATE))
            break
        except FileExistsError as held:
            if time.monotonic() >= deadline:
                raise OperatorError(f"{path} is locked by another program; if none is running, delete {lock} and try again") from held
            time.sleep(0.1)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
